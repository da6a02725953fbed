"""The rules of the lifespan (ASGI, Lifespan protocol)."""

from __future__ import annotations

from .base import Message, Rules, Scope


class LifespanRules(Rules):
    """The rules of the lifespan."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self.received_kinds: list[str] = []
        self.sent_kinds: list[str] = []

    def received(self, message: Message) -> None:
        """Note a message on its way to the application."""
        kind = self.kind(message, 'the server')
        if kind not in ('lifespan.startup', 'lifespan.shutdown'):
            self.breach(f'the server sent {kind!r} in the lifespan')
        if kind in self.received_kinds:
            self.breach(f'the server sent {kind} twice')
        if kind == 'lifespan.shutdown' and 'lifespan.startup.complete' not in self.sent_kinds:
            self.breach('the server sent lifespan.shutdown before lifespan.startup.complete')
        self.received_kinds.append(kind)

    def sent(self, message: Message) -> None:
        """Note a message of the application."""
        kind = self.kind(message, 'the application')
        stage, _, outcome = kind.rpartition('.')
        if stage not in ('lifespan.startup', 'lifespan.shutdown') or outcome not in ('complete', 'failed'):
            self.breach(f'the application sent {kind!r} in the lifespan')
        if stage not in self.received_kinds:
            self.breach(f'the application sent {kind} before it received {stage}')
        if any(earlier.startswith(f'{stage}.') for earlier in self.sent_kinds):
            self.breach(f'the application sent {kind} when {stage} had been answered')
        if outcome == 'failed':
            self.typed(message, 'message', str, '')
        self.sent_kinds.append(kind)

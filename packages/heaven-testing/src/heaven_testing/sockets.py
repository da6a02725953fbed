"""One WebSocket."""

from __future__ import annotations

from .call import Call
from .exchange import CHUNK
from .rules import ASGIApp, Message, Scope, WebSocketRules
from .shared import Shared
from .waiting import Waiters, sleep, wake

OVERHEAD = 64  # bytes that each message counts, beside its data, of what the application may send ahead


class Socket(Call[WebSocketRules]):
    """One WebSocket, from its handshake on; what the application sends unread is held at 64 KiB."""

    def __init__(self, shared: Shared, app: ASGIApp, scope: Scope, rules: WebSocketRules) -> None:
        super().__init__(shared, app, scope, rules)
        self.writers: Waiters = []
        self.unread: int = 0
        self.inbox.append({'type': 'websocket.connect'})

    async def send(self, message: Message) -> None:
        """Take a message of the application, and hold it while too much is unread."""
        await super().send(message)
        self.unread += _size(message)
        while self.unread > CHUNK and not self.gone:
            await sleep(self.writers)

    def leave(self, code: int = 1006, reason: str = '') -> None:
        """Tell the application that its client has gone, once."""
        if not self.gone:
            self.inbox.append({'type': 'websocket.disconnect', 'code': code, 'reason': reason})
            super().leave()
            wake(self.writers)

    async def next(self, limit: float) -> Message | None:
        """Return the next message of the application, or None when it has ended well; raise what it raised."""
        if not self.outbox and not self.ended:
            await self.ready(limit)
        if self.outbox:
            message = self.outbox.popleft()
            self.unread -= _size(message)
            wake(self.writers)
            return message
        failure = self.failure()
        if failure is not None:
            raise failure
        return None


def _size(message: Message) -> int:
    return OVERHEAD + len(message.get('bytes') or message.get('text') or '')

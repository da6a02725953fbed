"""The lifespan of an application: how it is started, and how it is stopped."""

from __future__ import annotations

import contextvars
from enum import Enum
from typing import Any, Literal

from .call import Call
from .rules import ASGIApp, LifespanRules
from .rules.unchecked import lifespan_rules
from .shared import Shared
from .waiting import GRACE

Mode = Literal['auto', 'on', 'off']
_ANSWERS = ('lifespan.startup.complete', 'lifespan.startup.failed')


class LifespanFailed(RuntimeError):
    """The application answered `lifespan.startup.failed`, or `lifespan.shutdown.failed`, and raised nothing itself."""


class LifespanWarning(UserWarning):
    """The application raised on the lifespan scope, and so is taken to have no lifespan."""


class Stage(Enum):
    """How far a lifespan has come."""

    IDLE = 'not started, or over'
    STARTED = 'startup is complete'
    UNSUPPORTED = 'the application has no lifespan'


class Lifespan:
    """The lifespan of an application, once for each entering of a client.

    The modes are those of uvicorn: with `auto` an application that raises on the lifespan scope is taken to have none,
    with `on` it has to have one, and with `off` it is not asked.
    """

    def __init__(self, shared: Shared, mode: Mode, lint: bool) -> None:
        if mode not in ('auto', 'on', 'off'):
            raise ValueError(f"lifespan is {mode!r}, not 'auto', 'on' or 'off'")
        self.shared = shared
        self.mode = mode
        self.lint = lint
        self.stage: Stage = Stage.IDLE
        self.error: Exception | None = None  # what an application raised that is taken to have no lifespan
        self.state: dict[str, Any] = {}
        self._call: Call[LifespanRules] | None = None

    async def startup(self, app: ASGIApp) -> None:
        """Send `lifespan.startup`; an application that knows no lifespan is served without.

        Raises LifespanFailed, or what the application raised when it answered that its startup has failed.
        """
        if self.mode == 'off':
            return
        scope: dict[str, Any] = {'type': 'lifespan', 'asgi': {'version': '3.0', 'spec_version': '2.0'}}
        scope['state'] = self.state
        before, context = contextvars.copy_context(), contextvars.copy_context()
        lifespan = Call(self.shared, app, scope, lifespan_rules(scope, self.lint))
        lifespan.deliver({'type': 'lifespan.startup'})
        lifespan.start(context)
        self.shared.open.discard(lifespan)
        await lifespan.ready(self.shared.limit)
        answer = lifespan.outbox.popleft() if lifespan.outbox else {'type': ''}
        if answer['type'] not in _ANSWERS:
            self._do_without(lifespan)
            return
        if answer['type'] == 'lifespan.startup.failed':
            await lifespan.end(GRACE)
            failure = lifespan.failure(hidden=True)
            lifespan.cancel()
            raise failure or LifespanFailed(answer.get('message') or 'the application gave no reason')
        self._call = lifespan
        self.stage = Stage.STARTED
        self.shared.note_changes(before, context)

    def _do_without(self, lifespan: Call[LifespanRules]) -> None:
        """Go on as with an application that has no lifespan, unless the mode or what it raised forbids it."""
        failure = lifespan.failure(hidden=True)
        lifespan.cancel()
        if failure is not None and not isinstance(failure, Exception):
            raise failure
        if self.mode == 'on':
            raise failure or LifespanFailed('the application has not answered lifespan.startup')
        self.stage = Stage.UNSUPPORTED
        self.error = failure

    async def shutdown(self) -> None:
        """Send `lifespan.shutdown`, if there was a startup. Raises what the application raised, or LifespanFailed."""
        lifespan, self._call = self._call, None
        self.stage = Stage.IDLE
        self.error = None
        self.state = {}
        if lifespan is None:
            return
        if not lifespan.ended:
            lifespan.deliver({'type': 'lifespan.shutdown'})
            await lifespan.ready(self.shared.limit)
        answer = lifespan.outbox.popleft() if lifespan.outbox else {'type': ''}
        if not await lifespan.end(GRACE):
            lifespan.cancel()
        failure = lifespan.failure(hidden=True)
        if failure is not None:
            raise failure
        if answer['type'] == 'lifespan.shutdown.failed':
            raise LifespanFailed(answer.get('message') or 'the application gave no reason')

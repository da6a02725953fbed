"""What stands in for the server: it calls an ASGI application on an event loop, one task a connection."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

from . import observing
from .call import Call, Presence, whereabouts
from .exchange import Exchange
from .library import httpx
from .lifespan import Lifespan, Mode
from .replacing import Replacements
from .rules import ASGIApp
from .rules.unchecked import http_rules, websocket_rules
from .scopes import Address, Scopes
from .shared import Shared, client_of_task
from .sockets import Socket
from .waiting import GRACE


class Engine:
    """One application on one event loop: its lifespan, and the connections to it."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        raise_app_exceptions: bool = True,
        client: Address = ('127.0.0.1', 50000),
        root_path: str = '',
        limit: float = 30.0,
        lint: bool = True,
        lifespan: Mode = 'auto',
    ) -> None:
        self.limit = limit
        self.lint = lint
        self.shared: Shared = Shared(raise_app_exceptions, limit)
        self.scopes: Scopes = Scopes(client, root_path, lint)
        self.lifespan: Lifespan = Lifespan(self.shared, lifespan, lint)
        self.replacements: Replacements = Replacements(app)

    def exchange(self, request: httpx.Request) -> Exchange:
        """Begin a request, its body left out."""
        scope = self.scopes.http(request, self.lifespan.state)
        observing.prepare(scope)
        return Exchange(self.shared, self.replacements.app, scope, http_rules(scope, self.lint))

    def socket(self, request: httpx.Request, subprotocols: list[str]) -> Socket:
        """Begin a WebSocket."""
        scope = self.scopes.websocket(request, self.lifespan.state, subprotocols)
        observing.prepare(scope)
        return Socket(self.shared, self.replacements.app, scope, websocket_rules(scope, self.lint))

    async def startup(self) -> None:
        """Choose the application that runs, and start it."""
        is_started = self.lifespan.mode != 'off'
        self.replacements.enter(ends_run=is_started)
        await self.lifespan.startup(self.replacements.app)
        if is_started:
            self.replacements.check()

    async def shutdown(self) -> None:
        """End what still goes on, send `lifespan.shutdown`, and cancel the tasks that the application has left."""
        failures = await self._end_calls()
        try:
            await self.lifespan.shutdown()
        except BaseException as error:
            failures.append(error)
        self.replacements.leave()
        failures += await self._sweep()
        self.shared.alarm.stop()
        self.shared.changes = []
        if failures:
            for other in failures[1:]:
                failures[0].add_note(f'Also at the end of the client: {other!r}')
            raise failures[0]

    async def _end_calls(self) -> list[BaseException]:
        """Leave all connections, cancel those that do not notice, and return what went wrong in them."""
        calls: list[Call[Any]] = list(self.shared.open)
        for each in calls:
            each.leave(1001)
        await _cancel([each for each in calls if each.presence is Presence.GIVEN_UP], calls)
        await _cancel(calls, calls)
        failures: list[BaseException] = []
        for each in calls:
            if each.ended:
                failure = each.failure()
            else:
                failure = TimeoutError(f'{each}: it does not end; {whereabouts(each.task)}')
            if failure is not None:
                failures.append(failure)
        return failures

    async def _sweep(self) -> list[BaseException]:
        """Cancel the tasks that the application has left behind; a task tells its context from Python 3.12 on."""
        if sys.version_info < (3, 12):
            return []
        tasks = [task for task in asyncio.all_tasks() if task.get_context().get(client_of_task) is self.shared]
        if not tasks:
            return []
        for task in tasks:
            task.cancel()
        _, pending = await asyncio.wait(tasks, timeout=GRACE)
        return [TimeoutError(f'a task of the application does not end when cancelled: {task!r}') for task in pending]


async def _cancel(cancelled: list[Call[Any]], calls: list[Call[Any]]) -> None:
    """Cancel some calls, and wait a moment for all of them to end."""
    for each in cancelled:
        each.cancel()
    deadline = time.monotonic() + GRACE
    for each in calls:
        await each.end(max(deadline - time.monotonic(), 0.001))

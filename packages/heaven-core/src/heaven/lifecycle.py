"""The life of an app: what it keeps, how it starts and stops, and what runs beside it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from copy import copy
from typing import TYPE_CHECKING, Any

from heaven.hooks import Hook
from heaven.routing import Pattern, Route
from heaven.serving import log
from heaven.types import Handler, Message, Receive, Scope, Send

if TYPE_CHECKING:
    from heaven.app import App
    from heaven.mounting import Mount
    from heaven.table import Table

STARTUP, SHUTDOWN = 'startup', 'shutdown'


class Lifecycle:
    """What an app has registered, and its run: the time from startup to shutdown."""

    parent: App | None = None
    debug: bool
    _fast: Table | None = None
    _tables: dict[str, Table] | None = None
    _running = False
    _starting = False
    _shared = False
    _alone = False
    _holders = 0
    _lock: Any = None
    _stack: Any = None
    _preflight: Any = None
    _probe: Handler | None = None
    _replace: Callable[[Any], Any] | None = None

    def __init__(self) -> None:
        self._routes: list[Route] = []
        self._shapes: dict[Any, Pattern] = {}
        self._hooks: list[Hook] = []
        self._errors: dict[Any, Any] = {}
        self._mounts: list[Mount] = []
        self._labels: set[str] = {'www'}
        self._middlewares: list[tuple[Callable[..., Any], dict[str, Any]]] = []
        self._events: list[tuple[str, Any]] = []
        self._daemons: list[Any] = []
        self._assets: list[tuple[str, Any]] = []
        self._state: dict[str, Any] = {}
        self._base: dict[str, Any] = {}
        self._pinned: dict[str, Any] = {}
        self._parts: list[Any] = []

    def ON(self, event: str, func: Any = None) -> Any:
        """Registers `func(app)` for `STARTUP` or `SHUTDOWN`: async or not, a dotted path, or an async generator.

        A generator runs up to its `yield` at startup, the rest at shutdown. Shutdown is in the reverse order.
        """
        if func is None:
            return lambda func: self.ON(event, func) or func
        if event not in (STARTUP, SHUTDOWN):
            raise ValueError(f'{event!r} is no event: use STARTUP or SHUTDOWN')
        self._open()._events.append((event, func))
        return None

    def ONCE(self, func: Any) -> Any:
        """Registers `func(app)` for the startup."""
        return self.ON(STARTUP, func) or func

    def DAEMON(self, func: Any) -> Any:
        """Runs `func(app)` in the background from startup to shutdown.

        A number that it returns is the seconds to its next run, None or False ends it; when it fails it runs again,
        a little later each time.
        """
        self._open()._daemons.append(func)
        return func

    @property
    def daemons(self) -> list[Any]:
        """The functions that run in the background; `app.daemons = f` adds one."""
        return list(self._daemons)

    @daemons.setter
    def daemons(self, func: Any) -> None:
        self.DAEMON(func)

    @property
    def _kept(self) -> dict[str, Any]:
        return self.parent._kept if self._shared and self.parent is not None else self._state

    def keep(self, key: str, value: Any) -> None:
        """Keeps a value under a key: for good before the app starts, for the rest of the run after."""
        if not (self._starting and key in self._pinned):
            self._kept[key] = value

    def copy(self, replace: Callable[[Any], Any] | None = None, keeping: Mapping[str, Any] | None = None) -> App:
        """Copies the app and all that is mounted on it, for tests and tools; what happens to the copy stays there.

        `replace(function)` is asked for every registered function or dotted path what to use in its place, None to
        leave it out. `keeping` is state that wins over what startup keeps. The copy of a running app is running.
        """
        twin: Any = copy(self)
        for name in ('_routes', '_hooks', '_middlewares', '_events', '_daemons', '_assets'):
            setattr(twin, name, list(getattr(self, name)))
        for name in ('_shapes', '_errors', '_state', '_base', 'types', '_labels', '_handlers'):
            setattr(twin, name, copy(getattr(self, name)))
        twin._app, twin._lock, twin._stack, twin._holders, twin._parts = twin, None, None, 0, []
        twin._mounts = [mount.copied(twin) for mount in self._mounts]
        if replace is not None:
            twin._replace = replace
        twin._pinned = {**self._pinned, **(keeping or {})}
        if self._running:
            twin._state.update(keeping or {})
            if self.parent is None:
                twin._compile()
        return twin  # type: ignore[no-any-return]

    def _open(self) -> App:
        if self._running:
            raise RuntimeError('the app is running: register before it starts, or after it has shut down')
        return self  # type: ignore[return-value]

    def _root(self) -> App:
        app: Any = self
        while app.parent is not None:
            app = app.parent
        return app  # type: ignore[no-any-return]

    def _resolve(self, target: Any, where: str) -> Any:
        """Gives what to call for what was registered, or None if it is to be left out."""
        replace = self._root()._replace
        if replace is not None:
            target = replace(target)
        if isinstance(target, str):
            from heaven.resolving import imported

            where, target = f'{where}: {target!r}', imported(target, self, where)  # type: ignore[arg-type]
        if target is not None and not callable(target):
            raise TypeError(f'{where} cannot be called: it is of type {type(target).__name__}')
        return target

    def _compile(self) -> None:
        """Turns the registrations into what serves requests."""
        from heaven.table import compile_tables

        self._tables = compile_tables(self)  # type: ignore[arg-type]
        self._alone = not (len(self._tables) > 1 or self._middlewares or self._preflight)
        self._fast = self._tables['www'] if self._alone and not self._starting else None

    async def _start(self) -> None:
        from heaven.daemons import Daemon
        from heaven.mounting import foreign_lifespan
        from heaven.table import walk

        apps = [place.app for place in walk(self)]  # type: ignore[arg-type]
        self._starting = True
        try:
            self._compile()
            for app in apps:
                app._base, app._state = app._state, {**app._state, **app._pinned}
                app._running = app._starting = True
            for app in apps:
                for event, func in app._events:
                    await self._begin(event, app._resolve(func, event), app)
                for mount in app._mounts:
                    if mount.foreign is not None:
                        await self._begin(STARTUP, foreign_lifespan(mount), app)
            for app in apps:
                for daemon in (app._resolve(func, 'DAEMON') for func in app._daemons):
                    if daemon is not None:
                        self._parts.append(Daemon(daemon, app).stop)
        except BaseException:
            await self._stop()
            raise
        for app in apps:
            app._starting = False
        self._fast = self._tables['www'] if self._tables and self._alone else None

    async def _begin(self, event: str, func: Any, app: App) -> None:
        if func is None:
            return
        if event == SHUTDOWN:
            self._parts.append(lambda: func(app))
            return
        made = func(app)
        if hasattr(made, '__anext__'):
            await anext(made, None)
            self._parts.append(lambda: finish(made))
        elif isinstance(made, Awaitable):
            await made
        elif hasattr(made, '__next__'):
            raise TypeError(f'{func!r} is a plain generator: write it as async def, so that it runs up to its yield')

    async def _stop(self) -> list[BaseException]:
        """Undoes what was started, in reverse, all of it; gives what failed."""
        from asyncio import CancelledError

        from heaven.table import walk

        self._fast, failures = None, []
        while self._parts:
            try:
                made = self._parts.pop()()
                if isinstance(made, Awaitable):
                    await made
            except (Exception, CancelledError) as error:
                log().error('shutdown failed', exc_info=error)
                failures.append(error)
        for app in (place.app for place in walk(self)):  # type: ignore[arg-type]
            if app._running:
                app._state = app._base
            app._running = app._starting = False
        return failures

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        """Answers the lifespan messages of a server (ASGI, Lifespan Protocol)."""
        from asyncio import CancelledError

        while True:
            message = await receive()
            if message['type'] == 'lifespan.startup':
                try:
                    if not self._running:
                        await self._start()
                    self._holders += 1
                except (Exception, CancelledError) as error:
                    log().error('startup failed', exc_info=error)
                    reason = f'{type(error).__name__}: {error}'
                    return await send({'type': 'lifespan.startup.failed', 'message': reason})
                await send({'type': 'lifespan.startup.complete'})
            else:
                self._holders -= 1
                failures = [] if self._holders > 0 else await self._stop()
                if failures:
                    reason = '; '.join(f'{type(error).__name__}: {error}' for error in failures)
                    return await send({'type': 'lifespan.shutdown.failed', 'message': reason})
                return await send({'type': 'lifespan.shutdown.complete'})

    async def _enter(self, scope: Scope, receive: Receive, send: Send) -> Table | None:
        """Gives the table for a request that the fast way does not serve, or serves the connection and gives None."""
        kind = scope['type']
        if self._middlewares and scope.get('heaven.inside') is not self:
            scope['heaven.inside'] = self
            await self._through(scope, receive, send)
        elif kind == 'lifespan':
            await self._lifespan(receive, send)
        elif kind not in ('http', 'websocket'):
            raise ValueError(f'Heaven serves http, websocket and lifespan, not {kind!r}')
        elif self._running and not self._starting or await self._first(scope, receive, send):
            table = self._table_of(scope)
            if kind == 'websocket':
                from heaven.sockets import serve

                await serve(self, table, scope, receive, send)  # type: ignore[arg-type]
            elif not (self._preflight and scope['method'] == 'OPTIONS' and await self._preflight(scope, send)):
                return table
        return None

    def _table_of(self, scope: Scope) -> Table:
        """Gives the table of the subdomain that was asked for."""
        tables: Any = self._tables
        if len(tables) == 1:
            return tables['www']  # type: ignore[no-any-return]
        label = label_of(scope, self._root().domain)
        return tables.get(label) or tables.get('*') or tables['']  # type: ignore[no-any-return]

    async def _first(self, scope: Scope, receive: Receive, send: Send) -> bool:
        """Starts an app whose server knows no lifespan; a failure is answered and tried again by the next request."""
        from asyncio import Lock, get_running_loop

        loop = get_running_loop()
        if self._lock is None or self._lock[0] is not loop:
            self._lock = (loop, Lock())
        async with self._lock[1]:
            try:
                if not self._running:
                    await self._start()
            except Exception as error:
                log().error('startup failed', exc_info=error)
                await refuse(scope, send)
                self._report(scope, error)
                return False
        return True

    async def _through(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves a connection through the middlewares, and lets none of their failures out while it can answer."""
        if self._stack is None:
            self._stack = self
            for middleware, options in self._middlewares:
                self._stack = middleware(self._stack, **options)
        state = 'waiting'

        async def watched(message: Message) -> None:
            nonlocal state
            state = 'begun' if message.get('more_body') or message['type'] == 'http.response.start' else 'done'
            await send(message)

        try:
            await self._stack(scope, receive, watched)
        except Exception as error:
            if scope['type'] == 'lifespan' or state == 'begun':
                raise
            if state == 'waiting':
                log().error('a middleware failed', exc_info=error)
                await refuse(scope, send)
            if (errors := scope.get('heaven.errors')) is not None:
                errors.append(error)

    def _report(self, scope: Scope, error: Exception) -> None:
        """Lets a failure that was answered go on through the middlewares, or to whoever listens for it."""
        if self._middlewares:
            raise error
        if (errors := scope.get('heaven.errors')) is not None:
            errors.append(error)


def label_of(scope: Scope, domain: str | None) -> str:
    """Gives the subdomain of a request: that of its one Host header."""
    from heaven.urls import subdomain

    hosts = [value for name, value in scope['headers'] if name == b'host']
    return subdomain(hosts[0].decode('latin-1') if len(hosts) == 1 else '', domain)


async def refuse(scope: Scope, send: Send) -> None:
    """Answers a plain 500, or closes a WebSocket that nobody could serve."""
    if scope['type'] == 'websocket':
        return await send({'type': 'websocket.close', 'code': 1011, 'reason': ''})
    body = b'Internal Server Error'
    fields = [(b'content-type', b'text/plain; charset=utf-8'), (b'content-length', b'%d' % len(body))]
    await send({'type': 'http.response.start', 'status': 500, 'headers': fields})
    await send({'type': 'http.response.body', 'body': b'' if scope['method'] == 'HEAD' else body})


async def finish(generator: Any) -> None:
    """Runs the rest of an async generator."""
    async for _ in generator:
        await generator.aclose()
        raise RuntimeError(f'{generator!r} has a second yield: startup is up to the first, shutdown is the rest')

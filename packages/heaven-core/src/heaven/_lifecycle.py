"""The life of an app: what it keeps, how it starts and stops, and what runs beside it."""

from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial, reduce
from typing import Any, cast

from heaven import errors
from heaven._resolving import imported, is_async, log, off_loop, refuse_generator, settled
from heaven._routing import Route
from heaven._serving import refuse, watch
from heaven._table import compile_tables, walk
from heaven.types import App, ASGIApp, Receive, Scope, Send, Table

STARTUP, SHUTDOWN, DAEMON = 'startup', 'shutdown', 'daemon'
FIRST_PAUSE, LONGEST_PAUSE, PATIENCE = 0.1, 60.0, 10.0


class Lifecycle:
    """What an app has registered, and its run: the time from startup to shutdown."""

    parent: App | None = None
    _under = _label = _tables = _stack = _preflight = _probe = _replace = cast(Any, None)
    _running, _ready, _shared, _holders = False, False, False, 0

    def __init__(self) -> None:
        self._hooks, self._mounts, self._middlewares, self._events, self._assets, self._parts = (
            list[Any]() for _ in range(6)
        )
        self._shapes, self._errors, self._state, self._base, self._pinned, self._locks, self._foreign = (
            dict[Any, Any]() for _ in range(7)
        )
        self._routes, self._labels = list[Route](), {'www'}

    def ON(self, event: str, func: Any = None) -> Any:
        """Registers `func(app)` for `STARTUP` or `SHUTDOWN`: async or not, a dotted path, or an async generator.

        A generator runs up to its `yield` at startup, the rest at shutdown. Shutdown is in the reverse order.
        """
        if func is None:
            return partial(self.ON, event)
        errors.refuse(
            event not in (STARTUP, SHUTDOWN, DAEMON), ValueError, f'{event!r} is no event: use STARTUP or SHUTDOWN'
        )
        refuse_generator(func, event, 0x220 * (event == STARTUP))
        self._open(func)._events.append((event, func))
        return func

    def ONCE(self, func: Any) -> Any:
        """Registers `func(app)` for the startup."""
        return self.ON(STARTUP, func)

    def DAEMON(self, func: Any) -> Any:
        """Runs `func(app)` in the background from startup to shutdown.

        A number that it returns is the seconds to its next run, None or False ends it; when it fails it runs again,
        a little later each time.
        """
        return self.ON(DAEMON, func)

    daemons: Any = property(None, DAEMON, doc='`app.daemons = f` is `app.DAEMON(f)`.')

    _kept: Any = property(lambda self: self.parent._kept if self._shared and self.parent else self._state)

    def copy(self, replace: Callable[[Any], Any] | None = None, keeping: Mapping[str, Any] | None = None) -> App:
        """Copies the app and all that is mounted on it, for tests and tools; what happens to the copy stays there.

        `replace(function)` is asked for every registered function or dotted path what to use in its place, None to
        leave it out; for a shutdown function or a daemon again when it runs. `keeping` is state that wins over what
        startup keeps. The copy of a running app is running.
        """
        twin: Any = type(self).__new__(type(self))
        pinned = {**self._pinned, **(keeping or {})}
        vars(twin).update(
            {name: value.copy() if type(value) in (list, dict, set) else value for name, value in vars(self).items()},
            _app=twin,
            parent=None,
            _replace=replace or self._replace,
            _state={**self._state, **pinned},
            _pinned=pinned,
            _stack=None,
            _locks={},
            _holders=0,
            _parts=[],
        )
        twin._mounts = [child.copy() for child in self._mounts]
        for child in twin._mounts:
            child.parent = twin
        (twin._compile if self._running and self.parent is None else twin._point)()
        return twin  # type: ignore[no-any-return]

    def _open(self, func: Any = '') -> App:
        """Gives the app for something to be registered on it, and refuses what nobody could call."""
        errors.refuse(
            self._running, RuntimeError, 'the app is running: register before it starts, or after it has shut down'
        )
        errors.refuse(
            not callable(func) and not isinstance(func, str),
            TypeError,
            f'{func!r:.80} is neither a callable nor the dotted path of one',
        )
        return cast('App', self)

    def _root(self) -> App:
        return self.parent._root() if self.parent else cast('App', self)

    def _resolve(self, target: Any, where: str, generator: int = 0) -> Any:
        """Gives what to call for what was registered, or None if it is to be left out.

        `generator` is the flag of the generator functions that have a meaning there.
        """
        target = target if (replace := self._root()._replace) is None else replace(target)
        if isinstance(target, str):
            where, target = f'{where}: {target!r}', imported(target, cast('App', self), where)
        errors.refuse(
            target is not None and not callable(target),
            TypeError,
            f'{where} cannot be called: it is of type {type(target).__name__}',
        )
        refuse_generator(target, where, generator)
        return target

    def _compile(self) -> None:
        """Turns the registrations into what serves requests."""
        self._tables = compile_tables(cast('App', self))
        self._point()

    def _point(self) -> None:
        """Points calls of the app, which C makes, at what serves them: when it can be, one table of requests."""
        serve = (
            self._through
            if self._middlewares
            else self._tables['www'].serve
            if self._ready and len(self._tables) == 1 and not self._preflight
            else self._enter
        )
        cast(Any, self).__setstate__((serve, (), {}, {**vars(self), '__call__': self._enter}))

    async def _begin(self) -> BaseException | None:
        """Starts the app, once for all who ask at the same time; gives what it failed with."""
        from asyncio import Lock, get_running_loop

        async with self._locks.setdefault(get_running_loop(), Lock()):
            try:
                return None if self._ready else await failure_of(STARTUP, self._start)
            finally:
                if not self._ready:
                    await self._stop()

    async def _start(self) -> None:
        apps = [place.app for place in walk(cast('App', self))]
        errors.refuse(
            any(app._middlewares for app in apps[1:]),
            ValueError,
            'app.use wraps a whole app: use the middleware on the app that the others are mounted on',
        )
        self._compile()
        for app in apps:
            app._base, app._state, app._running = app._state, dict(app._state), True
        for event, func, registered, app in sorted(
            (
                (event, func, registered, each)
                for each in apps
                for event, registered in (*each._events, *((STARTUP, foreign.life) for foreign in each._foreign))
                if (func := each._resolve(registered, event, 0x220 * (event == STARTUP))) is not None
            ),
            key=lambda item: item[0] == DAEMON,
        ):
            made = (
                partial(shut, registered, app)
                if event == SHUTDOWN
                else daemon(registered, app)
                if event == DAEMON
                else func(app)
            )
            errors.refuse(
                hasattr(made, '__next__'),
                TypeError,
                f'{func!r} is a plain generator: write it as async def, so that it runs to its yield',
            )
            if event == SHUTDOWN:
                self._parts.append(made)
            elif hasattr(made, '__anext__'):
                await anext(made, None)
                self._parts.append(partial(finish, made))
            else:
                await settled(made)
            self._state.update(self._pinned)
        self._ready, self._locks = True, {}
        self._point()

    async def _stop(self) -> list[str]:
        """Undoes what was started, in reverse, all of it; tells what failed."""
        failures, self._stack = [await failure_of(SHUTDOWN, self._parts.pop()) for _ in self._parts[:]], None
        for app in [place.app for place in walk(cast('App', self))]:
            app._state, app._running, app._ready = app._base if app._running else app._state, False, False
            app._point()
        return [f'{type(error).__name__}: {error}' for error in failures if error is not None]

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        """Answers the lifespan messages of a server (ASGI, Lifespan Protocol)."""
        await receive()
        if (error := await self._begin()) is not None:
            return await send({'type': 'lifespan.startup.failed', 'message': f'{type(error).__name__}: {error}'})
        self._holders += 1
        await send({'type': 'lifespan.startup.complete'})
        await receive()
        self._holders -= 1
        failures = [] if self._holders else await self._stop()
        await send(
            {'type': 'lifespan.shutdown.failed', 'message': '; '.join(failures)}
            if failures
            else {'type': 'lifespan.shutdown.complete'}
        )

    async def _enter(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves a connection of any kind, inside of the middlewares."""
        kind = scope['type']
        if kind == 'lifespan':
            await self._lifespan(receive, send)
        elif kind not in ('http', 'websocket'):
            raise ValueError(f'Heaven serves http, websocket and lifespan, not {kind!r}')
        elif not self._ready and (error := await self._begin()) is not None:
            await refuse(scope, send)
            self._report(scope, error)
        else:
            table: Table = (
                self._tables.get(label_of(scope, self._root().domain) if len(self._tables) > 1 else 'www')
                or self._tables.get('*')
                or self._tables['']
            )
            if kind == 'websocket':
                from heaven.sockets import serve

                await serve(cast('App', self), table, scope, receive, send)
            elif not (self._preflight and scope['method'] == 'OPTIONS' and await self._preflight(scope, send)):
                await table.serve(scope, receive, send)

    async def _through(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves a connection through the middlewares, and lets none of their failures out while it can answer."""
        self._stack = self._stack or self._wrapped()
        state, error = await watch(self._stack, scope, receive, send)
        if state == 'begun':
            raise error
        if state == 'waiting':
            log().error('a middleware failed', exc_info=error)
            await refuse(scope, send)
        if error is not None:
            scope.get('heaven.errors', []).append(error)

    def _wrapped(self) -> ASGIApp:
        """Puts the middlewares around the app, which is a function to them: by that some tell ASGI 3 from ASGI 2."""

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await self._enter(scope, receive, send)

        return reduce(lambda inner, use: use[0](inner, **use[1]), self._middlewares, app)

    def _report(self, scope: Scope, error: BaseException) -> None:
        """Lets a failure that was answered go on through the middlewares, or to whoever listens for it."""
        if self._middlewares or not isinstance(error, Exception):
            raise error
        scope.get('heaven.errors', []).append(error)


def label_of(scope: Scope, domain: str | None) -> str:
    """Gives the first label of a request's host, if it has one Host and that is a subdomain, else `www`.

    `domain` is the registered domain the app serves; without one a host of three labels or more has a
    subdomain, and one of two that ends in `localhost`.
    """
    from heaven._urls import ADDRESS, AUTHORITY

    match = AUTHORITY.fullmatch(','.join(str(value, 'latin-1') for name, value in scope['headers'] if name == b'host'))
    name = match['host'].lower().removesuffix('.') if match else ''
    label, _, rest = name.partition('.')
    known = '.' in rest or rest == 'localhost' if domain is None else name.endswith(f'.{domain.lower()}')
    return label if known and label and not ADDRESS.fullmatch(name) else 'www'


async def failure_of(event: str, part: Callable[[], Any]) -> BaseException | None:
    """Runs a part of a startup or shutdown, logs what it failed with and gives it; to exit is to fail too."""
    try:
        await settled(part())
        return None
    except (GeneratorExit, KeyboardInterrupt):
        raise
    except BaseException as error:
        log().error('%s failed', event, exc_info=error)
        return error


def shut(registered: Any, app: App) -> Any:
    """Calls a shutdown function, or what was put in its place since the startup."""
    return None if (func := app._resolve(registered, SHUTDOWN)) is None else func(app)


async def finish(generator: Any) -> None:
    """Runs the rest of an async generator."""
    async for _ in generator:
        await generator.aclose()
        raise RuntimeError(f'{generator!r} has a second yield: startup is up to the first, shutdown is the rest')


async def daemon(registered: Any, app: App) -> AsyncIterator[None]:
    """Runs a function in the background: a startup, a yield and a shutdown.

    What is put in its place meanwhile has the next run. What is in a thread cannot be cancelled: the shutdown waits a
    while for the lock that it holds.
    """
    from asyncio import CancelledError, Lock, create_task, sleep, wait, wait_for

    thread = Lock()

    async def run() -> None:
        """Calls the function again and again, as it asks; after a failure with a pause that doubles."""
        pause, backoff = 0.0, FIRST_PAUSE
        while pause is not None and pause is not False and not task.cancelling():
            try:
                await sleep(pause)
                async with thread:
                    out = (
                        None
                        if (func := app._resolve(registered, DAEMON)) is None
                        else func(app)
                        if is_async(func)
                        else await off_loop(func, app)
                    )
                pause = await settled(out)
                errors.refuse(
                    pause is not None and not (isinstance(pause, (int, float)) and pause == pause),
                    TypeError,
                    f'a daemon returns the seconds to its next run or None, not {pause!r:.80}',
                )
                backoff = FIRST_PAUSE
            except (Exception, CancelledError) as error:
                if isinstance(error, Exception) or not task.cancelling():
                    log().error('daemon %r failed', registered, exc_info=error)
                pause, backoff = backoff, min(backoff * 2, LONGEST_PAUSE)

    task = create_task(run())
    yield
    try:
        await wait_for(thread.acquire(), PATIENCE)
    except TimeoutError:
        log().warning('daemon %r did not end in %.0f s and is left behind', registered, PATIENCE)
    task.cancel()
    await wait([task])

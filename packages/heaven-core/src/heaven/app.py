"""The application, and the lane: what serves a request in the common case."""

from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Self

from heaven._http.exchange import Exchange
from heaven._http.fixed_bodies import JSON, checked_json
from heaven._routing.functions import home_of
from heaven._routing.path import PERCENT
from heaven._serving.calling import warn_unused
from heaven._serving.inspection import Inspection, RouteInfo as RouteInfo
from heaven._serving.registering_app import AppVerbs
from heaven._serving.registrations import Observer, Registrations, check_body_limit
from heaven._serving.subdomains import checked_domain
from heaven.context import Context, Keeper
from heaven.errors import UrlError, optional
from heaven.overrides import Overrides
from heaven.request import Request
from heaven.response import Response
from heaven.types import Codec, Receive, Renderer, Scope, Send

if TYPE_CHECKING:
    from heaven.assets import AssetFolder

LENGTHS = [(b'content-length', b'%d' % size) for size in range(4096)]  # a made one costs 1.5 thousand instructions


@cache
def entrance() -> Callable[[Registrations, Scope, Receive, Send], Awaitable[None]]:
    """Return what serves a connection outside of the lane, imported with the first one."""
    from heaven._running.entry import enter

    return enter


class App(AppVerbs, Inspection, Keeper):
    """An ASGI application (ASGI 3.0): `await app(scope, receive, send)` serves one connection.

    `config` is a mapping or a callable that gives one; `debug` shows tracebacks; `max_body_size` is bytes; `domain`
    is the registered domain that subdomains are counted from; `json` replaces the codec, as `json=orjson` does.

        app = App({'SECRET': 'x'})
        app.GET('/', lambda req, res, ctx: res.out(200, 'Hello'))
    """

    def __init__(
        self,
        config: Mapping[str, Any] | Callable[[], Mapping[str, Any]] | None = None,
        *,
        debug: bool = False,
        max_body_size: int = 10 * 2**20,
        domain: str | None = None,
        json: Codec | None = None,
    ) -> None:
        AppVerbs.__init__(self, self)
        if json is not None and not (hasattr(json, 'loads') and hasattr(json, 'dumps')):
            raise TypeError(f'json is a codec, with loads(bytes) and dumps(value), as orjson is, not {json!r:.80}')
        self._registrations = Registrations(self, home_of(self), json)
        given = config() if callable(config) else config
        if given is not None and not hasattr(given, '__getitem__') or isinstance(given, (str, list, tuple)):
            raise TypeError(f'the configuration is a mapping, or a function that returns one, not {given!r:.80}')
        self._registrations.config = {} if given is None else given
        check_body_limit(max_body_size)
        self.debug: bool = debug
        self.max_body_size: int = max_body_size
        self.domain: str | None = checked_domain(domain)

    # The lane: the one function that puts speed before shape. It serves a request in the common case, whose answer is
    # two messages. Whatever is not common leaves it, for `_running.entry` at its beginning and for `_serving.course` at
    # its end; both tell the same course in full. What it takes is in benchmarks/README.md.

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: C901
        """Serve a connection (ASGI 3.0)."""
        lane = self._registrations.lane
        if lane is None or scope['type'] != 'http' or lane.running_loop() is not lane.loop:
            return await entrance()(self._registrations, scope, receive, send)
        endpoint = params = None
        raw = scope.get('raw_path')
        if not scope.get('root_path') and (raw is None or PERCENT not in raw):
            table = lane.table_of(scope['path'])
            if table is not None:
                endpoint = table.get(scope['method'])
            else:
                endpoint, params = lane.lookup(scope['method'], scope['path'])
                if endpoint is lane.missing:
                    return await lane.send_not_found(send)
        req, res, ctx = Request(), Response(), Context()
        exchange = Exchange(scope, receive, send, ctx, params)
        req._exchange = res._exchange = exchange  # noqa: SLF001
        if endpoint is None:
            endpoint = lane.resolve(exchange)
        exchange.endpoint = endpoint
        exchange.app = endpoint.app
        data = failure = None
        try:
            if endpoint.is_single:
                if endpoint.reads_body:
                    await exchange.read_ahead()
                out = await endpoint.handler(req, res, ctx)
                if out is not None and out is not res:
                    await warn_unused(endpoint, endpoint.step, out, res)
            else:
                await lane.run(exchange, req, res, ctx)
            kind = exchange.kind
            if exchange.is_plain and endpoint.ends_plainly:
                if kind is JSON:
                    data = endpoint.dumps(exchange.body)
                    if data.__class__ is not bytes:
                        data = checked_json(data)
                else:
                    data = kind.encode(exchange.body)
                size = len(data)
                length = LENGTHS[size] if size < 4096 else (b'content-length', b'%d' % size)
                own = exchange.headers
                header = kind.header
                if own is None:
                    headers = [length] if header is None else [header, length]
                elif header is None or b'content-type' in own:
                    headers = [length, *own.items()]  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType]
                else:
                    headers = [header, length, *own.items()]  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType]
        except BaseException as error:
            data, failure = None, error
        if data is None:
            return await lane.finish(exchange, req, res, ctx, failure)
        try:
            await send({'type': 'http.response.start', 'status': exchange.status, 'headers': headers})  # pyright: ignore[reportPossiblyUnboundVariable]
            await send({'type': 'http.response.body', 'body': data})
        except OSError:  # the client has left
            pass

    # what it is made of

    @property
    def parent(self) -> 'App | None':
        """The app that this one is mounted on."""
        mount = self._registrations.mount
        return mount.parent if mount else None

    @property
    def outermost(self) -> 'App':
        """The app that all others are mounted on: this one, if it is mounted nowhere."""
        return self._registrations.root.app

    def apps(self) -> 'list[App]':
        """Return this app and all that is mounted on it, outer ones first."""
        return [each.app for each in self._registrations.tree()]

    @property
    def is_running(self) -> bool:
        """Whether the app has started, or starts, on an event loop that runs."""
        run = self._registrations.root.run
        return run is not None and not run.is_on_ended_loop()

    @property
    def renderer(self) -> Renderer | None:
        """What renders templates, the app's own or that of the app it is mounted on; None before one is plugged."""
        for each in self._registrations.lineage():
            if each.own_renderer is not None:
                return each.own_renderer
        return None

    @renderer.setter
    def renderer(self, renderer: Renderer) -> None:
        self._registrations.own_renderer = renderer

    @property
    def _kept(self) -> dict[str, Any]:
        return self._registrations.keeper.state

    def CONFIG(self, key: str) -> Any:
        """Return a value of the configuration; KeyError if there is none."""
        return self._registrations.keeper.config[key]

    @property
    def assets(self) -> 'list[AssetFolder]':
        """The folders that `app.ASSETS` serves."""
        return self._registrations.assets

    # asking

    def url(self, name: str, /, **params: Any) -> str:
        """Build the path of a named route, prefixes included.

        UrlError for a name nobody gave, a parameter that is missing, or a value that would not match back.
        """
        from heaven._serving.compile import placements

        found = [
            (place.registrations.app is not self, route.pattern.under(place.prefix))
            for place in placements(self._registrations.root)
            for route in place.registrations.routes
            if route.name == name
        ]
        if not found:
            raise UrlError(f'no route is named {name!r}')
        _, pattern = min(found, key=lambda item: item[0])
        return pattern.build(params)

    # serving

    def listen(self, host: str = '127.0.0.1', port: int = 8000, **uvicorn: Any) -> None:
        """Serve the app with uvicorn, which takes the options, until the process is told to stop.

        At a stop open streams and WebSockets are ended first, then requests have 10 seconds to end by themselves.
        """
        for name in ('workers', 'reload'):
            if uvicorn.get(name):
                raise ValueError(f'app.listen serves in this process, without {name}: `heaven run --{name}` has it')
        optional('uvicorn', 'heaven-core[server]', 'app.listen')
        from heaven._running.server import serve

        serve(self, **{'host': host, 'port': port, 'workers': 1, 'reload': False} | uvicorn)

    @property
    def draining(self) -> bool:
        """Whether the server stops, and open streams and WebSockets are ended; until the app starts again."""
        draining = self._registrations.root.draining
        return draining is not None and draining.has_begun

    async def drain(self) -> None:
        """End open streams and WebSockets, and return when they have ended; those that begin later are ended, too.

        The generator of a stream is closed and its last chunk sent; a socket is closed with 1001. `app.listen` and
        `heaven run` call this at a stop; call it on the event loop of the app where another server has a place for it.
        """
        draining = self._registrations.root.draining
        if draining is not None:
            await draining.drain()

    # for tests and tools

    def copy(self, overrides: Overrides | None = None) -> 'Self':
        """Return a copy of the app and of all that is mounted on it, which does not run.

        What happens to the copy stays there. `overrides` are put in place of functions and of what startup keeps.
        """
        from heaven._serving.copying import copy_app

        return copy_app(self, overrides)

    __copy__ = copy

    def override(self, overrides: Overrides) -> None:
        """Put something in place of parts of the app while it runs, until its shutdown; all of it, or nothing.

        Handlers and hooks are replaced at once, a daemon at its next run, a shutdown function when it is called. Call
        it on the event loop of the app.
        """
        from heaven._running.overriding import override_running

        override_running(self._registrations.root, overrides)

    def observe(self, observer: Observer) -> None:
        """Tell an observer of every request, before its first hook, and of every failure that was answered with a 500.

        To register the same one twice does nothing.
        """
        registrations = self._registrations
        if observer in registrations.observers:
            return
        registrations.observers.append(observer)
        if registrations.run is not None:
            registrations.run.recompile()

    async def trio(self, scope: Scope, receive: Receive) -> tuple[Request, Response, Context]:
        """Return what a handler would be called with for a request: its route found, its body read, no hook run.

        Nothing is imported, started or called, and nothing but `receive` is waited for. Raises what the app would
        refuse the request with: ClientError for a target that is no path, TooLarge for the body.
        """
        from heaven._serving.copying import make_trio

        return await make_trio(self._registrations, scope, receive)

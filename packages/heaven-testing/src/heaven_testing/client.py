"""The two clients: httpx's own, over the transports of this package, with WebSockets, events and replacements."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import lru_cache, partial
from typing import Any, Self, TypedDict, Unpack, cast

import httpx

from .engine import Engine
from .rules import ASGIApp
from .sse import AsyncEvents, Events
from .transport import Address, AsyncTransport, Response as Response, Transport
from .websocket import AsyncWebSocket, WebSocket


class ClientOptions(TypedDict, total=False):
    """What `httpx.Client` takes that makes sense without a network."""

    auth: Any
    params: Any
    headers: Any
    cookies: Any
    timeout: Any
    follow_redirects: bool
    max_redirects: int
    event_hooks: Mapping[str, list[Callable[..., Any]]] | None
    base_url: httpx.URL | str
    default_encoding: str | Callable[[bytes], str]


class RequestOptions(TypedDict, total=False):
    """What every request of httpx takes."""

    params: Any
    headers: Any
    cookies: Any
    auth: Any
    follow_redirects: Any
    timeout: Any
    extensions: Any


class BodyOptions(RequestOptions, total=False):
    """What requests of httpx take that have a body."""

    content: Any
    data: Any
    files: Any
    json: Any


class Replacements:
    """What a client has in place of parts of a Heaven app; the app is never changed, a copy of it answers.

    The copy is made before the app starts and runs alone; or, once that runs, at the first replacement: then it has the
    state of the run, whose shutdown and daemons find what is in their place when they are called.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.original: Any = engine.app
        self.swaps: list[tuple[Any, Any]] = []
        self.unused: list[Any] = []
        self.kept: dict[Any, Any] = {}
        self.host: Any = None  # the app that was started, once it has
        _probe(engine.app)

    def add(self, swaps: Sequence[tuple[Any, Any]] = (), kept: Mapping[Any, Any] = {}) -> None:
        if not _is_heaven(self.original):
            raise TypeError(f'only parts of a heaven.App can be replaced, and this app is {self.original!r:.100}')
        before = self.swaps.copy()
        self.swaps += swaps
        self.unused += [real for real, _ in swaps]
        self.kept.update(kept)
        if self.host is None:
            self.engine.app = _stopped(self.original.copy(replace=self.replace, keeping=self.kept))
            _probe(self.engine.app)
            return
        try:
            self.renew(kept)
        except BaseException:
            self.swaps, self.unused = before, []
            raise

    def enter(self) -> None:
        """Raises LookupError for what was to be replaced and is nowhere registered."""
        self.host = self.engine.app
        self.check()

    def renew(self, kept: Mapping[Any, Any]) -> None:
        """Puts what is replaced by now into the app that answers, while it runs."""
        app: Any = self.engine.app
        host = self.host
        if app is self.original:
            app = app.copy(replace=self.replace)
            for copied, ours in zip(_tree(app), _tree(host), strict=True):
                copied._state = ours._state
        else:
            app._compile()
        events = [event for each in _tree(app) for event in each._events]
        for event, registered in events:
            if event != 'startup':
                self.replace(registered)
        over = [real for real in self.unused for event, registered in events if self.same(real, registered)]
        if over:
            raise LookupError(f'run already, at startup, so to be replaced before the `with`: {_listed(over)}')
        self.check()
        if app is not self.engine.app:
            self.engine.app = app
            self.engine.ends.append(partial(setattr, host, '_replace', host._replace))
            host._replace = self.replace
        if host._holders > 1:  # another client has a part in the run: it does not meet what this one keeps
            app._state = {**app._state, **kept} if kept else app._state
        else:
            app._state.update(kept)

    def replace(self, registered: Any) -> Any:
        for real, fake in reversed(self.swaps):
            if self.same(real, registered):
                self.unused = [other for other in self.unused if not self.same(other, registered)]
                return fake
        return registered

    def same(self, real: Any, registered: Any) -> bool:
        """Whether two functions or dotted names are one.

        A name that is registered is looked up as the app does it; to look up one that was given imports nothing, so
        that what it leads to need not be there.
        """
        if isinstance(real, str) is isinstance(registered, str):
            return _equal(real, registered)
        name, function = (real, registered) if isinstance(real, str) else (registered, real)
        given = any(name == other for other, _ in self.swaps)
        return any(_equal(_found(name, app, given), function) for app in _tree(self.original))

    def check(self) -> None:
        unused, self.unused = self.unused, []
        if unused:
            raise LookupError(f'not registered on the app, so not replaced: {_listed(unused)}')


def _listed(functions: Sequence[Any]) -> str:
    return ', '.join(map(repr, functions))


def _tree(app: Any) -> list[Any]:
    """A Heaven app and all that is mounted on it."""
    from heaven._table import walk

    return [place.app for place in walk(app)]


def _stopped(app: Any) -> Any:
    """A copy of an app that runs as one of it would be that does not."""
    for each in _tree(app):
        if each._running:
            each._state, each._running, each._ready = each._base | each._pinned, False, False
            each._point()
    return app


def _equal(one: Any, other: Any) -> bool:
    return one is other or bool(one == other)


def _found(name: str, app: Any, at_hand: bool) -> Any:
    """What a dotted name leads to, as an app finds it; the name itself where that is nothing, or not `at_hand`."""
    from heaven._resolving import imported
    from heaven.errors import HandlerError

    if at_hand and not any(map(_is_at_hand, (name, f'{app._package}.{name}'))):
        return name
    try:
        return imported(name, app, '')
    except HandlerError:
        return name


def _is_at_hand(name: str) -> bool:
    """Whether the module of a dotted name has been imported, and has what comes next in the name."""
    module, _, rest = name.rpartition('.')
    while module and module not in sys.modules:
        module, _, rest = module.rpartition('.')
    return hasattr(sys.modules.get(module), rest)


def _is_heaven(app: object) -> bool:
    heaven = sys.modules.get('heaven')
    return heaven is not None and isinstance(app, heaven.App)


def _home(app: Any) -> str:
    return f'http://{app.domain}' if _is_heaven(app) and app.domain else 'http://localhost'


def _capture(req: Any, res: Any, ctx: Any) -> None:
    req.scope.get('heaven.trio', []).append((req, res, ctx))


def _probe(app: Any) -> None:
    if _is_heaven(app) and app._probe is not _capture:
        app._probe = _capture
        if app._running:
            app._compile()


# Parsing is a fifth of what httpx does for a request, a relative URL twice; and a suite asks for the same few.
_parse = lru_cache(1024)(httpx.URL)


def _at(client: Client | AsyncClient, url: httpx.URL | str, subdomain: str | None) -> httpx.URL | str:
    """The URL on a subdomain of its host, the base URL's if it has none; a leading `www.` gives way."""
    base = client.base_url
    if subdomain is None:
        if isinstance(url, str) and url.startswith('/') and not url.startswith('//') and '#' not in url:
            known, text = client._base
            if known is not base:
                text = '' if base.query else str(base).rstrip('/')
                client._base = base, text
            return _parse(text + url)
        return url
    url = httpx.URL(url)
    if url.is_relative_url:
        url = base.copy_with(raw_path=base.raw_path + url.raw_path.lstrip(b'/'))
    return url.copy_with(host=f'{subdomain}.{url.host.removeprefix("www.")}')


def _handshake(options: RequestOptions, subprotocols: Sequence[str]) -> BodyOptions:
    headers = httpx.Headers({'connection': 'Upgrade', 'upgrade': 'websocket', 'sec-websocket-version': '13'})
    headers['sec-websocket-key'] = 'AAAAAAAAAAAAAAAAAAAAAA=='
    if subprotocols:
        headers['sec-websocket-protocol'] = ', '.join(subprotocols)
    headers.update(options.get('headers'))
    extensions = {**(options.get('extensions') or {}), 'heaven.websocket': list(subprotocols)}
    return cast(BodyOptions, {**options, 'headers': headers, 'extensions': extensions})


def _accepting(options: BodyOptions) -> BodyOptions:
    headers = httpx.Headers({'accept': 'text/event-stream', 'cache-control': 'no-store'})
    headers.update(options.get('headers'))
    return {**options, 'headers': headers}


def _sending(options: BodyOptions) -> dict[str, Any]:
    """Takes out of the options of a request those that concern how it is sent."""
    taken: dict[str, Any] = options  # type: ignore[assignment]
    return {key: taken.pop(key) for key in ('auth', 'follow_redirects') if key in taken}


class Client(httpx.Client):
    """An `httpx.Client` that calls an ASGI application in this process; `with` runs its lifespan.

    It runs the application on one event loop, in one thread, from its first use to its end. `client` is the address
    the application sees, `root_path` where it is mounted, `limit` how many seconds startup, shutdown and all waiting
    for one response may take. Each wait for the application is limited by httpx's timeout, 5 seconds unless told
    otherwise, and raises `httpx.ReadTimeout`. `lint=False` lets header names have capitals. The base URL is
    `http://localhost`, or the domain of a Heaven app; every request takes `subdomain`.

    >>> async def app(scope, receive, send):
    ...     await send({'type': 'http.response.start', 'status': 200})
    ...     await send({'type': 'http.response.body', 'body': b'Hello'})
    >>> with Client(app) as client:
    ...     client.get('/').text
    'Hello'
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        raise_app_exceptions: bool = True,
        client: Address = ('127.0.0.1', 50000),
        root_path: str = '',
        limit: float = 30.0,
        lint: bool = True,
        **options: Unpack[ClientOptions],
    ) -> None:
        self._link = Transport(
            app,
            raise_app_exceptions=raise_app_exceptions,
            client=client,
            root_path=root_path,
            limit=limit,
            lint=lint,
        )
        self._replacements = Replacements(self._link.engine)
        self._base: tuple[httpx.URL | None, str] = (None, '')
        options.setdefault('base_url', _home(app))
        super().__init__(transport=self._link, **options)

    @property
    def app(self) -> Any:
        """The application that answers: the one given, or the copy that has this client's replacements."""
        return self._link.engine.app

    def swap(self, real: Any, fake: Any) -> Self:
        """Lets `fake` stand for a handler, hook, startup, shutdown or daemon of a Heaven app, or for a dotted name.

        Before the `with` or inside it, where a daemon is replaced from its next run on, a startup that has run no more.
        Raises LookupError, on entering if before, when `real` is not registered.
        """
        return self._replace([(real, fake)], {})

    def bypass(self, hook: Any) -> Self:
        """Leaves a hook out, or anything else that is registered."""
        return self._replace([(hook, None)], {})

    def keeping(self, values: Mapping[Any, Any] | None = None, /, **named: Any) -> Self:
        """Lets the app find these values in its state, whatever its startup keeps under the same keys."""
        return self._replace([], {**(values or {}), **named})

    def _replace(self, swaps: list[tuple[Any, Any]], kept: dict[Any, Any]) -> Self:
        if self._replacements.host is not None:
            self._link.run(self._replace_running(swaps, kept), self._link.engine.limit)
        else:
            self._replacements.add(swaps, kept)
        return self

    async def _replace_running(self, swaps: list[tuple[Any, Any]], kept: dict[Any, Any]) -> None:
        self._replacements.add(swaps, kept)

    def __enter__(self) -> Self:
        super().__enter__()
        try:
            self._replacements.enter()
        except LookupError:
            self.__exit__()
            raise
        return self

    def request(
        self, method: str, url: httpx.URL | str, *, subdomain: str | None = None, **options: Unpack[BodyOptions]
    ) -> Response:
        return cast(Response, super().request(method, _at(self, url, subdomain), **options))

    @contextmanager
    def stream(
        self, method: str, url: httpx.URL | str, *, subdomain: str | None = None, **options: Unpack[BodyOptions]
    ) -> Iterator[Response]:
        with super().stream(method, _at(self, url, subdomain), **options) as response:
            yield cast(Response, response)

    def websocket(
        self,
        url: httpx.URL | str,
        subprotocols: Sequence[str] = (),
        *,
        subdomain: str | None = None,
        **options: Unpack[RequestOptions],
    ) -> WebSocket:
        """Opens a WebSocket; it is open at once, and `with` closes it.

        Raises WebSocketRefused, which has the response, or what the application raised.
        """
        response = self._open('GET', url, subdomain, _handshake(options, subprotocols))
        return WebSocket(self._link, response)

    def sse(
        self,
        url: httpx.URL | str,
        *,
        method: str = 'GET',
        subdomain: str | None = None,
        **options: Unpack[BodyOptions],
    ) -> Events:
        """Iterates the events of a stream: `for event in client.sse('/events')`.

        In `with client.sse(...) as events` the stream is open at once, and left at the end.

        Raises httpx.HTTPStatusError if the answer is not 200 with `text/event-stream`.
        """
        return Events(lambda: self._open(method, url, subdomain, _accepting(options)))

    def _open(self, method: str, url: httpx.URL | str, subdomain: str | None, options: BodyOptions) -> Response:
        sending = _sending(options)
        request = self.build_request(method, _at(self, url, subdomain), **options)  # type: ignore[misc]
        return cast(Response, self.send(request, stream=True, **sending))

    def get(self, url: httpx.URL | str, *, subdomain: str | None = None, **options: Unpack[RequestOptions]) -> Response:
        return self.request('GET', url, subdomain=subdomain, **options)

    def options(
        self, url: httpx.URL | str, *, subdomain: str | None = None, **options: Unpack[RequestOptions]
    ) -> Response:
        return self.request('OPTIONS', url, subdomain=subdomain, **options)

    def head(
        self, url: httpx.URL | str, *, subdomain: str | None = None, **options: Unpack[RequestOptions]
    ) -> Response:
        return self.request('HEAD', url, subdomain=subdomain, **options)

    def post(self, url: httpx.URL | str, *, subdomain: str | None = None, **options: Unpack[BodyOptions]) -> Response:
        return self.request('POST', url, subdomain=subdomain, **options)

    def put(self, url: httpx.URL | str, *, subdomain: str | None = None, **options: Unpack[BodyOptions]) -> Response:
        return self.request('PUT', url, subdomain=subdomain, **options)

    def patch(self, url: httpx.URL | str, *, subdomain: str | None = None, **options: Unpack[BodyOptions]) -> Response:
        return self.request('PATCH', url, subdomain=subdomain, **options)

    def delete(
        self, url: httpx.URL | str, *, subdomain: str | None = None, **options: Unpack[RequestOptions]
    ) -> Response:
        return self.request('DELETE', url, subdomain=subdomain, **options)


class AsyncClient(httpx.AsyncClient):
    """An `httpx.AsyncClient` that calls an ASGI application in this process; `async with` runs its lifespan.

    It runs the application on the event loop of the test. `client` is the address the application sees, `root_path`
    where it is mounted, `limit` how many seconds startup, shutdown and all waiting for one response may take. Each wait
    for the application is limited by httpx's timeout, 5 seconds unless told otherwise, and raises `httpx.ReadTimeout`.
    `lint=False` lets header names have capitals. The base URL is `http://localhost`, or the domain of a Heaven app;
    every request takes `subdomain`.

    >>> import asyncio
    >>> async def app(scope, receive, send):
    ...     await send({'type': 'http.response.start', 'status': 200})
    ...     await send({'type': 'http.response.body', 'body': b'Hello'})
    >>> async def main():
    ...     async with AsyncClient(app) as client:
    ...         return (await client.get('/')).text
    >>> asyncio.run(main())
    'Hello'
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        raise_app_exceptions: bool = True,
        client: Address = ('127.0.0.1', 50000),
        root_path: str = '',
        limit: float = 30.0,
        lint: bool = True,
        **options: Unpack[ClientOptions],
    ) -> None:
        self._link = AsyncTransport(
            app,
            raise_app_exceptions=raise_app_exceptions,
            client=client,
            root_path=root_path,
            limit=limit,
            lint=lint,
        )
        self._replacements = Replacements(self._link.engine)
        self._base: tuple[httpx.URL | None, str] = (None, '')
        options.setdefault('base_url', _home(app))
        super().__init__(transport=self._link, **options)

    @property
    def app(self) -> Any:
        """The application that answers: the one given, or the copy that has this client's replacements."""
        return self._link.engine.app

    def swap(self, real: Any, fake: Any) -> Self:
        """Lets `fake` stand for a handler, hook, startup, shutdown or daemon of a Heaven app, or for a dotted name.

        Before the `async with` or inside it, where a daemon is replaced from its next run on, a startup that has run no
        more. Raises LookupError, on entering if before, when `real` is not registered.
        """
        return self._replace([(real, fake)], {})

    def bypass(self, hook: Any) -> Self:
        """Leaves a hook out, or anything else that is registered."""
        return self._replace([(hook, None)], {})

    def keeping(self, values: Mapping[Any, Any] | None = None, /, **named: Any) -> Self:
        """Lets the app find these values in its state, whatever its startup keeps under the same keys."""
        return self._replace([], {**(values or {}), **named})

    def _replace(self, swaps: list[tuple[Any, Any]], kept: dict[Any, Any]) -> Self:
        self._replacements.add(swaps, kept)
        return self

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        try:
            self._replacements.enter()
        except LookupError:
            await self.__aexit__()
            raise
        return self

    async def request(
        self, method: str, url: httpx.URL | str, *, subdomain: str | None = None, **options: Unpack[BodyOptions]
    ) -> Response:
        return cast(Response, await super().request(method, _at(self, url, subdomain), **options))

    @asynccontextmanager
    async def stream(
        self, method: str, url: httpx.URL | str, *, subdomain: str | None = None, **options: Unpack[BodyOptions]
    ) -> AsyncIterator[Response]:
        async with super().stream(method, _at(self, url, subdomain), **options) as response:
            yield cast(Response, response)

    def websocket(
        self,
        url: httpx.URL | str,
        subprotocols: Sequence[str] = (),
        *,
        subdomain: str | None = None,
        **options: Unpack[RequestOptions],
    ) -> AsyncWebSocket:
        """Opens a WebSocket, with `async with` or `await`.

        Raises WebSocketRefused, which has the response, or what the application raised.
        """
        return AsyncWebSocket(lambda: self._open('GET', url, subdomain, _handshake(options, subprotocols)))

    def sse(
        self,
        url: httpx.URL | str,
        *,
        method: str = 'GET',
        subdomain: str | None = None,
        **options: Unpack[BodyOptions],
    ) -> AsyncEvents:
        """Iterates the events of a stream: `async for event in client.sse('/events')`.

        In `async with client.sse(...) as events` the stream is open at once, and left at the end.

        Raises httpx.HTTPStatusError if the answer is not 200 with `text/event-stream`.
        """
        return AsyncEvents(lambda: self._open(method, url, subdomain, _accepting(options)))

    async def _open(self, method: str, url: httpx.URL | str, subdomain: str | None, options: BodyOptions) -> Response:
        sending = _sending(options)
        request = self.build_request(method, _at(self, url, subdomain), **options)  # type: ignore[misc]
        return cast(Response, await self.send(request, stream=True, **sending))

    async def get(
        self, url: httpx.URL | str, *, subdomain: str | None = None, **options: Unpack[RequestOptions]
    ) -> Response:
        return await self.request('GET', url, subdomain=subdomain, **options)

    async def options(
        self, url: httpx.URL | str, *, subdomain: str | None = None, **options: Unpack[RequestOptions]
    ) -> Response:
        return await self.request('OPTIONS', url, subdomain=subdomain, **options)

    async def head(
        self, url: httpx.URL | str, *, subdomain: str | None = None, **options: Unpack[RequestOptions]
    ) -> Response:
        return await self.request('HEAD', url, subdomain=subdomain, **options)

    async def post(
        self, url: httpx.URL | str, *, subdomain: str | None = None, **options: Unpack[BodyOptions]
    ) -> Response:
        return await self.request('POST', url, subdomain=subdomain, **options)

    async def put(
        self, url: httpx.URL | str, *, subdomain: str | None = None, **options: Unpack[BodyOptions]
    ) -> Response:
        return await self.request('PUT', url, subdomain=subdomain, **options)

    async def patch(
        self, url: httpx.URL | str, *, subdomain: str | None = None, **options: Unpack[BodyOptions]
    ) -> Response:
        return await self.request('PATCH', url, subdomain=subdomain, **options)

    async def delete(
        self, url: httpx.URL | str, *, subdomain: str | None = None, **options: Unpack[RequestOptions]
    ) -> Response:
        return await self.request('DELETE', url, subdomain=subdomain, **options)

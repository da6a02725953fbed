"""The two clients: httpx's own, over the transports of this package, with WebSockets, events and replacements."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Unpack, cast

from .library import httpx
from .lifespan import Mode
from .replacing import Replaceable, Replacements, Swap
from .requests import (
    Addresses,
    BodyOptions,
    ClientOptions,
    RequestOptions,
    accepting,
    handshake,
    home,
    split_options,
)
from .rules import ASGIApp
from .scopes import Address
from .sse import AsyncEvents, Events
from .transport import AsyncTransport, Response as Response, Transport
from .websocket import AsyncWebSocket, WebSocket


class Client(Replaceable, httpx.Client):
    """An `httpx.Client` that calls an ASGI application in this process; `with` runs its lifespan.

    It runs the application on one event loop, in one thread, from its first use to its end. `client` is the address
    the application sees, `root_path` where it is mounted, `limit` how many seconds startup, shutdown and all waiting
    for one response may take. Each wait for the application is limited by httpx's timeout, 5 seconds unless told
    otherwise, and raises `httpx.ReadTimeout`. The base URL is `http://localhost`, or the domain of a Heaven app; every
    request takes `subdomain`.

    Every message is checked against the ASGI specification, unless `lint` is false. An application that raises on the
    lifespan scope is taken to have none, with a LifespanWarning; `lifespan='on'` raises what it raised, `'off'` sends
    no lifespan.

    >>> async def app(scope, receive, send):
    ...     await send({'type': 'http.response.start', 'status': 200})
    ...     await send({'type': 'http.response.body', 'body': b'Hello'})
    >>> with Client(app, lifespan='off') as client:
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
        lifespan: Mode = 'auto',
        **options: Unpack[ClientOptions],
    ) -> None:
        self._link = Transport(
            app,
            raise_app_exceptions=raise_app_exceptions,
            client=client,
            root_path=root_path,
            limit=limit,
            lint=lint,
            lifespan=lifespan,
        )
        self._addresses = Addresses()
        options.setdefault('base_url', home(app))
        super().__init__(transport=self._link, **options)

    def _replacements(self) -> Replacements:
        return self._link.engine.replacements

    def _replace(self, swaps: Sequence[Swap], kept: Mapping[Any, Any]) -> None:
        replacements = self._replacements()
        if replacements.lives:
            self._link.run(self._replace_on_loop(swaps, kept), self._link.engine.limit)
        else:
            replacements.add(swaps, kept)

    async def _replace_on_loop(self, swaps: Sequence[Swap], kept: Mapping[Any, Any]) -> None:
        self._replacements().add(swaps, kept)

    def _find(self, url: httpx.URL | str, subdomain: str | None) -> httpx.URL | str:
        return self._addresses.find(self.base_url, url, subdomain)

    def request(
        self, method: str, url: httpx.URL | str, *, subdomain: str | None = None, **options: Unpack[BodyOptions]
    ) -> Response:
        """Send a request, to a subdomain of the app perhaps, and return the whole response."""
        return cast(Response, super().request(method, self._find(url, subdomain), **options))

    @contextmanager
    def stream(
        self, method: str, url: httpx.URL | str, *, subdomain: str | None = None, **options: Unpack[BodyOptions]
    ) -> Generator[Response, None, None]:
        """Send a request, and give the response inside of the block while its body still comes."""
        with super().stream(method, self._find(url, subdomain), **options) as response:
            yield cast(Response, response)

    def websocket(
        self,
        url: httpx.URL | str,
        subprotocols: Sequence[str] = (),
        *,
        subdomain: str | None = None,
        **options: Unpack[RequestOptions],
    ) -> WebSocket:
        """Open a WebSocket; it is open at once, and `with` closes it.

        Raises WebSocketRefused, which has the response, or what the application raised.
        """
        response = self._open('GET', url, subdomain, handshake(options, subprotocols))
        return WebSocket(self._link, response)

    def sse(
        self,
        url: httpx.URL | str,
        *,
        method: str = 'GET',
        subdomain: str | None = None,
        **options: Unpack[BodyOptions],
    ) -> Events:
        """Iterate the events of a stream: `for event in client.sse('/events')`.

        In `with client.sse(...) as events` the stream is open at once, and left at the end.

        Raises httpx.HTTPStatusError if the answer is not 200 with `text/event-stream`.
        """
        return Events(lambda: self._open(method, url, subdomain, accepting(options)))

    def _open(self, method: str, url: httpx.URL | str, subdomain: str | None, options: BodyOptions) -> Response:
        making, sending = split_options(options)
        request = self.build_request(method, self._find(url, subdomain), **making)
        return cast(Response, self.send(request, stream=True, **sending))

    def get(self, url: httpx.URL | str, *, subdomain: str | None = None, **options: Unpack[RequestOptions]) -> Response:
        """Send a GET request."""
        return self.request('GET', url, subdomain=subdomain, **options)

    def options(
        self, url: httpx.URL | str, *, subdomain: str | None = None, **options: Unpack[RequestOptions]
    ) -> Response:
        """Send an OPTIONS request."""
        return self.request('OPTIONS', url, subdomain=subdomain, **options)

    def head(
        self, url: httpx.URL | str, *, subdomain: str | None = None, **options: Unpack[RequestOptions]
    ) -> Response:
        """Send a HEAD request."""
        return self.request('HEAD', url, subdomain=subdomain, **options)

    def post(self, url: httpx.URL | str, *, subdomain: str | None = None, **options: Unpack[BodyOptions]) -> Response:
        """Send a POST request."""
        return self.request('POST', url, subdomain=subdomain, **options)

    def put(self, url: httpx.URL | str, *, subdomain: str | None = None, **options: Unpack[BodyOptions]) -> Response:
        """Send a PUT request."""
        return self.request('PUT', url, subdomain=subdomain, **options)

    def patch(self, url: httpx.URL | str, *, subdomain: str | None = None, **options: Unpack[BodyOptions]) -> Response:
        """Send a PATCH request."""
        return self.request('PATCH', url, subdomain=subdomain, **options)

    def delete(
        self, url: httpx.URL | str, *, subdomain: str | None = None, **options: Unpack[RequestOptions]
    ) -> Response:
        """Send a DELETE request."""
        return self.request('DELETE', url, subdomain=subdomain, **options)


class AsyncClient(Replaceable, httpx.AsyncClient):
    """An `httpx.AsyncClient` that calls an ASGI application in this process; `async with` runs its lifespan.

    It runs the application on the event loop of the test. `client` is the address the application sees, `root_path`
    where it is mounted, `limit` how many seconds startup, shutdown and all waiting for one response may take. Each wait
    for the application is limited by httpx's timeout, 5 seconds unless told otherwise, and raises `httpx.ReadTimeout`.
    The base URL is `http://localhost`, or the domain of a Heaven app; every request takes `subdomain`.

    Every message is checked against the ASGI specification, unless `lint` is false. An application that raises on the
    lifespan scope is taken to have none, with a LifespanWarning; `lifespan='on'` raises what it raised, `'off'` sends
    no lifespan.

    >>> import asyncio
    >>> async def app(scope, receive, send):
    ...     await send({'type': 'http.response.start', 'status': 200})
    ...     await send({'type': 'http.response.body', 'body': b'Hello'})
    >>> async def main():
    ...     async with AsyncClient(app, lifespan='off') as client:
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
        lifespan: Mode = 'auto',
        **options: Unpack[ClientOptions],
    ) -> None:
        self._link = AsyncTransport(
            app,
            raise_app_exceptions=raise_app_exceptions,
            client=client,
            root_path=root_path,
            limit=limit,
            lint=lint,
            lifespan=lifespan,
        )
        self._addresses = Addresses()
        options.setdefault('base_url', home(app))
        super().__init__(transport=self._link, **options)

    def _replacements(self) -> Replacements:
        return self._link.engine.replacements

    def _find(self, url: httpx.URL | str, subdomain: str | None) -> httpx.URL | str:
        return self._addresses.find(self.base_url, url, subdomain)

    async def request(
        self, method: str, url: httpx.URL | str, *, subdomain: str | None = None, **options: Unpack[BodyOptions]
    ) -> Response:
        """Send a request, to a subdomain of the app perhaps, and return the whole response."""
        return cast(Response, await super().request(method, self._find(url, subdomain), **options))

    @asynccontextmanager
    async def stream(
        self, method: str, url: httpx.URL | str, *, subdomain: str | None = None, **options: Unpack[BodyOptions]
    ) -> AsyncGenerator[Response, None]:
        """Send a request, and give the response inside of the block while its body still comes."""
        async with super().stream(method, self._find(url, subdomain), **options) as response:
            yield cast(Response, response)

    def websocket(
        self,
        url: httpx.URL | str,
        subprotocols: Sequence[str] = (),
        *,
        subdomain: str | None = None,
        **options: Unpack[RequestOptions],
    ) -> AsyncWebSocket:
        """Open a WebSocket, with `async with` or `await`.

        Raises WebSocketRefused, which has the response, or what the application raised.
        """
        return AsyncWebSocket(lambda: self._open('GET', url, subdomain, handshake(options, subprotocols)))

    def sse(
        self,
        url: httpx.URL | str,
        *,
        method: str = 'GET',
        subdomain: str | None = None,
        **options: Unpack[BodyOptions],
    ) -> AsyncEvents:
        """Iterate the events of a stream: `async for event in client.sse('/events')`.

        In `async with client.sse(...) as events` the stream is open at once, and left at the end.

        Raises httpx.HTTPStatusError if the answer is not 200 with `text/event-stream`.
        """
        return AsyncEvents(lambda: self._open(method, url, subdomain, accepting(options)))

    async def _open(self, method: str, url: httpx.URL | str, subdomain: str | None, options: BodyOptions) -> Response:
        making, sending = split_options(options)
        request = self.build_request(method, self._find(url, subdomain), **making)
        return cast(Response, await self.send(request, stream=True, **sending))

    async def get(
        self, url: httpx.URL | str, *, subdomain: str | None = None, **options: Unpack[RequestOptions]
    ) -> Response:
        """Send a GET request."""
        return await self.request('GET', url, subdomain=subdomain, **options)

    async def options(
        self, url: httpx.URL | str, *, subdomain: str | None = None, **options: Unpack[RequestOptions]
    ) -> Response:
        """Send an OPTIONS request."""
        return await self.request('OPTIONS', url, subdomain=subdomain, **options)

    async def head(
        self, url: httpx.URL | str, *, subdomain: str | None = None, **options: Unpack[RequestOptions]
    ) -> Response:
        """Send a HEAD request."""
        return await self.request('HEAD', url, subdomain=subdomain, **options)

    async def post(
        self, url: httpx.URL | str, *, subdomain: str | None = None, **options: Unpack[BodyOptions]
    ) -> Response:
        """Send a POST request."""
        return await self.request('POST', url, subdomain=subdomain, **options)

    async def put(
        self, url: httpx.URL | str, *, subdomain: str | None = None, **options: Unpack[BodyOptions]
    ) -> Response:
        """Send a PUT request."""
        return await self.request('PUT', url, subdomain=subdomain, **options)

    async def patch(
        self, url: httpx.URL | str, *, subdomain: str | None = None, **options: Unpack[BodyOptions]
    ) -> Response:
        """Send a PATCH request."""
        return await self.request('PATCH', url, subdomain=subdomain, **options)

    async def delete(
        self, url: httpx.URL | str, *, subdomain: str | None = None, **options: Unpack[RequestOptions]
    ) -> Response:
        """Send a DELETE request."""
        return await self.request('DELETE', url, subdomain=subdomain, **options)

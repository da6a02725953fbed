"""Two httpx transports over the engine: on the test's own loop, and on a loop in a thread for tests that are not async.

They keep to httpx's public API and serve any httpx client: `httpx.AsyncClient(transport=AsyncTransport(app))`.
"""

from __future__ import annotations

import asyncio
import threading
import warnings
import weakref
from collections.abc import AsyncIterator, Coroutine, Iterator
from types import TracebackType
from typing import Any, TypedDict, TypeVar, Unpack

from .call import Course
from .engine import Engine
from .library import httpx
from .lifespan import LifespanFailed as LifespanFailed, LifespanWarning as LifespanWarning, Mode
from .portal import Portal
from .responses import HANDSHAKE, Opening, Response as Response, known_body, shake_hands
from .rules import ASGIApp
from .scopes import Address as Address
from .waiting import GRACE, limit_of

T = TypeVar('T')


class EngineOptions(TypedDict, total=False):
    """How an application is called: the keyword arguments of both transports and both clients.

    `client` is the address the application sees, `root_path` where it is mounted, `limit` how many seconds startup and
    shutdown may each take, and all waiting for one response together.
    """

    raise_app_exceptions: bool
    client: Address
    root_path: str
    limit: float
    lint: bool
    lifespan: Mode


class AsyncTransport(httpx.AsyncBaseTransport):
    """An httpx transport that calls an ASGI application on the loop of the test; entering it runs the lifespan.

    `client` is the address the application sees, `root_path` where it is mounted, `limit` how many seconds startup and
    shutdown may each take, and all waiting for one response together. An exception of the application is raised by the
    wait for its response, unless `raise_app_exceptions` is false. Without `lint`, nothing is checked. An application
    that raises on the lifespan scope is served without lifespan, with a LifespanWarning; `lifespan='on'` raises what it
    raised, `'off'` sends no lifespan.

    >>> import asyncio
    >>> from heaven_testing.library import httpx
    >>> async def app(scope, receive, send):
    ...     await send({'type': 'http.response.start', 'status': 200})
    ...     await send({'type': 'http.response.body', 'body': scope['path'].encode()})
    >>> async def main():
    ...     transport = AsyncTransport(app, lifespan='off')
    ...     async with httpx.AsyncClient(transport=transport, base_url='http://localhost') as client:
    ...         return (await client.get('/hello%20there')).text
    >>> asyncio.run(main())
    '/hello there'
    """

    def __init__(self, app: ASGIApp, **options: Unpack[EngineOptions]) -> None:
        self.engine: Engine = Engine(app, **options)
        self._loop: asyncio.AbstractEventLoop | None = None

    async def handle_async_request(self, request: httpx.Request) -> Response:
        """Send a request, and return the response as soon as it begins."""
        if self._loop is not None and asyncio.get_running_loop() is not self._loop:
            raise RuntimeError('the client was entered on another event loop than the one it is used on')
        if HANDSHAKE in request.extensions:
            return await shake_hands(self.engine, request)
        body = known_body(request)
        exchange = self.engine.exchange(request)
        if body is not None:
            exchange.give(body, False)
        else:
            assert isinstance(request.stream, httpx.AsyncByteStream)
            exchange.upload_from(request.stream)
        opening = Opening(exchange, limit_of(request))
        exchange.start()
        while opening.start is None:
            await opening.more()
        return opening.respond(None if exchange.course is Course.SETTLED else _AsyncBody(opening))

    async def __aenter__(self) -> AsyncTransport:
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:
            raise RuntimeError('AsyncClient runs on asyncio, and no asyncio event loop is running here') from None
        try:
            await self.engine.startup()
            _warn(self.engine)
        except BaseException:
            await self._exit(failing=True)
            raise
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        try:
            await self._exit()
        except BaseException as error:
            if exc_value is None:
                raise
            exc_value.add_note(f'Also at the end of the client: {error!r}')

    async def aclose(self) -> None:
        """End the application."""
        await self._exit()

    async def _exit(self, failing: bool = False) -> None:
        self._loop = None
        try:
            await self.engine.shutdown()
        except BaseException:
            if not failing:
                raise


class _AsyncBody(httpx.AsyncByteStream):
    def __init__(self, opening: Opening) -> None:
        self._opening = opening

    async def __aiter__(self) -> AsyncIterator[bytes]:
        body = self._opening.body
        while body or await self._opening.more():
            while body:
                yield body.popleft()

    async def aclose(self) -> None:
        await self._opening.close()


class Transport(httpx.BaseTransport):
    """An httpx transport that calls an ASGI application on one loop in one thread; entering it runs the lifespan.

    The parameters are those of `AsyncTransport`. A request's body is taken from its iterator in the thread of the test.
    """

    def __init__(self, app: ASGIApp, **options: Unpack[EngineOptions]) -> None:
        self.engine: Engine = Engine(app, **options)
        self.closed: bool = False
        self._portal: Portal | None = None
        self._lock = threading.Lock()

    def run(self, coroutine: Coroutine[Any, Any, T], limit: float) -> T:
        """Run a coroutine on the loop of the application."""
        with self._lock:
            if self.closed:
                coroutine.close()
                raise RuntimeError('the client has been closed')
            if self._portal is None:
                self._portal = Portal()
                weakref.finalize(self, self._portal.abandon)
            portal = self._portal
        return portal.run(coroutine, limit)

    def handle_request(self, request: httpx.Request) -> Response:
        """Send a request, and return the response as soon as it begins."""
        limit = limit_of(request)
        if HANDSHAKE in request.extensions:
            return self.run(shake_hands(self.engine, request), limit)
        body = _Body(self, request, limit)
        opening = body.open()
        while opening.start is None:
            body.more()
        return opening.respond(None if opening.exchange.course is Course.SETTLED else body)

    def __enter__(self) -> Transport:
        self.closed = False
        try:
            self.run(self.engine.startup(), self.engine.limit)
            _warn(self.engine)
        except BaseException:
            self._exit(failing=True)
            raise
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        try:
            self._exit()
        except BaseException as error:
            if exc_value is None:
                raise
            exc_value.add_note(f'Also at the end of the client: {error!r}')

    def close(self) -> None:
        """End the application and its loop."""
        self._exit()

    def _exit(self, failing: bool = False) -> None:
        with self._lock:
            portal, self._portal, self.closed = self._portal, None, True
        if portal is None:
            return
        try:
            portal.run(self.engine.shutdown(), GRACE if portal.stuck else self.engine.limit + 4 * GRACE)
        except BaseException:
            if not failing:
                raise
        finally:
            portal.stop(GRACE if portal.stuck else self.engine.limit)


class _Body(httpx.SyncByteStream):
    """A response, from before its request is sent: what is wanted of the request's body is made in this thread."""

    def __init__(self, transport: Transport, request: httpx.Request, limit: float) -> None:
        self._transport = transport
        self._request = request
        self._limit = limit
        self._pieces: Iterator[bytes] | None = None
        self._opening: Opening | None = None

    def open(self) -> Opening:
        """Send the request."""
        opening = self._opening = self._transport.run(self._open(), self._limit)
        return opening

    async def _open(self) -> Opening:
        body = known_body(self._request)
        exchange = self._transport.engine.exchange(self._request)
        if body is not None:
            exchange.give(body, False)
        exchange.start()
        opening = Opening(exchange, self._limit)
        await opening.more()
        return opening

    def more(self) -> bool:
        """Wait for more of the response, and make what the application wants of the request; false at the end."""
        assert self._opening is not None
        piece = self._piece() if self._opening.wanted else None
        return self._transport.run(self._opening.more(piece), self._limit)

    def _piece(self) -> bytes | BaseException:
        try:
            if self._pieces is None:
                assert isinstance(self._request.stream, httpx.SyncByteStream)
                self._pieces = iter(self._request.stream)
            return next((piece for piece in self._pieces if piece), b'')
        except BaseException as error:
            return error

    def __iter__(self) -> Iterator[bytes]:
        assert self._opening is not None
        body = self._opening.body
        while body or self.more():
            while body:
                yield body.popleft()

    def close(self) -> None:
        """Leave the response."""
        opening = self._opening
        if opening is None or opening.exchange.course is Course.SETTLED or self._transport.closed:
            return
        self._transport.run(opening.close(), self._limit + GRACE)


def _warn(engine: Engine) -> None:
    """Warn that the application is taken to have no lifespan, if it is; in the thread of the test, that hears it."""
    error = engine.lifespan.error
    if error is not None:
        text = (
            f'the application raised {type(error).__name__}: {error} on the lifespan scope, so it is taken to have '
            f"no lifespan; lifespan='on' raises that, lifespan='off' sends no lifespan"
        )
        warnings.warn(text, LifespanWarning, stacklevel=4)  # past this file and httpx's: the `with` of the test

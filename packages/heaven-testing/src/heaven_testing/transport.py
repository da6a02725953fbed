"""Two httpx transports over the engine: on the test's own loop, and on a loop in a thread for tests that are not async.

They keep to httpx's public API and serve any httpx client: `httpx.AsyncClient(transport=AsyncTransport(app))`.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import traceback
import weakref
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import Future
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from .engine import GRACE, LONGEST, WANTED, Engine, Exchange, LifespanFailed as LifespanFailed, Socket, limit_of
from .rules import ASGIApp, Message

if TYPE_CHECKING:
    import heaven

T = TypeVar('T')
Address = tuple[str, int] | None


class Response(httpx.Response):
    """An httpx response that knows what the application worked with."""

    @property
    def trio(self) -> tuple[heaven.Request, heaven.Response, heaven.Context]:
        """The request, the response and the context: the very objects that a Heaven app used.

        Raises LookupError if the app is not Heaven's, or answered before its hooks could run.
        """
        captured = self.extensions.get('heaven.trio')
        if not captured:
            raise LookupError(
                'there is no trio: the app is not an instance of heaven.App, or answered before its hooks'
            )
        trio: tuple[heaven.Request, heaven.Response, heaven.Context] = captured[0]
        return trio


class _Opening:
    """A response as it comes: its start, what of its body there is, and what the application asks for."""

    def __init__(self, exchange: Exchange, limit: float) -> None:
        self.exchange = exchange
        self.limit = limit
        self.start: Message | None = None
        self.body: deque[bytes] = deque()
        self.wanted = False
        self.settled = False  # the application has ended, and nothing went wrong
        self.extensions: dict[str, Any] = {}
        self.head = exchange.scope['method'] == 'HEAD'

    async def more(self, piece: bytes | BaseException | None = None) -> bool:
        """Sorts the messages that have come; false at the end.

        `piece` is of the request's body: b'' its end, an exception what keeps it from being made.
        """
        exchange = self.exchange
        try:
            if isinstance(piece, bytes):
                exchange.give(piece, piece != b'')
            elif piece is not None:
                exchange.lose(piece)
            messages = await exchange.more(self.limit)
            self.settled = exchange.settled
        except BaseException:
            exchange.cancel()
            raise
        self.wanted = False
        for message in messages:
            kind = message['type']
            if kind == 'http.response.body':
                if not self.head and message.get('body'):
                    self.body.append(message['body'])
            elif kind == 'http.response.start':
                self.start = message
            elif kind == 'http.response.debug':
                self.extensions[kind] = message.get('info')
            elif message is WANTED:
                self.wanted = True
        if not messages and self.start is None:
            raise httpx.RemoteProtocolError(f'{exchange}: the client was closed before the response began')
        return bool(messages)

    async def close(self) -> None:
        await self.exchange.close(self.limit)

    def respond(self, stream: httpx.AsyncByteStream | httpx.SyncByteStream | None) -> Response:
        """The response; without a stream its body is whole."""
        assert self.start is not None
        if stream is None:
            stream = httpx.ByteStream(b''.join(self.body))
        return _response(self.exchange, self.start, stream, self.extensions)


def _response(call: Exchange | Socket, start: Message, stream: Any, extensions: dict[str, Any]) -> Response:
    # Transfer-Encoding is the server's: an application may name it, and is not heard (ASGI HTTP, Response Start).
    headers = [(name, value) for name, value in start.get('headers', ()) if name != b'transfer-encoding']
    extensions['http_version'] = b'HTTP/1.1'
    if 'heaven.trio' in call.scope:
        extensions['heaven.trio'] = call.scope['heaven.trio']
    return Response(start['status'], headers=headers, stream=stream, extensions=extensions)


def _known_body(request: httpx.Request) -> bytes | None:
    return b''.join(request.stream) if isinstance(request.stream, httpx.ByteStream) else None


async def _shake(engine: Engine, request: httpx.Request) -> Response:
    """Opens a WebSocket: the response is 101 with the socket among its extensions, or the refusal."""
    limit = limit_of(request)
    socket = engine.socket(request, request.extensions['heaven.websocket'])
    socket.start()
    try:
        message = await socket.next(limit)
        while message is not None and message['type'] == 'http.response.debug':
            message = await socket.next(limit)
        if message is not None and message['type'] == 'websocket.accept':
            headers = [(b'connection', b'Upgrade'), (b'upgrade', b'websocket'), *message.get('headers', ())]
            if message.get('subprotocol') is not None:
                headers.append((b'sec-websocket-protocol', message['subprotocol'].encode()))
            start: Message = {'status': 101, 'headers': headers}
            return _response(socket, start, httpx.ByteStream(b''), {'heaven.socket': socket})
        body = b''
        if message is None:
            start = {'status': 500, 'headers': [(b'content-type', b'text/plain; charset=utf-8')]}
            body = b'Internal Server Error'
        elif message['type'] == 'websocket.close':
            start = {'status': 403}
        else:
            start, more = message, True
            while more:
                message = await socket.next(limit) or {}
                body += message.get('body', b'')
                more = message.get('more_body', False)
        socket.leave()
        if not await socket.end(limit):
            socket.abort(f'the application has refused the WebSocket but not ended for {limit:g} s')
        failure = socket.failure()
        if failure is not None:
            raise failure
        return _response(socket, start, httpx.ByteStream(body), {})
    except BaseException:
        socket.cancel()
        raise


class AsyncTransport(httpx.AsyncBaseTransport):
    """An httpx transport that calls an ASGI application on the loop of the test; entering it runs the lifespan.

    `client` is the address the application sees, `root_path` where it is mounted, `limit` how many seconds startup and
    shutdown may each take, and all waiting for one response together. An exception of the application is raised by the
    wait for its response, unless `raise_app_exceptions` is false. Without `lint`, header names may have capitals.

    >>> import asyncio, httpx
    >>> async def app(scope, receive, send):
    ...     await send({'type': 'http.response.start', 'status': 200})
    ...     await send({'type': 'http.response.body', 'body': scope['path'].encode()})
    >>> async def main():
    ...     async with httpx.AsyncClient(transport=AsyncTransport(app), base_url='http://localhost') as client:
    ...         return (await client.get('/hello%20there')).text
    >>> asyncio.run(main())
    '/hello there'
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
    ) -> None:
        self.engine: Engine = Engine(app, raise_app_exceptions, client, root_path, limit, lint)
        self._loop: asyncio.AbstractEventLoop | None = None

    async def handle_async_request(self, request: httpx.Request) -> Response:
        if self._loop is not None and asyncio.get_running_loop() is not self._loop:
            raise RuntimeError('the client was entered on another event loop than the one it is used on')
        if 'heaven.websocket' in request.extensions:
            return await _shake(self.engine, request)
        body = _known_body(request)
        exchange = self.engine.exchange(request)
        if body is not None:
            exchange.give(body, False)
        else:
            assert isinstance(request.stream, httpx.AsyncByteStream)
            exchange.uploads(request.stream)
        opening = _Opening(exchange, limit_of(request))
        exchange.start()
        while opening.start is None:
            await opening.more()
        return opening.respond(None if opening.settled else _AsyncBody(opening))

    async def __aenter__(self) -> AsyncTransport:
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:
            raise RuntimeError('AsyncClient runs on asyncio, and no asyncio event loop is running here') from None
        try:
            await self.engine.startup()
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
        await self._exit()

    async def _exit(self, failing: bool = False) -> None:
        self._loop = None
        try:
            await self.engine.shutdown()
        except BaseException:
            if not failing:
                raise


class _AsyncBody(httpx.AsyncByteStream):
    def __init__(self, opening: _Opening) -> None:
        self._opening = opening

    async def __aiter__(self) -> AsyncIterator[bytes]:
        body = self._opening.body
        while body or await self._opening.more():
            while body:
                yield body.popleft()

    async def aclose(self) -> None:
        await self._opening.close()


class Portal:
    """An event loop in a thread, and the way to it."""

    def __init__(self) -> None:
        started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self.thread: threading.Thread = threading.Thread(
            target=_serve, args=(started,), name='heaven-testing', daemon=True
        )
        self.thread.start()
        self.loop: asyncio.AbstractEventLoop
        self.loop, self._stop = started.result(LONGEST)
        self.stuck: bool = False

    def run(self, coroutine: Coroutine[Any, Any, T], limit: float) -> T:
        """Runs a coroutine, in the context of the caller; its own waits are limited, so only the loop can be stuck."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self.loop)
        try:
            while True:
                try:
                    return future.result(limit + GRACE)
                except TimeoutError:
                    if future.done():
                        raise
                    turned = threading.Event()
                    self.loop.call_soon_threadsafe(turned.set)
                    if not turned.wait(GRACE):
                        self.stuck = True
                        text = f'the application holds the event loop:\n{self.stack()}'
                        raise httpx.ReadTimeout(text) from None
        finally:
            future.cancel()

    def stop(self, limit: float) -> None:
        self.loop.call_soon_threadsafe(self._stop.set)
        self.thread.join(limit)
        if self.thread.is_alive():
            raise TimeoutError(f'the thread of the client does not end:\n{self.stack()}')

    def stack(self) -> str:
        frame = sys._current_frames().get(self.thread.ident or 0)
        return ''.join(traceback.format_stack(frame)[-3:]) if frame is not None else ''


def _serve(started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]]) -> None:
    async def main() -> None:
        stop = asyncio.Event()
        started.set_result((asyncio.get_running_loop(), stop))
        await stop.wait()

    asyncio.run(main())


def _abandon(portal: Portal) -> None:
    if not portal.loop.is_closed():
        portal.loop.call_soon_threadsafe(portal._stop.set)


class Transport(httpx.BaseTransport):
    """An httpx transport that calls an ASGI application on one loop in one thread; entering it runs the lifespan.

    The parameters are those of `AsyncTransport`. A request's body is taken from its iterator in the thread of the test.
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
    ) -> None:
        self.engine: Engine = Engine(app, raise_app_exceptions, client, root_path, limit, lint)
        self._portal: Portal | None = None
        self._lock = threading.Lock()
        self.closed: bool = False

    def run(self, coroutine: Coroutine[Any, Any, T], limit: float) -> T:
        """Runs a coroutine on the loop of the application."""
        with self._lock:
            if self.closed:
                coroutine.close()
                raise RuntimeError('the client has been closed')
            if self._portal is None:
                self._portal = Portal()
                weakref.finalize(self, _abandon, self._portal)
            portal = self._portal
        return portal.run(coroutine, limit)

    def handle_request(self, request: httpx.Request) -> Response:
        limit = limit_of(request)
        if 'heaven.websocket' in request.extensions:
            return self.run(_shake(self.engine, request), limit)
        body = _Body(self, request, limit)
        while body.opening is None or body.opening.start is None:
            body.more()
        return body.opening.respond(None if body.opening.settled else body)

    def __enter__(self) -> Transport:
        self.closed = False
        try:
            self.run(self.engine.startup(), self.engine.limit)
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
        self.opening: _Opening | None = None

    async def _open(self) -> bool:
        request, engine = self._request, self._transport.engine
        body = _known_body(request)
        exchange = engine.exchange(request)
        if body is not None:
            exchange.give(body, False)
        exchange.start()
        self.opening = _Opening(exchange, self._limit)
        return await self.opening.more()

    def more(self) -> bool:
        opening, run = self.opening, self._transport.run
        if opening is None:
            return run(self._open(), self._limit)
        return run(opening.more(self._piece() if opening.wanted else None), self._limit)

    def _piece(self) -> bytes | BaseException:
        try:
            if self._pieces is None:
                assert isinstance(self._request.stream, httpx.SyncByteStream)
                self._pieces = iter(self._request.stream)
            return next((piece for piece in self._pieces if piece), b'')
        except BaseException as error:
            return error

    def __iter__(self) -> Iterator[bytes]:
        assert self.opening is not None
        body = self.opening.body
        while body or self.more():
            while body:
                yield body.popleft()

    def close(self) -> None:
        if self.opening is not None and not self.opening.settled and not self._transport.closed:
            self._transport.run(self.opening.close(), self._limit + GRACE)

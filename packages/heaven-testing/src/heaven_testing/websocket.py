"""WebSockets, as `client.websocket(url)` gives them: one for tests that are async, one for those that are not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from types import TracebackType
from typing import Any, NamedTuple, NoReturn

import httpx

from .engine import GRACE, Socket, limit_of
from .rules import Message
from .transport import Response, Transport

_NOT_OPEN = 'the WebSocket is not open: use `async with`, or await it'


class Close(NamedTuple):
    """How a WebSocket was closed (RFC 6455 section 7.4): 1006 is an end without a close."""

    code: int
    reason: str = ''


class WebSocketClosed(Exception):
    """The application has closed the WebSocket, or has ended; `code` and `reason` tell how."""

    def __init__(self, close: Close) -> None:
        self.code: int = close.code
        self.reason: str = close.reason
        super().__init__(f'the WebSocket is closed: {close.code} {close.reason}'.rstrip())


class WebSocketRefused(httpx.HTTPStatusError):
    """The application has refused the WebSocket; `response` is what it answered, 403 if it only closed."""

    response: Response


def refused(response: Response) -> NoReturn:
    text = f'the WebSocket was refused: {response.status_code} {response.reason_phrase}'
    raise WebSocketRefused(text, request=response.request, response=response)


class _Session:
    """What happens on one WebSocket, on the loop of the application."""

    def __init__(self, socket: Socket, limit: float) -> None:
        self.socket = socket
        self.limit = limit
        self.ended: Close | None = None  # how it was closed, as far as the test has read

    @property
    def closed(self) -> Close | None:
        """How it was closed, whether or not all messages before that have been read."""
        if self.ended is None and self.socket.outbox and self.socket.outbox[-1]['type'] == 'websocket.close':
            return _close_of(self.socket.outbox[-1])
        if self.ended is None and self.socket.ended and not self.socket.outbox:
            return Close(1006 if self.socket.engine.raise_app_exceptions else 1011)
        return self.ended

    async def receive(self, limit: float | None) -> str | bytes:
        if self.ended is not None:
            raise WebSocketClosed(self.ended)
        limit = self.limit if limit is None else limit
        message = await self.socket.next(limit)
        if message is not None and message['type'] == 'websocket.send':
            data: str | bytes = message['text'] if message.get('bytes') is None else message['bytes']
            return data
        self.ended = self.closed if message is None else _close_of(message)
        await self._end(limit)
        raise WebSocketClosed(self.ended or Close(1006))

    async def send(self, data: str | bytes) -> None:
        await asyncio.sleep(0)
        closed = self.closed
        if closed is not None:
            await self._end(self.limit)
            raise WebSocketClosed(closed)
        if isinstance(data, str):
            self.socket.deliver({'type': 'websocket.receive', 'text': data})
        elif isinstance(data, bytes):
            self.socket.deliver({'type': 'websocket.receive', 'bytes': data})
        else:
            raise TypeError(f'a WebSocket sends str or bytes, not {type(data).__name__}; for JSON there is send_json')
        await asyncio.sleep(0)

    async def close(self, code: int, reason: str) -> None:
        if self.ended is None:
            self.ended = self.closed or Close(code, reason)
            self.socket.leave(code, reason)
            await self.socket.dismiss(self.limit)
        failure = self.socket.failure() if self.socket.ended else None
        if failure is not None:
            raise failure

    async def _end(self, limit: float) -> None:
        """The application has closed: it is told so, has to end, and what it raised is raised here."""
        self.socket.leave(*(self.closed or ()))
        if not await self.socket.end(limit):
            self.socket.abort(f'the application has closed the WebSocket but not ended for {limit:g} s')
        failure = self.socket.failure()
        if failure is not None:
            raise failure


def _close_of(message: Message) -> Close:
    return Close(message.get('code', 1000), message.get('reason') or '')


class AsyncWebSocket:
    """One end of a WebSocket, for `async with client.websocket(url) as ws` or `ws = await client.websocket(url)`.

    Every wait is limited to the client's timeout; an exception of the application is raised by the next wait.
    """

    def __init__(self, connect: Callable[[], Awaitable[Response]]) -> None:
        self._connect = connect
        self._session: _Session | None = None
        self._response: Response | None = None

    async def _open(self) -> AsyncWebSocket:
        if self._session is None:
            response = self._response = await self._connect()
            socket = response.extensions.get('heaven.socket')
            if socket is None:
                await response.aread()
                refused(response)
            self._session = _Session(socket, limit_of(response.request))
        return self

    def __await__(self) -> Generator[Any, None, AsyncWebSocket]:
        return self._open().__await__()

    async def __aenter__(self) -> AsyncWebSocket:
        return await self._open()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            await self.close()
        except BaseException as error:
            if exc_value is None:
                raise
            exc_value.add_note(f'Also at the end of the WebSocket: {error!r}')

    @property
    def _open_session(self) -> _Session:
        if self._session is None:
            raise RuntimeError(_NOT_OPEN)
        return self._session

    @property
    def response(self) -> Response:
        """The response to the handshake: 101, with the headers the application sent and, for a Heaven app, its trio."""
        if self._response is None:
            raise RuntimeError(_NOT_OPEN)
        return self._response

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that the application chose."""
        chosen: str | None = self.response.headers.get('sec-websocket-protocol')
        return chosen

    @property
    def closed(self) -> Close | None:
        """None while the WebSocket is open, then how it was closed, by either side."""
        return self._session.closed if self._session is not None else None

    async def send(self, data: str | bytes) -> None:
        """Sends a message. Raises WebSocketClosed, or what the application raised."""
        await self._open_session.send(data)

    async def send_json(self, value: Any) -> None:
        """Sends a value as JSON text."""
        await self.send(json.dumps(value))

    async def receive(self, timeout: float | None = None) -> str | bytes:
        """The next message, for at most `timeout` seconds, else the client's own.

        Raises WebSocketClosed, httpx.ReadTimeout, or what the application raised.
        """
        return await self._open_session.receive(timeout)

    async def receive_json(self, timeout: float | None = None) -> Any:
        """The next message, read as JSON."""
        return json.loads(await self.receive(timeout))

    async def close(self, code: int = 1000, reason: str = '') -> None:
        """Closes, and waits for the application to end. Raises what the application raised."""
        if self._session is not None:
            await self._session.close(code, reason)

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        try:
            while True:
                yield await self.receive()
        except WebSocketClosed:
            return


class WebSocket:
    """One end of a WebSocket, for tests that are not async; it is open from the start, and closed at the end of `with`.

    Every wait is limited to the client's timeout; an exception of the application is raised by the next wait.
    """

    def __init__(self, transport: Transport, response: Response) -> None:
        if 'heaven.socket' not in response.extensions:
            response.read()
            refused(response)
        self.response = response
        self._transport = transport
        self._session = _Session(response.extensions['heaven.socket'], limit_of(response.request))

    def __enter__(self) -> WebSocket:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self.close()
        except BaseException as error:
            if exc_value is None:
                raise
            exc_value.add_note(f'Also at the end of the WebSocket: {error!r}')

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that the application chose."""
        chosen: str | None = self.response.headers.get('sec-websocket-protocol')
        return chosen

    @property
    def closed(self) -> Close | None:
        """None while the WebSocket is open, then how it was closed, by either side."""
        return self._session.closed

    def send(self, data: str | bytes) -> None:
        """Sends a message. Raises WebSocketClosed, or what the application raised."""
        self._transport.run(self._session.send(data), self._session.limit)

    def send_json(self, value: Any) -> None:
        """Sends a value as JSON text."""
        self.send(json.dumps(value))

    def receive(self, timeout: float | None = None) -> str | bytes:
        """The next message, for at most `timeout` seconds, else the client's own.

        Raises WebSocketClosed, httpx.ReadTimeout, or what the application raised.
        """
        limit = self._session.limit if timeout is None else timeout
        return self._transport.run(self._session.receive(timeout), limit)

    def receive_json(self, timeout: float | None = None) -> Any:
        """The next message, read as JSON."""
        return json.loads(self.receive(timeout))

    def close(self, code: int = 1000, reason: str = '') -> None:
        """Closes, and waits for the application to end. Raises what the application raised."""
        self._transport.run(self._session.close(code, reason), self._session.limit + GRACE)

    def __iter__(self) -> Iterator[str | bytes]:
        try:
            while True:
                yield self.receive()
        except WebSocketClosed:
            return

"""WebSockets, as `client.websocket(url)` gives them: one for tests that are async, one for those that are not."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from types import TracebackType
from typing import Any

from .library import httpx
from .responses import REFUSAL, SOCKET, Response
from .rules import Message
from .session import Close as Close, Session, WebSocketClosed as WebSocketClosed, close_of
from .transport import Transport
from .waiting import GRACE, limit_of

_NOT_OPEN = 'the WebSocket is not open: use `async with`, or await it'


class WebSocketRefused(httpx.HTTPStatusError):
    """The application has refused the WebSocket; `response` is what it answered, 403 if it only closed.

    `code` and `reason` are those it closed with; None and '' if it answered with a response.
    """

    response: Response

    def __init__(self, response: Response) -> None:
        close: Message | None = response.extensions.get(REFUSAL)
        self.code: int | None = None
        self.reason: str = ''
        text = f'the WebSocket was refused: {response.status_code} {response.reason_phrase}'
        if close is not None:
            self.code, self.reason = close_of(close)
            text = f'{text}, closed with {self.code} {self.reason}'.rstrip()
        super().__init__(text, request=response.request, response=response)


class AsyncWebSocket:
    """One end of a WebSocket, for `async with client.websocket(url) as ws` or `ws = await client.websocket(url)`.

    Every wait is limited to the client's timeout; an exception of the application is raised by the next wait.
    """

    def __init__(self, connect: Callable[[], Awaitable[Response]]) -> None:
        self._connect = connect
        self._session: Session | None = None
        self._response: Response | None = None

    async def _open(self) -> AsyncWebSocket:
        if self._session is None:
            response = self._response = await self._connect()
            socket = response.extensions.get(SOCKET)
            if socket is None:
                await response.aread()
                raise WebSocketRefused(response)
            self._session = Session(socket, limit_of(response.request))
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
    def _open_session(self) -> Session:
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
        """Send a message. Raises WebSocketClosed, or what the application raised."""
        await self._open_session.send(data)

    async def send_json(self, value: Any) -> None:
        """Send a value as JSON text."""
        await self.send(json.dumps(value))

    async def receive(self, timeout: float | None = None) -> str | bytes:  # noqa: ASYNC109 (httpx's word)
        """Return the next message, waiting at most `timeout` seconds, else the client's own.

        Raises WebSocketClosed, httpx.ReadTimeout, or what the application raised.
        """
        return await self._open_session.receive(timeout)

    async def receive_json(self, timeout: float | None = None) -> Any:  # noqa: ASYNC109
        """Return the next message, read as JSON."""
        return json.loads(await self.receive(timeout))

    async def close(self, code: int = 1000, reason: str = '') -> None:
        """Close, and wait for the application to end. Raises what the application raised."""
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
        if SOCKET not in response.extensions:
            response.read()
            raise WebSocketRefused(response)
        self.response = response
        self._transport = transport
        self._session = Session(response.extensions[SOCKET], limit_of(response.request))

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
        """Send a message. Raises WebSocketClosed, or what the application raised."""
        self._transport.run(self._session.send(data), self._session.limit)

    def send_json(self, value: Any) -> None:
        """Send a value as JSON text."""
        self.send(json.dumps(value))

    def receive(self, timeout: float | None = None) -> str | bytes:
        """Return the next message, waiting at most `timeout` seconds, else the client's own.

        Raises WebSocketClosed, httpx.ReadTimeout, or what the application raised.
        """
        limit = self._session.limit if timeout is None else timeout
        return self._transport.run(self._session.receive(timeout), limit)

    def receive_json(self, timeout: float | None = None) -> Any:
        """Return the next message, read as JSON."""
        return json.loads(self.receive(timeout))

    def close(self, code: int = 1000, reason: str = '') -> None:
        """Close, and wait for the application to end. Raises what the application raised."""
        self._transport.run(self._session.close(code, reason), self._session.limit + GRACE)

    def __iter__(self) -> Iterator[str | bytes]:
        try:
            while True:
                yield self.receive()
        except WebSocketClosed:
            return

"""Responses as they come: from the messages of an application to what httpx is given."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from .engine import Engine
from .exchange import WANTED, Exchange
from .library import httpx
from .observing import SEEN, Seen
from .rules import Message
from .sockets import Socket
from .waiting import limit_of

if TYPE_CHECKING:
    import heaven

HANDSHAKE = 'heaven_testing.subprotocols'  # of a request that opens a WebSocket: the subprotocols it offers
SOCKET = 'heaven_testing.socket'  # of a response that has opened one: the `Socket`
REFUSAL = 'heaven_testing.refusal'  # of a response that has refused one: the `websocket.close` of the application


class Response(httpx.Response):
    """An httpx response that knows what the application worked with."""

    @property
    def trio(self) -> tuple[heaven.Request, heaven.Response, heaven.Context]:
        """The request, the response and the context: the very objects that a Heaven app used.

        Raises LookupError if the app is not Heaven's, or answered before its hooks could run.
        """
        seen: Seen | None = self.extensions.get(SEEN)
        if seen is None or seen.trio is None:
            raise LookupError(
                'there is no trio: the app is not an instance of heaven.App, or answered before its hooks'
            )
        return seen.trio


class Opening:
    """A response as it comes: its start, what of its body there is, and what the application asks for."""

    def __init__(self, exchange: Exchange, limit: float) -> None:
        self.exchange = exchange
        self.limit = limit
        self.start: Message | None = None
        self.is_whole: bool = False  # the last of the body has come
        self.body: deque[bytes] = deque()
        self.wanted: bool = False  # the application asks for a piece of the request
        self.extensions: dict[str, Any] = {}
        self.is_head: bool = exchange.scope['method'] == 'HEAD'

    async def more(self, piece: bytes | BaseException | None = None) -> bool:
        """Sort the messages that have come; false at the end.

        `piece` is of the request's body: b'' its end, an exception what keeps it from being made.
        """
        exchange = self.exchange
        try:
            if isinstance(piece, bytes):
                exchange.give(piece, piece != b'')
            elif piece is not None:
                exchange.lose(piece)
            messages = await exchange.more(self.limit)
        except BaseException:
            exchange.cancel()
            raise
        self.wanted = False
        for message in messages:
            self._sort(message)
        if not messages and self.start is None:
            raise httpx.RemoteProtocolError(f'{exchange}: the client was closed before the response began')
        return bool(messages)

    def _sort(self, message: Message) -> None:
        """Take what a message says; one out of turn, which only an unchecked application sends, says nothing."""
        kind = message['type']
        if kind == 'http.response.body':
            if self.start is None or self.is_whole:
                return
            self.is_whole = not message.get('more_body')
            if message.get('body') and not self.is_head:
                self.body.append(bytes(message['body']))
        elif kind == 'http.response.start':
            self.start = self.start or message
        elif kind == 'http.response.debug':
            self.extensions[kind] = message.get('info')
        elif message is WANTED:
            self.wanted = True

    async def close(self) -> None:
        """Leave the response."""
        await self.exchange.close(self.limit)

    def respond(self, stream: httpx.AsyncByteStream | httpx.SyncByteStream | None) -> Response:
        """Return the response; without a stream its body is whole."""
        assert self.start is not None
        if stream is None:
            stream = httpx.ByteStream(b''.join(self.body))
        return _response(self.exchange, self.start, stream, self.extensions)


def known_body(request: httpx.Request) -> bytes | None:
    """Return the body of a request if it need not be waited for."""
    return b''.join(request.stream) if isinstance(request.stream, httpx.ByteStream) else None


async def shake_hands(engine: Engine, request: httpx.Request) -> Response:
    """Open a WebSocket: the response is 101 with the socket among its extensions, or the refusal."""
    limit = limit_of(request)
    socket = engine.socket(request, request.extensions[HANDSHAKE])
    socket.start()
    try:
        message = await _answer(socket, limit)
        if message is not None and message['type'] == 'websocket.accept':
            return _accepted(socket, message)
        return await _refused(socket, message, limit)
    except BaseException:
        socket.cancel()
        raise


_HANDSHAKE_ANSWERS = ('websocket.accept', 'websocket.close', 'websocket.http.response.start')


async def _answer(socket: Socket, limit: float) -> Message | None:
    """Return the application's answer to the handshake, or None if it has ended without."""
    message = await socket.next(limit)
    while message is not None and message['type'] not in _HANDSHAKE_ANSWERS:
        message = await socket.next(limit)
    return message


def _accepted(socket: Socket, message: Message) -> Response:
    headers = [(b'connection', b'Upgrade'), (b'upgrade', b'websocket'), *message.get('headers', ())]
    if message.get('subprotocol') is not None:
        headers.append((b'sec-websocket-protocol', message['subprotocol'].encode()))
    start: Message = {'status': 101, 'headers': headers}
    return _response(socket, start, httpx.ByteStream(b''), {SOCKET: socket})


async def _refused(socket: Socket, message: Message | None, limit: float) -> Response:
    """Return the refusal once the application has ended; raise what it raised."""
    extensions: dict[str, Any] = {}
    body = b''
    if message is None:
        start: Message = {'status': 500, 'headers': [(b'content-type', b'text/plain; charset=utf-8')]}
        body = b'Internal Server Error'
    elif message['type'] == 'websocket.close':
        start = {'status': 403}
        extensions[REFUSAL] = message
    else:
        start = message
        body = await _body_of_refusal(socket, limit)
    socket.leave()
    if not await socket.end(limit):
        socket.abort(f'the application has refused the WebSocket but not ended for {limit:g} s')
    failure = socket.failure()
    if failure is not None:
        raise failure
    return _response(socket, start, httpx.ByteStream(body), extensions)


async def _body_of_refusal(socket: Socket, limit: float) -> bytes:
    body, more = b'', True
    while more:
        message = await socket.next(limit) or {}
        body += bytes(message.get('body') or b'')
        more = message.get('more_body', False)
    return body


def _response(call: Exchange | Socket, start: Message, stream: Any, extensions: dict[str, Any]) -> Response:
    # Transfer-Encoding is the server's: an application may name it, and is not heard (ASGI HTTP, Response Start).
    headers = [(name, value) for name, value in start.get('headers') or () if name.lower() != b'transfer-encoding']
    extensions['http_version'] = b'HTTP/1.1'
    if SEEN in call.scope:
        extensions[SEEN] = call.scope[SEEN]
    return Response(start['status'], headers=headers, stream=stream, extensions=extensions)

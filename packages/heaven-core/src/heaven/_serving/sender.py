"""Sending a response: how it is framed, and message by message (RFC 9110, RFC 9112; ASGI, HTTP)."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from heaven._http.bodies import OpenBody, encode
from heaven._http.exchange import Exchange
from heaven._http.reader import CancelledOnDisconnect, forget_outcome
from heaven._serving.draining import GRACE, Draining, OpenPart
from heaven.errors import Disconnected
from heaven.response import BODILESS
from heaven.types import Message, Send

BREATH = 100  # pieces that were there at once, after which other requests have their turn
PING = b': ping\n\n'
Framed = tuple[Message, bytes | None]  # the first message, and the body unless that is sent in pieces


def plain_messages(exchange: Exchange) -> tuple[Message, Message]:
    """Return the two messages of a response with a fixed body and nothing special about it, as the lane makes them."""
    data = encode(exchange)
    headers = {b'content-length': b'%d' % len(data)}
    if exchange.kind.header is not None:
        headers.update([exchange.kind.header])
    if exchange.headers is not None:
        headers.update(exchange.headers)
    start = {'type': 'http.response.start', 'status': exchange.status, 'headers': list(headers.items())}
    return start, {'type': 'http.response.body', 'body': data}


def frame(exchange: Exchange, keeps_head_body: bool) -> Framed:
    """Frame a response whose body is open; what fails here can still be answered.

    `keeps_head_body` is for middlewares, which see of a HEAD what they see of a GET.
    """
    data = encode(exchange) if exchange.kind.is_fixed else None
    if exchange.before_start is not None:
        exchange.before_start()  # sets headers and cookies, perhaps
    headers: dict[bytes, bytes] = dict(exchange.headers or ())
    is_head = exchange.method == 'HEAD'
    has_body = exchange.status not in BODILESS
    # The length. 204, 205 and 304 have none (RFC 9110, 8.6 and 15.3.6); a stream has the one that it was given.
    if not has_body:
        headers.pop(b'content-length', None)
    elif data is None:
        check_length(headers)
        if is_head and keeps_head_body:
            headers.pop(b'content-length', None)  # the middlewares see an empty body
    elif not is_head or data or exchange.endpoint.stands_in_for_get or b'content-length' not in headers:
        headers[b'content-length'] = b'%d' % len(data)  # else a handler for HEAD has said what a GET would have
    # The content type.
    if has_body and exchange.kind.header is not None:
        headers.setdefault(*exchange.kind.header)
    # The body that is sent.
    if not has_body or is_head and (data is None or not keeps_head_body):
        data = b''
    if exchange.must_drain() and not exchange.shares_connection():
        headers[b'connection'] = b'close'
    pairs = list(headers.items())
    if exchange.cookies:
        pairs += [(b'set-cookie', cookie) for cookie in exchange.cookies]
    return {'type': 'http.response.start', 'status': exchange.status, 'headers': pairs}, data


def check_length(headers: dict[bytes, bytes]) -> None:
    """Raise ValueError where a stream was given a Content-Length that is none; one that it has is enforced."""
    length = headers.get(b'content-length', b'0')
    if not length.isdigit():
        raise ValueError(f'{length!r:.80} is no Content-Length of a stream')


async def send_plainly(send: Send, start: Message, body: Message) -> None:
    """Send two messages, to whoever is still there."""
    try:
        await send(start)
        await send(body)
    except OSError:  # the client has left
        pass


async def send_not_found(send: Send) -> None:
    """Answer a path that no route has, where no hook and no ERROR handler has a word in it."""
    headers = [(b'content-type', b'text/plain; charset=utf-8'), (b'content-length', b'9')]
    start = {'type': 'http.response.start', 'status': 404, 'headers': headers}
    await send_plainly(send, start, {'type': 'http.response.body', 'body': b'Not Found'})


def send(exchange: Exchange, start: Message, data: bytes | None, draining: Draining | None) -> Awaitable[None]:
    """Send a response, as it was framed, once that is awaited; Disconnected if the client leaves."""
    exchange.has_begun = True
    must_drain = exchange.must_drain()
    if data is not None and not must_drain:
        return send_both(exchange, start, data)
    return Sender(exchange, draining).send(start, data, must_drain)


async def send_both(exchange: Exchange, start: Message, data: bytes) -> None:
    """Send a response of two messages."""
    try:
        await exchange.send(start)
        await exchange.send({'type': 'http.response.body', 'body': data})
    except OSError:
        raise note_leaving(exchange) from None


def note_leaving(exchange: Exchange) -> Disconnected:
    """Take note that the client is not there to take a message, and return what is raised for that."""
    exchange.has_left = True
    return Disconnected('the client has left')


class Sender:
    """Sends a response whose body comes in pieces, or after which the rest of the request is drained."""

    def __init__(self, exchange: Exchange, draining: Draining | None) -> None:
        self.exchange = exchange
        self.draining = draining

    async def send(self, start: Message, data: bytes | None, must_drain: bool) -> None:
        """Send all of it; `must_drain` is whether the client still sends a body that was refused."""
        await self.put(start)
        if data is None:
            length = dict(start['headers']).get(b'content-length')
            await self._send_pieces(self.exchange.kind, None if length is None else int(length))
            data = b''
        await self.put({'type': 'http.response.body', 'body': data, 'more_body': must_drain})
        if must_drain:
            await self._drain()
            await self.put({'type': 'http.response.body', 'body': b'', 'more_body': False})

    async def put(self, message: Message) -> None:
        """Send one message; an OSError means that the client is not there to take it (ASGI, disconnected client)."""
        try:
            await self.exchange.send(message)
        except OSError:
            raise note_leaving(self.exchange) from None

    async def _drain(self) -> None:
        """Take what the client still sends; one that waits for `100 Continue` sends nothing if it is not asked to."""
        reader = self.exchange.open_reader()
        expects = self.exchange.fields().get(b'expect', b'').lower()
        if reader.heard or b'100-continue' not in expects:
            await reader.drain(self.exchange.shares_connection())

    def _watching(self) -> AbstractContextManager[None]:
        """Listen for the client's leaving; a socket that is refused can say nothing any more."""
        if self.exchange.scope['type'] == 'websocket':
            return nullcontext()
        return CancelledOnDisconnect(self.exchange.open_reader())

    def _ended_by_draining(self, body: OpenBody, length: int | None) -> AbstractContextManager[OpenPart | None]:
        """Let draining end a body: at once if it is endless, soon if it may be, not if it has a length to come to."""
        if self.draining is None or length is not None:
            return nullcontext()
        return OpenPart(self.draining, 0.0 if getattr(body, 'is_endless', False) else GRACE)

    async def _send_pieces(self, body: OpenBody, length: int | None) -> None:
        """Send a body piece by piece, of the length that was set, until the client leaves or the app drains."""
        sent = count = 0
        pinger = Pinger(getattr(body, 'ping', None), self.put)
        try:
            with self._ended_by_draining(body, length) as part, self._watching():
                async for item in body:
                    piece = body.encode(item)
                    sent += len(piece)
                    count += 1
                    if length is not None and sent > length:
                        raise RuntimeError(f'the stream is longer than the Content-Length that was set, {length}')
                    if pinger.is_sending:
                        await pinger.wait()
                    if piece:
                        await self.put({'type': 'http.response.body', 'body': piece, 'more_body': True})
                        pinger.note()
                    if part is not None and part.is_interrupted:  # the generator has gone on nevertheless
                        break
                    if count % BREATH == 0:
                        await asyncio.sleep(0)
            if part is not None and part.is_interrupted:
                await body.close()  # where it was not the generator that waited
        finally:
            await pinger.stop()
        if length is not None and sent < length:
            raise RuntimeError(f'the stream is {length - sent} bytes shorter than the Content-Length, {length}')


class Pinger:
    """Sends a comment after so many seconds of silence: one timer for a stream, however many events it has."""

    def __init__(self, seconds: float | None, put: Callable[[Message], Awaitable[None]]) -> None:
        self.seconds = seconds
        self.put = put
        self.is_sending = False
        self.task: asyncio.Task[None] | None = None
        self.timer: asyncio.TimerHandle | None = None
        if seconds is not None:
            self.loop = asyncio.get_running_loop()
            self.last = self.loop.time()
            self.timer = self.loop.call_later(seconds, self._ring)

    def note(self) -> None:
        """Take note that something was sent."""
        if self.timer is not None:
            self.last = self.loop.time()

    def _ring(self) -> None:
        if self.seconds is None:
            return
        left = self.last + self.seconds - self.loop.time()
        if left > 0:
            self.timer = self.loop.call_later(left, self._ring)
            return
        self.is_sending = True
        self.task = self.loop.create_task(self._send())
        self.task.add_done_callback(forget_outcome)

    async def _send(self) -> None:
        try:
            await self.put({'type': 'http.response.body', 'body': PING, 'more_body': True})
        finally:
            self.is_sending = False
        self.last = self.loop.time()
        self._ring()

    async def wait(self) -> None:
        """Wait until a comment is sent that is on its way; Disconnected if the client has left meanwhile."""
        if self.task is not None:
            await self.task

    async def stop(self) -> None:
        """Send no more."""
        if self.timer is not None:
            self.timer.cancel()
        if self.task is not None and not self.task.done():
            self.task.cancel()
            await asyncio.wait([self.task])


async def send_server_error(scope: Any, send: Callable[[Message], Awaitable[None]]) -> None:
    """Answer a plain 500, or close a WebSocket, where no app could."""
    if scope['type'] == 'websocket':
        await send({'type': 'websocket.close', 'code': 1011, 'reason': ''})
        return
    body = b'' if scope['method'] == 'HEAD' else b'Internal Server Error'
    headers = [(b'content-type', b'text/plain; charset=utf-8'), (b'content-length', b'21')]
    await send({'type': 'http.response.start', 'status': 500, 'headers': headers})
    await send({'type': 'http.response.body', 'body': body})

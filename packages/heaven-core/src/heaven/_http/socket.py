"""One WebSocket as a state machine: the handshake, the open connection, its end (ASGI, WebSocket)."""

import asyncio
from enum import Enum, auto
from typing import Any

from heaven._http.exchange import Exchange
from heaven._http.headers import DESCRIBING
from heaven.errors import Disconnected
from heaven.types import Message, Receive, Send

BREATH = 100  # messages that were there at once, after which other requests have their turn
OF_CONNECTION = (b'connection', b'sec-websocket-', b'upgrade')  # headers that are the server's to send


class State(Enum):
    """How far a socket has come."""

    HANDSHAKE = auto()  # it can be accepted or refused
    OPEN = auto()
    REFUSING = auto()  # its refusal has begun to be sent
    CLOSED = auto()


AFTER = {  # the state that a message leads to
    'websocket.accept': State.OPEN,
    'websocket.close': State.CLOSED,
    'websocket.http.response.start': State.REFUSING,
}


class Socket:
    """The server's side of one WebSocket: what `WebSocket` is for users, this is for the house."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.send: Send = exchange.send
        self.state: State = State.HANDSHAKE
        self.has_left: bool = False  # the peer
        self.taken: int = 0
        self.lock: asyncio.Lock = asyncio.Lock()

    @property
    def can_answer_http(self) -> bool:
        """Whether the server can send an HTTP response in place of the handshake (Denial Response extension)."""
        return 'websocket.http.response' in (self.exchange.scope.get('extensions') or ())

    async def put(self, message: Message) -> None:
        """Send one message after another; Disconnected if the socket is closed or the peer has left."""
        await self.lock.acquire()  # with `release`, half of what `async with` costs at every message
        try:
            if self.state is State.CLOSED:
                raise Disconnected('the socket was closed')
            kind = message['type']
            if kind == 'websocket.http.response.body' and not message.get('more_body'):
                self.state = State.CLOSED
            else:
                self.state = AFTER.get(kind, self.state)
            await self.send(message)
        except OSError:
            self.lose()
            raise Disconnected('the peer has left') from None
        finally:
            self.lock.release()

    async def take(self) -> Message:
        """Return the next message that is data; Disconnected when the peer has left."""
        if self.state is not State.OPEN:
            raise Disconnected('the socket was closed')
        self.taken += 1
        if self.taken % BREATH == 0:
            await asyncio.sleep(0)
        message = await self.exchange.receive()
        if message['type'] == 'websocket.disconnect':
            self.lose()
            code = message.get('code', 1005)
            raise Disconnected(f'the socket was closed: {code} {message.get("reason") or ""}')
        return message

    def lose(self) -> None:
        """Take note that the peer has left."""
        self.state = State.CLOSED
        self.has_left = True
        self.exchange.has_left = True

    async def accept(self, subprotocol: str | None = None) -> None:
        """Complete the handshake, with the headers that were set on the response."""
        kept = [
            (name, value)
            for name, value in (self.exchange.headers or {}).items()
            if name not in DESCRIBING and not name.startswith(OF_CONNECTION)
        ]
        kept += [(b'set-cookie', cookie) for cookie in self.exchange.cookies]
        await self.put({'type': 'websocket.accept', 'subprotocol': subprotocol, 'headers': kept})

    async def close(self, code: int, reason: str = '') -> None:
        """Close the socket, or refuse it; nothing happens to one that is closed."""
        if self.state is State.CLOSED:
            return
        try:
            await self.put({'type': 'websocket.close', 'code': code, 'reason': cut_reason(reason)})
        except Disconnected:
            pass

    def as_receive(self) -> Receive:
        """Return a `receive` for a mounted app, to which the handshake is still to be announced."""
        announced = False

        async def receive() -> Message:
            nonlocal announced
            if not announced:
                announced = True
                return {'type': 'websocket.connect'}
            message = await self.exchange.receive()
            if message['type'] == 'websocket.disconnect':
                self.lose()
            return message

        return receive


def cut_reason(reason: str) -> str:
    """Cut the reason of a close to the 123 bytes of UTF-8 that it may have (RFC 6455, 5.5)."""
    return reason.encode('utf-8', 'replace')[:123].decode('utf-8', 'ignore')


def text_of(message: Message) -> Any:
    """Return the text of a message, or its bytes."""
    text = message.get('text')
    return (message.get('bytes') or b'') if text is None else text

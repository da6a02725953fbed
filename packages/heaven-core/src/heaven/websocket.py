"""WebSockets, as their handlers see them (RFC 6455)."""

from collections.abc import Mapping
from typing import Any, Self

from heaven._http.headers import set_header
from heaven._http.socket import Socket, State, text_of
from heaven.errors import ClientError, Disconnected

RESERVED_CODES = (1004, 1005, 1006, 1015)  # that no endpoint sends (RFC 6455, 7.4.1)


class WebSocket:
    """One WebSocket: text messages are str, binary ones bytes.

    `subprotocols` are those that the client offers, the most wanted first (RFC 6455, 1.9).

        async def echo(req, ws, ctx):
            async for message in ws:
                await ws.send(message)
    """

    __slots__ = ('_socket', 'subprotocols')

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self.subprotocols: tuple[str, ...] = tuple(socket.exchange.scope.get('subprotocols') or ())

    async def accept(self, subprotocol: str | None = None, headers: Mapping[str, Any] | None = None) -> None:
        """Complete the handshake, with the headers that hooks have set and more; the first send or receive does it too.

        ValueError for a subprotocol that was not offered, RuntimeError after the handshake.
        """
        socket = self._socket
        if socket.state is not State.HANDSHAKE:
            raise RuntimeError('the handshake is over: accept comes before the first send or receive')
        if subprotocol is not None and subprotocol not in self.subprotocols:
            offered = ', '.join(self.subprotocols) or 'none'
            raise ValueError(f'the subprotocol {subprotocol!r} was not offered: {offered}')
        for name, value in (headers or {}).items():
            set_header(socket.exchange, name, value)
        await socket.accept(subprotocol)

    async def receive(self) -> str | bytes:
        """Return the next message; Disconnected when the peer has left, or sent one larger than `max_body_size`."""
        socket = self._socket
        if socket.state is State.HANDSHAKE:
            await socket.accept()
        data: str | bytes = text_of(await socket.take())
        limit = socket.exchange.endpoint.body_limit
        if len(data) * 4 > limit and size_of(data) > limit:
            await socket.close(1009, f'a message may have {limit} bytes')
            raise Disconnected(f'the socket was closed: 1009 for a message of more than {limit} bytes')
        return data

    async def receive_json(self) -> Any:
        """Return the next message, parsed as JSON; ClientError for one that is not, which closes with 1007."""
        message = await self.receive()
        data = message.encode() if isinstance(message, str) else message
        try:
            return self._socket.exchange.endpoint.loads(data)
        except Exception as error:
            raise ClientError(f'the message is not valid JSON: {error!s:.80}') from None

    def __aiter__(self) -> Self:
        """Iterate over the messages, until the client leaves."""
        return self

    async def __anext__(self) -> str | bytes:
        """Return the next message."""
        try:
            return await self.receive()
        except Disconnected:
            raise StopAsyncIteration from None

    async def send(self, message: str | bytes) -> None:
        """Send a message; several tasks may. TypeError for what is no message, Disconnected if the peer has left."""
        socket = self._socket
        if socket.state is State.HANDSHAKE:
            await socket.accept()
        if isinstance(message, str):
            await socket.put({'type': 'websocket.send', 'text': message})
        elif isinstance(message, bytes):
            await socket.put({'type': 'websocket.send', 'bytes': message})
        else:
            raise TypeError(f'a message is str or bytes, not {type(message).__name__}: send_json sends the rest')

    async def send_json(self, value: Any) -> None:
        """Send a value as JSON, in a text message."""
        data = self._socket.exchange.endpoint.dumps(value)
        await self.send(data if isinstance(data, str) else data.decode())

    async def close(self, code: int = 1000, reason: str = '') -> None:
        """Close the socket, or refuse one that was not accepted yet; nothing happens to one that is closed.

        `reason` is cut to 123 bytes of UTF-8 (RFC 6455, 5.5); ValueError for a code that nobody may send (7.4).
        """
        if not isinstance(code, int) or not 1000 <= code <= 4999 or code in RESERVED_CODES:
            raise ValueError(f'{code!r} is no code to close with: use 1000, 1008, 1011, or your own from 4000 to 4999')
        if not isinstance(reason, str):
            raise TypeError(f'the reason of a close is a str, not {reason!r:.80}')
        await self._socket.close(code, reason)


def size_of(data: str | bytes) -> int:
    """Return the size of a message in bytes."""
    return len(data.encode('utf-8', 'replace')) if isinstance(data, str) else len(data)

"""What happens on one open WebSocket, on the loop of the application."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from .rules import Message
from .sockets import Socket


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


class Session:
    """What happens on one WebSocket, on the loop of the application."""

    def __init__(self, socket: Socket, limit: float) -> None:
        self.socket = socket
        self.limit = limit
        self.ended: Close | None = None  # how it was closed, as far as the test has read

    @property
    def closed(self) -> Close | None:
        """How it was closed, whether or not all messages before that have been read."""
        if self.ended is None and self.socket.outbox and self.socket.outbox[-1]['type'] == 'websocket.close':
            return close_of(self.socket.outbox[-1])
        if self.ended is None and self.socket.ended and not self.socket.outbox:
            return Close(1006 if self.socket.shared.raise_app_exceptions else 1011)
        return self.ended

    async def receive(self, limit: float | None) -> str | bytes:
        """Return the next message; WebSocketClosed after the last."""
        if self.ended is not None:
            raise WebSocketClosed(self.ended)
        limit = self.limit if limit is None else limit
        message = await self._next(limit)
        if message is not None and message['type'] == 'websocket.send':
            data: str | bytes = message['text'] if message.get('bytes') is None else message['bytes']
            return data
        if message is None:
            closed = self.closed or Close(1006)
        else:
            closed = close_of(message)
        self.ended = closed
        await self._end(closed, limit)
        raise WebSocketClosed(closed)

    async def _next(self, limit: float) -> Message | None:
        """Return the next message that means something; of an unchecked application any may come."""
        message = await self.socket.next(limit)
        while message is not None and message['type'] not in ('websocket.send', 'websocket.close'):
            message = await self.socket.next(limit)
        return message

    async def send(self, data: object) -> None:
        """Send a message; WebSocketClosed if the application has closed."""
        await asyncio.sleep(0)
        closed = self.closed
        if closed is not None:
            await self._end(closed, self.limit)
            raise WebSocketClosed(closed)
        if isinstance(data, str):
            self.socket.deliver({'type': 'websocket.receive', 'text': data})
        elif isinstance(data, bytes):
            self.socket.deliver({'type': 'websocket.receive', 'bytes': data})
        else:
            raise TypeError(f'a WebSocket sends str or bytes, not {type(data).__name__}; for JSON there is send_json')
        await asyncio.sleep(0)

    async def close(self, code: object, reason: object) -> None:
        """Close, and wait for the application to end."""
        if type(code) is not int or not isinstance(reason, str):
            raise TypeError(f'a WebSocket is closed with an int and a str, not {code!r} and {reason!r}')
        if self.ended is None:
            self.ended = self.closed or Close(code, reason)
            self.socket.leave(code, reason)
            await self.socket.dismiss(self.limit)
        failure = self.socket.failure() if self.socket.ended else None
        if failure is not None:
            raise failure

    async def _end(self, closed: Close, limit: float) -> None:
        """Tell the application, which has closed, that it has; wait for its end, and raise what it raised."""
        self.socket.leave(closed.code, closed.reason)
        if not await self.socket.end(limit):
            self.socket.abort(f'the application has closed the WebSocket but not ended for {limit:g} s')
        failure = self.socket.failure()
        if failure is not None:
            raise failure


def close_of(message: Message) -> Close:
    """Return how a message closes the WebSocket."""
    return Close(message.get('code', 1000), message.get('reason') or '')

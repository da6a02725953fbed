"""WebSockets: a handshake that is a request like any other, and the socket that it becomes (RFC 6455; ASGI, WebSocket).

Until it is accepted a socket is a request: hooks run, and what refuses it is answered as HTTP. From then on there is
no answer to give: what ends the handler ends the connection, with a close code.
"""

from asyncio import Lock
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Self

from heaven import Abort, ClientError, Context, Disconnected, Request, Response, errors, response
from heaven._serving import conclude, fix, judged, log, stray
from heaven.types import App, Message, Receive, Scope, Send, Table


class WebSocket:
    """One WebSocket, as its handler gets it: text messages are str, binary ones bytes.

    `subprotocols` are those that the client offers, the most wanted first (RFC 6455, 1.9).

        async def echo(req, ws, ctx):
            async for message in ws:
                await ws.send(message)
    """

    _open: bool | None = None

    def __init__(self, req: Request, res: Response, receive: Receive, send: Send) -> None:
        self._req, self._res, self._receive, self._send, self._lock = req, res, receive, send, Lock()
        self.subprotocols: tuple[str, ...] = tuple(req.scope.get('subprotocols') or ())

    async def accept(self, subprotocol: str | None = None, headers: Mapping[str, Any] | None = None) -> None:
        """Completes the handshake, with the headers that hooks have set and more; the first send or receive does too.

        ValueError for a subprotocol that was not offered, RuntimeError after the handshake.
        """
        errors.refuse(
            self._open is not None,
            RuntimeError,
            'the handshake is over: accept comes before the first send or receive',
        )
        errors.refuse(
            subprotocol not in (None, *self.subprotocols),
            ValueError,
            f'the subprotocol {subprotocol!r} was not offered: {self.subprotocols} were',
        )
        self._res.headers.update(headers or {})
        self._res._forget(())
        await self._put(
            {
                'type': 'websocket.accept',
                'subprotocol': subprotocol,
                'headers': [
                    field
                    for field in fix(self._req, self._res)[0]['headers']
                    if not field[0].startswith((b'connection', b'content-length', b'sec-websocket-', b'upgrade'))
                ],
            }
        )

    async def receive(self) -> str | bytes:
        """Gives the next message; Disconnected when the peer has left, or sent one larger than `max_body_size`."""
        if self._open is None:
            await self.accept()
        message = await self._receive() if self._open else {'type': 'websocket.disconnect'}
        if message['type'] == 'websocket.disconnect':
            self._open, self._req._gone = False, True
            raise Disconnected(f'the socket was closed: {message.get("code", 1005)} {message.get("reason") or ""}')
        text, limit = message.get('text'), self._req._entry.limit
        data: str | bytes = message.get('bytes') or b'' if text is None else text
        if len(data) * 4 > limit and len(data.encode() if isinstance(data, str) else data) > limit:
            await self.close(1009, f'a message may have {limit} bytes')
            raise Disconnected(f'the socket was closed: 1009 for a message of more than {limit} bytes')
        return data

    async def receive_json(self) -> Any:
        """Gives the next message, parsed as JSON; ClientError for one that is not, which closes with 1007."""
        message = await self.receive()
        try:
            return self._req._entry.loads(message.encode() if isinstance(message, str) else message)
        except Exception as error:
            raise ClientError(f'the message is not valid JSON: {error!s:.80}') from None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str | bytes:
        try:
            return await self.receive()
        except Disconnected:
            raise StopAsyncIteration from None

    async def send(self, message: str | bytes) -> None:
        """Sends a message; several tasks may. TypeError for what is no message, Disconnected if the peer has left."""
        if not isinstance(message, (str, bytes)):
            raise TypeError(f'a message is str or bytes, not {type(message).__name__}: send_json sends the rest')
        await self._put({'type': 'websocket.send', 'text' if isinstance(message, str) else 'bytes': message})

    async def send_json(self, value: Any) -> None:
        """Sends a value as JSON, in a text message."""
        await self.send(self._req._entry.dumps(value).decode())

    async def close(self, code: int = 1000, reason: str = '') -> None:
        """Closes the socket, or refuses one that was not accepted yet; nothing happens to one that is closed.

        `reason` is cut to 123 bytes of UTF-8 (RFC 6455, 5.5); ValueError for a code that nobody may send (7.4).
        """
        errors.refuse(
            not 1000 <= code <= 4999 or code in (1004, 1005, 1006, 1015),
            ValueError,
            f'{code!r} is no code to close with: use 1000, 1008, 1011, or your own from 4000 to 4999',
        )
        with suppress(Disconnected):
            await self._put(
                {'type': 'websocket.close', 'code': code, 'reason': reason.encode()[:123].decode(errors='ignore')}
            )

    async def _put(self, message: Message) -> None:
        """Sends one message after another, and an accept before the first."""
        if self._open is None and message['type'] == 'websocket.send':
            await self.accept()
        async with self._lock:
            if self._open is False:
                raise Disconnected('the socket was closed')
            self._open = message['type'] != 'websocket.close'
            try:
                await self._send(message)
            except OSError:
                self._open, self._req._gone = False, True
                raise Disconnected('the peer has left') from None

    async def _answer(self, message: Message) -> None:
        """Refuses the handshake: as HTTP, where the server can, else by closing (ASGI, WebSocket Denial Response)."""
        kind = message['type'].removeprefix('websocket.')
        if self._open is None and kind == 'http.response.start':
            message['status'] = status if (status := message['status']) >= 300 else 403
            if 'websocket.http.response' not in (self._req.scope.get('extensions') or ()):
                await self.close(1011 if status >= 500 else 1008)
        if self._open is None:
            await self._send({**message, 'type': f'websocket.{kind}'})


async def serve(app: App, table: Table, scope: Scope, receive: Receive, send: Send) -> None:
    """Serves one WebSocket, from its handshake to its end."""
    if (await receive())['type'] != 'websocket.connect':
        return
    req, res, ctx, failure = Request(), Response(), Context(), None
    req.scope, req._receive, req._held, req._parts = scope, receive, b'', None
    res._req, res._ctx, res._kind, res._status, res._fields = req, ctx, response.UNSET, None, None
    req._special, req._body, req._more, req._reading = True, b'', False, True
    req._entry = entry = table.seek(req)
    ws = WebSocket(req, res, receive, send)
    try:
        for hook in entry.before:
            await judged(hook, hook(req, res, ctx), res)
            if res._answered:
                break
        else:
            welcome(req, entry.origins)
            if entry.queries:
                req.queries.check()
            await stray(entry.handler, entry.handler(req, ws if entry.route else res, ctx), res)
            if entry.route and res._kind is not response.FOREIGN:
                if ws._open is None:
                    await ws.accept()
                await ws.close()
    except Exception as error:
        failure = error
    ended = failure if ws._open or ws._open is False and not isinstance(failure, Disconnected) else None
    if isinstance(ended, ClientError):
        await ws.close(1007, str(ended))
    elif ended:
        log().error('WS %s failed', req.path, exc_info=ended)
        await ws.close(1011)
    await conclude(app, req, res, ctx, ws._answer, failure if ws._open is None else None)
    if ended and not isinstance(ended, ClientError):
        app._report(scope, ended)


def welcome(req: Request, origins: Sequence[str] | None) -> None:
    """Refuses the page of another origin (RFC 6455, 10.2); who sends no Origin is no browser."""
    origin = req.headers.get('origin', '').lower() if req.route else ''
    scheme = 'https' if req.scheme == 'wss' else origin.partition('://')[0]
    port = ':443' if scheme == 'https' else ':80'
    known = [f'{scheme}://{req.host}'] if origins is None else [origins] if isinstance(origins, str) else origins
    if origin and {'*', origin.removesuffix(port)}.isdisjoint(text.lower().removesuffix(port) for text in known):
        raise Abort(status=403)

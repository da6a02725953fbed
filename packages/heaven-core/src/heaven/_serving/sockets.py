"""The course of one WebSocket: a handshake that is a request like any other, and the socket that it becomes.

Until it is accepted, hooks run, and what refuses it is answered as HTTP. From then on there is no answer to give: what
ends the handler ends the connection, with a close code.
"""

from collections.abc import Sequence
from functools import partial

from heaven._http.exchange import Exchange
from heaven._http.hosts import authority
from heaven._http.logs import log, printable
from heaven._http.origins import is_own_origin, without_default_port
from heaven._http.socket import Socket, State
from heaven._serving.batteries import enter
from heaven._serving.calling import call, check_hook, warn_unused
from heaven._serving.course import begin, note_answer
from heaven._serving.dispatcher import Dispatcher, name_route
from heaven._serving.draining import GRACE, Draining, OpenPart
from heaven._serving.finish import Finish
from heaven._serving.mounted import MountedASGI
from heaven.errors import Abort, ClientError, Disconnected
from heaven.types import Context, Message, Receive, Request, Response, Scope, Send
from heaven.websocket import WebSocket


async def serve_socket(dispatcher: Dispatcher, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one WebSocket, from its handshake to its end."""
    message = await receive()
    if message['type'] != 'websocket.connect':
        return
    exchange, req, res, ctx = begin(scope, receive, send)
    exchange.endpoint = endpoint = dispatcher.find(exchange, dispatcher.sockets, 'WS')
    exchange.app = endpoint.app
    exchange.data = b''  # a handshake has no body
    exchange.is_plain = False
    if dispatcher.root.middlewares:
        name_route(scope, endpoint)
    socket = Socket(exchange)
    failure: BaseException | None = None
    try:
        if endpoint.batteries:
            enter(exchange, req, res, ctx)
        if not await run_before(exchange, req, res, ctx):
            await run_handler(socket, dispatcher.root.draining, req, res, ctx)
    except BaseException as error:
        failure = error
    await SocketFinish(dispatcher, socket, req, res, ctx).run(failure)


async def run_before(exchange: Exchange, req: Request, res: Response, ctx: Context) -> bool:
    """Run the BEFORE hooks; return whether one has refused the socket with an answer."""
    for step in exchange.endpoint.before:
        out = await call(step, exchange, req, res, ctx)
        if out is not None and out is not res:
            await check_hook(step, out, res)
        if exchange.answered:
            note_answer(exchange, step)
            return True
    return False


async def run_handler(socket: Socket, draining: Draining | None, req: Request, res: Response, ctx: Context) -> None:
    """Run the handler; one that returns without a word has accepted the socket, and closes it."""
    exchange = socket.exchange
    endpoint = exchange.endpoint
    exchange.app = endpoint.app
    is_mounted = isinstance(endpoint.handler, MountedASGI)
    if endpoint.route is None:  # there is no such socket: what answers is a response
        await endpoint.handler(req, res, ctx)
        return
    if not is_mounted:
        check_origin(exchange, endpoint.origins)
    if endpoint.queries:
        req.queries.convert()
    if is_mounted:
        await endpoint.handler(req, socket, ctx)
        return
    if draining is None or draining.has_begun:
        raise Abort(503)
    with OpenPart(draining, GRACE, partial(say_goodbye, socket)) as part:
        out = endpoint.handler(req, WebSocket(socket), ctx)
        if endpoint.step.is_async:
            out = await out
        if out is not None:
            await warn_unused(endpoint, endpoint.step, out, res)
    if socket.state is State.HANDSHAKE:
        if part.is_interrupted:
            raise Abort(503)
        await socket.accept()
    await socket.close(1001 if draining.has_begun else 1000)


async def say_goodbye(socket: Socket) -> None:
    """Close an open socket because the server stops: it is going away (RFC 6455, 7.4.1)."""
    if socket.state is State.OPEN:
        await socket.close(1001)


class SocketFinish(Finish):
    """The end of a WebSocket: refused, its answer is sent; open, it is closed."""

    def __init__(self, dispatcher: Dispatcher, socket: Socket, req: Request, res: Response, ctx: Context) -> None:
        super().__init__(dispatcher.root, socket.exchange, req, res, ctx)
        self.socket = socket
        self.is_mounted = isinstance(socket.exchange.endpoint.handler, MountedASGI)
        self.is_quiet = False  # the peer has left, or the handler has closed the socket and went on

    async def run(self, failure: BaseException | None) -> None:
        """End the socket, then run what must always run, unless there is an answer that it may change."""
        if self.socket.state is not State.HANDSHAKE:
            self.exchange.has_begun = True
            failure = await self.close(failure)
        elif failure is None and self.exchange.status < 300:  # a refusal, which what always runs sees as it is sent
            self.exchange.status = 403
        await super().run(failure)

    async def close(self, failure: BaseException | None) -> BaseException | None:
        """Close an open socket; return what goes on: a failure that is not the client's.

        How a mounted app fails is its own affair.
        """
        if failure is None:
            return None
        if isinstance(failure, Disconnected) and self.socket.state is State.CLOSED:
            self.is_quiet = True
            return failure
        if self.is_mounted:
            return failure
        if isinstance(failure, ClientError):
            await self.socket.close(1007, str(failure))
            self.error = self.exchange.error = failure  # raised at every yield, and told to nobody else
            return None
        if isinstance(failure, Exception):
            await self.socket.close(1011)
        return failure

    async def report(self) -> None:
        """Tell of a failure: it closed the socket, so that the server need not cut the connection."""
        if not self.is_mounted:
            self.is_late = False
        await super().report()

    def has_left(self) -> bool:
        """Tell whether the peer's leaving is what ended the socket."""
        return isinstance(self.error, Disconnected) and (self.is_quiet or self.socket.has_left)

    async def send(self) -> None:
        """Refuse the handshake: as HTTP, where the server can, else by closing (ASGI, WebSocket Denial Response)."""
        exchange = self.exchange
        if self.socket.state is not State.HANDSHAKE:
            return
        if exchange.status < 300:
            exchange.status = 403
        if not self.socket.can_answer_http:
            await self.socket.close(1011 if exchange.status >= 500 else 1008)
            return

        async def send_denial(message: Message) -> None:
            await self.socket.put({**message, 'type': f'websocket.{message["type"]}'})

        exchange.send = send_denial
        await super().send()


def check_origin(exchange: Exchange, origins: Sequence[str] | None) -> None:
    """Refuse the page of another origin (RFC 6455, 10.2); who sends no Origin is no browser."""
    sent = exchange.fields().get(b'origin', b'').decode('latin-1')
    if not sent:
        return
    if origins is None:
        is_known = is_own_origin(sent, exchange.scope.get('scheme', 'ws'), authority(exchange))
    else:
        known = [origins] if isinstance(origins, str) else list(origins)
        is_known = '*' in known or without_default_port(sent) in map(without_default_port, known)
    if is_known:
        return
    log().info('%s: a page of %s may not connect', printable(exchange.scope['path']), printable(sent))
    raise Abort(403)

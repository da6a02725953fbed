"""Any other ASGI app mounted on one of Heaven's: its requests, and its lifespan."""

from typing import Any

from heaven._http.exchange import Exchange
from heaven._http.socket import Socket
from heaven.errors import Disconnected
from heaven.request import exchange_of
from heaven.types import ASGIApp, Context, Header, Message, Request, Scope, Send

OWN = frozenset({b'content-length', b'content-type'})  # of an answer that is the mounted app's
ADDED = frozenset({b'set-cookie', b'vary'})  # headers that an answer may have several of


class MountedASGI:
    """The handler of the routes below a prefix where an ASGI app is mounted."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.state: dict[str, Any] = {}  # what its lifespan has put there

    def __repr__(self) -> str:
        """Show the app."""
        return f'<the mounted app {self.app!r:.80}>'

    async def __call__(self, req: Request, res: Any, ctx: Context) -> None:
        """Let the app answer: its root path extended, the headers that hooks have set merged into its answer.

        `res` is the response, or of a WebSocket the `Socket`.
        """
        exchange = exchange_of(req)
        if exchange.scope['type'] == 'websocket':
            socket: Socket = res
            await self.app(self._scope(exchange), socket.as_receive(), self._merging(exchange, socket.put))
            return
        exchange.is_plain = False
        send = self._merging(exchange, self._sending(exchange))
        try:
            await self.app(self._scope(exchange), exchange.receive_for_app(), send)
        except Exception:
            if exchange.has_left:
                raise Disconnected('the client has left') from None
            raise
        if not exchange.has_begun and not exchange.client_is_gone:
            raise RuntimeError(f'{self!r} has returned without an answer')

    def _scope(self, exchange: Exchange) -> Scope:
        scope = exchange.scope
        rest = (exchange.params or {})['*']
        root = scope['path'].removesuffix(rest).rstrip('/')
        return {**scope, 'root_path': root, 'state': {**scope.get('state', {}), **self.state}}

    def _sending(self, exchange: Exchange) -> Send:
        async def send(message: Message) -> None:
            exchange.has_begun = True
            exchange.has_ended = message['type'] == 'http.response.body' and not message.get('more_body')
            try:
                await exchange.send(message)
            except OSError:
                exchange.has_left = True
                raise

        return send

    def _merging(self, exchange: Exchange, send: Send) -> Send:
        async def merging(message: Message) -> None:
            if message['type'] in ('http.response.start', 'websocket.accept', 'websocket.http.response.start'):
                headers = message.get('headers') or ()
                if exchange.before_start is not None:
                    adopt_cors(headers, exchange)
                    exchange.before_start()
                message = {**message, 'headers': merged(headers, exchange)}
            await send(message)

        return merging


def adopt_cors(headers: Any, exchange: Exchange) -> None:
    """Set what a mounted app says of CORS on the response, so that the app that it is mounted on leaves it at that."""
    own = {name.lower(): value for name, value in headers if name.lower().startswith(b'access-control-')}
    exchange.headers = own | (exchange.headers or {})


def merged(headers: Any, exchange: Exchange) -> list[Header]:
    """Return the headers of a mounted app's answer with those that hooks have set, which win."""
    extra = [pair for pair in (exchange.headers or {}).items() if pair[0] not in OWN]
    names = {name for name, _ in extra} - ADDED
    kept = [(name.lower(), value) for name, value in headers]
    cookies = [(b'set-cookie', cookie) for cookie in exchange.cookies]
    return [*(pair for pair in kept if pair[0] not in names), *extra, *cookies]

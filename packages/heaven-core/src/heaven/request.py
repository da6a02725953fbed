"""The request: everything the client sent, read when it is asked for and not before."""

from collections.abc import AsyncIterator, Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from heaven._http.cookies import Cookies
from heaven._http.exchange import Exchange
from heaven._http.headers import Headers
from heaven._http.queries import Queries, TypedQueries
from heaven.errors import ClientError, Unread
from heaven.types import App, Form, PendingForm, Scope

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from heaven._http.hosts import Address

T = TypeVar('T')


def part(function: Callable[[Any], T]) -> T:
    """Make a part of a request that is worked out when it is first read, and kept."""
    name = function.__name__

    @wraps(function)
    def read(req: 'Request') -> T:
        exchange = req._exchange  # noqa: SLF001
        parsed = exchange.parsed
        if parsed is None:
            parsed = exchange.parsed = {}
        elif name in parsed:
            return parsed[name]  # type: ignore[no-any-return]
        value = parsed[name] = function(req)
        return value

    return property(read)  # type: ignore[return-value]


class Request:
    """What the client sent; every part is read on first use.

    async def get_patient(req, res, ctx):
        res.body = {'id': req.params['id'], 'fields': req.queries.all('field')}
    """

    __slots__ = ('_exchange',)

    _exchange: Exchange

    if not TYPE_CHECKING:  # what reads types knows the names that are there

        def __getattr__(self, name: str) -> NoReturn:
            """Say what to write, for the names of other frameworks."""
            from heaven._http.foreign_names import OF_REQUEST, explain_missing

            explain_missing('a request', name, OF_REQUEST.get(name))

    @property
    def app(self) -> App:
        """The app on which the function that asks was registered."""
        return self._exchange.app

    @property
    def scope(self) -> Scope:
        """The scope of the connection, as the server gave it (ASGI, HTTP Connection Scope)."""
        return self._exchange.scope

    @property
    def method(self) -> str:
        """The method, as sent: methods are case-sensitive (RFC 9110, 9.1)."""
        return self._exchange.method

    @property
    def path(self) -> str:
        """The path, decoded, as the server gives it."""
        return str(self._exchange.scope['path'])

    @property
    def route(self) -> str | None:
        """The pattern that matched, such as `/v1/patients/:id`; None if none did."""
        return self._exchange.endpoint.route

    @property
    def meta(self) -> Any:
        """What the route was registered with as `meta=`; None without it."""
        return self._exchange.endpoint.meta

    @property
    def params(self) -> dict[str, Any]:
        """The parameters of the route, converted to their types; `*` is the rest of the path."""
        exchange = self._exchange
        if exchange.params is None:
            exchange.params = {}
        return exchange.params

    @property
    def scheme(self) -> str:
        """`http` or `https`, `ws` or `wss`."""
        return str(self._exchange.scope.get('scheme', 'http'))

    @property
    def querystring(self) -> str:
        """The query as sent, undecoded, without the question mark."""
        query: bytes = self._exchange.scope.get('query_string', b'')
        return query.decode('latin-1')

    @part
    def queries(self) -> Queries:
        """The queries: `get` and `[]` give one value, the last; `all` gives each. More than 1000 are a 400."""
        types = self._exchange.endpoint.queries
        return TypedQueries(self.querystring, types) if types else Queries(self.querystring)

    @part
    def headers(self) -> Headers:
        """The headers: names in any case, repeated ones joined."""
        exchange = self._exchange
        return Headers(exchange.scope['headers'], exchange.fields())

    @part
    def cookies(self) -> Cookies:
        """The cookies, several Cookie headers merged, the first of a name kept."""
        return Cookies(self._exchange.fields().get(b'cookie', b'').decode('latin-1'))

    @property
    def ip(self) -> 'Address':
        """The client's `address` and `port`, None where the server does not know."""
        from heaven._http.hosts import address_of

        return address_of(self._exchange.scope.get('client'))

    @property
    def server(self) -> 'Address':
        """The server's `address` and `port`, None where the server does not know."""
        from heaven._http.hosts import address_of

        return address_of(self._exchange.scope.get('server'))

    @part
    def host(self) -> str:
        """The authority the client asked for: Host if it is a valid one, else the server's address."""
        from heaven._http.hosts import authority

        return authority(self._exchange)

    @property
    def subdomain(self) -> str:
        """The subdomain that was asked for, `www` if none."""
        from heaven._http.hosts import subdomain_of

        return subdomain_of(self._exchange.scope, self.app.outermost.domain)

    @part
    def url(self) -> str:
        """The absolute URL as sent, query included."""
        from heaven._http.hosts import absolute_url

        return absolute_url(self._exchange)

    def url_for(self, name: str, /, **params: Any) -> str:
        """Build the path of a named route, root path included; UrlError if it cannot be."""
        path = self.app.url(name, **params)
        root = str(self._exchange.scope.get('root_path') or '').rstrip('/')
        if not root:
            return path
        from urllib.parse import quote

        return quote(root) + path

    @property
    def body(self) -> bytes:
        """The body that was read; b'' if none was announced, else an error that says how to read it.

        RuntimeError on a `stream=True` route; a 400 where the client sent a body that nobody expects.
        """
        exchange = self._exchange
        if exchange.data is not None:
            return exchange.data
        if exchange.endpoint.is_stream:
            raise RuntimeError('the body is not read ahead on this route: async for chunk in req.stream() reads it')
        if exchange.announces_body():
            raise Unread(f'{self.method} takes no body here: await req.read() would read it')
        return b''

    @property
    def text(self) -> str:
        """The body as text, in the charset of its content type, else UTF-8; ClientError, a 400, if it is not."""
        from heaven._http.charsets import decode_text
        from heaven._http.content_types import parse_content_type

        content_type = parse_content_type(self._exchange.content_type())
        return decode_text(self.body, content_type.parameters.get('charset'), 'the body')

    @part
    def json(self) -> Any:
        """The body as JSON, parsed once.

        UnsupportedMedia, a 415, unless the content type is JSON; ClientError, a 400, for what is not JSON.
        """
        exchange = self._exchange
        if exchange.fields().get(b'content-type') != b'application/json':
            from heaven._http.content_types import check_json

            check_json(exchange.content_type())
        body = exchange.data or self.body  # which says how to read a body that was not read
        try:
            return exchange.endpoint.loads(body)
        except RecursionError:
            raise ClientError('the body is JSON nested too deep') from None
        except Exception as error:
            reason = f'the body is not valid JSON: {error!s:.200}' if body else 'the body is empty'
            raise ClientError(reason) from None

    @part
    def form(self) -> 'Form | PendingForm':
        """The form that was sent, empty if none was; `form = await req.form` works everywhere.

        It is required on `stream=True` routes, and where a form comes with a method that does not read ahead.
        """
        from heaven.forms import form_of

        return form_of(self._exchange)

    async def read(self) -> bytes:
        """Read the whole body, whatever the method, up to `max_body_size`.

        TooLarge past it; Disconnected if the client left before the end.
        """
        return await self._exchange.read_body()

    def stream(self) -> AsyncIterator[bytes]:
        """Give the body chunk by chunk, once, on `stream=True` routes.

        async for chunk in req.stream():
            await store(chunk)
        """
        endpoint = self._exchange.endpoint
        if not endpoint.is_stream:
            raise RuntimeError('register the route with stream=True to read its body with req.stream()')
        return self._exchange.stream_body(endpoint.route_body_limit)

    async def disconnected(self) -> bool:
        """Tell, without waiting, whether the server has said that the client left."""
        if self._exchange.scope['type'] == 'websocket':
            return self._exchange.has_left
        return await self._exchange.open_reader().is_disconnected()

    def connected(self) -> 'AbstractAsyncContextManager[None]':
        """Cancel a block when the client leaves: for what costs much and helps nobody then.

        Disconnected is raised out of the block, which ends the request quietly.

            async with req.connected():
                res.body = await model.generate(prompt)
        """
        from heaven._http.reader import CancelledOnDisconnect

        if self._exchange.scope['type'] == 'websocket':
            raise RuntimeError('a WebSocket says by ws.receive() that its peer has left')
        return CancelledOnDisconnect(self._exchange.open_reader())


def exchange_of(req: Any) -> Exchange:
    """Return what the house knows of a request, a response or a socket: the door for everything that serves one."""
    return req._exchange  # type: ignore[no-any-return]  # noqa: SLF001


def request_of(exchange: Exchange) -> Request:
    """Return what users see of a request."""
    req = Request()
    req._exchange = exchange  # noqa: SLF001
    return req

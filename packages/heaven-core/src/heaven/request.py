"""The request: everything the client sent, read when it is asked for and not before."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from heaven.errors import ClientError, Disconnected, TooLarge, UnsupportedMedia
from heaven.headers import Cookies, Headers, Queries, TypedQueries, merged
from heaven.types import Message, Receive, Scope

if TYPE_CHECKING:
    from heaven.app import App
    from heaven.forms import Form
    from heaven.routing import Entry

UNREAD: Any = object()
DRAIN_BYTES = 8 * 2**20
DRAIN_SECONDS = 5.0
CHARSETS = ('utf', 'ascii', 'us-ascii', 'iso-8859', 'latin', 'windows', 'cp', 'koi8', 'gb', 'big5', 'euc', 'shift')


class Address(NamedTuple):
    """One end of the connection; both are None where the server does not know."""

    address: str | None
    port: int | None


class Request:
    """What the client sent; every part is read on first use.

    async def get_patient(req, res, ctx):
        res.body = {'id': req.params['id'], 'fields': req.queries.all('field')}
    """

    __slots__ = ('__dict__', '_entry', '_params', '_receive', '_special', 'scope')

    scope: Scope
    _receive: Receive
    _entry: Entry
    _params: dict[str, Any] | None
    _special: bool
    _app: App | None = None
    _headers: Headers | None = None
    _fields: dict[bytes, bytes] | None = None
    _queries: Queries | None = None
    _json: Any = UNREAD
    _body: bytes | None = None
    _more = True
    _gone = False
    _overflow = False
    _streamed = False
    _received = False
    _pending: Any = None
    _interrupt: Any = None
    _cleanup: Sequence[Callable[[], Awaitable[None]]] = ()

    def __repr__(self) -> str:
        return f'<Request {self.method} {self.path}>'

    @property
    def app(self) -> App:
        """The app on which the function that asks was registered."""
        return self._app or self._entry.app

    @property
    def method(self) -> str:
        """The method, as sent: methods are case-sensitive (RFC 9110, 9.1)."""
        return str(self.scope.get('method', 'GET'))

    @property
    def path(self) -> str:
        """The path, decoded, as the server gives it."""
        return str(self.scope['path'])

    @property
    def route(self) -> str | None:
        """The pattern that matched, such as `/v1/patients/:id`; None if none did."""
        return self._entry.route

    @property
    def params(self) -> dict[str, Any]:
        """The parameters of the route, converted to their types; `*` is the rest of the path."""
        if self._params is None:
            self._params = {}
        return self._params

    @property
    def scheme(self) -> str:
        """`http` or `https`, `ws` or `wss`."""
        return str(self.scope.get('scheme', 'http'))

    @property
    def querystring(self) -> str:
        """The query as sent, undecoded, without the question mark."""
        return str(self.scope.get('query_string', b''), 'latin-1')

    @property
    def queries(self) -> Queries:
        """The queries: `get` and `[]` give one value, the last; `all` gives each. More than 1000 are a 400."""
        if self._queries is None:
            spec = self._entry.queries
            self._queries = TypedQueries(self.querystring, spec) if spec else Queries(self.querystring)
        return self._queries

    @property
    def headers(self) -> Headers:
        """The headers: names in any case, repeated ones joined."""
        if self._headers is None:
            self._headers = Headers(self.scope['headers'], self._given())
        return self._headers

    @cached_property
    def cookies(self) -> Cookies:
        """The cookies, several Cookie headers merged, the first of a name kept."""
        return Cookies(self.headers.get('cookie', ''))

    @property
    def ip(self) -> Address:
        """The client's `address` and `port`, None where the server does not know."""
        return Address(*(self.scope.get('client') or (None, None)))

    @property
    def server(self) -> Address:
        """The server's `address` and `port`, None where the server does not know."""
        return Address(*(self.scope.get('server') or (None, None)))

    @cached_property
    def host(self) -> str:
        """The authority the client asked for: Host if it is a valid one, else the server's address."""
        from heaven.urls import authority

        return authority(self)

    @property
    def subdomain(self) -> str:
        """The subdomain that was asked for, `www` if none."""
        from heaven.lifecycle import label_of

        return label_of(self.scope, self.app._root().domain)

    @cached_property
    def url(self) -> str:
        """The absolute URL as sent, query included."""
        from heaven.urls import absolute

        return absolute(self)

    def url_for(self, name: str, /, **params: Any) -> str:
        """Builds the path of a named route, root path included; UrlError if it cannot be."""
        from urllib.parse import quote

        return quote(str(self.scope.get('root_path', '')).rstrip('/')) + self.app.url(name, **params)

    @property
    def body(self) -> bytes:
        """The body that was read; RuntimeError if there is one that nobody has read yet."""
        if self._body is None:
            if self._entry.stream:
                raise RuntimeError('the body of a stream=True route is read by `async for chunk in req.stream()`')
            if self._more and ('transfer-encoding' in self.headers or self.length):
                raise RuntimeError(f'the body of {self.method} is not read ahead: await req.read() first')
        return self._body or b''

    @property
    def text(self) -> str:
        """The body as text, in the charset of its content type, else UTF-8; ClientError if it is not."""
        _, _, charset = self.headers.get('content-type', '').lower().partition('charset=')
        charset = charset.split(';')[0].strip('"\' ') or 'utf-8'
        try:
            if charset.startswith(CHARSETS):
                return self.body.decode(charset)
        except (LookupError, ValueError):
            pass
        raise ClientError(f'the body is not text in {charset!r:.40}')

    @property
    def json(self) -> Any:
        """The body as JSON, parsed once.

        UnsupportedMedia, a 415, unless the content type is JSON; ClientError, a 400, for what is not JSON.
        """
        if self._json is not UNREAD:
            return self._json
        if self._given().get(b'content-type') != b'application/json':
            kind = self.headers.get('content-type', '').partition(';')[0].strip(' \t').lower()
            if kind != 'application/json' and not (kind.endswith('+json') and kind.count('/') == 1):
                raise UnsupportedMedia(f'send JSON as content-type: application/json, not as {kind or "none"!r}')
        body = self._body or self.body
        try:
            self._json = self._entry.codec.loads(body)
            return self._json
        except RecursionError:
            raise ClientError('the JSON is nested too deep') from None
        except Exception as error:
            raise ClientError(f'the body is not valid JSON: {error!s:.200}' if body else 'the body is empty') from None

    @cached_property
    def form(self) -> Form:
        """The form that was sent, empty if none was; `await req.form` on `stream=True` routes."""
        from heaven.forms import form

        return form(self)

    @property
    def length(self) -> int | None:
        """The length of the body in bytes as announced, None if it was not; ClientError if it is no number."""
        value = self._given().get(b'content-length')
        if value is None:
            return None
        if not value.isdigit() or len(value) > 19:
            raise ClientError('Content-Length is not a number')
        return int(value)

    async def read(self) -> bytes:
        """Reads the whole body, whatever the method, up to `max_body_size`; TooLarge past it, Disconnected if cut."""
        if self._body is None:
            await self._load(self._entry.limit)
        return self._body or b''

    def stream(self) -> AsyncIterator[bytes]:
        """Gives the body chunk by chunk, once, on `stream=True` routes.

        async for chunk in req.stream():
            await store(chunk)
        """
        if not self._entry.stream:
            raise RuntimeError('register the route with stream=True to read its body with req.stream()')
        if self._streamed:
            raise RuntimeError('the body can be read once, and it was')
        self._streamed = True
        return self._chunks(self._entry.ceiling)

    def _given(self) -> dict[bytes, bytes]:
        if self._fields is None:
            self._fields = merged(self.scope['headers'])
        return self._fields

    async def disconnected(self) -> bool:
        """Tells, without waiting, whether the server has said that the client left."""
        from asyncio import sleep

        for _ in range(3):
            self._arm()
            await sleep(0)
        return self._gone

    async def _load(self, limit: int) -> None:
        if self._overflow:
            self._refuse(limit)
        if self._streamed and not self._gone:
            raise RuntimeError('the body can be read once, and it was')
        self._streamed = True
        if b'content-length' in self._given() and (self.length or 0) > limit:
            self._refuse(limit)
        message = await self._next()
        body: bytes = message.get('body', b'')
        if self._more and len(body) <= limit:
            chunks, size = [body], len(body)
            while self._more and size <= limit:
                chunks.append(chunk := (await self._next()).get('body', b''))
                size += len(chunk)
                if not len(chunks) % 1000:
                    from asyncio import sleep

                    await sleep(0)
            body = b''.join(chunks)
        if len(body) > limit:
            self._refuse(limit)
        self._body = body

    async def _chunks(self, limit: int | None) -> AsyncIterator[bytes]:
        if limit is not None and (self.length or 0) > limit:
            self._refuse(limit)
        size = 0
        while self._more:
            chunk: bytes = (await self._next()).get('body', b'')
            size += len(chunk)
            if limit is not None and size > limit:
                self._refuse(limit)
            if chunk:
                yield chunk

    def _refuse(self, limit: int) -> None:
        self._overflow = self._special = True
        raise TooLarge(f'the body is larger than {limit} bytes')

    async def _next(self) -> Message:
        """Receives the next message: the one owner of `receive` in a request."""
        if self._gone:
            raise Disconnected('the client has left')
        pending, self._pending, self._received = self._pending, None, True
        message = await (self._receive() if pending is None else pending)
        if message['type'] == 'http.disconnect':
            self._gone = True
            raise Disconnected('the client has left')
        if not message.get('more_body'):
            self._more = False
        if self._interrupt is not None:
            self._arm()
        return message

    def _arm(self) -> None:
        """Listens for the client leaving; a chunk that comes instead stays where the next read finds it."""
        if self._pending is None and not self._gone:
            from asyncio import ensure_future

            self._pending = ensure_future(self._receive())
            self._pending.add_done_callback(self._told)
            self._special = True

    def _told(self, pending: Any) -> None:
        if pending.cancelled() or pending.exception() is not None:
            return
        message = pending.result()
        if message['type'] == 'http.disconnect':
            self._gone = True
            if self._interrupt is not None:
                self._interrupt()
        elif self._pending is pending and not message.get('body') and not message.get('more_body') and self._more:
            self._more, self._pending = False, None
            if self._interrupt is not None:
                self._arm()

    def _finally(self, close: Callable[[], Awaitable[None]]) -> None:
        """Sees to it that something is closed when the request has ended, however it ends."""
        self._cleanup, self._special = [*self._cleanup, close], True

    async def _clean(self) -> None:
        """Lets go of what the request held: the listening for the client, streams, what forms spilled to disk."""
        if self._pending is not None:
            self._pending.cancel()
        for close in self._cleanup:
            await close()

    async def _drain(self) -> None:
        """Reads and drops what the client still sends, so that it comes to read the answer: 8 MiB or 5 seconds."""
        from asyncio import timeout

        left = DRAIN_BYTES
        if not self._received and '100-continue' in self.headers.get('expect', '').lower():
            return
        try:
            async with timeout(DRAIN_SECONDS):
                while self._more and left > 0:
                    left -= len((await self._next()).get('body', b''))
        except (TimeoutError, Disconnected):
            pass

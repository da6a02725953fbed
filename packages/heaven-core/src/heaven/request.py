"""The request: everything the client sent, read when it is asked for and not before."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import cached_property
from typing import Any, NamedTuple, TypeVar, cast

from heaven.errors import ClientError, Disconnected, TooLarge, UnsupportedMedia
from heaven.headers import Cookies, Headers, Queries, _TypedQueries
from heaven.types import App, Entry, Form, Message, Receive, Scope

DRAIN_BYTES, DRAIN_SECONDS = 8 * 2**20, 5.0
CHARSETS = ('utf', 'ascii', 'us-ascii', 'iso-8859', 'latin', 'windows', 'cp', 'koi8', 'gb', 'big5', 'euc', 'shift')


T = TypeVar('T')


def once(func: Callable[[Any], T]) -> cached_property[T]:
    """Makes a part of a request that is worked out when it is first read: a property is read faster than its like."""
    name = func.__name__

    def part(req: Any) -> T:
        parts = req._parts
        if parts is None:
            parts = req._parts = {}
        elif name in parts:
            return parts[name]  # type: ignore[no-any-return]
        value = parts[name] = func(req)
        return value

    return cast(Any, property(part, doc=func.__doc__))  # type: ignore[no-any-return]


class Address(NamedTuple):
    """One end of the connection; both are None where the server does not know."""

    address: str | None
    port: int | None


class Request:
    """What the client sent; every part is read on first use.

    async def get_patient(req, res, ctx):
        res.body = {'id': req.params['id'], 'fields': req.queries.all('field')}
    """

    __slots__ = ('__dict__', '_body', '_entry', '_params', '_parts', '_receive', '_special', 'scope')

    scope: Scope
    _receive: Receive
    _entry: Entry
    _app: App | None = None
    _body: bytes | None
    _parts: dict[str, Any] | None
    _pending = _interrupt = cast(Any, None)
    _more = True
    _gone = _streamed = False
    _overflow = _received = 0
    _cleanup: Sequence[Callable[[], Awaitable[None]]] = ()

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
        return self._entry.route  # type: ignore[no-any-return]

    @property
    def params(self) -> dict[str, Any]:
        """The parameters of the route, converted to their types; `*` is the rest of the path."""
        try:
            return self._params
        except AttributeError:
            self._params: dict[str, Any] = {}
            return self._params

    @property
    def scheme(self) -> str:
        """`http` or `https`, `ws` or `wss`."""
        return str(self.scope.get('scheme', 'http'))

    @property
    def querystring(self) -> str:
        """The query as sent, undecoded, without the question mark."""
        return str(self.scope.get('query_string', b''), 'latin-1')

    @once
    def queries(self) -> Queries:
        """The queries: `get` and `[]` give one value, the last; `all` gives each. More than 1000 are a 400."""
        return _TypedQueries(self.querystring, spec) if (spec := self._entry.queries) else Queries(self.querystring)

    @once
    def headers(self) -> Headers:
        """The headers: names in any case, repeated ones joined."""
        return Headers(self.scope['headers'])

    @once
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

    @once
    def host(self) -> str:
        """The authority the client asked for: Host if it is a valid one, else the server's address."""
        from heaven._urls import authority

        return authority(self)

    @property
    def subdomain(self) -> str:
        """The subdomain that was asked for, `www` if none."""
        from heaven._lifecycle import label_of

        return label_of(self.scope, self.app._root().domain)

    @once
    def url(self) -> str:
        """The absolute URL as sent, query included."""
        from heaven._urls import absolute

        return absolute(self)

    def url_for(self, name: str, /, **params: Any) -> str:
        """Builds the path of a named route, root path included; UrlError if it cannot be."""
        from urllib.parse import quote

        return quote(str(self.scope.get('root_path', '')).rstrip('/')) + self.app.url(name, **params)

    @property
    def body(self) -> bytes:
        """The body that was read; RuntimeError if there is one that nobody has read yet."""
        unread = self._body is None and self._more and ('transfer-encoding' in self.headers or self.length)
        if unread or self._body is None and self._entry.stream:
            how = 'async for chunk in req.stream()' if self._entry.stream else 'await req.read()'
            raise RuntimeError(f'the body is not read ahead on this route: {how} reads it')
        return self._body or b''

    @property
    def text(self) -> str:
        """The body as text, in the charset of its content type, else UTF-8; ClientError if it is not."""
        charset = self.headers.get('content-type', '').lower().partition('charset=')[2].split(';')[0].strip('"\' ')
        try:
            return self.body.decode(charset if charset.startswith(CHARSETS) else 'unknown' if charset else 'utf-8')
        except (LookupError, ValueError):
            raise ClientError(f'the body is not text in {charset or "utf-8"!r:.40}') from None

    @once
    def json(self) -> Any:
        """The body as JSON, parsed once.

        UnsupportedMedia, a 415, unless the content type is JSON; ClientError, a 400, for what is not JSON.
        """
        if self.headers._fields.get(b'content-type') != b'application/json':
            kind = self.headers.get('content-type', '').partition(';')[0].strip(' \t').lower()
            if kind != 'application/json' and not (kind.endswith('+json') and kind.count('/') == 1):
                raise UnsupportedMedia(f'send JSON as content-type: application/json, not as {kind or "none"!r}')
        body = self._body or self.body
        try:
            return self._entry.codec.loads(body)
        except Exception as error:
            why = (
                'is JSON nested too deep' if isinstance(error, RecursionError) else f'is not valid JSON: {error!s:.200}'
            )
            raise ClientError(f'the body {why if body else "is empty"}') from None

    @once
    def form(self) -> Form:
        """The form that was sent, empty if none was; `await req.form` on `stream=True` routes."""
        from heaven.forms import form

        return form(self)

    @property
    def length(self) -> int | None:
        """The length of the body in bytes as announced, None if it was not; ClientError if it is no number."""
        value = self.headers._fields.get(b'content-length')
        if value is not None and not (value.isdigit() and len(value) < 20):
            raise ClientError('Content-Length is not a number')
        return None if value is None else int(value)

    async def read(self) -> bytes:
        """Reads the whole body, whatever the method, up to `max_body_size`; TooLarge past it, Disconnected if cut."""
        if self._body is None:
            limit: int = self._entry.limit
            if self._streamed or (self.length or 0) > limit:
                self._claim()
                self._admit(max(self._overflow, self.length or 0), limit)
            self._streamed = True
            body = self._take(await self._ask()) if self._more else b''
            if self._more or len(body) > limit:
                body = b''.join([body, *[chunk async for chunk in self._chunks(limit, len(body))]])
            self._body = body
        return self._body or b''

    def stream(self) -> AsyncIterator[bytes]:
        """Gives the body chunk by chunk, once, on `stream=True` routes.

        async for chunk in req.stream():
            await store(chunk)
        """
        if not self._entry.stream:
            raise RuntimeError('register the route with stream=True to read its body with req.stream()')
        self._claim()
        return self._chunks(self._entry.ceiling)

    async def disconnected(self) -> bool:
        """Tells, without waiting, whether the server has said that the client left."""
        from asyncio import sleep

        for _ in range(3):
            self._arm()
            await sleep(0)
        return self._gone

    def _claim(self) -> None:
        if self._streamed and not (self._gone or self._overflow):
            raise RuntimeError('the body can be read once, and it was')
        self._streamed = True

    def _admit(self, size: int, limit: int | None) -> None:
        if limit is not None and size > limit:
            self._overflow, self._special = size, True
            raise TooLarge(f'the body is larger than {limit} bytes')

    async def _chunks(self, limit: int | None, size: int = 0) -> AsyncIterator[bytes]:
        from asyncio import sleep

        self._admit(max(size, self._overflow, self.length or 0), limit)
        while self._more:
            chunk = self._take(await self._ask())
            size += len(chunk)
            self._admit(size, limit)
            if chunk:
                yield chunk
            if not self._received % 1000:
                await sleep(0)

    def _ask(self) -> Awaitable[Message]:
        """Asks for the next message: the one owner of `receive` in a request, with `_take`, which is given it."""
        if self._gone:
            raise Disconnected('the client has left')
        pending, self._pending = self._pending, None
        self._received += 1
        return self._receive() if pending is None else pending

    def _take(self, message: Message) -> Any:
        """Gives the piece of the body that a message brought."""
        if message['type'] == 'http.disconnect':
            self._gone = True
            raise Disconnected('the client has left')
        self._more = message.get('more_body', False)
        if self._interrupt is not None:
            self._arm()
        return message.get('body', b'')

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
        self._gone |= message['type'] == 'http.disconnect'
        said = self._gone or message.get('body') or message.get('more_body')
        if self._more and not said and self._pending is pending:
            self._more, self._pending = False, None
        if self._interrupt is not None:
            self._interrupt() if self._gone else self._arm()

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
        if self._received or '100-continue' not in self.headers.get('expect', '').lower():
            try:
                async with timeout(DRAIN_SECONDS):
                    while self._more and left > 0:
                        left -= len(self._take(await self._ask()))
            except (TimeoutError, Disconnected):
                pass

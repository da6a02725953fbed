"""The request: everything the client sent, read when it is asked for and not before."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import cached_property
from typing import Any, NamedTuple, TypeVar, cast

from heaven.errors import ClientError, Disconnected, TooLarge, UnsupportedMedia, refuse
from heaven.headers import Cookies, Headers, Queries, _TypedQueries, joined
from heaven.types import App, Entry, Form, Message, Receive, Scope

DRAIN_BYTES, DRAIN_SECONDS = 8 * 2**20, 5.0
CHARSETS = tuple(
    'utf8 utf-8 utf_8 utf-16 utf-32 ascii us-ascii iso-8859 latin windows cp koi8 gb big5 euc shift'.split()
)  # utf-7 can hide anything


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


def decode(data: bytes, charset: str = 'utf-8', what: str = 'a field of the form') -> str:
    """Decodes a text; ClientError, a 400, if it is none, or in a charset that texts are not sent in."""
    try:
        return data.decode(charset if charset.startswith(CHARSETS) else 'unknown')
    except (LookupError, ValueError):
        raise ClientError(f'{what} is not text in {charset!r:.40}') from None


class Unread(ClientError, RuntimeError):
    """A body came that the route does not read ahead."""


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
    _body: bytes | None
    _parts: dict[str, Any] | None
    _app = _pending = _interrupt = _held = cast(Any, None)
    _more, _ended, _gone, _streamed, _reading, _overflow, _dropped, _received = True, *[False] * 4, 0, 0, 0
    _cleanup: Sequence[Callable[[], Awaitable[None]]] = ()

    @property
    def app(self) -> App:
        """The app on which the function that asks was registered."""
        return self._app or self._entry.app  # type: ignore[no-any-return]

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
        return self.scope.get('query_string', b'').decode('latin-1')  # type: ignore[no-any-return]

    @once
    def queries(self) -> Queries:
        """The queries: `get` and `[]` give one value, the last; `all` gives each. More than 1000 are a 400."""
        return _TypedQueries(self.querystring, spec) if (spec := self._entry.queries) else Queries(self.querystring)

    @once
    def _fields(self) -> dict[bytes, bytes]:
        fields, raw = dict(self.scope['headers']), self.scope['headers']
        return fields if len(fields) == len(raw) else joined(raw)

    @once
    def headers(self) -> Headers:
        """The headers: names in any case, repeated ones joined."""
        return Headers(self.scope['headers'], self._fields)

    @once
    def cookies(self) -> Cookies:
        """The cookies, several Cookie headers merged, the first of a name kept."""
        return Cookies(self._fields.get(b'cookie', b'').decode('latin-1'))

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
        """The body that was read; RuntimeError if nobody has read it yet, which is a 400 where none was expected."""
        if self._body is None:
            refuse(
                self._entry.stream,
                RuntimeError,
                'the body is not read ahead on this route: async for chunk in req.stream() reads it',
            )
            if self._more and self._announced:
                raise Unread(f'{self.method} takes no body here: await req.read() would read it')
        return self._body or b''

    @property
    def text(self) -> str:
        """The body as text, in the charset of its content type, else UTF-8; ClientError if it is not."""
        charset = self.headers.get('content-type', '').lower().partition('charset=')[2].split(';')[0].strip('"\' ')
        return decode(self.body, charset or 'utf-8', 'the body')

    @once
    def json(self) -> Any:
        """The body as JSON, parsed once.

        UnsupportedMedia, a 415, unless the content type is JSON; ClientError, a 400, for what is not JSON.
        """
        if self._fields.get(b'content-type') != b'application/json':
            kind = self.headers.get('content-type', '').partition(';')[0].strip(' \t').lower()
            if kind != 'application/json' and not (kind.endswith('+json') and kind.count('/') == 1):
                raise UnsupportedMedia(f'send JSON as content-type: application/json, not as {kind or "none"!r}')
        body = self._body or self.body
        try:
            return self._entry.loads(body)
        except Exception as error:
            raise ClientError(
                'the body is empty'
                if not body
                else 'the body is JSON nested too deep'
                if isinstance(error, RecursionError)
                else f'the body is not valid JSON: {error!s:.200}'
            ) from None

    @once
    def form(self) -> Form:
        """The form that was sent, empty if none was; `await req.form` on `stream=True` routes."""
        from heaven.forms import form

        return form(self)

    @property
    def length(self) -> int | None:
        """The length of the body in bytes as announced, None if it was not; ClientError if it is no number."""
        value = self._fields.get(b'content-length')
        refuse(
            value is not None and not (value.isdigit() and len(value) < 20),
            ClientError,
            f'Content-Length is not a number of bytes: {value!r:.80}',
        )
        return None if value is None else int(value)

    @property
    def _announced(self) -> bool:
        """Whether the headers say that there is a body (RFC 9112, 6.3)."""
        return b'transfer-encoding' in self._fields or bool(self.length)

    async def read(self) -> bytes:
        """Reads the whole body, whatever the method, up to `max_body_size`; TooLarge past it, Disconnected if cut."""
        if self._body is None:
            self._body = b''.join([chunk async for chunk in self._chunks(self._entry.limit)])
        return self._body

    def stream(self) -> AsyncIterator[bytes]:
        """Gives the body chunk by chunk, once, on `stream=True` routes.

        async for chunk in req.stream():
            await store(chunk)
        """
        refuse(
            not self._entry.stream,
            RuntimeError,
            'register the route with stream=True to read its body with req.stream()',
        )
        return self._chunks(self._entry.ceiling)

    async def disconnected(self) -> bool:
        """Tells, without waiting, whether the server has said that the client left."""
        from asyncio import sleep

        for _ in range(3):
            self._listen()
            await sleep(0)
        return self._gone

    def _chunks(self, limit: int | None) -> AsyncIterator[bytes]:
        """Gives the body chunk by chunk to the one that reads it, in whatever way."""
        refuse(
            self._streamed and not (self._gone or self._overflow),
            RuntimeError,
            'the body can be read once, and it was',
        )
        self._streamed = self._reading = True
        return self._pieces(limit)

    async def _pieces(self, limit: int | None) -> AsyncIterator[bytes]:
        from asyncio import sleep

        chunk, size, announced = b'', 0, max(self._dropped, self.length or 0)
        try:
            while limit is None or max(size, announced) <= limit:
                if chunk:
                    yield chunk
                if not self._more:
                    return
                chunk = await self._next()
                size += len(chunk)
                if not self._received % 1000:
                    await sleep(0)
        finally:
            self._reading = False
            self._watch()
        self._overflow, self._special = max(size, announced), True
        raise TooLarge(f'the body is larger than {limit} bytes')

    async def _next(self) -> bytes:
        """Gives the next piece of the body: what was heard of it, if something was."""
        if self._held is None and not self._gone:
            pending, self._pending = self._pending, None
            await (pending or self._hear())
        if self._held is None:
            raise Disconnected('the client has left')
        chunk, self._held, self._more = bytes(self._held), None, not self._ended
        self._watch()
        return chunk

    def _watch(self) -> None:
        """Listens on where somebody wants to know of it when the client leaves."""
        if self._interrupt is not None:
            self._listen()

    def _listen(self) -> None:
        """Listens for the client leaving: one chunk ahead of the one that reads the body, else up to the limit."""
        if (
            self._pending is None
            and not self._gone
            and (self._held is None or not self._reading and len(self._held) <= self._entry.limit)
        ):
            from asyncio import ensure_future

            self._pending, self._special = ensure_future(self._hear()), True
            self._pending.add_done_callback(lambda heard: heard.cancelled() or heard.exception())

    async def _hear(self) -> None:
        """Waits for a message; past the end of the body, which is said once, there is but the client's leaving."""
        message, self._pending = await self._receive(), None
        if not self._ended or message['type'] != 'http.request':
            self._take(message)
            self._watch()

    def _take(self, message: Message) -> None:
        """Notes that the client has left, or keeps a chunk; past the limit only one that may still be read."""
        if message['type'] == 'http.request':
            held, self._ended, self._received = self._held, not message.get('more_body'), self._received + 1
            self._held = b'' if held is None else held if isinstance(held, bytearray) else bytearray(held)
            self._held += message.get('body', b'')
            if (
                len(self._held) > self._entry.limit
                and not self._reading
                and (self._streamed or self._interrupt is not None and not self._entry.stream)
            ):
                self._dropped, self._held = len(self._held), b''
        else:
            self._gone = True
            if self._interrupt is not None:
                self._interrupt()

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

        refused = not self._received and '100-continue' in self.headers.get('expect', '').lower()
        left, self._reading = 0 if refused else DRAIN_BYTES, True
        try:
            async with timeout(DRAIN_SECONDS):
                while self._more and left > 0:
                    left -= len(await self._next())
        except (TimeoutError, Disconnected):
            pass

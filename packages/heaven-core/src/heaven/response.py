"""The response: what a handler says, checked where it says it."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, NoReturn, Self

from heaven._resolving import refuse_generator
from heaven.errors import Abort, optional, refuse
from heaven.headers import TOKEN, ResponseHeaders, _known_header, header_text
from heaven.rendering import PLAIN
from heaven.types import Context, Request

BODILESS = frozenset({204, 205, 304})
DESCRIBING = frozenset(
    b'content-type content-length content-encoding content-range content-disposition content-language '
    b'content-location content-digest repr-digest content-md5 digest accept-ranges cache-control age etag expires '
    b'last-modified'.split()
)
URI = "%/:?@!$&'()*+,;=~-._"
OCTETS, ATTRIBUTE = (frozenset(map(chr, range(0x20, 0x7F))) - frozenset(less) for less in (' ",;\\', ';'))


class _Kind:
    """A kind of body: its content type, how it becomes bytes, and whether these are all there is to send."""

    def __init__(self, content_type: bytes | None, encode: Callable[[Any], bytes] | None, quick: bool = False) -> None:
        self.header: tuple[bytes, bytes] = (b'content-type', content_type or b'')
        self.encode: Callable[[Any], bytes] | None = encode
        self.quick: bool = quick


TEXT, NUMBER, BYTES, JSON, UNSET, EMPTY, STREAM, FILE, FOREIGN = (
    _Kind(b'text/plain; charset=utf-8', str.encode, True),
    _Kind(b'text/plain; charset=utf-8', lambda number: str(number).encode(), True),
    _Kind(b'application/octet-stream', bytes, True),
    _Kind(b'application/json', None, True),  # by the codec of the app
    _Kind(None, lambda body: b''),
    _Kind(None, lambda body: b''),
    _Kind(b'application/octet-stream', None),
    _Kind(None, None),
    _Kind(None, None),
)
KINDS: dict[type, _Kind] = {
    str: TEXT,
    dict: JSON,
    list: JSON,
    bytes: BYTES,
    tuple: JSON,
    bool: JSON,
    int: NUMBER,
    float: NUMBER,
    bytearray: BYTES,
    memoryview: BYTES,
    type(None): EMPTY,
}
MARKS: dict[str, _Kind | None] = {'__dataclass_fields__': JSON, '__aiter__': STREAM, 'read': None, '__next__': STREAM}
known_kind: Callable[[type], _Kind | None] = KINDS.get  # a method of an imported name is looked up anew at every call


def kind_of(body: Any) -> _Kind:
    """Tells what kind of body a value is; TypeError if it is none."""
    kind = (
        KINDS.get(type(body))
        or [
            *(KINDS[base] for base in type(body).__mro__ if base in KINDS),
            *(marked for mark, marked in MARKS.items() if hasattr(type(body), mark)),
            None,
        ][0]
    )
    if kind is None:
        raise TypeError(
            f'{type(body).__name__} is no body: res.file(path) sends files'
            if hasattr(body, 'read')
            else f'{type(body).__name__} is no body: use bytes, str, dict, list, tuple, bool, int, float, '
            'a dataclass, None or an iterator'
        )
    return kind


class Response:
    """What is answered; every method that returns it can be chained.

    async def create(req, res, ctx):
        res.status = 201
        res.headers['Location'] = req.url_for('patient', id=7)
        res.body = {'id': 7}
    """

    __slots__ = ('__dict__', '_body', '_ctx', '_fields', '_kind', '_req', '_status')

    _req: Request
    _ctx: Context
    _kind: _Kind
    _cookies = _deferred = _streams = tuple[Any, ...]()
    error: BaseException | None = None
    http = HTTPStatus

    @property
    def status(self) -> int:
        """The status, an int from 200 to 599 or an HTTPStatus; 200 at first."""
        return 200 if self._status is None else self._status

    @status.setter
    def status(self, status: int) -> None:
        if not isinstance(status, int) or not 200 <= status <= 599:
            raise ValueError(f'{status!r} is no status of an answer: use an int from 200 to 599')
        self._status: int | None = int(status)
        self._req._special |= status in BODILESS

    @property
    def body(self) -> Any:
        """The body as it was assigned.

        bytes, str, dict, list, tuple, bool, a dataclass, int, float, None, or an async or sync iterator, which is
        streamed; TypeError for anything else.
        """
        return None if self._kind is UNSET else self._body

    @body.setter
    def body(self, body: Any) -> None:
        kind = known_kind(type(body))
        if kind is None:
            kind = kind_of(body)
            if kind is STREAM:
                self._streams = (*self._streams, body)
                self._req._finally(self._close)
        self._kind = kind
        self._body: Any = body

    @property
    def _answered(self) -> bool:
        """Whether a status or a body was set."""
        return self._status is not None or self._kind is not UNSET

    @property
    def headers(self) -> ResponseHeaders:
        """The headers to send; `res.headers = 'X-A', 'b'` sets one."""
        return ResponseHeaders(self)

    @headers.setter
    def headers(self, header: tuple[str, Any]) -> None:
        refuse(
            not isinstance(header, tuple) or len(header) != 2,
            TypeError,
            "res.headers takes a name and a value: res.headers = 'X-A', 'b'",
        )
        self.headers[header[0]] = header[1]

    def header(self, name: str, value: Any) -> Self:
        """Sets a header, replacing one of that name; None removes it. ValueError for what cannot be sent."""
        known = _known_header(name)
        if known is None or type(value) is not str:
            self.headers[name] = value
        elif self._fields is None:
            self._fields: dict[bytes, bytes] | None = {known: header_text(value)}
        else:
            self._fields[known] = header_text(value)
        return self

    def cookie(
        self,
        name: str,
        value: str | int | None = '',
        path: str | None = '/',
        *,
        max_age: int | None = None,
        expires: Any = None,
        domain: str | None = None,
        secure: bool = False,
        httponly: bool = False,
        samesite: str | None = None,
        partitioned: bool = False,
    ) -> Self:
        """Sets a cookie (RFC 6265bis); a value of None deletes it.

        `max_age` is seconds, `expires` a datetime or seconds since the epoch, `samesite` Lax, Strict or None.
        ValueError for what a cookie may not hold.

            res.cookie('theme', 'dark', max_age=86400, samesite='Lax')
        """
        text = '' if value is None else str(value)
        same = None if samesite is None else str(samesite).capitalize()
        for wrong, why in (
            (not name or not TOKEN.issuperset(name), '{name!r:.80} is no cookie name: use letters, digits, - and _'),
            (
                not OCTETS.issuperset(text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text),
                'a cookie cannot hold {text!r:.80}: quote it with urllib.parse.quote(value), unquote when read',
            ),
            (
                not ATTRIBUTE.issuperset(path or ''),
                'a cookie attribute cannot hold {path!r:.80}: use urllib.parse.quote(path)',
            ),
            (not TOKEN.issuperset(domain or ''), 'the domain of a cookie cannot be {domain!r:.80}'),
            (not secure and name.lower().startswith(('__host-', '__secure-')), '{name} needs secure=True'),
            ((domain or path != '/') and name.lower().startswith('__host-'), "{name} needs path='/' and no domain"),
            (same not in (None, 'Lax', 'Strict', 'None'), "samesite is 'Lax', 'Strict' or 'None', not {samesite!r}"),
            (same == 'None' and not secure, 'SameSite=None needs secure=True'),
            (partitioned and not secure, 'partitioned needs secure=True'),
        ):
            if wrong:
                raise ValueError(why.format(name=name, text=text, path=path, domain=domain, samesite=samesite))
        max_age, expires = (0, 0) if value is None else (max_age, expires)
        if expires is not None:
            from email.utils import formatdate

            expires = formatdate(expires.timestamp() if hasattr(expires, 'timestamp') else expires, usegmt=True)
        attributes = {
            'Expires': expires,
            'Max-Age': None if max_age is None else str(int(max_age)),
            'Domain': domain,
            'Path': path,
            'SameSite': same,
            'Secure': bool(secure),
            'HttpOnly': bool(httponly),
            'Partitioned': bool(partitioned),
        }
        words = [key if given is True else f'{key}={given}' for key, given in attributes.items() if given]
        return self.header('set-cookie', '; '.join([f'{name}={text}', *words]))

    def redirect(self, location: str, permanent: bool = False, status: int | None = None) -> Self:
        """Sends the client elsewhere: 303 after POST, PUT, PATCH and DELETE, else 307; 308 if permanent; or `status`.

        What a URI may not hold is percent-encoded, escapes that are there stay.
        """
        import re
        from urllib.parse import quote

        self.status = status or (
            308 if permanent else 303 if self._req.method in ('POST', 'PUT', 'PATCH', 'DELETE') else 307
        )
        start, hash, fragment = re.sub('%(?![0-9A-Fa-f]{2})', '%25', location).partition('#')
        ip6 = re.match(r'([A-Za-z][A-Za-z0-9+.-]*:)?//[^/?]*\[', start) is not None
        text = quote(start, safe=URI + '[]' * ip6) + hash + quote(fragment, safe=URI)
        return self.header('location', text)

    def out(self, status: int, body: Any = None, headers: Mapping[str, Any] | None = None) -> Self:
        """Sets status, body and headers at once: `return res.out(401, 'Log in first')`."""
        self.status, self.body = status, body
        for name, value in (headers or {}).items():
            self.header(name, value)
        return self

    def html(self, markup: str) -> Self:
        """Sets a body of HTML."""
        self.body = markup
        return self.header('content-type', 'text/html; charset=utf-8')

    def stream(
        self,
        iterator: AsyncIterator[Any] | Iterator[Any],
        content_type: str = 'text/plain',
        status: int = 200,
        sse: bool = False,
        ping: float = 15,
    ) -> Self:
        """Sends what an iterator gives as it gives it; with `sse=True` as server-sent events.

        `ping` is the seconds of silence after which an event stream sends a comment, so that proxies keep it open.
        """
        if sse:
            from heaven._events import events

            self._streams = (*self._streams, iterator)
            return self.out(
                status,
                events(iterator, ping, self._req._entry.dumps),
                {'content-type': 'text/event-stream', 'cache-control': 'no-cache'},
            )
        charset = '; charset=utf-8' if content_type.startswith('text/') and 'charset' not in content_type else ''
        return self.out(status, iterator, {'content-type': content_type + charset})

    def file(self, path: Any, filename: str | None = None, within: Any = None) -> Self:
        """Sends a file: type, length, ETag, ranges and conditions by RFC 9110; `filename` makes it a download.

        `within` is the folder it may not leave, and the base of a relative path; outside of it is a 404, as is a miss.
        """
        from heaven._files import FileBody

        self.body = FileBody(filename, within, (path, None))
        return self

    def defer(self, func: Callable[..., Any]) -> Self:
        """Runs `func(app)`, async or not, after the answer has been sent."""
        refuse_generator(func, 'res.defer')
        self._deferred, self._req._special = (*self._deferred, (func, self._req.app)), True
        return self

    def abort(self, body: Any = None, status: int | None = None) -> NoReturn:
        """Stops right here and answers: with the status given, else the one set, else 400.

        `res.abort(404)`, a lone int from 400 to 599, is the status; without a body the ERROR handler is asked.
        """
        raise Abort(body, status)

    async def render(
        self, name: str, /, *, block: str | None = None, blocks: Sequence[str] = (), stream: bool = False, **values: Any
    ) -> Self:
        """Renders a template, or blocks of it, as the body; `stream=True` sends it as it is made.

        await res.render('patients.html', results=results)
        """
        return self._rendered(name, await self._template('stream' if stream else 'render', name, values, block, blocks))

    def renders(self, name: str, /, *, block: str | None = None, blocks: Sequence[str] = (), **values: Any) -> Self:
        """Renders a template as the body, from a handler that is not async."""
        return self._rendered(name, self._template('renders', name, values, block, blocks))

    async def interpolate(
        self, name: str, /, *, block: str | None = None, blocks: Sequence[str] = (), **values: Any
    ) -> str:
        """Renders a template and gives the text back, for a mail or a fragment."""
        return str(await self._template('render', name, values, block, blocks))

    def _template(self, verb: str, name: str, values: dict[str, Any], block: str | None, blocks: Sequence[str]) -> Any:
        app, trio = self._req.app, (self._req, self, self._ctx)
        if app.renderer is None:
            templating = optional('heaven_templating', 'heaven-templating', f'rendering {name!r}')
            templating.Templates('templates').install(app._root())
        return getattr(app.renderer, verb)(name, values, trio, (block, *blocks) if block else blocks)

    def _rendered(self, name: str, text: Any) -> Self:
        self.body, kind = text, f'text/{"plain" if name.endswith(PLAIN) else "html"}; charset=utf-8'
        return self.header('content-type', self.headers.get('content-type', kind))

    async def _close(self) -> None:
        """Closes every stream that was ever the body, sent or not, the last first: it may hold the others."""
        from heaven._serving import close

        streams, self._streams = self._streams, ()
        for stream in reversed(streams):
            await close(stream)

    def _forget(self, keep: Sequence[bytes]) -> None:
        """Forgets the body, and the headers that describe it or its caching, but for some."""
        self._kind, fields = UNSET, self._fields or {}
        self._fields = {name: value for name, value in fields.items() if name in keep or name not in DESCRIBING}

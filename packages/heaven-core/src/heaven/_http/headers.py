"""Headers: those of a request, and those of a response, checked at the line that sets them."""

from collections.abc import Collection, Iterable, Iterator, Mapping, MutableMapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar, cast, overload

from heaven._http.exchange import Exchange
from heaven.errors import Missing
from heaven.types import Header

T = TypeVar('T')
TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
CONTROL = frozenset(map(chr, (*range(0x20), *range(0x7F, 0x80)))) - {'\t'}
# Headers that describe a body or its caching: they go where the body goes.
DESCRIBING = frozenset(
    b'content-type content-length content-encoding content-range content-disposition content-language '
    b'content-location content-digest repr-digest content-md5 digest accept-ranges cache-control age etag expires '
    b'last-modified'.split()
)
FRAMING = frozenset({b'content-length', b'transfer-encoding', b'set-cookie'})
MAX_NAMES = 1000  # that are remembered: names are few, but a client could send any

# Names met before, encoded: those that were set and need nothing special, and those that were asked for. The methods
# are bound here because a method of an imported name is looked up anew at every call.
_set_before: dict[str, bytes] = {}
_asked_before: dict[str, bytes] = {}
encoded_name = _set_before.get
asked_name = _asked_before.get


def header_name(name: str) -> bytes:
    """Return the name of a header as it is sent, lower-case; ValueError unless it is a token (RFC 9110, 5.6.2)."""
    if not isinstance(name, str) or not name or not TOKEN.issuperset(name):
        raise ValueError(f'{name!r:.80} is no header name: use letters, digits and hyphens')
    return name.lower().encode()


def wanted_name(name: str) -> bytes:
    """Return the name of a header that is asked for, which may be no name at all, and remember it."""
    key = str(name).encode('latin-1', 'replace').lower()
    if len(_asked_before) < MAX_NAMES:
        _asked_before[name] = key
    return key


@lru_cache(500)
def header_text(text: str) -> bytes:
    """Return the value of a header as it is sent, stripped; ValueError for what one may not hold (RFC 9110, 5.5)."""
    text = text.strip(' \t')
    if text.isascii() and text.isprintable():
        return text.encode()
    if not CONTROL.isdisjoint(text) or not text.encode('latin-1', 'replace').decode('latin-1') == text:
        raise ValueError(
            f'a header value is latin-1 without control characters, quote or encode the rest: {text!r:.80}'
        )
    return text.encode('latin-1')


def header_value(value: Any) -> bytes:
    """Return one value, a str, bytes or an int, as it is sent; TypeError for anything else."""
    if isinstance(value, bytes):
        return header_text(value.decode('latin-1'))
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise TypeError(
            f'a header value is str, bytes, int or a list of those, not {type(value).__name__}: str(value) may be it'
        )
    return header_text(str(value))


def set_header(exchange: Exchange, name: str, value: Any) -> None:
    """Set a header of the response, replacing one of that name; None removes it.

    A name that was set before, and a str or an int, are the common case: it takes 4 thousand instructions less.
    """
    key = encoded_name(name)
    kind = value.__class__
    if key is not None and (kind is str or kind is int):
        text = header_text(value) if kind is str else b'%d' % value
        if exchange.headers is None:
            exchange.headers = {key: text}
        else:
            exchange.headers[key] = text
        return
    key = header_name(name)
    values = cast(Sequence[Any], value) if isinstance(value, (list, tuple)) else [value]
    texts = [] if value is None else [header_value(each) for each in values]
    if exchange.headers is None:
        exchange.headers = {}
    if key in FRAMING:
        _set_framing(exchange, key, texts)
        return
    if len(_set_before) < MAX_NAMES:
        _set_before[name] = key
    if value is None:
        exchange.headers.pop(key, None)
    else:
        exchange.headers[key] = b', '.join(filter(None, texts))


def _set_framing(exchange: Exchange, key: bytes, texts: list[bytes]) -> None:
    """Set a header that says how the response is framed, or Set-Cookie, which is sent once a cookie."""
    exchange.is_plain = False
    if key == b'set-cookie':
        if texts:
            exchange.cookies = (*exchange.cookies, *texts)
        else:
            exchange.cookies = ()
    elif key == b'content-length' and texts and exchange.headers is not None:
        exchange.headers[key] = b', '.join(texts)
    elif exchange.headers is not None:  # Transfer-Encoding is the server's to set
        exchange.headers.pop(key, None)


class Headers(Mapping[str, str]):
    """The headers of a request: names in any case, values as str (latin-1), repeated ones joined with `, `.

    req.headers['content-type']             # Missing, a 400, if absent
    req.headers.get('X-Request-Id')         # None if absent
    req.headers.all('accept')               # every value, in order
    """

    __slots__ = ('_fields', '_raw')

    def __init__(self, raw: Collection[Header], fields: dict[bytes, bytes]) -> None:
        self._raw = raw
        self._fields = fields

    @overload
    def get(self, name: str, default: None = None) -> str | None:
        """Return the value of a header, or None."""

    @overload
    def get(self, name: str, default: T) -> str | T:
        """Return the value of a header, or the default as it is."""

    def get(self, name: str, default: Any = None) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the value of a header, or the default."""
        value = self._fields.get(asked_name(name) or wanted_name(name))
        return default if value is None else value.decode('latin-1')

    def __getitem__(self, name: str) -> str:
        """Return the value of a header; Missing if there is none."""
        value = self._fields.get(asked_name(name) or wanted_name(name))
        if value is None:
            raise Missing('header', name)
        return value.decode('latin-1')

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names, lower-case."""
        return (name.decode('latin-1') for name in self._fields)

    def __len__(self) -> int:
        """Return how many names there are."""
        return len(self._fields)

    def all(self, name: str) -> list[str]:
        """Return every value of a header, in the order they came."""
        wanted = wanted_name(name)
        return [value.decode('latin-1') for key, value in self._raw if key == wanted]


class ResponseHeaders(MutableMapping[str, str]):
    """The headers of a response: read like those of a request, and checked at the line that sets them.

    res.headers['X-Total'] = 12             # a str, bytes or an int
    res.headers['Vary'] = ['Accept', 'Cookie']      # joined with ', '
    res.headers['X-Total'] = None           # removes, and so does del
    """

    __slots__ = ('_exchange',)

    _exchange: Exchange

    def __setitem__(self, name: str, value: Any) -> None:
        """Set a header, replacing one of that name; None removes it."""
        set_header(self._exchange, name, value)

    def __getitem__(self, name: str) -> str:
        """Return the value of a header; KeyError if it was not set."""
        key = header_name(name)
        if key == b'set-cookie' and self._exchange.cookies:
            return self._exchange.cookies[-1].decode('latin-1')
        if self._exchange.headers is None:
            raise KeyError(name)
        return self._exchange.headers[key].decode('latin-1')

    def __contains__(self, name: object) -> bool:
        """Tell whether a header was set."""
        return self.get(str(name)) is not None

    @overload
    def get(self, name: str, default: None = None) -> str | None:
        """Return the value of a header, or None."""

    @overload
    def get(self, name: str, default: T) -> str | T:
        """Return the value of a header, or the default as it is."""

    def get(self, name: str, default: Any = None) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the value of a header, or the default; no name at all was not set."""
        key = asked_name(name) or wanted_name(name)
        exchange = self._exchange
        if key == b'set-cookie' and exchange.cookies:
            return exchange.cookies[-1].decode('latin-1')
        value = exchange.headers.get(key) if exchange.headers is not None else None
        return default if value is None else value.decode('latin-1')

    def __delitem__(self, name: str) -> None:
        """Remove a header, whether it was set or not."""
        set_header(self._exchange, name, None)

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names, lower-case."""
        return iter({name.decode('latin-1'): None for name, _ in self._pairs()})

    def __len__(self) -> int:
        """Return how many names there are."""
        return len({name for name, _ in self._pairs()})

    def all(self, name: str) -> list[str]:
        """Return every value of a header, in the order they were set."""
        wanted = wanted_name(name)
        return [value.decode('latin-1') for key, value in self._pairs() if key == wanted]

    def vary(self, name: str) -> None:
        """Add a name to Vary, once (RFC 9110, 12.5.5)."""
        varying = self.get('vary')
        if varying is None:
            self['vary'] = name
            return
        names = [each.strip() for each in varying.split(',')]
        if name.lower() not in [each.lower() for each in names] and '*' not in names:
            self['vary'] = [*filter(None, names), name]

    def _pairs(self) -> Iterable[Header]:
        headers = self._exchange.headers or {}
        return [*headers.items(), *((b'set-cookie', cookie) for cookie in self._exchange.cookies)]


def response_headers(exchange: Exchange) -> ResponseHeaders:
    """Return the headers of a response as users see them; a store takes half the time of an `__init__`."""
    headers = ResponseHeaders()
    headers._exchange = exchange  # noqa: SLF001
    return headers

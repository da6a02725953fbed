"""Names and values: the headers, queries and cookies of a request, and the headers of a response."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, overload

from heaven.errors import ClientError, Missing

if TYPE_CHECKING:
    from heaven.response import Response

MAX_QUERIES = 1000
MAX_COOKIES = 180

TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
FRAMING = frozenset({b'content-type', b'content-length', b'transfer-encoding', b'set-cookie'})
_names: dict[str, bytes] = {}
_free: dict[str, bytes] = {}


def header_name(name: str) -> bytes:
    """Gives a header's name as sent, lower-case; ValueError unless it is a token (RFC 9110, 5.6.2)."""
    known = _names.get(name)
    if known is None:
        if not isinstance(name, str) or not name or not TOKEN.issuperset(name):
            raise ValueError(f'{name!r:.80} is no header name: use letters, digits and hyphens')
        known = name.lower().encode()
        if len(_names) < 1000:
            _names[name] = known
            if known not in FRAMING:
                _free[name] = known
    return known


def looked_up(name: str) -> bytes:
    """Gives the name of a header that is asked for, which may be no name at all."""
    try:
        return header_name(name)
    except ValueError:
        return name.encode('latin-1', 'replace')


def header_value(value: Any) -> bytes:
    """Gives a header's value as sent, stripped; ValueError for what a header may not hold (RFC 9110, 5.5)."""
    if value.__class__ is str and value.isascii() and value.isprintable():
        return value.strip().encode()  # type: ignore[no-any-return]
    text = (str(value, 'latin-1') if isinstance(value, bytes) else str(value)).strip(' \t')
    if any(char < ' ' and char != '\t' or char == '\x7f' for char in text):
        raise ValueError(f'a header value cannot hold control characters: {text!r:.80}')
    try:
        return text.encode('latin-1')
    except UnicodeEncodeError:
        raise ValueError(f'a header value is latin-1, quote or encode the rest: {text!r:.80}') from None


def set_header(res: Response, name: str, value: Any) -> None:
    """Sets a header of a response; None removes it, a list is joined, Set-Cookie accumulates."""
    key = _names.get(name) or header_name(name)
    if res._fields is None:
        res._fields = {}
    if key in FRAMING:
        res._req._special = True
    values = [header_value(item) for item in value] if isinstance(value, (list, tuple)) else None
    if key == b'set-cookie':
        res._cookies = () if value is None else [*res._cookies, *([header_value(value)] if values is None else values)]
    elif value is None:
        res._fields.pop(key, None)
    else:
        res._fields[key] = header_value(value) if values is None else b', '.join(filter(None, values))


def merged(raw: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Gives the fields of headers, the values of one that is repeated joined."""
    raw = raw if isinstance(raw, list) else list(raw)
    fields = dict(raw)
    if len(fields) != len(raw):
        values: dict[bytes, list[bytes]] = {}
        for name, value in raw:
            values.setdefault(name, []).append(value)
        fields = {name: (b'; ' if name == b'cookie' else b', ').join(all) for name, all in values.items()}
    return fields


class Headers(Mapping[str, str]):
    """The headers of a request: names in any case, values as str (latin-1), repeated ones joined with `, `.

    req.headers['content-type']             # Missing, a 400, if absent
    req.headers.get('X-Request-Id')         # None if absent
    req.headers.all('accept')               # every value, in order
    """

    __slots__ = ('_fields', '_raw')

    def __init__(self, raw: Iterable[tuple[bytes, bytes]], fields: dict[bytes, bytes] | None = None) -> None:
        self._raw = raw
        self._fields = merged(raw) if fields is None else fields

    @overload  # type: ignore[override]
    def get(self, name: str, default: None = None) -> str | None: ...
    @overload
    def get(self, name: str, default: str) -> str: ...
    def get(self, name: str, default: str | None = None) -> str | None:
        """Gives the value of a header, or the default."""
        value = self._fields.get(_names.get(name) or looked_up(name))
        return default if value is None else value.decode('latin-1')

    def __getitem__(self, name: str) -> str:
        value = self.get(name)
        if value is None:
            raise Missing('header', name)
        return value

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __iter__(self) -> Iterator[str]:
        return (name.decode('latin-1') for name in self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def all(self, name: str) -> list[str]:
        """Gives every value of a header, in the order they came."""
        wanted = looked_up(name)
        return [value.decode('latin-1') for key, value in self._raw if key == wanted]


def pairs_of(querystring: str) -> list[tuple[str, str]]:
    """Gives the names and values of a query; what is not UTF-8 becomes U+FFFD."""
    from urllib.parse import unquote_plus

    split = (part.partition('=') for part in querystring.split('&') if part)
    return [(unquote_plus(name, errors='replace'), unquote_plus(value, errors='replace')) for name, _, value in split]


class Queries(Mapping[str, Any]):
    """The query of a request: one value a name, the last, and every one of them through `all`.

    req.queries.get('page', '1')
    req.queries['since']                    # Missing, a 400, if absent
    req.queries.all('tag')
    """

    __slots__ = ('_query', '_values')

    def __init__(self, querystring: str) -> None:
        if querystring.count('&') >= MAX_QUERIES and len(querystring.replace('&', ' ').split()) > MAX_QUERIES:
            raise ClientError(f'more than {MAX_QUERIES} queries')
        self._query = querystring
        values: dict[str, Any] = {}
        if '%' in querystring or '+' in querystring:
            values.update(pairs_of(querystring))
        else:
            for part in querystring.split('&'):
                if part:
                    name, _, value = part.partition('=')
                    values[name] = value
        self._values = values

    def get(self, name: str, default: Any = None) -> Any:
        """Gives the last value of a query, or the default."""
        return self._values.get(name, default)

    def __getitem__(self, name: str) -> Any:
        if name in self:
            return self.get(name)
        raise Missing('query', name)

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def all(self, name: str) -> list[Any]:
        """Gives every value of a query, in the order they came."""
        return [value for key, value in pairs_of(self._query) if key == name]


class TypedQueries(Queries):
    """The queries of a route that types some of them: those are converted when they are read."""

    __slots__ = ('_spec',)

    def __init__(self, querystring: str, spec: Mapping[str, tuple[str, Callable[[str], Any], list[Any]]]) -> None:
        super().__init__(querystring)
        self._spec = spec
        for name, (_, _, default) in spec.items():
            if default:
                self._values.setdefault(name, default[0])

    def get(self, name: str, default: Any = None) -> Any:
        """Gives the last value of a query, converted, or the default."""
        if name in self._spec:
            values = self.all(name)
            return values[-1] if values else default
        return self._values.get(name, default)

    def all(self, name: str) -> list[Any]:
        """Gives every value of a query, converted; ClientError, a 400, for one that does not convert."""
        values = super().all(name)
        if name not in self._spec:
            return values
        kind, convert, default = self._spec[name]
        try:
            return [convert(value) for value in values] or list(default)
        except Exception:
            raise ClientError(f'query {name!r} must be of type {kind}') from None

    def check(self) -> None:
        """Converts every typed query, so that a bad one is a 400 before the handler runs."""
        for name in self._spec:
            self.all(name)


class Cookies(Mapping[str, str]):
    """The cookies of a request, read tolerantly (RFC 6265bis): the first of a name wins, the first 180 are kept.

    req.cookies.get('theme', 'light')
    req.cookies['theme']                    # Missing, a 400, if absent
    """

    __slots__ = ('_values',)

    def __init__(self, header: str) -> None:
        values: dict[str, str] = {}
        for pair in header.split(';'):
            name, found, value = pair.partition('=')
            if not found:
                name, value = '', name
            name = name.strip(' \t')
            value = value.strip(' \t')
            if value[:1] == '"' == value[-1:] and len(value) > 1:
                value = value[1:-1]
            if (name or value) and name not in values and len(values) < MAX_COOKIES:
                values[name] = value
        self._values = values

    @overload  # type: ignore[override]
    def get(self, name: str, default: None = None) -> str | None: ...
    @overload
    def get(self, name: str, default: str) -> str: ...
    def get(self, name: str, default: str | None = None) -> str | None:
        """Gives the value of a cookie, or the default."""
        return self._values.get(name, default)

    def __getitem__(self, name: str) -> str:
        if name in self._values:
            return self._values[name]
        raise Missing('cookie', name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


class ResponseHeaders(MutableMapping[str, str]):
    """The headers of a response: names in any case, values checked at the line that sets them.

    res.headers['X-Total'] = 12             # str() of the value
    res.headers['Vary'] = ['Accept', 'Cookie']      # joined with ', '
    res.headers['X-Total'] = None           # removes, and so does del
    """

    __slots__ = ('_res',)

    def __init__(self, res: Response) -> None:
        self._res = res

    @property
    def _fields(self) -> dict[bytes, bytes]:
        return self._res._fields or {}

    def __setitem__(self, name: str, value: Any) -> None:
        set_header(self._res, name, value)

    def __getitem__(self, name: str) -> str:
        values = self.all(name)
        if not values:
            raise KeyError(name)
        return values[-1]

    def __delitem__(self, name: str) -> None:
        self[name] = None

    def __iter__(self) -> Iterator[str]:
        yield from (name.decode() for name in self._fields)
        if self._res._cookies:
            yield 'set-cookie'

    def __len__(self) -> int:
        return len(self._fields) + bool(self._res._cookies)

    def all(self, name: str) -> list[str]:
        """Gives every value that will be sent under a name: several for Set-Cookie, else one or none."""
        key = header_name(name)
        found = self._res._cookies if key == b'set-cookie' else [self._fields[key]] if key in self._fields else ()
        return [value.decode('latin-1') for value in found]

    def vary(self, name: str) -> None:
        """Adds a name to Vary, once (RFC 9110, 12.5.5)."""
        names = [part.strip() for part in self.get('vary', '').split(',') if part.strip()]
        if name.lower() not in (known.lower() for known in names):
            self['vary'] = [*names, name]

"""Names and values: the headers, queries and cookies of a request, and the headers of a response."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, MutableMapping
from functools import lru_cache
from typing import Any, overload

from heaven.errors import ClientError, Missing, refuse
from heaven.types import Response

MAX_QUERIES, MAX_COOKIES = 1000, 180

TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
VALUE = frozenset(map(chr, (9, *range(0x20, 0x7F), *range(0x80, 0x100))))
FRAMING = frozenset({b'content-length', b'transfer-encoding', b'set-cookie'})
_free, _asked = dict[str, bytes](), dict[str, bytes]()
_known_header, _known_name = _free.get, _asked.get  # a method of an imported name is looked up anew at every call


@lru_cache(1000)
def header_name(name: str) -> bytes:
    """Gives a header's name as sent, lower-case; ValueError unless it is a token (RFC 9110, 5.6.2)."""
    refuse(
        not isinstance(name, str) or not name or not TOKEN.issuperset(name),
        ValueError,
        f'{name!r:.80} is no header name: use letters, digits and hyphens',
    )
    return name.lower().encode()


def looked_up(name: str) -> bytes:
    """Gives the name of a header that is asked for, which may be no name at all, and remembers it."""
    key = str(name).encode('latin-1', 'replace').lower()
    if len(_asked) < 1000:
        _asked[name] = key
    return key


@lru_cache(250)
def header_text(text: str) -> bytes:
    """Gives a header's value as sent, stripped; ValueError for what a header may not hold (RFC 9110, 5.5)."""
    if not VALUE.issuperset(text := text.strip(' \t')):
        raise ValueError(
            f'a header value is latin-1 without control characters, quote or encode the rest: {text!r:.80}'
        )
    return text.encode('latin-1')


def joined(raw: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Gives headers by name, repeated ones joined (RFC 9110, 5.3; RFC 9113, 8.2.3)."""
    values: dict[bytes, list[bytes]] = {}
    for name, value in raw:
        values.setdefault(name, []).append(value)
    return {name: (b'; ' if name == b'cookie' else b', ').join(all) for name, all in values.items()}


class Headers(Mapping[str, str]):
    """The headers of a request: names in any case, values as str (latin-1), repeated ones joined with `, `.

    req.headers['content-type']             # Missing, a 400, if absent
    req.headers.get('X-Request-Id')         # None if absent
    req.headers.all('accept')               # every value, in order
    """

    def __init__(self, raw: Collection[tuple[bytes, bytes]], fields: dict[bytes, bytes]) -> None:
        self._raw, self._fields = raw, fields

    @overload  # type: ignore[override]
    def get(self, name: str, default: None = None) -> str | None:
        """Gives the value of a header, or None."""

    @overload
    def get(self, name: str, default: str) -> str:
        """Gives the value of a header, or the default, a str as it is."""

    def get(self, name: str, default: str | None = None) -> str | None:
        """Gives the value of a header, or the default."""
        value = self._fields.get(_known_name(name) or looked_up(name))
        return default if value is None else value.decode('latin-1')

    def __getitem__(self, name: str) -> str:
        if (value := self.get(name)) is None:
            raise Missing('header', name)
        return value

    def __iter__(self) -> Iterator[str]:
        return (name.decode('latin-1') for name in self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def all(self, name: str) -> list[str]:
        """Gives every value of a header, in the order they came."""
        return [value.decode('latin-1') for key, value in self._raw if key == looked_up(name)]


class Queries(dict[str, Any]):
    """The query of a request: one value a name, the last, and every one of them through `all`.

    What is not UTF-8 becomes U+FFFD; more than 1000 are a 400.

    req.queries.get('page', '1')
    req.queries['since']                    # Missing, a 400, if absent
    req.queries.all('tag')
    """

    __slots__ = ('_pairs',)

    _spec: Mapping[str, tuple[str, Callable[[str], Any], list[Any]]] = {}

    def __init__(self, querystring: str) -> None:
        self._pairs = pairs = [part.partition('=') for part in querystring.split('&') if part]
        if len(pairs) > MAX_QUERIES:
            raise ClientError(f'more than {MAX_QUERIES} queries')
        if '%' in querystring or '+' in querystring:
            from urllib.parse import unquote_plus

            self._pairs = pairs = [(unquote_plus(name), '=', unquote_plus(value)) for name, _, value in pairs]
        for name, _, value in pairs:
            self[name] = value

    def __missing__(self, name: str) -> Any:
        raise Missing('query', name)

    def all(self, name: str) -> list[Any]:
        """Gives every value of a query, in the order they came; ClientError, a 400, for one that does not convert."""
        kind, convert, default = self._spec.get(name, ('str', str, ()))
        try:
            return [convert(value) for value in [value for key, _, value in self._pairs if key == name] or default]
        except Exception:
            raise ClientError(f'query {name!r} must be of type {kind}') from None

    def check(self) -> None:
        """Converts every typed query, so that a bad one is a 400 before the handler runs."""
        self.update({name: self[name] for name in self._spec if name in self})


class _TypedQueries(Queries):
    """The queries of a route that types some of them: those are converted when they are read."""

    get, items, values = Mapping.get, Mapping.items, Mapping.values  # type: ignore[assignment]

    def __init__(self, querystring: str, spec: Mapping[str, tuple[str, Callable[[str], Any], list[Any]]]) -> None:
        super().__init__(querystring)
        self._spec = spec
        self.update({name: default[0] for name, (_, _, default) in spec.items() if default and name not in self})

    def __getitem__(self, name: str) -> Any:
        return self.all(name)[-1] if name in self and name in self._spec else super().__getitem__(name)


class Cookies(dict[str, str]):
    """The cookies of a request, read tolerantly (RFC 6265bis): the first of a name wins, the first 180 are kept.

    req.cookies.get('theme', 'light')
    req.cookies['theme']                    # Missing, a 400, if absent
    """

    __slots__ = ()

    def __init__(self, header: str) -> None:
        header = header.replace('; ', ';')
        odd = ' ' in header or '\t' in header or '"' in header
        for pair in header.split(';'):
            name, equals, value = pair.partition('=')
            if odd or not equals:
                name, value = (text.strip(' \t') for text in ((name, value) if equals else ('', name)))
                value = value[1:-1] if value[:1] == '"' == value[-1:] and len(value) > 1 else value
            if (name or value) and name not in self and len(self) < MAX_COOKIES:
                self[name] = value

    def __missing__(self, name: str) -> str:
        raise Missing('cookie', name)


class ResponseHeaders(Headers, MutableMapping[str, str]):
    """The headers of a response: read like those of a request, and checked at the line that sets them.

    res.headers['X-Total'] = 12             # str() of the value
    res.headers['Vary'] = ['Accept', 'Cookie']      # joined with ', '
    res.headers['X-Total'] = None           # removes, and so does del
    """

    def __init__(self, res: Response) -> None:
        self._res = res

    def __setitem__(self, name: str, value: Any) -> None:
        res, key = self._res, header_name(name)
        values = [
            header_text(str(item, 'latin-1') if isinstance(item, bytes) else str(item))
            for item in (value if isinstance(value, (list, tuple)) else (value,))
        ]
        fields = res._fields = res._fields or {}
        if key in FRAMING:
            res._req._special = True
        elif len(_free) < 1000:
            _free[name] = key
        if key == b'set-cookie':
            res._cookies = () if value is None else (*res._cookies, *values)
        elif value is None or key == b'transfer-encoding':  # which is the server's to set
            fields.pop(key, None)
        else:
            fields[key] = b', '.join(filter(None, values))

    def __getitem__(self, name: str) -> str:
        return self._fields[header_name(name)].decode('latin-1')

    def __delitem__(self, name: str) -> None:
        self[name] = None

    def vary(self, name: str) -> None:
        """Adds a name to Vary, once (RFC 9110, 12.5.5)."""
        self['vary'] = list({each.strip().lower(): each for each in [*self.get('vary', '').split(','), name]}.values())

    @property
    def _raw(self) -> list[tuple[bytes, bytes]]:  # type: ignore[override]
        return [*(self._res._fields or {}).items(), *((b'set-cookie', line) for line in self._res._cookies)]

    @property
    def _fields(self) -> dict[bytes, bytes]:  # type: ignore[override]
        return dict(self._raw)

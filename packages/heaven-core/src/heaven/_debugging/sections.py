"""What the page says of a request: only what is known already, for the body is never read for it."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from heaven._debugging.masking import MASK, Masks, is_secret
from heaven._debugging.values import LONGEST, Values, cut, kind_of
from heaven._http.cookies import Cookies
from heaven._http.exchange import Exchange
from heaven._http.queries import parse
from heaven._http.uploads import File
from heaven.forms import Form
from heaven.types import Request

MOST_ROWS = 100
DEEPEST = 6  # of JSON that is searched for secrets

Rows = list[tuple[str, str]]


class Section(NamedTuple):
    """A heading, and what stands below it by name."""

    title: str
    rows: Rows


def secrets_of(exchange: Exchange) -> Iterator[str]:
    """Give the secrets that a request has brought."""
    for name, value in headers_of(exchange):
        if not is_secret(name):
            continue
        yield value
        yield from value.split(' ')[1:]  # the credentials after their scheme
        if name == 'cookie':
            yield from Cookies(value).values()
    known = exchange.parsed or {}
    for source in (queries_of(exchange), fields_of(known.get('form')), (exchange.params or {}).items()):
        for name, value in source:
            if is_secret(name):
                yield str(value)
    yield from secrets_in(known.get('json'), 0, False)


def secrets_in(value: Any, depth: int, is_named: bool) -> Iterator[str]:
    """Give the texts that stand under the name of a secret in JSON."""
    kind = kind_of(value)
    if kind is str and is_named:
        yield value
    if depth >= DEEPEST:
        return
    if kind is dict:
        for name, each in value.items():
            yield from secrets_in(each, depth + 1, is_named or is_secret(name))
    elif kind is list:
        for each in value:
            yield from secrets_in(each, depth + 1, is_named)


def headers_of(exchange: Exchange) -> Rows:
    """Return the headers as they were sent."""
    return [(name.decode('latin-1').lower(), value.decode('latin-1')) for name, value in exchange.scope['headers']]


def queries_of(exchange: Exchange) -> Rows:
    """Return the query as it was sent, none if it has too many parts."""
    try:
        return parse(exchange.scope.get('query_string', b'').decode('latin-1'))
    except Exception:  # a mistake of the client, which is not what the page is about
        return []


def fields_of(form: object) -> list[tuple[str, Any]]:
    """Return the fields of a form, if it was read."""
    if not isinstance(form, Form):
        return []
    try:
        return [(name, value) for name in form for value in form.all(name)]
    except Exception:  # it has not been read, or could not be
        return []


class Sections:
    """Makes the sections of a page."""

    def __init__(self, exchange: Exchange, req: Request, masks: Masks, values: Values) -> None:
        self.exchange = exchange
        self.req = req
        self.masks = masks
        self.values = values

    def all(self) -> list[Section]:
        """Return the sections that there is something to say in."""
        known = self.exchange.parsed or {}
        cookies = self.exchange.fields().get(b'cookie', b'').decode('latin-1')
        found = [
            Section('Request', list(self._summary())),
            Section('Query', self._shown(queries_of(self.exchange))),
            Section('Form', self._shown(fields_of(known.get('form')))),
            Section('JSON', [('req.json', self.values.show('', known['json']))] if 'json' in known else []),
            Section('Headers', self._shown(headers_of(self.exchange))),
            Section('Cookies', [(name, MASK) for name in list(Cookies(cookies))[:MOST_ROWS]]),
            Section('Context', [(name, self.values.show(name, value)) for name, value in self._kept()]),
        ]
        return [section for section in found if section.rows]

    def _kept(self) -> list[tuple[str, Any]]:
        return list(vars(self.exchange.ctx).items())[:MOST_ROWS]

    def _summary(self) -> Iterator[tuple[str, str]]:
        """Give what stands in the first lines of a request, and what it was found to be."""
        req = self.req
        scope = self.exchange.scope
        parts: list[tuple[str, Callable[[], object]]] = [
            ('method', lambda: req.method),
            ('url', lambda: req.url),
            ('route', lambda: req.route or 'none'),
            ('subdomain', lambda: req.subdomain),
            ('client', lambda: req.ip.address or 'not known'),
            ('protocol', lambda: f'{scope["type"]} {scope.get("http_version", "")}'),
        ]
        for name, read in parts:
            try:
                text = self._text(str(read()))
            except Exception as error:
                text = f'not known: {type(error).__name__}'
            yield name, text
        for name, value in (self.exchange.params or {}).items():
            yield f'params[{name!r}]', self.values.show(name, value)

    def _shown(self, pairs: Iterable[tuple[str, Any]]) -> Rows:
        """Show what the client has sent by name."""
        rows: Rows = []
        for name, value in pairs:
            if len(rows) == MOST_ROWS:
                rows.append(('…', 'there are more'))
                break
            if is_secret(name):
                text = MASK
            elif isinstance(value, File):
                text = f'{value.filename!r}, {value.content_type}, {value.size:,} bytes'
            else:
                text = self._text(str(value))
            rows.append((cut(name, LONGEST), text))
        return rows

    def _text(self, text: str) -> str:
        return cut(self.masks.hide(text[: 10 * LONGEST]), LONGEST)

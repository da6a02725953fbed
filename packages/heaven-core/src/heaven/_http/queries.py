"""The query of a request, and the queries that a route gives types."""

from collections.abc import Mapping
from typing import Any

from heaven._routing.pattern import Query
from heaven.errors import ClientError, Missing

MAX_QUERIES = 1000


def parse(querystring: str) -> list[tuple[str, str]]:
    """Split a query into pairs; only what has escapes is unquoted. ClientError, a 400, for more than 1000."""
    if querystring.count('&') >= MAX_QUERIES:
        raise ClientError(f'more than {MAX_QUERIES} queries')
    pairs: list[tuple[str, str]] = []
    for part in querystring.split('&'):
        if part:
            name, _, value = part.partition('=')
            pairs.append((name, value))
    if '%' in querystring or '+' in querystring:
        from heaven._http.escapes import unquoted

        return [(unquoted(name), unquoted(value)) for name, value in pairs]
    return pairs


class Queries(dict[str, Any]):
    """The query of a request: one value a name, the last, and every one of them through `all`.

    What is not UTF-8 becomes U+FFFD; more than 1000 are a 400.

    req.queries.get('page', '1')
    req.queries['since']                    # Missing, a 400, if absent
    req.queries.all('tag')
    """

    __slots__ = ('_pairs',)

    def __init__(self, querystring: str) -> None:
        self._pairs = parse(querystring)
        super().__init__(self._pairs)

    def __missing__(self, name: str) -> Any:
        """Raise Missing, a 400 that names the query."""
        raise Missing('query', name)

    def all(self, name: str) -> list[Any]:
        """Return every value of a query, in the order they came."""
        return [value for key, value in self._pairs if key == name]

    def convert(self) -> None:
        """Convert what the route gives a type: nothing here."""


class TypedQueries(Queries):
    """The queries of a route that gives some of them types.

    They are converted before the handler runs; a hook that reads one earlier gets it converted, too. ClientError, a 400
    that names the query, for a text that is not of its type.
    """

    __slots__ = ('_types', '_waiting')

    def __init__(self, querystring: str, types: Mapping[str, Query]) -> None:
        super().__init__(querystring)
        self._types = types
        for name, query in types.items():
            if query.default is not None and name not in self:
                self[name] = query.default
                self._pairs.append((name, query.default))
        self._waiting = {name for name in types if name in self}

    def convert(self) -> None:
        """Convert every query that has a type."""
        for name in sorted(self._waiting):
            self._convert(name)

    def _convert(self, name: str) -> None:
        self[name] = self.all(name)[-1]
        self._waiting.discard(name)

    def all(self, name: str) -> list[Any]:
        """Return every value of a query, converted, in the order they came."""
        texts = super().all(name)
        if name not in self._types:
            return texts
        kind = self._types[name].type
        try:
            return [kind.convert(text) for text in texts]
        except Exception:
            raise ClientError(f'query {name!r} must be of type {kind.name}') from None

    def __getitem__(self, name: str) -> Any:
        """Return the last value of a query, converted."""
        if name in self._waiting:
            self._convert(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        """Return the last value of a query, converted, or the default."""
        return self[name] if name in self else default  # noqa: SIM401 (`[]` converts)

    def items(self) -> Any:
        """Give the pairs, converted."""
        self.convert()
        return super().items()

    def values(self) -> Any:
        """Give the values, converted."""
        self.convert()
        return super().values()

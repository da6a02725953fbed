"""Routes: their grammar, and the table that finds the one that a path means.

A pattern is a path whose segments are literals, `:name` (any text), `:name:type` or, last, `*` (the rest):

    /v1/patients/:id:int        matches /v1/patients/7 and /v1/patients/7/, not /v1/patients/x, not /v1/patients//7
    /files/*                    matches /files, /files/ and /files/a//b

Precedence, segment by segment: literal, then typed in the order of the types, then untyped, then the end of the
path before `*`. Each pattern has a rank, the tuple of its segments' places in that order; of all patterns that
match a path the one of the least rank wins. Patterns of one rank differ in their literals alone, so the literals
of the path, picked out, are the key of a dict: a lookup tries, rank by rank, one dict each.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from itertools import count, zip_longest
from operator import itemgetter
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

from heaven._resolving import is_async
from heaven.errors import UrlError, refuse
from heaven.types import Request

UNTYPED, REST = 1_000_000, 1_000_001


class Type(NamedTuple):
    """A type of parameter: its name, its place in the precedence, and what turns text into a value."""

    name: str
    rank: int
    convert: Callable[[str], Any]


def to_int(text: str) -> int:
    """`-?[0-9]+`, at most 64 characters."""
    return int(text if text.isascii() and text.removeprefix('-').isdigit() and len(text) <= 64 else 'none')


def to_float(text: str) -> float:
    """`-?[0-9]+(\\.[0-9]+)?`, at most 64 characters."""
    to_int(text.replace('.', '0', 1))
    return float('none' if '.' in (text.removeprefix('-')[:1], text[-1:]) else text)


def to_bool(text: str) -> bool:
    """true, false, 1 or 0, in any case."""
    return {'true': True, '1': True, 'false': False, '0': False}[text.lower()]


def to_date(text: str, kind: str = 'date') -> Any:
    """An ISO 8601 date."""
    import datetime

    return getattr(datetime, kind).fromisoformat(text)


def to_datetime(text: str) -> Any:
    """An ISO 8601 date and time."""
    return to_date(text if len(text) <= 10 or 'T' in text.upper() else 'none', 'datetime')


def to_uuid(text: str) -> Any:
    """A UUID as RFC 9562 writes it, in hexadecimal groups of 8-4-4-4-12."""
    from uuid import UUID

    return {str(value := UUID(text)): value}[text.lower()]


rank = count(1)
TYPES: dict[str, Type] = {
    **{
        name: Type(name, next(rank), convert)
        for name, convert in (
            ('int', to_int),
            ('float', to_float),
            ('bool', to_bool),
            ('date', to_date),
            ('datetime', to_datetime),
            ('uuid', to_uuid),
        )
    },
    'str': Type('str', UNTYPED, str),
}


class Segment(NamedTuple):
    """One segment of a pattern: `text` is the literal, or the parameter's name if there is a type."""

    text: str
    type: Type | None
    rank: int

    def takes(self, text: str) -> bool:
        """Tells whether a segment of a path matches."""
        return self.text == text if self.type is None else text != '' and converts(self.type, text)


ANY, END = Segment('*', TYPES['str'], REST), Segment('', None, 0)


def converts(kind: Type, text: str) -> bool:
    """Tells whether a text is of a type: whatever a converter raises, it is the text that did not convert."""
    try:
        kind.convert(text)
        return True
    except Exception:
        return False


class Pattern:
    """A route's text, understood; UrlError if it cannot be."""

    def __init__(self, text: str, types: Mapping[str, Type], prefix: str = '') -> None:
        refuse(not isinstance(text, str), TypeError, f'a route is a str such as /patients/:id, not {text!r}')
        refuse(not text.startswith('/'), UrlError, f'{text!r} must begin with a slash: {"/" + text!r}')
        self.text, _, query = f'{prefix}{text}'.partition('?')
        parts = self.text.removesuffix('/').split('/')[1:]
        refuse(
            odd := [part for part in parts if part in ('', '.', '..')],
            UrlError,
            f'{self.text!r} has segments that no request ever matches: {odd}',
        )
        self.segments = tuple(
            ANY if part == '*' else Segment(*(self.typed(part[1:], types) if part[0] == ':' else (part, None, 0)))
            for part in parts
        )
        self.queries = dict(self.query(part, types) for part in query.split('&')) if query else {}
        refuse(query and len(self.queries) <= query.count('&'), UrlError, f'{text!r} names a query twice')
        self.check()

    def check(self) -> None:
        """Refuses what no path could mean, and notes the rank."""
        self.rank = tuple(segment.rank for segment in self.segments)
        refuse(REST in self.rank[:-1], UrlError, f"{self.text!r}: '*' is the rest of the path and must be last")
        refuse(
            len({segment.text for segment in self.segments if segment.type}) < len(self.rank) - self.rank.count(0),
            UrlError,
            f'{self.text!r} names a parameter twice',
        )

    def under(self, prefix: 'Pattern | None') -> 'Pattern':
        """Gives this pattern below a prefix."""
        pattern, above = copy(self), prefix.text.rstrip('/') if prefix else ''
        pattern.text = above + ('' if self.text == '/' else self.text) or '/'
        pattern.segments = (*(prefix.segments if prefix else ()), *self.segments)
        pattern.check()
        return pattern

    def query(self, part: str, types: Mapping[str, Type]) -> tuple[str, tuple[str, Callable[[str], Any], list[Any]]]:
        """Reads one query: its name, its type's name, what converts it, and its default as text in a list, if any."""
        declared, given, default = part.partition('=')
        name, kind, _ = self.typed(declared, types)
        refuse(
            given and not converts(kind, default),
            UrlError,
            f'{self.text!r}: the default of query {name!r}, {default!r}, is no {kind.name}',
        )
        return name, (kind.name, kind.convert, [default] if given else [])

    def typed(self, text: str, types: Mapping[str, Type]) -> tuple[str, Type, int]:
        """Reads `name` or `name:type`: gives the name, the type and its rank."""
        name, _, kind = (text if ':' in text else f'{text}:str').partition(':')
        refuse(not name, UrlError, f'{self.text!r} has a parameter without a name: write :id or :id:int')
        refuse(
            kind not in types,
            UrlError,
            f'{self.text!r}: there is no type {kind!r}, there are {", ".join(types)}; app.TYPE adds one',
        )
        return name, types[kind], types[kind].rank

    def covers(self, path: Sequence[str]) -> bool:
        """Tells whether a path, given as its segments, matches."""
        fixed = self.segments[:-1] if REST in self.rank else self.segments
        return (len(path) == len(fixed) or REST in self.rank and len(path) > len(fixed)) and all(
            map(Segment.takes, fixed, path)
        )

    def relation(self, other: 'Pattern') -> bool | None:
        """Tells whether every path (True), no path (False) or some path (None) of another pattern matches this one."""
        sure: bool | None = True
        for mine, theirs in zip_longest(self.segments, other.segments, fillvalue=END):
            if REST in (mine.rank, theirs.rank):
                return sure if mine.rank == REST else None
            if not (theirs.type or mine.takes(theirs.text)) or not (mine.type or theirs.takes(mine.text)):
                return False
            if theirs.type and mine.rank not in (UNTYPED, theirs.rank):
                sure = None
        return sure

    def build(self, params: Mapping[str, Any]) -> str:
        """Builds a path of this pattern; UrlError for a value that is missing or would not match back."""
        from urllib.parse import quote

        path = ''
        for segment in self.segments:
            value: Any = params.get(segment.text) if segment.type else segment.text
            refuse(value is None, UrlError, f'{self.text!r} needs a value for {segment.text!r}')
            text = value.isoformat() if hasattr(value, 'isoformat') else str(value)
            refuse(
                not {'.', '..'}.isdisjoint(text.split('/') if segment.rank == REST else [text])
                or text.encode(errors='replace').decode() != text
                or segment.rank != REST
                and not segment.takes(text),
                UrlError,
                f'{text!r:.80} is no {segment.text!r} of {self.text!r}: it would not match back',
            )
            path += '/' + quote(text, safe="!$&'()*+,;=:@~" + '/' * (segment.rank == REST))
        return path or '/'


class Route(SimpleNamespace):
    """A registration as it was made: plain data, which compiling reads and nothing changes.

    It has a `pattern`, a `handler`, a `subdomain`, the `methods`, and what was said beside that.
    """

    threaded = stream = False
    name = max_body_size = origins = None


class Entry:
    """One method of one route, decided: what serving a request of it needs, with nothing left to work out."""

    __slots__ = (
        'after', 'always', 'answers', 'app', 'before', 'ceiling', 'digits', 'dumps', 'handler', 'head', 'limit',
        'loads', 'method', 'names', 'origins', 'pattern', 'queries', 'reads', 'route', 'simple', 'special', 'steps',
        'stream', 'unsure',
    )  # fmt: skip

    def __init__(self: Any, **fields: Any) -> None:
        for name in self.__slots__:
            setattr(
                self, name, fields.get(name, () if name in ('before', 'after', 'always', 'names', 'queries') else None)
            )
        self.digits = len(str(self.limit))
        self.special = bool(self.always) or bool(self.head)
        stages = (self.before, (*([converted] if self.queries else []), self.handler), self.after)
        self.steps = [(func, is_async(func), stage) for stage, func in enumerate(stages) for func in func]
        self.simple = not self.reads and len(self.steps) == 1 and is_async(self.handler)

    def but(self, **changes: Any) -> Any:
        """Gives a copy with changes."""
        return Entry(**{name: getattr(self, name) for name in self.__slots__} | changes)


def converted(req: Request, res: Any, ctx: Any) -> None:
    """Converts the typed queries of a request."""
    req.queries.check()


class Router:
    """Finds the entry for a method and a path.

    `rows` has, by rank, what picks the literals out of a path's segments, the leaves by those literals, and where the
    rest begins, 0 without one; a leaf has the entries by method. From them come `literals`, the leaves by whole path;
    `tails`, those by what stands before a last parameter of any text; `waists`, those by what stands before such a one
    that one literal follows, and by that; and `sizes`, rows by the number of segments and by the first of them, None
    for one that no literal is.
    """

    def __init__(self) -> None:
        self._rows, self._sizes, self.missing = (
            dict[tuple[int, ...], Any](),
            list[dict[str | None, list[Any]]](),
            cast(Any, None),
        )
        self.literals, self._tails, self._waists = (dict[str, Any]() for _ in range(3))

    def add(self, method: str, entry: Any) -> Any:
        """Adds an entry; gives the one that was there before, which is a conflict, or the one added."""
        rank, texts = entry.pattern.rank, ['', *(segment.text for segment in entry.pattern.segments)]
        # the first segment of a path, of what stands before the first slash, is ''
        pick: Any = itemgetter(*([at for at, place in enumerate(rank, 1) if not place] or [0]))
        _, leaves, _ = self._rows.setdefault(rank, (pick, {}, len(rank) if REST in rank else 0))
        return leaves.setdefault(pick(texts), {}).setdefault(method, entry)

    def leaves(self) -> list[dict[str, Any]]:
        """Gives the entries of every pattern, by method."""
        return [leaf for _, leaves, _ in self._rows.values() for leaf in leaves.values()]

    def freeze(self) -> None:
        """Makes what lookups use of what was added."""
        rows, begins, ends = (
            sorted(self._rows.items()),
            dict[tuple[int, ...], set[str | None]](),
            dict[tuple[str, ...], set[tuple[int, ...]]](),
        )
        for rank, (_, leaves, _) in rows:
            fixed = (*map(bool, rank), True).index(True)
            for leaf in leaves.values():
                key = tuple(segment.text for segment in next(iter(leaf.values())).pattern.segments if not segment.type)
                begins.setdefault(rank, set()).add(key[0] if rank[:1] == (0,) else None)
                path, end = ''.join(f'/{text}' for text in key[:fixed]), rank[fixed:]
                others = ends.setdefault(key[:fixed], set())  # of better rank: some may match the same paths
                if end in ((), (REST,)):
                    for spelling in path or '/', f'{path}/':
                        self.literals.setdefault(spelling, {} if end else leaf)  # of an empty rest lookups know no more
                elif end == (UNTYPED,):
                    self._tails[path] = {} if any(0 < other[0] < UNTYPED for other in others) else leaf
                elif end == (UNTYPED, 0):
                    self._waists.setdefault(path, {})[key[-1]] = (
                        {} if any({*other[:2]} - {0, UNTYPED} or REST in other[2:3] for other in others) else leaf
                    )
                for at in range(fixed + bool(end)):
                    ends.setdefault(key[:at], set()).add(rank[at:])
        for size in range(max(map(len, self._rows), default=0) + 3):
            fits = [(row, begins[rank]) for rank, row in rows if len(rank) == size - 1 or 0 < row[2] <= size]
            self._sizes.append(
                {at: [row for row, own in fits if own & {at, None}] for at in {None}.union(*(own for _, own in fits))}
            )

    def find(self, req: Request, method: str, path: str) -> Any:
        """Finds the entry of a path in its usual spelling and sets the parameters; None where it takes a search.

        A path that has an empty segment, or one that begins with a dot, can mean another to a hook, so parameters that
        sort before a slash, as both do, take a search.
        """
        start, slash, last = path.rpartition('/')
        leaf, value = self._tails.get(start), last
        if leaf is None:
            before, slash, value = start.rpartition('/')
            if (leaves := self._waists.get(before)) is not None:
                leaf = leaves.get(last)
        if leaf is not None:
            entry = leaf.get(method)
            if entry is None or entry.unsure or value < '/' or not slash:
                return None
            req._params = {entry.names[0][0]: value}
            return entry
        segments = path.split('/')
        try:
            starts = self._sizes[len(segments)]
            rows = starts.get(segments[1]) or starts[None]
        except IndexError:
            return None
        for pick, leaves, rest in rows:
            leaf = leaves.get(pick(segments))
            if leaf is not None:
                entry = leaf.get(method)
                if entry is None or entry.unsure or segments[0] or min(segments[1:]) < '/':
                    return None
                try:
                    req._params = {name: (convert or str)(segments[at]) for name, at, convert in entry.names}
                except Exception:
                    return None
                if rest:
                    req._params['*'] = '/'.join(segments[rest:])
                return entry
        return None if segments[0] or min(segments[1:]) < '/' or method == 'HEAD' else self.missing

    def search(self, method: str, segments: Sequence[str]) -> tuple[Any, Any]:
        """Finds an entry for a path split at its slashes, the part before the first included, however it is spelled.

        Gives the entry and the parameters, or None and the methods that the path has.
        """
        size, allowed = len(segments) - (not segments[-1]), set[str]()
        starts = self._sizes[size] if size < len(self._sizes) else self._sizes[-1]
        for pick, leaves, rest in starts.get(segments[1]) or starts[None]:
            leaf = leaves.get(pick(segments), {})
            entry = leaf.get(method) or leaf.get('*')
            for known in [entry] if entry else list(leaf.values())[:1]:
                try:
                    params = {name: filled(segments[at], convert or str) for name, at, convert in known.names}
                except Exception:
                    continue
                if entry is not None:
                    return entry, params | ({'*': '/'.join(segments[rest:])} if rest else {})
                allowed.update(leaf)
        return None, allowed


def filled(text: str, convert: Callable[[str], Any]) -> Any:
    """Converts a segment; one that is empty is of no type, whatever its converter takes."""
    refuse(not text, ValueError, 'an empty segment')
    return convert(text)


def readings(path: str, segments: Sequence[str]) -> list[list[str]]:
    """Gives every reading of a path that a hook has to cover: as sent, as decoded, and both without empty segments."""
    whole = [[*each[:-1], *filter(None, each[-1:])] for each in (segments, path.split('/')[1:])]
    return [*whole, *([*filter(None, each)] for each in whole if '' in each)]

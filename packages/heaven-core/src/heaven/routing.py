"""Routes: their grammar, and the table that finds the one that a path means.

A pattern is a path whose segments are literals, `:name` (any text), `:name:type` or, last, `*` (the rest):

    /v1/patients/:id:int        matches /v1/patients/7 and /v1/patients/7/, not /v1/patients/x, not /v1/patients//7
    /files/*                    matches /files, /files/ and /files/a//b

Precedence, segment by segment: literal, then typed in the order of the types, then untyped, then the end of the
path before `*`. Each pattern has a rank, the tuple of its segments' places in that order; of all patterns that
match a path the one of the least rank wins. Patterns of one rank differ in their literals alone, so the literals
of the path, picked out, are the key of a dict: a lookup tries, rank by rank, one dict each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from itertools import count
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from heaven.errors import UrlError
from heaven.types import Codec, Handler

if TYPE_CHECKING:
    from heaven.app import App

Chain = tuple[tuple[Handler, bool], ...]

UNTYPED, REST = 1_000_000, 1_000_001
WIDEST = 64


class Type(NamedTuple):
    """A type of parameter: its name, its place in the precedence, and what turns text into a value."""

    name: str
    rank: int
    convert: Callable[[str], Any]


def to_int(text: str) -> int:
    """`-?[0-9]+`, at most 64 characters."""
    digits = text.removeprefix('-')
    if not (digits.isascii() and digits.isdigit()) or len(text) > WIDEST:
        raise ValueError(text)
    return int(text)


def to_float(text: str) -> float:
    """`-?[0-9]+(\\.[0-9]+)?`, at most 64 characters."""
    whole, dot, fraction = text.partition('.')
    to_int(whole)
    if dot:
        to_int('0' + fraction if fraction else '')
    if len(text) > WIDEST:
        raise ValueError(text)
    return float(text)


def to_bool(text: str) -> bool:
    """true, false, 1 or 0, in any case."""
    return {'true': True, '1': True, 'false': False, '0': False}[text.lower()]


def to_date(text: str) -> Any:
    """An ISO 8601 date."""
    from datetime import date

    return date.fromisoformat(text)


def to_datetime(text: str) -> Any:
    """An ISO 8601 date and time."""
    from datetime import datetime

    if len(text) > 10 and 'T' not in text.upper():
        raise ValueError(text)
    return datetime.fromisoformat(text)


def to_uuid(text: str) -> Any:
    """A UUID as RFC 9562 writes it, in hexadecimal groups of 8-4-4-4-12."""
    from uuid import UUID

    value = UUID(text)
    if str(value) != text.lower():
        raise ValueError(text)
    return value


rank = count(1)
TYPES: dict[str, Type] = {
    name: Type(name, next(rank), convert)
    for name, convert in (
        ('int', to_int),
        ('float', to_float),
        ('bool', to_bool),
        ('date', to_date),
        ('datetime', to_datetime),
        ('uuid', to_uuid),
    )
}
TYPES['str'] = Type('str', UNTYPED, str)
UNCONVERTIBLE = Exception  # whatever a converter raises, it is the client's text that did not convert


def converts(kind: Type, text: str) -> bool:
    """Tells whether a text is of a type."""
    try:
        kind.convert(text)
    except UNCONVERTIBLE:
        return False
    return True


class Segment(NamedTuple):
    """One segment of a pattern: `text` is the literal, or the parameter's name if there is a type."""

    text: str
    type: Type | None
    rank: int


class Pattern:
    """A route's text, understood; UrlError if it cannot be."""

    __slots__ = ('queries', 'rank', 'segments', 'shape', 'text')

    def __init__(self, text: str, types: Mapping[str, Type]) -> None:
        path, _, query = text.partition('?')
        if not path.startswith('/'):
            raise UrlError(f'{text!r} must begin with a slash: {"/" + text!r}')
        self.text = path
        parts = path.split('/')[1:]
        if not parts[-1]:
            parts.pop()
        self.segments = tuple(self.segment(part, types) for part in parts)
        self.check()
        self.queries = dict(self.query(part, types) for part in query.split('&')) if query else {}
        if query and len(self.queries) <= query.count('&'):
            raise UrlError(f'{text!r} names a query twice')

    def check(self) -> None:
        """Refuses what no path could mean, and notes the rank and the shape."""
        names = [segment.text for segment in self.segments if segment.type]
        if any(segment.rank == REST for segment in self.segments[:-1]):
            raise UrlError(f"{self.text!r}: '*' is the rest of the path and must be last")
        if len(set(names)) != len(names):
            raise UrlError(f'{self.text!r} names a parameter twice')
        self.rank = tuple(segment.rank for segment in self.segments)
        self.shape = tuple(segment.rank or segment.text for segment in self.segments)

    def under(self, prefix: Pattern | None) -> Pattern:
        """Gives this pattern below a prefix."""
        if prefix is None:
            return self
        pattern = copy(self)
        pattern.text = prefix.text.rstrip('/') + ('' if self.text == '/' else self.text) or '/'
        pattern.segments = prefix.segments + self.segments
        pattern.check()
        return pattern

    def segment(self, part: str, types: Mapping[str, Type]) -> Segment:
        """Reads one segment."""
        if part == '*':
            return Segment('*', TYPES['str'], REST)
        if not part.startswith(':'):
            if part in ('', '.', '..'):
                raise UrlError(f'{self.text!r} has a segment {part!r}, which no request ever matches')
            return Segment(part, None, 0)
        name, kind = self.typed(part[1:], types)
        return Segment(name, kind, kind.rank)

    def query(self, part: str, types: Mapping[str, Type]) -> tuple[str, tuple[str, Callable[[str], Any], list[Any]]]:
        """Reads one query: its name, its type's name, what converts it, and its default in a list, if any."""
        declared, given, default = part.partition('=')
        name, kind = self.typed(declared, types)
        if given and not converts(kind, default):
            raise UrlError(f'{self.text!r}: the default of query {name!r}, {default!r}, is no {kind.name}')

        def convert(text: str) -> Any:
            try:
                return kind.convert(text)
            except UNCONVERTIBLE as error:
                raise ValueError(text) from error

        return name, (kind.name, convert, [kind.convert(default)] if given else [])

    def typed(self, text: str, types: Mapping[str, Type]) -> tuple[str, Type]:
        """Reads `name` or `name:type`."""
        name, colon, kind = text.partition(':')
        if not name:
            raise UrlError(f'{self.text!r} has a parameter without a name: write :id or :id:int')
        if colon and kind not in types:
            raise UrlError(f'{self.text!r}: there is no type {kind!r}, there are {", ".join(types)}; app.TYPE adds one')
        return name, types[kind or 'str']

    def covers(self, segments: Sequence[str]) -> bool:
        """Tells whether a path, given as its segments, matches."""
        size = len(self.segments)
        rest = size > 0 and self.rank[-1] == REST
        if len(segments) < size - 1 if rest else len(segments) != size:
            return False
        for segment, text in zip(self.segments, segments, strict=False):
            if segment.rank == REST:
                return True
            if segment.type is None:
                if segment.text != text:
                    return False
            elif not text or not converts(segment.type, text):
                return False
        return True

    def relation(self, other: Pattern) -> bool | None:
        """Tells whether every path (True), no path (False) or some path (None) of another pattern matches this one."""
        sure: bool | None = True
        for mine, theirs in zip(self.segments, other.segments, strict=False):
            if mine.rank == REST:
                return sure
            if theirs.rank == REST:
                return None
            if mine.type is None:
                if theirs.type is None:
                    if mine.text != theirs.text:
                        return False
                elif converts(theirs.type, mine.text):
                    sure = None
                else:
                    return False
            elif mine.rank != UNTYPED and mine.rank != theirs.rank:
                if theirs.type is None and not converts(mine.type, theirs.text):
                    return False
                sure = sure if theirs.type is None else None
        longer = max(self.segments, other.segments, key=len)[min(len(self.segments), len(other.segments)) :]
        if not longer:
            return sure
        if longer[0].rank == REST:
            return sure if len(self.segments) > len(other.segments) else None
        return False

    def build(self, params: Mapping[str, Any]) -> str:
        """Builds a path of this pattern; UrlError for a value that is missing or would not match back."""
        from urllib.parse import quote

        parts = []
        for segment in self.segments:
            if segment.type is None:
                parts.append(quote(segment.text, safe="!$&'()*+,;=:@~"))
                continue
            if (value := params.get(segment.text)) is None:
                raise UrlError(f'{self.text!r} needs a value for {segment.text!r}')
            text = value.isoformat() if hasattr(value, 'isoformat') else str(value)
            split = text.split('/') if segment.rank == REST else [text]
            if (
                any(part in ('.', '..') for part in split)
                or segment.rank != REST
                and not (text and converts(segment.type, text))
            ):
                raise UrlError(f'{text!r:.80} is no value for {segment.text!r} of {self.text!r}: it would not match')
            parts.append('/'.join(quote(part, safe="!$&'()*+,;=:@~") for part in split))
        return '/' + '/'.join(parts)


class Route(NamedTuple):
    """A registration as it was made: plain data, which compiling reads and nothing changes."""

    methods: tuple[str, ...]
    pattern: Pattern
    handler: Any
    subdomain: str
    name: str | None = None
    threaded: bool = False
    stream: bool = False
    max_body_size: int | None = None
    origins: Sequence[str] | None = None


class Entry:
    """One method of one route, decided: what serving a request of it needs, with nothing left to work out."""

    __slots__ = (
        'after', 'always', 'answers', 'app', 'before', 'ceiling', 'codec', 'coro', 'dumps', 'handler', 'head', 'limit',
        'method', 'names', 'origins', 'pattern', 'queries', 'reads', 'route', 'simple', 'special', 'stream', 'tail',
        'unsure',
    )  # fmt: skip

    app: App
    handler: Handler
    coro: bool
    before: Chain
    after: Chain
    always: Chain
    codec: Codec
    dumps: Callable[[Any], bytes | str]
    limit: int
    ceiling: int | None
    route: str | None
    queries: Mapping[str, Any]

    def __init__(self, **fields: Any) -> None:
        for name in self.__slots__:
            setattr(self, name, fields.get(name, DEFAULTS.get(name)))
        self.special = bool(self.always) or self.head
        more = self.reads or self.before or self.after or self.queries or self.special
        self.simple = self.coro and not more
        self.tail = self.names[0] if len(self.names) == 1 else None

    def but(self, **changes: Any) -> Entry:
        """Gives a copy with changes."""
        return Entry(**{name: getattr(self, name) for name in self.__slots__} | changes)


DEFAULTS: dict[str, Any] = dict.fromkeys(('before', 'after', 'always', 'names', 'queries'), ())


class Row:
    """The patterns of one rank that a path of one length may match, by their literals."""

    __slots__ = ('firsts', 'leaves', 'literals', 'pick', 'rest')

    def __init__(self, pattern: Pattern) -> None:
        segments = pattern.segments
        self.literals = literals = [at for at, segment in enumerate(segments, 1) if segment.type is None]
        self.pick: Callable[[Sequence[str]], Any] = itemgetter(*literals) if literals else nothing
        self.firsts: set[str] = set()
        self.rest = len(segments) if segments and segments[-1].rank == REST else 0
        self.leaves: dict[Any, dict[str, Entry]] = {}

    def begun(self, first: str | None) -> tuple[Any, Any, int]:
        """Gives what is left to look up where the first segment is known: picker, leaves and the place of the rest.

        Without a picker there is nothing left, and the leaves are the one leaf.
        """
        if not self.firsts:
            return self.pick, self.leaves, self.rest
        if self.literals == [1]:
            return None, self.leaves[first], self.rest
        left = {key[1:] if len(key) > 2 else key[1]: leaf for key, leaf in self.leaves.items() if key[0] == first}
        return itemgetter(*self.literals[1:]), left, self.rest


def is_async(func: Any, flag: int = 0x80) -> bool:
    """Tells whether calling a function gives a coroutine (CO_COROUTINE), or has another flag of its code set."""
    while hasattr(func, 'func') and hasattr(func, 'keywords'):
        func = func.func
    code = getattr(func, '__code__', None) or getattr(getattr(type(func), '__call__', None), '__code__', None)
    return code is not None and bool(code.co_flags & flag)


def nothing(segments: Sequence[str]) -> Any:
    """The key of the patterns that have no literal."""
    return ()


class Router:
    """Finds the entry for a method and a path."""

    __slots__ = ('literals', 'rows', 'sizes')

    def __init__(self) -> None:
        self.literals: dict[str, dict[str, Entry]] = {}
        self.rows: dict[tuple[int, ...], Row] = {}
        self.sizes: list[dict[str | None, list[Row]]] = []

    def add(self, method: str, entry: Entry) -> Entry:
        """Adds an entry; gives the one that was there before, which is a conflict, or the one added."""
        pattern = entry.pattern
        row = self.rows.setdefault(pattern.rank, Row(pattern))
        texts = ['', *(segment.text for segment in pattern.segments)]
        if pattern.segments and pattern.segments[0].type is None:
            row.firsts.add(texts[1])
        return row.leaves.setdefault(row.pick(texts), {}).setdefault(method, entry)

    def leaves(self) -> Iterable[dict[str, Entry]]:
        """Gives the entries of every pattern, by method."""
        return (leaf for row in self.rows.values() for leaf in row.leaves.values())

    def freeze(self) -> None:
        """Sorts what was added into the form that lookups use."""
        ordered = sorted(self.rows.items(), key=lambda item: item[0])
        longest = max((len(rank) for rank in self.rows), default=0)
        for size in range(longest + 2):
            fits = [row for rank, row in ordered if (size >= row.rest - 1 if row.rest else len(rank) == size)]
            firsts = {None, *(first for row in fits for first in row.firsts)}
            self.sizes.append({at: [row for row in fits if not row.firsts or at in row.firsts] for at in firsts})
        for rank, row in self.rows.items():
            for key, leaf in row.leaves.items() if not any(rank) else ():
                path = joined(key)
                self.literals[path or '/'] = self.literals[path + '/'] = leaf
        for rank, row in self.rows.items():
            for key in row.leaves if row.rest and not any(rank[:-1]) else ():
                path = joined(key)
                for spelling in (path or '/', path + '/'):
                    self.literals.setdefault(spelling, {})  # an empty rest comes before a parameter: not for shortcuts

    def tails(self) -> dict[str, dict[str, Entry]]:
        """Gives, by what stands before it, the leaf of every parameter that ends a path and is the only one there."""
        found: dict[str, list[dict[str, Entry]]] = {}
        for rank, row in self.rows.items():
            if rank and not any(rank[:-1]) and 0 < rank[-1] < REST:
                for key, leaf in row.leaves.items():
                    found.setdefault(joined(key), []).append(leaf)
        return {start: leaves[0] for start, leaves in found.items() if len(leaves) == 1}

    def find(self, method: str, segments: Sequence[str]) -> tuple[Entry | None, Any]:
        """Finds an entry for a path split at its slashes, the part before the first included.

        Gives the entry and the parameters, or None and the methods that the path has.
        """
        size = len(segments) - 1
        if not segments[-1]:
            size -= 1
        sizes = self.sizes
        starts = sizes[size] if size < len(sizes) else sizes[-1]
        allowed: set[str] = set()
        for row in starts.get(segments[1]) or starts[None]:
            leaf = row.leaves.get(row.pick(segments))
            if leaf is None:
                continue
            entry = leaf.get(method) or leaf.get('*')
            params = bind((entry or next(iter(leaf.values()))).names, segments)
            if params is None:
                continue
            if entry is None:
                allowed.update(leaf)
                continue
            if row.rest:
                params['*'] = '/'.join(segments[row.rest :])
            return entry, params
        return None, allowed


def joined(key: Any) -> str:
    """Gives the path of the literals that are a key."""
    return ''.join(f'/{text}' for text in (key if isinstance(key, tuple) else (key,)))


def bind(names: Iterable[tuple[str, int, Any]], segments: Sequence[str]) -> dict[str, Any] | None:
    """Gives the parameters that segments hold, converted; None if one of them is empty or not of its type."""
    params = {}
    for name, at, convert in names:
        value: Any = segments[at]
        if not value:
            return None
        if convert is not None:
            try:
                value = convert(value)
            except UNCONVERTIBLE:
                return None
        params[name] = value
    return params


def readings(path: str, segments: Iterable[str]) -> list[list[str]]:
    """Gives every reading of a path that a hook has to cover: as sent, as decoded, and normalised."""
    sent, split, normal = list(segments), path.split('/')[1:], list[str]()
    for part in split:
        if part == '..':
            del normal[-1:]
        elif part not in ('', '.'):
            normal.append(part)
    for read in (sent, split):
        if not read[-1]:
            read.pop()
    return [sent, split, normal]

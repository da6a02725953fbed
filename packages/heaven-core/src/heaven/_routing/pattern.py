"""Patterns: the text of a route or of a hook, understood.

A pattern is a path whose segments are literals, `:name` (any text), `:name:type` or, last, `*` (the rest):

    /v1/patients/:id:int        matches /v1/patients/7 and /v1/patients/7/, not /v1/patients/x, not /v1/patients//7
    /files/*                    matches /files, /files/ and /files/a//b
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from itertools import zip_longest
from typing import Any, NamedTuple

from heaven._routing.converters import STR, Kind, Type
from heaven.errors import UrlError

FOREIGN_SYNTAX = re.compile(r'\{(?P<braces>\w+)[^}]*\}|<(?:\w+:)?(?P<angles>\w+)>')
UNQUOTED = "!$&'()*+,;=:@~"  # what a segment may hold besides letters, digits and -._ (RFC 3986, 3.3)


class Covers(Enum):
    """How much of what one pattern matches another one matches too."""

    ALL = 'all'
    NONE = 'none'
    SOME = 'some'


class Segment(NamedTuple):
    """One segment of a pattern: `text` is the literal, or the name of the parameter."""

    kind: Kind
    text: str
    type: Type = STR

    def matches(self, text: str) -> bool:
        """Tell whether a segment of a path matches; an empty one never matches a parameter."""
        if self.kind is Kind.LITERAL:
            return self.text == text
        return text != '' and (self.kind is not Kind.TYPED or self.type.accepts(text))

    @property
    def rank(self) -> tuple[int, int]:
        """The place in the order of precedence: the kind and, of typed parameters, the place of the type."""
        return self.kind, self.type.place if self.kind is Kind.TYPED else 0


class Query(NamedTuple):
    """A typed query of a route: its type, and its default as it would be sent, None without one."""

    type: Type
    default: str | None


class Pattern:
    """The text of a route, understood; UrlError if it cannot be."""

    def __init__(self, text: str, types: Mapping[str, Type], prefix: str = '') -> None:
        if not isinstance(text, str):
            raise TypeError(f'a route is a str such as /patients/:id, not {text!r:.80}')
        if not text.startswith('/'):
            raise UrlError(f'{text!r} must begin with a slash: {"/" + text!r}')
        path, _, query = f'{prefix}{text}'.partition('?')
        self.text: str = path
        parts = path.removesuffix('/').split('/')[1:]
        self.segments: tuple[Segment, ...] = tuple(self._segment(part, types) for part in parts)
        self.queries: dict[str, Query] = dict(self._queries(query, types)) if query else {}
        self._check()

    @property
    def has_rest(self) -> bool:
        """Whether the pattern ends in `*`."""
        return bool(self.segments) and self.segments[-1].kind is Kind.REST

    @property
    def rank(self) -> tuple[tuple[int, int], ...]:
        """The places of the segments in the order of precedence."""
        return tuple(segment.rank for segment in self.segments)

    @property
    def shape(self) -> tuple[object, ...]:
        """What two patterns share that match the same paths: names of parameters do not matter."""
        return tuple(part.text if part.kind is Kind.LITERAL else part.rank for part in self.segments)

    @property
    def parameters(self) -> tuple[Segment, ...]:
        """The segments that are parameters, the rest left out."""
        return tuple(part for part in self.segments if part.kind in (Kind.TYPED, Kind.UNTYPED))

    def under(self, prefix: 'Pattern | None') -> 'Pattern':
        """Give this pattern below a prefix."""
        if prefix is None:
            return self
        pattern = object.__new__(Pattern)
        own = '' if self.text == '/' else self.text
        pattern.text = prefix.text.rstrip('/') + own or '/'
        pattern.segments = prefix.segments + self.segments
        pattern.queries = self.queries
        pattern._check()
        return pattern

    def covers(self, path: Sequence[str]) -> bool:
        """Tell whether a path, given as its segments, matches."""
        if self.has_rest:
            fixed = self.segments[:-1]
            if len(path) < len(fixed):
                return False
        else:
            fixed = self.segments
            if len(path) != len(fixed):
                return False
        return all(segment.matches(text) for segment, text in zip(fixed, path, strict=False))

    def relation(self, other: 'Pattern') -> Covers:
        """Tell whether all paths, none or some that another pattern matches match this one."""
        covers = Covers.ALL
        for mine, theirs in zip_longest(self.segments, other.segments):
            if mine is not None and mine.kind is Kind.REST:
                return covers
            if theirs is not None and theirs.kind is Kind.REST:
                return Covers.SOME
            if mine is None or theirs is None:
                return Covers.NONE
            if theirs.kind is Kind.LITERAL:
                if not mine.matches(theirs.text):
                    return Covers.NONE
            elif mine.kind is Kind.LITERAL:
                if not theirs.matches(mine.text):
                    return Covers.NONE
                covers = Covers.SOME
            elif mine.kind is Kind.TYPED and mine.type is not theirs.type:
                covers = Covers.SOME
        return covers

    def build(self, params: Mapping[str, Any]) -> str:
        """Build a path of this pattern; UrlError for a value that is missing or would not match back."""
        from urllib.parse import quote

        path = ''
        for segment in self.segments:
            text = self._text_of(segment, params)
            safe = UNQUOTED + '/' if segment.kind is Kind.REST else UNQUOTED
            path += '/' + quote(text, safe=safe)
        return path or '/'

    def _text_of(self, segment: Segment, params: Mapping[str, Any]) -> str:
        if segment.kind is Kind.LITERAL:
            return segment.text
        value = params.get(segment.text)
        if value is None:
            raise UrlError(f'{self.text!r} needs a value for {segment.text!r}')
        text: str = value.isoformat() if hasattr(value, 'isoformat') else str(value)
        pieces = text.split('/')
        is_text = text.encode(errors='replace').decode() == text
        matches = segment.kind is Kind.REST or segment.matches(text)
        if not is_text or not matches or '.' in pieces or '..' in pieces:
            raise UrlError(f'{text!r:.80} is no {segment.text!r} of {self.text!r}: it would not match back')
        return text

    def _segment(self, part: str, types: Mapping[str, Type]) -> Segment:
        if part in ('', '.', '..'):
            raise UrlError(f'{self.text!r} has a segment that no request ever matches: {part!r}')
        if part == '*':
            return Segment(Kind.REST, '*')
        if part.startswith(':'):
            name, kind = self._typed(part[1:], types)
            return Segment(Kind.UNTYPED if kind is STR else Kind.TYPED, name, kind)
        foreign = FOREIGN_SYNTAX.search(part)
        if foreign:
            name = foreign['braces'] or foreign['angles']
            raise UrlError(f'{self.text!r}: a parameter is written :{name}, or :{name}:int, not {foreign[0]}')
        if part != part.strip():
            raise UrlError(f'{self.text!r} has white space around a segment, which no request has: {part!r}')
        if '*' in part:
            raise UrlError(f'{self.text!r}: `*` is a segment of its own, the last, as in /files/*; {part!r} is none')
        return Segment(Kind.LITERAL, part)

    def _typed(self, text: str, types: Mapping[str, Type]) -> tuple[str, Type]:
        """Read `name` or `name:type`."""
        name, colon, kind = text.partition(':')
        if not name:
            raise UrlError(f'{self.text!r} has a parameter without a name: write :id or :id:int')
        if not colon:
            kind = 'str'
        if kind not in types:
            known = ', '.join(types)
            raise UrlError(f'{self.text!r}: there is no type {kind!r}, there are {known}; app.TYPE adds one')
        return name, types[kind]

    def _queries(self, text: str, types: Mapping[str, Type]) -> Iterator[tuple[str, Query]]:
        """Read `page:int=1&since:date`."""
        names = set[str]()
        for part in text.split('&'):
            declared, equals, default = part.partition('=')
            name, kind = self._typed(declared, types)
            if name in names:
                raise UrlError(f'{self.text!r} names the query {name!r} twice')
            if equals and not kind.accepts(default):
                raise UrlError(f'{self.text!r}: the default of query {name!r}, {default!r}, is no {kind.name}')
            names.add(name)
            yield name, Query(kind, default if equals else None)

    def _check(self) -> None:
        """Refuse what no path could mean."""
        if any(segment.kind is Kind.REST for segment in self.segments[:-1]):
            raise UrlError(f"{self.text!r}: '*' is the rest of the path and must be last")
        names = [segment.text for segment in self.segments if segment.kind is not Kind.LITERAL]
        if len(set(names)) < len(names):
            raise UrlError(f'{self.text!r} names a parameter twice')

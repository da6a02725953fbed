"""Routing and hooks in the plainest words there are: slow, obvious, and what the real ones must agree with.

A pattern is read as its segments. Routes: try every one, keep those that match, take the least by precedence. Hooks:
try every one against every reading of the path.
"""

import datetime
import re
import uuid
from urllib.parse import quote, unquote_to_bytes

SLUG = r'[a-z]+(-[a-z]+)*'
BOOLS = {'true': True, 'false': False, '1': True, '0': False}
GRAMMAR = {
    'int': (r'(?=.{1,64}\Z)-?[0-9]+', int),
    'float': (r'(?=.{1,64}\Z)-?[0-9]+(\.[0-9]+)?', float),
    'bool': (r'(?i:true|false|1|0)', lambda text: BOOLS[text.lower()]),
    'date': (r'[0-9]{4}-[0-9]{2}-[0-9]{2}', datetime.date.fromisoformat),
    'datetime': (r'[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2})?', datetime.datetime.fromisoformat),
    'uuid': (r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', uuid.UUID),
    'slug': (SLUG, str),
    'any': (r'(?s:.+)', str),
    'str': (r'(?s:.+)', str),
}
ORDER = list(GRAMMAR)
METHODS = ('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY')
MISS = object()


def slug(text):
    """The converter of the type that is added."""
    if not re.fullmatch(SLUG, text):
        raise ValueError(text)
    return text


def anything(text):
    """The converter of a type that takes any text, an empty one too."""
    return text


def spelled(rng, raw):
    """One way a server hands on a raw path: the target, the raw path that it then means, and the rest of the scope."""
    way = rng.choice(['as sent'] * 4 + ['no raw_path', 'another raw_path', 'root_path', 'absolute'])
    if way == 'root_path':
        return f'/r%6Fot/a{raw}'.encode(), raw, {'root_path': '/root/a'}
    if way == 'absolute':
        return f'http://example.com{raw}'.encode(), raw, {}
    if way == 'as sent':
        return raw.encode(), raw, {}
    return raw.encode(), quote(decode(raw)), {'raw_path': None if way == 'no raw_path' else b'/other'}


def convert(kind, text):
    """The value of a segment, or MISS."""
    grammar, function = GRAMMAR[kind]
    if not re.fullmatch(grammar, text, re.ASCII):
        return MISS
    try:
        return function(text)
    except ValueError:
        return MISS


def parse(pattern):
    """`/a/:b:int/*` as [('literal', 'a'), ('int', 'b'), ('rest', '*')]."""
    segments = []
    for segment in pattern.strip('/').split('/') if pattern != '/' else []:
        if segment == '*':
            segments.append(('rest', '*'))
        elif segment.startswith(':'):
            name, _, kind = segment[1:].partition(':')
            segments.append((kind or 'str', name))
        else:
            segments.append(('literal', segment))
    return segments


def rank(pattern):
    """Where a pattern stands among those that match: the least wins."""
    kinds = ['literal', *ORDER, 'rest']
    return tuple(kinds.index(kind) for kind, _ in parse(pattern))


def shape(pattern):
    return tuple(name if kind == 'literal' else (kind,) for kind, name in parse(pattern))


def decode(raw):
    return unquote_to_bytes(raw).decode('utf-8', 'replace')


def split(path):
    """The segments of a path, one trailing slash aside."""
    return path[1:].removesuffix('/').split('/') if path not in ('', '/') else []


def match(pattern, segments, rest):
    """The parameters, or MISS. `rest(i)` is what stands from segment i on."""
    wanted, params = parse(pattern), {}
    if wanted and wanted[-1][0] == 'rest':
        wanted = wanted[:-1]
        if len(segments) < len(wanted):
            return MISS
        params['*'] = rest(len(wanted))
    elif len(segments) != len(wanted):
        return MISS
    for (kind, name), segment in zip(wanted, segments, strict=False):
        if kind == 'literal':
            if segment != name:
                return MISS
        elif (value := convert(kind, segment)) is MISS:
            return MISS
        else:
            params[name] = value
    return params


def dotted(raw):
    """Is it no path, since a segment is `.` or `..`, as sent or in the decoded path split again?"""
    return bool({'.', '..'} & {*map(decode, raw.split('/')), *decode(raw).split('/')})


def route(routes, method, raw):
    """(status, index of the route that answers, params or the methods allowed) for a raw path as sent.

    `routes` are pairs of method and pattern; the method of a mounted app is `*`.
    """
    if dotted(raw):
        return 400, None, None
    segments = [decode(segment) for segment in split(raw)]

    def rest(i):
        return decode('/'.join(raw.split('/')[1 + i :]))

    found = []
    for i, (verb, pattern) in enumerate(routes):
        if (params := match(pattern, segments, rest)) is not MISS:
            found.append((rank(pattern), verb != method, verb == '*', i, verb, params))
    stand_in = ('GET', 'HEAD', '*') if method == 'HEAD' else (method, '*')
    mine = sorted((f for f in found if f[4] in stand_in), key=lambda f: f[:4])
    if mine:
        return 200, mine[0][3], mine[0][5]
    allowed = {f[4] for f in found} | ({'HEAD'} if any(f[4] == 'GET' for f in found) else set())
    if not allowed:
        return 404, None, None
    return 204 if method == 'OPTIONS' else 405, None, allowed | {'OPTIONS'}


def readings(raw):
    """Every way to read a raw path as sent: its segments as sent, the decoded path split again, and both of them with
    their empty segments dropped.
    """
    both = [decode(segment) for segment in split(raw)], split(decode(raw))
    return [*both, *([segment for segment in segments if segment] for segments in both)]


def covers(pattern, raw):
    """Does any reading of this path match this pattern? Of what is no path, `/*` alone covers."""
    if dotted(raw):
        return pattern == '/*'
    return any(match(pattern, segments, str) is not MISS for segments in readings(raw))


def breadth(pattern, end):
    """Sorts the broadest pattern first. Where one pattern ends and another goes on, `*` is broader than the end; of
    the others the contract does not say, so that `end` may be 'first' or 'last'.
    """
    kinds = ['rest', 'first', *reversed(ORDER), 'literal', 'last']
    return [kinds.index(kind) for kind, _ in [*parse(pattern), (end, '')]]


def chain(hooks, method, raw, end='last'):
    """The functions that run before a request, in order; those after it are the same, reversed.

    `hooks` are triples of pattern, function and methods (None for all). A HEAD is taken to be one that GET answers.
    Before what is no path none runs.
    """
    if dotted(raw):
        return []
    covering = sorted((hook for hook in hooks if covers(hook[0], raw)), key=lambda hook: breadth(hook[0], end))
    functions = list(dict.fromkeys(function for _, function, _ in covering))
    accepted = {method, 'GET'} if method == 'HEAD' else {method}
    return [f for f in functions if any(g == f and (m is None or accepted & set(m)) for _, g, m in covering)]

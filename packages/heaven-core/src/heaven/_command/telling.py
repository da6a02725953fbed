"""The course of a request, as text for a terminal."""

from collections.abc import Iterator

from heaven._command.tables import table
from heaven._serving.explanation import BodyInfo, Explanation, HookInfo
from heaven._serving.whereabouts import Whereabouts

FIRST = {'around': 'BEFORE, to its yield', 'before=': 'before= of the route'}
LAST = {'around': 'always, from its yield', 'always': 'always, AFTER'}
Row = tuple[str, ...]  # what happens; of a function its name, the pattern that covers the request, and its place


def tell(explanation: Explanation) -> str:
    """Tell the course of a request, from its path to the ERROR handlers that would be asked."""
    sections = [
        [f'{explanation.method} {explanation.target}'],
        table(list(facts(explanation)), 2),
        ['The course of this request', *table(numbered(course(explanation)), 2)],
    ]
    if explanation.errors:
        rows = [(str(error.kind), short(error.function), place(error.function)) for error in explanation.errors]
        title = 'If it fails, ERROR asks' if explanation.status is None else 'ERROR asks'
        sections.append([title, *table(rows, 2)])
    return '\n\n'.join('\n'.join(lines) for lines in sections if lines) + '\n'


def facts(explanation: Explanation) -> Iterator[tuple[str, str]]:
    """Give what is known of the request before anything runs."""
    names = ['path', 'or read as', '', '']
    for name, reading in zip(names, explanation.readings, strict=False):
        yield name, reading
    yield 'subdomain', explanation.subdomain
    if explanation.route is not None:
        name = f'  ({explanation.name})' if explanation.name else ''
        yield 'route', f'{explanation.route}{name}'
    for label, values in (('parameters', explanation.params), ('queries', explanation.queries)):
        if values:
            yield label, ', '.join(f'{name} = {value!r}' for name, value in values.items())
    if explanation.allow:
        yield 'methods', ', '.join(explanation.allow)
    for at, route in enumerate(explanation.candidates):
        yield ('perhaps' if at == 0 else ''), route
    if explanation.origins is not None:
        yield 'origins', ', '.join(explanation.origins)
    if explanation.body is not None:
        yield 'body', told_body(explanation.body)


def told_body(body: BodyInfo) -> str:
    """Say how the body is read."""
    limit = 'of any size' if body.limit is None else f'up to {size(body.limit)}'
    return {
        'ahead': f'read before the hooks, {limit}',
        'asked': f'not read ahead; await req.read() takes {limit}',
        'stream': f'left to req.stream(), {limit}',
        'messages': f'messages {limit}',
    }[body.read]


def size(count: int) -> str:
    """Write a number of bytes as people say it."""
    for unit, name in ((2**30, 'GiB'), (2**20, 'MiB'), (2**10, 'KiB')):
        if count >= unit and count % unit == 0:
            return f'{count // unit} {name}'
    return f'{count:,} bytes'


def course(explanation: Explanation) -> Iterator[Row]:
    """Give what happens, in order: all that a request passes has its place here."""
    for name in explanation.middlewares:
        yield 'middleware', name
    for name in explanation.batteries:
        yield (f'app.{name}',)
    if explanation.body is not None and explanation.body.read == 'ahead':
        yield ('the body is read',)
    for hook in explanation.before:
        yield hook_row(FIRST.get(hook.kind, hook.kind), hook, explanation)
    yield answer(explanation)
    for hook in explanation.after:
        yield hook_row(hook.kind, hook, explanation)
    for hook in explanation.endings:
        yield hook_row(LAST[hook.kind], hook, explanation)
    if explanation.method != 'WS':
        for name in reversed(explanation.batteries):
            yield (f'app.{name}, its last word',)


def hook_row(what: str, hook: HookInfo, explanation: Explanation) -> Row:
    """Return the row of a hook, with the reading that it covers if that is not the path as it was sent."""
    pattern = ' '.join(hook.patterns)
    if hook.readings and hook.readings[0] != explanation.readings[0]:
        pattern += f' ({hook.readings[0]})'
    return what, short(hook.function), pattern, place(hook.function)


def answer(explanation: Explanation) -> Row:
    """Return the row of the handler, or of what answers where none is reached."""
    if explanation.status is not None:
        return (f'{explanation.status}: {explanation.reason}',)
    if explanation.handler is None:
        raise AssertionError('a request without a status has a handler')
    what = 'the handler'
    if explanation.is_mounted:
        what = 'the mounted app'
    elif explanation.stands_in_for_get:
        what = 'the handler of GET'
    return what, short(explanation.handler), '', place(explanation.handler)


def numbered(rows: Iterator[Row]) -> list[tuple[str, ...]]:
    """Put a number before each row."""
    return [(str(at), *row) for at, row in enumerate(rows, 1)]


def short(function: Whereabouts) -> str:
    """Return the name of a function without its module."""
    return function.name.replace('<locals>.', '').rpartition('.')[2] if ' ' not in function.name else function.name


def place(function: Whereabouts) -> str:
    """Return the file and the line of a function."""
    return '' if function.file is None else f'{function.file}:{function.line}'

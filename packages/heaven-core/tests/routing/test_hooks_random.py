"""Compiled chains agree with the naive evaluator: any reading of the path matches the pattern, for this method.

HEAVEN_ROUNDS=130 in the environment asks 260,000 times in place of 2,000.
"""

import random

import pytest
from asks import Live
from heaven import App
from reference import anything, chain, parse, route, slug, spelled
from rounds import ROUNDS

WORDS = ['a', 'b', '7', '1']
SPELLINGS = {
    'literal': lambda rng, word: word,
    'encoded letter': lambda rng, word: f'%{ord(word[0]):02{rng.choice("xX")}}{word[1:]}',
    'double-encoded': lambda rng, word: f'%25{ord(word[0]):02x}{word[1:]}',
    'upper case': lambda rng, word: word.upper(),
}
SLASHES = ['//', '//', '%2F', '%2F', '%2f', '%252F', '%2F%2F', '/%2F', '/.../', '/%252e/']
DOTS = ['/./', '/../', '/%2e/', '/%2e%2e/', '/x/../', '/.%2E/', '%2F..%2F', '/b%2F..%2F']
METHODS = ['GET', 'GET', 'HEAD', 'POST', 'OPTIONS', 'PROPFIND']
SCOPES = [None, None, None, ['GET'], ['POST'], ['HEAD'], ['GET', 'POST'], ['OPTIONS'], ['PROPFIND', 'DELETE']]


def some_pattern(rng):
    kinds = ['', '', ':int', ':float', ':bool', ':slug', ':any']
    segments = [rng.choice([*WORDS, *[f':p{i}{rng.choice(kinds)}'] * 3]) for i in range(rng.choice([0, 1, 1, 2, 2, 3]))]
    if rng.random() < 0.4:
        segments.append('*')
    return '/' + '/'.join(segments) + ('/' if segments and segments[-1] != '*' and rng.random() < 0.1 else '')


def some_path(rng, patterns):
    """The path of a pattern, at times with words more or less, plain or in odd spellings."""
    odd, path = rng.choice([0, 0, 0, 0.2, 0.5]), ''
    words = [name if kind == 'literal' else rng.choice(WORDS) for kind, name in parse(rng.choice(patterns))]
    for word in rng.choice([words, words, words + [rng.choice(WORDS)], words[:-1]]):
        path += rng.choice(SLASHES if rng.random() < 0.9 else DOTS) if rng.random() < odd else '/'
        path += SPELLINGS[rng.choice([*SPELLINGS])](rng, word) if rng.random() < odd else word
    ends = ['/', '/', '//', '//', '%2F', '%2F', '/.', '/..', '%2F.']
    return '/' + path.lstrip('/') + (rng.choice(ends) if rng.random() < odd else '')


def tell(ran, name):
    def function(req, res, ctx):
        ran.append(name)

    return function


def foreign(ran):
    """An ASGI app that answers whatever reaches it."""

    async def mounted(scope, receive, send):
        if scope['type'] == 'http':
            ran.append('handler')
            await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-length', b'0')]})
            await send({'type': 'http.response.body', 'body': b''})

    return mounted


def build(rng, ran):
    app, hooks, afters, routes = App(), [], [], []
    app.TYPE('slug', slug)
    app.TYPE('any', anything)
    functions = {name: tell(ran, name) for name in range(6)}
    for _ in range(rng.randrange(1, 10)):
        pattern, name, methods = some_pattern(rng), rng.choice(list(functions)), rng.choice(SCOPES)
        if rng.random() < 0.7:
            hooks.append((pattern, name, methods))
            app.BEFORE(pattern, functions[name], methods=methods)
        else:
            afters.append((pattern, name, methods))
            app.AFTER(pattern, functions[name], methods=methods)
    for _ in range(6):
        method, pattern = rng.choice(['GET', 'GET', 'GET', 'POST']), some_pattern(rng).rstrip('/') or '/'
        try:
            app.METHOD(method, pattern, tell(ran, 'handler'))
        except ValueError:
            continue
        routes.append((method, pattern))
    for _ in range(rng.choice([0, 0, 1, 2])):
        prefix = some_pattern(rng).removesuffix('*').rstrip('/')
        try:
            app.mount(foreign(ran), prefix)
        except ValueError:
            continue
        routes.append(('*', f'{prefix}/*'))
    return app, hooks, afters, routes


@pytest.mark.parametrize('seed', range(20 * ROUNDS))
def test_the_chains_agree_with_the_naive_evaluator(seed):
    rng, ran = random.Random(seed), []
    app, hooks, afters, routes = build(rng, ran)
    patterns = [pattern for _, pattern in routes] + [pattern for pattern, _, _ in hooks + afters]
    with Live(app) as live:
        for _ in range(100):
            method, path = rng.choice(METHODS), some_path(rng, patterns)
            sent, path, options = spelled(rng, path)
            status = route(routes, method, path)[0]
            ran.clear()
            told = f'{method} {path}: before {hooks}, after {afters}, routes {routes}'
            assert live.ask(method, sent, **options).status == status, told
            handler = ['handler'] if status == 200 else []
            if status == 400:
                assert ran == [], told
                continue
            assert ran in [
                [*chain(hooks, method, path, end), *handler, *chain(afters, method, path, end)[::-1]]
                for end in ('first', 'last')
            ], told

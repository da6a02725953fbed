"""Compiled chains agree with the naive evaluator: any reading of the path matches the pattern, for this method."""

import random

import pytest
from driver import Live
from heaven import App
from reference import chain, route

WORDS = ['a', 'b', 'admin', '7']
SPELLINGS = {
    'literal': lambda rng, word: word,
    'encoded letter': lambda rng, word: f'%{ord(word[0]):02{rng.choice("xX")}}{word[1:]}',
    'double-encoded': lambda rng, word: f'%25{ord(word[0]):02x}{word[1:]}',
    'upper case': lambda rng, word: word.upper(),
}
SLASHES = ['/'] * 6 + ['//', '%2F', '%2f', '%252F', '/./', '/../', '/%2e/', '/%2e%2e/', '/x/../', '/.%2E/', '%2F..%2F']
METHODS = ['GET', 'GET', 'HEAD', 'POST', 'OPTIONS', 'PROPFIND']
SCOPES = [None, None, None, ['GET'], ['POST'], ['HEAD'], ['GET', 'POST'], ['OPTIONS'], ['PROPFIND', 'DELETE']]


def some_pattern(rng):
    kinds = ['', '', ':int', ':float']
    segments = [rng.choice([*WORDS, *WORDS, f':p{i}{rng.choice(kinds)}']) for i in range(rng.randrange(4))]
    if rng.random() < 0.4:
        segments.append('*')
    return '/' + '/'.join(segments) + ('/' if segments and segments[-1] != '*' and rng.random() < 0.1 else '')


def some_path(rng):
    path = ''
    for _ in range(rng.randrange(4)):
        path += rng.choice(SLASHES) + SPELLINGS[rng.choice([*SPELLINGS, *['literal'] * 5])](rng, rng.choice(WORDS))
    if rng.random() < 0.8:
        return '/' + path.lstrip('/')
    return '/' + path + rng.choice(['', '/', '//', '/.', '/..', '%2F'])


def tell(ran, name):
    def function(req, res, ctx):
        ran.append(name)

    return function


def build(rng, ran):
    app, hooks, afters, routes = App(), [], [], []
    functions = {name: tell(ran, name) for name in range(12)}
    for _ in range(rng.randrange(1, 14)):
        pattern, name, methods = some_pattern(rng), rng.choice(list(functions)), rng.choice(SCOPES)
        if rng.random() < 0.7:
            hooks.append((pattern, name, methods))
            app.BEFORE(pattern, functions[name], methods=methods)
        else:
            afters.append((pattern, name, methods))
            app.AFTER(pattern, functions[name], methods=methods)
    for _ in range(6):
        method, pattern = rng.choice(['GET', 'GET', 'POST']), some_pattern(rng).rstrip('/') or '/'
        try:
            app.METHOD(method, pattern, tell(ran, 'handler'))
        except ValueError:
            continue
        routes.append((method, pattern))
    return app, hooks, afters, routes


@pytest.mark.parametrize('seed', range(60))
def test_the_chains_agree_with_the_naive_evaluator(seed):
    rng, ran = random.Random(seed), []
    app, hooks, afters, routes = build(rng, ran)
    with Live(app) as live:
        for _ in range(60):
            method, path = rng.choice(METHODS), some_path(rng)
            status = route(routes, method, path)[0]
            if method == 'HEAD' and status != 200:
                continue
            ran.clear()
            told = f'{method} {path}: before {hooks}, after {afters}, routes {routes}'
            assert live.call(method, path.encode()).status == status, told
            handler = ['handler'] if status == 200 else []
            assert ran in [
                [*chain(hooks, method, path, end), *handler, *chain(afters, method, path, end)[::-1]]
                for end in ('first', 'last')
            ], told

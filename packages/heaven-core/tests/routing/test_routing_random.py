"""The router agrees with the naive one on generated routes and paths, seen from outside."""

import random
from itertools import combinations, product

import pytest
from asks import Live
from heaven import App, UrlDuplicateError
from reference import METHODS, ORDER, anything, parse, route, shape, slug, spelled
from rounds import ROUNDS

WORDS = ['a', 'b', 'ab', '1', 'true', 'é', '2024-02-29']
VALUES = [
    *WORDS,
    'A',
    '-7',
    '007',
    '1.5',
    '0',
    'False',
    '2024-02-30',
    '2024-02-29T10:11:12',
    '12345678-1234-5678-1234-567812345678',
    'a-b',
    '٣',
    'x' * 20,
    '9' * 64,
    '9' * 65,
    '9' * 400,
]
ODD = ['a%2Fb', '%61', '%2561', '%C3%A9', '%ff', '%2F', '%', '%zz', '%00', '%2e%2e']
ODD += ['', '', 'a+b', ':x', '*', ' ', ';', '.', '..', '...', '.a', 'a%2F..', '%252e']


def some_pattern(rng):
    segments = []
    for i in range(rng.choice([0, 1, 1, 2, 2, 2, 3, 3, 4])):
        segments.append(rng.choice([*WORDS[:3], *WORDS, f':p{i}', f':p{i}', f':p{i}:{rng.choice(ORDER)}']))
    if rng.random() < 0.2:
        segments.append('*')
    return '/' + '/'.join(segments)


def some_path(rng, patterns):
    """Mostly the path of a pattern with something changed, at times anything."""
    segments = []
    for kind, name in parse(rng.choice(patterns)):
        if kind == 'rest':
            segments += [rng.choice(VALUES + ODD) for _ in range(rng.randrange(3))]
        else:
            segments.append(name if kind == 'literal' else rng.choice(VALUES))
    for _ in range(rng.choice([0, 0, 1, 1, 2])):
        at = rng.randrange(len(segments) + 1)
        segments[at : at + rng.randrange(2)] = [rng.choice(VALUES + ODD)] * rng.randrange(2)
    return '/' + '/'.join(segments) + rng.choice(['', '', '', '/', '//'])


def tell(index):
    def handler(req, res, ctx):
        res.headers['x-index'] = str(index)
        res.headers['x-params'] = ascii(sorted(req.params.items(), key=str))

    return handler


def build(rng):
    app, routes, shapes = App(), [], set()
    app.TYPE('slug', slug)
    app.TYPE('any', anything)
    for _ in range(rng.randrange(1, 25)):
        method, pattern = rng.choice(['GET', 'GET', 'GET', 'POST', 'HEAD', 'OPTIONS', 'PROPFIND']), some_pattern(rng)
        if (method, shape(pattern)) in shapes:
            with pytest.raises(UrlDuplicateError):
                app.METHOD(method, pattern, tell(-1))
            continue
        shapes.add((method, shape(pattern)))
        app.METHOD(method, pattern, tell(len(routes)))
        routes.append((method, pattern))
    return app, routes


@pytest.mark.parametrize('seed', range(40 * ROUNDS))
def test_the_router_agrees_with_the_naive_one(seed):
    rng = random.Random(seed)
    app, routes = build(rng)
    patterns = [pattern for _, pattern in routes]
    with Live(app) as live:
        for _ in range(60):
            path = some_path(rng, patterns)
            method = rng.choice(['GET', 'GET', 'GET', 'HEAD', 'POST', 'OPTIONS', 'PROPFIND', *METHODS])
            sent, path, options = spelled(rng, path)
            told = f'{method} {path} among {routes}'
            status, index, outcome = route(routes, method, path)
            reply = live.ask(method, sent, **options)
            assert reply.status == status, told
            if status == 200:
                assert reply.header('x-index') == str(index), told
                assert reply.header('x-params') == ascii(sorted(outcome.items(), key=str)), told
            elif status not in (400, 404):
                assert set(reply.header('allow').split(', ')) == outcome, told


FIRST, SECOND = ['c', '5', ':x', ':n:int', ':b:bool'], ['c', '5', ':y', ':m:int', ':d:bool', '*']
SHORT = ['/*', *(f'/{one}' for one in FIRST), *(f'/{one}/{two}' for one, two in product(FIRST, SECOND))]
PATHS = ['/c', '/5', '/1', '/c/5', '/c/1', '/5/5', '/5/1', '/x/5', '/x/c', '/5/c', '/c/%35', '/c/5/x']


@pytest.mark.parametrize('base', ['', '/a'])
def test_any_two_short_patterns_are_told_apart_as_the_precedence_says(base):
    pairs = list(combinations(SHORT, 2))
    for one, other in random.Random(base).sample(pairs, min(100 * ROUNDS, len(pairs))):
        app, routes = App(), [('GET', base + one), ('GET', base + other)]
        for index, (method, pattern) in enumerate(routes):
            app.METHOD(method, pattern, tell(index))
        with Live(app) as live:
            for path in PATHS:
                status, index, _ = route(routes, 'GET', base + path)
                reply = live.ask('GET', base + path)
                assert (reply.status, reply.header('x-index')) == (status, index if index is None else str(index)), (
                    routes,
                    path,
                )

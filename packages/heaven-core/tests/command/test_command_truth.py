"""What `app.explain` tells of a request is what happens to it: random apps, random paths in odd spellings."""

import random

import pytest
from asks import Live
from heaven import App

SEEDS, REQUESTS = 15, 25
METHODS = ['GET', 'GET', 'HEAD', 'POST', 'OPTIONS', 'PROPFIND']
SCOPES = [None, None, None, ['GET'], ['POST'], ['HEAD'], ['GET', 'POST'], ['OPTIONS']]
PATTERNS = ['/*', '/a/*', '/a/b', '/:x', '/:x/:y:int', '/a/:y', '/b/*', '/a/b/:z']
ROUTES = ['/', '/a', '/a/b', '/:x', '/:x/:y:int', '/a/:y', '/b/*', '/a/b/:z:bool', '/:x/:y/:z']
SLASHES = ['/', '/', '/', '/', '//', '%2F', '/%2F', '/./']


def noting(ran, name, kind='plain'):
    def plain(req, res, ctx):
        ran.append(name)

    async def around(req, res, ctx):
        ran.append(name)
        yield
        ran.append(name)

    function = around if kind == 'around' else plain
    function.__name__ = function.__qualname__ = name
    return function


def fill(rng, app, ran, prefix):
    """Hooks and routes at random; some functions stand under several patterns."""
    befores = [noting(ran, f'{prefix}before{at}', rng.choice(['plain', 'around'])) for at in range(4)]
    afters = [noting(ran, f'{prefix}after{at}') for at in range(3)]
    for _ in range(rng.randrange(6)):
        app.BEFORE(rng.choice(PATTERNS), rng.choice(befores), methods=rng.choice(SCOPES))
    for _ in range(rng.randrange(4)):
        app.AFTER(rng.choice(PATTERNS), rng.choice(afters), methods=rng.choice(SCOPES), always=rng.random() < 0.4)
    for at, route in enumerate(rng.sample(ROUTES, rng.randrange(1, 6))):
        own = rng.sample(befores, rng.choice([0, 0, 1]))
        app.METHOD(rng.choice(['GET', 'POST']), route, noting(ran, f'{prefix}handler{at}'), before=own)
    if rng.random() < 0.4:
        app.ERROR(404, noting(ran, f'{prefix}missing'))


def some_path(rng):
    words = [rng.choice(['a', 'b', 'c', '7', '1', 'sub', '%61']) for _ in range(rng.randrange(4))]
    path = ''.join(rng.choice(SLASHES if rng.random() < 0.4 else '/') + word for word in words)
    return '/' + path.lstrip('/') + rng.choice(['', '', '/'])


def expected(told):
    """The names of all that must run, in order."""
    names = [hook.name for hook in told.before]
    if told.handler is not None:
        names.append(told.handler.name.rpartition('.')[2])
    elif told.status != 400:
        names += [error.function.name.rpartition('.')[2] for error in told.errors]
    return [*names, *(hook.name for hook in (*told.after, *told.endings))]


@pytest.mark.parametrize('seed', range(SEEDS))
def test_what_is_told_is_what_runs(seed):
    rng, ran = random.Random(seed), []
    app, child = App(), App()
    fill(rng, app, ran, '')
    fill(rng, child, ran, 'child-')
    app.mount(child, rng.choice(['/sub', '/c', '/sub/:s']))
    with Live(app) as live:
        for _ in range(REQUESTS):
            method, path = rng.choice(METHODS), some_path(rng)
            told = app.explain(method, path)
            assert ran == [], 'nothing is called'
            reply = live.ask(method, path)
            assert (expected(told), told.status or 200) == (ran, reply.status), (method, path)
            if told.allow:
                assert reply.header('allow') == ', '.join(told.allow)
            ran.clear()

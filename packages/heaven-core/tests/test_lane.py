"""A request that takes the lane is answered as one that does not: behind a middleware nothing takes it."""

import random

import pytest
from asks import Live
from heaven import App
from rounds import ROUNDS

TEXTS = ['a', 'b', '7', '-', '.a', '', '..', '.', '%61', 'a%2Fb', 'é', '7.5', '~']
PATTERNS = [
    '/', '/a', '/a/b', '/:x', '/:x:int', '/:x/b', '/a/:y', '/a/:y:int', '/:x/:y', '/a/*', '/*', '/b/:y/*', '/a/b/:z',
    '/:x:int/b', '/7', '/a/7/:z', '/:other/c',
]  # fmt: skip
METHODS = ['GET', 'POST', 'HEAD', 'OPTIONS', 'get', 'PURGE']


class Through:
    """A middleware that does nothing."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        await self.app(scope, receive, send)


def made(seed, through):
    """An app of random routes and hooks; each answer says what ran and with which parameters."""
    rng = random.Random(seed)
    app = App()

    def answering(name):
        async def handler(req, res, ctx):
            res.body = {'route': name, 'params': {key: str(value) for key, value in req.params.items()}}
            res.header('x-ran', ' '.join(ctx.peek('ran', [])))

        return handler

    def noting(name):
        async def hook(req, res, ctx):
            ctx.keep('ran', [*ctx.peek('ran', []), name])
            res.header('x-hooks', ' '.join(ctx.ran))

        return hook

    for pattern in rng.sample(PATTERNS, rng.randint(1, 9)):
        app.METHOD(rng.choice(['GET', 'POST', ['GET', 'POST']]), pattern, answering(pattern))
    for pattern in rng.sample(PATTERNS, rng.choice([0, 0, 1, 3])):
        app.BEFORE(pattern, noting(pattern), methods=rng.choice([None, 'GET', 'POST']))
    if through:
        app.use(Through)
    return app


def targets(seed):
    rng = random.Random(seed)
    for _ in range(60):
        path = '/'.join(rng.choice(TEXTS) for _ in range(rng.randint(1, 4)))
        yield rng.choice(METHODS), rng.choice(['/', '/', '/', '']) + path


@pytest.mark.parametrize('seed', range(20 * ROUNDS))
def test_the_lane_answers_as_the_whole_course_does(seed):
    with Live(made(seed, False)) as lane, Live(made(seed, True)) as course:
        for method, target in targets(seed):
            one, other = lane.ask(method, target), course.ask(method, target)
            told = [(reply.status, sorted(reply.headers), reply.body) for reply in (one, other)]
            assert told[0] == told[1], (method, target)


@pytest.mark.parametrize('target', ['a', '\\a', 'a/b', '7', '..', 'a/../b'])
def test_what_does_not_begin_with_a_slash_is_a_400_in_the_lane_too(target):
    app = App()
    for pattern in ('/', '/:x', '/:x/:y', '/b', '/*'):
        app.GET(pattern, lambda req, res, ctx: res.out(200))
    with Live(app) as live:
        assert live.ask('GET', '/').status == 200
        assert live.ask('GET', target).status == 400


@pytest.mark.parametrize('sent', [0, 1])
def test_a_client_that_leaves_while_the_lane_answers_is_quiet(sent, caplog):
    app = App()
    app.GET('/', lambda req, res, ctx: res.out(200, 'ok'))
    with Live(app) as live:
        reply = live.ask(fail_send_after=sent)
        assert (len(reply.messages), live.ask().text) == (sent, 'ok')
    assert caplog.records == []

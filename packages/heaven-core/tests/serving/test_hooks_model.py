"""Random stacks of hooks, handlers and ERROR handlers agree with the course of a request in plain words, model.py."""

import asyncio
import logging
import random

import model
import pytest
from asks import stream
from heaven import Abort, App, ClientError, TooLarge
from rounds import ROUNDS

SEEDS, CASES = 15 * ROUNDS, 80
WORDS = {'set', 'out', 'taken', 'no', *model.PHRASES.values()}
TARGETS = {
    'route': ('GET', '/a/b?page=1'),
    'missing': ('GET', '/a/none'),
    'method': ('PUT', '/a/b'),
    'query': ('GET', '/a/b?page=x'),
    'large': ('POST', '/a/b'),
    'target': ('GET', '/a/../b'),
}
FINE = ['pass', 'pass', 'pass', 'header']
ANSWERING = ['status', 'body', 'out', 'unsendable']
FAILING = ['ward', 'bed', 'abort', 'abort with body', 'set and abort', 'client error']
WAITING = ['wait', 'leave']
ANY = FINE + ANSWERING + FAILING + WAITING
ERRORS = [400, 403, 404, 405, 409, 413, 500, 500, 'Ward', 'Bed', 'Abort', 'ClientError', 'Exception']
ERRORS += ['TooLarge', 'TypeError', 'RuntimeError']


class Ward(Exception):
    pass


class Bed(Ward):
    pass


KINDS = {kind.__name__: kind for kind in (Ward, Bed, Abort, ClientError, Exception, TooLarge, TypeError, RuntimeError)}
MADE = {
    'Ward': Ward,
    'Bed': Bed,
    'Abort 403': lambda: Abort(403),
    'Abort 409': lambda: Abort(409, 'taken'),
    'ClientError': lambda: ClientError('no'),
}


class Watching:
    """A middleware that notes what comes through it."""

    def __init__(self, app, seen):
        self.app, self.seen = app, seen

    async def __call__(self, scope, receive, send):
        try:
            await self.app(scope, receive, send)
        except BaseException as error:
            self.seen.append(type(error).__name__)
            raise


class Log(logging.Handler):
    """What was logged as a failure: the names of the exceptions."""

    def emit(self, record):
        if record.levelno >= logging.ERROR:
            self.seen.append(record.exc_info[0].__name__)


@pytest.fixture
def log():
    logger, handler = logging.getLogger('heaven'), Log()
    logger.addHandler(handler)
    logger.propagate = False
    yield handler
    logger.propagate = True
    logger.removeHandler(handler)


# From a case to an app


class Built:
    """An app made from a case, and what its functions have noted."""

    def __init__(self, case):
        self.case, self.trace, self.raised = case, [], []
        self.app = App()
        if case['middleware']:
            self.app.use(Watching, seen=self.raised)
        for hook in case['hooks']:
            if hook['place'] != 'route':
                register = self.app.BEFORE if hook['place'] == 'BEFORE' else self.app.AFTER
                options = {'always': True} if hook['place'] == 'ALWAYS' else {}
                register(hook['pattern'], self.function(hook), **options)
        before = [self.function(hook) for hook in case['hooks'] if hook['place'] == 'route']
        handler = {'name': 'handler', 'first': case['handler'], 'sync': case['sync']}
        self.app.METHOD(['GET', 'POST'], '/a/b?page:int', self.function(handler), before=before, max_body_size=1)
        for key, action in case['errors'].items():
            handler = {'name': 'ERROR', 'first': action, 'sync': case['sync']}
            self.app.ERROR(KINDS.get(key, key), self.function(handler, key))

    def function(self, hook, what='in'):
        """The function of a hook, of the handler or of an ERROR handler."""
        name, first, second = hook['name'], hook['first'], hook.get('second')

        async def around(req, res, ctx):
            self.note(res, name, 'in')
            await self.act(first, req, res)
            if hook.get('ends'):
                return
            try:
                yield
            except BaseException as error:
                self.note(res, name, 'out', raised=error)
                if second == 'twice':
                    yield
                await self.act(second, req, res)
                if not hook['swallows']:
                    raise
            else:
                self.note(res, name, 'out')
                if second == 'twice':
                    yield
                await self.act(second, req, res)

        async def function(req, res, ctx):
            self.begin(name, res, what)
            return await self.act(first, req, res)

        def plain(req, res, ctx):
            self.begin(name, res, what)
            return self.set_or_raise(first, res)

        if second:
            return around
        return plain if hook.get('sync') and first not in WAITING else function

    def begin(self, name, res, what):
        self.note(res, name, what)
        if name == 'handler':
            res.defer(self.later)

    async def later(self, app):
        self.trace.append(('deferred',))

    async def act(self, action, req, res):
        if action == 'wait':
            asyncio.current_task().cancel()
            await asyncio.sleep(0)
        elif action == 'leave':
            await req.read()
        return self.set_or_raise(action, res)

    def set_or_raise(self, action, res):
        if action == 'header':
            res.header('x-a', 'b')
        if action == 'returns':
            return 5
        status, body, failure = model.ACTIONS[action]
        if status is not None:
            res.status = status
        if body is not None:
            res.body = [object()] if body == 'unsendable' else body
        if failure in MADE:
            raise MADE[failure]()
        return None

    def note(self, res, *what, raised=None):
        error = res.error
        assert what[-1] != 'out' or raised is error, f'{raised!r} is raised at the yield, and res.error is {error!r}'
        self.trace.append((*what, res.status, worded(res.body), self.name_of(error)))

    def name_of(self, error):
        """The name that the model has for an exception."""
        if error is None:
            return None
        if isinstance(error, Abort):
            return f'Abort {error.status}'
        if type(error) is ClientError and str(error) != 'no':
            return f'wrong {self.case["ask"]}'
        return type(error).__name__


def worded(body):
    """A body in the words of the model."""
    if isinstance(body, list):
        return 'unsendable'
    return body if body is None or body in WORDS else '...'


# Cases


def some_hook(rng, name):
    place = rng.choice(['BEFORE', 'BEFORE', 'BEFORE', 'route', 'AFTER', 'ALWAYS'])
    hook = {'name': name, 'place': place, 'pattern': rng.choice(model.BROADEST_FIRST), 'sync': rng.random() < 0.5}
    if place == 'route':
        hook['pattern'] = None
    hook['first'] = rng.choice(FINE if rng.random() < 0.75 else ANY)
    if place in ('BEFORE', 'route'):
        if rng.random() < 0.7:
            hook['second'] = rng.choice([*FINE, *ANY, 'twice'])
            hook['swallows'] = rng.random() < 0.5
            hook['ends'] = rng.random() < 0.1
        elif rng.random() < 0.05:
            hook['first'] = 'returns'
    return hook


def some_case(rng):
    case = {
        'ask': rng.choice(['route'] * 10 + ['missing', 'method'] + list(TARGETS)),
        'hooks': [some_hook(rng, name) for name in 'abcdef'[: rng.randrange(7)]],
        'handler': rng.choice([*FINE, 'out', *ANSWERING, *FAILING, *WAITING]),
        'errors': {
            rng.choice(ERRORS): rng.choice([*FINE, 'body', 'body', 'out', *ANY]) for _ in range(rng.randrange(5))
        },
        'sync': rng.random() < 0.5,
        'middleware': rng.random() < 0.5,
    }
    status = {'missing': 404, 'method': 405}.get(case['ask'])
    if status and rng.random() < 0.5:
        case['errors'][status] = rng.choice(ANY)
    if case['ask'] == 'large' and 'leave' in actions_of(case):
        case['ask'] = 'route'  # whoever reads a body that is too large is told so
    return case


def actions_of(case):
    hooks = [action for hook in case['hooks'] for action in (hook['first'], hook.get('second'))]
    return {case['handler'], *case['errors'].values(), *hooks}


async def asked_once(app, case):
    """Ask once; give the reply, None if the request was cancelled."""
    method, target = TARGETS[case['ask']]
    options = {}
    if 'leave' in actions_of(case):
        options = {'body': [b'a', b'b'], 'leave_after': 1}
    elif case['ask'] == 'large':
        options = {'body': b'xx'}
    exchange = stream(app, method, target, catch=True, **options).start()
    await asyncio.wait([exchange.task])
    if exchange.task.cancelled():
        return None, exchange.messages
    return exchange.task.result(), exchange.messages


def compare(case, log, runner):
    """Hold an app against the model; the second request takes the lane where the first has started the app."""
    told, built = model.tell(case), Built(case)
    for _ in range(2):
        built.trace.clear()
        built.raised.clear()
        log.seen = []
        reply, messages = runner.run(asked_once(built.app, case))
        assert built.trace == told.trace, case
        assert log.seen == told.logged, case
        assert (reply is None) is (told.raised == ['CancelledError']), case
        assert built.raised == (told.raised if case['middleware'] else []), case
        if told.status is None:
            assert messages == [], case
        else:
            assert (reply.status, worded(reply.text or None), reply.error) == (told.status, told.body, None), case


@pytest.mark.parametrize('seed', range(SEEDS))
def test_every_stack_of_hooks_takes_the_course_of_the_model(seed, log):
    rng = random.Random(seed)
    with asyncio.Runner() as runner:
        for _ in range(CASES):
            compare(some_case(rng), log, runner)

"""Hooks that go around a request: a BEFORE that is an async generator function, its first half, its second half."""

import asyncio
import contextlib
import contextvars
import functools

import pytest
from asks import Live, ask, connect, meet, stream
from heaven import Abort, App, ClientError, Disconnected
from waiting import turns


class Ward(Exception):
    pass


class Bed(Exception):
    pass


@pytest.fixture
def ran():
    return []


def around(ran, name, first=None, second=None):
    """A hook that notes when its halves run, what is raised at its `yield` and the status it sees then."""

    async def hook(req, res, ctx):
        ran.append(f'{name} in')
        if first:
            first(req, res, ctx)
        try:
            yield
        except BaseException as error:
            ran.append(f'{name} {type(error).__name__}')
            raise
        finally:
            ran.append(f'{name} out {res.status}')
            if second:
                second(req, res, ctx)

    return hook


def note(ran, name, then=None):
    def function(req, res, ctx):
        ran.append(name)
        return then(req, res, ctx) if then else None

    return function


def fails(error):
    def handler(req, res, ctx):
        raise error

    return handler


class Watching:
    """A middleware that notes the exceptions that come through it."""

    def __init__(self, app, seen):
        self.app, self.seen = app, seen

    async def __call__(self, scope, receive, send):
        try:
            await self.app(scope, receive, send)
        except BaseException as error:
            self.seen.append(type(error).__name__)
            raise


# The course


def test_the_first_half_runs_as_a_before_and_the_second_after_the_afters(ran):
    app = App()
    app.BEFORE('/*', note(ran, 'before'))
    app.BEFORE('/*', around(ran, 'around'))
    app.BEFORE('/a', note(ran, 'narrow'))
    app.AFTER('/*', note(ran, 'after'))
    app.GET('/a', note(ran, 'handler', lambda req, res, ctx: res.out(201, 'x')))
    assert ask(app, target='/a').status == 201
    assert ran == ['before', 'around in', 'narrow', 'handler', 'after', 'around out 201']


def test_try_finally_and_async_with_work_as_in_a_fixture(ran):
    @contextlib.asynccontextmanager
    async def transaction():
        ran.append('begin')
        try:
            yield 'tx'
        except Exception:
            ran.append('rollback')
            raise
        else:
            ran.append('commit')

    async def hook(req, res, ctx):
        async with asyncio.timeout(5), transaction() as ctx.tx:
            yield

    app = App()
    app.BEFORE('/*', hook)
    app.GET('/fine', lambda req, res, ctx: res.out(200, ctx.tx))
    app.GET('/fails', fails(Ward()))
    app.GET('/aborts', lambda req, res, ctx: res.abort(409, 'no'))
    assert ask(app, target='/fine').text == 'tx'
    assert ran == ['begin', 'commit']
    for target, status in (('/fails', 500), ('/aborts', 409)):
        ran.clear()
        assert ask(app, target=target).status == status
        assert ran == ['begin', 'rollback']


def test_a_hook_limits_the_time_of_a_request(ran):
    async def limit(req, res, ctx):
        async with asyncio.timeout(0.01):
            yield

    async def answer(req, res, ctx):
        try:
            async with asyncio.timeout(0.01):
                yield
        except TimeoutError:
            res.out(503, 'try again')

    async def outer(req, res, ctx):
        try:
            yield
        except BaseException as error:
            ran.append(type(error))
            raise

    async def slow(req, res, ctx):
        await asyncio.sleep(30)

    app = App()
    app.BEFORE('/*', outer)
    app.GET('/fails', slow, before=limit)
    app.GET('/answers', slow, before=answer)
    assert (ask(app, target='/fails').status, ran) == (500, [TimeoutError])
    assert ask(app, target='/answers').text == 'try again'
    assert ran == [TimeoutError]

    twin = app.copy()
    twin.ERROR(TimeoutError, lambda req, res, ctx: res.out(504, 'too slow'))
    assert ask(twin, target='/fails').text == 'too slow'


def test_a_commit_that_fails_is_still_a_500(ran):
    async def hook(req, res, ctx):
        yield
        raise Ward('the commit')

    app = App()
    app.BEFORE('/*', hook)
    app.GET('/', lambda req, res, ctx: res.out(200, 'saved'))
    app.ERROR(Ward, lambda req, res, ctx: res.out(503, f'not saved: {res.error}'))
    assert (ask(app).status, ask(app).text) == (503, 'not saved: the commit')


def test_the_second_half_may_change_headers_cookies_and_body():
    async def hook(req, res, ctx):
        yield
        res.header('x-a', str(res.status)).cookie('b', 'c').body = {'data': res.body}

    app = App()
    app.BEFORE('/*', hook)
    app.GET('/', lambda req, res, ctx: res.out(201, 'x'))
    reply = ask(app)
    assert (reply.status, reply.header('x-a'), reply.json()) == (201, '201', {'data': 'x'})
    assert len(reply.all('set-cookie')) == 1


def test_a_context_variable_of_the_first_half_is_there_for_the_handler_and_can_be_reset():
    var = contextvars.ContextVar('var', default='outside')
    seen = []

    async def hook(req, res, ctx):
        token = var.set('inside')
        yield
        var.reset(token)
        seen.append(var.get())

    app = App()
    app.BEFORE('/*', hook)
    app.GET('/', lambda req, res, ctx: seen.append(var.get()))
    ask(app)
    assert seen == ['inside', 'outside']


@pytest.mark.parametrize('method', ['GET', 'HEAD', 'OPTIONS', 'POST'])
@pytest.mark.parametrize('target', ['/a', '/none'])
def test_it_goes_around_404_405_and_automatic_options_which_raise_nothing(ran, method, target):
    app = App()
    app.GET('/a', lambda req, res, ctx: None)
    app.ERROR(404, lambda req, res, ctx: res.out(404, 'page'))
    app.BEFORE('/*', around(ran, 'around'))
    status = ask(app, method, target).status
    assert status == (404 if target == '/none' else {'OPTIONS': 204, 'POST': 405}.get(method, 200))
    assert ran == ['around in', f'around out {status}']


class Object:
    def __init__(self, ran):
        self.ran = ran

    async def __call__(self, req, res, ctx):
        self.ran.append('in')
        yield
        self.ran.append('out')

    async def method(self, req, res, ctx):
        self.ran.append('in')
        yield
        self.ran.append('out')


async def with_list(ran, req, res, ctx):
    ran.append('in')
    yield
    ran.append('out')


@pytest.mark.parametrize('kind', ['object', 'method', 'partial', 'group', 'decorator', 'route'])
def test_every_kind_of_async_generator_function_goes_around(ran, kind):
    app = App()
    if kind == 'object':
        app.BEFORE('/*', Object(ran))
    elif kind == 'method':
        app.BEFORE('/*', Object(ran).method)
    elif kind == 'partial':
        app.BEFORE('/*', functools.partial(with_list, ran))
    elif kind == 'group':
        app.group('/a').BEFORE('/*', functools.partial(with_list, ran))
    elif kind == 'decorator':

        @app.BEFORE('/*')
        async def hook(req, res, ctx):
            ran.append('in')
            yield
            ran.append('out')

    app.GET('/a', lambda req, res, ctx: ran.append('handler'), before=[Object(ran)] if kind == 'route' else ())
    assert ask(app, target='/a').status == 200
    assert ran == ['in', 'handler', 'out']


async def dotted(req, res, ctx):
    res.header('x-in', '1')
    yield
    res.header('x-out', '2')


def test_a_dotted_path_may_lead_to_one():
    app = App()
    app.BEFORE('/*', f'{__name__}.dotted')
    app.GET('/', lambda req, res, ctx: None)
    reply = ask(app)
    assert (reply.header('x-in'), reply.header('x-out')) == ('1', '2')


def test_one_under_several_patterns_goes_around_once(ran):
    app, hook = App(), around(ran, 'around')
    for pattern in ('/a', '/*', '/:x'):
        app.BEFORE(pattern, hook)
    app.GET('/a', lambda req, res, ctx: None)
    ask(app, target='/a')
    assert ran == ['around in', 'around out 200']


def test_methods_hold_for_both_halves(ran):
    app = App()
    app.BEFORE('/*', around(ran, 'around'), methods='POST')
    app.HTTP('/', lambda req, res, ctx: None)
    ask(app)
    assert ran == []
    ask(app, 'POST')
    assert ran == ['around in', 'around out 200']


# What is raised at the yield


@pytest.mark.parametrize(
    'error, status', [(Ward(), 500), (Abort(403, 'no'), 403), (Abort(503), 503), (ClientError('no'), 400)], ids=range(4)
)
@pytest.mark.parametrize('where', ['BEFORE', 'route', 'handler', 'threaded', 'AFTER'])
def test_what_failed_inside_is_raised_at_the_yield(ran, error, status, where):
    app = App()
    app.BEFORE('/*', around(ran, 'around'))
    failing = fails(error)
    if where in ('BEFORE', 'AFTER'):
        getattr(app, where)('/a', failing)
    handler = failing if where in ('handler', 'threaded') else lambda req, res, ctx: None
    app.GET('/a', handler, before=[failing] if where == 'route' else (), threaded=where == 'threaded')
    assert ask(app, target='/a').status == status
    assert ran == ['around in', f'around {type(error).__name__}', f'around out {status}']


def test_a_404_that_a_handler_aborts_with_is_raised_too(ran):
    app = App()
    app.BEFORE('/*', around(ran, 'around'))
    app.GET('/', lambda req, res, ctx: res.abort(404))
    assert ask(app).status == 404
    assert ran == ['around in', 'around Abort', 'around out 404']


def test_a_query_that_does_not_convert_is_raised_too(ran):
    app = App()
    app.BEFORE('/*', around(ran, 'around'))
    app.GET('/?page:int', lambda req, res, ctx: None)
    assert ask(app, target='/?page=x').status == 400
    assert ran[1].startswith('around ') and ran[2] == 'around out 400'


def test_a_body_that_is_too_large_meets_no_hook_at_all(ran):
    app = App(max_body_size=1)
    app.BEFORE('/*', around(ran, 'around'))
    app.POST('/', lambda req, res, ctx: None)
    assert ask(app, 'POST', body=b'xx').status == 413
    assert ran == []


def test_error_has_answered_by_then(ran):
    app, seen = App(), []

    async def hook(req, res, ctx):
        try:
            yield
        except Ward as error:
            seen.append((res.status, res.body, res.error is error))
            raise

    app.BEFORE('/*', hook)
    app.ERROR(Ward, lambda req, res, ctx: res.out(418, 'page'))
    app.GET('/', fails(Ward()))
    assert ask(app).text == 'page'
    assert seen == [(418, 'page', True)]


def test_an_exception_that_its_class_answered_is_raised_at_the_yield_and_goes_no_further(ran, caplog):
    app, seen = App(), []
    app.use(Watching, seen=seen)
    app.BEFORE('/*', around(ran, 'around'))
    app.ERROR(Ward, lambda req, res, ctx: res.out(418))
    app.GET('/', fails(Ward()))
    assert ask(app).status == 418
    assert (ran, seen, caplog.records) == (['around in', 'around Ward', 'around out 418'], [], [])


def test_what_cannot_be_encoded_is_a_500_that_hooks_do_not_see(ran):
    app = App()
    app.BEFORE('/*', around(ran, 'around'))
    app.GET('/', lambda req, res, ctx: res.out(200, [object()]))
    assert ask(app).status == 500
    assert ran == ['around in', 'around out 200']


# Which have a second half, and their order


def test_the_second_halves_run_in_exactly_the_reverse_order_of_the_first(ran):
    root, child = App(), App()
    for name, pattern in (('a', '/*'), ('b', '/*'), ('d', '/v1/x'), ('c', '/v1/*')):
        root.BEFORE(pattern, around(ran, name))
    for name, pattern in (('f', '/x'), ('e', '/*')):
        child.BEFORE(pattern, around(ran, name))
    child.GET('/x', note(ran, 'handler'), before=[around(ran, 'g'), around(ran, 'h')])
    root.mount(child, '/v1')
    assert ask(root, target='/v1/x').status == 200
    assert ran == [*(f'{name} in' for name in 'abcdefgh'), 'handler', *(f'{name} out 200' for name in 'hgfedcba')]


def test_only_hooks_that_reached_their_yield_have_a_second_half(ran):
    for stop in (fails(Ward()), lambda req, res, ctx: res.abort(403), lambda req, res, ctx: res.out(403)):
        ran.clear()
        app = App()
        app.BEFORE('/*', around(ran, 'one'))
        app.BEFORE('/:x', stop)
        app.BEFORE('/a', around(ran, 'never'))
        app.GET('/a', note(ran, 'never'))
        ask(app, target='/a')
        assert (ran[0], ran[-1][:7]) == ('one in', 'one out')
        assert not [line for line in ran if line.startswith('never')]


def test_one_that_fails_before_its_yield_has_no_second_half(ran):
    app = App()
    app.BEFORE('/*', around(ran, 'outer'))
    app.BEFORE('/*', around(ran, 'inner', first=fails(Ward())))
    app.GET('/', note(ran, 'never'))
    assert ask(app).status == 500
    assert ran == ['outer in', 'inner in', 'outer Ward', 'outer out 500']


def test_one_that_answers_and_yields_has_answered_and_has_its_second_half(ran):
    app = App()
    app.BEFORE('/*', around(ran, 'one', first=lambda req, res, ctx: res.out(401, 'no')))
    app.BEFORE('/*', note(ran, 'never'))
    app.GET('/', note(ran, 'never'))
    app.AFTER('/*', note(ran, 'after'))
    assert (ask(app).status, ask(app).text) == (401, 'no')
    assert ran[:3] == ['one in', 'after', 'one out 401'] and 'never' not in ran


def test_afters_that_always_run_stand_where_a_before_of_their_pattern_would(ran):
    app = App()
    app.AFTER('/*', note(ran, 'always /*'), always=True)
    app.BEFORE('/a/b', around(ran, '/a/b'))
    app.AFTER('/a/b', note(ran, 'always /a/b'), always=True)
    app.BEFORE('/*', around(ran, '/*'))
    app.AFTER('/a/*', note(ran, 'always /a/*'), always=True)
    app.GET('/a/b', note(ran, 'handler'), before=around(ran, 'route'))
    app.AFTER('/*', note(ran, 'after'))
    ask(app, target='/a/b')
    assert ran == [
        '/* in', '/a/b in', 'route in', 'handler', 'after',
        'route out 200', 'always /a/b', '/a/b out 200', 'always /a/*', '/* out 200', 'always /*',
    ]  # fmt: skip


def test_afters_that_always_run_of_a_mounted_app_run_before_the_second_halves_of_its_parent(ran):
    root, child = App(), App()
    root.BEFORE('/v1/x', around(ran, 'root'))
    child.AFTER('/*', note(ran, 'always'), always=True)
    child.BEFORE('/*', around(ran, 'child'))
    child.GET('/x', note(ran, 'handler'))
    root.mount(child, '/v1')
    ask(root, target='/v1/x')
    assert ran == ['root in', 'child in', 'handler', 'child out 200', 'always', 'root out 200']


# How one ends


def swallowing(kind, then=None):
    async def hook(req, res, ctx):
        try:
            yield
        except kind:
            if then:
                then(req, res, ctx)

    return hook


def watched(*hooks, handler):
    app, seen = App(), []
    app.use(Watching, seen=seen)
    for hook in hooks:
        app.BEFORE('/*', hook)
    app.GET('/', handler)
    return app, seen


@pytest.mark.parametrize(
    'replaces, status, body',
    [
        (lambda req, res, ctx: res.out(418, 'mine'), 418, 'mine'),
        (lambda req, res, ctx: setattr(res, 'status', 418), 418, None),
        (lambda req, res, ctx: setattr(res, 'body', 'mine'), None, 'mine'),
        (lambda req, res, ctx: res.redirect('/login'), 307, None),
    ],
    ids=range(4),
)
def test_one_that_ends_and_has_set_a_status_or_a_body_has_replaced_the_answer(ran, replaces, status, body, caplog):
    outer = around(ran, 'outer')
    app, seen = watched(outer, swallowing(Ward, replaces), handler=fails(Ward()))
    reply = ask(app)
    assert (status is None or reply.status == status) and (body is None or reply.text == body)
    assert (seen, caplog.records) == ([], [])
    assert ran == ['outer in', f'outer out {reply.status}']


def prepare(req, res, ctx):
    res.header('x-a', 'b').cookie('c', 'd')


@pytest.mark.parametrize('prepares', [None, prepare])
def test_one_that_ends_and_has_set_neither_leaves_the_failure_standing(ran, prepares, caplog):
    app, seen = watched(around(ran, 'outer'), swallowing(Ward, prepares), handler=fails(Ward()))
    reply = ask(app)
    assert (reply.status, seen, len(caplog.records)) == (500, ['Ward'], 1)
    assert reply.header('x-a') == ('b' if prepares else None)
    assert ran == ['outer in', 'outer Ward', 'outer out 500']


def test_an_abort_that_is_swallowed_stands_too(ran):
    app, seen = watched(around(ran, 'outer'), swallowing(Abort), handler=lambda req, res, ctx: res.abort(403, 'no'))
    assert (ask(app).text, ran[1], seen) == ('no', 'outer Abort', [])


def test_raising_the_same_exception_again_changes_nothing(ran, caplog):
    async def same(req, res, ctx):
        try:
            yield
        except Ward as error:
            res.header('x-a', 'b')
            raise error

    app, seen = watched(same, around(ran, 'inner'), handler=fails(Ward()))
    app.ERROR(500, lambda req, res, ctx: res.out(500, f'{ran.append("page")}'))
    reply = ask(app)
    assert (reply.status, reply.header('x-a'), seen, len(caplog.records)) == (500, 'b', ['Ward'], 1)
    assert ran.count('page') == 1


def test_another_exception_takes_its_place_and_goes_to_error(ran, caplog):
    async def other(req, res, ctx):
        try:
            yield
        except Ward:
            raise Bed from None

    app, seen = watched(around(ran, 'outer'), other, handler=fails(Ward()))
    app.ERROR(500, lambda req, res, ctx: res.out(500, type(res.error).__name__))
    assert ask(app).text == 'Bed'
    assert (seen, ran[1]) == (['Bed'], 'outer Bed')
    assert [record.exc_info[0] for record in caplog.records] == [Ward, Bed]


def test_another_exception_that_has_a_handler_of_its_class_is_answered_by_it():
    async def other(req, res, ctx):
        try:
            yield
        except Ward:
            raise Abort(409, 'conflict') from None

    app, seen = watched(other, handler=fails(Ward()))
    assert (ask(app).status, ask(app).text, seen) == (409, 'conflict', [])


def test_an_abort_in_a_second_half_answers_in_place_of_what_was_there(ran):
    app, seen = watched(around(ran, 'outer'), around(ran, 'inner', second=lambda req, res, ctx: res.abort(409, 'late')),
                        handler=lambda req, res, ctx: res.out(200, 'fine'))  # fmt: skip
    assert (ask(app).status, ask(app).text, seen) == (409, 'late', [])
    assert ran[:5] == ['outer in', 'inner in', 'inner out 200', 'outer Abort', 'outer out 409']


def test_a_failure_in_a_second_half_goes_to_error_and_the_rest_still_runs(ran, caplog):
    app, seen = watched(
        around(ran, 'outer'),
        around(ran, 'middle', second=fails(Bed())),
        around(ran, 'inner', second=fails(Ward())),
        handler=lambda req, res, ctx: res.out(200, 'fine'),
    )
    app.AFTER('/*', note(ran, 'always'), always=True)
    app.ERROR(500, lambda req, res, ctx: res.out(500, type(res.error).__name__))
    assert ask(app).text == 'Bed'
    assert [record.exc_info[0] for record in caplog.records] == [Ward, Bed] and seen == ['Bed']
    assert ran == [
        'outer in', 'middle in', 'inner in', 'always', 'inner out 200', 'middle Ward', 'middle out 500', 'outer Bed',
        'outer out 500',
    ]  # fmt: skip


def test_a_failing_error_handler_in_step_7_is_followed_by_the_plain_500(ran):
    app, _ = watched(around(ran, 'outer', second=fails(Ward())), handler=lambda req, res, ctx: res.out(200, 'fine'))
    app.ERROR(Ward, fails(Bed()))
    assert (ask(app).status, ask(app).text) == (500, 'Internal Server Error')


def test_one_that_ends_before_its_yield_must_have_answered(ran, caplog):
    async def silent(req, res, ctx):
        if req.queries.get('yield'):
            yield

    app, _ = watched(around(ran, 'outer'), silent, handler=note(ran, 'handler'))
    app.AFTER('/*', note(ran, 'after'))
    assert ask(app).status == 500
    assert ran == ['outer in', 'outer RuntimeError', 'outer out 500']
    assert caplog.records[0].exc_info[0] is RuntimeError and 'silent' in caplog.text
    ran.clear()
    assert ask(app, target='/?yield=1').status == 200


def test_one_that_has_answered_may_end_before_its_yield(ran, caplog):
    async def guard(req, res, ctx):
        if not req.queries.get('in'):
            res.out(401, 'no')
            return
        yield
        ran.append('out')

    app, _ = watched(guard, handler=note(ran, 'handler'))
    assert (ask(app).status, ran, caplog.records) == (401, [], [])
    assert (ask(app, target='/?in=1').status, ran) == (200, ['handler', 'out'])


@pytest.mark.parametrize('fails_inside', [False, True])
def test_a_second_yield_is_a_runtimeerror(ran, fails_inside, caplog):
    async def twice(req, res, ctx):
        try:
            yield
        except Ward:
            pass
        try:
            yield
        finally:
            ran.append('closed')

    app, seen = watched(
        around(ran, 'outer'), twice, handler=fails(Ward()) if fails_inside else lambda req, res, ctx: res.out(200, 'x')
    )
    assert ask(app).status == 500
    assert seen == ['RuntimeError'] and ran[-2:] == ['outer RuntimeError', 'outer out 500'] and 'closed' in ran
    failures = [record.exc_info[1] for record in caplog.records]
    assert RuntimeError in map(type, failures)
    if not fails_inside:
        assert 'twice yields a second time' in str(failures)


@pytest.mark.parametrize('where', ['BEFORE', 'route', 'group'])
def test_a_plain_generator_function_is_refused_where_it_is_registered(where):
    def plain(req, res, ctx):
        yield

    app = App()
    register = {
        'BEFORE': lambda: app.BEFORE('/*', plain),
        'route': lambda: app.GET('/', lambda req, res, ctx: None, before=[plain]),
        'group': lambda: app.group('/v1', before=[plain]),
    }[where]
    with pytest.raises(TypeError, match='async def'):
        register()


@pytest.mark.parametrize('where', ['GET', 'AFTER', 'ERROR', 'WS'])
def test_an_async_generator_function_is_refused_wherever_it_means_nothing(where):
    async def generator(req, res, ctx):
        yield

    app = App()
    register = {
        'GET': lambda: app.GET('/', generator),
        'AFTER': lambda: app.AFTER('/*', generator),
        'ERROR': lambda: app.ERROR(404, generator),
        'WS': lambda: app.WS('/', generator),
    }[where]
    with pytest.raises(TypeError):
        register()


# Requests that are cancelled, and clients that leave


@pytest.mark.parametrize('swallows', [False, True])
def test_a_cancelled_request_is_raised_at_the_yield_sends_nothing_and_goes_on(ran, swallows):
    async def outer(req, res, ctx):
        try:
            yield
        except BaseException as error:
            ran.append(type(error).__name__)
            await asyncio.sleep(0)
            ran.append('cleaned')
            if not swallows:
                raise
            res.out(200, 'nothing happened')

    async def handler(req, res, ctx):
        ran.append('handler')
        await asyncio.Event().wait()

    async def main():
        app = App()
        app.BEFORE('/*', outer)
        app.GET('/', handler)
        for key in (500, Exception, BaseException):
            app.ERROR(key, note(ran, 'error'))
        with stream(app) as exchange:
            while not ran:
                await asyncio.sleep(0)
            exchange.task.cancel()
            await asyncio.wait([exchange.task])
            return exchange.task.cancelled(), exchange.messages

    assert asyncio.run(main()) == (True, [])
    assert ran == ['handler', 'CancelledError', 'cleaned']


@pytest.mark.parametrize('swallows', [False, True])
def test_a_client_that_left_is_raised_at_the_yield_and_nothing_is_sent_or_logged(ran, swallows, caplog):
    async def outer(req, res, ctx):
        try:
            yield
        except Disconnected:
            ran.append('left')
            if not swallows:
                raise
            res.out(200, 'nobody reads this')

    async def handler(req, res, ctx):
        await req.read()

    app = App()
    app.BEFORE('/*', outer)
    app.GET('/', handler)
    for key in (500, Exception, Disconnected):
        app.ERROR(key, note(ran, 'error'))
    reply = ask(app, body=[b'a', b'b'], leave_after=1)
    assert (reply.messages, ran, caplog.records) == ([], ['left'], [])


# Streams, files, deferred work


def test_streams_files_and_deferred_work_come_after_the_second_halves(ran, tmp_path):
    (tmp_path / 'a.txt').write_text('file')

    async def chunks():
        ran.append('stream')
        yield b'x'

    def stream(req, res, ctx):
        res.defer(lambda app: ran.append('deferred')).body = chunks()

    app = App()
    app.BEFORE('/*', around(ran, 'around'))
    app.GET('/stream', stream)
    app.GET('/file', lambda req, res, ctx: res.file(tmp_path / 'a.txt').defer(lambda app: ran.append('deferred')))
    assert ask(app, target='/stream').body == b'x'
    assert ran == ['around in', 'around out 200', 'stream', 'deferred']
    ran.clear()
    assert ask(app, target='/file').body == b'file'
    assert ran == ['around in', 'around out 200', 'deferred']


def test_a_stream_is_closed_when_a_second_half_fails(ran):
    class Stream:
        def __aiter__(self):
            return self

        async def __anext__(self):
            ran.append('begun')
            raise StopAsyncIteration

        async def aclose(self):
            ran.append('closed')

    app, _ = watched(around(ran, 'outer', second=fails(Ward())), handler=lambda req, res, ctx: res.out(200, Stream()))
    assert ask(app).status == 500
    assert ran == ['outer in', 'outer out 200', 'closed']


def test_nothing_is_sent_before_the_second_half_has_ended():
    async def main():
        go = asyncio.Event()

        async def hook(req, res, ctx):
            yield
            await go.wait()

        app = App()
        app.BEFORE('/*', hook)
        app.GET('/', lambda req, res, ctx: res.out(200, 'x'))
        with stream(app) as exchange:
            await turns()
            assert exchange.messages == []
            go.set()
            return (await exchange.reply()).text

    assert asyncio.run(main()) == 'x'


# WebSockets and mounted ASGI apps


def test_for_a_socket_the_second_halves_run_when_it_has_ended(ran):
    async def handler(req, ws, ctx):
        async for message in ws:
            ran.append(message)

    app = App()
    app.BEFORE('/*', around(ran, 'around'))
    app.AFTER('/*', note(ran, 'always'), always=True)
    app.WS('/', handler)
    assert meet(app, '/', 'a').accepted
    assert [line.partition(' out')[0] for line in ran] == ['around in', 'a', 'always', 'around']


def test_what_a_socket_failed_with_is_raised_at_the_yield(ran, caplog):
    async def handler(req, ws, ctx):
        await ws.accept()
        raise Ward

    app = App()
    app.BEFORE('/*', around(ran, 'around'))
    app.WS('/', handler)
    assert meet(app).code == 1011
    assert ran[:2] == ['around in', 'around Ward'] and len(caplog.records) == 1


def test_a_socket_that_is_refused_raises_no_404_and_has_its_second_halves(ran):
    app = App()
    app.BEFORE('/*', around(ran, 'around'))
    app.WS('/', lambda req, ws, ctx: None)
    assert meet(app, '/none').status == 404
    assert [line.partition(' out')[0] for line in ran] == ['around in', 'around']


def test_a_second_half_that_fails_after_a_socket_is_logged_and_raised(ran, caplog):
    app, seen = App(), []
    app.use(Watching, seen=seen)
    app.BEFORE('/*', around(ran, 'around', second=fails(Ward())))
    app.WS('/', lambda req, ws, ctx: ws.send('x'))
    peer = meet(app, catch=True)
    assert peer.sent == ['x'] and seen == ['Ward']
    assert Ward in [record.exc_info[0] for record in caplog.records]


def test_a_socket_whose_request_is_cancelled_cleans_up(ran):
    async def handler(req, ws, ctx):
        await ws.send('ready')
        await asyncio.Event().wait()

    async def main():
        app = App()
        app.BEFORE('/*', around(ran, 'around'))
        app.WS('/', handler)
        async with connect(app) as peer:
            await peer.next()
            await peer.next()
            peer.task.cancel()
            await asyncio.wait([peer.task])
            return peer.task.cancelled()

    assert asyncio.run(main())
    assert ran[:2] == ['around in', 'around CancelledError']


def test_for_a_mounted_asgi_app_the_second_halves_run_when_it_has_ended(ran, caplog):
    async def foreign(scope, receive, send):
        if scope['type'] != 'http':
            raise RuntimeError
        ran.append('begun')
        await send({'type': 'http.response.start', 'status': 201, 'headers': [(b'content-length', b'1')]})
        await send({'type': 'http.response.body', 'body': b'x'})
        ran.append('ended')

    def late(req, res, ctx):
        res.out(500, 'too late')

    app, seen = App(), []
    app.use(Watching, seen=seen)
    app.BEFORE('/*', around(ran, 'around'))
    app.BEFORE('/foreign/late', around(ran, 'late', second=late))
    app.BEFORE('/foreign/fails', around(ran, 'fails', second=fails(Ward())))
    app.mount(foreign, '/foreign')
    with Live(app) as live:
        reply = live.ask('GET', '/foreign')
        assert (reply.status, reply.body) == (201, b'x')
        assert ran[:3] == ['around in', 'begun', 'ended'] and ran[3].startswith('around out')
        assert live.ask('GET', '/foreign/late').body == b'x'
        seen.clear()
        caplog.clear()
        reply = live.ask('GET', '/foreign/fails', catch=True)
        assert (reply.status, reply.body, seen) == (201, b'x', ['Ward'])
    assert [record.exc_info[0] for record in caplog.records] == [Ward]


def test_what_a_mounted_asgi_app_failed_with_is_raised_at_the_yield(ran, caplog):
    async def foreign(scope, receive, send):
        raise Ward

    app = App()
    app.BEFORE('/*', around(ran, 'around'))
    app.mount(foreign, '/foreign')
    assert ask(app, target='/foreign').status == 500
    assert ran == ['around in', 'around Ward', 'around out 500']

"""What runs before and after a handler, for which requests, in which order, and what stops it."""

import asyncio
import threading
from http import HTTPStatus

import pytest
from asks import Live, StartupFailed, ask
from heaven import Abort, App


class Trace(list):
    """A list that makes hooks: each adds its name when it runs."""

    def hook(self, name, then=None):
        def hook(req, res, ctx):
            self.append(name)
            return then(req, res, ctx) if then else None

        return hook

    def ask(self, app, target='/', method='GET', **options):
        """The reply, and what ran."""
        self.clear()
        reply = ask(app, method, target, **options)
        return reply, list(self)


@pytest.fixture
def ran():
    return Trace()


# Which requests a hook covers


@pytest.mark.parametrize(
    'pattern, target, covered',
    [
        ('/*', '/', True),
        ('/*', '/a/b', True),
        ('/*', '//', True),
        ('/', '/', True),
        ('/', '//', True),
        ('/', '/a', False),
        ('/users/*', '/users', True),
        ('/users/*', '/users/', True),
        ('/users/*', '/users/7/visits', True),
        ('/users/*', '/usersx', False),
        ('/users/*', '/Users', False),
        ('/users', '/users/', True),
        ('/users', '/users/7', False),
        ('/users/', '/users', True),
        ('/users/:id', '/users/7', True),
        ('/users/:id', '/users', False),
        ('/users/:id', '/users/', False),
        ('/users/:anything', '/users/x', True),
        ('/users/:id:int', '/users/7', True),
        ('/users/:id:int', '/users/x', False),
        ('/:a/:b', '/users/7', True),
        ('/admin/*', '/admin/keys', True),
        ('/admin/*', '//admin/keys', True),
        ('/admin/*', '/admin//keys', True),
        ('/admin/*', '/admin%2Fkeys', True),
        ('/admin/*', '/%2Fadmin', True),
        ('/admin/*', '/%61dmin', True),
        ('/admin/*', '/admin/...', True),
        ('/admin/*', '/.../admin', False),
        ('/admin/*', '/%2561dmin', False),
        ('/admin/*', '/public', False),
        ('/admin/keys', '/admin//keys', True),
        ('/admin/keys', '//admin%2F%2Fkeys', True),
        ('/admin/keys', '/admin/keys//', True),
        ('/admin/keys', '/admin%2Fkeys', True),
        ('/admin/keys', '/admin%2f%2fkeys/', True),
        ('/admin/:page', '/admin/a%2Fb', True),
        ('/admin/:page', '/admin//x', True),
        ('/admin/:page', '/admin//', False),
        ('/:a/b', '//b', False),
        ('/:a/b', '//a//b', True),
        ('/:a:int/b', '//b', False),
    ],
)
def test_a_hook_covers_a_path_by_any_reading_of_it(ran, pattern, target, covered):
    for handler in ([], ['handler']):
        app = App()
        app.BEFORE(pattern, ran.hook('before'))
        app.AFTER(pattern, ran.hook('after'))
        if handler:
            app.GET('/*', ran.hook('handler'))
        assert ran.ask(app, target)[1] == (['before', *handler, 'after'] if covered else handler)


@pytest.mark.parametrize(
    'target',
    [
        '/admin/keys',
        '/admin/keys/',
        '/admin%2Fkeys',
        '/admin%2fkeys',
        '/%61dmin/keys',
        '//admin/keys',
        '/admin//keys',
        '/admin%2F%2Fkeys',
        '/%2Fadmin//keys',
        'http://example.com/admin/keys',
        'http://example.com//admin/keys',
    ],
)
@pytest.mark.parametrize('route', ['/*', '/:a/:b', '/:a', '/:a/*', '/admin/:x'])
def test_no_spelling_skips_a_guard(ran, target, route):
    app = App()
    app.BEFORE('/admin/*', lambda req, res, ctx: res.abort(403, 'Keep out'))
    app.HTTP(route, ran.hook('handler'))
    for method in ('GET', 'HEAD', 'POST'):
        reply, names = ran.ask(app, target, method)
        assert (reply.status, names) == (403, [])


@pytest.mark.parametrize(
    'target',
    [
        '/.',
        '/..',
        '/./admin/keys',
        '/x/../admin/keys',
        '/x%2f..%2fadmin/keys',
        '/x/%2e%2e/admin/keys',
        '/x/.%2E/admin',
        '/%2e/admin/keys',
        '/admin/%2e/keys',
        '/admin/keys/.',
        '/admin/keys/x/..',
        '/admin/../public',
        '/admin%2F..%2Fpublic',
        '/public/..',
        '/public//../x',
        'http://example.com/./admin',
    ],
)
@pytest.mark.parametrize('route', ['/*', '/:a/:b', '/:a', '/:a/*', '/admin/:x', '/public/*'])
def test_a_path_with_dots_is_a_400_before_any_hook_or_handler(ran, target, route):
    app = App()
    app.BEFORE('/admin/*', ran.hook('before'))
    app.AFTER('/*', ran.hook('after'))
    app.AFTER('/admin/*', ran.hook('narrow'), always=True)
    app.AFTER('/*', ran.hook('always'), always=True)
    app.HTTP(route, ran.hook('handler'))
    for method in ('GET', 'HEAD', 'POST', 'OPTIONS'):
        reply, names = ran.ask(app, target, method)
        assert (reply.status, names) == (400, ['always'])
        assert ran.ask(app, target, method, raw_path=None)[0].status == 400


def test_a_guard_holds_where_raw_path_and_path_disagree(ran):
    app = App()
    app.BEFORE('/admin/*', lambda req, res, ctx: res.abort(403))
    app.GET('/*', ran.hook('handler'))
    for scope in (
        {'path': '/admin/a', 'raw_path': b'/public'},
        {'path': '/admin/a', 'raw_path': None},
        {'path': '/admin/a', 'raw_path': b''},
        {'path': '/admin/a', 'raw_path': b'/admin%2Fa?x'},
        {'path': '/api/admin/a', 'raw_path': b'/api/admin%2Fa', 'root_path': '/api'},
        {'path': '/api/admin', 'raw_path': b'/x', 'root_path': '/api'},
    ):
        assert ask(app, **scope).status == 403
    assert ran == []


def test_a_guard_of_what_another_route_would_serve(ran):
    app = App()
    app.BEFORE('/admin/*', lambda req, res, ctx: res.abort(403))
    app.GET('/:section/:page', ran.hook('handler'))
    assert ask(app, target='/admin/keys').status == 403
    assert ask(app, target='/public/keys').status == 200


def test_hooks_run_for_404_405_and_automatic_options_where_route_is_none():
    app, seen = App(), []
    app.BEFORE('/*', lambda req, res, ctx: seen.append(req.route))
    app.AFTER('/*', lambda req, res, ctx: seen.append(res.status))
    app.GET('/a/:x:int?page:int=1', lambda req, res, ctx: None)
    for method, target, route, status in [
        ('GET', '/b', None, 404),
        ('POST', '/a/7', None, 405),
        ('OPTIONS', '/a/7', None, 204),
        ('HEAD', '/b', None, 404),
    ]:
        seen.clear()
        assert ask(app, method, target).status == status
        assert seen == [route, status]
    seen.clear()
    assert ask(app, 'GET', '/a/7').status == 200
    assert seen[0].startswith('/a/:x:int')


def test_a_hook_may_answer_in_place_of_a_404_405_or_options(ran):
    app = App()
    app.BEFORE('/*', lambda req, res, ctx: res.out(200, 'from the hook'))
    app.GET('/a', ran.hook('handler'))
    for method, target in [('GET', '/b'), ('POST', '/a'), ('OPTIONS', '/a')]:
        assert (ask(app, method, target).status, ask(app, method, target).text) == (200, 'from the hook')


def test_an_after_may_change_a_404():
    app = App()
    app.AFTER('/*', lambda req, res, ctx: res.header('x-after', str(res.status)))
    assert ask(app, target='/b').header('x-after') == '404'


# Methods


@pytest.mark.parametrize(
    'methods, runs',
    [
        ('POST', {'POST'}),
        ('GET', {'GET', 'HEAD'}),
        (frozenset({'DELETE'}), {'DELETE'}),
        (None, {'GET', 'HEAD', 'POST', 'OPTIONS', 'DELETE', 'PROPFIND'}),
        (['GET'], {'GET', 'HEAD'}),
        (['HEAD'], {'HEAD'}),
        (['POST'], {'POST'}),
        (('POST', 'DELETE'), {'POST', 'DELETE'}),
        ({'GET', 'OPTIONS'}, {'GET', 'HEAD', 'OPTIONS'}),
        (['PROPFIND'], {'PROPFIND'}),
    ],
)
@pytest.mark.parametrize('target', ['/a', '/a/', '//a', '/b'])
def test_a_hook_may_be_for_some_methods_and_get_covers_the_head_that_get_answers(ran, methods, runs, target):
    app = App()
    app.BEFORE('/*', ran.hook('before'), methods=methods)
    app.AFTER('/*', ran.hook('after'), methods=methods)
    app.GET('/a', ran.hook('handler'))
    app.POST('/a', ran.hook('handler'))
    for method in ('GET', 'HEAD', 'POST', 'OPTIONS', 'DELETE', 'PROPFIND'):
        names = [name for name in ran.ask(app, target, method)[1] if name != 'handler']
        assert names == (['before', 'after'] if method in runs else [])


NOBODYS = [[], (), '', set(), ['get'], 'Post', ['GET', 'post'], ['BREW'], ['GET', 'NONSENSE']]


@pytest.mark.parametrize('methods', NOBODYS, ids=range(9))
def test_methods_that_are_none_or_none_that_anybody_has_are_an_error_at_startup_at_the_latest(methods):
    for verb in ('BEFORE', 'AFTER'):
        app = App()
        app.GET('/', lambda req, res, ctx: None)
        with pytest.raises((ValueError, TypeError, StartupFailed)) as caught:
            getattr(app, verb)('/*', lambda req, res, ctx: None, methods=methods)
            with Live(app):
                pass
        assert str(caught.value)


@pytest.mark.parametrize('methods', ['BREW', ['BREW', 'GET'], 'PROPFIND', ['SEARCH', 'QUERY'], 'TRACE', ['MKCOL']])
def test_a_method_of_a_route_or_of_the_registry_may_be_named_whatever_the_order(ran, methods):
    app = App()
    app.BEFORE('/*', ran.hook('before'), methods=methods)
    app.METHOD('BREW', '/', ran.hook('handler'))
    first = methods if isinstance(methods, str) else methods[0]
    with Live(app) as live:
        live.ask(first, '/')
    assert ran[0] == 'before'


def test_the_method_of_a_request_is_compared_in_upper_case(ran):
    app = App()
    app.BEFORE('/*', ran.hook('before'), methods=['POST'])
    app.GET('/', ran.hook('handler'))
    assert ran.ask(app, '/', 'post')[1] == ['before']
    assert ran.ask(app, '/', 'Post')[1] == ['before']
    assert ran.ask(app, '/', 'get')[1] == []


def test_get_covers_no_head_that_is_registered_itself(ran):
    app = App()
    app.BEFORE('/*', ran.hook('get'), methods='GET')
    app.BEFORE('/*', ran.hook('head'), methods='HEAD')
    app.GET('/a', ran.hook('handler'))
    app.HEAD('/b', ran.hook('handler'))
    assert ran.ask(app, '/a', 'HEAD')[1] == ['get', 'head', 'handler']
    assert ran.ask(app, '/b', 'HEAD')[1] == ['head', 'handler']


@pytest.mark.parametrize('verb', ['BEFORE', 'AFTER'])
@pytest.mark.parametrize('kind', ['async', 'generator', 'object', 'awaitable'])
def test_threaded_on_anything_but_a_plain_function_is_a_typeerror(verb, kind):
    async def coroutine(req, res, ctx):
        pass

    async def generator(req, res, ctx):
        yield

    class Object:
        async def __call__(self, req, res, ctx):
            pass

    hook = {'async': coroutine, 'generator': generator, 'object': Object(), 'awaitable': Object().__call__}[kind]
    with pytest.raises(TypeError):
        getattr(App(), verb)('/*', hook, threaded=True)


def test_hooks_may_run_in_threads(ran):
    here, app = threading.get_ident(), App()
    app.BEFORE('/*', lambda req, res, ctx: ran.append(threading.get_ident() != here), threaded=True)
    app.AFTER('/*', lambda req, res, ctx: ran.append(threading.get_ident() != here), threaded=True)
    app.GET('/', lambda req, res, ctx: None)
    assert ran.ask(app)[1] == [True, True]


def test_the_method_scopes_of_one_function_add_up_at_its_earliest_place(ran):
    app = App()
    guard = ran.hook('guard')
    app.BEFORE('/*', guard, methods=['GET'])
    app.BEFORE('/a/*', ran.hook('between'))
    app.BEFORE('/a/b', guard, methods=['POST'])
    app.GET('/a/b', ran.hook('handler'))
    app.POST('/a/b', ran.hook('handler'))
    assert ran.ask(app, '/a/b')[1] == ['guard', 'between', 'handler']
    assert ran.ask(app, '/a/b', 'POST')[1] == ['guard', 'between', 'handler']
    assert ran.ask(app, '/a/c', 'POST')[1] == ['between']


# Order


ORDERED = ['/*', '/:x/*', '/:x/:y/*', '/:x/:y', '/:x/7', '/a/*', '/a/:y/*', '/a/:y', '/a/:y:int', '/a/7/*', '/a/7']


def test_before_runs_from_the_broadest_to_the_narrowest_and_after_the_other_way(ran):
    for order in (ORDERED, ORDERED[::-1], ORDERED[3:] + ORDERED[:3]):
        app = App()
        for pattern in order:
            app.AFTER(pattern, ran.hook(pattern))
            app.BEFORE(pattern, ran.hook(pattern))
        app.GET('/a/:y', ran.hook('handler'))
        assert ran.ask(app, '/a/7')[1] == [*ORDERED, 'handler', *ORDERED[::-1]]


def test_typed_patterns_are_broader_the_later_they_match(ran):
    order = [':x', ':x:bool', ':x:float', ':x:int', '1']
    app = App()
    for pattern in order[2:] + order[:2]:
        app.BEFORE('/' + pattern, ran.hook(pattern))
    assert ran.ask(app, '/1')[1] == order


def test_registration_order_holds_within_one_pattern_whatever_its_parameters_are_called(ran):
    app = App()
    for name, pattern in [('1', '/:a'), ('2', '/:b'), ('3', '/:c/'), ('4', '/:a:str')]:
        app.BEFORE(pattern, ran.hook(name))
        app.AFTER(pattern, ran.hook(name))
    assert ran.ask(app, '/x')[1] == ['1', '2', '3', '4', '4', '3', '2', '1']


def test_a_function_under_several_patterns_runs_once_at_its_earliest_place_and_the_mirrored_one(ran):
    app = App()
    twice = ran.hook('twice')
    for pattern, hook in [('/a/b', twice), ('/a/*', ran.hook('between')), ('/*', twice), ('/*', twice)]:
        app.BEFORE(pattern, hook)
        app.AFTER(pattern, hook)
    assert ran.ask(app, '/a/b')[1] == ['twice', 'between', 'between', 'twice']
    assert ran.ask(app, '/a/c')[1] == ['twice', 'between', 'between', 'twice']


def test_a_function_that_is_both_before_and_after_runs_as_both(ran):
    app = App()
    both = ran.hook('both')
    app.BEFORE('/*', both)
    app.AFTER('/*', both)
    assert ran.ask(app)[1] == ['both', 'both']


def test_the_same_bound_method_or_dotted_name_is_the_same_function(ran):
    class Guard:
        def check(self, req, res, ctx):
            ran.append('check')

    guard, app = Guard(), App()
    app.BEFORE('/*', guard.check)
    app.BEFORE('/a', guard.check)
    assert ran.ask(app, '/a')[1] == ['check']


# Answering, aborting, failing


def answering(kind):
    return {
        'redirect': lambda req, res, ctx: res.redirect('/login'),
        'out': lambda req, res, ctx: res.out(401, 'Log in first'),
        'out without body': lambda req, res, ctx: res.out(401),
        'html': lambda req, res, ctx: res.html('<p>Log in first'),
        'status': lambda req, res, ctx: (setattr(res, 'status', 401), res)[1],
        'body': lambda req, res, ctx: (setattr(res, 'body', 'x'), res)[1],
        'the same status': lambda req, res, ctx: (setattr(res, 'status', 200), res)[1],
        'an empty body': lambda req, res, ctx: (setattr(res, 'body', ''), res)[1],
        'none as body': lambda req, res, ctx: (setattr(res, 'body', None), res)[1],
    }[kind]


KINDS = ['redirect', 'out', 'out without body', 'html', 'status', 'body', 'the same status', 'an empty body']


@pytest.mark.parametrize('kind', [*KINDS, 'none as body'])
@pytest.mark.parametrize('asynchronous', [False, True])
@pytest.mark.parametrize('returns', [False, True])
def test_a_before_that_has_set_a_status_or_a_body_has_answered_with_or_without_return(ran, kind, asynchronous, returns):
    app = App()
    set_answer = answering(kind)
    hook = ran.hook('first', lambda req, res, ctx: (set_answer(req, res, ctx), res if returns else None)[1])

    async def first(req, res, ctx):
        await asyncio.sleep(0)
        return hook(req, res, ctx)

    app.BEFORE('/*', first if asynchronous else hook)
    app.BEFORE('/a', ran.hook('second'))
    app.GET('/a', ran.hook('handler'))
    app.AFTER('/a', ran.hook('after a'))
    app.AFTER('/*', ran.hook('after'))
    reply, names = ran.ask(app, '/a')
    assert names == ['first', 'after a', 'after']
    assert reply.status == {'redirect': 307, 'out': 401, 'out without body': 401, 'status': 401}.get(kind, 200)


@pytest.mark.parametrize(
    'goes_on',
    [
        lambda req, res, ctx: res.header('x-a', 'b'),
        lambda req, res, ctx: res.cookie('a', 'b'),
        lambda req, res, ctx: res.headers.update({'x-a': 'b', 'content-type': 'text/css'}),
        lambda req, res, ctx: res.defer(lambda app: None),
        lambda req, res, ctx: ctx.keep('user', 'ann'),
        lambda req, res, ctx: res,
        lambda req, res, ctx: (res.status, res.body, res.headers.get('x'))[3:] or None,
    ],
    ids=range(7),
)
def test_a_before_that_only_prepares_goes_on(ran, goes_on):
    app = App()
    app.BEFORE('/*', ran.hook('first', goes_on))
    app.BEFORE('/a', ran.hook('second'))
    app.GET('/a', ran.hook('handler'))
    ran.ask(app, '/a')
    assert ran == ['first', 'second', 'handler']


@pytest.mark.parametrize('value', ['no', 401, (401, 'no'), {}, [], True, False, 0, '', object()], ids=range(10))
@pytest.mark.parametrize('answers', [False, True])
@pytest.mark.parametrize('asynchronous', [False, True])
def test_a_before_that_returns_anything_else_is_a_500_that_says_what_to_write(
    ran, value, answers, asynchronous, caplog
):
    app = App()

    def hook(req, res, ctx):
        if answers:
            res.out(403, 'no')
        return value

    async def awaited(req, res, ctx):
        return hook(req, res, ctx)

    app.BEFORE('/*', awaited if asynchronous else hook)
    app.BEFORE('/a', ran.hook('second'))
    app.GET('/a', ran.hook('handler'))
    reply, names = ran.ask(app, '/a')
    assert (reply.status, names) == (500, [])
    (record,) = caplog.records
    assert record.exc_info[0] is TypeError and 'res.out' in caplog.text and 'hook' in caplog.text


def test_debug_warns_of_a_before_that_answers_below_300_without_a_body(caplog):
    for debug, expected in ((True, 1), (False, 0)):
        for status, body, warned in ((200, None, 1), (201, None, 1), (204, None, 0), (200, 'x', 0), (403, None, 0)):
            caplog.clear()
            app = App(debug=debug)

            def named_hook(req, res, ctx, status=status, body=body):
                res.status = status
                if body:
                    res.body = body

            app.BEFORE('/*', named_hook)
            app.GET('/', lambda req, res, ctx: None)
            assert ask(app).status == status
            assert len(caplog.records) == expected * warned
            assert all('named_hook' in r.getMessage() and r.levelname == 'WARNING' for r in caplog.records)


@pytest.mark.parametrize(
    'stop, status, body',
    [
        (lambda req, res, ctx: res.abort(403, 'No'), 403, 'No'),
        (lambda req, res, ctx: res.abort(403, body='No'), 403, 'No'),
        (lambda req, res, ctx: res.abort(status=403, body='No'), 403, 'No'),
        (lambda req, res, ctx: res.abort(404), 404, None),
        (lambda req, res, ctx: res.abort(400), 400, None),
        (lambda req, res, ctx: res.abort(599), 599, None),
        (lambda req, res, ctx: res.abort(HTTPStatus.CONFLICT, 'No'), 409, 'No'),
        (lambda req, res, ctx: res.abort(403, {'no': 1}), 403, '{"no":1}'),
        (lambda req, res, ctx: (setattr(res, 'status', 409), res.abort(403, 'No')), 403, 'No'),
        (lambda req, res, ctx: (setattr(res, 'body', 'draft'), res.abort(403, 'No')), 403, 'No'),
        (lambda req, res, ctx: (setattr(res, 'body', 'draft'), res.abort(403)), 403, None),
    ],
    ids=range(11),
)
@pytest.mark.parametrize('where', ['BEFORE', 'GET', 'AFTER'])
def test_an_abort_stops_right_there_but_for_always(ran, stop, status, body, where):
    app = App()
    getattr(app, where)('/a', ran.hook('stop', stop))
    if where == 'BEFORE':
        app.GET('/a', ran.hook('never'))
    elif where == 'AFTER':
        app.GET('/a', lambda req, res, ctx: None)
    app.AFTER('/*', ran.hook('never'))
    app.AFTER('/*', ran.hook('always'), always=True)
    app.AFTER('/a', ran.hook('always a'), always=True)
    reply, names = ran.ask(app, '/a')
    assert reply.status == status
    assert 'never' not in names and names.count('stop') == 1
    assert sorted(names) == ['always', 'always a', 'stop']
    assert names.index('always a') < names.index('always')
    if body is not None:
        assert reply.text == body


@pytest.mark.parametrize(
    'error, status, body',
    [
        (Abort(404, 'No such patient'), 404, 'No such patient'),
        (Abort(404), 404, None),
        (Abort(status=409, body={'a': 1}), 409, '{"a":1}'),
    ],
    ids=range(3),
)
@pytest.mark.parametrize('threaded', [False, True])
def test_raising_abort_is_the_same_from_anywhere(error, status, body, threaded):
    def deep():
        raise error

    app = App()
    app.GET('/a', lambda req, res, ctx: deep(), threaded=threaded)
    reply = ask(app, target='/a')
    assert reply.status == status
    if body is not None:
        assert reply.text == body


WRONG = [
    ('No', 404),
    ('No',),
    (),
    (200, 'Fine'),
    (399,),
    (600,),
    (1000,),
    (7,),
    (True, 'x'),
    (404.0,),
    ('404',),
    (None, 'No'),
]


@pytest.mark.parametrize('given', WRONG, ids=repr)
def test_an_abort_that_is_not_a_status_from_400_to_599_first_shows_the_right_call(given):
    with pytest.raises((ValueError, TypeError)) as caught:
        Abort(*given)
    assert not given or 'Abort(' in str(caught.value) or 'abort(' in str(caught.value)
    app, seen = App(), []

    def handler(req, res, ctx):
        try:
            res.abort(*given)
        except (ValueError, TypeError) as error:
            seen.append(error)

    app.GET('/', handler)
    assert ask(app).status == 200 and len(seen) == 1
    assert not given or 'abort(' in str(seen[0]).lower()


def test_an_abort_with_a_body_asks_no_error_handler_one_without_does(ran):
    app = App()
    app.ERROR(404, ran.hook('error', lambda req, res, ctx: res.out(404, 'page')))
    app.GET('/with', lambda req, res, ctx: res.abort(404, 'No'))
    app.GET('/without', lambda req, res, ctx: res.abort(404))
    reply, names = ran.ask(app, '/with')
    assert (reply.text, names) == ('No', [])
    reply, names = ran.ask(app, '/without')
    assert (reply.text, names) == ('page', ['error'])


def test_an_abort_keeps_the_headers_set_so_far():
    app = App()
    app.BEFORE('/*', lambda req, res, ctx: res.header('x-a', 'b').cookie('c', 'd'))
    app.GET('/a', lambda req, res, ctx: res.abort(403, 'No'))
    reply = ask(app, target='/a')
    assert reply.header('x-a') == 'b' and len(reply.all('set-cookie')) == 1


def test_afters_with_always_run_whatever_came_before(ran):
    app = App()

    def fail(req, res, ctx):
        raise ValueError

    app.AFTER('/*', ran.hook('always'), always=True)
    app.AFTER('/*', ran.hook('not after a failure'))
    app.GET('/fine', lambda req, res, ctx: None)
    app.GET('/handler', fail)
    app.BEFORE('/before', fail)
    app.AFTER('/after', fail)
    app.GET('/after', lambda req, res, ctx: None)
    app.GET('/query?x:int', lambda req, res, ctx: None)
    app.POST('/body', lambda req, res, ctx: None, max_body_size=1)
    app.GET('/json', lambda req, res, ctx: req.json)
    for target, status in [('/fine', 200), ('/nowhere', 404), ('/body', 405)]:
        reply, names = ran.ask(app, target)
        assert (reply.status, sorted(names)) == (status, ['always', 'not after a failure'])
    for target, method, status in [
        ('/handler', 'GET', 500),
        ('/before', 'GET', 500),
        ('/after', 'GET', 500),
        ('/query?x=y', 'GET', 400),
        ('/body', 'POST', 413),
        ('/json', 'GET', 415),
    ]:
        reply, names = ran.ask(app, target, method, body=b'too long' if method == 'POST' else b'')
        assert (reply.status, names) == (status, ['always'])


def test_an_always_after_runs_once_and_may_change_the_answer(ran):
    app = App()
    app.AFTER('/*', ran.hook('always', lambda req, res, ctx: res.header('x-always', str(res.status))), always=True)
    app.GET('/a', lambda req, res, ctx: None)
    for target, status in [('/a', '200'), ('/b', '404')]:
        reply, names = ran.ask(app, target)
        assert (reply.header('x-always'), names) == (status, ['always'])


def test_a_failure_in_an_always_after_does_not_keep_the_others_from_running(ran):
    app = App()

    def fail(req, res, ctx):
        ran.append('fail')
        raise ValueError

    app.AFTER('/*', ran.hook('always'), always=True)
    app.AFTER('/a', fail, always=True)
    app.GET('/a', lambda req, res, ctx: None)
    reply, names = ran.ask(app, '/a')
    assert (reply.status, names) == (500, ['fail', 'always'])


def test_a_target_that_is_no_path_has_only_its_error_handler_and_always(ran):
    app = App()
    app.BEFORE('/*', ran.hook('before'))
    app.AFTER('/nonsense', ran.hook('narrow'), always=True)
    app.AFTER('/:x', ran.hook('narrow'), always=True)
    app.AFTER('/', ran.hook('narrow'), always=True)
    app.AFTER('/*', ran.hook('after'))
    app.AFTER('/*', ran.hook('always'), always=True)
    app.ERROR(400, ran.hook('error', lambda req, res, ctx: res.out(400, 'page')))
    app.GET('/*', ran.hook('handler'))
    reply, names = ran.ask(app, 'nonsense')
    assert (reply.status, reply.text, names) == (400, 'page', ['error', 'always'])


# What a hook sees


def test_hooks_see_the_app_the_request_and_one_context():
    app, seen = App(), []

    def before(req, res, ctx):
        ctx.keep('user', 'florence')
        seen.append(req.app is app)

    def after(req, res, ctx):
        seen.append((req.app is app, ctx.user, req.params, req.path))

    app.BEFORE('/*', before)
    app.AFTER('/*', after)
    app.GET('/:x:int', lambda req, res, ctx: seen.append((req.app is app, ctx.user)))
    app.ERROR(404, lambda req, res, ctx: seen.append(req.app is app))
    ask(app, target='/7')
    assert seen == [True, (True, 'florence'), (True, 'florence', {'x': 7}, '/7')]
    seen.clear()
    ask(app, target='/x')
    assert seen[:2] == [True, True]


def test_the_body_is_read_before_the_hooks_for_matched_routes():
    app, seen = App(), []
    app.BEFORE('/*', lambda req, res, ctx: seen.append(req.body))
    app.POST('/a', lambda req, res, ctx: seen.append(req.body))
    with Live(app) as live:
        live.ask('POST', '/a', body=[b'on', b'e'])
    assert seen == [b'one', b'one']


def test_hooks_may_be_every_length_of_chain():
    for n in range(6):
        app, ran = App(), Trace()
        for i in range(n):
            app.BEFORE('/*', ran.hook(i))
        app.GET('/', ran.hook('handler'))
        assert ran.ask(app)[1] == [*range(n), 'handler']

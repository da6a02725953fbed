"""Hooks that belong to one route or to the routes of a group: `before=`."""

import pytest
from asks import Live, StartupFailed, ask, meet
from heaven import Abort, App


@pytest.fixture
def ran():
    return []


def note(ran, name, then=None):
    def function(req, res, ctx):
        ran.append(name)
        return then(req, res, ctx) if then else None

    return function


def ok(req, res, ctx):
    res.body = 'ok'


VERBS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY']


@pytest.mark.parametrize('verb', [*VERBS, 'HTTP', 'METHOD'])
@pytest.mark.parametrize('several', [False, True])
def test_before_is_one_hook_or_a_list_of_hooks_on_every_verb(ran, verb, several):
    app, method = App(), {'HTTP': 'PUT', 'METHOD': 'BREW'}.get(verb, verb)
    before = [note(ran, '1'), note(ran, '2')] if several else note(ran, '1')
    if verb == 'METHOD':
        app.METHOD(method, '/a', note(ran, 'handler'), before=before)
    else:
        getattr(app, verb)('/a', note(ran, 'handler'), before=before)
    assert ask(app, method, '/a').status == 200
    assert ran == (['1', '2', 'handler'] if several else ['1', 'handler'])


def test_before_is_there_for_decorators_and_tuples_too(ran):
    app = App()

    @app.GET('/a', before=(note(ran, '1'),))
    def handler(req, res, ctx):
        ran.append('handler')

    ask(app, target='/a')
    assert ran == ['1', 'handler']


def test_they_run_for_their_route_only_and_after_the_hooks_of_patterns(ran):
    app = App()
    app.BEFORE('/a/b', note(ran, 'narrow'))
    app.BEFORE('/*', note(ran, 'broad'))
    app.GET('/a/b', note(ran, 'handler'), before=note(ran, 'route'))
    app.POST('/a/b', note(ran, 'post'))
    app.GET('/a/:x', note(ran, 'other'))
    app.AFTER('/*', note(ran, 'after'))
    ask(app, target='/a/b')
    assert ran == ['broad', 'narrow', 'route', 'handler', 'after']
    ran.clear()
    ask(app, 'POST', '/a/b')
    ask(app, target='/a/c')
    assert 'route' not in ran


def test_they_are_not_run_for_404_405_or_automatic_options(ran):
    app = App()
    app.GET('/a/:x:int', ok, before=lambda req, res, ctx: ran.append(req.params['x']))
    statuses = [ask(app, *request).status for request in (('GET', '/a/b'), ('POST', '/a/7'), ('OPTIONS', '/a/7'))]
    assert (statuses, ran) == ([404, 405, 204], [])
    assert (ask(app, 'GET', '/a/7').status, ask(app, 'HEAD', '/a/7').status, ran) == (200, 200, [7, 7])


def test_one_that_has_answered_keeps_the_others_and_the_handler_from_running(ran):
    app = App()
    first = note(ran, 'first', lambda req, res, ctx: res.out(401, 'Log in first') and None)
    app.GET('/', note(ran, 'handler'), before=[first, note(ran, 'second')])
    app.AFTER('/*', note(ran, 'after'))
    assert (ask(app).status, ran) == (401, ['first', 'after'])


def test_one_that_aborts_or_fails_is_treated_like_any_hook(ran):
    app = App()

    def aborts(req, res, ctx):
        raise Abort(403, 'no')

    def fails(req, res, ctx):
        raise ValueError

    app.ERROR(ValueError, lambda req, res, ctx: res.out(418))
    app.GET('/aborts', note(ran, 'handler'), before=aborts)
    app.GET('/fails', note(ran, 'handler'), before=fails)
    app.GET('/returns', note(ran, 'handler'), before=lambda req, res, ctx: 'no')
    assert [ask(app, target=path).status for path in ('/aborts', '/fails', '/returns')] == [403, 418, 500]
    assert ran == []


def test_a_hook_that_a_before_already_runs_for_this_request_is_not_run_again(ran):
    app, guard, other = App(), note(ran, 'guard'), note(ran, 'other')
    app.BEFORE('/admin/*', guard)
    app.BEFORE('/*', other, methods='POST')
    app.GET('/admin/x', note(ran, 'handler'), before=[guard, other])
    app.GET('/public', note(ran, 'handler'), before=[guard, other])
    ask(app, target='/admin/x')
    assert ran == ['guard', 'other', 'handler']
    ran.clear()
    ask(app, target='/public')
    assert ran == ['guard', 'other', 'handler']


def test_they_may_be_async_bound_threaded_no_and_dotted(ran):
    class Needs:
        def __init__(self, role):
            self.role = role

        async def __call__(self, req, res, ctx):
            ran.append(self.role)

        def check(self, req, res, ctx):
            ran.append(f'checked {self.role}')

    needs, app = Needs('doctor'), App()
    app.GET('/', ok, before=[needs, needs.check, f'{__name__}.stamped'])
    reply = ask(app)
    assert (ran, reply.header('x-stamp')) == (['doctor', 'checked doctor'], 'yes')


def stamped(req, res, ctx):
    res.header('x-stamp', 'yes')


@pytest.mark.parametrize('before', [5, [5], [None], ['nodots'], object()], ids=range(5))
def test_what_is_no_hook_never_serves(before):
    app = App()
    with pytest.raises((TypeError, ValueError, ImportError, StartupFailed)):
        app.GET('/', ok, before=before)
        with Live(app):
            pass


def test_the_body_and_typed_queries_stand_where_they_do_for_any_hook(ran):
    app = App()
    app.POST('/?page:int', note(ran, 'handler'), before=lambda req, res, ctx: ran.append(req.body))
    assert ask(app, 'POST', '/?page=x', body=b'a').status == 400
    assert ran == [b'a']


def test_hooks_of_a_group_run_for_its_routes_before_those_of_the_route(ran):
    app = App()
    v1 = app.group('/v1', before=note(ran, 'v1'))
    users = v1.group('/users', before=[note(ran, 'users'), note(ran, 'more')])
    users.GET('/:id', note(ran, 'handler'), before=note(ran, 'route'))
    v1.GET('/other', note(ran, 'handler'))
    app.GET('/v1/beside', note(ran, 'handler'))
    ask(app, target='/v1/users/7')
    assert ran == ['v1', 'users', 'more', 'route', 'handler']
    ran.clear()
    ask(app, target='/v1/other')
    assert ran == ['v1', 'handler']
    ran.clear()
    ask(app, target='/v1/beside')
    assert ran == ['handler']
    ran.clear()
    assert [ask(app, target=path).status for path in ('/v1/none', '/v1/users')] == [404, 404]
    assert ran == []


def test_a_hook_of_a_route_sees_the_app_of_its_route(ran):
    root, child = App(), App()
    child.GET('/x', ok, before=lambda req, res, ctx: ran.append(req.app))
    root.BEFORE('/*', note(ran, 'root'))
    root.mount(child, '/v1')
    ask(root, target='/v1/x')
    assert ran == ['root', child]


def test_a_function_that_the_parent_runs_is_run_again_for_the_childs_route(ran):
    """On another app it is registered for itself, and sees that app."""
    root, child = App(), App()

    def guard(req, res, ctx):
        ran.append(req.app)

    root.BEFORE('/*', guard)
    child.GET('/x', ok, before=guard)
    root.mount(child, '/v1')
    ask(root, target='/v1/x')
    assert ran == [root, child]


def test_sockets_have_them_too(ran):
    async def handler(req, ws, ctx):
        ran.append('handler')

    app = App()
    app.BEFORE('/*', note(ran, 'before'))
    app.WS('/:room:int', handler, before=[note(ran, 'route')])
    app.WS('/closed', handler, before=lambda req, res, ctx: res.abort(401, 'no'))
    app.group('/v1', before=note(ran, 'group')).WS('/', handler)
    assert meet(app, '/7').accepted
    assert ran == ['before', 'route', 'handler']
    ran.clear()
    assert (meet(app, '/closed').status, ran) == (401, ['before'])
    ran.clear()
    assert meet(app, '/v1').accepted and ran == ['before', 'group', 'handler']


def test_a_guard_of_a_route_guards_every_spelling_that_the_route_serves(ran):
    app = App()
    app.GET('/admin/:page', note(ran, 'handler'), before=lambda req, res, ctx: res.abort(401))
    for target in ('/admin/x', '/admin/x/', '/%61dmin/x', '/admin/a%2Fb', 'http://a.com/admin/x'):
        assert (ask(app, target=target).status, ran) == (401, [])


def test_two_routes_of_one_handler_have_hooks_of_their_own(ran):
    app, handler = App(), note(ran, 'handler')
    app.GET('/a', handler, before=note(ran, 'a'))
    app.GET('/b', handler, before=note(ran, 'b'))
    ask(app, target='/b')
    assert ran == ['b', 'handler']

"""A guard that is written wrongly stops requests, it never lets them through."""

import asyncio
import inspect
import sys
import types
from functools import partial

import pytest
from asks import Live, StartupFailed, ask, meet
from heaven import SHUTDOWN, App, UrlError


class Ran(list):
    """A list that makes functions: each adds its name when it runs."""

    def __call__(self, name, then=None):
        def function(req, res, ctx):
            self.append(name)
            return then(req, res, ctx) if then else None

        return function

    def socket(self, name):
        async def function(req, ws, ctx):
            self.append(name)

        return function


@pytest.fixture
def ran():
    return Ran()


def guarded(ran, guard, **options):
    """An app that has a guard, a second one, a handler, a socket, and what runs after."""
    app = App(**options)
    app.BEFORE('/*', ran('guard', guard))
    app.BEFORE('/a', ran('second'))
    app.GET('/a', ran('handler'))
    app.WS('/a', ran.socket('handler'))
    app.AFTER('/*', ran('after'))
    app.AFTER('/*', ran('always'), always=True)
    return app


def starts(app):
    """The reason why an app refuses to start, or None."""
    try:
        with Live(app):
            return None
    except StartupFailed as error:
        return str(error)


# A BEFORE that has set a status or a body has answered


def without_return(act):
    """A guard that does what `act` does and returns nothing."""

    def guard(req, res, ctx):
        act(res)

    return guard


ANSWERS = {
    'out': (lambda res: res.out(401, 'Log in first'), 401),
    'out without a body': (lambda res: res.out(401), 401),
    'redirect': (lambda res: res.redirect('/login'), 307),
    'html': (lambda res: res.html('<p>Log in first'), 200),
    'stream': (lambda res: res.stream(iter(['x'])), 200),
    'a status': (lambda res: setattr(res, 'status', 403), 403),
    'the status there is anyway': (lambda res: setattr(res, 'status', 200), 200),
    'a body': (lambda res: setattr(res, 'body', {'error': 'no'}), 200),
    'an empty body': (lambda res: setattr(res, 'body', ''), 200),
    'None as the body': (lambda res: setattr(res, 'body', None), 200),
    'a header beside': (lambda res: res.header('x-a', 'b').out(418), 418),
}


@pytest.mark.parametrize('act, status', ANSWERS.values(), ids=ANSWERS)
@pytest.mark.parametrize('how', ['plain', 'plain and returned', 'async', 'async and returned', 'an awaitable'])
def test_a_before_that_set_a_status_or_a_body_has_answered_with_or_without_return(ran, act, status, how):
    def plain(req, res, ctx):
        ran.append('guard')
        act(res)
        return res if how.endswith('returned') else None

    async def slow(req, res, ctx):
        await asyncio.sleep(0)
        return plain(req, res, ctx)

    app = App()
    app.BEFORE('/*', {'plain': plain, 'async': slow}.get(how.split()[0], lambda req, res, ctx: slow(req, res, ctx)))
    app.BEFORE('/a', ran('second'))
    app.GET('/a', ran('handler'))
    app.AFTER('/*', ran('after'))
    assert (ask(app, 'GET', '/a').status, ran) == (status, ['guard', 'after'])


def test_a_before_that_set_a_status_has_answered_without_return_where_a_body_is_read_or_a_query_is_typed(ran):
    app = App()
    app.BEFORE('/*', without_return(lambda res: res.out(401, 'no')))
    app.POST('/a', ran('handler'))
    app.GET('/q?page:int', ran('handler'))
    app.GET('/t', ran('handler'), threaded=True)
    app.GET('/:x/*', ran('handler'))
    asked = [ask(app, 'POST', '/a', json={'a': 1}), ask(app, 'GET', '/q?page=x'), ask(app, 'GET', '/t')]
    asked += [ask(app, 'GET', '/b/c'), ask(app, 'HEAD', '/t')]
    assert ([reply.status for reply in asked], ran) == ([401] * 5, [])


def test_a_before_that_set_a_status_has_answered_in_place_of_a_404_a_405_and_options(ran):
    app = App()
    app.BEFORE('/*', without_return(lambda res: res.out(401, 'no')))
    app.ERROR(404, ran('error'))
    app.GET('/a', ran('handler'))
    for method, target in [('GET', '/b'), ('POST', '/a'), ('OPTIONS', '/a'), ('GET', '/a/b')]:
        assert (ask(app, method, target).status, ask(app, method, target).text, ran) == (401, 'no', [])


def test_a_before_that_set_a_status_without_return_keeps_the_hooks_and_handlers_of_a_mounted_app_from_running(ran):
    app, child = App(), App()
    app.BEFORE('/*', ran('parent', without_return(lambda res: res.out(401))))
    app.AFTER('/*', ran('after parent'))
    child.BEFORE('/*', ran('child'))
    child.GET('/a', ran('handler'))
    child.AFTER('/*', ran('after child'))
    app.mount(child, '/x')
    assert (ask(app, 'GET', '/x/a').status, ran) == (401, ['parent', 'after child', 'after parent'])


def test_a_before_that_set_a_status_without_return_keeps_a_mounted_asgi_app_from_being_called(ran):
    async def foreign(scope, receive, send):
        if scope['type'] != 'lifespan':
            ran.append(scope['type'])

    app = App()
    app.BEFORE('/x/*', without_return(lambda res: res.out(401, 'no')))
    app.mount(foreign, '/x')
    for method in ('GET', 'HEAD', 'POST', 'get'):
        assert (ask(app, method, '/x/a').status, ran) == (401, [])
    assert (meet(app, '/x/a').status, ran) == (401, [])


def test_setting_headers_cookies_or_the_context_is_no_answer(ran):
    def prepare(req, res, ctx):
        res.header('x-a', 'b')
        res.headers['x-c'] = 'd'
        res.cookie('e', 'f')
        ctx.user = 'ada'
        return res

    app = guarded(ran, prepare)
    reply = ask(app, 'GET', '/a')
    assert (reply.header('x-a'), reply.header('x-c'), len(reply.all('set-cookie'))) == ('b', 'd', 1)
    assert ran == ['guard', 'second', 'handler', 'after', 'always']


def test_reading_the_status_and_the_body_is_no_answer(ran):
    seen = []
    app = guarded(ran, lambda req, res, ctx: seen.append((res.status, res.body)))
    assert ask(app, 'GET', '/a').status == 200
    assert (seen, ran) == ([(200, None)], ['guard', 'second', 'handler', 'after', 'always'])


@pytest.mark.parametrize('act, status', ANSWERS.values(), ids=ANSWERS)
@pytest.mark.parametrize('returned', [False, True])
def test_a_before_that_answers_refuses_a_websocket_and_a_status_below_300_becomes_403(ran, act, status, returned):
    app = guarded(ran, lambda req, res, ctx: (act(res), res if returned else None)[1])
    peer = meet(app, '/a')
    assert not peer.accepted
    assert (peer.status, ran) == (403 if status < 300 else status, ['guard', 'always'])


def test_a_before_that_only_sets_headers_lets_a_websocket_in(ran):
    app = guarded(ran, lambda req, res, ctx: res.header('x-a', 'b'))
    peer = meet(app, '/a')
    assert (peer.code, peer.headers[b'x-a']) == (1000, b'b')
    assert ran == ['guard', 'second', 'handler', 'always']


# What a BEFORE returns


class Theirs:
    """A response of another framework."""

    status_code = 403


def generated():
    yield 'x'


VERDICTS = [True, False, 0, 1, '', 'no', 403, (401, 'no'), [], {}, {'error': 'no'}, b'', Theirs(), Theirs]


@pytest.mark.parametrize('verdict', VERDICTS, ids=range(len(VERDICTS)))
@pytest.mark.parametrize('how', ['plain', 'async', 'after an answer', 'in debug'])
def test_a_before_that_returns_anything_but_none_or_res_is_a_500_and_the_log_says_what_to_write(
    ran, verdict, how, caplog
):
    async def slow(req, res, ctx):
        await asyncio.sleep(0)
        return verdict

    def answered(req, res, ctx):
        res.out(401, 'no')
        return verdict

    guard = slow if how == 'async' else answered if how == 'after an answer' else lambda req, res, ctx: verdict
    app = guarded(ran, guard, debug=how == 'in debug')
    assert ask(app, 'GET', '/a').status == 500
    assert ran == ['guard', 'always']
    assert 'TypeError' in caplog.text and 'return res' in caplog.text
    assert type(verdict).__name__ in caplog.text


def test_a_before_that_returns_another_response_or_a_generator_is_a_500(ran):
    kept = []
    app = App()
    app.BEFORE('/*', lambda req, res, ctx: kept[0] if kept else kept.append(res))
    app.BEFORE('/g', lambda req, res, ctx: generated())
    app.GET('/*', ran('handler'))
    assert [ask(app, 'GET', '/a').status for _ in range(2)] == [200, 500]
    kept.clear()
    assert (ask(app, 'GET', '/g').status, ran) == (500, ['handler'])


@pytest.mark.parametrize('verdict', [True, False, 'no', Theirs()], ids=['True', 'False', 'text', 'theirs'])
def test_a_before_that_returns_a_verdict_refuses_a_websocket(ran, verdict, caplog):
    peer = meet(guarded(ran, lambda req, res, ctx: verdict), '/a')
    assert not peer.accepted
    assert (peer.status, ran) == (500, ['guard', 'always'])
    assert 'return res' in caplog.text


def test_a_before_that_returns_a_verdict_stops_404s_405s_and_mounted_apps_too(ran):
    async def foreign(scope, receive, send):
        if scope['type'] != 'lifespan':
            ran.append('foreign')

    app, child = App(), App()
    app.BEFORE('/*', lambda req, res, ctx: False)
    app.ERROR(404, ran('error'))
    app.GET('/a', ran('handler'))
    child.GET('/', ran('handler'))
    app.mount(child, '/child')
    app.mount(foreign, '/foreign')
    for method, target in [('GET', '/b'), ('POST', '/a'), ('OPTIONS', '/a'), ('GET', '/child'), ('GET', '/foreign/x')]:
        assert (ask(app, method, target).status, ran) == (500, [])


# Generator functions


class Called:
    """Objects that are generator functions when they are called."""

    def __call__(self, *args):
        yield

    def method(self, *args):
        yield

    @staticmethod
    def static(*args):
        yield


class CalledAsync:
    async def __call__(self, *args):
        yield

    async def method(self, *args):
        yield


def plain_generator(*args):
    yield


async def async_generator(*args):
    yield


PLAIN = {
    'function': plain_generator,
    'partial': partial(plain_generator, 1),
    'partial of partial': partial(partial(plain_generator, 1), 2),
    'method': Called().method,
    'static': Called.static,
    'object': Called(),
    'partial of object': partial(Called(), 1),
    'partial of method': partial(Called().method, 1),
}
ASYNC = {
    'async function': async_generator,
    'async partial': partial(async_generator, 1),
    'async method': CalledAsync().method,
    'async object': CalledAsync(),
}
BOTH = {**PLAIN, **ASYNC}


@pytest.mark.parametrize('guard', PLAIN.values(), ids=PLAIN)
def test_a_plain_generator_function_is_refused_as_a_before(guard):
    app = App()
    for register in (app, app.group('/v1'), app.subdomain('api')):
        with pytest.raises(TypeError, match='generator'):
            register.BEFORE('/*', guard)
        with pytest.raises(TypeError, match='generator'):
            register.BEFORE('/*')(guard)


@pytest.mark.parametrize('function', BOTH.values(), ids=BOTH)
def test_a_generator_function_is_refused_as_a_handler_with_a_hint(function):
    app = App()
    for verb in ('GET', 'POST', 'HTTP', 'WS'):
        with pytest.raises(TypeError, match=r'res\.body = generator\(\)'):
            getattr(app, verb)('/a', function)
    with pytest.raises(TypeError, match=r'res\.body = generator\(\)'):
        app.METHOD('PURGE', '/a', function)
    with pytest.raises(TypeError, match=r'res\.body = generator\(\)'):
        app.GET('/a')(function)
    assert app.routes() == []


@pytest.mark.parametrize('function', BOTH.values(), ids=BOTH)
def test_a_generator_function_is_refused_as_an_after_an_error_handler_a_shutdown_function_and_a_daemon(function):
    app = App()
    for register in (
        lambda: app.AFTER('/*', function),
        lambda: app.AFTER('/*', function, always=True),
        lambda: app.ERROR(404, function),
        lambda: app.ERROR(ValueError)(function),
        lambda: app.ON(SHUTDOWN, function),
        lambda: app.ON(SHUTDOWN)(function),
        lambda: app.DAEMON(function),
    ):
        with pytest.raises(TypeError, match='generator'):
            register()


@pytest.mark.parametrize('function', BOTH.values(), ids=BOTH)
def test_a_generator_function_is_refused_by_defer_where_it_is_called(function):
    def handler(req, res, ctx):
        with pytest.raises(TypeError, match='generator'):
            res.defer(function)
        res.body = 'refused'

    assert ask(handler).text == 'refused'


@pytest.mark.parametrize('function', ['handlers_of_guards.plain', 'handlers_of_guards.lazy'])
def test_the_dotted_path_of_a_generator_function_keeps_the_app_from_starting(function, monkeypatch):
    module = types.ModuleType('handlers_of_guards')
    module.plain, module.lazy = plain_generator, async_generator
    monkeypatch.setitem(sys.modules, 'handlers_of_guards', module)
    module.__spec__ = types.SimpleNamespace(name='handlers_of_guards')
    for register in (
        lambda app: app.GET('/a', function),
        lambda app: app.WS('/a', function),
        lambda app: app.AFTER('/a', function),
        lambda app: app.ERROR(404, function),
        lambda app: app.ON(SHUTDOWN, function),
        lambda app: app.DAEMON(function),
        *([lambda app: app.BEFORE('/a', function)] if function.endswith('plain') else []),
    ):
        app = App()
        register(app)
        assert 'generator' in (starts(app) or '')


def test_a_coroutine_that_is_written_with_yield_is_no_generator_function(ran):
    @types.coroutine
    def old(req, res, ctx):
        ran.append('old')
        yield from asyncio.sleep(0).__await__()

    app = App()
    app.BEFORE('/*', old)
    app.GET('/a', old, name='a')
    assert (ask(app, 'GET', '/a').status, ran) == (200, ['old'] * 2)


# The methods of a hook


@pytest.mark.parametrize('methods', ['', [], (), set(), {}, frozenset(), iter(()), [''], ['GET', '']], ids=range(9))
def test_a_hook_for_no_method_is_an_error(methods):
    refused(methods)


@pytest.mark.parametrize('methods', ['get', 'Get', ['post'], ['GET', 'delete'], 'purge', {'Patch'}, ('propfind',)])
def test_a_hook_for_a_method_in_the_wrong_case_is_an_error(methods):
    refused(methods)


@pytest.mark.parametrize(
    'methods', ['GTE', 'PURGE', ['GET', 'PSOT'], 'GET,POST', 'GET POST', ' GET', '*', 'HTTP', 'ALL', 'G\0T', 'É']
)
def test_a_hook_for_a_method_that_nobody_knows_is_an_error(methods):
    refused(methods)


@pytest.mark.parametrize('methods', [[None], [7], 7, b'GET', [b'GET']], ids=range(5))
def test_a_hook_for_methods_that_are_no_text_is_an_error(methods):
    refused(methods)


def refused(methods):
    """Refuses BEFORE and AFTER, at the latest at startup; on a mounted app, too."""
    for verb in ('BEFORE', 'AFTER'):
        for mounted in (False, True):
            app = inner = App()
            if mounted:
                inner = App()
                app.mount(inner, '/x')
            inner.GET('/a', lambda req, res, ctx: None)
            try:
                getattr(inner, verb)('/*', lambda req, res, ctx: None, methods=methods)
            except (ValueError, TypeError) as error:
                assert str(error)
            else:
                assert starts(app)
                assert ask(app, 'GET', '/a', catch=True).status == 500


@pytest.mark.parametrize(
    'methods',
    [
        lambda: 'POST',
        lambda: ['POST'],
        lambda: ('POST', 'PUT'),
        lambda: {'POST', 'PATCH'},
        lambda: frozenset({'POST'}),
        lambda: {'POST': 1},
        lambda: (name for name in ['PUT', 'POST']),
        lambda: iter(['POST']),
        lambda: map(str.upper, ['post']),
    ],
    ids=range(9),
)
def test_the_methods_of_a_hook_are_a_str_or_any_iterable(ran, methods):
    app = App()
    app.BEFORE('/*', ran('before'), methods=methods())
    app.AFTER('/*', ran('after'), methods=methods())
    app.HTTP('/a', lambda req, res, ctx: None)
    app.GET('/:x', lambda req, res, ctx: None)
    with Live(app) as live:
        for target in ('/a', '/a', '//a', '/a/', '/b'):
            ran.clear()
            live.ask('GET', target)
            assert ran == []
            live.ask('POST', target)
            assert ran == ['before', 'after']


@pytest.mark.parametrize('method', ['PROPFIND', 'MKCOL', 'REPORT', 'VERSION-CONTROL', 'SEARCH', 'TRACE', 'CONNECT'])
def test_a_hook_may_be_for_a_registered_method_that_no_route_has(ran, method):
    app = App()
    app.BEFORE('/*', ran('before'), methods=method)
    app.GET('/a', ran('handler'))
    assert (ask(app, method, '/a').status, ran) == (405, ['before'])


def test_a_hook_may_be_for_a_method_that_only_a_route_has_wherever_it_is_registered(ran):
    app, child = App(), App()
    app.BEFORE('/*', ran('before'), methods=['PURGE'])
    child.METHOD('PURGE', '/a', ran('handler'))
    app.mount(child, '/x')
    assert (ask(app, 'PURGE', '/x/a').status, ran) == (200, ['before', 'handler'])


@pytest.mark.parametrize('method', ['get', 'Get', 'post', ['GET', 'post'], ['propfind'], ('Options',)])
def test_a_route_for_a_method_in_the_wrong_case_is_refused_with_what_was_meant(method):
    app = App()
    with pytest.raises(UrlError, match='did you mean (GET|POST|PROPFIND|OPTIONS)'):
        app.METHOD(method, '/a', lambda req, res, ctx: None)
    assert app.routes() == []


# GET covers HEAD and the handshake, and the case of the request's method does not matter


def heard(ran):
    """An ASGI app that tells which methods reached it."""

    async def foreign(scope, receive, send):
        if scope['type'] == 'http':
            ran.append(scope['method'])
            await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-length', b'0')]})
            await send({'type': 'http.response.body', 'body': b''})

    return foreign


@pytest.mark.parametrize('target', ['/x', '/x/', '/x/a', '/x//a', '//x/a', '/%78/a', '/x%2Fa'])
def test_a_guard_for_get_covers_head_on_a_mounted_asgi_app(ran, target):
    app = App()
    app.BEFORE('/x/*', lambda req, res, ctx: res.out(401, 'Log in first'), methods='GET')
    app.mount(heard(ran), '/x')
    for method in ('GET', 'HEAD', 'get', 'head', 'Get', 'hEAD'):
        reply = ask(app, method, target)
        assert (reply.status, ran) == (401, [])
        assert method != 'HEAD' or (reply.body, reply.header('content-length')) == (b'', '12')
    assert meet(app, target).status == 401
    assert ask(app, 'POST', target).status == (404 if target in ('//x/a', '/x%2Fa') else 200)


def test_a_guard_for_get_covers_head_where_nothing_else_is_registered_and_none_that_is(ran):
    app = App()
    app.BEFORE('/*', ran('before'), methods=['GET'])
    app.AFTER('/*', ran('after'), methods=['GET'])
    app.GET('/a', lambda req, res, ctx: None)
    app.POST('/b', lambda req, res, ctx: None)
    app.HEAD('/c', lambda req, res, ctx: None)
    app.HTTP('/d', lambda req, res, ctx: None)
    app.mount(heard(Ran()), '/x')
    app.HEAD('/x/own', lambda req, res, ctx: None)
    for target, covered in {'/a': 1, '/b': 1, '/none': 1, '/x/a': 1, '/c': 0, '/d': 0, '/x/own': 0}.items():
        ran.clear()
        ask(app, 'HEAD', target)
        assert ran == ['before', 'after'] * covered, target


def test_a_websocket_handshake_counts_as_get(ran):
    app = App()
    app.BEFORE('/*', ran('get'), methods='GET')
    app.BEFORE('/*', ran('post'), methods='POST')
    app.WS('/a', ran.socket('handler'))
    assert meet(app, '/a').code == 1000
    assert ran == ['get', 'handler']
    ran.clear()
    assert (meet(app, '/none').status, ran) == (404, ['get'])


def test_the_method_of_a_request_is_compared_with_that_of_a_hook_in_upper_case(ran):
    app = App()
    app.BEFORE('/*', ran('before'), methods=['POST', 'PURGE'])
    app.METHOD('Purge', '/a', ran('handler'))
    app.METHOD('PURGE', '/b', ran('handler'))
    app.mount(heard(ran), '/x')
    for method, target, expected in [
        ('Purge', '/a', ['before', 'handler']),
        ('purge', '/a', ['before']),
        ('post', '/a', ['before']),
        ('pOST', '/x/a', ['before', 'pOST']),
        ('get', '/x/a', ['get']),
    ]:
        ran.clear()
        ask(app, method, target)
        assert ran == expected


# An empty segment


def lists(app):
    """Adds types that take an empty text."""
    app.TYPE('csv', lambda text: text.split(','))
    app.TYPE('any', lambda text: text)
    app.TYPE('none', lambda text: None)
    return app


@pytest.mark.parametrize('kind', ['', ':str', ':csv', ':any', ':none', ':int'])
def test_an_empty_segment_never_matches_a_parameter_whatever_its_type(ran, kind):
    for route, targets in {
        f'/a/:x{kind}': ['/a//', '/a/', '/a'],
        f'/a/:x{kind}/b': ['/a//b', '/a//b/'],
        f'/:x{kind}': ['/', '//', ''],
        f'/:x{kind}/b': ['//b', '//b/'],
        f'/a/:x{kind}/*': ['/a//', '/a//b', '/a/', '/a'],
        f'/a/:x{kind}/:y': ['/a//b', '/a///'],
    }.items():
        app = lists(App())
        app.GET(route, ran('handler'))
        app.WS(route, ran.socket('socket'))
        with Live(app) as live:
            for target in targets:
                assert (live.ask('GET', target).status, ran) == (404, []), (route, target)
                assert (live.ask('GET', target, raw_path=None).status, ran) == (404, [])
                assert (live.ask('POST', target).status, ran) == (404, [])
        for target in targets:
            assert (meet(app, target).status, ran) == (404, [])


def test_an_empty_segment_is_left_to_the_rest(ran):
    app = lists(App())
    app.GET('/a/:x:csv', ran('csv'))
    app.GET('/a/*', ran('rest', lambda req, res, ctx: res.out(200, req.params['*'])))
    assert (ask(app, 'GET', '/a//').text, ran) == ('/', ['rest'])
    assert (ask(app, 'GET', '/a/1,2').status, ran) == (200, ['rest', 'csv'])


@pytest.mark.parametrize('kind', ['', ':csv', ':any', ':none'])
def test_an_empty_segment_never_matches_a_parameter_of_a_hook(ran, kind):
    app = lists(App())
    app.BEFORE(f'/a/:x{kind}', ran('hook'))
    app.BEFORE(f'/a/b/:x{kind}/c', ran('hook'))
    app.GET('/*', lambda req, res, ctx: None)
    for target, runs in {
        '/a//': 0,
        '/a/': 0,
        '/a/1': 1,
        '/a//1': 1,
        '/a/b//c': 0,
        '/a/b/1/c': 1,
        '/a/b//1/c': 1,
    }.items():
        ran.clear()
        assert ask(app, 'GET', target).status == 200
        assert len(ran) == runs, target


# A path with a dot segment is no path


DOTTED = """
/. /.. /./ /../ /./a /../a /a/. /a/.. /a/./ /a/../ /a/./b /a/../b /a/b/. /a/b/.. /a//../b //.. //. /a/..//b
/%2e /%2E%2e /.%2e/a /a/%2e /a/%2e%2e /a/%2e%2e/b /a/.%2E/b /a/%2e./b /a/%2e/b /%2e/admin/keys /%2e%2e/admin
/a%2F. /a%2F.. /a%2F..%2Fb /a%2f.%2fb /a%2F%2e%2e%2Fb /..%2Fa /.%2Fa /%2F.. /a%2F../b /a/..%2Fb /a%2F%2F../b
/x/../admin/keys /x%2F..%2Fadmin/keys /admin/keys/x/.. /admin/../public /admin/keys/. /x/a/.. /x/%2e%2e/a /x/a%2F..%2Fb
http://a.com/a/../b http://a.com/.. http://a.com/a/%2e%2e/b http://a.com/a%2F..%2Fb
""".split()
SPELLED = (
    '/... /.a /a. /..a /a.. /a/.../b /a/.b /%252e%252e /a%252F..b /.well-known/x /a/%2e%2e%2e /a/..%00 /a/..;x'.split()
)


def dotty(ran):
    """An app with everything that could answer or guard."""
    app, child = App(), App()
    app.BEFORE('/*', ran('before'))
    app.BEFORE('/admin/*', ran('before'))
    app.AFTER('/*', ran('after'))
    app.AFTER('/*', ran('always'), always=True)
    for pattern in ('/', '/a/*', '/:x/*', '/:x', '/admin/*', '/x/*', '/:x/:y'):
        app.AFTER(pattern, ran('never'), always=True)
    app.ERROR(400, ran('error', lambda req, res, ctx: res.out(400, 'page')))
    for pattern in ('/*', '/:x', '/:x/:y', '/:x/:y/:z', '/a/*', '/admin/:x'):
        app.HTTP(pattern, ran('handler'))
        app.WS(pattern, ran.socket('handler'))
    child.BEFORE('/*', ran('before'))
    child.AFTER('/*', ran('never'), always=True)
    child.GET('/*', ran('handler'))
    child.ERROR(400, ran('never'))
    app.mount(heard(ran), '/x')
    app.mount(child, '/child')
    return app


@pytest.mark.parametrize('target', DOTTED)
def test_a_path_with_a_dot_segment_is_a_400_before_any_hook(ran, target):
    app = dotty(ran)
    for method in ('GET', 'HEAD', 'POST', 'OPTIONS', 'DELETE', 'PROPFIND', 'get'):
        ran.clear()
        reply = ask(app, method, target)
        assert (reply.status, reply.body, ran) == (400, b'' if method == 'HEAD' else b'page', ['error', 'always'])


@pytest.mark.parametrize('target', DOTTED)
def test_a_websocket_to_a_path_with_a_dot_segment_is_refused_before_any_hook(ran, target):
    app = dotty(ran)
    peer = meet(app, target)
    assert not peer.accepted
    assert (peer.status, ran) == (400, ['error', 'always'])


@pytest.mark.parametrize('target', DOTTED)
@pytest.mark.parametrize('routes', [[], ['/a'], ['/:x'], ['/a/:x'], ['/*'], ['/a/:x/b'], ['/:x/:y/*']])
def test_a_path_with_a_dot_segment_is_a_400_whatever_else_there_is(ran, target, routes):
    app = App()
    for route in routes:
        app.GET(route, ran('handler'))
    with Live(app) as live:
        for method in ('GET', 'POST'):
            reply = live.ask(method, target)
            assert (reply.status, ran) == (400, [])
            assert reply.text


def test_a_path_with_a_dot_segment_is_a_400_however_the_server_hands_it_on(ran):
    app = dotty(ran)
    for scope in (
        {'path': '/a/../b', 'raw_path': None},
        {'path': '/a/../b', 'raw_path': b''},
        {'path': '/a/../b', 'raw_path': b'/public'},
        {'path': '/a/../b', 'raw_path': b'/a/../b'},
        {'path': '/a/../b', 'raw_path': b'/a%2F..%2Fb'},
        {'path': '/api/../b', 'raw_path': b'/api/../b', 'root_path': '/api'},
        {'path': '/api/a/..', 'raw_path': None, 'root_path': '/api'},
        {'path': '/api/..', 'raw_path': b'/api%2F..', 'root_path': '/api'},
    ):
        ran.clear()
        assert ask(app, **scope).status == 400
        assert ran == ['error', 'always']


@pytest.mark.parametrize('target', SPELLED)
def test_a_segment_that_only_contains_dots_among_others_is_a_path(ran, target):
    app = App()
    app.BEFORE('/*', ran('before'))
    app.GET('/*', ran('handler'))
    assert (ask(app, 'GET', target).status, ran) == (200, ['before', 'handler'])


@pytest.mark.parametrize('target', DOTTED)
def test_a_path_with_a_dot_segment_is_a_400_without_an_error_handler_and_under_a_mounted_app_alone(ran, target):
    app = App()
    app.mount(heard(ran))
    reply = ask(app, 'GET', target)
    assert (reply.status, ran) == (400, [])
    assert reply.text


def test_hooks_cover_the_segments_as_sent_and_the_decoded_path_split_again_and_either_without_empty_segments(ran):
    app = App()
    app.BEFORE('/a/:x/c', ran('hook'))
    for target, covered in {
        '/a/b/c': 1,
        '/a%2Fb/c': 1,
        '/a/b%2Fc': 1,
        '//a/b/c': 1,
        '/a//b/c': 1,
        '/a/b/c//': 1,
        '/a%2F%2Fb%2Fc': 1,
        '/a//b%2F/c': 1,
        '/a//x%2Fy/c': 1,
        '/a/x%2Fy/c': 1,
        '/a/b%252Fc': 0,
        '/a/b/d': 0,
        '/a/c': 0,
    }.items():
        ran.clear()
        assert ask(app, 'GET', target).status == 404
        assert len(ran) == covered, target


# One function on two apps


@pytest.mark.parametrize('isolated', [True, False])
def test_a_guard_of_a_parent_and_of_a_mounted_child_runs_once_for_each_and_sees_each_as_its_app(isolated):
    seen = []

    def guard(req, res, ctx):
        seen.append(req.app)

    app, child, leaf = App(), App(), App()
    for each in (app, child, leaf):
        each.BEFORE('/*', guard)
        each.AFTER('/*', guard)
    leaf.GET('/a', lambda req, res, ctx: None)
    child.mount(leaf, '/leaf', isolated=isolated)
    app.mount(child, '/child', isolated=isolated)
    assert ask(app, 'GET', '/child/leaf/a').status == 200
    assert seen == [app, child, leaf, leaf, child, app]


def test_a_guard_that_only_lets_the_users_of_its_app_in_guards_a_child_that_has_it_as_well(ran):
    def guard(req, res, ctx):
        if req.headers.get('authorization') != req.app.CONFIG('KEY'):
            res.out(401)

    app, child = App({'KEY': 'outer'}), App({'KEY': 'inner'})
    app.BEFORE('/*', guard)
    child.BEFORE('/*', guard)
    child.GET('/a', ran('handler'))
    app.mount(child, '/child')
    for key in ('outer', 'inner', 'none'):
        assert (ask(app, 'GET', '/child/a', headers={'authorization': key}).status, ran) == (401, [])


def test_a_function_that_one_app_has_under_several_patterns_runs_once(ran):
    guard, child = ran('guard'), App()
    app = App()
    for pattern in ('/*', '/child/*', '/child/:x', '/child/a'):
        app.BEFORE(pattern, guard)
        app.AFTER(pattern, guard)
    for pattern in ('/*', '/a'):
        child.BEFORE(pattern, guard)
    child.GET('/a', ran('handler'))
    app.mount(child, '/child')
    ask(app, 'GET', '/child/a')
    assert ran == ['guard', 'guard', 'handler', 'guard']


def test_the_method_scopes_of_a_function_add_up_within_one_app_and_not_across_two(ran):
    guard = ran('guard')
    app, child = App(), App()
    app.BEFORE('/*', guard, methods='GET')
    app.BEFORE('/child/*', guard, methods='POST')
    child.BEFORE('/*', guard, methods='PUT')
    child.HTTP('/a', ran('handler'))
    app.mount(child, '/child')
    for method, runs in {'GET': 1, 'POST': 1, 'PUT': 1, 'DELETE': 0}.items():
        ran.clear()
        ask(app, method, '/child/a')
        assert ran == ['guard'] * runs + ['handler']


# What a middleware receives


class Strict:
    """A middleware that tells ASGI 3 from ASGI 2 as others do, and refuses the latter."""

    def __init__(self, app):
        called = inspect.iscoroutinefunction
        assert called(app) or called(app.__call__)
        assert called(app if inspect.isfunction(app) else app.__call__)
        assert not inspect.isclass(app)
        self.app = app

    async def __call__(self, scope, receive, send):
        await self.app(scope, receive, send)


@pytest.mark.parametrize('layers', [1, 3])
def test_what_a_middleware_receives_is_asgi_3_by_every_test_of_theirs(ran, layers):
    app = App()
    app.GET('/a', ran('handler'))
    app.WS('/a', ran.socket('socket'))
    for _ in range(layers):
        app.use(Strict)
    with Live(app) as live:
        assert live.ask('GET', '/a').status == 200
    assert ask(app, 'GET', '/a').status == 200
    assert meet(app, '/a').code == 1000
    assert ran == ['handler', 'handler', 'socket']


@pytest.mark.parametrize('used', [False, True])
def test_the_app_itself_is_asgi_3_by_every_test_of_theirs(ran, used):
    app = App()
    app.GET('/a', ran('handler'))
    if used:
        app.use(Strict)
    for moment in ('before', 'while'):
        Strict(app)
        if moment == 'before':
            with Live(app):
                Strict(app)

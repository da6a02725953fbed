"""Who may not have a WebSocket: hooks, origins, paths without a route, and what the server is asked to say."""

import logging

import pytest
from asks import Live, meet
from heaven import STARTUP, Abort, App
from peer import EXTENSION


async def echo(req, ws, ctx):
    seen.append('handler')
    async for message in ws:
        await ws.send(message)


seen = []


@pytest.fixture(autouse=True)
def forget():
    seen.clear()


def note(name):
    def hook(req, res, ctx):
        seen.append(name)

    return hook


def guarded(hook, **options):
    app = App()
    app.WS('/', echo, **options)
    app.BEFORE('/*', hook)
    return app


# Hooks


def abort(req, res, ctx):
    res.abort(401, 'Log in first')


@pytest.mark.parametrize(
    'hook, status, body',
    [
        (abort, 401, b'Log in first'),
        (lambda req, res, ctx: res.abort(404), 404, b'Not Found'),
        (lambda req, res, ctx: res.abort(400, 'no'), 400, b'no'),
        (lambda req, res, ctx: res.out(429, {'wait': 5}), 429, b'{"wait":5}'),
        (lambda req, res, ctx: res.redirect('/login'), 307, b''),
        (lambda req, res, ctx: res.out(200, 'no'), 403, b'no'),
        (lambda req, res, ctx: res.out(204), 403, b''),
        (lambda req, res, ctx: res.html('<p>no'), 403, b'<p>no'),
        (lambda req, res, ctx: res.out(403, iter(['a', 'b'])), 403, b'ab'),
        (lambda req, res, ctx: res.out(418), 418, b''),
    ],
    ids=['abort', 'status', 'text', 'out', 'redirect', '200', '204', 'html', 'stream', 'empty'],
)
def test_a_hook_refuses_with_a_real_status_and_its_own_body(hook, status, body, caplog):
    peer = meet(guarded(hook), '/', 'x')
    assert (peer.status, peer.body, seen, caplog.records) == (status, body, [], [])
    without = meet(guarded(hook), '/', 'x', extensions=None)
    assert ([m['type'] for m in without.messages], without.code) == (['websocket.close'], 1008)


def test_a_refusal_carries_the_headers_and_cookies_that_were_set():
    def hook(req, res, ctx):
        res.headers['www-authenticate'] = 'Basic'
        res.cookie('a', 'b')
        raise Abort(401)

    peer = meet(guarded(hook))
    assert peer.headers[b'www-authenticate'] == b'Basic' and peer.headers[b'set-cookie'].startswith(b'a=b')
    assert peer.headers[b'content-length'] == b'12'


def test_a_refusal_can_be_a_file(tmp_path):
    (tmp_path / 'no.txt').write_text('nobody')
    peer = meet(guarded(lambda req, res, ctx: res.file(tmp_path / 'no.txt')))
    assert (peer.status, peer.body) == (403, b'nobody')


def test_a_handler_may_abort_until_it_has_accepted():
    async def handler(req, ws, ctx):
        raise Abort(409, 'taken')

    app = App()
    app.WS('/', handler)
    peer = meet(app)
    assert (peer.status, peer.body, peer.accepted) == (409, b'taken', False)


def test_the_error_handlers_make_the_refusal():
    app = App()
    app.ERROR(404, lambda req, res, ctx: res.out(404, 'ours'))
    app.ERROR(ZeroDivisionError, lambda req, res, ctx: res.out(503, type(res.error).__name__))
    app.BEFORE('/fails', lambda req, res, ctx: 1 / 0)
    app.WS('/fails', echo)
    assert [meet(app, '/none').body, meet(app, '/fails').body] == [b'ours', b'ZeroDivisionError']


def test_a_hook_that_fails_refuses_with_500_and_is_logged_once(caplog):
    app = guarded(lambda req, res, ctx: 1 / 0)
    assert meet(app).status == 500
    assert meet(app, extensions={}).code == 1011
    assert [(record.name, record.levelno) for record in caplog.records] == [('heaven', logging.ERROR)] * 2


def test_the_afters_are_only_those_that_always_run():
    app = guarded(note('before'))
    app.WS('/abort', lambda req, ws, ctx: (_ for _ in ()).throw(Abort(404)))
    app.WS('/fail', lambda req, ws, ctx: (_ for _ in ()).throw(ValueError()))
    app.AFTER('/*', note('after'))
    app.AFTER('/*', note('always'), always=True)
    for path, calls in {
        '/': ['before', 'handler', 'always'],
        '/none': ['before', 'always'],
        '/abort': ['before', 'always'],
        '/fail': ['before', 'always'],
    }.items():
        seen.clear()
        meet(app, path)
        assert seen == calls, path


def test_an_after_that_fails_is_logged_and_the_others_run(caplog):
    app = guarded(note('before'))
    app.AFTER('/*', note('outer'), always=True)
    app.AFTER('/', lambda req, res, ctx: 1 / 0, always=True)
    peer = meet(app, '/', 'x')
    assert (peer.sent, seen, len(caplog.records)) == (['x'], ['before', 'handler', 'outer'], 1)


def test_hooks_for_get_and_for_all_run_and_those_for_other_methods_do_not():
    app = App()
    app.WS('/', echo)
    for methods in (['GET'], ['GET', 'POST'], ['POST'], ['HEAD'], None):
        app.BEFORE('/*', note(str(methods)), methods=methods)
    meet(app)
    assert seen == ["['GET']", "['GET', 'POST']", 'None', 'handler']
    seen.clear()
    meet(app, '/none')
    assert seen == ["['GET']", "['GET', 'POST']", 'None']


def test_what_was_deferred_runs_when_the_socket_has_ended():
    def hook(req, res, ctx):
        res.defer(lambda app: seen.append(type(app).__name__))

    app = guarded(hook)
    meet(app)
    assert seen == ['handler', 'App']


def test_a_stream_that_a_hook_made_refuses_the_socket_and_is_closed():
    class Stream:
        chunks = iter([b'a', b'b'])

        def __aiter__(self):
            return self

        async def __anext__(self):
            for chunk in self.chunks:
                return chunk
            raise StopAsyncIteration

        async def aclose(self):
            seen.append('closed')

    def hook(req, res, ctx):
        res.body = Stream()

    peer = meet(guarded(hook))
    assert (peer.status, peer.body, seen) == (403, b'ab', ['closed'])


# Paths


@pytest.mark.parametrize('path', ['/none', '/rooms', '/rooms/x', '/rooms//1', '/page', '/rooms/1/2'])
def test_a_path_without_a_socket_is_refused_with_404_and_hooks_run(path):
    app = App()
    app.WS('/rooms/:id:int', echo)
    app.GET('/page', lambda req, res, ctx: None)
    app.BEFORE('/*', lambda req, res, ctx: seen.append(req.route))
    peer = meet(app, path)
    assert (peer.status, peer.body, seen) == (404, b'Not Found', [None])


def test_a_target_that_is_no_path_is_refused_with_400():
    app = App()
    app.WS('/', echo)
    app.BEFORE('/*', note('before'))
    app.AFTER('/*', note('always'), always=True)
    assert meet(app, 'no-path').status == 400
    assert seen == ['always']


@pytest.mark.parametrize('path', ['/admin/x', '/admin/x/', '//admin/x', '/admin//x', '/admin%2Fx', '/%61dmin/x',
                                  '/admin/%78', '/root/admin/x', 'http://a.com/admin/x'])  # fmt: skip
def test_no_spelling_skips_a_guard(path):
    app = App()
    for route in ('/admin/:id', '/*', '/:a/:b', '/:a/:b/:c/:d', '/:a', '/b/:x/:y'):
        app.WS(route, echo)
    app.BEFORE('/admin/*', abort)
    peer = meet(app, path, root_path='/root')
    assert (peer.status, seen) == (401, [])


@pytest.mark.parametrize('path', ['/a/../admin/x', '/./admin/x', '/admin/./x', '/b/..%2Fadmin/x', '/admin/y/..%2Fx',
                                  '/admin/.', '/admin/x/..', '/%2e%2e/admin/x'])  # fmt: skip
def test_a_path_with_dots_is_refused_with_400_whatever_would_serve_it(path):
    app = App()
    for route in ('/admin/:id', '/*', '/:a/:b', '/:a/:b/:c/:d', '/:a', '/b/:x/:y'):
        app.WS(route, echo)
    app.BEFORE('/admin/*', abort)
    peer = meet(app, path)
    assert (peer.status, seen) == (400, [])


@pytest.mark.parametrize('path', ['/chat', '/chat/', '/%63hat', 'http://a.com/chat', '/root/chat'])
def test_spellings_of_one_path_find_one_socket(path):
    app = App()
    app.WS('/chat', echo)
    assert meet(app, path, 'x', root_path='/root').sent == ['x']


# Origins


def visit(origin, host='a.com', scheme='ws', origins=None, **options):
    app = App()
    app.WS('/', echo, origins=origins)
    headers = [('host', host)] + [
        ('origin', value) for value in ([origin] if isinstance(origin, str) else origin or [])
    ]
    peer = meet(app, '/', headers=headers, scheme=scheme, **options)
    assert peer.accepted or peer.status == 403
    return peer.accepted


@pytest.mark.parametrize(
    'origin, host, scheme, welcome',
    [
        (None, 'a.com', 'ws', True),
        ('http://a.com', 'a.com', 'ws', True),
        ('http://a.com:80', 'a.com', 'ws', True),
        ('http://a.com', 'a.com:80', 'ws', True),
        ('http://A.com', 'a.COM', 'ws', True),
        ('http://a.com:8000', 'a.com:8000', 'ws', True),
        ('http://[::1]:8000', '[::1]:8000', 'ws', True),
        ('http://127.0.0.1:8000', '127.0.0.1:8000', 'ws', True),
        ('https://a.com', 'a.com', 'wss', True),
        ('https://a.com:443', 'a.com', 'wss', True),
        ('https://a.com', 'a.com:443', 'wss', True),
        ('https://a.com', 'a.com', 'ws', True),  # TLS ends at a proxy
        ('http://a.com', 'a.com', 'wss', False),
        ('http://a.com:8001', 'a.com:8000', 'ws', False),
        ('http://a.com', 'a.com:8000', 'ws', False),
        ('http://a.com:8000', 'a.com', 'ws', False),
        ('http://b.com', 'a.com', 'ws', False),
        ('http://sub.a.com', 'a.com', 'ws', False),
        ('http://a.com', 'sub.a.com', 'ws', False),
        ('http://a.com.evil.com', 'a.com', 'ws', False),
        ('http://evil.com/a.com', 'a.com', 'ws', False),
        ('http://a.com@evil.com', 'a.com', 'ws', False),
        ('http://evil.com@a.com', 'a.com', 'ws', False),
        ('http://a.com/', 'a.com', 'ws', False),
        ('null', 'a.com', 'ws', False),
        ('null', 'null', 'ws', False),
        ('a.com', 'a.com', 'ws', False),
        ('http://', 'a.com', 'ws', False),
        ('file://', 'a.com', 'ws', False),
        ('x', '', 'ws', False),
        (['http://a.com', 'http://evil.com'], 'a.com', 'ws', False),
        (['http://evil.com', 'http://a.com'], 'a.com', 'ws', False),
    ],
)
def test_a_browser_may_connect_from_the_same_host_and_port(origin, host, scheme, welcome):
    assert visit(origin, host, scheme) is welcome


@pytest.mark.parametrize('host', ['evil.com, a.com', 'evil.com/', 'a.com@evil.com', 'e vil.com', ''])
def test_a_host_that_is_no_authority_is_the_address_of_the_server(host):
    assert not visit('http://evil.com', host)
    assert visit('http://127.0.0.1:8000', host)


@pytest.mark.parametrize(
    'origins, origin, welcome',
    [
        (['https://a.com'], 'https://a.com', True),
        (['https://A.com'], 'https://a.com', True),
        (['https://a.com:443'], 'https://a.com', True),
        (['https://a.com', 'http://b.com'], 'http://b.com', True),
        (('https://a.com',), 'https://a.com', True),
        ({'https://a.com'}, 'https://a.com', True),
        ('https://a.com', 'https://a.com', True),
        (['https://a.com'], 'http://a.com', False),
        (['https://a.com'], 'https://a.com:444', False),
        (['https://a.com'], 'https://a.com.evil.com', False),
        (['https://a.com'], 'null', False),
        ('https://*.a.com', 'https://evil.com', False),
        (['https://*.a.com'], 'https://x.a.com', False),
        (['*'], 'https://evil.com', True),
        ('*', 'https://evil.com', True),
        (['*'], 'null', True),
        ([], 'http://host', False),
        ([], None, True),
        (['https://a.com'], None, True),
        (['https://a.com'], 'http://host', False),
    ],
)
def test_named_origins_take_the_place_of_the_same_origin(origins, origin, welcome):
    assert visit(origin, 'host', origins=origins) is welcome
    assert visit(origin, 'host', origins=origins, extensions={}) is welcome if welcome else True


def test_the_origin_is_checked_after_the_befores_and_asks_the_error_handler_and_the_log_says_why(caplog):
    caplog.set_level('INFO', 'heaven')
    app = guarded(note('before'))
    app.ERROR(403, lambda req, res, ctx: res.out(403, 'elsewhere'))
    peer = meet(app, headers={'origin': 'http://evil.com'})
    assert (peer.status, peer.body, seen) == (403, b'elsewhere', ['before'])
    assert [(record.name, record.levelname) for record in caplog.records] == [('heaven', 'INFO')]
    assert 'http://evil.com' in caplog.text
    app = guarded(abort)
    assert meet(app, headers={'origin': 'http://evil.com'}).status == 401


def test_a_page_of_another_origin_that_asks_for_no_socket_gets_404():
    assert meet(App(), '/none', headers={'origin': 'http://evil.com'}).status == 404


# Middlewares and the life of the app


class Watching:
    def __init__(self, app, caught):
        self.app, self.caught = app, caught

    async def __call__(self, scope, receive, send):
        try:
            await self.app(scope, receive, send)
        except Exception as error:
            self.caught.append(type(error).__name__)
            raise


@pytest.mark.parametrize('extensions', [EXTENSION, {}], ids=['response', 'close'])
@pytest.mark.parametrize('accepts', [True, False])
def test_middlewares_see_the_failure_of_a_handler_and_the_server_does_not(accepts, extensions, caplog):
    async def handler(req, ws, ctx):
        if accepts:
            await ws.accept()
        raise ValueError('x')

    app, caught = App(), []
    app.WS('/', handler)
    app.use(Watching, caught=caught)
    peer = meet(app, extensions=extensions)
    assert (caught, len(caplog.records), peer.error) == (['ValueError'], 1, None)
    assert peer.code == 1011 if accepts or not extensions else peer.status == 500


def test_a_middleware_that_fails_before_the_handshake_closes_the_socket(caplog):
    class Broken:
        def __init__(self, app):
            self.app = app

        async def __call__(self, scope, receive, send):
            if scope['type'] == 'lifespan':
                return await self.app(scope, receive, send)
            await receive()
            raise ValueError('x')

    app = guarded(note('before'))
    app.use(Broken)
    peer = meet(app, leave=None)
    assert (peer.code, len(caplog.records)) == (1011, 1)


def test_an_app_that_cannot_start_closes_the_socket_and_tries_again():
    app, tries = guarded(note('before')), []

    def start(app):
        tries.append(1)
        if len(tries) < 2:
            raise ValueError('not yet')

    app.ON(STARTUP, start)
    assert meet(app).code == 1011
    assert meet(app, '/', 'x').sent == ['x']


def test_a_socket_sees_what_startup_kept():
    async def handler(req, ws, ctx):
        await ws.send(req.app.peek('greeting'))

    app = App()
    app.ON(STARTUP, lambda app: app.keep('greeting', 'hello'))
    app.WS('/', handler)
    with Live(app) as live:
        assert live.meet().sent == ['hello']


def test_what_always_runs_sees_the_status_of_a_refusal_as_it_is_sent():
    seen = []

    async def around(req, res, ctx):
        yield
        seen.append(res.status)

    app = App()
    app.WS('/', lambda req, ws, ctx: None)
    app.BEFORE('/*', around)
    app.BEFORE('/*', lambda req, res, ctx: res.out(200, 'no'))
    app.AFTER('/*', lambda req, res, ctx: seen.append(res.status), always=True)
    assert meet(app).status == 403
    assert seen == [403, 403]


def test_a_refusal_is_no_success_whatever_its_error_handler_or_what_always_runs_says():
    app = App()
    app.WS('/', lambda req, ws, ctx: None, before=lambda req, res, ctx: res.abort(401))
    app.ERROR(401, lambda req, res, ctx: res.out(200, 'fine'))
    peer = meet(app)
    assert (peer.status, peer.body) == (403, b'fine')


def test_a_socket_that_an_ending_accepts_after_all_is_not_refused_as_well():
    def handler(req, ws, ctx):
        ctx.ws = ws
        raise Abort(401)

    async def accept(req, res, ctx):
        await ctx.ws.accept()

    app = App()
    app.WS('/', handler)
    app.AFTER('/*', accept, always=True)
    assert [message['type'] for message in meet(app).messages] == ['websocket.accept']

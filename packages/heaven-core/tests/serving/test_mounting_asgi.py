"""Any ASGI app inside an app of Heaven: its scope, its life, its answers and failures (ASGI, HTTP and WebSocket)."""

import asyncio
import gc

import pytest
from asks import Live, StartupFailed, ask, connect, meet
from driver import http_scope
from heaven import STARTUP, App, Disconnected
from peer import EXTENSION
from waiting import jumping, turns


class Foreign:
    """An ASGI app that notes its scopes, and answers with what it was sent."""

    def __init__(self, lifespan=True):
        self.scopes, self.lifespan, self.seen = [], lifespan, []

    def __repr__(self):
        return '<Foreign>'

    async def __call__(self, scope, receive, send):
        if scope['type'] == 'lifespan':
            assert self.lifespan, 'no lifespan here'
            return await self.live(scope, receive, send)
        self.scopes.append(scope)
        if scope['type'] == 'websocket':
            assert await receive() == {'type': 'websocket.connect'}
            await send({'type': 'websocket.accept', 'headers': [(b'x-theirs', b'1'), (b'x-both', b'theirs')]})
            while (message := await receive())['type'] == 'websocket.receive':
                await send({'type': 'websocket.send', 'text': message['text']})
            return None
        body, more = b'', True
        while more:
            message = await receive()
            body += message.get('body', b'')
            more = message.get('more_body', False)
        headers = [(b'content-length', b'%d' % len(body)), (b'x-theirs', b'1'), (b'x-both', b'theirs'), (b'vary', b'a')]
        await send({'type': 'http.response.start', 'status': 201, 'headers': headers + [(b'set-cookie', b'a=1')]})
        await send({'type': 'http.response.body', 'body': b'' if scope['method'] == 'HEAD' else body})
        return None

    async def live(self, scope, receive, send):
        assert await receive() == {'type': 'lifespan.startup'}
        self.seen.append('startup')
        scope['state']['theirs'] = len(self.seen)
        await send({'type': 'lifespan.startup.complete'})
        assert await receive() == {'type': 'lifespan.shutdown'}
        self.seen.append('shutdown')
        await send({'type': 'lifespan.shutdown.complete'})
        self.seen.append('returned')


def mounted(prefix='/admin', foreign=None, **options):
    app, foreign = App(), foreign or Foreign()
    app.mount(foreign, prefix, **options)
    return app, foreign


# The scope


@pytest.mark.parametrize(
    'prefix, target, root_path, expected',
    [
        ('/admin', '/admin', '', '/admin'),
        ('/admin', '/admin/', '', '/admin'),
        ('/admin', '/admin/x', '', '/admin'),
        ('/admin/', '/admin/x/', '', '/admin'),
        ('/admin', '/admin//x', '', '/admin'),
        ('/admin', '/admin/admin/x', '', '/admin'),
        ('/admin', '/admin/a%2Fb', '', '/admin'),
        ('/admin', '/admin/.../x', '', '/admin'),
        ('/admin', '/admin/caf%C3%A9', '', '/admin'),
        ('/admin', '/admin/%ff', '', '/admin'),
        ('/a/b', '/a/b/c', '', '/a/b'),
        ('/:tenant/x', '/t%20t/x/y', '', '/t t/x'),
        ('/admin', '/api/admin/x', '/api', '/api/admin'),
        ('/admin', '/api/admin', '/api/', '/api/admin'),
        ('', '/x', '', ''),
        ('/', '/api/x', '/api', '/api'),
    ],
)
@pytest.mark.parametrize('kind', ['http', 'websocket'])
def test_the_path_is_left_alone_and_root_path_is_extended(kind, prefix, target, root_path, expected):
    app, foreign = mounted(prefix)
    given = connect(app, target, root_path=root_path).scope
    if kind == 'http':
        assert ask(app, 'GET', target, root_path=root_path).status == 201
    else:
        assert meet(app, target, root_path=root_path).accepted
    (scope,) = foreign.scopes
    assert (scope['root_path'], scope['path'], scope['raw_path']) == (expected, given['path'], given['raw_path'])
    assert scope['path'].startswith(scope['root_path'])


def test_the_scope_is_a_copy_with_every_key_and_the_servers_own_is_not_changed():
    async def run():
        app, foreign = mounted()
        extra = {'extensions': {'x': {}}, 'tls': {'a': 1}}
        peer = connect(app, '/admin/x', **extra)
        before = dict(peer.scope)
        async with peer:
            await peer.leave()
            await peer.end()
        (scope,) = foreign.scopes
        assert scope is not peer.scope
        assert {k: v for k, v in peer.scope.items() if not k.startswith('heaven.')} == before
        assert {k: scope[k] for k in before if k != 'root_path'} == {
            k: v for k, v in before.items() if k != 'root_path'
        }

    asyncio.run(run())


@pytest.mark.parametrize(
    'method', ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY', 'TRACE', 'PURGE']
)
def test_every_method_goes_through_with_its_body_unread(method):
    app, foreign = App(max_body_size=1), Foreign()
    app.mount(foreign, '/admin')
    reply = ask(app, method, '/admin/x', body=[b'abc', b'def'])
    assert (reply.status, reply.body) == (201, b'' if method == 'HEAD' else b'abcdef')
    assert foreign.scopes[0]['method'] == method


@pytest.mark.parametrize('path', ['/', '/admi', '/administrator', '/x/admin', '//admin', '/admin%2Fx'])
def test_what_is_not_under_the_prefix_by_segments_does_not_reach_it(path):
    app, foreign = mounted()
    assert ask(app, 'GET', path).status == 404
    assert meet(app, path).status == 404
    assert foreign.scopes == []


def test_routes_of_the_parent_under_the_prefix_come_before_it():
    app, _ = mounted()
    app.GET('/admin/ours', lambda req, res, ctx: res.out(200, 'ours'))
    app.GET('/admin/:id:int', lambda req, res, ctx: res.out(200, 'int'))
    assert [ask(app, 'GET', f'/admin/{rest}').status for rest in ('ours', '7', 'x', '')] == [200, 200, 201, 201]


def test_an_app_is_mounted_on_a_subdomain_at_its_root_or_below():
    for prefix, path in (('', '/x'), ('/a', '/a/x')):
        app, foreign = mounted(prefix, subdomain='API')
        assert ask(app, 'GET', path, headers={'host': 'api.a.com'}).status == 201
        assert ask(app, 'GET', path, headers={'host': 'www.a.com'}).status == 404
        assert len(foreign.scopes) == 1


def test_two_apps_cannot_have_one_prefix_whatever_the_order():
    app, _ = mounted('/admin')
    for prefix in ('/admin', '/admin/'):
        with pytest.raises(ValueError, match='/admin'):
            app.mount(Foreign(), prefix)
    app.mount(Foreign(), '/admin', subdomain='api')


def test_one_app_may_be_mounted_twice_and_in_a_mounted_app():
    root, child, foreign = App(), App(), Foreign()
    child.mount(foreign, '/deep')
    root.mount(child, '/child')
    root.mount(foreign, '/flat')
    for path in ('/child/deep/x', '/flat/x'):
        assert ask(root, 'GET', path).status == 201
    assert [scope['root_path'] for scope in foreign.scopes] == ['/child/deep', '/flat']


def test_one_at_the_root_of_a_mounted_app_has_the_prefix_of_that_app_as_its_root_path():
    root, child, foreign = App(), App(), Foreign()
    child.mount(foreign)
    root.mount(child, '/child')
    for path in ('/child', '/child/x'):
        assert ask(root, 'GET', path).status == 201
    assert [scope['root_path'] for scope in foreign.scopes] == ['/child', '/child']


def test_the_list_of_routes_names_the_app():
    app, _ = mounted()
    (route,) = app.routes()
    assert (route.route, repr(route.handler)) == ('/admin/*', '<the mounted app <Foreign>>')


def test_heaven_in_heaven_as_a_foreign_app_builds_right_urls():
    inner = App()
    inner.GET('/:id', lambda req, res, ctx: res.out(200, [req.url_for('one', id=8), req.params['id']]), name='one')

    async def wrapped(scope, receive, send):
        await inner(scope, receive, send)

    app = App()
    app.mount(wrapped, '/inner')
    assert ask(app, 'GET', '/api/inner/7', root_path='/api').json() == ['/api/inner/8', '7']


# Hooks


def test_hooks_set_headers_that_are_merged_into_its_answer():
    app, _ = mounted()

    def hook(req, res, ctx):
        res.headers.update({'x-ours': '2', 'x-both': 'ours', 'vary': 'b', 'content-type': 'no/no'})
        res.cookie('b', '2')

    app.BEFORE('/*', hook)
    reply = ask(app, 'GET', '/admin')
    assert (reply.header('x-ours'), reply.header('x-theirs'), reply.header('x-both')) == ('2', '1', 'ours')
    assert (reply.all('vary'), reply.header('content-type'), reply.header('content-length')) == (['a', 'b'], None, '0')
    assert reply.all('set-cookie') == ['a=1', 'b=2; Path=/']
    peer = meet(app, '/admin', 'x')
    assert (peer.headers[b'x-ours'], peer.headers[b'x-both'], peer.sent) == (b'2', b'ours', ['x'])


@pytest.mark.parametrize('path', """
/admin /admin/ /admin/x /admin//x //admin/x /admin%2Fx /%61dmin/x /root/admin/x http://a.com/admin/x
""".split())  # fmt: skip
def test_no_spelling_goes_around_a_guard_of_the_parent(path):
    app, foreign = mounted()
    app.mount(Foreign(), '/x')
    app.BEFORE('/admin/*', lambda req, res, ctx: res.abort(401, 'no'))
    reply = ask(app, 'GET', path, root_path='/root')
    assert (reply.status, reply.text, foreign.scopes) == (401, 'no', [])
    assert (meet(app, path, root_path='/root').status, foreign.scopes) == (401, [])


@pytest.mark.parametrize('path', '/./admin/x /x/../admin /admin/..%2Fadmin/x /admin/%2e%2e/admin /admin/.'.split())
def test_a_path_with_dots_reaches_no_app(path):
    app, foreign = mounted()
    assert (ask(app, 'GET', path).status, meet(app, path).status, foreign.scopes) == (400, 400, [])


def test_a_hook_that_has_answered_keeps_the_app_from_being_called():
    app, foreign = mounted()
    app.BEFORE('/*', lambda req, res, ctx: res.out(401, 'no'))
    assert (ask(app, 'GET', '/admin').text, foreign.scopes) == ('no', [])


@pytest.mark.parametrize('body', [b'', b'abc', [b'a', b'bc']], ids=['none', 'one', 'two'])
def test_a_body_that_a_hook_has_read_is_there_for_the_app(body):
    app, _ = mounted()

    async def hook(req, res, ctx):
        res.headers['x-read'] = str(len(await req.read()))

    app.BEFORE('/*', hook)
    reply = ask(app, 'POST', '/admin', body=body)
    assert (reply.header('x-read'), reply.body) == (
        str(len(b''.join(body) if isinstance(body, list) else body)),
        reply.body,
    )
    assert len(reply.body) == int(reply.header('x-read'))


def test_a_hook_that_asks_whether_the_client_left_loses_no_chunk():
    app, _ = mounted()

    async def hook(req, res, ctx):
        await req.disconnected()

    app.BEFORE('/*', hook)
    assert ask(app, 'POST', '/admin', body=[b'a', b'b']).body == b'ab'


def test_hooks_that_always_run_run_and_what_is_deferred_is_done_after_its_answer():
    seen = []
    app, _ = mounted()
    app.BEFORE('/*', lambda req, res, ctx: res.defer(lambda app: seen.append('deferred')) and None)
    app.AFTER('/*', lambda req, res, ctx: seen.append('always'), always=True)
    ask(app, 'GET', '/admin')
    assert seen == ['always', 'deferred']


# Life and state


def test_it_is_started_and_stopped_with_the_parent_and_its_state_reaches_its_scopes():
    app, foreign = mounted()
    with Live(app) as live:
        assert foreign.seen == ['startup']
        live.state['ours'] = 1
        live.ask('GET', '/admin')
        live.ask('GET', '/admin')
    assert foreign.seen == ['startup', 'shutdown', 'returned']
    first, second = (scope['state'] for scope in foreign.scopes)
    assert first == {'ours': 1, 'theirs': 1} == second and first is not second


def test_it_is_started_again_after_a_shutdown_with_a_state_that_is_new():
    app, foreign = mounted()
    for _ in range(2):
        with Live(app) as live:
            live.ask('GET', '/admin')
    assert foreign.seen == ['startup', 'shutdown', 'returned'] * 2
    assert [scope['state'] for scope in foreign.scopes] == [{'theirs': 1}, {'theirs': 4}]


def test_without_lifespan_from_the_server_the_first_request_starts_it():
    app, foreign = mounted()
    ask(app, 'GET', '/admin')
    assert (foreign.seen, foreign.scopes[0]['state']) == (['startup'], {'theirs': 1})


def test_it_starts_after_its_parent_and_stops_before_it():
    app, foreign = mounted()

    async def both(app):
        foreign.seen.append('up')
        yield
        foreign.seen.append('down')

    app.ON(STARTUP, both)
    with Live(app):
        pass
    assert foreign.seen == ['up', 'startup', 'shutdown', 'returned', 'down']


def test_one_that_knows_no_lifespan_is_served_all_the_same():
    app, _ = mounted(foreign=Foreign(lifespan=False))
    with Live(app) as live:
        assert live.ask('GET', '/admin').status == 201


def test_one_that_returns_from_its_lifespan_at_once_is_served_all_the_same():
    async def foreign(scope, receive, send):
        if scope['type'] == 'http':
            await Foreign()(scope, receive, send)

    app, _ = mounted(foreign=foreign)
    with Live(app) as live:
        assert live.ask('GET', '/admin').status == 201


@pytest.mark.parametrize('returns', [True, False])
def test_one_that_fails_to_start_keeps_the_server_from_starting(returns):
    async def foreign(scope, receive, send):
        await receive()
        await send({'type': 'lifespan.startup.failed', 'message': 'no database'})
        if not returns:
            raise ValueError('no database')

    app, _ = mounted(foreign=foreign)
    with pytest.raises(StartupFailed, match='no database'), Live(app):
        pass


def test_one_that_fails_to_stop_is_told_to_the_server_and_the_rest_stops(caplog):
    seen = []

    async def foreign(scope, receive, send):
        await receive()
        await send({'type': 'lifespan.startup.complete'})
        await receive()
        await send({'type': 'lifespan.shutdown.failed', 'message': 'stuck'})

    async def both(app):
        yield
        seen.append('down')

    app, _ = mounted(foreign=foreign)
    app.ON(STARTUP, both)
    with pytest.raises(StartupFailed, match='stuck'), Live(app):
        pass
    assert seen == ['down'] and len(caplog.records) == 1


def test_one_that_does_not_return_after_its_shutdown_is_cancelled_and_nothing_is_logged(caplog):
    seen = []

    async def foreign(scope, receive, send):
        for event in ('startup', 'shutdown'):
            await receive()
            await send({'type': f'lifespan.{event}.complete'})
        try:
            await asyncio.Event().wait()
        finally:
            seen.append('cancelled')

    async def main():
        app, _ = mounted(foreign=foreign)
        async with Live(app, limit=100):
            pass
        await asyncio.sleep(0)

    jumping(main())
    gc.collect()
    assert (seen, caplog.records) == (['cancelled'], [])


def test_a_copy_has_a_life_and_a_state_of_its_own():
    app, foreign = mounted()
    twin = app.copy()
    with Live(app), Live(twin) as live:
        live.ask('GET', '/admin')
        assert foreign.seen == ['startup', 'startup']
        assert ask(app.copy(), 'GET', '/admin').status == 201
    assert [scope['state'] for scope in foreign.scopes] == [{'theirs': 2}, {'theirs': 3}]


# Failures


class Failing:
    """An ASGI app that sends some messages and raises."""

    def __init__(self, *messages, error=None):
        self.messages, self.error = messages, error or ValueError('theirs')

    async def __call__(self, scope, receive, send):
        if scope['type'] == 'websocket':
            await receive()
        for message in self.messages:
            await send(dict(message))
        raise self.error


START = {'type': 'http.response.start', 'status': 200, 'headers': [(b'content-length', b'1')]}


def test_an_app_that_fails_before_it_answers_is_a_plain_500_logged_once(caplog):
    app, _ = mounted(foreign=Failing())
    app.BEFORE('/*', lambda req, res, ctx: res.header('x-ours', '1'))
    with Live(app) as live:
        reply = live.ask('GET', '/admin')
    assert (reply.status, reply.text, reply.header('x-ours')) == (500, 'Internal Server Error', '1')
    assert [record.exc_info[1].args for record in caplog.records] == [('theirs',)]


def test_an_app_that_fails_before_it_answers_asks_the_error_handlers(caplog):
    app, _ = mounted(foreign=Failing())
    app.ERROR(ValueError, lambda req, res, ctx: res.out(503, f'{res.error}'))
    assert ask(app, 'GET', '/admin').text == 'theirs'
    assert meet(app, '/admin').body == b'theirs'
    assert caplog.records == []


def test_a_failure_after_the_beginning_of_an_answer_is_logged_and_raised(caplog):
    app, _ = mounted(foreign=Failing(START))
    reply = ask(app, 'GET', '/admin', catch=True)
    assert (type(reply.error), len(caplog.records)) == (ValueError, 1)


def test_a_failure_after_the_end_of_an_answer_is_logged_and_does_not_reach_the_server(caplog):
    app, _ = mounted(foreign=Failing(START, {'type': 'http.response.body', 'body': b'x'}))
    reply = ask(app, 'GET', '/admin')
    assert (reply.body, len(caplog.records)) == (b'x', 1)


@pytest.mark.parametrize(
    'messages', [(), (START, {'type': 'http.response.body', 'body': b'x'})], ids=['before', 'after']
)
def test_the_middlewares_of_the_parent_see_its_failures(messages, caplog):
    caught = []

    class Watching:
        def __init__(self, app):
            self.app = app

        async def __call__(self, scope, receive, send):
            try:
                await self.app(scope, receive, send)
            except Exception as error:
                caught.append(str(error))
                raise

    app, _ = mounted(foreign=Failing(*messages))
    app.use(Watching)
    with Live(app) as live:
        assert live.ask('GET', '/admin').status == (200 if messages else 500)
    assert (caught, len(caplog.records)) == (['theirs'], 1)


@pytest.mark.parametrize('extensions', [EXTENSION, {}], ids=['response', 'close'])
def test_a_socket_of_an_app_that_fails_before_it_accepts_is_refused(extensions, caplog):
    app, _ = mounted(foreign=Failing())
    peer = meet(app, '/admin', extensions=extensions)
    assert peer.status == 500 if extensions else peer.code == 1011
    assert len(caplog.records) == 1


def test_a_socket_of_an_app_that_fails_after_it_accepted_is_for_the_server_to_close(caplog):
    app, _ = mounted(foreign=Failing({'type': 'websocket.accept', 'headers': [], 'subprotocol': None}))
    peer = meet(app, '/admin', catch=True)
    assert (str(peer.error), len(caplog.records)) == ('theirs', 1)


def test_a_socket_that_an_app_refuses_is_refused_in_its_words():
    async def foreign(scope, receive, send):
        await receive()
        if 'x' in scope['path']:
            return await send({'type': 'websocket.close', 'code': 4001, 'reason': 'no'})
        await send({'type': 'websocket.http.response.start', 'status': 401, 'headers': [(b'x-a', b'b')]})
        await send({'type': 'websocket.http.response.body', 'body': b'theirs'})

    app, _ = mounted(foreign=foreign)
    peer = meet(app, '/admin')
    assert (peer.status, peer.body, peer.headers[b'x-a']) == (401, b'theirs', b'b')
    assert meet(app, '/admin/x').code == 4001


@pytest.mark.parametrize('sent', [0, 1, 2])
def test_a_client_that_leaves_while_it_is_answered_is_quiet(sent, caplog):
    async def foreign(scope, receive, send):
        await send({**START, 'headers': []})
        while True:
            await send({'type': 'http.response.body', 'body': b'x', 'more_body': True})

    app, _ = mounted(foreign=foreign)
    reply = ask(app, 'GET', '/admin', fail_send_after=sent)
    assert (len(reply.messages), caplog.records) == (sent, [])


def test_a_target_in_absolute_form_reaches_an_app_as_its_path():
    app, foreign = mounted('/admin')
    ask(app, 'GET', 'http://a.com/admin/x%2Fy')
    (scope,) = foreign.scopes
    assert (scope['root_path'], scope['path'], scope['raw_path']) == ('/admin', '/admin/x/y', b'/admin/x%2Fy')


def asked_first(app):
    async def hook(req, res, ctx):
        await req.disconnected()

    parent = App(max_body_size=100)
    parent.BEFORE('/*', hook)
    parent.mount(app, '/f')
    return parent


@pytest.mark.parametrize('chunks', [[b'x' * 120], [b'x' * 60, b'x' * 60, b'x']])
def test_a_hook_that_asks_whether_the_client_left_takes_nothing_from_an_app(chunks):
    async def child(scope, receive, send):
        body, more = b'', True
        while more:
            message = await receive()
            body, more = body + message['body'], message['more_body']
        headers = [(b'content-length', b'%d' % len(body))]
        await send({'type': 'http.response.start', 'status': 200, 'headers': headers})
        await send({'type': 'http.response.body', 'body': body})

    reply = ask(asked_first(child), 'POST', '/f', body=chunks)
    assert (reply.body, reply.header('connection')) == (b''.join(chunks), None)


def test_an_app_may_give_up_waiting_for_a_message_after_a_hook_asked_whether_the_client_left():
    async def child(scope, receive, send):
        given_up = 0
        await receive()
        for _ in range(2):
            try:
                await asyncio.wait_for(receive(), 0.01)
            except TimeoutError:
                given_up += 1
        await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-length', b'1')]})
        await send({'type': 'http.response.body', 'body': b'%d' % given_up})

    assert ask(asked_first(child), 'GET', '/f').body == b'2'


@pytest.mark.parametrize('chunks', [[b'a=1'], [b'a=', b'1']])
def test_a_hook_that_reads_the_form_leaves_the_body_to_an_app(chunks):
    async def hook(req, res, ctx):
        assert (await req.form)['a'] == '1'

    async def child(scope, receive, send):
        message = await receive()
        headers = [(b'content-length', b'%d' % len(message['body']))]
        await send({'type': 'http.response.start', 'status': 200, 'headers': headers})
        await send({'type': 'http.response.body', 'body': message['body']})

    app = App()
    app.BEFORE('/*', hook)
    app.mount(child, '/f')
    headers = {'content-type': 'application/x-www-form-urlencoded'}
    assert ask(app, 'POST', '/f', body=chunks, headers=headers).body == b'a=1'


def test_an_app_that_returns_without_an_answer_is_a_500(caplog):
    async def silent(scope, receive, send):
        return

    app, _ = mounted(foreign=silent)
    assert ask(app, 'GET', '/admin').status == 500
    assert 'without an answer' in caplog.text


def test_one_that_ends_its_lifespan_before_the_shutdown_is_not_told_of_it(caplog):
    async def foreign(scope, receive, send):
        if scope['type'] == 'lifespan':
            await receive()
            await send({'type': 'lifespan.startup.complete'})
            await ending.wait()

    async def main():
        async with Live(mounted(foreign=foreign)[0]):
            ending.set()
            await turns()

    ending = asyncio.Event()
    asyncio.run(main())
    assert caplog.records == []


def test_an_app_behind_a_hook_that_saw_the_client_leave_is_told_so_at_once():
    received = []

    async def hook(req, res, ctx):
        try:
            async with req.connected():
                await asyncio.Event().wait()
        except Disconnected:
            pass

    async def child(scope, receive, send):
        if scope['type'] == 'http':
            received.extend([await receive() for _ in range(3)])

    async def main():
        app = App()
        app.BEFORE('/*', hook)
        app.mount(child, '/f')
        messages = [{'type': 'http.request', 'body': b'', 'more_body': False}, {'type': 'http.disconnect'}]

        async def receive():  # of a server that says it once
            return messages.pop(0)

        async def send(message):
            raise OSError('the client has left')

        async with asyncio.timeout(60):
            await app(http_scope('GET', '/f')[0], receive, send)

    asyncio.run(main())
    body = {'type': 'http.request', 'body': b'', 'more_body': False}
    assert received == [body, {'type': 'http.disconnect'}, {'type': 'http.disconnect'}]

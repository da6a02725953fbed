"""The clients and a Heaven app: what it worked with, parts of it replaced, and its own kinds of handlers."""

import asyncio
import contextvars
import importlib
import logging
import sys

import pytest
from heaven import SHUTDOWN, STARTUP, App, ClientError, Key, TooLarge
from heaven_testing import AsyncClient, Client, WebSocketRefused, trio

logging.getLogger('heaven').addHandler(logging.NullHandler())
LANGUAGE = contextvars.ContextVar('language', default='none')


def guard(req, res, ctx):
    if req.headers.get('authorization') is None:
        return res.out(401, 'Log in first')
    ctx.user = 'ada'


def patient(req, res, ctx):
    res.body = {'id': req.params['id'], 'db': str(req.app.peek('db')), 'user': ctx.peek('user')}


def broken(req, res, ctx):
    raise ValueError('broken')


async def connect(app):
    app.keep('db', 'real')
    LANGUAGE.set('fr')
    yield
    app.peek('log', []).append('disconnected')


@pytest.fixture
def app():
    app = App()
    app.ON(STARTUP, connect)
    app.BEFORE('/v1/*', guard)
    app.GET('/v1/patients/:id:int', patient)
    app.GET('/open/:id:int', patient)
    app.GET('/broken', broken)
    app.GET('/language', lambda req, res, ctx: res.out(200, LANGUAGE.get()))
    return app


def test_trio_is_what_the_app_used(app):
    seen = []
    app.POST('/seen', lambda req, res, ctx: seen.extend((req, res, ctx)))
    with Client(app) as client:
        req, res, ctx = client.post('/seen', json=[1]).trio
        assert (req, res, ctx) == tuple(seen)
        assert (req.json, req.route, res.status) == ([1], '/seen', 200)
        for path, status in (('/nowhere', 404), ('/v1/patients/7', 401)):
            response = client.get(path)
            assert (response.status_code, response.trio[1].status) == (status, status)
        with client.stream('GET', '/open/7') as response:
            assert response.trio[0].params['id'] == 7


def test_trio_of_an_app_within_middlewares_and_of_a_mounted_one(app):
    class Middleware:
        def __init__(self, app):
            self.app = app

        async def __call__(self, scope, receive, send):
            await self.app(dict(scope), receive, send)

    parent = App()
    parent.mount(app, '/app')
    parent.use(Middleware)
    with Client(parent) as client:
        assert client.get('/app/open/7').trio[0].params['id'] == 7


def test_an_exception_of_a_handler_is_raised_or_answered(app):
    with Client(app) as client, pytest.raises(ValueError, match='broken'):
        client.get('/broken')
    with Client(app, raise_app_exceptions=False) as client:
        assert client.get('/broken').status_code == 500
    app.ERROR(500, lambda req, res, ctx: res.out(500, 'sorry'))
    with Client(app) as client, pytest.raises(ValueError, match='broken'):
        client.get('/broken')
    app.ERROR(ValueError, lambda req, res, ctx: res.out(409, 'expected'))
    with Client(app) as client:
        assert client.get('/broken').status_code == 409


def test_startup_is_run_and_what_it_raises_is_raised(app):
    with Client(app) as client:
        assert client.get('/open/7').json()['db'] == 'real'
        assert client.get('/language').text == 'fr'

    def fails(app):
        raise RuntimeError('no disk')

    app.ON(STARTUP, fails)
    with pytest.raises(RuntimeError, match='no disk'), Client(app):
        pytest.fail('entered')


def test_swap_bypass_and_keeping_before_the_block(app):
    with Client(app).swap(broken, patient).bypass(guard).keeping(db='fake') as client:
        assert client.get('/v1/patients/7').json() == {'id': 7, 'db': 'fake', 'user': None}
        assert client.app is not app
    with Client(app) as client:
        assert client.app is app
        assert client.get('/v1/patients/7').status_code == 401
        assert client.get('/open/7').json()['db'] == 'real'


def test_swap_bypass_and_keeping_inside_the_block(app):
    log = []
    app.keep('log', log)
    with Client(app) as client:
        assert client.get('/v1/patients/7').status_code == 401
        client.bypass(guard)
        assert client.get('/v1/patients/7').json()['db'] == 'real'
        assert client.keeping({Key[str]('db'): 'fake'}).get('/v1/patients/7').json()['db'] == 'fake'
        client.swap(broken, lambda req, res, ctx: res.out(200, 'mended'))
        assert client.get('/broken').text == 'mended'
        assert client.get('/broken').trio[1].body == 'mended'
        client.swap(broken, lambda req, res, ctx: res.out(200, 'again'))
        assert client.get('/broken').text == 'again'
        assert client.get('/v1/patients/7').json()['db'] == 'fake'
    assert log == ['disconnected']
    with Client(app) as client, pytest.raises(ValueError, match='broken'):
        client.get('/broken')


def test_two_clients_with_different_swaps_do_not_meet(app):
    def saying(text):
        return lambda req, res, ctx: res.out(200, text)

    with Client(app).swap(broken, saying('a')) as first, Client(app).swap(broken, saying('b')) as second:
        texts = [client.get('/broken').text for client in (first, second, first)]
        first.keeping(db='first')
        databases = [client.get('/open/7').json()['db'] for client in (first, second)]
    assert (texts, databases) == (['a', 'b', 'a'], ['first', 'real'])


def test_lifecycle_daemons_and_dotted_names_are_swapped(app):
    ran = []

    async def daemon(app):
        ran.append('daemon')

    app.DAEMON(daemon)
    app.ON(SHUTDOWN, 'nowhere.at_all.stop')
    app.GET('/dotted/:id:int', 'nowhere.at_all.handler')

    async def fake_daemon(app):
        ran.append('fake daemon')

    client = Client(app).swap(connect, lambda app: app.keep('db', 'swapped')).swap(daemon, fake_daemon)
    client.swap('nowhere.at_all.stop', lambda app: ran.append('stopped'))
    client.swap('nowhere.at_all.handler', patient)
    with client:
        assert client.get('/dotted/7').json() == {'id': 7, 'db': 'swapped', 'user': None}
    assert ran == ['fake daemon', 'stopped']


def test_a_function_is_found_under_its_dotted_name(app):
    import json

    app.GET('/dumps', 'json.dumps')
    with Client(app).swap(json.dumps, lambda req, res, ctx: res.out(200, 'swapped')) as client:
        assert client.get('/dumps').text == 'swapped'
    app.GET('/loads', json.loads)
    with Client(app).swap('json.loads', lambda req, res, ctx: res.out(200, 'swapped')) as client:
        assert client.get('/loads').text == 'swapped'


@pytest.fixture
def clinic(tmp_path, monkeypatch):
    """A package whose app names functions of objects, and finds them beside itself."""
    folder = tmp_path / 'clinic_of_tests'
    (folder / 'rooms_of_tests').mkdir(parents=True)
    (folder / '__init__.py').write_text('')
    (folder / 'rooms_of_tests' / '__init__.py').write_text('')
    (folder / 'rooms_of_tests' / 'desk.py').write_text(
        'class Desk:\n'
        '    def greet(self, req, res, ctx):\n        res.body = "real"\n'
        '    @staticmethod\n    def ask(req, res, ctx):\n        res.body = "real"\n'
        'desk = Desk()\n'
    )
    (folder / 'app.py').write_text(
        'from heaven import App\n'
        'app = App()\n'
        'app.GET("/greet", "rooms_of_tests.desk.desk.greet")\n'
        'app.GET("/ask", "clinic_of_tests.rooms_of_tests.desk.Desk.ask")\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module('clinic_of_tests.app').app
    for name in [name for name in sys.modules if name.startswith('clinic_of_tests')]:
        del sys.modules[name]


def fake(req, res, ctx):
    res.body = 'fake'


def test_a_function_of_an_object_is_found_under_the_dotted_name_that_the_app_finds_it_by(clinic):
    from clinic_of_tests.rooms_of_tests.desk import Desk, desk

    with Client(clinic).swap(desk.greet, fake).swap(desk.greet, fake).swap(Desk.ask, fake) as client:
        assert [client.get(path).text for path in ('/greet', '/ask')] == ['fake', 'fake']
    with Client(clinic) as client:
        client.swap(desk.greet, fake)
        assert [client.get(path).text for path in ('/greet', '/ask')] == ['fake', 'real']
    with pytest.raises(LookupError, match='Desk object'), Client(clinic).swap(Desk().greet, fake):
        pytest.fail('entered')


def test_a_dotted_name_is_found_where_the_function_of_an_object_is_registered(clinic):
    from clinic_of_tests.rooms_of_tests.desk import Desk, desk

    app = App()
    app.GET('/greet', desk.greet)
    app.GET('/ask', Desk.ask)
    client = Client(app)
    for name in ('clinic_of_tests.rooms_of_tests.desk.desk.greet', 'clinic_of_tests.rooms_of_tests.desk.Desk.ask'):
        client.swap(name, fake)
    with client:
        assert [client.get(path).text for path in ('/greet', '/ask')] == ['fake', 'fake']


def test_what_is_swapped_by_its_name_is_not_imported_to_find_others(clinic):
    client = (
        Client(clinic)
        .swap('rooms_of_tests.desk.desk.greet', fake)
        .swap('clinic_of_tests.rooms_of_tests.desk.Desk.ask', fake)
    )
    with pytest.raises(LookupError, match='function patient'), client.swap(patient, fake):
        pytest.fail('entered')
    assert 'clinic_of_tests.rooms_of_tests.desk' not in sys.modules


def test_what_is_not_registered_cannot_be_swapped(app):
    client = Client(app).swap(len, max)
    with pytest.raises(LookupError, match='built-in function len'):
        client.__enter__()
    with Client(app) as client:
        with pytest.raises(LookupError, match='built-in function len'):
            client.bypass(len)
        assert client.get('/open/7').status_code == 200


def test_an_error_at_the_beginning_of_a_client_is_not_hidden_by_one_at_its_end(app):
    def fails(app):
        raise ValueError('of the shutdown')

    async def enter():
        async with AsyncClient(app).swap(len, max):
            pytest.fail('entered')

    app.ON(SHUTDOWN, fails)
    with pytest.raises(LookupError, match='built-in function len'):
        Client(app).swap(len, max).__enter__()
    with pytest.raises(LookupError, match='built-in function len'):
        asyncio.run(enter())


def test_requests_of_others_are_served_and_fail_as_ever_while_a_client_has_entered(app):
    async def ask_without_a_client(path):
        sent = []

        async def receive():
            return {'type': 'http.request', 'body': b'', 'more_body': False}

        async def send(message):
            sent.append(message)

        scope = {'type': 'http', 'asgi': {'version': '3.0'}, 'http_version': '1.1', 'method': 'GET', 'headers': []}
        await app(scope | {'path': path, 'raw_path': path.encode(), 'query_string': b''}, receive, send)
        return sent[0]['status']

    async def use():
        async with AsyncClient(app) as client:
            assert [await ask_without_a_client(path) for path in ('/open/7', '/broken')] == [200, 500]
            assert (await client.get('/open/7')).json()['db'] == 'real'

    asyncio.run(use())


def stop(app):
    app.peek('log').append('real')


INSIDE = pytest.mark.parametrize('copied', [False, True], ids=['of the app', 'of a copy'])


@pytest.fixture
def clients(app):
    """A client that runs the app itself, and one that runs a copy of it."""
    return {False: lambda: Client(app), True: lambda: Client(app).keeping(other=1)}


@INSIDE
@pytest.mark.parametrize(
    ('replace', 'ended'),
    [
        (lambda client: client.swap(stop, lambda app: app.peek('log').append('fake')), ['fake']),
        (lambda client: client.swap(stop, print).swap(stop, lambda app: app.peek('log').append('last')), ['last']),
        (lambda client: client.bypass(stop), []),
        (lambda client: client.swap('nowhere.at_all', stop), LookupError),
        (lambda client: client, ['real']),
    ],
    ids=['swap', 'twice', 'bypass', 'unknown', 'none'],
)
def test_a_shutdown_function_is_replaced_while_the_app_runs(app, clients, copied, replace, ended):
    app.keep('log', log := [])
    app.ON(SHUTDOWN, stop)
    with clients[copied]() as client:
        client.keeping(log=log)
        if ended is LookupError:
            with pytest.raises(LookupError, match='not registered'):
                replace(client)
        else:
            replace(client)
    assert log == [*(['real'] if ended is LookupError else ended), 'disconnected']
    log.clear()
    with Client(app):
        pass
    assert log == ['real', 'disconnected']


@INSIDE
def test_a_daemon_is_replaced_while_the_app_runs_from_its_next_run_on(app, clients, copied):
    async def real(app):
        ran.put_nowait('real')
        await app.peek('go').wait()
        return 0

    async def fake(app):
        ran.put_nowait('fake')

    async def next_run(req, res, ctx):
        res.body = await ran.get()

    ran = asyncio.Queue()
    app.ON(STARTUP, lambda app: app.keep('go', asyncio.Event()))
    app.DAEMON(real)
    app.GET('/run', next_run)
    app.GET('/go', lambda req, res, ctx: req.app.peek('go').set())
    with clients[copied]() as client:
        assert client.get('/run').text == 'real'
        client.swap(real, fake).get('/go')
        assert client.get('/run').text == 'fake'


@INSIDE
def test_a_startup_function_that_has_run_cannot_be_replaced_and_says_so(app, clients, copied):
    with clients[copied]() as client:
        for replace in (lambda: client.swap(connect, fake), lambda: client.bypass(connect)):
            with pytest.raises(LookupError, match=r'run already, at startup.* before the `with`.*function connect'):
                replace()
        assert client.bypass(guard).get('/v1/patients/7').json()['db'] == 'real'


@INSIDE
@pytest.mark.parametrize(
    'replace',
    [
        lambda client: client.bypass(guard),
        lambda client: client.swap(broken, patient),
        lambda client: client.keeping(db='fake'),
        lambda client: client.bypass(guard).keeping(db='fake'),
    ],
    ids=['bypass', 'swap', 'keeping', 'both'],
)
@pytest.mark.parametrize('mounted', [False, True])
def test_requests_daemons_and_shutdown_have_one_state_whatever_is_replaced(app, clients, copied, replace, mounted):
    async def tick(app):
        app.keep('ticks', app.peek('ticks', 0) + 1)
        await app.peek('ask').acquire()
        return 0

    def show(req, res, ctx):
        res.body = [req.app.peek(key) for key in ('ticks', 'seen', 'db')]
        req.app.keep('seen', 'in a request')
        req.app.peek('ask').release()

    owner, ends = app, []
    if mounted:
        owner = App()
        app.mount(owner, '/child')
    owner.ON(STARTUP, lambda app: app.keep('ask', asyncio.Semaphore(0)))
    owner.DAEMON(tick)
    owner.GET('/show', show)
    owner.ON(SHUTDOWN, lambda app: ends.append([app.peek('seen'), app.peek('db')]))
    path = '/child/show' if mounted else '/show'
    with clients[copied]() as client:
        assert client.get(path).json()[1] is None
        replace(client)
        db = client.get(path).json()[2]
        assert [client.get(path).json()[0] for _ in range(20)][-1] > 3
        assert client.get(path).json()[1:] == ['in a request', db]
    assert ends == [['in a request', db]]


def test_what_one_client_keeps_another_of_the_same_app_does_not_meet(app):
    app.ON(SHUTDOWN, stop)
    app.keep('log', log := [])
    with Client(app) as first, Client(app) as second:
        first.keeping(db='first').bypass(stop)
        assert [client.get('/open/7').json()['db'] for client in (first, second)] == ['first', 'real']
        first.keeping(more=1)
        second.bypass(guard)
        assert [client.get('/v1/patients/7').status_code for client in (first, second)] == [401, 200]
    assert app.peek('db') is None
    assert log == ['real', 'disconnected', 'disconnected']  # of the second, which has a run of its own, then the first


def test_entering_a_client_always_runs_a_startup_and_one_that_enters_beside_another_gets_a_copy(app):
    started = []
    app.ON(STARTUP, lambda app: started.append(app))
    with Client(app) as first:
        with Client(app) as second, Client(app) as third:
            assert started == [first.app, second.app, third.app]
            for client in (first, second, third):
                req = client.get('/open/7').trio[0]
                assert req.app is client.app
        assert first.app is app
        assert len({id(each) for each in started}) == 3
        assert first.get('/open/7').json()['db'] == 'real'
    with Client(app) as fourth:
        assert fourth.app is app


def test_a_client_beside_an_app_that_somebody_else_runs_gets_a_copy(app):
    async def main():
        inbox = asyncio.Queue()
        inbox.put_nowait({'type': 'lifespan.startup'})
        sent = asyncio.Queue()
        server = asyncio.create_task(app({'type': 'lifespan', 'asgi': {'version': '3.0'}}, inbox.get, sent.put))
        assert (await sent.get())['type'] == 'lifespan.startup.complete'
        async with AsyncClient(app) as client:
            assert client.app is not app
            assert (await client.get('/open/7')).json()['db'] == 'real'
        assert app.is_running
        inbox.put_nowait({'type': 'lifespan.shutdown'})
        await server

    asyncio.run(main())


def test_async_clients_that_enter_at_once_have_an_app_each(app):
    async def main():
        entered = asyncio.Barrier(2)

        async def one():
            async with AsyncClient(app) as client:
                await entered.wait()
                return client.app

        first, second = await asyncio.gather(one(), one())
        assert first is not second

    asyncio.run(main())


def test_without_lifespan_an_app_starts_at_its_first_request(app):
    with Client(app, lifespan='off') as client:
        assert not client.app.is_running
        assert client.get('/open/7').json()['db'] == 'real'
    with Client(app, lifespan='off').swap(broken, patient).keeping(db='fake') as client:
        assert client.get('/v1/patients/7').status_code == 401
        assert client.bypass(guard).get('/v1/patients/7').json()['db'] == 'fake'


def test_a_client_that_was_not_entered_has_its_replacements(app):
    client = Client(app).bypass(guard)
    assert client.get('/v1/patients/7').json()['db'] == 'real'
    assert client.swap(broken, fake).get('/broken').text == 'fake'
    assert not app.is_running
    client.close()


def test_what_is_registered_between_a_swap_and_the_block_is_there(app):
    client = Client(app).bypass(guard)
    app.GET('/late', fake)
    with client:
        assert client.get('/late').text == 'fake'


def test_a_client_with_replacements_starts_a_copy_of_its_own_beside_one_that_runs(app):
    async def connect_to_another(app):
        app.keep('db', 'another')

    with Client(app) as first, Client(app).swap(connect, connect_to_another).keeping(log=[]) as second:
        assert [client.get('/open/7').json()['db'] for client in (first, second)] == ['real', 'another']


def test_a_replacement_that_cannot_be_made_changes_nothing(app):
    with Client(app) as client:
        with pytest.raises(Exception, match='nowhere'):
            client.swap(broken, 'nowhere.at_all')
        assert client.app is app
        assert client.bypass(guard).get('/v1/patients/7').status_code == 200
        with pytest.raises(Exception, match='nowhere'):
            client.swap(broken, 'nowhere.at_all')
        assert client.keeping(db='fake').get('/v1/patients/7').json()['db'] == 'fake'


def test_what_a_middleware_holds_is_there_after_a_replacement_in_a_copy(app):
    class Counting:
        def __init__(self, app):
            self.app, self.calls = app, 0

        async def __call__(self, scope, receive, send):
            self.calls += 1
            scope['state']['calls'] = self.calls
            await self.app(scope, receive, send)

    app.use(Counting)
    app.GET('/calls', lambda req, res, ctx: res.out(200, req.scope['state']['calls']))
    with Client(app).keeping(db='fake') as client:
        before = client.get('/calls').json()
        assert client.bypass(guard).get('/calls').json() == before + 1


def test_the_async_client_does_the_same(app):
    log = []
    app.ON(SHUTDOWN, stop)
    app.keep('log', [])

    async def main():
        async with AsyncClient(app).keeping(db='fake') as client:
            response = await client.get('/open/7')
            assert (response.json()['db'], response.trio[0].params['id']) == ('fake', 7)
            client.bypass(guard).bypass(stop).keeping(log=log)
            assert (await client.get('/v1/patients/7')).json()['db'] == 'fake'
            with pytest.raises(LookupError, match='run already'):
                client.bypass(connect)
            with pytest.raises(ValueError, match='broken'):
                await client.get('/broken')
        assert log == ['disconnected']
        async with AsyncClient(app) as one, AsyncClient(app).swap(broken, patient) as two:
            assert (await one.get('/v1/patients/7')).status_code == 401
            assert (await two.get('/open/7')).json()['db'] == 'real'

    asyncio.run(main())


def test_subdomains_of_an_app(app):
    api = app.subdomain('api')
    api.GET('/', lambda req, res, ctx: res.out(200, f'api {req.host}'))
    with Client(app) as client:
        assert client.get('/', subdomain='api').text == 'api api.localhost'
        assert client.get('/').status_code == 404
    app = App(domain='example.co.uk')
    app.subdomain('api').GET('/', lambda req, res, ctx: res.out(200, f'{req.subdomain} {req.host}'))
    with Client(app) as client:
        assert client.get('/', subdomain='api').text == 'api api.example.co.uk'
        assert client.get('/').status_code == 404


def test_deferred_work_is_done_when_the_call_returns(app):
    done = []
    app.GET('/defer', lambda req, res, ctx: res.defer(lambda app: done.append(app)).out(200, 'ok'))
    with Client(app) as client:
        assert client.get('/defer').text == 'ok'
        assert done == [app]


def test_a_stream_is_left_and_closed(app, monkeypatch):
    monkeypatch.setattr('heaven_testing.exchange.MOMENT', 60)  # the app waits for the test, however slow it is
    made, closed = [], []

    async def numbers():
        try:
            for number in range(100):
                made.append(number)
                yield f'{number}\n'
        finally:
            closed.append(True)

    app.GET('/numbers', lambda req, res, ctx: res.stream(numbers()))
    with Client(app) as client:
        with client.stream('GET', '/numbers') as response:
            assert (next(response.iter_text()), made) == ('0\n', [0])
        assert closed == [True] and len(made) < 3


def test_events_and_websockets_of_an_app(app):
    async def ticks():
        yield {'event': 'tick', 'data': {'n': 1}, 'id': '1'}
        yield 'two\nlines'

    async def chat(req, ws, ctx):
        async for message in ws:
            if message == 'raise':
                raise ValueError('in the handler')
            await ws.send_json({'said': message, 'user': ctx.peek('user')})

    app.GET('/ticks', lambda req, res, ctx: res.stream(ticks(), sse=True))
    app.WS('/v1/chat', chat)
    with Client(app) as client:
        first, second = client.sse('/ticks')
        assert (first.event, first.json(), first.id, second.data) == ('tick', {'n': 1}, '1', 'two\nlines')
        with pytest.raises(WebSocketRefused) as caught:
            client.websocket('/v1/chat')
        assert (caught.value.response.status_code, caught.value.response.text) == (401, 'Log in first')
        with client.websocket('/v1/chat', headers={'authorization': 'x'}) as ws:
            ws.send('hello')
            assert ws.receive_json() == {'said': 'hello', 'user': 'ada'}
            assert ws.response.trio[2].user == 'ada'
            ws.send('raise')
            with pytest.raises(ValueError, match='in the handler'):
                ws.receive()


def test_trio_calls_one_handler(app):
    req, res, ctx = trio('/open/7?full=1', app=app)
    patient(req, res, ctx)
    assert res.body == {'id': 7, 'db': 'None', 'user': None}
    assert (req.queries['full'], req.route, req.app) == ('1', '/open/:id:int', app)
    app.keep('db', 'kept')
    req, res, ctx = trio('/v1/patients/7', app=app)
    patient(req, res, ctx)
    assert res.body['db'] == 'kept'


def test_trio_changes_nothing_about_its_app_and_imports_and_starts_nothing(app):
    app.GET('/dotted', 'nowhere.at_all.handler')
    app.BEFORE('/*', 'nowhere.at_all.hook')
    app.ERROR(404, 'nowhere.at_all.error')
    app.ON(STARTUP, lambda app: pytest.fail('started'))
    app.use(lambda app: pytest.fail('the middleware was called'))
    child = App()
    child.GET('/:name', 'nowhere.at_all.name', before='nowhere.at_all.hook')
    app.mount(child, '/child')
    req, _, _ = trio('/child/ada', app=app)
    assert (req.params, req.route, req.app) == ({'name': 'ada'}, '/child/:name', child)
    assert trio('/ada', app=child)[0].route == '/:name'
    req, res, _ = trio('/nowhere', app=app)
    assert (req.route, req.app, res.status) == (None, app, 200)
    assert app.peek('db') is None and not app.is_running


def test_trio_raises_what_the_app_would_refuse_the_request_with(app):
    app.POST('/later', broken)
    for path in ('/later', '/nowhere'):
        with pytest.raises(TooLarge):
            trio(path, 'POST', body=b'x' * 11 * 2**20, app=app)
    with pytest.raises(ClientError, match='no path'):
        trio('/a/%2E%2E/b', app=app)
    with pytest.raises(ValueError, match='the request that the test makes is wrong'):
        trio('/', headers={'a b': 'c'}, app=app)


def test_trio_finds_the_subdomain_and_streams_the_body(app):
    async def store(req, res, ctx):
        res.body = b''.join([chunk async for chunk in req.stream()])

    app.subdomain('api').PUT('/:name', store, stream=True)
    req, res, ctx = trio('http://api.localhost/ada', 'PUT', body='raw', app=app)
    assert (req.route, req.subdomain) == ('/:name', 'api')
    asyncio.run(store(req, res, ctx))
    assert res.body == b'raw'
    assert trio('/ada', 'PUT', app=app)[0].route is None


def test_trio_of_an_app_that_runs_has_its_state_and_leaves_it_alone(app):
    with Client(app) as client:
        req, res, ctx = trio('/open/7', app=app)
        patient(req, res, ctx)
        assert res.body['db'] == 'real'
        assert client.get('/open/7').json() == res.body


def test_trio_is_called_in_an_async_test_as_well(app):
    async def main():
        req, res, ctx = trio('/open/7', app=app)
        patient(req, res, ctx)
        assert res.body['id'] == 7

    asyncio.run(main())


@pytest.mark.parametrize(
    ('options', 'found'),
    [
        ({'json': {'a': 1}}, lambda req: req.json == {'a': 1}),
        ({'body': b'raw'}, lambda req: req.body == b'raw'),
        ({'headers': {'X-A': 'b'}, 'method': 'PUT'}, lambda req: (req.headers['x-a'], req.method) == ('b', 'PUT')),
        ({'cookies': {'a': 'b'}}, lambda req: req.cookies['a'] == 'b'),
    ],
)
def test_trio_makes_any_request(options, found):
    req, res, ctx = trio('/a%20b', **{'method': 'POST', **options})
    assert found(req)
    assert (req.path, req.host, res.status) == ('/a b', 'localhost', 200)
    ctx.user = 'ada'

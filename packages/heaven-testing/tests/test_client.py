"""The clients against raw ASGI applications: what a server would do, and none of the complaints about test clients."""

import asyncio
import contextvars
import gc
import os
import subprocess
import sys
import threading
import time
import warnings

import pytest
from heaven_testing import (
    AsyncClient,
    AsyncTransport,
    Client,
    LifespanFailed,
    LifespanWarning,
    Response,
    Transport,
)
from heaven_testing.library import httpx

# The applications here are plain functions that know nothing of a lifespan.
pytestmark = pytest.mark.filterwarnings('ignore::heaven_testing.LifespanWarning')

TENANT = contextvars.ContextVar('tenant', default='nobody')


async def answer(send, body=b'', status=200, headers=()):
    await send({'type': 'http.response.start', 'status': status, 'headers': list(headers)})
    await send({'type': 'http.response.body', 'body': body if isinstance(body, bytes) else str(body).encode()})


async def read(receive):
    body, more = b'', True
    while more:
        message = await receive()
        body, more = body + message['body'], message.get('more_body', False)
    return body


def serving(handler, startup=None, shutdown=None):
    """Make an application of a handler of requests and of what its lifespan does."""

    async def app(scope, receive, send):
        if scope['type'] != 'lifespan':
            return await handler(scope, receive, send)
        for stage, work in (('startup', startup), ('shutdown', shutdown)):
            assert (await receive())['type'] == f'lifespan.{stage}'
            if work is not None:
                await work(scope)
            await send({'type': f'lifespan.{stage}.complete'})

    return app


class Sync:
    """A client that is not async, with the verbs of the async one, so that a scenario is written once."""

    def __init__(self, app, **options):
        self.client = Client(app, **options)

    async def __aenter__(self):
        self.client.__enter__()
        return self

    async def __aexit__(self, *error):
        self.client.__exit__(*error)

    async def get(self, *args, **options):
        return self.client.get(*args, **options)

    async def post(self, *args, **options):
        return self.client.post(*args, **options)

    async def request(self, *args, **options):
        return self.client.request(*args, **options)


def both(scenario):
    """Run a scenario with either client."""

    @pytest.mark.parametrize('make', [AsyncClient, Sync])
    def test(make):
        asyncio.run(asyncio.wait_for(scenario(make), 60))

    test.__name__ = scenario.__name__
    return test


# What the application sees.


@both
async def test_scope_is_that_of_a_server(make):
    seen = []

    async def handler(scope, receive, send):
        seen.append(scope)
        await answer(send)

    async with make(serving(handler), client=('10.0.0.7', 4711)) as client:
        await client.get('/caf%C3%A9%2Fau%20lait;a=1?x=%20&y', headers={'X-Many': 'a'})
        await client.request('options', 'https://api.example.com:8443/')
        await client.get('/', extensions={'target': b'/a/../b?c'})
        await client.get('http://[::1]:0/')
    first, second, third, fourth = seen
    assert first['path'] == '/café/au lait;a=1'
    assert first['raw_path'] == b'/caf%C3%A9%2Fau%20lait;a=1'
    assert first['query_string'] == b'x=%20&y'
    assert (first['method'], first['scheme'], first['http_version'], first['root_path']) == ('GET', 'http', '1.1', '')
    assert (first['client'], first['server']) == (('10.0.0.7', 4711), ('localhost', 80))
    assert (b'host', b'localhost') in first['headers'] and (b'x-many', b'a') in first['headers']
    assert first['asgi']['version'] == '3.0'
    assert (second['method'], second['scheme'], second['server']) == ('OPTIONS', 'https', ('api.example.com', 8443))
    assert (b'host', b'api.example.com:8443') in second['headers']
    assert (third['path'], third['raw_path'], third['query_string']) == ('/a/../b', b'/a/../b', b'c')
    assert fourth['server'] == ('::1', 0)


@pytest.mark.parametrize(
    ('url', 'path'),
    [
        ('/', '/'),
        ('/a%2Fb', '/a/b'),
        ('/%2525', '/%25'),
        ('/a+b', '/a+b'),
        ('/caf%C3%A9', '/café'),
        ('/café', '/café'),
        ('/%FF', '/\ufffd'),
        ('/a;b=c,d', '/a;b=c,d'),
        ('/a/', '/a/'),
        ('/a//b', '/a//b'),
        ('/a%3Fb', '/a?b'),
    ],
)
def test_path_is_decoded_once_and_as_utf_8(url, path):
    async def handler(scope, receive, send):
        await answer(send, scope['path'])

    with Client(serving(handler)) as client:
        assert client.get(url).text == path


@both
async def test_root_path_is_a_prefix_of_the_path_as_a_server_gives_it(make):
    async def handler(scope, receive, send):
        await answer(send, f'{scope["root_path"]} {scope["path"]} {scope["raw_path"].decode()}')

    async with make(serving(handler), root_path='/api/') as client:
        assert (await client.get('/users')).text == '/api /api/users /api/users'
        assert (await client.get('/api/users')).text == '/api /api/users /api/users'
        assert (await client.get('/apis')).text == '/api /api/apis /api/apis'


@both
async def test_subdomain_is_the_first_label_of_the_host(make):
    async def handler(scope, receive, send):
        await answer(send, dict(scope['headers'])[b'host'])

    async with make(serving(handler)) as client:
        assert (await client.get('/')).text == 'localhost'
        assert (await client.get('/', subdomain='api')).text == 'api.localhost'
        assert (await client.post('http://www.example.com/', subdomain='api')).text == 'api.example.com'
    async with make(serving(handler), base_url='https://example.com:444/v1') as client:
        response = await client.get('/a?b=c', subdomain='api')
        assert response.text == 'api.example.com:444'
        assert str(response.url) == 'https://api.example.com:444/v1/a?b=c'
        assert str((await client.get('/a?b=c')).url) == 'https://example.com:444/v1/a?b=c'


@both
async def test_a_large_body_arrives_in_pieces_as_a_server_reads_it(make):
    sizes = []

    async def handler(scope, receive, send):
        more = True
        while more:
            message = await receive()
            sizes.append(len(message['body']))
            more = message['more_body']
        await answer(send)

    async with make(serving(handler)) as client:
        await client.post('/', content=b'x' * 150_000)
        await client.post('/')
    assert sizes == [65536, 65536, 18928, 0]


@both
async def test_after_the_response_the_application_is_told_that_the_client_left(make):
    seen = []

    async def handler(scope, receive, send):
        waiting = asyncio.create_task(receive())
        assert (await waiting)['type'] == 'http.request'
        waiting = asyncio.create_task(receive())
        await answer(send)
        seen.append((await waiting)['type'])
        seen.append((await receive())['type'])

    async with make(serving(handler)) as client:
        await client.get('/')
    assert seen == ['http.disconnect'] * 2


@both
async def test_httpx_features_work_over_it(make):
    async def handler(scope, receive, send):
        headers = dict(scope['headers'])
        if scope['path'] == '/login':
            return await answer(send, b'', 303, [(b'location', b'/me'), (b'set-cookie', b'a=b; Path=/')])
        await answer(send, f'{headers.get(b"cookie")} {headers.get(b"authorization")} {await read(receive)}')

    async with make(serving(handler), auth=('ada', 'x'), follow_redirects=True) as client:
        response = await client.post('/login', json={'a': 1})
        assert response.text == "b'a=b' b'Basic YWRhOng=' b''"
        assert [each.status_code for each in response.history] == [303]
        assert isinstance(response, Response) and response.request.method == 'GET'
        files = {'file': ('a.txt', b'hello', 'text/plain')}
        assert 'filename="a.txt"' in (await client.post('/', files=files, data={'b': 'c'})).text


@both
async def test_every_verb_sends_its_method_and_takes_a_subdomain(make):
    async def handler(scope, receive, send):
        host = dict(scope['headers'])[b'host'].decode()
        await answer(send, b'', 200, [(b'x-seen', f'{scope["method"]} {host} {await read(receive)}'.encode())])

    async with make(serving(handler)) as client:
        verbs = getattr(client, 'client', client)
        for verb in ('get', 'head', 'options', 'delete', 'post', 'put', 'patch'):
            body = {'content': b'a'} if verb in ('post', 'put', 'patch') else {}
            response = getattr(verbs, verb)('/', subdomain='api', **body)
            response = response if make is Sync else await response
            assert response.headers['x-seen'] == f'{verb.upper()} api.localhost {body.get("content", b"")}'


@both
async def test_what_an_application_tells_for_debugging_is_among_the_extensions(make):
    async def handler(scope, receive, send):
        assert 'http.response.debug' in scope['extensions']
        await send({'type': 'http.response.debug', 'info': {'template': 'a.html'}})
        await answer(send)

    async with make(serving(handler)) as client:
        assert (await client.get('/')).extensions['http.response.debug'] == {'template': 'a.html'}


@both
async def test_cookies_do_not_leak_between_clients(make):
    async def handler(scope, receive, send):
        await answer(send, dict(scope['headers']).get(b'cookie', b''), 200, [(b'set-cookie', b'a=b')])

    app = serving(handler)
    async with make(app) as first, make(app) as second:
        await first.get('/')
        assert (await first.get('/')).text == 'a=b'
        assert (await second.get('/')).text == ''


@both
async def test_a_head_response_has_its_length_and_no_body(make):
    async def handler(scope, receive, send):
        await answer(send, b'body', 200, [(b'content-length', b'4')])

    async with make(serving(handler)) as client:
        response = await client.request('HEAD', '/')
        assert (response.content, response.headers['content-length']) == (b'', '4')


@both
async def test_transfer_encoding_of_the_application_is_not_heard(make):
    async def handler(scope, receive, send):
        await answer(send, b'a', 200, [(b'transfer-encoding', b'chunked')])

    async with make(serving(handler)) as client:
        assert 'transfer-encoding' not in (await client.get('/')).headers


# Lifespan, state, contextvars.


@both
async def test_lifespan_runs_and_its_state_is_copied_for_each_request(make):
    said = []

    async def startup(scope):
        scope['state'].update(db='db', seen=[])

    async def shutdown(scope):
        said.append('down')

    async def handler(scope, receive, send):
        state = scope['state']
        state['seen'].append(1)
        before = state.get('mine')
        state['mine'] = 1
        await answer(send, f'{state["db"]} {before} {len(state["seen"])}')

    async with make(serving(handler, startup, shutdown)) as client:
        assert (await client.get('/')).text == 'db None 1'
        assert (await client.get('/')).text == 'db None 2'
        assert said == []
    assert said == ['down']


@both
async def test_a_startup_that_fails_raises_what_the_application_raised_or_said(make):
    def failing(error):
        async def app(scope, receive, send):
            await receive()
            await send({'type': 'lifespan.startup.failed', 'message': 'no database'})
            if error:
                raise error

        return app

    with pytest.raises(LifespanFailed, match='no database'):
        async with make(failing(None)):
            pytest.fail('entered')
    with pytest.raises(ZeroDivisionError):
        async with make(failing(ZeroDivisionError())):
            pytest.fail('entered')


@both
async def test_a_shutdown_that_fails_raises_on_leaving(make):
    async def app(scope, receive, send):
        await receive()
        await send({'type': 'lifespan.startup.complete'})
        await receive()
        await send({'type': 'lifespan.shutdown.failed', 'message': 'not flushed'})

    with pytest.raises(LifespanFailed, match='not flushed'):
        async with make(app):
            pass
    with pytest.raises(KeyError) as caught:
        async with make(app):
            raise KeyError('of the test')
    assert 'not flushed' in caught.value.__notes__[0]


async def only_http(scope, receive, send):
    assert scope['type'] == 'http'
    await answer(send, b'served')


async def takes_all_for_requests(scope, receive, send):
    await read(receive) if scope.get('method') == 'POST' else await receive()
    await answer(send, b'served')


async def reads_the_path(scope, receive, send):
    await receive()
    await answer(send, b'served' if scope['path'] else b'')


@pytest.mark.parametrize('app', [only_http, takes_all_for_requests, reads_the_path])
def test_an_application_that_knows_no_lifespan_is_served_without(app):
    with Client(app) as client:
        assert client.get('/').text == 'served'


def test_a_client_that_was_not_entered_runs_no_lifespan():
    async def handler(scope, receive, send):
        await answer(send, b'served')

    async def startup(scope):
        pytest.fail('started')

    client = Client(serving(handler, startup))
    assert client.get('/').text == 'served'
    client.close()


class Raising:
    """An application that raises on the lifespan scope, before or after it has received anything."""

    def __init__(self, receives, error):
        self.receives = receives
        self.error = error

    async def __call__(self, scope, receive, send):
        if scope['type'] == 'lifespan':
            if self.receives:
                await receive()
            raise self.error
        await answer(send, b'served')


RECEIVES = pytest.mark.parametrize('receives', [False, True], ids=['at once', 'after receiving'])
MAKE = pytest.mark.parametrize('make', [AsyncClient, Sync])


@MAKE
@RECEIVES
def test_an_application_that_raises_on_the_lifespan_scope_is_taken_to_have_none_with_a_warning(make, receives):
    async def main():
        with pytest.warns(LifespanWarning, match=r"raised RuntimeError: no database .*lifespan='on'") as caught:
            client = make(Raising(receives, RuntimeError('no database')))
            async with client:
                assert (await client.get('/')).text == 'served'
        if make is AsyncClient:
            assert [warning.filename for warning in caught] == [__file__]

    asyncio.run(main())


def test_the_warning_shows_the_line_of_the_test():
    with pytest.warns(LifespanWarning) as caught, Client(Raising(False, ValueError())):
        pass
    assert caught[0].filename == __file__


def test_a_warning_that_is_an_error_leaves_nothing_running():
    before = threading.enumerate()
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        with pytest.raises(LifespanWarning), Client(Raising(True, ValueError())):
            pytest.fail('entered')
    assert set(threading.enumerate()) <= set(before)


@MAKE
@RECEIVES
def test_where_the_lifespan_is_on_what_the_application_raises_there_is_raised(make, receives):
    async def main():
        with pytest.raises(RuntimeError, match='no database'):
            async with make(Raising(receives, RuntimeError('no database')), lifespan='on'):
                pytest.fail('entered')

    asyncio.run(main())


@both
async def test_where_the_lifespan_is_on_the_application_has_to_answer(make):
    async def returns(scope, receive, send):
        await receive()

    with pytest.raises(LifespanFailed, match=r'has not answered lifespan\.startup'):
        async with make(returns, lifespan='on'):
            pytest.fail('entered')
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        async with make(returns):
            pass


@both
async def test_where_the_lifespan_is_off_none_is_sent(make):
    seen = []

    async def app(scope, receive, send):
        seen.append(scope['type'])
        await answer(send)

    async with make(app, lifespan='off') as client:
        await client.get('/')
    assert seen == ['http']
    with pytest.raises(ValueError, match="lifespan is 'of', not 'auto', 'on' or 'off'"):
        make(app, lifespan='of')


@both
async def test_what_is_no_exception_but_ends_a_test_gets_through_the_lifespan_too(make):
    async def startup(scope):
        pytest.fail('from the startup')

    with pytest.raises(pytest.fail.Exception, match='from the startup'):
        async with make(serving(None, startup)):
            pass


@both
async def test_an_application_that_raises_after_its_startup_is_complete_has_a_lifespan(make):
    async def shutdown(scope):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        async with make(serving(None, None, shutdown)):
            pass


@both
async def test_contextvars_set_in_startup_are_seen_in_requests(make):
    async def startup(scope):
        TENANT.set('from startup')

    async def handler(scope, receive, send):
        tenant = TENANT.get()
        TENANT.set('from a request')
        await asyncio.sleep(0)
        await answer(send, tenant)

    async def shutdown(scope):
        assert TENANT.get() == 'from startup'

    async with make(serving(handler, startup, shutdown)) as client:
        assert (await client.get('/')).text == 'from startup'
        assert (await client.get('/')).text == 'from startup'
        assert TENANT.get() == 'nobody'
        TENANT.set('from the test')
        assert (await client.get('/')).text == 'from the test'


# Exceptions.


@both
async def test_an_exception_of_the_application_is_raised_once(make):
    async def handler(scope, receive, send):
        if scope['path'] == '/after':
            await answer(send, b'Internal Server Error', 500)
        if scope['path'] == '/between':
            await send({'type': 'http.response.start', 'status': 200})
            await asyncio.sleep(0)
        if scope['path'] == '/late':
            await answer(send)
            await asyncio.sleep(0.01)
        raise ValueError(scope['path'])

    async with make(serving(handler)) as client:
        for path in ('/before', '/after', '/between', '/late'):
            with pytest.raises(ValueError, match=path):
                await client.get(path)
    async with make(serving(handler), raise_app_exceptions=False) as client:
        response = await client.get('/before')
        assert (response.status_code, response.text) == (500, 'Internal Server Error')
        assert (await client.get('/after')).status_code == 500
        with pytest.raises(httpx.RemoteProtocolError, match='in the middle of its response'):
            await client.get('/between')
        assert (await client.get('/late')).status_code == 200


@both
async def test_what_is_no_exception_but_ends_a_test_gets_through(make):
    async def handler(scope, receive, send):
        pytest.fail('from the handler')

    with pytest.raises(pytest.fail.Exception, match='from the handler'):
        async with make(serving(handler)) as client:
            await client.get('/')


@both
async def test_an_application_that_cancels_itself_is_an_error_not_a_cancelled_test(make):
    async def handler(scope, receive, send):
        asyncio.current_task().cancel()
        await asyncio.sleep(0)

    async with make(serving(handler)) as client:
        with pytest.raises(RuntimeError, match='the application was cancelled, by itself'):
            await client.get('/')


# Waiting.


@both
async def test_deferred_work_is_done_when_the_call_returns(make):
    done = []

    async def handler(scope, receive, send):
        await answer(send)
        await asyncio.sleep(0.01)
        done.append(1)

    async with make(serving(handler)) as client:
        await client.get('/')
        assert done == [1]


@both
async def test_an_application_that_never_answers_is_given_up_and_told_where_it_waits(make):
    ended = []

    async def wait_for_nothing():
        await asyncio.Event().wait()

    async def handler(scope, receive, send):
        try:
            if scope['path'] == '/after':
                await answer(send)
            await wait_for_nothing()
        finally:
            ended.append(scope['path'])

    async with make(serving(handler)) as client:
        with pytest.raises(httpx.ReadTimeout, match=r'GET /never: .*nothing for 0.5 s; .*in wait_for_nothing'):
            await client.get('/never', timeout=0.5)
        with pytest.raises(httpx.ReadTimeout, match='has sent its response but not ended'):
            await client.get('/after', timeout=0.5)
    assert ended == ['/never', '/after']


@both
async def test_a_lifespan_that_never_answers_is_given_up(make):
    async def app(scope, receive, send):
        await receive()
        if hangs == 'shutdown':
            await send({'type': 'lifespan.startup.complete'})
        await asyncio.Event().wait()

    for hangs in ('startup', 'shutdown'):
        with pytest.raises(httpx.ReadTimeout, match='lifespan: the application has sent nothing'):
            async with make(app, limit=0.05):
                assert hangs == 'shutdown'


@both
async def test_an_endless_response_is_given_up(make):
    async def handler(scope, receive, send):
        await send({'type': 'http.response.start', 'status': 200})
        while True:
            await asyncio.sleep(0.001)
            await send({'type': 'http.response.body', 'body': b'x', 'more_body': True})

    async with make(serving(handler), limit=1) as client:
        with pytest.raises(httpx.ReadTimeout, match='the exchange has gone on'):
            await client.get('/', timeout=1)


@both
async def test_an_endless_request_is_given_up(make):
    async def handler(scope, receive, send):
        while True:
            await receive()
            await asyncio.sleep(0.001)

    def pieces():
        while True:
            yield b'x'

    async def async_pieces():
        while True:
            yield b'x'

    async with make(serving(handler), limit=1) as client:
        with pytest.raises(httpx.ReadTimeout, match='the exchange has gone on'):
            await client.post('/', timeout=1, content=pieces() if make is Sync else async_pieces())


def test_an_application_that_holds_the_loop_is_given_up():
    free = threading.Event()

    async def handler(scope, receive, send):
        free.wait(60)
        await answer(send)

    with Client(serving(handler)) as client:
        with pytest.raises(httpx.ReadTimeout, match=r'holds the event loop:[\s\S]*free\.wait'):
            client.get('/', timeout=0.05)
        free.set()


@both
async def test_a_cancelled_test_takes_the_request_with_it(make):
    if make is Sync:
        return
    begun, ended = asyncio.Event(), asyncio.Event()

    async def handler(scope, receive, send):
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with make(serving(handler)) as client:
        asking = asyncio.create_task(client.get('/'))
        await begun.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await asyncio.wait_for(ended.wait(), 60)


@both
async def test_what_still_runs_when_the_client_ends_is_told_cancelled_and_raised(make):
    async def handler(scope, receive, send):
        await receive()
        await send({'type': 'http.response.start', 'status': 200})
        try:
            await asyncio.Event().wait()
        finally:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        async with make(serving(handler)) as client:
            if make is Sync:
                client.client.send(client.client.build_request('GET', '/'), stream=True)
            else:
                await client.send(client.build_request('GET', '/'), stream=True)


# The loop, and what is left on it.


def test_the_sync_client_has_one_loop_and_one_thread_for_the_whole_block():
    async def where(scope=None, receive=None, send=None):
        places.append((id(asyncio.get_running_loop()), threading.get_ident()))
        if send:
            await answer(send)

    places = []
    before = threading.enumerate()
    with Client(serving(where, where, where)) as client:
        client.get('/')
        client.get('/')
    assert len(places) == 4 and len(set(places)) == 1
    assert places[0][1] != threading.get_ident()
    assert set(threading.enumerate()) <= set(before)


def test_a_task_of_one_request_goes_on_in_the_next():
    async def handler(scope, receive, send):
        if scope['path'] == '/begin':
            begun.append(asyncio.create_task(asyncio.sleep(0.01, 'done')))
            return await answer(send)
        await answer(send, await begun[0])

    begun = []
    with Client(serving(handler)) as client:
        client.get('/begin')
        assert client.get('/end').text == 'done'


@pytest.mark.skipif(sys.version_info < (3, 12), reason='a task tells its context from Python 3.12 on')
@both
async def test_tasks_that_the_application_leaves_behind_end_with_the_client(make):
    tasks = []

    async def linger():
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            tasks.append('ended')

    async def handler(scope, receive, send):
        tasks.append(asyncio.create_task(linger()))
        await answer(send)

    mine = asyncio.create_task(asyncio.Event().wait())
    async with make(serving(handler)) as client:
        await client.get('/')
    assert tasks[0].cancelled() and tasks[1] == 'ended'
    assert not mine.cancelling()
    assert len(asyncio.all_tasks()) == 2
    mine.cancel()


def test_the_async_client_says_so_when_it_is_used_on_another_loop():
    client = AsyncClient(only_http)
    asyncio.run(client.__aenter__())

    async def use():
        with pytest.raises(RuntimeError, match='another event loop'):
            await client.get('/')

    asyncio.run(use())


def test_a_client_that_was_forgotten_leaves_no_thread_and_no_warning():
    before = threading.enumerate()
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        client = Client(only_http)
        client.get('/')
        thread = client._link._portal.thread  # noqa: SLF001
        del client
        gc.collect()
        thread.join(60)
    assert set(threading.enumerate()) <= set(before)


@both
async def test_two_clients_of_one_application_do_not_meet(make):
    async def startup(scope):
        scope['state']['name'] = names.pop()

    async def handler(scope, receive, send):
        await answer(send, scope['state']['name'])

    names = ['b', 'a']
    app = serving(handler, startup)
    async with make(app) as first, make(app) as second:
        assert [(await each.get('/')).text for each in (first, second, first)] == ['a', 'b', 'a']


def test_requests_of_several_threads_are_served_at_once():
    async def handler(scope, receive, send):
        barrier.append(1)
        while len(barrier) < 3:
            await asyncio.sleep(0.001)
        await answer(send, b'met')

    barrier, texts = [], []
    with Client(serving(handler)) as client:
        threads = [threading.Thread(target=lambda: texts.append(client.get('/').text)) for _ in range(3)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
    assert texts == ['met'] * 3


def test_the_transports_serve_plain_httpx_clients():
    async def main():
        async with httpx.AsyncClient(transport=AsyncTransport(only_http), base_url='http://a') as client:
            assert (await client.get('/')).text == 'served'

    asyncio.run(main())
    with httpx.Client(transport=Transport(only_http), base_url='http://a') as client:
        assert client.get('/').text == 'served'


def test_parts_of_an_application_that_is_not_heavens_cannot_be_replaced():
    with pytest.raises(TypeError, match=r'only parts of a heaven\.App can be replaced'):
        Client(only_http).swap(only_http, only_http)
    with Client(only_http) as client, pytest.raises(LookupError, match='there is no trio'):
        _ = client.get('/').trio


def test_the_slowest_thing_about_a_client_is_not_its_end():
    spent = []
    while len(spent) < 20 and min(spent, default=1) > 0.25:  # a busy machine has a quiet moment in twenty
        began = time.monotonic()
        with Client(only_http) as client:
            client.get('/')
        spent.append(time.monotonic() - began)
    assert min(spent) < 0.25


@both
async def test_a_client_that_is_closed_by_hand_stops_the_application_and_may_be_closed_again(make):
    async def note(scope):
        did.append('stage')

    did = []
    client = make(serving(None, note, note))
    await client.__aenter__()
    for _ in range(2):
        if make is Sync:
            client.client.close()
        else:
            await client.aclose()
    assert did == ['stage', 'stage']


def test_a_client_that_was_never_used_may_be_closed():
    client = Client(only_http)
    client.close()
    with pytest.raises(RuntimeError, match='closed'):
        client.get('/')


def test_the_async_client_says_so_where_there_is_no_event_loop_of_asyncio():
    with pytest.raises(RuntimeError, match='AsyncClient runs on asyncio, and no asyncio event loop is running here'):
        AsyncClient(only_http).__aenter__().send(None)


@both
async def test_a_timeout_that_the_application_raises_is_its_own(make):
    async def handler(scope, receive, send):
        raise TimeoutError('of the database')

    async with make(serving(handler)) as client:
        with pytest.raises(TimeoutError, match='of the database'):
            await client.get('/')


@both
async def test_an_application_whose_lifespan_returns_after_its_startup_has_nothing_to_shut_down(make):
    async def app(scope, receive, send):
        if scope['type'] == 'lifespan':
            await receive()
            return await send({'type': 'lifespan.startup.complete'})
        await answer(send, 'served')

    async with make(app) as client:
        assert (await client.get('/')).text == 'served'


@both
async def test_an_application_that_does_not_return_after_its_shutdown_is_cancelled(make):
    async def app(scope, receive, send):
        for stage in ('startup', 'shutdown'):
            await receive()
            await send({'type': f'lifespan.{stage}.complete'})
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(scope['type'])

    ended = []
    async with make(app):
        assert ended == []
    await asyncio.sleep(0)
    assert ended == ['lifespan']


@both
async def test_what_fails_at_the_end_of_a_client_is_raised_with_notes_about_the_rest(make):
    async def handler(scope, receive, send):
        await send({'type': 'http.response.start', 'status': 200})
        try:
            await asyncio.Event().wait()
        finally:
            raise ZeroDivisionError('of the request')

    async def fails(scope):
        raise ValueError('of the shutdown')

    with pytest.raises(ZeroDivisionError) as caught:
        async with make(serving(handler, shutdown=fails)) as client:
            if make is Sync:
                client.client.send(client.client.build_request('GET', '/'), stream=True)
            else:
                await client.send(client.build_request('GET', '/'), stream=True)
    assert caught.value.__notes__ == ["Also at the end of the client: ValueError('of the shutdown')"]


def test_an_application_that_does_not_end_is_told_where_it_waits():
    async def handler(scope, receive, send):
        await send({'type': 'http.response.start', 'status': 200})
        while not free.is_set():
            try:
                await free.wait()
            except asyncio.CancelledError:
                pass

    async def use():
        with pytest.raises(
            TimeoutError, match=r'^GET /: it does not end; it waits at .*test_client.py:\d+, in handler$'
        ):
            async with AsyncClient(serving(handler)) as client:
                await client.send(client.build_request('GET', '/'), stream=True)
        free.set()

    free = asyncio.Event()
    asyncio.run(use())


def test_a_thread_of_the_application_that_keeps_the_loop_from_ending_is_told():
    async def handler(scope, receive, send):
        asyncio.get_running_loop().run_in_executor(None, free.wait, 60)
        await answer(send)

    free = threading.Event()
    try:
        said = 'the thread of the client does not end:\n  File'
        with pytest.raises(TimeoutError, match=said), Client(serving(handler), limit=0.2) as client:
            client.get('/')
    finally:
        free.set()


def test_a_request_that_waits_when_its_client_ends_has_no_response():
    async def handler(scope, receive, send):
        begun.set()
        while (await receive())['type'] != 'http.disconnect':
            pass

    async def use():
        async with AsyncClient(serving(handler)) as client:
            asking = asyncio.create_task(client.get('/'))
            await begun.wait()
        with pytest.raises(httpx.RemoteProtocolError, match='GET /: the client was closed before the response began'):
            await asking

    begun = asyncio.Event()
    asyncio.run(use())


def test_the_public_names_are_told_to_those_who_ask_for_them():
    import heaven_testing

    assert {'Client', 'AsyncClient', 'Event', 'lint', 'trio'} <= set(dir(heaven_testing))


def test_an_httpx2_that_is_there_and_broken_is_not_passed_over(tmp_path):
    (tmp_path / 'httpx2.py').write_text('import nothing_there')
    env = {**os.environ, 'PYTHONPATH': os.pathsep.join([str(tmp_path), os.environ.get('PYTHONPATH', '')])}
    command = [sys.executable, '-c', 'import heaven_testing.library']
    ended = subprocess.run(command, env=env, stderr=subprocess.PIPE, timeout=120, check=False)
    assert ended.returncode == 1
    assert b"ModuleNotFoundError: No module named 'nothing_there'" in ended.stderr

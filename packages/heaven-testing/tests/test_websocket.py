"""WebSockets, from both kinds of tests."""

import asyncio

import pytest
from heaven_testing import AsyncClient, Client, Close, WebSocketClosed, WebSocketRefused
from heaven_testing.library import httpx

# The applications here are plain functions that know nothing of a lifespan.
pytestmark = pytest.mark.filterwarnings('ignore::heaven_testing.LifespanWarning')


async def app(scope, receive, send):
    """A server whose behaviour the path chooses, and after that the messages."""
    if scope['type'] != 'websocket':
        raise NotImplementedError
    assert await receive() == {'type': 'websocket.connect'}
    path = scope['path']
    if path == '/closes':
        return await send({'type': 'websocket.close'})
    if path == '/closes_with':
        return await send({'type': 'websocket.close', 'code': 4003, 'reason': 'not today'})
    if path == '/refuses':
        headers = [(b'x-why', b'because'), (b'set-cookie', b'a=b')]
        await send({'type': 'websocket.http.response.start', 'status': 401, 'headers': headers})
        await send({'type': 'websocket.http.response.body', 'body': b'log ', 'more_body': True})
        return await send({'type': 'websocket.http.response.body', 'body': b'in'})
    if path == '/raises':
        raise ValueError('before accepting')
    if path == '/hangs':
        await asyncio.Event().wait()
    chosen = scope['subprotocols'][-1] if scope['subprotocols'] else None
    await send({'type': 'websocket.accept', 'subprotocol': chosen, 'headers': [(b'x-a', b'b')]})
    if path == '/floods':
        while True:
            await send({'type': 'websocket.send', 'text': 'drop'})
    while True:
        message = await receive()
        if message['type'] == 'websocket.disconnect':
            app.seen.append((message['code'], message['reason']))
            return None
        text = message.get('text')
        if text == 'raise':
            raise ValueError('after accepting')
        if text == 'close':
            await send({'type': 'websocket.close', 'code': 4000, 'reason': 'enough'})
            app.seen.append((await receive())['type'])
            return None
        if text == 'return':
            return None
        if text == 'scope':
            await send({'type': 'websocket.send', 'text': f'{scope["scheme"]} {scope["path"]} {scope["query_string"]}'})
        elif text != 'nothing':
            await send(message | {'type': 'websocket.send'})


@pytest.fixture(autouse=True)
def seen():
    app.seen = []
    return app.seen


class Socket:
    """A WebSocket of the sync client, with the verbs of the async one."""

    def __init__(self, open):
        self.open = open

    def __await__(self):
        self.ws = self.open()
        return self
        yield

    async def __aenter__(self):
        self.ws = self.open()
        self.ws.__enter__()
        return self

    async def __aexit__(self, *error):
        self.ws.__exit__(*error)

    def __getattr__(self, name):
        value = getattr(self.ws, name)
        if not callable(value):
            return value

        async def call(*args, **options):
            return value(*args, **options)

        return call

    async def __aiter__(self):
        for message in self.ws:
            yield message


class Sync:
    def __init__(self, app, **options):
        self.client = Client(app, **options)

    async def __aenter__(self):
        self.client.__enter__()
        return self

    async def __aexit__(self, *error):
        self.client.__exit__(*error)

    def websocket(self, *args, **options):
        return Socket(lambda: self.client.websocket(*args, **options))

    @property
    def cookies(self):
        return self.client.cookies


def both(scenario):
    @pytest.mark.parametrize('make', [AsyncClient, Sync])
    def test(make):
        asyncio.run(asyncio.wait_for(scenario(make), 60))

    test.__name__ = scenario.__name__
    return test


@both
async def test_text_bytes_and_json_go_there_and_back(make):
    async with make(app) as client, client.websocket('/echo') as ws:
        await ws.send('text')
        await ws.send(b'bytes')
        await ws.send_json({'a': [1]})
        assert [await ws.receive(), await ws.receive(), await ws.receive_json()] == ['text', b'bytes', {'a': [1]}]
        assert ws.closed is None
        with pytest.raises(TypeError, match='sends str or bytes, not dict'):
            await ws.send({})


@both
async def test_the_handshake_is_that_of_a_server(make):
    async with make(app, cookies={'c': 'd'}, auth=('ada', 'x')) as client:
        async with client.websocket('/chat%20room?a=b', subprotocols=['one', 'two']) as ws:
            assert (ws.subprotocol, ws.response.status_code, ws.response.headers['x-a']) == ('two', 101, 'b')
            sent = ws.response.request.headers
            assert (sent['upgrade'], sent['sec-websocket-version']) == ('websocket', '13')
            assert (sent['cookie'], sent['authorization'][:5]) == ('c=d', 'Basic')
            await ws.send('scope')
            assert await ws.receive() == "ws /chat room b'a=b'"
        async with client.websocket('wss://localhost/', headers={'origin': 'https://a'}) as ws:
            assert ws.subprotocol is None
            await ws.send('scope')
            assert await ws.receive() == "wss / b''"


@both
async def test_closing_is_a_disconnect_with_code_and_reason(make):
    async with make(app) as client:
        async with client.websocket('/') as ws:
            await ws.close(4001, 'bye')
            assert ws.closed == Close(4001, 'bye')
            await ws.close()
        async with client.websocket('/'):
            pass
        ws = await client.websocket('/')
        await ws.close()
    assert app.seen == [(4001, 'bye'), (1000, ''), (1000, '')]


@both
async def test_a_socket_left_open_is_gone_away_when_the_client_ends(make):
    async with make(app) as client:
        await client.websocket('/')
    assert app.seen == [(1001, '')]


@both
async def test_iteration_ends_when_the_application_closes(make):
    async with make(app) as client, client.websocket('/') as ws:
        for message in ('a', 'b', 'close'):
            await ws.send(message)
        assert [message async for message in ws] == ['a', 'b']
        assert ws.closed == (4000, 'enough')
        assert app.seen == ['websocket.disconnect']
        for use in (ws.receive, lambda: ws.send('more')):
            with pytest.raises(WebSocketClosed, match='4000 enough') as caught:
                await use()
            assert (caught.value.code, caught.value.reason) == (4000, 'enough')


@both
async def test_an_application_that_returns_without_closing_has_closed_abnormally(make):
    async with make(app) as client, client.websocket('/') as ws:
        await ws.send('return')
        with pytest.raises(WebSocketClosed, match='1006'):
            await ws.receive()


@both
async def test_a_refusal_is_an_exception_with_the_response(make):
    async with make(app) as client:
        for path, status, text in (('/closes', 403, ''), ('/refuses', 401, 'log in')):
            with pytest.raises(WebSocketRefused, match=f'refused: {status}') as caught:
                await client.websocket(path)
            with pytest.raises(httpx.HTTPStatusError):
                async with client.websocket(path):
                    pytest.fail('opened')
            assert (caught.value.response.status_code, caught.value.response.text) == (status, text)
        assert caught.value.response.headers['x-why'] == 'because'
        assert (caught.value.code, caught.value.reason) == (None, '')
        assert client.cookies['a'] == 'b'


@both
async def test_a_refusal_has_the_code_and_the_reason_that_the_application_gave(make):
    async with make(app) as client:
        for path, code, reason in (('/closes_with', 4003, 'not today'), ('/closes', 1000, '')):
            with pytest.raises(WebSocketRefused, match=f'403 Forbidden, closed with {code} ?{reason}') as caught:
                await client.websocket(path)
            assert (caught.value.code, caught.value.reason) == (code, reason)
            assert caught.value.response.status_code == 403


@both
async def test_a_close_of_the_test_is_an_int_and_a_str(make):
    async with make(app) as client, client.websocket('/') as ws:
        for wrong in (('1000',), (True,), (1000, None)):
            with pytest.raises(TypeError, match='closed with an int and a str'):
                await ws.close(*wrong)


@both
async def test_an_exception_of_the_application_surfaces_at_the_next_wait_and_once(make):
    async with make(app) as client:
        with pytest.raises(ValueError, match='before accepting'):
            await client.websocket('/raises')
        for wait in ('receive', 'send', 'close', 'iterate'):
            async with client.websocket('/') as ws:
                await ws.send('raise')
                with pytest.raises(ValueError, match='after accepting') as caught:
                    if wait == 'receive':
                        await ws.receive()
                    elif wait == 'send':
                        for _ in range(9):
                            await ws.send('a')
                    elif wait == 'close':
                        await ws.close()
                    else:
                        async for _ in ws:
                            pass
            assert not hasattr(caught.value, '__notes__')
        with pytest.raises(ValueError, match='after accepting'):
            async with client.websocket('/') as ws:
                await ws.send('raise')


@both
async def test_without_raised_exceptions_the_socket_is_refused_or_closed_as_a_server_would(make):
    async with make(app, raise_app_exceptions=False) as client:
        with pytest.raises(WebSocketRefused) as caught:
            await client.websocket('/raises')
        assert caught.value.response.status_code == 500
        async with client.websocket('/') as ws:
            await ws.send('raise')
            with pytest.raises(WebSocketClosed, match='1011'):
                await ws.receive()


@both
async def test_every_wait_has_a_limit(make):
    async with make(app, timeout=0.5) as client:
        with pytest.raises(httpx.ReadTimeout, match=r'websocket /hangs: .* sent nothing for 0\.5 s'):
            await client.websocket('/hangs')
        async with client.websocket('/') as ws:
            with pytest.raises(httpx.ReadTimeout, match=r'nothing for 0\.5 s'):
                await ws.receive()
        async with client.websocket('/', timeout=60) as ws:
            with pytest.raises(httpx.ReadTimeout, match=r'nothing for 0\.02 s'):
                await ws.receive(timeout=0.02)


@both
async def test_an_application_that_sends_without_end_is_held(make):
    async with make(app) as client, client.websocket('/floods') as ws:
        for _ in range(3000):
            assert await ws.receive() == 'drop'


def test_an_async_socket_must_be_opened_to_be_used():
    async def use():
        async with AsyncClient(app) as client:
            with pytest.raises(RuntimeError, match='use `async with`, or await it'):
                await client.websocket('/').send('a')
            with pytest.raises(RuntimeError, match='use `async with`, or await it'):
                assert client.websocket('/').response
            closed = client.websocket('/')
            await closed.close()
            assert (closed.closed, app.seen) == (None, [])

    asyncio.run(use())


def test_several_sockets_and_requests_of_one_test_share_a_loop():
    members = []

    async def room(scope, receive, send):
        if scope['type'] == 'http':
            for each in members:
                await each({'type': 'websocket.send', 'text': scope['path']})
            await send({'type': 'http.response.start', 'status': 200})
            return await send({'type': 'http.response.body'})
        if scope['type'] == 'lifespan':
            raise NotImplementedError
        await receive()
        await send({'type': 'websocket.accept'})
        members.append(send)
        assert (await receive())['type'] == 'websocket.disconnect'
        members.remove(send)

    with Client(room) as client, client.websocket('/') as first, client.websocket('/') as second:
        client.get('/hello')
        assert [first.receive(), second.receive()] == ['/hello'] * 2
        first.close()
        client.get('/again')
        assert second.receive() == '/again'


@both
async def test_a_close_is_known_before_the_messages_ahead_of_it_are_read(make):
    async def talks(scope, receive, send):
        assert scope['type'] == 'websocket'
        await receive()
        await send({'type': 'websocket.accept'})
        await send({'type': 'websocket.send', 'text': 'last words'})
        await send({'type': 'websocket.close', 'code': 3000})

    async with make(talks) as client, client.websocket('/') as ws:
        while not ws.closed:
            await asyncio.sleep(0)
        assert ws.closed.code == 3000
        assert [message async for message in ws] == ['last words']


@both
async def test_a_socket_may_be_awaited_first_and_then_be_left_by_with(make):
    if make is Sync:
        return
    async with make(app) as client:
        ws = await client.websocket('/')
        async with ws as same:
            assert same is ws
            await ws.send('once')
            assert await ws.receive() == 'once'
    assert app.seen == [(1000, '')]


@both
async def test_a_failure_at_the_end_of_a_socket_is_a_note_of_what_the_test_has_raised(make):
    async with make(app) as client:
        with pytest.raises(KeyError, match='of the test') as caught:
            async with client.websocket('/') as ws:
                await ws.send('raise')
                raise KeyError('of the test')
    assert caught.value.__notes__ == ["Also at the end of the WebSocket: ValueError('after accepting')"]


@both
async def test_an_application_that_does_not_end_after_its_close_or_refusal_is_given_up(make):
    async def stays(scope, receive, send):
        assert scope['type'] == 'websocket'
        await receive()
        if scope['path'] == '/accepts':
            await send({'type': 'websocket.accept'})
        await send({'type': 'websocket.close', 'code': 4000})
        await asyncio.Event().wait()

    async with make(stays, timeout=0.05) as client:
        with pytest.raises(httpx.ReadTimeout, match=r'has refused the WebSocket but not ended for 0\.05 s; .*in stays'):
            await client.websocket('/')
        with pytest.raises(httpx.ReadTimeout, match=r'has closed the WebSocket but not ended for 0\.05 s; .*in stays'):
            async with client.websocket('/accepts') as ws:
                await ws.receive()


@both
async def test_what_an_application_raises_after_its_refusal_is_raised(make):
    async def fails(scope, receive, send):
        assert scope['type'] == 'websocket'
        await send({'type': 'websocket.close'})
        raise ValueError('after refusing')

    async with make(fails) as client:
        with pytest.raises(ValueError, match='after refusing'):
            await client.websocket('/')

"""Bodies as they happen, in both directions, and streams of events."""

import asyncio
import contextlib
import json

import pytest
from heaven import App
from heaven_testing import AsyncClient, Client, Event
from heaven_testing.library import httpx

# The applications here are plain functions that know nothing of a lifespan.
pytestmark = pytest.mark.filterwarnings('ignore::heaven_testing.LifespanWarning')

SSE = [(b'content-type', b'text/event-stream; charset=utf-8')]


async def begin(send, headers=()):
    await send({'type': 'http.response.start', 'status': 200, 'headers': list(headers)})


async def chunk(send, body, more=True):
    await send({'type': 'http.response.body', 'body': body, 'more_body': more})


def only_http(app):
    """An application that knows no lifespan."""

    async def guarded(scope, receive, send):
        assert scope['type'] == 'http'
        await app(scope, receive, send)

    return guarded


@pytest.fixture
def unhurried(monkeypatch):
    """However slow the machine makes the test, the application waits for it, and not for a moment only."""
    monkeypatch.setattr('heaven_testing.exchange.MOMENT', 60)


def async_(scenario):
    def test():
        asyncio.run(asyncio.wait_for(scenario(), 60))

    test.__name__ = scenario.__name__
    return test


async def turns():
    """Let the loop turn."""
    for _ in range(100):
        await asyncio.sleep(0)


class Counting:
    """Sends three numbers, and says what it has done."""

    def __init__(self, headers=()):
        self.did = []
        self.headers = headers

    async def __call__(self, scope, receive, send):
        if scope['type'] == 'lifespan':
            raise NotImplementedError
        await begin(send, self.headers)
        try:
            for number in (b'1', b'2', b'3'):
                self.did.append(number)
                await chunk(send, number)
            await chunk(send, b'', False)
        except OSError:
            self.did.append('send failed')
            self.did.append((await receive())['type'])


@pytest.mark.usefixtures('unhurried')
def test_a_chunk_is_read_before_the_application_makes_the_next():
    app = Counting()
    with Client(app) as client:
        with client.stream('GET', '/') as response:
            chunks = response.iter_raw()
            assert app.did == [b'1']
            assert (next(chunks), app.did) == (b'1', [b'1'])
            assert (next(chunks), app.did) == (b'2', [b'1', b'2'])
            assert list(chunks) == [b'3']
        app.did.clear()
        assert client.get('/').content == b'123'


@pytest.mark.usefixtures('unhurried')
@async_
async def test_a_chunk_is_read_before_the_application_makes_the_next_async():
    app = Counting()
    async with AsyncClient(app) as client:
        async with client.stream('GET', '/') as response:
            chunks = response.aiter_raw()
            assert (await anext(chunks), app.did) == (b'1', [b'1'])
            assert (await anext(chunks), app.did) == (b'2', [b'1', b'2'])
            assert [each async for each in chunks] == [b'3']
        assert (await client.get('/')).content == b'123'


@pytest.mark.usefixtures('unhurried')
def test_leaving_early_is_a_disconnect_that_the_application_sees():
    app = Counting()
    with Client(app) as client:
        with client.stream('GET', '/') as response:
            next(response.iter_raw())
        assert app.did == [b'1', b'2', 'send failed', 'http.disconnect']


@pytest.mark.usefixtures('unhurried')
@async_
async def test_leaving_early_is_a_disconnect_that_the_application_sees_async():
    told = []

    async def app(scope, receive, send):
        await receive()
        await begin(send)
        told.append((await receive())['type'])
        with pytest.raises(OSError):
            await chunk(send, b'')
        told.append((await receive())['type'])

    async with AsyncClient(app) as client:
        async with client.stream('GET', '/') as response:
            assert response.status_code == 200
        assert told == ['http.disconnect'] * 2


async def sends_and_listens(scope, receive, send):
    """Sends a chunk, and waits for what comes of it."""
    await receive()
    await begin(send)
    await chunk(send, b'a')
    scope['state']['told'].append((await receive())['type'])


async def sends_until_it_cannot(scope, receive, send):
    """Sends for as long as somebody is there, and returns."""
    await begin(send)
    with contextlib.suppress(OSError):
        while True:
            await chunk(send, b'a')
    scope['state']['told'].append('OSError')


def told_of_its_end(app, mounted, told):
    async def started(scope, receive, send):
        if scope['type'] == 'lifespan':
            raise NotImplementedError
        await app({**scope, 'state': {'told': told}}, receive, send)

    if not mounted:
        return started
    parent = App()
    parent.mount(started, '/')
    return parent


LEFT = pytest.mark.parametrize(
    ('app', 'end'), [(sends_and_listens, 'http.disconnect'), (sends_until_it_cannot, 'OSError')]
)
MOUNTED = pytest.mark.parametrize('mounted', [False, True], ids=['alone', 'mounted'])


@LEFT
@MOUNTED
def test_an_application_whose_client_has_read_a_chunk_and_left_is_told_and_may_return(app, end, mounted):
    told = []
    with Client(told_of_its_end(app, mounted, told)) as client:
        with client.stream('GET', '/') as response:
            assert next(response.iter_raw()) == b'a'
        assert told == [end]


@LEFT
@MOUNTED
def test_an_application_whose_client_has_read_a_chunk_and_left_is_told_and_may_return_async(app, end, mounted):
    told = []

    async def main():
        async with AsyncClient(told_of_its_end(app, mounted, told)) as client:
            async with client.stream('GET', '/') as response:
                assert await anext(response.aiter_raw()) == b'a'
            assert told == [end]

    asyncio.run(main())


def test_the_exception_of_an_application_that_was_left_is_no_failure_unless_it_is_of_its_own():
    async def app(scope, receive, send):
        await receive()
        await begin(send)
        try:
            while True:
                await chunk(send, b'x')
        except OSError as error:
            if scope['path'] == '/chained':
                raise RuntimeError('the client left') from error
            if scope['path'] == '/grouped':
                raise ExceptionGroup('of tasks', [error]) from None
            if scope['path'] == '/named':
                raise ClientDisconnect  # noqa: B904
            if scope['path'] == '/own':
                raise ZeroDivisionError  # noqa: B904
            raise

    class ClientDisconnect(Exception):
        pass

    with Client(app) as client:
        for path in ('/plain', '/chained', '/grouped', '/named'):
            with client.stream('GET', path):
                pass
        with pytest.raises(ZeroDivisionError), client.stream('GET', '/own'):
            pass


def test_an_exception_in_the_middle_of_a_stream_is_raised_where_it_is_read_and_only_there():
    async def app(scope, receive, send):
        await receive()
        await begin(send)
        await chunk(send, b'1')
        raise ValueError('broken')

    with Client(app) as client, client.stream('GET', '/') as response:
        chunks = response.iter_raw()
        assert next(chunks) == b'1'
        with pytest.raises(ValueError, match='broken'):
            next(chunks)
    with Client(app, raise_app_exceptions=False) as client, client.stream('GET', '/') as response:
        chunks = response.iter_raw()
        assert next(chunks) == b'1'
        with pytest.raises(httpx.RemoteProtocolError):
            next(chunks)


@async_
async def test_what_came_before_an_exception_is_read_before_it_is_raised():
    went_on = asyncio.Event()

    @only_http
    async def app(scope, receive, send):
        await begin(send)
        await chunk(send, b'1')
        went_on.set()
        await chunk(send, b'2')
        raise ValueError('broken')

    async with AsyncClient(app) as client, client.stream('GET', '/') as response:
        chunks = response.aiter_raw()
        assert await anext(chunks) == b'1'
        await went_on.wait()
        await turns()
        assert await anext(chunks) == b'2'
        with pytest.raises(ValueError, match='broken'):
            await anext(chunks)


@async_
async def test_the_application_goes_on_while_the_test_waits_for_something_else():
    went_on = asyncio.Event()

    async def app(scope, receive, send):
        await receive()
        await begin(send)
        await chunk(send, b'1')
        went_on.set()
        await chunk(send, b'2', False)

    async with AsyncClient(app) as client, client.stream('GET', '/') as response:
        chunks = response.aiter_raw()
        assert await anext(chunks) == b'1'
        await asyncio.wait_for(went_on.wait(), 60)
        assert await anext(chunks) == b'2'


@async_
async def test_an_application_that_nobody_reads_is_held_at_64_kib():
    made = []

    async def app(scope, receive, send):
        await receive()
        await begin(send)
        for _ in range(100):
            made.append(1)
            await chunk(send, b'x' * 40_000)
        await chunk(send, b'', False)

    async with AsyncClient(app) as client, client.stream('GET', '/') as response:
        while len(made) < 2:
            await asyncio.sleep(0)
        await turns()
        assert len(made) == 2
        assert len(await response.aread()) == 4_000_000


def test_two_tasks_of_the_application_may_send_at_once():
    async def app(scope, receive, send):
        await receive()
        await begin(send)
        await asyncio.gather(*(chunk(send, b'x') for _ in range(5)))
        await chunk(send, b'', False)

    with Client(app) as client, client.stream('GET', '/') as response:
        assert b''.join(response.iter_raw()) == b'xxxxx'


@pytest.mark.usefixtures('unhurried')
def test_what_outlives_its_client_says_so_or_is_quiet():
    app = Counting()
    with Client(app) as client:
        streaming = client.stream('GET', '/')
        response = streaming.__enter__()
        chunks = response.iter_raw()
        assert next(chunks) == b'1'
    assert app.did == [b'1', b'2', 'send failed', 'http.disconnect']
    with pytest.raises(RuntimeError, match='the client has been closed'):
        next(chunks)
    streaming.__exit__(None, None, None)


async def echo(scope, receive, send):
    await begin(send)
    more = True
    while more:
        message = await receive()
        more = message['more_body']
        await chunk(send, message['body'], more)


def test_a_request_is_made_as_the_application_reads_it():
    made = []

    def body():
        for number in (b'1', b'', b'2'):
            made.append(number)
            yield number

    with Client(echo) as client, client.stream('POST', '/', content=body()) as response:
        chunks = response.iter_raw()
        assert (next(chunks), made) == (b'1', [b'1'])
        assert (next(chunks), made) == (b'2', [b'1', b'', b'2'])
        assert list(chunks) == []


@async_
async def test_a_request_and_its_response_stream_at_the_same_time():
    answered = asyncio.Event()

    async def body():
        yield b'question'
        await answered.wait()
        yield b'thanks'

    async with AsyncClient(echo) as client, client.stream('POST', '/', content=body()) as response:
        chunks = response.aiter_raw()
        assert await anext(chunks) == b'question'
        answered.set()
        assert [each async for each in chunks] == [b'thanks']


@async_
async def test_a_receive_that_is_cancelled_loses_nothing_of_the_body():
    @only_http
    async def app(scope, receive, send):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(receive(), 0.01)
        released.set()
        await echo(scope, receive, send)

    async def body():
        await released.wait()
        yield b'all of it'

    released = asyncio.Event()
    async with AsyncClient(app) as client:
        assert (await client.post('/', content=body())).content == b'all of it'


@async_
async def test_a_body_that_cannot_be_made_is_an_error_of_the_test_and_a_disconnect_for_the_application():
    seen = []

    @only_http
    async def app(scope, receive, send):
        while True:
            message = await receive()
            seen.append(message['type'])
            if message['type'] == 'http.disconnect':
                return

    async def body():
        yield b'a'
        raise ValueError('no more')

    async with AsyncClient(app) as client:
        with pytest.raises(ValueError, match='no more'):
            await client.post('/', content=body())
        await asyncio.sleep(0)
    assert seen == ['http.request', 'http.disconnect']

    def plain():
        yield b'a'
        raise ValueError('no more')

    seen.clear()
    with Client(app) as client, pytest.raises(ValueError, match='no more'):
        client.post('/', content=plain())
    assert seen == ['http.request', 'http.disconnect']


def test_a_body_that_the_application_does_not_read_is_not_made():
    async def app(scope, receive, send):
        await begin(send)
        await chunk(send, b'', False)

    with Client(app) as client:
        client.post('/', content=iter([pytest.fail]))


# Server-sent events.


def events(*chunks, status=200, headers=SSE):
    async def app(scope, receive, send):
        app.accept = dict(scope['headers'])[b'accept']
        await send({'type': 'http.response.start', 'status': status, 'headers': headers})
        for each in chunks:
            await chunk(send, each)
        await chunk(send, b'', False)

    return app


SENT = (
    b'\xef\xbb\xbf: welcome\n\ndata: plain\n\n'
    b'event: add\r\nid: 7\r\nretry: 250\r\ndata: {"a":\r\ndata: 1}\r\n\r\n'
    b'data:two\rdata:  lines\r\rdata\n\nevent: nothing\n\nretry: soon\nid: a\0b\ndata: caf\xc3\xa9\n\ndata: cut off\n'
)
EVENTS = [
    Event('plain'),
    Event('{"a":\n1}', 'add', '7', 250),
    Event('two\n lines', id='7'),
    Event('', id='7'),
    Event('café', id='7'),
]


@pytest.mark.parametrize('size', [1, 2, 3, 5, 7, 1000])
def test_events_are_read_however_the_bytes_are_cut(size):
    app = events(*(SENT[start : start + size] for start in range(0, len(SENT), size)))
    with Client(app) as client:
        found = list(client.sse('/'))
    assert found == EVENTS
    assert found[1].json() == json.loads('{"a": 1}')
    assert app.accept == b'text/event-stream'


@pytest.mark.usefixtures('unhurried')
@async_
async def test_events_come_one_by_one_and_the_stream_is_left_at_the_end():
    app = Counting(SSE)
    numbers = app.__call__

    async def framed(scope, receive, send):
        async def framing(message):
            body = message.get('body')
            await send(message | {'body': b'data: %s\n\n' % body} if body else message)

        await numbers(scope, receive, framing)

    async with AsyncClient(framed) as client:
        async with client.sse('/') as stream:
            assert stream.response.status_code == 200
            assert ((await anext(stream)).data, app.did) == ('1', [b'1'])
        assert app.did == [b'1', b'2', 'send failed', 'http.disconnect']
        assert [event.data async for event in client.sse('/')] == ['1', '2', '3']


def test_the_stream_is_open_before_its_first_event():
    subscribers = []

    @only_http
    async def app(scope, receive, send):
        if scope['path'] == '/publish':
            for queue in subscribers:
                queue.put_nowait(b'data: news\n\n')
            await begin(send)
            return await chunk(send, b'', False)
        subscribers.append(asyncio.Queue())
        await begin(send, SSE)
        await chunk(send, await subscribers[0].get())
        await chunk(send, b'', False)

    with Client(app) as client, client.sse('/events') as stream:
        client.post('/publish')
        assert next(stream).data == 'news'


def test_what_is_no_event_stream_is_refused_with_the_response():
    for app in (events(b'no', status=404), events(b'no', headers=[(b'content-type', b'text/plain')])):
        with Client(app) as client, pytest.raises(httpx.HTTPStatusError, match='no event stream') as caught:
            next(client.sse('/'))
        assert caught.value.response.text == 'no'


@async_
async def test_what_is_no_event_stream_is_refused_with_the_response_async():
    async with AsyncClient(events(b'no', status=404)) as client:
        with pytest.raises(httpx.HTTPStatusError, match='no event stream: 404') as caught:
            await anext(client.sse('/'))
        assert caught.value.response.text == 'no'


def test_a_stream_of_events_is_opened_to_have_a_response_and_may_be_left_unopened():
    with Client(events(b'data: 1\n\n')) as client:
        stream = client.sse('/')
        with pytest.raises(RuntimeError, match='has not been opened: use `with`, or ask for an event'):
            assert stream.response
        stream.close()
        assert next(stream).data == '1'

    async def use():
        async with AsyncClient(events(b'data: 1\n\n')) as client:
            stream = client.sse('/')
            await stream.aclose()
            assert [event.data async for event in stream] == ['1']

    asyncio.run(use())


def test_a_stream_of_comments_alone_is_given_up():
    async def app(scope, receive, send):
        await begin(send, SSE)
        while True:
            await asyncio.sleep(0)
            await chunk(send, b': ping\n\n')

    with (
        Client(app, timeout=0.1) as client,
        client.sse('/') as stream,
        pytest.raises(httpx.ReadTimeout, match=r'no event for 0\.1 s, though bytes came'),
    ):
        next(stream)


def test_an_error_of_the_application_surfaces_at_the_next_event():
    async def app(scope, receive, send):
        await begin(send, SSE)
        await chunk(send, b'data: 1\n\n')
        raise ValueError('broken')

    with Client(app) as client, client.sse('/') as stream:
        assert next(stream).data == '1'
        with pytest.raises(ValueError, match='broken'):
            next(stream)


def test_empty_pieces_of_a_body_are_passed_over():
    received = []

    @only_http
    async def app(scope, receive, send):
        more = True
        while more:
            message = await receive()
            received.append((message['body'], message['more_body']))
            more = message['more_body']
        await begin(send)
        await chunk(send, b'', False)

    def pieces():
        yield from (b'', b'a', b'', b'b')

    async def async_pieces():
        for piece in pieces():
            yield piece

    async def use():
        async with AsyncClient(app) as client:
            await client.post('/', content=async_pieces())

    with Client(app) as client:
        client.post('/', content=pieces())
    asyncio.run(use())
    assert received == [(b'a', True), (b'b', True), (b'', False)] * 2


@async_
async def test_a_stream_that_is_left_unread_waits_for_an_application_that_has_sent_all_of_it():
    @only_http
    async def app(scope, receive, send):
        await begin(send)
        await chunk(send, b'all', False)
        await asyncio.Event().wait()

    with pytest.raises(httpx.ReadTimeout, match=r'has sent its response but not ended for 0\.05 s'):
        async with AsyncClient(app, timeout=0.05) as client, client.stream('GET', '/') as response:
            await turns()
            assert response.status_code == 200


@pytest.mark.usefixtures('unhurried')
@async_
async def test_of_two_tasks_that_wait_for_the_client_one_may_be_cancelled():
    sent = []

    @only_http
    async def app(scope, receive, send):
        async def number(body):
            await chunk(send, body)
            sent.append(body)

        await begin(send)
        first, second = (asyncio.create_task(number(body)) for body in (b'1', b'2'))
        await turns()
        first.cancel()
        await asyncio.wait([first, second])
        await chunk(send, b'3', False)

    async with AsyncClient(app) as client, client.stream('GET', '/') as response:
        await turns()
        assert b''.join([piece async for piece in response.aiter_raw()]) == b'123'
    assert sent == [b'2']

"""The driver itself: it lets a right answer through, and nothing that a server would choke on."""

import asyncio

import pytest
from asks import Live, StartupFailed
from driver import Exchange

START = 'http.response.start'
BODY = 'http.response.body'


def start(status=200, *headers):
    return {'type': START, 'status': status, 'headers': list(headers)}


def body(content=b'', **more):
    return {'type': BODY, 'body': content, **more}


def sends(*messages):
    async def app(scope, receive, send):
        for message in messages:
            await send(message)

    return app


def call(app, method='GET', target='/', **request):
    """The reply of an ASGI app, which is no app of Heaven here."""

    async def run():
        return await Exchange(app, method, target, **request).reply()

    return asyncio.run(run())


TWO = (b'content-length', b'2')


@pytest.mark.parametrize(
    'method, messages',
    [
        ('GET', [start(200, TWO), body(b'ok')]),
        ('GET', [start(200), body(b'o', more_body=True), body(b'k')]),
        ('GET', [start(200, TWO), body(b'o', more_body=True), body(b'k', more_body=True), body()]),
        ('HEAD', [start(200, TWO), body()]),
        ('GET', [start(204), body()]),
        ('GET', [start(304, (b'etag', b'"a"')), body()]),
        ('GET', [start(200, TWO, (b'set-cookie', b'a=1'), (b'set-cookie', b'b=2')), body(b'ok')]),
    ],
)
def test_a_right_answer_passes(method, messages):
    assert call(sends(*messages), method).messages == messages


@pytest.mark.parametrize(
    'method, messages',
    [
        ('GET', []),
        ('GET', [start(200, TWO)]),
        ('GET', [body(b'ok')]),
        ('GET', [start(200, TWO), start(200, TWO)]),
        ('GET', [start(200, TWO), body(b'ok'), body()]),
        ('GET', [start(200, TWO), body(b'o', more_body=True)]),
        ('GET', [start(200, TWO), body(b'o')]),
        ('GET', [start(200, TWO), body(b'oki')]),
        ('GET', [start(200, TWO), body('ok')]),
        ('GET', [start(200, TWO), body(b'ok', more_body=0)]),
        ('GET', [start(200), body(b'ok')]),
        ('GET', [start(200), body()]),
        ('GET', [start(200, TWO, TWO), body(b'ok')]),
        ('GET', [start(200, TWO, (b'transfer-encoding', b'chunked')), body(b'ok')]),
        ('GET', [start('200', TWO), body(b'ok')]),
        ('GET', [start(100, TWO), body(b'ok')]),
        ('GET', [start(200, TWO, (b'X-A', b'1')), body(b'ok')]),
        ('GET', [start(200, TWO, ('x-a', b'1')), body(b'ok')]),
        ('GET', [start(200, TWO, (b'x a', b'1')), body(b'ok')]),
        ('GET', [start(200, TWO, (b'x-a', b'1\r\nx-b: 2')), body(b'ok')]),
        ('GET', [start(200, TWO, (b'x-a', b'1\0')), body(b'ok')]),
        ('GET', [start(200, TWO, (b'x-a', b' 1')), body(b'ok')]),
        ('GET', [start(200, TWO, (b'x-a', 1)), body(b'ok')]),
        ('GET', [start(204, (b'content-length', b'0')), body()]),
        ('GET', [start(204), body(b'ok')]),
        ('HEAD', [start(200, TWO), body(b'ok')]),
        ('GET', [{'type': 'http.response.pathsend', 'path': '/etc/passwd'}]),
    ],
)
def test_what_a_server_would_choke_on_fails_the_test(method, messages):
    with pytest.raises(AssertionError, match='ASGI'):
        call(sends(*messages), method)


def test_a_target_becomes_path_raw_path_and_query_as_servers_make_them():
    seen = {}

    async def app(scope, receive, send):
        seen.update(scope)
        await sends(start(204), body())(scope, receive, send)

    call(app, 'GET', '/a%2Fb/%C3%A9%ff?x=%31&y')
    assert (seen['path'], seen['raw_path'], seen['query_string']) == ('/a/b/é\ufffd', b'/a%2Fb/%C3%A9%ff', b'x=%31&y')
    call(app, 'GET', '/a', path='/b', raw_path=b'/c')
    assert (seen['path'], seen['raw_path']) == ('/b', b'/c')


def test_the_body_arrives_in_the_chunks_given_and_then_receive_waits_for_the_end():
    got = []

    async def app(scope, receive, send):
        while (message := await receive())['type'] == 'http.request':
            got.append((message['body'], message['more_body']))
            if not message['more_body']:
                waiting = asyncio.ensure_future(receive())
                await sends(start(204), body())(scope, receive, send)
                assert (await waiting)['type'] == 'http.disconnect'
                return
        got.append('left')

    call(app, 'POST', body=[b'a', b'b'])
    assert got == [(b'a', True), (b'b', False)]
    got.clear()
    call(app, 'POST', body=[b'a', b'b'], leave_after=1)
    assert got == [(b'a', True), 'left']


def test_a_request_can_be_driven_by_hand():
    async def echo(scope, receive, send):
        if scope['type'] == 'lifespan':
            return await lifespan(scope, receive, send)
        await send(start(200))
        while (message := await receive())['type'] == 'http.request':
            await send(body(message['body'], more_body=True))

    async def lifespan(scope, receive, send):
        for kind in ('startup', 'shutdown'):
            assert await receive() == {'type': f'lifespan.{kind}'}
            await send({'type': f'lifespan.{kind}.complete'})

    async def main():
        async with Live(echo) as live:
            with live.stream('POST', '/', body=None) as x:
                assert (await x.sent())['status'] == 200
                await x.feed(b'one')
                assert (await x.sent())['body'] == b'one'
                x.leave()
                return await x.reply()

    assert asyncio.run(main()).body == b'one'


def test_a_send_that_fails_is_an_oserror_in_the_app():
    seen = []

    async def app(scope, receive, send):
        await send(start(200))
        try:
            await send(body(b'a', more_body=True))
        except OSError as error:
            seen.append(error)

    assert call(app, fail_send_after=1).messages == [start(200)]
    assert len(seen) == 1


def test_a_client_takes_no_more_messages_than_it_wants_until_it_is_told_to_go_on():
    went_on = []

    async def app(scope, receive, send):
        await send(start(200))
        await send(body(b'a', more_body=True))
        went_on.append(True)
        await send(body())

    async def main():
        with Exchange(app, takes=2) as exchange:
            assert (await exchange.sent(1))['body'] == b'a'
            for _ in range(10):
                await asyncio.sleep(0)
            assert not went_on
            exchange.go.set()
            return await exchange.reply()

    assert asyncio.run(main()).body == b'a' and went_on


def test_an_app_that_hangs_is_a_timeout():
    async def app(scope, receive, send):
        await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        call(app, limit=0.05)


def test_an_exception_of_the_app_is_raised_or_handed_back():
    async def app(scope, receive, send):
        raise ValueError('boom')

    with pytest.raises(ValueError, match='boom'):
        call(app)
    assert isinstance(call(app, catch=True).error, ValueError)


def test_a_startup_that_fails_is_told_with_its_message():
    async def app(scope, receive, send):
        await receive()
        await send({'type': 'lifespan.startup.failed', 'message': 'no database'})

    with pytest.raises(StartupFailed, match='no database'), Live(app):
        pass

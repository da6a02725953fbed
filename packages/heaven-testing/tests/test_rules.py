"""What ASGI does not allow, of an application and of a server, and how it is named."""

import asyncio
import contextlib

import pytest
from heaven_testing import ASGIViolation, AsyncClient, Client, WebSocketRefused, lint
from heaven_testing.library import httpx

# The applications here are plain functions that know nothing of a lifespan.
pytestmark = pytest.mark.filterwarnings('ignore::heaven_testing.LifespanWarning')

HTTP = {
    'type': 'http', 'asgi': {'version': '3.0', 'spec_version': '2.3'}, 'http_version': '1.1', 'method': 'GET',
    'scheme': 'http', 'path': '/a', 'raw_path': b'/a', 'query_string': b'x=1', 'root_path': '',
    'headers': [(b'host', b'localhost')], 'client': ('127.0.0.1', 5000), 'server': ['localhost', None],
    'state': {}, 'extensions': {},
}  # fmt: skip
WS = {key: value for key, value in HTTP.items() if key != 'method'} | {
    'type': 'websocket', 'scheme': 'ws', 'subprotocols': ['chat'], 'extensions': {'websocket.http.response': {}},
}  # fmt: skip
LIFESPAN = {'type': 'lifespan', 'asgi': {'version': '3.0'}, 'state': {}}

START = {'type': 'http.response.start', 'status': 200, 'headers': [(b'a', b'b'), [b'c', b'']]}
END = {'type': 'http.response.body', 'body': b''}
ACCEPT = {'type': 'websocket.accept'}
REFUSE = {'type': 'websocket.http.response.start', 'status': 404}
STARTED = {'type': 'lifespan.startup.complete'}
OFFERS = {
    'extensions': {
        f'http.response.{name}': {} for name in ('debug', 'early_hint', 'pathsend', 'push', 'trailers', 'zerocopysend')
    }
}


def start(**changes):
    return START | changes


def sized(length, **changes):
    return start(headers=[(b'content-length', length)], **changes)


def body(data=b'', more=True):
    return {'type': 'http.response.body', 'body': data, 'more_body': more}


def send(**message):
    return {'type': 'websocket.send', **message}


def close(**message):
    return {'type': 'websocket.close', **message}


def talk(scope, sent=(), received=(), returns=None):
    """Let a server with a lint in front of the application say and hear just this."""
    given = iter(received)
    heard = []

    async def receive():
        return next(given)

    async def hear(message):
        heard.append(message)

    async def app(scope, receive, send):
        for _ in received:
            await receive()
        for message in sent:
            await send(message)
        return returns

    asyncio.run(lint(app)(scope, receive, hear))
    return heard


@pytest.mark.parametrize(
    ('scope', 'received', 'sent'),
    [
        (HTTP, [{'type': 'http.request'}], [START, END]),
        (HTTP, [{'type': 'http.request', 'body': b'a', 'more_body': True}, {'type': 'http.disconnect'}], []),
        (HTTP, [{'type': 'http.disconnect'}] * 2, [START]),
        (HTTP, [], [{'type': 'http.response.start', 'status': 200}, {'type': 'http.response.body'}]),
        (HTTP, [], [sized(b'3'), body(b'a'), body(b'bc', False)]),
        (HTTP | {'method': 'HEAD'}, [], [sized(b'3'), body(b'', False)]),
        (HTTP | {'method': 'HEAD'}, [], [sized(b'3'), body(b'abc', False)]),
        (HTTP, [], [sized(b'3', status=304), END]),
        (HTTP, [], [sized(b'0', status=204), END]),
        (HTTP, [], [start(headers=((name, b'\xe9\t!') for name in (b'x-a', b'set-cookie'))), END]),
        (HTTP, [], [start(headers=[(b'transfer-encoding', b'chunked')]), END]),
        (HTTP | OFFERS, [], [
            {'type': 'http.response.debug', 'info': {}}, {'type': 'http.response.early_hint', 'links': [b'</a>']},
            {'type': 'http.response.push', 'path': '/a', 'headers': []}, start(trailers=True), body(b'a', False),
            {'type': 'http.response.trailers', 'headers': [(b'a', b'b')], 'more_trailers': True},
            {'type': 'http.response.trailers'},
        ]),
        (HTTP | OFFERS, [], [sized(b'9'), {'type': 'http.response.pathsend', 'path': '/a'}]),
        (HTTP | OFFERS, [], [START, {'type': 'http.response.zerocopysend', 'file': 3, 'more_body': True}, END]),
        (WS, [{'type': 'websocket.connect'}], [
            ACCEPT | {'subprotocol': 'chat', 'headers': [(b'a', b'b')]}, send(text=''), send(bytes=b'', text=None),
            close(code=4999, reason='é' * 61),
        ]),
        (WS, [{'type': 'websocket.connect'}], [close()]),
        (WS, [{'type': 'websocket.connect'}, {'type': 'websocket.disconnect', 'code': 1005}], []),
        (WS, [], [REFUSE, {'type': 'websocket.http.response.body', 'body': b'no'}]),
        (WS, [], [ACCEPT, close(code=1000, reason=None)]),
        (LIFESPAN, [{'type': 'lifespan.startup'}], [STARTED]),
        (LIFESPAN, [{'type': 'lifespan.startup'}], [{'type': 'lifespan.startup.failed', 'message': 'no'}]),
        (LIFESPAN, [], []),
        ({'type': 'custom', 'asgi': {'version': '3.0'}}, [{'type': 'custom.event'}], [{'type': 'custom.answer'}]),
    ],
)  # fmt: skip
def test_what_asgi_allows_passes_unchanged(scope, received, sent):
    assert talk(scope, sent, received) == sent


@pytest.mark.parametrize(
    ('scope', 'sent', 'said'),
    [
        (HTTP, [], 'returned without sending a response'),
        (HTTP, [START], 'returned before the end of the response body'),
        (HTTP, [START, body()], 'returned before the end of the response body'),
        (HTTP, [END], 'http.response.body before http.response.start'),
        (HTTP, [START, START], 'http.response.start twice'),
        (HTTP, [START, END, END], 'http.response.body after the end of the response'),
        (HTTP, [None], 'sent None: a message is a dict'),
        (HTTP, [{'status': 200}], 'type is None, not a str'),
        (HTTP, [START | {b'status': 200}], "http.response.start with the key b'status', not a str"),
        (HTTP, [{'type': 'http.response'}], "'http.response' on an HTTP connection"),
        (HTTP, [ACCEPT], "'websocket.accept' on an HTTP connection"),
        (HTTP, [{'type': 'http.response.start'}], 'http.response.start has no status'),
        (HTTP, [start(status='200')], "status is '200', not int"),
        (HTTP, [start(status=True)], 'status is True, not int'),
        (HTTP, [start(status=103)], 'status is 103, not from 200 to 999'),
        (HTTP, [start(status=1000)], 'status is 1000, not from 200 to 999'),
        (HTTP, [start(headers=None)], 'headers is None, not a list of [name, value]'),
        (HTTP, [start(headers={b'a': b'b'})], "the header b'a' is not a pair of name and value"),
        (HTTP, [start(headers=[(b'a',)])], "the header (b'a',) is not a pair of name and value"),
        (HTTP, [start(headers=[('a', 'b')])], "the header ('a', 'b') is not a pair of bytes"),
        (HTTP, [start(headers=[(b'a', bytearray(b'b'))])], 'is not a pair of bytes'),
        (HTTP, [start(headers=[(b'X-A', b'b')])], "the name of the header b'X-A' is not in lower case"),
        (HTTP, [start(headers=[(b':status', b'b')])], "b':status' is a pseudo header"),
        (HTTP, [start(headers=[(b'', b'b')])], "b'' is not a token"),
        (HTTP, [start(headers=[(b'a b', b'b')])], "b'a b' is not a token"),
        (HTTP, [start(headers=[(b'a', b'b\r\nset-cookie: c=d')])], "the header b'a' has a control character"),
        (HTTP, [start(headers=[(b'a', b'\0')])], 'has a control character'),
        (HTTP, [start(headers=[(b'a', b' b')])], 'has a control character or outer space'),
        (HTTP, [sized(b'-1')], "content-length is b'-1', not a number"),
        (HTTP, [sized('١'.encode())], 'content-length is'),
        (HTTP, [start(headers=[(b'content-length', b'1')] * 2)], 'more than one content-length'),
        (HTTP, [sized(b'3'), body(b'ab', False)], 'shorter than its content-length, by 1 bytes'),
        (HTTP, [sized(b'3'), body(b'ab'), body(b'cd')], 'longer than its content-length, by 1 bytes'),
        (HTTP, [sized(b'3', status=204)], "content-length is b'3' with status 204"),
        (HTTP, [start(status=204), body(b'a')], 'a body with a status that has none'),
        (HTTP, [start(status=304), body(b'a')], 'a body with a status that has none'),
        (HTTP, [START, body('text')], "body is 'text', not bytes"),
        (HTTP, [START, body(None)], 'body is None, not bytes'),
        (HTTP, [START, body(bytearray(b'a'))], 'not bytes'),
        (HTTP, [START, body(b'', 1)], 'more_body is 1, not bool'),
        (HTTP, [start(trailers=True)], 'announces trailers, an extension that the scope does not offer'),
        (HTTP, [{'type': 'http.response.push', 'path': '/'}], 'an extension that the scope does not offer'),
        (HTTP | OFFERS, [start(trailers=True), END], 'returned before the end of the trailers'),
        (HTTP | OFFERS, [START, {'type': 'http.response.trailers'}], 'before the end of the body, or unannounced'),
        (HTTP | OFFERS, [START, {'type': 'http.response.debug'}], 'http.response.debug after http.response.start'),
        (HTTP | OFFERS, [{'type': 'http.response.pathsend', 'path': '/'}], 'pathsend before http.response.start'),
        (HTTP | OFFERS, [START, {'type': 'http.response.pathsend', 'path': b'/'}], "path is b'/', not str"),
        (HTTP | OFFERS, [{'type': 'http.response.zerocopysend'}], 'zerocopysend before http.response.start'),
        (HTTP | OFFERS, [START, END, {'type': 'http.response.push', 'path': '/'}], 'after the end of the response'),
        (WS, [], 'returned without accepting or refusing'),
        (WS, [send(text='a')], 'websocket.send before websocket.accept'),
        (WS, [ACCEPT, ACCEPT], 'websocket.accept twice'),
        (WS, [ACCEPT, REFUSE], 'websocket.http.response.start after websocket.accept'),
        (WS, [ACCEPT, START], "'http.response.start' on a WebSocket"),
        (WS, [ACCEPT | {'subprotocol': 'soap'}], "the subprotocol 'soap' is none of those offered: ['chat']"),
        (WS, [ACCEPT | {'subprotocol': b'chat'}], "subprotocol is b'chat', not str or None"),
        (WS, [ACCEPT | {'headers': [(b'sec-websocket-protocol', b'a')]}], 'belongs to the server'),
        (WS, [ACCEPT, send()], 'exactly one of bytes and text must be there, not neither'),
        (WS, [ACCEPT, send(text='a', bytes=b'b')], 'exactly one of bytes and text must be there, not both'),
        (WS, [ACCEPT, send(text=b'a')], "text is b'a', not str"),
        (WS, [ACCEPT, send(bytes='a')], "bytes is 'a', not bytes"),
        (WS, [ACCEPT, close(), close()], 'websocket.close after the WebSocket was closed'),
        (WS, [ACCEPT, close(), send(text='a')], 'websocket.send after the WebSocket was closed'),
        (WS, [ACCEPT, close(code='1000')], "code is '1000', not int"),
        *((WS, [ACCEPT, close(code=code)], f'the code {code} must not be sent')
          for code in (0, 999, 1004, 1005, 1006, 1015, 2999, 5000)),
        (WS, [ACCEPT, close(reason='é' * 62)], 'longer than 123 bytes'),
        (WS, [REFUSE], 'returned before the end of the response that refuses'),
        (WS, [REFUSE, ACCEPT], 'websocket.accept while it refuses'),
        (WS, [REFUSE | {'status': 99}], 'status is 99, not from 200 to 999'),
        (WS | {'extensions': {}}, [REFUSE], 'an extension that the scope does not offer'),
        (LIFESPAN, [STARTED], 'lifespan.startup.complete before it received lifespan.startup'),
        (LIFESPAN, [START], "'http.response.start' in the lifespan"),
    ],
)  # fmt: skip
def test_a_breach_of_the_application_is_named(scope, sent, said):
    with pytest.raises(ASGIViolation) as caught:
        talk(scope, sent)
    assert said in str(caught.value)


STARTUP, SHUTDOWN = {'type': 'lifespan.startup'}, {'type': 'lifespan.shutdown'}


@pytest.mark.parametrize(
    ('sent', 'said'),
    [
        ([STARTED, STARTED], 'lifespan.startup.complete when lifespan.startup had been answered'),
        ([STARTED, {'type': 'lifespan.shutdown.complete'}], 'before it received lifespan.shutdown'),
        ([{'type': 'lifespan.startup.failed', 'message': 7}], 'message is 7, not str'),
    ],
)
def test_a_breach_of_the_lifespan_is_named(sent, said):
    with pytest.raises(ASGIViolation) as caught:
        talk(LIFESPAN, sent, [STARTUP])
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ('scope', 'changes', 'received', 'said'),
    [
        (HTTP, {'type': 7}, [], 'type is 7, not a str'),
        (HTTP, {'asgi': None}, [], 'asgi is None, not a dict with a version'),
        (HTTP, {'asgi': {'version': '3.0', 'spec_version': 2}}, [], 'spec_version is 2, not str'),
        (HTTP, {'method': 'get'}, [], "the method 'get' is not in upper case"),
        (HTTP, {'method': None}, [], 'method is None, not str'),
        (HTTP, {'http_version': '1.2'}, [], "http_version is '1.2'"),
        (HTTP, {'path': b'/a'}, [], "path is b'/a', not str"),
        (HTTP, {'raw_path': b'/a?x=1'}, [], 'holds the query string'),
        (HTTP, {'raw_path': '/a'}, [], "raw_path is '/a', not bytes or None"),
        (HTTP, {'query_string': 'x=1'}, [], "query_string is 'x=1', not bytes"),
        (HTTP, {'root_path': None}, [], 'root_path is None, not str'),
        (HTTP, {'scheme': ''}, [], 'scheme is empty'),
        (HTTP, {'headers': [(b'Host', b'a')]}, [], "the name of the header b'Host' is not in lower case"),
        (HTTP, {'headers': [(b':path', b'a')]}, [], 'pseudo header'),
        (HTTP, {'client': '127.0.0.1'}, [], "client is '127.0.0.1', not a host and a port"),
        (HTTP, {'client': ('127.0.0.1', None)}, [], 'not a host and a port'),
        (HTTP, {'client': ('127.0.0.1',)}, [], 'not a host and a port'),
        (HTTP, {'client': (b'127.0.0.1', 80)}, [], 'not a host and a port'),
        (HTTP, {'server': ('localhost', '80')}, [], 'not a host and a port'),
        (HTTP, {'state': None}, [], 'state is None'),
        (HTTP, {'extensions': []}, [], 'extensions is []'),
        (WS, {'subprotocols': 'chat'}, [], "subprotocols is 'chat', not list or tuple"),
        (WS, {'subprotocols': [b'chat']}, [], "the subprotocol b'chat' is not a str"),
        (HTTP, {}, [{'type': 'http.request'}] * 2, 'http.request after the end of the request'),
        (HTTP, {}, [{'type': 'http.disconnect'}, {'type': 'http.request'}], 'http.request after the end'),
        (HTTP, {}, [{'type': 'http.request', 'body': 'a'}], "body is 'a'"),
        (HTTP, {}, [{'type': 'http.request', 'more_body': None}], 'more_body is None'),
        (HTTP, {}, [{'type': 'websocket.connect'}], "'websocket.connect' on an HTTP connection"),
        (WS, {}, [{'type': 'websocket.connect'}] * 2, 'websocket.connect twice'),
        (WS, {}, [{'type': 'websocket.receive', 'text': 'a'}], 'before the connection was accepted'),
        (WS, {}, [{'type': 'websocket.disconnect', 'code': None}], 'code is None, not int'),
        (WS, {}, [{'type': 'websocket.disconnect'}, {'type': 'websocket.connect'}], 'after websocket.disconnect'),
        (WS, {}, [{'type': 'http.request'}], "'http.request' on a WebSocket"),
        (LIFESPAN, {}, [STARTUP, STARTUP], 'lifespan.startup twice'),
        (LIFESPAN, {}, [STARTUP, SHUTDOWN], 'lifespan.shutdown before lifespan.startup.complete'),
        (LIFESPAN, {}, [{'type': 'http.request'}], "'http.request' in the lifespan"),
    ],
)
def test_a_breach_of_the_server_is_named(scope, changes, received, said):
    with pytest.raises(ASGIViolation) as caught:
        talk(scope | changes, (), received)
    assert said in str(caught.value)


def test_however_many_headers_an_application_sends_all_of_them_arrive():
    names = [(b'x-%d' % number, b'%d' % number) for number in range(5000)]

    async def app(scope, receive, send):
        await send(start(headers=names))
        await send(END)

    with Client(app) as client:
        assert client.get('/').headers.raw == names


def test_a_value_that_is_returned_is_a_breach():
    with pytest.raises(ASGIViolation, match="returned 'done': its coroutine must return None"):
        talk(HTTP, [START, END], returns='done')


def test_an_application_that_is_not_async_is_a_breach():
    with pytest.raises(ASGIViolation, match='must be a coroutine function'):
        asyncio.run(lint(lambda scope, receive, send: None)(HTTP, None, None))


def test_a_breach_that_the_application_swallows_is_raised_all_the_same():
    async def app(scope, receive, send):
        try:
            await send({'type': 'http.response.start', 'status': '200'})
        except Exception:
            await send(START)
            await send(END)

    async def server(message=None):
        return message

    with pytest.raises(ASGIViolation, match="status is '200'"):
        asyncio.run(lint(app)(HTTP, server, server))
    with Client(app) as client, pytest.raises(ASGIViolation, match="status is '200'"):
        client.get('/')
    with Client(app, raise_app_exceptions=False) as client, pytest.raises(ASGIViolation, match="status is '200'"):
        client.get('/')


@pytest.mark.parametrize(
    ('scope', 'sent'), [(HTTP, [START]), (HTTP, [START, body(b'a')]), (WS, [ACCEPT]), (WS, [REFUSE])]
)
def test_an_application_whose_send_failed_may_return(scope, sent):
    async def app(scope, receive, send):
        with contextlib.suppress(OSError):
            for message in sent:
                await send(message)

    async def closed(message):
        if message is sent[-1]:
            raise OSError('the client has left')

    asyncio.run(lint(app)(scope, None, closed))


WRONG = {'X-A': 'a\r\nx-b: c'}
BLAMED = (
    r"the request that the test makes is wrong, not the application: GET .*the header b'x-a' has a control character"
)


async def fine(scope, receive, send):
    await send(START)
    await send(END)


def test_a_request_that_the_test_makes_wrongly_is_an_error_of_the_request():
    with Client(fine) as client:
        for first in (True, False):
            with pytest.raises(ValueError, match=BLAMED):
                client.get('/', headers=WRONG)
            if first:
                assert client.get('/').status_code == 200
        with pytest.raises(ValueError, match=BLAMED):
            client.websocket('/', headers=WRONG)
    with pytest.raises(ValueError, match="client is 'localhost', not the host and the port"):
        Client(fine, client='localhost')
    with Client(fine, lint=False) as client:
        assert client.get('/', headers=WRONG).status_code == 200


def test_a_request_that_the_test_makes_wrongly_is_an_error_of_the_request_async():
    async def main():
        async with AsyncClient(fine) as client:
            with pytest.raises(ValueError, match=BLAMED):
                await client.get('/', headers=WRONG)
            with pytest.raises(ValueError, match=BLAMED):
                await client.websocket('/', headers=WRONG)

    asyncio.run(main())


def unchecked(*sent):
    """Give the response to an application that sends just this, and is not checked."""

    async def app(scope, receive, send):
        for message in sent:
            await send(message)

    with Client(app, lint=False, lifespan='off') as client:
        return client.get('/')


CAPITALS = [(b'X-A', b'b'), (b'content-type', b'text/plain')]


@pytest.mark.parametrize(
    ('sent', 'content'),
    [
        ([start(headers=CAPITALS), END], b''),
        ([start(headers=iter(CAPITALS)), END], b''),
        ([sized(b'1'), body(b'ab', False)], b'ab'),
        ([sized(b'3'), body(b'ab', False)], b'ab'),
        ([START, body(memoryview(b'a')), body(bytearray(b'b'), False)], b'ab'),
        ([START, body(None, False)], b''),
        ([start(status=204), body(b'a', False)], b'a'),
        ([start(trailers=True), body(b'a', False), {'type': 'http.response.trailers'}], b'a'),
        ([body(b'early'), START, START | {'status': 404}, body(b'a', False), body(b'late')], b'a'),
        ([{'type': 'nonsense'}, START, {'type': 'http.response.pathsend', 'path': 7}], b''),
    ],
)
def test_without_lint_nothing_that_an_application_sends_is_checked(sent, content):
    response = unchecked(*sent)
    assert (response.status_code, response.content) == (204 if sent[0].get('status') == 204 else 200, content)


def test_without_lint_an_application_that_sends_no_whole_response_gets_what_a_server_makes_of_it():
    assert (unchecked().status_code, unchecked().text) == (500, 'Internal Server Error')
    with pytest.raises(httpx.RemoteProtocolError, match='ended in the middle of its response'):
        unchecked(START)


def test_without_lint_an_application_may_return_what_it_likes():
    async def app(scope, receive, send):
        await fine(scope, receive, send)
        return 'done'

    with Client(app, lint=False, lifespan='off') as client:
        assert client.get('/').status_code == 200


def test_header_names_reach_the_test_as_the_application_sent_them_and_its_message_is_not_changed():
    sent = start(headers=CAPITALS)
    response = unchecked(sent, END)
    assert response.headers.raw == CAPITALS
    assert response.headers['x-a'] == 'b'
    assert sent == start(headers=CAPITALS)
    with Client(fine) as client:
        assert client.get('/').headers.raw == [tuple(header) for header in START['headers']]


def test_without_lint_a_websocket_is_not_checked():
    """As FastAPI's handler of bad WebSockets, whose reason is a list, and whose close no server could send."""

    async def app(scope, receive, send):
        await receive()
        if scope['path'] == '/':
            return await send({'type': 'websocket.close', 'code': 1008, 'reason': [{'loc': ['query', 'id']}]})
        await send({'type': 'websocket.send', 'text': 'early'})
        await send({'type': 'websocket.accept', 'headers': [(b'X-A', b'b')], 'subprotocol': 'soap'})
        await send({'type': 'websocket.accept'})
        await send({'type': 'websocket.send', 'text': 'hello'})
        await send({'type': 'websocket.close', 'code': 99, 'reason': 'x' * 200})

    with Client(app, lint=False, lifespan='off') as client:
        with pytest.raises(WebSocketRefused) as caught:
            client.websocket('/')
        assert (caught.value.code, caught.value.reason) == (1008, [{'loc': ['query', 'id']}])
        with client.websocket('/open') as ws:
            assert (b'X-A', b'b') in ws.response.headers.raw
            assert (ws.subprotocol, list(ws)) == ('soap', ['hello'])
            assert ws.closed == (99, 'x' * 200)
    with Client(app, lifespan='off') as client, pytest.raises(ASGIViolation, match='reason is'):
        client.websocket('/')


def test_without_lint_an_application_that_takes_the_lifespan_for_a_request_is_served_without():
    with Client(fine, lint=False) as client:
        assert client.get('/').status_code == 200


def test_headers_given_as_an_iterator_are_read_once_and_arrive():
    async def app(scope, receive, send):
        await send(start(headers=((b'x-a', b'%d' % n) for n in range(2))))
        await send(END)

    with Client(app) as client:
        assert client.get('/').headers.get_list('x-a') == ['0', '1']


def test_the_cost_of_checking_headers_is_linear():
    import time

    def cost(size):
        began = time.process_time()
        for _ in range(20):
            with pytest.raises(ASGIViolation):
                talk(HTTP, [start(headers=[(b'a', b'b' + b' ' * size + b'\0')])])
        return time.process_time() - began

    cost(10)
    assert any(cost(100_000) < 20 * (cost(10_000) + 0.01) for _ in range(5))

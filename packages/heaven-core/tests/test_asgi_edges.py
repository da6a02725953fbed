"""What the ASGI specification lets a server leave out, or do at any moment, section by section."""

import asyncio
import json

import pytest
from asks import Live, ask, connect, stream
from heaven import App
from live import lifespan


def app_that(show, **options):
    app = App(**options)

    async def socket(req, ws, ctx):
        await ws.send_json(show(req))

    for route in ('/', '/x', '/:id'):
        app.HTTP(route, lambda req, res, ctx: res.out(200, show(req)))
        app.WS(route, socket)
    return app


def both(app, change):
    """What a request and a socket get whose scopes were changed."""

    async def run():
        exchange = stream(app, 'GET', '/x')
        change(exchange.scope)
        reply = await exchange.reply()
        peer = connect(app, '/x')
        change(peer.scope)
        async with peer:
            await peer.leave()
            await peer.end()
        return reply.json(), json.loads(peer.sent[0])

    return asyncio.run(run())


def without(*keys):
    return lambda scope: [scope.pop(key, None) for key in keys]


def with_(**changes):
    return lambda scope: scope.update(changes)


# HTTP and WebSocket: Connection Scope


SCOPES = [
    (without('scheme'), lambda req: req.scheme in ('http', 'ws'), True),
    (without('raw_path'), lambda req: req.params, {}),
    (with_(raw_path=None), lambda req: req.url.rpartition(':')[2], '8000/x'),
    (without('root_path'), lambda req: req.path, '/x'),
    (with_(root_path=''), lambda req: req.path, '/x'),
    (without('client'), lambda req: list(req.ip), [None, None]),
    (with_(client=None), lambda req: list(req.ip), [None, None]),
    (with_(client=['::1', 5]), lambda req: list(req.ip), ['::1', 5]),
    (with_(client=('', 0)), lambda req: req.ip.address, None),
    (with_(client=('', None)), lambda req: [req.ip.address, req.ip.port], [None, None]),
    (with_(client=('10.0.0.7', '4711')), lambda req: [req.ip.address, req.ip.port], ['10.0.0.7', 4711]),
    (without('server'), lambda req: list(req.server), [None, None]),
    (with_(server=None), lambda req: list(req.server), [None, None]),
    (with_(server=('/run/app.sock', None)), lambda req: list(req.server), ['/run/app.sock', None]),
    (with_(server=('::1', 80), headers=[]), lambda req: req.host, '[::1]'),
    (with_(server=('/run/app.sock', None), headers=[]), lambda req: req.host, 'localhost'),
    (without('extensions'), lambda req: 1, 1),
    (with_(extensions=None), lambda req: 1, 1),
    (with_(extensions={'nobody.knows': {}}), lambda req: 1, 1),
    (without('state'), lambda req: 1, 1),
    (without('asgi'), lambda req: 1, 1),
    (with_(asgi={'version': '3.0'}), lambda req: 1, 1),
    (with_(asgi={'version': '3.0', 'spec_version': '9.9'}), lambda req: 1, 1),
    (with_(http_version='1.0'), lambda req: 1, 1),
    (with_(http_version='2'), lambda req: 1, 1),
    (with_(http_version='3'), lambda req: 1, 1),
    (with_(headers=[]), lambda req: dict(req.headers), {}),
    (with_(headers=((b'a', b'1'), (b'a', b'2'))), lambda req: req.headers.all('a'), ['1', '2']),
    (with_(headers=[[b'a', b'1']]), lambda req: req.headers['A'], '1'),
    (with_(headers=[(b'a', b'\xff')]), lambda req: req.headers['a'], '\xff'),
    (with_(headers=[(b'a', b'')]), lambda req: req.headers['a'], ''),
    (with_(query_string=b''), lambda req: req.querystring, ''),
    (with_(query_string=b'a=%ff&b'), lambda req: [req.queries['a'], req.queries['b']], ['\ufffd', '']),
    (with_(path='/caf\xe9', raw_path=b'/caf%C3%A9'), lambda req: req.params['id'], 'caf\xe9'),
    (with_(path='/a/b', raw_path=b'/a%2Fb'), lambda req: req.params['id'], 'a/b'),
    (with_(path='', raw_path=b''), lambda req: req.route, '/'),
    (with_(path='/api/x', raw_path=b'/api/x', root_path='/api'), lambda req: req.route, '/x'),
    (with_(path='/x', raw_path=b'/x', root_path='/api'), lambda req: req.route, '/x'),
    (with_(**{'unknown.key': object()}), lambda req: 1, 1),
]


@pytest.mark.parametrize('change, show, expected', SCOPES, ids=map(str, range(len(SCOPES))))
def test_a_scope_may_lack_what_is_optional_and_have_what_is_not_known(change, show, expected):
    assert both(app_that(lambda req: {'seen': show(req)}), change) == ({'seen': expected}, {'seen': expected})


@pytest.mark.parametrize('kind', ['ftp', 'http2', '', 'http.request', None])
def test_a_protocol_that_is_not_known_is_an_exception_as_the_specification_wants(kind):
    async def run():
        await App()({'type': kind, 'asgi': {'version': '3.0'}, 'headers': []}, None, None)

    with pytest.raises(ValueError, match='serves http, websocket and lifespan'):
        asyncio.run(run())


# HTTP: Request and Disconnect


def replay(app, messages, method='POST', headers=()):
    """What is sent to an app whose server gives just these messages, and then nothing."""

    async def run():
        exchange = stream(app, method, '/x', headers=headers)
        inbox, sent = list(messages), []

        async def receive():
            return inbox.pop(0) if inbox else await asyncio.get_running_loop().create_future()

        async def send(message):
            sent.append(message)

        async with asyncio.timeout(60):
            await app(exchange.scope, receive, send)
        return sent

    return asyncio.run(run())


REQUEST = 'http.request'


@pytest.mark.parametrize(
    'messages, body',
    [
        ([{'type': REQUEST}], ''),
        ([{'type': REQUEST, 'body': b'a'}], 'a'),
        ([{'type': REQUEST, 'more_body': False}], ''),
        ([{'type': REQUEST, 'body': b'a', 'more_body': True}, {'type': REQUEST}], 'a'),
        ([{'type': REQUEST, 'more_body': True}, {'type': REQUEST, 'body': b'b', 'more_body': False}], 'b'),
        ([{'type': REQUEST, 'body': b'', 'more_body': True}] * 3 + [{'type': REQUEST, 'body': b'c'}], 'c'),
    ],
)
def test_a_body_comes_in_any_number_of_messages_that_may_lack_their_keys(messages, body):
    assert replay(app_that(lambda req: req.text), messages)[1]['body'] == body.encode()


@pytest.mark.parametrize('before', range(3))
def test_a_disconnect_in_the_middle_of_a_body_is_answered_by_nobody(before, caplog):
    messages = [{'type': REQUEST, 'body': b'a', 'more_body': True}] * before + [{'type': 'http.disconnect'}]
    assert replay(app_that(lambda req: 1 / 0), messages) == []
    assert caplog.records == []


def test_a_disconnect_instead_of_a_body_that_nobody_reads_is_not_noticed():
    assert replay(app_that(lambda req: 'x'), [{'type': 'http.disconnect'}], 'GET')[0]['status'] == 200


@pytest.mark.parametrize('sent', [0, 1])
def test_a_send_that_raises_oserror_tells_that_the_client_has_left(sent, caplog):
    app = app_that(lambda req: 'x')
    assert len(ask(app, 'GET', '/x', fail_send_after=sent).messages) == sent
    assert caplog.records == []


# HTTP: Response Start and Response Body


@pytest.mark.parametrize('method', ['GET', 'HEAD', 'POST'])
def test_an_answer_is_one_start_and_one_body_of_plain_types(method):
    start, body = ask(app_that(lambda req: {'a': 1}), method, '/x').messages
    start['headers'].sort()
    assert start == {
        'type': 'http.response.start',
        'status': 200,
        'headers': [(b'content-length', b'7'), (b'content-type', b'application/json')],
    }
    assert (body['body'], body.get('more_body', False)) == (b'' if method == 'HEAD' else b'{"a":1}', False)


def test_a_stream_ends_with_a_message_that_says_so():
    app = App()
    app.GET('/', lambda req, res, ctx: res.stream(iter(['a', 'b'])))
    bodies = [(m['body'], m['more_body']) for m in ask(app, 'GET', '/').messages[1:]]
    assert bodies == [(b'a', True), (b'b', True), (b'', False)]


# WebSocket: Connection Scope, Receive, Disconnect


def talk(handler, messages, change=lambda scope: None):
    app = App()
    app.WS('/', handler)

    async def run():
        peer = connect(app, '/', connect=False)
        change(peer.scope)
        for message in messages:
            peer.inbox.put_nowait(message)
        async with peer:
            return await peer.end()

    return asyncio.run(run())


CONNECT, GONE = {'type': 'websocket.connect'}, {'type': 'websocket.disconnect'}


@pytest.mark.parametrize('gone', [GONE, {**GONE, 'code': None}, {**GONE, 'code': 1005, 'reason': None},
                                  {**GONE, 'code': 1006, 'reason': ''}, {**GONE, 'code': 4000, 'reason': 'x'}],
                         ids=['bare', 'none', 'no reason', 'abnormal', 'full'])  # fmt: skip
def test_a_disconnect_may_lack_its_code_and_its_reason(gone):
    async def handler(req, ws, ctx):
        seen.extend([message async for message in ws])
        seen.append('end')

    seen = []
    assert talk(handler, [CONNECT, gone]).error is None
    assert seen == ['end']


def test_a_disconnect_in_place_of_the_connect_is_answered_by_nobody():
    assert talk(lambda req, ws, ctx: 1 / 0, [GONE]).messages == []


def test_nothing_is_received_before_the_accept_nor_after_the_disconnect():
    async def handler(req, ws, ctx):
        for _ in range(2):
            assert [message async for message in ws] in (['a'], [])

    assert talk(handler, [CONNECT, {'type': 'websocket.receive', 'text': 'a'}, GONE]).error is None


def test_an_accept_has_all_of_its_keys_and_a_close_too():
    async def handler(req, ws, ctx):
        await ws.accept()

    accept, close = talk(handler, [CONNECT, GONE]).messages
    assert accept == {'type': 'websocket.accept', 'subprotocol': None, 'headers': []}
    assert close == {'type': 'websocket.close', 'code': 1000, 'reason': ''}


def test_a_denial_is_sent_only_to_servers_that_say_they_can():
    async def handler(req, ws, ctx):
        raise AssertionError

    for extensions, kinds in {
        'websocket.http.response': ['websocket.http.response.start', 'websocket.http.response.body'],
        'websocket.other': ['websocket.close'],
    }.items():
        peer = talk(
            handler, [CONNECT], lambda scope, name=extensions: scope.update(path='/none', extensions={name: {}})
        )
        assert [message['type'] for message in peer.messages] == kinds


# Lifespan


@pytest.mark.parametrize('scope', [{}, {'state': {}}, {'asgi': {}}], ids=['bare', 'state', 'asgi'])
def test_startup_and_shutdown_are_each_answered_once_and_then_it_returns(scope):
    complete = [{'type': 'lifespan.startup.complete'}, {'type': 'lifespan.shutdown.complete'}]
    assert lifespan(App(), 'startup', 'shutdown', **scope) == complete


def test_a_startup_that_fails_is_told_with_its_reason_and_nothing_else_is_waited_for():
    app = App()
    app.ON('startup', lambda app: 1 / 0)
    (answer,) = lifespan(app, 'startup')
    assert answer['type'] == 'lifespan.startup.failed' and 'division by zero' in answer['message']


def test_a_shutdown_that_fails_is_told_with_its_reason():
    app = App()
    app.ON('shutdown', lambda app: 1 / 0)
    _, answer = lifespan(app, 'startup', 'shutdown')
    assert answer['type'] == 'lifespan.shutdown.failed' and 'division by zero' in answer['message']


def test_two_lifespans_of_one_app_start_it_once_and_the_last_to_end_stops_it():
    seen = []
    app = App()
    app.ON('startup', lambda app: seen.append('up'))
    app.ON('shutdown', lambda app: seen.append('down'))

    async def run():
        async with Live(app):
            async with Live(app):
                pass
            assert seen == ['up']

    asyncio.run(run())
    assert seen == ['up', 'down']


def test_the_state_of_the_server_is_left_as_it_is_and_each_request_may_change_its_own():
    app = App()
    app.GET('/', lambda req, res, ctx: res.out(200, req.scope['state'].setdefault('n', 0)))
    with Live(app) as alive:
        alive.state['ours'] = 1
        assert alive.ask('GET', '/').json() == 0
        assert alive.state == {'ours': 1}

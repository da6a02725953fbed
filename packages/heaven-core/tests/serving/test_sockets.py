"""WebSockets: the object, its handshake, and its end (RFC 6455; ASGI, WebSocket)."""

import asyncio
import json
import logging
import tracemalloc
from itertools import pairwise

import pytest
from asks import Live, connect, meet
from heaven import Abort, App, ClientError, Disconnected, Key
from peer import EXTENSION, Peer


async def echo(req, ws, ctx):
    async for message in ws:
        await ws.send(message)


def served(handler, **options):
    app = App()
    app.WS('/', handler, **options)
    return app


def met(handler, *messages, **options):
    """What a peer sees of a handler at `/`."""
    return meet(handler, '/', *messages, **options)


def kept(*names):
    """A handler that does nothing but note the names of its calls, and the list."""
    seen = []

    async def note(req, res, ctx):
        seen.append(req.path)

    return note, seen


# The object


def test_text_comes_as_str_and_binary_as_bytes_and_both_go_out_as_they_came():
    assert met(echo, 'text', b'binary', '', b'').sent == ['text', b'binary', '', b'']


@pytest.mark.parametrize(
    'message, value',
    [
        ({'type': 'websocket.receive', 'text': 'x', 'bytes': None}, 'x'),
        ({'type': 'websocket.receive', 'text': None, 'bytes': b'x'}, b'x'),
        ({'type': 'websocket.receive', 'text': ''}, ''),
        ({'type': 'websocket.receive', 'bytes': b''}, b''),
        ({'type': 'websocket.receive', 'text': None, 'bytes': b''}, b''),
    ],
)
def test_a_message_that_holds_both_kinds_is_of_the_kind_that_is_not_none(message, value):
    assert met(echo, message).sent == [value]


def test_iteration_ends_when_the_peer_leaves_and_the_handler_goes_on_to_its_end():
    seen = []

    async def handler(req, ws, ctx):
        async for message in ws:
            seen.append(message)
        seen.append('end')

    peer = met(handler, 'a', 'b')
    assert (seen, peer.code, peer.error) == (['a', 'b', 'end'], None, None)


def test_receive_gives_one_message_and_raises_disconnected_when_the_peer_has_left():
    seen = []

    async def handler(req, ws, ctx):
        seen.append(await ws.receive())
        for _ in range(3):
            with pytest.raises(Disconnected):
                await ws.receive()
        with pytest.raises(Disconnected):
            await ws.send('x')
        await ws.close()
        assert await req.disconnected()

    assert met(handler, 'a').messages[1:] == []
    assert seen == ['a']


def test_disconnected_says_the_code_and_the_reason():
    async def handler(req, ws, ctx):
        with pytest.raises(Disconnected, match='4001 see you'):
            await ws.receive()
        seen.append(1)

    async def run():
        async with connect(handler) as peer:
            await peer.leave(4001, 'see you')
            await peer.end()

    seen = []
    asyncio.run(run())
    assert seen == [1]


def test_json_is_received_of_either_kind_and_sent_as_text():
    async def handler(req, ws, ctx):
        await ws.send_json([await ws.receive_json(), await ws.receive_json()])

    assert met(handler, '{"a":1}', b'2').sent == ['[{"a":1},2]']


@pytest.mark.parametrize('as_bytes', [True, False])
def test_the_codec_of_the_app_encodes_and_decodes(as_bytes):
    class Codec:
        def loads(self, data):
            assert type(data) is bytes
            return json.loads(data)['x']

        def dumps(self, value):
            text = json.dumps({'x': value})
            return text.encode() if as_bytes else text

    async def handler(req, ws, ctx):
        await ws.send_json(await ws.receive_json() + 1)

    app = App(json=Codec())
    app.WS('/', handler)
    assert meet(app, '/', '{"x": 1}').sent == ['{"x": 2}']


@pytest.mark.parametrize(
    'text', ['', 'x', '{', 'NaN', pytest.param('[' * 100_000, id='deep'), '"\\ud800"', b'\xff', '1 2']
)
def test_a_message_that_is_no_json_is_a_client_error_that_closes_with_1007_and_is_not_logged(text, caplog):
    async def handler(req, ws, ctx):
        try:
            await ws.receive_json()
        except ClientError as error:
            seen.append(str(error))
            raise

    seen = []
    peer = met(handler, text)
    assert peer.code == 1007
    assert peer.reason and seen[0].startswith(peer.reason) and 'JSON' in seen[0]
    assert caplog.records == []


@pytest.mark.parametrize('value', [None, 1, {'a': 1}, [1], 1.5, object(), bytearray(b'x')])
def test_what_is_no_message_is_refused_where_it_is_sent(value):
    async def handler(req, ws, ctx):
        with pytest.raises(TypeError, match=f'{type(value).__name__}: send_json'):
            await ws.send(value)
        await ws.send('still open')

    assert met(handler).sent == ['still open']


@pytest.mark.parametrize('value', [float('nan'), {1, 2}, object()])
def test_what_is_no_json_is_refused_where_it_is_sent(value):
    async def handler(req, ws, ctx):
        with pytest.raises((TypeError, ValueError)):
            await ws.send_json(value)
        await ws.send_json('still open')

    assert met(handler).sent == ['"still open"']


# The handshake


@pytest.mark.parametrize('first', ['accept', 'send', 'receive', 'return'])
def test_the_handshake_is_completed_by_the_first_use_and_at_the_latest_by_the_end(first):
    async def handler(req, ws, ctx):
        if first == 'accept':
            await ws.accept()
        elif first == 'send':
            await ws.send('x')
        elif first == 'receive':
            await ws.receive()

    peer = met(handler, 'a')
    assert peer.messages[0]['type'] == 'websocket.accept'
    assert sum(m['type'] == 'websocket.accept' for m in peer.messages) == 1
    assert peer.code == 1000


def test_a_subprotocol_is_chosen_from_those_offered_in_their_order():
    async def handler(req, ws, ctx):
        assert list(ws.subprotocols) == ['v2', 'v1']
        with pytest.raises(ValueError, match='v3'):
            await ws.accept('v3')
        await ws.accept('v1')

    assert met(handler, subprotocols=['v2', 'v1']).subprotocol == 'v1'
    assert met(echo, subprotocols=['v2']).subprotocol is None


def test_none_offered_is_an_empty_sequence_also_where_the_server_does_not_say():
    seen = []

    async def handler(req, ws, ctx):
        seen.append(list(ws.subprotocols))

    async def run():
        peer = connect(handler)
        del peer.scope['subprotocols']
        async with peer:
            await peer.end()

    asyncio.run(run())
    assert seen == [[]]


def test_the_handshake_carries_the_headers_of_hooks_and_of_accept_and_cookies():
    async def handler(req, ws, ctx):
        await ws.accept(headers={'X-Mine': 'c', 'X-Over': 'new'})

    def hook(req, res, ctx):
        res.headers['X-Hook'] = 'b'
        res.headers['X-Over'] = 'old'
        res.cookie('a', '1')
        res.cookie('b', '2')

    app = served(handler)
    app.BEFORE('/*', hook)
    peer = meet(app)
    cookies = [value for name, value in peer.messages[0]['headers'] if name == b'set-cookie']
    assert (peer.headers[b'x-hook'], peer.headers[b'x-mine'], peer.headers[b'x-over']) == (b'b', b'c', b'new')
    assert cookies == [b'a=1; Path=/', b'b=2; Path=/']


@pytest.mark.parametrize('value', ['a\r\nb: c', '\u20ac', 'a\x00'])
def test_a_header_that_cannot_be_sent_is_refused_where_it_is_set(value):
    async def handler(req, ws, ctx):
        with pytest.raises(ValueError):
            await ws.accept(headers={'x-a': value})

    assert met(handler).code == 1000


def test_headers_that_describe_a_body_or_belong_to_the_handshake_do_not_go_out_with_it():
    names = ['content-type', 'content-length', 'transfer-encoding', 'connection', 'upgrade', 'sec-websocket-protocol']

    def hook(req, res, ctx):
        for name in names:
            res.headers[name] = '1'

    app = served(echo)
    app.BEFORE('/*', hook)
    assert meet(app, '/', 'a').messages[0]['headers'] == []


def test_accept_after_the_handshake_says_that_it_is_too_late():
    async def handler(req, ws, ctx):
        await ws.send('x')
        with pytest.raises(RuntimeError, match='before the first'):
            await ws.accept()

    assert met(handler).code == 1000


def test_a_client_that_leaves_before_the_handshake_meets_nobody():
    handler, seen = kept()
    peer = met(handler, connect=False)
    assert (peer.messages, seen) == ([], [])


# Its end


@pytest.mark.parametrize(
    'handler', [lambda req, ws, ctx: None, lambda req, ws, ctx: ws.send('x')], ids=['plain', 'awaitable']
)
def test_a_handler_that_returns_closes_with_1000_after_the_handshake(handler):
    peer = met(handler)
    assert (peer.accepted, peer.code) == (True, 1000)


@pytest.mark.parametrize('code, reason', [(1000, ''), (1001, 'gone'), (1008, 'no'), (4000, 'mine'), (4999, '')])
def test_close_sends_the_code_and_the_reason_once(code, reason):
    async def handler(req, ws, ctx):
        await ws.accept()
        await ws.close(code, reason)
        await ws.close()
        with pytest.raises(Disconnected):
            await ws.send('x')
        with pytest.raises(Disconnected):
            await ws.receive()
        assert [message async for message in ws] == []

    peer = met(handler, 'a')
    assert (peer.code, peer.reason, len(peer.messages)) == (code, reason, 2)


@pytest.mark.parametrize('code', [0, 999, 1004, 1005, 1006, 1015, 5000])
def test_a_code_that_nobody_may_send_is_refused(code):
    async def handler(req, ws, ctx):
        with pytest.raises(ValueError, match=str(code)):
            await ws.close(code)

    assert met(handler).code == 1000


def test_a_reason_that_is_no_text_is_refused():
    async def handler(req, ws, ctx):
        with pytest.raises(TypeError, match='the reason of a close is a str, not 5'):
            await ws.close(1000, 5)

    assert met(handler).code == 1000


def test_a_long_reason_is_cut_at_123_bytes_and_at_a_whole_character():
    async def handler(req, ws, ctx):
        await ws.accept()
        await ws.close(4000, '\u20ac' * 100)

    assert met(handler).reason == '\u20ac' * 41


def test_close_before_the_handshake_refuses_it():
    async def handler(req, ws, ctx):
        await ws.close(4003, 'no')

    peer = met(handler)
    assert [m['type'] for m in peer.messages] == ['websocket.close']
    assert (peer.code, peer.reason) == (4003, 'no')


@pytest.mark.parametrize('error', [ValueError('x'), Abort(404), KeyError('a')])
def test_a_handler_that_raises_closes_with_1011_and_is_logged_once_with_its_traceback(error, caplog):
    async def handler(req, ws, ctx):
        await ws.accept()
        raise error

    peer = met(handler)
    assert peer.code == 1011 and 'x' not in peer.reason
    (record,) = caplog.records
    assert (record.name, record.levelno, record.exc_info[1]) == ('heaven', logging.ERROR, error)


def test_a_handler_that_raises_before_the_handshake_refuses_it_with_500_and_is_logged(caplog):
    async def handler(req, ws, ctx):
        raise ValueError('x')

    assert met(handler).status == 500
    assert met(handler, extensions={}).code == 1011
    assert [record.exc_info[1].args for record in caplog.records] == [('x',)] * 2


@pytest.mark.parametrize('use', ['receive', 'send', 'receive_json'])
def test_a_peer_that_left_is_quiet_if_nobody_catches_it(use, caplog):
    async def handler(req, ws, ctx):
        await ws.accept()
        await ws.send('x') if use == 'send' else await getattr(ws, use)()

    caplog.set_level(logging.INFO, 'heaven')
    peer = met(handler, fail_send_after=1)
    assert (len(peer.messages), peer.error, caplog.records) == (1, None, [])


@pytest.mark.parametrize('sent', range(4))
def test_a_client_that_leaves_while_anything_is_sent_is_quiet(sent, caplog):
    seen = []

    async def handler(req, ws, ctx):
        try:
            await ws.send('a')
            await ws.send('b')
        finally:
            seen.append('cleaned')

    peer = met(handler, fail_send_after=sent)
    assert (len(peer.messages), peer.error, seen, caplog.records) == (sent, None, ['cleaned'], [])


@pytest.mark.parametrize('sent', range(2))
@pytest.mark.parametrize('extensions', [EXTENSION, {}])
def test_a_client_that_leaves_while_it_is_refused_is_quiet(sent, extensions, caplog):
    app = App()
    peer = meet(app, fail_send_after=sent, extensions=extensions)
    assert (peer.error, caplog.records) == (None, [])


def test_the_disconnection_of_another_socket_is_a_failure_like_any(caplog):
    others = []

    async def handler(req, ws, ctx):
        await ws.accept()
        if req.queries.get('first'):
            others.append(ws)
        else:
            await others[0].send('x')

    app = served(handler)
    assert meet(app, '/?first=1').code == 1000
    assert meet(app).code == 1011
    assert len(caplog.records) == 1


def test_a_handler_that_is_cancelled_is_cancelled_and_nothing_is_answered():
    async def run():
        async with connect(echo) as peer:
            await peer.say('a')
            await peer.next()
            await peer.next()
            peer.task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await peer.task
            assert peer.code is None

    asyncio.run(run())


# Sizes


@pytest.mark.parametrize(
    'letter, count, fits',
    [
        ('a', 100, True),
        ('a', 101, False),
        (b'b', 100, True),
        (b'b', 101, False),
        ('\u20ac', 33, True),
        ('\u20ac', 34, False),
        ('\U0001f600', 25, True),
        ('\U0001f600', 26, False),
    ],
)
@pytest.mark.parametrize('where', ['app', 'route'])
def test_a_message_above_max_body_size_in_bytes_closes_with_1009(letter, count, fits, where, caplog):
    seen, message = [], letter * count

    async def handler(req, ws, ctx):
        async for message in ws:
            seen.append(message)
        seen.append('end')

    app = App(max_body_size=100 if where == 'app' else 10)
    app.WS('/', handler, **({'max_body_size': 100} if where == 'route' else {}))
    peer = meet(app, '/', message, 'next')
    assert (seen, peer.code) == (([message, 'next', 'end'], None) if fits else (['end'], 1009))
    assert caplog.records == []


def test_a_message_above_the_limit_is_disconnected_to_who_receives_it():
    async def handler(req, ws, ctx):
        with pytest.raises(Disconnected, match='1009'):
            await ws.receive()
        raise Disconnected('again')

    app = App(max_body_size=1)
    app.WS('/', handler)
    peer = meet(app, '/', 'aa')
    assert (peer.code, len(peer.messages)) == (1009, 2)


# Several tasks


def test_many_senders_send_whole_messages_one_at_a_time_after_one_accept():
    async def handler(req, ws, ctx):
        await asyncio.gather(*(ws.send(str(n)) for n in range(50)))

    assert sorted(met(handler).sent, key=int) == [str(n) for n in range(50)]


def test_a_sender_and_a_receiver_that_start_together_make_one_handshake():
    async def handler(req, ws, ctx):
        received, _, _ = await asyncio.gather(ws.receive(), ws.send('a'), ws.send('b'))
        assert received == 'x'

    assert met(handler, 'x').sent == ['a', 'b']


def test_a_receiver_that_waits_does_not_keep_others_from_sending_or_closing():
    async def handler(req, ws, ctx):
        waiting = asyncio.ensure_future(ws.receive())
        await ws.send('tick')
        await ws.close(4000)
        waiting.cancel()

    assert met(handler, leave=None).code == 4000


def test_a_receive_that_timed_out_loses_no_message():
    async def handler(req, ws, ctx):
        await ws.accept()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await ws.receive()
        await ws.send('go')
        await ws.send(await ws.receive())

    async def run():
        async with connect(handler) as peer:
            await peer.next()
            await peer.next()
            await peer.say('kept')
            await peer.end()
            assert peer.sent == ['go', 'kept']

    asyncio.run(run())


# The request


def test_the_request_knows_its_route_params_queries_headers_and_urls():
    seen = {}

    async def handler(req, ws, ctx):
        seen.update(
            route=req.route, params=req.params, path=req.path, scheme=req.scheme, url=req.url, method=req.method
        )
        seen.update(page=req.queries['page'], q=req.queries.get('q'), cookie=req.cookies['a'], host=req.host)
        seen.update(other=req.url_for('chat', room='a b'), body=req.body, read=await req.read(), app=req.app)
        seen.update(left=await req.disconnected())

    app = App()
    app.WS('/rooms/:room:int?page:int=1', handler)
    app.WS('/chat/:room', echo, name='chat')
    meet(app, '/root/rooms/7?q=x', headers={'cookie': 'a=b', 'host': 'a.com'}, root_path='/root')
    assert seen == {
        'route': '/rooms/:room:int',
        'params': {'room': 7},
        'path': '/root/rooms/7',
        'scheme': 'ws',
        'url': 'ws://a.com/root/rooms/7?q=x',
        'method': 'GET',
        'page': 1,
        'q': 'x',
        'cookie': 'b',
        'host': 'a.com',
        'other': '/root/chat/a%20b',
        'body': b'',
        'read': b'',
        'app': app,
        'left': False,
    }


def test_a_query_that_does_not_convert_refuses_the_handshake_with_400():
    app = App()
    app.WS('/?page:int', echo)
    peer = meet(app, '/?page=x')
    assert (peer.status, b'page' in peer.body) == (400, True)


def test_the_context_carries_what_hooks_kept():
    user = Key[str]('user')

    async def handler(req, ws, ctx):
        await ws.send(ctx.peek(user))

    app = served(handler)
    app.BEFORE('/', lambda req, res, ctx: ctx.keep(user, 'ann'))
    assert meet(app).sent == ['ann']


def test_the_verb_of_sockets_is_a_decorator_too():
    app = App()

    @app.WS('/decorated')
    async def handler(req, ws, ctx):
        await ws.send('decorated')

    app.WS('/plain', handler)
    assert meet(app, '/decorated').sent == meet(app, '/plain').sent == ['decorated']


def test_a_get_and_a_socket_may_have_one_route():
    app = App()
    app.GET('/', lambda req, res, ctx: res.out(200, 'page'))
    app.WS('/', echo)
    assert meet(app, '/', 'x').sent == ['x']


def test_groups_and_subdomains_have_sockets():
    app = App()
    app.group('/v1').WS('/echo', echo)
    app.subdomain('api').WS('/echo', lambda req, ws, ctx: ws.send(req.subdomain))
    assert meet(app, '/v1/echo', 'x').sent == ['x']
    assert meet(app, '/echo', headers={'host': 'api.a.com'}).sent == ['api']
    assert meet(app, '/echo', headers={'host': 'www.a.com'}).status == 404


def test_an_object_a_method_and_a_dotted_path_are_handlers():
    class Chat:
        async def method(self, req, ws, ctx):
            await ws.send('method')

        async def __call__(self, req, ws, ctx):
            await ws.send('object')

    app = App()
    app.WS('/a', Chat())
    app.WS('/b', Chat().method)
    app.WS('/c', f'{__name__}.echo')
    assert [meet(app, path, 'dotted').sent for path in ('/a', '/b', '/c')] == [['object'], ['method'], ['dotted']]


def test_however_many_messages_are_there_at_once_others_have_their_turn():
    seen, turns = [], []

    async def handler(req, ws, ctx):
        await ws.accept()
        async for message in ws:
            seen.append(message)

    async def run():
        async with connect(handler) as peer:
            await peer.say(*['x'] * 3000)
            await peer.leave()
            while not peer.task.done():
                turns.append(len(seen))
                await asyncio.sleep(0)

    asyncio.run(run())
    assert len(seen) == 3000
    assert max(later - earlier for earlier, later in pairwise(turns)) <= 100


def test_a_value_that_a_handler_returns_is_ignored_with_one_warning(caplog):
    app = served(lambda req, ws, ctx: 'said')
    with Live(app) as live:
        assert [live.meet().code for _ in range(2)] == [1000, 1000]
    assert [record.levelname for record in caplog.records] == ['WARNING']


# Cost


def test_an_idle_socket_costs_at_most_8_kib_of_ours():
    async def run(app, count):
        peers = [Peer(app, f'/rooms/{n}') for n in range(count + 1)]
        started = []
        async with peers[0]:
            await peers[0].next()
            tracemalloc.start()
            before, _ = tracemalloc.get_traced_memory()
            try:
                for peer in peers[1:]:
                    started.append(await peer.__aenter__())
                for peer in started:
                    await peer.next()
                return (tracemalloc.get_traced_memory()[0] - before) / count
            finally:
                tracemalloc.stop()
                for peer in started:
                    await peer.__aexit__()

    async def hook(req, res, ctx):
        res.header('x-a', 'b')
        ctx.user = req.headers.get('cookie')

    async def raw(scope, receive, send):
        await receive()
        await send({'type': 'websocket.accept', 'subprotocol': None, 'headers': []})
        await receive()

    app = App()
    app.BEFORE('/*', hook)
    app.AFTER('/*', hook, always=True)
    app.WS('/rooms/:id:int', echo)
    cost = asyncio.run(run(app, 200)) - asyncio.run(run(raw, 200))
    assert 0 < cost < 8192, cost

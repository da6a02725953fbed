"""The same app over real sockets, under every server that people use; run by `nox -s servers`."""

import json
import sys
from pathlib import Path

import httpx
import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from served import COMMANDS, SPEAK_HTTP2, Served  # noqa: E402
from wire import Line, Socket, ask, ask2  # noqa: E402

LOSES_HANDSHAKE_HEADERS = {'granian'}
HANGS_WITHOUT_A_BODY = {'uvicorn-zttp'}  # on HTTP/2 an app that reads waits until the client leaves
UNIX_SOCKETS = {'--port': ['--uds', 'socket'], '--bind': ['--bind', 'unix:socket']}  # instead of a port


@pytest.fixture(scope='module', params=COMMANDS)
def server(request, tmp_path_factory):
    served = Served(COMMANDS[request.param], 'app:app', tmp_path_factory.mktemp(request.param))
    served.name = request.param
    try:
        served.wait_until_it_answers('/show/')
        yield served
    finally:
        served.kill()


@pytest.fixture(params=['1.1', '2'])
def request_of(request, server):
    """A function that makes a request by a version of HTTP that the server speaks."""
    if request.param == '2' and server.name not in SPEAK_HTTP2:
        pytest.skip('speaks no HTTP/2')
    return ask2 if request.param == '2' else ask


@pytest.mark.parametrize('method', ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
def test_every_method_arrives_and_is_answered(server, request_of, method):
    if request_of is ask2 and server.name in HANGS_WITHOUT_A_BODY and method in ('POST', 'PUT', 'PATCH', 'DELETE'):
        pytest.skip('the server does not tell that there is no body')
    reply = request_of(server.port, '/show/a?b=c', method)
    assert reply.status == 200
    assert int(reply.header('content-length')) > 0
    assert (b'"%s"' % method.encode() in reply.body) is (method != 'HEAD')


def test_the_app_was_started_before_its_first_request(server, request_of):
    assert b'"started":true' in request_of(server.port, '/show/').body


@pytest.mark.parametrize('rest, seen', [('a', '"a"'), ('caf%C3%A9', '"caf\xe9"'), ('a%2Fb', '"a/b"'), ('', '""'),
                                        ('a//b', '"a//b"'), ('a/...', '"a/..."'), ('%ff', '"\ufffd"')])  # fmt: skip
def test_a_path_arrives_as_it_was_sent(server, request_of, rest, seen):
    assert f'"rest":{seen}' in request_of(server.port, f'/show/{rest}').body.decode()


@pytest.mark.parametrize('target', ['/admin/x', '//admin/x', '/admin//x', '/admin%2Fx', '/%61dmin/x', '/admin%2F%2Fx',
                                    'http://a.com/admin/x'])  # fmt: skip
def test_no_spelling_goes_around_a_guard(server, target):
    assert ask(server.port, target).status == 401


@pytest.mark.parametrize('target', ['/x/../admin/x', '/./admin/x', '/admin/..%2Fadmin', '/show/a/%2e%2e/b'])
def test_a_path_with_dots_is_a_400(server, target):
    assert ask(server.port, target).status == 400


def test_the_other_forms_of_a_target_are_understood(server):
    assert b'"rest":"x","raw":true' in ask(server.port, 'http://a.com/show/x').body
    assert 'QUERY' in ask(server.port, '*', 'OPTIONS').header('allow')


def test_a_mounted_app_of_another_kind_gets_its_root_path(server, request_of):
    assert request_of(server.port, '/foreign/x').body == b'/foreign /foreign/x'
    assert request_of(server.port, '/child/page').body == b'child'


def test_a_body_is_read_whole_or_as_a_stream_and_one_that_is_too_large_is_413(server, request_of):
    assert request_of(server.port, '/echo', 'POST', body=b'abc').body == b'abc'
    assert request_of(server.port, '/upload', 'POST', body=b'x' * 60_000).body == b'{"size":60000}'
    assert request_of(server.port, '/echo', 'POST', body=b'x' * 60_000).status == 413


@pytest.mark.parametrize('is_announced', [True, False])
def test_a_client_that_reads_nothing_before_it_has_sent_all_over_http_2_reads_its_413(server, is_announced):
    if server.name not in SPEAK_HTTP2:
        pytest.skip('speaks no HTTP/2')
    headers = {'content-length': str(21 * 2**20)} if is_announced else {}
    with httpx.Client(http1=False, http2=True, base_url=f'http://127.0.0.1:{server.port}', timeout=60) as client:
        body = (bytes(2**16) for _ in range(336))  # 21 MiB
        reply = client.post('/echo', content=body, headers=headers)
        assert (reply.http_version, reply.status_code) == ('HTTP/2', 413)
        assert reply.text == 'the body is larger than 1000 bytes'
        assert client.post('/echo', content=b'abc').text == 'abc'


def test_a_stream_and_a_file_arrive_whole(server, request_of):
    assert request_of(server.port, '/stream').body == b'0\n1\n2\n'
    assert request_of(server.port, '/file').body == (HERE / 'app.py').read_bytes()
    reply = request_of(server.port, '/file', headers=[('range', 'bytes=3-6')])
    assert (reply.status, reply.body) == (206, b'What')


def test_answers_without_a_body_have_none(server, request_of):
    reply = request_of(server.port, '/empty')
    assert (reply.status, reply.body, reply.header('content-length')) == (204, b'', None)


def test_several_cookies_go_both_ways(server, request_of):
    reply = request_of(server.port, '/cookies', headers=[('cookie', 'c=3')])
    assert reply.body == b'3'
    assert [value[:3] for name, value in reply.headers if name == 'set-cookie'] == ['a=1', 'b=2']


def test_a_failure_is_a_plain_500_and_the_server_hears_of_none(server, request_of):
    before = server.said()
    assert (request_of(server.port, '/fail').body, request_of(server.port, '/none').status) == (
        b'Internal Server Error',
        404,
    )
    said = server.said().removeprefix(before)
    assert said.count('Traceback') == said.count('GET /fail failed') == 1


def test_one_connection_serves_many_requests_also_after_failures(server):
    with Line(server.port) as line:
        for path in ('/show/', '/fail', '/none', '/empty', '/stream', '/show/'):
            status = ask(server.port, path, line=line).status
            assert status == {'/fail': 500, '/none': 404, '/empty': 204}.get(path, 200)


def test_a_client_that_leaves_in_a_stream_closes_it(server):
    with Line(server.port) as line:
        line.send(b'GET /endless HTTP/1.1\r\nhost: a\r\n\r\n')
        line.until(b'xxx')
    server.wait(lambda: server.noted('stream closed'))


# WebSockets


def test_messages_go_both_ways_as_text_and_as_bytes(server):
    with Socket(server.port, '/chat/a%20b?x=y', subprotocol='v2, v1') as peer:
        assert (peer.status, peer.headers['sec-websocket-protocol']) == (101, 'v1')
        assert peer.headers.get('x-room') == (None if server.name in LOSES_HANDSHAKE_HEADERS else 'a b')
        for message in ('text', b'bytes', 'caf\xe9', '', b''):
            peer.say(message)
            assert peer.hear() == message


@pytest.mark.parametrize('message, close', [('close', (4001, 'as asked')), ('return', (1000, '')), ('fail', (1011, '')),
                                            ('x' * 1001, (1009, 'a message may have 1000 bytes'))],
                         ids=['close', 'return', 'fail', 'large'])  # fmt: skip
def test_every_end_of_a_handler_has_its_code(server, message, close):
    with Socket(server.port, '/chat/room') as peer:
        peer.say(message)
        assert peer.hear() == close


def test_a_peer_that_leaves_ends_the_handler_with_a_close_or_without(server):
    for says_so in (True, False):
        (server.folder / 'life.log').write_text('')
        with Socket(server.port, '/chat/room') as peer:
            peer.say('x')
            assert peer.hear() == 'x'
            if says_so:
                peer.say(b'\x03\xe9', opcode=8)
                assert peer.hear()[0] in (1000, 1001, 1005)
        server.wait(lambda: server.noted('socket ended'))


@pytest.mark.parametrize(
    'target, status', [('/none', 404), ('/admin/chat', 401), ('/show/', 404), ('//admin/chat', 401)]
)
def test_a_refusal_has_its_status_and_its_body(server, target, status):
    with Socket(server.port, target) as peer:
        assert (peer.status, peer.refused.body) == (status, {404: b'Not Found', 401: b'no'}[status])


def test_the_page_of_another_origin_is_refused_and_our_own_is_not(server):
    with Socket(server.port, '/chat/room', [('origin', 'http://evil.example')]) as peer:
        assert peer.status == 403
    with Socket(server.port, '/chat/room', [('origin', f'http://127.0.0.1:{server.port}')]) as peer:
        assert peer.status == 101


# What each offers, and the end


def test_a_client_has_an_address_and_a_port(server, request_of):
    address, port = json.loads(request_of(server.port, '/show/').body)['client']
    assert (address, type(port), port > 0) == ('127.0.0.1', int, True)


def test_a_client_on_a_unix_socket_has_neither(server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the path of a socket has 107 bytes at most
    command = list(COMMANDS[server.name])
    at = next(number for number, part in enumerate(command) if part in UNIX_SOCKETS)
    command[at : at + 2] = UNIX_SOCKETS[command[at]]
    served = Served(command, 'app:app', tmp_path)
    served.port = 'socket'
    try:
        served.wait_until_it_answers('/show/')
        assert json.loads(ask(served.port, '/show/').body)['client'] == [None, None]
    finally:
        served.kill()


def test_what_a_server_tells_is_what_the_table_says(server, request_of):
    told = json.loads(request_of(server.port, '/show/').body)
    table = (HERE.parent.parent / 'docs' / 'servers.md').read_text('utf-8')
    row = next(line for line in table.splitlines() if line.startswith(f'| {server.name} '))
    assert f' {told["spec"]} ' in row, told
    assert ('raw path' in row) is told['raw']
    for extension in told['extensions']:
        assert extension in row, told


@pytest.mark.parametrize('name', COMMANDS)
def test_the_server_stops_and_the_app_with_it(name, tmp_path):
    server = Served(COMMANDS[name], 'app:app', tmp_path)
    try:
        server.wait_until_it_answers('/show/')
        server.stop()
        assert server.noted('down')
    finally:
        server.kill()

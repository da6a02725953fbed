"""A server that is told to stop with a stream of events and two WebSockets open, and one whose app does not start."""

import http.client
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

client = pytest.importorskip('websockets.sync.client')
from websockets.exceptions import ConnectionClosed  # noqa: E402

pytestmark = pytest.mark.skipif(os.name == 'nt', reason='Windows has no SIGTERM')

APP = """
import asyncio
import sys
from pathlib import Path

from heaven import SHUTDOWN, App


def note(text):
    with Path('life.log').open('a') as log:
        log.write(f'{text} ')


async def events(req, res, ctx):
    async def generate():
        try:
            yield 'begun'
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            note('closed')

    res.stream(generate(), sse=True)


async def chat(req, ws, ctx):
    await ws.accept()
    async for _ in ws:
        pass
    note('left')


async def push(req, ws, ctx):
    await ws.accept()
    await asyncio.Event().wait()


app = App()
app.GET('/events', events)
app.WS('/chat', chat)
app.WS('/push', push)
app.ON(SHUTDOWN, lambda app: note('down'))

if __name__ == '__main__':
    app.listen(port=int(sys.argv[1]))
"""
WRAPPED = """
from app import app as inner


async def app(scope, receive, send):
    if scope['type'] != 'lifespan':
        await inner(scope, receive, send)
"""
COMMANDS = {
    'run': ['-m', 'heaven', 'run', '--port', '{port}'],
    'workers': ['-m', 'heaven', 'run', '--port', '{port}', '--workers', '2'],
    'reload': ['-m', 'heaven', 'run', 'app', '--port', '{port}', '--reload'],
    'wrapped': ['-m', 'heaven', 'run', 'wrapped', '--port', '{port}'],
    'listen': ['app.py', '{port}'],
}


def free_port():
    """A port that is free, below those that a system hands out by itself: nobody is given it meanwhile."""
    while True:
        port = 10_000 + secrets.randbelow(20_000)
        with socket.socket() as free, suppress(OSError):
            free.bind(('127.0.0.1', port))
            return port


def wait_for(port, server):
    """Asks until somebody listens: what another process does has no other sign."""
    until = time.monotonic() + 120
    while True:
        assert server.poll() is None and time.monotonic() < until
        try:
            socket.create_connection(('127.0.0.1', port)).close()
            return
        except OSError:
            time.sleep(0.02)


@pytest.mark.parametrize('command', COMMANDS)
def test_a_stop_ends_what_is_open_and_waits_for_nothing(command, tmp_path):
    (tmp_path / 'app.py').write_text(APP)
    (tmp_path / 'wrapped.py').write_text(WRAPPED)
    port = free_port()
    program = [sys.executable, *(part.format(port=port) for part in COMMANDS[command])]
    errors = (tmp_path / 'errors').open('wb')
    server = subprocess.Popen(program, cwd=tmp_path, stdout=errors, stderr=errors)
    try:
        wait_for(port, server)
        stream = http.client.HTTPConnection('127.0.0.1', port, timeout=120)
        with (
            closing(stream),
            client.connect(f'ws://127.0.0.1:{port}/chat', open_timeout=120) as chat,
            client.connect(f'ws://127.0.0.1:{port}/push', open_timeout=120) as push,
        ):
            stream.request('GET', '/events')
            response = stream.getresponse()
            assert response.readline() == b'data: begun\n'
            server.send_signal(signal.SIGTERM)
            assert response.read() == b'\n'  # or IncompleteRead, without a last chunk
            assert [code_of(peer) for peer in (chat, push)] == [1001, 1001]
        server.wait(120)
    finally:
        server.kill()
        server.wait()
        errors.close()
    said = Path(tmp_path, 'errors').read_text()
    assert 'Traceback' not in said and 'timeout graceful shutdown exceeded' not in said, said
    noted = (tmp_path / 'life.log').read_text().split()
    assert sorted({*noted} - {'down'}) == ['closed', 'left']
    assert ('down' in noted) is (command != 'wrapped')


def code_of(peer):
    """What a WebSocket is closed with."""
    with pytest.raises(ConnectionClosed) as closed:
        peer.recv(timeout=120)
    return closed.value.rcvd.code


FAILING = """
from heaven import STARTUP, App


def fail(app):
    raise RuntimeError('no database')


app = App()
app.ON(STARTUP, fail)

if __name__ == '__main__':
    app.listen(port=0)
"""


@pytest.mark.parametrize('command', ['run', 'workers', 'listen'])
def test_an_app_that_does_not_start_ends_the_server_with_the_code_3(command, tmp_path):
    (tmp_path / 'app.py').write_text(FAILING)
    program = [sys.executable, *(part.format(port=0) for part in COMMANDS[command])]
    ended = subprocess.run(program, cwd=tmp_path, stderr=subprocess.PIPE, timeout=120, check=False)
    assert ended.returncode == 3
    assert b'RuntimeError: no database' in ended.stderr


LOCAL = """
from heaven import App

App().listen(uds='local.sock')
"""


def test_a_server_on_a_socket_of_the_file_system_removes_it_when_it_is_interrupted(tmp_path):
    (tmp_path / 'app.py').write_text(LOCAL)
    place = tmp_path / 'local.sock'
    with subprocess.Popen([sys.executable, 'app.py'], cwd=tmp_path, stderr=subprocess.PIPE) as server:
        try:
            while b'running on unix socket' not in server.stderr.readline():
                assert server.poll() is None
            assert place.is_socket()
            server.send_signal(signal.SIGINT)
            server.stderr.read()
            assert (server.wait(120), place.exists()) == (0, False)
        finally:
            server.kill()

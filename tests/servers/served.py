"""A server as a process of its own: the commands by which the servers are started, and what one run of them did."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from wire import ask

HERE = Path(__file__).parent

# {app} and {port} are filled in.
BIND = ['--bind', '127.0.0.1:{port}']
UVICORN = ['uvicorn', '{app}', '--port', '{port}', '--log-level', 'warning']
GRACEFUL = ['--timeout-graceful-shutdown', '3']
HYPERCORN = ['hypercorn', '{app}', *BIND, '--graceful-timeout', '3']
GRANIAN = ['granian', '{app}', '--interface', 'asgi', '--port', '{port}', '--log-level', 'warning']
GUNICORN = ['gunicorn', '{app}', *BIND, '--log-level', 'warning', '--no-control-socket']

COMMANDS = {
    'uvicorn-httptools': [*UVICORN, *GRACEFUL, '--http', 'httptools', '--ws', 'websockets-sansio'],
    'uvicorn-h11': [*UVICORN, *GRACEFUL, '--http', 'h11', '--ws', 'wsproto'],
    'uvicorn-zttp': [*UVICORN, *GRACEFUL, '--http', 'zttp', '--http2', '--ws', 'websockets-sansio'],
    'hypercorn': HYPERCORN,
    'granian': GRANIAN,
    'gunicorn-uvicorn': [*GUNICORN, '-k', 'uvicorn_worker.UvicornWorker', '--graceful-timeout', '30'],
}
SPEAK_HTTP2 = {'uvicorn-zttp', 'hypercorn', 'granian'}


def free_port():
    """Return a port that is free, below those that a system hands out by itself: nobody is given it meanwhile."""
    while True:
        port = 10_000 + secrets.randbelow(20_000)
        with socket.socket() as free, suppress(OSError):
            free.bind(('127.0.0.1', port))
            return port


class Served:
    """One server that serves one app in a folder, where the app notes in life.log what happens to it."""

    def __init__(self, command, app, folder, where=HERE, **env):
        self.folder, self.port = folder, free_port()
        self.errors = (folder / 'errors').open('wb+')
        path = os.pathsep.join([str(where), str(folder), os.environ.get('PYTHONPATH', '')])
        self.process = subprocess.Popen(
            [sys.executable, '-m', *(part.format(app=app, port=self.port) for part in command)],
            cwd=folder,
            env={**os.environ, 'PYTHONPATH': path, **env},
            stdout=self.errors,
            stderr=self.errors,
            start_new_session=True,
        )

    def wait_until_it_answers(self, path):
        def answers():
            assert self.process.poll() is None, self.said()
            try:
                return ask(self.port, path).status == 200
            except OSError:
                return False

        self.wait(answers)

    def wait(self, ready, limit=120):
        """Ask until it is so: what another process does has no other end."""
        until = time.monotonic() + limit
        while not ready():
            assert time.monotonic() < until, self.said()
            time.sleep(0.02)

    def said(self):
        return Path(self.errors.name).read_text()

    def noted(self, text):
        log = self.folder / 'life.log'
        return log.exists() and text in log.read_text().splitlines()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        self.errors.close()

    def kill(self):
        """End the server and its workers, whatever state they are in."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.errors.close()

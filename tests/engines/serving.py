"""An application as `heaven run` serves it, over a real socket."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import httpx
from engines import free_port


@contextmanager
def serve(app, folder, workers=1):
    """Serve an application of a folder; gives its address."""
    port = free_port()
    command = [sys.executable, '-m', 'heaven', 'run', app, '--port', str(port), '--workers', str(workers)]
    with (folder / 'server.log').open('wb+') as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, start_new_session=True)
        try:
            url = f'http://127.0.0.1:{port}'
            wait_until(lambda: answers(url, process, folder / 'server.log'))
            yield url
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=30)
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)


def wait_until(ready, limit=50):
    """Ask until it is so: what another process does has no other end."""
    until = time.monotonic() + limit
    while not ready():
        assert time.monotonic() < until
        time.sleep(0.05)


def answers(url, process, log):
    assert process.poll() is None, log.read_text()
    try:
        httpx.get(url)
    except httpx.TransportError:
        return False
    return True

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
            wait_until_it_answers(url, process, folder / 'server.log')
            yield url
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=30)
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)


def wait_until_it_answers(url, process, log):
    until = time.monotonic() + 60
    while True:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < until, log.read_text()
        try:
            httpx.get(url)
            return
        except httpx.TransportError:
            time.sleep(0.05)

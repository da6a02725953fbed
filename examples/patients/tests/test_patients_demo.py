"""The command that a newcomer types."""

import os
import re
import secrets
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Timer

import httpx

CLINIC = Path(__file__).resolve().parents[1]


def free_port() -> int:
    """Return a port that is free, below those that a system hands out by itself: nobody is given it meanwhile."""
    while True:
        port = 10_000 + secrets.randbelow(20_000)
        with socket.socket() as free, suppress(OSError):
            free.bind(('127.0.0.1', port))
            return port


def test_the_command_prints_where_it_serves_and_a_line_to_try_that_works(tmp_path: Path) -> None:
    port = free_port()
    environment = {**os.environ, 'HOST': 'localhost', 'PORT': str(port), 'PATIENTS_DB': str(tmp_path / 'patients.db')}
    with subprocess.Popen(
        [sys.executable, str(CLINIC)], env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as command:
        limit = Timer(120, command.kill)
        limit.start()
        try:
            assert command.stdout is not None
            said = ''
            for line in command.stdout:
                said += line
                if 'Uvicorn running' in line:
                    break
            assert f'http://localhost:{port}/v1/patients' in said
            tried = re.search(r"curl '([^']+)' -H '([^']+): ([^']+)'", said)
            assert tried is not None, said
            answer = httpx.get(tried[1], headers={tried[2]: tried[3]}, timeout=60)
            assert (answer.status_code, answer.json()['patients'][0]['name']) == (200, 'Chloé Martin')
            command.send_signal(signal.SIGINT)
            assert 'Application shutdown complete' in command.stdout.read()
        finally:
            command.kill()
            limit.cancel()

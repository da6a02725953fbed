"""The command that a newcomer types."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from threading import Timer

import httpx

CLINIC = Path(__file__).resolve().parents[1]


def test_the_command_prints_where_it_serves_and_a_line_to_try_that_works(tmp_path: Path) -> None:
    with socket.create_server(('127.0.0.1', 0)) as free:
        port = free.getsockname()[1]
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

"""The quickstart of the README, copied out of it, runs under uvicorn and answers as the README says."""

import http.client
import os
import re
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

README = (Path(__file__).parent.parent / 'README.md').read_text('utf-8')
FILES = dict(re.findall(r'^```(?:python|html) title="([^"]+)"\n(.*?)^```', README, re.MULTILINE | re.DOTALL))
URL, ANSWER = re.findall(r'^\$ curl (\S+)\n(.+)$', README, re.MULTILINE)[0]


def copy(folder):
    for name, source in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, 'utf-8')


@contextmanager
def uvicorn(target, folder):
    """Run a server in the folder, on a socket that listens before it does: nobody has to wait and try again."""
    with socket.create_server(('127.0.0.1', 0)) as listener:
        port, fd = listener.getsockname()[1], listener.fileno()
        command = [sys.executable, '-m', 'uvicorn', target, '--fd', str(fd)]
        server = subprocess.Popen(
            command, cwd=folder, pass_fds=[fd], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
    try:
        yield server, port
    finally:
        server.terminate()
        log = server.communicate(timeout=60)[0]
        print(log)


def get(port, path):
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=120)
    try:
        connection.request('GET', path)
        response = connection.getresponse()
        return response.status, response.headers['content-type'], response.read().decode()
    finally:
        connection.close()


@pytest.mark.skipif(os.name == 'nt', reason='Windows hands no socket to a child by its number')
@pytest.mark.parametrize(('target', 'folder'), [('app:app', '.'), ('src.app:app', 'src')])
def test_the_quickstart_answers_over_a_real_socket(target, folder, tmp_path):
    assert set(FILES) == {'controllers/patients/records.py', 'app.py', 'templates/patients.html'}
    copy(tmp_path / folder)
    with uvicorn(target, tmp_path) as (_, port):
        path = urlsplit(URL).path
        assert get(port, path) == (200, 'application/json', ANSWER)
        assert get(port, path + '000')[0::2] == (404, 'No such patient')


def test_the_quickstart_shows_a_page(tmp_path):
    copy(tmp_path)
    with uvicorn('app:app', tmp_path) as (_, port):
        status, kind, page = get(port, '/patients/7')
        assert (status, kind) == (200, 'text/html; charset=utf-8')
        assert '<h1>Ada Lovelace</h1>' in page and 'number 7, answered with 200.' in page
        assert get(port, '/patients/7000')[0] == 404


def test_a_handler_that_is_not_there_keeps_the_server_from_starting(tmp_path):
    copy(tmp_path)
    (tmp_path / 'controllers/patients/records.py').unlink()
    command = [sys.executable, '-m', 'uvicorn', 'app:app', '--port', '0']
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode != 0
    assert 'controllers.patients.records.get_record_by_id' in result.stderr
    assert '/v1/patients/:id' in result.stderr

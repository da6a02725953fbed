"""The recipe of object storage, while clients leave, and while the storage stops, dies, hangs and comes back."""

import socket

import httpx
import pytest
from heaven_testing import Client
from serving import serve, wait_until
from test_docs import ROOT

PAGE = ROOT / 'docs/cookbook/storage.md'
AWAY = (503, '5', {'error': 'Try again later'})
MIB = 2**20

MEASURED = """
import resource

from recordings import app

app.GET('/peak', lambda req, res, ctx: res.out(200, {'KiB': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))
"""


@pytest.fixture
def app(seaweedfs, recipe):
    return recipe('recordings').app.copy()


def said(reply):
    return reply.status_code, reply.headers.get('retry-after'), reply.json()


def pieces(count, then=lambda: None):
    """Make so many MiB, and do something in the middle."""
    for number in range(count):
        if number == count // 2:
            then()
        yield bytes([number % 256]) * MIB


def fetch(client, url):
    """Follow the link of a recording to the storage."""
    reply = client.get(url)
    assert reply.status_code == 307
    return httpx.get(reply.headers['location']).content


def test_what_was_uploaded_is_downloaded_also_in_part(app):
    with Client(app, timeout=60) as client:
        assert client.put('/recordings/1', content=pieces(20)).status_code == 204
        assert fetch(client, '/recordings/1') == b''.join(pieces(20))

        link = client.get('/recordings/1').headers['location']
        part = httpx.get(link, headers={'range': f'bytes={MIB - 1}-{MIB}'})
        assert (part.status_code, part.content) == (206, b'\x00\x01')
        assert httpx.get(link.replace('recordings/1', 'recordings/2')).status_code == 403


@pytest.mark.parametrize('content', [b'', b'short'])
def test_what_is_small_is_uploaded_too(app, content):
    with Client(app) as client:
        assert client.put('/recordings/2', content=content).status_code == 204
        assert fetch(client, '/recordings/2') == content


def test_an_upload_takes_little_memory(seaweedfs, folder):
    (folder / 'measured.py').write_text(MEASURED)
    with serve('measured:app', folder) as url, httpx.Client(base_url=url, timeout=120) as client:
        client.put('/recordings/3', content=pieces(40))
        before = client.get('/peak').json()['KiB']
        assert client.put('/recordings/3', content=pieces(400)).status_code == 204
        assert client.get('/peak').json()['KiB'] - before < 40 * 1024


def test_an_upload_whose_client_leaves_is_aborted(seaweedfs, folder):
    with serve('recordings:app', folder) as url, httpx.Client(base_url=url, timeout=60) as client:
        client.put('/recordings/4', content=b'the one before')
        before = seaweedfs.unfinished()

        with socket.create_connection((client.base_url.host, client.base_url.port)) as leaving:
            leaving.sendall(f'PUT /recordings/4 HTTP/1.1\r\nhost: x\r\ncontent-length: {100 * MIB}\r\n\r\n'.encode())
            for piece in pieces(40):
                leaving.sendall(piece)
            wait_until(lambda: len(seaweedfs.unfinished()) == len(before) + 1)

        wait_until(lambda: seaweedfs.unfinished() == before)
        assert fetch(client, '/recordings/4') == b'the one before'


def test_an_upload_that_is_too_large_is_aborted(seaweedfs, app, recipe):
    app.PUT('/short/:id:int', recipe('recordings').upload, stream=True, max_body_size=20 * MIB)
    before = seaweedfs.unfinished()
    begun = []
    with Client(app, timeout=60) as client:
        reply = client.put('/short/5', content=pieces(40, lambda: begun.extend(seaweedfs.unfinished())))
        assert reply.status_code == 413
        assert len(begun) == len(before) + 1
        wait_until(lambda: seaweedfs.unfinished() == before)
        assert client.get('/recordings/5').status_code == 404


@pytest.mark.parametrize('end', ['stop', 'kill'])
def test_a_storage_that_is_gone_is_a_503_and_the_app_goes_on_when_it_is_back(seaweedfs, app, end):
    with Client(app, timeout=60) as client:
        client.put('/recordings/6', content=b'the one before')

        getattr(seaweedfs, end)()
        assert said(client.get('/recordings/6')) == AWAY
        assert said(client.put('/recordings/6', content=pieces(20))) == AWAY
        seaweedfs.start()

        assert client.put('/recordings/6', content=pieces(20)).status_code == 204
        assert fetch(client, '/recordings/6') == b''.join(pieces(20))


def test_a_storage_that_ends_in_the_middle_of_an_upload_is_a_503(seaweedfs, app):
    with Client(app, timeout=60) as client:
        assert said(client.put('/recordings/7', content=pieces(60, seaweedfs.kill))) == AWAY
        seaweedfs.start()
        assert client.get('/recordings/7').status_code == 404
        assert client.put('/recordings/7', content=pieces(20)).status_code == 204


def test_a_storage_that_hangs_is_a_503_in_time(seaweedfs, app):
    with Client(app, timeout=60) as client:
        client.put('/recordings/8', content=b'kept')
        seaweedfs.freeze()
        assert said(client.get('/recordings/8')) == AWAY
        seaweedfs.thaw()
        assert fetch(client, '/recordings/8') == b'kept'


def test_a_wrong_key_is_a_500(app, monkeypatch):
    monkeypatch.setenv('AWS_SECRET_ACCESS_KEY', 'another')
    with Client(app, raise_app_exceptions=False) as client:
        assert client.get('/recordings/1').status_code == 500

"""Documents of a patient: sent as a form, given back as downloads that can be resumed."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest

Serve = Callable[[], AbstractContextManager[httpx.Client]]
SCAN = bytes(range(256)) * 4096  # 1 MiB, more than is kept in memory


def send(client: httpx.Client, name: str = 'scan.pdf', content: bytes = SCAN, patient: int = 1) -> httpx.Response:
    return client.post(f'/v1/patients/{patient}/documents', files={'document': (name, content, 'application/pdf')})


def files(folder: Path) -> list[Path]:
    return [path for path in (folder / 'patients.documents').iterdir() if path.is_file()]


def test_a_document_comes_back_as_it_was_sent_under_its_own_name(client: httpx.Client) -> None:
    added = send(client, 'Röntgen 3.pdf')
    assert added.status_code == 201
    assert added.json().items() >= {'name': 'Röntgen 3.pdf', 'size': len(SCAN), 'patient_id': 1}.items()
    answer = client.get(added.headers['location'])
    assert (answer.status_code, answer.content) == (200, SCAN)
    assert answer.headers['content-disposition'].startswith('attachment')
    assert "filename*=UTF-8''R%C3%B6ntgen%203.pdf" in answer.headers['content-disposition']
    assert answer.headers['content-type'] == 'application/pdf'
    assert client.get('/v1/patients/1/documents').json() == {'documents': [added.json()]}


def test_a_download_that_broke_off_is_resumed(client: httpx.Client, tmp_path: Path) -> None:
    where = send(client).headers['location']
    for file in files(tmp_path):
        os.utime(file, (1_000_000_000, 1_000_000_000))  # one just written may change unseen, and is not resumed
    whole = client.get(where)
    assert whole.headers['accept-ranges'] == 'bytes'
    rest = client.get(where, headers={'range': 'bytes=1000000-', 'if-range': whole.headers['etag']})
    assert (rest.status_code, rest.content) == (206, SCAN[1_000_000:])
    assert rest.headers['content-range'] == f'bytes 1000000-{len(SCAN) - 1}/{len(SCAN)}'
    changed = client.get(where, headers={'range': 'bytes=1000000-', 'if-range': '"another"'})
    assert (changed.status_code, changed.content) == (200, SCAN)
    assert client.get(where, headers={'if-none-match': whole.headers['etag']}).status_code == 304


@pytest.mark.parametrize(
    'name, kept',
    [
        ('../../app.py', 'app.py'),
        ('/etc/passwd', 'passwd'),
        ('C:\\clinic\\scan.pdf', 'scan.pdf'),
        ('<script>.html', None),
        ('a"b.txt', None),
        ('x' * 400 + '.pdf', None),
    ],
)
def test_no_name_leads_out_of_the_folder(client: httpx.Client, tmp_path: Path, name: str, kept: str | None) -> None:
    added = send(client, name, b'x')
    assert added.status_code == 201
    assert kept in (None, added.json()['name'])
    assert [path.name for path in tmp_path.iterdir() if not path.match('patients.db*')] == ['patients.documents']
    assert len(files(tmp_path)) == 1
    answer = client.get(added.headers['location'])
    assert answer.content == b'x'
    assert answer.headers['content-disposition'].startswith('attachment')
    assert answer.headers['x-content-type-options'] == 'nosniff'


@pytest.mark.parametrize(
    'sent, status',
    [
        ({'data': {'document': 'just text'}}, 422),
        ({'files': {'other': ('scan.pdf', b'x')}}, 422),
        ({'content': b'%PDF', 'headers': {'content-type': 'application/pdf'}}, 422),
        ({'content': b'--a\r\n', 'headers': {'content-type': 'multipart/form-data; boundary=a'}}, 400),
        ({'files': {'document': ('scan.pdf', b'x' * (21 * 2**20))}}, 413),
    ],
)
def test_what_is_no_document_leaves_nothing_behind(
    client: httpx.Client, tmp_path: Path, sent: dict[str, object], status: int
) -> None:
    answer = client.post('/v1/patients/1/documents', **sent)  # type: ignore[arg-type]
    assert (answer.status_code, bool(answer.json()['error'])) == (status, True)
    assert client.get('/v1/patients/1/documents').json() == {'documents': []}
    assert files(tmp_path) == []


def test_deleting_a_document_or_its_patient_deletes_the_file(client: httpx.Client, tmp_path: Path) -> None:
    where = [send(client).headers['location'] for _ in range(3)]
    other = send(client, patient=2).headers['location']
    assert len(files(tmp_path)) == 4
    assert client.get(other.replace('/2/', '/1/')).status_code == 404
    assert client.delete(where[0]).status_code == 204
    assert [client.get(each).status_code for each in where] == [404, 200, 200]
    assert len(files(tmp_path)) == 3
    client.delete('/v1/patients/1')
    assert len(files(tmp_path)) == 1
    assert client.get(other).status_code == 200


def test_documents_of_a_patient_who_is_not_there_are_refused_before_they_are_read(client: httpx.Client) -> None:
    assert send(client, patient=999).status_code == 404


def test_documents_survive_a_restart(serve: Serve) -> None:
    with serve() as client:
        where = send(client).headers['location']
    with serve() as client:
        assert client.get(where).content == SCAN

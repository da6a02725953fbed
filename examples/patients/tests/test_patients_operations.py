"""What those who run the clinic need: health checks, and plain answers where a disk is full or a database locked."""

import asyncio
import errno
import importlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest
from heaven import STARTUP, App
from heaven_testing import Client

DOCTOR = {'authorization': 'Bearer demo-doctor'}
ADA = {'number': 'X-1', 'name': 'Ada Obi', 'born': '1990-05-01'}
SCAN = {'document': ('scan.pdf', b'%PDF' * 400_000)}  # more than is kept in memory


@pytest.fixture
def impatient(clinic: Callable[[], App], monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """Ask a clinic that waits for a locked database only a moment."""
    app = clinic()
    monkeypatch.setattr('store.sqlite.PATIENCE', 50)
    with Client(app, headers=DOCTOR, timeout=60) as client:
        yield client


@contextmanager
def locked(path: Path) -> Iterator[None]:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute('BEGIN IMMEDIATE')
        yield
        other.execute('ROLLBACK')


def files(folder: Path) -> list[Path]:
    return list((folder / 'patients.documents').iterdir())


def test_a_database_that_somebody_else_keeps_locked_is_a_503_with_a_word(
    impatient: Client, tmp_path: Path, sqlite_file: Path
) -> None:
    with locked(sqlite_file):
        for answer in (
            impatient.post('/v1/patients', json=ADA),
            impatient.post('/v1/patients/1/documents', files=SCAN),
        ):
            assert (answer.status_code, answer.headers['retry-after']) == (503, '5')
            assert answer.json() == {'error': 'The clinic is busy. Please try again in a moment.'}
        page = impatient.post('/patients', data=ADA, headers={'accept': 'text/html'})
        assert (page.status_code, 'The clinic is busy.' in page.text) == (503, True)
        assert impatient.get('/v1/patients/1').status_code == 200
    assert files(tmp_path) == []
    assert impatient.post('/v1/patients', json=ADA).status_code == 201


@pytest.mark.usefixtures('sqlite_file')
def test_a_database_that_cannot_grow_is_a_507_with_a_word(clinic: Callable[[], App]) -> None:
    async def limit(app: App) -> None:
        database = app.peek(importlib.import_module('store.database').DB)
        await database.writer.execute('PRAGMA max_page_count = 1')  # SQLite takes it for as many as there are

    app = clinic()
    app.ON(STARTUP, limit)
    with Client(app, headers=DOCTOR, timeout=60) as client:
        answers = [
            client.post('/v1/patients', json=ADA | {'number': f'X-{number}', 'notes': 'x' * 5000})
            for number in range(10)
        ]
        assert {answer.status_code for answer in answers} - {201} == {507}
        assert answers[-1].json() == {'error': 'The clinic has no room left to keep this.'}
        assert client.get('/v1/patients/1').status_code == 200


@pytest.mark.parametrize('when', ['the form is received', 'the document is saved'])
def test_a_full_disk_is_a_507_and_leaves_no_part_of_an_upload(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if when == 'the form is received':
        monkeypatch.setattr('tempfile.TemporaryFile', full)
    else:
        monkeypatch.setattr('os.replace', full)
    answer = client.post('/v1/patients/1/documents', files=SCAN)
    monkeypatch.undo()
    assert (answer.status_code, answer.json()) == (507, {'error': 'The clinic has no room left to keep this.'})
    assert files(tmp_path) == []
    assert client.get('/v1/patients/1/documents').json() == {'documents': []}


def test_an_upload_that_is_cancelled_while_it_is_saved_leaves_no_file(client: Client, tmp_path: Path) -> None:
    documents = importlib.import_module('store.documents')

    class Cancelled:
        safe_name = 'scan.pdf'
        size = 4

        async def save(self, path: Path) -> None:
            path.write_bytes(b'%PDF')  # a thread cannot be stopped: it ends its work, and then the cancelling goes on
            raise asyncio.CancelledError

    async def add(app: App) -> None:
        await documents.add(app.peek('db'), tmp_path / 'patients.documents', 1, Cancelled())

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(add(client.app))
    assert files(tmp_path) == []


def test_health_says_that_the_process_lives_and_that_the_database_answers(client: Client) -> None:
    assert client.get('/health/live').json() == {'status': 'live'}
    assert client.get('/health/ready').json() == {'status': 'ready'}


def test_a_clinic_without_its_tables_lives_and_is_not_ready(client: Client, sqlite_file: Path) -> None:
    with closing(sqlite3.connect(sqlite_file)) as file:
        file.execute('DROP TABLE patients')
    assert client.get('/health/live').status_code == 200
    answer = client.get('/health/ready')
    assert (answer.status_code, answer.json()['status']) == (503, 'not ready')


def marked(page: httpx.Response) -> str:
    """Return the name of the page that the navigation marks as the current one."""
    before, _, after = page.text.partition('aria-current="page">')
    assert 'aria-current' not in before + after
    return after.partition('<')[0].split(' <')[0].strip()


@pytest.mark.parametrize('root_path', ['', '/clinic'])
def test_the_navigation_marks_the_current_page_below_a_root_path_too(clinic: Callable[[], App], root_path: str) -> None:
    with Client(clinic(), root_path=root_path, headers=DOCTOR, timeout=60) as client:
        assert marked(client.get('/patients')) == 'Patients'
        assert marked(client.get('/patients/1')) == 'Patients'
        assert marked(client.get('/waiting')) == 'Waiting room'

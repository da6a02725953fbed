"""A fresh clinic for every test: in this process, or on a real socket.

Its records are in SQLite, or in the PostgreSQL that CLINIC_POSTGRES names, which is emptied for every test.
"""

import asyncio
import importlib
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from threading import Thread

import httpx
import pytest
import uvicorn
from heaven import App
from heaven_testing import Client

CLINIC = Path(__file__).resolve().parents[1]
collect_ignore = ['browser']  # those need a browser: `nox -s browser`

POSTGRES = os.environ.get('CLINIC_POSTGRES')  # `nox -s cluster` sets it
Serve = Callable[[], AbstractContextManager[httpx.Client]]
DOCTOR = {'authorization': 'Bearer demo-doctor'}
PATIENCE = 60  # seconds to wait for an answer: a password is costly, and much more so on a busy machine


def forget() -> None:
    """Forget the modules of the clinic, so that the next import makes another app."""
    for name in [*sys.modules]:
        if name.partition('.')[0] in ('app', 'account', 'waiting', 'controllers', 'store'):
            del sys.modules[name]


async def empty(url: str) -> None:
    import asyncpg  # type: ignore[import-untyped]

    connection = await asyncpg.connect(url)
    await connection.execute('DROP SCHEMA public CASCADE; CREATE SCHEMA public')
    await connection.close()


@pytest.fixture
def sqlite_file(tmp_path: Path) -> Path:
    """Name the file of the clinic, for those who look into it."""
    if POSTGRES:
        pytest.skip('of SQLite alone')
    return tmp_path / 'patients.db'


@pytest.fixture
def clinic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], App]]:
    """Make the app, as often as a test likes, each time from app.py on and with the same data."""
    monkeypatch.setenv('PATIENTS_DB', str(tmp_path / 'patients.db'))
    monkeypatch.delenv('DATABASE_URL', raising=False)
    monkeypatch.delenv('REDIS_URL', raising=False)
    if POSTGRES:
        asyncio.run(empty(POSTGRES))
        monkeypatch.setenv('DATABASE_URL', POSTGRES)
    monkeypatch.syspath_prepend(str(CLINIC))

    def clinic() -> App:
        forget()
        app: App = importlib.import_module('app').app
        return app

    yield clinic
    forget()


@pytest.fixture
def client(clinic: Callable[[], App]) -> Iterator[Client]:
    """Ask the clinic in this process, as a doctor; every message is checked against the ASGI specification."""
    with Client(clinic(), headers=DOCTOR, timeout=PATIENCE) as client:
        yield client


@pytest.fixture
def stranger(clinic: Callable[[], App]) -> Iterator[Client]:
    """Ask the clinic as somebody whom it does not know."""
    with Client(clinic(), timeout=PATIENCE) as client:
        yield client


@pytest.fixture
def serve(clinic: Callable[[], App]) -> Serve:
    """Serve the clinic on a real socket, as often as a test likes, and ask it as a doctor."""

    @contextmanager
    def serve() -> Iterator[httpx.Client]:
        server = uvicorn.Server(uvicorn.Config(clinic(), log_level='warning'))
        listening = socket.create_server(('127.0.0.1', 0))

        def run() -> None:
            with listening, suppress(SystemExit):  # closed also where the app does not start, so that nobody waits
                server.run([listening])

        thread = Thread(target=run)
        thread.start()
        try:
            where = f'http://127.0.0.1:{listening.getsockname()[1]}'
            with httpx.Client(base_url=where, headers=DOCTOR, timeout=PATIENCE) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()

    return serve

"""A fresh clinic for every test, on a real socket."""

import runpy
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from threading import Thread

import httpx
import pytest
import uvicorn

CLINIC = Path(__file__).resolve().parents[1]
collect_ignore = ['browser']  # those need a browser: `nox -s browser`

Serve = Callable[[], AbstractContextManager[httpx.Client]]


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Serve:
    """Serves the clinic, as often as a test likes, each time from app.py on and with the same data."""
    monkeypatch.setenv('PATIENTS_DB', str(tmp_path / 'patients.db'))
    monkeypatch.syspath_prepend(str(CLINIC))

    @contextmanager
    def serve() -> Iterator[httpx.Client]:
        server = uvicorn.Server(uvicorn.Config(runpy.run_path(str(CLINIC / 'app.py'))['app'], log_level='warning'))
        listening = socket.create_server(('127.0.0.1', 0))

        def run() -> None:
            with listening, suppress(SystemExit):  # closed also where the app does not start, so that nobody waits
                server.run([listening])

        thread = Thread(target=run)
        thread.start()
        try:
            with httpx.Client(base_url=f'http://127.0.0.1:{listening.getsockname()[1]}', timeout=20) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()

    return serve


@pytest.fixture
def client(serve: Serve) -> Iterator[httpx.Client]:
    with serve() as client:
        yield client

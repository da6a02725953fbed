"""The clinic while its PostgreSQL or its Redis is away; `nox -s cluster` tries it on real ones."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest
from heaven import App
from heaven_testing import Client
from websockets.sync.client import ClientConnection, connect

DOCTOR = {'authorization': 'Bearer demo-doctor'}
AWAY = 'The clinic cannot reach its records. Please try again in a moment.'


@pytest.fixture
def lonely(clinic: Callable[[], App], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> App:
    """Make a clinic whose PostgreSQL is away from the beginning on."""
    pytest.importorskip('asyncpg')
    monkeypatch.setenv('DATABASE_URL', f'postgresql://nobody@/clinic?host={tmp_path}')
    return clinic()


def test_a_clinic_whose_database_is_away_starts_lives_and_answers_503_with_a_word(lonely: App) -> None:
    with Client(lonely, headers=DOCTOR) as client:
        assert client.get('/health/live').status_code == 200
        assert client.get('/health/ready').status_code == 503
        for answer in (client.get('/v1/patients'), client.post('/v1/waiting', json={'patient': 1})):
            assert (answer.status_code, answer.headers['retry-after']) == (503, '5')
            assert answer.json() == {'error': AWAY}
        page = client.get('/patients', headers={'accept': 'text/html'})
        assert (page.status_code, AWAY in page.text) == (503, True)


def test_a_visitor_who_is_not_logged_in_needs_no_database_to_be_told_so(lonely: App) -> None:
    with Client(lonely) as stranger:
        assert stranger.get('/v1/patients').status_code == 401
        assert stranger.get('/login').status_code == 503


def test_without_redis_the_waiting_room_of_one_process_is_as_live_as_ever(
    serve: Callable[[], AbstractContextManager[httpx.Client]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip('redis')
    monkeypatch.setenv('REDIS_URL', f'unix://{tmp_path}/nothing')
    with serve() as client:
        url = str(client.base_url.copy_with(scheme='ws', raw_path=b'/v1/waiting/live'))
        with connect(url, additional_headers=DOCTOR, open_timeout=60, close_timeout=60) as socket:
            assert names(socket) == []
            assert client.post('/v1/waiting', json={'patient': 1}).status_code == 201
            assert names(socket) == ['Amara Okafor']


def names(socket: ClientConnection) -> list[str]:
    return [arrival['name'] for arrival in json.loads(socket.recv(timeout=60))['waiting']]

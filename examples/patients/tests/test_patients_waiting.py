"""The waiting room: a list that everybody who watches sees change."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

Serve = Callable[[], AbstractContextManager[httpx.Client]]


@pytest.fixture
def client(serve: Serve) -> Iterator[httpx.Client]:
    with serve() as client:
        yield client


@contextmanager
def watching(client: httpx.Client, origin: str | None = None) -> Iterator[ClientConnection]:
    url = str(client.base_url.copy_with(scheme='ws', raw_path=b'/v1/waiting/live'))
    with connect(
        url,
        origin=origin,  # type: ignore[arg-type]
        additional_headers={'authorization': 'Bearer demo-doctor'},
        open_timeout=60,
        close_timeout=60,
    ) as socket:
        yield socket


def names(socket: ClientConnection) -> list[str]:
    return [arrival['name'] for arrival in json.loads(socket.recv(timeout=60))['waiting']]


def test_everyone_who_watches_sees_arrivals_and_calls_as_they_happen(client: httpx.Client) -> None:
    with watching(client) as one, watching(client) as two:
        assert names(one) == names(two) == []
        amara = client.post('/v1/waiting', json={'patient': 1})
        assert amara.status_code == 201
        assert names(one) == names(two) == ['Amara Okafor']
        client.post('/v1/waiting', json={'patient': 3})
        assert names(one) == names(two) == ['Amara Okafor', 'Chloé Martin']
        assert client.delete(amara.headers['location']).status_code == 204
        assert names(one) == names(two) == ['Chloé Martin']


def test_a_deleted_or_renamed_patient_shows_at_once(client: httpx.Client) -> None:
    client.post('/v1/waiting', json={'patient': 1})
    client.post('/v1/waiting', json={'patient': 2})
    with watching(client) as socket:
        assert names(socket) == ['Amara Okafor', 'Björn Lindqvist']
        client.patch('/v1/patients/2', json={'name': 'Björn Holm'})
        assert names(socket) == ['Amara Okafor', 'Björn Holm']
        client.delete('/v1/patients/1')
        assert names(socket) == ['Björn Holm']


def test_what_does_not_concern_the_room_is_not_told(client: httpx.Client) -> None:
    with watching(client) as socket:
        assert names(socket) == []
        client.patch('/v1/patients/1', json={'notes': 'Moved house.'})
        client.post('/v1/waiting', json={'patient': 2})
        assert names(socket) == ['Björn Lindqvist']


def test_one_who_leaves_does_not_disturb_the_others(client: httpx.Client) -> None:
    with watching(client) as stays:
        with watching(client) as leaves:
            assert names(stays) == names(leaves) == []
        client.post('/v1/waiting', json={'patient': 1})
        assert names(stays) == ['Amara Okafor']


@pytest.mark.parametrize(
    'sent, status, fields',
    [
        ({'patient': 999}, 404, None),
        ({'patient': 1}, 409, {'patient': 'is waiting already'}),
        ({'patient': '2'}, 422, {'patient': 'must be the id of a record'}),
        ({'patient': True}, 422, {'patient': 'must be the id of a record'}),
        ({'patient': 10**30}, 422, {'patient': 'must be the id of a record'}),
        ({}, 422, {'patient': 'is required'}),
    ],
)
def test_an_arrival_that_cannot_be_is_refused(
    client: httpx.Client, sent: dict[str, object], status: int, fields: dict[str, str] | None
) -> None:
    client.post('/v1/waiting', json={'patient': 1})
    answer = client.post('/v1/waiting', json=sent)
    assert (answer.status_code, answer.json().get('fields')) == (status, fields)
    assert [arrival['patient_id'] for arrival in client.get('/v1/waiting').json()['waiting']] == [1]


def test_a_page_of_another_site_cannot_watch(client: httpx.Client) -> None:
    with watching(client, origin=f'http://{client.base_url.netloc.decode()}') as socket:
        assert names(socket) == []
    with pytest.raises(InvalidStatus) as refusal, watching(client, origin='https://evil.example'):
        pass
    assert refusal.value.response.status_code == 403


def test_the_room_survives_a_restart_and_a_stop_lets_nobody_hang(serve: Serve) -> None:
    with ExitStack() as watchers:
        with serve() as client:
            client.post('/v1/waiting', json={'patient': 1})
            socket = watchers.enter_context(watching(client))
            assert names(socket) == ['Amara Okafor']
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=60)
    with serve() as client, watching(client) as socket:
        assert names(socket) == ['Amara Okafor']

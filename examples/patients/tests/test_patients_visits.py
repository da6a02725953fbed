"""The visits of a patient, through the JSON API."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

FEVER = {'at': '2026-03-01T09:30', 'reason': 'Fever'}


def test_visits_come_latest_first_and_since_a_day(client: httpx.Client) -> None:
    def reasons(query: str = '') -> list[str]:
        return [visit['reason'] for visit in client.get(f'/v1/patients/1/visits{query}').json()['visits']]

    assert reasons() == ['Follow-up', 'Cough and fever']
    assert reasons('?since=2026-01-22') == ['Follow-up']
    assert reasons('?since=2026-01-23') == []
    answer = client.get('/v1/patients/1/visits?since=yesterday')
    assert (answer.status_code, 'since' in answer.json()['error']) == (400, True)


def test_a_visit_is_added_read_changed_and_deleted(client: httpx.Client) -> None:
    added = client.post('/v1/patients/3/visits', json=FEVER)
    where = added.headers['location']
    whole = {'id': added.json()['id'], 'patient_id': 3, 'notes': '', **FEVER}
    assert (added.status_code, where) == (201, f'/v1/patients/3/visits/{whole["id"]}')
    assert client.get(where).json() == added.json() == whole
    assert client.patch(where, json={'notes': 'Better.'}).json() == whole | {'notes': 'Better.'}
    assert client.delete(where).status_code == 204
    assert client.get(where).status_code == 404


def test_a_visit_belongs_to_its_own_patient_alone(client: httpx.Client) -> None:
    where = client.post('/v1/patients/3/visits', json=FEVER).headers['location'].replace('/3/', '/4/')
    assert client.get(where).status_code == 404
    assert client.patch(where, json={'notes': 'x'}).status_code == 404
    assert client.delete(where).status_code == 404


def test_the_visits_go_with_the_patient(client: httpx.Client) -> None:
    where = client.post('/v1/patients/3/visits', json=FEVER).headers['location']
    assert client.delete('/v1/patients/3').status_code == 204
    assert client.get(where).status_code == 404
    assert client.post('/v1/patients/3/visits', json=FEVER).status_code == 404


@pytest.mark.parametrize(
    'sent, fields',
    [
        ({}, {'at': 'is required', 'reason': 'is required'}),
        (FEVER | {'at': 'noon'}, {'at': 'must be a time such as 2026-03-01T09:30'}),
        (FEVER | {'at': '2026-03-01T09:30Z'}, {'at': "must be the clinic's own time, without a zone"}),
        (FEVER | {'reason': 'x' * 201}, {'reason': 'must be at most 200 characters, not 201'}),
        (FEVER | {'patient_id': 2}, {'patient_id': 'is not a field of this record'}),
    ],
)
def test_a_refused_visit_says_why(client: httpx.Client, sent: dict[str, str], fields: dict[str, str]) -> None:
    answer = client.post('/v1/patients/1/visits', json=sent)
    assert (answer.status_code, answer.json()['fields']) == (422, fields)


def test_many_who_write_at_once_all_get_their_turn(client: httpx.Client) -> None:
    with ThreadPoolExecutor(8) as crowd:
        answers = list(crowd.map(lambda _: client.post('/v1/patients/5/visits', json=FEVER), range(40)))
    assert {answer.status_code for answer in answers} == {201}
    assert len(client.get('/v1/patients/5/visits').json()['visits']) == 40

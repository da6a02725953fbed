"""The records of patients, through the JSON API."""

import asyncio
import importlib
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path

import httpx
import pytest
from heaven import App
from heaven_testing import Client

Serve = Callable[[], AbstractContextManager[httpx.Client]]
ADA = {'number': 'X-1', 'name': 'Ada Obi', 'born': '1990-05-01'}
ADD = "INSERT INTO patients VALUES (1, 'X-1', 'Ada Obi', '1990-05-01', '', '', '')"


def test_a_new_clinic_has_a_few_made_up_patients_by_name(client: httpx.Client) -> None:
    found = client.get('/v1/patients').json()
    assert [patient['name'] for patient in found['patients']][:2] == ['Amara Okafor', 'Björn Lindqvist']
    assert (found['page'], found['pages'], found['total']) == (1, 1, 7)


@pytest.mark.parametrize(
    'q, names',
    [
        ('chloe', ['Chloé Martin']),
        ('CHLOÉ martin', ['Chloé Martin']),
        ('c-1002', ['Björn Lindqvist']),
        ('oka amara', ['Amara Okafor']),
        ('%', []),
        ("' OR 1=1 --", []),
        ('amara chloe', []),
    ],
)
def test_a_search_finds_every_word_in_name_or_number(client: httpx.Client, q: str, names: list[str]) -> None:
    found = client.get('/v1/patients', params={'q': q}).json()
    assert [patient['name'] for patient in found['patients']] == names
    assert found['total'] == len(names)


def test_pages_cut_the_list_without_loss_or_repetition(client: httpx.Client) -> None:
    pages = [client.get('/v1/patients', params={'page': page, 'size': 3}).json() for page in (1, 2, 3, 4)]
    assert [len(page['patients']) for page in pages] == [3, 3, 1, 0]
    assert all(page['pages'] == 3 and page['total'] == 7 for page in pages)
    assert len({patient['id'] for page in pages for patient in page['patients']}) == 7


@pytest.mark.parametrize(
    'query, status, named',
    [
        ('page=0', 422, 'page'),
        ('page=1000001', 422, 'page'),
        ('size=101', 422, 'size'),
        ('page=first', 400, 'page'),
        ('size=', 400, 'size'),
        ('page=' + '9' * 5000, 400, 'page'),
    ],
)
def test_a_page_that_cannot_be_is_refused_by_name(client: httpx.Client, query: str, status: int, named: str) -> None:
    answer = client.get(f'/v1/patients?{query}')
    assert answer.status_code == status
    assert named in str(answer.json())


def test_a_patient_is_added_read_changed_replaced_and_deleted(client: httpx.Client) -> None:
    added = client.post('/v1/patients', json=ADA)
    assert added.status_code == 201
    where = added.headers['location']
    assert where == f'/v1/patients/{added.json()["id"]}'
    whole = {'id': added.json()['id'], 'phone': '', 'email': '', 'notes': '', **ADA}
    assert client.get(where).json() == added.json() == whole

    changed = client.patch(where, json={'phone': '+44 20 5555 0100'})
    assert (changed.status_code, changed.json()) == (200, whole | {'phone': '+44 20 5555 0100'})
    assert client.patch(where, json={}).json() == changed.json()

    replaced = client.put(where, json=ADA | {'name': 'Ada Obi-King'})
    assert (replaced.status_code, replaced.json()) == (200, whole | {'name': 'Ada Obi-King'})

    deleted = client.delete(where)
    assert (deleted.status_code, deleted.content) == (204, b'')
    assert [client.request(method, where).status_code for method in ('GET', 'DELETE')] == [404, 404]
    assert client.get(where).json() == {'error': f'There is no patient {whole["id"]}.'}


@pytest.mark.parametrize('method', ['POST', 'PUT'])
def test_a_refusal_names_every_field_that_is_wrong(client: httpx.Client, method: str) -> None:
    where = '/v1/patients' if method == 'POST' else '/v1/patients/1'
    sent = {'number': 'lower', 'name': ' ', 'born': '2999-01-01', 'phone': 7, 'email': 'ada', 'age': 12}
    answer = client.request(method, where, json=sent)
    assert answer.status_code == 422
    assert answer.json() == {
        'error': 'Some fields cannot be kept as they are.',
        'fields': {
            'number': 'must be capital letters, digits and hyphens',
            'name': 'is required',
            'born': 'must be after 1880 and not in the future',
            'phone': 'must be text',
            'email': 'must be an address such as ada@example.org',
            'age': 'is not a field of this record',
        },
    }


@pytest.mark.parametrize(
    'field, value, problem',
    [
        ('name', 'A' * 101, 'must be at most 100 characters, not 101'),
        ('name', 'Ada\nObi', 'must be on one line'),
        ('name', 'Ada\x00', 'must be free of control characters'),
        ('name', None, 'is required'),
        ('name', ['Ada'], 'must be text'),
        ('born', '1990-02-30', 'must be a date such as 1970-12-31'),
        ('born', '١٩٩٠-05-01', 'must be a date such as 1970-12-31'),
        ('born', '1700-01-01', 'must be after 1880 and not in the future'),
        ('born', 19900501, 'must be a date such as 1970-12-31'),
        ('number', 'X-1\n!', 'must be capital letters, digits and hyphens'),
    ],
)
def test_each_field_has_its_rules(client: httpx.Client, field: str, value: object, problem: str) -> None:
    answer = client.patch('/v1/patients/1', json={field: value})
    assert (answer.status_code, answer.json()['fields']) == (422, {field: problem})


def test_two_patients_never_share_a_number(client: httpx.Client) -> None:
    for answer in (client.post('/v1/patients', json=ADA | {'number': 'C-1001'}),
                   client.patch('/v1/patients/2', json={'number': 'C-1001'})):  # fmt: skip
        assert answer.status_code == 409
        assert answer.json()['fields'] == {'number': 'is taken by another patient'}
    assert client.get('/v1/patients').json()['total'] == 7


@pytest.mark.parametrize(
    'content, content_type, status',
    [
        (b'{"name": ', 'application/json', 400),
        (b'', 'application/json', 400),
        (b'{"name": "\xff"}', 'application/json', 400),
        (b'[' * 100_000, 'application/json', 400),
        (b'[1]', 'application/json', 422),
        (b'{"name": "Ada"}', 'text/plain', 415),
        (b'"' + b'a' * 11_000_000 + b'"', 'application/json', 413),
    ],
)
def test_a_body_that_is_no_record_is_refused_with_a_reason(
    client: httpx.Client, content: bytes, content_type: str, status: int
) -> None:
    answer = client.post('/v1/patients', content=content, headers={'content-type': content_type})
    assert answer.status_code == status
    assert answer.json()['error']


@pytest.mark.parametrize('id', ['0', '999', '-1', '9' * 18, '9' * 19, '9' * 30])
@pytest.mark.parametrize('below', ['', '/visits', '/visits/1'])
def test_a_patient_who_is_not_there_is_a_404(client: httpx.Client, id: str, below: str) -> None:
    answer = client.get(f'/v1/patients/{id}{below}')
    assert answer.status_code == 404
    assert answer.json()['error']


def test_unknown_paths_and_methods_answer_in_json_too(client: httpx.Client) -> None:
    assert client.get('/v2').json() == {'error': 'Not Found'}
    assert client.get('/v1/patients/amara').json() == {'error': 'Not Found'}
    answer = client.put('/v1/patients')
    assert (answer.status_code, answer.json()) == (405, {'error': 'Method Not Allowed'})
    assert {'GET', 'POST'} <= set(answer.headers['allow'].split(', '))


@pytest.mark.parametrize('method', ['POST', 'PUT', 'PATCH', 'DELETE'])
def test_a_page_of_another_site_cannot_write(client: httpx.Client, method: str) -> None:
    where = '/v1/patients' if method == 'POST' else '/v1/patients/1'
    host = client.base_url.netloc.decode()
    for origin in ('https://evil.example', 'null', 'http://localhost:1', f'http://{host}.evil.example'):
        assert client.request(method, where, json=ADA, headers={'origin': origin}).status_code == 403
    assert client.request(method, where, json=ADA, headers={'origin': f'http://{host}'}).status_code < 300


def test_data_survives_a_restart_and_deleted_samples_stay_deleted(serve: Serve) -> None:
    with serve() as client:
        where = client.post('/v1/patients', json=ADA).headers['location']
        visit = client.post(f'{where}/visits', json={'at': '2026-03-01T09:30', 'reason': 'Fever'}).headers['location']
        assert client.delete('/v1/patients/1').status_code == 204
    with serve() as client:
        assert client.get(where).json()['name'] == 'Ada Obi'
        assert client.get(visit).json()['reason'] == 'Fever'
        assert client.get('/v1/patients/1').status_code == 404
        assert client.get('/v1/patients').json()['total'] == 7


def database(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as file:
        for statement in statements:
            file.execute(statement)
        file.commit()


def test_a_file_of_an_older_version_gets_the_tables_it_lacks_and_keeps_its_data(
    clinic: Callable[[], App], sqlite_file: Path
) -> None:
    app = clinic()
    schema = importlib.import_module('store.schema')
    database(sqlite_file, *schema.VERSIONS[0], 'PRAGMA user_version = 1', ADD)
    key = asyncio.run(importlib.import_module('account').save('ada', 'doctor', 'a long password'))
    with Client(app, headers={'authorization': f'Bearer {key}'}, timeout=60) as client:
        assert [patient['name'] for patient in client.get('/v1/patients').json()['patients']] == ['Ada Obi']
        assert client.post('/v1/patients/1/documents', files={'document': ('a.txt', b'x')}).status_code == 201


@pytest.mark.parametrize('spoil', [b'a letter, not a database' * 100, 'PRAGMA user_version = 99'])
def test_a_file_that_is_not_understood_keeps_the_clinic_closed_and_is_left_alone(
    serve: Serve, sqlite_file: Path, spoil: bytes | str
) -> None:
    if isinstance(spoil, bytes):
        sqlite_file.write_bytes(spoil)
    else:
        database(sqlite_file, 'PRAGMA journal_mode = WAL', spoil)
    before = sqlite_file.read_bytes()
    with serve() as client, pytest.raises(httpx.TransportError):
        client.get('/v1/patients')
    assert sqlite_file.read_bytes() == before


def test_what_the_api_says_is_what_the_file_holds(client: httpx.Client, sqlite_file: Path) -> None:
    client.post('/v1/patients', json=ADA)
    with closing(sqlite3.connect(sqlite_file)) as file:
        assert file.execute('SELECT name FROM patients WHERE number = ?', ['X-1']).fetchall() == [('Ada Obi',)]

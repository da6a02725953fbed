"""Accounts: logging in and out, what each role may do, who has changed what, and pages of other origins."""

import asyncio
import hashlib
import importlib
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from heaven import App
from heaven_testing import Client

DOCTOR = {'name': 'doctor', 'password': 'demo-doctor'}
READER = {'name': 'reader', 'password': 'demo-reader'}
ADA = {'number': 'X-1', 'name': 'Ada Obi', 'born': '1990-05-01'}
FORM = {'content-type': 'application/x-www-form-urlencoded'}
INTRANET = 'https://intranet.example'


def test_the_login_page_says_how_to_try_the_demonstration(stranger: Client) -> None:
    page = stranger.get('/', follow_redirects=True)
    assert (page.status_code, page.url.path) == (200, '/login')
    assert '<b>doctor</b> with the password <b>demo-doctor</b>' in page.text
    assert '<b>reader</b> with the password <b>demo-reader</b>' in page.text
    assert 'data-live' not in page.text


def test_who_logs_in_comes_back_to_the_page_that_was_asked_for(stranger: Client) -> None:
    asked = stranger.get('/patients?q=oka+amara', follow_redirects=True)
    assert 'name="next" value="/patients?q=oka+amara"' in asked.text
    answer = stranger.post('/login', data=DOCTOR | {'next': asked.url.params['next']})
    assert (answer.status_code, answer.headers['location']) == (303, '/patients?q=oka+amara')
    assert stranger.get('/patients').status_code == 200


@pytest.mark.parametrize(
    'elsewhere',
    [
        'https://evil.example/',
        '//evil.example/',
        '/\\evil.example/',
        '/\t/evil.example/',
        '/x\r\nset-cookie: a=b',
        'patients',
        'javascript:alert(1)',
        '',
    ],
)
def test_the_way_back_leads_to_no_other_site(stranger: Client, elsewhere: str) -> None:
    answer = stranger.post('/login', data=DOCTOR | {'next': elsewhere})
    assert (answer.status_code, answer.headers['location']) == (303, '/patients')


def test_a_wrong_password_and_an_unknown_name_are_told_the_same_after_the_same_work(
    stranger: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = []
    scrypt = hashlib.scrypt

    def counted(password: bytes, **cost: Any) -> bytes:
        work.append({name: value for name, value in cost.items() if name != 'salt'})
        return scrypt(password, **cost)

    monkeypatch.setattr(hashlib, 'scrypt', counted)
    wrong = stranger.post('/login', data=DOCTOR | {'password': 'demo-reader'})
    unknown = stranger.post('/login', data=DOCTOR | {'name': 'nobody'})
    assert (wrong.status_code, unknown.status_code) == (422, 422)
    assert 'This name and this password do not belong together.' in wrong.text
    assert unknown.text == wrong.text.replace('value="doctor"', 'value="nobody"')
    assert 'set-cookie' not in wrong.headers
    assert 'demo-reader"' not in wrong.text
    assert len(work) == 2
    assert work[0] == work[1]
    assert stranger.get('/patients').status_code == 307


def test_what_no_login_form_sends_is_refused(stranger: Client) -> None:
    assert stranger.post('/login').status_code == 422
    surrogate = {'content': b'name=doctor&password=%ED%A0%80', 'headers': FORM}
    assert stranger.post('/login', **surrogate).status_code in (400, 422)  # type: ignore[arg-type]
    assert stranger.post('/login', data=DOCTOR | {'password': 'x' * 20_000}).status_code == 413
    assert stranger.post('/login', data=DOCTOR, files={'name': ('doctor', b'doctor')}).status_code == 422


def test_a_login_takes_nothing_along_of_the_session_before_it(stranger: Client) -> None:
    stranger.post('/login', data=READER)
    before = stranger.cookies['session']
    welcome = stranger.post('/login', data=DOCTOR, follow_redirects=True)
    assert stranger.cookies['session'] != before
    assert 'Welcome, doctor.' in welcome.text
    assert 'Welcome, reader.' not in welcome.text


def test_who_has_logged_out_is_a_stranger_with_every_copy_of_the_cookie(stranger: Client) -> None:
    stranger.post('/login', data=DOCTOR)
    copy = stranger.cookies['session']
    answer = stranger.post('/logout', follow_redirects=True)
    assert (answer.url.path, 'You are logged out.' in answer.text) == ('/login', True)
    assert stranger.get('/patients').status_code == 307
    stranger.cookies.clear()
    assert stranger.get('/patients', headers={'cookie': f'session={copy}'}).status_code == 307


def test_the_key_of_a_login_holds_for_a_day_at_work(stranger: Client, sqlite_file: Path) -> None:
    stranger.post('/login', data=DOCTOR)
    assert stranger.get('/patients').status_code == 200
    with closing(sqlite3.connect(sqlite_file, isolation_level=None)) as file:
        file.execute("UPDATE keys SET until = '2020-01-01T00:00:00' WHERE until IS NOT NULL")
    assert stranger.get('/patients').status_code == 307


def test_strangers_see_nothing_and_are_told_how_to_come_in(stranger: Client) -> None:
    for page in ('/patients', '/patients/1', '/patients/new', '/waiting', '/audit'):
        assert stranger.get(page).headers['location'].startswith('/login?next=%2F'), page
    for where in ('/patients/1/delete', '/waiting/1/called', '/logout'):
        assert stranger.post(where).headers['location'] == '/login', where
    part = stranger.get('/patients?q=a', headers={'hx-request': 'true'})
    assert (part.status_code, part.headers['hx-redirect']) == (401, '/login?next=%2Fpatients%3Fq%3Da')
    for key in ('', 'wrong', 'demo-doctor '):
        answer = stranger.get('/v1/patients', headers={'authorization': f'Bearer {key}x'})
        assert (answer.status_code, answer.headers['www-authenticate']) == (401, 'Bearer')
        assert answer.json() == {'error': 'Log in first, or send the key of an account.'}


def test_every_route_asks_who_it_is_but_those_that_are_for_anyone(stranger: Client) -> None:
    open_to_all = {(route.methods, route.route) for route in stranger.app.routes() if route.meta == 'anyone'}
    assert open_to_all == {
        (('GET',), '/login'),
        (('POST',), '/login'),
        (('GET',), '/health/live'),
        (('GET',), '/health/ready'),
    }


def test_a_reader_looks_and_changes_nothing(stranger: Client) -> None:
    stranger.post('/login', data=READER)
    for page in ('/patients', '/patients/1', '/waiting', '/v1/patients/1'):
        answer = stranger.get(page)
        assert answer.status_code == 200
        assert answer.text.count('method="post"') == answer.text.count('action="/logout"'), page
        assert '/patients/new' not in answer.text
    for page in ('/patients/new', '/patients/1/edit', '/audit', '/v1/audit'):
        assert stranger.get(page).status_code == 403, page
    for where in ('/patients', '/patients/1', '/patients/1/delete', '/patients/1/arrive', '/v1/patients'):
        answer = stranger.post(where, data=ADA)
        assert (answer.status_code, answer.json()['error']) == (403, 'Your account may look, but not do this.')
    assert stranger.delete('/v1/patients/1').status_code == 403
    assert stranger.get('/v1/patients').json()['total'] == 7


def test_a_flash_message_is_shown_once_and_not_lost_to_a_part_of_a_page(stranger: Client) -> None:
    stranger.post('/login', data=DOCTOR)
    stranger.post('/patients', data=ADA | {'name': '<b>Ada</b>'})
    assert 'role="status"' not in stranger.get('/patients', headers={'hx-request': 'true'}).text
    page = stranger.get('/patients').text
    assert '<p class="flash" role="status">&lt;b&gt;Ada&lt;/b&gt; is added.</p>' in page
    assert 'class="flash"' not in stranger.get('/patients').text


def test_the_audit_says_who_has_changed_what(client: Client) -> None:
    where = client.post('/v1/patients', json=ADA).headers['location']
    id = int(where.rpartition('/')[2])
    client.get(where)
    client.patch(where, json={'name': ''})  # refused
    client.post(f'/patients/{id}', data={})  # refused
    client.delete('/v1/patients/999')
    client.patch(where, json={'name': 'Ada King'}, headers={'authorization': 'Bearer demo-reader'})
    visit = client.post(f'{where}/visits', json={'at': '2026-03-01T09:30', 'reason': 'Fever'}).headers['location']
    client.post(f'/patients/{id}/arrive')
    client.post('/waiting/1/called')
    client.delete(where)
    said = client.get('/v1/audit').json()
    assert [(change['account'], change['method'], change['path']) for change in said['changes']] == [
        ('doctor', 'DELETE', where),
        ('doctor', 'POST', '/waiting/1/called'),
        ('doctor', 'POST', f'/patients/{id}/arrive'),
        ('doctor', 'POST', visit),
        ('doctor', 'POST', where),
    ]
    assert {change['patient_id'] for change in said['changes']} == {id}
    page = client.get('/audit').text
    assert (page.count('<tr>'), f'POST {visit}' in page, f'{id}, deleted' in page) == (6, True, True)


def test_an_account_that_is_changed_or_removed_keeps_none_of_its_keys(clinic: Callable[[], App]) -> None:
    app = clinic()
    save = importlib.import_module('account').save
    first = asyncio.run(save('ada', 'reader', 'a long password'))
    second = asyncio.run(save('ada', 'doctor', 'a longer password'))

    def status(key: str) -> int:
        return client.get('/v1/audit', headers={'authorization': f'Bearer {key}'}).status_code

    with Client(app, timeout=60) as client:
        assert [status(key) for key in (first, second, 'demo-doctor')] == [401, 200, 401]
        assert 'demonstration' not in client.get('/login').text
        assert client.post('/login', data=DOCTOR).status_code == 422
        assert client.post('/login', data={'name': 'ada', 'password': 'a longer password'}).status_code == 303
        asyncio.run(save('ada', 'gone', ''))
        assert status(second) == 401
        assert client.get('/patients').status_code == 307


def test_passwords_and_keys_are_not_kept_as_they_are(stranger: Client, sqlite_file: Path) -> None:
    stranger.post('/login', data=DOCTOR)
    with closing(sqlite3.connect(sqlite_file)) as file:
        kept = '\n'.join(file.iterdump())
    assert "'doctor'" in kept
    assert 'demo-doctor' not in kept


@pytest.fixture
def shared(clinic: Callable[[], App], monkeypatch: pytest.MonkeyPatch) -> App:
    """A clinic whose API pages of the intranet may use."""
    monkeypatch.setenv('PATIENTS_ORIGINS', INTRANET)
    return clinic()


def preflight(client: httpx.Client, origin: str) -> httpx.Response:
    asked = {'access-control-request-method': 'PATCH', 'access-control-request-headers': 'authorization,content-type'}
    return client.options('/v1/patients/1', headers={'origin': origin} | asked)


def test_a_page_of_an_allowed_origin_may_use_the_api_with_a_key_and_without_cookies(shared: App) -> None:
    with Client(shared, timeout=60) as client:
        answer = preflight(client, INTRANET)
        assert answer.status_code == 204
        assert answer.headers['access-control-allow-origin'] == INTRANET
        assert 'PATCH' in answer.headers['access-control-allow-methods']
        assert answer.headers['access-control-allow-headers'] == 'authorization, content-type'
        assert 'access-control-allow-credentials' not in answer.headers
        sent = {'origin': INTRANET, 'sec-fetch-site': 'cross-site', 'authorization': 'Bearer demo-doctor'}
        added = client.post('/v1/patients', json=ADA, headers=sent)
        assert (added.status_code, added.headers['access-control-allow-origin']) == (201, INTRANET)
        assert added.headers['access-control-expose-headers'] == 'location'
        refused = client.post('/v1/patients', json=ADA, headers={'origin': INTRANET})
        assert (refused.status_code, refused.headers['access-control-allow-origin']) == (401, INTRANET)


def test_a_page_of_another_origin_is_told_nothing(shared: App) -> None:
    with Client(shared, timeout=60) as client:
        answer = preflight(client, 'https://evil.example')
        assert [name for name in answer.headers if name.startswith('access-control-')] == []
        read = client.get('/v1/patients', headers={'origin': 'https://evil.example'})
        assert [name for name in read.headers if name.startswith('access-control-')] == []


def test_a_form_of_another_origin_changes_nothing_and_logs_nobody_in(stranger: Client) -> None:
    evil = {'origin': 'https://evil.example', 'sec-fetch-site': 'cross-site'}
    login = stranger.post('/login', data=READER, headers=evil)
    assert (login.status_code, 'set-cookie' in login.headers) == (403, False)
    stranger.post('/login', data=DOCTOR)
    assert stranger.post('/patients/1/delete', headers=evil).status_code == 403
    assert stranger.post('/logout', headers=evil).status_code == 403
    assert stranger.get('/patients/1').status_code == 200

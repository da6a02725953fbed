"""Register, log in, log out."""

from collections.abc import Callable
from typing import Any

import pytest
from heaven_testing import Client

Query = Callable[[str], list[Any]]
ALAN = {'name': 'Alan', 'password': 'enigma'}


def test_who_has_registered_can_log_in_and_out(client: Client) -> None:
    registered = client.post('/accounts/register', data=ALAN)
    assert (registered.status_code, registered.headers['location']) == (303, '/accounts/login')
    assert 'You are registered' in client.get('/accounts/login').text

    logged_in = client.post('/accounts/login', data=ALAN)
    assert (logged_in.status_code, logged_in.headers['location']) == (303, '/')
    home = client.get('/')
    assert home.trio[2].user['name'] == 'Alan'
    assert ('Log out' in home.text, 'Log in' in home.text) == (True, False)

    logged_out = client.post('/accounts/logout')
    assert (logged_out.status_code, logged_out.headers['location']) == (303, '/')
    home = client.get('/')
    assert home.trio[2].user is None
    assert ('Log out' in home.text, 'Log in' in home.text, 'Register' in home.text) == (False, True, True)


@pytest.mark.parametrize('page, button', [('register', 'Register'), ('login', 'Log in')])
def test_a_form_names_its_fields_and_its_button(client: Client, page: str, button: str) -> None:
    form = client.get(f'/accounts/{page}')
    assert form.status_code == 200
    assert all(part in form.text for part in ('name="name"', 'name="password"', f'<button>{button}</button>'))


@pytest.mark.parametrize(
    'name, password, problem',
    [
        ('', '', 'A name is required.'),
        ('  ', 'enigma', 'A name is required.'),
        ('Alan', '', 'A password is required.'),
        ('Ada', 'enigma', 'Ada is registered already.'),
    ],
)
def test_who_cannot_register_is_told_why(client: Client, name: str, password: str, problem: str) -> None:
    answer = client.post('/accounts/register', data={'name': name, 'password': password})
    assert (answer.status_code, problem in answer.text) == (422, True)


@pytest.mark.parametrize('name, password', [('Alan', 'enigma'), ('Ada', 'the password of Grace'), ('', '')])
def test_a_wrong_name_or_password_lets_nobody_in(client: Client, name: str, password: str) -> None:
    answer = client.post('/accounts/login', data={'name': name, 'password': password})
    assert (answer.status_code, 'The name or the password is wrong.' in answer.text) == (401, True)
    assert client.get('/').trio[2].user is None


@pytest.mark.parametrize('page', ['register', 'login'])
def test_a_field_that_is_missing_or_a_file_is_refused(client: Client, page: str) -> None:
    assert client.post(f'/accounts/{page}', data={'name': 'Ada'}).status_code == 400
    assert client.post(f'/accounts/{page}', data={'name': 'Ada'}, files={'password': b'x'}).status_code == 400
    assert client.post(f'/accounts/{page}').status_code == 400


def test_a_message_is_shown_once(client: Client) -> None:
    client.post('/accounts/register', data=ALAN)
    assert 'You are registered' in client.get('/').text
    assert 'You are registered' not in client.get('/').text


def test_a_page_of_another_site_logs_nobody_out(ada: Client) -> None:
    assert ada.post('/accounts/logout', headers={'origin': 'https://elsewhere.example'}).status_code == 403
    assert ada.get('/').trio[2].user['name'] == 'Ada'


def test_who_had_an_account_that_is_gone_is_nobody(ada: Client, query: Query) -> None:
    query('DELETE FROM posts')
    query('DELETE FROM users')
    assert ada.get('/').trio[2].user is None
    assert ada.post('/accounts/register', data=ALAN).status_code == 303
    assert ada.get('/').trio[2].user is None

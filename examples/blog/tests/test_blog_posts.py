"""Posts, and who may do what with them: 1 is Ada's, 2 Grace's, and there is no other."""

from collections.abc import Callable
from typing import Any

import pytest
from heaven_testing import Client

Query = Callable[[str], list[Any]]
POST = {'title': 'Notes', 'body': 'On the engine'}


def test_everybody_reads_the_posts_the_latest_first(client: Client, query: Query) -> None:
    query("UPDATE posts SET created = '2026-03-01 09:30:00' WHERE id = 1")
    home = client.get('/')
    assert home.status_code == 200
    assert 0 < home.text.index('I am Grace') < home.text.index('I am Ada')
    assert 'by Ada on 2026-03-01' in home.text
    assert 'One line\nand another' in home.text
    assert 'Write a post' not in home.text


def test_the_links_to_change_posts_are_for_their_authors(ada: Client) -> None:
    home = ada.get('/').text
    assert ('href="/posts/1"' in home, 'href="/posts/2"' in home, 'href="/posts/new"' in home) == (True, False, True)
    ada.post('/accounts/logout')
    assert 'href="/posts/' not in ada.get('/').text


@pytest.mark.parametrize('path', ['/posts/new', '/posts/1', '/posts/1/delete', '/posts/3', '/posts/3/delete'])
def test_who_is_not_logged_in_gets_the_page_to_log_in(client: Client, query: Query, path: str) -> None:
    before = query('SELECT * FROM posts')
    answer = client.post(path, data=POST)
    assert (answer.status_code, 'Log in first.' in answer.text) == (401, True)
    assert 'action="/accounts/login"' in answer.text
    assert query('SELECT * FROM posts') == before


@pytest.mark.parametrize('path', ['/posts/2', '/posts/2/delete'])
def test_a_post_of_somebody_else_is_refused(ada: Client, query: Query, path: str) -> None:
    before = query('SELECT * FROM posts')
    assert ada.post(path, data=POST).status_code == 403
    assert ada.get('/posts/2').status_code == 403
    assert query('SELECT * FROM posts') == before


@pytest.mark.parametrize('id', ['3', '0', '-1', '9' * 30, 'one'])
def test_a_post_that_there_is_not_is_missing(ada: Client, id: str) -> None:
    assert ada.get(f'/posts/{id}').status_code == 404
    assert ada.post(f'/posts/{id}', data=POST).status_code == 404
    assert ada.post(f'/posts/{id}/delete').status_code == 404


def test_a_post_is_written(ada: Client, query: Query) -> None:
    form = ada.get('/posts/new')
    assert (form.status_code, 'name="title"' in form.text, 'name="body"' in form.text) == (200, True, True)
    added = ada.post('/posts/new', data=POST)
    assert (added.status_code, added.headers['location']) == (303, '/')
    assert query('SELECT author, title, body FROM posts WHERE id = 3') == [(1, 'Notes', 'On the engine')]


def test_a_post_is_changed(ada: Client, query: Query) -> None:
    form = ada.get('/posts/1')
    assert (form.status_code, 'value="I am Ada"' in form.text) == (200, True)
    changed = ada.post('/posts/1', data=POST)
    assert (changed.status_code, changed.headers['location']) == (303, '/')
    assert query('SELECT author, title, body FROM posts ORDER BY id') == [
        (1, 'Notes', 'On the engine'),
        (2, 'I am Grace', 'One line\nand another'),
    ]


@pytest.mark.parametrize('path', ['/posts/new', '/posts/1'])
@pytest.mark.parametrize('title', ['', ' '])
def test_a_post_without_a_title_comes_back_with_what_was_typed(
    ada: Client, query: Query, path: str, title: str
) -> None:
    before = query('SELECT * FROM posts')
    answer = ada.post(path, data={'title': title, 'body': 'A <b> that I typed'})
    assert (answer.status_code, 'A title is required.' in answer.text) == (422, True)
    assert 'A &lt;b&gt; that I typed' in answer.text
    assert query('SELECT * FROM posts') == before


def test_a_post_is_deleted(ada: Client, query: Query) -> None:
    deleted = ada.post('/posts/1/delete')
    assert (deleted.status_code, deleted.headers['location']) == (303, '/')
    assert '“I am Ada” is deleted.' in ada.get('/').text
    assert query('SELECT id FROM posts') == [(2,)]
    assert ada.get('/posts/2/delete').status_code == 405


def test_nothing_that_was_typed_becomes_markup(ada: Client) -> None:
    hostile = '"><script>alert(1)</script>'
    ada.post('/posts/new', data={'title': hostile, 'body': hostile})
    for page in ('/', '/posts/3'):
        assert '<script>' not in ada.get(page).text
    ada.post('/posts/3/delete')
    assert '<script>' not in ada.get('/').text

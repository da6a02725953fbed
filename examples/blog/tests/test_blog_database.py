"""The database: made at startup, kept over a restart, one connection and transaction for each request."""

import sqlite3
from collections.abc import Callable
from typing import Any

import pytest
from heaven import App, Context, Request, Response
from heaven_testing import Client

Query = Callable[[str], list[Any]]


def test_startup_makes_the_tables(app: App, query: Query) -> None:
    with Client(app) as client:
        assert 'Nobody has written anything yet.' in client.get('/').text
    tables = query(
        "SELECT name FROM sqlite_schema WHERE sql LIKE 'CREATE TABLE%' AND name NOT LIKE 'sqlite%' ORDER BY name"
    )
    assert tables == [('posts',), ('users',)]


def test_a_restart_keeps_what_was_written(app: App, client: Client) -> None:
    with Client(app) as restarted:
        assert 'I am Grace' in restarted.get('/').text


def test_a_connection_is_closed_when_the_request_ends(client: Client) -> None:
    db = client.get('/').trio[2].db
    with pytest.raises(ValueError, match='no active connection'):
        db.total_changes


def test_what_a_request_wrote_before_it_failed_is_not_kept(app: App, client: Client, query: Query) -> None:
    async def fail(req: Request, res: Response, ctx: Context) -> None:
        await ctx.db.execute('DELETE FROM posts')
        raise sqlite3.OperationalError('the disk is full')

    broken = Client(app, raise_app_exceptions=False)
    broken.swap('posts.list_posts', fail)
    with broken:
        assert broken.get('/').status_code == 500
    assert query('SELECT count(*) FROM posts') == [(2,)]

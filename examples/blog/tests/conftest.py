"""A fresh blog for every test, with an account and a post of each of two people."""

import importlib
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from heaven import App
from heaven_testing import Client

BLOG = Path(__file__).resolve().parents[1]
MODULES = {'app', 'accounts', 'database', 'pages', 'posts'}


def forget() -> None:
    """Forget the modules of the blog, for other examples have an `app`, too."""
    for name in MODULES & sys.modules.keys():
        del sys.modules[name]


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    monkeypatch.syspath_prepend(str(BLOG))
    forget()
    module = importlib.import_module('app')
    monkeypatch.setitem(module.CONFIG, 'DATABASE', tmp_path / 'blog.db')
    monkeypatch.setitem(module.CONFIG, 'SCRYPT', {'n': 2, 'r': 8, 'p': 1})  # as quick as can be
    yield module.app
    forget()


def log_in(client: Client, name: str) -> None:
    client.post('/accounts/login', data={'name': name, 'password': f'the password of {name}'})


@pytest.fixture
def client(app: App) -> Iterator[Client]:
    """Give a client that nobody is logged in with. Post 1 is Ada's, post 2 Grace's."""
    with Client(app) as client:
        for name in ('Ada', 'Grace'):
            client.post('/accounts/register', data={'name': name, 'password': f'the password of {name}'})
            log_in(client, name)
            client.post('/posts/new', data={'title': f'I am {name}', 'body': 'One line\nand another'})
            client.post('/accounts/logout')
        yield client


@pytest.fixture
def ada(client: Client) -> Client:
    """Give a client that Ada is logged in with."""
    log_in(client, 'Ada')
    return client


@pytest.fixture
def query(tmp_path: Path) -> Callable[[str], list[Any]]:
    """Ask the database what it really holds, or change it behind the back of the app."""

    def query(sql: str) -> list[Any]:
        with closing(sqlite3.connect(tmp_path / 'blog.db')) as db, db:
            return db.execute(sql).fetchall()

    return query

"""Which database the clinic has, and for how long: from startup to shutdown."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from importlib import import_module

from heaven import App

from .database import DB, Database
from .news import News


def opened(where: str) -> AbstractAsyncContextManager[Database]:
    """Open PostgreSQL if the place is a URL, else the SQLite file of that name; either needs its own library alone."""
    engine = import_module('store.postgres' if '://' in where else 'store.sqlite')
    database: AbstractAsyncContextManager[Database] = engine.opened(where, News())
    return database


async def connect(app: App) -> AsyncIterator[None]:
    """Open the database, and make the folder of documents, when the app starts; close it when the app stops."""
    app.CONFIG('DOCUMENTS').mkdir(exist_ok=True)
    async with opened(app.CONFIG('DATABASE')) as db:
        app.keep(DB, db)
        yield

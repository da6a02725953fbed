"""What the clinic asks of its database; sqlite.py and postgres.py are the two that it can have."""

import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from heaven import Key, Request

from . import schema
from .news import News

Row = dict[str, Any]
Run = Callable[..., Awaitable[list[Row]]]


class Database(ABC):
    """Runs statements: each is written once, with a ? for every value, in SQL that both databases know."""

    news: News  # is told of the transactions

    @abstractmethod
    async def all(self, sql: str, *values: object) -> list[Row]:
        """Return the rows that are found."""

    async def one(self, sql: str, *values: object) -> Row | None:
        return next(iter(await self.all(sql, *values)), None)

    @abstractmethod
    def transaction(self, watched: bool = True) -> AbstractAsyncContextManager[Run]:
        """Give a function that runs statements; all of them are kept, or none. Then those who watch hear of it."""


DB = Key[Database]('db')
TAKEN = {'number': ('number', 'is taken by another patient'), 'patient_id': ('patient', 'is waiting already')}


def database(req: Request) -> Database:
    """Return the database of the app that is asked."""
    db = req.app.peek(DB)
    assert db is not None, 'connect() runs at startup'
    return db


async def bring_up_to_date(run: Run, version: int) -> int:
    """Make the tables from those of a version, and fill new ones; return the version that they have then."""
    if version > len(schema.VERSIONS):
        raise RuntimeError(f'the database has version {version}, and this app knows {len(schema.VERSIONS)} at most')
    for statements in schema.VERSIONS[version:]:
        for statement in statements:
            await run(statement)
    if version == 0:
        for patient in schema.PATIENTS:
            await run(schema.ADD_PATIENT, *patient)
        for visit in schema.VISITS:
            await run(schema.ADD_VISIT, *visit)
        for name, role, password, key in schema.ACCOUNTS:
            await run(schema.ADD_ACCOUNT, name, role, password)
            await run(schema.ADD_KEY, name, key)
    return len(schema.VERSIONS)


def fold(text: str) -> str:
    """Return text in lower case without accents, so that a search for `chloe` finds Chloé."""
    return ''.join(c for c in unicodedata.normalize('NFKD', text.casefold()) if not unicodedata.combining(c))

"""The clinic's records in one SQLite file: a connection that writes and one that reads."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiosqlite

from .database import TAKEN, Database, Row, Run, bring_up_to_date, fold
from .errors import Busy, Conflict, NoRoom, NoSuch
from .news import News

PATIENCE = 5000  # milliseconds to wait for somebody else who writes


class SQLite(Database):
    """Reads at any time, and writes one transaction after another.

    The two connections keep what is half written out of what is read: SQLite's write-ahead log shows
    the reader only what has been committed.
    """

    def __init__(self, reader: aiosqlite.Connection, writer: aiosqlite.Connection, news: News) -> None:
        self.reader = reader
        self.writer = writer
        self.news = news
        self.writing = asyncio.Lock()

    async def all(self, sql: str, *values: object) -> list[Row]:
        try:
            return await run(self.reader, sql, values)
        except sqlite3.Error as error:
            raise explained(error) from error

    @asynccontextmanager
    async def transaction(self, watched: bool = True) -> AsyncIterator[Run]:
        async with self.writing:
            try:
                await self.writer.execute('BEGIN IMMEDIATE')
                yield lambda sql, *values: run(self.writer, sql, values)
                await self.writer.commit()
            except BaseException as error:
                await self.writer.rollback()
                raise explained(error) from None
        if watched:
            self.news.changed()


def explained(error: BaseException) -> BaseException:
    """Put a broken constraint that a client can cause, a lock and a full disk into the clinic's words."""
    code = getattr(error, 'sqlite_errorcode', 0)
    match code & 0xFF:  # without what distinguishes one lock from another
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return Busy()
        case sqlite3.SQLITE_FULL:
            return NoRoom()
    match code:
        case sqlite3.SQLITE_CONSTRAINT_UNIQUE:
            return Conflict(*TAKEN[str(error).rpartition('.')[2]])
        case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
            return NoSuch('patient', 'with this id')
    return error


async def run(connection: aiosqlite.Connection, sql: str, values: tuple[object, ...]) -> list[Row]:
    try:
        return [dict(row) for row in await connection.execute_fetchall(sql, values)]
    except OverflowError:  # an id of more than 64 bits, which no row has
        return []


@asynccontextmanager
async def opened(path: str, news: News) -> AsyncIterator[SQLite]:
    """Open the file, which is made if there is none, with its tables up to date."""
    async with connection(path) as writer, connection(path) as reader:
        await reader.execute('PRAGMA query_only = ON')
        db = SQLite(reader, writer, news)
        await prepare(db)
        yield db


@asynccontextmanager
async def connection(path: str) -> AsyncIterator[aiosqlite.Connection]:
    async with aiosqlite.connect(path, isolation_level=None) as connection:
        connection.row_factory = aiosqlite.Row
        await connection.create_function('fold', 1, fold, deterministic=True)
        await connection.execute(f'PRAGMA busy_timeout = {PATIENCE}')
        await connection.execute('PRAGMA journal_mode = WAL')
        await connection.execute('PRAGMA foreign_keys = ON')
        yield connection


async def prepare(db: SQLite) -> None:
    """Bring the tables up to date; of several processes that start at once, one does."""
    async with db.transaction() as run:
        [found] = await run('PRAGMA user_version')
        version = await bring_up_to_date(run, found['user_version'])
        await run(f'PRAGMA user_version = {version}')

"""The clinic's database: one SQLite file, a connection that writes and one that reads."""

import asyncio
import errno
import sqlite3
import unicodedata
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import aiosqlite
from heaven import App, Key, Request

from . import schema
from .errors import Busy, Conflict, NoRoom, NoSuch

Row = dict[str, Any]
Run = Callable[..., Awaitable[list[Row]]]

PATIENCE = 5000  # milliseconds to wait for somebody else who writes


class Database:
    """Reads at any time, and writes one transaction after another.

    The two connections keep what is half written out of what is read: SQLite's write-ahead log shows
    the reader only what has been committed.
    """

    def __init__(self, reader: aiosqlite.Connection, writer: aiosqlite.Connection) -> None:
        self.reader = reader
        self.writer = writer
        self.writing = asyncio.Lock()
        self.watchers: set[asyncio.Event] = set()

    async def all(self, sql: str, *values: object) -> list[Row]:
        try:
            return await run(self.reader, sql, values)
        except sqlite3.Error as error:
            raise explained(error) from error

    async def one(self, sql: str, *values: object) -> Row | None:
        return next(iter(await self.all(sql, *values)), None)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Run]:
        """Give a function that runs statements; all of them are kept, or none."""
        async with self.writing:
            try:
                await self.writer.execute('BEGIN IMMEDIATE')
                yield lambda sql, *values: run(self.writer, sql, values)
                await self.writer.commit()
            except BaseException as error:
                await self.writer.rollback()
                raise explained(error) from None
        for watcher in self.watchers:
            watcher.set()

    @contextmanager
    def watching(self) -> Iterator[asyncio.Event]:
        """Give an event that is set after every transaction of this process; clear it before the next look."""
        watcher = asyncio.Event()
        self.watchers.add(watcher)
        try:
            yield watcher
        finally:
            self.watchers.discard(watcher)


TAKEN = {'number': ('number', 'is taken by another patient'), 'patient_id': ('patient', 'is waiting already')}


FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def explained(error: BaseException) -> BaseException:
    """Put a broken constraint that a client can cause, a lock and a full disk into the clinic's words."""
    if isinstance(error, OSError) and error.errno in FULL:
        return NoRoom()
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


def fold(text: str) -> str:
    """Return text in lower case without accents, so that a search for `chloe` finds Chloé."""
    return ''.join(c for c in unicodedata.normalize('NFKD', text.casefold()) if not unicodedata.combining(c))


@asynccontextmanager
async def opened(path: str) -> AsyncIterator[aiosqlite.Connection]:
    async with aiosqlite.connect(path, isolation_level=None) as connection:
        connection.row_factory = aiosqlite.Row
        await connection.create_function('fold', 1, fold, deterministic=True)
        await connection.execute(f'PRAGMA busy_timeout = {PATIENCE}')
        await connection.execute('PRAGMA journal_mode = WAL')
        await connection.execute('PRAGMA foreign_keys = ON')
        yield connection


async def prepare(db: Database) -> None:
    """Bring the tables up to date and fill a new file; of several processes that start at once, one does."""
    async with db.transaction() as run:
        [found] = await run('PRAGMA user_version')
        version = found['user_version']
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
        await run(f'PRAGMA user_version = {len(schema.VERSIONS)}')


DB = Key[Database]('db')


async def connect(app: App) -> AsyncIterator[None]:
    """Open the database, and make the folder of documents, when the app starts; close it when the app stops."""
    app.CONFIG('DOCUMENTS').mkdir(exist_ok=True)
    path = str(app.CONFIG('DATABASE'))
    async with opened(path) as writer, opened(path) as reader:
        await reader.execute('PRAGMA query_only = ON')
        db = Database(reader, writer)
        await prepare(db)
        app.keep(DB, db)
        yield


def database(req: Request) -> Database:
    """Return the database of the app that is asked."""
    db = req.app.peek(DB)
    assert db is not None, 'connect() runs at startup'
    return db

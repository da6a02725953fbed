"""The database: one SQLite file, and for each request a connection and a transaction."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiosqlite
from heaven import App, Context, Request, Response

SCHEMA = Path(__file__).with_name('schema.sql')


async def prepare(app: App) -> None:
    """Make the tables that are missing."""
    async with aiosqlite.connect(app.CONFIG('DATABASE')) as db:
        await db.executescript(SCHEMA.read_text())


async def connect(req: Request, res: Response, ctx: Context) -> AsyncIterator[None]:
    """Open `ctx.db` for a request. What the request writes is kept unless it fails."""
    async with aiosqlite.connect(req.app.CONFIG('DATABASE')) as ctx.db:
        ctx.db.row_factory = aiosqlite.Row
        await ctx.db.execute('PRAGMA foreign_keys = ON')
        yield
        await ctx.db.commit()


async def one(db: aiosqlite.Connection, sql: str, *values: object) -> aiosqlite.Row | None:
    """Return the first row that is found, or None."""
    async with db.execute(sql, values) as cursor:
        return await cursor.fetchone()

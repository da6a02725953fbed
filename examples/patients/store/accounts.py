"""Accounts: who may come in, what they may do, and the keys by which they are known from then on."""

import asyncio
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from . import schema
from .database import Database, Row

ROLES = ('reader', 'doctor')  # each may do what those before it may
A_DAY = timedelta(hours=12)  # at work; for so long somebody who has logged in is known
DEMO = tuple(password for _, _, password, _ in schema.ACCOUNTS)


def may(account: Row | None, role: str) -> bool:
    """Tell whether an account may do what a role may."""
    return account is not None and ROLES.index(account['role']) >= ROLES.index(role)


def hashed(password: str, salt: bytes) -> str:
    """Return what is kept of a password; it takes 32 MiB and a tenth of a second, for whoever guesses as well.

    The standard library is enough for this. The package argon2-cffi, which the cookbook shows, makes guesses dearer.
    """
    digest = hashlib.scrypt(password.encode(), salt=salt, n=2**15, r=8, p=1, maxmem=2**26)
    return f'{salt.hex()}${digest.hex()}'


NOBODY = f'{secrets.token_hex(16)}${"0" * 128}'  # kept of a password that nobody has


async def check(db: Database, name: str, password: str) -> Row | None:
    """Return the account if the password is right; without such an account it takes as long, and tells no more."""
    account = await db.one('SELECT * FROM accounts WHERE name = ?', name)
    kept = account['password'] if account else NOBODY
    salt = bytes.fromhex(kept.partition('$')[0])
    given = await asyncio.to_thread(hashed, password, salt)
    return account if hmac.compare_digest(given, kept) else None


async def get(db: Database, key: str) -> Row | None:
    """Return the account to which a key belongs, if the key still holds."""
    return await db.one(
        """
        SELECT accounts.* FROM accounts JOIN keys ON keys.account_id = accounts.id
        WHERE keys.hash = ? AND (keys.until IS NULL OR keys.until > ?)
        """,
        digest(key), now(),
    )  # fmt: skip


async def give_key(db: Database, account: int, lasts: timedelta | None = A_DAY) -> str:
    """Return a new key of an account, for as long as it lasts; None is until it is taken back."""
    key = secrets.token_urlsafe(32)
    until = now(lasts) if lasts else None
    async with db.transaction() as run:
        await run('DELETE FROM keys WHERE until < ?', now())
        await run('INSERT INTO keys (hash, account_id, until) VALUES (?, ?, ?)', digest(key), account, until)
    return key


async def take_key(db: Database, key: str) -> None:
    """Make a key worthless, wherever copies of it are."""
    async with db.transaction() as run:
        await run('DELETE FROM keys WHERE hash = ?', digest(key))


async def save(db: Database, name: str, role: str, password: str) -> Row:
    """Make an account or change one, whose keys hold no longer; the accounts of the demonstration go."""
    kept = await asyncio.to_thread(hashed, password, secrets.token_bytes(16))
    async with db.transaction() as run:
        await run('DELETE FROM accounts WHERE password IN (?, ?)', *DEMO)
        await run('DELETE FROM keys WHERE account_id = (SELECT id FROM accounts WHERE name = ?)', name)
        [saved] = await run(
            """
            INSERT INTO accounts (name, role, password) VALUES (?, ?, ?)
            ON CONFLICT (name) DO UPDATE SET role = excluded.role, password = excluded.password RETURNING *
            """,
            name, role, kept,
        )  # fmt: skip
    return saved


async def remove(db: Database, name: str) -> bool:
    """Remove an account with its keys; tell whether there was one."""
    async with db.transaction() as run:
        return bool(await run('DELETE FROM accounts WHERE name = ? RETURNING id', name))


async def demo(db: Database) -> list[Row]:
    """Return the accounts whose password is the one that everybody knows."""
    return await db.all('SELECT name, role FROM accounts WHERE password IN (?, ?) ORDER BY id', *DEMO)


def digest(key: str) -> str:
    """Return what is kept of a key, which is too long to be guessed, so that a fast hash is enough."""
    return hashlib.sha256(key.encode()).hexdigest()


def now(later: timedelta = timedelta()) -> str:
    return (datetime.now() + later).isoformat(timespec='seconds')

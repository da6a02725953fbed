"""Accounts: register, log in, log out, and who is logged in."""

import asyncio
import hashlib
import hmac
import secrets
import sqlite3

from database import one
from heaven import Context, Request, Response
from pages import refuse, tell, text


async def find_user(req: Request, res: Response, ctx: Context) -> None:
    """Keep who is logged in as `ctx.user`, or None."""
    ctx.user = await one(ctx.db, 'SELECT id, name FROM users WHERE id = ?', ctx.session.get('user'))


async def log_in_first(req: Request, res: Response, ctx: Context) -> None:
    """Answer with the page to log in unless somebody is."""
    if ctx.user is None:
        await refuse(res, ctx, 401, 'Log in first.', 'log_in.html')


async def registration_page(req: Request, res: Response, ctx: Context) -> None:
    await res.render('register.html')


async def login_page(req: Request, res: Response, ctx: Context) -> None:
    await res.render('log_in.html')


async def register(req: Request, res: Response, ctx: Context) -> None:
    problem = await add(req, ctx, text(req, 'name').strip(), text(req, 'password'))
    if problem:
        await refuse(res, ctx, 422, problem, 'register.html')
    else:
        tell(ctx, 'You are registered, and can log in.')
        res.redirect(req.url_for('log_in'))


async def add(req: Request, ctx: Context, name: str, password: str) -> str:
    """Add an account and return '', or what is wrong."""
    if not name:
        return 'A name is required.'
    if not password:
        return 'A password is required.'
    salt = secrets.token_bytes(16)
    row = (name, salt, await hashed(req, password, salt))
    try:
        await ctx.db.execute('INSERT INTO users (name, salt, hash) VALUES (?, ?, ?)', row)
    except sqlite3.IntegrityError:
        return f'{name} is registered already.'
    return ''


async def log_in(req: Request, res: Response, ctx: Context) -> None:
    user = await one(ctx.db, 'SELECT * FROM users WHERE name = ?', text(req, 'name').strip())
    password = text(req, 'password')
    if user and hmac.compare_digest(user['hash'], await hashed(req, password, user['salt'])):
        ctx.session.clear()
        ctx.session.user = user['id']
        res.redirect(req.url_for('posts'))
    else:
        await refuse(res, ctx, 401, 'The name or the password is wrong.', 'log_in.html')


def log_out(req: Request, res: Response, ctx: Context) -> None:
    ctx.session.clear()
    res.redirect(req.url_for('posts'))


async def hashed(req: Request, password: str, salt: bytes) -> bytes:
    """Hash a password in a thread, for that takes long on purpose."""
    return await asyncio.to_thread(hashlib.scrypt, password.encode(), salt=salt, **req.app.CONFIG('SCRYPT'))

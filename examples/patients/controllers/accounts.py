"""Logging in and out, and who may do what."""

import re
from urllib.parse import urlencode, urlsplit

from heaven import Context, Request, Response
from store import accounts
from store.database import Row, database

from .flash import flash

LOCAL = re.compile(r'/(?![/\\])[!-\[\]-~]*')  # a path of this site: browsers take // and /\ for another


async def permit(req: Request, res: Response, ctx: Context) -> None:
    """Keep who asks as `ctx.account`, and let nobody do what their role may not.

    A route says with `meta=` who may: a role, or 'anyone'. One that says nothing lets readers look, and doctors change.
    """
    if str(req.route).startswith(('/assets/', '/health/')):
        return  # for everybody, and without a look into the database
    ctx.account = await who_asks(req, ctx)
    needed = role_for(req)
    if needed == 'anyone' or accounts.may(ctx.account, needed):
        return
    if ctx.account is not None:
        res.abort(403)
    if str(req.route).startswith('/v1/'):
        res.header('www-authenticate', 'Bearer').abort(401)
    ask_to_log_in(req, res)


def role_for(req: Request) -> str:
    if req.route is None:
        return 'anyone'  # a 404, which no handler serves
    if req.meta is not None:
        return str(req.meta)
    return 'reader' if req.method in ('GET', 'HEAD') else 'doctor'


async def who_asks(req: Request, ctx: Context) -> Row | None:
    """Return the account to which the key belongs that a program sends, or that the session of a person holds."""
    scheme, _, key = req.headers.get('authorization', '').partition(' ')
    if scheme.lower() != 'bearer':
        key = ctx.session.get('key', '')
    return await accounts.get(database(req), key) if key else None


def ask_to_log_in(req: Request, res: Response) -> None:
    """Lead to the login, and from there back."""
    back = urlsplit(req.url)
    asked = f'{back.path}?{back.query}' if back.query else back.path
    where = req.url_for('login')
    if req.method in ('GET', 'HEAD'):
        where += f'?{urlencode({"next": asked})}'
    if 'hx-request' in req.headers:
        res.out(401, headers={'hx-redirect': where})  # HTMX would show the login in place of a part of the page
    else:
        res.redirect(where)


async def login_page(req: Request, res: Response, ctx: Context) -> None:
    await show(req, res, values={'next': req.queries['next']})


async def log_in(req: Request, res: Response, ctx: Context) -> None:
    values = {name: str(req.form.get(name, '')) for name in ('name', 'password', 'next')}
    db = database(req)
    account = await accounts.check(db, values['name'].strip(), values['password'])
    if account is None:
        res.status = 422
        await show(req, res, values, problem='This name and this password do not belong together.')
        return
    ctx.session.clear()  # nothing of what somebody else may have put there is taken along
    ctx.session.key = await accounts.give_key(db, account['id'])
    flash(ctx, f'Welcome, {account["name"]}.')
    res.redirect(values['next'] if LOCAL.fullmatch(values['next']) else req.url_for('patients'))


async def log_out(req: Request, res: Response, ctx: Context) -> None:
    await accounts.take_key(database(req), ctx.session.get('key', ''))
    ctx.session.clear()
    flash(ctx, 'You are logged out.')
    res.redirect(req.url_for('login'))


async def show(req: Request, res: Response, values: Row, problem: str = '') -> None:
    await res.render('login.html', values=values, problem=problem, demo=await accounts.demo(database(req)))


def rights(req: Request, res: Response, ctx: Context) -> Row:
    """Give templates `account`, and `may_change`, so that they offer nobody what would be refused."""
    account = ctx.peek('account')
    return {'account': account, 'may_change': accounts.may(account, 'doctor')}

"""The audit: who has changed what, for doctors to see."""

from collections.abc import AsyncIterator

from heaven import Context, Request, Response
from store import audit
from store.checks import between
from store.database import Row, database


async def write_down(req: Request, res: Response, ctx: Context) -> AsyncIterator[None]:
    """Keep who has changed what, once it is done: what failed is raised at the `yield`, what was refused has a 4xx."""
    yield
    if res.status < 400:
        patient = ctx.peek('patient')
        path = res.headers['location'] if res.status == 201 else req.path
        await audit.add(database(req), ctx.account['name'], req.method, path, patient['id'] if patient else None)


async def list_page(req: Request, res: Response, ctx: Context) -> None:
    await res.render('audit.html', **await found(req))


async def list_changes(req: Request, res: Response, ctx: Context) -> None:
    res.body = await found(req)


async def found(req: Request) -> Row:
    return await audit.find(database(req), between('page', req.queries['page'], 1, 1_000_000))

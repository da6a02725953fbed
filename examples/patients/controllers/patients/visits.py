"""/v1/patients/:id/visits: when the patient came, and why."""

from heaven import Context, Request, Response
from store import visits
from store.checks import checked
from store.database import database


async def list_visits(req: Request, res: Response, ctx: Context) -> None:
    since = req.queries.get('since')
    res.body = {'visits': await visits.find(database(req), ctx.patient['id'], str(since or ''))}


async def get_visit(req: Request, res: Response, ctx: Context) -> None:
    res.body = await visits.get(database(req), ctx.patient['id'], req.params['visit'])


async def add_visit(req: Request, res: Response, ctx: Context) -> None:
    visit = await visits.add(database(req), ctx.patient['id'], checked(req.json, visits.FIELDS))
    res.out(201, visit, {'location': req.url_for('visit', id=ctx.patient['id'], visit=visit['id'])})


async def change_visit(req: Request, res: Response, ctx: Context) -> None:
    values = checked(req.json, visits.FIELDS, partial=True)
    res.body = await visits.change(database(req), ctx.patient['id'], req.params['visit'], values)


async def delete_visit(req: Request, res: Response, ctx: Context) -> None:
    await visits.remove(database(req), ctx.patient['id'], req.params['visit'])
    res.status = 204

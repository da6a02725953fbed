"""/v1/patients: the records themselves."""

from heaven import Context, Request, Response
from store import documents, patients
from store.checks import between, checked
from store.database import database


async def list_records(req: Request, res: Response, ctx: Context) -> None:
    page = between('page', req.queries['page'], 1, 1_000_000)
    size = between('size', req.queries['size'], 1, 100)
    res.body = await patients.find(database(req), req.queries['q'], page, size)


async def get_record_by_id(req: Request, res: Response, ctx: Context) -> None:
    res.body = ctx.patient


async def add_record(req: Request, res: Response, ctx: Context) -> None:
    ctx.patient = await patients.add(database(req), checked(req.json, patients.FIELDS))
    res.out(201, ctx.patient, {'location': req.url_for('record', id=ctx.patient['id'])})


async def replace_record(req: Request, res: Response, ctx: Context) -> None:
    res.body = await patients.change(database(req), ctx.patient['id'], checked(req.json, patients.FIELDS))


async def change_record(req: Request, res: Response, ctx: Context) -> None:
    values = checked(req.json, patients.FIELDS, partial=True)
    res.body = await patients.change(database(req), ctx.patient['id'], values)


async def delete_record(req: Request, res: Response, ctx: Context) -> None:
    removed = await patients.remove(database(req), ctx.patient['id'])
    await documents.discard(req.app.CONFIG('DOCUMENTS'), removed)
    res.status = 204

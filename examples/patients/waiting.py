"""The waiting room: an app of its own, which app.py mounts; whoever watches sees arrivals as they happen."""

from heaven import App, Context, Request, Response
from store import arrivals
from store.checks import checked, row_id
from store.database import database


async def list_arrivals(req: Request, res: Response, ctx: Context) -> None:
    res.body = {'waiting': await arrivals.find(database(req))}


async def arrive(req: Request, res: Response, ctx: Context) -> None:
    patient = checked(req.json, {'patient': row_id})['patient']
    arrival = await arrivals.add(database(req), patient)
    res.out(201, arrival, {'location': req.url_for('arrival', id=arrival['id'])})


async def call_in(req: Request, res: Response, ctx: Context) -> None:
    """The patient is called in and waits no longer."""
    await arrivals.remove(database(req), req.params['id'])
    res.status = 204


room = App()
room.GET('/', list_arrivals)
room.POST('/', arrive)
room.DELETE('/:id:int', call_in, name='arrival')

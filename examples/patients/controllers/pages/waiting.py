"""/waiting: who waits, and the two buttons that change it."""

from heaven import Context, Request, Response
from store import arrivals, patients
from store.database import database


async def room_page(req: Request, res: Response, ctx: Context) -> None:
    await res.render('waiting.html', waiting=await arrivals.find(database(req)))


async def arrive(req: Request, res: Response, ctx: Context) -> None:
    await arrivals.add(database(req), ctx.patient['id'])
    res.redirect(req.url_for('waiting'))


async def call_in(req: Request, res: Response, ctx: Context) -> None:
    """Call a patient in, and open their record."""
    arrival = await arrivals.remove(database(req), req.params['arrival'])
    ctx.patient = await patients.get(database(req), arrival['patient_id'])
    res.redirect(req.url_for('patient', id=arrival['patient_id']))

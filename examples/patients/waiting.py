"""The waiting room: an app of its own, which app.py mounts; whoever watches sees arrivals as they happen."""

import asyncio
from contextlib import suppress

from heaven import App, Context, Disconnected, Request, Response
from heaven.websocket import WebSocket
from store import arrivals, patients
from store.checks import checked, row_id
from store.database import Database, database
from store.errors import Away, Busy


async def list_arrivals(req: Request, res: Response, ctx: Context) -> None:
    res.body = {'waiting': await arrivals.find(database(req))}


async def arrive(req: Request, res: Response, ctx: Context) -> None:
    patient = checked(req.json, {'patient': row_id})['patient']
    arrival = await arrivals.add(database(req), patient)
    ctx.patient = await patients.get(database(req), patient)
    res.out(201, arrival, {'location': req.url_for('arrival', id=arrival['id'])})


async def call_in(req: Request, res: Response, ctx: Context) -> None:
    """Call a patient in, who waits no longer."""
    arrival = await arrivals.remove(database(req), req.params['id'])
    ctx.patient = await patients.get(database(req), arrival['patient_id'])
    res.status = 204


async def watch(req: Request, ws: WebSocket, ctx: Context) -> None:
    """Send the whole list at first and whenever it changes, so that a slow client skips what is out of date."""
    async with asyncio.TaskGroup() as tasks:
        telling = tasks.create_task(tell(ws, database(req)))
        async for _ in ws:
            pass  # nothing is expected; the loop ends when the client leaves
        telling.cancel()


async def tell(ws: WebSocket, db: Database) -> None:
    told = None
    try:
        with db.news.watching() as changed, suppress(Disconnected):
            while True:
                changed.clear()
                waiting = await arrivals.find(db)
                if waiting != told:
                    await ws.send_json({'waiting': waiting})
                    told = waiting
                await changed.wait()
    except (Away, Busy):
        await ws.close(1013, 'Please connect again in a moment.')


room = App()
room.GET('/', list_arrivals)
room.POST('/', arrive)
room.DELETE('/:id:int', call_in, name='arrival')
room.WS('/live', watch, name='live')

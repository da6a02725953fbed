"""/health: what a load balancer or an orchestrator asks."""

import asyncio

from heaven import Context, Request, Response
from store.database import database


def live(req: Request, res: Response, ctx: Context) -> None:
    """Tell that the process answers; where it does not, it has to be started again."""
    res.body = {'status': 'live'}


async def ready(req: Request, res: Response, ctx: Context) -> None:
    """Tell that the database answers in time; where it does not, requests have to go elsewhere for a while."""
    try:
        async with asyncio.timeout(2):
            await database(req).one('SELECT id FROM patients LIMIT 1')
    except Exception as problem:
        res.out(503, {'status': 'not ready', 'error': f'The database does not answer: {problem or "too slow"}'})
    else:
        res.body = {'status': 'ready'}

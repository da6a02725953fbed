"""Every failure: as JSON that says what was wrong, or as a page where a browser asks."""

import logging
from http import HTTPStatus
from typing import Any

from heaven import ClientError, Context, Request, Response
from store.errors import Away, Busy, Conflict, Invalid, NoRoom, NoSuch

log = logging.getLogger('clinic')

WORDS = {401: 'Log in first, or send the key of an account.', 403: 'Your account may look, but not do this.'}


async def failure(req: Request, res: Response, ctx: Context) -> None:
    said: dict[str, Any]
    match res.error:
        case Invalid() as error:
            status, said = 422, {'error': 'Some fields cannot be kept as they are.', 'fields': error.fields}
        case NoSuch() as error:
            status, said = 404, {'error': str(error)}
        case Conflict() as error:
            status, said = 409, {'error': str(error), 'fields': error.fields}
        case Busy() | Away() as error:
            status, said = 503, {'error': str(error)}
            res.header('retry-after', '5')
        case NoRoom() as error:
            status, said = 507, {'error': str(error)}
        case ClientError() as error:  # what Heaven refused: bad JSON, a query that does not convert, too much
            status, said = error.status, {'error': str(error)}
        case _:
            status, said = res.status, {'error': WORDS.get(res.status) or HTTPStatus(res.status).phrase}
    if status in (503, 507):
        log.error('%s %s: %s (%r)', req.method, req.route, said['error'], getattr(res.error, '__cause__', None))
    if 'text/html' in req.headers.get('accept', ''):
        res.status = status
        await res.render('error.html', **said)
    else:
        res.out(status, said)

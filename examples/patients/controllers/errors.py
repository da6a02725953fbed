"""Every failure, as JSON that says what was wrong."""

from http import HTTPStatus

from heaven import ClientError, Context, Request, Response
from store.errors import Conflict, Invalid, NoSuch


def failure(req: Request, res: Response, ctx: Context) -> None:
    match res.error:
        case Invalid() as error:
            res.out(422, {'error': 'Some fields cannot be kept as they are.', 'fields': error.fields})
        case NoSuch() as error:
            res.out(404, {'error': str(error)})
        case Conflict() as error:
            res.out(409, {'error': str(error), 'fields': error.fields})
        case ClientError() as error:  # what Heaven refused: bad JSON, a query that does not convert, too much
            res.out(error.status, {'error': str(error)})
        case _:
            res.out(res.status, {'error': HTTPStatus(res.status).phrase})

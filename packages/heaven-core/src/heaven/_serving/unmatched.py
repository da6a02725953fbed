"""What answers a request that no route serves."""

from heaven._serving.calling import call
from heaven._serving.failures import find_handler, phrase_of
from heaven.errors import ClientError
from heaven.request import exchange_of
from heaven.types import App, Context, Request, Response


class NoRoute:
    """The handler of what has no route: a 404, a 405 or the 204 of an automatic OPTIONS."""

    def __init__(self, app: App, status: int, allow: str | None) -> None:
        self.status = status
        self.allow = allow
        self.words = None if status == 204 else phrase_of(status)
        self.error_handler, _ = find_handler(app, None, status, [])

    async def __call__(self, req: Request, res: Response, ctx: Context) -> None:
        """Answer, or let the ERROR handler of the status do it."""
        if self.allow is not None:
            res.header('allow', self.allow)
        res.status = self.status
        if self.error_handler is None:
            res.body = self.words
            return
        exchange = exchange_of(req)
        exchange.asked = (self.error_handler,)
        await call(self.error_handler, exchange, req, res, ctx)
        exchange.asked = ()


async def refuse_target(req: Request, res: Response, ctx: Context) -> None:
    """Refuse a target that is no path (RFC 9112, 3.2)."""
    raise ClientError("the target of the request is no path: it begins with a slash, and has no '.' or '..' segment")

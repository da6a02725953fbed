"""The course of one request, once its endpoint is known: its body, its hooks, its handler."""

from heaven._http.exchange import Exchange
from heaven._http.logs import log
from heaven._routing.endpoint import Step
from heaven._routing.functions import name_of
from heaven._serving.calling import check_hook, warn_unused
from heaven._serving.registrations import registrations_of
from heaven.context import Context
from heaven.request import Request
from heaven.response import Response
from heaven.types import Receive, Scope, Send


def begin(scope: Scope, receive: Receive, send: Send) -> tuple[Exchange, Request, Response, Context]:
    """Return a new exchange, and what users see of it."""
    req, res, ctx = Request(), Response(), Context()
    exchange = Exchange(scope, receive, send, ctx)
    req._exchange = res._exchange = exchange  # noqa: SLF001
    return exchange, req, res, ctx


async def run(exchange: Exchange, req: Request, res: Response, ctx: Context) -> None:
    """Read the body, run the hooks and the handler: what an ERROR handler answers if it fails.

    A step is called in three places here: a function that did it would be one more coroutine for each, which takes 1.3
    thousand instructions.
    """
    endpoint = exchange.endpoint
    if endpoint.reads_body:
        await exchange.read_ahead()
    for step in endpoint.before:
        exchange.app = step.app
        out = step.function(req, res, ctx)
        if step.is_async:
            out = await out
        if out is not None and out is not res:
            await check_hook(step, out, res)
        if exchange.answered:
            note_answer(exchange, step)
            break
    else:  # no hook has answered
        step = endpoint.step
        exchange.app = step.app
        if endpoint.queries:
            req.queries.convert()
        out = step.function(req, res, ctx)
        if step.is_async:
            out = await out
        if out is not None and out is not res:
            await warn_unused(endpoint, step, out, res)
    for step in endpoint.after:
        exchange.app = step.app
        out = step.function(req, res, ctx)
        if step.is_async:
            out = await out
        if out is not None and out is not res:
            await warn_unused(endpoint, step, out, res)


def note_answer(exchange: Exchange, step: Step) -> None:
    """Remember which BEFORE has answered; in debug, warn of one that has set a status alone, by mistake perhaps."""
    exchange.answered_by = step
    is_default = exchange.body is None and exchange.status < 300 and exchange.status != 204
    if is_default and registrations_of(step.app).is_debug:
        log().warning(
            'the BEFORE %s has answered, with %d and no body, so that the handler does not run: '
            'a default belongs into the handler',
            name_of(step.function),
            exchange.status,
        )

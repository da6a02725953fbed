"""The seam for what stands outside of the hooks: sessions, CORS, the check of origins.

A battery enters a request before its body is read and before every hook, and leaves it when the answer is ready, just
before its first message. It does the rest through `req`, `res` and `ctx`. The batteries of an endpoint are in the order
in which they enter: the session first, so that everything finds it open. They leave in reverse.

An app without batteries, and a dispatcher without them, never comes here.
"""

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from heaven._http.exchange import Exchange
from heaven._routing.endpoint import Battery, Endpoint, Step
from heaven._serving.course import run
from heaven._serving.registrations import Registrations
from heaven._serving.unmatched import refuse_target
from heaven.types import Context, Request, Response

if TYPE_CHECKING:
    from heaven._serving.dispatcher import Dispatcher

T = TypeVar('T')
MAX_PREFLIGHTS = 1000  # that are kept


def batteries_of(registrations: Registrations, label: str) -> tuple[Battery, ...] | None:
    """Return the batteries of what an app serves in a subdomain; None where the whole tree of apps has none.

    Each is the app's own, or else that of the nearest app that it is mounted on.
    """
    if not any(each.cors or each.sessions or each.same_origin for each in registrations.root.tree()):
        return None
    lineage = list(registrations.lineage())
    sessions = first(each.sessions for each in lineage)
    cors = first(each.cors.get(label) or each.cors.get(None) for each in lineage)
    same_origin = first(each.same_origin or each.sessions_same_origin for each in lineage)
    if same_origin is not None and cors is not None:
        same_origin = same_origin.trusting(cors.origins)
    found: list[Battery | None] = [sessions, cors, same_origin]
    return tuple(each for each in found if each is not None)


def first(found: Iterable[T | None]) -> T | None:
    """Return the first that is there."""
    return next((each for each in found if each is not None), None)


def enter(exchange: Exchange, req: Request, res: Response, ctx: Context) -> None:
    """Let the batteries of a request enter, and see to it that they leave; they do not leave a WebSocket."""
    batteries = exchange.endpoint.batteries or ()
    if exchange.scope['type'] == 'http':
        exchange.before_start = partial(leave, batteries, req, res, ctx)
    for battery in batteries:
        battery.enter(req, res, ctx)


def leave(batteries: tuple[Battery, ...], req: Request, res: Response, ctx: Context) -> None:
    """Let the batteries of a request leave it."""
    for battery in reversed(batteries):
        battery.leave(req, res, ctx)


class Entrance:
    """Runs the requests of a dispatcher whose apps have batteries."""

    def __init__(self, dispatcher: 'Dispatcher') -> None:
        self.dispatcher = dispatcher
        self.preflights: dict[Endpoint, Endpoint] = {}  # by the endpoint that is asked for

    async def run(self, exchange: Exchange, req: Request, res: Response, ctx: Context) -> None:
        """Let the batteries enter, then run hooks and handler; a preflight has none of them."""
        if exchange.method == 'OPTIONS':
            exchange.endpoint = self.preflight_of(exchange) or exchange.endpoint
        enter(exchange, req, res, ctx)
        await run(exchange, req, res, ctx)

    def preflight_of(self, exchange: Exchange) -> Endpoint | None:
        """Return what answers a CORS preflight (Fetch, 4.9): the battery of the request that is asked for, and no hook.

        None for any other OPTIONS, for a target that is no path, and where nothing answers preflights.
        """
        fields = exchange.fields()
        method = fields.get(b'access-control-request-method')
        if method is None or b'origin' not in fields:
            return None
        asked_for = self.dispatcher.find(exchange, self.dispatcher.http, method.decode('latin-1'))
        if asked_for.handler is refuse_target:
            return None
        known = self.preflights.get(asked_for)
        if known is None:
            known = preflight_for(asked_for)
            if known is not None and len(self.preflights) < MAX_PREFLIGHTS:
                self.preflights[asked_for] = known
        return known


def preflight_for(asked_for: Endpoint) -> Endpoint | None:
    """Return what answers the preflights of an endpoint; None where nothing does."""
    for battery in asked_for.batteries or ():
        if battery.preflight is not None:
            return asked_for.replace(
                method='OPTIONS',
                step=Step(battery.preflight, False, asked_for.app),
                before=(),
                after=(),
                endings=(),
                queries={},
                reads_body=False,
                batteries=(battery,),
            )
    return None

"""How functions are called: what they may return, in which thread they run, which app they see."""

from collections.abc import Callable
from functools import partial, wraps
from time import perf_counter
from typing import Any

from heaven._http.exchange import Exchange
from heaven._http.logs import log
from heaven._routing.endpoint import Endpoint, Step
from heaven._routing.functions import is_async, maybe_await, name_of
from heaven._serving.registrations import registrations_of
from heaven.types import App, Context, Handler, Request, Response

SLOW = 0.1  # seconds: a plain function that holds the event loop for longer is worth a warning, in debug


def make_step(function: Handler, app: App, threaded: bool = False) -> Step:
    """Return a function with how it is called: in a worker thread if it asked for that, under watch in debug."""
    if threaded:
        function = in_thread(function)
    elif registrations_of(app).is_debug and not is_async(function):
        function = watched(function)
    return Step(function, is_async(function), app)


def in_thread(function: Handler) -> Handler:
    """Return an async function that runs a plain one in a worker thread."""
    from heaven._http.threads import run_in_thread

    async def run(*args: Any) -> Any:
        return await run_in_thread(function, *args)

    return wraps(function, updated=())(run)


def watched(function: Handler) -> Handler:
    """Return a function that warns when the one it calls has held the event loop."""

    def run(*args: Any) -> Any:
        began = perf_counter()
        out = function(*args)
        took = perf_counter() - began
        if took >= SLOW:
            log().warning(
                '%s held the event loop for %.0f ms: make it async or threaded=True', name_of(function), 1000 * took
            )
        return out

    return wraps(function, updated=())(run)


async def call(step: Step, exchange: Exchange, req: Request, res: Any, ctx: Context) -> Any:
    """Call a hook or an ERROR handler as the app sees it that registered it; return what it gives, awaited."""
    exchange.app = step.app
    out = step.function(req, res, ctx)
    if step.is_async:
        out = await out
    return out if out is None or out is res else await maybe_await(out)


async def check_hook(step: Step, out: Any, res: Response) -> None:
    """Refuse what a BEFORE returned unless it is None or `res`: nobody knows whether it was to stop the request.

    TypeError, which is a 500: the handler does not run.
    """
    out = await maybe_await(out)
    if out is None or out is res:
        return
    close = getattr(out, 'close', None)
    if hasattr(out, '__next__') and close is not None:
        close()
    raise TypeError(
        f'the BEFORE {name_of(step.function)} returned {type(out).__name__}, which neither lets a request pass nor '
        f"stops it: return nothing, or return res, to go on; res.out(401, 'Log in first') or raise Abort(401) to stop"
    )


async def warn_unused(endpoint: Endpoint, step: Step, out: Any, res: Response) -> None:
    """Await what a handler or an AFTER returned if that can be, and warn once of a value that nobody will use."""
    out = await maybe_await(out)
    if out is None or out is res or step.function in endpoint.warned:
        return
    endpoint.warned.append(step.function)
    log().warning('%s returned %s, which is ignored: set res.body instead', name_of(step.function), type(out).__name__)


async def call_with_app(function: Callable[[App], Any], app: App) -> Any:
    """Call `function(app)`, a plain one in a worker thread."""
    if is_async(function):
        return await function(app)
    from heaven._http.threads import run_in_thread

    return await maybe_await(await run_in_thread(partial(function, app)))

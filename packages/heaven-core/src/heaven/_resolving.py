"""From what was registered as a handler to what can be called."""

import os
from collections.abc import Awaitable, Callable
from functools import partial, wraps
from importlib import import_module, util
from time import perf_counter
from typing import Any

from heaven._routing import is_async
from heaven.errors import HandlerError, refuse
from heaven.types import App, Handler


def imported(dotted: str, app: App, where: str) -> Any:
    """Imports the object of a dotted path.

    The path is looked for on `sys.path` first, then beside the module that made the app, so that an app found as
    `src.app` finds what lies in `src`. HandlerError names the route, the path and the reason.
    """
    said, (top, _, rest) = f'{where}: cannot import {dotted!r}: ', dotted.partition('.')
    refuse(not rest, HandlerError, f"{said}write the module too, as in 'controllers.patients.{dotted}'")
    try:
        tops = [top, f'{app._package}.{top}'] if app._package else [top]
        name = next(filter(util.find_spec, tops), top)
        found: Any = import_module(name)
        for part in rest.split('.'):
            name = f'{name}.{part}'
            try:
                found = import_module(name)
            except ModuleNotFoundError as error:
                if not f'{name}.'.startswith(f'{error.name}.'):
                    raise
                found = getattr(found, part)
    except Exception as error:
        lost = isinstance(error, ModuleNotFoundError) and error.name == top
        raise HandlerError(f'{said}{type(error).__name__}: {error}{hint(top, app) if lost else ""}') from error
    return found


def hint(top: str, app: App) -> str:
    """Names the folder that holds a package, beside the app or where it was started, and is not on `sys.path`."""
    paths = (os.path.join(os.path.abspath(folder), top) for folder in (app._folder, ''))
    folders = (os.path.dirname(path) for path in paths if os.path.isdir(path) or os.path.isfile(f'{path}.py'))
    return ''.join(f'; it lies in {folder}, which is not on sys.path' for folder in [*folders][:1])


def scoped(func: Handler, app: App) -> Handler:
    """Lets a function see the app it was registered on as `req.app`."""

    @wraps(func, updated=())
    async def run(req: Any, res: Any, ctx: Any) -> Any:
        outer, req._app = req._app, app
        try:
            out = func(req, res, ctx)
            return await out if isinstance(out, Awaitable) else out
        finally:
            req._app = outer

    return run


def prepared(func: Handler, app: App, threaded: bool = False) -> Handler:
    """Gives what runs a function: a plain one in a worker thread if it asked for that, under watch in debug."""
    if is_async(func) or not (threaded or app.debug):
        return func
    return wraps(func, updated=())(partial(off_loop, func)) if threaded else timed(func)


async def off_loop(func: Callable[..., Any], *args: Any) -> Any:
    """Calls a plain function in a worker thread.

    Before Python 3.13 a future that is given a StopIteration never ends; out of a generator it comes as a RuntimeError.
    """
    from asyncio import to_thread

    return await to_thread(next, (func(*args) for _ in '1'))


def timed(func: Handler) -> Handler:
    """Warns of a plain function that held the event loop."""

    @wraps(func, updated=())
    def run(req: Any, res: Any, ctx: Any) -> Any:
        began = perf_counter()
        out = func(req, res, ctx)
        if (took := 1000 * (perf_counter() - began)) >= 100:
            from heaven._serving import log

            log().warning(
                '%s held the event loop for %.0f ms: make it async or threaded=True',
                getattr(func, '__qualname__', repr(func)),
                took,
            )
        return out

    return run

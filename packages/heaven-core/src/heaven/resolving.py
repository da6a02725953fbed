"""From what was registered as a handler to what can be called."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable
from functools import wraps
from importlib import import_module
from importlib.util import find_spec
from time import perf_counter
from typing import Any

from heaven.errors import HandlerError
from heaven.routing import is_async
from heaven.types import App, Handler

SLOW = 0.1


def imported(dotted: str, app: App, where: str) -> Any:
    """Imports the object of a dotted path.

    The path is looked for on `sys.path` first, then beside the module that made the app, so that an app found as
    `src.app` finds what lies in `src`. HandlerError names the route, the path and the reason.
    """
    said, (top, _, rest) = f'{where}: cannot import {dotted!r}: ', dotted.partition('.')
    if not rest:
        raise HandlerError(f"{said}write the module too, as in 'controllers.patients.{dotted}'")
    packages = ['', f'{app._package}.'] if app._package else ['']
    package = next((package for package in packages if find_spec(package + top)), None)
    if package is None:
        raise HandlerError(f'{said}there is no module {top!r}{hint(top, app)}')
    name = package + top
    try:
        found: Any = import_module(name)
        for part in rest.split('.'):
            name = f'{name}.{part}'
            try:
                found = import_module(name)
            except ModuleNotFoundError as error:
                if not f'{name}.'.startswith(f'{error.name}.'):
                    raise
                if not hasattr(found, part):
                    raise HandlerError(f'{said}there is no {name!r}') from None
                found = getattr(found, part)
    except HandlerError:
        raise
    except Exception as error:
        raise HandlerError(f'{said}{type(error).__name__}: {error}') from error
    return found


def hint(top: str, app: App) -> str:
    """Names the folder that holds a package and is not on `sys.path`, where that is what is wrong."""
    known = {os.path.abspath(path or '.') for path in sys.path}
    for folder in {os.path.abspath(folder) for folder in (app._folder, os.getcwd()) if folder} - known:
        if os.path.isdir(os.path.join(folder, top)) or os.path.isfile(os.path.join(folder, f'{top}.py')):
            return f'; it lies in {folder}, which is not on sys.path'
    return ''


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
    if is_async(func) or not threaded:
        return func if is_async(func) or not app.debug else timed(func)

    @wraps(func, updated=())
    async def run(req: Any, res: Any, ctx: Any) -> Any:
        return await off_loop(func, req, res, ctx)

    return run


async def off_loop(func: Callable[..., Any], *args: Any) -> Any:
    """Calls a plain function in a worker thread.

    A StopIteration comes back as a RuntimeError: before Python 3.13 a future that is given one never ends.
    """
    from asyncio import to_thread

    def run() -> Any:
        try:
            return func(*args)
        except StopIteration as error:
            raise RuntimeError(f'{func!r} raised StopIteration') from error

    return await to_thread(run)


def timed(func: Handler) -> Handler:
    """Warns of a plain function that held the event loop."""

    @wraps(func, updated=())
    def run(req: Any, res: Any, ctx: Any) -> Any:
        began = perf_counter()
        out = func(req, res, ctx)
        if (took := perf_counter() - began) >= SLOW:
            from heaven.serving import log

            name = getattr(func, '__qualname__', repr(func))
            log().warning('%s held the event loop for %.0f ms: make it async or threaded=True', name, took * 1000)
        return out

    return run

"""From what was registered as a handler to what can be called, and how it is called, whatever kind it is of."""

from collections.abc import Awaitable, Callable
from functools import partial, wraps
from importlib import import_module, machinery, util
from os.path import abspath
from sys import modules
from time import perf_counter
from types import FunctionType, MethodType
from typing import Any

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
            own = name.endswith(dotted) and hasattr(found, part)
            module = not own and hasattr(found, '__path__') and (name in modules or util.find_spec(name))
            found = import_module(name) if module else getattr(found, part)
    except Exception as error:
        lost = isinstance(error, ModuleNotFoundError) and error.name == top
        near = [path for path in map(abspath, (app._folder, '')) if machinery.PathFinder.find_spec(top, [path])]
        hint = f'; it lies in {near[0]}, which is not on sys.path' if lost and near else ''
        raise HandlerError(f'{said}{type(error).__name__}: {error}{hint}') from error
    return found


def scoped(func: Handler, app: App) -> Handler:
    """Lets a function see the app it was registered on as `req.app`."""

    @wraps(func, updated=())
    async def run(req: Any, res: Any, ctx: Any) -> Any:
        outer, req._app = req._app, app
        try:
            out = func(req, res, ctx)
            return await settled(out) if out is not None else None
        finally:
            req._app = outer

    return run


def prepared(func: Handler, app: App, threaded: bool = False) -> Handler:
    """Gives what runs a function: a plain one in a worker thread if it asked for that, under watch in debug."""
    how = off_loop if threaded else timed if app.debug else None
    return func if how is None or is_async(func) else wraps(func, updated=())(partial(how, func))


async def off_loop(func: Callable[..., Any], *args: Any) -> Any:
    """Calls a plain function in a worker thread.

    Before Python 3.13 a future that is given a StopIteration never ends; out of a generator it comes as a RuntimeError.
    """
    from asyncio import to_thread

    return await to_thread(next, (func(*args) for _ in '1'))


def timed(func: Handler, *args: Any) -> Any:
    """Calls a plain function, and warns if it held the event loop."""
    began = perf_counter()
    out = func(*args)
    if (took := 1000 * (perf_counter() - began)) >= 100:
        log().warning(
            '%s held the event loop for %.0f ms: make it async or threaded=True',
            getattr(func, '__qualname__', repr(func)),
            took,
        )
    return out


def flags_of(func: Any) -> int:
    """Gives the flags of the code that a call of a function runs, 0 where there is none of Python."""
    while isinstance(func, (partial, MethodType)):
        func = func.func if isinstance(func, partial) else func.__func__
    called = func if isinstance(func, FunctionType) else type(func).__call__
    return int(getattr(getattr(called, '__code__', None), 'co_flags', 0))


def is_async(func: Any) -> bool:
    """Tells whether calling a function gives a coroutine: CO_COROUTINE is set in the flags of its code."""
    return bool(flags_of(func) & 0x80)


def refuse_generator(func: Any, where: object, allowed: int = 0) -> None:
    """Refuses a generator function: a call of it runs nothing, so that what it guards or does would be skipped.

    CO_GENERATOR, 0x20, or CO_ASYNC_GENERATOR, 0x200, is set in the flags of its code; what `types.coroutine` made of
    one has CO_ITERABLE_COROUTINE, too, and can be awaited. `allowed` is the flag of the kind that has a meaning there.
    """
    flags = flags_of(func)
    refuse(
        flags & 0x220 & ~allowed and not flags & 0x100,
        TypeError,
        f'{where}: {func!r:.80} is a generator function, of which a call runs nothing: '
        'leave out its yield; to stream, write res.body = generator() in a handler',
    )


async def settled(out: Any) -> Any:
    """Gives what was returned, awaited if it can be: a generator of `types.coroutine` has CO_ITERABLE_COROUTINE set."""
    flags = getattr(getattr(out, 'gi_code', None), 'co_flags', 0)
    return await out if isinstance(out, Awaitable) or flags & 0x100 else out


def log() -> Any:
    """Gives the `heaven` logger; logging is imported when there is something to log."""
    import logging

    return logging.getLogger('heaven')

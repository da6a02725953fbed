"""The last steps of every request: from a failure to a response, and from a response to what is sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import TYPE_CHECKING, Any

from heaven.errors import Abort, ClientError, Disconnected
from heaven.response import BODILESS, EMPTY, FILE, UNSET, Kind
from heaven.types import Handler, Message, Send

if TYPE_CHECKING:
    from heaven.app import App
    from heaven.context import Context
    from heaven.request import Request
    from heaven.response import Response
    from heaven.routing import Entry

FOREIGN = Kind(None, None, False)
LENGTHS = [(b'content-length', b'%d' % n) for n in range(4096)]
PHRASES = {404: 'Not Found', 405: 'Method Not Allowed', 500: 'Internal Server Error'}


def log() -> Any:
    """Gives the `heaven` logger; logging is imported when there is something to log."""
    import logging

    return logging.getLogger('heaven')


def phrase(status: int) -> str:
    """Gives the words of a status (RFC 9110, 15)."""
    if status in PHRASES:
        return PHRASES[status]
    from http import HTTPStatus

    return HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else f'Status {status}'


async def settled(out: Any) -> Any:
    """Gives what was returned, awaited if it can be."""
    return await out if isinstance(out, Awaitable) else out


async def stray(func: Handler, out: Any, res: Any) -> Any:
    """Awaits what a function returned if that can be, and warns once of a value that nobody will use."""
    if isinstance(out, Awaitable):
        out = await out
    if out is not None and out is not res:
        if id(func) not in warned:
            warned[id(func)] = func
            name = f'{getattr(func, "__module__", "")}.{getattr(func, "__qualname__", repr(func))}'
            log().warning('%s returned %s, which is ignored: set res.body instead', name, type(out).__name__)
    return out


warned: dict[int, Handler] = {}


async def call(func: Handler, req: Request, res: Any, ctx: Context) -> Any:
    """Calls a function of any kind and gives what it returned; a file that it sends is opened here."""
    out = func(req, res, ctx)
    if out is not None and out is not res:
        out = await stray(func, out, res)
    if res._kind is FILE:
        await res._body.prepare(req, res)
    return out


async def recover(
    error: Exception, entry: Entry, req: Request, res: Response, ctx: Context, last: bool = False
) -> Exception | None:
    """Makes the response of a failure; gives the error back if it goes on, as one that nobody expected does."""
    res.error = error
    if isinstance(error, Disconnected) and req._gone:
        return error
    status, said = 500, False
    if isinstance(error, Abort):
        status = error.status or (400 if res._status in (None, 200) else res.status)
        said = error.body is not None
    elif isinstance(error, ClientError):
        status = error.status
    if req._overflow:
        from traceback import clear_frames

        clear_frames(error.__traceback__)
    kept = (b'content-type',) if said else ()
    res._forget(kept if status == 500 else (*kept, b'cache-control', b'expires'))
    await res._close()
    res._status = status
    handler, nearest = (None, False) if said or last else find_handler(entry.app, error, status)
    try:
        if handler is not None:
            await call(handler, req, res, ctx)
        elif said:
            res.body = error.body  # type: ignore[attr-defined]
        elif isinstance(error, ClientError):
            res.body = str(error)
        elif entry.app.debug and not isinstance(error, Abort):
            from heaven.debug import page

            page(error, req, res)
        else:
            res.body = phrase(status)
    except Exception as another:
        if (failure := await recover(another, entry, req, res, ctx, last=True)) is not None:
            return failure
    if nearest or isinstance(error, (Abort, ClientError)):
        return None
    log().error('%s %s failed', req.method, req.path, exc_info=error)
    return error


def find_handler(app: App | None, error: Exception | None, status: int) -> tuple[Handler | None, bool]:
    """Finds the ERROR handler, in the app or those around it, and tells whether it is one for the class."""
    mro = () if error is None else type(error).__mro__
    classes = [kind for kind in mro if not (isinstance(error, (Abort, ClientError)) and kind is Exception)]
    while app is not None:
        for key in (*classes, status):
            if key in app._handlers:
                return app._handlers[key], key is not status
        app = app.parent
    return None, False


async def decline(status: int, req: Request, res: Response, ctx: Context) -> None:
    """Answers with a status that is no failure, 404 or 405, or lets the ERROR handler do it."""
    res._status = status
    handler, _ = find_handler(req._entry.app, None, status)
    if handler is None:
        res.body = phrase(status)
    else:
        await call(handler, req, res, ctx)


async def conclude(app: App, req: Request, res: Response, ctx: Context, send: Send, failure: Exception | None) -> None:
    """Ends a request that is more than two messages: what failed, streams, files, hooks that always run."""
    entry = req._entry
    try:
        if failure is None and res._kind is FILE:
            try:
                await res._body.prepare(req, res)
            except Exception as error:
                failure = error
        if failure is not None:
            failure = await recover(failure, entry, req, res, ctx)
        for hook, _ in entry.always:
            try:
                await call(hook, req, res, ctx)
            except Exception as error:
                failure = await recover(error, entry, req, res, ctx) or failure
        if req._gone and failure is not None:
            return
        try:
            start, data = fix(entry, res)
        except Exception as error:
            failure, start, data = await repair(error, entry, req, res, ctx)
        await deliver(entry, req, res, send, start, data)
        if failure is not None:
            app._report(req.scope, failure)
        elif res._deferred is not None and res._status != 500:
            await run_deferred(res)
    finally:
        await req._clean()


def fix(entry: Entry, res: Response) -> tuple[Message, bytes | None]:
    """Fixes the headers of a response: gives its first message, and its body unless that is sent in pieces."""
    kind, status = res._kind, res._status or 200
    data: Any = None
    if kind.quick or kind.encode is not None:
        data = (kind.encode or entry.dumps)(res._body)
        data = data.encode() if isinstance(data, str) else data
    given = dict(res._fields or ())
    given.pop(b'transfer-encoding', None)
    length = given.pop(b'content-length', None)
    if status in BODILESS:
        data = b'' if data is not None else data
    else:
        if kind not in (UNSET, EMPTY, FOREIGN):
            given.setdefault(*kind.header)
        if data is not None:
            length = b'%d' % len(data)
        if length is not None:
            if not length.isdigit():
                raise ValueError(f'{length!r:.80} is no Content-Length of a stream')
            given[b'content-length'] = length
    fields = [*given.items(), *((b'set-cookie', cookie) for cookie in res._cookies)]
    return {'type': 'http.response.start', 'status': status, 'headers': fields}, b'' if entry.head and data else data


async def repair(error: Exception, entry: Entry, req: Request, res: Response, ctx: Context) -> Any:
    """Answers in place of what could not be encoded, in plain words if the ERROR handler's page cannot be either."""
    failure = await recover(error, entry, req, res, ctx)
    try:
        return failure, *fix(entry, res)
    except Exception as another:
        failure = await recover(another, entry, req, res, ctx, last=True)
        return failure, *fix(entry, res)


async def deliver(entry: Entry, req: Request, res: Response, send: Send, start: Message, data: bytes | None) -> None:
    """Sends what is more than two messages: a stream, a file, another app's answer, or one with a body to drop."""
    if req._overflow and str(req.scope.get('http_version', '1.1')).startswith('1'):
        start['headers'] = [*(pair for pair in start['headers'] if pair[0] != b'connection'), (b'connection', b'close')]
    if res._kind is FOREIGN:
        from heaven.mounting import forward

        return await forward(req, res, start, send)
    try:
        if not await put(req, send, start):
            return
        if data and req._overflow:
            await put(req, send, {'type': 'http.response.body', 'body': data, 'more_body': True})
            data = b''
        elif data is None and not entry.head and start['status'] not in BODILESS:
            length = dict(start['headers']).get(b'content-length')
            if not await pump(req, res._body, send, None if length is None else int(length)):
                return
        if req._overflow:
            await req._drain()
        await put(req, send, {'type': 'http.response.body', 'body': data or b'', 'more_body': False})
    except Exception as error:
        log().error('%s %s failed after its answer had begun', req.method, req.path, exc_info=error)
        raise
    finally:
        await res._close()


async def put(req: Request, send: Send, message: Message) -> bool:
    """Sends a message; tells whether the client was there to take it."""
    try:
        await send(message)
    except OSError:
        req._gone = True
        return False
    return True


async def pump(req: Request, body: Any, send: Send, length: int | None) -> bool:
    """Sends a stream piece by piece; tells whether it came to its end, which it does not if the client left."""
    from asyncio import CancelledError, current_task

    task: Any = current_task()
    source = body.__aiter__() if hasattr(body, '__aiter__') else in_thread(body)
    left = length
    req._interrupt = task.cancel
    req._arm()
    try:
        async for chunk in source:
            if chunk.__class__ is not bytes:
                chunk = chunk.encode() if isinstance(chunk, str) else bytes(memoryview(chunk))
            if left is not None and (left := left - len(chunk)) < 0:
                raise RuntimeError(f'the stream is longer than the Content-Length that was set, {length}')
            if req._gone:
                return False
            if chunk and not await put(req, send, {'type': 'http.response.body', 'body': chunk, 'more_body': True}):
                return False
        if left:
            raise RuntimeError(f'the stream is {left} bytes shorter than the Content-Length that was set, {length}')
        return True
    except (CancelledError, Disconnected):
        if not req._gone:
            raise
        task.uncancel()
        return False
    finally:
        req._interrupt = None
        if source is not body:
            await close(source)


async def in_thread(iterator: Iterator[Any]) -> AsyncIterator[Any]:
    """Takes from a sync iterator in worker threads, so that it may block."""
    from asyncio import CancelledError, ensure_future, shield, to_thread, wait

    end = object()
    while True:
        step = ensure_future(to_thread(next, iterator, end))
        try:
            item = await shield(step)
        except CancelledError:
            await wait([step])
            raise
        if item is end:
            return
        yield item


async def close(body: Any) -> None:
    """Closes an iterator, started or not; an error of its own is logged."""
    try:
        if hasattr(body, 'aclose'):
            await body.aclose()
        elif hasattr(body, '__next__') and hasattr(body, 'close'):
            body.close()
    except Exception as error:
        log().error('a stream failed as it was closed', exc_info=error)


async def run_deferred(res: Response) -> None:
    """Runs what was put off until the answer had been sent, each on its own."""
    from heaven.resolving import off_loop
    from heaven.routing import is_async

    for func, app in res._deferred or ():
        try:
            out = func(app) if is_async(func) else await off_loop(func, app)
            if isinstance(out, Awaitable):
                await out
        except Exception as error:
            log().error('deferred %r failed', func, exc_info=error)

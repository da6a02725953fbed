"""The last steps of every request: from a failure to a response, and from a response to what is sent."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from heaven._resolving import is_async, log as log, off_loop, settled as settled
from heaven.errors import Abort, ClientError, Disconnected, TooLarge
from heaven.response import BODILESS, EMPTY, FILE, FOREIGN, KINDS, UNSET, kind_of
from heaven.types import App, Context, Entry, Handler, Message, Request, Response, Send

LENGTHS = [(b'content-length', b'%d' % n) for n in range(4096)]


def phrase(status: int) -> str:
    """Gives the words of a status (RFC 9110, 15)."""
    from http import HTTPStatus

    return getattr(HTTPStatus._value2member_map_.get(status), 'phrase', f'Status {status}')


async def stray(func: Handler, out: Any, res: Any) -> Any:
    """Awaits what a function returned if that can be, and warns once of a value that nobody will use."""
    out = await settled(out)
    if out is not None and out is not res and id(func) not in warned:
        warned[id(func)] = func
        name = f'{getattr(func, "__module__", "")}.{getattr(func, "__qualname__", repr(func))}'
        log().warning('%s returned %s, which is ignored: set res.body instead', name, type(out).__name__)
    return out


warned: dict[int, Handler] = {}


async def call(func: Handler, req: Request, res: Any, ctx: Context) -> Any:
    """Calls a function of any kind and gives what it returned; a file that it sends is opened here."""
    out = await stray(func, func(req, res, ctx), res)
    if KINDS.get(type(res._body)) is FILE:
        await res._body.prepare(req, res)
    return out


async def recover(
    error: Exception, entry: Entry, req: Request, res: Response, ctx: Context, last: bool = False
) -> Exception | None:
    """Makes the response of a failure; gives the error back if it goes on, as one that nobody expected does."""
    res.error = error
    if isinstance(error, Disconnected) and req._gone:
        return error
    said, status, known = None, 500, isinstance(error, (Abort, ClientError))
    if isinstance(error, (Abort, ClientError)):
        status = error.status or (400 if res._status in (None, 200) else res.status)
        said = error.body if isinstance(error, Abort) else None
    if isinstance(error, TooLarge):
        error.__traceback__ = None  # its frames hold what was read
    caching = () if status == 500 else (b'cache-control', b'expires')
    res._forget(caching if said is None else (*caching, b'content-type'))
    res._status = status
    handler, nearest = (None, False) if said is not None or last else find_handler(entry.app, error, status)
    try:
        if handler is not None:
            await call(handler, req, res, ctx)
        elif entry.app.debug and not known:
            from heaven._debug import page

            page(error, req, res)
        else:
            words = str(error) if isinstance(error, ClientError) else phrase(status)
            res.body = words if said is None else said
    except Exception as another:
        if (failure := await recover(another, entry, req, res, ctx, last=True)) is not None:
            return failure
    if nearest or known:
        return None
    log().error('%s %s failed', req.method, req.path, exc_info=error)
    return error


def find_handler(app: App | None, error: Exception | None, status: int) -> tuple[Handler | None, bool]:
    """Finds the ERROR handler, in the app or those around it, and tells whether it is one for the class."""
    expected = (Exception,) if isinstance(error, (Abort, ClientError)) else ()
    keys = [*(kind for kind in type(error).__mro__ if kind not in expected), status]
    while app is not None:
        for key in keys:
            if key in app._handlers:
                return app._handlers[key], key is not status
        app = app.parent
    return None, False


async def decline(status: int, req: Request, res: Response, ctx: Context) -> None:
    """Answers with a status that is no failure, 404 or 405, or lets the ERROR handler do it."""
    res._status, handler = status, find_handler(req._entry.app, None, status)[0]
    if handler is None:
        res.body = phrase(status)
    else:
        await call(handler, req, res, ctx)


async def conclude(app: App, req: Request, res: Response, ctx: Context, send: Send, failure: Exception | None) -> None:
    """Ends a request that is more than two messages: what failed, streams, files, hooks that always run."""
    entry = req._entry
    try:
        if failure is not None:
            failure = await recover(failure, entry, req, res, ctx)
        for hook in (ready, *(hook for hook, _ in entry.always)):
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
        elif res._status != 500:
            await run_deferred(res)
    finally:
        await req._clean()


def ready(req: Request, res: Response, ctx: Context) -> None:
    """Does nothing: a call of it opens the file that is to be sent."""


def fix(entry: Entry, res: Response) -> tuple[Message, bytes | None]:
    """Fixes the headers of a response: gives its first message, and its body unless that is sent in pieces."""
    kind, status, fields, data = kind_of(res._body), res._status or 200, dict(res._fields or ()), None
    fields.pop(b'transfer-encoding', None)
    if kind.quick or kind.encode is not None:
        data = (kind.encode or entry.dumps)(res._body)
        fields[b'content-length'] = b'%d' % len(data)
    if status in BODILESS:
        fields.pop(b'content-length', None)
    elif kind not in (UNSET, EMPTY, FOREIGN):
        fields.setdefault(*kind.header)
    if not (length := fields.get(b'content-length', b'0')).isdigit():
        raise ValueError(f'{length!r:.80} is no Content-Length of a stream')
    pairs = [*fields.items(), *((b'set-cookie', cookie) for cookie in res._cookies)]
    start: Message = {'type': 'http.response.start', 'status': status, 'headers': pairs}
    return start, b'' if entry.head or status in BODILESS else data


async def repair(error: Exception, entry: Entry, req: Request, res: Response, ctx: Context, last: bool = False) -> Any:
    """Answers in place of what could not be encoded, in plain words if the ERROR handler's page cannot be either."""
    failure = await recover(error, entry, req, res, ctx, last)
    try:
        return failure, *fix(entry, res)
    except Exception as another:
        return await repair(another, entry, req, res, ctx, last=True)


async def deliver(entry: Entry, req: Request, res: Response, send: Send, start: Message, data: bytes | None) -> None:
    """Sends what is more than two messages: a stream, a file, another app's answer, or one with a body to drop."""
    from asyncio import CancelledError, current_task

    if req._overflow and str(req.scope.get('http_version', '1.1')).startswith('1'):
        start['headers'] = [*(pair for pair in start['headers'] if pair[0] != b'connection'), (b'connection', b'close')]
    if kind_of(res._body) is FOREIGN:
        from heaven._mounting import forward

        return await forward(req, res, start, send)
    task: Any = current_task() if data is None else None
    try:
        await put(req, send, start)
        if data is None:
            await pump(req, res._body, send, int(dict(start['headers']).get(b'content-length', -1)), task.cancel)
        if req._overflow:
            await put(req, send, {'type': 'http.response.body', 'body': data or b'', 'more_body': True})
            await req._drain()
            data = None
        await put(req, send, {'type': 'http.response.body', 'body': data or b'', 'more_body': False})
    except (Exception, CancelledError) as error:
        if req._gone and isinstance(error, (CancelledError, Disconnected, OSError)):
            if task is not None:
                task.uncancel()
            return
        if isinstance(error, Exception):
            log().error('%s %s failed after its answer had begun', req.method, req.path, exc_info=error)
        raise
    finally:
        await res._close()


async def put(req: Request, send: Send, message: Message) -> bool:
    """Sends a message; an OSError means that the client was not there to take it (ASGI, HTTP: disconnected client)."""
    try:
        await send(message)
    except OSError:
        req._gone = True
        raise
    return True


async def pump(req: Request, body: Any, send: Send, length: int, cancel: Callable[[], Any]) -> None:
    """Sends a stream piece by piece, of the length that was set unless that is -1, until the client leaves."""
    source, sent = body.__aiter__() if hasattr(body, '__aiter__') else in_thread(body), 0
    req._interrupt = cancel
    req._arm()
    try:
        async for chunk in source:
            if chunk.__class__ is not bytes:
                chunk = chunk.encode() if isinstance(chunk, str) else bytes(memoryview(chunk))
            if 0 <= length < (sent := sent + len(chunk)):
                raise RuntimeError(f'the stream is longer than the Content-Length that was set, {length}')
            if req._gone:
                raise Disconnected('the client has left')
            if chunk:
                await put(req, send, {'type': 'http.response.body', 'body': chunk, 'more_body': True})
        if sent < length:
            raise RuntimeError(f'the stream is {length - sent} bytes shorter than the Content-Length, {length}')
    finally:
        req._interrupt = None
        await close(None if source is body else source)


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
        closing = getattr(body, 'aclose', None) or hasattr(body, '__next__') and getattr(body, 'close', None)
        await settled(closing and closing())
    except Exception as error:
        log().error('a stream failed as it was closed', exc_info=error)


async def run_deferred(res: Response) -> None:
    """Runs what was put off until the answer had been sent, each on its own."""
    for func, app in res._deferred or ():
        try:
            await settled(func(app) if is_async(func) else await off_loop(func, app))
        except Exception as error:
            log().error('deferred %r failed', func, exc_info=error)

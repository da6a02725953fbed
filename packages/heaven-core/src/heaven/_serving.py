"""The last steps of every request: from a failure to a response, and from a response to what is sent."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any, cast

from heaven._resolving import is_async, log as log, off_loop, settled as settled
from heaven.errors import Abort, ClientError, Disconnected, TooLarge
from heaven.response import BODILESS, EMPTY, FILE, FOREIGN, JSON, TEXT, UNSET
from heaven.types import App, Context, Handler, Message, Receive, Request, Response, Scope, Send

LENGTHS = [(b'content-length', b'%d' % n) for n in range(4096)]


async def stray(func: Handler, out: Any, res: Any) -> Any:
    """Awaits what a function returned if that can be, and warns once of a value that nobody will use."""
    out = await settled(out)
    if out is not None and out is not res and id(func) not in warned:
        warned[id(func)] = func
        log().warning(
            '%s.%s returned %s, which is ignored: set res.body instead',
            getattr(func, '__module__', ''),
            getattr(func, '__qualname__', repr(func)),
            type(out).__name__,
        )
    return out


warned: dict[int, Handler] = {}


async def judged(func: Handler, out: Any, res: Any) -> None:
    """Awaits what a BEFORE returned if that can be; TypeError for a verdict that is not ours, which means neither."""
    out = await settled(out)
    if out is not None and out is not res:
        raise TypeError(
            f'{getattr(func, "__module__", "")}.{getattr(func, "__qualname__", repr(func))} is a BEFORE and returned '
            f'{type(out).__name__}: return nothing to go on; to answer, write return res.out(403, "Keep out")'
        )


async def call(func: Handler, req: Request, res: Any, ctx: Context) -> Any:
    """Runs a function and gives what it returned; a file that it sends is opened here."""
    out = await stray(func, func(req, res, ctx), res)
    if res._kind is FILE:
        await res._body.prepare(req, res)
    return out


async def recover(error: Any, req: Request, res: Response, ctx: Context, *ran: Handler, last: bool = False) -> Any:
    """Makes the response of a failure; gives back the error that goes on: one that nobody expected.

    A handler that fails, or aborts, is followed by that of its own failure, unless that has run.
    """
    known = isinstance(error, (Abort, ClientError))
    res.error = error.with_traceback(None) if isinstance(error, TooLarge) else error  # its frames hold what was read
    if req._gone and isinstance(error, Disconnected):
        return error
    said = isinstance(error, Abort) and error.body is not None
    status = res._status = 500 if not known else error.status or (400 if res._status in (None, 200) else res._status)
    res._forget([*(() if status == 500 else (b'cache-control', b'expires')), *((b'content-type',) if said else ())])
    handler, key = (plain, status) if said or last else find_handler(req._entry.app, error, status, ran)
    failure = error if key == status and not known else None
    try:
        await call(handler, req, res, ctx)
    except Exception as another:
        failure = await recover(another, req, res, ctx, handler, *ran) or failure
    if failure is error:
        log().error('%s %s failed', req.method, req.path, exc_info=error)
    return failure


def find_handler(app: App | None, error: Any, status: int, ran: Sequence[Handler] = ()) -> tuple[Handler, Any]:
    """Finds the ERROR handler, in the app or those around it, and what it was registered for; none that has run."""
    keys = [
        kind
        for kind in type(error).__mro__
        if not issubclass(Exception, kind) or not isinstance(error, (Abort, ClientError))
    ]
    return next(
        (
            (each._handlers[key], key)
            for each in line(app)
            for key in (*keys, status)
            if key in each._handlers and each._handlers[key] not in ran
        ),
        (plain, status),
    )


def line(app: App | None) -> list[App]:
    """Gives an app and those around it, the nearest first."""
    return [app, *line(app.parent)] if app is not None else []


def plain(req: Request, res: Response, ctx: Context) -> None:
    """Answers where no ERROR handler does: in the words of the error or the status, in debug with the traceback."""
    error = res.error
    said = error.body if isinstance(error, Abort) else str(error) if isinstance(error, ClientError) else None
    if error is not None and not isinstance(error, (Abort, ClientError)) and any(app.debug for app in line(req.app)):
        from heaven._debug import page

        return page(error, req, res)
    res.body = (
        getattr(HTTPStatus._value2member_map_.get(res.status), 'phrase', f'Status {res.status}')
        if said is None
        else said
    )


async def conclude(app: App, req: Request, res: Response, ctx: Context, send: Send, failure: Exception | None) -> None:
    """Ends a request that is more than two messages: what failed, streams, files, hooks that always run."""
    try:
        if failure is not None:
            failure = await recover(failure, req, res, ctx)
        for hook in (ready, *req._entry.always):
            try:
                await call(hook, req, res, ctx)
            except Exception as error:
                failure = await recover(error, req, res, ctx) or failure
        if req._gone and failure is not None:
            return
        while (unsent := await deliver(req, res, send)) is not None:
            failure = await recover(unsent, req, res, ctx, last=res.error is not None)
        if failure is not None:
            app._report(req.scope, failure)
        else:
            for func, owner in res._deferred if res._status != 500 else ():
                await attempt(
                    partial(func, owner) if is_async(func) else partial(off_loop, func, owner),
                    'deferred %r failed',
                    func,
                )
    finally:
        await req._clean()


def ready(req: Request, res: Response, ctx: Context) -> None:
    """Does nothing: a call of it opens the file that is to be sent."""


def fix(req: Request, res: Response) -> tuple[Message, bytes | None]:
    """Fixes the headers of a response: gives its first message, and its body unless that is sent in pieces."""
    kind, status, fields, data = res._kind, res._status or 200, dict(res._fields or ()), None
    if kind is JSON or kind.encode is not None:
        data = (kind.encode or req._entry.dumps)(res.body)
        fields[b'content-length'] = (  # a HEAD may say what GET has (RFC 9110, 8.6)
            req._entry.head and not req._entry.answers and not data and fields.get(b'content-length')
        ) or b'%d' % len(data)
    if status in BODILESS:
        fields.pop(b'content-length', None)
    elif kind not in (UNSET, EMPTY, FOREIGN):
        fields.setdefault(*kind.header)
    if not (length := fields.get(b'content-length', b'0')).isdigit():
        raise ValueError(f'{length!r:.80} is no Content-Length of a stream')
    if req._overflow and str(req.scope.get('http_version', '1.1')).startswith('1'):
        fields[b'connection'] = b'close'
    return (
        {
            'type': 'http.response.start',
            'status': status,
            'headers': [*fields.items(), *((b'set-cookie', cookie) for cookie in res._cookies)],
        },
        b'' if req._entry.head or status in BODILESS else data,
    )


async def deliver(req: Request, res: Response, send: Send) -> Exception | None:
    """Sends what is more than two messages; gives back what failed where nothing had been sent."""
    from asyncio import CancelledError, current_task

    try:
        start, data = fix(req, res)
    except Exception as error:
        return error
    if res._kind is FOREIGN:
        return await res._body.forward(req, res, start, send)  # type: ignore[no-any-return]
    try:
        await put(req, send, start)
        if data is None:
            length, task = int(dict(start['headers']).get(b'content-length', -1)), cast(Any, current_task())
            await pump(req, res._body, send, length, task.cancel)
        await put(req, send, {'type': 'http.response.body', 'body': data or b'', 'more_body': req._overflow > 0})
        if req._overflow:
            await req._drain()
            await put(req, send, {'type': 'http.response.body', 'body': b'', 'more_body': False})
    except (Exception, CancelledError) as error:
        if not (req._gone and isinstance(error, (CancelledError, Disconnected, OSError))):
            if isinstance(error, Exception) or not cast(Any, current_task()).cancelling():
                log().error('%s %s failed after its answer had begun', req.method, req.path, exc_info=error)
            raise
        cast(Any, current_task()).uncancel()
    finally:
        await res._close()
    return None


async def put(req: Request, send: Send, message: Message) -> None:
    """Sends a message; an OSError means that the client was not there to take it (ASGI, HTTP: disconnected client)."""
    try:
        await send(message)
    except OSError:
        req._gone = True
        raise


async def pump(req: Request, body: Any, send: Send, length: int, cancel: Callable[[], Any]) -> None:
    """Sends a stream piece by piece, of the length that was set unless that is -1, until the client leaves."""
    source, sent = body.__aiter__() if hasattr(body, '__aiter__') else in_thread(body), 0
    req._interrupt = cancel
    req._listen()
    try:
        async for chunk in source:
            if chunk.__class__ is not bytes:
                chunk = chunk.encode() if isinstance(chunk, str) else bytes(memoryview(chunk))
            if 0 <= length < (sent := sent + len(chunk)):
                raise RuntimeError(f'the stream is longer than the Content-Length that was set, {length}')
            if req._gone:
                break
            if chunk:
                await put(req, send, {'type': 'http.response.body', 'body': chunk, 'more_body': True})
        if req._gone or sent < length:
            raise (
                Disconnected('the client has left')
                if req._gone
                else RuntimeError(f'the stream is {length - sent} bytes shorter than the Content-Length, {length}')
            )
    finally:
        req._interrupt = None
        await close(None if source is body else source)


async def in_thread(iterator: Iterator[Any]) -> AsyncIterator[Any]:
    """Takes from a sync iterator in worker threads, so that it may block; one at work is waited for, come what may."""
    from asyncio import ensure_future, shield, to_thread, wait

    try:  # at its end an iterator gives itself
        while (item := await shield(step := ensure_future(to_thread(next, iterator, iterator)))) is not iterator:
            yield item
    finally:
        await wait([step])


async def close(body: Any) -> None:
    """Closes an iterator, started or not; an error of its own is logged."""
    if closing := getattr(body, 'aclose', None) or hasattr(body, '__next__') and getattr(body, 'close', None):
        await attempt(closing, 'a stream failed as it was closed')


async def attempt(func: Callable[[], Any], says: str, *args: Any) -> None:
    """Calls what must stop nothing: a failure is logged, a cancellation too unless it is the task that is cancelled."""
    from asyncio import CancelledError, current_task

    try:
        await settled(await settled(func()))
    except (Exception, CancelledError) as error:
        if isinstance(error, CancelledError) and cast(Any, current_task()).cancelling():
            raise
        log().error(says, *args, exc_info=error)


async def refuse(scope: Scope, send: Send) -> None:
    """Answers a plain 500, or closes a WebSocket that nobody could serve."""
    if scope['type'] == 'websocket':
        return await send({'type': 'websocket.close', 'code': 1011, 'reason': ''})
    await send({'type': 'http.response.start', 'status': 500, 'headers': [TEXT.header, (b'content-length', b'21')]})
    await send({'type': 'http.response.body', 'body': b'' if scope['method'] == 'HEAD' else b'Internal Server Error'})


async def watch(app: Any, scope: Scope, receive: Receive, send: Send) -> tuple[str, Any]:
    """Calls an ASGI app: tells what it raised, and whether it was waiting with its answer then, had begun or was done.

    What a lifespan answers ends nothing: it has begun at once.
    """
    state = 'begun' if scope['type'] == 'lifespan' else 'waiting'

    async def watched(message: Message) -> None:
        nonlocal state
        state = 'done' if message['type'].endswith(('.close', '.body')) and not message.get('more_body') else 'begun'
        await send(message)

    try:
        await app(scope, receive, watched)
        return 'done', None
    except Exception as error:
        return state, error

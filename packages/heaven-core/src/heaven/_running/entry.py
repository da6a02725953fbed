"""The way in for whatever the lane does not serve: lifespans, WebSockets, middlewares, the first request."""

import asyncio
from collections.abc import Awaitable

from heaven._http.logs import log
from heaven._running.run import Run, ensure_running
from heaven._serving.finish import is_cancelling
from heaven._serving.registrations import Registrations
from heaven._serving.sender import send_server_error
from heaven._serving.sockets import serve_socket
from heaven.types import ASGIApp, Message, Receive, Scope, Send


def enter(root: Registrations, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
    """Serve a connection of any kind, once that is awaited."""
    if not root.middlewares:
        return serve_connection(root, scope, receive, send)
    if root.stack is None:
        root.stack = wrapped(root)
    return serve_through(root.stack, root, scope, receive, send)


async def serve_connection(root: Registrations, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve a connection inside of the middlewares."""
    kind = scope['type']
    if kind == 'lifespan':
        await serve_lifespan(root, receive, send)
        return
    if kind not in ('http', 'websocket'):
        raise ValueError(f'Heaven serves http, websocket and lifespan, not {kind!r}')
    try:
        run = root.run
        if run is None or not run.is_serving():
            run = await ensure_running(root, in_this_task=False)
    except (Exception, SystemExit, asyncio.CancelledError) as error:
        if isinstance(error, asyncio.CancelledError) and is_cancelling():
            raise
        if root.run is not None:
            log().error('the app cannot serve', exc_info=error)
        await send_server_error(scope, send)
        if root.middlewares:
            raise
        root.tell_failure(scope, error)
        return
    dispatcher = run.dispatcher_of(scope)
    if kind == 'websocket':
        await serve_socket(dispatcher, scope, receive, send)
    else:
        await dispatcher.serve(scope, receive, send)


class Innermost:
    """What the innermost middleware wraps: an object whose call is an `async def`, by which some tell ASGI 3."""

    def __init__(self, root: Registrations) -> None:
        self.root = root

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a connection."""
        await serve_connection(self.root, scope, receive, send)


def wrapped(root: Registrations) -> ASGIApp:
    """Put the middlewares around the app, the last added outermost."""
    app: ASGIApp = Innermost(root)
    for middleware in root.middlewares:
        app = middleware.factory(app, **middleware.options)
    return app


async def serve_through(stack: ASGIApp, root: Registrations, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve a connection through the middlewares, and let none of their failures out while there is an answer."""
    progress = Progress(scope, send)
    try:
        await stack(scope, receive, progress.send)
    except Exception as error:
        if scope['type'] == 'lifespan' or progress.has_begun and not progress.is_done:
            raise
        if not progress.has_begun:
            log().error('a middleware failed', exc_info=error)
            await send_server_error(scope, send)
        root.tell_failure(scope, error)


class Progress:
    """How far an answer has come. It is made for a HEAD as for a GET, and loses its body here."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.server_send = send
        self.is_head = scope.get('method') == 'HEAD'
        self.has_begun = False
        self.is_done = False

    async def send(self, message: Message) -> None:
        """Pass a message on to the server."""
        kind = message['type']
        self.has_begun = True
        if kind.endswith(('.close', '.body')) and not message.get('more_body'):
            self.is_done = True
        if self.is_head and kind == 'http.response.body':
            message = {**message, 'body': b''}
        try:
            await self.server_send(message)
        except OSError:  # nobody is there whose connection could be cut
            self.is_done = True
            raise


async def serve_lifespan(root: Registrations, receive: Receive, send: Send) -> None:
    """Answer the lifespan messages of a server (ASGI, Lifespan Protocol)."""
    await receive()
    try:
        run = await ensure_running(root, in_this_task=True)
    except (GeneratorExit, KeyboardInterrupt):
        raise
    except BaseException as error:
        if isinstance(error, asyncio.CancelledError) and is_cancelling():
            raise
        if root.run is not None:
            log().error('startup failed', exc_info=error)
        await send({'type': 'lifespan.startup.failed', 'message': f'{type(error).__name__}: {error}'})
        return
    run.lifespans += 1
    try:
        await send({'type': 'lifespan.startup.complete'})
        await receive()
    except BaseException:  # the server went away, or cancels
        await leave(run)
        raise
    failures = await leave(run)
    if failures:
        await send({'type': 'lifespan.shutdown.failed', 'message': '; '.join(failures)})
    else:
        await send({'type': 'lifespan.shutdown.complete'})


async def leave(run: Run) -> list[str]:
    """Stop the app, unless another server still has it running."""
    run.lifespans -= 1
    if run.lifespans:
        return []
    return await run.stop()

"""Apps inside an app: Heaven's own, compiled into its table, and any other ASGI app, called where its prefix is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from copy import copy
from typing import TYPE_CHECKING, Any

from heaven.errors import UrlDuplicateError
from heaven.routing import Pattern, Route
from heaven.types import ASGIApp, Message, Scope, Send

if TYPE_CHECKING:
    from heaven.app import App
    from heaven.request import Request

STARTS = ('http.response.start', 'websocket.accept', 'websocket.http.response.start')


class Mount:
    """An app mounted on another; a foreign one has its own lifespan and the state that it gave."""

    def __init__(
        self, app: App | None, foreign: ASGIApp | None, prefix: Pattern | None, isolated: bool, subdomain: str | None
    ) -> None:
        self.app, self.foreign, self.prefix, self.isolated, self.subdomain = app, foreign, prefix, isolated, subdomain
        self.state: dict[str, Any] = {}

    def copied(self, parent: App) -> Mount:
        """Gives the mount of a copy of the app, for a copy of the parent."""
        twin = copy(self)
        if self.app is not None:
            twin.app = self.app.copy()
            twin.app.parent = parent
        return twin

    def handle(self, req: Request, res: Any, ctx: Any) -> None:
        """Leaves the answer to the foreign app, which gives it where others are sent."""
        from heaven.serving import FOREIGN

        res = getattr(res, '_res', res)
        res._kind, res._body = FOREIGN, self


def mount(parent: App, child: Any, prefix: str, isolated: bool, subdomain: str | None) -> None:
    """Mounts an app on another; UrlDuplicateError for one that is mounted already."""
    parent._open()
    if not callable(child):
        raise TypeError(f'{child!r} is no ASGI app')
    pattern = Pattern(prefix, parent.types) if prefix.strip('/') else None
    if subdomain is not None:
        parent.subdomain(subdomain)
    label = subdomain and subdomain.lower()
    if not hasattr(child, '_mounts'):
        record = Mount(None, child, pattern, isolated, label)
        whole = Pattern(prefix.rstrip('/') + '/*', parent.types)
        for method in ('*', 'WS'):
            if parent._shapes.setdefault((method, label or 'www', whole.shape), whole) is not whole:
                raise UrlDuplicateError(f'something is mounted at {prefix or "/"} already')
            parent._routes.append(Route((method,), whole, record.handle, label or 'www', origins=('*',)))
        parent._mounts.append(record)
        return
    if child.parent is not None or child is parent._root():
        raise UrlDuplicateError('an app is mounted once, and not on itself: mount app.copy() to serve it twice')
    if child._middlewares:
        raise ValueError('app.use wraps a whole app: use the middleware on the app that this one is mounted on')
    child.parent, child._shared = parent, not isolated
    parent._mounts.append(Mount(child, None, pattern, isolated, label))


async def forward(req: Request, start: Message, mounted: Mount, send: Send) -> None:
    """Calls a foreign app, its root path extended and the headers of the hooks merged into its answer."""
    extra = [field for field in start['headers'] if field[0] not in (b'content-length', b'content-type')]
    names = {name for name, _ in extra} - {b'set-cookie', b'vary'}

    async def merged(message: Message) -> None:
        if extra and message['type'] in STARTS:
            theirs = [field for field in message.get('headers') or () if field[0].lower() not in names]
            message = {**message, 'headers': [*theirs, *extra]}
        await send(message)

    async def receive() -> Message:
        read, req._received, pending, req._pending = req._received, False, req._pending, None
        if read and req._body is not None:
            return {'type': 'http.request', 'body': req._body, 'more_body': False}
        return await (pending or req._receive())

    await mounted.foreign(below(req, mounted), receive, merged)  # type: ignore[misc]


def below(req: Request, mounted: Mount) -> Scope:
    """Gives the scope of a mounted app: a copy, with `root_path` extended and the path left alone (ASGI, HTTP)."""
    scope = {**req.scope, 'heaven.inside': None}
    rest = str(req.params.get('*', ''))
    path = str(scope['path'])
    end = path.removesuffix(rest) if rest else path
    scope['root_path'] = end.rstrip('/') if mounted.prefix else str(scope.get('root_path', ''))
    if mounted.state or 'state' in scope:
        scope['state'] = {**scope.get('state', {}), **mounted.state}
    return scope


def foreign_lifespan(mounted: Mount) -> Callable[[App], AsyncIterator[None]]:
    """Makes the startup and the shutdown of a foreign app, one generator of ours; none where it has no lifespan."""

    async def life(app: App) -> AsyncIterator[None]:
        from asyncio import FIRST_COMPLETED, Queue, create_task, wait

        asked: Queue[Message] = Queue()
        told: Queue[Message] = Queue()
        mounted.state = {}
        scope = {'type': 'lifespan', 'asgi': {'version': '3.0', 'spec_version': '2.0'}, 'state': mounted.state}
        task = create_task(mounted.foreign(scope, asked.get, told.put))  # type: ignore[misc,arg-type]

        async def ask(what: str) -> None:
            await asked.put({'type': f'lifespan.{what}'})
            answer = create_task(told.get())
            await wait([task, answer], return_when=FIRST_COMPLETED)
            if not answer.done():
                answer.cancel()
                return
            if answer.result()['type'].endswith('failed'):
                raise RuntimeError(f'a mounted app failed at {what}: {answer.result().get("message", "")}')

        await ask('startup')
        yield
        if not task.done():
            await ask('shutdown')
            await wait([task], timeout=5)
        if not task.done():
            task.cancel()

    return life

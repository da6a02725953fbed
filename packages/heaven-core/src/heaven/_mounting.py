"""Apps inside an app: Heaven's own, compiled into its table, and any other ASGI app, called where its prefix is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from copy import copy
from typing import Any

from heaven._routing import Pattern
from heaven._serving import deliver, log, put, repair
from heaven.errors import UrlDuplicateError
from heaven.response import FOREIGN, KINDS
from heaven.types import App, Message, Receive, Request, Response, Scope, Send

STARTS = ('http.response.start', 'websocket.accept', 'websocket.http.response.start')


class Mount:
    """An app mounted on another; a foreign one is the handler of its routes, and has a lifespan and a state."""

    def __init__(
        self, app: App | None, foreign: Any, prefix: Pattern | None, isolated: bool, label: str | None
    ) -> None:
        self.app, self.foreign, self.prefix, self.isolated, self.subdomain = app, foreign, prefix, isolated, label
        self.place, self.state = (foreign, prefix, label), dict[str, Any]()

    def copied(self, parent: App) -> Mount:
        """Gives the mount of a copy of the app, for a copy of the parent."""
        twin = copy(self)
        if self.app is not None:
            twin.app = self.app.copy()
            twin.app.parent = parent
        return twin

    def __call__(self, req: Request, res: Any, ctx: Any) -> None:
        """Leaves the answer to the foreign app, which gives it where others are sent."""
        res = getattr(res, '_res', res)
        res._body = next(mount for mount in req.app._mounts if mount.place == self.place)

    async def life(self, app: App) -> AsyncIterator[None]:
        """Starts the foreign app, and stops it after the yield; one that knows no lifespan needs neither."""
        from asyncio import Queue, create_task, wait

        async def tell(message: Message) -> None:
            if not message['type'].startswith('lifespan.'):
                raise RuntimeError(f'{message["type"]} is no message of a lifespan')
            told.put_nowait(message)

        asked, told, self.state = Queue[Message](), Queue[Message](), {}
        scope = {'type': 'lifespan', 'asgi': {'version': '3.0', 'spec_version': '2.0'}, 'state': self.state}
        task = create_task(self.foreign(scope, asked.get, tell))
        task.add_done_callback(
            lambda done: told.put_nowait({'type': '', 'error': done.cancelled() or done.exception()})
        )
        try:
            for event in ('startup', 'shutdown'):
                asked.put_nowait({'type': f'lifespan.{event}'})
                answer: Message = {'type': ''} if task.done() else await told.get()
                if answer['type'].endswith('failed'):
                    raise RuntimeError(f'a mounted app failed at {event}: {answer.get("message", "")}')
                if event == 'startup':
                    yield
        finally:
            await wait([task], timeout=5)
            task.cancel()


KINDS[Mount] = FOREIGN


def mount(parent: App, child: Any, prefix: str, isolated: bool, subdomain: str | None) -> None:
    """Mounts an app on another; UrlDuplicateError for one that is mounted already."""
    if not callable(child):
        raise TypeError(f'{child!r} is no ASGI app')
    label = subdomain and parent.subdomain(subdomain)._subdomain
    whole = Pattern(f'{prefix.rstrip("/")}/*', parent._open()._types)
    pattern = Pattern(prefix, parent._types) if len(whole.segments) > 1 else None
    if not hasattr(child, '_mounts'):
        record = Mount(None, child, pattern, isolated, label)
        parent._add(whole.text, record, label, ('*', 'WS'), origins=('*',))
    elif child.parent is not None or child is parent._root():
        raise UrlDuplicateError('an app is mounted once, and not on itself: mount app.copy() to serve it twice')
    else:
        record = Mount(child, None, pattern, isolated, label)
        child.parent, child._shared = parent, not isolated
    parent._mounts.append(record)


async def forward(req: Request, res: Response, start: Message, send: Send) -> None:
    """Calls a foreign app, its root path extended and the headers of the hooks merged into its answer."""
    mounted, entry = res._body, req._entry
    extra = [field for field in start['headers'] if field[0] not in (b'content-length', b'content-type')]
    names = {name for name, _ in extra} - {b'set-cookie', b'vary'}

    async def receive() -> Message:
        read, req._received, pending, req._pending = req._received, False, req._pending, None
        if read and req._body is not None:
            return {'type': 'http.request', 'body': req._body, 'more_body': False}
        return await (pending or req._receive())

    async def merged(message: Message) -> None:
        if message['type'] in STARTS:
            theirs = [(name.lower(), value) for name, value in message.get('headers') or ()]
            message = {**message, 'headers': [*(field for field in theirs if field[0] not in names), *extra]}
        await put(req, send, message)

    state, error = await watch(mounted.foreign, below(req, mounted), receive, merged)
    if error is None or req._gone:
        return
    if state == 'waiting':
        error, start, data = await repair(error, entry, req, res, res._ctx)
        await deliver(entry, req, res, send, start, data)
    else:
        log().error('%s %s failed after its answer had begun', req.method, req.path, exc_info=error)
    if state == 'begun':
        raise error
    if error is not None:
        req.app._root()._report(req.scope, error)


async def watch(app: Any, scope: Scope, receive: Receive, send: Send) -> tuple[str, Exception | None]:
    """Calls an ASGI app: tells whether it was waiting with its answer, had begun or was done, and what it raised."""
    state, error = 'waiting', None

    async def watched(message: Message) -> None:
        nonlocal state
        ends = message['type'] == 'websocket.close' or message['type'].endswith('body')
        state = 'done' if ends and not message.get('more_body') else 'begun'
        await send(message)

    try:
        await app(scope, receive, watched)
    except Exception as failure:
        error = failure
    return state, error


def below(req: Request, mounted: Mount) -> Scope:
    """Gives the scope of a mounted app: a copy, with `root_path` extended and the path left alone (ASGI, HTTP)."""
    end = req.path.removesuffix(req.params['*']).rstrip('/') if mounted.prefix else req.scope.get('root_path', '')
    state = {**req.scope.get('state', {}), **mounted.state}
    return {**req.scope, 'root_path': end} | ({'state': state} if state else {})

"""Apps inside an app: Heaven's own, compiled into its table, and any other ASGI app, called where its prefix is."""

from collections.abc import AsyncIterator
from typing import Any

from heaven._routing import Pattern
from heaven._serving import log, put, settled, watch
from heaven.errors import UrlDuplicateError, UrlError, refuse
from heaven.response import FOREIGN, KINDS
from heaven.types import App, ASGIApp, Message, Request, Response, Send


class Foreign:
    """Any other app mounted on one of Heaven's: the handler of its routes; its state is kept by the app it is on."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    def __repr__(self) -> str:
        return f'<the mounted app {self.app!r}>'

    def __call__(self, req: Request, res: Any, ctx: Any) -> None:
        """Leaves the answer to the app, which gives it where others are sent."""
        getattr(res, '_res', res).body = self

    async def life(self, parent: App) -> AsyncIterator[None]:
        """Starts the app, and stops it after the yield; one that knows no lifespan needs neither."""
        from asyncio import FIRST_COMPLETED, Future, Queue, create_task, wait

        async def tell(message: Message) -> None:
            told[message['type'].split('.')[1]].set_result(message)

        asked, told = Queue[Message](), {event: Future[Message]() for event in ('startup', 'shutdown')}
        state = parent._foreign[self] = dict[str, Any]()
        task: Any = create_task(
            self.app(  # type: ignore[arg-type]
                {'type': 'lifespan', 'asgi': {'version': '3.0', 'spec_version': '2.0'}, 'state': state}, asked.get, tell
            )
        )
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            for event, answer in told.items():
                asked.put_nowait({'type': f'lifespan.{event}'})
                await wait([task, answer], return_when=FIRST_COMPLETED)
                if answer.done() and answer.result()['type'].endswith('failed'):
                    raise RuntimeError(f'a mounted app failed at {event}: {answer.result().get("message", "")}')
                if event == 'startup':
                    yield
        finally:
            await wait([task], timeout=5)
            task.cancel()

    async def forward(self, req: Request, res: Response, start: Message, send: Send) -> Exception | None:
        """Calls the app, its root path extended and the headers of the hooks merged into its answer.

        Gives back what it failed with before it answered.
        """
        if req._body is not None:
            req._held, req._ended = req._body, True
        extra = [field for field in start['headers'] if field[0] not in (b'content-length', b'content-type')]
        names = {name for name, _ in extra} - {b'set-cookie', b'vary'}

        async def receive() -> Message:
            if req._held is None:
                pending, req._pending = req._pending, None
                await settled(pending)
            if req._held is None:
                return {'type': 'http.disconnect'} if req._gone else await req._receive()
            held, req._held = bytes(req._held), None
            return (
                {'type': 'http.request', 'body': held, 'more_body': not req._ended}
                if req.scope['type'] == 'http'
                else {'type': 'websocket.connect'}
            )

        async def merged(message: Message) -> None:
            if message['type'].endswith(('start', 'accept')):
                message = {
                    **message,
                    'headers': [
                        *(
                            (key.lower(), value)
                            for key, value in message.get('headers') or ()
                            if key.lower() not in names
                        ),
                        *extra,
                    ],
                }
            await put(req, send, message)

        state, error = await watch(
            self.app,
            {
                **req.scope,
                'root_path': req.path.removesuffix(req.params['*']).rstrip('/'),
                'state': {**req.scope.get('state', {}), **req.app._foreign[self]},
            },
            receive,
            merged,
        )
        if error is None or req._gone or state == 'waiting':
            return None if req._gone else error
        log().error('%s %s failed after its answer had begun', req.method, req.path, exc_info=error)
        if state == 'begun':
            raise error
        req.app._root()._report(req.scope, error)
        return None


KINDS[Foreign] = FOREIGN


def mount(parent: App, child: Any, prefix: str, isolated: bool, subdomain: str | None) -> None:
    """Mounts an app on another; UrlDuplicateError for one that is mounted already."""
    refuse(not callable(child), TypeError, f'{child!r} is no ASGI app')
    refuse('?' in prefix, UrlError, f'{prefix!r}: a prefix has no queries, the routes under it have')
    label = subdomain and parent.subdomain(subdomain)._subdomain
    whole = Pattern(f'{prefix.rstrip("/")}/*', parent._open()._types)
    if not hasattr(child, '_mounts'):
        parent._foreign[parent._add(whole.text, Foreign(child), label, ('*', 'WS'), origins=('*',))] = {}
    else:
        refuse(
            child.parent is not None or child is parent._root(),
            UrlDuplicateError,
            'an app is mounted once, and not on itself: mount app.copy() to serve it twice',
        )
        child.parent, child._shared, child._label = parent, not isolated, label
        child._under = Pattern(prefix, parent._types) if len(whole.segments) > 1 else None
        parent._mounts.append(child)

"""An app between startup and shutdown, as a server holds it: its answers checked against the ASGI specification."""

import asyncio

from driver import Exchange, breach
from peer import Peer


class StartupFailed(Exception):
    """The app answered `lifespan.startup.failed`; str() is its message."""


class Live:
    """An app between startup and shutdown, on one loop: `with` for plain tests, `async with` in a coroutine."""

    def __init__(self, app, limit=60):
        self.app, self.limit, self.state = app, limit, {}

    async def _lifespan(self):
        scope = {'type': 'lifespan', 'asgi': {'version': '3.0', 'spec_version': '2.0'}, 'state': self.state}

        async def receive():
            return {'type': await self.orders.get()}

        async def send(message):
            await self.answers.put(message)

        try:
            await self.app(scope, receive, send)
        finally:
            await self.answers.put(None)

    async def _order(self, kind):
        await self.orders.put(f'lifespan.{kind}')
        async with asyncio.timeout(self.limit):
            answer = await self.answers.get()
            if answer is None:
                await self.task
                breach(True, f'the app returned without an answer to lifespan.{kind}')
            if answer.get('type') == f'lifespan.{kind}.failed':
                breach(answer.keys() - {'type', 'message'}, f'unknown keys in {answer!r}')
                message = answer.get('message', '')
                breach(type(message) is not str, f'message {message!r}')
                await self.task
                raise StartupFailed(message)
            breach(answer != {'type': f'lifespan.{kind}.complete'}, f'{answer!r} to lifespan.{kind}')
            if kind == 'shutdown':
                await self.task
                breach(not self.answers.empty() and self.answers.get_nowait() is not None, 'a message after shutdown')

    async def __aenter__(self):
        self.orders, self.answers = asyncio.Queue(), asyncio.Queue()
        self.task = asyncio.ensure_future(self._lifespan())
        await self._order('startup')
        return self

    async def __aexit__(self, *_):
        if not self.task.done():
            await self._order('shutdown')

    def __enter__(self):
        self.runner = asyncio.Runner()
        try:
            return self.run(self.__aenter__())
        except BaseException:
            self.runner.close()
            raise

    def __exit__(self, *error):
        try:
            self.run(self.__aexit__(*error))
        finally:
            self.runner.close()

    def run(self, coroutine):
        """Run a coroutine on the loop of a `with Live(app)`."""
        return self.runner.run(coroutine)

    def ask(self, method='GET', target='/', **request):
        return self.run(self.asking(method, target, **request))

    async def asking(self, method='GET', target='/', **request):
        return await self.stream(method, target, **request).reply()

    def stream(self, method='GET', target='/', **request):
        return Exchange(self.app, method, target, state=dict(self.state), **{'limit': self.limit, **request})

    def meet(self, target='/', *messages, leave=1001, catch=False, **client):
        return self.run(self.connect(target, **client).visit(*messages, leave=leave, catch=catch))

    def connect(self, target='/', **client):
        return Peer(self.app, target, state=dict(self.state), **{'limit': self.limit, **client})


def lifespan(app, *kinds, **scope):
    """What an app answers to lifespan messages given by hand: `lifespan(app, 'startup', 'shutdown')`."""
    inbox, sent = [{'type': f'lifespan.{kind}'} for kind in kinds], []

    async def receive():
        return inbox.pop(0)

    async def send(message):
        sent.append(message)

    async def run():
        async with asyncio.timeout(60):
            await app({'type': 'lifespan', 'asgi': {'version': '3.0'}, **scope}, receive, send)

    asyncio.run(run())
    return sent

"""Lifespan messages: between a server and the app, and between the app and what is mounted on it (ASGI, Lifespan)."""

import asyncio

from heaven._http.logs import log
from heaven._http.reader import forget_outcome
from heaven._serving.mounted import MountedASGI
from heaven.types import Message

STARTUP_PATIENCE = 60.0  # seconds that a mounted app has to start
NAMED_AFTER = 10.0  # seconds, after which the log says who is waited for
SHUTDOWN_PATIENCE = 10.0
LAST_PATIENCE = 1.0  # seconds that one has to end when it was cancelled


class MountedLifespan:
    """The lifespan of a mounted app, in a task of its own; one that knows none needs none."""

    def __init__(self, mounted: MountedASGI) -> None:
        self.mounted = mounted
        self.name = f'the mounted app {mounted.app!r:.80}'
        self.orders: asyncio.Queue[Message] = asyncio.Queue()
        self.answers: asyncio.Queue[Message] = asyncio.Queue()
        self.task: asyncio.Task[None]

    async def startup(self) -> None:
        """Start the app; RuntimeError if it fails, or does not answer in time."""
        self.mounted.state.clear()
        self.task = asyncio.create_task(self._serve())
        self.task.add_done_callback(forget_outcome)  # an app that raises on the lifespan scope has none
        try:
            await self._startup()
        except BaseException:
            await self._end()
            raise

    async def _startup(self) -> None:
        await self.orders.put({'type': 'lifespan.startup'})
        answer = await self._answer(NAMED_AFTER)
        if answer is None and self.is_alive:
            log().warning('startup waits for %s, which has not answered in %.0f s', self.name, NAMED_AFTER)
            answer = await self._answer(STARTUP_PATIENCE - NAMED_AFTER)
            if answer is None and self.is_alive:
                raise RuntimeError(f'{self.name} did not start in {STARTUP_PATIENCE:.0f} s')
        self._check(answer, 'startup')

    async def shutdown(self) -> None:
        """Stop the app; RuntimeError if it says that it fails. One that does not answer is cancelled and awaited."""
        if not self.is_alive:
            return
        try:
            await self.orders.put({'type': 'lifespan.shutdown'})
            answer = await self._answer(SHUTDOWN_PATIENCE)
            if answer is None and self.is_alive:
                log().warning('shutdown: %s did not end in %.0f s and is left behind', self.name, SHUTDOWN_PATIENCE)
            else:
                await asyncio.wait([self.task], timeout=LAST_PATIENCE)
            self._check(answer, 'shutdown')
        finally:
            await self._end()

    @property
    def is_alive(self) -> bool:
        """Whether the app still serves its lifespan."""
        return not self.task.done()

    async def _end(self) -> None:
        """Cancel the app's task, and give it a moment for its own end."""
        if self.is_alive:
            self.task.cancel()
            await asyncio.wait([self.task], timeout=LAST_PATIENCE)

    async def _serve(self) -> None:
        scope = {
            'type': 'lifespan',
            'asgi': {'version': '3.0', 'spec_version': '2.0'},
            'state': self.mounted.state,
        }
        await self.mounted.app(scope, self.orders.get, self._take_answer)

    async def _take_answer(self, message: Message) -> None:
        """Take an answer; ValueError for one that is none, as an app gives it that takes every scope for a request."""
        if not message['type'].startswith('lifespan.'):
            raise ValueError(f'{message["type"]!r:.80} is no answer on the lifespan scope')
        await self.answers.put(message)

    async def _answer(self, seconds: float) -> Message | None:
        """Return the app's answer, None if it gave none in time, or ended without one."""
        getting = asyncio.create_task(self.answers.get())
        try:
            await asyncio.wait([getting, self.task], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if getting.done():
                return getting.result()
            return None if self.answers.empty() else self.answers.get_nowait()
        finally:
            getting.cancel()

    def _check(self, answer: Message | None, event: str) -> None:
        if answer is not None and answer['type'].endswith('failed'):
            raise RuntimeError(f'{self.name} failed at {event}: {answer.get("message", "")}')

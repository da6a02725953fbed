"""One connection of any kind: the task of the application, and the messages between it and the test.

The test waits for messages with a limit, and what went wrong in the application is raised by that wait, once.
"""

from __future__ import annotations

import asyncio
import contextvars
import sys
from collections import deque
from enum import Enum
from typing import Any, Generic, NoReturn, TypeVar, cast

from . import observing
from .library import httpx
from .rules import ASGIApp, ASGIViolation, Message, Rules, Scope, call
from .shared import Shared, client_of_task
from .waiting import GRACE, Waiters, sleep, wake

R = TypeVar('R', bound=Rules)


class ClientLeft(OSError):
    """The test has left: what `send` raises in the application then, so that one that never receives ends as well."""


class Course(Enum):
    """How far the application has come with a connection."""

    RUNNING = 'its task runs'
    ENDED = 'its task has ended'
    SETTLED = 'and the test has been told how'


class Presence(Enum):
    """Whether the test is still there, as the application sees it."""

    HERE = 'the test has the connection open'
    LEFT = 'the test has left'
    GIVEN_UP = 'and has waited in vain for the application to notice'


class Call(Generic[R]):
    """One connection. The application has `receive` and `send`, the test `deliver`, `leave`, `ready` and `end`."""

    def __init__(self, shared: Shared, app: ASGIApp, scope: Scope, rules: R) -> None:
        self.shared = shared
        self.app = app
        self.scope = scope
        self.rules: R = rules
        self.course: Course = Course.RUNNING
        self.presence: Presence = Presence.HERE
        self.task: asyncio.Task[None] | None = None
        self.error: BaseException | None = None  # what the application raised
        self.inbox: deque[Message] = deque()
        self.outbox: deque[Message] = deque()
        self.listeners: Waiters = []  # the application, waiting for its inbox
        self.readers: Waiters = []  # the test, waiting for the outbox

    @property
    def ended(self) -> bool:
        """Whether the application has ended."""
        return self.course is not Course.RUNNING

    @property
    def gone(self) -> bool:
        """Whether the test has left."""
        return self.presence is not Presence.HERE

    def start(self, context: contextvars.Context | None = None) -> None:
        """Run the application in a task, up to its first wait where Python can do so (3.12)."""
        self.shared.open.add(self)
        if context is None:
            context = self.shared.context()
        loop = asyncio.get_running_loop()
        if sys.version_info >= (3, 12):
            task = asyncio.Task(self._run(), loop=loop, context=context, eager_start=True)
        else:
            task = loop.create_task(self._run(), context=context)
        if not self.ended:
            self.task = task

    async def _run(self) -> None:
        client_of_task.set(self.shared)
        try:
            self.rules.returned(await call(self.app, self.scope, self.receive, self.send))
        except BaseException as error:  # every kind is for the test, which is another task
            self.error = error
        finally:
            self.course = Course.ENDED
            self.shared.open.discard(self)
            self.finish()

    def finish(self) -> None:
        """Do what is to be done when the application has ended."""
        wake(self.readers)
        self.task = None

    # What the application calls.

    async def receive(self) -> Message:
        """Wait for the next message to the application."""
        while not self.inbox:
            await sleep(self.listeners)
        message = self.inbox.popleft()
        self.rules.received(message)
        return message

    async def send(self, message: Message) -> None:
        """Take a message of the application."""
        if self.gone:
            self.refuse()
        self.rules.sent(message)
        self.outbox.append(message)
        wake(self.readers)

    def refuse(self) -> NoReturn:
        """Raise ClientLeft, since the test has left: the application knows then, and need not end its response."""
        self.rules.failed = True
        raise ClientLeft('the client has left')

    # What the test calls.

    def deliver(self, message: Message) -> None:
        """Let the application receive a message."""
        self.inbox.append(message)
        wake(self.listeners)

    def leave(self, code: int = 1006, reason: str = '') -> None:
        """Tell the application that its client has gone; a WebSocket tells it with a code and a reason."""
        if self.presence is Presence.HERE:
            self.presence = Presence.LEFT
        wake(self.listeners)

    def release(self) -> None:
        """Let the application go on, if its `send` is held."""

    async def ready(self, limit: float) -> None:
        """Wait until there is a message or the application has ended; after `limit` seconds it is cancelled."""
        self.shared.release()
        while not self.outbox and not self.ended:
            if not await sleep(self.readers, self.shared.alarm, limit):
                self.abort(f'the application has sent nothing for {limit:g} s')

    async def end(self, limit: float) -> bool:
        """Wait until the application has ended; false if it has not after `limit` seconds."""
        self.shared.release()
        while not self.ended:
            if not await sleep(self.readers, self.shared.alarm, limit):
                return False
        return True

    async def dismiss(self, limit: float) -> None:
        """Give the application a moment to end, once it has been left."""
        noticed = await self.end(min(GRACE, limit))
        self.presence = Presence.LEFT if noticed else Presence.GIVEN_UP

    def abort(self, what: str) -> NoReturn:
        """Cancel the application, and raise a ReadTimeout that says what it did and where it waits."""
        text = f'{self}: {what}; {whereabouts(self.task)}'
        self.cancel()
        raise httpx.ReadTimeout(text)

    def cancel(self) -> None:
        """Leave, and cancel the application."""
        self.leave()
        if self.task is not None:
            self.task.cancel()

    def failure(self, hidden: bool = False) -> BaseException | None:
        """Return what went wrong in the application, once; `hidden` too if exceptions are not to be raised."""
        error, self.error = self.error, None
        broken, self.rules.broken = self.rules.broken, None
        seen = observing.failure_in(self.scope)
        if broken is not None:
            return broken
        if error is None:
            error = seen
        if error is None or self.gone and only_left(error):
            return None
        if isinstance(error, asyncio.CancelledError):
            error = RuntimeError(f'{self}: the application was cancelled, by itself')
        raised = hidden or self.shared.raise_app_exceptions or isinstance(error, ASGIViolation)
        return error if raised else None

    def __str__(self) -> str:
        return f'{self.scope.get("method", self.scope["type"])} {self.scope.get("path", "")}'.rstrip()


def only_left(error: BaseException | None) -> bool:
    """Whether an exception says no more than that the client has left.

    It does if it was raised from what `send` raised, or says disconnect by its name while that was handled; any other
    exception raised there is one of its own.
    """
    while error is not None:
        if isinstance(error, (ClientLeft, asyncio.CancelledError)):
            return True
        if isinstance(error, BaseExceptionGroup):
            group = cast('BaseExceptionGroup[BaseException]', error)
            return all(only_left(inner) for inner in group.exceptions)
        says_so = 'disconnect' in type(error).__name__.lower() and not error.__suppress_context__
        error = error.__cause__ or (error.__context__ if says_so else None)
    return False


_AWAITING = (('cr_frame', 'cr_await'), ('gi_frame', 'gi_yieldfrom'), ('ag_frame', 'ag_await'))


def whereabouts(task: asyncio.Task[None] | None) -> str:
    """Say where a task of the application waits, for whoever asks why nothing comes."""
    if task is None:
        return 'it has ended'
    place = 'it runs'
    awaited: Any = task.get_coro()
    while awaited is not None:
        names = next((names for names in _AWAITING if hasattr(awaited, names[0])), None)
        if names is None:
            break
        frame, awaited = getattr(awaited, names[0]), getattr(awaited, names[1])
        if frame is not None and not frame.f_globals.get('__name__', '').startswith(('asyncio', 'heaven_testing')):
            place = f'it waits at {frame.f_code.co_filename}:{frame.f_lineno}, in {frame.f_code.co_name}'
    return place

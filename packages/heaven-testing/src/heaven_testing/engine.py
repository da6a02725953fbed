"""What stands in for the server: it calls an ASGI application on an event loop, one task a connection.

Every connection is a `Call`: the task of the application, the messages on their way to it, those on their way back. The
test waits for messages with a limit, and what went wrong in the application is raised by that wait, once.

A `send` of the application returns when the test has come back for more, as if its reading were the network: so a first
chunk is read before the second is made. When the test is busy elsewhere, `send` returns after a moment, and holds again
at 64 KiB.
"""

from __future__ import annotations

import asyncio
import contextvars
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Any, NoReturn
from urllib.parse import unquote

import httpx

from .rules import ASGIApp, ASGIViolation, HTTPRules, LifespanRules, Message, Scope, WebSocketRules, call, rules_for

CHUNK = 64 * 1024  # bytes: what a server reads at once, and what it keeps for a slow client before `send` has to wait
MOMENT = 0.1  # seconds for which `send` is held while the test is busy elsewhere
GRACE = 1.0  # seconds an application has to notice that its client left, before the test goes on without it
LONGEST = 3600.0  # seconds: the limit of a wait that httpx was told has none

WANTED: Message = {'type': 'heaven_testing.wanted'}  # to the test: the application wants a piece of the request's body

_engine: contextvars.ContextVar[object] = contextvars.ContextVar('heaven_testing_engine')
_missing = object()

_REQUEST_KEYS = {'client', 'headers', 'method', 'path', 'query_string', 'raw_path', 'root_path', 'scheme', 'server'}

Waiters = list['asyncio.Future[bool]']


class LifespanFailed(RuntimeError):
    """The application answered `lifespan.startup.failed`, or `lifespan.shutdown.failed`, and raised nothing itself."""


class ClientLeft(OSError):
    """The test has left: what `send` raises in the application then, so that one that never receives ends as well."""


class Call:
    """One connection: the task of the application, and the messages between it and the test."""

    rules: Any
    task: asyncio.Task[None] | None = None
    error: BaseException | None = None  # what the application raised
    ended: bool = False
    gone: bool = False  # the test has left
    left: bool = False  # and has waited in vain for the application to notice

    def __init__(self, engine: Engine, scope: Scope, rules: Any) -> None:
        self.engine = engine
        self.scope = scope
        self.rules = rules
        self.inbox: deque[Message] = deque()
        self.outbox: deque[Message] = deque()
        self.listeners: Waiters = []  # the application, waiting for its inbox
        self.readers: Waiters = []  # the test, waiting for the outbox

    def start(self, context: contextvars.Context | None = None) -> None:
        """Runs the application in a task, up to its first wait where Python can do so (3.12)."""
        self.engine.calls.add(self)
        if context is None:
            context = self.engine.context()
        loop = asyncio.get_running_loop()
        if sys.version_info >= (3, 12):
            task = asyncio.Task(self._run(), loop=loop, context=context, eager_start=True)
        else:
            task = loop.create_task(self._run(), context=context)
        if not self.ended:
            self.task = task

    async def _run(self) -> None:
        _engine.set(self.engine)
        try:
            self.rules.returned(await call(self.engine.app, self.scope, self.receive, self.send))
        except BaseException as error:  # every kind is for the test, which is another task
            self.error = error
        finally:
            self.ended = True
            self.engine.calls.discard(self)
            self.finish()

    def finish(self) -> None:
        """The application has ended."""
        wake(self.readers)
        self.task = None

    # What the application calls.

    async def receive(self) -> Message:
        while not self.inbox:
            await sleep(self.listeners)
        message = self.inbox.popleft()
        self.rules.received(message)
        return message

    async def send(self, message: Message) -> None:
        if self.gone:
            self.refuse()
        self.rules.sent(message)
        self.outbox.append(message)
        wake(self.readers)

    def refuse(self) -> NoReturn:
        """Raises ClientLeft, since the test has left: the application knows then, and need not end its response."""
        self.rules.failed = True
        raise ClientLeft('the client has left')

    # What the test calls.

    def deliver(self, message: Message) -> None:
        self.inbox.append(message)
        wake(self.listeners)

    def leave(self, code: int = 1006, reason: str = '') -> None:
        """Tells the application that its client has gone; a WebSocket tells it with a code and a reason."""
        self.gone = True
        wake(self.listeners)

    async def ready(self, limit: float) -> None:
        """Waits until there is a message or the application has ended; after `limit` seconds it is cancelled."""
        self.engine.release()
        while not self.outbox and not self.ended:
            if not await sleep(self.readers, self.engine.alarm, limit):
                self.abort(f'the application has sent nothing for {limit:g} s')

    async def end(self, limit: float) -> bool:
        """Waits until the application has ended; false if it has not after `limit` seconds."""
        self.engine.release()
        while not self.ended:
            if not await sleep(self.readers, self.engine.alarm, limit):
                return False
        return True

    async def dismiss(self, limit: float) -> None:
        """Gives the application a moment to end, once it has been left."""
        self.left = not await self.end(min(GRACE, limit))

    def abort(self, what: str) -> NoReturn:
        text = f'{self}: {what}; {self.whereabouts()}'
        self.cancel()
        raise httpx.ReadTimeout(text)

    def cancel(self) -> None:
        self.leave()
        if self.task is not None:
            self.task.cancel()

    def failure(self, hidden: bool = False) -> BaseException | None:
        """What went wrong in the application, told once; `hidden` too if exceptions are not to be raised."""
        error, self.error = self.error, None
        broken: BaseException | None = self.rules.broken
        self.rules.broken = None
        kept: list[BaseException] = self.scope.get('heaven.errors', [])
        if kept:
            error = kept[0] if error is None else error
            kept.clear()
        if broken is not None:
            return broken
        if error is None or self.gone and _only_left(error):
            return None
        if isinstance(error, asyncio.CancelledError):
            error = RuntimeError(f'{self}: the application was cancelled, by itself')
        return error if hidden or self.engine.raise_app_exceptions or isinstance(error, ASGIViolation) else None

    def whereabouts(self) -> str:
        """Where the application waits, for whoever asks why nothing comes."""
        if self.task is None:
            return 'it has ended'
        place, awaited = 'it runs', self.task.get_coro()
        while awaited is not None:
            for frame_name, await_name in (
                ('cr_frame', 'cr_await'),
                ('gi_frame', 'gi_yieldfrom'),
                ('ag_frame', 'ag_await'),
            ):
                if hasattr(awaited, frame_name):
                    frame, awaited = getattr(awaited, frame_name), getattr(awaited, await_name)
                    break
            else:
                break
            if frame is not None and not frame.f_globals.get('__name__', '').startswith(('asyncio', 'heaven_testing')):
                place = f'it waits at {frame.f_code.co_filename}:{frame.f_lineno}, in {frame.f_code.co_name}'
        return place

    def __str__(self) -> str:
        return f'{self.scope.get("method", self.scope["type"])} {self.scope.get("path", "")}'.rstrip()


class Exchange(Call):
    """One HTTP request and its response.

    A body that is known is in the inbox from the start, in pieces as a server would read them. Another is asked for,
    piece by piece, when the application receives: by a task that uploads it, or with the message `WANTED` to the test.
    """

    rules: HTTPRules
    told: bool = False  # the end of the request is in the inbox, or was
    wanted: bool = False  # the application has asked for a piece that has not come
    unread: int = 0  # bytes that the application has sent since the test last read
    spent: float = 0.0  # seconds that the test has waited for this response
    upload: asyncio.Task[None] | None = None
    lost: BaseException | None = None  # what kept the request's body from being made
    settled: bool = False  # the application has ended, and the test knows how

    def __init__(self, engine: Engine, scope: Scope, rules: Any) -> None:
        super().__init__(engine, scope, rules)
        self.senders: Waiters = []  # the application, whose `send` has not returned

    @property
    def complete(self) -> bool:
        return self.rules.state == HTTPRules.DONE

    async def receive(self) -> Message:
        message: Message = {'type': 'http.disconnect'}
        while not self.gone and self.rules.state != HTTPRules.DONE:
            if self.inbox:
                message = self.inbox.popleft()
                break
            if not self.told and not self.wanted:
                self.wanted = True
                if self.upload is None:
                    self.outbox.append(WANTED)
                wake(self.readers)
            await sleep(self.listeners)
        self.rules.received(message)
        return message

    async def send(self, message: Message) -> None:
        if self.gone:
            self.refuse()
        self.rules.sent(message)
        self.outbox.append(message)
        wake(self.readers)
        if self.rules.state == HTTPRules.DONE:
            wake(self.listeners)
        elif message['type'] == 'http.response.body':
            self.unread += len(message.get('body', b''))
            await self.hold()

    async def hold(self) -> None:
        """Waits until the test has come back for more or left, or has been away for a moment and little is unread."""
        self.engine.held.add(self)
        timer = asyncio.get_running_loop().call_later(MOMENT, self.release)
        try:
            await sleep(self.senders)
        finally:
            timer.cancel()
            if not self.senders:
                self.engine.held.discard(self)

    def release(self) -> None:
        if self.unread < CHUNK or self.gone:
            wake(self.senders)

    def give(self, body: bytes, more: bool) -> None:
        """Lets the application have a piece of the request's body."""
        self.wanted, self.told = False, not more
        last = max(len(body) - 1, 0) // CHUNK * CHUNK
        for start in range(0, last, CHUNK):
            self.inbox.append({'type': 'http.request', 'body': body[start : start + CHUNK], 'more_body': True})
        self.deliver({'type': 'http.request', 'body': body[last:] if last else body, 'more_body': more})

    def lose(self, error: BaseException) -> None:
        """The request's body cannot be made: the client leaves, and the test is told why."""
        self.lost = error
        self.leave()
        wake(self.readers)

    def leave(self, code: int = 1006, reason: str = '') -> None:
        super().leave()
        self.release()

    def finish(self) -> None:
        super().finish()
        if self.upload is not None:
            self.upload.cancel()

    def uploads(self, stream: httpx.AsyncByteStream) -> None:
        """Makes the request's body from a stream, as it is wanted, in the context of the test."""
        self.upload = asyncio.get_running_loop().create_task(self._upload(stream))

    async def _upload(self, stream: httpx.AsyncByteStream) -> None:
        pieces = aiter(stream)
        try:
            while not self.told:
                while not self.wanted:
                    await sleep(self.readers)
                piece = await anext(pieces, None)
                if piece != b'':
                    self.give(piece or b'', piece is not None)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # of the test's own generator, and so for the test
            self.lose(error)

    async def more(self, limit: float) -> list[Message]:
        """The messages that have come, waiting for one if there is none; empty when the application has ended."""
        if not self.outbox:
            self.unread = 0
            if not self.ended:
                await self._until_more(limit)
        messages = list(self.outbox)
        self.outbox.clear()
        if self.lost is not None:
            lost, self.lost = self.lost, None
            await self.end(GRACE)
            raise lost
        if self.ended and (self.complete or not messages):
            self.settled = True
            failure = self.failure()
            if failure is not None:
                raise failure
            if not self.complete and not self.gone:
                messages += self._fail()
        return messages

    async def _until_more(self, limit: float) -> None:
        self.engine.release()
        began = time.perf_counter()
        while not self.outbox and not self.ended and self.lost is None:
            if not await sleep(self.readers, self.engine.alarm, limit):
                what = 'sent its response but not ended' if self.complete else 'sent nothing'
                self.abort(f'the application has {what} for {limit:g} s')
            now = time.perf_counter()
            self.spent, began = self.spent + now - began, now
            if self.spent > max(self.engine.limit, limit):
                self.abort(f'the exchange has gone on for {self.spent:.1f} s of waiting')

    def _fail(self) -> list[Message]:
        """What a server does when the application has raised: a response of its own, or none if one had begun."""
        if self.rules.state != HTTPRules.READY:
            raise httpx.RemoteProtocolError(f'{self}: the application raised in the middle of its response')
        self.rules.state = HTTPRules.DONE
        headers = [
            (b'content-type', b'text/plain; charset=utf-8'),
            (b'content-length', b'21'),
            (b'connection', b'close'),
        ]
        return [
            {'type': 'http.response.start', 'status': 500, 'headers': headers},
            {'type': 'http.response.body', 'body': b'Internal Server Error'},
        ]

    async def close(self, limit: float) -> None:
        """Leaves, if the application has not ended, and raises what went wrong in it."""
        if not self.ended:
            if not self.complete:
                self.leave()
                await self.dismiss(limit)
            elif not await self.end(limit):
                self.abort(f'the application has sent its response but not ended for {limit:g} s')
        failure = self.failure() if self.ended else None
        if failure is not None:
            raise failure


class Socket(Call):
    """One WebSocket."""

    rules: WebSocketRules

    def __init__(self, engine: Engine, scope: Scope, rules: Any) -> None:
        super().__init__(engine, scope, rules)
        self.writers: Waiters = []
        self.unread: int = 0
        self.inbox.append({'type': 'websocket.connect'})

    async def send(self, message: Message) -> None:
        await super().send(message)
        self.unread += 64 + len(message.get('bytes') or message.get('text') or '')
        while self.unread > CHUNK and not self.gone:
            await sleep(self.writers)

    def leave(self, code: int = 1006, reason: str = '') -> None:
        if not self.gone:
            self.inbox.append({'type': 'websocket.disconnect', 'code': code, 'reason': reason})
            super().leave()
            wake(self.writers)

    async def next(self, limit: float) -> Message | None:
        """The next message of the application, or None when it has ended well."""
        if not self.outbox and not self.ended:
            await self.ready(limit)
        if self.outbox:
            message = self.outbox.popleft()
            self.unread -= 64 + len(message.get('bytes') or message.get('text') or '')
            wake(self.writers)
            return message
        failure = self.failure()
        if failure is not None:
            raise failure
        return None


class Engine:
    """One application on one event loop: its lifespan, and the connections to it."""

    def __init__(
        self,
        app: ASGIApp,
        raise_app_exceptions: bool = True,
        client: tuple[str, int] | None = ('127.0.0.1', 50000),
        root_path: str = '',
        limit: float = 30.0,
        lint: bool = True,
    ) -> None:
        self.app = app
        self.raise_app_exceptions = raise_app_exceptions
        self.client = client
        self.root_path: str = root_path.rstrip('/')
        self.limit = limit
        self.lint = lint
        self.state: dict[str, Any] = {}
        self.checked: bool = False
        self.calls: set[Call] = set()
        self.held: set[Exchange] = set()
        self.alarm: Alarm = Alarm()
        self.lifespan: Call | None = None
        self.ends: list[Callable[[], None]] = []  # called once the lifespan has ended
        self.carried: list[tuple[contextvars.ContextVar[Any], Any, Any]] = []

    def context(self) -> contextvars.Context | None:
        """A context with the variables that startup has set and the test has not since; None if startup set none."""
        if not self.carried:
            return None
        context = contextvars.copy_context()
        for variable, before, after in self.carried:
            if context.get(variable, _missing) is before:
                context.run(variable.set, after)
        return context

    def release(self) -> None:
        """The test waits for something: what the application holds back because it seemed busy goes on."""
        for exchange in tuple(self.held):
            exchange.release()

    def scope(self, request: httpx.Request, kind: str = 'http') -> dict[str, Any]:
        """The scope of a request, as a server makes it: the path decoded once, and below `root_path`."""
        url = request.url
        target: bytes = request.extensions.get('target', url.raw_path)
        raw_path, _, query = target.partition(b'?')
        path = unquote(raw_path.decode('latin-1'))
        root = self.root_path
        if root and path != root and not path.startswith(f'{root}/'):
            path, raw_path = root + path, root.encode() + raw_path
        secure = url.scheme in ('https', 'wss')
        scope: dict[str, Any] = {
            'type': kind,
            # 2.3 as servers announce: from 2.4 on `send` is sure to raise, and Starlette asks for no disconnect then.
            'asgi': {'version': '3.0', 'spec_version': '2.3'},
            'http_version': '1.1',
            'method': request.method,
            'scheme': ('wss' if secure else 'ws') if kind == 'websocket' else ('https' if secure else 'http'),
            'path': path,
            'raw_path': raw_path,
            'query_string': query,
            'root_path': root,
            'headers': [(name.lower(), value) for name, value in request.headers.raw],
            'client': self.client,
            'server': (url.host, url.port or (443 if secure else 80)),
            'state': self.state.copy(),
            'extensions': {'http.response.debug': {}},
        }
        if 'heaven' in sys.modules:
            scope['heaven.trio'], scope['heaven.errors'] = [], []
        return scope

    def socket(self, request: httpx.Request, subprotocols: list[str]) -> Socket:
        """Begins a WebSocket."""
        scope = self.scope(request, 'websocket')
        del scope['method']
        scope['asgi']['spec_version'] = '2.4'
        scope.update(subprotocols=subprotocols, extensions={'websocket.http.response': {}})
        rules = rules_for(scope)
        rules.strict = self.lint
        return Socket(self, scope, rules)

    def exchange(self, request: httpx.Request) -> Exchange:
        """Begins a request, its body left out."""
        scope = self.scope(request)
        if not self.checked:
            rules_for(scope)
            self.checked = True
        rules = HTTPRules(scope)
        rules.headers(scope)  # all else is as it was in the first scope
        rules.strict = self.lint
        return Exchange(self, scope, rules)

    async def startup(self) -> None:
        """Sends `lifespan.startup`; an application that knows no lifespan is served without."""
        scope: dict[str, Any] = {'type': 'lifespan', 'asgi': {'version': '3.0', 'spec_version': '2.0'}}
        scope['state'] = self.state
        if 'heaven' in sys.modules:
            scope['heaven.errors'] = []
        before, context = contextvars.copy_context(), contextvars.copy_context()
        lifespan = Call(self, scope, rules_for(scope))
        rules: LifespanRules = lifespan.rules
        lifespan.deliver({'type': 'lifespan.startup'})
        lifespan.start(context)
        self.calls.discard(lifespan)
        await lifespan.ready(self.limit)
        if lifespan.outbox:
            message = lifespan.outbox.popleft()
            if message['type'] == 'lifespan.startup.failed':
                await lifespan.end(GRACE)
                failure = lifespan.failure(hidden=True)
                lifespan.cancel()
                raise failure or LifespanFailed(message.get('message') or 'the application gave no reason')
            self.lifespan = lifespan
            values = [(variable, before.get(variable, _missing), value) for variable, value in context.items()]
            self.carried = [change for change in values if change[1] is not change[2] and change[0] is not _engine]
        elif lifespan.error is not None and rules.received_kinds and not _knows_no_lifespan(lifespan):
            raise lifespan.error

    async def shutdown(self) -> None:
        """Ends what still goes on, sends `lifespan.shutdown`, and cancels the tasks that the application has left."""
        failures: list[BaseException] = []
        calls = list(self.calls)
        for each in calls:
            each.leave(1001)
        for last in (False, True):
            for each in calls:
                if last or each.left:
                    each.cancel()
            deadline = time.monotonic() + GRACE
            for each in calls:
                await each.end(max(deadline - time.monotonic(), 0.001))
        for each in calls:
            failure = each.failure() if each.ended else TimeoutError(f'{each}: it does not end; {each.whereabouts()}')
            failures += [failure] if failure is not None else []
        try:
            await self._end_lifespan()
        except BaseException as error:
            failures.append(error)
        while self.ends:
            self.ends.pop()()
        failures += await self._sweep()
        self.alarm.stop()
        self.carried, self.state = [], {}
        if failures:
            for other in failures[1:]:
                failures[0].add_note(f'Also at the end of the client: {other!r}')
            raise failures[0]

    async def _end_lifespan(self) -> None:
        lifespan, self.lifespan = self.lifespan, None
        if lifespan is None:
            return
        if not lifespan.ended:
            lifespan.deliver({'type': 'lifespan.shutdown'})
            await lifespan.ready(self.limit)
        message = lifespan.outbox.popleft() if lifespan.outbox else {'type': ''}
        if not await lifespan.end(GRACE):
            lifespan.cancel()
        failure = lifespan.failure(hidden=True)
        if failure is not None:
            raise failure
        if message['type'] == 'lifespan.shutdown.failed':
            raise LifespanFailed(message.get('message') or 'the application gave no reason')

    async def _sweep(self) -> list[BaseException]:
        if sys.version_info < (3, 12):
            return []
        tasks = [task for task in asyncio.all_tasks() if task.get_context().get(_engine) is self]
        for task in tasks:
            task.cancel()
        pending = (await asyncio.wait(tasks, timeout=GRACE))[1] if tasks else ()
        return [TimeoutError(f'a task of the application does not end when cancelled: {task!r}') for task in pending]


def _knows_no_lifespan(lifespan: Call) -> bool:
    """Whether an application that has raised took the lifespan for a request: a server goes on without it then."""
    error = lifespan.error
    return lifespan.rules.broken is not None or isinstance(error, KeyError) and error.args[0] in _REQUEST_KEYS


def limit_of(request: httpx.Request) -> float:
    """How many seconds one wait for the application may take: httpx's read timeout."""
    limit: float | None = request.extensions.get('timeout', {}).get('read', 5.0)
    return LONGEST if limit is None else limit


class Alarm:
    """The limits of all the waits of a client, with one timer: nearly every wait ends before its limit."""

    def __init__(self) -> None:
        self.waits: dict[asyncio.Future[bool], float] = {}
        self.loop: asyncio.AbstractEventLoop | None = None
        self.timer: asyncio.TimerHandle | None = None

    def add(self, waiter: asyncio.Future[bool], limit: float) -> None:
        loop = waiter.get_loop()
        when = self.waits[waiter] = loop.time() + limit
        if self.timer is None or when < self.timer.when() or self.loop is not loop:
            self.stop()
            self.loop, self.timer = loop, loop.call_at(when, self.ring, loop)

    def ring(self, loop: asyncio.AbstractEventLoop) -> None:
        self.timer, now = None, loop.time()
        for waiter, when in list(self.waits.items()):
            if when <= now:
                del self.waits[waiter]
                if not waiter.done():
                    waiter.set_result(False)
        if self.waits:
            self.timer = loop.call_at(min(self.waits.values()), self.ring, loop)

    def stop(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


async def sleep(waiters: Waiters, alarm: Alarm | None = None, limit: float = LONGEST) -> bool:
    """Waits until `wake` is called for the same list; false if it has not been after `limit` seconds."""
    waiter: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    waiters.append(waiter)
    if alarm is not None:
        alarm.add(waiter, limit)
    try:
        return await waiter
    finally:
        if alarm is not None:
            alarm.waits.pop(waiter, None)
        if waiter in waiters:
            waiters.remove(waiter)


def wake(waiters: Waiters) -> None:
    if waiters:
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(True)
        waiters.clear()


def _only_left(error: BaseException | None) -> bool:
    """Whether an exception says no more than that the client has left.

    It does if it was raised from what `send` raised, or says disconnect by its name while that was handled; any other
    exception raised there is one of its own.
    """
    while error is not None:
        if isinstance(error, (ClientLeft, asyncio.CancelledError)):
            return True
        if isinstance(error, BaseExceptionGroup):
            return all(_only_left(inner) for inner in error.exceptions)
        says_so = 'disconnect' in type(error).__name__.lower() and not error.__suppress_context__
        error = error.__cause__ or (error.__context__ if says_so else None)
    return False

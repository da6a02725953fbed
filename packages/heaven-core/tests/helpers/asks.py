"""What the tests of requests and responses share: a handler asked once, an app sent by hand, a clock that jumps, what
is opened and in which thread, the ratio of two costs.
"""

import asyncio
import contextlib
import functools
import inspect
import os
import selectors
import sys
import threading
import time

from driver import Exchange, call
from heaven import App

# How many times as many random cases as usual: the scheduled run has more, with seeds that no usual run reaches.
ROUNDS = int(os.environ.get('HEAVEN_ROUNDS', '1'))


def ask(handler, method='GET', target='/', *, app=None, route=None, options=None, **scope):
    """The reply of an app that has `handler` at the path of `target`, or at `route`."""
    app = app or App()
    app.METHOD(method, route or target.partition('?')[0], handler, **(options or {}))
    return call(app, method, target, **scope)


def see(read, method='GET', target='/', **options):
    """What `read(req)`, async or not, gives inside a handler."""
    seen = []

    async def handler(req, res, ctx):
        value = read(req)
        seen.append(await value if inspect.isawaitable(value) else value)

    reply = ask(handler, method, target, **options)
    assert reply.status == 200, reply
    return seen[0]


def answer(body, method='GET', **options):
    """The reply of a handler that assigns `body`."""

    def handler(req, res, ctx):
        res.body = body

    return ask(handler, method, **options)


def raised(act, **options):
    """The exception that `act(req, res, ctx)`, async or not, raises inside a handler, or None."""
    seen = []

    async def handler(req, res, ctx):
        try:
            value = act(req, res, ctx)
            if inspect.isawaitable(value):
                await value
        except Exception as error:
            seen.append(error)

    assert ask(handler, **options).status == 200
    return seen[0] if seen else None


class Gated(Exchange):
    """An exchange whose client takes no more than `takes` messages until it is told to `go` on."""

    def __init__(self, *args, takes=2, **options):
        super().__init__(*args, **options)
        self.takes, self.go = takes, asyncio.Event()

    async def send(self, message):
        await super().send(message)
        if len(self.messages) >= self.takes:
            await self.go.wait()


async def turns(count=50):
    """Lets the loop turn."""
    for _ in range(count):
        await asyncio.sleep(0)


async def until(condition, limit=60):
    """Waits for what another task or thread will do; a failure after `limit` seconds."""
    async with asyncio.timeout(limit):
        while not condition():
            await asyncio.sleep(0.001)


def descriptors():
    """What this process has open: what it has afterwards and had not before was left open, by whatever it is."""
    found = set()
    for name in os.listdir('/dev/fd'):
        with contextlib.suppress(OSError):  # the one of the listing itself
            status = os.fstat(int(name))
            found.add((name, status.st_dev, status.st_ino))
    return found


LISTENERS = []


def heard(event, args):
    if event == 'open' and LISTENERS and isinstance(args[0], str | bytes | os.PathLike):
        path = os.fsdecode(args[0])
        for folder, seen in LISTENERS:
            if path.startswith(folder):
                seen.append((path, threading.get_ident()))


@contextlib.contextmanager
def opening(folder):
    """A list of what is opened in a folder, and the thread that does it, while the block runs."""
    if not getattr(sys, 'heaven_tests_hear', False):
        sys.heaven_tests_hear = True
        sys.addaudithook(heard)
    listener = os.fspath(folder), []
    LISTENERS.append(listener)
    try:
        yield listener[1]
    finally:
        LISTENERS.remove(listener)


class JumpingSelector(selectors.DefaultSelector):
    """Where the loop would wait for a timer, its clock is moved instead: it stands still while there is work to do."""

    ahead = 0.0

    def select(self, timeout=None):
        ready = super().select(0 if timeout else timeout)
        if timeout and not ready:
            self.ahead += timeout
        return ready


class JumpingLoop(asyncio.SelectorEventLoop):
    def __init__(self):
        self.jumping = JumpingSelector()
        super().__init__(self.jumping)

    def time(self):
        return self.jumping.ahead


def jumping(coroutine):
    """asyncio.run on a loop where hours pass at once, to the letter; not for code that waits for threads."""
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(coroutine)


def cost(work, *sizes, tries=5):
    """What `work(*sizes)` makes costs when it is called, in nanoseconds of this process: the least of some tries."""
    spent = []
    for _ in range(tries):
        run = work(*sizes)
        start = time.process_time_ns()
        run()
        spent.append(time.process_time_ns() - start)
    return max(min(spent), tick())


@functools.cache
def tick():
    """The step of the clock that measures, in nanoseconds: what takes less cannot be told from nothing."""
    start = time.process_time_ns()
    while True:
        now = time.process_time_ns()
        if now > start:
            return now - start


def compared(measure, other, enough, rounds=15):
    """measure() / other(), each the least of up to `rounds`: on a busy machine the same work may take twice as long.

    The first round that comes to `enough` or less ends it.
    """
    small = other(tries=5)
    large = measure(tries=1)
    for _ in range(rounds):
        if large <= enough * small:
            break
        small, large = min(small, other(tries=2)), min(large, measure(tries=1))
    return large / small


def ratio(work, n):
    """cost(10 n) / cost(n): about 10 for linear work, about 100 for quadratic."""
    return compared(functools.partial(cost, work, 10 * n), functools.partial(cost, work, n), enough=25)


def look_through_five_megabytes():
    data, table = b'%41\r\n=&' * 700_000, bytes.maketrans(b'%', b'=')
    return lambda: (data.translate(table).count(b'='), data.split(b'&'))


def passes(work, enough=30):
    """How often five megabytes can be copied, looked through and split at the cost of what `work()` makes."""
    return compared(functools.partial(cost, work), functools.partial(cost, look_through_five_megabytes), enough)

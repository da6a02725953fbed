"""What the tests of requests and responses share: a handler asked once, a clock that jumps, the ratio of two costs."""

import asyncio
import inspect
import selectors
import time

from driver import call
from heaven import App


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


class JumpingSelector(selectors.DefaultSelector):
    """Where the loop would wait for a timer, its clock is moved instead."""

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
        return super().time() + self.jumping.ahead


def jumping(coroutine):
    """asyncio.run on a loop where hours pass at once; not for code that waits for threads."""
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(coroutine)


def cost(work, *sizes):
    """The least of five: what `work(*sizes)` makes costs when it is called, in nanoseconds of this thread."""
    spent = []
    for _ in range(5):
        run = work(*sizes)
        start = time.thread_time_ns()
        run()
        spent.append(time.thread_time_ns() - start)
    return max(min(spent), 1)


def ratio(work, n):
    """cost(10 n) / cost(n): about 10 for linear work, about 100 for quadratic."""
    return cost(work, 10 * n) / cost(work, n)


def passes(work):
    """How often five megabytes can be copied, looked through and split at the cost of what `work()` makes."""
    data, table = b'%41\r\n=&' * 700_000, bytes.maketrans(b'%', b'=')
    return cost(work) / cost(lambda: lambda: (data.translate(table).count(b'='), data.split(b'&')))

"""Waiting without time: for the next turns of the loop, for a condition, for a clock that jumps."""

import asyncio
import selectors


async def turns(count=50):
    """Lets the loop turn."""
    for _ in range(count):
        await asyncio.sleep(0)


async def until(condition, limit=60):
    """Waits for what another task or thread will do; a failure after `limit` seconds."""
    async with asyncio.timeout(limit):
        while not condition():
            await asyncio.sleep(0.001)


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

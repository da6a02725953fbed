"""Waiting with a limit: one timer for all the waits of a client, and the lists of who waits for what."""

from __future__ import annotations

import asyncio

from .library import httpx

GRACE = 1.0  # seconds an application has to notice that its client left, before the test goes on without it
LONGEST = 3600.0  # seconds: the limit of a wait that httpx was told has none

Waiters = list['asyncio.Future[bool]']


class Alarm:
    """The limits of all the waits of a client, with one timer: nearly every wait ends before its limit."""

    def __init__(self) -> None:
        self.waits: dict[asyncio.Future[bool], float] = {}
        self.loop: asyncio.AbstractEventLoop | None = None
        self.timer: asyncio.TimerHandle | None = None

    def add(self, waiter: asyncio.Future[bool], limit: float) -> None:
        """Give a wait a limit in seconds, after which its future has the result False."""
        loop = waiter.get_loop()
        when = self.waits[waiter] = loop.time() + limit
        if self.timer is None or when < self.timer.when() or self.loop is not loop:
            self.stop()
            self.loop, self.timer = loop, loop.call_at(when, self.ring, loop)

    def ring(self, loop: asyncio.AbstractEventLoop) -> None:
        """End the waits whose limit is over, and set the timer for the next."""
        self.timer, now = None, loop.time()
        for waiter, when in list(self.waits.items()):
            if when <= now:
                del self.waits[waiter]
                if not waiter.done():
                    waiter.set_result(False)
        if self.waits:
            self.timer = loop.call_at(min(self.waits.values()), self.ring, loop)

    def stop(self) -> None:
        """Set no timer any more."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


async def sleep(waiters: Waiters, alarm: Alarm | None = None, limit: float = LONGEST) -> bool:
    """Wait until `wake` is called for the same list; false if it has not been after `limit` seconds."""
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
    """End the waits of a list."""
    if waiters:
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(True)
        waiters.clear()


def limit_of(request: httpx.Request) -> float:
    """Return how many seconds one wait for the application may take: httpx's read timeout."""
    limit: float | None = request.extensions.get('timeout', {}).get('read', 5.0)
    return LONGEST if limit is None else limit

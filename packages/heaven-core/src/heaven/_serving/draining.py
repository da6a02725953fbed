"""Draining: what an app has open that may never end by itself, streams and sockets, and how it is ended at a stop.

Servers wait for their connections before they tell the app to shut down, so that one open stream holds up a stop.
Draining comes before: it interrupts what is open. A stream that is interrupted has come to its end, and a socket is
closed with 1001 (RFC 6455, 7.4.1).
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Self
from weakref import WeakSet

from heaven._http.interrupting import Interruptible
from heaven._http.reader import forget_outcome

GRACE = 1.0  # seconds that what can end by itself has before it is interrupted


class OpenPart(Interruptible):
    """A block that serves a stream or a socket, and that draining ends: what comes after the block runs then.

    A block that begins while the app drains is ended with the next turn of the loop.
    """

    def __init__(
        self, draining: 'Draining', grace: float, farewell: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self.draining = draining
        self.grace = grace
        self.farewell = farewell  # what is said to the client at once
        self.saying: asyncio.Task[None] | None = None
        self.timer: asyncio.Handle | None = None

    def __enter__(self) -> Self:
        """Begin to be open."""
        self.begin()
        self.draining.parts.add(self)
        if self.draining.has_begun:
            self.timer = self.task.get_loop().call_soon(self.end)
        return self

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> bool:
        """End; return whether the cancellation that has ended the block was that of draining alone."""
        self.draining.note_end(self)
        if self.timer is not None:
            self.timer.cancel()
        return self.take_back(error)

    def end(self) -> None:
        """Say farewell, and interrupt what has not ended by itself when its grace is over."""
        loop = self.task.get_loop()
        if self.farewell is not None:
            self.saying = asyncio.ensure_future(say(self.farewell))
            self.saying.add_done_callback(forget_outcome)
        if self.grace:
            self.timer = loop.call_later(self.grace, self.interrupt)
        else:
            self.interrupt()


async def say(farewell: Callable[[], Awaitable[None]]) -> None:
    """Say farewell, as a task."""
    await farewell()


class Draining:
    """What one run of an app has open."""

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop = asyncio.get_running_loop()
        self.has_begun: bool = False
        self.parts: set[OpenPart] = set()
        self.all_ended: asyncio.Event = asyncio.Event()
        ALL.add(self)

    def note_end(self, part: OpenPart) -> None:
        """Take note that a block has ended."""
        self.parts.discard(part)
        if not self.parts:
            self.all_ended.set()

    async def drain(self) -> None:
        """End all that is open, and return when it has ended; what begins later is ended, too."""
        if self.loop is not asyncio.get_running_loop():
            raise RuntimeError('the app runs on another event loop: drain it there')
        if not self.has_begun:
            self.has_begun = True
            for part in self.parts:
                part.end()
        while self.parts:
            self.all_ended.clear()
            await self.all_ended.wait()


ALL: WeakSet[Draining] = WeakSet()  # those of this process, for servers: an app may be mounted on one that is not ours


async def drain_all() -> None:
    """Drain every app that runs on this event loop."""
    loop = asyncio.get_running_loop()
    await asyncio.gather(*(each.drain() for each in list(ALL) if each.loop is loop))

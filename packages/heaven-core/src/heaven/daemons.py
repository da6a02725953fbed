"""Functions that run beside the requests, from startup to shutdown."""

from __future__ import annotations

from asyncio import CancelledError, create_task, sleep, wait
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from heaven.resolving import off_loop
from heaven.routing import is_async
from heaven.serving import log

if TYPE_CHECKING:
    from heaven.app import App

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 60.0
PATIENCE = 10.0


class Daemon:
    """One such function: its task, and how it is stopped."""

    def __init__(self, func: Any, app: App) -> None:
        self.func, self.app = func, app
        self.threaded, self.busy, self.stopping = not is_async(func), False, False
        self.task = create_task(self.run())

    async def run(self) -> None:
        """Calls the function again and again, as it asks; after a failure with a pause that doubles."""
        failures = 0
        while not self.stopping:
            try:
                pause = await self.once()
                if pause is not None and not isinstance(pause, (int, float)):
                    raise TypeError(f'a daemon returns the seconds to its next run or None, not {pause!r:.80}')
                failures = 0
            except Exception as error:
                log().error('daemon %r failed', self.func, exc_info=error)
                pause = min(FIRST_PAUSE * 2**failures, LONGEST_PAUSE)
                failures = min(failures + 1, 16)
            if pause is None or pause is False or self.stopping:
                return
            await sleep(pause)

    async def once(self) -> Any:
        """Calls the function once, a plain one in a thread."""
        if self.threaded:
            self.busy = True
            try:
                out = await off_loop(self.func, self.app)
            finally:
                self.busy = False
        else:
            out = self.func(self.app)
        return await out if isinstance(out, Awaitable) else out

    async def stop(self) -> None:
        """Cancels it and waits; one that is in a thread cannot be cancelled, and is waited for a while."""
        self.stopping = True
        if self.busy:
            await wait([self.task], timeout=PATIENCE)
            if not self.task.done():
                log().warning('daemon %r did not end in %.0f s and is left behind', self.func, PATIENCE)
        self.task.cancel()
        try:
            await self.task
        except CancelledError:
            pass

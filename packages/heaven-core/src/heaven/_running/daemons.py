"""Background tasks, from startup to shutdown."""

import asyncio
from collections.abc import Callable
from typing import Any

from heaven._http.logs import log
from heaven._http.threads import OwnThread, run_in_thread
from heaven._routing.functions import is_async, maybe_await
from heaven.types import App

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 60.0
PATIENCE = 10.0  # seconds that one has to end


class Daemon:
    """Runs `function(app)` again and again, as it asks; after a failure with a pause that doubles.

    The function is looked up before each run, so that a test can replace it meanwhile.
    """

    def __init__(self, find: Callable[[], Any], app: App, name: str) -> None:
        self.find = find
        self.app = app
        self.name = name
        self.is_stopping = False
        self.task: asyncio.Task[None]

    def start(self) -> None:
        """Begin."""
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        pause: float | None = 0.0
        backoff = FIRST_PAUSE
        while pause is not None and not self.is_stopping:
            try:
                await asyncio.sleep(pause)
                pause = pause_of(await self._call())
                backoff = FIRST_PAUSE
            except (Exception, asyncio.CancelledError) as error:
                if self.is_stopping:
                    return
                log().error('daemon %s failed', self.name, exc_info=error)
                pause = backoff
                backoff = min(backoff * 2, LONGEST_PAUSE)

    async def _call(self) -> Any:
        function = self.find()
        if function is None:
            return None
        if is_async(function):
            return await function(self.app)
        return await maybe_await(await run_in_thread(function, self.app, threads=OwnThread()))

    async def stop(self) -> None:
        """Cancel the task and wait for its end; what is in a thread is not run again and waited for.

        One that has not ended after ten seconds is named in the log and left behind.
        """
        task = self.task
        self.is_stopping = True
        task.cancel()
        cancelled: asyncio.CancelledError | None = None
        try:
            await asyncio.wait([task], timeout=PATIENCE)
        except asyncio.CancelledError as error:
            cancelled = error
        if not task.done():
            log().warning('daemon %s did not end in %.0f s and is left behind', self.name, PATIENCE)
        elif not task.cancelled() and task.exception() is not None:
            log().error('daemon %s failed', self.name, exc_info=task.exception())
        if cancelled is not None:
            raise cancelled


def pause_of(out: Any) -> float | None:
    """Return the seconds to the next run that a daemon has asked for; None and False end it."""
    if out is None or out is False:
        return None
    if not isinstance(out, (int, float)) or out != out:
        raise TypeError(f'a daemon returns the seconds to its next run or None, not {out!r:.80}')
    return float(out)

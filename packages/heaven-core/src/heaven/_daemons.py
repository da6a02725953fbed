"""Functions that run beside the requests, from startup to shutdown."""

from asyncio import Lock, create_task, sleep, wait, wait_for
from collections.abc import AsyncIterator

from heaven._resolving import off_loop
from heaven._routing import is_async
from heaven._serving import log, settled
from heaven.types import App, Handler

FIRST_PAUSE, LONGEST_PAUSE, PATIENCE = 0.1, 60.0, 10.0


async def daemon(func: Handler, app: App) -> AsyncIterator[None]:
    """Runs a function in the background: a startup, a yield and a shutdown.

    What is in a thread cannot be cancelled: the shutdown waits a while for the lock that it holds.
    """
    thread = Lock()

    async def run() -> None:
        """Calls the function again and again, as it asks; after a failure with a pause that doubles."""
        backoff = FIRST_PAUSE
        while True:
            try:
                if is_async(func):
                    pause = await settled(func(app))
                else:
                    async with thread:
                        out = await off_loop(func, app)
                    pause = await settled(out)
                if pause is not None and not isinstance(pause, (int, float)):
                    raise TypeError(f'a daemon returns the seconds to its next run or None, not {pause!r:.80}')
                backoff = FIRST_PAUSE
            except Exception as error:
                log().error('daemon %r failed', func, exc_info=error)
                pause, backoff = backoff, min(backoff * 2, LONGEST_PAUSE)
            if pause is None or pause is False or task.cancelling():
                return
            await sleep(pause)

    task = create_task(run())
    yield
    try:
        await wait_for(thread.acquire(), PATIENCE)
    except TimeoutError:
        log().warning('daemon %r did not end in %.0f s and is left behind', func, PATIENCE)
    task.cancel()
    await wait([task])

"""An event loop in a thread, for tests that are not async."""

from __future__ import annotations

import asyncio
import threading
import traceback
from collections.abc import Coroutine
from concurrent.futures import Future
from sys import (
    _current_frames as current_frames,  # pyright: ignore[reportPrivateUsage]  # documented, in spite of its name
)
from typing import Any, TypeVar

from .library import httpx
from .waiting import GRACE, LONGEST

T = TypeVar('T')


class Portal:
    """An event loop in a thread, and the way to it."""

    def __init__(self) -> None:
        started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self.thread: threading.Thread = threading.Thread(
            target=_serve, args=(started,), name='heaven-testing', daemon=True
        )
        self.thread.start()
        self.loop: asyncio.AbstractEventLoop
        self.loop, self._stop = started.result(LONGEST)
        self.stuck: bool = False  # the application holds the loop

    def run(self, coroutine: Coroutine[Any, Any, T], limit: float) -> T:
        """Run a coroutine, in the context of the caller; its own waits are limited, so only the loop can be stuck."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self.loop)
        try:
            while True:
                try:
                    return future.result(limit + GRACE)
                except TimeoutError:
                    if future.done():
                        raise
                    turned = threading.Event()
                    self.loop.call_soon_threadsafe(turned.set)
                    if not turned.wait(GRACE):
                        self.stuck = True
                        text = f'the application holds the event loop:\n{self.stack()}'
                        raise httpx.ReadTimeout(text) from None
        finally:
            future.cancel()

    def stop(self, limit: float) -> None:
        """End the loop and the thread. Raises TimeoutError if the thread has not ended after `limit` seconds."""
        self.loop.call_soon_threadsafe(self._stop.set)
        self.thread.join(limit)
        if self.thread.is_alive():
            raise TimeoutError(f'the thread of the client does not end:\n{self.stack()}')

    def abandon(self) -> None:
        """Let the loop and the thread end, and wait for neither."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._stop.set)

    def stack(self) -> str:
        """Return where the thread is, as a traceback shows it."""
        frame = current_frames().get(self.thread.ident or 0)
        return ''.join(traceback.format_stack(frame)[-3:]) if frame is not None else ''


def _serve(started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]]) -> None:
    async def main() -> None:
        stop = asyncio.Event()
        started.set_result((asyncio.get_running_loop(), stop))
        await stop.wait()

    asyncio.run(main())

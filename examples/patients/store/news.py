"""News: whoever watches the records hears that they may have changed."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class News:
    """Wakes those who watch in this process; over_redis.py tells the other processes, where there are any."""

    def __init__(self) -> None:
        self.watchers: set[asyncio.Event] = set()
        self.untold = asyncio.Event()  # set while other processes do not know of a change yet

    def changed(self) -> None:
        """Tell everybody that a transaction of this process is done."""
        self.wake()
        self.untold.set()

    def wake(self) -> None:
        """Let everybody in this process look again."""
        for watcher in self.watchers:
            watcher.set()

    @contextmanager
    def watching(self) -> Iterator[asyncio.Event]:
        """Give an event that is set whenever something may have changed; clear it before the next look."""
        watcher = asyncio.Event()
        self.watchers.add(watcher)
        try:
            yield watcher
        finally:
            self.watchers.discard(watcher)

"""Blocks that somebody else can end: by cancelling the task that runs them, and taking that back at their end."""

import asyncio
from typing import Any, cast


class Interruptible:
    """A block of a `with` that can be interrupted: what it waits for is cancelled.

    The task must not count as cancelled afterwards (asyncio, `Task.uncancel`), and a block may have been cancelled by
    somebody else too, who is to see the CancelledError.
    """

    task: 'asyncio.Task[Any]'
    is_interrupted: bool = False

    def begin(self) -> None:
        """Take note of the task that runs the block; a connection is always served in one."""
        self.task = cast('asyncio.Task[Any]', asyncio.current_task())

    def interrupt(self) -> None:
        """Cancel what the block waits for."""
        self.is_interrupted = True
        self.task.cancel()

    def take_back(self, error: BaseException | None) -> bool:
        """Take the interruption back, if there was one, with what the block has ended with.

        Return whether it alone is what has ended the block by a CancelledError.
        """
        if not self.is_interrupted:
            return False
        is_cancelled_by_others = self.task.uncancel() > 0
        return isinstance(error, asyncio.CancelledError) and not is_cancelled_by_others

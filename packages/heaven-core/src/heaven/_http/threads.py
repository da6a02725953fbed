"""Worker threads: a pool of our own, so that what blocks never waits for what others do in asyncio's.

It has up to 40 threads, at most 20 of them for synchronous streams, which may hold theirs for long. They are daemon
threads: none keeps the process alive.
"""

import asyncio
import os
from collections import deque
from collections.abc import Callable, Iterator
from contextvars import copy_context
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, Self, TypeVar

T = TypeVar('T')
Job = Callable[[], None]

THREADS = 40
STREAM_THREADS = 20
END = object()


class Pool:
    """Runs jobs in threads, started when they are needed and kept."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.reset()

    def reset(self) -> None:
        """Begin without threads."""
        self.lock = Lock()
        self.jobs: SimpleQueue[Job] = SimpleQueue()
        self.started = 0
        self.idle = 0

    def submit(self, job: Job) -> None:
        """Run a job as soon as a thread is free; it must not raise."""
        with self.lock:
            if self.idle:
                self.idle -= 1
            elif self.started < self.size:
                self.started += 1
                Thread(target=self._work, name=f'heaven-{self.started}', daemon=True).start()
        self.jobs.put(job)

    def _work(self) -> None:
        while True:
            self.jobs.get()()
            with self.lock:
                self.idle += 1


class Share:
    """A part of a pool: at most so many of its threads at once; what is more waits here, not in the pool."""

    def __init__(self, pool: Pool, size: int) -> None:
        self.pool = pool
        self.size = size
        self.reset()

    def reset(self) -> None:
        """Begin with nothing running."""
        self.lock = Lock()
        self.running = 0
        self.waiting: deque[Job] = deque()

    def submit(self, job: Job) -> None:
        """Run a job as soon as this share has a thread free."""
        with self.lock:
            if self.running == self.size:
                self.waiting.append(job)
                return
            self.running += 1
        self.pool.submit(lambda: self._work(job))

    def _work(self, job: Job) -> None:
        job()
        with self.lock:
            if not self.waiting:
                self.running -= 1
                return
            following = self.waiting.popleft()
        self.pool.submit(lambda: self._work(following))


class OwnThread:
    """A thread for one job, which may take as long as the app runs."""

    def submit(self, job: Job) -> None:
        """Run a job in a new thread."""
        Thread(target=job, name='heaven-daemon', daemon=True).start()


Threads = Pool | Share | OwnThread
pool = Pool(THREADS)
stream_share = Share(pool, STREAM_THREADS)


def _forget_threads() -> None:
    """Begin anew in a forked process, which has none of its parent's threads."""
    pool.reset()
    stream_share.reset()


if hasattr(os, 'register_at_fork'):
    os.register_at_fork(after_in_child=_forget_threads)


class Outcome(asyncio.Future[T]):
    """What a thread will give. A thread cannot be interrupted, so whoever waits for one cannot be either.

    A task that is cancelled meanwhile is told so by asyncio when this is done.
    """

    def cancel(self, msg: Any = None) -> bool:
        """Refuse to be cancelled."""
        return False


async def run_in_thread(function: Callable[..., T], *args: Any, threads: Threads = pool) -> T:
    """Call a plain function in a worker thread, with the context variables of the caller.

    A caller that is cancelled meanwhile waits for it, and is cancelled then. A StopIteration becomes a RuntimeError,
    for a future cannot carry one.
    """
    loop = asyncio.get_running_loop()
    outcome: Outcome[T] = Outcome(loop=loop)
    context = copy_context()

    def finish(result: Any, error: BaseException | None) -> None:
        if error is not None:
            outcome.set_exception(error)
        else:
            outcome.set_result(result)

    def job() -> None:
        result: Any = None
        error: BaseException | None = None
        try:
            result = context.run(function, *args)
        except StopIteration as stop:
            error = RuntimeError(f'{function!r:.80} raised StopIteration')
            error.__cause__ = stop
        except BaseException as raised:
            error = raised
        try:
            loop.call_soon_threadsafe(finish, result, error)
        except RuntimeError:  # the loop has ended meanwhile: nobody waits
            pass

    threads.submit(job)
    return await outcome


class ThreadedIterator:
    """A synchronous iterator that is taken from in worker threads, so that it may block."""

    def __init__(self, iterator: Iterator[Any]) -> None:
        self.iterator = iterator

    def __aiter__(self) -> Self:
        """Iterate."""
        return self

    async def __anext__(self) -> Any:
        """Return the next item."""
        item: Any = await run_in_thread(next, self.iterator, END, threads=stream_share)
        if item is END:
            raise StopAsyncIteration
        return item

"""What work costs, measured against other work on the same machine: never a number of seconds."""

import functools
import time


def cost(work, *sizes, tries=5):
    """What `work(*sizes)` makes costs when it is called, in nanoseconds of this process: the least of some tries."""
    spent = []
    for _ in range(tries):
        run = work(*sizes)
        start = time.process_time_ns()
        run()
        spent.append(time.process_time_ns() - start)
    return max(min(spent), tick())


@functools.cache
def tick():
    """The step of the clock that measures, in nanoseconds: what takes less cannot be told from nothing."""
    start = time.process_time_ns()
    while True:
        now = time.process_time_ns()
        if now > start:
            return now - start


def compared(measure, other, enough, rounds=8):
    """measure() / other(), each the least of up to `rounds`: on a busy machine the same work may take twice as long.

    The first round that comes to `enough` or less ends it.
    """
    small = other(tries=5)
    large = measure(tries=1)
    for _ in range(rounds):
        if large <= enough * small:
            break
        small, large = min(small, other(tries=2)), min(large, measure(tries=1))
    return large / small


def ratio(work, n):
    """cost(10 n) / cost(n): about 10 for linear work, about 100 for quadratic."""
    return compared(functools.partial(cost, work, 10 * n), functools.partial(cost, work, n), enough=25)


def look_through_five_megabytes():
    data, table = b'%41\r\n=&' * 700_000, bytes.maketrans(b'%', b'=')
    return lambda: (data.translate(table).count(b'='), data.split(b'&'))


def passes(work, enough=30):
    """How often five megabytes can be copied, looked through and split at the cost of what `work()` makes."""
    return compared(functools.partial(cost, work), functools.partial(cost, look_through_five_megabytes), enough)

"""Daemons: background work from startup to shutdown."""

import asyncio
import threading
from itertools import pairwise

import pytest
from asks import Live
from heaven import SHUTDOWN, STARTUP, App, Overrides
from waiting import jumping, turns


async def until(condition, limit=10_000):
    async with asyncio.timeout(limit):
        while not condition():
            await asyncio.sleep(0.01)


def clocked(results):
    """When a daemon ran whose runs end with `results`, in seconds of a clock that jumps."""
    times, left = [], list(results)

    async def daemon(app):
        times.append(asyncio.get_running_loop().time())
        result = left.pop(0) if left else None
        if isinstance(result, BaseException):
            raise result
        return result

    async def main():
        app = App()
        app.DAEMON(daemon)
        async with Live(app):
            await until(lambda: not left)
            await asyncio.sleep(1000)

    jumping(main())
    return [later - sooner for sooner, later in pairwise(times)]


@pytest.mark.parametrize(
    'results, gaps', [([None], []), ([False], []), ([5, 5, 60.5, None], [5, 5, 60.5]), ([0, 0, 0, None], [0, 0, 0])]
)
def test_a_returned_number_is_the_seconds_to_the_next_run(results, gaps):
    assert clocked(results) == pytest.approx(gaps, abs=0.1)


def test_an_exception_is_logged_and_the_daemon_runs_again_later_and_later(caplog):
    gaps = clocked([ValueError('weak heart')] * 5 + [None])
    assert len(gaps) == 5 and gaps[0] > 0 and gaps == sorted(gaps) and gaps[3] > gaps[0]
    assert [(record.name, record.levelname) for record in caplog.records] == [('heaven', 'ERROR')] * 5
    assert 'weak heart' in caplog.text


def test_a_daemon_that_meets_a_cancellation_of_its_own_has_failed_and_runs_again(caplog):
    assert len(clocked([asyncio.CancelledError('the feed was cut')] * 2 + [None])) == 2
    assert [record.levelname for record in caplog.records] == ['ERROR'] * 2 and 'the feed was cut' in caplog.text


def test_a_daemon_that_waits_for_a_task_that_somebody_cancels_runs_again(caplog):
    async def main():
        app, runs = App(), []

        async def daemon(app):
            runs.append(1)
            if len(runs) == 1:
                feed = asyncio.ensure_future(asyncio.sleep(1000))
                asyncio.get_running_loop().call_soon(feed.cancel)
                await feed
            await asyncio.Event().wait()

        app.DAEMON(daemon)
        async with Live(app):
            await until(lambda: len(runs) == 2)
        return len(asyncio.all_tasks())

    assert jumping(main()) == 1
    assert len(caplog.records) == 1


@pytest.mark.parametrize('result', ['soon', [5], float('nan')])
def test_a_daemon_that_returns_neither_number_nor_none_has_failed(result, caplog):
    assert len(clocked([result, result, None])) == 2
    assert len(caplog.records) == 2 and repr(result) in caplog.text


def test_a_daemon_that_asks_for_a_pause_beyond_all_clocks_has_failed(caplog):
    assert len(clocked([10**400, None])) == 1
    assert len(caplog.records) == 1


def test_several_daemons_run_side_by_side_with_the_app_that_has_started():
    async def main():
        app, seen = App(), []

        async def daemon(app):
            seen.append(app.peek('db'))
            await asyncio.Event().wait()

        for _ in range(3):
            app.DAEMON(daemon)
        app.ON(STARTUP, lambda app: app.keep('db', 'open'))
        async with Live(app):
            await until(lambda: len(seen) == 3)
        return seen

    assert asyncio.run(main()) == ['open'] * 3


def test_a_busy_daemon_starves_nobody():
    async def main():
        app, runs = App(), []

        async def daemon(app):
            runs.append(1)
            return 0

        app.DAEMON(daemon)
        app.GET('/', lambda req, res, ctx: None)
        async with Live(app) as live:
            assert (await live.asking()).status == 200
            await until(lambda: len(runs) > 3)
        count = len(runs)
        await asyncio.sleep(0)
        return count == len(runs)

    assert asyncio.run(main())


def test_an_async_daemon_is_cancelled_and_awaited_at_shutdown():
    async def main():
        app, events = App(), []

        async def daemon(app):
            events.append('begun')
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                events.append('ended')

        app.DAEMON(daemon)
        app.ON(SHUTDOWN, lambda app: events.append('shutdown'))
        async with Live(app):
            await until(lambda: events)
        return events

    assert asyncio.run(main()) == ['begun', 'ended', 'shutdown']


@pytest.mark.parametrize('result', [1000, ValueError('weak heart')])
def test_a_daemon_that_sleeps_between_runs_ends_at_shutdown(result):
    async def main():
        app, runs = App(), []

        async def daemon(app):
            runs.append(1)
            if isinstance(result, Exception):
                raise result
            return result

        app.DAEMON(daemon)
        async with Live(app):
            await until(lambda: runs)
        return len(runs), len(asyncio.all_tasks())

    assert asyncio.run(main()) == (1, 1)


def test_a_sync_daemon_runs_in_a_thread_again_and_again_until_shutdown():
    app, threads = App(), []

    def daemon(app):
        threads.append(threading.get_ident())
        return 0

    app.DAEMON(daemon)
    with Live(app) as live:
        live.run(until(lambda: len(threads) > 2))
    count = len(threads)
    assert threading.get_ident() not in threads
    with Live(App()):
        pass
    assert count == len(threads)


def test_a_sync_daemon_at_work_is_waited_for_at_shutdown():
    app, begun, release, done = App(), threading.Event(), threading.Event(), []

    def daemon(app):
        begun.set()
        release.wait(60)
        done.append(True)
        return 0

    app.DAEMON(daemon)
    timer = threading.Timer(0.05, release.set)
    with Live(app) as live:
        live.run(until(begun.is_set))
        timer.start()
    assert done == [True]


def test_a_sync_daemon_that_does_not_end_is_left_behind_after_ten_seconds_with_a_word_in_the_log(caplog):
    app, begun, release = App(), threading.Event(), threading.Event()

    def stubborn(app):
        begun.set()
        release.wait(60)

    async def main():
        async with Live(app, limit=1000):
            await until(begun.is_set)
            start = asyncio.get_running_loop().time()
        release.set()
        return asyncio.get_running_loop().time() - start

    app.DAEMON(stubborn)
    assert 9.5 < jumping(main()) < 11
    assert 'stubborn' in caplog.text


def test_a_daemon_runs_anew_in_every_run():
    app, runs = App(), []

    async def daemon(app):
        runs.append(1)

    app.DAEMON(daemon)
    for n in (1, 2):
        with Live(app) as live:
            live.run(until(lambda n=n: len(runs) == n))
    assert len(runs) == 2


class Fatal(BaseException):
    """No failure of which a daemon is begun anew, as that which ends a test of pytest."""


def test_a_daemon_that_ends_with_what_is_no_exception_is_told_at_shutdown(caplog):
    assert clocked([1, Fatal('over')]) == [1]
    (record,) = caplog.records
    assert record.message.endswith('daemon failed') and str(record.exc_info[1]) == 'over'


def test_a_daemon_that_is_taken_out_while_the_app_runs_ends_with_its_run(caplog):
    app, runs = App(), []

    async def daemon(app):
        runs.append(1)
        return 1

    async def main():
        async with Live(app):
            await until(lambda: runs)
            app.override(Overrides([(daemon, None)]))
            await asyncio.sleep(100)

    app.DAEMON(daemon)
    jumping(main())
    assert (runs, caplog.records) == ([1], [])


def test_a_daemon_that_is_left_out_of_a_copy_never_runs():
    app, runs = App(), []
    app.DAEMON(runs.append)
    with Live(app.copy(Overrides([(runs.append, None)]))) as live:
        live.run(turns())
    assert runs == []

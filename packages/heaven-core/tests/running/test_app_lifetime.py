"""How long an app lives: one loop at a time, what is undone when a server goes away, how long each part may take."""

import asyncio
import threading
from contextlib import asynccontextmanager

import pytest
from asks import Live, StartupFailed, ask, meet, stream
from heaven import SHUTDOWN, STARTUP, App
from waiting import jumping, turns, until


def counted():
    """An app that notes its startups and shutdowns."""
    app, events = App(), []
    app.ON(STARTUP, lambda app: app.keep('run', events.append('up') or events.count('up')))
    app.ON(SHUTDOWN, lambda app: events.append('down'))
    app.GET('/', lambda req, res, ctx: res.out(200, req.app.peek('run')))
    app.WS('/', lambda req, ws, ctx: ws.send(str(req.app.peek('run'))))
    return app, events


# One loop at a time


@pytest.mark.parametrize('second', ['request', 'socket', 'lifespan'])
@pytest.mark.parametrize('closed', [True, False])
def test_an_app_whose_loop_has_ended_starts_anew_on_the_next_and_the_log_says_so(second, closed, caplog):
    app, events = counted()
    caplog.set_level('DEBUG', 'heaven')
    first = asyncio.new_event_loop()
    try:
        assert first.run_until_complete(stream(app).reply()).text == '1'
        if closed:
            first.close()
        caplog.clear()
        if second == 'request':
            assert ask(app).text == '2'
        elif second == 'socket':
            assert meet(app).sent == ['2']
        else:
            with Live(app) as live:
                assert live.ask().text == '2'
    finally:
        first.close()
    assert events == ['up', 'up', *['down'] * (second == 'lifespan')]
    assert [record for record in caplog.records if record.name.startswith('heaven')]


def test_an_app_whose_loop_has_ended_does_not_run_and_takes_registrations():
    app, _ = counted()
    loop = asyncio.new_event_loop()
    try:
        assert loop.run_until_complete(stream(app).reply()).text == '1'
    finally:
        loop.close()
    assert not app.is_running
    app.GET('/late', lambda req, res, ctx: res.out(200, 'late'))
    app.mount(App(), '/later')
    assert ask(app, 'GET', '/late').text == 'late'


def test_a_lost_run_that_is_stopped_late_ends_its_daemons_and_leaves_the_run_after_it_alone():
    ended = []

    async def daemon(app):
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(app.peek('run'))

    app, events = counted()
    app.DAEMON(daemon)
    lost = Live(app)
    lost.__enter__()
    lost.run(turns())  # and its loop does not run any more
    with Live(app) as live:
        live.run(turns())
        assert live.ask().text == '2'
        lost.__exit__(None, None, None)
        assert (app.peek('run'), live.ask().text) == (2, '2')
        assert (events, ended) == (['up', 'up'], [2])
    assert (events, ended) == (['up', 'up', 'down'], [2, 2])


def test_what_the_lost_run_kept_is_gone_with_it():
    app, seen = App(), []
    app.keep('always', 1)
    app.ON(STARTUP, lambda app: seen.append(app.peek('db')) or app.keep('db', 'open'))
    app.GET('/', lambda req, res, ctx: res.out(200, [req.app.peek('always'), req.app.peek('db')]))
    assert [ask(app).json() for _ in range(3)] == [[1, 'open']] * 3
    assert seen == [None] * 3


def test_a_lifespan_whose_loop_was_closed_without_a_shutdown_is_forgotten():
    app, events = counted()

    async def abandon():
        live = Live(app)
        await live.__aenter__()
        return live

    loop = asyncio.new_event_loop()
    live = loop.run_until_complete(abandon())
    live.task.cancel()
    loop.run_until_complete(asyncio.wait([live.task]))
    loop.close()
    events.clear()
    with Live(app) as live:
        assert live.ask().status == 200
    assert events == ['up', 'down']


class Elsewhere:
    """An app that runs between startup and shutdown on a loop of another thread."""

    def __init__(self, app):
        self.app, self.ready, self.stop = app, threading.Event(), threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self.run()))

    async def run(self):
        async with Live(self.app):
            self.ready.set()
            await until(self.stop.is_set)

    def __enter__(self):
        self.thread.start()
        assert self.ready.wait(60)

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join(60)


def test_on_a_second_running_loop_a_request_is_a_500_a_socket_is_closed_and_a_lifespan_fails(caplog):
    app, events = counted()
    with Elsewhere(app):
        assert ask(app).status == 500
        assert 'loop' in caplog.text
        caplog.clear()
        peer = meet(app)
        assert not peer.accepted and (peer.code is not None or peer.status == 500)
        assert 'loop' in caplog.text
        with pytest.raises(StartupFailed, match='loop'), Live(app):
            pass
        assert events == ['up']
    assert events == ['up', 'down']
    assert ask(app).status == 200


@pytest.mark.parametrize('kind', ['http', 'lifespan'])
def test_without_an_event_loop_of_asyncio_an_app_refuses_and_says_why(kind, caplog):
    app, events = counted()
    sent = []

    async def receive():
        return {'type': 'lifespan.startup'}

    async def send(message):
        sent.append(message)

    scope = {'type': kind, 'asgi': {'version': '3.0'}, 'method': 'GET', 'path': '/', 'headers': [], 'state': {}}
    with pytest.raises(StopIteration):  # the end of a coroutine that nothing runs but this line
        app(scope, receive, send).send(None)
    assert sent[0].get('status') == 500 or 'Heaven runs on asyncio' in sent[0]['message']
    assert 'Heaven runs on asyncio' in caplog.text
    assert events == []


# What is undone


async def lifespan(app, receive, sent):
    async def send(message):
        sent.append(message['type'])

    await app({'type': 'lifespan', 'asgi': {'version': '3.0'}, 'state': {}}, receive, send)


def test_a_lifespan_that_is_cancelled_is_undone():
    app, events = counted()

    async def main():
        sent, orders = [], asyncio.Queue()
        orders.put_nowait({'type': 'lifespan.startup'})
        task = asyncio.ensure_future(lifespan(app, orders.get, sent))
        await until(lambda: sent)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled(), sent

    assert asyncio.run(main()) == (True, ['lifespan.startup.complete'])
    assert events == ['up', 'down']


def test_a_startup_that_is_cancelled_is_undone_as_far_as_it_came():
    app, events = App(), []

    async def generator(app):
        events.append('up')
        try:
            yield
        finally:
            events.append('down')

    async def slow(app):
        events.append('slow')
        await asyncio.Event().wait()

    app.ON(STARTUP, generator)
    app.ON(SHUTDOWN, lambda app: events.append('function'))
    app.ON(STARTUP, slow)

    async def main():
        orders = asyncio.Queue()
        orders.put_nowait({'type': 'lifespan.startup'})
        task = asyncio.ensure_future(lifespan(app, orders.get, []))
        await until(lambda: 'slow' in events)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert asyncio.run(main())
    assert events == ['up', 'slow', 'function', 'down']


def test_a_lifespan_whose_server_goes_away_is_undone():
    app, events = counted()

    async def main():
        orders = [{'type': 'lifespan.startup'}]

        async def receive():
            if orders:
                return orders.pop()
            raise ConnectionError('the server is gone')

        task = asyncio.ensure_future(lifespan(app, receive, []))
        await asyncio.wait([task])

    asyncio.run(main())
    assert events == ['up', 'down']


# Ten seconds


async def for_ever(app):
    await asyncio.Event().wait()


def timed(app):
    """How long the shutdown of an app took, by a clock that jumps."""

    async def main():
        live = Live(app, limit=10_000)
        await live.__aenter__()
        await asyncio.sleep(1)
        start = asyncio.get_running_loop().time()
        try:
            await live.__aexit__()
        except StartupFailed:
            pass
        return asyncio.get_running_loop().time() - start

    return jumping(main())


def hanging_function(app):
    app.ON(SHUTDOWN, for_ever)


def hanging_generator(app):
    async def for_ever(app):
        yield
        await asyncio.Event().wait()

    app.ON(STARTUP, for_ever)


def hanging_manager(app):
    @asynccontextmanager
    async def for_ever(app):
        yield
        await asyncio.Event().wait()

    app.ON(STARTUP, for_ever)


def hanging_daemon(app):
    async def for_ever(app):
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.Event().wait()

    app.DAEMON(for_ever)


def hanging_mounted_app(app):
    async def for_ever(scope, receive, send):
        await receive()
        await send({'type': 'lifespan.startup.complete'})
        await receive()
        await asyncio.Event().wait()

    app.mount(for_ever, '/for_ever')


HANGING = [hanging_function, hanging_generator, hanging_manager, hanging_daemon, hanging_mounted_app]


@pytest.mark.parametrize('hang', HANGING)
def test_every_part_of_a_shutdown_has_ten_seconds_then_the_log_names_it_and_the_shutdown_goes_on(hang, caplog):
    app, events = App(), []
    app.ON(SHUTDOWN, lambda app: events.append('first'))
    hang(app)
    app.ON(SHUTDOWN, lambda app: events.append('last'))
    assert 9.5 < timed(app) < 11.5
    assert events == ['last', 'first']
    assert 'for_ever' in caplog.text


def test_each_part_has_ten_seconds_of_its_own(caplog):
    app = App()
    for _ in range(3):
        app.ON(SHUTDOWN, for_ever)
    assert 29 < timed(app) < 33


def test_a_part_that_ends_in_time_is_waited_for(caplog):
    app, events = App(), []

    async def slow(app):
        await asyncio.sleep(9)
        events.append('slow')

    app.ON(SHUTDOWN, slow)
    assert 8.5 < timed(app) < 9.5
    assert (events, caplog.records) == (['slow'], [])


@pytest.mark.parametrize('hang', [hanging_function, hanging_daemon])
def test_a_shutdown_that_is_cancelled_goes_on_and_then_ends_as_cancelled(hang, caplog):
    app, events = App(), []
    app.ON(SHUTDOWN, lambda app: events.append('first'))
    hang(app)
    app.ON(SHUTDOWN, lambda app: events.append('last'))

    async def main():
        sent, orders = [], asyncio.Queue()
        orders.put_nowait({'type': 'lifespan.startup'})
        task = asyncio.ensure_future(lifespan(app, orders.get, sent))
        await until(lambda: sent)
        orders.put_nowait({'type': 'lifespan.shutdown'})
        await turns()
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled(), sent

    assert jumping(main()) == (True, ['lifespan.startup.complete'])
    assert events == ['last', 'first']


def test_a_timeout_that_a_shutdown_function_raises_is_a_failure_of_its_own(caplog):
    app = App()

    async def slow(app):
        raise TimeoutError('the database')

    app.ON(SHUTDOWN, slow)
    with pytest.raises(StartupFailed, match='TimeoutError: the database'), Live(app):
        pass
    (record,) = caplog.records
    assert record.message.startswith('shutdown: ') and record.message.endswith('slow failed')


# Functions that return an async context manager


def managed(events, mark):
    @asynccontextmanager
    async def manager(app):
        events.append(f'{mark} up')
        try:
            yield mark
        finally:
            events.append(f'{mark} down')

    return manager


class Manager:
    def __init__(self, events, mark):
        self.events, self.mark = events, mark

    async def __aenter__(self):
        self.events.append(f'{self.mark} up')

    async def __aexit__(self, *error):
        self.events.append(f'{self.mark} down')


def test_a_function_that_returns_an_async_context_manager_is_entered_at_startup_and_left_at_shutdown():
    app, events = App(), []
    app.ON(STARTUP, managed(events, 'a'))
    app.ON(SHUTDOWN, lambda app: events.append('b'))
    app.ON(STARTUP, lambda app: Manager(events, 'c'))
    for _ in range(2):
        with Live(app):
            assert events == ['a up', 'c up']
        assert events == ['a up', 'c up', 'c down', 'b', 'a down']
        events.clear()


def test_what_can_be_awaited_is_awaited_instead():
    events = []

    class Pool(Manager):
        def __await__(self):
            self.events.append('awaited')
            yield from asyncio.sleep(0).__await__()

    app = App()
    app.ON(STARTUP, lambda app: Pool(events, 'pool'))
    with Live(app):
        assert events == ['awaited']
    assert events == ['awaited']


@pytest.mark.parametrize('order', [0, 1])
def test_a_startup_that_fails_leaves_what_was_entered(order):
    app, events = App(), []

    @asynccontextmanager
    async def broken(app):
        raise ValueError('no database today')
        yield

    app.ON(STARTUP, managed(events, 'a'))
    app.ON(STARTUP, broken if order else lambda app: 1 / 0)
    app.ON(STARTUP, managed(events, 'never'))
    with pytest.raises(StartupFailed, match='no database today' if order else 'division'), Live(app):
        pass
    assert events == ['a up', 'a down']


def test_one_that_fails_as_it_is_left_is_logged_and_the_rest_is_left(caplog):
    app, events = App(), []

    @asynccontextmanager
    async def bad(app):
        yield
        raise ValueError('bad end')

    app.ON(STARTUP, managed(events, 'a'))
    app.ON(STARTUP, bad)
    app.ON(STARTUP, managed(events, 'b'))
    with pytest.raises(StartupFailed, match='bad end'), Live(app):
        pass
    assert events == ['a up', 'b up', 'b down', 'a down'] and 'bad end' in caplog.text


def test_a_manager_of_a_mounted_app_sees_that_app():
    seen = []

    @asynccontextmanager
    async def manager(app):
        seen.append(app)
        yield

    root, child = App(), App()
    child.ON(STARTUP, manager)
    root.mount(child, '/x')
    with Live(root):
        assert seen == [child]


# Lifespans of mounted apps


def answering_after(seconds):
    async def sluggish(scope, receive, send):
        await receive()
        await asyncio.sleep(seconds)
        await send({'type': 'lifespan.startup.complete'})
        await receive()
        await send({'type': 'lifespan.shutdown.complete'})

    return sluggish


@pytest.mark.parametrize(
    'seconds, told, starts', [(0, 0, True), (9, 0, True), (11, 1, True), (59, 1, True), (61, 1, False)]
)
def test_a_mounted_app_has_60_seconds_to_start_and_the_log_names_it_after_10(seconds, told, starts, caplog):
    app, events = App(), []
    app.ON(SHUTDOWN, lambda app: events.append('down'))
    app.mount(answering_after(seconds), '/admin')

    async def main():
        start = asyncio.get_running_loop().time()
        try:
            async with Live(app, limit=10_000):
                return True, asyncio.get_running_loop().time() - start
        except StartupFailed as error:
            assert 'sluggish' in str(error) or '/admin' in str(error)
            return False, asyncio.get_running_loop().time() - start

    started, spent = jumping(main())
    assert (started, spent) == (starts, pytest.approx(min(seconds, 60), abs=1.5))
    assert bool(caplog.records) == bool(told)
    assert not told or 'sluggish' in caplog.text or '/admin' in caplog.text
    assert events == ['down']


def test_an_app_is_not_draining_unless_its_server_stops():
    app = App()
    assert app.draining is False
    with Live(app):
        assert app.draining is False

"""Startup and shutdown: their order, their failures, and apps that no server starts."""

import asyncio
import logging
import sys

import pytest
from asks import Live, StartupFailed, ask, asking, stream
from heaven import SHUTDOWN, STARTUP, App, Overrides
from live import lifespan


def noted(events, mark, kind='sync'):
    async def coroutine(app):
        await asyncio.sleep(0)
        events.append(mark)

    async def generator(app):
        events.append(f'{mark} up')
        yield
        await asyncio.sleep(0)
        events.append(f'{mark} down')

    return {'sync': lambda app: events.append(mark), 'async': coroutine, 'generator': generator}[kind]


def cycle(app):
    with Live(app):
        pass


@pytest.mark.parametrize('kind', ['sync', 'async'])
def test_startup_functions_run_in_order_with_the_app(kind):
    app, events = App(), []
    app.ON(STARTUP, events.append)
    for mark in 'abc':
        app.ON(STARTUP, noted(events, mark, kind))
    with Live(app):
        assert events == [app, 'a', 'b', 'c']
    assert events == [app, 'a', 'b', 'c']


def test_shutdown_is_the_reverse_of_registration_functions_and_generators_together():
    app, events = App(), []
    app.ON(SHUTDOWN, noted(events, 'a'))
    app.ON(STARTUP, noted(events, 'b', 'generator'))
    app.ON(SHUTDOWN, noted(events, 'c', 'async'))
    app.ON(STARTUP, noted(events, 'd', 'generator'))
    app.ON(STARTUP, noted(events, 'e'))
    app.ON(SHUTDOWN, noted(events, 'f'))
    with Live(app):
        assert events == ['b up', 'd up', 'e']
        events.clear()
    assert events == ['f', 'd down', 'c', 'b down', 'a']


def test_decorators_give_the_function_back():
    app, events = App(), []

    @app.ON(STARTUP)
    def up(app):
        events.append('up')

    @app.ON(SHUTDOWN)
    async def down(app):
        events.append('down')

    cycle(app)
    assert events == ['up', 'down'] and all(map(callable, (up, down)))


@pytest.mark.parametrize('event', ['start', None, 'STARTUP'])
def test_an_unknown_event_is_refused(event):
    with pytest.raises(ValueError, match='STARTUP'):
        App().ON(event, lambda app: None)


def test_a_plain_generator_is_refused_where_it_is_registered_with_a_word_about_async():
    def plain(app):
        yield

    with pytest.raises(TypeError, match='async'):
        App().ON(STARTUP, plain)


def test_a_plain_generator_that_a_function_returns_keeps_the_app_from_starting():
    def make(app):
        return iter_nothing()

    def iter_nothing():
        yield

    app = App()
    app.ON(STARTUP, make)
    with pytest.raises(StartupFailed, match='make is a plain generator: write it as async def'), Live(app):
        pass


def test_a_server_that_tells_both_gets_both_answers():
    assert lifespan(App(), 'startup', 'shutdown') == [
        {'type': 'lifespan.startup.complete'},
        {'type': 'lifespan.shutdown.complete'},
    ]


def test_functions_may_be_dotted_names(tmp_path, monkeypatch):
    folder = tmp_path / 'clinic_lifecycle'
    folder.mkdir()
    (folder / '__init__.py').write_text('')
    (folder / 'db.py').write_text(
        'events = []\n'
        'async def connect(app):\n    events.append(("up", app))\n    yield\n    events.append(("down", app))\n'
        'def close(app):\n    events.append(("close", app))\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    app = App()
    app.ON(STARTUP, 'clinic_lifecycle.db.connect')
    app.ON(SHUTDOWN, 'clinic_lifecycle.db.close')
    cycle(app)
    from clinic_lifecycle.db import events

    assert events == [('up', app), ('close', app), ('down', app)]


@pytest.mark.parametrize('name', ['nowhere_at_all.f', 'json.no_such_function', 'json'])
def test_a_dotted_name_that_leads_nowhere_refuses_to_start_and_says_so(name):
    app = App()
    app.ON(STARTUP, name)
    with pytest.raises(StartupFailed, match=name.rpartition('.')[2]):
        cycle(app)


def boom(app):
    raise ValueError('no database today')


async def boom_async(app):
    raise ValueError('no database today')


async def boom_generator(app):
    raise ValueError('no database today')
    yield


def leaves(app):
    sys.exit('no database today')


async def leaves_async(app):
    sys.exit('no database today')


class Panic(BaseException):
    """What an extension written in Rust raises when it panics is no Exception either."""


def panics(app):
    raise Panic('no database today')


async def cancelled(app):
    task = asyncio.ensure_future(asyncio.sleep(1000))
    task.cancel('no database today')
    await task


@pytest.mark.parametrize('broken', [boom, boom_async, boom_generator, cancelled, leaves, leaves_async, panics])
def test_a_startup_that_fails_undoes_what_had_started_and_tells_the_reason(broken):
    app, events = App(), []
    app.ON(STARTUP, noted(events, 'a', 'generator'))
    app.ON(STARTUP, noted(events, 'b', 'generator'))
    app.ON(STARTUP, broken)
    app.ON(STARTUP, noted(events, 'c', 'generator'))
    app.DAEMON(lambda app: events.append('daemon'))
    with pytest.raises(StartupFailed, match='no database today'):
        cycle(app)
    assert events == ['a up', 'b up', 'b down', 'a down']


def test_an_exit_in_a_startup_function_is_a_failed_startup_that_tells_the_reason():
    app, events = App(), []
    app.ON(SHUTDOWN, noted(events, 'a'))
    app.ON(STARTUP, leaves)
    assert lifespan(app, 'startup', 'shutdown') == [
        {'type': 'lifespan.startup.failed', 'message': 'SystemExit: no database today'},
    ]
    assert events == ['a']


@pytest.mark.parametrize('event', [STARTUP, SHUTDOWN])
def test_an_interrupt_is_no_failure_and_goes_on(event):
    def interrupted(app):
        raise KeyboardInterrupt

    app = App()
    app.ON(event, interrupted)
    with pytest.raises(KeyboardInterrupt):
        lifespan(app, 'startup', 'shutdown')


def test_a_failed_startup_is_one_message_and_nothing_is_waited_for():
    app = App()
    app.ON(STARTUP, boom)
    [answer] = lifespan(app, 'startup', 'shutdown')
    assert answer['type'] == 'lifespan.startup.failed' and 'no database today' in answer['message']


def test_an_app_whose_startup_failed_may_start_again():
    app, fails = App(), [True]
    app.ON(STARTUP, lambda app: fails and (fails.pop(), boom(app)))
    with pytest.raises(StartupFailed):
        cycle(app)
    app.GET('/', lambda req, res, ctx: None)
    with Live(app) as live:
        assert live.ask().status == 200


def test_shutdown_runs_whole_whatever_fails(caplog):
    app, events = App(), []

    async def bad_tail(app):
        yield
        raise ValueError('bad tail')

    app.ON(SHUTDOWN, noted(events, 'a'))
    app.ON(STARTUP, bad_tail)
    app.ON(SHUTDOWN, noted(events, 'b', 'async'))
    app.ON(SHUTDOWN, boom)
    app.ON(STARTUP, noted(events, 'c', 'generator'))
    app.ON(SHUTDOWN, boom_async)
    app.ON(SHUTDOWN, cancelled)
    app.ON(SHUTDOWN, leaves_async)
    app.ON(SHUTDOWN, panics)
    answers = lifespan(app, 'startup', 'shutdown')
    assert events == ['c up', 'c down', 'b', 'a']
    assert len(answers) == 2 and answers[1]['type'].startswith('lifespan.shutdown.')
    assert len(caplog.records) == 6 and 'SystemExit: no database today' in answers[1]['message']
    assert caplog.text.count('Error: no database today') == 3 and caplog.text.count('ValueError: bad tail') == 1


def test_a_generator_that_yields_again_is_ended_and_stops_nothing(caplog):
    app, events = App(), []

    async def twice(app):
        try:
            yield
            yield
        finally:
            events.append('ended')

    app.ON(SHUTDOWN, noted(events, 'a'))
    app.ON(STARTUP, twice)
    lifespan(app, 'startup', 'shutdown')
    assert events == ['ended', 'a']


def test_what_startup_awaits_is_on_the_loop_that_serves():
    app, loops = App(), []

    async def startup(app):
        loops.append(asyncio.get_running_loop())
        yield
        loops.append(asyncio.get_running_loop())

    async def handler(req, res, ctx):
        loops.append(asyncio.get_running_loop())

    app.ON(STARTUP, startup)
    app.GET('/', handler)
    with Live(app) as live:
        live.ask()
    assert len(loops) == 3 and len(set(loops)) == 1


# without lifespan


def slow_start(starts, fails=0):
    app = App()

    async def startup(app):
        starts.append(1)
        await asyncio.sleep(0)
        if len(starts) <= fails:
            raise ValueError('not yet')
        app.keep('db', 'there')

    app.ON(STARTUP, startup)
    app.GET('/', lambda req, res, ctx: res.out(200, req.app.peek('db')))
    return app


def test_the_first_requests_start_the_app_once():
    starts = []
    app = slow_start(starts)

    async def main():
        return await asyncio.gather(*(asking(app) for _ in range(5)))

    assert [reply.text for reply in asyncio.run(main())] == ['there'] * 5
    assert len(starts) == 1


def test_a_first_request_that_cannot_start_the_app_is_a_500_and_the_next_tries_again(caplog):
    starts = []
    app = slow_start(starts, fails=2)

    async def main():
        return [(await asking(app)).status for _ in range(4)]

    assert asyncio.run(main()) == [500, 500, 200, 200]
    assert len(starts) == 3
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2
    assert 'not yet' in caplog.text


def test_a_startup_failure_is_not_shown_to_the_client():
    assert 'not yet' not in ask(slow_start([], fails=1)).text


def test_a_client_that_leaves_while_the_app_starts_does_not_start_it_twice():
    starts = []
    app = slow_start(starts)

    async def main():
        first, second = stream(app).start(), stream(app).start()
        while not starts:
            await asyncio.sleep(0)
        first.task.cancel()
        return await second.reply(), await asking(app)

    assert [reply.text for reply in asyncio.run(main())] == ['there', 'there']
    assert len(starts) <= 2


# registration and runs

REGISTRATIONS = {
    'GET': lambda app, f: app.GET('/x', f),
    'METHOD': lambda app, f: app.METHOD('PROPFIND', '/x', f),
    'HTTP': lambda app, f: app.HTTP('/x', f),
    'WS': lambda app, f: app.WS('/x', f),
    'group': lambda app, f: app.group('/v1').GET('/x', f),
    'BEFORE': lambda app, f: app.BEFORE('/x', f),
    'AFTER': lambda app, f: app.AFTER('/x', f),
    'ERROR': lambda app, f: app.ERROR(404, f),
    'ON': lambda app, f: app.ON(STARTUP, f),
    'DAEMON': lambda app, f: app.DAEMON(f),
    'mount': lambda app, f: app.mount(App(), '/x'),
    'use': lambda app, f: app.use(lambda app: app),
    'subdomain': lambda app, f: app.subdomain('api'),
    'TYPE': lambda app, f: app.TYPE('slug', str),
}


@pytest.mark.parametrize('register', REGISTRATIONS.values(), ids=REGISTRATIONS)
def test_registration_while_the_app_runs_is_a_runtimeerror(register):
    app = App()
    with Live(app) as live:
        with pytest.raises(RuntimeError):
            register(app, lambda *args: None)
        assert live.ask('GET', '/x').status == 404
    register(app, lambda *args: None)


def test_registration_during_startup_is_still_possible_or_said_not_to_be():
    app = App()
    app.ON(STARTUP, lambda app: app.GET('/late', lambda req, res, ctx: None))
    try:
        with Live(app) as live:
            assert live.ask('GET', '/late').status == 200
    except StartupFailed as error:
        assert 'RuntimeError' in str(error) or 'start' in str(error)


def test_registration_after_a_first_request_without_lifespan_is_a_runtimeerror():
    async def main():
        app = App()
        await asking(app)
        with pytest.raises(RuntimeError):
            app.GET('/', lambda req, res, ctx: None)

    asyncio.run(main())


def test_after_shutdown_routes_may_be_added_and_the_app_starts_again():
    app, events = App(), []
    app.ON(STARTUP, noted(events, 'a', 'generator'))
    app.GET('/one', lambda req, res, ctx: res.out(200, 'one'))
    for name in ('two', 'three'):
        cycle(app)
        app.GET(f'/{name}', lambda req, res, ctx, name=name: res.out(200, name))
    with Live(app) as live:
        assert [live.ask('GET', f'/{name}').text for name in ('one', 'two', 'three')] == ['one', 'two', 'three']
    assert events == ['a up', 'a down'] * 3


def test_what_a_run_kept_goes_with_it_and_what_was_kept_before_stays():
    app, seen = App(), []
    app.keep('always', 1)

    def startup(app):
        seen.append((app.peek('always'), app.peek('run')))
        app.keep('run', 2)

    app.ON(STARTUP, startup)
    app.GET('/', lambda req, res, ctx: res.out(200, [req.app.peek('always'), req.app.peek('run')]))
    for _ in range(2):
        with Live(app) as live:
            assert live.ask().json() == [1, 2]
    assert seen == [(1, None), (1, None)]


def test_shutdown_still_sees_what_the_run_kept():
    app, seen = App(), []
    app.ON(STARTUP, lambda app: app.keep('db', 'open'))
    app.ON(SHUTDOWN, lambda app: seen.append(app.peek('db')))
    cycle(app)
    assert seen == ['open']


def test_a_middleware_added_after_shutdown_is_there_in_the_next_run():
    app, seen = App(), []

    def noting(inner, mark):
        async def middleware(scope, receive, send):
            seen.append(mark)
            await inner(scope, receive, send)

        return middleware

    for mark in 'ab':
        app.use(noting, mark=mark)
        seen.clear()
        cycle(app)
    assert seen == ['b', 'a']


@pytest.mark.parametrize('isolated', [True, False])
def test_what_a_copy_was_told_to_keep_wins_over_what_startup_keeps(isolated):
    app, child, seen = App(), App(), []
    app.ON(STARTUP, lambda app: app.keep('db', 'real'))
    child.ON(STARTUP, lambda app: app.keep('db', 'real'))
    for each in (app, child):
        each.ON(SHUTDOWN, lambda app: seen.append(app.peek('db')))
    app.mount(child, '/child', isolated)
    cycle(app.copy(Overrides(state={'db': 'fake'})))
    cycle(app)
    assert seen == ['real' if isolated else 'fake', 'fake', 'real', 'real']


def test_a_copy_runs_what_was_put_in_place_of_a_lifecycle_function_and_leaves_out_what_is_none():
    app, events = App(), []
    start = noted(events, 'start')
    app.ON(STARTUP, start)
    stop, other = noted(events, 'stop'), noted(events, 'other')
    app.ON(SHUTDOWN, stop)
    app.ON(SHUTDOWN, other)
    cycle(app.copy(Overrides([(stop, noted(events, 'fake', 'async')), (other, None), (start, None)])))
    assert events == ['fake']
    cycle(app)
    assert events == ['fake', 'start', 'other', 'stop']

"""Deferred work: after the last message, inside the same call, each on its own."""

import asyncio
import threading

import pytest
from asks import ask, raised, stream
from driver import Exchange
from heaven import App


class Watched(Exchange):
    """An exchange that tells in `events` when the last message went out and when the app returned."""

    async def send(self, message):
        await super().send(message)
        if self.done:
            self.scope['events'].append('sent')


def run(handler, method='GET', app=None, **options):
    events = []
    app = app or App()
    app.METHOD(method, '/', lambda req, res, ctx: handler(req, res, events))

    async def main():
        reply = await Watched(app, method, '/', events=events, **options).reply()
        events.append('returned')
        return reply

    return asyncio.run(main()), events


def later(events, mark):
    async def work(app):
        await asyncio.sleep(0)
        events.append(mark)

    return work


def at_once(events, mark):
    def work(app):
        events.append(mark)

    return work


async def streamed():
    yield b'a'


@pytest.mark.parametrize('kind', [later, at_once])
@pytest.mark.parametrize('body', ['text', {'a': 1}, None, streamed], ids=['text', 'json', 'none', 'stream'])
@pytest.mark.parametrize('method', ['GET', 'HEAD', 'POST'])
def test_deferred_work_runs_after_the_last_message_and_before_the_app_returns(kind, body, method):
    def handler(req, res, events):
        res.body = body() if callable(body) else body
        res.defer(kind(events, 'work'))

    reply, events = run(handler, method)
    assert (reply.status, events) == (200, ['sent', 'work', 'returned'])


def test_work_runs_one_after_another_in_the_order_it_was_deferred():
    def handler(req, res, events):
        for mark in 'abc':
            res.defer(at_once(events, mark) if mark == 'b' else later(events, mark))

    assert run(handler)[1] == ['sent', 'a', 'b', 'c', 'returned']

    def asynchronous(req, res, events):
        res.defer(later(events, 'a')).defer(later(events, 'b')).defer(later(events, 'c'))

    assert run(asynchronous)[1] == ['sent', 'a', 'b', 'c', 'returned']


def test_sync_work_runs_in_a_thread_and_async_work_on_the_loop():
    here, seen = threading.get_ident(), {}

    def sync(app):
        seen['sync'] = threading.get_ident()

    async def coroutine(app):
        seen['async'] = threading.get_ident()

    run(lambda req, res, events: res.defer(sync).defer(coroutine))
    assert seen['async'] == here != seen['sync']


def test_work_gets_the_app():
    got, app = [], App()
    app.GET('/', lambda req, res, ctx: res.defer(got.append).defer(later(got, req.app)))
    assert ask(app).status == 200
    assert got == [app, app]


@pytest.mark.parametrize('kind', [later, at_once])
def test_work_that_fails_is_logged_and_stops_nothing(kind, caplog):
    async def bad_async(app):
        raise ValueError('bad work')

    def bad_sync(app):
        raise ValueError('bad work')

    def handler(req, res, events):
        res.defer(bad_async).defer(bad_sync).defer(kind(events, 'work'))

    reply, events = run(handler)
    assert (reply.status, events) == (200, ['sent', 'work', 'returned'])
    assert [(record.name, record.levelname) for record in caplog.records] == [('heaven', 'ERROR')] * 2
    assert caplog.text.count('ValueError: bad work') == 2


async def cancelled():
    """Awaits a task that was cancelled: the CancelledError is its own, the one who awaits it is not cancelled."""
    task = asyncio.ensure_future(asyncio.sleep(1))
    task.cancel()
    await task


@pytest.mark.parametrize('kind', [later, at_once])
def test_work_that_awaits_what_was_cancelled_is_logged_and_stops_nothing(kind, caplog):
    async def bad(app):
        await cancelled()

    reply, events = run(lambda req, res, events: res.defer(bad).defer(kind(events, 'work')))
    assert (reply.status, reply.error, events) == (200, None, ['sent', 'work', 'returned'])
    assert [(record.name, record.levelname) for record in caplog.records] == [('heaven', 'ERROR')]
    assert 'CancelledError' in caplog.text


def test_work_that_is_cancelled_with_its_request_ends_and_so_does_what_follows(caplog):
    async def main():
        app, begun, ran = App(), asyncio.Event(), []

        async def work(app):
            begun.set()
            await asyncio.Event().wait()

        app.GET('/', lambda req, res, ctx: res.defer(work).defer(ran.append))
        with stream(app) as exchange:
            await exchange.sent(0)
            await asyncio.wait_for(begun.wait(), 60)
            exchange.task.cancel()
            await asyncio.wait([exchange.task])
            return exchange.task.cancelled(), ran

    assert asyncio.run(main()) == (True, [])
    assert caplog.records == []


@pytest.mark.parametrize('page', [None, 500, ValueError])
def test_nothing_deferred_runs_after_a_500_whoever_made_it(page):
    app = App()
    if page:
        app.ERROR(page, lambda req, res, ctx: res.out(500, 'sorry'))

    def handler(req, res, events):
        res.defer(at_once(events, 'work'))
        raise ValueError('broken')

    reply, events = run(handler, app=app)
    assert (reply.status, events) == (500, ['sent', 'returned'])


def test_what_cannot_be_encoded_is_a_500_and_runs_nothing_deferred():
    def handler(req, res, events):
        res.defer(at_once(events, 'work')).body = [object()]

    reply, events = run(handler)
    assert (reply.status, events) == (500, ['sent', 'returned'])


@pytest.mark.parametrize('status, work', [(404, ['work']), (503, ['work']), (500, [])])
def test_work_deferred_before_an_abort_runs_but_for_a_500(status, work):
    def handler(req, res, events):
        res.defer(at_once(events, 'work')).abort(status)

    reply, events = run(handler)
    assert (reply.status, events) == (status, ['sent', *work, 'returned'])


def test_hooks_may_defer_too():
    app, ran = App(), []
    app.BEFORE('/*', lambda req, res, ctx: res.defer(lambda app: ran.append('before')) and None)
    app.AFTER('/*', lambda req, res, ctx: res.defer(lambda app: ran.append('after')))
    assert ask(lambda req, res, ctx: res.out(200, 'x'), app=app).text == 'x'
    assert sorted(ran) == ['after', 'before']


def test_the_response_is_whole_before_the_work_is_done():
    async def main():
        go, app = asyncio.Event(), App()

        async def work(app):
            await go.wait()

        app.GET('/', lambda req, res, ctx: res.out(200, 'x').defer(work))
        with stream(app) as exchange:
            assert (await exchange.sent(1)).get('more_body', False) is False
            assert not exchange.task.done()
            go.set()
            return await exchange.reply()

    assert asyncio.run(main()).text == 'x'


def test_a_plain_function_may_defer_what_can_be_awaited():
    ran = []

    async def audit(app):
        ran.append(1)

    assert call_with(lambda app: audit(app)) and ran == [1]


def call_with(func):
    app = App()
    app.GET('/', lambda req, res, ctx: res.out(200, 'x').defer(func))
    return ask(app).status == 200


@pytest.mark.parametrize('work', ['jobs.send_mail', None, 5])
def test_what_is_no_function_is_refused_where_it_is_deferred(work):
    error = raised(lambda req, res, ctx: res.defer(work))
    assert isinstance(error, TypeError) and 'res.defer takes a function' in str(error)

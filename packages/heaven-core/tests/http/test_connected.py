"""Work that ends with the client: `async with req.connected()`, and a leaving that is noticed whatever was sent."""

import asyncio

import pytest
from asks import Live, ask
from heaven import App, Disconnected, TooLarge
from waiting import turns, until


def served(handler, method='GET', **options):
    app = App(max_body_size=10)
    app.METHOD(method, '/', handler, **options)
    return app


def left(app, method='GET', begun=None, **options):
    """The reply of a request whose client leaves when `begun` is set."""

    async def run():
        async with Live(app) as live:
            with live.stream(method, '/', **options) as exchange:
                await until(begun)
                exchange.leave()
                reply = await exchange.reply()
            await turns()
            return reply, len(asyncio.all_tasks())

    reply, tasks = asyncio.run(run())
    assert tasks == 2  # the test and the lifespan
    return reply


BODIES = [('GET', {}), ('GET', {'body': b'x'}), ('GET', {'body': [b'a', b'b']}), ('POST', {'body': b'x'}),
          ('POST', {'body': b''}), ('GET', {'body': [b'x' * 8] * 5})]  # fmt: skip


@pytest.mark.parametrize('method, options', BODIES, ids=range(6))
def test_the_block_is_cancelled_and_disconnected_is_raised_when_the_client_leaves(method, options, caplog):
    seen = []

    async def handler(req, res, ctx):
        try:
            async with req.connected():
                try:
                    seen.append('begun')
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    seen.append('cancelled')
                    raise
        except Disconnected:
            seen.append('left')
            raise

    reply = left(served(handler, method), method, lambda: seen, **options)
    assert (seen, reply.messages, caplog.records) == (['begun', 'cancelled', 'left'], [], [])


def test_a_handler_may_catch_it_and_go_on():
    seen = []

    async def handler(req, res, ctx):
        try:
            async with req.connected():
                seen.append('begun')
                await asyncio.Event().wait()
        except Disconnected:
            await asyncio.sleep(0)
            seen.append('cleaned')
        assert await req.disconnected()

    left(served(handler), begun=lambda: seen)
    assert seen == ['begun', 'cleaned']


def test_a_block_that_ends_is_just_a_block():
    async def handler(req, res, ctx):
        async with req.connected():
            await asyncio.sleep(0)
            res.body = 'done'
        async with req.connected():
            pass
        assert not await req.disconnected()

    assert ask(handler).text == 'done'


@pytest.mark.parametrize('error', [ValueError, Disconnected, TimeoutError, asyncio.CancelledError])
def test_an_exception_of_the_block_comes_out_as_it_is(error):
    seen = []

    async def handler(req, res, ctx):
        try:
            async with req.connected():
                await asyncio.sleep(0)
                raise error('mine')
        except BaseException as caught:
            seen.append((type(caught), str(caught)))

    assert ask(handler).status == 200
    assert seen == [(error, 'mine')]


def test_a_timeout_inside_is_a_timeout():
    seen = []

    async def handler(req, res, ctx):
        with pytest.raises(TimeoutError):
            async with req.connected(), asyncio.timeout(0):
                await asyncio.Event().wait()
        seen.append('on')

    ask(handler)
    assert seen == ['on']


def test_a_request_that_is_cancelled_is_cancelled_and_has_not_left():
    seen = []

    async def handler(req, res, ctx):
        try:
            async with req.connected():
                seen.append('begun')
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append('cancelled')
            raise

    async def run():
        async with Live(served(handler)) as live:
            with live.stream() as exchange:
                await until(lambda: seen)
                exchange.task.cancel()
                await asyncio.wait([exchange.task])
                return exchange.task.cancelled()

    assert asyncio.run(run())
    assert seen == ['begun', 'cancelled']


def test_a_client_that_had_left_before_is_noticed_at_once():
    seen = []

    async def handler(req, res, ctx):
        while not await req.disconnected():
            seen.append('waiting')
            await asyncio.sleep(0)
        with pytest.raises(Disconnected):
            async with req.connected():
                await asyncio.Event().wait()
        seen.append('noticed')

    left(served(handler), begun=lambda: seen)
    assert seen[-1] == 'noticed'


@pytest.mark.parametrize('body', [b'abc', [b'a', b'b', b'c'], [b'', b'abc']], ids=range(3))
def test_no_chunk_is_lost_to_who_reads_in_the_block_or_after_it(body):
    async def inside(req, res, ctx):
        async with req.connected():
            await turns(5)
            res.body = await req.read()

    async def after(req, res, ctx):
        async with req.connected():
            await turns(5)
        res.body = await req.read()

    async def streaming(req, res, ctx):
        async with req.connected():
            await turns(5)
            res.body = b''.join([chunk async for chunk in req.stream()])

    for handler, options in ((inside, {}), (after, {}), (streaming, {'stream': True})):
        assert ask(served(handler, **options), body=body).body == b'abc'


def test_two_blocks_one_in_the_other_end_together():
    seen = []

    async def handler(req, res, ctx):
        with pytest.raises(Disconnected):
            async with req.connected(), req.connected():
                seen.append('begun')
                await asyncio.Event().wait()
        seen.append('out')

    left(served(handler), begun=lambda: seen)
    assert seen == ['begun', 'out']


# While an answer is streamed


@pytest.mark.parametrize('kind', ['async', 'sync', 'events', 'file'])
@pytest.mark.parametrize('body', [b'', b'x', [b'x'] * 5, [b'x' * 8] * 5, [b'', b'', b'']], ids=range(5))
def test_a_leaving_is_noticed_while_an_answer_is_streamed_whatever_was_sent(kind, body, tmp_path):
    closed = []

    async def chunks():
        try:
            while True:
                yield 'x'
                await asyncio.sleep(0)
        finally:
            closed.append(True)

    def plain():
        try:
            while True:
                yield 'x'
        finally:
            closed.append(True)

    with (tmp_path / 'large').open('wb') as file:
        file.truncate(2**40)

    def handler(req, res, ctx):
        if kind == 'file':
            res.file(tmp_path / 'large')
        else:
            res.stream(plain() if kind == 'sync' else chunks(), sse=kind == 'events')

    async def run():
        async with Live(served(handler)) as live:
            with live.stream('GET', '/', body=body) as exchange:
                await exchange.sent(3)
                exchange.leave()
                await exchange.reply()

    asyncio.run(run())
    assert closed == ([] if kind == 'file' else [True])


def test_a_leaving_is_noticed_though_the_source_is_silent_and_chunks_came_late():
    closed = []

    async def silent():
        try:
            yield 'x'
            await asyncio.Event().wait()
        finally:
            closed.append(True)

    async def run():
        async with Live(served(lambda req, res, ctx: res.stream(silent()), 'POST', stream=True)) as live:
            with live.stream('POST', '/', body=None) as exchange:
                await exchange.sent(1)
                for _ in range(20):
                    exchange.inbox.append((b'x' * 8, True))
                await turns()
                exchange.leave()
                await exchange.reply()

    asyncio.run(run())
    assert closed == [True]


def test_bytes_past_the_limit_are_dropped_and_a_later_read_raises_too_large():
    seen = []

    async def answer(req):
        for _ in range(20):
            yield 'x'
            await asyncio.sleep(0)
        with pytest.raises(TooLarge):
            await req.read()
        seen.append('too large')
        yield 'y'

    async def handler(req, res, ctx):
        res.body = answer(req)

    reply = ask(served(handler), body=[b'x' * 8] * 50)
    assert (reply.body, seen) == (b'x' * 20 + b'y', ['too large'])


def test_bytes_within_the_limit_are_kept_for_a_later_read():
    async def answer(req):
        for _ in range(20):
            yield b'>'
            await asyncio.sleep(0)
        yield await req.read()

    async def handler(req, res, ctx):
        res.body = answer(req)

    assert ask(served(handler), body=[b'ab', b'cd']).body == b'>' * 20 + b'abcd'


# Reading and listening at the same time: a server is asked for one message at a time


async def answers_with_the_stream(req, res, ctx):
    res.body = req.stream()


async def answers_with_a_generator(req, res, ctx):
    async def pieces():
        async for piece in req.stream():
            yield piece

    res.body = pieces()


async def streams_while_connected(req, res, ctx):
    async with req.connected():
        res.body = b''.join([piece async for piece in req.stream()])


async def reads_while_connected(req, res, ctx):
    async with req.connected():
        res.body = await req.read()


async def polls_while_another_task_reads(req, res, ctx):
    reading = asyncio.create_task(req.read())
    while not reading.done():
        await req.disconnected()
    res.body = await reading


READERS = [
    answers_with_the_stream,
    answers_with_a_generator,
    streams_while_connected,
    reads_while_connected,
    polls_while_another_task_reads,
]


@pytest.mark.parametrize('handler', READERS)
def test_no_piece_is_lost_where_somebody_waits_for_it_and_for_the_client(handler):
    async def run():
        async with Live(served(handler, 'POST', stream=True, max_body_size=10)) as live:
            with live.stream('POST', '/', body=None) as exchange:
                for piece, more in ((b'a', True), (b'b', True), (b'c', False)):
                    await turns()
                    await exchange.feed(piece, more)
                return await exchange.reply()

    assert asyncio.run(run()).body == b'abc'


@pytest.mark.parametrize('pieces', [0, 1, 2])
@pytest.mark.parametrize('handler', READERS)
def test_a_client_that_leaves_while_its_body_is_waited_for_ends_the_request_quietly(handler, pieces, caplog):
    async def run():
        async with Live(served(handler, 'POST', stream=True, max_body_size=10)) as live:
            with live.stream('POST', '/', body=None) as exchange:
                for _ in range(pieces):
                    await turns()
                    await exchange.feed(b'x')
                await turns()
                exchange.leave()
                return await exchange.reply()

    reply = asyncio.run(run())
    assert not reply.complete
    assert caplog.records == []


def test_a_failure_made_of_the_cancellation_leaves_the_task_uncancelled():
    seen = []

    async def handler(req, res, ctx):
        try:
            async with req.connected():
                try:
                    seen.append('begun')
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    raise LookupError from None
        except LookupError:
            seen.append(asyncio.current_task().cancelling())

    left(served(handler), begun=lambda: seen)
    assert seen == ['begun', 0]

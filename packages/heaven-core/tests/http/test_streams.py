"""Streams: bodies read as they come, answers made as they go, and both ended when the client leaves."""

import asyncio
import threading

import pytest
from asks import Live, ask, raised
from heaven import App, Disconnected

START = 'http.response.start'


def streaming(handler, **options):
    app = App(max_body_size=10)
    for method in ('GET', 'POST'):
        app.METHOD(method, '/', handler, stream=True, **options)
    return app


# in


async def collect(req, res, ctx):
    res.body = [chunk.decode() async for chunk in req.stream()]


@pytest.mark.parametrize('method', ['GET', 'POST'])
@pytest.mark.parametrize('chunks', [['a', 'b', 'c'], ['abcdef' * 10] * 3])
def test_a_stream_gives_the_chunks_as_they_came_and_knows_no_limit_of_the_app(method, chunks):
    assert ask(streaming(collect), method, body=[chunk.encode() for chunk in chunks]).json() == chunks


def test_an_empty_body_is_an_empty_stream():
    reply = ask(streaming(collect), 'POST')
    assert (reply.status, ''.join(reply.json())) == (200, '')


def test_a_stream_is_not_read_ahead():
    async def run():
        seen = []

        async def handler(req, res, ctx):
            seen.append('handler')
            async for chunk in req.stream():
                seen.append(chunk)

        app = streaming(handler)
        app.BEFORE('/*', lambda req, res, ctx: seen.append('before'))
        async with Live(app) as live:
            with live.stream('POST', body=None) as exchange:
                await exchange.feed(b'a')
                assert seen[:2] == ['before', 'handler']
                await exchange.feed(b'b', more=False)
                await exchange.reply()
        return seen

    assert asyncio.run(run()) == ['before', 'handler', b'a', b'b']


def test_a_stream_is_read_once():
    async def twice(req, res, ctx):
        async for _ in req.stream():
            pass
        async for _ in req.stream():
            pass

    assert ask(streaming(twice), 'POST', body=b'a').status == 500


def test_routes_that_do_not_stream_say_how_to_ask_for_it():
    async def act(req, res, ctx):
        async for _ in req.stream():
            pass

    for method in ('GET', 'POST'):
        error = raised(act, method=method, body=b'a')
        assert error is not None and 'stream=True' in str(error)


def test_the_body_of_a_stream_is_not_there_unless_it_is_read():
    error = raised(lambda req, res, ctx: req.body, method='POST', body=b'a', options={'stream': True})
    assert error is not None
    read = raised(lambda req, res, ctx: req.read(), method='POST', body=b'a', options={'stream': True})
    assert read is None


@pytest.mark.parametrize('chunks', [[b'x' * 21], [b'x' * 10] * 3, [b'x'] * 30])
def test_the_limit_of_the_route_holds_for_its_stream(chunks):
    got = []

    async def handler(req, res, ctx):
        async for chunk in req.stream():
            got.append(len(chunk))

    app = streaming(handler, max_body_size=20)
    reply = ask(app, 'POST', body=chunks)
    assert (reply.status, reply.header('connection')) == (413, 'close')
    assert sum(got) <= 20
    assert ask(app, 'POST', body=[b'x' * 20]).status == 200


def test_a_length_over_the_limit_of_the_route_is_refused_before_it_is_sent():
    headers = {'content-length': '21', 'expect': '100-continue'}
    assert ask(streaming(collect, max_body_size=20), 'POST', body=None, headers=headers).status == 413


@pytest.mark.parametrize('after', [0, 1, 2])
def test_a_client_that_leaves_a_stream_is_not_answered(after, caplog):
    got, errors = [], []

    async def handler(req, res, ctx):
        try:
            async for chunk in req.stream():
                got.append(chunk)
        except Disconnected as error:
            errors.append(error)
            raise

    reply = ask(streaming(handler), 'POST', body=[b'a', b'b', b'c'], leave_after=after)
    assert (len(got), len(errors), reply.messages, caplog.records) == (min(after, 3), 1, [], [])


def test_an_answer_may_be_made_from_the_stream_of_its_request():
    async def upper(req, res, ctx):
        async def echo():
            async for chunk in req.stream():
                yield chunk.upper()

        res.body = echo()

    async def run():
        async with Live(streaming(upper)) as live:
            with live.stream('POST', body=None) as exchange:
                await exchange.feed(b'one')
                assert (await exchange.sent())['type'] == START
                assert (await exchange.sent())['body'] == b'ONE'
                await exchange.feed(b'two')
                assert (await exchange.sent())['body'] == b'TWO'
                await exchange.feed(b'', more=False)
                return await exchange.reply()

    assert asyncio.run(run()).body == b'ONETWO'


def test_an_answer_may_be_the_stream_of_its_request():
    def echo(req, res, ctx):
        res.body = req.stream()

    assert ask(streaming(echo), 'POST', body=[b'a', b'b', b'c']).body == b'abc'


def test_a_client_that_leaves_an_echo_ends_it(caplog):
    ended = []

    async def echo(req, res, ctx):
        async def chunks():
            try:
                async for chunk in req.stream():
                    yield chunk
            finally:
                ended.append(True)

        res.body = chunks()

    async def run():
        async with Live(streaming(echo)) as live:
            with live.stream('POST', body=None) as exchange:
                await exchange.feed(b'one')
                await exchange.sent(1)
                exchange.leave()
                await exchange.reply()

    asyncio.run(run())
    assert (ended, caplog.records) == ([True], [])


# req.disconnected()


@pytest.mark.parametrize('stream', [False, True])
@pytest.mark.parametrize('method', ['GET', 'POST'])
def test_disconnected_is_true_once_the_server_has_told(method, stream):
    async def run():
        seen, go = [], asyncio.Event()

        async def handler(req, res, ctx):
            seen.append(await req.disconnected())
            await go.wait()
            while not await req.disconnected():
                await asyncio.sleep(0)
            seen.append(await req.disconnected())

        app = App()
        app.METHOD(method, '/', handler, stream=stream)
        async with Live(app) as live:
            with live.stream(method) as exchange:
                while not seen:
                    await asyncio.sleep(0)
                exchange.leave()
                go.set()
                await exchange.reply()
        return seen

    assert asyncio.run(run()) == [False, True]


def test_disconnected_never_blocks_and_never_loses_a_chunk():
    async def run():
        asked, got = [], []

        async def handler(req, res, ctx):
            for _ in range(3):
                asked.append(await req.disconnected())
            async for chunk in req.stream():
                got.append(chunk)
                for _ in range(3):
                    asked.append(await req.disconnected())
            asked.append(await req.disconnected())

        async with Live(streaming(handler)) as live:
            with live.stream('POST', body=None) as exchange:
                while len(asked) < 3:
                    await asyncio.sleep(0)
                for chunk in (b'a', b'b', b'c'):
                    await exchange.feed(chunk)
                await exchange.feed(b'd', more=False)
                await exchange.reply()
        return asked, got

    assert asyncio.run(run()) == ([False] * 16, [b'a', b'b', b'c', b'd'])


@pytest.mark.parametrize('method', ['GET', 'PROPFIND'])
def test_a_body_can_be_read_after_disconnected_was_asked(method):
    async def handler(req, res, ctx):
        assert not await req.disconnected()
        await asyncio.sleep(0)
        assert not await req.disconnected()
        res.body = await req.read()

    assert ask(handler, method, body=[b'a', b'b']).body == b'ab'


@pytest.mark.parametrize('options', [{}, {'body': None}, {'headers': {'content-length': '0'}}], ids=str)
@pytest.mark.parametrize('stream', [False, True])
def test_a_request_without_a_body_is_read_at_once_after_disconnected_was_asked(stream, options):
    async def handler(req, res, ctx):
        assert not await req.disconnected()
        read = await asyncio.wait_for(req.read(), 60)
        assert not await req.disconnected()
        res.body = [read.decode(), req.body.decode()]

    app = App()
    app.GET('/', handler, stream=stream)

    async def run():
        async with Live(app) as live:
            with live.stream('GET', **options) as exchange:
                if 'body' in options:
                    await asyncio.sleep(0.01)
                    await exchange.feed(b'', more=False)
                return await exchange.reply()

    assert asyncio.run(run()).json() == ['', '']


# out


async def asynchronous(*chunks):
    for chunk in chunks:
        yield chunk


def synchronous(*chunks):
    yield from chunks


class Iterator:
    """An iterator that is no generator, and can be closed all the same."""

    def __init__(self, *chunks):
        self.chunks = list(chunks)

    def __aiter__(self):
        return self

    async def __anext__(self):
        if not self.chunks:
            raise StopAsyncIteration
        return self.chunks.pop(0)


def sends(make, **options):
    def handler(req, res, ctx):
        res.body = make()

    return ask(handler, **options)


@pytest.mark.parametrize(
    'make', [asynchronous, synchronous, Iterator, lambda *c: iter(c), lambda *c: map(str, c)], ids=range(5)
)
def test_iterators_are_streamed_chunk_by_chunk(make):
    reply = sends(lambda: make('a', 'é', 'c'))
    assert reply.body == 'aéc'.encode()
    assert [m['body'] for m in reply.messages[1:] if m.get('body')] == [b'a', 'é'.encode(), b'c']
    assert reply.header('content-length') is None


@pytest.mark.parametrize('make', [asynchronous, synchronous])
def test_any_kind_of_bytes_is_sent_as_bytes(make):
    named = type('Named', (bytes,), {})
    assert sends(lambda: make(named(b'a'), bytearray(b'b'), memoryview(b'c'))).body == b'abc'


@pytest.mark.parametrize('make', [asynchronous, synchronous])
def test_bytes_and_str_may_be_mixed_and_empty_ones_are_harmless(make):
    assert sends(lambda: make(b'a', '', b'', 'b')).body == b'ab'
    assert sends(make, empty_stream=True).body == b''


@pytest.mark.parametrize('make', [asynchronous, synchronous])
def test_res_stream_says_status_and_type(make):
    def handler(req, res, ctx):
        assert res.stream(make('a', b'b'), 'text/csv', status=201) is res

    reply = ask(handler)
    assert (reply.status, reply.body) == (201, b'ab')
    assert reply.header('content-type').partition(';')[0] == 'text/csv'

    def plain(req, res, ctx):
        res.stream(make('é'))

    reply = ask(plain)
    assert (reply.status, reply.text, reply.header('content-type').partition(';')[0]) == (200, 'é', 'text/plain')


def test_sync_iterators_run_in_a_thread_and_async_ones_on_the_loop():
    here, seen = threading.get_ident(), []

    def threaded():
        seen.append(threading.get_ident())
        yield 'a'
        seen.append(threading.get_ident())

    async def looped():
        seen.append(threading.get_ident())
        yield 'a'

    sends(threaded)
    assert here not in seen and len(seen) == 2
    seen.clear()
    sends(looped)
    assert seen == [here]


def test_a_chunk_is_sent_before_the_next_is_made():
    async def run():
        made, go = [], asyncio.Event()

        async def chunks():
            made.append(1)
            yield b'a'
            await go.wait()
            made.append(2)
            yield b'b'

        def handler(req, res, ctx):
            res.body = chunks()

        app = App()
        app.GET('/', handler)
        async with Live(app) as live:
            with live.stream() as exchange:
                assert (await exchange.sent(1))['body'] == b'a'
                assert made == [1]
                go.set()
                return (await exchange.reply()).body

    assert asyncio.run(run()) == b'ab'


class Tale:
    """Streams of every kind that note whether they were begun, and how they were closed."""

    def __init__(self):
        self.begun = self.closed = 0

    async def generator(self):
        try:
            while True:
                self.begun += 1
                yield b'a'
                await asyncio.sleep(0)
        finally:
            await asyncio.sleep(0)
            self.closed += 1

    def sync(self):
        try:
            while True:
                self.begun += 1
                yield b'a'
        finally:
            self.closed += 1

    def iterator(self):
        return Closeable(self)


class Closeable(Iterator):
    def __init__(self, tale):
        self.tale = tale

    async def __anext__(self):
        self.tale.begun += 1
        await asyncio.sleep(0)
        return b'a'

    async def aclose(self):
        await asyncio.sleep(0)
        self.tale.closed += 1


LEAVING = [{'leave_after_sent': n} for n in (1, 2, 5)] + [{'fail_send_after': n} for n in (0, 1, 2, 5)]


@pytest.mark.parametrize('leaving', LEAVING, ids=str)
@pytest.mark.parametrize('kind', [Tale.generator, Tale.sync, Tale.iterator])
def test_a_stream_is_closed_when_the_client_has_left_however_the_server_tells(kind, leaving, caplog):
    tale = Tale()
    sends(lambda: kind(tale), **leaving)
    assert tale.closed == 1 or (tale.begun == 0 and kind is not Tale.iterator)
    assert caplog.records == []


def test_a_stream_that_waits_is_closed_when_the_client_leaves():
    async def run():
        closed = []

        async def waiting():
            try:
                yield b'a'
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                closed.append(True)

        def handler(req, res, ctx):
            res.body = waiting()

        app = App()
        app.GET('/', handler)
        async with Live(app) as live:
            with live.stream() as exchange:
                await exchange.sent(1)
                exchange.leave()
                await exchange.reply()
        return closed

    assert asyncio.run(run()) == [True]


@pytest.mark.parametrize('swallows', [False, True])
def test_a_client_may_leave_a_stream_at_any_moment(swallows, caplog):
    """Leaving after every number of turns of the loop, also where the stream hides that it was cancelled."""

    async def run(turns):
        closed = []

        async def chunks():
            try:
                for _ in range(3):
                    yield b'a'
                    try:
                        await asyncio.sleep(0)
                    except asyncio.CancelledError:
                        if not swallows:
                            raise
            finally:
                await asyncio.sleep(0)
                closed.append(True)

        def handler(req, res, ctx):
            res.body = chunks()

        app = App()
        app.GET('/', handler)
        async with Live(app) as live:
            with live.stream() as exchange:
                for _ in range(turns):
                    await asyncio.sleep(0)
                exchange.leave()
                await exchange.reply()
                return closed, exchange.task.cancelled(), any(message.get('body') for message in exchange.messages)

    for turns in range(60):
        closed, cancelled, begun = asyncio.run(run(turns))
        assert not cancelled and (closed == [True] or not begun), turns
    assert caplog.records == []


def test_a_stream_that_ended_is_closed_too():
    tale = Tale()

    class Short(Closeable):
        async def __anext__(self):
            if self.tale.begun == 3:
                raise StopAsyncIteration
            return await super().__anext__()

    assert sends(lambda: Short(tale)).body == b'aaa'
    assert tale.closed == 1


def replaced(req, res, ctx):
    res.body = 'something else'


def aborted(req, res, ctx):
    res.abort(404)


def broken(req, res, ctx):
    raise ValueError('broken')


def unmodified(req, res, ctx):
    res.status = 304


@pytest.mark.parametrize('after, status', [(replaced, 200), (aborted, 404), (broken, 500), (unmodified, 304)])
@pytest.mark.parametrize('method', ['GET', 'HEAD'])
def test_a_stream_that_never_started_is_closed(after, status, method):
    tale, app = Tale(), App()
    app.AFTER('/*', after)

    def handler(req, res, ctx):
        res.body = Closeable(tale)

    assert ask(handler, method, app=app).status == status
    assert (tale.begun, tale.closed) == (0, 1)


def test_head_closes_a_stream_without_starting_it():
    tale = Tale()
    reply = sends(lambda: Closeable(tale), method='HEAD')
    assert (reply.status, reply.body, tale.begun, tale.closed) == (200, b'', 0, 1)


def test_a_stream_replaced_in_its_handler_is_closed():
    tale = Tale()

    def handler(req, res, ctx):
        res.body = Closeable(tale)
        res.body = 'no, this'

    assert ask(handler).text == 'no, this'
    assert tale.closed == 1


@pytest.mark.parametrize('make', [asynchronous, synchronous])
@pytest.mark.parametrize('chunk', [1, None, ['a'], object()], ids=lambda chunk: type(chunk).__name__)
def test_a_chunk_that_is_neither_bytes_nor_str_ends_the_answer_as_an_error(make, chunk, caplog):
    reply = sends(lambda: make('a', chunk, 'b'), catch=True)
    assert (reply.body, reply.complete, len(caplog.records)) == (b'a', False, 1)
    assert type(chunk).__name__ in caplog.text


async def failing_async(error):
    yield b'a'
    raise error


def failing_sync(error):
    yield b'a'
    raise error


@pytest.mark.parametrize('kind', [ValueError, OSError, ConnectionResetError, Disconnected, TimeoutError])
@pytest.mark.parametrize('make', [failing_async, failing_sync])
def test_a_failure_after_the_response_has_begun_is_logged_once_and_raised(make, kind, caplog):
    reply = sends(lambda: make(kind('half way')), catch=True)
    assert (reply.status, reply.body, reply.complete) == (200, b'a', False)
    assert type(reply.error) is kind
    assert [(record.name, record.levelname) for record in caplog.records] == [('heaven', 'ERROR')]
    assert 'half way' in caplog.text


def cancelled_exchange(cancels):
    """Runs a stream that comes to await what was cancelled, or whose request is; tells whether its task was, and how
    often the stream was closed."""

    async def main():
        app, waiting, tale = App(), asyncio.Event(), Tale()

        class Waiting(Closeable):
            async def __anext__(self):
                if self.tale.begun:
                    task = asyncio.ensure_future(asyncio.Event().wait())
                    waiting.set()
                    if not cancels:
                        task.cancel()
                    await task
                return await super().__anext__()

        def handler(req, res, ctx):
            res.body = Waiting(tale)

        app.GET('/', handler)
        async with Live(app) as live:
            with live.stream() as exchange:
                await asyncio.wait_for(waiting.wait(), 60)
                if cancels:
                    exchange.task.cancel()
                await asyncio.wait([exchange.task])
                return exchange.task.cancelled(), tale.closed

    return asyncio.run(main())


def test_a_stream_that_awaits_what_was_cancelled_is_logged_once_and_raised(caplog):
    assert cancelled_exchange(cancels=False) == (True, 1)
    assert [(record.name, record.levelname) for record in caplog.records] == [('heaven', 'ERROR')]
    assert 'failed after its answer had begun' in caplog.text and 'CancelledError' in caplog.text


def test_a_stream_whose_request_is_cancelled_is_closed_and_not_logged(caplog):
    assert cancelled_exchange(cancels=True) == (True, 1)
    assert caplog.records == []


@pytest.mark.parametrize('make', [asynchronous, synchronous])
@pytest.mark.parametrize(
    'length, chunks, body', [(3, 'abc', b'abc'), (3, 'abcd', b'abc'), (1, 'abc', b'a'), (0, 'abc', b'')]
)
def test_a_stream_never_sends_more_than_the_length_its_handler_set(make, length, chunks, body):
    def handler(req, res, ctx):
        res.header('Content-Length', length).body = make(*chunks)

    reply = ask(handler, catch=True)
    assert (reply.status, reply.header('content-length'), reply.body) == (200, str(length), body)


@pytest.mark.parametrize('length', ['x', '-1', '', '1.0', [3, 3], '٣'.encode().decode('latin-1')])
def test_a_length_that_is_none_is_a_500_before_the_stream_begins(length):
    def handler(req, res, ctx):
        res.header('Content-Length', length).body = asynchronous('abc')

    reply = ask(handler)
    assert (reply.status, reply.complete) == (500, True)


@pytest.mark.parametrize('make', [asynchronous, synchronous])
def test_a_stream_shorter_than_the_length_its_handler_set_is_never_passed_off_as_whole(make, caplog):
    def handler(req, res, ctx):
        res.header('Content-Length', 5).body = make('a', 'b')

    reply = ask(handler, catch=True)
    assert (reply.body, reply.complete, reply.error is not None) == (b'ab', False, True)
    assert len(caplog.records) == 1


def test_a_handler_cannot_set_transfer_encoding():
    def handler(req, res, ctx):
        res.header('Transfer-Encoding', 'chunked').body = asynchronous('a')

    reply = ask(handler)
    assert (reply.body, reply.header('transfer-encoding')) == (b'a', None)


@pytest.mark.parametrize(
    'item, expected',
    [
        ('hello', 'data: hello\n\n'),
        ('two\nlines', 'data: two\ndata: lines\n\n'),
        ({'a': [1]}, 'data: {"a":[1]}\n\n'),
        ([1, 2], 'data: [1,2]\n\n'),
    ],
)
@pytest.mark.parametrize('make', [asynchronous, synchronous])
def test_a_stream_of_events(make, item, expected):
    def handler(req, res, ctx):
        res.stream(make(item, item), sse=True)

    reply = ask(handler)
    assert (reply.text, reply.header('content-type').partition(';')[0]) == (expected * 2, 'text/event-stream')


def test_an_event_with_its_fields():
    def handler(req, res, ctx):
        res.stream(asynchronous({'event': 'arrival', 'data': 'Ann', 'id': 7, 'retry': 100}), sse=True)

    lines = ask(handler).text
    assert lines.endswith('\n\n')
    assert sorted(lines.split('\n')) == ['', '', 'data: Ann', 'event: arrival', 'id: 7', 'retry: 100']


# a client that leaves while what it sent was not read


def endless(closed):
    async def chunks():
        try:
            while True:
                yield b'x'
                await asyncio.sleep(0)
        finally:
            closed.append(True)

    return chunks()


async def read_nothing(req, body):
    pass


async def read_a_chunk(req, body):
    async for _ in req.stream():
        break


@pytest.mark.parametrize(
    'method, body, read',
    [
        ('GET', b'x', read_nothing),
        ('GET', [b'', b'', b''], read_nothing),
        ('GET', [b'x'] * 5, read_nothing),
        ('POST', [b'x'] * 5, read_nothing),
        ('POST', [b'x'] * 5, read_a_chunk),
        ('POST', [b'x' * 2] * 5, read_nothing),
        ('GET', [b'x' * 8] * 5, read_nothing),
        ('POST', [b'x' * 8] * 5, read_a_chunk),
    ],
)
def test_a_stream_ends_with_the_client_that_leaves_though_a_body_was_not_read(method, body, read):
    closed = []

    async def handler(req, res, ctx):
        await read(req, body)
        res.body = endless(closed)

    app = App(max_body_size=10)
    app.METHOD(method, '/', handler, stream=method == 'POST')

    async def run():
        async with Live(app) as live:
            with live.stream(method, '/', body=body) as exchange:
                for n in range(1, 10):
                    await exchange.sent(n)
                exchange.leave()
                await exchange.reply()

    asyncio.run(run())
    assert closed == [True]


@pytest.mark.parametrize('body', [b'x', [b'', b'', b''], [b'x'] * 5])
def test_who_asks_again_and_again_is_told_that_the_client_left_though_a_body_was_not_read(body):
    asked = asyncio.Event()

    async def handler(req, res, ctx):
        while not await req.disconnected():
            asked.set()

    app = App(max_body_size=10)
    app.GET('/', handler)

    async def run():
        async with Live(app) as live:
            with live.stream('GET', '/', body=body) as exchange:
                await asked.wait()
                exchange.leave()
                await exchange.reply()

    asyncio.run(run())


@pytest.mark.parametrize('asks', [0, 1, 9])
@pytest.mark.parametrize('chunks', [[b'ab', b'cd', b'ef'], [b'a'] * 9, [b'abc', b'', b'def']])
def test_a_body_that_was_heard_while_it_was_asked_whether_the_client_left_is_read_whole(chunks, asks):
    async def handler(req, res, ctx):
        for _ in range(asks):
            assert not await req.disconnected()
        res.body = await req.read()

    app = App(max_body_size=10)
    app.GET('/', handler)
    assert ask(app, body=chunks).body == b''.join(chunks)


def test_a_body_over_the_limit_that_was_heard_but_not_read_is_not_kept_and_a_413():
    async def handler(req, res, ctx):
        for _ in range(9):
            await req.disconnected()
        with pytest.raises(Exception, match='larger than 10'):
            await req.read()
        res.body = await req.read()

    app = App(max_body_size=10)
    app.GET('/', handler)
    assert ask(app, body=[b'abcd'] * 9).status == 413


def test_asking_whether_the_client_left_runs_no_further_ahead_of_a_reader_than_one_chunk():
    ahead = []

    async def handler(req, res, ctx):
        read = 0
        async for _ in req.stream():
            read += 1
            for _ in range(5):
                await req.disconnected()
            ahead.append(exchange.received - read)

    async def run():
        nonlocal exchange
        async with Live(streaming(handler)) as live:
            with live.stream('POST', '/', body=[b'x'] * 20) as exchange:
                await exchange.reply()

    exchange = None
    asyncio.run(run())
    assert len(ahead) == 20 and max(ahead) <= 1


@pytest.mark.parametrize('length', [None, 100])
def test_a_stream_that_takes_its_end_quietly_is_not_a_failure_when_the_client_leaves(length, caplog):
    async def chunks():
        try:
            yield b'x'
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return

    def handler(req, res, ctx):
        res.header('content-length', length)
        res.body = chunks()

    async def run():
        async with Live(streaming(handler)) as live:
            with live.stream('GET', '/') as exchange:
                await exchange.sent(1)
                exchange.leave()
                return await exchange.reply()

    reply = asyncio.run(run())
    assert (reply.body, caplog.records) == (b'x', [])


def test_an_async_iterator_that_can_read_too_is_streamed():
    class Pipe:
        chunks = iter([b'a', b'b'])

        async def read(self):
            raise NotImplementedError

        def __aiter__(self):
            return self

        async def __anext__(self):
            for chunk in self.chunks:
                return chunk
            raise StopAsyncIteration

    assert ask(lambda req, res, ctx: res.out(200, Pipe())).body == b'ab'


@pytest.mark.parametrize('late', [0, 9])
@pytest.mark.parametrize('chunks', [[b'x' * 30], [b'x' * 6] * 9])
def test_a_stream_without_a_limit_of_its_own_is_read_whole_however_late_it_is_read(chunks, late):
    async def answer(req):
        yield b'>'
        for _ in range(late):
            await asyncio.sleep(0)
        async for chunk in req.stream():
            yield chunk

    async def asking(req, res, ctx):
        for _ in range(late):
            await req.disconnected()
        res.body = [chunk.decode() async for chunk in req.stream()]

    asked = ask(streaming(asking), 'POST', body=chunks)
    assert ''.join(asked.json()).encode() == b''.join(chunks)
    if late == 0:  # while an answer is streamed no more is held than the app's max_body_size
        echoed = ask(streaming(lambda req, res, ctx: res.out(200, answer(req))), 'POST', body=chunks)
        assert echoed.body == b'>' + b''.join(chunks)


def test_a_stream_that_reads_nothing_of_an_upload_does_not_wait_for_its_rest():
    async def answer():
        yield b'a'
        await asyncio.sleep(0.01)
        yield b'b'

    async def run():
        async with Live(streaming(lambda req, res, ctx: res.out(200, answer()))) as live:
            with live.stream('POST', '/', body=None, headers={'content-length': '1000'}) as exchange:
                await exchange.sent(0)
                await exchange.feed(b'x' * 50)
                return await exchange.reply()

    assert asyncio.run(run()).body == b'ab'

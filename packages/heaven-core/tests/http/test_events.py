"""Server-sent events: framed as the HTML standard says, kept alive, and ended when the client leaves."""

import asyncio
import contextvars
import threading

import pytest
from asks import Live, ask
from costs import passes, ratio
from heaven import App
from waiting import jumping


def frame(item):
    """What is sent of an item; its failure is raised."""
    reply = ask(lambda req, res, ctx: res.stream(iter([item]), sse=True, ping=None), catch=True)
    if reply.error is not None:
        raise reply.error
    return reply.body


def parse(stream):
    """Events as a browser reads them (HTML, 9.2.6): (data, event, id, retry)."""
    found, data, event, last, retry = [], [], '', '', None
    for line in stream.decode().replace('\r\n', '\n').replace('\r', '\n').split('\n')[:-1]:
        name, _, value = line.partition(':')
        value = value.removeprefix(' ')
        if not line:
            if data:
                found.append(('\n'.join(data), event, last, retry))
            data, event = [], ''
        elif name == 'data':
            data.append(value)
        elif name == 'event':
            event = value
        elif name == 'id' and '\0' not in value:
            last = value
        elif name == 'retry' and value.isdigit():
            retry = int(value)
    return found


@pytest.mark.parametrize(
    ('item', 'framed'),
    [
        ('a', b'data: a\n\n'),
        ('', b'data: \n\n'),
        ('é', 'data: é\n\n'.encode()),
        ('a\nb', b'data: a\ndata: b\n\n'),
        ('a\rb', b'data: a\ndata: b\n\n'),
        ('a\r\nb', b'data: a\ndata: b\n\n'),
        ('a\n\rb', b'data: a\ndata: \ndata: b\n\n'),
        ('\n', b'data: \ndata: \n\n'),
        ('a\n', b'data: a\ndata: \n\n'),
        ('a\r\r\n\nb', b'data: a\ndata: \ndata: \ndata: b\n\n'),
        (' a', b'data:  a\n\n'),
        ('a\x0b\x0c\x85\u2028\u2029b', 'data: a\x0b\x0c\x85\u2028\u2029b\n\n'.encode()),
        ('event: x\nid: 1', b'data: event: x\ndata: id: 1\n\n'),
        (['a', 1], b'data: ["a",1]\n\n'),
        ([], b'data: []\n\n'),
        ({'a': 'x\ny'}, b'data: {"a":"x\\ny"}\n\n'),
        ({}, b'data: {}\n\n'),
        ({'data': 'a'}, b'data: a\n\n'),
        ({'data': ''}, b'data: \n\n'),
        ({'data': {'a': 1}}, b'data: {"a":1}\n\n'),
        ({'data': None}, b'data: null\n\n'),
        (
            {'data': 'a\r\nb', 'event': 'x', 'id': 7, 'retry': 3000},
            b'event: x\nid: 7\nretry: 3000\ndata: a\ndata: b\n\n',
        ),
        ({'data': 'a', 'id': ''}, b'id: \ndata: a\n\n'),
        ({'data': 'a', 'event': None, 'id': None, 'retry': None}, b'data: a\n\n'),
        ({'data': 'a', 'retry': '0'}, b'retry: 0\ndata: a\n\n'),
        ({'data': 'a', 'other': 1}, b'data: {"data":"a","other":1}\n\n'),
        ({'event': 'x'}, b'data: {"event":"x"}\n\n'),
        ({'id': 1, 'retry': 2}, b'data: {"id":1,"retry":2}\n\n'),
    ],
)
def test_an_item_is_framed_as_one_event(item, framed):
    assert frame(item) == framed
    assert len(parse(framed)) == 1


@pytest.mark.parametrize('newline', ['\n', '\r', '\r\n', '\n\r', '\r\r', '\r\n\r\n'])
def test_no_text_breaks_out_of_its_event(newline):
    item = f'a{newline}event: evil{newline}id: evil{newline}{newline}data: evil{newline}'
    assert parse(frame(item)) == [(item.replace('\r\n', '\n').replace('\r', '\n'), '', '', None)]


@pytest.mark.parametrize('name', ['event', 'id'])
@pytest.mark.parametrize('value', ['a\nb', 'a\rb', 'a\r\ndata: evil', '\n', 'a\0b'])
def test_a_name_or_an_id_that_would_break_out_is_refused(name, value):
    with pytest.raises(ValueError, match=name):
        frame({'data': 'a', name: value})


@pytest.mark.parametrize('value', [-1, 1.5, 'soon', '', True, '１', '1\n', '²'])
def test_retry_is_a_whole_number_of_milliseconds(value):
    with pytest.raises(ValueError, match='retry'):
        frame({'data': 'a', 'retry': value})


class Indenting:
    """A codec that writes lines, as text."""

    @staticmethod
    def loads(data):
        raise NotImplementedError

    @staticmethod
    def dumps(value):
        import json

        return json.dumps(value, indent=1)


def test_json_is_written_by_the_codec_of_the_app():
    app = App(json=Indenting)

    def handler(req, res, ctx):
        res.stream(iter([[1]]), sse=True)

    assert parse(ask(handler, app=app).body) == [('[\n 1\n]', '', '', None)]


def sse(make, ping=15):
    app = App()
    app.GET('/', lambda req, res, ctx: res.stream(make(), sse=True, ping=ping))
    return app


async def three():
    yield 'a'
    yield {'data': 'b', 'id': 2}
    yield ['c']


@pytest.mark.parametrize('make', [three, lambda: iter(['a', {'data': 'b', 'id': 2}, ['c']])])
@pytest.mark.parametrize('ping', [15, None, 0])
def test_events_go_out_one_message_each_as_a_stream_of_events(make, ping):
    reply = ask(lambda req, res, ctx: res.stream(make(), sse=True, ping=ping))
    assert reply.header('content-type').partition(';')[0] == 'text/event-stream'
    assert reply.header('cache-control') == 'no-cache' and reply.header('content-length') is None
    assert parse(reply.body) == [('a', '', '', None), ('b', '', '2', None), ('["c"]', '', '2', None)]
    assert [m['body'] for m in reply.messages[1:4]] == [b'data: a\n\n', b'id: 2\ndata: b\n\n', b'data: ["c"]\n\n']


def test_while_the_source_is_silent_a_comment_goes_out_every_ping_and_nothing_is_lost():
    async def slow():
        yield 'a'
        await asyncio.sleep(35)
        yield 'b'
        await asyncio.sleep(5)
        yield 'c'

    async def run(ping):
        async with Live(sse(slow, ping), limit=1000) as live:
            return [message['body'] for message in (await live.asking()).messages[1:-1]]

    first, *pings, second, third = jumping(run(10))
    assert (first, second, third, len(pings)) == (b'data: a\n\n', b'data: b\n\n', b'data: c\n\n', 3)
    assert all(ping.startswith(b':') and parse(ping) == [] for ping in pings)
    assert len(jumping(run(15))) == 5
    assert len(jumping(run(None))) == 3


def held(source):
    """What goes out of a stream whose server is slow to take its first comment, and was told what to do after that."""

    async def run():
        async with Live(sse(source, 10), limit=1000) as live:
            with live.stream(takes=3) as exchange:
                await exchange.sent(2)
                await asyncio.sleep(100)
                before = len(exchange.messages)
                exchange.go.set()
                return before, [message['body'] for message in (await exchange.reply()).messages[1:]]

    return jumping(run())


def test_an_event_waits_for_the_comment_that_is_on_its_way():
    async def source():
        yield 'a'
        await asyncio.sleep(15)
        yield 'b'

    before, (first, ping, second, last) = held(source)
    assert (before, first, ping[:1], second, last) == (3, b'data: a\n\n', b':', b'data: b\n\n', b'')


def test_a_stream_that_ends_does_not_wait_for_the_comment_that_is_on_its_way():
    async def source():
        yield 'a'
        await asyncio.sleep(15)

    before, (first, ping, last) = held(source)
    assert (first, ping[:1], last) == (b'data: a\n\n', b':', b'')
    assert before == 4


def test_the_ping_is_15_seconds_unless_it_is_said():
    async def slow():
        yield 'a'
        await asyncio.sleep(46)
        yield 'b'

    app = App()
    app.GET('/', lambda req, res, ctx: res.stream(slow(), sse=True))

    async def run():
        async with Live(app, limit=1000) as live:
            return [message['body'] for message in (await live.asking()).messages[1:-1]]

    assert len(jumping(run())) == 5


def test_the_headers_of_events_keep_caches_and_proxies_from_holding_them_back():
    reply = ask(lambda req, res, ctx: res.stream(three(), sse=True))
    assert (reply.header('cache-control'), reply.header('x-accel-buffering')) == ('no-cache', 'no')

    def handler(req, res, ctx):
        res.headers['Cache-Control'] = 'no-store'
        res.headers['X-Accel-Buffering'] = 'yes'
        res.stream(three(), sse=True)

    def later(req, res, ctx):
        res.stream(three(), sse=True)
        res.headers['Cache-Control'] = 'no-store'
        res.headers['X-Accel-Buffering'] = 'yes'

    for each in handler, later:
        reply = ask(each)
        assert (reply.header('cache-control'), reply.header('x-accel-buffering')) == ('no-store', 'yes')


def test_a_stream_that_is_none_of_events_has_no_such_headers():
    reply = ask(lambda req, res, ctx: res.stream(iter(['a'])))
    assert (reply.header('cache-control'), reply.header('x-accel-buffering')) == (None, None)


def test_a_source_keeps_its_context_from_one_event_to_the_next():
    var = contextvars.ContextVar('var', default='outside')

    async def source():
        yield var.get()
        var.set('inside')
        yield var.get()
        yield var.get()

    async def handler(req, res, ctx):
        var.set('handler')
        res.stream(source(), sse=True, ping=10)

    reply = ask(handler)
    assert [m['body'] for m in reply.messages[1:4]] == [
        b'data: handler\n\n',
        b'data: inside\n\n',
        b'data: inside\n\n',
    ]


def test_sync_sources_run_in_threads():
    here, seen = threading.get_ident(), []

    def source():
        seen.append(threading.get_ident())
        yield 'a'
        seen.append(threading.get_ident())

    assert ask(lambda req, res, ctx: res.stream(source(), sse=True)).body == b'data: a\n\n'
    assert len(seen) == 2 and here not in seen


class Source:
    """A source that tells whether it was closed, and in which task it ran."""

    def __init__(self, silent):
        self.silent, self.closed, self.begun = silent, 0, asyncio.Event()

    async def run(self):
        try:
            yield 'a'
            self.begun.set()
            if self.silent:
                await asyncio.Event().wait()
            while True:
                await asyncio.sleep(0)
                yield 'a'
        finally:
            await asyncio.sleep(0)
            self.closed += 1


@pytest.mark.parametrize('silent', [False, True])
@pytest.mark.parametrize('ping', [15, None])
def test_when_the_client_leaves_the_source_is_closed_before_the_app_returns(silent, ping, caplog):
    async def run():
        source = Source(silent)
        async with Live(sse(source.run, ping)) as live:
            with live.stream() as exchange:
                await source.begun.wait()
                exchange.leave()
                await exchange.reply()
        assert source.closed == 1
        assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []

    asyncio.run(run())
    assert caplog.records == []


def test_a_source_that_was_never_started_is_closed():
    class Silent:
        closed = 0

        def __aiter__(self):
            return self

        async def __anext__(self):
            await asyncio.Event().wait()

        async def aclose(self):
            await asyncio.sleep(0)
            self.closed += 1

    source = Silent()
    ask(lambda req, res, ctx: res.stream(source, sse=True), fail_send_after=0)
    assert source.closed == 1


def test_a_sync_source_is_closed_when_the_client_leaves():
    closed = []

    def source():
        try:
            while True:
                yield 'a'
        finally:
            closed.append(1)

    ask(lambda req, res, ctx: res.stream(source(), sse=True), leave_after_sent=3)
    assert closed == [1]


def test_a_source_that_fails_ends_the_stream_as_an_error_logged_once(caplog):
    async def source():
        yield 'a'
        raise ValueError('broken')

    reply = ask(lambda req, res, ctx: res.stream(source(), sse=True), catch=True)
    assert reply.body == b'data: a\n\n' and not reply.complete and isinstance(reply.error, ValueError)
    assert len(caplog.records) == 1


def test_the_cost_of_framing_is_linear():
    for text in ('a\r\n', '\r', '\n', 'a'):

        def work(n, text=text):
            item = text * n
            return lambda: frame(item)

        assert ratio(work, 20_000) < 30


def test_a_megabyte_of_line_ends_holds_the_loop_no_longer_than_to_look_through_it_some_times():
    async def source():
        yield '\r\n' * 500_000

    def work():
        return lambda: sizes.append(len(ask(sse(source)).body))

    sizes = []
    assert passes(work, enough=15) < 20
    assert min(sizes) > 500_000

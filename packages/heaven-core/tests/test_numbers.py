"""What every test of something else would overlook: the numbers of the contract, and words that only look alike."""

import asyncio
import gc
import threading
import time
import tracemalloc
from datetime import datetime
from itertools import pairwise

import pytest
from asks import Live, ask, meet, see
from driver import pairs
from heaven import SHUTDOWN, App
from waiting import jumping, turns


def seconds():
    return asyncio.get_running_loop().time()


# Patience


@pytest.mark.parametrize('needs, ends', [(9.9, True), (10.1, False)])
@pytest.mark.parametrize('what', ['function', 'generator', 'daemon', 'mounted'])
def test_a_part_of_a_shutdown_has_ten_seconds(what, needs, ends, caplog):
    app, ended = App(), []

    async def slow(app):
        await asyncio.sleep(needs)
        ended.append(True)

    async def generator(app):
        yield
        await slow(app)

    async def daemon(app):
        try:
            await asyncio.Event().wait()
        finally:
            await slow(app)

    async def foreign(scope, receive, send):
        await receive()
        await send({'type': 'lifespan.startup.complete'})
        await receive()
        await slow(app)
        await send({'type': 'lifespan.shutdown.complete'})

    async def main():
        async with Live(app, limit=1000):
            await asyncio.sleep(0)
        return list(ended)

    if what == 'function':
        app.ON(SHUTDOWN, slow)
    elif what == 'generator':
        app.ON('startup', generator)
    elif what == 'daemon':
        app.DAEMON(daemon)
    else:
        app.mount(foreign, '/x')
    assert jumping(main()) == [True] * ends
    assert bool(caplog.records) is not ends
    gc.collect()


def test_the_pauses_of_a_daemon_that_fails_double_from_a_tenth_of_a_second_to_a_minute():
    app, runs = App(), []

    async def failing(app):
        runs.append(seconds())
        raise ValueError('a bug')

    async def main():
        async with Live(app, limit=1000):
            while len(runs) < 14:
                await asyncio.sleep(1)

    app.DAEMON(failing)
    jumping(main())
    pauses = [later - earlier for earlier, later in pairwise(runs[:13])]
    assert pauses == pytest.approx([0.1 * 2**n for n in range(10)] + [60, 60])


def test_a_daemon_that_has_run_well_begins_again_with_the_shortest_pause():
    app, runs = App(), []

    async def flaky(app):
        runs.append(seconds())
        if len(runs) == 4:
            return 0
        raise ValueError('a bug')

    async def main():
        async with Live(app, limit=1000):
            while len(runs) < 7:
                await asyncio.sleep(1)

    app.DAEMON(flaky)
    jumping(main())
    assert runs[5] - runs[4] == pytest.approx(0.1)


def test_a_stream_of_events_that_is_silent_says_so_every_15_seconds():
    async def silent():
        await asyncio.sleep(44)
        yield 'x'

    async def main():
        async with Live(app, limit=1000) as live:
            return await live.asking()

    app = App()
    app.GET('/', lambda req, res, ctx: res.stream(silent(), sse=True))
    assert jumping(main()).text == ': ping\n\n' * 2 + 'data: x\n\n'


@pytest.mark.parametrize('gap, answered', [(0.9, True), (1.3, False)])
def test_the_rest_of_a_body_that_is_too_large_is_waited_for_five_seconds(gap, answered):
    """Four chunks more come, one every `gap` seconds."""

    async def main():
        app = App(max_body_size=1)
        app.POST('/', lambda req, res, ctx: None)
        async with Live(app, limit=1000) as live:
            with live.stream('POST', '/', body=None) as exchange:
                exchange.inbox.append((b'xx', True))
                await exchange.sent(0)
                for number in range(4):
                    await asyncio.sleep(gap)
                    if exchange.done:
                        break
                    await exchange.feed(b'x', number < 3)
                await asyncio.sleep(gap)
                return exchange.received

    assert (jumping(main()) == 5) is answered


@pytest.mark.parametrize('expect', ['100-continue', '100-Continue', '100-CONTINUE'])
def test_a_client_that_waits_to_be_asked_for_a_body_that_is_too_large_is_not_waited_for(expect):
    async def main():
        app = App(max_body_size=1)
        app.POST('/', lambda req, res, ctx: None)
        async with Live(app, limit=1000) as live:
            reply = await live.asking('POST', body=None, headers={'expect': expect, 'content-length': '2'})
            return reply.status, seconds()

    assert jumping(main()) == (413, 0)


# Sizes


@pytest.mark.parametrize('size, status', [(10 * 2**20, 200), (10 * 2**20 + 1, 413)])
def test_a_body_has_ten_mebibytes_at_most_unless_the_app_says_otherwise(size, status):
    reply = ask(lambda req, res, ctx: res.out(200, len(req.body)), 'POST', body=b'x' * size)
    assert (reply.status, reply.text == str(size)) == (status, status == 200)


@pytest.mark.parametrize('size, read', [(10, True), (11, False)])
def test_what_is_heard_while_an_answer_streams_is_kept_up_to_the_limit_to_the_byte(size, read):
    async def pieces(req):
        for _ in range(30):
            yield '.'
            await asyncio.sleep(0)
        try:
            yield str(len(await req.read()))
        except Exception as error:
            yield type(error).__name__

    app = App(max_body_size=10)
    app.GET('/', lambda req, res, ctx: setattr(res, 'body', pieces(req)))
    reply = ask(app, 'GET', body=[b'x'] * size)
    assert reply.text.strip('.') == ('10' if read else 'TooLarge')


def test_no_more_is_heard_than_is_held_where_nobody_reads():
    app = App(max_body_size=10)

    async def handler(req, res, ctx):
        for _ in range(50):
            assert not await req.disconnected()

    async def main():
        async with Live(app) as live:
            with live.stream('GET', '/', body=[b'x' * 4] * 50) as exchange:
                await exchange.reply()
                return exchange.received

    app.GET('/', handler)
    assert asyncio.run(main()) == 3


@pytest.mark.parametrize('size, closes', [(10 * 2**20, 1000), (10 * 2**20 + 1, 1009)])
def test_a_message_has_ten_mebibytes_at_most_unless_the_app_says_otherwise(size, closes):
    app = App()

    async def handler(req, ws, ctx):
        await ws.receive()

    app.WS('/', handler)
    assert meet(app, '/', b'x' * size).code == closes


@pytest.mark.parametrize('kind', ['handlers', 'streams'])
def test_forty_handlers_and_twenty_streams_run_at_once_in_threads(kind):
    most = {'handlers': 40, 'streams': 20}[kind]
    running, peak, gate = [], [], threading.Event()

    def work():
        running.append(1)
        peak.append(len(running))
        gate.wait(60)
        running.pop()

    def stream():
        work()
        yield 'x'

    app = App()
    if kind == 'handlers':
        app.GET('/', lambda req, res, ctx: work(), threaded=True)
    else:
        app.GET('/', lambda req, res, ctx: setattr(res, 'body', stream()))

    async def main():
        async with Live(app) as live:
            asked = [asyncio.create_task(live.asking()) for _ in range(most + 5)]
            async with asyncio.timeout(60):
                while len(peak) < most:
                    await asyncio.sleep(0.001)
            await turns(200)
            gate.set()
            await asyncio.gather(*asked)

    asyncio.run(main())
    assert max(peak[:most]) == most
    assert len(peak) == most + 5


def part(lines):
    head = ''.join(f'X-{number}: {value}\r\n' for number, value in enumerate(lines))
    return f'--B\r\nContent-Disposition: form-data; name="a"\r\n{head}\r\n1\r\n'.encode()


@pytest.mark.parametrize(
    'parts, status',
    [
        ([part(['x'] * 31)], 200),  # and the line that every part has
        ([part(['x'] * 32)], 413),
        ([part(['x' * 4000, 'x' * 4000])], 200),
        ([part(['x' * 4000, 'x' * 4200])], 413),
        ([part(['x' * 3900])] * 90, 200),
        ([part(['x' * 3900])] * 100, 413),
        ([part([])] * 1000, 200),
    ],
    ids=['32 lines', '33 lines', '8,000 bytes', '8,200 bytes', '360,000 in all', '400,000 in all', 'a thousand parts'],
)
def test_the_headers_of_a_part_have_32_lines_and_8_kib_at_most_and_those_of_all_384_kib(parts, status):
    headers = {'content-type': 'multipart/form-data; boundary=B'}
    body = b''.join(parts) + b'--B--\r\n'
    assert ask(lambda req, res, ctx: res.out(200, len(req.form)), 'POST', body=body, headers=headers).status == status


def test_however_fast_a_stream_is_others_have_their_turn_every_hundred_pieces():
    sent, turns = [], []

    async def pieces():
        for _ in range(1000):
            yield b'x'

    async def send(message):
        sent.append(message)

    async def main():
        async with Live(app) as live:
            exchange = live.stream()
            task = asyncio.create_task(app(exchange.scope, exchange.receive, send))
            while not task.done():
                turns.append(len(sent))
                await asyncio.sleep(0)

    app = App()
    app.GET('/', lambda req, res, ctx: res.stream(pieces()))
    asyncio.run(main())
    assert len(sent) == 1002
    assert max(later - earlier for earlier, later in pairwise(turns)) <= 101


def test_names_of_headers_that_clients_make_up_are_not_kept_for_ever():
    def handler(req, res, ctx):
        for name in req.queries['n'].split(','):
            req.headers.get(name)
            res.headers.get(name)
            res.headers[name] = 'x'
            del res.headers[name]

    app = App()
    app.GET('/', handler)

    async def main():
        async with Live(app) as live:
            names = iter(range(1_000_000, 2_000_000))
            for made_up in range(5):
                await live.asking(query=('n=' + ','.join(f'x-{next(names)}' for _ in range(1000))).encode())
                if made_up == 1:
                    gc.collect()
                    tracemalloc.start()
            gc.collect()
            return tracemalloc.get_traced_memory()[0]

    try:
        assert asyncio.run(main()) < 500_000
    finally:
        tracemalloc.stop()


def test_methods_that_clients_make_up_are_not_kept_for_ever():
    app = App()
    app.BEFORE('/:x', lambda req, res, ctx: None, methods='GET')
    app.GET('/a', lambda req, res, ctx: None)

    async def main():
        async with Live(app) as live:
            for made_up in range(1300):
                await live.asking(f'M{made_up}', '/a')
                if made_up == 1050:
                    gc.collect()
                    tracemalloc.start()
            gc.collect()
            return tracemalloc.get_traced_memory()[0]

    try:
        assert asyncio.run(main()) < 100_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize('letter', ['a', 'é', '€', '😀'])
def test_the_reason_of_a_close_has_123_bytes_at_most(letter):
    app = App()
    app.WS('/', lambda req, ws, ctx: ws.close(1000, letter * 200))
    closed = meet(app, '/').messages[-1]['reason']
    assert closed == letter * (123 // len(letter.encode()))


# Lengths of answers that are empty


@pytest.mark.parametrize('method', ['GET', 'HEAD', 'POST', 'PUT'])
@pytest.mark.parametrize('body', [None, '', b''], ids=repr)
def test_the_length_that_a_handler_sets_of_an_empty_body_is_corrected(method, body):
    app = App()
    app.METHOD(
        'GET' if method == 'HEAD' else method, '/', lambda req, res, ctx: res.out(200, body, {'content-length': 5})
    )
    assert ask(app, method).header('content-length') == '0'


def test_a_handler_of_its_own_for_head_says_what_get_would_have():
    reply = ask(lambda req, res, ctx: res.header('content-length', 5), 'HEAD')
    assert reply.header('content-length') == '5'


# Words that only look alike


@pytest.mark.parametrize('zone', ['Asia/Tokyo', 'America/New_York', 'UTC'])
@pytest.mark.skipif(not hasattr(time, 'tzset'), reason='the zone of a process cannot be set here')
def test_a_naive_datetime_of_a_cookie_is_utc_wherever_the_server_stands(zone, monkeypatch):
    monkeypatch.setenv('TZ', zone)
    time.tzset()
    try:
        reply = ask(lambda req, res, ctx: res.cookie('a', 'b', expires=datetime(2026, 11, 22, 7, 8, 7)))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert 'Expires=Sun, 22 Nov 2026 07:08:07 GMT' in reply.header('set-cookie')


@pytest.mark.parametrize(
    'value, accepted',
    [
        ('"a"', True),
        ('""', True),
        ('"', False),
        ('"a', False),
        ('a"', False),
        ('"a""', False),
        ('"a b"', False),
        ('', True),
    ],
)
def test_the_quotes_of_a_cookie_come_in_pairs_around_it(value, accepted):
    def handler(req, res, ctx):
        try:
            res.cookie('a', value)
        except ValueError:
            res.body = 'refused'

    reply = ask(handler)
    assert reply.header('set-cookie') == (f'a={value}; Path=/' if accepted else None)


@pytest.mark.parametrize('sent, value', [('a="b"', 'b'), ('a=""', ''), ('a="', '"'), ('a="b', '"b'), ('a=b"', 'b"')])
def test_the_quotes_of_a_cookie_that_was_sent_are_taken_off_in_pairs(sent, value):
    assert see(lambda req: req.cookies['a'], headers=pairs([('cookie', sent)])) == value


@pytest.mark.parametrize(
    'text, matches',
    [
        ('2024-02-29', True),
        ('2024-02-29T10:11', True),
        ('2024-02-29t10:11', True),
        ('2024-02-29%2010:11', False),
        ('2024-02-29+10:11', False),
        ('2024-02-29_10:11', False),
        ('2024-02-29x10:11', False),
        ('2024-02-29%0A10:11', False),
        ('2024-02-291', False),
        ('2024-W09-4', True),
        ('20240229%2010', False),
        ('20240229T10', True),
        ('20240229', True),
    ],
)
def test_a_date_and_a_time_are_separated_by_a_t(text, matches):
    app = App()
    app.GET('/:at:datetime', lambda req, res, ctx: None)
    assert ask(app, 'GET', f'/{text}').status == (200 if matches else 404)


@pytest.mark.parametrize(
    'names, expected',
    [
        (['Accept'], 'Accept'),
        (['Accept', 'Accept'], 'Accept'),
        (['Accept', 'accept'], 'Accept'),
        (['Accept', 'Cookie'], 'Accept, Cookie'),
        (['Accept', 'Cookie', 'ACCEPT'], 'Accept, Cookie'),
        (['*', 'Accept'], '*'),
    ],
)
def test_a_name_is_in_vary_once_in_whatever_case(names, expected):
    def handler(req, res, ctx):
        for name in names:
            res.headers.vary(name)

    assert ask(handler).header('vary') == expected


def test_empty_elements_and_spaces_in_vary_are_tidied_up():
    def handler(req, res, ctx):
        res.header('vary', ' ,Accept ,,  Cookie,')
        res.headers.vary('origin')

    assert ask(handler).header('vary') == 'Accept, Cookie, origin'


@pytest.mark.parametrize('name', ['x-host', 'host-x', 'x-forwarded-host', 'hos', 'origin', 'forwarded', ':authority'])
def test_no_other_header_chooses_the_subdomain(name):
    app = App()
    app.subdomain('api').GET('/', lambda req, res, ctx: res.out(200, 'api'))
    app.GET('/', lambda req, res, ctx: res.out(200, 'www'))
    beside = [('host', 'a.com'), (name, 'api.a.com')]
    assert ask(app, headers=pairs(beside)).text == ask(app, headers=pairs(beside[::-1])).text == 'www'
    beside = [('host', 'api.a.com'), (name, 'a.com')]
    assert ask(app, headers=pairs(beside)).text == ask(app, headers=pairs(beside[::-1])).text == 'api'


def test_parameters_of_one_shape_have_the_names_of_their_own_method_however_the_path_is_spelled():
    app = App()
    for method, one, two in (('GET', 'a', 'b'), ('POST', 'c', 'd'), ('PUT', 'b', 'a')):
        app.METHOD(method, f'/x/:{one}/:{two}', lambda req, res, ctx: res.out(200, req.params))
    with Live(app) as live:
        for target in ('/x/1/2', '/x/%31/2', '/x/1/2/', '/%78/1/%32', 'http://a.com/x/1/2'):
            assert live.ask('GET', target).json() == {'a': '1', 'b': '2'}
            assert live.ask('POST', target).json() == {'c': '1', 'd': '2'}
            assert live.ask('PUT', target).json() == {'b': '1', 'a': '2'}


def test_an_app_on_a_child_has_the_prefixes_and_the_subdomain_of_both():
    app, child, leaf, bare = App(), App(), App(), App()
    for each in (leaf, bare):
        each.GET('/a', lambda req, res, ctx: res.out(200, f'{req.route} {req.params} {req.subdomain}'), name='a')
    child.mount(leaf, '/leaf/:y')
    child.mount(bare)
    app.mount(child, '/child/:x', subdomain='api')
    there = {'headers': pairs([('host', 'api.a.com')])}
    reply = ask(app, 'GET', '/child/1/leaf/2/a', **there)
    assert reply.text == "/child/:x/leaf/:y/a {'x': '1', 'y': '2'} api"
    assert ask(app, 'GET', '/child/1/a', **there).text == "/child/:x/a {'x': '1'} api"
    assert ask(app, 'GET', '/child/1/leaf/2/a').status == ask(app, 'GET', '/leaf/2/a', **there).status == 404
    assert [(info.route, info.subdomain) for info in app.routes()] == [
        ('/child/:x/leaf/:y/a', 'api'),
        ('/child/:x/a', 'api'),
    ]


def test_the_hooks_of_an_app_run_before_those_of_what_is_mounted_on_it_though_their_patterns_are_narrower():
    app, child, leaf, ran = App(), App(), App(), []
    child.mount(leaf, '/leaf')
    app.mount(child, '/child')
    for name, each, pattern in (('leaf', leaf, '/*'), ('child', child, '/leaf/a'), ('app', app, '/child/leaf/:x')):
        each.BEFORE(pattern, lambda req, res, ctx, name=name: ran.append(name))
        each.AFTER(pattern, lambda req, res, ctx, name=name: ran.append(name))
    leaf.GET('/a', lambda req, res, ctx: None)
    ask(app, target='/child/leaf/a')
    assert ran == ['app', 'child', 'leaf', 'leaf', 'child', 'app']


@pytest.mark.parametrize('kind', ['text/csv', 'application/problem+json'])
def test_an_abort_with_a_body_keeps_the_content_type_that_was_set_and_one_without_does_not(kind):
    def handler(req, res, ctx):
        res.header('content-type', kind)
        res.abort(409, None if req.queries else 'a,b')

    app = App()
    app.GET('/', handler)
    assert (ask(app).text, ask(app).header('content-type')) == ('a,b', kind)
    assert ask(app, target='/?none').header('content-type') == 'text/plain; charset=utf-8'


@pytest.mark.parametrize('method', ['GET', 'POST'])
def test_the_traceback_of_a_failure_is_in_the_log(method, caplog):
    def fails_here(req, res, ctx):
        raise ValueError('broken')

    ask(fails_here, method)
    assert 'in fails_here' in caplog.text and 'ValueError: broken' in caplog.text
    assert [record.exc_info[0] for record in caplog.records] == [ValueError]


@pytest.mark.parametrize(
    'options, expected',
    [
        ({}, ('127.0.0.1', 8000, 10, None)),
        ({'host': '0.0.0.0', 'port': 80}, ('0.0.0.0', 80, 10, None)),
        ({'timeout_graceful_shutdown': 3, 'log_level': 'error'}, ('127.0.0.1', 8000, 3, 'error')),
    ],
)
def test_listen_runs_uvicorn_with_a_graceful_timeout_and_its_options(options, expected, monkeypatch):
    uvicorn = pytest.importorskip('uvicorn')
    served = []

    def run(server, sockets=None):
        config = server.config
        served.append(config.app)
        served.append((config.host, config.port, config.timeout_graceful_shutdown, config.log_level))
        server.started = True

    monkeypatch.setattr(uvicorn.Server, 'run', run)
    app = App()
    app.listen(**{'log_config': None} | options)
    assert served[0] is app
    assert served[1] == expected

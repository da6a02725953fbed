"""Forms in requests: read ahead or streamed, spilled to disk, and gone with the request."""

import asyncio
import contextlib
import io
import itertools
import os
import tempfile
import threading
import time
from collections import Counter

import pytest
from asks import Live, ask, raised, see
from costs import cost, look_through_five_megabytes
from driver import http_scope
from heaven import App, Disconnected
from heaven.errors import ClientError
from parts import MULTIPART, URLENCODED, multipart, plain, text, upload
from waiting import until
from watching import descriptors, opening

KIND = {'content-type': MULTIPART}
PAIRS = {'content-type': URLENCODED}
BODY = multipart(text('name', b'Ada'), upload('photo', b'\x89PNG', 'a.png', 'image/png'))
SEEN = {'name': ['Ada'], 'photo': [('a.png', 'image/png', b'\x89PNG')]}
LARGE = multipart(upload('small', b's' * 1000), upload('large', os.urandom(1000) * 3000), text('name', b'Ada'))


def chunked(body, size=65536):
    return [body[i : i + size] for i in range(0, len(body), size)]


def streaming(handler, **options):
    app = App(max_body_size=100)
    app.POST('/', handler, stream=True, **options)
    return app


def status(handler, body, headers=KIND, **options):
    return ask(streaming(handler, **options), 'POST', body=body, headers=headers).status


async def form_of(req, res, ctx):
    form = await req.form
    res.body = repr(plain(form))


@pytest.mark.parametrize('method', ['POST', 'PUT', 'PATCH', 'DELETE', 'QUERY'])
def test_a_form_that_was_read_ahead_needs_no_await_and_takes_one(method):
    assert see(lambda req: plain(req.form), method, body=BODY, headers=KIND) == SEEN
    assert see(lambda req: req.form is req.form, method, body=BODY, headers=KIND)

    async def awaited(req):
        return plain(await req.form), await req.form is req.form

    assert see(awaited, method, body=BODY, headers=KIND) == (SEEN, True)


@pytest.mark.parametrize('options', [{}, {'stream': True}])
@pytest.mark.parametrize('method', ['GET', 'POST', 'PROPFIND'])
def test_await_works_everywhere(method, options):
    async def awaited(req):
        form = await req.form
        return plain(form), await req.form is form is req.form

    for body, headers in (BODY, KIND), (chunked(BODY, 7), KIND), (b'name=Ada', PAIRS):
        seen, same = see(awaited, method, body=body, headers=headers, options=options)
        assert seen['name'] == ['Ada'] and same


@pytest.mark.parametrize('read', ['__getitem__', '__iter__', '__len__', 'get', 'all', 'to_dict'])
def test_a_form_that_has_to_be_awaited_says_so(read):
    def act(req, res, ctx):
        return getattr(type(req.form), read)(req.form, *['name'] * (read in ('__getitem__', 'get', 'all')))

    for options in ({'method': 'POST', 'options': {'stream': True}}, {'method': 'GET'}):
        error = raised(act, body=BODY, headers=KIND, **options)
        assert isinstance(error, RuntimeError) and 'await req.form' in str(error)


@pytest.mark.parametrize('options', [{}, {'stream': True}])
@pytest.mark.parametrize('method', ['GET', 'POST'])
@pytest.mark.parametrize('headers', [{}, {'content-type': 'application/json'}, {'content-type': 'text/plain'}])
def test_the_form_of_a_request_that_sent_none_is_false_and_takes_nothing_of_its_body(method, options, headers):
    async def read(req):
        assert not req.form and not await req.form and req.form.to_dict() == {}
        return b''.join([chunk async for chunk in req.stream()]) if options else await req.read()

    assert see(read, method, body=b'a=1', headers=headers, options=options) == b'a=1'


def test_a_request_without_a_body_has_a_false_form_on_every_route():
    for options in {}, {'stream': True}:
        for method in 'GET', 'POST':

            async def read(req):
                return not await req.form

            assert see(read, method, headers=PAIRS, options=options)
    assert see(lambda req: not req.form, 'GET', headers=PAIRS)


def test_a_missing_field_and_a_broken_form_are_a_400_that_says_what_is_wrong():
    reply = ask(lambda req, res, ctx: req.form['age'], 'POST', body=b'a=1', headers=PAIRS)
    assert (reply.status, 'age' in reply.text) == (400, True)
    reply = ask(lambda req, res, ctx: req.form, 'POST', body=BODY[:-9], headers=KIND)
    assert (reply.status, 'multipart' in reply.text) == (400, True)


@pytest.mark.parametrize('body', [BODY, chunked(BODY, 7)])
@pytest.mark.parametrize('method', ['POST', 'REPORT'])
def test_a_form_is_made_of_the_body_that_a_hook_has_read(method, body):
    app = App()

    async def check(req, res, ctx):
        ctx.early = req.form if b'early' in (req.scope['query_string']) else None
        ctx.body = await req.read()

    async def handler(req, res, ctx):
        form = await req.form
        assert ctx.early in (None, form) and form is req.form and req.body == ctx.body == BODY
        res.body = repr(plain(req.form))

    app.BEFORE('/*', check)
    app.METHOD(method, '/', handler, stream=True)
    app.METHOD(method, '/ahead', handler)
    for target in '/', '/?early', '/ahead', '/ahead?early':
        assert ask(app, method, target, body=body, headers=KIND).text == repr(SEEN)


def test_a_form_of_a_body_that_was_read_needs_no_await_on_a_streaming_route():
    async def handler(req, res, ctx):
        await req.read()
        res.body = req.form['a']

    assert ask(streaming(handler), 'POST', body=b'a=1', headers=PAIRS).text == '1'


@pytest.mark.parametrize('options', [{}, {'stream': True}])
@pytest.mark.parametrize('method', ['POST', 'REPORT'])
@pytest.mark.parametrize(('body', 'kind'), [(BODY, MULTIPART), (b'name=Ada', URLENCODED)])
def test_an_awaited_form_is_read_though_nothing_announced_its_body(body, kind, method, options):
    async def awaited(req):
        assert method == 'POST' or options or (not req.form and req.form.to_dict() == {} and 'name' not in req.form)
        form = await req.form
        assert form is req.form
        return form['name']

    http2 = {'body': chunked(body, 50), 'headers': {'content-type': kind}, 'http_version': '2'}
    assert see(awaited, method, options=options, **http2) == 'Ada'


def test_a_form_that_was_looked_at_before_its_body_was_read_is_made_of_it_then():
    async def handler(req, res, ctx):
        early = req.form
        await req.read()
        res.body = f'{early["a"]} {req.form["a"]} {(await early)["a"]} {early is req.form}'

    for options in {}, {'stream': True}:
        reply = ask(handler, 'REPORT', body=[b'a=', b'1'], headers=PAIRS, options=options, http_version='2')
        assert reply.text == '1 1 1 True'


def test_a_form_that_was_announced_says_that_it_has_to_be_awaited_until_it_is():
    async def act(req, res, ctx):
        with pytest.raises(ClientError, match='await req.form'):
            req.form['a']
        assert (await req.form)['a'] == req.form['a'] == '1'
        raise ValueError

    for options in {'body': b'a=1'}, {'body': [b'a=1']}:
        assert isinstance(raised(act, method='REPORT', headers=PAIRS, **options), ValueError)


ROUTES = [('POST', {}), ('POST', {'stream': True}), ('REPORT', {}), ('REPORT', {'stream': True})]
BROKEN = [
    (BODY[:-9], KIND, 400),
    (multipart(text('a', b'a' * 2**21)), KIND, 413),
    (b'a=1&b=%FF', PAIRS, 400),
    (b'&' * 1001, PAIRS, 413),
    (b'', KIND, 400),
]


@pytest.mark.parametrize('version', ['1.1', '2'])
@pytest.mark.parametrize(('method', 'options'), ROUTES)
@pytest.mark.parametrize(('body', 'headers', 'expected'), BROKEN)
def test_a_broken_form_is_the_same_error_each_time_it_is_awaited(body, headers, expected, method, options, version):
    if headers is KIND:
        pytest.importorskip('multipart')

    async def awaited(req):
        return await req.form

    async def handler(req, res, ctx):
        errors = await asyncio.gather(awaited(req), awaited(req), return_exceptions=True)
        for _ in range(2):
            try:
                await req.form
            except ClientError as error:
                errors.append(error)
        assert [(error.status, str(error)) for error in errors] == [(expected, str(errors[0]))] * 4
        try:
            assert not req.form  # nothing of what is half read is seen
        except (ClientError, RuntimeError):
            pass
        await req.form

    for chunks in [body], chunked(body, 1000):
        reply = ask(handler, method, body=chunks, headers=headers, options=options, http_version=version)
        assert reply.status == expected


@pytest.mark.parametrize('size', [7, 10**9])
@pytest.mark.parametrize(('method', 'options'), ROUTES)
def test_a_form_may_be_awaited_by_several_at_once(method, options, size):
    async def awaited(req):
        return await req.form

    async def both(req):
        one, other = await asyncio.gather(awaited(req), awaited(req))
        assert one is other is req.form is await req.form
        return plain(one)

    assert see(both, method, body=chunked(BODY, size), headers=KIND, options=options) == SEEN


# streamed


@pytest.mark.parametrize('size', [1, 7, 1000, 10**9])
def test_a_streamed_form_is_the_same_however_it_came(size):
    reply = ask(streaming(form_of), 'POST', body=chunked(BODY, size), headers=KIND)
    assert (reply.status, reply.text) == (200, repr(SEEN))


def test_files_above_256_kib_are_on_disk_while_the_request_lasts_and_are_opened_in_threads(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path))
    seen = {}

    async def handler(req, res, ctx):
        form = await req.form
        seen.update(plain(form), file=form['large'].file)
        assert form['large'].size == 3_000_000 and form['large'].content == form['large'].content
        res.body = 'ok'

    with opening(tmp_path) as opened:
        assert status(handler, chunked(LARGE)) == 200
    assert seen['name'] == ['Ada'] and len(seen['small'][0][2]) == 1000 and seen['large'][0][2] in LARGE
    assert seen['file'].closed
    assert opened and threading.get_ident() not in [thread for _, thread in opened]


@pytest.mark.parametrize(('size', 'files'), [(256 * 1024, 0), (256 * 1024 + 1, 1)])
def test_a_file_goes_to_disk_above_256_kib_and_not_below(size, files, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path))
    with opening(tmp_path) as opened:
        assert status(form_of, chunked(multipart(upload('a', b'x' * size)), 10_000)) == 200
    assert bool(opened) == files


def test_the_files_on_disk_are_files_of_their_own(tmp_path):
    lines = [b'%d of %s\n' % (n, name) for name in (b'one', b'two') for n in range(50_000)]
    one, two = b''.join(lines[:50_000]), b''.join(lines[50_000:])
    body = multipart(upload('one', one), upload('small', b's'), upload('two', two))

    async def handler(req, res, ctx):
        form = await req.form
        first, second = form['one'].file, form['two'].file
        assert (first.read(), first.read(), first.tell()) == (one, b'', len(one))
        assert (second.readline(), second.readline(), first.seek(-9, os.SEEK_END)) == (
            *lines[50_000:50_002],
            len(one) - 9,
        )
        assert (first.read(100), second.tell(), second.seek(5, os.SEEK_CUR)) == (one[-9:], 18, 23)
        assert (second.read(7), first.seek(10**9), first.read()) == (two[23:30], 10**9, b'')
        with pytest.raises(ValueError):
            first.seek(-1)
        assert [line.encode() for line in io.TextIOWrapper(second, newline='')][-1] == lines[-1]
        assert (form['one'].content, form['two'].size, form['small'].content) == (one, len(two), b's')

    assert status(handler, chunked(body)) == 200


def test_the_files_of_a_form_may_be_saved_at_the_same_time(tmp_path):
    contents = [bytes([n]) * 400_000 for n in range(20)]

    async def handler(req, res, ctx):
        form = await req.form
        await asyncio.gather(*[file.save(tmp_path / str(n)) for n, file in enumerate(form.all('f'))])

    assert status(handler, chunked(multipart(*[upload('f', content) for content in contents]))) == 200
    assert [(tmp_path / str(n)).read_bytes() for n in range(20)] == contents


def test_however_many_files_are_uploaded_at_once_few_descriptors_are_open(tmp_path, monkeypatch):
    pytest.importorskip('multipart')
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path))
    large, small = upload('f', b'x' * (256 * 1024 + 1)), upload('f', b'x' * 1000)

    async def handler(req, res, ctx):
        res.body = str([file.size for file in (await req.form).all('f')])

    async def run():
        async with Live(streaming(handler)) as live:
            with contextlib.ExitStack() as stack:
                uploads = [stack.enter_context(live.stream('POST', '/', body=None, headers=KIND)) for _ in range(6)]
                before = descriptors()
                for parts in [large] * 50, [small] * 49:
                    for one in uploads:
                        await one.feed(b''.join(b'--B\r\n' + part + b'\r\n' for part in parts))
                opened = len(descriptors() - before)
                for one in uploads:
                    await one.feed(b'--B--', more=False)
                    assert (await one.reply()).text == str([256 * 1024 + 1] * 50 + [1000] * 49)
                return opened

    assert asyncio.run(run()) <= 6 * 2


@pytest.mark.parametrize('how', ['cancelled', 'broken'])
def test_temporary_files_are_closed_at_once_when_reading_ends_early(how, tmp_path, monkeypatch):
    pytest.importorskip('multipart')
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path))
    seen, limits = [], []

    async def handler(req, res, ctx):
        before = descriptors()
        try:
            async with asyncio.timeout(None) as limit:
                limits.append(limit)
                await req.form
        except (TimeoutError, ClientError) as error:
            seen.append((type(error), len(descriptors() - before)))
        for _ in range(2):
            with pytest.raises((ClientError, RuntimeError)) as caught:
                await req.form
            seen.append(caught.type)

    async def run():
        async with Live(streaming(handler)) as live:
            with live.stream('POST', '/', body=None, headers=KIND) as exchange:
                await exchange.feed(LARGE[:-50])
                if how == 'cancelled':
                    await until(lambda: opened)
                    limits[0].reschedule(0)
                else:
                    await exchange.feed(b'\r\n--Bx')
                    await exchange.feed(b'x' * 100_000, more=False)
                await exchange.reply()

    with opening(tmp_path) as opened:
        asyncio.run(run())
    error, again = (TimeoutError, RuntimeError) if how == 'cancelled' else (ClientError, ClientError)
    assert opened and seen == [(error, 0), again, again]


async def fails(req, res, ctx):
    await req.form
    raise ValueError


async def deferring(req, res, ctx):
    form = await req.form
    res.defer(lambda app: form['large'].content)


ENDINGS = {
    'an answer': (form_of, {}, chunked(LARGE)),
    'a failure of the handler': (fails, {}, chunked(LARGE)),
    'deferred work': (deferring, {}, chunked(LARGE)),
    'a truncated form': (form_of, {}, chunked(LARGE[:-9])),
    'a limit of the route': (form_of, {'max_body_size': 2_000_000}, chunked(LARGE)),
    'a field that is too large': (form_of, {}, chunked(LARGE[:-5] + b'\r\n' + text('a', b'a' * 2**21))),
}


@pytest.mark.parametrize('ending', ENDINGS)
def test_temporary_files_are_gone_at_the_end_of_the_request_whatever_happens(ending, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path))
    handler, options, body = ENDINGS[ending]
    app = streaming(handler, **options)
    ask(app, 'POST', body=BODY, headers=KIND)
    caplog.clear()
    before = descriptors()
    with opening(tmp_path) as opened:
        ask(app, 'POST', body=body, headers=KIND)
    assert opened and descriptors() <= before and not list(tmp_path.iterdir())
    assert len(caplog.records) == (ending == 'a failure of the handler')


@pytest.mark.parametrize('after', [1, 10, 40])
def test_temporary_files_are_gone_when_the_client_leaves_half_way(after, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path))
    seen = []

    async def handler(req, res, ctx):
        try:
            await req.form
        except Disconnected:
            seen.append('left')
            raise

    app = streaming(handler)
    ask(app, 'POST', body=BODY, headers=KIND)
    before = descriptors()
    with opening(tmp_path) as opened:
        reply = ask(app, 'POST', body=chunked(LARGE), headers=KIND, leave_after=after)
    assert reply.messages == [] and seen == ['left'] and caplog.records == []
    assert bool(opened) == (after > 5) and descriptors() <= before and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ('limit', 'body', 'expected'),
    [
        (None, BODY, 200),
        (len(BODY), BODY, 200),
        (len(BODY) - 1, BODY, 413),
        (len(BODY), BODY + b'x', 413),
        (len(BODY), b'x' + BODY, 413),
        (1000, b'\r\n' * 1000, 413),
        (1000, multipart(*[text('a', b'1' * 100)] * 10), 413),
    ],
)
def test_the_limit_of_the_route_counts_every_byte_received(limit, body, expected):
    for chunks in [body], chunked(body, 10):
        assert status(form_of, chunks, max_body_size=limit) == expected


def test_a_streamed_form_has_one_gibibyte_at_most_unless_the_route_says_otherwise():
    headers = {**KIND, 'content-length': str(2**30 + 1)}
    assert ask(streaming(form_of), 'POST', body=b'x', headers=headers).status == 413
    body = {'body': [BODY], 'headers': {**KIND, 'content-length': str(len(BODY))}}
    assert ask(streaming(form_of, max_body_size=2**40), 'POST', **body).status == 200


def test_a_413_half_way_is_answered_after_the_rest_was_read():
    pytest.importorskip('multipart')

    async def run():
        async with Live(streaming(form_of)) as live:
            with live.stream('POST', '/', body=None, headers=KIND) as exchange:
                await exchange.feed(b'--B\r\n' + text('a', b'a' * 2**21))
                start = await exchange.sent()
                assert start['status'] == 413 and (b'connection', b'close') in start['headers']
                await exchange.feed(b'a' * 1000)
                await exchange.feed(b'a' * 1000, more=False)
                return await exchange.reply()

    reply = asyncio.run(run())
    assert reply.complete and reply.body


@pytest.mark.parametrize('options', [{}, {'stream': True}])
def test_a_body_in_a_hundred_thousand_pieces_lets_the_loop_turn_meanwhile(options):
    app, turns, done = App(), 0, False
    app.POST('/', form_of, **options)
    body = multipart(upload('a', b'\r\n' * 50_000))
    chunks = [{'type': 'http.request', 'body': body[i : i + 1], 'more_body': True} for i in range(len(body))]
    chunks[-1]['more_body'] = False
    scope, _ = http_scope('POST', '/', headers=KIND, body=None)
    sent = []

    pieces, received = iter(chunks), Counter()

    async def receive():
        received[turns] += 1
        return next(pieces)

    async def send(message):
        sent.append(message)

    async def turning():
        nonlocal turns
        while not done:
            await asyncio.sleep(0)
            turns += 1

    async def run():
        nonlocal done
        turner = asyncio.ensure_future(turning())
        await app(scope, receive, send)
        done = True
        await turner

    asyncio.run(run())
    assert sent[0]['status'] == 200 and turns > 50
    assert max(received.values()) <= 1000


@pytest.mark.parametrize('method', ['POST', 'REPORT'])
@pytest.mark.parametrize('options', [{'stream': True}, {}])
def test_ten_megabytes_of_escapes_hold_nobody_up(method, options):
    body, beats = b'&'.join([b'a=' + b'%41' * 300_000] * 10), []

    async def beat():
        while True:
            beats.append(time.thread_time())
            await asyncio.sleep(0.001)

    async def handler(req, res, ctx):
        beating = asyncio.ensure_future(beat())
        await asyncio.sleep(0.01)
        form = await req.form
        await asyncio.sleep(0.01)
        beating.cancel()
        res.body = str(len(form.all('a')[9]))

    reply = ask(handler, method, body=chunked(body), headers=PAIRS, options=options)
    assert reply.text == '300000'
    longest = max(later - beat for beat, later in itertools.pairwise(beats))
    assert 1e9 * longest < 15 * cost(look_through_five_megabytes)  # about 4, where the loop reads them


@pytest.mark.parametrize('length', ['-1', '1e3', '+5', '٥'.encode(), '²', '', '9' * 30, '0x10', '1_0'])
def test_a_content_length_that_is_no_number_is_a_400(length):
    for options in {}, {'stream': True}:
        reply = ask(
            form_of,
            'POST',
            body=BODY,
            headers=[('content-type', MULTIPART), ('content-length', length)],
            options=options,
        )
        assert reply.status == 400


@pytest.mark.parametrize('length', [0, 1, len(BODY) - 1, len(BODY) + 1, 10**6])
@pytest.mark.parametrize('options', [{}, {'stream': True}])
def test_what_was_received_counts_whatever_the_content_length_says(length, options):
    headers = {**KIND, 'content-length': str(length)}
    assert ask(form_of, 'POST', body=BODY, headers=headers, options=options).text == repr(SEEN)


def test_a_hostile_form_leaves_no_line_in_the_log(caplog):
    for body in (
        b'',
        b'--B',
        b'x' * 1000,
        multipart(*[text('a')] * 1001),
        LARGE[:-9],
        multipart(text('a', b'a' * 2**21)),
    ):
        for options in {}, {'stream': True}:
            assert ask(form_of, 'POST', body=body, headers=KIND, options=options).status in (400, 413)
    assert caplog.records == []


def test_a_file_of_a_streamed_form_is_saved_from_disk(tmp_path):
    async def handler(req, res, ctx):
        form = await req.form
        res.body = str(await form['large'].save(tmp_path))

    reply = ask(streaming(handler), 'POST', body=chunked(LARGE), headers=KIND)
    assert reply.text == str(tmp_path / 'a.txt')
    assert (tmp_path / 'a.txt').stat().st_size == 3_000_000

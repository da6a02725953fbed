"""The body of a request: who reads it, how much of it, and what a client is told that sends too much."""

import asyncio
import logging

import pytest
from asks import ask, asking, raised, see, stream
from driver import Exchange
from heaven import App, ClientError, Disconnected, TooLarge
from waiting import jumping

MIB = 2**20
AHEAD = ['POST', 'PUT', 'PATCH', 'DELETE', 'QUERY']
NOTHING = ['GET', 'OPTIONS', 'TRACE', 'CONNECT', 'PROPFIND']


def reading(when):
    """An app that notes in `when` how many chunks had been received when a hook and the handler ran."""
    app = App()
    app.BEFORE('/*', lambda req, res, ctx: when.append(req.scope['exchange'].received))

    def handler(req, res, ctx):
        when.append(req.scope['exchange'].received)
        res.body = req.body

    app.HTTP('/', handler)
    return app


def counted(app, method, target='/', **options):
    async def run():
        exchange = stream(app, method, target, **options)
        exchange.scope['exchange'] = exchange
        return await exchange.reply()

    return asyncio.run(run())


@pytest.mark.parametrize('method', AHEAD)
def test_methods_with_a_body_read_it_before_the_hooks(method):
    when = []
    reply = counted(reading(when), method, body=[b'a', b'b', b'', b'c'])
    assert (reply.status, reply.body, when, reply.received) == (200, b'abc', [4, 4], 4)


@pytest.mark.parametrize('method', NOTHING)
def test_other_methods_read_nothing_ahead(method):
    when, app = [], App()
    app.BEFORE('/*', lambda req, res, ctx: when.append(req.scope['exchange'].received))

    async def handler(req, res, ctx):
        when.append(req.scope['exchange'].received)
        res.body = await req.read()
        assert req.body == await req.read() == res.body

    app.METHOD(method, '/', handler)
    reply = counted(app, method, body=[b'a', b'b'])
    assert (reply.status, reply.body, when, reply.received) == (200, b'ab', [0, 0], 2)


def test_a_post_that_no_route_matches_reads_nothing_ahead():
    when, app = [], App()
    app.BEFORE('/*', lambda req, res, ctx: when.append(req.scope['exchange'].received))
    app.GET('/', lambda req, res, ctx: None)
    for target, status in (('/absent', 404), ('/', 405)):
        assert counted(app, 'POST', target, body=[b'a', b'b']).status == status
    assert when == [0, 0]


@pytest.mark.parametrize('method', AHEAD + NOTHING)
def test_a_request_that_announced_no_body_has_an_empty_one(method):
    assert see(lambda req: (req.body, req.text), method) == (b'', '')


@pytest.mark.parametrize('headers', [{'content-length': '1'}, {'transfer-encoding': 'chunked'}])
def test_an_announced_body_that_nobody_read_is_an_error_that_says_so(headers):
    error = raised(lambda req, res, ctx: req.body, method='GET', body=[b'a'], headers=headers)
    assert error is not None and 'read()' in str(error)


@pytest.mark.parametrize('headers', [{'content-length': '1'}, {'transfer-encoding': 'chunked'}])
@pytest.mark.parametrize('part', ['body', 'text', 'json'])
def test_a_body_that_a_client_sends_where_none_is_expected_is_a_400_that_says_so(part, headers, caplog):
    headers['content-type'] = 'application/json'
    reply = ask(lambda req, res, ctx: getattr(req, part), 'GET', body=[b'1'], headers=headers)
    assert (reply.status, caplog.records) == (400, [])
    assert 'GET takes no body here' in reply.text and 'read()' in reply.text
    error = raised(lambda req, res, ctx: getattr(req, part), method='GET', body=[b'1'], headers=headers)
    assert isinstance(error, ClientError) and isinstance(error, RuntimeError)


def test_a_form_that_a_client_sends_where_none_is_expected_is_a_400_that_says_so(caplog):
    options = {
        'body': [b'a=1'],
        'headers': {'content-type': 'application/x-www-form-urlencoded', 'content-length': '3'},
    }
    reply = ask(lambda req, res, ctx: req.form.get('a'), 'GET', **options)
    assert (reply.status, caplog.records) == (400, []) and 'await req.form' in reply.text
    error = raised(lambda req, res, ctx: req.form.get('a'), method='POST', options={'stream': True}, **options)
    assert type(error) is RuntimeError


def test_a_body_that_is_not_read_ahead_on_a_streaming_route_is_no_fault_of_the_client(caplog):
    for options in ({}, {'body': [b'a'], 'headers': {'content-length': '1'}}):
        error = raised(lambda req, res, ctx: req.body, method='POST', options={'stream': True}, **options)
        assert type(error) is RuntimeError and 'req.stream()' in str(error)


def test_an_announced_length_of_zero_is_no_body():
    assert see(lambda req: req.body, headers={'content-length': '0'}) == b''


@pytest.mark.parametrize('method', ['POST', 'GET'])
def test_read_gives_the_body_as_often_as_it_is_asked(method):
    async def twice(req):
        return await req.read(), await req.read(), req.body

    assert see(twice, method, body=[b'a', b'b']) == (b'ab', b'ab', b'ab')


@pytest.mark.parametrize('method', AHEAD)
def test_every_way_of_cutting_a_body_gives_the_same(method):
    content = bytes(range(12))
    for cut in range(len(content) + 1):
        assert see(lambda req: req.body, method, body=[content[:cut], content[cut:]]) == content


def test_text_is_utf_8():
    assert see(lambda req: req.text, 'POST', body='é漢') == 'é漢'


def test_text_that_is_not_utf_8_is_no_500():
    def handler(req, res, ctx):
        res.body = req.text

    assert ask(handler, 'POST', body=b'\xff').status in (200, 400)


# limits


async def reader(req, res, ctx):
    res.body = await req.read()


def limited(limit, route=None, handler=reader):
    app = App(max_body_size=limit)
    for method in ('GET', 'PROPFIND', *AHEAD):
        app.METHOD(method, '/', handler, max_body_size=route)
    return app


@pytest.mark.parametrize('chunks', [1, 3, 11])
@pytest.mark.parametrize('method', ['POST', 'DELETE', 'GET', 'PROPFIND'])
@pytest.mark.parametrize('limit, route, fits', [(10, None, 10), (5, 10, 10), (1000, 10, 10), (10, 0, 0)])
def test_more_than_the_limit_is_a_413(method, chunks, limit, route, fits):
    def sized(n):
        content = b'x' * n
        return [content[i * n // chunks : (i + 1) * n // chunks] for i in range(chunks)]

    app = limited(limit, route)
    announced = {'content-length': str(fits)}
    assert ask(app, method, body=sized(fits), headers=announced).body == b'x' * fits
    assert ask(app, method, body=sized(fits)).body == b'x' * fits
    for headers in ({}, {'content-length': str(fits + 1)}):
        reply = ask(app, method, body=sized(fits + 1), headers=headers)
        assert (reply.status, reply.header('connection')) == (413, 'close')


@pytest.mark.parametrize(
    'announced, sent, status', [(5, 11, 413), (10, 11, 413), (11, 5, 413), (10, 5, 200), (0, 11, 413)]
)
def test_a_content_length_that_lies_changes_no_limit(announced, sent, status):
    app = limited(10)
    for body in ([b'x' * sent], [b'x'] * sent):
        assert ask(app, 'POST', body=body, headers={'content-length': str(announced)}).status == status


@pytest.mark.parametrize(
    'length', ['-1', '-11', 'abc', '', '+5', '5, 5', '5.0', '0x5', '１'.encode(), b'\xb2', '9' * 5000, '1_0']
)
def test_a_content_length_that_is_none_is_never_a_500(length):
    for method in ('POST', 'GET'):
        assert ask(limited(10), method, body=[b'xxxxx'], headers=[('content-length', length)]).status in (
            200,
            400,
            413,
        )
        assert ask(limited(10), method, body=[b'x' * 11], headers=[('content-length', length)]).status in (400, 413)


@pytest.mark.parametrize('method', ['POST', 'GET'])
@pytest.mark.parametrize('headers', [{}, {'content-length': '300'}])
def test_the_rest_is_dropped_before_the_last_message_so_that_the_client_reads_it(method, headers):
    reply = ask(limited(10), method, body=[b'x' * 10] * 30, headers=headers)
    assert (reply.status, reply.header('connection'), reply.received_before[-1]) == (413, 'close', 30)


@pytest.mark.parametrize('headers', [{}, {'content-length': str(20 * MIB)}])
def test_no_more_than_8_mib_are_dropped(headers):
    chunk = 2**16
    reply = ask(limited(10), 'POST', body=[b'x' * chunk] * (20 * MIB // chunk), headers=headers)
    assert reply.status == 413 and reply.complete
    assert 8 * MIB <= reply.received * chunk <= 8 * MIB + 2 * chunk


@pytest.mark.parametrize('version', ['2', '3'])
def test_all_is_dropped_on_a_connection_that_other_requests_share(version):
    reply = ask(limited(10), 'POST', body=[b'x' * MIB] * 21, http_version=version)
    assert (reply.status, reply.header('connection'), reply.received_before[-1]) == (413, None, 21)


class Trickling(Exchange):
    """A client that sends one byte a second, for ever."""

    async def receive(self):
        await asyncio.sleep(1)
        return {'type': 'http.request', 'body': b'x', 'more_body': True}


@pytest.mark.parametrize('version, most', [('1.1', 5), ('2', 30)])
@pytest.mark.parametrize('kind', [Exchange, Trickling])
def test_no_more_than_5_seconds_are_spent_dropping_and_30_on_a_shared_connection(kind, version, most):
    async def run():
        start = asyncio.get_running_loop().time()
        headers = {'content-length': '1000'}
        exchange = kind(limited(10), 'POST', body=None, headers=headers, http_version=version, limit=60)
        reply = await exchange.reply()
        return reply, asyncio.get_running_loop().time() - start

    reply, seconds = jumping(run())
    assert (reply.status, reply.complete) == (413, True)
    assert most - 0.5 < seconds < most + 1.5


def test_nothing_of_a_body_over_the_limit_is_kept():
    alive, most = set(), []

    class Chunk(bytes):
        def __new__(cls, number):
            alive.add(number)
            return super().__new__(cls, b'x' * 100)

        def __init__(self, number):
            self.number = number

        def __del__(self):
            alive.discard(self.number)

    class Endless(Exchange):
        async def receive(self):
            most.append(len(alive))
            self.received += 1
            return {'type': 'http.request', 'body': Chunk(self.received), 'more_body': self.received < 200}

    async def run():
        return await Endless(limited(1000), 'POST', body=None).reply()

    assert asyncio.run(run()).status == 413
    assert len(most) == 200 and max(most[20:]) < 5


@pytest.mark.parametrize('version, header', [('1.0', 'close'), ('1.1', 'close'), ('2', None), ('3', None)])
def test_the_connection_is_closed_on_http_1_alone(version, header):
    reply = ask(limited(10), 'POST', body=[b'x' * 11], http_version=version)
    assert (reply.status, reply.header('connection')) == (413, header)


@pytest.mark.parametrize('method', ['POST', 'GET'])
@pytest.mark.parametrize('expect', ['100-continue', '100-Continue'])
def test_a_client_that_waits_for_100_continue_over_the_limit_is_answered_before_it_sends(method, expect):
    reply = ask(limited(10), method, body=None, headers={'content-length': '11', 'expect': expect})
    assert (reply.status, reply.received) == (413, 0)


def test_a_client_that_waits_for_100_continue_within_the_limit_is_read():
    headers = {'content-length': '10', 'expect': '100-continue'}
    assert ask(limited(10), 'POST', body=[b'x' * 10], headers=headers).body == b'x' * 10


def test_a_413_runs_no_hook_but_those_that_always_run():
    ran, app = [], limited(10, handler=lambda req, res, ctx: ran.append('handler'))
    app.BEFORE('/*', lambda req, res, ctx: ran.append('before'))
    app.AFTER('/*', lambda req, res, ctx: ran.append('after'))
    app.AFTER('/*', lambda req, res, ctx: ran.append('always'), always=True)
    assert ask(app, 'POST', body=b'x' * 11).status == 413
    assert ran == ['always']


def test_a_page_for_413_may_ask_whether_the_client_has_left_and_is_sent_at_once():
    app = limited(10)

    async def page(req, res, ctx):
        res.out(413, f'left: {await req.disconnected()}')

    app.ERROR(413, page)

    async def run():
        start = asyncio.get_running_loop().time()
        reply = await asking(app, 'POST', body=[b'x' * 11])
        return reply, asyncio.get_running_loop().time() - start

    reply, seconds = jumping(run())
    assert (reply.status, reply.text) == (413, 'left: False')
    assert seconds < 4  # nothing of the body is to come, so nothing is waited for


@pytest.mark.parametrize('which', [413, TooLarge])
def test_a_413_may_have_a_page(which):
    app = limited(10)
    app.ERROR(which, lambda req, res, ctx: res.out(413, 'half of it, please'))
    reply = ask(app, 'POST', body=[b'x' * 10] * 3)
    assert (reply.status, reply.text, reply.header('connection')) == (413, 'half of it, please', 'close')
    assert reply.received_before[-1] == 3


def test_a_413_says_what_the_limit_is():
    assert '10' in ask(limited(10), 'POST', body=b'x' * 11).text


def test_a_handler_that_catches_the_limit_still_leaves_nothing_unread():
    async def forgiving(req, res, ctx):
        try:
            await req.read()
        except TooLarge as error:
            res.body = [error.status]

    reply = ask(limited(10, handler=forgiving), 'GET', body=[b'x' * 10] * 3)
    assert (reply.status, reply.json(), reply.header('connection'), reply.received_before[-1]) == (
        200,
        [413],
        'close',
        3,
    )


def test_reading_again_what_was_too_large_is_a_413_again():
    app = limited(10)

    async def curious(req, res, ctx):
        with pytest.raises(TooLarge):
            await req.read()

    app.BEFORE('/*', curious)
    assert ask(app, 'GET', body=b'x' * 11).status == 413


def test_a_connection_header_of_the_handlers_gives_way():
    async def stubborn(req, res, ctx):
        res.header('Connection', 'keep-alive')
        await req.read()

    assert ask(limited(10, handler=stubborn), 'GET', body=b'x' * 11).header('connection') == 'close'


def test_the_default_limit_is_10_mib():
    app = App()
    app.POST('/', lambda req, res, ctx: None)
    chunks = [b'x' * MIB] * 10
    assert ask(app, 'POST', body=chunks).status == 200
    assert ask(app, 'POST', body=[*chunks, b'x']).status == 413


# a client that leaves


@pytest.mark.parametrize('after', [0, 1, 2])
@pytest.mark.parametrize('method', AHEAD)
def test_a_client_that_leaves_while_its_body_is_read_is_not_answered(method, after, caplog):
    caplog.set_level(logging.DEBUG)
    ran, app = [], limited(10, handler=lambda req, res, ctx: ran.append('handler'))
    app.BEFORE('/*', lambda req, res, ctx: ran.append('before'))
    app.ERROR(500, lambda req, res, ctx: ran.append('error'))
    reply = ask(app, method, body=[b'a', b'b', b'c'], leave_after=after)
    assert (reply.messages, ran) == ([], [])
    assert not [record for record in caplog.records if record.levelno > logging.DEBUG]


def test_a_client_that_leaves_while_a_handler_reads_is_not_answered(caplog):
    ran = []

    async def handler(req, res, ctx):
        await req.read()
        ran.append('on')

    reply = ask(handler, 'GET', body=[b'a', b'b'], leave_after=1)
    assert (reply.messages, ran, caplog.records) == ([], [], [])


def test_reading_again_when_the_client_has_left_says_that_it_left(caplog):
    async def stubborn(req, res, ctx):
        with pytest.raises(Disconnected):
            await req.read()
        await req.read()

    assert ask(stubborn, 'GET', body=[b'a', b'b'], leave_after=1).messages == []
    assert caplog.records == []


@pytest.mark.parametrize('after', [1, 2, 5])
def test_a_client_that_leaves_while_its_413_is_prepared_breaks_nothing(after, caplog):
    ask(limited(10), 'POST', body=[b'x' * 10] * 9, leave_after=after)
    assert caplog.records == []


def test_a_server_whose_receive_is_no_coroutine_function_is_read():
    class Future(Exchange):
        def __getattribute__(self, name):
            value = super().__getattribute__(name)
            return (lambda: asyncio.ensure_future(value())) if name == 'receive' else value

    async def run():
        return await Future(limited(10), 'POST', body=[b'a', b'b']).reply()

    assert asyncio.run(run()).body == b'ab'


def test_a_message_may_leave_out_what_asgi_lets_it_leave_out():
    class Sparse(Exchange):
        async def receive(self):
            return {'type': 'http.request'}

    async def run():
        return await Sparse(limited(10), 'POST', body=None).reply()

    assert asyncio.run(run()).body == b''


def test_a_client_that_was_told_to_continue_is_drained_though_its_first_chunk_is_too_large():
    headers = {'expect': '100-continue', 'transfer-encoding': 'chunked'}
    reply = ask(limited(10), 'POST', body=[b'x' * 20, b'x' * 20, b'x'], headers=headers)
    assert (reply.status, reply.received) == (413, 3)

"""Framing: lengths, statuses without a body, HEAD; on every way to an answer."""

import pytest
from asks import ask
from heaven import App


async def chunks():
    yield b'abc'


def body(content):
    def handler(req, res, ctx):
        res.body = content() if callable(content) else content

    return handler


def fail(req, res, ctx):
    raise ValueError('broken')


FIXED = {
    'text': (body('é'), 200, 2),
    'bytes': (body(b'abc'), 200, 3),
    'json': (body({'a': 1}), 200, 7),
    'nothing': (body(None), 200, 0),
    'redirect': (lambda req, res, ctx: res.redirect('/x', status=302), 302, 0),
    'abort': (lambda req, res, ctx: res.abort(403, 'no'), 403, 2),
    'out': (lambda req, res, ctx: res.out(201, 'made'), 201, 4),
    'html': (lambda req, res, ctx: res.html('<p>'), 200, 3),
}


@pytest.mark.parametrize('handler, status, length', FIXED.values(), ids=FIXED)
@pytest.mark.parametrize('method', ['GET', 'HEAD', 'POST'])
def test_a_fixed_body_has_exactly_one_right_length_on_head_too(method, handler, status, length):
    app = App()
    app.METHOD('GET' if method == 'HEAD' else method, '/', handler)
    reply = ask(app, method)
    assert (reply.status, reply.all('content-length')) == (status, [str(length)])
    assert len(reply.body) == (0 if method == 'HEAD' else length)


@pytest.mark.parametrize('target, handler', [('/absent', body('x')), ('/', fail)])
def test_head_has_the_headers_of_get_on_errors_too(target, handler):
    app = App()
    app.GET('/', handler)
    get, head = ask(app, 'GET', target), ask(app, 'HEAD', target)
    assert (get.status, sorted(get.headers)) == (head.status, sorted(head.headers))
    assert int(get.header('content-length')) == len(get.body) > 0 and head.body == b''


@pytest.mark.parametrize('claimed', ['99', '0', '1, 1', 'x'])
def test_a_length_that_a_handler_claims_for_a_fixed_body_is_corrected(claimed):
    def handler(req, res, ctx):
        res.header('Content-Length', claimed).body = 'abc'

    for method in ('GET', 'HEAD'):
        assert ask(handler, method).all('content-length') == ['3']


@pytest.mark.parametrize('status', [204, 205, 304])
@pytest.mark.parametrize(
    'content', [None, 'abc', b'abc', {'a': 1}, chunks], ids=['none', 'text', 'bytes', 'json', 'stream']
)
@pytest.mark.parametrize('method', ['GET', 'HEAD', 'POST'])
def test_statuses_without_a_body_have_neither_body_nor_length(status, content, method):
    def handler(req, res, ctx):
        res.header('Content-Length', '3').header('ETag', '"a"').status = status
        body(content)(req, res, ctx)

    reply = ask(handler, method)
    assert (reply.status, reply.body, reply.header('content-length'), reply.header('etag')) == (
        status,
        b'',
        None,
        '"a"',
    )


@pytest.mark.parametrize('status', [204, 205, 304])
def test_a_type_is_not_sent_of_a_body_that_is_not(status):
    assert ask(lambda req, res, ctx: res.out(status, 'abc')).header('content-type') is None


def test_transfer_encoding_is_dropped_from_fixed_bodies():
    def handler(req, res, ctx):
        res.header('Transfer-Encoding', 'chunked').body = 'abc'

    reply = ask(handler)
    assert (reply.header('transfer-encoding'), reply.header('content-length')) == (None, '3')


def test_a_stream_on_head_sends_no_body():
    reply = ask(body(chunks), 'HEAD')
    assert (reply.status, reply.body, reply.complete) == (200, b'', True)


def test_a_stream_on_head_keeps_the_length_that_its_handler_set():
    def handler(req, res, ctx):
        res.header('Content-Length', '3').body = chunks()

    assert ask(handler, 'HEAD').header('content-length') == '3'


@pytest.mark.parametrize('status', [404, 413, 500])
def test_error_pages_are_framed_like_any_answer(status):
    app = App()
    app.ERROR(status, lambda req, res, ctx: res.out(status, {'status': status}))

    def handler(req, res, ctx):
        res.body = 'this goes away'
        raise ValueError if status == 500 else res.abort(status)

    reply = ask(handler, app=app)
    assert (reply.status, reply.json(), reply.header('content-length')) == (status, {'status': status}, '14')


def test_a_500_keeps_the_headers_but_for_those_of_the_body_and_its_caching():
    gone = {
        'Content-Type': 'text/csv',
        'Content-Encoding': 'gzip',
        'Content-Language': 'de',
        'Content-Range': 'bytes 0-1/2',
        'Content-Disposition': 'attachment',
        'Content-Location': '/x',
        'Content-Length': '7',
        'ETag': '"a"',
        'Last-Modified': 'Sun, 22 Nov 2026 07:08:07 GMT',
        'Cache-Control': 'public, max-age=3600',
        'Expires': 'Sun, 22 Nov 2026 07:08:07 GMT',
    }

    def handler(req, res, ctx):
        for name, value in gone.items():
            res.headers[name] = value
        res.header('X-A', 'b').cookie('a', 'b').body = {'half': 'made'}
        raise ValueError('broken')

    reply = ask(handler)
    assert (reply.status, reply.header('x-a'), len(reply.all('set-cookie'))) == (500, 'b', 1)
    values = {name.decode(): value.decode() for name, value in reply.headers}
    assert not [name for name in gone if values.get(name.lower()) == gone[name]]
    assert b'half' not in reply.body


def test_a_send_that_fails_on_a_fixed_body_is_a_client_that_left(caplog):
    for n in (0, 1):
        assert ask(body('abc'), fail_send_after=n).error is None
    assert caplog.records == []


@pytest.mark.parametrize('length', [None, 12345])
def test_a_head_may_say_what_length_get_has(length):
    app = App()
    app.HEAD('/', lambda req, res, ctx: res.header('content-length', length) and None)
    reply = ask(app, 'HEAD')
    assert (reply.header('content-length'), reply.body) == (str(length or 0), b'')

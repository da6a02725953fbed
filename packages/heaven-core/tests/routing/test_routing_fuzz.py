"""Whatever bytes a client sends, wherever it sends them, no 500 comes of it unless a handler raised one."""

import logging
import random

import pytest
from asks import Live
from heaven import App, ClientError
from rounds import ROUNDS

PIECES = [piece.encode() for piece in '/ // . .. % %2 %2F %2e %25 %00 %ff %C3%A9 %ED%A0%80 %zz'.split()]
PIECES += [piece.encode() for piece in '? # : * a 7 - = & ; + , " { } [ ] @ é a=1 page= true null NaN 1e999'.split()]
PIECES += [b'\\', b' ', b'\t', b'\r', b'\n', b'\x00', b'\xff', b'\xed\xa0\x80', b'\xef\xbb\xbf', b'\\ud800', b'9' * 400]
PIECES += [piece.encode() for piece in 'http: localhost [::1] 99999 2024-02-30 W/" gzip websocket bytes=0-'.split()]
PIECES += [b'x' * 300, b'charset=', b'utf-16', b'boundary=', b'application/json', b'multipart/form-data']
JSONS = ['application/json', 'application/json; charset=utf-16', 'application/problem+json', 'text/json', '']
FORM = 'application/x-www-form-urlencoded'
NAMES = 'host cookie content-type content-length accept accept-encoding accept-language expect origin referer range'
NAMES += ' if-range if-none-match if-modified-since x-forwarded-for forwarded transfer-encoding connection upgrade'
NAMES = [*NAMES.split(), 'authorization', 'access-control-request-method', 'x-odd']
METHODS = ['GET', 'GET', 'POST', 'POST', 'HEAD', 'OPTIONS', 'DELETE', 'PUT', 'QUERY', 'TRACE', 'BREW', '']
BODIES = [b'', b'[' * 900, b'{"a":' * 150, b'"\\ud800"', b'9' * 900, b'x' * 5000]


def some_bytes(rng, most=6):
    pieces = [rng.choice([*PIECES, rng.randbytes(1), rng.randbytes(3)]) for _ in range(rng.randrange(most))]
    return b''.join(pieces)


def look(req, res, ctx):
    """What a hook may read without a thought; only what the client caused may go wrong in it."""
    told = [req.method, req.path, req.url, req.route, req.scheme, req.host, req.subdomain, req.server.port]
    told += [req.ip.address, req.ip.port, dict(req.params), dict(req.headers), dict(req.cookies)]
    told += [req.querystring, req.headers.all('x-odd'), list(req.queries), req.queries.get('page')]
    ctx.told = repr(told)


def touch_everything(req, res, ctx):
    """What a handler may read without a thought."""
    look(req, res, ctx)
    res.body = ctx.told


async def touch_async(req, res, ctx):
    touch_everything(req, res, ctx)


def read_json(req, res, ctx):
    res.body = {'json': req.json}


def read_text(req, res, ctx):
    res.body = req.text


async def read_body(req, res, ctx):
    res.body = await req.read()


def read_form(req, res, ctx):
    res.body = repr(req.form.to_dict())


async def read_stream(req, res, ctx):
    res.body = b''.join([chunk async for chunk in req.stream()])


async def page(req, res, ctx):
    res.body = f'{res.status} {res.error} {req.url} {await req.disconnected()}'


class Middleware:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        await self.app(scope, receive, send)


def build(seed=0):
    """An app that has every kind of route, and by the seed debug, error handlers and a middleware."""
    app = App(max_body_size=1000, debug=seed % 2 == 1)
    if seed % 3 == 1:
        for key in (400, 404, 405, 413, ClientError):
            app.ERROR(key, page)
    if seed % 5 == 1:
        app.use(Middleware)
    app.POST('/stream/*', read_stream, stream=True, max_body_size=2000)
    if seed % 4:
        app.BEFORE('/*', look)
        app.BEFORE('/:x:int/*', look)
        app.AFTER('/*', lambda req, res, ctx: res.header('x-after', 'yes'), always=seed % 4 == 1)
    app.GET('/', touch_async)
    app.GET('/b/:x', touch_async)
    app.GET('/:x:int', touch_everything)
    app.GET('/:x:date/:y', touch_everything)
    app.GET('/a/*', touch_everything)
    app.GET('/q?page:int=1&since:date&flag:bool=true&x:float&id:uuid&at:datetime', touch_everything)
    app.HTTP('/every/*', read_body)
    app.POST('/json', read_json)
    app.POST('/text', read_text)
    app.POST('/form', read_form)
    return app


def some_request(rng):
    method = rng.choice(METHODS)
    target = rng.choice([b'/', b'/', b'/a/', b'/b/', b'/every/', b'/q', b'/json', b'/text', b'']) + some_bytes(rng, 5)
    options = {}
    if method == 'POST' and rng.random() < 0.5:
        target = rng.choice([b'/json', b'/text', b'/stream/a'])
    if rng.random() < 0.3:
        options['path'] = '/' * rng.randrange(2) + some_bytes(rng).decode('utf-8', 'replace')
    if rng.random() < 0.3:
        options['raw_path'] = rng.choice([None, b'', some_bytes(rng)])
    if rng.random() < 0.5:
        options['query'] = rng.choice([b'', b'page=', b'since=', b'flag=', b'x=', b'id=', b'at=']) + some_bytes(rng)
    if rng.random() < 0.2:
        options['root_path'] = rng.choice(['/a', '/', 'a', '/é', some_bytes(rng, 3).decode('latin-1')])
    if rng.random() < 0.2:
        options['client'] = rng.choice([None, ('::1', 0), ('', None), ('unix', 1)])
    if rng.random() < 0.2:
        options['server'] = rng.choice([None, ('/run/app.sock', None), ('::1', 8000)])
    if rng.random() < 0.2:
        options['scheme'] = rng.choice(['https', 'http', ''])
    if rng.random() < 0.2:
        options['http_version'] = rng.choice(['1.0', '2', '3'])
    headers = [(rng.choice(NAMES).encode(), some_bytes(rng).strip()) for _ in range(rng.randrange(5))]
    if rng.random() < 0.5:
        headers.append((b'content-type', rng.choice(JSONS).encode()))
    if rng.random() < 0.1:
        headers.append((some_bytes(rng, 3).lower(), some_bytes(rng)))
    body = rng.choice([some_bytes(rng), some_bytes(rng, 30), *BODIES])
    if rng.random() < 0.3:
        body = [body[:1], body[1:], b''] if rng.random() < 0.5 else [b'', body]
    return method, target, {'headers': headers, 'body': body, **options}


@pytest.mark.parametrize('seed', range(40 * ROUNDS))
def test_arbitrary_bytes_in_every_part_of_a_request_never_cause_a_500(seed, caplog):
    rng = random.Random(seed)
    with Live(build(seed)) as live:
        for _ in range(60):
            method, target, options = some_request(rng)
            reply = live.ask(method, target, **options)
            told = f'{method} {target!r} {options!r}: {reply!r}'
            assert reply.status < 500, told
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert [text for text in warnings if 'held the event loop' not in text] == []  # a busy machine may say that


@pytest.mark.parametrize('seed', range(10 * ROUNDS))
def test_arbitrary_json_bodies_are_answered_with_what_they_say_or_a_4xx(seed):
    rng = random.Random(seed)
    with Live(build()) as live:
        for _ in range(60):
            body = some_bytes(rng, 12)
            reply = live.ask('POST', '/json', body=body, headers=[('content-type', rng.choice(JSONS[:3]))])
            assert reply.status in (200, 400, 413, 415), body
            assert reply.body


def test_a_form_of_arbitrary_bytes_is_no_500():
    rng = random.Random(0)
    with Live(build()) as live:
        for _ in range(200):
            body = some_bytes(rng, 12)
            reply = live.ask('POST', '/form', body=body, headers=[('content-type', FORM)], catch=True)
            assert reply.status < 500, (body, reply)

"""The operations in Heaven."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from importlib import metadata
from typing import Any

import heaven
import orjson
from heaven import Abort, App, Context, Key, Request, Response
from workload import ROUTES

from cases import SMALL, TEXT, folder

BUILDERS: dict[str, Callable[[], Any]] = {}
USER = Key[str]('user')


def versions() -> dict[str, str]:
    """Say what is measured; what runs from its sources says so itself."""
    return {'heaven-core': heaven.__version__, 'orjson': metadata.version('orjson')}


def new(**options: Any) -> App:
    return App({'SECRET': 'x'}, json=orjson, **options)


def app(register: Callable[[App], Any]) -> Callable[[App], Any]:
    """Make a function that registers on an app the builder of the case of its name."""

    def build() -> Any:
        made = new()
        return register(made) or made

    BUILDERS[register.__name__] = build
    return register


def on(route: str = '/', method: str = 'GET', case: str = '', **options: Any) -> Callable[[Any], Any]:
    """Make a handler, at one route, the app of the case of its name or of the name given."""

    def decorate(handler: Any) -> Any:
        def build() -> App:
            made = new()
            made.METHOD(method, route, handler, **options)
            return made

        BUILDERS[case or handler.__name__] = build
        return handler

    return decorate


get, post = on(), on(method='POST')


async def text(req: Request, res: Response, ctx: Context) -> None:
    res.body = TEXT


async def answer_sent(req: Request, res: Response, ctx: Context) -> None:
    res.body = req.body


# Handlers


on(case='base')(text)


@get
def plain_def(req: Request, res: Response, ctx: Context) -> None:
    res.body = TEXT


on(case='lambda_out')(lambda req, res, ctx: res.out(200, TEXT))


@get
async def returns_res(req: Request, res: Response, ctx: Context) -> Response:
    res.body = TEXT
    return res


class Page:
    async def __call__(self, req: Request, res: Response, ctx: Context) -> None:
        res.body = TEXT

    async def show(self, req: Request, res: Response, ctx: Context) -> None:
        res.body = TEXT


async def say(said: str, req: Request, res: Response, ctx: Context) -> None:
    res.body = said


on(case='object_handler')(Page())
on(case='bound_method')(Page().show)
on(case='partial_handler')(partial(say, TEXT))
on(case='dotted_handler')('cases.heaven.text')
on(case='threaded', threaded=True)(plain_def)


@app
def any_method(app: App) -> None:
    app.METHOD(['GET', 'PROPFIND'], '/', text)


@on(meta={'scope': 'read'})
async def meta(req: Request, res: Response, ctx: Context) -> None:
    res.body = TEXT if req.meta['scope'] == 'read' else ''


# Answers


@get
async def status_201(req: Request, res: Response, ctx: Context) -> None:
    res.status = 201
    res.body = TEXT


@get
async def status_enum(req: Request, res: Response, ctx: Context) -> None:
    res.status = HTTPStatus.CREATED
    res.body = TEXT


@get
async def status_204(req: Request, res: Response, ctx: Context) -> None:
    res.status = 204


@get
async def out_201(req: Request, res: Response, ctx: Context) -> None:
    res.out(201, TEXT)


@get
async def out_403(req: Request, res: Response, ctx: Context) -> Response:
    return res.out(403, TEXT)


@get
async def out_headers(req: Request, res: Response, ctx: Context) -> None:
    res.out(200, TEXT, {'x-a': '1'})


@get
async def body_bytes(req: Request, res: Response, ctx: Context) -> None:
    res.body = b'ok'


@get
async def body_dict(req: Request, res: Response, ctx: Context) -> None:
    res.body = {'id': 7, 'active': True}


@get
async def body_list(req: Request, res: Response, ctx: Context) -> None:
    res.body = [1, 2, 3]


@get
async def body_tuple(req: Request, res: Response, ctx: Context) -> None:
    res.body = 1, 2, 3


@get
async def body_int(req: Request, res: Response, ctx: Context) -> None:
    res.body = 7


@get
async def body_bool(req: Request, res: Response, ctx: Context) -> None:
    res.body = True


@get
async def body_none(req: Request, res: Response, ctx: Context) -> None:
    res.body = None


@get
async def body_unset(req: Request, res: Response, ctx: Context) -> None:
    pass


@dataclass
class Record:
    id: int
    active: bool


@get
async def body_dataclass(req: Request, res: Response, ctx: Context) -> None:
    res.body = Record(**SMALL)


@get
async def html(req: Request, res: Response, ctx: Context) -> None:
    res.html(TEXT)


@get
async def content_type(req: Request, res: Response, ctx: Context) -> None:
    res.header('content-type', 'text/csv; charset=utf-8')
    res.body = TEXT


@get
async def redirect(req: Request, res: Response, ctx: Context) -> None:
    res.redirect('/login')


on(method='POST', case='redirect_post')(redirect)


@get
async def chained(req: Request, res: Response, ctx: Context) -> Response:
    return res.header('x-a', '1').cookie('a', 'b').out(200, TEXT)


@get
async def read_status(req: Request, res: Response, ctx: Context) -> None:
    res.body = TEXT if res.status == 200 else ''


@get
async def read_body(req: Request, res: Response, ctx: Context) -> None:
    res.body = TEXT
    assert res.body


async def later(app: App) -> None:
    pass


@get
async def defer(req: Request, res: Response, ctx: Context) -> None:
    res.defer(later)
    res.body = TEXT


@get
async def defer_plain(req: Request, res: Response, ctx: Context) -> None:
    res.defer(lambda app: None)
    res.body = TEXT


# Headers sent


@get
async def header(req: Request, res: Response, ctx: Context) -> None:
    res.header('x-a', '1')
    res.body = TEXT


@get
async def header_capital(req: Request, res: Response, ctx: Context) -> None:
    res.header('X-A', '1')
    res.body = TEXT


@get
async def header_int(req: Request, res: Response, ctx: Context) -> None:
    res.header('x-a', 1)
    res.body = TEXT


@get
async def header_list(req: Request, res: Response, ctx: Context) -> None:
    res.header('x-a', ['1', '2'])
    res.body = TEXT


@get
async def header_none(req: Request, res: Response, ctx: Context) -> None:
    res.header('x-a', '1')
    res.header('x-a', None)
    res.body = TEXT


@get
async def header_3(req: Request, res: Response, ctx: Context) -> None:
    res.header('x-a', '1')
    res.header('x-b', '2')
    res.header('x-c', '3')
    res.body = TEXT


@get
async def headers_set(req: Request, res: Response, ctx: Context) -> None:
    res.headers['x-a'] = '1'
    res.body = TEXT


@get
async def headers_set_int(req: Request, res: Response, ctx: Context) -> None:
    res.headers['x-a'] = 1
    res.body = TEXT


@get
async def headers_set_fresh(req: Request, res: Response, ctx: Context) -> None:
    res.headers['x-a'] = f'{id(req)}'
    res.body = TEXT


@get
async def headers_set_3(req: Request, res: Response, ctx: Context) -> None:
    res.headers['x-a'] = '1'
    res.headers['x-b'] = '2'
    res.headers['x-c'] = '3'
    res.body = TEXT


@get
async def headers_read(req: Request, res: Response, ctx: Context) -> None:
    res.header('x-a', '1')
    res.body = TEXT if res.headers.get('x-a') == '1' else ''


@get
async def cookie(req: Request, res: Response, ctx: Context) -> None:
    res.cookie('a', 'b')
    res.body = TEXT


@get
async def cookie_full(req: Request, res: Response, ctx: Context) -> None:
    res.cookie('a', 'b', path='/x', max_age=60, secure=True, httponly=True, samesite='lax')
    res.body = TEXT


@get
async def cookie_none(req: Request, res: Response, ctx: Context) -> None:
    res.cookie('a', None)
    res.body = TEXT


@get
async def cookie_raw(req: Request, res: Response, ctx: Context) -> None:
    res.header('set-cookie', 'a=b')
    res.body = TEXT


# Context, app


async def set_user(req: Request, res: Response, ctx: Context) -> None:
    ctx.user = 'ada'


async def keep_user(req: Request, res: Response, ctx: Context) -> None:
    ctx.keep('user', 'ada')


async def read_user(req: Request, res: Response, ctx: Context) -> None:
    res.body = TEXT if ctx.user == 'ada' else ''


@app
def ctx_set(app: App) -> None:
    app.BEFORE('/*', set_user)
    app.GET('/', text)


@app
def ctx_read(app: App) -> None:
    app.BEFORE('/*', set_user)
    app.GET('/', read_user)


@app
def ctx_keep_hook(app: App) -> None:
    app.BEFORE('/*', keep_user)
    app.GET('/', read_user)


@get
async def ctx_keep(req: Request, res: Response, ctx: Context) -> None:
    ctx.keep('user', 'ada')
    res.body = TEXT


@get
async def ctx_keep_key(req: Request, res: Response, ctx: Context) -> None:
    ctx.keep(USER, 'ada')
    res.body = TEXT if ctx.peek(USER) == 'ada' else ''


@get
async def ctx_peek(req: Request, res: Response, ctx: Context) -> None:
    ctx.keep('user', 'ada')
    res.body = TEXT if ctx.peek('user') else ''


@get
async def ctx_peek_miss(req: Request, res: Response, ctx: Context) -> None:
    res.body = '' if ctx.peek('user') else TEXT


@get
async def ctx_unkeep(req: Request, res: Response, ctx: Context) -> None:
    ctx.keep('user', 'ada')
    res.body = TEXT if ctx.unkeep('user') else ''


@get
async def ctx_in(req: Request, res: Response, ctx: Context) -> None:
    res.body = '' if 'user' in ctx else TEXT


@app
def app_peek(app: App) -> None:
    async def read(req: Request, res: Response, ctx: Context) -> None:
        res.body = req.app.peek('db')

    app.keep('db', TEXT)
    app.GET('/', read)


@get
async def app_keep(req: Request, res: Response, ctx: Context) -> None:
    req.app.keep('n', 7)
    res.body = TEXT


@get
async def app_config(req: Request, res: Response, ctx: Context) -> None:
    res.body = TEXT if req.app.CONFIG('SECRET') == 'x' else ''


@app
def url_for(app: App) -> None:
    async def build(req: Request, res: Response, ctx: Context) -> None:
        res.body = req.url_for('user', id=7)

    app.GET('/users/:id', text, name='user')
    app.GET('/', build)


@app
def app_url(app: App) -> None:
    async def build(req: Request, res: Response, ctx: Context) -> None:
        res.body = req.app.url('user', id=7)

    app.GET('/users/:id', text, name='user')
    app.GET('/', build)


# Request


@get
async def req_app(req: Request, res: Response, ctx: Context) -> None:
    res.body = TEXT if req.app else ''


@get
async def req_method(req: Request, res: Response, ctx: Context) -> None:
    res.body = TEXT if req.method == 'GET' else ''


@get
async def req_path(req: Request, res: Response, ctx: Context) -> None:
    res.body = TEXT if req.path == '/' else ''


@get
async def req_route(req: Request, res: Response, ctx: Context) -> None:
    res.body = TEXT if req.route == '/' else ''


@get
async def req_scheme(req: Request, res: Response, ctx: Context) -> None:
    res.body = TEXT if req.scheme == 'http' else ''


@get
async def req_querystring(req: Request, res: Response, ctx: Context) -> None:
    res.body = '' if req.querystring else TEXT


@get
async def req_ip(req: Request, res: Response, ctx: Context) -> None:
    res.body = TEXT if req.ip.address == '127.0.0.1' else ''


@get
async def req_server(req: Request, res: Response, ctx: Context) -> None:
    res.body = TEXT if req.server else ''


@get
async def req_host(req: Request, res: Response, ctx: Context) -> None:
    res.body = TEXT if req.host.startswith('127.0.0.1') else ''


@get
async def req_subdomain(req: Request, res: Response, ctx: Context) -> None:
    res.body = TEXT if req.subdomain == 'www' else ''


@get
async def req_url(req: Request, res: Response, ctx: Context) -> None:
    res.body = TEXT if req.url == 'http://127.0.0.1:8000/' else ''


@get
async def req_scope(req: Request, res: Response, ctx: Context) -> None:
    res.body = TEXT if req.scope['type'] == 'http' else ''


@on('/u/:id')
async def req_params(req: Request, res: Response, ctx: Context) -> None:
    res.body = TEXT if req.params['id'] == 'ada' else ''


@get
async def req_queries(req: Request, res: Response, ctx: Context) -> None:
    res.body = TEXT if req.queries else ''


@get
async def req_headers(req: Request, res: Response, ctx: Context) -> None:
    res.body = TEXT if req.headers else ''


@get
async def req_cookies(req: Request, res: Response, ctx: Context) -> None:
    res.body = TEXT if req.cookies else ''


@get
async def req_body(req: Request, res: Response, ctx: Context) -> None:
    res.body = '' if req.body else TEXT


@get
async def req_read(req: Request, res: Response, ctx: Context) -> None:
    res.body = '' if await req.read() else TEXT


# Headers read


@get
async def headers_get(req: Request, res: Response, ctx: Context) -> None:
    res.body = req.headers.get('user-agent')


@get
async def headers_get_capital(req: Request, res: Response, ctx: Context) -> None:
    res.body = req.headers.get('User-Agent')


@get
async def headers_get_miss(req: Request, res: Response, ctx: Context) -> None:
    res.body = req.headers.get('x-none', TEXT)


@get
async def headers_item(req: Request, res: Response, ctx: Context) -> None:
    res.body = req.headers['user-agent']


@get
async def headers_item_3(req: Request, res: Response, ctx: Context) -> None:
    headers = req.headers
    res.body = TEXT if headers['user-agent'] and headers['authorization'] and headers['x-request-id'] else ''


@get
async def headers_in(req: Request, res: Response, ctx: Context) -> None:
    res.body = TEXT if 'user-agent' in req.headers else ''


@get
async def headers_all(req: Request, res: Response, ctx: Context) -> None:
    res.body = TEXT if len(req.headers.all('accept')) == 1 else ''


@get
async def cookies_get(req: Request, res: Response, ctx: Context) -> None:
    res.body = req.cookies.get('theme')


@get
async def cookies_item(req: Request, res: Response, ctx: Context) -> None:
    res.body = req.cookies['theme']


# Queries


on(case='query_unread')(text)


@get
async def query_item(req: Request, res: Response, ctx: Context) -> None:
    res.body = req.queries['page']


on(case='query_item_4')(query_item)


@get
async def query_get_4(req: Request, res: Response, ctx: Context) -> None:
    res.body = req.queries.get('page')


@get
async def query_all_4(req: Request, res: Response, ctx: Context) -> None:
    res.body = req.queries.all('page')


@get
async def query_escaped(req: Request, res: Response, ctx: Context) -> None:
    res.body = req.queries['q']


@get
async def query_escaped_4(req: Request, res: Response, ctx: Context) -> None:
    queries = req.queries
    res.body = (queries['a'] + queries['b'] + queries['c'] + queries['d']).replace(' ', '')


@on('/?page:int')
async def query_typed(req: Request, res: Response, ctx: Context) -> None:
    res.body = req.queries['page']


on('/?page:int=1', case='query_default')(query_typed)


@on('/?a:int&b:float&c:bool&d:date')
async def query_typed_4(req: Request, res: Response, ctx: Context) -> None:
    queries = req.queries
    res.body = sum([queries['a'] == 1, queries['b'] == 2.5, queries['c'] is True, queries['d'].year == 2026])


# Bodies read


on(method='POST', case='post_unread')(text)


@post
async def post_body(req: Request, res: Response, ctx: Context) -> None:
    res.body = req.body


@post
async def post_text(req: Request, res: Response, ctx: Context) -> None:
    res.body = req.text


@post
async def post_json(req: Request, res: Response, ctx: Context) -> None:
    res.body = req.json


on(method='POST', case='post_json_charset')(post_json)
on(method='POST', case='post_no_length')(answer_sent)
on(method='POST', case='post_4_chunks')(answer_sent)
on(method='POST', case='post_repeated')(cookies_item)
on(method='PUT', case='put_empty')(text)
on(method='QUERY', case='query_method')(post_json)


@post
async def post_form(req: Request, res: Response, ctx: Context) -> None:
    form = await req.form
    res.body = form['name']


@post
async def post_multipart(req: Request, res: Response, ctx: Context) -> None:
    form = await req.form
    res.body = form['photo'].size


@on(method='POST', stream=True)
async def upload_streamed(req: Request, res: Response, ctx: Context) -> None:
    size = 0
    async for chunk in req.stream():
        size += len(chunk)
    res.body = size


@post
async def upload_ahead(req: Request, res: Response, ctx: Context) -> None:
    res.body = len(req.body)


on(method='POST', case='too_large', max_body_size=100)(answer_sent)


@get
async def connected(req: Request, res: Response, ctx: Context) -> None:
    async with req.connected():
        res.body = TEXT


# Streams and files


async def letters() -> Any:
    for letter in 'abc':
        yield letter


def plain_letters() -> Any:
    yield from 'abc'


async def numbers(count: int) -> Any:
    for number in range(count):
        yield str(number)


async def an_event() -> Any:
    yield {'data': 'x', 'id': '7', 'event': 'change', 'retry': 1000}


@get
async def stream_async(req: Request, res: Response, ctx: Context) -> None:
    res.body = letters()


@get
async def stream_res(req: Request, res: Response, ctx: Context) -> None:
    res.stream(letters())


@get
async def stream_sync(req: Request, res: Response, ctx: Context) -> None:
    res.body = plain_letters()


@get
async def sse_1(req: Request, res: Response, ctx: Context) -> None:
    res.stream(numbers(1), sse=True)


@get
async def sse_100(req: Request, res: Response, ctx: Context) -> None:
    res.stream(numbers(100), sse=True)


@get
async def sse_fields(req: Request, res: Response, ctx: Context) -> None:
    res.stream(an_event(), sse=True)


@get
async def file_small(req: Request, res: Response, ctx: Context) -> None:
    res.file(folder() / 'small.txt')


@get
async def file_large(req: Request, res: Response, ctx: Context) -> None:
    res.file(folder() / 'large.bin')


on(case='file_304')(file_small)
on(case='file_range')(file_large)


@get
async def file_download(req: Request, res: Response, ctx: Context) -> None:
    res.file(folder() / 'small.txt', filename='a.txt')


@app
def assets(app: App) -> None:
    app.ASSETS(folder(), '/assets/*')


# Routes, with a few others beside the one asked for


PATTERNS = {
    'slash': '/users',
    'param': '/u/:id',
    'param_fresh': '/u/:id',
    'param_slash': '/u/:id',
    'param_literal': '/u/:id/s',
    'param_literals': '/u/:id/s/t',
    'param_2': '/u/:id/s/:n',
    'param_3': '/a/:b/c/:d/e/:f',
    'param_first': '/:a',
    'param_first_2': '/:a/:b',
    'typed_int': '/u/:id:int',
    'typed_int_literal': '/u/:id:int/s',
    'typed_float': '/u/:id:float',
    'typed_date': '/u/:id:date',
    'typed_uuid': '/u/:id:uuid',
    'wildcard': '/f/*',
    'wildcard_short': '/f/*',
    'escaped': '/u/:id',
    'escaped_slash': '/u/:id',
    'root_literal': '/users',
    'root_param': '/u/:id',
    'head': '/u/:id',
    'options': '/u/:id',
    'not_allowed': '/u/:id',
    'not_found': '/u/:id',
    'not_found_deep': '/u/:id',
    'not_a_path': '/u/:id',
}
for name, pattern in PATTERNS.items():
    on(pattern, case=name)(text)


def beside(case: str, *patterns: str) -> None:
    def build() -> App:
        made = new()
        for pattern in patterns:
            made.GET(pattern, text)
        return made

    BUILDERS[case] = build


beside('typed_beside', '/u/:id', '/u/:id:int')
beside('literal_beside', '/u/:id', '/u/me')
beside('among_300', *ROUTES)
beside('among_300_deep', *ROUTES)
beside('backtrack', '/a/b/c', '/a/:x/d')


def slug(said: str) -> str:
    if not said.islower():
        raise ValueError(said)
    return said


@app
def typed_own(app: App) -> None:
    app.TYPE('slug', slug)
    app.GET('/u/:id:slug', text)


# No route


async def nothing(req: Request, res: Response, ctx: Context) -> None:
    pass


def hooks(count: int) -> list[Any]:
    """Make that many hooks, each a function of its own."""

    def one() -> Any:
        async def hook(req: Request, res: Response, ctx: Context) -> None:
            pass

        return hook

    return [one() for _ in range(count)]


@app
def not_allowed_hook(app: App) -> None:
    app.BEFORE('/*', nothing)
    app.GET('/u/:id', text)


@app
def not_found_error(app: App) -> None:
    app.ERROR(404, text)
    app.GET('/u/:id', text)


# Failures


@get
async def abort(req: Request, res: Response, ctx: Context) -> None:
    res.abort(403, TEXT)


@get
async def abort_bare(req: Request, res: Response, ctx: Context) -> None:
    res.abort(404)


@get
async def raise_abort(req: Request, res: Response, ctx: Context) -> None:
    raise Abort(403, TEXT)


@get
async def missing(req: Request, res: Response, ctx: Context) -> None:
    res.body = req.queries['none']


on(method='POST', case='bad_json')(post_json)


async def fail(req: Request, res: Response, ctx: Context) -> None:
    raise ValueError('no')


async def conflict(req: Request, res: Response, ctx: Context) -> None:
    res.out(409, TEXT)


@app
def error_class(app: App) -> None:
    app.ERROR(ValueError, conflict)
    app.GET('/', fail)


@app
def error_base(app: App) -> None:
    app.ERROR(Exception, conflict)
    app.GET('/', fail)


@app
def error_status(app: App) -> None:
    app.ERROR(404, text)
    app.GET('/', abort_bare)


on(case='unhandled')(fail)


@app
def error_500(app: App) -> None:
    app.ERROR(500, text)
    app.GET('/', fail)


# Hooks


def hooked(case: str, before: int = 0, after: int = 0) -> None:
    def build() -> App:
        made = new()
        for hook in hooks(before):
            made.BEFORE('/*', hook)
        for hook in hooks(after):
            made.AFTER('/*', hook)
        made.GET('/u/:id', text)
        return made

    BUILDERS[case] = build


for count in (1, 3, 10):
    hooked(f'before_{count}', before=count)
    hooked(f'after_{count}', after=count)
hooked('before_after', before=1, after=1)


def plain_hook(req: Request, res: Response, ctx: Context) -> None:
    pass


async def refuse(req: Request, res: Response, ctx: Context) -> Response:
    return res.out(401, TEXT)


async def abort_401(req: Request, res: Response, ctx: Context) -> None:
    res.abort(401, TEXT)


async def around(req: Request, res: Response, ctx: Context) -> Any:
    yield


async def around_finally_hook(req: Request, res: Response, ctx: Context) -> Any:
    try:
        yield
    finally:
        ctx.ended = True


async def around_answer(req: Request, res: Response, ctx: Context) -> Any:
    yield
    res.body = TEXT


def arounds(count: int) -> list[Any]:
    """Make that many hooks that go around the request, each a function of its own."""

    def one() -> Any:
        async def hook(req: Request, res: Response, ctx: Context) -> Any:
            yield

        return hook

    return [one() for _ in range(count)]


@app
def before_plain_def(app: App) -> None:
    app.BEFORE('/*', plain_hook)
    app.GET('/u/:id', text)


@app
def before_threaded(app: App) -> None:
    app.BEFORE('/*', plain_hook, threaded=True)
    app.GET('/u/:id', text)


@app
def before_methods(app: App) -> None:
    app.BEFORE('/*', nothing, methods='GET')
    app.GET('/u/:id', text)


@app
def before_answers(app: App) -> None:
    app.BEFORE('/*', refuse)
    app.GET('/u/:id', text)


@app
def before_aborts(app: App) -> None:
    app.BEFORE('/*', abort_401)
    app.GET('/u/:id', text)


@app
def before_sure(app: App) -> None:
    for number, hook in enumerate(hooks(10)):
        app.BEFORE(f'/other{number}/*', hook)
    app.GET('/u/:id', text)


@app
def before_unsure(app: App) -> None:
    app.BEFORE('/u/me', nothing)
    app.GET('/u/:id', text)


@app
def before_unsure_10(app: App) -> None:
    for number, hook in enumerate(hooks(10)):
        app.BEFORE(f'/u/me{number}', hook)
    app.GET('/u/:id', text)


@app
def after_always(app: App) -> None:
    app.AFTER('/*', nothing, always=True)
    app.GET('/u/:id', text)


@app
def route_before_1(app: App) -> None:
    app.GET('/u/:id', text, before=nothing)


@app
def route_before_3(app: App) -> None:
    app.GET('/u/:id', text, before=hooks(3))


@app
def route_before_and(app: App) -> None:
    app.BEFORE('/*', nothing)
    app.GET('/u/:id', text, before=hooks(1))


@app
def group_before(app: App) -> None:
    app.group('/v1', before=nothing).GET('/u/:id', text)


def going_around(case: str, count: int) -> None:
    def build() -> App:
        made = new()
        for hook in arounds(count):
            made.BEFORE('/*', hook)
        made.GET('/u/:id', text)
        return made

    BUILDERS[case] = build


for count in (1, 3, 10):
    going_around(f'around_{count}', count)


@app
def around_route(app: App) -> None:
    app.GET('/u/:id', text, before=around)


@app
def around_finally(app: App) -> None:
    app.BEFORE('/*', around_finally_hook)
    app.GET('/u/:id', text)


@app
def around_before(app: App) -> None:
    app.BEFORE('/*', around)
    app.BEFORE('/*', nothing)
    app.AFTER('/*', plain_hook)
    app.GET('/u/:id', text)


@app
def around_aborted(app: App) -> None:
    app.BEFORE('/*', around)
    app.GET('/u/:id', abort)


@app
def around_replaces(app: App) -> None:
    app.BEFORE('/*', around_answer)
    app.GET('/u/:id', body_dict)


async def send_user(req: Request, res: Response, ctx: Context) -> None:
    res.headers['x-user'] = ctx.user


@app
def keep_and_headers(app: App) -> None:
    app.BEFORE('/*', keep_user)
    app.AFTER('/*', send_user)
    app.GET('/u/:id', text)


# Composing


@app
def group(app: App) -> None:
    app.group('/v1').GET('/u/:id', text)


def child(hooks: int = 0, after: bool = False) -> App:
    made = App(json=orjson)
    if hooks:
        made.BEFORE('/*', nothing)
    if after:
        made.AFTER('/*', plain_hook)
    return made


def nested(app: App, **options: Any) -> None:
    """Mount three apps within each other; the innermost has the route."""
    for prefix in ('/a', '/b', '/c'):
        inner = child(**options)
        app.mount(inner, prefix)
        app = inner
    app.GET('/u/:id', text)


@app
def mount(app: App) -> None:
    inner = child()
    inner.GET('/u/:id', text)
    app.mount(inner, '/v1')


@app
def mount_shared(app: App) -> None:
    inner = child()
    inner.GET('/u/:id', text)
    app.mount(inner, '/v1', isolated=False)


@app
def mount_3(app: App) -> None:
    nested(app)


@app
def mount_3_hooks(app: App) -> None:
    nested(app, hooks=1)


@app
def mount_3_hooks_6(app: App) -> None:
    nested(app, hooks=1, after=True)


@app
def mount_beside(app: App) -> None:
    nested(app)
    app.BEFORE('/*', nothing)
    app.GET('/u/:id', text)


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    headers = [(b'content-type', b'text/plain'), (b'content-length', b'2')]
    await send({'type': 'http.response.start', 'status': 200, 'headers': headers})
    await send({'type': 'http.response.body', 'body': b'ok'})


async def outer(scope: Any, receive: Any, send: Any) -> None:
    """Be an ASGI app without a lifespan."""
    if scope['type'] == 'http':
        await asgi(scope, receive, send)
    else:
        raise RuntimeError('no lifespan')


@app
def mount_asgi(app: App) -> None:
    app.mount(outer, '/raw')


@app
def mount_asgi_hook(app: App) -> None:
    app.BEFORE('/*', nothing)
    app.mount(outer, '/raw')


class Middleware:
    """Do what most ASGI middlewares do: look at the scope, and call the app."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


@app
def use(app: App) -> None:
    app.use(Middleware)
    app.GET('/u/:id', text)


@app
def use_3(app: App) -> None:
    for _ in range(3):
        app.use(Middleware)
    app.GET('/u/:id', text)


@app
def subdomain(app: App) -> None:
    app.subdomain('api').GET('/u/:id', text)


# Batteries


@app
def cors(app: App) -> None:
    app.cors()
    app.GET('/', text)


@app
def cors_listed(app: App) -> None:
    app.cors(origins=['https://www.example.org', 'https://app.example.org'], credentials=True)
    app.GET('/', text)


@app
def cors_preflight(app: App) -> None:
    app.cors(headers=['x-token'])
    app.GET('/', text)
    app.POST('/', text)


async def read_session(req: Request, res: Response, ctx: Context) -> None:
    res.body = ctx.session.get('user', 'none')


async def write_session(req: Request, res: Response, ctx: Context) -> None:
    ctx.session['user'] = 'ada'
    res.body = TEXT


@app
def session_unread(app: App) -> None:
    app.sessions('secret')
    app.GET('/', text)


@app
def session_read(app: App) -> None:
    app.sessions('secret')
    app.GET('/', read_session)


@app
def session_write(app: App) -> None:
    app.sessions('secret')
    app.GET('/', write_session)


@app
def same_origin(app: App) -> None:
    app.same_origin()
    app.POST('/', text)


# WebSockets


@app
def ws_open(app: App) -> None:
    async def chat(req: Request, ws: Any, ctx: Context) -> None:
        async for _ in ws:
            pass

    app.WS('/', chat)


@app
def ws_echo(app: App) -> None:
    async def chat(req: Request, ws: Any, ctx: Context) -> None:
        async for message in ws:
            await ws.send(message)

    app.WS('/', chat)


@app
def ws_json(app: App) -> None:
    async def chat(req: Request, ws: Any, ctx: Context) -> None:
        for _ in range(10):
            await ws.send_json(await ws.receive_json())

    app.WS('/', chat)


@app
def ws_refused(app: App) -> None:
    async def chat(req: Request, ws: Any, ctx: Context) -> None:
        await ws.accept()

    async def no(req: Request, res: Response, ctx: Context) -> Response:
        return res.out(403, TEXT)

    app.BEFORE('/*', no)
    app.WS('/', chat)


# The same application, asked for something else


for case, other in {
    'assets_miss': 'assets',
    'not_found_hook': 'not_allowed_hook',
    'cors_none': 'cors',
    'ws_origin': 'ws_open',
    'same_origin_refused': 'same_origin',
}.items():
    BUILDERS[case] = BUILDERS[other]


# Route lists


def table(routes: list[str], refused: list[str]) -> App:
    """Make an app with these routes, parameters written `{name}`; add to `refused` what it will not have."""
    made = new()
    for route in routes:
        method, path = route.split()
        try:
            made.METHOD(method, path.replace('{', ':').replace('}', ''), text)
        except heaven.UrlError:
            refused.append(route)
    return made

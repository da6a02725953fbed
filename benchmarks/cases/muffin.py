"""The operations in Muffin, which takes orjson wherever it is installed; hooks are middlewares."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from importlib import metadata
from typing import Any

from asgi_tools.response import ResponseWebSocket
from muffin import (
    Application,
    Request,
    Response,
    ResponseError,
    ResponseHTML,
    ResponseRedirect,
    ResponseSSE,
    ResponseStream,
    ResponseText,
)
from workload import ROUTES

from cases import TEXT, folder

BUILDERS: dict[str, Callable[[], Any]] = {}
logging.getLogger('muffin').addHandler(logging.NullHandler())  # else it prints every failure


def versions() -> dict[str, str]:
    return {name: metadata.version(name) for name in ('muffin', 'asgi-tools', 'http-router', 'orjson')}


def on(
    route: str = '/', method: str = 'GET', case: str = '', middlewares: tuple[Any, ...] = ()
) -> Callable[[Any], Any]:
    """Make a handler, at one route, the app of the case of its name or of the name given."""

    def decorate(handler: Any) -> Any:
        def build() -> Any:
            made = Application()
            for middleware in middlewares:
                made.middleware(middleware)
            made.route(route, methods=[method])(handler)
            return made

        BUILDERS[case or handler.__name__] = build
        return handler

    return decorate


def app(build: Callable[[], Any]) -> Callable[[], Any]:
    BUILDERS[build.__name__] = build
    return build


get, post = on(), on(method='POST')


async def text(request: Request) -> ResponseText:
    return ResponseText(TEXT)


# Handlers


on(case='base')(text)


@get
def plain_def(request: Request) -> ResponseText:
    return ResponseText(TEXT)


class Page:
    async def __call__(self, request: Request) -> ResponseText:
        return ResponseText(TEXT)

    async def show(self, request: Request) -> ResponseText:
        return ResponseText(TEXT)


on(case='bound_method')(Page().show)


@app
def any_method() -> Any:
    made = Application()
    made.route('/', methods=['GET', 'PROPFIND'])(text)
    return made


# Answers


@get
async def status_201(request: Request) -> ResponseText:
    return ResponseText(TEXT, status_code=201)


@get
async def status_204(request: Request) -> Response:
    return Response('', status_code=204)


@get
async def out_403(request: Request) -> ResponseText:
    return ResponseText(TEXT, status_code=403)


@get
async def out_201(request: Request) -> Any:
    return 201, TEXT


@get
async def out_headers(request: Request) -> ResponseText:
    return ResponseText(TEXT, headers={'x-a': '1'})


@get
async def body_bytes(request: Request) -> Response:
    return Response(b'ok')


@get
async def body_dict(request: Request) -> Any:
    return {'id': 7, 'active': True}


@get
async def body_list(request: Request) -> Any:
    return [1, 2, 3]


@get
async def body_bool(request: Request) -> Any:
    return True


@get
async def body_int(request: Request) -> Any:
    return 7


@get
async def body_unset(request: Request) -> Response:
    return Response('')


@get
async def html(request: Request) -> ResponseHTML:
    return ResponseHTML(TEXT)


@get
async def content_type(request: Request) -> Response:
    return Response(TEXT, content_type='text/csv')


@get
async def redirect(request: Request) -> ResponseRedirect:
    return ResponseRedirect('/login')


@post
async def redirect_post(request: Request) -> ResponseRedirect:
    return ResponseRedirect('/login', status_code=303)


async def later() -> None:
    pass


@app
def defer() -> Any:
    made = Application()

    async def answer(request: Request) -> ResponseText:
        made.run_after_response(later())
        return ResponseText(TEXT)

    made.route('/', methods=['GET'])(answer)
    return made


# Headers sent


@get
async def headers_set(request: Request) -> ResponseText:
    response = ResponseText(TEXT)
    response.headers['x-a'] = '1'
    return response


@get
async def headers_set_int(request: Request) -> ResponseText:
    response = ResponseText(TEXT)
    response.headers['x-a'] = 1
    return response


@get
async def headers_set_fresh(request: Request) -> ResponseText:
    response = ResponseText(TEXT)
    response.headers['x-a'] = f'{id(request)}'
    return response


@get
async def headers_set_3(request: Request) -> ResponseText:
    response = ResponseText(TEXT)
    response.headers['x-a'] = '1'
    response.headers['x-b'] = '2'
    response.headers['x-c'] = '3'
    return response


@get
async def header_none(request: Request) -> ResponseText:
    response = ResponseText(TEXT)
    response.headers['x-a'] = '1'
    del response.headers['x-a']
    return response


@get
async def headers_read(request: Request) -> ResponseText:
    response = ResponseText(TEXT)
    response.headers['x-a'] = '1'
    return response if response.headers.get('x-a') == '1' else ResponseText('')


on(case='header')(headers_set)
on(case='header_int')(headers_set_int)
on(case='header_3')(headers_set_3)


@get
async def cookie(request: Request) -> ResponseText:
    response = ResponseText(TEXT)
    response.cookies['a'] = 'b'
    response.cookies['a']['path'] = '/'
    return response


@get
async def cookie_full(request: Request) -> ResponseText:
    response = ResponseText(TEXT)
    response.cookies['a'] = 'b'
    morsel = response.cookies['a']
    morsel['path'] = '/x'
    morsel['max-age'] = 60
    morsel['secure'] = morsel['httponly'] = True
    morsel['samesite'] = 'lax'
    return response


@get
async def cookie_raw(request: Request) -> ResponseText:
    response = ResponseText(TEXT)
    response.headers['set-cookie'] = 'a=b'
    return response


@get
async def chained(request: Request) -> ResponseText:
    response = ResponseText(TEXT)
    response.headers['x-a'] = '1'
    response.cookies['a'] = 'b'
    response.cookies['a']['path'] = '/'
    return response


# Context


async def set_user(handler: Any, request: Request, receive: Any, send: Any) -> Any:
    request['user'] = 'ada'
    return await handler(request, receive, send)


@on(middlewares=(set_user,))
async def ctx_read(request: Request) -> ResponseText:
    return ResponseText(TEXT if request['user'] == 'ada' else '')


on(case='ctx_set', middlewares=(set_user,))(text)
on(case='ctx_keep_hook', middlewares=(set_user,))(ctx_read)


@get
async def ctx_keep(request: Request) -> ResponseText:
    request['user'] = 'ada'
    return ResponseText(TEXT)


@get
async def ctx_peek(request: Request) -> ResponseText:
    request['user'] = 'ada'
    return ResponseText(TEXT if request.get('user') else '')


@get
async def ctx_peek_miss(request: Request) -> ResponseText:
    return ResponseText('' if request.get('user') else TEXT)


@get
async def ctx_in(request: Request) -> ResponseText:
    return ResponseText('' if 'user' in request else TEXT)


# Request


@get
async def req_app(request: Request) -> ResponseText:
    return ResponseText(TEXT if request.app else '')


@get
async def req_method(request: Request) -> ResponseText:
    return ResponseText(TEXT if request.method == 'GET' else '')


@get
async def req_path(request: Request) -> ResponseText:
    return ResponseText(TEXT if request.path == '/' else '')


@get
async def req_scheme(request: Request) -> ResponseText:
    return ResponseText(TEXT if request.scheme == 'http' else '')


@get
async def req_querystring(request: Request) -> ResponseText:
    return ResponseText('' if request.query_string else TEXT)


@get
async def req_ip(request: Request) -> ResponseText:
    return ResponseText(TEXT if request.client[0] == '127.0.0.1' else '')


@get
async def req_server(request: Request) -> ResponseText:
    return ResponseText(TEXT if request.server else '')


@get
async def req_host(request: Request) -> ResponseText:
    return ResponseText(TEXT if request.url.authority.startswith('127.0.0.1') else '')


@get
async def req_url(request: Request) -> ResponseText:
    return ResponseText(TEXT if str(request.url) == 'http://127.0.0.1:8000/' else '')


@get
async def req_scope(request: Request) -> ResponseText:
    return ResponseText(TEXT if request.scope['type'] == 'http' else '')


@on('/u/{id}')
async def req_params(request: Request) -> ResponseText:
    return ResponseText(TEXT if request.path_params['id'] == 'ada' else '')


@get
async def req_queries(request: Request) -> ResponseText:
    return ResponseText(TEXT if request.query else '')


@get
async def req_headers(request: Request) -> ResponseText:
    return ResponseText(TEXT if request.headers else '')


@get
async def req_cookies(request: Request) -> ResponseText:
    return ResponseText(TEXT if request.cookies else '')


@get
async def req_read(request: Request) -> ResponseText:
    return ResponseText('' if await request.body() else TEXT)


# Headers read


@get
async def headers_get(request: Request) -> ResponseText:
    return ResponseText(request.headers.get('user-agent'))


@get
async def headers_get_capital(request: Request) -> ResponseText:
    return ResponseText(request.headers.get('User-Agent'))


@get
async def headers_get_miss(request: Request) -> ResponseText:
    return ResponseText(request.headers.get('x-none', TEXT))


@get
async def headers_item(request: Request) -> ResponseText:
    return ResponseText(request.headers['user-agent'])


@get
async def headers_item_3(request: Request) -> ResponseText:
    headers = request.headers
    found = headers['user-agent'] and headers['authorization'] and headers['x-request-id']
    return ResponseText(TEXT if found else '')


@get
async def headers_in(request: Request) -> ResponseText:
    return ResponseText(TEXT if 'user-agent' in request.headers else '')


@get
async def headers_all(request: Request) -> ResponseText:
    return ResponseText(TEXT if len(request.headers.getall('accept')) == 1 else '')


@get
async def cookies_get(request: Request) -> ResponseText:
    return ResponseText(request.cookies.get('theme'))


@get
async def cookies_item(request: Request) -> ResponseText:
    return ResponseText(request.cookies['theme'])


# Queries


on(case='query_unread')(text)


@get
async def query_item(request: Request) -> ResponseText:
    return ResponseText(request.query['page'])


on(case='query_item_4')(query_item)


@get
async def query_get_4(request: Request) -> ResponseText:
    return ResponseText(request.query.get('page'))


@get
async def query_all_4(request: Request) -> Any:
    return request.query.getall('page')


@get
async def query_escaped(request: Request) -> ResponseText:
    return ResponseText(request.query['q'])


@get
async def query_escaped_4(request: Request) -> ResponseText:
    queries = request.query
    return ResponseText((queries['a'] + queries['b'] + queries['c'] + queries['d']).replace(' ', ''))


@get
async def query_typed(request: Request) -> ResponseText:
    return ResponseText(str(int(request.query['page'])))


# Bodies read


on(method='POST', case='post_unread')(text)


@post
async def post_body(request: Request) -> Response:
    return Response(await request.body())


@post
async def post_text(request: Request) -> ResponseText:
    return ResponseText(await request.text())


@post
async def post_json(request: Request) -> Any:
    return await request.json()


on(method='POST', case='post_json_charset')(post_json)
on(method='POST', case='post_no_length')(post_body)
on(method='POST', case='post_4_chunks')(post_body)
on(method='PUT', case='put_empty')(text)


@post
async def bad_json(request: Request) -> Any:
    try:
        return await request.json()
    except ValueError as error:
        raise ResponseError.BAD_REQUEST(str(error)) from None


@post
async def post_form(request: Request) -> ResponseText:
    form = await request.form()
    return ResponseText(form['name'])


@post
async def post_multipart(request: Request) -> ResponseText:
    form = await request.form()
    return ResponseText(str(len(form['photo'].read())))


@post
async def upload_streamed(request: Request) -> ResponseText:
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
    return ResponseText(str(size))


@post
async def upload_ahead(request: Request) -> ResponseText:
    return ResponseText(str(len(await request.body())))


# Streams and files


async def letters() -> Any:
    for letter in 'abc':
        yield letter


async def numbers(count: int) -> Any:
    for number in range(count):
        yield f'data: {number}'


async def an_event() -> Any:
    yield {'id': '7', 'event': 'change', 'retry': 1000, 'data': 'x'}


@get
async def stream_async(request: Request) -> ResponseStream:
    return ResponseStream(letters(), content_type='text/plain')


on(case='stream_res')(stream_async)


@get
async def sse_1(request: Request) -> ResponseSSE:
    return ResponseSSE(numbers(1))


@get
async def sse_100(request: Request) -> ResponseSSE:
    return ResponseSSE(numbers(100))


@get
async def sse_fields(request: Request) -> ResponseSSE:
    return ResponseSSE(an_event())


def static() -> Any:
    return Application(STATIC_FOLDERS=[folder()], STATIC_URL_PREFIX='/assets')


BUILDERS |= {'assets_miss': static}  # files need one more package


# Routes


PATTERNS = {
    'slash': '/users',
    'param': '/u/{id}',
    'param_fresh': '/u/{id}',
    'param_slash': '/u/{id}',
    'param_literal': '/u/{id}/s',
    'param_literals': '/u/{id}/s/t',
    'param_2': '/u/{id}/s/{n}',
    'param_3': '/a/{b}/c/{d}/e/{f}',
    'param_first': '/{a}',
    'param_first_2': '/{a}/{b}',
    'typed_int': '/u/{id:int}',
    'typed_int_literal': '/u/{id:int}/s',
    'typed_float': '/u/{id:float}',
    'typed_uuid': '/u/{id:uuid}',
    'wildcard': '/f/{rest:path}',
    'wildcard_short': '/f/{rest:path}',
    'escaped': '/u/{id}',
    'not_allowed': '/u/{id}',
    'not_found': '/u/{id}',
    'not_found_deep': '/u/{id}',
}
for name, pattern in PATTERNS.items():
    on(pattern, case=name)(text)


def braces(route: str) -> str:
    return '/'.join('{%s}' % part[1:] if part[:1] == ':' else part for part in route.split('/'))


def beside(case: str, *patterns: str) -> None:
    def build() -> Any:
        made = Application()
        for pattern in patterns:
            made.route(braces(pattern), methods=['GET'])(text)
        return made

    BUILDERS[case] = build


beside('among_300', *ROUTES)
beside('among_300_deep', *ROUTES)
beside('literal_beside', '/u/me', '/u/:id')
beside('backtrack', '/a/b/c', '/a/:x/d')


@app
def typed_beside() -> Any:
    made = Application()
    made.route('/u/{id:int}', methods=['GET'])(text)
    made.route('/u/{id}', methods=['GET'])(text)
    return made


@app
def head() -> Any:
    made = Application()
    made.route('/u/{id}', methods=['GET', 'HEAD'])(text)
    return made


# Nothing found, and failures


async def passing(handler: Any, request: Request, receive: Any, send: Any) -> Any:
    return await handler(request, receive, send)


def middleware() -> Any:
    """Make a middleware that does nothing, a function of its own."""

    async def one(handler: Any, request: Request, receive: Any, send: Any) -> Any:
        return await handler(request, receive, send)

    return one


on('/u/{id}', case='not_allowed_hook', middlewares=(passing,))(text)
on('/u/{id}', case='not_found_hook', middlewares=(passing,))(text)


@get
async def abort(request: Request) -> Any:
    raise ResponseError.FORBIDDEN(TEXT)


on(case='raise_abort')(abort)


@get
async def abort_bare(request: Request) -> Any:
    raise ResponseError.NOT_FOUND()


async def fail(request: Request) -> Any:
    raise ValueError('no')


async def conflict(request: Request, error: Exception) -> ResponseText:
    return ResponseText(TEXT, status_code=409)


async def broken(request: Request, error: Exception) -> ResponseText:
    return ResponseText(TEXT, status_code=500)


on(case='unhandled')(fail)


def failing(case: str, error: type[Exception], handler: Any) -> None:
    def build() -> Any:
        made = Application()
        made.on_error(error)(handler)
        made.route('/', methods=['GET'])(fail)
        return made

    BUILDERS[case] = build


failing('error_class', ValueError, conflict)
failing('error_base', Exception, conflict)
failing('error_500', Exception, broken)


# Hooks


def hooked(case: str, *middlewares: Any) -> None:
    on('/u/{id}', case=case, middlewares=middlewares)(text)


async def refuse(handler: Any, request: Request, receive: Any, send: Any) -> Any:
    return ResponseText(TEXT, status_code=401)


async def abort_401(handler: Any, request: Request, receive: Any, send: Any) -> Any:
    raise ResponseError.UNAUTHORIZED(TEXT)


async def around(handler: Any, request: Request, receive: Any, send: Any) -> Any:
    try:
        return await handler(request, receive, send)
    finally:
        request['ended'] = True


async def replace(handler: Any, request: Request, receive: Any, send: Any) -> Any:
    await handler(request, receive, send)
    return ResponseText(TEXT)


async def keep_user(handler: Any, request: Request, receive: Any, send: Any) -> Any:
    request['user'] = 'ada'
    response = await handler(request, receive, send)
    response.headers['x-user'] = request['user']
    return response


for count in (1, 3, 10):
    for kind in ('before', 'after', 'around'):
        hooked(f'{kind}_{count}', *[middleware() for _ in range(count)])
hooked('before_after', middleware(), middleware())
hooked('before_answers', refuse)
hooked('before_aborts', abort_401)
hooked('after_always', around)
hooked('around_finally', around)
hooked('around_before', middleware(), middleware(), middleware())
hooked('keep_and_headers', keep_user)
on('/u/{id}', case='around_aborted', middlewares=(around,))(abort)
on('/u/{id}', case='around_replaces', middlewares=(replace,))(body_dict)


# Composing


def nested(*prefixes: str, hooks: int = 0) -> Any:
    made = Application()
    made.route('/u/{id}', methods=['GET'])(text)
    for prefix in reversed(prefixes):
        for _ in range(hooks):
            made.middleware(middleware())
        outer = Application()
        outer.route(prefix)(made)
        made = outer
    return made


BUILDERS['mount'] = partial(nested, '/v1')
BUILDERS['mount_3'] = partial(nested, '/a', '/b', '/c')
BUILDERS['mount_3_hooks'] = partial(nested, '/a', '/b', '/c', hooks=1)
BUILDERS['mount_3_hooks_6'] = partial(nested, '/a', '/b', '/c', hooks=2)


class Middleware:
    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


def wrapped(count: int) -> Any:
    made: Any = Application()
    made.route('/u/{id}', methods=['GET'])(text)
    for _ in range(count):
        made = Middleware(made)
    return made


BUILDERS |= {'use': partial(wrapped, 1), 'use_3': partial(wrapped, 3)}


# WebSockets


async def listen(request: Request) -> None:
    async with ResponseWebSocket(request) as ws:
        while ws.connected:
            await ws.receive()


async def chat(request: Request) -> None:
    async with ResponseWebSocket(request) as ws:
        while ws.connected:
            message = await ws.receive()
            if isinstance(message, str):
                await ws.send(message)


for name, handler in {'ws_open': listen, 'ws_echo': chat}.items():
    on(case=name)(handler)


# Route lists


def table(routes: list[str], refused: list[str]) -> Any:
    """Make an app with these routes; it takes them all, and asks the first that fits."""
    made = Application()
    for route in routes:
        method, path = route.split()
        made.route(path, methods=[method])(text)
    return made

"""The operations in Starlette; hooks are pure ASGI middlewares, its fastest kind."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from importlib import metadata
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.convertors import Convertor, register_url_convertor
from starlette.datastructures import MutableHeaders
from starlette.endpoints import HTTPEndpoint
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Host, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket
from workload import ROUTES

from cases import TEXT, folder

BUILDERS: dict[str, Callable[[], Any]] = {}


def versions() -> dict[str, str]:
    return {name: metadata.version(name) for name in ('starlette', 'orjson')}


class Answer(JSONResponse):
    """The documented way to another codec."""

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content)


def on(route: str = '/', method: str = 'GET', case: str = '', **options: Any) -> Callable[[Any], Any]:
    """Make a handler, at one route, the app of the case of its name or of the name given."""

    def decorate(handler: Any) -> Any:
        routes = [Route(route, handler, methods=[method])]
        BUILDERS[case or handler.__name__] = lambda: Starlette(routes=routes, **options)
        return handler

    return decorate


def app(build: Callable[[], Any]) -> Callable[[], Any]:
    BUILDERS[build.__name__] = build
    return build


get, post = on(), on(method='POST')


async def text(request: Request) -> Response:
    return PlainTextResponse(TEXT)


# Handlers


on(case='base')(text)


@get
def threaded(request: Request) -> Response:
    return PlainTextResponse(TEXT)


class Page(HTTPEndpoint):
    async def get(self, request: Request) -> Response:
        return PlainTextResponse(TEXT)


class Pages:
    async def show(self, request: Request) -> Response:
        return PlainTextResponse(TEXT)


async def say(said: str, request: Request) -> Response:
    return PlainTextResponse(said)


@app
def object_handler() -> Any:
    return Starlette(routes=[Route('/', Page)])


on(case='bound_method')(Pages().show)
on(case='partial_handler')(partial(say, TEXT))


@app
def any_method() -> Any:
    return Starlette(routes=[Route('/', text, methods=['GET', 'PROPFIND'])])


# Answers


@get
async def status_201(request: Request) -> Response:
    return PlainTextResponse(TEXT, 201)


@get
async def status_204(request: Request) -> Response:
    return Response(status_code=204)


@get
async def out_403(request: Request) -> Response:
    return PlainTextResponse(TEXT, 403)


@get
async def out_headers(request: Request) -> Response:
    return PlainTextResponse(TEXT, headers={'x-a': '1'})


@get
async def body_bytes(request: Request) -> Response:
    return Response(b'ok', media_type='application/octet-stream')


@get
async def body_dict(request: Request) -> Response:
    return Answer({'id': 7, 'active': True})


@get
async def body_list(request: Request) -> Response:
    return Answer([1, 2, 3])


@get
async def body_tuple(request: Request) -> Response:
    return Answer((1, 2, 3))


@get
async def body_bool(request: Request) -> Response:
    return Answer(True)


@get
async def body_unset(request: Request) -> Response:
    return Response()


@get
async def html(request: Request) -> Response:
    return HTMLResponse(TEXT)


@get
async def content_type(request: Request) -> Response:
    return Response(TEXT, media_type='text/csv')


@get
async def redirect(request: Request) -> Response:
    return RedirectResponse('/login')


@post
async def redirect_post(request: Request) -> Response:
    return RedirectResponse('/login', 303)


async def later() -> None:
    pass


@get
async def defer(request: Request) -> Response:
    return PlainTextResponse(TEXT, background=BackgroundTask(later))


@get
async def defer_plain(request: Request) -> Response:
    return PlainTextResponse(TEXT, background=BackgroundTask(lambda: None))


# Headers sent


@get
async def headers_set(request: Request) -> Response:
    response = PlainTextResponse(TEXT)
    response.headers['x-a'] = '1'
    return response


@get
async def headers_set_fresh(request: Request) -> Response:
    response = PlainTextResponse(TEXT)
    response.headers['x-a'] = f'{id(request)}'
    return response


@get
async def headers_set_3(request: Request) -> Response:
    response = PlainTextResponse(TEXT)
    response.headers['x-a'] = '1'
    response.headers['x-b'] = '2'
    response.headers['x-c'] = '3'
    return response


@get
async def header_none(request: Request) -> Response:
    response = PlainTextResponse(TEXT)
    response.headers['x-a'] = '1'
    del response.headers['x-a']
    return response


@get
async def headers_read(request: Request) -> Response:
    response = PlainTextResponse(TEXT)
    response.headers['x-a'] = '1'
    return response if response.headers.get('x-a') == '1' else PlainTextResponse('')


on(case='header')(headers_set)
on(case='header_3')(headers_set_3)


@get
async def cookie(request: Request) -> Response:
    response = PlainTextResponse(TEXT)
    response.set_cookie('a', 'b')
    return response


@get
async def cookie_full(request: Request) -> Response:
    response = PlainTextResponse(TEXT)
    response.set_cookie('a', 'b', path='/x', max_age=60, secure=True, httponly=True, samesite='lax')
    return response


@get
async def cookie_none(request: Request) -> Response:
    response = PlainTextResponse(TEXT)
    response.delete_cookie('a')
    return response


@get
async def cookie_raw(request: Request) -> Response:
    response = PlainTextResponse(TEXT)
    response.headers.append('set-cookie', 'a=b')
    return response


@get
async def chained(request: Request) -> Response:
    response = PlainTextResponse(TEXT)
    response.headers['x-a'] = '1'
    response.set_cookie('a', 'b')
    return response


# Context, app


class SetUser:
    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        scope['state']['user'] = 'ada'
        await self.app(scope, receive, send)


async def read_user(request: Request) -> Response:
    return PlainTextResponse(TEXT if request.state.user == 'ada' else '')


def with_middleware(handler: Any, *middlewares: Any, route: str = '/', **options: Any) -> Any:
    return Starlette(routes=[Route(route, handler)], middleware=[Middleware(one) for one in middlewares], **options)


@app
def ctx_set() -> Any:
    return with_middleware(text, SetUser)


@app
def ctx_read() -> Any:
    return with_middleware(read_user, SetUser)


BUILDERS['ctx_keep_hook'] = ctx_read


@get
async def ctx_keep(request: Request) -> Response:
    request.state.user = 'ada'
    return PlainTextResponse(TEXT)


@get
async def ctx_peek(request: Request) -> Response:
    request.state.user = 'ada'
    return PlainTextResponse(TEXT if getattr(request.state, 'user', None) else '')


@get
async def ctx_peek_miss(request: Request) -> Response:
    return PlainTextResponse('' if getattr(request.state, 'user', None) else TEXT)


@app
def app_peek() -> Any:
    async def read(request: Request) -> Response:
        return PlainTextResponse(request.app.state.db)

    made = Starlette(routes=[Route('/', read)])
    made.state.db = TEXT
    return made


@get
async def app_keep(request: Request) -> Response:
    request.app.state.n = 7
    return PlainTextResponse(TEXT)


@app
def url_for() -> Any:
    async def build(request: Request) -> Response:
        return PlainTextResponse(request.url_for('user', id=7).path)

    return Starlette(routes=[Route('/users/{id}', text, name='user'), Route('/', build)])


@app
def app_url() -> Any:
    async def build(request: Request) -> Response:
        return PlainTextResponse(request.app.url_path_for('user', id=7))

    return Starlette(routes=[Route('/users/{id}', text, name='user'), Route('/', build)])


# Request


@get
async def req_app(request: Request) -> Response:
    return PlainTextResponse(TEXT if request.app else '')


@get
async def req_method(request: Request) -> Response:
    return PlainTextResponse(TEXT if request.method == 'GET' else '')


@get
async def req_path(request: Request) -> Response:
    return PlainTextResponse(TEXT if request.url.path == '/' else '')


@get
async def req_scheme(request: Request) -> Response:
    return PlainTextResponse(TEXT if request.url.scheme == 'http' else '')


@get
async def req_querystring(request: Request) -> Response:
    return PlainTextResponse('' if request.url.query else TEXT)


@get
async def req_ip(request: Request) -> Response:
    return PlainTextResponse(TEXT if request.client.host == '127.0.0.1' else '')


@get
async def req_host(request: Request) -> Response:
    return PlainTextResponse(TEXT if request.url.netloc.startswith('127.0.0.1') else '')


@get
async def req_url(request: Request) -> Response:
    return PlainTextResponse(TEXT if str(request.url) == 'http://127.0.0.1:8000/' else '')


@get
async def req_scope(request: Request) -> Response:
    return PlainTextResponse(TEXT if request.scope['type'] == 'http' else '')


@on('/u/{id}')
async def req_params(request: Request) -> Response:
    return PlainTextResponse(TEXT if request.path_params['id'] == 'ada' else '')


@get
async def req_queries(request: Request) -> Response:
    return PlainTextResponse(TEXT if request.query_params else '')


@get
async def req_headers(request: Request) -> Response:
    return PlainTextResponse(TEXT if request.headers else '')


@get
async def req_cookies(request: Request) -> Response:
    return PlainTextResponse(TEXT if request.cookies else '')


@get
async def req_read(request: Request) -> Response:
    return PlainTextResponse('' if await request.body() else TEXT)


# Headers read


@get
async def headers_get(request: Request) -> Response:
    return PlainTextResponse(request.headers.get('user-agent'))


@get
async def headers_get_capital(request: Request) -> Response:
    return PlainTextResponse(request.headers.get('User-Agent'))


@get
async def headers_get_miss(request: Request) -> Response:
    return PlainTextResponse(request.headers.get('x-none', TEXT))


@get
async def headers_item(request: Request) -> Response:
    return PlainTextResponse(request.headers['user-agent'])


@get
async def headers_item_3(request: Request) -> Response:
    headers = request.headers
    found = headers['user-agent'] and headers['authorization'] and headers['x-request-id']
    return PlainTextResponse(TEXT if found else '')


@get
async def headers_in(request: Request) -> Response:
    return PlainTextResponse(TEXT if 'user-agent' in request.headers else '')


@get
async def headers_all(request: Request) -> Response:
    return PlainTextResponse(TEXT if len(request.headers.getlist('accept')) == 1 else '')


@get
async def cookies_get(request: Request) -> Response:
    return PlainTextResponse(request.cookies.get('theme'))


@get
async def cookies_item(request: Request) -> Response:
    return PlainTextResponse(request.cookies['theme'])


# Queries


on(case='query_unread')(text)


@get
async def query_item(request: Request) -> Response:
    return PlainTextResponse(request.query_params['page'])


on(case='query_item_4')(query_item)


@get
async def query_get_4(request: Request) -> Response:
    return PlainTextResponse(request.query_params.get('page'))


@get
async def query_all_4(request: Request) -> Response:
    return Answer(request.query_params.getlist('page'))


@get
async def query_escaped(request: Request) -> Response:
    return PlainTextResponse(request.query_params['q'])


@get
async def query_escaped_4(request: Request) -> Response:
    queries = request.query_params
    return PlainTextResponse((queries['a'] + queries['b'] + queries['c'] + queries['d']).replace(' ', ''))


@get
async def query_typed(request: Request) -> Response:
    return PlainTextResponse(str(int(request.query_params['page'])))


# Bodies read


on(method='POST', case='post_unread')(text)


@post
async def post_body(request: Request) -> Response:
    return Response(await request.body(), media_type='application/octet-stream')


@post
async def post_text(request: Request) -> Response:
    return PlainTextResponse((await request.body()).decode())


@post
async def post_json(request: Request) -> Response:
    return Answer(orjson.loads(await request.body()))


on(method='POST', case='post_json_charset')(post_json)
on(method='POST', case='post_no_length')(post_body)
on(method='POST', case='post_4_chunks')(post_body)
on(method='POST', case='post_repeated')(cookies_item)
on(method='PUT', case='put_empty')(text)
on(method='QUERY', case='query_method')(post_json)


@post
async def post_form(request: Request) -> Response:
    async with request.form() as form:
        return PlainTextResponse(form['name'])


@post
async def post_multipart(request: Request) -> Response:
    async with request.form() as form:
        return PlainTextResponse(str(form['photo'].size))


@post
async def upload_streamed(request: Request) -> Response:
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
    return PlainTextResponse(str(size))


@post
async def upload_ahead(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


# Streams and files


async def letters() -> Any:
    for letter in 'abc':
        yield letter


def plain_letters() -> Any:
    yield from 'abc'


async def events(count: int) -> Any:
    for number in range(count):
        yield f'data: {number}\n\n'


async def an_event() -> Any:
    yield 'id: 7\nevent: change\nretry: 1000\ndata: x\n\n'


SSE = {'cache-control': 'no-cache', 'x-accel-buffering': 'no'}


@get
async def stream_async(request: Request) -> Response:
    return StreamingResponse(letters(), media_type='text/plain')


on(case='stream_res')(stream_async)


@get
async def stream_sync(request: Request) -> Response:
    return StreamingResponse(plain_letters(), media_type='text/plain')


@get
async def sse_1(request: Request) -> Response:
    return StreamingResponse(events(1), headers=SSE, media_type='text/event-stream')


@get
async def sse_100(request: Request) -> Response:
    return StreamingResponse(events(100), headers=SSE, media_type='text/event-stream')


@get
async def sse_fields(request: Request) -> Response:
    return StreamingResponse(an_event(), headers=SSE, media_type='text/event-stream')


@get
async def file_small(request: Request) -> Response:
    return FileResponse(folder() / 'small.txt')


@get
async def file_large(request: Request) -> Response:
    return FileResponse(folder() / 'large.bin')


on(case='file_range')(file_large)


@get
async def file_download(request: Request) -> Response:
    return FileResponse(folder() / 'small.txt', filename='a.txt')


def static() -> Any:
    return Starlette(routes=[Mount('/assets', StaticFiles(directory=folder()))])


BUILDERS |= {'assets': static, 'assets_miss': static}


# Routes


class Slug(Convertor[str]):
    regex = '[a-z]+'

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


class Date(Convertor[str]):
    regex = '[0-9]{4}-[0-9]{2}-[0-9]{2}'

    def convert(self, value: str) -> Any:
        import datetime

        return datetime.date.fromisoformat(value)

    def to_string(self, value: Any) -> str:
        return value.isoformat()


register_url_convertor('slug', Slug())
register_url_convertor('date', Date())
PATTERNS = {
    'param': '/u/{id}',
    'param_fresh': '/u/{id}',
    'param_literal': '/u/{id}/s',
    'param_literals': '/u/{id}/s/t',
    'param_2': '/u/{id}/s/{n}',
    'param_3': '/a/{b}/c/{d}/e/{f}',
    'param_first': '/{a}',
    'param_first_2': '/{a}/{b}',
    'typed_int': '/u/{id:int}',
    'typed_int_literal': '/u/{id:int}/s',
    'typed_float': '/u/{id:float}',
    'typed_date': '/u/{id:date}',
    'typed_uuid': '/u/{id:uuid}',
    'typed_own': '/u/{id:slug}',
    'wildcard': '/f/{rest:path}',
    'wildcard_short': '/f/{rest:path}',
    'escaped': '/u/{id}',
    'root_literal': '/users',
    'root_param': '/u/{id}',
    'not_allowed': '/u/{id}',
    'not_found': '/u/{id}',
    'not_found_deep': '/u/{id}',
    'head': '/u/{id}',
}
for name, pattern in PATTERNS.items():
    on(pattern, case=name)(text)


def braces(route: str) -> str:
    return '/'.join('{%s}' % part[1:] if part[:1] == ':' else part for part in route.split('/'))


def beside(case: str, *patterns: str) -> None:
    BUILDERS[case] = lambda: Starlette(routes=[Route(braces(pattern), text) for pattern in patterns])


beside('among_300', *ROUTES)
beside('among_300_deep', *ROUTES)
beside('literal_beside', '/u/me', '/u/:id')
beside('backtrack', '/a/b/c', '/a/:x/d')


@app
def typed_beside() -> Any:
    return Starlette(routes=[Route('/u/{id:int}', text), Route('/u/{id}', text)])


# No route


async def handle_404(request: Request, error: Exception) -> Response:
    return PlainTextResponse(TEXT, 404)


class Pass:
    """Do nothing before, and nothing after."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


class After:
    """Do something once the answer begins."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def after(message: Any) -> None:
            await send(message)

        await self.app(scope, receive, after)


@app
def not_allowed_hook() -> Any:
    return with_middleware(text, Pass, route='/u/{id}')


BUILDERS['not_found_hook'] = not_allowed_hook


@app
def not_found_error() -> Any:
    return with_middleware(text, route='/u/{id}', exception_handlers={404: handle_404})


# Failures


@get
async def abort(request: Request) -> Response:
    raise HTTPException(403, TEXT)


on(case='raise_abort')(abort)


@get
async def abort_bare(request: Request) -> Response:
    raise HTTPException(404)


async def fail(request: Request) -> Response:
    raise ValueError('no')


async def conflict(request: Request, error: Exception) -> Response:
    return PlainTextResponse(TEXT, 409)


async def broken(request: Request, error: Exception) -> Response:
    return PlainTextResponse(TEXT, 500)


on(case='error_class', exception_handlers={ValueError: conflict})(fail)
on(case='error_base', exception_handlers={LookupError: handle_404, ValueError: conflict})(fail)
on(case='error_status', exception_handlers={404: handle_404})(abort_bare)
on(case='unhandled')(fail)
on(case='error_500', exception_handlers={500: broken})(fail)


@post
async def bad_json(request: Request) -> Response:
    try:
        return Answer(orjson.loads(await request.body()))
    except ValueError as error:
        raise HTTPException(400, str(error)) from None


# Hooks


def hooked(case: str, *middlewares: Any) -> None:
    BUILDERS[case] = lambda: with_middleware(text, *middlewares, route='/u/{id}')


for count in (1, 3, 10):
    hooked(f'before_{count}', *[Pass] * count)
    hooked(f'after_{count}', *[After] * count)
hooked('before_after', Pass, After)


class Refuse:
    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse(TEXT, 401)(scope, receive, send)


class Around:
    """Do something before and after, whatever happens."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await self.app(scope, receive, send)
        finally:
            pass


class SendUser:
    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        scope['state']['user'] = 'ada'

        async def after(message: Any) -> None:
            if message['type'] == 'http.response.start':
                MutableHeaders(scope=message)['x-user'] = scope['state']['user']
            await send(message)

        await self.app(scope, receive, after)


hooked('before_answers', Refuse)
hooked('after_always', Around)
hooked('around_1', Around)
hooked('around_3', *[Around] * 3)
hooked('around_10', *[Around] * 10)
hooked('around_finally', Around)
hooked('keep_and_headers', SendUser)


@app
def around_aborted() -> Any:
    return with_middleware(abort, Around, route='/u/{id}')


def routed(case: str, *middlewares: Any) -> None:
    chain = [Middleware(one) for one in middlewares]
    BUILDERS[case] = lambda: Starlette(routes=[Route('/u/{id}', text, middleware=chain)])


routed('route_before_1', Pass)
routed('route_before_3', Pass, Pass, Pass)
routed('around_route', Around)


@app
def group_before() -> Any:
    return Starlette(routes=[Mount('/v1', routes=[Route('/u/{id}', text)], middleware=[Middleware(Pass)])])


# Composing


@app
def group() -> Any:
    return Starlette(routes=[Mount('/v1', routes=[Route('/u/{id}', text)])])


@app
def mount() -> Any:
    return Starlette(routes=[Mount('/v1', Starlette(routes=[Route('/u/{id}', text)]))])


BUILDERS['mount_shared'] = group


def nested(*middlewares: Any) -> Any:
    made: Any = Starlette(routes=[Route('/u/{id}', text)], middleware=[Middleware(one) for one in middlewares])
    for prefix in ('/c', '/b'):
        made = Starlette(routes=[Mount(prefix, made)], middleware=[Middleware(one) for one in middlewares])
    return Starlette(routes=[Mount('/a', made)])


@app
def mount_3() -> Any:
    return nested()


@app
def mount_3_hooks() -> Any:
    return nested(Pass)


@app
def mount_3_hooks_6() -> Any:
    return nested(Pass, After)


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    headers = [(b'content-type', b'text/plain'), (b'content-length', b'2')]
    await send({'type': 'http.response.start', 'status': 200, 'headers': headers})
    await send({'type': 'http.response.body', 'body': b'ok'})


@app
def mount_asgi() -> Any:
    return Starlette(routes=[Mount('/raw', asgi)])


@app
def mount_asgi_hook() -> Any:
    return Starlette(routes=[Mount('/raw', asgi)], middleware=[Middleware(Pass)])


hooked('use', Pass)
hooked('use_3', Pass, Pass, Pass)


@app
def subdomain() -> Any:
    api = Starlette(routes=[Route('/u/{id}', text)])
    return Starlette(routes=[Host('api.example.org', api)])


# Batteries


def with_cors(**options: Any) -> Any:
    return Starlette(routes=[Route('/', text)], middleware=[Middleware(CORSMiddleware, **options)])


@app
def cors() -> Any:
    return with_cors(allow_origins=['*'])


BUILDERS['cors_none'] = cors


@app
def cors_listed() -> Any:
    return with_cors(allow_origins=['https://www.example.org', 'https://app.example.org'], allow_credentials=True)


@app
def cors_preflight() -> Any:
    return with_cors(allow_origins=['*'], allow_methods=['*'], allow_headers=['x-token'])


def with_session(handler: Any) -> Any:
    chain = [Middleware(SessionMiddleware, secret_key='secret')]
    return Starlette(routes=[Route('/', handler)], middleware=chain)


async def read_session(request: Request) -> Response:
    return PlainTextResponse(request.session.get('user', 'none'))


async def write_session(request: Request) -> Response:
    request.session['user'] = 'ada'
    return PlainTextResponse(TEXT)


BUILDERS['session_unread'] = lambda: with_session(text)
BUILDERS['session_read'] = lambda: with_session(read_session)
BUILDERS['session_write'] = lambda: with_session(write_session)


# WebSockets


async def listen(websocket: WebSocket) -> None:
    await websocket.accept()
    async for _ in websocket.iter_text():
        pass


async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    async for message in websocket.iter_text():
        await websocket.send_text(message)


async def chat_json(websocket: WebSocket) -> None:
    await websocket.accept()
    for _ in range(10):
        await websocket.send_json(await websocket.receive_json())


async def refuse(websocket: WebSocket) -> None:
    with contextlib.suppress(HTTPException):
        await websocket.send_denial_response(PlainTextResponse(TEXT, 403))


for name, handler in {'ws_open': listen, 'ws_echo': chat, 'ws_json': chat_json, 'ws_refused': refuse}.items():
    BUILDERS[name] = partial(Starlette, routes=[WebSocketRoute('/', handler)])


# Route lists


def table(routes: list[str], refused: list[str]) -> Any:
    """Make an app with these routes; it takes them all, and asks the first that fits."""
    pairs = [route.split() for route in routes]
    return Starlette(routes=[Route(path, text, methods=[method]) for method, path in pairs])

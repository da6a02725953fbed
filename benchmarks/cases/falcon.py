"""The operations in Falcon; hooks are middleware components, those of one route `falcon.before`."""

from __future__ import annotations

from collections.abc import Callable
from importlib import metadata
from typing import Any

import falcon
import falcon.asgi
import falcon.media
import orjson
from falcon.asgi import Request, Response, SSEvent, WebSocket
from workload import ROUTES

from cases import TEXT, folder

BUILDERS: dict[str, Callable[[], Any]] = {}


def versions() -> dict[str, str]:
    return {name: metadata.version(name) for name in ('falcon', 'orjson')}


def new(*middlewares: Any, **options: Any) -> Any:
    made = falcon.asgi.App(middleware=list(middlewares), **options)
    handler = falcon.media.JSONHandler(dumps=orjson.dumps, loads=orjson.loads)
    made.req_options.media_handlers[falcon.MEDIA_JSON] = handler
    made.resp_options.media_handlers[falcon.MEDIA_JSON] = handler
    text_handler = falcon.media.JSONHandlerWS(dumps=lambda value: orjson.dumps(value).decode(), loads=orjson.loads)
    made.ws_options.media_handlers[falcon.WebSocketPayloadType.TEXT] = text_handler
    return made


def resource(responder: Any, method: str = 'GET') -> Any:
    """Make an instance of a class that has this one responder."""
    name = 'on_websocket' if method == 'WS' else f'on_{method.lower()}'
    return type('Resource', (), {name: responder})()


def on(
    route: str = '/', method: str = 'GET', case: str = '', middlewares: tuple[Any, ...] = ()
) -> Callable[[Any], Any]:
    """Make a responder, at one route, the app of the case of its name or of the name given."""

    def decorate(responder: Any) -> Any:
        def build() -> Any:
            made = new(*middlewares)
            made.add_route(route, resource(responder, method))
            return made

        BUILDERS[case or responder.__name__] = build
        return responder

    return decorate


def app(build: Callable[[], Any]) -> Callable[[], Any]:
    BUILDERS[build.__name__] = build
    return build


get, post = on(), on(method='POST')


async def text(self: Any, req: Request, resp: Response, **params: Any) -> None:
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = TEXT


# Handlers


on(case='base')(text)


@app
def meta() -> Any:
    class Read:
        scope = 'read'

        async def on_get(self, req: Request, resp: Response) -> None:
            resp.content_type = falcon.MEDIA_TEXT
            resp.text = TEXT if self.scope == 'read' else ''

    made = new()
    made.add_route('/', Read())
    return made


# Answers


@get
async def status_201(self: Any, req: Request, resp: Response) -> None:
    resp.status = 201
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = TEXT


@get
async def status_enum(self: Any, req: Request, resp: Response) -> None:
    resp.status = falcon.HTTP_CREATED
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = TEXT


@get
async def status_204(self: Any, req: Request, resp: Response) -> None:
    resp.status = 204


@get
async def out_403(self: Any, req: Request, resp: Response) -> None:
    resp.status = 403
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = TEXT


@get
async def out_headers(self: Any, req: Request, resp: Response) -> None:
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = TEXT
    resp.set_headers({'x-a': '1'})


@get
async def body_bytes(self: Any, req: Request, resp: Response) -> None:
    resp.content_type = 'application/octet-stream'
    resp.data = b'ok'


@get
async def body_dict(self: Any, req: Request, resp: Response) -> None:
    resp.media = {'id': 7, 'active': True}


@get
async def body_list(self: Any, req: Request, resp: Response) -> None:
    resp.media = [1, 2, 3]


@get
async def body_tuple(self: Any, req: Request, resp: Response) -> None:
    resp.media = (1, 2, 3)


@get
async def body_bool(self: Any, req: Request, resp: Response) -> None:
    resp.media = True


@get
async def body_unset(self: Any, req: Request, resp: Response) -> None:
    pass


@get
async def html(self: Any, req: Request, resp: Response) -> None:
    resp.content_type = 'text/html; charset=utf-8'
    resp.text = TEXT


@get
async def content_type(self: Any, req: Request, resp: Response) -> None:
    resp.content_type = 'text/csv; charset=utf-8'
    resp.text = TEXT


@get
async def redirect(self: Any, req: Request, resp: Response) -> None:
    raise falcon.HTTPTemporaryRedirect('/login')


@post
async def redirect_post(self: Any, req: Request, resp: Response) -> None:
    raise falcon.HTTPSeeOther('/login')


async def later() -> None:
    pass


@get
async def defer(self: Any, req: Request, resp: Response) -> None:
    resp.schedule(later)
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = TEXT


@get
async def defer_plain(self: Any, req: Request, resp: Response) -> None:
    resp.schedule_sync(lambda: None)
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = TEXT


@get
async def read_status(self: Any, req: Request, resp: Response) -> None:
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = TEXT if resp.status == falcon.HTTP_200 else ''


# Headers sent


@get
async def header(self: Any, req: Request, resp: Response) -> None:
    resp.set_header('x-a', '1')
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = TEXT


@get
async def header_capital(self: Any, req: Request, resp: Response) -> None:
    resp.set_header('X-A', '1')
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = TEXT


@get
async def header_int(self: Any, req: Request, resp: Response) -> None:
    resp.set_header('x-a', 1)
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = TEXT


@get
async def header_list(self: Any, req: Request, resp: Response) -> None:
    resp.append_header('x-a', '1')
    resp.append_header('x-a', '2')
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = TEXT


@get
async def header_none(self: Any, req: Request, resp: Response) -> None:
    resp.set_header('x-a', '1')
    resp.delete_header('x-a')
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = TEXT


@get
async def header_3(self: Any, req: Request, resp: Response) -> None:
    resp.set_header('x-a', '1')
    resp.set_header('x-b', '2')
    resp.set_header('x-c', '3')
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = TEXT


@get
async def headers_set_fresh(self: Any, req: Request, resp: Response) -> None:
    resp.set_header('x-a', f'{id(req)}')
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = TEXT


@get
async def headers_read(self: Any, req: Request, resp: Response) -> None:
    resp.set_header('x-a', '1')
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = TEXT if resp.get_header('x-a') == '1' else ''


on(case='headers_set')(header)
on(case='headers_set_int')(header_int)
on(case='headers_set_3')(header_3)


@get
async def cookie(self: Any, req: Request, resp: Response) -> None:
    resp.set_cookie('a', 'b')
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = TEXT


@get
async def cookie_full(self: Any, req: Request, resp: Response) -> None:
    resp.set_cookie('a', 'b', path='/x', max_age=60, secure=True, http_only=True, same_site='Lax')
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = TEXT


@get
async def cookie_none(self: Any, req: Request, resp: Response) -> None:
    resp.unset_cookie('a')
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = TEXT


@get
async def cookie_raw(self: Any, req: Request, resp: Response) -> None:
    resp.append_header('set-cookie', 'a=b')
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = TEXT


@get
async def chained(self: Any, req: Request, resp: Response) -> None:
    resp.set_header('x-a', '1')
    resp.set_cookie('a', 'b')
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = TEXT


# Context


class SetUser:
    async def process_request(self, req: Request, resp: Response) -> None:
        req.context.user = 'ada'


@on(middlewares=(SetUser(),))
async def ctx_read(self: Any, req: Request, resp: Response, **params: Any) -> None:
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = TEXT if req.context.user == 'ada' else ''


on(case='ctx_set', middlewares=(SetUser(),))(text)
on(case='ctx_keep_hook', middlewares=(SetUser(),))(ctx_read)


@get
async def ctx_keep(self: Any, req: Request, resp: Response) -> None:
    req.context.user = 'ada'
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = TEXT


@get
async def ctx_peek(self: Any, req: Request, resp: Response) -> None:
    req.context.user = 'ada'
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = TEXT if req.context.get('user') else ''


@get
async def ctx_peek_miss(self: Any, req: Request, resp: Response) -> None:
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = '' if req.context.get('user') else TEXT


@get
async def ctx_unkeep(self: Any, req: Request, resp: Response) -> None:
    req.context.user = 'ada'
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = TEXT if req.context.pop('user') else ''


@get
async def ctx_in(self: Any, req: Request, resp: Response) -> None:
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = '' if 'user' in req.context else TEXT


# Request


@get
async def req_method(self: Any, req: Request, resp: Response) -> None:
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = TEXT if req.method == 'GET' else ''


@get
async def req_path(self: Any, req: Request, resp: Response) -> None:
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = TEXT if req.path == '/' else ''


@get
async def req_route(self: Any, req: Request, resp: Response) -> None:
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = TEXT if req.uri_template == '/' else ''


@get
async def req_scheme(self: Any, req: Request, resp: Response) -> None:
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = TEXT if req.scheme == 'http' else ''


@get
async def req_querystring(self: Any, req: Request, resp: Response) -> None:
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = '' if req.query_string else TEXT


@get
async def req_ip(self: Any, req: Request, resp: Response) -> None:
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = TEXT if req.remote_addr == '127.0.0.1' else ''


@get
async def req_host(self: Any, req: Request, resp: Response) -> None:
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = TEXT if req.netloc.startswith('127.0.0.1') else ''


@get
async def req_subdomain(self: Any, req: Request, resp: Response) -> None:
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = TEXT if req.subdomain != 'api' else ''


@get
async def req_url(self: Any, req: Request, resp: Response) -> None:
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = TEXT if req.uri == 'http://127.0.0.1:8000/' else ''


@get
async def req_scope(self: Any, req: Request, resp: Response) -> None:
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = TEXT if req.scope['type'] == 'http' else ''


@on('/u/{id}')
async def req_params(self: Any, req: Request, resp: Response, id: str) -> None:
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = TEXT if id == 'ada' else ''


@get
async def req_queries(self: Any, req: Request, resp: Response) -> None:
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = TEXT if req.params else ''


@get
async def req_headers(self: Any, req: Request, resp: Response) -> None:
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = TEXT if req.headers else ''


@get
async def req_cookies(self: Any, req: Request, resp: Response) -> None:
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = TEXT if req.cookies else ''


@get
async def req_read(self: Any, req: Request, resp: Response) -> None:
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = '' if await req.stream.read() else TEXT


# Headers read


@get
async def headers_get(self: Any, req: Request, resp: Response) -> None:
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = req.get_header('user-agent')


@get
async def headers_get_capital(self: Any, req: Request, resp: Response) -> None:
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = req.get_header('User-Agent')


@get
async def headers_get_miss(self: Any, req: Request, resp: Response) -> None:
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = req.get_header('x-none', default=TEXT)


@get
async def headers_item(self: Any, req: Request, resp: Response) -> None:
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = req.get_header('user-agent', required=True)


@get
async def headers_item_3(self: Any, req: Request, resp: Response) -> None:
    found = req.get_header('user-agent') and req.get_header('authorization') and req.get_header('x-request-id')
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = TEXT if found else ''


@get
async def cookies_get(self: Any, req: Request, resp: Response) -> None:
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = req.cookies.get('theme')


@get
async def cookies_item(self: Any, req: Request, resp: Response) -> None:
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = req.cookies['theme']


# Queries


on(case='query_unread')(text)


@get
async def query_item(self: Any, req: Request, resp: Response) -> None:
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = req.get_param('page', required=True)


on(case='query_item_4')(query_item)


@get
async def query_get_4(self: Any, req: Request, resp: Response) -> None:
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = req.get_param('page')


@get
async def query_all_4(self: Any, req: Request, resp: Response) -> None:
    resp.media = req.get_param_as_list('page')


@get
async def query_escaped(self: Any, req: Request, resp: Response) -> None:
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = req.get_param('q')


@get
async def query_escaped_4(self: Any, req: Request, resp: Response) -> None:
    found = ''.join([req.get_param('a'), req.get_param('b'), req.get_param('c'), req.get_param('d')])
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = found.replace(' ', '')


@get
async def query_typed(self: Any, req: Request, resp: Response) -> None:
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = str(req.get_param_as_int('page', required=True))


@get
async def query_default(self: Any, req: Request, resp: Response) -> None:
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = str(req.get_param_as_int('page', default=1))


@get
async def query_typed_4(self: Any, req: Request, resp: Response) -> None:
    found = [
        req.get_param_as_int('a') == 1,
        req.get_param_as_float('b') == 2.5,
        req.get_param_as_bool('c') is True,
        req.get_param_as_date('d').year == 2026,
    ]
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = str(sum(found))


# Bodies read


on(method='POST', case='post_unread')(text)


@post
async def post_body(self: Any, req: Request, resp: Response) -> None:
    resp.content_type = 'application/octet-stream'
    resp.data = await req.stream.read()


@post
async def post_text(self: Any, req: Request, resp: Response) -> None:
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = (await req.stream.read()).decode()


@post
async def post_json(self: Any, req: Request, resp: Response) -> None:
    resp.media = await req.get_media()


on(method='POST', case='post_json_charset')(post_json)
on(method='POST', case='post_no_length')(post_body)
on(method='POST', case='post_4_chunks')(post_body)
on(method='POST', case='post_repeated')(cookies_item)
on(method='PUT', case='put_empty')(text)
on(method='POST', case='bad_json')(post_json)


@post
async def post_form(self: Any, req: Request, resp: Response) -> None:
    form = await req.get_media()
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = form['name']


@post
async def post_multipart(self: Any, req: Request, resp: Response) -> None:
    size = 0
    async for part in await req.get_media():
        if part.name == 'photo':
            size = len(await part.get_data())
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = str(size)


@post
async def upload_streamed(self: Any, req: Request, resp: Response) -> None:
    size = 0
    async for chunk in req.stream:
        size += len(chunk)
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = str(size)


@post
async def upload_ahead(self: Any, req: Request, resp: Response) -> None:
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = str(len(await req.stream.read()))


# Streams and files


async def letters() -> Any:
    for letter in (b'a', b'b', b'c'):
        yield letter


async def events(count: int) -> Any:
    for number in range(count):
        yield SSEvent(text=str(number))


async def an_event() -> Any:
    yield SSEvent(text='x', event_id='7', event='change', retry=1000)


@get
async def stream_async(self: Any, req: Request, resp: Response) -> None:
    resp.content_type = falcon.MEDIA_TEXT
    resp.stream = letters()


on(case='stream_res')(stream_async)


@get
async def sse_1(self: Any, req: Request, resp: Response) -> None:
    resp.sse = events(1)


@get
async def sse_100(self: Any, req: Request, resp: Response) -> None:
    resp.sse = events(100)


@get
async def sse_fields(self: Any, req: Request, resp: Response) -> None:
    resp.sse = an_event()


def static() -> Any:
    made = new()
    made.add_static_route('/assets', str(folder()))
    return made


BUILDERS |= {'assets': static, 'assets_miss': static}


# Routes


class Slug:
    def convert(self, value: str) -> str | None:
        return value if value.islower() else None


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
    'typed_date': '/u/{id:dt("%Y-%m-%d")}',
    'typed_uuid': '/u/{id:uuid}',
    'wildcard': '/f/{rest:path}',
    'wildcard_short': '/f/{rest:path}',
    'escaped': '/u/{id}',
    'not_allowed': '/u/{id}',
    'not_found': '/u/{id}',
    'not_found_deep': '/u/{id}',
    'options': '/u/{id}',
}
for name, pattern in PATTERNS.items():
    on(pattern, case=name)(text)


@app
def slash() -> Any:
    made = new()
    made.req_options.strip_url_path_trailing_slash = True
    made.add_route('/users', resource(text))
    return made


@app
def param_slash() -> Any:
    made = new()
    made.req_options.strip_url_path_trailing_slash = True
    made.add_route('/u/{id}', resource(text))
    return made


@app
def typed_own() -> Any:
    made = new()
    made.router_options.converters['slug'] = type('SlugConverter', (Slug, falcon.routing.BaseConverter), {})
    made.add_route('/u/{id:slug}', resource(text))
    return made


def braces(route: str) -> str:
    return '/'.join('{%s}' % part[1:] if part[:1] == ':' else part for part in route.split('/'))


def beside(case: str, *patterns: str) -> None:
    def build() -> Any:
        made = new()
        for pattern in patterns:
            made.add_route(braces(pattern), resource(text))
        return made

    BUILDERS[case] = build


beside('among_300', *ROUTES)
beside('among_300_deep', *ROUTES)
beside('literal_beside', '/u/:id', '/u/me')
beside('backtrack', '/a/b/c', '/a/:x/d')


# Failures


class Pass:
    async def process_request(self, req: Request, resp: Response) -> None:
        pass


class After:
    async def process_response(self, req: Request, resp: Response, resource: Any, succeeded: bool) -> None:
        pass


on('/u/{id}', case='not_allowed_hook', middlewares=(Pass(),))(text)
on('/u/{id}', case='not_found_hook', middlewares=(Pass(),))(text)


async def answer_404(req: Request, resp: Response, error: Exception, params: Any, **more: Any) -> None:
    resp.status = 404
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = TEXT


async def answer_409(req: Request, resp: Response, error: Exception, params: Any, **more: Any) -> None:
    resp.status = 409
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = TEXT


async def answer_500(req: Request, resp: Response, error: Exception, params: Any, **more: Any) -> None:
    resp.status = 500
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = TEXT


@app
def not_found_error() -> Any:
    made = new()
    made.add_error_handler(falcon.HTTPNotFound, answer_404)
    made.add_route('/u/{id}', resource(text))
    return made


async def fail(self: Any, req: Request, resp: Response) -> None:
    raise ValueError('no')


def failing(case: str, error: type[Exception], handler: Any, responder: Any = fail) -> None:
    def build() -> Any:
        made = new()
        made.add_error_handler(error, handler)
        made.add_route('/', resource(responder))
        return made

    BUILDERS[case] = build


@app
def abort() -> Any:
    async def refuse(self: Any, req: Request, resp: Response) -> None:
        raise falcon.HTTPStatus(403, text=TEXT)

    made = new()
    made.add_route('/', resource(refuse))
    return made


BUILDERS['raise_abort'] = abort


@get
async def abort_bare(self: Any, req: Request, resp: Response) -> None:
    raise falcon.HTTPNotFound


@get
async def missing(self: Any, req: Request, resp: Response) -> None:
    resp.text = req.get_param('none', required=True)


on(case='unhandled')(fail)
failing('error_class', ValueError, answer_409)
failing('error_base', Exception, answer_409)
failing('error_500', Exception, answer_500)
failing('error_status', falcon.HTTPNotFound, answer_404, abort_bare)


# Hooks


def hooked(case: str, *middlewares: Any) -> None:
    on('/u/{id}', case=case, middlewares=middlewares)(text)


for count in (1, 3, 10):
    hooked(f'before_{count}', *[Pass() for _ in range(count)])
    hooked(f'after_{count}', *[After() for _ in range(count)])
hooked('before_after', Pass(), After())
hooked('after_always', After())


class Around:
    async def process_request(self, req: Request, resp: Response) -> None:
        pass

    async def process_response(self, req: Request, resp: Response, resource: Any, succeeded: bool) -> None:
        pass


class Refuse:
    async def process_request(self, req: Request, resp: Response) -> None:
        resp.status = 401
        resp.content_type = falcon.MEDIA_TEXT
        resp.text = TEXT
        resp.complete = True


class Abort:
    async def process_request(self, req: Request, resp: Response) -> None:
        raise falcon.HTTPStatus(401, text=TEXT)


class KeepUser:
    async def process_request(self, req: Request, resp: Response) -> None:
        req.context.user = 'ada'

    async def process_response(self, req: Request, resp: Response, resource: Any, succeeded: bool) -> None:
        resp.set_header('x-user', req.context.user)


class Replace:
    async def process_response(self, req: Request, resp: Response, resource: Any, succeeded: bool) -> None:
        resp.content_type = falcon.MEDIA_TEXT
        resp.text = TEXT


async def refuse_403(self: Any, req: Request, resp: Response, id: str) -> None:
    raise falcon.HTTPStatus(403, text=TEXT)


hooked('around_1', Around())
hooked('around_3', *[Around() for _ in range(3)])
hooked('around_10', *[Around() for _ in range(10)])
hooked('around_finally', Around())
hooked('around_before', Around(), Pass(), After())
hooked('before_answers', Refuse())
hooked('before_aborts', Abort())
hooked('keep_and_headers', KeepUser())
on('/u/{id}', case='around_aborted', middlewares=(Around(),))(refuse_403)


@on('/u/{id}', case='around_replaces', middlewares=(Replace(),))
async def replaced(self: Any, req: Request, resp: Response, id: str) -> None:
    resp.media = {'id': 7, 'active': True}


async def nothing(req: Request, resp: Response, resource: Any, params: Any) -> None:
    pass


@on('/u/{id}', case='route_before_1')
@falcon.before(nothing)
async def route_before_1(self: Any, req: Request, resp: Response, id: str) -> None:
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = TEXT


@on('/u/{id}', case='route_before_3')
@falcon.before(nothing)
@falcon.before(nothing)
@falcon.before(nothing)
async def route_before_3(self: Any, req: Request, resp: Response, id: str) -> None:
    resp.content_type = falcon.MEDIA_TEXT
    resp.text = TEXT


on('/u/{id}', case='route_before_and', middlewares=(Pass(),))(route_before_1)
on('/v1/u/{id}', case='group_before')(route_before_1)


# Composing and batteries


on('/v1/u/{id}', case='group')(text)


def with_cors(**options: Any) -> Any:
    made = new(falcon.CORSMiddleware(**options))
    made.add_route('/', resource(text))
    return made


@app
def cors() -> Any:
    return with_cors()


BUILDERS['cors_none'] = cors


@app
def cors_listed() -> Any:
    origins = ['https://www.example.org', 'https://app.example.org']
    return with_cors(allow_origins=origins, allow_credentials=origins)


@app
def cors_preflight() -> Any:
    return with_cors()


# WebSockets


async def listen(self: Any, req: Request, ws: WebSocket) -> None:
    await ws.accept()
    try:
        while True:
            await ws.receive_text()
    except falcon.WebSocketDisconnected:
        pass


async def chat(self: Any, req: Request, ws: WebSocket) -> None:
    await ws.accept()
    try:
        while True:
            await ws.send_text(await ws.receive_text())
    except falcon.WebSocketDisconnected:
        pass


async def chat_json(self: Any, req: Request, ws: WebSocket) -> None:
    await ws.accept()
    for _ in range(10):
        await ws.send_media(await ws.receive_media())


async def refuse(self: Any, req: Request, ws: WebSocket) -> None:
    raise falcon.HTTPForbidden


for name, responder in {'ws_open': listen, 'ws_echo': chat, 'ws_json': chat_json, 'ws_refused': refuse}.items():
    on(method='WS', case=name)(responder)


# Route lists


def table(routes: list[str], refused: list[str]) -> Any:
    """Make an app with these routes, parameters written `{name}`; add to `refused` what it will not have."""
    made = new()
    resources: dict[str, list[str]] = {}
    for route in routes:
        method, path = route.split()
        resources.setdefault(path, []).append(method)
    for path, methods in resources.items():
        responders = {f'on_{method.lower()}': text for method in methods}
        try:
            made.add_route(path, type('Resource', (), responders)())
        except ValueError:
            refused += [f'{method} {path}' for method in methods]
    return made

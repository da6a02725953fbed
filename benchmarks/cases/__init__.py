"""The operations that are counted: for each a request, the answer it must get, and what the docs call it.

The applications are in the modules beside this one, a file a framework; there the function of the same name is the
case. A framework that has no such operation has no such function.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from workload import BODY, DOCUMENT, HEADERS, QUERY

TEXT = 'ok'
PIECE = b'x' * 8192
Header = tuple[bytes, bytes]


@dataclass(frozen=True)
class Case:
    """One request and its answer; `answer` is text, bytes, a JSON value, or None where any body will do."""

    title: str
    path: str = '/'
    status: int = 200
    answer: Any = TEXT
    method: str = 'GET'
    query: bytes = b''
    headers: tuple[Header, ...] = ()  # in place of those of the same name
    body: tuple[bytes, ...] = ()  # its chunks
    root_path: str = ''
    sends: dict[str, str | None] = field(default_factory=dict)  # headers of the answer; None is any value
    socket: tuple[str, ...] = ()  # what a WebSocket's client says; the answer is what it hears
    raises: bool = False  # whether the exception goes on to the server
    loops: int = 20  # requests a round
    fresh: bool = False  # whether each request has a number of its own at the end of its path
    less: tuple[str, ...] = ()  # frameworks that promise less, as the title of the column says


@cache
def folder() -> Path:
    """A folder with the files to send, removed at the end of this process; all of them are of the first of 2026."""
    made = Path(tempfile.mkdtemp(prefix='operations-'))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    for name, content in (('small.txt', b'x' * 1024), ('large.bin', b'x' * 2**20), ('index.html', b'<p>Hello</p>')):
        (made / name).write_bytes(content)
        os.utime(made / name, (1767225600, 1767225600))
    return made


def get(title: str, **fields: Any) -> Case:
    """Make the case of a GET without a body, for `/` unless another path is given."""
    return Case(title, **fields)


def route(title: str, path: str = '/u/ada', **fields: Any) -> Case:
    """Make a case of which only the route and the path matter."""
    return Case(title, path, **fields)


def post(title: str, *chunks: bytes, kind: bytes = b'', length: bool = True, **fields: Any) -> Case:
    """Make the case of a POST with a body in chunks, of a content type, and with a length unless it has none."""
    headers = [*fields.pop('headers', ())]
    if kind:
        headers.append((b'content-type', kind))
    if chunks and length:
        headers.append((b'content-length', b'%d' % len(b''.join(chunks))))
    return Case(title, **{'method': 'POST', **fields, 'headers': tuple(headers), 'body': chunks})


def socket(title: str, *said: str, **fields: Any) -> Case:
    """Make the case of a WebSocket whose client says something and then leaves."""
    return Case(title, **{'status': 101, 'answer': None, **fields, 'socket': said or ('',)})


SENT = {'x-a': '1'}
SMALL = {'id': 7, 'active': True}
AGENT = HEADERS[1][1].decode()
MULTIPART = b'multipart/form-data; boundary=limit'
PARTS = (
    b'--limit\r\nContent-Disposition: form-data; name="name"\r\n\r\nada\r\n'
    b'--limit\r\nContent-Disposition: form-data; name="photo"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
    b'' + b'x' * 1024 + b'\r\n--limit--\r\n'
)
FORM = b'name=Zo%C3%AB+Lindqvist&city=Malm%C3%B6&page=2&active=1'
EVENTS = ''.join(f'data: {number}\n\n' for number in range(100))
FORMS = b'application/x-www-form-urlencoded'
ORIGIN = (b'origin', b'https://app.example.org')
PREFLIGHT = (ORIGIN, (b'access-control-request-method', b'POST'), (b'access-control-request-headers', b'x-token'))
API = (b'host', b'api.example.org')
COMMON = {'answer': None, 'sends': {'content-length': None}}

GROUPS: dict[str, dict[str, Case]] = {
    'Handlers': {
        'base': get('an async function that answers text'),
        'plain_def': get('a plain function'),
        'lambda_out': get("lambda req, res, ctx: res.out(200, 'ok')"),
        'returns_res': get('return res'),
        'object_handler': get('an object with __call__'),
        'bound_method': get('a bound method'),
        'partial_handler': get('a functools.partial'),
        'dotted_handler': get("'controllers.home.index'"),
        'threaded': get('threaded=True', loops=10),
        'any_method': get("app.METHOD(['GET', 'PROPFIND'], ...)"),
        'meta': get('meta=, read as req.meta'),
    },
    'Answers': {
        'status_201': get('res.status = 201', status=201),
        'status_enum': get('res.status = HTTPStatus.CREATED', status=201),
        'status_204': get('res.status = 204', status=204, answer=''),
        'out_201': get("res.out(201, 'ok')", status=201),
        'out_403': get("res.out(403, 'ok')", status=403),
        'out_headers': get("res.out(200, 'ok', {'x-a': '1'})", sends=SENT),
        'body_bytes': get('res.body = bytes', answer=b'ok'),
        'body_dict': get('res.body = dict', answer=SMALL),
        'body_list': get('res.body = list', answer=[1, 2, 3]),
        'body_tuple': get('res.body = tuple', answer=[1, 2, 3]),
        'body_int': get('res.body = int', answer='7'),
        'body_bool': get('res.body = bool', answer=True),
        'body_none': get('res.body = None', answer=''),
        'body_unset': get('no body', answer=''),
        'body_dataclass': get('res.body = dataclass', answer=SMALL),
        'html': get("res.html('ok')", answer=None, sends={'content-type': 'text/html; charset=utf-8'}),
        'content_type': get('another content type', answer=None, sends={'content-type': 'text/csv; charset=utf-8'}),
        'redirect': get("res.redirect('/login')", status=307, answer=None, sends={'location': '/login'}),
        'redirect_post': post("res.redirect('/login') after a POST", b'x', status=303, answer=None),
        'chained': get("res.header('x-a', '1').cookie('a', 'b').out(200, 'ok')", sends=SENT | {'set-cookie': None}),
        'read_status': get('res.status read'),
        'read_body': get('res.body read'),
        'defer': get('res.defer(async function)', less=('falcon',)),
        'defer_plain': get('res.defer(plain function)', loops=10, less=('falcon',)),
    },
    'Headers sent': {
        'header': get("res.header('x-a', '1')", sends=SENT),
        'header_capital': get("res.header('X-A', '1')", sends=SENT),
        'header_int': get("res.header('x-a', 1)", sends=SENT),
        'header_list': get("res.header('x-a', ['1', '2'])", sends={'x-a': '1, 2'}),
        'header_none': get("res.header('x-a', None) after it was set"),
        'header_3': get('three res.header(...)', sends=SENT | {'x-b': '2', 'x-c': '3'}),
        'headers_set': get("res.headers['x-a'] = '1'", sends=SENT),
        'headers_set_int': get("res.headers['x-a'] = 1", sends=SENT),
        'headers_set_fresh': get("res.headers['x-a'] = another value each time", sends={'x-a': None}),
        'headers_set_3': get('three res.headers[...] = ...', sends=SENT | {'x-b': '2', 'x-c': '3'}),
        'headers_read': get("res.headers.get('x-a') after it was set", sends=SENT),
        'cookie': get("res.cookie('a', 'b')", sends={'set-cookie': None}),
        'cookie_full': get('res.cookie with five attributes', sends={'set-cookie': None}),
        'cookie_none': get("res.cookie('a', None)", sends={'set-cookie': None}),
        'cookie_raw': get("res.header('set-cookie', 'a=b')", sends={'set-cookie': None}),
    },
    'Context, app': {
        'ctx_set': get('ctx.user = x in a hook'),
        'ctx_read': get('ctx.user = x in a hook, ctx.user in the handler'),
        'ctx_keep': get("ctx.keep('user', x) in the handler"),
        'ctx_keep_hook': get("ctx.keep('user', x) in a hook, ctx.user in the handler"),
        'ctx_keep_key': get('ctx.keep(Key, x), ctx.peek(Key)'),
        'ctx_peek': get("ctx.peek('user')"),
        'ctx_peek_miss': get("ctx.peek('user'), nothing kept"),
        'ctx_unkeep': get("ctx.keep, ctx.unkeep('user')"),
        'ctx_in': get("'user' in ctx"),
        'app_peek': get("req.app.peek('db')"),
        'app_keep': get("req.app.keep('n', x)"),
        'app_config': get("req.app.CONFIG('SECRET')"),
        'url_for': get("req.url_for('user', id=7)", answer='/users/7'),
        'app_url': get("app.url('user', id=7)", answer='/users/7'),
    },
    'Request': {
        'req_app': get('req.app'),
        'req_method': get('req.method'),
        'req_path': get('req.path'),
        'req_route': get('req.route'),
        'req_scheme': get('req.scheme'),
        'req_querystring': get('req.querystring'),
        'req_ip': get('req.ip.address'),
        'req_server': get('req.server'),
        'req_host': get('req.host'),
        'req_subdomain': get('req.subdomain'),
        'req_url': get('req.url'),
        'req_scope': get('req.scope'),
        'req_params': route('req.params'),
        'req_queries': get('req.queries', query=QUERY),
        'req_headers': get('req.headers'),
        'req_cookies': get('req.cookies'),
        'req_body': get('req.body of a GET'),
        'req_read': get('await req.read() of a GET'),
    },
    'Headers read': {
        'headers_get': get("req.headers.get('user-agent')", answer=AGENT),
        'headers_get_capital': get("req.headers.get('User-Agent')", answer=AGENT),
        'headers_get_miss': get("req.headers.get('x-none')"),
        'headers_item': get("req.headers['user-agent']", answer=AGENT),
        'headers_item_3': get('three req.headers[...]'),
        'headers_in': get("'user-agent' in req.headers"),
        'headers_all': get("req.headers.all('accept')"),
        'cookies_get': get("req.cookies.get('theme')", answer='dark'),
        'cookies_item': get("req.cookies['theme']", answer='dark'),
    },
    'Queries': {
        'query_unread': get('four queries, none read', query=QUERY),
        'query_item': get("req.queries['page'], the only one", query=b'page=2', answer='2'),
        'query_item_4': get("req.queries['page'] of four", query=QUERY, answer='2'),
        'query_get_4': get("req.queries.get('page') of four", query=QUERY, answer='2'),
        'query_all_4': get("req.queries.all('page') of four", query=QUERY, answer=['2']),
        'query_escaped': get('one of four with % in it', query=QUERY + b'%20x', answer='lindqvist x'),
        'query_escaped_4': get('four with % in them', query=b'a=%20x&b=%20y&c=%20z&d=%20q', answer='xyzq'),
        'query_typed': get("'/?page:int', given", query=b'page=2', answer='2'),
        'query_default': get("'/?page:int=1', not given", answer='1'),
        'query_typed_4': get('four typed queries', query=b'a=1&b=2.5&c=true&d=2026-01-01', answer='4'),
    },
    'Bodies read': {
        'post_unread': post('a POST of 1 KB, not read', BODY, kind=b'application/json'),
        'post_body': post('req.body', BODY, kind=b'application/json', answer=BODY),
        'post_text': post('req.text', BODY, kind=b'text/plain; charset=utf-8', answer=BODY.decode()),
        'post_json': post('req.json', BODY, kind=b'application/json', answer=DOCUMENT),
        'post_json_charset': post(
            'req.json; charset=utf-8', BODY, kind=b'application/json; charset=utf-8', answer=DOCUMENT
        ),
        'post_no_length': post('a POST without a length', BODY, length=False, answer=BODY),
        'post_4_chunks': post('a POST in four chunks', *[BODY[:256]] * 4, answer=BODY[:256] * 4),
        'post_repeated': post(
            'a POST with two cookie headers',
            BODY,
            headers=((b'cookie', b'a=b'), (b'cookie', b'theme=dark')),
            answer='dark',
        ),
        'post_form': post('req.form, urlencoded', FORM, kind=FORMS, answer='Zoë Lindqvist'),
        'post_multipart': post('req.form, multipart with a file', PARTS, kind=MULTIPART, answer='1024', loops=10),
        'put_empty': Case('a PUT without a body', method='PUT'),
        'query_method': post(
            'a QUERY with 1 KB of JSON', BODY, kind=b'application/json', method='QUERY', answer=DOCUMENT
        ),
        'upload_streamed': post('64 KiB in 8 chunks, req.stream()', *[PIECE] * 8, answer='65536'),
        'upload_ahead': post('64 KiB in 8 chunks, req.body', *[PIECE] * 8, answer='65536'),
        'too_large': post('above max_body_size, a 413', BODY, kind=b'application/json', status=413, answer=None),
        'connected': get('async with req.connected()'),
    },
    'Streams and files': {
        'stream_async': get('res.body = async generator, 3 chunks', answer=b'abc', less=('falcon',)),
        'stream_res': get('res.stream, 3 chunks', answer=b'abc', less=('falcon',)),
        'stream_sync': get('res.body = generator, 3 chunks', answer=b'abc', loops=5),
        'sse_1': get('res.stream(sse=True), 1 event', answer=b'data: 0\n\n', less=('starlette', 'falcon')),
        'sse_100': get(
            'res.stream(sse=True), 100 events', answer=EVENTS.encode(), loops=5, less=('starlette', 'falcon')
        ),
        'sse_fields': get('an event with id, event and retry', answer=None, less=('starlette', 'falcon')),
        'file_small': get('res.file, 1 KiB', answer=b'x' * 1024, loops=5),
        'file_large': get('res.file, 1 MiB', answer=b'x' * 2**20, loops=5),
        'file_304': get(
            'res.file, not modified',
            headers=((b'if-modified-since', b'Fri, 02 Jan 2026 00:00:00 GMT'),),
            status=304,
            answer='',
            loops=5,
        ),
        'file_range': get(
            'res.file, a range', headers=((b'range', b'bytes=0-99'),), status=206, answer=b'x' * 100, loops=5
        ),
        'file_download': get('res.file(filename=)', answer=b'x' * 1024, sends={'content-disposition': None}, loops=5),
        'assets': route('app.ASSETS, 1 KiB', '/assets/small.txt', answer=b'x' * 1024, loops=5),
        'assets_miss': route('app.ASSETS, no such file', '/assets/none.txt', status=404, answer=None, loops=5),
    },
    'Routes': {
        'slash': route('a trailing slash', '/users/'),
        'param': route('/u/:id'),
        'param_fresh': route('/u/:id, another value each time', '/u/', fresh=True),
        'param_slash': route('/u/:id with a trailing slash', '/u/ada/'),
        'param_literal': route('/u/:id/s', '/u/ada/s'),
        'param_literals': route('/u/:id/s/t', '/u/ada/s/t'),
        'param_2': route('/u/:id/s/:n', '/u/ada/s/7'),
        'param_3': route('/a/:b/c/:d/e/:f', '/a/1/c/2/e/3'),
        'param_first': route('/:a', '/ada'),
        'param_first_2': route('/:a/:b', '/ada/7'),
        'typed_int': route('/u/:id:int', '/u/7'),
        'typed_int_literal': route('/u/:id:int/s', '/u/7/s'),
        'typed_float': route('/u/:id:float', '/u/7.5'),
        'typed_date': route('/u/:id:date', '/u/2026-01-31'),
        'typed_uuid': route('/u/:id:uuid', '/u/7f0a3c52-0d3e-4a57-a5f4-2b9a4f1c7d10'),
        'typed_own': route('/u/:id:slug, added by app.TYPE', '/u/ada'),
        'typed_beside': route('/u/:id beside /u/:id:int', '/u/ada'),
        'literal_beside': route('/u/:id beside /u/me', '/u/ada'),
        'wildcard': route('/f/*', '/f/a/b/c/d'),
        'wildcard_short': route('/f/* with one segment', '/f/a'),
        'escaped': route('/u/:id with %20', '/u/a%20b'),
        'escaped_slash': route('/u/:id with %2F', '/u/a%2Fb'),
        'root_literal': route('/users under a root_path', '/api/users', root_path='/api'),
        'root_param': route('/u/:id under a root_path', '/api/u/ada', root_path='/api'),
        'among_300': route('the last of 300, one parameter', '/users/ada/subscriptions'),
        'among_300_deep': route('one of 300, three parameters', '/repos/ada/heaven/pulls/7'),
        'backtrack': route('/a/:x/d beside /a/b/c', '/a/b/d'),
    },
    'No route': {
        'head': route('HEAD of a GET', method='HEAD', **COMMON, less=('starlette', 'muffin')),
        'options': route('OPTIONS, automatic', method='OPTIONS', status=None, answer='', sends={'allow': None}),
        'not_allowed': route('405', method='PUT', status=405, answer=None),
        'not_allowed_hook': route('405 under a hook', method='PUT', status=405, answer=None),
        'not_found': route('404', '/no/such/page', status=404, answer=None),
        'not_found_deep': route('404, deeper than any route', '/no/such/page/at/all/below', status=404, answer=None),
        'not_found_hook': route('404 under a hook', '/no/such/page', status=404, answer=None),
        'not_found_error': route('404 with ERROR(404)', '/no/such/page', status=404),
        'not_a_path': route('400, a path with ..', '/u/../x', status=400, answer=None),
    },
    'Failures': {
        'abort': get("res.abort(403, 'ok')", status=403),
        'abort_bare': get('res.abort(404)', status=404, answer=None),
        'raise_abort': get("raise Abort(403, 'ok')", status=403),
        'missing': get("req.queries['none'], a 400", status=400, answer=None),
        'bad_json': post('a body that is no JSON, a 400', b'{', kind=b'application/json', status=400, answer=None),
        'error_class': get('ERROR(ValueError)', status=409),
        'error_base': get('ERROR(Exception), a ValueError', status=409),
        'error_status': get('res.abort(404) with ERROR(404)', status=404),
        'unhandled': get(
            'an exception nobody handles, a 500', status=500, answer=None, raises=True, less=('falcon', 'muffin')
        ),
        'error_500': get('the same with ERROR(500)', status=500, raises=True, less=('falcon', 'muffin')),
    },
    'Hooks': {
        'before_1': route('1 BEFORE'),
        'before_3': route('3 BEFORE'),
        'before_10': route('10 BEFORE'),
        'after_1': route('1 AFTER'),
        'after_3': route('3 AFTER'),
        'after_10': route('10 AFTER'),
        'before_after': route('1 BEFORE, 1 AFTER'),
        'before_plain_def': route('1 BEFORE, a plain function'),
        'before_threaded': route('1 BEFORE, threaded=True', loops=10),
        'before_methods': route("1 BEFORE, methods='GET'"),
        'before_answers': route('1 BEFORE that answers', status=401),
        'before_aborts': route('1 BEFORE that aborts', status=401),
        'before_sure': route('10 BEFORE for other paths'),
        'before_unsure': route("1 BEFORE('/u/me'), path /u/ada"),
        'before_unsure_10': route("10 BEFORE('/u/...'), path /u/ada"),
        'after_always': route('1 AFTER, always=True'),
        'route_before_1': route('before=hook of a route'),
        'route_before_3': route('before=[three hooks] of a route'),
        'route_before_and': route('1 BEFORE and before=hook'),
        'group_before': route('before=hook of a group', '/v1/u/ada'),
        'around_1': route('1 around-hook'),
        'around_3': route('3 around-hooks'),
        'around_10': route('10 around-hooks'),
        'around_route': route('before=around-hook of a route'),
        'around_finally': route('1 around-hook with try, finally'),
        'around_before': route('1 around-hook, 1 BEFORE, 1 AFTER'),
        'around_aborted': route('1 around-hook, the handler aborts', status=403),
        'around_replaces': route('1 around-hook that replaces the answer'),
        'keep_and_headers': route('ctx.keep in a BEFORE, res.headers[...] in an AFTER', sends={'x-user': 'ada'}),
    },
    'Composing': {
        'group': route('app.group', '/v1/u/ada'),
        'mount': route('app.mount, isolated', '/v1/u/ada'),
        'mount_shared': route('app.mount, isolated=False', '/v1/u/ada'),
        'mount_3': route('3 mounts deep', '/a/b/c/u/ada'),
        'mount_3_hooks': route('3 mounts deep, a hook on each', '/a/b/c/u/ada'),
        'mount_3_hooks_6': route('3 mounts deep, BEFORE and AFTER on each', '/a/b/c/u/ada'),
        'mount_beside': route('a route of the parent of 3 mounts, with a hook'),
        'mount_asgi': route('an ASGI app mounted', '/raw/x'),
        'mount_asgi_hook': route('an ASGI app mounted, under a hook', '/raw/x'),
        'use': route('app.use, 1 middleware'),
        'use_3': route('app.use, 3 middlewares'),
        'subdomain': route('a subdomain', headers=(API,)),
    },
    'Batteries': {
        'cors': get('app.cors', headers=(ORIGIN,), sends={'access-control-allow-origin': '*'}),
        'cors_listed': get(
            'app.cors, origins named', headers=(ORIGIN,), sends={'access-control-allow-origin': ORIGIN[1].decode()}
        ),
        'cors_none': get('app.cors, a request without Origin'),
        'cors_preflight': get('a preflight', method='OPTIONS', headers=PREFLIGHT, status=None, answer=None),
        'session_unread': get('app.sessions, not read'),
        'session_read': get('app.sessions, read, no cookie', answer='none'),
        'session_write': get('app.sessions, written', sends={'set-cookie': None}),
        'same_origin': post('app.same_origin, a POST', b'x', headers=((b'sec-fetch-site', b'same-origin'),)),
        'same_origin_refused': post(
            'app.same_origin, refused', b'x', headers=((b'sec-fetch-site', b'cross-site'),), status=403, answer=None
        ),
    },
    'WebSockets': {
        'ws_open': socket('accept, then the client leaves'),
        'ws_echo': socket('ten echoes', *'0123456789', answer=[*'0123456789']),
        'ws_json': socket('ten of JSON', *['{"n":7}'] * 10, answer=['{"n":7}'] * 10),
        'ws_origin': socket('accept, a browser of the same origin', headers=((b'origin', b'http://127.0.0.1:8000'),)),
        'ws_refused': socket('refused by a hook', status=403),
    },
}
CASES: dict[str, Case] = {name: case for cases in GROUPS.values() for name, case in cases.items()}

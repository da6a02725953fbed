"""CORS: what `app.cors` says of every answer, and how it answers preflights (Fetch, 3.2)."""

import asyncio

import pytest
from asks import Live, ask
from heaven import Abort, App, SubdomainError

SHOP, DESK, OTHER = 'https://shop.example', 'http://localhost:5173', 'https://other.example'
ALLOW = 'access-control-allow-origin'


def hello(req, res, ctx):
    res.body = 'hello'


def allowing(*args, **options):
    """An app of one page whose answers pages of other origins may read."""
    app = App()
    app.cors(*args, **options)
    app.GET('/', hello)
    app.POST('/', hello)
    return app


def page_asks(app, method='GET', target='/', origin=SHOP, **options):
    headers = {} if origin is None else {'origin': origin}
    return ask(app, method, target, headers={**headers, **options.pop('headers', {})}, **options)


def preflight(app, target='/', method='POST', origin=SHOP, headers=None, **options):
    """The answer to a preflight, as browsers send it."""
    fields = {'access-control-request-method': method, **options.pop('more', {})}
    if headers is not None:
        fields['access-control-request-headers'] = headers
    return page_asks(app, 'OPTIONS', target, origin, headers=fields, **options)


def said(reply):
    """What an answer says of CORS, and in Vary."""
    return {
        name.decode(): value.decode()
        for name, value in reply.headers
        if name == b'vary' or name.startswith(b'access-control-')
    }


# every answer


def abort(req, res, ctx):
    raise Abort(410, 'gone')


def fail(req, res, ctx):
    raise LookupError('a bug')


def unsendable(req, res, ctx):
    res.body = {'a': object()}


def refuse(req, res, ctx):
    res.out(401, 'Log in first')


async def other(scope, receive, send):
    """An ASGI app of somebody else, that knows nothing of CORS."""
    if scope['type'] != 'http' or scope['path'].endswith('broken'):
        raise LookupError('a bug')
    await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-length', b'0')]})
    await send({'type': 'http.response.body', 'body': b''})


def everything(folder):
    """An app with every kind of answer."""
    (folder / 'a.txt').write_text('text')
    app = App(max_body_size=10)
    app.cors([SHOP, DESK])
    app.GET('/', hello)
    app.POST('/', hello)
    app.GET('/stream', lambda req, res, ctx: res.stream(iter(['a', 'b'])))
    app.GET('/events', lambda req, res, ctx: res.stream(iter(['a']), sse=True))
    app.GET('/file', lambda req, res, ctx: res.file('a.txt', within=folder))
    app.GET('/no-file', lambda req, res, ctx: res.file('b.txt', within=folder))
    app.GET('/redirect', lambda req, res, ctx: res.redirect('/'))
    app.GET('/empty', lambda req, res, ctx: res.out(204))
    app.BEFORE('/guarded', refuse)
    app.GET('/abort', abort)
    app.GET('/bug', fail)
    app.GET('/unsendable', unsendable)
    app.GET('/handled', lambda req, res, ctx: res.abort(409))
    app.ERROR(409, lambda req, res, ctx: res.out(418, 'handled'))
    app.GET('/typed?page:int=1', hello)
    app.POST('/json', lambda req, res, ctx: req.json)
    child = App()
    child.GET('/', hello)
    app.mount(other, '/mounted')
    app.mount(child, '/child')
    return app


ANSWERS = [
    # method, path, what else is sent, status
    ('GET', '/', {}, 200),
    ('HEAD', '/', {}, 200),
    ('POST', '/', {}, 200),
    ('GET', '/stream', {}, 200),
    ('GET', '/events', {}, 200),
    ('GET', '/file', {}, 200),
    ('GET', '/file', {'headers': {'if-none-match': '*'}}, 304),
    ('GET', '/no-file', {}, 404),
    ('GET', '/redirect', {}, 307),
    ('GET', '/empty', {}, 204),
    ('GET', '/guarded', {}, 401),
    ('GET', '/abort', {}, 410),
    ('GET', '/bug', {}, 500),
    ('GET', '/unsendable', {}, 500),
    ('GET', '/handled', {}, 418),
    ('GET', '/typed?page=x', {}, 400),
    ('GET', '/nowhere', {}, 404),
    ('GET', '/nowhere/at%2Fall', {}, 404),
    ('PUT', '/', {}, 405),
    ('OPTIONS', '/', {}, 204),
    ('OPTIONS', '*', {}, 204),
    ('GET', '/../', {}, 400),
    ('POST', '/', {'body': b'x' * 11}, 413),
    ('POST', '/json', {'body': b'x'}, 415),
    ('GET', '/mounted/page', {}, 200),
    ('GET', '/mounted/broken', {}, 500),
    ('GET', '/child', {}, 200),
    ('GET', '/child/nowhere', {}, 404),
]


@pytest.mark.parametrize(
    ('method', 'target', 'more', 'status'),
    ANSWERS,
    ids=[f'{method} {path} {status}' for method, path, _, status in ANSWERS],
)
def test_every_answer_says_who_may_read_it_and_that_it_depends_on_the_origin(method, target, more, status, tmp_path):
    app = everything(tmp_path)
    reply = page_asks(app, method, target, SHOP, **more)
    assert reply.status == status
    assert reply.header(ALLOW) == SHOP
    assert reply.header('vary') == 'Origin'
    for origin in (OTHER, None):
        reply = page_asks(app, method, target, origin, **more)
        assert (reply.status, said(reply)) == (status, {'vary': 'Origin'})


def test_the_404_that_the_lane_answers_by_itself_says_so_too():
    with Live(allowing()) as live:
        for _ in range(2):
            reply = live.ask('GET', '/nowhere', headers={'origin': SHOP})
            assert (reply.status, reply.header(ALLOW)) == (404, '*')


def test_an_answer_that_hooks_have_replaced_says_so():
    async def instead(req, res, ctx):
        try:
            yield
        except LookupError:
            res.out(503, 'later')

    app = allowing([SHOP])
    app.BEFORE('/*', instead)
    app.GET('/bug', fail)
    reply = page_asks(app, 'GET', '/bug')
    assert (reply.status, reply.header(ALLOW)) == (503, SHOP)


def test_an_error_handler_that_sets_vary_for_a_file_that_is_missing_keeps_the_origin_in_it(tmp_path):
    def lost(req, res, ctx):
        res.header('vary', 'accept')

    app = allowing([SHOP])
    app.GET('/file', lambda req, res, ctx: res.file('nothing', within=tmp_path))
    app.ERROR(404, lost)
    assert said(page_asks(app, 'GET', '/file')) == {'vary': 'accept, Origin', ALLOW: SHOP}


def test_a_500_says_so_before_it_goes_on_through_the_middlewares():
    class Through:
        def __init__(self, app):
            self.app = app

        async def __call__(self, scope, receive, send):
            await self.app(scope, receive, send)

    app = allowing([SHOP])
    app.use(Through)
    app.GET('/bug', fail)
    reply = page_asks(app, 'GET', '/bug')
    assert (reply.status, reply.header(ALLOW)) == (500, SHOP)
    assert page_asks(app, 'GET', '/').header(ALLOW) == SHOP
    assert preflight(app).header('access-control-allow-methods')


# who may read


def test_without_arguments_every_origin_may_read_and_no_answer_depends_on_it():
    app = allowing()
    for origin in (SHOP, 'null', None):
        assert said(page_asks(app, origin=origin)) == {ALLOW: '*'}


def test_one_origin_may_be_given_as_a_text():
    assert page_asks(allowing(SHOP)).header(ALLOW) == SHOP
    assert page_asks(allowing(SHOP), origin=OTHER).header(ALLOW) is None


@pytest.mark.parametrize(
    'origin',
    [
        'https://SHOP.example',
        'http://shop.example',
        'https://shop.example:443',
        'https://shop.example.',
        'https://shop.example/',
        'https://shop.example.evil.example',
        'https://evil-shop.example',
        'https://a.shop.example',
        'https://shop.example, https://other.example',
        'https://shop.example\x00',
        'shop.example',
        'null',
        '*',
        '',
    ],
)
def test_origins_are_compared_exactly(origin):
    app = allowing([SHOP, DESK])
    assert said(page_asks(app, origin=origin)) == {'vary': 'Origin'}
    assert said(preflight(app, origin=origin)) == {'vary': 'Origin'}


def test_two_origins_in_one_request_are_none():
    reply = ask(allowing([SHOP]), 'GET', '/', headers=[('origin', SHOP), ('origin', SHOP)])
    assert reply.header(ALLOW) is None


def test_credentials_are_allowed_to_named_origins_alone():
    app = allowing([SHOP], credentials=True)
    assert said(page_asks(app)) == {ALLOW: SHOP, 'access-control-allow-credentials': 'true', 'vary': 'Origin'}
    assert preflight(app).header('access-control-allow-credentials') == 'true'
    assert said(page_asks(app, origin=OTHER)) == {'vary': 'Origin'}


def test_headers_that_pages_may_read_are_exposed():
    assert page_asks(allowing(expose=['X-Total', 'ETag'])).header('access-control-expose-headers') == 'X-Total, ETag'
    assert page_asks(allowing(expose='X-Total')).header('access-control-expose-headers') == 'X-Total'
    assert page_asks(allowing([SHOP], expose='X-Total'), origin=OTHER).header('access-control-expose-headers') is None


def test_the_origin_is_merged_into_what_handlers_and_hooks_say_in_vary():
    app = allowing([SHOP])
    app.AFTER('/*', lambda req, res, ctx: res.headers.vary('Accept-Language'), always=True)
    app.GET('/one', lambda req, res, ctx: res.header('Vary', 'Accept'))
    app.GET('/same', lambda req, res, ctx: res.header('Vary', 'origin'))
    app.GET('/all', lambda req, res, ctx: res.header('Vary', '*'))
    assert page_asks(app, 'GET', '/one').header('vary') == 'Accept, Accept-Language, Origin'
    assert page_asks(app, 'GET', '/same').header('vary') == 'origin, Accept-Language'
    assert page_asks(app, 'GET', '/all').header('vary') == '*'


def test_a_handler_may_say_by_itself_who_may_read():
    app = allowing([SHOP], credentials=True)
    app.GET('/open', lambda req, res, ctx: res.header('Access-Control-Allow-Origin', '*'))
    assert said(page_asks(app, 'GET', '/open')) == {ALLOW: '*', 'vary': 'Origin'}


# preflights


def test_a_preflight_is_answered_with_what_may_be_asked_for():
    app = allowing([SHOP], methods=['GET', 'PUT'], headers=['X-Token'], max_age=60, expose='X-Total')
    reply = preflight(app, method='PUT', headers='x-token')
    assert (reply.status, reply.body) == (204, b'')
    assert reply.header('access-control-allow-methods') == 'GET, PUT'
    assert reply.header('access-control-allow-headers') == 'X-Token'
    assert reply.header('access-control-max-age') == '60'
    assert reply.header(ALLOW) == SHOP
    assert reply.header('vary') == 'Origin'


def test_by_default_the_verbs_of_heaven_may_be_asked_for_with_any_headers_for_ten_minutes():
    reply = preflight(allowing(), headers='authorization,content-type,x-a')
    methods = reply.header('access-control-allow-methods').split(', ')
    assert sorted(methods) == ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'QUERY']
    assert reply.header('access-control-allow-headers') == 'authorization, content-type, x-a'
    assert reply.header('access-control-max-age') == '600'
    assert preflight(allowing()).header('access-control-allow-headers') is None


def test_headers_are_named_to_pages_with_credentials_because_a_star_means_nothing_to_them():
    reply = preflight(allowing([SHOP], credentials=True), headers='authorization')
    assert reply.header('access-control-allow-headers') == 'authorization'
    assert reply.header('vary').lower() == 'access-control-request-headers, origin'


def test_any_method_may_be_allowed():
    reply = preflight(allowing(methods='*'), method='PROPFIND')
    assert reply.header('access-control-allow-methods') == 'PROPFIND'
    assert preflight(allowing(methods='PUT')).header('access-control-allow-methods') == 'PUT'


@pytest.mark.parametrize('asked', ['a b', 'x\x01', 'é', '(', 'a:b', '', ',', ' , ,', '\x7f'])
def test_what_is_no_name_is_not_given_back(asked):
    reply = preflight(allowing(methods='*'), headers=f'ok, {asked}', method=asked)
    assert reply.status == 204
    assert reply.header('access-control-allow-headers') == 'ok'
    assert reply.header('access-control-allow-methods') is None


def test_a_preflight_of_another_origin_is_answered_with_nothing():
    reply = preflight(allowing([SHOP]), origin=OTHER, headers='x-a')
    assert (reply.status, said(reply)) == (204, {'vary': 'Origin'})


def test_no_hook_and_no_handler_runs_for_a_preflight():
    ran = []

    async def around(req, res, ctx):
        ran.append('around')
        yield

    def note(req, res, ctx):
        ran.append('hook')
        res.status = 401

    app = allowing([SHOP])
    app.BEFORE('/*', around)
    app.BEFORE('/*', note)
    app.AFTER('/*', note)
    app.AFTER('/*', note, always=True)
    app.GET('/own', hello, before=note)
    app.OPTIONS('/own', note)
    app.METHOD(['PUT', 'OPTIONS'], '/user/:id', note)
    app.mount(other, '/mounted')
    for target in ('/', '/own', '/user/7', '/user/a%2Fb', '/mounted/x', '/nowhere', '//', '/?a=b'):
        for method in ('GET', 'PUT', 'get', 'PURGE'):
            reply = preflight(app, target, method)
            assert (reply.status, reply.header(ALLOW)) == (204, SHOP), target
            assert reply.header('access-control-allow-methods'), target
    assert ran == []


def test_a_route_for_options_still_serves_what_is_no_preflight():
    app = allowing([SHOP])
    app.OPTIONS('/own', lambda req, res, ctx: res.out(200, 'mine'))
    assert page_asks(app, 'OPTIONS', '/own').body == b'mine'
    assert ask(app, 'OPTIONS', '/own', headers={'access-control-request-method': 'PUT'}).body == b'mine'
    assert page_asks(app, 'OPTIONS', '/').header('allow') == 'GET, HEAD, OPTIONS, POST'


@pytest.mark.parametrize('target', ['/../x', '/x/./y', '/x%2F..'])
def test_a_preflight_of_a_target_that_is_no_path_is_a_400(target):
    reply = preflight(allowing(), target)
    assert (reply.status, reply.header(ALLOW)) == (400, '*')


def test_options_of_the_whole_server_is_no_preflight_and_meets_the_guard():
    app = allowing()
    app.BEFORE('/*', lambda req, res, ctx: res.abort(401))
    assert preflight(app, '*').status == 401


def test_a_preflight_is_an_ordinary_options_without_cors():
    ran = []
    app = App()
    app.GET('/', hello)
    app.BEFORE('/*', lambda req, res, ctx: ran.append(req.method))
    reply = preflight(app)
    assert (reply.status, said(reply), ran) == (204, {}, ['OPTIONS'])


def test_two_preflights_at_once_do_not_meet():
    app = allowing([SHOP, DESK])
    app.PUT('/:name', hello)

    async def both():
        async with Live(app) as live:
            asked = {'access-control-request-method': 'PUT'}
            one, two = await asyncio.gather(
                live.asking('OPTIONS', '/a', headers={'origin': SHOP, **asked}),
                live.asking('OPTIONS', '/b', headers={'origin': DESK, **asked}),
            )
            return one.header(ALLOW), two.header(ALLOW)

    assert asyncio.run(both()) == (SHOP, DESK)


# apps in apps, and subdomains


def test_a_mounted_app_has_the_cors_of_its_parent():
    child = App()
    child.GET('/', hello)
    app = allowing([SHOP])
    app.mount(child, '/child', isolated=True)
    assert page_asks(app, 'GET', '/child').header(ALLOW) == SHOP
    assert preflight(app, '/child', 'GET').header(ALLOW) == SHOP


def test_the_cors_of_a_mounted_app_wins_over_that_of_its_parent():
    child, grandchild = allowing([DESK]), App()
    grandchild.GET('/', hello)
    child.mount(grandchild, '/deep')
    app = allowing([SHOP], credentials=True)
    app.mount(child, '/child')
    for target in ('/child', '/child/deep', '/child/nowhere'):
        assert page_asks(app, 'GET', target, SHOP).header(ALLOW) is None
        assert said(page_asks(app, 'GET', target, DESK)) == {ALLOW: DESK, 'vary': 'Origin'}
        assert preflight(app, target, origin=DESK).header(ALLOW) == DESK
    assert page_asks(app, origin=DESK).header(ALLOW) is None


def test_an_app_mounted_without_a_prefix_has_its_own_cors_for_its_own_routes():
    child = App()
    child.cors([DESK])
    child.PUT('/hers', hello)
    child.PUT('/', hello)
    app = allowing([SHOP])
    app.mount(child)
    assert preflight(app, '/hers', 'PUT', DESK).header(ALLOW) == DESK
    assert preflight(app, '/hers', 'PUT', SHOP).header(ALLOW) is None
    assert preflight(app, '/', 'PUT', DESK).header(ALLOW) == DESK
    assert preflight(app, '/', 'POST', DESK).header(ALLOW) is None
    assert page_asks(app, 'PUT', '/', DESK).header(ALLOW) == DESK


def test_only_the_mounted_app_may_have_cors():
    child = allowing([DESK])
    app = App()
    app.GET('/', hello)
    app.mount(child, '/child')
    assert said(page_asks(app, origin=DESK)) == {}
    assert said(page_asks(app, 'GET', '/nowhere', origin=DESK)) == {}
    assert page_asks(app, 'GET', '/child', DESK).header(ALLOW) == DESK
    assert preflight(app, '/child', 'POST', DESK).header(ALLOW) == DESK
    assert preflight(app, '/', 'POST', DESK).header(ALLOW) is None


def test_an_asgi_app_that_says_by_itself_who_may_read_is_left_at_that():
    async def own(scope, receive, send):
        headers = [(b'Access-Control-Allow-Origin', b'*'), (b'vary', b'Accept'), (b'content-length', b'0')]
        await send({'type': 'http.response.start', 'status': 200, 'headers': headers})
        await send({'type': 'http.response.body', 'body': b''})

    app = allowing([SHOP], credentials=True)
    app.mount(own, '/own')
    reply = page_asks(app, 'GET', '/own/page')
    assert reply.all(ALLOW) == ['*']
    assert reply.header('access-control-allow-credentials') is None
    assert sorted(reply.all('vary')) == ['Accept', 'Origin']


def test_cors_may_be_for_some_subdomains():
    app = App()
    app.subdomain('api').GET('/', hello)
    app.subdomain('docs').GET('/', hello)
    app.GET('/', hello)
    app.cors([SHOP], subdomains='api')
    app.cors([DESK], subdomains=['docs', 'www'])

    def allowed(host, origin, method='GET'):
        headers = {'host': host, 'access-control-request-method': 'GET'}
        return page_asks(app, method, '/', origin, headers=headers).header(ALLOW)

    for method in ('GET', 'OPTIONS', 'PUT'):
        assert allowed('api.heaven.example', SHOP, method) == SHOP
        assert allowed('api.heaven.example', DESK, method) is None
        assert allowed('docs.heaven.example', DESK, method) == DESK
        assert allowed('heaven.example', DESK, method) == DESK
        assert allowed('unknown.heaven.example', DESK, method) is None


def test_what_is_said_of_a_subdomain_goes_before_what_is_said_of_all():
    app = App()
    app.subdomain('api').GET('/', hello)
    app.GET('/', hello)
    app.cors()
    app.cors([SHOP], subdomains=['api'])
    assert said(page_asks(app, headers={'host': 'heaven.example'})) == {ALLOW: '*'}
    assert said(page_asks(app, headers={'host': 'api.heaven.example'})) == {ALLOW: SHOP, 'vary': 'Origin'}
    assert said(page_asks(app, headers={'host': 'unknown.heaven.example'})) == {ALLOW: '*'}


def test_cors_does_not_apply_to_websockets():
    app = allowing([SHOP])

    async def echo(req, ws, ctx):
        await ws.send('hello')

    app.WS('/echo', echo)
    sent = []

    async def connect(origin):
        sent.clear()
        scope = {'type': 'websocket', 'path': '/echo', 'headers': [(b'host', b'a'), (b'origin', origin.encode())]}
        inbox = iter([{'type': 'websocket.connect'}])

        async def receive():
            return next(inbox)

        async def send(message):
            sent.append(message)

        await app({**scope, 'extensions': {'websocket.http.response': {}}}, receive, send)
        return sent[0]

    refused = asyncio.run(connect(SHOP))
    assert refused['status'] == 403
    assert not {name for name, _ in refused['headers']} & {b'vary', ALLOW.encode()}
    accepted = asyncio.run(connect('http://a'))
    assert (accepted['type'], accepted['headers']) == ('websocket.accept', [])


# wrong use


@pytest.mark.parametrize(
    ('options', 'says'),
    [
        ({'credentials': True}, 'name the origins'),
        ({'origins': ['*'], 'credentials': True}, 'name the origins'),
        ({'origins': ['*', SHOP]}, "origins='\\*'"),
        ({'origins': []}, 'nobody'),
        ({'origins': 'null'}, 'null'),
        ({'origins': 'https://shop.example/'}, 'no path'),
        ({'origins': 'https://shop.example/api'}, 'no path'),
        ({'origins': 'https://Shop.example'}, 'lower case'),
        ({'origins': 'https://shop.example:443'}, 'port'),
        ({'origins': 'http://shop.example:80'}, 'port'),
        ({'origins': 'https://*.shop.example'}, 'no origin'),
        ({'origins': 'https://münchen.example'}, 'no origin'),
        ({'origins': 'shop.example'}, 'https://example.com'),
        ({'origins': ''}, 'no origin'),
        ({'origins': [7]}, 'no origin'),
        ({'methods': 'get'}, 'GET'),
        ({'methods': []}, 'method'),
        ({'headers': ['X Token']}, 'header name'),
        ({'expose': ['']}, 'header name'),
        ({'origins': [SHOP], 'credentials': True, 'expose': '*'}, 'name the headers'),
        ({'max_age': -1}, 'seconds'),
        ({'max_age': 1.5}, 'seconds'),
        ({'max_age': True}, 'seconds'),
    ],
)
def test_what_cannot_work_is_refused_at_the_call(options, says):
    with pytest.raises(ValueError, match=says):
        App().cors(**options)


@pytest.mark.parametrize(
    'origin', ['http://127.0.0.1:8000', 'http://[::1]:8000', 'capacitor://localhost', 'https://xn--mnchen-3ya.example']
)
def test_origins_of_every_kind_that_browsers_send_may_be_named(origin):
    assert page_asks(allowing([origin]), origin=origin).header(ALLOW) == origin


def test_an_unknown_subdomain_is_refused_at_the_call():
    with pytest.raises(SubdomainError, match='api'):
        App().cors(subdomains='api')


def test_to_say_it_twice_is_an_error():
    app = allowing()
    app.subdomain('api')
    with pytest.raises(ValueError, match='before'):
        app.cors([SHOP])
    app.cors([SHOP], subdomains='api')
    with pytest.raises(ValueError, match="'api'"):
        app.cors([DESK], subdomains=['api'])


def test_to_say_it_while_the_app_runs_is_an_error():
    app = App()
    app.GET('/', hello)
    with Live(app) as live:
        assert said(live.ask()) == {}
        with pytest.raises(RuntimeError, match='running'):
            app.cors()
    app.cors()
    assert page_asks(app).header(ALLOW) == '*'


def test_a_copy_of_an_app_has_its_cors_and_what_is_said_to_it_stays_there():
    app = App()
    app.GET('/', hello)
    twin = app.copy()
    twin.cors([SHOP])
    assert said(page_asks(app)) == {}
    assert page_asks(twin.copy()).header(ALLOW) == SHOP

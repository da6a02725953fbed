"""What a request says of itself: method, address, peers, queries; and that nothing untouched costs or breaks."""

import asyncio
from urllib.parse import quote

import pytest
from asks import Live, ask, raised, see, stream
from costs import ratio
from heaven import App, ClientError, Missing


@pytest.mark.parametrize(
    'read, value',
    [
        (lambda req: req.method, 'PATCH'),
        (lambda req: req.path, '/a b/é'),
        (lambda req: req.route, '/:x/:y'),
        (lambda req: req.params, {'x': 'a b', 'y': 'é'}),
        (lambda req: req.params['x'], 'a b'),
        (lambda req: req.querystring, 'q=%31&r'),
        (lambda req: req.url, 'https://example.com:8443/a%20b/%C3%A9?q=%31&r'),
        (lambda req: req.scheme, 'https'),
        (lambda req: req.subdomain, 'www'),
        (lambda req: req.host, 'example.com:8443'),
        (lambda req: (req.server.address, req.server.port), ('127.0.0.1', 8000)),
        (lambda req: (req.ip.address, req.ip.port), ('10.0.0.7', 4711)),
        (lambda req: req.scope['type'], 'http'),
        (lambda req: (req.body, req.text), (b'hi', 'hi')),
    ],
)
def test_properties(read, value):
    scope = {'headers': {'host': 'example.com:8443'}, 'scheme': 'https', 'client': ('10.0.0.7', 4711), 'body': b'hi'}
    assert see(read, 'PATCH', '/a%20b/%C3%A9?q=%31&r', route='/:x/:y', **scope) == value


def test_a_property_read_twice_is_the_same():
    names = 'path url params headers queries cookies ip body text'.split()
    assert see(lambda req: all(getattr(req, name) == getattr(req, name) for name in names), 'POST', body=b'x')


def test_a_property_that_is_not_is_an_attribute_error():
    assert isinstance(raised(lambda req, res, ctx: req.nonsense), AttributeError)


@pytest.mark.parametrize('client', [None, ()])
def test_a_peer_that_the_server_does_not_know_is_none(client):
    assert see(lambda req: (req.ip.address, req.ip.port), client=client or None) == (None, None)


def test_a_port_that_is_an_empty_string_is_not_known():
    assert see(lambda req: (req.ip.address, req.ip.port), client=('10.0.0.7', '')) == ('10.0.0.7', None)


def test_a_peer_left_out_of_the_scope_is_none():
    app, seen = App(), []
    app.GET('/', lambda req, res, ctx: seen.append((req.ip.address, req.ip.port)))

    exchange = stream(app)
    del exchange.scope['client']
    assert asyncio.run(exchange.reply()).status == 200
    assert seen == [(None, None)]


SERVER = 'http://127.0.0.1:8000/'


@pytest.mark.parametrize(
    'host, url',
    [
        ('example.com', 'http://example.com/'),
        ('EXAMPLE.com:80', 'http://EXAMPLE.com:80/'),
        ('a-b.c_d~e:8000', 'http://a-b.c_d~e:8000/'),
        ('10.1.2.3:1', 'http://10.1.2.3:1/'),
        ('[::1]', 'http://[::1]/'),
        ('[2001:db8::1]:8080', 'http://[2001:db8::1]:8080/'),
        ('', SERVER),
        ('a b', SERVER),
        ('evil.com/x', SERVER),
        ('evil.com?x', SERVER),
        ('evil.com#x', SERVER),
        ('evil.com\\x', SERVER),
        ('user@evil.com', SERVER),
        ('user:pw@evil.com:1', SERVER),
        ('a.com, b.com', SERVER),
        ('a.com:80:81', SERVER),
        ('a.com:port', SERVER),
        ('a.com:８０'.encode().decode('latin-1'), SERVER),
        ('a.com:²', SERVER),
        ('[::1', SERVER),
        ('::1', SERVER),
        ('[::1]x', SERVER),
        ('[evil]', SERVER),
        ('<script>', SERVER),
        ('"', SERVER),
        ('a\x00b', SERVER),
        ('a.com\n', SERVER),
        ('é.com', SERVER),
        (':80', SERVER),
    ],
)
def test_only_a_host_that_is_a_valid_authority_is_in_the_url(host, url):
    assert see(lambda req: req.url, headers={'host': host}) == url


def test_two_hosts_are_no_host():
    assert see(lambda req: req.url, headers=[('host', 'a.com'), ('host', 'b.com')]) == SERVER


@pytest.mark.parametrize(
    'scope, url',
    [
        ({'target': '/a%2fb//c/?x=%zz&&y'}, 'http://127.0.0.1:8000/a%2fb//c/?x=%zz&&y'),
        ({'target': '/a?'}, 'http://127.0.0.1:8000/a'),
        ({'path': '/a b/é', 'raw_path': None, 'query': b'q=1'}, 'http://127.0.0.1:8000/a%20b/%C3%A9?q=1'),
        ({'target': '/v1/a', 'root_path': '/v1'}, 'http://127.0.0.1:8000/v1/a'),
        ({'scheme': 'https'}, 'https://127.0.0.1:8000/'),
        ({'server': ('::1', 8000), 'headers': {'host': 'a b'}}, 'http://[::1]:8000/'),
    ],
)
def test_the_url_is_absolute_and_as_sent(scope, url):
    seen = []
    app = App()
    app.GET('/*', lambda req, res, ctx: seen.append(req.url))
    assert ask(app, **scope).status == 200
    assert seen == [url]


@pytest.mark.parametrize('server', [None, ('/run/heaven.sock', None), ('/run/heaven.sock', '0')])
def test_a_server_without_an_address_is_localhost(server):
    assert see(lambda req: req.url, headers={'host': 'a b'}, target='/a', server=server) == 'http://localhost/a'


@pytest.mark.parametrize(
    'query, name, last, every',
    [
        ('a=1', 'a', '1', ['1']),
        ('a=1&b=2&a=3', 'a', '3', ['1', '3']),
        ('a', 'a', '', ['']),
        ('a=', 'a', '', ['']),
        ('a=b=c', 'a', 'b=c', ['b=c']),
        ('a=1;b=2', 'a', '1;b=2', ['1;b=2']),
        ('a=x+y%20z%2B', 'a', 'x y z+', ['x y z+']),
        ('%61=1', 'a', '1', ['1']),
        ('a+b=1', 'a b', '1', ['1']),
        ('a=%C3%A9', 'a', 'é', ['é']),
        ('a=%ff', 'a', '\ufffd', ['\ufffd']),
        ('a=%zz%2', 'a', '%zz%2', ['%zz%2']),
        ('&&a=1&&', 'a', '1', ['1']),
        ('=1&a=2', 'a', '2', ['2']),
        ('a=%00', 'a', '\0', ['\0']),
    ],
)
def test_queries_give_the_last_value_and_all_of_them(query, name, last, every):
    read = lambda req: (req.queries[name], req.queries.get(name), req.queries.all(name), req.queries.get(name, 'x'))
    assert see(read, target='/?' + query) == (last, last, every, last)


def test_queries_are_a_mapping():
    def read(req):
        queries = req.queries
        return (
            'a' in queries,
            'z' in queries,
            sorted(queries),
            len(queries),
            dict(queries),
            queries.get('z'),
            queries.all('z'),
        )

    assert see(read, target='/?a=1&b=2&a=3') == (True, False, ['a', 'b'], 2, {'a': '3', 'b': '2'}, None, [])
    assert see(lambda req: (len(req.queries), bool(req.queries), req.queries.get('a', 7))) == (0, False, 7)


def test_typed_queries_keep_one_type_however_often_they_are_sent():
    read = lambda req: (req.queries['page'], req.queries.get('page'), req.queries.all('page'), req.queries['other'])
    assert see(read, target='/?page=1&page=2&other=3', route='/?page:int=5') == (2, 2, [1, 2], '3')
    assert see(lambda req: req.queries['page'], route='/?page:int=5') == 5


def test_queries_with_types_are_a_mapping_of_converted_values():
    def read(req):
        queries = req.queries
        return dict(queries.items()), list(queries.values()), queries.get('day'), queries.all('tag')

    route = '/?page:int=5&day:date&since:int'
    expected = ({'tag': 'b', 'since': 7, 'page': 5}, ['b', 7, 5], None, ['a', 'b'])
    assert see(read, target='/?tag=a&since=7&tag=b', route=route) == expected

    before = []
    app = App()
    app.BEFORE('/*', lambda req, res, ctx: before.append([*req.queries.values()]))
    app.BEFORE('/*', lambda req, res, ctx: before.append([*req.queries.items()]))
    app.GET('/?page:int=5', lambda req, res, ctx: None)
    assert ask(app, 'GET', '/?page=2').status == 200
    assert before == [[2], [('page', 2)]]


@pytest.mark.parametrize(
    'kind, good, bad',
    [
        ('str', ['x', ''], []),
        ('int', ['-7', '007'], ['', '-', '+1', '1_0', '0x1', ' 1', '1\n', '٣', '9' * 5000]),
        ('float', ['1', '-1.5', '1.0'], ['', '.5', '1.', '1e3', 'nan', 'inf', '-inf', '1,5', '１', '9' * 5000]),
        ('bool', ['true', 'FALSE', '1', '0', 'True'], ['', 'yes', 'no', '2', 'x', 'ｔrue', ' true']),
        (
            'date',
            ['2026-01-02'],
            ['', '2026-13-01', '20260102x', '2026-1-2', 'today', '2026-01-02T00:00', '٢026-01-02'],
        ),
        (
            'datetime',
            ['2026-01-02T03:04:05', '2026-01-02T03:04:05+01:00', '2026-01-02T03:04:05Z'],
            ['', 'now', '2026-99-02T03:04'],
        ),
        (
            'uuid',
            ['12345678-1234-5678-1234-567812345678'],
            ['', 'x', '{12345678-1234-5678-1234-567812345678}', '1' * 32],
        ),
    ],
)
def test_every_type_of_query_takes_what_it_should_and_refuses_the_rest_with_a_400(kind, good, bad):
    app = App()
    app.GET(f'/?q:{kind}', lambda req, res, ctx: res.out(200, type(req.queries['q']).__name__))
    assert {ask(app, query=b'q=' + quote(value).encode()).text for value in good} == {
        kind.lower().replace('uuid', 'UUID')
    }
    for value in bad:
        reply = ask(app, query=b'q=' + quote(value).encode())
        assert (reply.status, 'q' in reply.text) == (400, True), value


@pytest.mark.parametrize('query', ['page=1&page=x', 'page=x&page=1', 'page=', 'page', 'page=²', 'page=1.0'])
def test_a_typed_query_that_does_not_convert_is_a_400_that_names_it(query):
    reply = ask(lambda req, res, ctx: None, target='/?' + query, route='/?page:int=5')
    assert reply.status == 400 and 'page' in reply.text


def test_a_thousand_queries_are_read_and_one_more_is_a_400():
    thousand = '&'.join(f'q{i}={i}' for i in range(1000))
    assert see(lambda req: (len(req.queries), req.queries['q999']), target='/?' + thousand) == (1000, '999')

    def handler(req, res, ctx):
        res.body = req.queries.get('q1')

    for more in ('&a=1', '&a', '&q0=1'):
        reply = ask(handler, target='/?' + thousand + more)
        assert (reply.status, '1000' in reply.text) == (400, True)
        assert ask(lambda req, res, ctx: None, target='/?' + thousand + more).status == 200


@pytest.mark.parametrize(
    'query',
    [b'\xff=\xfe', b'a=\x00', b'%', b'%%%', b'=', b'&', b'a=%E2%82', b'+', b'?', b'#', b'a=\xc3\xa9', b'\x80' * 999],
)
def test_no_bytes_in_a_query_break_it(query):
    def handler(req, res, ctx):
        res.body = [req.queries.get('a'), req.querystring, req.url]

    assert ask(handler, query=query).status == 200


@pytest.mark.parametrize('where', ['headers', 'queries', 'cookies'])
def test_a_missing_key_is_a_400_that_names_it_if_nobody_catches_it(where, caplog):
    def handler(req, res, ctx):
        getattr(req, where)['x-absent']

    reply = ask(handler)
    assert reply.status == 400 and 'x-absent' in reply.text
    assert not [record for record in caplog.records if record.levelname in ('WARNING', 'ERROR')]


@pytest.mark.parametrize('where', ['headers', 'queries', 'cookies'])
def test_a_missing_key_is_a_keyerror_that_a_handler_may_catch(where):
    error = raised(lambda req, res, ctx: getattr(req, where)['x-absent'])
    assert isinstance(error, KeyError) and isinstance(error, Missing) and isinstance(error, ClientError)
    assert error.status == 400 and 'x-absent' in str(error)
    assert see(lambda req: getattr(req, where).get('x-absent', 'there')) == 'there'


def test_a_missing_parameter_is_the_programs_mistake():
    assert ask(lambda req, res, ctx: req.params['absent']).status == 500


def test_nothing_untouched_is_looked_at():
    hostile = {
        'target': '/?' + '&'.join('a' * 2000),
        'headers': [('cookie', '=;=\xff;' * 999), ('host', '\xff@'), ('content-type', '/;=;')],
        'client': None,
        'server': None,
    }
    assert ask(lambda req, res, ctx: None, **hostile).status == 200


def test_reading_queries_is_linear():
    app, cost = App(), []
    app.GET('/', lambda req, res, ctx: cost.append(len(req.queries)))

    def work(n):
        return lambda: ask(app, query=b'&'.join(b'q%d=' % i + b'%41+' * n for i in range(100)))

    assert ratio(work, 50) < 40
    assert set(cost) == {100}


@pytest.mark.parametrize(
    'target, path, url',
    [
        ('http://127.0.0.1:8000/a/b%2Fc?q=1', '/a/b/c', 'http://127.0.0.1:8000/a/b%2Fc?q=1'),
        ('http://127.0.0.1:8000', '/', 'http://127.0.0.1:8000/'),
        ('HTTP://127.0.0.1:8000?q=1', '/', 'http://127.0.0.1:8000/?q=1'),
    ],
)
def test_a_target_in_absolute_form_is_its_path(target, path, url):
    app = App()
    app.GET('/*', lambda req, res, ctx: res.out(200, [req.path, req.url]))
    assert ask(app, 'GET', target).json() == [path, url]


@pytest.mark.parametrize('routes, allow', [(0, 'OPTIONS'), (1, 'GET, HEAD, OPTIONS')])
def test_options_of_the_whole_server_names_every_method_and_has_no_path_in_its_url(routes, allow):
    app, seen = App(), []
    app.BEFORE('/*', lambda req, res, ctx: seen.append(req.url))
    for _ in range(routes):
        app.GET('/', lambda req, res, ctx: None)
    reply = ask(app, 'OPTIONS', '*')
    assert (reply.status, reply.header('allow')) == (204, allow)
    assert seen == ['http://127.0.0.1:8000']


@pytest.mark.parametrize('pattern, status', [('/v1/*', 204), ('/*', 401)])
def test_options_of_the_whole_server_meets_the_hooks_of_every_path_and_no_others(pattern, status):
    def protect(req, res, ctx):
        res.header('x-safe', 'yes')

    app = App()
    app.GET('/', lambda req, res, ctx: None)
    app.BEFORE(pattern, lambda req, res, ctx: res.abort(401))
    app.AFTER('/*', protect, always=True)
    reply = ask(app, 'OPTIONS', '*')
    assert (reply.status, reply.header('x-safe')) == (status, 'yes')


def test_the_default_of_a_typed_query_is_made_anew_for_every_request():
    def handler(req, res, ctx):
        tags = req.queries['tags']
        tags.append('x')
        res.body = tags

    app = App()
    app.TYPE('csv', lambda text: text.split(','))
    app.GET('/?tags:csv=a,b', handler)
    with Live(app) as live:
        assert [live.ask().json() for _ in range(2)] == [['a', 'b', 'x']] * 2

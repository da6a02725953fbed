"""Which route answers, with which parameters, and what is said where none does."""

import asyncio
import datetime
import decimal
import types
import uuid
from dataclasses import dataclass
from functools import partial

import pytest
from asks import Live, ask
from costs import ratio
from heaven import App, UrlError

METHODS = ('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY')


def tell(name):
    """A handler that answers with its name and the parameters it was given."""

    def handler(req, res, ctx):
        res.body = {'name': name, 'params': {key: repr(value) for key, value in req.params.items()}}

    return handler


def app_of(*patterns, method='GET', **options):
    app = App()
    for pattern in patterns:
        app.METHOD(method, pattern, tell(pattern), **options)
    return app


def answered(app, target, method='GET', **options):
    """The pattern that answered and its parameters, or the status."""
    reply = ask(app, method, target, **options)
    if reply.status != 200:
        return reply.status
    answer = reply.json()
    return answer['name'], answer['params']


def allowed(reply):
    return set(reply.header('allow').replace(' ', '').split(','))


# What matches, and what does not


@pytest.mark.parametrize(
    'pattern, target, params',
    [
        ('/', '/', {}),
        ('/', '', {}),
        ('/v1/patients', '/v1/patients', {}),
        ('/v1/patients', '/v1/patients/', {}),
        ('/v1/patients', '/v1/Patients', None),
        ('/v1/patients', '/v1/patient', None),
        ('/v1/patients', '/v1/patients/x', None),
        ('/v1/patients', '/v1', None),
        ('/v1/patients', '//v1/patients', None),
        ('/v1/patients', '/v1//patients', None),
        ('/v1/patients', '/v1/patients//', None),
        ('/v1/patients', '/v1/patients?x=1', {}),
        ('/v1/patients', '/v1/p%61tients', {}),
        ('/v1/patients', '/v1%2Fpatients', None),
        ('/naïve', '/na%C3%AFve', {}),
        ('/a b', '/a%20b', {}),
        ('/a.b', '/a.b', {}),
        ('/a.b', '/axb', None),
        ('/a+b', '/a+b', {}),
        ('/:x', '/7', {'x': "'7'"}),
        ('/:x', '/7/', {'x': "'7'"}),
        ('/:x', '/', None),
        ('/:x', '//', None),
        ('/:x', '/a%2Fb', {'x': "'a/b'"}),
        ('/:x', '/a%252Fb', {'x': "'a%2Fb'"}),
        ('/:x', '/a+b', {'x': "'a+b'"}),
        ('/:x', '/%2F', {'x': "'/'"}),
        ('/:x', '/%ff', {'x': b"'\\ufffd'".decode('unicode_escape')}),
        ('/:x', '/%C3%A9', {'x': "'é'"}),
        ('/:x', '/a%0Ab', {'x': "'a\\nb'"}),
        ('/:x', '/:x', {'x': "':x'"}),
        ('/:x', '/*', {'x': "'*'"}),
        ('/:x', '/100%', {'x': "'100%'"}),
        ('/:x:str', '/é', {'x': "'é'"}),
        ('/:x/:y', '/a/b', {'x': "'a'", 'y': "'b'"}),
        ('/:x/:y', '/a//b', None),
        ('/:x/:y', '/a/', None),
        ('/:x/:y', '//b', None),
        ('/a/:x/', '/a/b', {'x': "'b'"}),
        ('/files/*', '/files', {'*': "''"}),
        ('/files/*', '/files/', {'*': "''"}),
        ('/files/*', '/files/a', {'*': "'a'"}),
        ('/files/*', '/files/a/', {'*': "'a/'"}),
        ('/files/*', '/files/a//b/...//c.', {'*': "'a//b/...//c.'"}),
        ('/files/*', '/files/.env/..a', {'*': "'.env/..a'"}),
        ('/files/*', '/files//', {'*': "'/'"}),
        ('/files/*', '/files/a%2Fb/c%20d', {'*': "'a/b/c d'"}),
        ('/files/*', '/files%2Fa', None),
        ('/files/*', '/filesx', None),
        ('/:x/*', '/a%2Fb/c/d', {'x': "'a/b'", '*': "'c/d'"}),
        ('/proxy/*', '/proxy/http://example.com/a', {'*': "'http://example.com/a'"}),
        ('/proxy/*', '/proxy/http%3A%2F%2Fexample.com/a', {'*': "'http://example.com/a'"}),
        ('/:x/:y', '/http:%2F%2Fa/b', {'x': "'http://a'", 'y': "'b'"}),
        ('/*', '/', {'*': "''"}),
        ('/*', '//', {'*': "'/'"}),
        ('/*', '/a/b', {'*': "'a/b'"}),
    ],
)
def test_a_path_matches_a_pattern_or_is_a_404(pattern, target, params):
    assert answered(app_of(pattern), target) == (404 if params is None else (pattern, params))


DATE, TIME = datetime.date, datetime.datetime
ID = '12345678-1234-5678-1234-567812345678'


@pytest.mark.parametrize(
    'kind, text, value',
    [
        ('int', '7', 7),
        ('int', '-7', -7),
        ('int', '007', 7),
        ('int', '0', 0),
        ('int', '9' * 18, int('9' * 18)),
        ('int', '9' * 64, int('9' * 64)),
        ('int', '9' * 65, None),
        ('int', '-' + '9' * 63, -int('9' * 63)),
        ('int', '-' + '9' * 64, None),
        *[
            ('int', text, None)
            for text in ('', '-', '+7', '7.0', '1_0', '1e3', ' 7', '7 ', '7\n', '٣', '７', '²', '--7')
        ],
        ('int', '9' * 5000, None),
        ('int', '-' + '9' * 100_000, None),
        ('float', '7', 7.0),
        ('float', '-7.25', -7.25),
        ('float', '0.5', 0.5),
        *[
            ('float', t, None)
            for t in ('.5', '5.', '1e3', 'nan', 'inf', '-inf', 'Infinity', '+1', '1_0', '٣', '1.٣', '1.\n')
        ],
        ('float', '9' * 5000, None),
        ('float', '1.' + '5' * 62, float('1.' + '5' * 62)),
        ('float', '1.' + '5' * 63, None),
        ('bool', 'true', True),
        ('bool', 'FALSE', False),
        ('bool', 'True', True),
        ('bool', '1', True),
        ('bool', '0', False),
        *[('bool', text, None) for text in ('yes', 'on', '', '2', 'truе', 'true\n', 'falſe', '01')],
        ('date', '2024-02-29', DATE(2024, 2, 29)),
        *[('date', text, None) for text in ('2023-02-29', '2024-13-01', '24-01-01', 'today', '٢٠٢٤-01-01', '2024-1-1')],
        ('date', '2024-02-29T10:00:00', None),
        ('datetime', '2024-02-29T10:11:12', TIME(2024, 2, 29, 10, 11, 12)),
        ('datetime', '2024-02-29T10:11:12Z', TIME(2024, 2, 29, 10, 11, 12, tzinfo=datetime.UTC)),
        ('datetime', '2024-02-29T10:11:12.5', TIME(2024, 2, 29, 10, 11, 12, 500000)),
        *[
            ('datetime', text, None)
            for text in ('now', '2024-02-30T10:00:00', '2024-02-29T25:00:00', '٢٠٢٤-02-29T10:00:00')
        ],
        ('uuid', ID, uuid.UUID(ID)),
        *[('uuid', t, None) for t in (ID.replace('-', ''), '{%s}' % ID, 'urn:uuid:' + ID, ID[:-1], ID + '0', 'x' * 36)],
        ('uuid', '1' + ID[1:].replace('1', '١'), None),
        ('str', 'naïve', 'naïve'),
    ],
)
def test_a_typed_parameter_takes_its_grammar_and_nothing_else(kind, text, value):
    app = App()
    app.GET(f'/x/:v:{kind}', tell('path'))
    app.GET(f'/q?v:{kind}', lambda req, res, ctx: res.out(200, {'v': repr(req.queries['v'])}))
    quoted = ''.join(f'%{byte:02X}' for byte in text.encode())
    in_path, in_query = ask(app, target=f'/x/{quoted}'), ask(app, target=f'/q?v={quoted}')
    if value is None:
        assert in_path.status == 404
        assert in_query.status == 400
        assert b'v' in in_query.body
    else:
        assert in_path.json() == {'name': 'path', 'params': {'v': repr(value)}}
        assert in_query.json() == {'v': repr(value)}


def test_an_added_type_converts_and_what_it_refuses_is_no_match():
    app = App()

    def slug(text):
        if not text.islower():
            raise ValueError('lower case only')
        return ('slug', text)

    app.TYPE('slug', slug)
    app.TYPE('money', decimal.Decimal)
    app.GET('/a/:x:slug', tell('slug'))
    app.GET('/a/:x', tell('any'))
    app.GET('/m/:x:money', tell('money'))
    assert answered(app, '/a/abc') == ('slug', {'x': "('slug', 'abc')"})
    assert answered(app, '/a/ABC') == ('any', {'x': "'ABC'"})
    assert answered(app, '/m/1.50') == ('money', {'x': "Decimal('1.50')"})
    assert answered(app, '/m/x') == 404


@pytest.mark.parametrize('error', [ValueError, KeyError, AttributeError, RuntimeError, decimal.InvalidOperation])
def test_whatever_a_converter_raises_is_no_match_in_a_path_and_a_400_in_a_query(error):
    def convert(text):
        raise error(text)

    app = App()
    app.TYPE('never', convert)
    app.BEFORE('/a/:x:never', lambda req, res, ctx: res.abort(418, 'never'))
    app.GET('/a/:x:never', tell('never'))
    app.GET('/a/:x', tell('any'))
    app.GET('/q?v:never', tell('query'))
    assert answered(app, '/a/b') == ('any', {'x': "'b'"})
    assert answered(app, '/a//b') == 404
    assert answered(app, '/q?v=1') == 400
    assert answered(app, '/q') == ('query', {})


def test_types_added_later_are_tried_later():
    app = App()
    app.TYPE('zz', str.upper)
    app.TYPE('aa', str.lower)
    app.GET('/:x:aa', tell('aa'))
    app.GET('/:x:zz', tell('zz'))
    app.GET('/:x:uuid', tell('uuid'))
    assert answered(app, '/Q') == ('zz', {'x': "'Q'"})
    assert answered(app, f'/{ID}')[0] == 'uuid'


# Precedence and backtracking, whatever the order of registration


LADDER = ['/', '/a', '/a/*', '/:x:int', '/:x:float', '/:x:bool', '/:x:date', '/:x:datetime', '/:x:uuid', '/:x', '/*']


@pytest.mark.parametrize(
    'patterns, target, winner',
    [
        (['/a/b/c', '/a/:x/d'], '/a/b/d', '/a/:x/d'),
        (['/a/b/c', '/a/:x/d', '/a/*'], '/a/b/e', '/a/*'),
        (['/a/:x:int/b', '/a/:x/c', '/:y/7/d', '/*'], '/a/7/c', '/a/:x/c'),
        (['/a/:x:int/b', '/a/:x/c', '/:y/7/d', '/*'], '/a/7/d', '/:y/7/d'),
        (['/a/:x:int/b', '/a/:x/c', '/:y/7/d', '/*'], '/a/7/e', '/*'),
        (['/:a/:b:int', '/:c:int/:d'], '/7/8', '/:c:int/:d'),
        (['/:a', '/:b:int/*'], '/7', '/:b:int/*'),
        (['/:a', '/:b:int/*'], '/x', '/:a'),
        (['/a/:x/c', '/a/:y:int/*'], '/a/7/c', '/a/:y:int/*'),
        (['/a/:x/c', '/a/b/*'], '/a/b/c', '/a/b/*'),
        (['/a/:x/c', '/a/b/:y/*'], '/a/b/c', '/a/b/:y/*'),
        (['/a/:x/c', '/a/b/:y'], '/a/b/c', '/a/b/:y'),
        (['/a/:x/c', '/a/b/:y'], '/a/d/c', '/a/:x/c'),
        (['/a/:x/c', '/:y/b/c'], '/a/b/c', '/a/:x/c'),
        (['/:x/c', '/:y/*'], '/a/c', '/:x/c'),
        (['/:a/b', '/:a/*', '/*'], '/x/y', '/:a/*'),
        (['/:a/b', '/*'], '/x/y', '/*'),
        (['/a/*', '/:x/b'], '/a/b', '/a/*'),
        (LADDER, '/', '/'),
        (LADDER, '/a', '/a'),
        (LADDER, '/a/', '/a'),
        (LADDER, '/a/b', '/a/*'),
        (LADDER, '/1', '/:x:int'),
        (LADDER, '/1.5', '/:x:float'),
        (LADDER, '/true', '/:x:bool'),
        (LADDER, '/2024-02-29', '/:x:date'),
        (LADDER, '/2024-02-30', '/:x'),
        (LADDER, '/2024-02-29T01:02:03', '/:x:datetime'),
        (LADDER, f'/{ID}', '/:x:uuid'),
        (LADDER, '/b', '/:x'),
        (LADDER, '/b/c', '/*'),
        (['/a/*', '/:x'], '/a', '/a/*'),
        (['/b/*', '/:x'], '/a', '/:x'),
        (['/:x:float', '/:x:bool'], '/1', '/:x:float'),
        (['/:x:bool', '/:x'], '/1', '/:x:bool'),
        (['/*', '/:x/:y/:z'], '/a/b/c', '/:x/:y/:z'),
        (['/a%2Fb', '/:x'], '/a%252Fb', '/a%2Fb'),
    ],
)
def test_precedence_does_not_depend_on_the_order_of_registration(patterns, target, winner):
    for order in (patterns, patterns[::-1], patterns[len(patterns) // 2 :] + patterns[: len(patterns) // 2]):
        assert answered(app_of(*order), target)[0] == winner


def test_precedence_applies_among_the_routes_of_the_method():
    app = App()
    app.GET('/a/b', tell('literal'))
    app.POST('/a/:x', tell('parameter'))
    app.DELETE('/*', tell('rest'))
    assert answered(app, '/a/b', 'POST') == ('parameter', {'x': "'b'"})
    assert answered(app, '/a/b', 'DELETE') == ('rest', {'*': "'a/b'"})
    assert allowed(ask(app, 'PUT', '/a/b')) >= {'GET', 'HEAD', 'POST', 'DELETE'}


def test_the_same_name_may_stand_for_different_parameters_in_different_routes():
    app = app_of('/:a/x', '/:b/y', '/:c:int/z')
    assert answered(app, '/1/x') == ('/:a/x', {'a': "'1'"})
    assert answered(app, '/1/y') == ('/:b/y', {'b': "'1'"})
    assert answered(app, '/1/z') == ('/:c:int/z', {'c': '1'})


def test_many_routes_that_share_their_beginning_do_not_make_a_miss_slow():
    """A path that fits every parameter and no end tries each shape once, not each combination."""
    shapes = [[f':x{i}' if mask >> i & 1 else 'a' for i in range(8)] for mask in range(256)]
    app = app_of(*['/' + '/'.join(shape) + '/end' for shape in shapes])
    assert answered(app, '/a' * 8 + '/other') == 404
    assert answered(app, '/a' * 8 + '/end')[0] == '/a' * 8 + '/end'


def test_an_empty_segment_matches_no_parameter_of_any_type():
    app = App()
    app.TYPE('any', lambda text: [text])
    app.BEFORE('/a/:x:any/b', lambda req, res, ctx: res.abort(418))
    app.GET('/b/:x:any/b', tell('any'))
    app.GET('/c/:x', tell('str'))
    app.GET('/d/:x:str/e', tell('str'))
    assert [ask(app, target=target).status for target in ('/a//b', '/b//b', '/c/', '/c//', '/d//e')] == [404] * 5
    assert ask(app, target='/a/x/b').status == 418
    assert ask(app, target='/b/x/b').status == 200


@pytest.mark.parametrize('piece', ['/', '/..', '/a', '/%2e', '%', '%2F', 'a'])
@pytest.mark.parametrize('start', ['/', '/files/', '/:/', 'a', 'http://'])
def test_a_long_path_costs_in_proportion_to_its_length(piece, start):
    app = app_of('/files/*', '/:x/:y', '/:x:uuid')
    for pattern in ('/admin/*', '/:x/:y:int', '/files/:x/*'):
        app.BEFORE(pattern, lambda req, res, ctx: None)
    with Live(app) as live:

        def work(size):
            exchange = live.stream('GET', start + piece * size)
            return lambda: live.run(exchange.reply())

        assert ratio(work, 2000) < 40


# The target: path, raw_path, root_path


@pytest.mark.parametrize(
    'scope, answer',
    [
        ({'path': '/a/b', 'raw_path': None}, ('/:x/:y', {'x': "'a'", 'y': "'b'"})),
        ({'path': '/a/b', 'raw_path': b''}, ('/:x/:y', {'x': "'a'", 'y': "'b'"})),
        ({'path': '/a/b', 'raw_path': b'/a%2Fb'}, ('/:x', {'x': "'a/b'"})),
        ({'path': '/a/b', 'raw_path': b'/%61/b'}, ('/:x/:y', {'x': "'a'", 'y': "'b'"})),
        ({'path': '/a/b', 'raw_path': b'/c%2Fd'}, ('/:x/:y', {'x': "'a'", 'y': "'b'"})),
        ({'path': '/a/b', 'raw_path': b'/a%2Fb?q=1'}, None),
        ({'path': '/a%2Fb', 'raw_path': b'/a%2Fb'}, ('/:x', {'x': "'a%2Fb'"})),
        ({'path': '/a%2Fb', 'raw_path': b'/a%252Fb'}, ('/:x', {'x': "'a%2Fb'"})),
        ({'path': '/é', 'raw_path': b'/%C3%A9'}, ('/:x', {'x': "'é'"})),
        ({'path': '/é', 'raw_path': 'é'.encode('latin-1')}, ('/:x', {'x': "'é'"})),
        ({'path': '', 'raw_path': b''}, ('/', {})),
        ({'path': '/api/a', 'root_path': '/api'}, ('/:x', {'x': "'a'"})),
        ({'path': '/api/a%2Fb', 'raw_path': b'/api/a%252Fb', 'root_path': '/api'}, ('/:x', {'x': "'a%2Fb'"})),
        ({'path': '/api/a/b', 'raw_path': b'/api/a%2Fb', 'root_path': '/api'}, ('/:x', {'x': "'a/b'"})),
        ({'path': '/api', 'root_path': '/api'}, ('/', {})),
        ({'path': '/api/', 'root_path': '/api'}, ('/', {})),
        ({'path': '/api/a', 'root_path': '/api/'}, ('/:x', {'x': "'a'"})),
        ({'path': '/apiary', 'root_path': '/api'}, ('/:x', {'x': "'apiary'"})),
        ({'path': '/a', 'root_path': '/api'}, ('/:x', {'x': "'a'"})),
        ({'path': '/a b/c', 'raw_path': b'/a%20b/c', 'root_path': '/a b'}, ('/:x', {'x': "'c'"})),
    ],
)
def test_the_path_is_the_authority_and_raw_path_serves_only_where_it_decodes_to_it(scope, answer):
    app = app_of('/', '/:x', '/:x/:y')
    raw_path = scope.get('raw_path', scope['path'].encode())
    got = answered(app, '/', **{**scope, 'raw_path': raw_path})
    assert got == answer or (answer is None and got[0] in ('/:x', '/:x/:y'))


@pytest.mark.parametrize(
    'target, answer',
    [
        ('http://example.com/a/b', ('/:x/:y', {'x': "'a'", 'y': "'b'"})),
        ('http://example.com/a%2Fb', ('/:x', {'x': "'a/b'"})),
        ('https://user@example.com:8443/a', ('/:x', {'x': "'a'"})),
        ('http://example.com', ('/', {})),
        ('http://example.com/', ('/', {})),
        ('HTTP://example.com/a', ('/:x', {'x': "'a'"})),
        ('a', 400),
        ('a/b', 400),
        ('.', 400),
        ('*', 400),
        ('\\a', 400),
        ('/.', 400),
        ('/..', 400),
        ('/a/.', 400),
        ('/a/../b', 400),
        ('/./a', 400),
        ('/%2e', 400),
        ('/%2E%2e/a', 400),
        ('/a%2F..%2Fb', 400),
        ('/a%2F.', 400),
        ('//..', 400),
        ('http://example.com/../a', 400),
        ('/...', ('/:x', {'x': "'...'"})),
        ('/.a', ('/:x', {'x': "'.a'"})),
        ('/a.', ('/:x', {'x': "'a.'"})),
        ('/%252e', ('/:x', {'x': "'%2e'"})),
    ],
)
def test_a_target_that_is_no_path_is_reduced_to_one_or_is_a_400(target, answer):
    app = app_of('/', '/:x', '/:x/:y')
    assert answered(app, target) == answer
    assert answered(app, target, raw_path=None) in (answer, ('/:x/:y', {'x': "'a'", 'y': "'b'"}))


# 404, 405, HEAD, OPTIONS, methods


def test_a_route_under_other_methods_is_a_405_that_names_them():
    app = App()
    app.GET('/a', tell('get'))
    app.PUT('/:x', tell('put'))
    reply = ask(app, 'DELETE', '/a')
    assert reply.status == 405
    assert allowed(reply) - {'OPTIONS'} == {'GET', 'HEAD', 'PUT'}
    assert allowed(ask(app, 'DELETE', '/b')) - {'OPTIONS'} == {'PUT'}
    assert ask(app, 'DELETE', '/a/b').status == 404


def test_options_is_answered_with_204_and_allow_unless_registered():
    app = App()
    app.GET('/a', tell('get'))
    app.PATCH('/a', tell('patch'))
    app.OPTIONS('/b', tell('options'))
    app.POST('/b', tell('post'))
    reply = ask(app, 'OPTIONS', '/a')
    assert (reply.status, reply.body) == (204, b'')
    assert allowed(reply) == {'GET', 'HEAD', 'PATCH', 'OPTIONS'}
    assert answered(app, '/b', 'OPTIONS')[0] == 'options'
    assert ask(app, 'OPTIONS', '/c').status == 404


def test_options_of_the_whole_server_names_every_method_registered():
    app = App()
    app.GET('/a', tell('get'))
    app.METHOD('PROPFIND', '/b/:x', tell('propfind'))
    for scope in ({'target': '*'}, {'target': '/', 'path': '*', 'raw_path': b'*'}, {'target': '*', 'raw_path': None}):
        reply = ask(app, 'OPTIONS', **scope)
        assert reply.status == 204
        assert allowed(reply) - {'OPTIONS'} == {'GET', 'HEAD', 'PROPFIND'}


def test_head_is_answered_by_get_without_its_body_but_with_its_length():
    app = App()
    app.GET('/a', lambda req, res, ctx: res.out(200, 'four'))
    reply = ask(app, 'HEAD', '/a')
    assert (reply.status, reply.body, reply.header('content-length')) == (200, b'', '4')


def test_a_head_route_of_its_own_goes_before_get_at_the_same_pattern_only():
    app = App()
    app.GET('/a', lambda req, res, ctx: res.header('x-by', 'get'))
    app.HEAD('/a', lambda req, res, ctx: res.header('x-by', 'head'))
    app.GET('/b', lambda req, res, ctx: res.header('x-by', 'get'))
    app.HEAD('/:x', lambda req, res, ctx: res.header('x-by', 'head of any'))
    assert ask(app, 'HEAD', '/a').header('x-by') == 'head'
    assert ask(app, 'HEAD', '/b').header('x-by') == 'get'
    assert ask(app, 'HEAD', '/c').header('x-by') == 'head of any'
    assert ask(app, 'GET', '/c').status == 405


def test_a_404_and_a_405_have_no_body_for_head():
    app = App()
    app.POST('/a', tell('post'))
    assert ask(app, 'HEAD', '/a').status == 405
    assert ask(app, 'HEAD', '/b').status == 404


@pytest.mark.parametrize('method', METHODS)
def test_each_method_has_its_registrar(method):
    app = App()
    getattr(app, method)('/a', lambda req, res, ctx: res.header('x-method', req.method))
    assert ask(app, method, '/a').header('x-method') == method


def test_http_registers_all_methods():
    app = App()
    app.HTTP('/a', lambda req, res, ctx: res.header('x-method', req.method))
    assert [ask(app, method, '/a').header('x-method') for method in METHODS] == list(METHODS)


def test_methods_are_case_sensitive():
    app = app_of('/a')
    assert ask(app, 'get', '/a').status == 405
    assert ask(app, 'Get', '/a').status == 405
    app = app_of('/a', method='BREW')
    assert ask(app, 'BREW', '/a').status == 200
    assert ask(app, 'brew', '/a').status == 405


def test_trace_and_connect_have_no_verbs_of_their_own_but_are_methods_like_any():
    app = App()
    app.HTTP('/a', tell('http'))
    for method in ('TRACE', 'CONNECT'):
        assert not hasattr(app, method) and not hasattr(app.group('/v1'), method)
        assert ask(app, method, '/a').status == 405
        app = app_of('/a', method=method)
        assert ask(app, method, '/a').status == 200


@pytest.mark.parametrize('method', ['', 'G T', 'GET\r\n', 'GÉT', '\0', 'x' * 10_000])
def test_a_method_that_nobody_knows_is_no_failure(method):
    assert ask(app_of('/a'), method, '/a').status in (400, 405, 501)
    assert ask(app_of('/a'), method, '/b').status in (400, 404, 501)


# Typed queries


def query_app():
    app = App()

    def handler(req, res, ctx):
        res.body = {name: repr(req.queries.get(name)) for name in ('page', 'since', 'q', 'flag')}

    app.GET('/list?page:int=1&since:date&q=all&flag:bool=false', handler)
    return app


@pytest.mark.parametrize(
    'query, expected',
    [
        ('', {'page': '1', 'since': 'None', 'q': "'all'", 'flag': 'False'}),
        ('page=7', {'page': '7'}),
        ('page=7&page=8', {'page': '8'}),
        ('since=2024-01-02', {'since': 'datetime.date(2024, 1, 2)'}),
        ('q=x+y%26', {'q': "'x y&'"}),
        ('flag=TRUE', {'flag': 'True'}),
        ('other=1', {'page': '1'}),
        ('p%61ge=7', {'page': '7'}),
        ('page=x', 400),
        ('page=', 400),
        ('since=2024', 400),
        ('flag=maybe', 400),
        ('page=x&page=7', None),
        ('page=٣', 400),
    ],
)
def test_typed_queries_convert_have_defaults_and_are_400_where_they_do_not(query, expected):
    reply = ask(query_app(), target='/list', query=query.encode())
    if expected == 400:
        assert reply.status == 400
        assert query.split('=')[0] in reply.text
    elif expected is not None:
        assert {key: reply.json()[key] for key in expected} == expected
    else:
        assert reply.status in (200, 400)


def test_a_default_is_seen_by_index_by_in_and_by_all():
    app = App()

    def handler(req, res, ctx):
        queries = req.queries
        res.body = [queries['page'], 'page' in queries, queries.all('page'), 'since' in queries, queries.all('since')]

    app.GET('/list?page:int=1&since:date', handler)
    assert ask(app, target='/list').json() == [1, True, [1], False, []]
    assert ask(app, target='/list?page=3&page=4').json()[:3] == [4, True, [3, 4]]


def test_a_query_that_does_not_convert_is_a_400_before_the_handler_and_after_the_before_hooks():
    app, ran = App(), []
    app.BEFORE('/*', lambda req, res, ctx: ran.append('before'))
    app.AFTER('/*', lambda req, res, ctx: ran.append('after'))
    app.GET('/list?page:int', lambda req, res, ctx: ran.append('handler'))
    assert ask(app, target='/list?page=x').status == 400
    assert ran == ['before']


def test_reading_a_query_that_does_not_convert_in_a_before_raises_its_400_there():
    app, ran = App(), []

    def hook(req, res, ctx):
        ran.append('in')
        req.queries['page']
        ran.append('out')

    app.BEFORE('/*', hook)
    app.GET('/list?page:int', lambda req, res, ctx: ran.append('handler'))
    assert ask(app, target='/list?page=x').status == 400
    assert ran == ['in']


def test_a_path_with_queries_is_the_same_shape_as_without():
    app = App()
    app.GET('/list?page:int=1', tell('one'))
    with pytest.raises(UrlError):
        app.GET('/list', tell('two'))


# On one loop, between startup and shutdown, the same


def test_routes_answer_the_same_with_and_without_lifespan():
    app = app_of('/', '/a/:x:int', '/a/*')
    with Live(app) as live:
        assert live.ask('GET', '/a/7').json() == {'name': '/a/:x:int', 'params': {'x': '7'}}
        assert live.ask('GET', '/a/b').json() == {'name': '/a/*', 'params': {'*': "'b'"}}
        assert live.ask('GET', '/b').status == 404
    assert answered(app, '/a/7') == ('/a/:x:int', {'x': '7'})
    assert answered(app, '/b') == 404


class Guard:
    """A plain callable that looks like a partial of a coroutine function, and in all else like what it holds."""

    def __init__(self, func, **keywords):
        self.func, self.keywords = func, keywords

    def __getattr__(self, name):
        return getattr(self.func, name)

    def __call__(self, req, res, ctx):
        return res.out(401, 'No') if req.queries.get('no') else self.func(req, res, ctx)


async def welcomed(req, res, ctx):
    res.body = 'Welcome'


class Everything:
    """An object that has every attribute but the special ones, as those of unittest.mock do."""

    def __getattr__(self, name):
        if name.startswith('__'):
            raise AttributeError(name)
        return Everything()

    def __call__(self, req, res, ctx):
        res.body = 'Welcome'


@types.coroutine
def old(req, res, ctx):
    yield from asyncio.sleep(0).__await__()
    res.body = 'Welcome'


@pytest.mark.parametrize('handler', [Guard(welcomed), Everything(), old, partial(Guard(welcomed))])
def test_what_a_handler_is_shows_in_how_it_is_called_not_in_its_attributes(handler):
    app = App()
    app.GET('/', handler)
    assert ask(app).text == 'Welcome'


def test_a_handler_that_looks_like_another_answers_by_itself():
    app = App()
    app.GET('/', Guard(welcomed))
    assert ask(app, 'GET', '/?no=1').status == 401


def test_a_hook_needs_no_hash():
    @dataclass(frozen=True)
    class Needs:
        roles: list

        def __call__(self, req, res, ctx):
            return res.out(403, self.roles)

    app = App()
    app.BEFORE('/*', Needs(['admin']))
    app.GET('/', welcomed)
    assert (ask(app).status, ask(app).json()) == (403, ['admin'])

"""Mistakes of the programmer: reported at the line that makes them or at startup, with what to write instead."""

import pytest
from asks import Live, StartupFailed, ask, meet, raised
from heaven import SHUTDOWN, STARTUP, App, MissingPackage, UrlError


def ok(req, res, ctx):
    res.body = 'ok'


# Names that are not there


@pytest.mark.parametrize('name', ['WEBSOCKET', 'SOCKET', 'ONCE', '_', 'TRACE', 'CONNECT'])
def test_there_are_no_aliases(name):
    for registrar in (App(), App().group('/v1')):
        with pytest.raises(AttributeError):
            getattr(registrar, name)


@pytest.mark.parametrize(
    'name, meant',
    [('get', 'GET'), ('post', 'POST'), ('put', 'PUT'), ('patch', 'PATCH'), ('delete', 'DELETE'), ('head', 'HEAD'),
     ('options', 'OPTIONS'), ('websocket', 'WS'), ('route', 'GET')],
)  # fmt: skip
def test_the_verbs_of_other_frameworks_say_what_to_write(name, meant):
    with pytest.raises(AttributeError, match=meant):
        getattr(App(), name)
    assert not hasattr(App(), name)


@pytest.mark.parametrize(
    'name, meant',
    [('plugin', 'app.plug'), ('abettor', 'app.METHOD'), ('earth', 'heaven_testing.Client'), ('ONCE', 'app.ON'),
     ('WEBSOCKET', 'app.WS'), ('SOCKET', 'app.WS')],
)  # fmt: skip
def test_the_names_of_older_versions_say_what_to_write(name, meant):
    with pytest.raises(AttributeError, match=meant):
        getattr(App(), name)


@pytest.mark.parametrize('name, meant', [('daemons', 'app.DAEMON'), ('state', 'app.keep'), ('get', 'app.GET')])
def test_a_name_of_others_cannot_be_set_either(name, meant):
    app = App()
    with pytest.raises(AttributeError, match=meant):
        setattr(app, name, ok)
    app.debug = True
    assert app.debug


@pytest.mark.parametrize(
    'wrong, says',
    [(lambda app: app.mount('/admin', App()), r"'/admin' is no ASGI app: write app.mount\(other, '/prefix'\)"),
     (lambda app: app.plug(ok), r'install\(app\).* app.call'),
     (lambda app: app.plug(5), r'install\(app\), and 5 has not')],
)  # fmt: skip
def test_what_can_be_no_part_of_an_app_is_refused_with_what_to_write(wrong, says):
    with pytest.raises((TypeError, AttributeError), match=says):
        wrong(App())


def test_json_of_a_request_is_no_method_and_the_log_says_so(caplog):
    async def handler(req, res, ctx):
        res.body = await req.json()

    assert ask(handler, 'POST', json={'a': 1}).status == 500
    assert 'property' in caplog.text


# Routes


@pytest.mark.parametrize(
    'route, word',
    [
        ('/{id}', ':id'),
        ('/patients/{id}/visits', ':id'),
        ('/{id:int}', ':id'),
        ('/<id>', ':id'),
        ('/<int:id>', ':id'),
        ('/a/<path:rest>', '*'),
        ('patients', '/patients'),
        ('/:id:integer', 'integer'),
        ('/:id:Int', 'Int'),
        ('/:', 'name'),
        ('/:id/:id', 'id'),
        ('/*/a', '*'),
        ('/a/../b', '..'),
        ('/a/./b', '.'),
        ('/a?page:int=x', 'page'),
    ],
)
@pytest.mark.parametrize('verb', ['GET', 'HTTP', 'WS', 'BEFORE', 'AFTER'])
def test_a_wrong_route_is_an_urlerror_that_shows_what_is_wrong(route, word, verb):
    if '?' in route and verb in ('BEFORE', 'AFTER'):
        return
    with pytest.raises(UrlError) as caught:
        getattr(App(), verb)(route, ok)
    assert word in str(caught.value) or route in str(caught.value)


@pytest.mark.parametrize('prefix', ['/{id}', '/<int:id>', 'v1', '/..', '/:x/:x'])
def test_a_wrong_prefix_is_an_urlerror_at_the_first_route_at_the_latest(prefix):
    with pytest.raises(UrlError):
        App().group(prefix).GET('/', ok)
    with pytest.raises(UrlError):
        App().mount(App(), prefix)


@pytest.mark.parametrize('route', ['/a:b', '/a{b', '/(a)', '/$a', '/a<b', '/v1.0/a', '/@me', '/a=b', '/:x', '/~ann'])
def test_literals_that_only_look_odd_are_routes(route):
    app = App()
    try:
        app.GET(route, ok)
    except UrlError:
        assert {'{', '<'} & {*route}  # the signs of another framework's syntax may be refused even alone
        return
    assert ask(app, target=route.replace(':x', 'x').replace('{', '%7B').replace('<', '%3C')).status == 200


# Methods


@pytest.mark.parametrize('methods', [5, None, object()])
def test_what_names_no_methods_is_told_with_an_example(methods):
    with pytest.raises(TypeError, match="'GET'"):
        App().METHOD(methods, '/', ok)
    if methods is not None:  # a hook for all methods
        with pytest.raises(TypeError, match="'GET'"):
            App().BEFORE('/*', ok, methods=methods)


# Generators


def plain(*args):
    yield


async def asynchronous(*args):
    yield


REFUSING = {
    'GET': lambda app, f: app.GET('/', f),
    'METHOD': lambda app, f: app.METHOD('BREW', '/', f),
    'HTTP': lambda app, f: app.HTTP('/', f),
    'WS': lambda app, f: app.WS('/', f),
    'group': lambda app, f: app.group('/v1').POST('/', f),
    'decorator': lambda app, f: app.GET('/')(f),
    'AFTER': lambda app, f: app.AFTER('/*', f),
    'ERROR': lambda app, f: app.ERROR(404, f),
    'ERROR class': lambda app, f: app.ERROR(ValueError, f),
    'SHUTDOWN': lambda app, f: app.ON(SHUTDOWN, f),
    'DAEMON': lambda app, f: app.DAEMON(f),
}


@pytest.mark.parametrize('verb', REFUSING)
@pytest.mark.parametrize('function', [plain, asynchronous])
def test_a_generator_function_is_refused_where_it_is_registered(verb, function):
    with pytest.raises(TypeError) as caught:
        REFUSING[verb](App(), function)
    assert function.__name__ in str(caught.value)
    if verb in ('GET', 'METHOD', 'HTTP', 'group', 'decorator'):
        assert 'res.body' in str(caught.value)


@pytest.mark.parametrize('function', [plain, asynchronous])
def test_a_generator_function_is_no_deferred_work(function):
    assert isinstance(raised(lambda req, res, ctx: res.defer(function)), TypeError)


@pytest.mark.parametrize('verb', ['BEFORE', 'STARTUP'])
def test_a_plain_generator_function_is_refused_where_an_async_one_has_a_meaning(verb):
    app = App()
    with pytest.raises(TypeError, match='async def'):
        app.BEFORE('/*', plain) if verb == 'BEFORE' else app.ON(STARTUP, plain)


@pytest.mark.parametrize('name', ['plain', 'asynchronous'])
def test_a_generator_function_behind_a_dotted_path_is_refused_at_startup(name):
    app = App()
    app.GET('/', f'{__name__}.{name}')
    with pytest.raises(StartupFailed, match=name), Live(app):
        pass


# Bodies, hooks, mounts, servers


def test_a_forgotten_await_is_told_where_the_body_is_assigned():
    async def fetch():
        return 'x'

    def act(req, res, ctx):
        coroutine = fetch()
        try:
            res.body = coroutine
        finally:
            coroutine.close()

    error = raised(act)
    assert isinstance(error, TypeError) and 'await' in str(error) and 'coroutine' in str(error)


@pytest.mark.parametrize('status', ['404', None, 99, 1000, 40.4])
def test_a_wrong_status_is_a_500_in_the_log_and_not_in_the_server(status, caplog):
    def handler(req, res, ctx):
        res.status = status

    assert ask(handler).status == 500
    assert len(caplog.records) == 1


@pytest.mark.parametrize('key', [7, 99, 1000, '404', 'ValueError', None, int, ValueError()], ids=range(8))
def test_error_takes_a_status_or_an_exception_class(key):
    with pytest.raises((TypeError, ValueError)):
        App().ERROR(key, ok)


@pytest.mark.parametrize('options', [{'workers': 2}, {'reload': True}])
def test_listen_refuses_what_needs_more_processes_with_a_hint(options):
    try:
        App().listen(**options)
    except MissingPackage:
        pytest.skip('uvicorn is not installed')
    except (TypeError, ValueError) as error:
        assert 'heaven run' in str(error)
    else:
        raise AssertionError('it listened')


def test_threaded_is_for_plain_functions():
    async def coroutine(req, res, ctx):
        pass

    with pytest.raises(TypeError):
        App().BEFORE('/*', coroutine, threaded=True)
    with pytest.raises(TypeError):
        App().GET('/', coroutine, threaded=True)


def test_a_hook_that_is_forgotten_to_be_called_stops_requests():
    """A factory of guards registered in place of a guard returns a function: fail closed."""

    def needs(*roles):
        def guard(req, res, ctx):
            pass

        return guard

    app, ran = App(), []
    app.BEFORE('/*', needs)
    app.GET('/', lambda req, res, ctx: ran.append(1))
    assert (ask(app).status, ran) == (500, [])


@pytest.mark.parametrize(
    'size, error', [('5', TypeError), (None, TypeError), (1.5, TypeError), (True, TypeError), (-1, ValueError)]
)
def test_a_limit_of_a_body_is_a_number_of_bytes(size, error):
    with pytest.raises(error, match='max_body_size is'):
        App(max_body_size=size)
    if size is None:
        return
    app = App()
    with pytest.raises(error, match='max_body_size is'):
        app.POST('/', print, max_body_size=size)
    with pytest.raises(error, match='max_body_size is'):
        app.WS('/', print, max_body_size=size)


@pytest.mark.parametrize('status', [301, 302, 303, 1, None, 'yes'])
def test_a_status_that_is_given_for_permanent_is_told_to_be_named(status):
    error = raised(lambda req, res, ctx: res.redirect('/x', status))
    assert isinstance(error, TypeError) and 'status=302' in str(error)


@pytest.mark.parametrize('status', [200, 404, 0])
def test_a_redirect_has_a_status_of_a_redirect(status):
    reply = ask(lambda req, res, ctx: res.redirect('/x', status=status))
    assert reply.status == 500


def test_a_text_is_no_stream_and_a_list_is_one():
    error = raised(lambda req, res, ctx: res.stream('abc'))
    assert isinstance(error, TypeError) and 'set res.body' in str(error)
    assert ask(lambda req, res, ctx: res.stream([b'a', 'b'])).body == b'ab'


def test_res_html_takes_a_text():
    error = raised(lambda req, res, ctx: res.html(b'<p>'))
    assert isinstance(error, TypeError) and 'res.html takes a str, not bytes' in str(error)


def test_an_option_that_no_route_has_is_told_with_those_that_there_are():
    for verb in (App().GET, App().HTTP, App().group('/v1').POST):
        with pytest.raises(TypeError, match='a route has no color, status: it has name, before, meta, threaded, '):
            verb('/', ok, status=201, color='red')


@pytest.mark.parametrize('verb', ['BEFORE', 'AFTER'])
def test_a_query_in_the_pattern_of_a_hook_is_refused(verb):
    with pytest.raises(UrlError, match='hooks are for paths, and queries are written on routes'):
        getattr(App(), verb)('/patients?page:int', ok)


def test_a_call_of_what_is_no_function_has_no_note_about_properties(caplog):
    number = 1
    assert ask(lambda req, res, ctx: number()).status == 500
    assert 'not callable' in caplog.text and 'property' not in caplog.text


def test_a_socket_has_no_block_that_ends_when_the_client_leaves(caplog):
    async def handler(req, ws, ctx):
        async with req.connected():
            pass

    assert meet(handler).status == 500
    assert str(caplog.records[0].exc_info[1]) == 'a WebSocket says by ws.receive() that its peer has left'

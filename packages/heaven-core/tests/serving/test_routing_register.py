"""What may be registered, what is refused, and every kind of handler."""

import asyncio
import contextvars
import functools
import logging
import sys
import threading
import time

import pytest
from asks import Live, StartupFailed, ask
from heaven import STARTUP, App, HandlerError, HeavenError, Router, SubdomainError, UrlDuplicateError, UrlError


def ok(req, res, ctx):
    res.body = 'ok'


# Wrong routes fail when registered


@pytest.mark.parametrize(
    'route',
    [
        '',
        'a',
        'a/b',
        '*',
        ':x',
        '/:',
        '/a/:',
        '/:x/:x',
        '/:x:int/:x',
        '/:x:unknown',
        '/:x:INT',
        '/:x:int:int',
        '/::int',
        '/*/a',
        '/a/*/:x',
        '/*/*',
        '/a//b',
        '//',
        '/.',
        '/..',
        '/a/./b',
        '/a/../b',
        '/a?page:unknown',
        '/a?page:int=x',
        '/a?since:date=today',
        '/a?flag:bool=maybe',
        '/a?:int',
        '/a?page:int&page:int',
        '/a?page:int=1&page=2',
        '/{id}',
        '/a/{id}/b',
        '/a/{id:int}',
        '/a/{path:path}',
        '/<id>',
        '/a/<int:id>',
        '/a/<path:rest>/b',
    ],
)
@pytest.mark.parametrize('group', ['', '/v1'])
def test_a_wrong_route_is_an_urlerror_that_shows_it(route, group):
    app = App()
    registrar = app.group(group) if group else app
    if route == '' and group:
        return
    with pytest.raises(UrlError) as caught:
        registrar.GET(route, ok)
    assert isinstance(caught.value, ValueError) and isinstance(caught.value, HeavenError)
    assert not route or route.partition('?')[0].strip('/') in str(caught.value)


@pytest.mark.parametrize('route', [None, 7, b'/a', ok])
def test_a_route_that_is_no_string_is_refused(route):
    with pytest.raises((UrlError, TypeError)):
        App().GET(route, ok)


@pytest.mark.parametrize('route', ['a', '/:x:unknown', '/*/a', '/:x/:x', '/../a', ''])
def test_a_wrong_route_of_a_hook_is_an_urlerror_too(route):
    for register in (App().BEFORE, App().AFTER):
        with pytest.raises(UrlError):
            register(route, ok)


@pytest.mark.parametrize(
    'first, second',
    [
        ('/a', '/a'),
        ('/a', '/a/'),
        ('/', '/'),
        ('/:x', '/:y'),
        ('/:x', '/:y:str'),
        ('/:x:int', '/:y:int'),
        ('/a/:x/*', '/a/:y/*'),
        ('/a', '/a?page:int=1'),
        ('/*', '/*'),
    ],
)
def test_the_same_method_and_shape_twice_names_both(first, second):
    app = App()
    app.GET(first, ok)
    with pytest.raises(UrlDuplicateError) as caught:
        app.GET(second, ok)
    assert isinstance(caught.value, UrlError)
    for route in (first, second):
        assert route.partition('?')[0].rstrip('/') in str(caught.value)


@pytest.mark.parametrize(
    'first, second', [('/a', '/b'), ('/:x', '/:x:int'), ('/:x:int', '/:x:float'), ('/a', '/a/*'), ('/*', '/:x')]
)
def test_other_shapes_stand_beside_each_other(first, second):
    app = App()
    app.GET(first, ok)
    app.GET(second, ok)
    app.POST(first, ok)


def test_http_meets_a_method_registered_before_it():
    app = App()
    app.PUT('/a', ok)
    with pytest.raises(UrlDuplicateError):
        app.HTTP('/a', ok)


def test_a_refused_route_leaves_nothing_behind():
    app = App()
    app.PUT('/a', ok)
    with pytest.raises(UrlDuplicateError):
        app.HTTP('/a', ok)
    app.POST('/a', ok)
    assert ask(app, 'PATCH', '/a').status == 405


def test_the_same_name_twice_is_refused():
    app = App()
    app.GET('/a', ok, name='a')
    with pytest.raises(UrlError):
        app.GET('/b', ok, name='a')


@pytest.mark.parametrize('handler', [7, [], object(), '', 'nodots', 'a..b', '.a.b', 'a b.c'])
def test_what_is_no_handler_never_serves(handler):
    app = App()
    with pytest.raises((TypeError, ValueError, HeavenError, StartupFailed)):
        app.GET('/a', handler)
        with Live(app):
            pass


@pytest.mark.parametrize('hook', [7, [], object()])
def test_what_is_no_hook_is_refused_when_registered(hook):
    for register in (App().BEFORE, App().AFTER):
        with pytest.raises(TypeError):
            register('/*', hook)


@pytest.mark.parametrize('method', ['', 'G T', 'GET\n', 'GÉT', ['GET', '']])
def test_a_method_is_a_token(method):
    with pytest.raises(UrlError):
        App().METHOD(method, '/a', ok)


@pytest.mark.parametrize(
    'method, meant', [('get', 'GET'), ('Post', 'POST'), (['GET', 'delete'], 'DELETE'), ('propfind', 'PROPFIND')]
)
def test_a_method_in_the_wrong_case_is_an_urlerror_that_asks_what_was_meant(method, meant):
    with pytest.raises(UrlError, match=meant):
        App().METHOD(method, '/a', ok)


def test_a_subdomain_that_nobody_declared_is_refused():
    for register in (App().GET, App().BEFORE, App().AFTER):
        with pytest.raises(SubdomainError, match='api'):
            register('/a', ok, 'api')


def test_registration_while_the_app_runs_is_a_runtimeerror():
    app = App()
    app.GET('/a', ok)
    group = app.group('/v1')
    registrations = [
        lambda: app.GET('/b', ok),
        lambda: app.METHOD('PROPFIND', '/b', ok),
        lambda: app.HTTP('/b', ok),
        lambda: group.GET('/b', ok),
        lambda: app.BEFORE('/*', ok),
        lambda: app.AFTER('/*', ok),
        lambda: group.BEFORE('/*', ok),
        lambda: app.ERROR(404, ok),
        lambda: app.TYPE('slug', str),
        lambda: app.ON(STARTUP, lambda app: None),
        lambda: app.DAEMON(lambda app: None),
    ]
    with Live(app):
        for register in registrations:
            with pytest.raises(RuntimeError):
                register()
    app.GET('/b', ok)
    with Live(app) as live:
        assert live.ask('GET', '/b').status == 200


def test_registration_from_a_handler_is_refused_without_lifespan_too():
    app, seen = App(), []

    def handler(req, res, ctx):
        try:
            app.GET('/b', ok)
        except RuntimeError as error:
            seen.append(error)

    app.GET('/a', handler)
    assert ask(app, target='/a').status == 200
    assert len(seen) == 1


# Decorators and groups


def test_without_a_handler_registrars_are_decorators_that_give_the_function_back():
    app = App()

    @app.GET('/a', name='a')
    @app.POST('/a')
    def a(req, res, ctx):
        res.body = 'a'

    @app.METHOD('PROPFIND', '/b')
    async def b(req, res, ctx):
        res.body = 'b'

    @app.HTTP('/c')
    def c(req, res, ctx):
        res.body = 'c'

    @app.BEFORE('/*')
    @app.AFTER('/*', always=True)
    def hook(req, res, ctx):
        res.header('x-hook', 'yes')

    assert callable(a) and callable(b) and callable(c) and callable(hook)
    assert ask(app, 'GET', '/a').header('x-hook') == 'yes'
    assert ask(app, 'GET', '/a').text == ask(app, 'POST', '/a').text == 'a'
    assert ask(app, 'PROPFIND', '/b').text == 'b'
    assert ask(app, 'QUERY', '/c').status == 200
    assert app.url('a') == '/a'


def test_a_group_registers_everything_under_its_prefix():
    app, ran = App(), []
    v1 = app.group('/v1')
    users = v1.group('/users')
    v1.BEFORE('/*', lambda req, res, ctx: ran.append('v1'))
    users.BEFORE('/:id', lambda req, res, ctx: ran.append('users'))
    users.AFTER('/*', lambda req, res, ctx: ran.append('after'))
    users.GET('/', lambda req, res, ctx: res.out(200, 'all'), name='users')
    users.GET('/:id:int', lambda req, res, ctx: res.out(200, req.params), name='user')
    users.METHOD('PROPFIND', '/:id', ok)
    v1.HTTP('/files/*', lambda req, res, ctx: res.out(200, req.params))

    @users.POST('/')
    def create(req, res, ctx):
        res.status = 201

    assert ask(app, target='/v1/users').text == 'all'
    assert ran == ['v1', 'after']
    ran.clear()
    assert ask(app, target='/v1/users/7').json() == {'id': 7}
    assert ran == ['v1', 'users', 'after']
    ran.clear()
    assert ask(app, target='/elsewhere').status == 404
    assert ran == []
    assert ask(app, 'POST', '/v1/users/').status == 201
    assert ask(app, 'PUT', '/v1/files/a/b').json() == {'*': 'a/b'}
    assert ask(app, target='/users/7').status == 404
    assert (app.url('users'), app.url('user', id=7)) == ('/v1/users', '/v1/users/7')


def test_a_groups_prefix_may_have_parameters():
    app = App()
    app.group('/users/:user:int').GET('/posts/:post', lambda req, res, ctx: res.out(200, req.params))
    with pytest.raises(UrlError):
        app.group('/users/:id').GET('/:id', ok)
    assert ask(app, target='/users/7/posts/x').json() == {'user': 7, 'post': 'x'}


@pytest.mark.parametrize('prefix', ['v1', '/*', '/a/*', '/:x:unknown', '/..'])
def test_a_wrong_prefix_fails_at_the_first_route_at_the_latest(prefix):
    with pytest.raises(UrlError):
        App().group(prefix).GET('/a', ok)


def test_app_has_three_names():
    from heaven import Application

    assert App is Router is Application


# Every kind of handler


class Controller:
    def __init__(self, word):
        self.word = word

    def sync(self, req, res, ctx):
        res.body = self.word

    async def coroutine(self, req, res, ctx):
        res.body = self.word

    def __call__(self, req, res, ctx):
        res.body = self.word

    @staticmethod
    def static(req, res, ctx):
        res.body = 'word'

    @classmethod
    async def of_class(cls, req, res, ctx):
        res.body = 'word'


class Coroutine:
    async def __call__(self, req, res, ctx):
        res.body = 'word'


async def coroutine(req, res, ctx):
    await asyncio.sleep(0)
    res.body = 'word'


def plain(req, res, ctx):
    res.body = 'word'


def with_word(word, req, res, ctx):
    res.body = word


async def coroutine_with_word(req, res, ctx, word):
    res.body = word


@functools.wraps(coroutine)
def wrapped(req, res, ctx):
    return coroutine(req, res, ctx)


def future(req, res, ctx):
    return asyncio.ensure_future(coroutine(req, res, ctx))


class Awaitable:
    def __init__(self, res):
        self.res = res

    def __await__(self):
        self.res.body = 'word'
        yield from asyncio.sleep(0).__await__()


HANDLERS = {
    'def': plain,
    'async': coroutine,
    'lambda': lambda req, res, ctx: res.out(200, 'word'),
    'lambda that returns a coroutine': lambda req, res, ctx: coroutine(req, res, ctx),
    'bound method': Controller('word').sync,
    'async bound method': Controller('word').coroutine,
    'static method': Controller.static,
    'async class method': Controller.of_class,
    'object': Controller('word'),
    'async object': Coroutine(),
    'partial': functools.partial(with_word, 'word'),
    'async partial': functools.partial(coroutine_with_word, word='word'),
    'partial of a partial': functools.partial(functools.partial(coroutine_with_word), word='word'),
    'wrapped': wrapped,
    'future': future,
    'awaitable': lambda req, res, ctx: Awaitable(res),
}


@pytest.mark.parametrize('kind', HANDLERS)
def test_every_kind_of_handler_answers_and_hooks(kind, caplog):
    handler = HANDLERS[kind]
    app = App()
    app.GET('/a', handler)
    assert ask(app, target='/a').text == 'word'
    app = App()
    app.BEFORE('/*', handler)
    app.GET('/a', lambda req, res, ctx: res.header('x-a', 'b'))
    assert ask(app, target='/a').text == 'word'
    app = App()
    app.AFTER('/*', handler)
    app.GET('/a', ok)
    assert ask(app, target='/a').text == 'word'
    app = App()
    app.ERROR(404, handler)
    assert ask(app, target='/a').text == 'word'
    assert caplog.records == []


@pytest.mark.parametrize('kind', ['def', 'lambda', 'bound method', 'static method', 'object', 'partial'])
def test_a_threaded_handler_runs_in_a_thread_with_the_contextvars_kept(kind):
    var = contextvars.ContextVar('var', default='lost')
    seen = []
    inner = HANDLERS[kind]

    def handler(req, res, ctx):
        seen.append((threading.get_ident(), var.get()))
        return inner(req, res, ctx)

    app = App()
    app.BEFORE('/*', lambda req, res, ctx: var.set('kept') and None)
    app.GET('/a', handler, threaded=True)
    assert ask(app, target='/a').text == 'word'
    assert seen[0][0] != threading.get_ident()
    assert seen[0][1] == 'kept'


def test_a_plain_handler_runs_on_the_loop():
    seen = []
    app = App()
    app.GET('/a', lambda req, res, ctx: seen.append((threading.get_ident(), asyncio.get_running_loop())) or None)
    assert ask(app, target='/a').status == 200
    assert seen[0][0] == threading.get_ident()


@pytest.mark.parametrize(
    'debug, threaded, seconds, warned',
    [(True, False, 0.11, True), (True, False, 0, False), (True, True, 0.11, False), (False, False, 0.11, False)],
)
def test_debug_warns_of_a_plain_handler_that_held_the_loop(debug, threaded, seconds, warned, caplog):
    def slow(req, res, ctx):
        time.sleep(seconds)

    app = App(debug=debug)
    app.GET('/a', slow, threaded=threaded)
    for _ in range(1 if seconds else 20):  # a handler that does nothing takes long only where the machine is busy
        caplog.clear()
        assert ask(app, target='/a').status == 200
        if not caplog.records:
            break
    assert [('slow' in r.getMessage(), r.levelno) for r in caplog.records] == [(True, logging.WARNING)] * warned


def test_an_exception_in_a_threaded_handler_is_one_like_any_other():
    def handler(req, res, ctx):
        res.abort(404, 'No such patient')

    app = App()
    app.GET('/a', handler, threaded=True)
    app.GET('/b', lambda req, res, ctx: 1 / 0, threaded=True)
    app.ERROR(ZeroDivisionError, lambda req, res, ctx: res.out(418, 'teapot'))
    assert (ask(app, target='/a').status, ask(app, target='/a').text) == (404, 'No such patient')
    assert ask(app, target='/b').status == 418


@pytest.mark.parametrize('value', ['text', {'a': 1}, 404, (200, 'x'), True, ['x']])
def test_a_value_returned_is_ignored_with_one_warning_for_each_handler(value, caplog):
    app = App()

    def first(req, res, ctx):
        return value

    async def second(req, res, ctx):
        return value

    app.GET('/1', first)
    app.GET('/2', second)
    with caplog.at_level(logging.WARNING), Live(app) as live:
        for _ in range(3):
            reply = live.ask('GET', '/1')
            assert (reply.status, reply.body) == (200, b'')
            assert live.ask('GET', '/2').status == 200
    records = [r for r in caplog.records if r.name.partition('.')[0] == 'heaven']
    assert [r.levelno for r in records] == [logging.WARNING] * 2
    assert 'first' in records[0].getMessage() and 'second' in records[1].getMessage()


def test_res_and_none_are_returned_without_a_word(caplog):
    app = App()
    app.GET('/1', lambda req, res, ctx: res)
    app.GET('/2', lambda req, res, ctx: None)
    with caplog.at_level(logging.DEBUG, 'heaven'):
        assert ask(app, target='/1').status == ask(app, target='/2').status == 200
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []


# Dotted paths


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """A folder on sys.path with a package of controllers."""
    package = tmp_path / 'wards_for_test' / 'patients'
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / '__init__.py').write_text('')
    (package / 'records.py').write_text(
        'class Records:\n'
        '    @staticmethod\n'
        '    def static(req, res, ctx):\n'
        '        res.body = "static"\n\n'
        'async def get_record_by_id(req, res, ctx):\n'
        '    res.body = "record"\n\n'
        'def guard(req, res, ctx):\n'
        '    res.header("x-guard", "yes")\n\n'
        'number = 7\n'
    )
    (package / 'broken.py').write_text('import no_such_package_of_anyone\n')
    (package / 'wrong.py').write_text('def f(:\n')
    (package / 'raising.py').write_text('raise KeyError("DATABASE")\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith('wards_for_test')]:
        del sys.modules[name]


def test_a_dotted_path_is_imported_when_the_app_starts_not_before(modules):
    app = App()
    app.GET('/a', 'wards_for_test.patients.records.get_record_by_id')
    app.GET('/b', 'wards_for_test.patients.records.Records.static')
    app.BEFORE('/*', 'wards_for_test.patients.records.guard')
    app.ERROR(404, 'wards_for_test.patients.records.get_record_by_id')
    assert not any(name.startswith('wards_for_test') for name in sys.modules)
    with Live(app) as live:
        assert 'wards_for_test.patients.records' in sys.modules
        reply = live.ask('GET', '/a')
        assert (reply.text, reply.header('x-guard')) == ('record', 'yes')
        assert live.ask('GET', '/b').text == 'static'
        assert (live.ask('GET', '/c').status, live.ask('GET', '/c').text) == (404, 'record')


def test_a_dotted_path_may_be_of_what_a_package_took_from_a_module_of_the_same_name(modules):
    (modules / 'wards_for_test' / 'home.py').write_text('def home(req, res, ctx):\n    res.body = "home"\n')
    (modules / 'wards_for_test' / '__init__.py').write_text('from .home import home\n')
    app = App()
    app.GET('/', 'wards_for_test.home')
    app.GET('/long', 'wards_for_test.home.home')
    (modules / 'wards_for_test' / 'f.py').write_text('def f(req, res, ctx):\n    res.body = "f"\n')
    (modules / 'wards_for_test' / '__init__.py').write_text('from .f import f\nfrom .home import home\n')
    app.GET('/short', 'wards_for_test.f.f')
    with Live(app) as live:
        assert [live.ask('GET', path).text for path in ('/', '/long', '/short')] == ['home', 'home', 'f']


def test_a_dotted_path_works_without_lifespan(modules):
    app = App()
    app.GET('/a', 'wards_for_test.patients.records.get_record_by_id')
    assert ask(app, target='/a').text == ask(app, target='/a').text == 'record'


@pytest.mark.parametrize(
    'dotted, words',
    [
        ('wards_for_test.patients.records.no_such_handler', ['no_such_handler']),
        ('wards_for_test.patients.no_such_module.handler', ['no_such_module']),
        ('wards_for_test.patients.records.number', ['number', 'call']),
        ('wards_for_test.patients.broken.handler', ['no_such_package_of_anyone']),
        ('wards_for_test.patients.wrong.handler', ['syntax']),
        ('wards_for_test.patients.raising.handler', ['KeyError', 'DATABASE']),
        ('no_such_folder_for_test.records.handler', ['no_such_folder_for_test']),
    ],
)
def test_a_dotted_path_that_fails_names_the_route_the_path_and_the_reason_and_nothing_serves(modules, dotted, words):
    app = App()
    app.GET('/v1/records/:id', dotted)
    with pytest.raises(StartupFailed) as caught, Live(app):
        pass
    message = str(caught.value)
    for word in ['/v1/records/:id', dotted, *words]:
        assert word.lower() in message.lower()


def test_the_folder_that_is_not_on_sys_path_is_named(tmp_path, monkeypatch):
    (tmp_path / 'wards_elsewhere').mkdir()
    (tmp_path / 'wards_elsewhere' / 'records.py').write_text('def f(req, res, ctx): ...\n')
    monkeypatch.chdir(tmp_path)
    app = App()
    app.GET('/a', 'wards_elsewhere.records.f')
    with pytest.raises(StartupFailed) as caught, Live(app):
        pass
    assert 'sys.path' in str(caught.value) and str(tmp_path) in str(caught.value)


def test_without_lifespan_a_dotted_path_that_fails_is_a_500_and_tried_again(modules, caplog):
    app = App()
    app.GET('/a', 'wards_for_test.patients.late.f')
    assert ask(app, target='/a').status == 500
    (modules / 'wards_for_test' / 'patients' / 'late.py').write_text('def f(req, res, ctx): res.body = "late"\n')
    assert ask(app, target='/a').text == 'late'


def test_handlererror_is_an_importerror():
    assert issubclass(HandlerError, ImportError) and issubclass(HandlerError, HeavenError)


# app.routes()


def test_routes_lists_what_is_registered():
    app = App()
    app.GET('/a/:x:int?page:int=1', ok, name='a')
    app.POST('/b', 'wards.records.f')
    app.HTTP('/c/*', ok)
    listing = list(app.routes())
    text = '\n'.join(str(route) for route in listing)
    for word in ('GET', 'POST', '/a/:x:int', '/b', '/c/*', 'wards.records.f'):
        assert word in text


NOT_CALLABLE = {
    'GET': lambda app: app.GET('/', 5),
    'BEFORE': lambda app: app.BEFORE('/*', 5),
    'ERROR': lambda app: app.ERROR(404, 5),
    'ON': lambda app: app.ON(STARTUP, 5),
    'DAEMON': lambda app: app.DAEMON(5),
    'TYPE': lambda app: app.TYPE('x', 5),
    'use': lambda app: app.use(5),
}


@pytest.mark.parametrize('verb', NOT_CALLABLE)
def test_what_cannot_be_called_is_refused_where_it_is_registered(verb):
    with pytest.raises(TypeError, match='5|int'):
        NOT_CALLABLE[verb](App())


def test_a_method_that_is_named_twice_is_one():
    app = App()
    app.METHOD(['GET', 'GET'], '/', lambda req, res, ctx: res.out(200, 'once'))
    assert ask(app).text == 'once'


@pytest.mark.parametrize('options', [{}, {'threaded': True}, {'always': True}], ids=str)
def test_a_value_that_an_after_returns_is_ignored_with_one_warning_that_names_it(options, caplog):
    app = App()

    def note_visit(req, res, ctx):
        return 'noted'

    async def show_page(req, res, ctx):
        res.body = 'page'
        return 'shown'

    app.GET('/', show_page)
    app.AFTER('/*', note_visit, **options)
    with caplog.at_level(logging.WARNING), Live(app) as live:
        for _ in range(3):
            assert live.ask('GET', '/').text == 'page'
    said = [record.getMessage() for record in caplog.records]
    assert ['show_page' in line for line in said] == [True, False], said
    assert ['note_visit' in line for line in said] == [False, True], said

"""However a hook is registered, it runs for what its author meant, or the app does not start, or the request fails."""

import functools
import types

import pytest
from asks import Live, StartupFailed, ask, meet
from heaven import STARTUP, App, SubdomainError, UrlDuplicateError, UrlError


def refuse(req, res, ctx):
    res.out(401, 'Log in first')


async def refuse_async(req, res, ctx):
    res.out(401, 'Log in first')


async def refuse_around(req, res, ctx):
    res.out(401, 'Log in first')
    yield


def generator(req, res, ctx):
    yield


async def around(req, res, ctx):
    yield


def secret(req, res, ctx):
    res.body = 'secret'


async def secret_socket(req, ws, ctx):
    await ws.send('secret')


def host(name):
    return {'headers': [('host', name)]}


def outcome(guard):
    """What becomes of a request for the secret: 'refused' at registration, 'not started', or a status."""
    app = App()
    app.GET('/a', secret)
    try:
        app.BEFORE('/*', guard)
    except (TypeError, ValueError):
        return 'refused'
    try:
        with Live(app) as live:
            return live.ask('GET', '/a').status
    except StartupFailed:
        return 'not started'


# What was wrapped


def passing(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)

    return wrapper


def passing_async(function):
    @functools.wraps(function)
    async def wrapper(*args):
        return function(*args)

    return wrapper


def awaiting(function):
    @functools.wraps(function)
    async def wrapper(*args):
        return await function(*args)

    return wrapper


WRAPPED = {
    'a plain wrapper of a plain function': (passing(refuse), 401),
    'a plain wrapper of a coroutine function': (passing(refuse_async), 401),
    'a plain wrapper of a generator': (passing(generator), 500),
    'a plain wrapper of an around-hook': (passing(around), 500),
    'an async wrapper of a plain function': (passing_async(refuse), 401),
    'an async wrapper of a coroutine function': (passing_async(refuse_async), 401),
    'an async wrapper of a generator': (passing_async(generator), 500),
    'an async wrapper of an around-hook': (passing_async(around), 500),
    'an async wrapper that awaits a plain function': (awaiting(refuse), 500),
    'an async wrapper that awaits an around-hook': (awaiting(around), 500),
    'a lambda that gives a coroutine': (lambda *args: refuse_async(*args), 401),
    'a lambda that gives an around-hook': (lambda *args: around(*args), 500),
    'a lambda that gives another function': (lambda *args: refuse, 500),
    'a cached function': (functools.lru_cache(refuse), 401),
    'a cached coroutine function': (functools.lru_cache(refuse_async), 401),
    'a cached generator': (functools.lru_cache(generator), 500),
    'a cached around-hook': (functools.lru_cache(around), 500),
    'a generic function': (functools.singledispatch(refuse), 401),
    'a static method': (staticmethod(refuse), 401),
    'a static generator': (staticmethod(generator), 500),
    'a class method outside of its class': (classmethod(refuse), 'refused'),
    'a property': (property(refuse), 'refused'),
    'a partial of a function': (functools.partial(refuse), 401),
    'a partial of a coroutine function': (functools.partial(refuse_async), 401),
    'a partial of an around-hook': (functools.partial(refuse_around), 401),
    'a partial of a generator': (functools.partial(generator), 'refused'),
    'a partial that misses an argument': (functools.partial(lambda a, b, c, d: None, 1, 2, 3, 4), 500),
}


@pytest.mark.parametrize('guard, expected', WRAPPED.values(), ids=WRAPPED)
def test_a_guard_that_is_wrapped_refuses_or_fails_and_never_lets_through(guard, expected):
    assert outcome(guard) == expected


# Objects


def object_of(call_, kind=None):
    """An object whose `__call__` is this."""
    return type('Guard', (), {'__call__': call_})()


def of_self(function):
    """The function as a method."""
    return lambda self, req, res, ctx: function(req, res, ctx)


class Instance:
    """An object without a `__call__` of its class."""


instance = Instance()
instance.__call__ = refuse

OBJECTS = {
    '__call__': (object_of(of_self(refuse)), 401),
    '__call__ that gives a coroutine': (object_of(of_self(refuse_async)), 401),
    '__call__ that gives an around-hook': (object_of(of_self(around)), 500),
    'a static __call__': (object_of(staticmethod(refuse)), 401),
    'a static async __call__': (object_of(staticmethod(refuse_async)), 401),
    'a static __call__ that goes around': (object_of(staticmethod(refuse_around)), 401),
    'a static __call__ that is a generator': (object_of(staticmethod(generator)), 'refused'),
    '__call__ that is a partial': (object_of(staticmethod(functools.partial(refuse))), 401),
    '__call__ that is a partial of a generator': (object_of(functools.partial(generator)), 'refused'),
    '__call__ that is a method with an argument': (
        object_of(functools.partialmethod(lambda self, key, *args: refuse(*args), 'key')),
        401,
    ),
    '__call__ of the object alone': (instance, 'refused'),
    'a class, not an object of it': (type('Guard', (), {'__call__': of_self(refuse)}), 500),
    'a class that takes a request': (type('Guard', (), {'__init__': of_self(refuse)}), 500),
    'a module': (types.ModuleType('guards'), 'refused'),
    'a number': (401, 'refused'),
    'a list of guards': ([refuse], 'refused'),
    'a guard of two arguments': (lambda req, res: refuse(req, res, None), 500),
    'a guard of no arguments': (lambda: None, 500),
    'a dotted path that is none': ('refuse', 'not started'),
    'a dotted path to nothing': ('no.such.guard', 'not started'),
    'a dotted path to a module': ('functools', 'not started'),
    'a dotted path to a number': ('sys.maxsize', 'not started'),
    'an empty dotted path': ('', 'not started'),
}


@pytest.mark.parametrize('guard, expected', OBJECTS.values(), ids=OBJECTS)
def test_a_guard_that_is_an_object_refuses_or_fails_and_never_lets_through(guard, expected):
    assert outcome(guard) == expected


@pytest.mark.parametrize('error', [StopIteration, StopAsyncIteration, RuntimeError, KeyError, TimeoutError])
@pytest.mark.parametrize('goes_around', [False, True])
def test_a_guard_that_raises_what_ends_a_loop_does_not_let_through(error, goes_around):
    def plain(req, res, ctx):
        raise error

    async def failing(req, res, ctx):
        raise error
        yield

    assert outcome(failing if goes_around else plain) == 500


# A function that was never given


REGISTER = {
    'BEFORE': lambda app, function: app.BEFORE('/*', function),
    'AFTER': lambda app, function: app.AFTER('/*', function),
    'BEFORE of a group': lambda app, function: app.group('/v1').BEFORE('/*', function),
    'BEFORE of a subdomain': lambda app, function: app.subdomain('api').BEFORE('/*', function),
    'GET': lambda app, function: app.GET('/b', function),
    'METHOD': lambda app, function: app.METHOD(['GET', 'PURGE'], '/b', function),
    'WS': lambda app, function: app.WS('/b', function),
    'ERROR': lambda app, function: app.ERROR(404, function),
    'ON': lambda app, function: app.ON(STARTUP, function),
}


@pytest.mark.parametrize('register', REGISTER.values(), ids=REGISTER)
@pytest.mark.parametrize('mounted', [False, True])
def test_a_registration_that_was_given_none_keeps_the_app_from_starting(register, mounted):
    app = inner = App()
    app.GET('/a', secret)
    if mounted:
        inner = App()
        app.mount(inner, '/x')
    register(inner, None)
    with pytest.raises(StartupFailed, match='was given no function'), Live(app):
        pass
    assert ask(app, 'GET', '/a').status == 500
    with pytest.raises(StartupFailed, match='was given no function'), Live(app.copy()):
        pass


@pytest.mark.parametrize('register', REGISTER.values(), ids=REGISTER)
def test_a_decorator_that_was_given_its_function_lets_the_app_start(register):
    app = App()
    decorator = register(app, None)
    decorator(lambda *args: None)
    with Live(app):
        pass


def test_the_refusal_names_what_was_to_be_registered():
    app = App()
    app.group('/v1').BEFORE('/admin/*')
    with pytest.raises(StartupFailed, match=r'BEFORE /v1/admin/\*'), Live(app):
        pass


def test_a_decorator_without_parentheses_is_refused_where_it_stands():
    app = App()
    for verb in (app.BEFORE, app.AFTER, app.GET, app.WS):
        with pytest.raises(TypeError, match='a route is a str'):
            verb(refuse)
    with pytest.raises(TypeError, match='a route is a str'):
        app.BEFORE(refuse, '/*')


def test_a_wrong_pattern_is_refused_before_the_decorator_is_given_its_function():
    with pytest.raises(UrlError):
        App().BEFORE('admin/*')


def test_a_decorator_registers_what_stands_below_it_and_gives_that_back():
    app = App()

    def outer(function):
        return lambda *args: None

    @outer
    @app.BEFORE('/*')
    def guard(req, res, ctx):
        refuse(req, res, ctx)

    app.GET('/a', secret)
    assert app.BEFORE('/b')(refuse) is refuse
    assert ask(app, 'GET', '/a').status == 401


# Patterns


@pytest.mark.parametrize(
    'pattern',
    ['/admin*', '/admin/**', '/**', '/admin/.*', '/admin/(.*)', '/*admin', '/admin/*.html', '/*/keys', '/admin/*path'],
)
def test_an_asterisk_that_is_not_a_segment_of_its_own_is_refused(pattern):
    app = App()
    for verb in (app.BEFORE, app.AFTER, app.GET, app.WS, app.group('/v1').BEFORE):
        with pytest.raises(UrlError, match=r'\*'):
            verb(pattern, refuse)


@pytest.mark.parametrize('pattern', ['/admin ', ' /admin', '/ admin/*', '/admin\n', '/admin/\t', '/admin/* '])
def test_white_space_around_a_segment_is_refused(pattern):
    app = App()
    for verb in (app.BEFORE, app.GET):
        with pytest.raises(UrlError):
            verb(pattern, refuse)


@pytest.mark.parametrize('pattern', ['/caf%C3%A9/*', '/a%2Fb', '/%61dmin', '/a%20b'])
def test_a_hook_for_an_escaped_path_is_refused_with_the_path_that_it_means(pattern):
    app = App()
    with pytest.raises(UrlError, match='decoded'):
        app.BEFORE(pattern, refuse)
    with pytest.raises(UrlError, match='decoded'):
        app.group(pattern.removesuffix('/*')).AFTER('/*', refuse)


@pytest.mark.parametrize('pattern', ['/100%', '/100%/*', '/%zz', '/a b', '/café/*', '/c#', '/a;b', '/(a)'])
def test_a_pattern_that_only_looks_odd_is_one(pattern):
    app = App()
    app.BEFORE(pattern, refuse)
    app.GET(pattern, secret)
    assert ask(app, path=pattern.replace('*', 'x'), raw_path=None).status == 401


@pytest.mark.parametrize('pattern', ['/admin', '/admin/', '/admin?', '/:section', '/:section:any', '/*', '/*/'])
@pytest.mark.parametrize('route', ['/admin', '/admin/', '/:x', '/:x:any', '/*'])
def test_a_slash_at_the_end_and_names_of_parameters_make_no_difference(pattern, route):
    app = App()
    app.TYPE('any', lambda text: text)
    app.BEFORE(pattern, refuse)
    app.GET(route, secret)
    for target in ('/admin', '/admin/', '/%61dmin', '//admin', '/admin//', '/admin%2F'):
        assert ask(app, 'GET', target).status == 401, target


# Groups, subdomains, mounts


@pytest.mark.parametrize('prefix', ['/v1', '/v1/', '/v1//'])
def test_a_group_with_a_slash_at_its_end_is_the_same_group(prefix):
    app = App()
    group = app.group(prefix)
    group.BEFORE('/*', refuse)
    group.GET('/a', secret)
    app.GET('/v1/b', secret)
    for target in ('/v1/a', '/v1/b', '/v1', '/v1/', '/v1//a', '//v1/a', '/v1/none'):
        assert ask(app, 'GET', target).status == 401, target


@pytest.mark.parametrize('prefix', ['v1', '', ' /v1', '/v1?', '/v1*'])
def test_a_group_whose_prefix_no_path_has_is_refused(prefix):
    app = App()
    with pytest.raises(UrlError):
        app.group(prefix).BEFORE('/*', refuse)


@pytest.mark.parametrize('before', [None, False, 0, [None], [()], [[refuse]], 401])
def test_hooks_of_a_route_or_a_group_that_are_none_are_refused(before):
    app = App()
    with pytest.raises(TypeError, match='before='):
        app.GET('/a', secret, before=before)
    with pytest.raises(TypeError, match='before='):
        app.group('/v1', before=before)
    with pytest.raises(TypeError, match='before='):
        app.WS('/a', secret_socket, before=before)


@pytest.mark.parametrize('before', [refuse, [refuse], (refuse,), {refuse}, {refuse: 1}, [refuse_async], refuse_around])
def test_the_hooks_of_a_group_are_there_for_every_one_of_its_routes(before):
    app = App()
    group = app.group('/v1', before=before)
    inner = group.group('/x/')
    for each in (group, inner):
        each.GET('/a', secret)
        each.GET('/b', secret)
        each.WS('/c', secret_socket)
    for target in ('/v1/a', '/v1/b', '/v1/x/a', '/v1/x/b'):
        assert ask(app, 'GET', target).status == ask(app, 'HEAD', target).status == 401
        assert not meet(app, target.replace('a', 'c').replace('b', 'c')).accepted


@pytest.mark.parametrize('name', ['api', 'API', 'Api'])
def test_a_subdomain_in_capitals_is_the_same_subdomain(name):
    app = App()
    api = app.subdomain(name)
    api.BEFORE('/*', refuse)
    api.GET('/a', secret)
    app.GET('/a', lambda req, res, ctx: res.out(200, 'public'))
    app.BEFORE('/b', refuse, subdomain=name.swapcase())
    app.GET('/b', secret, subdomain='aPi')
    for sent in (
        'api.a.com',
        'API.A.COM',
        'Api.a.com:80',
        'api.a.com.',
        'api.a.com.:80',
        'api.localhost',
        'api.a.com:',
    ):
        for target in ('/a', '/b'):
            assert ask(app, 'GET', target, **host(sent)).status == 401, sent
        assert meet(app, '/a', **host(sent)).status == 401
    assert ask(app, 'GET', '/a', **host('a.com')).text == 'public'


@pytest.mark.parametrize('name', ['', 'a.b', 'api ', ' api', 'api.', 'a/b', '*.a', 'ä', 'api:80', 'a\n', None, 7])
def test_a_subdomain_that_no_host_has_is_refused(name):
    app = App()
    with pytest.raises(SubdomainError):
        app.subdomain(name)
    if name is not None:
        with pytest.raises(SubdomainError):
            app.mount(App(), subdomain=name)
    if name:
        with pytest.raises((SubdomainError, AttributeError)):
            app.BEFORE('/*', refuse, subdomain=name)


@pytest.mark.parametrize(
    'domain',
    ['', '.example.com', 'example.com.', 'example.com:80', 'https://example.com', 'a b', 'a..b', '*.a', 7, b'a'],
)
def test_a_domain_that_no_host_has_is_refused(domain):
    with pytest.raises(ValueError, match='domain'):
        App(domain=domain)


def test_a_domain_in_capitals_is_the_same_domain():
    app = App(domain='Example.CO.uk')
    app.subdomain('api').GET('/a', refuse)
    app.GET('/a', secret)
    assert ask(app, 'GET', '/a', **host('API.example.co.UK')).status == 401


def test_a_hook_that_names_no_subdomain_is_for_all_of_them_and_one_for_any_other_is_not_for_www():
    app = App()
    app.BEFORE('/a', refuse)
    app.BEFORE('/b', refuse, subdomain='www')
    api, others = app.subdomain('api'), app.subdomain('*')
    for each in (app, api, others):
        each.GET('/a', secret)
        each.GET('/b', secret)
    others.BEFORE('/b', refuse)
    for sent, expected in {'a.com': 401, 'api.a.com': 200, 'x.a.com': 401, 'www.a.com': 401, '': 401}.items():
        assert ask(app, 'GET', '/a', **host(sent)).status == 401
        assert ask(app, 'GET', '/b', **host(sent)).status == expected, sent


@pytest.mark.parametrize('prefix', ['/x/:id', '/x/:id/', '/x/:id:int', '/:a/:b'])
def test_a_guard_of_a_child_under_a_prefix_with_parameters_covers_all_that_is_below(prefix):
    app, child = App(), App()
    child.BEFORE('/*', refuse)
    child.GET('/a', secret)
    child.GET('/', secret)
    app.GET('/x/:other/b', secret)
    app.mount(child, prefix)
    for target in ('/x/7/a', '/x/7', '/x/7/', '/x/7/b', '/x/7/none', '//x/7/a', '/x//7/a', '/x%2F7/a', '/x/7%2Fa'):
        assert ask(app, 'GET', target).status == 401, target


@pytest.mark.parametrize('pattern', ['/x/*', '/x/:id/*', '/x/:other/a', '/x/7/*', '/:a/:b/:c', '/x/7/:last'])
def test_a_guard_of_the_parent_covers_a_child_under_a_prefix_with_parameters(pattern):
    app, child = App(), App()
    app.BEFORE(pattern, refuse)
    child.GET('/a', secret)
    child.GET('/*', secret)
    app.mount(child, '/x/:id')
    for target in ('/x/7/a', '/x/7/a/', '//x/7/a', '/x/7//a', '/x/7%2Fa', '/%78/7/a'):
        assert ask(app, 'GET', target).status == 401, target


@pytest.mark.parametrize('order', ['before', 'after'])
@pytest.mark.parametrize('isolated', [True, False])
def test_it_does_not_matter_whether_a_guard_is_registered_before_or_after_the_mount(order, isolated):
    app, child, leaf = App(), App(), App()
    if order == 'before':
        child.BEFORE('/*', refuse)
    app.mount(child, '/child', isolated=isolated)
    child.mount(leaf, '/leaf', isolated=isolated)
    leaf.GET('/a', secret)
    leaf.WS('/a', secret_socket)
    if order == 'after':
        child.BEFORE('/*', refuse)
    assert ask(app, 'GET', '/child/leaf/a').status == 401
    assert meet(app, '/child/leaf/a').status == 401


# Types


@pytest.mark.parametrize('name', ['int', 'str', 'uuid', 'slug'])
def test_a_type_that_is_there_is_not_replaced_under_the_hooks_that_rely_on_it(name):
    app = App()
    app.TYPE('slug', str)
    with pytest.raises(ValueError, match='take another name'):
        app.TYPE(name, str)


def test_two_types_of_one_function_are_two_types():
    app = App()
    app.TYPE('one', str)
    app.TYPE('two', str)
    app.GET('/:x:one', secret)
    app.GET('/:x:two', secret)
    with pytest.raises(UrlDuplicateError):
        app.GET('/:y:two', secret)


# At another time, in debug, in a copy, in a thread


def test_nothing_is_registered_while_the_app_runs():
    app, child, other = App(), App(), App()
    app.mount(child, '/x')
    group, api = app.group('/v1'), app.subdomain('api')
    with Live(app) as live:
        for register in (
            lambda: app.BEFORE('/*', refuse),
            lambda: app.BEFORE('/*'),
            lambda: app.BEFORE('/*')(refuse),
            lambda: app.AFTER('/*', refuse),
            lambda: child.BEFORE('/*', refuse),
            lambda: group.BEFORE('/*', refuse),
            lambda: group.GET('/a', secret, before=refuse),
            lambda: api.BEFORE('/*', refuse),
            lambda: app.subdomain('new'),
            lambda: app.mount(other, '/y'),
            lambda: child.mount(other, '/y'),
            lambda: app.ERROR(404, refuse),
            lambda: app.TYPE('x', str),
            lambda: app.use(lambda inner: inner),
            lambda: other.mount(app, '/y'),
        ):
            with pytest.raises(RuntimeError):
                register()
        assert live.ask('GET', '/a').status == 404
    app.BEFORE('/*', refuse)
    assert ask(app, 'GET', '/a').status == 401


def test_a_hook_that_is_registered_at_startup_keeps_the_app_from_starting():
    app = App()
    app.GET('/a', secret)
    app.ON(STARTUP, lambda app: app.BEFORE('/*', refuse))
    with pytest.raises(StartupFailed, match='register before it starts'), Live(app):
        pass


@pytest.mark.parametrize(
    'guard', [refuse, refuse_async, refuse_around, functools.partial(refuse), OBJECTS['__call__'][0]]
)
@pytest.mark.parametrize('where', ['debug', 'copy', 'copy of a copy', 'second run', 'middleware'])
def test_a_guard_guards_in_debug_in_a_copy_and_when_the_app_has_run_before(guard, where):
    app = App(debug=where == 'debug')
    app.BEFORE('/*', guard)
    app.GET('/a', secret)
    app.WS('/a', secret_socket)
    if where.startswith('copy'):
        app = app.copy().copy() if 'of' in where else app.copy()
    elif where == 'second run':
        with Live(app) as live:
            assert live.ask('GET', '/a').status == 401
    elif where == 'middleware':
        app.use(lambda inner: inner)
    for method in ('GET', 'HEAD', 'get', 'OPTIONS', 'POST'):
        assert ask(app, method, '/a').status == 401, method
    assert meet(app, '/a').status == 401


def test_what_is_registered_on_a_copy_guards_the_copy_and_its_copies_alone():
    app = App()
    app.GET('/a', secret)
    twin = app.copy()
    twin.BEFORE('/*', refuse)
    assert [ask(each, 'GET', '/a').status for each in (app, twin, twin.copy())] == [200, 401, 401]


@pytest.mark.parametrize('guard', [refuse, lambda *args: refuse_async(*args), functools.partial(refuse)])
def test_a_guard_in_a_thread_guards(guard):
    app = App()
    app.BEFORE('/*', guard, threaded=True)
    app.GET('/a', secret)
    assert ask(app, 'GET', '/a').status == 401


@pytest.mark.parametrize('guard', [refuse_async, refuse_around, functools.partial(refuse_async)])
def test_a_guard_that_is_async_is_refused_in_a_thread(guard):
    with pytest.raises(TypeError, match='threaded'):
        App().BEFORE('/*', guard, threaded=True)


# A hook that covers nothing


@pytest.mark.parametrize('pattern', ['/Admin/*', '/adm/*', '/v1/v1/admin', '/admin/keys/:id', '/admin/7'])
def test_in_debug_the_log_names_a_hook_that_covers_no_route(pattern, caplog):
    app, child = App(debug=True), App()
    app.BEFORE(pattern, refuse)
    app.GET('/admin/keys', secret)
    app.POST('/admin', secret)
    child.GET('/a', secret)
    app.mount(child, '/child')
    with Live(app):
        pass
    assert [record.levelname for record in caplog.records] == ['WARNING']
    assert 'refuse' in caplog.text and pattern in caplog.text


@pytest.mark.parametrize('debug', [False, True])
def test_nothing_is_said_of_hooks_that_cover_something_and_nothing_without_debug(debug, caplog):
    async def foreign(scope, receive, send):
        raise NotImplementedError

    app, child = App(debug=debug), App()
    app.subdomain('api').GET('/only/:x', secret)
    app.GET('/admin/:x:int', secret)
    app.WS('/socket', secret_socket)
    app.mount(child, '/child')
    app.mount(foreign, '/foreign')
    child.GET('/a', secret)
    child.BEFORE('/a', refuse)
    for pattern in ('/*', '/admin/7', '/admin/*', '/:x/:y', '/socket', '/child/*', '/only/*', '/foreign/a/b'):
        app.BEFORE(pattern, refuse)
        app.AFTER(pattern, refuse)
    if not debug:
        app.BEFORE('/none', refuse)
    with Live(app):
        pass
    assert caplog.records == []

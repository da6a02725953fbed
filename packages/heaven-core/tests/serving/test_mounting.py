"""Apps of Heaven inside apps of Heaven: prefixes, isolation, order, hooks, errors, life, URLs through every level."""

import asyncio
from itertools import permutations

import pytest
from asks import Live, StartupFailed, ask, meet
from heaven import SHUTDOWN, STARTUP, App, Overrides, UrlDuplicateError, UrlError


def names(*hooks):
    """The names that hooks noted in the order of their calls, and one that notes."""
    seen = []

    def note(name):
        return lambda req, res, ctx: seen.append(name)

    return seen, note


def answers(text):
    return lambda req, res, ctx: res.out(200, text)


def nested(order=(0, 1, 2, 3, 4, 5), **isolated):
    """root at /, mid at /mid, leaf at /mid/leaf, put together in any order; each with a route, hooks and a name."""
    seen, note = names()
    root, mid, leaf = apps = App(), App(), App()

    def fill(app, name):
        def run():
            app.GET('/', answers(name), name=name)
            app.GET('/:id:int', lambda req, res, ctx: res.out(200, [name, req.params]), name=f'{name}-id')
            app.BEFORE('/*', note(f'before {name}'))
            app.AFTER('/*', note(f'after {name}'))

        return run

    steps = [fill(app, name) for app, name in zip(apps, ('root', 'mid', 'leaf'), strict=True)]
    steps += [lambda: root.mount(mid, '/mid', isolated.get('mid', True))]
    steps += [lambda: mid.mount(leaf, '/leaf', isolated.get('leaf', True))]
    for at in order:
        if at < 5:
            steps[at]()
    return root, mid, leaf, seen


# Routes


def test_a_child_serves_its_routes_under_the_prefix_and_nowhere_else():
    root, *_ = nested()
    found = {path: ask(root, 'GET', path) for path in ('/', '/mid', '/mid/', '/mid/leaf', '/mid/leaf/7', '/leaf')}
    assert [reply.text if reply.status == 200 else reply.status for reply in found.values()] == [
        'root',
        'mid',
        'mid',
        'leaf',
        '["leaf",{"id":7}]',
        404,
    ]


@pytest.mark.parametrize('prefix', ['', '/'])
def test_without_a_prefix_a_child_stands_where_its_parent_does(prefix):
    root, child = App(), App()
    child.GET('/x', answers('child'))
    root.mount(child, prefix)
    assert ask(root, 'GET', '/x').text == 'child'


@pytest.mark.parametrize('prefix', ['/v1', '/v1/'])
def test_a_slash_at_the_end_of_a_prefix_says_nothing(prefix):
    root, child = App(), App()
    child.GET('/', answers('top'))
    child.GET('/x', answers('x'))
    root.mount(child, prefix)
    assert [ask(root, 'GET', path).text for path in ('/v1', '/v1/', '/v1/x')] == ['top', 'top', 'x']


def test_the_parameters_of_a_prefix_are_the_childs_too():
    root, child = App(), App()
    child.GET('/rooms/:room', lambda req, res, ctx: res.out(200, req.params), name='room')
    root.mount(child, '/houses/:house:int')
    assert ask(root, 'GET', '/houses/7/rooms/a').json() == {'house': 7, 'room': 'a'}
    assert ask(root, 'GET', '/houses/x/rooms/a').status == 404
    assert child.url('room', house=7, room='a') == '/houses/7/rooms/a'


@pytest.mark.parametrize('order', list(permutations(range(5))), ids=lambda order: ''.join(map(str, order)))
def test_the_order_of_calls_does_not_matter(order):
    root, _, _, seen = nested(order)
    assert ask(root, 'GET', '/mid/leaf/7').json() == ['leaf', {'id': 7}]
    assert seen == ['before root', 'before mid', 'before leaf', 'after leaf', 'after mid', 'after root']


def test_a_literal_of_any_app_comes_before_a_parameter_of_any():
    root, child = App(), App()
    root.GET('/v1/:name', answers('root'))
    child.GET('/literal', answers('child'))
    child.GET('/*', answers('rest'))
    root.mount(child, '/v1')
    assert [ask(root, 'GET', f'/v1/{rest}').text for rest in ('literal', 'other', 'a/b')] == ['child', 'root', 'rest']


def test_methods_of_several_apps_at_one_path_add_up_to_one_allow():
    root, child = App(), App()
    root.POST('/v1/x', answers('root'))
    child.GET('/x', answers('child'))
    root.mount(child, '/v1')
    assert ask(root, 'PUT', '/v1/x').header('allow') == 'GET, HEAD, OPTIONS, POST'


def test_sockets_are_mounted_as_routes_are():
    async def handler(req, ws, ctx):
        await ws.send(req.app.CONFIG('name'))

    root, mid, leaf = App({'name': 'root'}), App({'name': 'mid'}), App({'name': 'leaf'})
    leaf.WS('/chat', handler)
    mid.mount(leaf, '/leaf')
    root.mount(mid, '/mid')
    assert meet(root, '/mid/leaf/chat').sent == ['leaf']


# What cannot be


def test_a_route_that_two_apps_have_keeps_the_server_from_starting_and_names_both():
    root, child = App(), App()
    root.GET('/v1/:a', answers('root'))
    child.GET('/:b', answers('child'))
    root.mount(child, '/v1')
    with pytest.raises(StartupFailed, match=r'/v1/:(a|b).*/v1/:(a|b)'), Live(root):
        pass


def test_an_app_is_mounted_once_and_not_on_itself():
    root, mid = App(), App()
    root.mount(mid, '/a')
    for parent, child in ((root, mid), (App(), mid), (root, root), (mid, root)):
        with pytest.raises(UrlDuplicateError, match='once'):
            parent.mount(child, '/b')


@pytest.mark.parametrize('prefix', ['v1', 'v1/x', '/a//b', '/..', '/:', '/:a/:a', '/*', '/a/*', '/:a:nothing'])
def test_a_prefix_that_no_path_could_have_is_refused(prefix):
    for child in (App(), foreign):
        with pytest.raises(UrlError):
            App().mount(child, prefix)


async def foreign(scope, receive, send):
    raise AssertionError


@pytest.mark.parametrize('child', [None, 7, 'module:app', object()])
def test_what_is_no_app_is_refused(child):
    with pytest.raises(TypeError, match='ASGI'):
        App().mount(child, '/x')


def test_a_parameter_that_prefix_and_route_both_name_keeps_the_server_from_starting():
    root, child = App(), App()
    child.GET('/:id', answers('x'))
    root.mount(child, '/:id')
    with pytest.raises(StartupFailed, match='parameter twice'), Live(root):
        pass


def test_nothing_is_mounted_on_a_running_app():
    root = App()
    with Live(root):
        with pytest.raises(RuntimeError, match='running'):
            root.mount(App(), '/x')
        with pytest.raises(RuntimeError, match='running'):
            root.mount(foreign, '/x')


def test_nothing_is_registered_on_the_child_of_a_running_app():
    root, child = App(), App()
    root.mount(child, '/x')
    with Live(root), pytest.raises(RuntimeError, match='running'):
        child.GET('/', answers('x'))


def test_a_middleware_is_for_a_whole_app_and_not_for_a_mounted_one():
    root, child = App(), App()
    root.mount(child, '/x')
    child.use(lambda app: app)
    with pytest.raises(StartupFailed, match='whole app'), Live(root):
        pass


# Hooks


ALL = ['before root', 'before mid', 'before leaf', 'after leaf', 'after mid', 'after root']


@pytest.mark.parametrize(
    'path, calls',
    [
        ('/', ['before root', 'after root']),
        ('/mid', ['before root', 'before mid', 'after mid', 'after root']),
        ('/none', ['before root', 'after root']),
        ('/mid/none', ['before root', 'before mid', 'after mid', 'after root']),
        ('/mid/leaf/none', ALL),
        ('/mid//leaf', ALL),
        ('/mid%2Fleaf', ALL),
        ('/midway', ['before root', 'after root']),
    ],
)
@pytest.mark.parametrize('isolated', [{}, {'mid': False, 'leaf': False}, {'mid': False}], ids=range(3))
def test_hooks_of_a_child_cover_everything_under_its_prefix(isolated, path, calls):
    root, _, _, seen = nested(**isolated)
    ask(root, 'GET', path)
    assert seen == calls


@pytest.mark.parametrize('isolated', [True, False])
def test_hooks_of_a_child_are_for_its_parents_routes_under_the_prefix_too(isolated):
    seen, note = names()
    root, child = App(), App()
    root.GET('/v1/root', answers('root'))
    root.GET('/*', answers('rest'))
    child.BEFORE('/*', note('child'))
    child.AFTER('/root', note('after'))
    root.mount(child, '/v1', isolated)
    assert (ask(root, 'GET', '/v1/root').text, seen) == ('root', ['child', 'after'])
    assert (ask(root, 'GET', '/v1/other').text, seen) == ('rest', ['child', 'after', 'child'])
    ask(root, 'GET', '/other')
    assert len(seen) == 3


@pytest.mark.parametrize('isolated', [True, False])
def test_hooks_of_a_child_are_for_the_routes_of_a_sibling_under_its_prefix(isolated):
    seen, note = names()
    root, a, b = App(), App(), App()
    a.GET('/x', answers('a'))
    b.BEFORE('/*', note('b'))
    root.mount(a, '/v1')
    root.mount(b, '/v1', isolated)
    assert (ask(root, 'GET', '/v1/x').text, seen) == ('a', ['b'])


def test_a_target_that_is_no_path_is_no_business_of_an_app_mounted_without_a_prefix():
    seen, note = names()
    root, child, other = App(), App(), App()
    root.AFTER('/*', note('root'), always=True)
    child.AFTER('/*', note('child'), always=True)
    child.GET('/child', answers('child'))
    other.AFTER('/*', note('other'), always=True)
    root.mount(child)
    root.mount(other, '/other')
    assert ask(root, 'GET', '/child/../x').status == 400
    assert seen == ['root']


@pytest.mark.parametrize('isolated', [True, False])
@pytest.mark.parametrize('prefix', ['', '/'])
def test_without_a_prefix_hooks_of_a_child_are_for_the_requests_that_its_own_routes_serve(isolated, prefix):
    seen, note = names()
    root, child, grandchild = App(), App(), App()
    root.GET('/root', answers('root'))
    child.GET('/child', answers('child'))
    child.BEFORE('/*', note('child'))
    grandchild.GET('/', answers('grandchild'))
    root.mount(child, prefix, isolated)
    for path, calls in (('/root', []), ('/child', ['child']), ('/none', []), ('//child', []), ('/child/x', [])):
        seen.clear()
        ask(root, 'GET', path)
        assert seen == calls, path
    seen.clear()
    assert ask(root, 'HEAD', '/child').status == 200
    assert seen == ['child']


@pytest.mark.parametrize('isolated', [True, False])
def test_hooks_of_a_child_match_the_path_after_its_prefix_parameters_included(isolated):
    seen, note = names()
    root, child = App(), App()
    child.BEFORE('/rooms/*', note('rooms'))
    child.BEFORE('/', note('top'))
    root.mount(child, '/houses/:house:int', isolated)
    for path, calls in {
        '/houses/7/rooms/a': ['rooms'],
        '/houses/7': ['top'],
        '/houses/x/rooms/a': [],
        '/houses//rooms': [],
        '/houses/7%2Frooms': ['rooms'],
        '/rooms/a': [],
    }.items():
        seen.clear()
        ask(root, 'GET', path)
        assert seen == calls, path


def test_a_parents_befores_run_first_however_narrow_and_its_afters_last():
    seen, note = names()
    root, child = App(), App()
    root.BEFORE('/v1/x', note('narrow'))
    root.BEFORE('/*', note('broad'))
    root.AFTER('/v1/x', note('narrow after'))
    child.BEFORE('/*', note('child'))
    child.AFTER('/*', note('child after'))
    child.GET('/x', answers('x'))
    root.mount(child, '/v1')
    ask(root, 'GET', '/v1/x')
    assert seen == ['broad', 'narrow', 'child', 'child after', 'narrow after']


def test_a_parent_that_has_answered_keeps_a_childs_hooks_and_handlers_from_running_but_not_its_afters():
    root, _, _, seen = nested()
    root.BEFORE('/mid/*', lambda req, res, ctx: res.out(401, 'Log in'))
    assert ask(root, 'GET', '/mid/leaf').status == 401
    assert seen == ['before root', 'after leaf', 'after mid', 'after root']


SPELLINGS = """
/mid/leaf /mid/leaf/ /mid/leaf/7 /mid//leaf //mid/leaf /mid%2Fleaf /%6did/leaf /mid/%6ceaf/7 /mid%2fleaf%2f7
/root/mid/leaf http://a.com/mid/leaf http://a.com//mid/leaf
"""
DOTTED = '/./mid/leaf /mid/./leaf /x/../mid/leaf /mid/x/../leaf /mid/leaf/..%2Fleaf /x/..%2Fmid/leaf /mid/leaf/.'


@pytest.mark.parametrize('path', [*SPELLINGS.split(), *DOTTED.split()])
@pytest.mark.parametrize('isolated', [True, False])
@pytest.mark.parametrize('guarding', ['root', 'mid', 'leaf'])
def test_no_spelling_goes_around_a_guard_of_the_parent_or_of_the_child(path, isolated, guarding):
    root, mid, leaf, _ = nested(mid=isolated, leaf=isolated)
    status = 400 if path in DOTTED.split() else 401
    for app in (root, leaf):
        for route in ('/:a/:b/:c/:d', '/*'):
            app.GET(route, answers('around'))
            app.WS(route, lambda req, ws, ctx: ws.send('around'))
    app, pattern = {'root': (root, '/mid/leaf/*'), 'mid': (mid, '/leaf/*'), 'leaf': (leaf, '/*')}[guarding]
    app.BEFORE(pattern, lambda req, res, ctx: res.abort(401))
    for method in ('GET', 'HEAD', 'OPTIONS', 'DELETE'):
        assert ask(root, method, path, root_path='/root').status == status
    assert meet(root, path, root_path='/root').status == status


# State, configuration, renderer, codec, types


def test_an_isolated_child_has_its_own_state_and_configuration_and_one_that_is_not_its_parents():
    def read(req, res, ctx):
        res.body = [req.app.peek('key'), req.app.CONFIG('name')]

    for isolated, (root_saw, child_saw) in {
        True: (['root', 'root'], ['child', 'child']),
        False: (['child', 'root'], ['child', 'root']),
    }.items():
        root, child = App({'name': 'root'}), App({'name': 'child'})
        root.GET('/', read)
        child.GET('/', read)
        root.mount(child, '/child', isolated)
        root.keep('key', 'root')
        child.keep('key', 'child')
        assert [ask(root, 'GET', path).json() for path in ('/', '/child')] == [root_saw, child_saw]


def test_an_isolated_child_does_not_see_what_its_parent_kept():
    root, child = App({'name': 'root'}), App()
    root.mount(child, '/child')
    root.keep('key', 1)
    assert child.peek('key') is None
    with pytest.raises(KeyError):
        child.CONFIG('name')


def test_state_is_shared_through_levels_that_are_not_isolated():
    root, mid, leaf = App({'name': 'root'}), App(), App()
    root.mount(mid, '/mid', isolated=False)
    mid.mount(leaf, '/leaf', isolated=False)
    leaf.keep('key', 1)
    assert (root.peek('key'), mid.peek('key'), leaf.CONFIG('name')) == (1, 1, 'root')
    assert leaf.unkeep('key') == 1
    assert root.peek('key') is None


class Renderer:
    def __init__(self, name):
        self.name = name

    def install(self, app):
        app.renderer = self

    def renders(self, name, values, trio, blocks=()):
        return f'{self.name}: {name}'

    async def render(self, name, values, trio, blocks=()):
        return f'{self.name}: {name}'


@pytest.mark.parametrize('isolated', [True, False])
def test_a_child_renders_with_its_own_renderer_else_with_the_one_of_its_parent(isolated):
    root, with_one, without = App(), App(), App()
    root.plug(Renderer('root'))
    with_one.plug(Renderer('child'))
    for app, prefix in ((with_one, '/with'), (without, '/without')):
        app.GET('/', lambda req, res, ctx: res.renders('a.html'))
        root.mount(app, prefix, isolated)
    assert ask(root, 'GET', '/with').text == 'child: a.html'
    assert ask(root, 'GET', '/without').text == 'root: a.html'


def test_a_child_has_its_own_limits_codec_and_types():
    class Codec:
        def loads(self, data):
            return 'loaded'

        def dumps(self, value):
            return '"dumped"'

    root, child, plain = App(), App(max_body_size=1), App(json=Codec())
    child.TYPE('even', lambda text: int(text) if int(text) % 2 == 0 else int('x'))
    child.GET('/:n:even', answers('even'))
    child.POST('/', answers('fits'))
    plain.GET('/', lambda req, res, ctx: res.out(200, {}))
    plain.POST('/', lambda req, res, ctx: res.out(200, req.json))
    root.mount(child, '/child')
    root.mount(plain, '/plain')
    assert [ask(root, 'GET', path).status for path in ('/child/2', '/child/3')] == [200, 404]
    assert [ask(root, 'POST', '/child', body=body).status for body in ('a', 'aa')] == [200, 413]
    assert ask(root, 'GET', '/plain').text == '"dumped"'
    assert ask(root, 'POST', '/plain', json=1).text == 'loaded'


# The app that a function sees


def test_a_function_sees_the_app_that_it_was_registered_on():
    seen = []

    def note(req, res, ctx):
        seen.append(req.app.CONFIG('name'))

    root, mid, leaf = App({'name': 'root'}), App({'name': 'mid'}), App({'name': 'leaf'})
    for app in (root, mid, leaf):
        app.BEFORE('/*', lambda req, res, ctx: note(req, res, ctx))
        app.AFTER('/*', lambda req, res, ctx: note(req, res, ctx))
    root.ERROR(418, note)
    leaf.GET('/', lambda req, res, ctx: (note(req, res, ctx), res.abort(418)))
    leaf.GET('/fine', note)
    root.mount(mid, '/mid')
    mid.mount(leaf, '/leaf')
    ask(root, 'GET', '/mid/leaf/fine')
    assert seen == ['root', 'mid', 'leaf', 'leaf', 'leaf', 'mid', 'root']
    seen.clear()
    ask(root, 'GET', '/mid/leaf')
    assert seen == ['root', 'mid', 'leaf', 'leaf', 'root']


def test_what_a_function_defers_is_given_the_app_it_was_registered_on():
    seen = []
    root, child = App({'name': 'root'}), App({'name': 'child'})
    root.BEFORE('/*', lambda req, res, ctx: res.defer(lambda app: seen.append(app.CONFIG('name'))) and None)
    child.GET('/', lambda req, res, ctx: res.defer(lambda app: seen.append(app.CONFIG('name'))).out(200))
    root.mount(child, '/x')
    ask(root, 'GET', '/x')
    assert seen == ['root', 'child']


@pytest.mark.parametrize('isolated', [True, False])
def test_a_function_on_two_apps_runs_once_for_each_and_sees_each(isolated):
    seen = []

    def hook(req, res, ctx):
        seen.append(req.app.CONFIG('name'))

    root, child = App({'name': 'root'}), App({'name': 'child'})
    for app in (root, child):
        app.BEFORE('/*', hook)
        app.AFTER('/*', hook)
    child.GET('/', answers('x'))
    root.mount(child, '/x', isolated)
    ask(root, 'GET', '/x')
    assert seen == (['root', 'child', 'child', 'root'] if isolated else ['root'] * 4)


# Errors


def test_an_error_asks_the_child_then_its_parents_nearest_app_first():
    def by(name):
        return lambda req, res, ctx: res.out(503, f'{name}: {type(res.error).__name__}')

    def fail(req, res, ctx):
        raise {'zero': ZeroDivisionError, 'key': KeyError, 'value': ValueError}[req.params['kind']]('x')

    root, mid, leaf = App(), App(), App()
    root.ERROR(Exception, by('root'))
    mid.ERROR(LookupError, by('mid'))
    leaf.ERROR(ZeroDivisionError, by('leaf'))
    leaf.GET('/:kind', fail)
    root.mount(mid, '/mid')
    mid.mount(leaf, '/leaf')
    replies = [ask(root, 'GET', f'/mid/leaf/{kind}').text for kind in ('zero', 'key', 'value')]
    assert replies == ['leaf: ZeroDivisionError', 'mid: KeyError', 'root: ValueError']


def test_what_is_not_found_under_a_prefix_is_the_childs_to_answer():
    root, mid, leaf = App(), App(), App()
    root.ERROR(404, answers('root'))
    mid.ERROR(404, answers('mid'))
    mid.GET('/only', answers('x'))
    mid.ERROR(405, answers('405'))
    mid.mount(leaf, '/leaf')
    root.mount(mid, '/mid')
    paths = ('/none', '/mid/none', '/mid/leaf/none', '/midway', '/mid')
    assert [ask(root, 'GET', path).text for path in paths] == ['root', 'mid', 'mid', 'root', 'mid']
    assert ask(root, 'POST', '/mid/only').text == '405'


# Life


def test_startup_and_shutdown_of_all_see_their_own_app_and_run_in_reverse_at_the_end():
    seen = []
    root, mid, leaf = (App({'name': name}) for name in ('root', 'mid', 'leaf'))

    def on(event):
        return lambda app: seen.append(f'{event} {app.CONFIG("name")}')

    async def both(app):
        seen.append(f'begin {app.CONFIG("name")}')
        yield
        seen.append(f'end {app.CONFIG("name")}')

    for app in (root, mid, leaf):
        app.ON(STARTUP, on('up'))
        app.ON(SHUTDOWN, on('down'))
        app.ON(STARTUP, both)
    mid.mount(leaf, '/leaf')
    root.mount(mid, '/mid')
    with Live(root):
        assert seen == [f'{event} {name}' for name in ('root', 'mid', 'leaf') for event in ('up', 'begin')]
        seen.clear()
    assert seen == [f'{event} {name}' for name in ('leaf', 'mid', 'root') for event in ('end', 'down')]


def test_a_child_that_cannot_start_keeps_the_server_from_starting_and_what_had_started_is_undone():
    seen = []

    async def both(app):
        seen.append('up')
        yield
        seen.append('down')

    root, child = App(), App()
    root.ON(STARTUP, both)
    child.ON(STARTUP, lambda app: 1 / 0)
    root.mount(child, '/x')
    with pytest.raises(StartupFailed, match='division'), Live(root):
        pass
    assert seen == ['up', 'down']


def test_a_daemon_of_a_child_sees_the_child():
    async def run():
        ran = asyncio.get_running_loop().create_future()

        async def daemon(app):
            ran.set_result(app)
            return False

        root, child = App(), App()
        child.DAEMON(daemon)
        root.mount(child, '/x')
        async with Live(root):
            async with asyncio.timeout(60):
                assert await ran is child

    asyncio.run(run())


def test_what_a_child_keeps_at_startup_is_for_one_run():
    root, child = App(), App()
    child.ON(STARTUP, lambda app: app.keep('key', app.peek('key', 0) + 1))
    root.mount(child, '/x')
    for _ in range(2):
        with Live(root):
            assert child.peek('key') == 1
        assert child.peek('key') is None


def test_dotted_paths_of_a_child_name_its_route_under_the_prefix_or_its_own():
    root, child = App(), App()
    child.GET('/:id', 'no_such_module.handler')
    root.mount(child, '/x')
    with pytest.raises(StartupFailed, match='/:id.*no_such_module'), Live(root):
        pass


def test_a_child_serves_alone_when_it_is_not_called_through_its_parent():
    root, child = App(), App()
    child.GET('/', answers('child'))
    root.mount(child, '/x')
    assert ask(child, 'GET', '/').text == 'child'


# URLs


@pytest.mark.parametrize('root_path', ['', '/api', '/api/v1', '/api/'])
def test_urls_are_built_through_three_levels_with_prefixes_and_root_path(root_path):
    root, mid, leaf, _ = nested()
    urls = {'root-id': '/7', 'mid-id': '/mid/7', 'leaf-id': '/mid/leaf/7', 'leaf': '/mid/leaf', 'root': '/'}
    for app in (root, mid, leaf):
        assert {name: app.url(name, id=7) for name in urls} == urls
    seen = []
    leaf.GET('/urls', lambda req, res, ctx: seen.extend(req.url_for(name, id=7) for name in urls))
    assert ask(root, 'GET', root_path.rstrip('/') + '/mid/leaf/urls', root_path=root_path).status == 200
    assert seen == [root_path.rstrip('/') + url for url in urls.values()]


def test_a_name_is_the_apps_own_before_anothers_and_unknown_ones_are_errors():
    root, a, b = App(), App(), App()
    for app, prefix in ((a, '/a'), (b, '/b')):
        app.GET('/', answers('x'), name='home')
        root.mount(app, prefix)
    assert (a.url('home'), b.url('home')) == ('/a', '/b')
    with pytest.raises(UrlError, match='nowhere'):
        a.url('nowhere')


def test_the_list_of_routes_shows_all_of_them_with_their_apps():
    root, _, leaf, _ = nested()
    listed = {(info.methods, info.route, info.subdomain, info.name): info.app for info in root.routes()}
    assert listed[('GET',), '/mid/leaf/:id:int', 'www', 'leaf-id'] is leaf
    assert len(listed) == 6


# Copies


def test_a_copy_has_copies_of_what_is_mounted():
    root, child, seen = App(), App(), []
    child.keep('key', 'real')
    child.GET('/', lambda req, res, ctx: seen.append(req.app) or res.out(200, req.app.peek('key')))
    root.mount(child, '/x')
    with Live(root) as live, Live(root.copy()) as twin:
        assert [each.ask('GET', '/x').text for each in (live, twin)] == ['real', 'real']
        assert seen[0] is child and seen[1] is not child
        seen[1].keep('key', 'fake')
        assert [each.ask('GET', '/x').text for each in (live, twin)] == ['real', 'fake']


def test_a_copy_serves_an_app_a_second_time():
    root, child = App(), App()
    child.GET('/', answers('child'))
    root.mount(child, '/a')
    root.mount(child.copy(), '/b')
    assert [ask(root, 'GET', path).text for path in ('/a', '/b')] == ['child', 'child']


def test_the_state_given_to_a_copy_wins_over_what_a_child_that_shares_it_keeps():
    root, child = App(), App()
    child.ON(STARTUP, lambda app: app.keep('db', 'real'))
    child.GET('/', lambda req, res, ctx: res.out(200, req.app.peek('db')))
    root.mount(child, '/x', isolated=False)
    assert ask(root.copy(Overrides(state={'db': 'fake'})), 'GET', '/x').text == 'fake'


@pytest.mark.parametrize('order', [*permutations(range(3))])
def test_the_child_of_the_narrowest_prefix_answers_a_miss_whatever_the_order(order):
    root, children = App(), []
    for prefix in ('/:x', '/b', '/b/:y'):
        child = App()
        child.ERROR(404, lambda req, res, ctx, prefix=prefix: res.out(404, prefix))
        children.append((child, prefix))
    for at in order:
        root.mount(*children[at])
    with Live(root) as live:
        paths = ('/a/none', '/b/none', '/b')
        assert [live.ask('GET', path).text for path in paths] == ['/:x', '/b/:y', '/b']


def test_a_prefix_has_no_queries():
    with pytest.raises(UrlError, match='no queries'):
        App().mount(App(), '/a?q=1')

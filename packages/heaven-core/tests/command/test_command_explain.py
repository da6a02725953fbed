"""`heaven explain`, and the record that it prints."""

import json

import pytest
from commands import folder as folder, heaven as heaven
from heaven import App, HandlerError

APP = """\
from heaven import App


async def timing(req, res, ctx):
    yield


def guard(req, res, ctx):
    res.out(401, 'Log in first')


def stamp(req, res, ctx):
    pass


def get_page(req, res, ctx):
    raise AssertionError('nothing is called')


def missing(req, res, ctx):
    pass


async def chat(req, ws, ctx):
    pass


async def old(scope, receive, send):
    pass


app = App()
app.BEFORE('/*', timing)
app.BEFORE('/admin/*', guard, methods=['GET', 'POST'])
app.AFTER('/*', stamp, always=True)
app.GET('/:name', get_page)
app.GET('/admin/keys/:id:int?page:int=1&since:date', get_page, name='key', before=[stamp])
app.POST('/documents', get_page, max_body_size=2**20)
app.PUT('/uploads', get_page, stream=True)
app.WS('/talk', chat, origins=['https://a.example'], max_body_size=1000)
app.ERROR(404, missing)
app.ERROR(ValueError, missing)
app.mount(old, '/old')
app.subdomain('api').GET('/', get_page)
"""


@pytest.fixture
def explain(folder, heaven):
    """What the command says of a request, without its first lines."""
    (folder / 'app.py').write_text(APP)

    def ask(*arguments):
        said = heaven('explain', *arguments)
        assert (said.code, said.err) == (0, '')
        assert max(map(len, said.out.splitlines())) <= 80
        return said.out

    return ask


def test_a_guard_that_covers_another_reading_of_the_path_is_told(explain):
    assert (
        explain('GET', '/admin%2Fkeys')
        == """\
GET /admin%2Fkeys

  path        /admin%2Fkeys
  or read as  /admin/keys
  subdomain   www
  route       /:name
  parameters  name = 'admin/keys'
  body        not read ahead; await req.read() takes up to 10 MiB

The course of this request
  1  BEFORE, to its yield    timing    /*                      app.py:4
  2  BEFORE                  guard     /admin/* (/admin/keys)  app.py:8
  3  the handler             get_page                          app.py:16
  4  always, AFTER           stamp     /*                      app.py:12
  5  always, from its yield  timing    /*                      app.py:4

If it fails, ERROR asks
  404         missing  app.py:20
  ValueError  missing  app.py:20
"""
    )


def test_queries_a_name_and_the_hooks_of_the_route_are_told(explain):
    said = explain('GET', '/admin/keys/7?page=2')
    assert '  route       /admin/keys/:id:int  (key)\n' in said
    assert '  parameters  id = 7\n  queries     page = 2, since = None\n' in said
    assert '  3  before= of the route    stamp     /admin/keys/:id:int  app.py:12\n' in said


def test_a_query_of_the_wrong_type_is_the_400_that_it_will_be(explain):
    said = explain('GET', '/admin/keys/7?page=x')
    assert "  4  400: query 'page' must be of type int\n" in said
    assert 'ERROR asks' not in said


def test_a_404_names_what_may_have_been_meant_and_who_is_asked(explain):
    said = explain('GET', '/admin/keys/x')
    assert '  perhaps    /admin/keys/:id:int\n' in said
    assert '  3  404: no route has this path\n' in said
    assert said.endswith('\nERROR asks\n  404  missing  app.py:20\n')


def test_a_405_names_the_methods(explain):
    said = explain('POST', '/admin/keys/7')
    assert '  methods    GET, HEAD, OPTIONS\n' in said
    assert '  3  405: the path has routes for other methods only\n' in said
    assert '  2  BEFORE                  guard   /admin/*  app.py:8\n' in said


def test_a_hook_for_other_methods_does_not_run(explain):
    assert 'guard' not in explain('PUT', '/admin/keys/7')


def test_an_automatic_options_is_told(explain):
    assert '204: OPTIONS is answered with the methods that there are' in explain('OPTIONS', '/documents')


def test_a_head_is_answered_by_get(explain):
    assert '  3  the handler of GET      get_page  ' in explain('HEAD', '/admin/keys/7').replace('  4  ', '  3  ')


def test_a_target_that_is_no_path_runs_what_always_runs_alone(explain):
    assert (
        explain('GET', '/a/../b')
        == """\
GET /a/../b

  subdomain  www

The course of this request
  1  400: the target is no path: that begins with a slash, without '.' or '..'
  2  always, AFTER  stamp  /*  app.py:12
"""
    )


@pytest.mark.parametrize(
    ('method', 'path', 'body'),
    [
        ('POST', '/documents', 'read before the hooks, up to 1 MiB'),
        ('PUT', '/uploads', 'left to req.stream(), of any size'),
        ('WS', '/talk', 'messages up to 1,000 bytes'),
    ],
)
def test_how_the_body_is_read_is_told(explain, method, path, body):
    said = explain(method, path)
    assert f'  body       {body}\n' in said
    assert ('  1  the body is read\n' in said) is (method == 'POST')


def test_a_socket_has_its_origins_and_runs_no_after_hooks_but_those_that_always_run(explain):
    said = explain('WS', '/talk')
    assert '  origins    https://a.example\n' in said
    assert '  3  always, AFTER           stamp   /*  app.py:12\n' in said


def test_a_mounted_app_is_named(explain):
    said = explain('DELETE', '/old/page')
    assert '  2  the mounted app         old         app.py:28\n' in said
    assert "  parameters  * = 'page'\n" in said


@pytest.mark.parametrize('arguments', [['/', '--host', 'api.example.com'], ['http://api.example.com/']])
def test_the_host_decides_the_subdomain(explain, arguments):
    said = explain('GET', *arguments)
    assert '  subdomain  api\n  route      /\n' in said


def test_an_unknown_subdomain_is_a_404(explain):
    assert '404: no route has this path' in explain('GET', '/', '--host', 'shop.example.com')


def test_json_is_the_record(explain):
    told = json.loads(explain('GET', '/admin%2Fkeys', 'app:app', '--json'))
    assert (told['route'], told['params'], told['status']) == ('/:name', {'name': 'admin/keys'}, None)
    assert told['readings'] == ['/admin%2Fkeys', '/admin/keys']
    assert told['before'][1] == {
        'kind': 'BEFORE',
        'function': {'name': 'app.guard', 'file': 'app.py', 'line': 8},
        'patterns': ['/admin/*'],
        'readings': ['/admin/keys'],
    }


def test_middlewares_come_first_the_outermost_first():
    class Inner:
        def __init__(self, app):
            raise AssertionError('nothing is made')

    class Outer(Inner):
        pass

    app = App()
    app.use(Inner)
    app.use(Outer)
    assert [name.rpartition('.')[2] for name in app.explain('GET', '/').middlewares] == ['Outer', 'Inner']


def test_dotted_paths_are_imported_and_a_wrong_one_is_an_error():
    app = App()
    app.GET('/', 'json.dumps')
    assert app.explain('GET', '/').handler.name == 'json.dumps'
    app.GET('/wrong', 'json.nothing')
    with pytest.raises(HandlerError, match='json.nothing'):
        app.explain('GET', '/')


def test_nothing_of_the_app_changes():
    app = App()
    app.GET('/', lambda req, res, ctx: None)
    app.explain('GET', '/')
    assert not app.is_running
    app.GET('/later', lambda req, res, ctx: None)
    assert app.explain('GET', '/later').status is None


def test_hooks_of_a_mounted_app_are_told_with_its_prefix():
    def guard(req, res, ctx):
        pass

    app, child = App(), App()
    child.BEFORE('/*', guard)
    child.GET('/page', lambda req, res, ctx: None)
    app.mount(child, '/child')
    (hook,) = app.explain('GET', '/child/page').before
    assert (hook.name, hook.patterns, hook.readings) == ('guard', ('/child/*',), ('/child/page',))
    assert child.explain('GET', '/child/page').route == '/child/page'


def test_batteries_stand_outside_of_the_hooks(folder, heaven):
    text = 'from heaven import App\n\napp = App()\napp.cors("https://a.example")\napp.same_origin()\n'
    (folder / 'app.py').write_text(text + 'app.POST("/", lambda req, res, ctx: None)\n')
    assert heaven('explain', 'POST', '/').out.endswith("""
The course of this request
  1  app.cors
  2  app.same_origin
  3  the body is read
  4  the handler  <lambda>  app.py:6
  5  app.same_origin, its last word
  6  app.cors, its last word
""")


def test_a_name_is_that_of_the_subdomain_that_is_asked():
    app = App()
    app.GET('/', print, name='home')
    app.subdomain('api').GET('/', print, name='api-home')
    assert app.explain('GET', '/').name == 'home'
    assert app.explain('GET', '/', 'api.example.com').name == 'api-home'


COURSE = """\
from heaven import App


class Timing:
    def __init__(self, app):
        self.app = app


def guard(req, res, ctx):
    pass


def stamp(req, res, ctx):
    pass


def a_function_with_a_name_that_is_much_too_long_for_a_terminal(req, res, ctx):
    pass


app = App()
app.use(Timing)
app.BEFORE('/*', guard)
app.AFTER('/*', stamp)
app.GET('/', a_function_with_a_name_that_is_much_too_long_for_a_terminal)
"""


def test_all_that_a_request_passes_is_told_in_order_and_the_place_of_a_long_name_stands_below_it(folder, heaven):
    (folder / 'app.py').write_text(COURSE)
    assert heaven('explain', 'GET', '/').out.endswith("""
The course of this request
  1  middleware   app.Timing
  2  BEFORE       guard  /*  app.py:9
  3  the handler  a_function_with_a_name_that_is_much_too_long_for_a_terminal
     app.py:17
  4  AFTER        stamp  /*  app.py:13
""")

"""`heaven routes`."""

import json
import os
import subprocess
import sys

import pytest
from commands import folder as folder, heaven as heaven

APP = """\
from heaven import App


def guard(req, res, ctx):
    pass


def audit(req, res, ctx):
    pass


def stamp(req, res, ctx):
    pass


def get_page(req, res, ctx):
    pass


async def talk(req, ws, ctx):
    pass


class Old:
    async def __call__(self, scope, receive, send):
        pass


app, child = App(), App()
app.BEFORE('/*', audit, methods='POST')
app.BEFORE('/admin/*', guard)
app.AFTER('/*', stamp)
app.GET('/', get_page)
app.METHOD(['GET', 'POST'], '/admin/keys/:id:int', get_page, name='key', before=[audit])
app.HTTP('/:section/:page', get_page)
app.WS('/talk', talk)
app.mount(Old(), '/old')
child.GET('/rounds', get_page)
app.mount(child, '/wards')
app.subdomain('api').GET('/', 'json.dumps')
"""

LISTED = """\
GET       /
          get_page                                                     app.py:16
          after: stamp

GET POST  /admin/keys/:id:int                                                key
          get_page                                                     app.py:16
          before: audit, guard
          after: stamp

HTTP      /:section/:page
          get_page                                                     app.py:16
          before: audit (POST), guard (some paths)
          after: stamp

WS        /talk
          talk                                                         app.py:20

any       /old/*
          the mounted app an object of app.Old                         app.py:24
          before: audit (POST)
          after: stamp

On the subdomain api:

GET       /
          dumps                                                  {json}
          after: stamp

Of the app that is mounted at /wards:

GET       /wards/rounds
          get_page                                                     app.py:16
          after: stamp
"""


@pytest.fixture
def routes(folder, heaven):
    (folder / 'app.py').write_text(APP)

    def ask(*arguments):
        said = heaven('routes', *arguments)
        assert (said.code, said.err) == (0, '')
        return said.out

    return ask


def test_routes_are_listed_with_their_hooks_in_80_columns(routes):
    said = routes()
    lines = [line for line in said.splitlines() if 'json' not in line and 'dumps' not in line]
    assert lines == [line for line in LISTED.splitlines() if 'json' not in line]
    assert max(map(len, lines)) == 80


def test_routes_of_the_app_itself_come_before_every_heading(folder, heaven):
    (folder / 'app.py').write_text(
        'from heaven import App\n'
        'app = App()\n'
        "app.subdomain('api').GET('/far', 'json.dumps')\n"
        "app.GET('/near', 'json.dumps')\n"
    )
    said = heaven('routes').out
    assert said.index('/near') < said.index('On the subdomain api:') < said.index('/far')


def test_json_has_all_of_it(routes):
    listed = json.loads(routes('--json'))
    assert [(route['subdomain'], route['mounted_at'], route['route']) for route in listed] == [
        ('www', None, '/'),
        ('www', None, '/admin/keys/:id:int'),
        ('www', None, '/:section/:page'),
        ('www', None, '/talk'),
        ('www', None, '/old/*'),
        ('api', None, '/'),
        ('www', '/wards', '/wards/rounds'),
    ]
    assert listed[1] == {
        'methods': ['GET', 'POST'],
        'route': '/admin/keys/:id:int',
        'subdomain': 'www',
        'name': 'key',
        'handler': {'name': 'app.get_page', 'file': 'app.py', 'line': 16},
        'is_mounted': False,
        'mounted_at': None,
        'hooks': [
            {
                'function': {'name': 'app.audit', 'file': 'app.py', 'line': 8},
                'is_before': True,
                'methods': None,
                'covers_all': True,
            },
            {
                'function': {'name': 'app.guard', 'file': 'app.py', 'line': 4},
                'is_before': True,
                'methods': None,
                'covers_all': True,
            },
            {
                'function': {'name': 'app.stamp', 'file': 'app.py', 'line': 12},
                'is_before': False,
                'methods': None,
                'covers_all': True,
            },
        ],
    }


def test_an_app_without_routes_says_so(folder, heaven):
    (folder / 'app.py').write_text('from heaven import App\n\napp = App()\n')
    assert heaven('routes').out == 'The app has no routes.\n'
    assert json.loads(heaven('routes', '--json').out) == []


def test_what_has_no_line_of_python_is_listed_without_a_place(folder, heaven):
    text = 'import json\n\nfrom heaven import App\n\napp = App()\n'
    (folder / 'app.py').write_text(text + "app.GET('/', json.JSONDecoder().scan_once)\napp.GET('/built-in', print)\n")
    first, second = heaven('routes').out.removesuffix('\n').split('\n\n')
    assert first == 'GET       /\n          an object of _json.Scanner'
    assert second == 'GET       /built-in\n          print'


def test_a_name_that_does_not_fit_beside_its_route_stands_below_it(folder, heaven):
    name, path = 'n' * 30, 'p' * 50
    route = f'app.GET("/{path}", lambda req, res, ctx: None, name="{name}")\n'
    (folder / 'app.py').write_text(f'from heaven import App\n\napp = App()\n{route}')
    assert heaven('routes').out == f'GET       /{path}\n{name:>80}\n          {"<lambda>":<62}app.py:4\n'


TWICE = """\
import functools

from heaven import App


def guard(req, res, ctx, role='nurse'):
    pass


def stamp(req, res, ctx):
    pass


app = App()
app.BEFORE('/wards/*', guard, methods='GET')
app.BEFORE('/wards/:id', guard, methods='POST')
app.AFTER('/wards/7', stamp, methods='GET')
app.AFTER('/wards/*', stamp)
app.HTTP('/wards/:id', functools.partial(functools.partial(guard), role='doctor'))
"""


def test_a_hook_that_is_registered_twice_is_listed_once_with_all_that_it_covers(folder, heaven):
    (folder / 'app.py').write_text(TWICE)
    assert (
        heaven('routes').out
        == """\
HTTP      /wards/:id
          guard                                                         app.py:6
          before: guard (GET, POST)
          after: stamp
"""
    )


@pytest.mark.skipif(os.name == 'nt', reason='a pipe of POSIX')
def test_a_reader_that_has_enough_is_no_failure(folder):
    long = 'x' * 1000  # so that all of it is more than a pipe holds
    routes = ''.join(f'app.GET("/{at}/{long}", print)\n' for at in range(500))
    (folder / 'app.py').write_text(f'from heaven import App\n\napp = App()\n{routes}')
    command = [sys.executable, '-m', 'heaven', 'routes']
    env = {**os.environ, 'PYTHONUNBUFFERED': ''}  # unbuffered, Python takes the half that was read for all of it
    with subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as asked:
        assert asked.stdout.readline() == b'GET       /0/%s\n' % long.encode()
        asked.stdout.close()
        assert asked.stderr.read() == b''

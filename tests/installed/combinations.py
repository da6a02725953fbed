"""Wheels as strangers install them: each combination in a bare environment.

`nox -s install` runs this with every supported Python of the machine, on wheels of this tree.
"""

from zipfile import ZipFile

import pytest
from environments import WHEELS

ALONE = """
import heaven
app = heaven.App()
app.GET('/', lambda req, res, ctx: res.out(200, {'hello': 'world'}))
assert 'jinja2' not in sys.modules and 'httpx' not in sys.modules
"""
TEMPLATING = """
from heaven_templating import Templates
Path('templates').mkdir(exist_ok=True)
Path('templates/a.html').write_text('<b>{{ name }}</b>')
async def page(req, res, ctx):
    await res.render('a.html', name='<Ada>')
app.GET('/page', page)
"""
TESTING = """
from heaven_testing import Client
with Client(app) as client:
    assert client.get('/').json() == {'hello': 'world'}
    assert client.get('/nowhere').status_code == 404
"""
BOTH = "    assert client.get('/page').text == '<b>&lt;Ada&gt;</b>'\n"
BY_HAND = """
import asyncio
sent = []
async def receive():
    return {'type': 'http.request'}
async def send(message):
    sent.append(message)
scope = {'type': 'http', 'http_version': '1.1', 'method': 'GET', 'path': PATH, 'query_string': b'', 'headers': []}
asyncio.run(app({**scope, 'asgi': {'version': '3.0'}}, receive, send))
assert sent[0]['status'] == 200, sent
"""
FIRST = 'import sys\nfrom pathlib import Path\n'


COMBINATIONS = {
    'heaven-core': ALONE + BY_HAND.replace('PATH', "'/'"),
    'heaven-templating': ALONE + TEMPLATING + BY_HAND.replace('PATH', "'/page'"),
    'heaven-testing': ALONE + TESTING,
    'heaven-templating heaven-testing': ALONE + TEMPLATING + TESTING + BOTH,
}


@pytest.mark.parametrize('names', COMBINATIONS)
def test_a_combination_works_in_a_bare_environment(environment, names):
    environment.install(*(WHEELS[name] for name in names.split()))
    assert environment.run(FIRST + COMBINATIONS[names]) == (0, '')
    environment.pip('check')


@pytest.mark.parametrize('name', WHEELS)
def test_a_wheel_holds_the_package_its_types_and_its_licence_and_nothing_else(name):
    with ZipFile(WHEELS[name]) as wheel:
        names = wheel.namelist()
    package = 'heaven' if name == 'heaven-core' else name.replace('-', '_')
    information = WHEELS[name].name.removesuffix('-py3-none-any.whl') + '.dist-info/'
    assert {f'{package}/__init__.py', f'{package}/py.typed', f'{information}licenses/LICENSE'} <= set(names)
    strays = [name for name in names if not name.startswith((f'{package}/', information))]
    strays += [name for name in names if name.startswith(f'{package}/') and not name.endswith(('.py', '/py.typed'))]
    assert strays == []

"""The pytest plugin, in pytest runs of its own."""

import importlib.util
import sys

import pytest

pytest_plugins = ['pytester']

APP = """
    async def app(scope, receive, send):
        if scope['type'] == 'lifespan':
            assert (await receive())['type'] == 'lifespan.startup'
            scope['state']['started'] = True
            await send({'type': 'lifespan.startup.complete'})
            await receive()
            print('shut down')
            return await send({'type': 'lifespan.shutdown.complete'})
        import asyncio
        body = f'{scope["state"]["started"]} {id(asyncio.get_running_loop())}'.encode()
        await send({'type': 'http.response.start', 'status': 200})
        await send({'type': 'http.response.body', 'body': body})
"""
ASYNC_TEST = """
        import asyncio
        started, loop = (await async_client.get('/')).text.split()
        assert started == 'True'
        assert loop == str(id(asyncio.get_running_loop()))
"""

BOTH = f"""
def test_it(client):
    assert client.get('/').text.startswith('True ')

async def test_async(async_client):{ASYNC_TEST}
"""


def missing(*modules):
    return [name for name in modules if importlib.util.find_spec(name) is None]


def needs(*modules):
    return pytest.mark.skipif(bool(missing(*modules)), reason=f'not installed: {missing(*modules)}')


@pytest.fixture
def suite(pytester, monkeypatch):
    """Writes a suite and runs it in a process of its own, with warnings as errors and the plugins named."""
    monkeypatch.setenv('PYTEST_DISABLE_PLUGIN_AUTOLOAD', '1')
    monkeypatch.delenv('DJANGO_SETTINGS_MODULE', raising=False)

    def run(*plugins, ini='', **files):
        pytester.makepyfile(service=APP, **files)
        if 'pytest_asyncio.plugin' in plugins:
            ini += '\nasyncio_default_fixture_loop_scope = function'
        pytester.makeini(f'[pytest]\nfilterwarnings = error\n{ini}')
        if 'heaven_testing.plugin' not in plugins:
            plugins = ('heaven_testing.plugin', *plugins)
        names = [part for plugin in plugins for part in ('-p', plugin)]
        return pytester.run(sys.executable, '-m', 'pytest', '-s', *names)

    return run


APP_FIXTURE = """
    import pytest

    @pytest.fixture
    def app():
        import service
        return service.app
"""


def test_client_is_of_the_app_fixture_or_of_the_app_named_in_the_configuration(suite):
    test = "def test_it(client):\n    assert client.get('/').text.startswith('True ')"
    for given in (
        {'conftest': APP_FIXTURE},
        {'ini': 'heaven_app = service:app'},
        {'ini': 'heaven_app = "service:app"'},
    ):
        result = suite(test_it=test, **{'conftest': '', **given})
        result.assert_outcomes(passed=1)
        result.stdout.fnmatch_lines('*shut down*')


def test_the_app_fixture_wins_over_the_configuration(suite):
    suite(conftest=APP_FIXTURE, ini='heaven_app = nowhere:app', test_it='def test_it(client): pass').assert_outcomes(
        passed=1
    )


@pytest.mark.parametrize(
    ('files', 'said'),
    [
        ({}, 'give the suite an `app` fixture, or set heaven_app = "module:app"'),
        ({'ini': 'heaven_app = nowhere:app'}, 'heaven_app = "nowhere:app": No module named \'nowhere\'; looked in'),
        ({'ini': 'heaven_app = service:other'}, 'heaven_app = "service:other": module \'service\' has no attribute'),
        (
            {'conftest': 'import pytest\n@pytest.fixture\ndef app(): return 7'},
            'the `app` fixture gave 7, which is no ASGI',
        ),
    ],
)
def test_a_suite_without_an_app_is_told_what_to_do(suite, files, said):
    result = suite(test_it='def test_it(client): pass', **files)
    result.assert_outcomes(errors=1)
    assert said in result.stdout.str()


@pytest.mark.parametrize(
    ('plugins', 'ini', 'marker', 'passed'),
    [
        ((), '', '', 1),
        (('pytest_asyncio.plugin',), '', '@pytest.mark.asyncio', 1),
        (('pytest_asyncio.plugin',), 'asyncio_mode = auto', '', 1),
        (('pytest_asyncio.plugin',), '', '', 1),
        (('pytest_asyncio.plugin',), '', "@pytest.mark.asyncio(loop_scope='module')", 1),
        (('pytest_asyncio.plugin',), 'asyncio_default_test_loop_scope = session', '@pytest.mark.asyncio', 1),
        (('anyio.pytest_plugin',), '', '@pytest.mark.anyio', 1),
        (('anyio.pytest_plugin',), 'anyio_mode = auto', '', 1),
    ],
)
def test_async_client_lives_on_the_loop_of_the_test(suite, plugins, ini, marker, passed):
    if missing(*(plugin.partition('.')[0] for plugin in plugins)):
        pytest.skip(f'not installed: {plugins}')
    backend = (
        "@pytest.fixture\ndef anyio_backend():\n    return 'asyncio'\n" if 'anyio.pytest_plugin' in plugins else ''
    )
    test = f'import pytest\n{backend}\n{marker}\nasync def test_it(async_client):{ASYNC_TEST}'
    in_class = f"""
class TestIt:
    {marker or 'pass'}
    async def test_it(self, async_client):
        import asyncio
        assert (await async_client.get('/')).text.endswith(str(id(asyncio.get_running_loop())))
"""
    result = suite(*plugins, ini=ini, conftest=APP_FIXTURE, test_it=test + in_class)
    result.assert_outcomes(passed=passed * 2)
    assert result.stdout.str().count('shut down') == 2


@needs('pytest_asyncio')
def test_an_async_fixture_may_use_the_client_before_and_after_the_test(suite):
    test = """
    import pytest, pytest_asyncio

    @pytest_asyncio.fixture
    async def logged_in(async_client):
        await async_client.get('/')
        yield async_client
        assert (await async_client.get('/')).text.startswith('True')

    @pytest.mark.asyncio
    async def test_it(logged_in):
        await logged_in.get('/')
    """
    suite('pytest_asyncio.plugin', conftest=APP_FIXTURE, test_it=test).assert_outcomes(passed=1)


def test_async_client_in_a_test_that_is_not_async_says_which_fixture_to_use(suite):
    result = suite(conftest=APP_FIXTURE, test_it='def test_it(async_client): pass')
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines('*async_client is for async tests, and test_it is none: use client*')


WSGI_FIXTURE = """
    import pytest

    @pytest.fixture
    def app():
        return lambda environ, start_response: []
"""


@pytest.mark.parametrize('fixture', ['client', 'heaven_client'])
def test_a_fixture_that_the_app_fixture_lacks_is_named(suite, fixture):
    result = suite(
        conftest='import pytest\n@pytest.fixture\ndef app(database): pass', test_it=f'def test_it({fixture}): pass'
    )
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines("*fixture 'database' not found*")


def test_a_fixture_that_the_client_of_another_plugin_lacks_is_named(suite):
    result = suite(
        'theirs',
        'heaven_testing.plugin',
        theirs='import pytest\n@pytest.fixture\ndef client(database): pass',
        conftest=WSGI_FIXTURE,
        test_it='def test_it(client): pass',
    )
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines("*fixture 'database' not found*")


def test_an_app_fixture_that_is_no_asgi_application_gives_way_to_the_app_that_is_named(suite):
    test = "def test_it(client):\n    assert client.get('/').text.startswith('True ')"
    suite(conftest=WSGI_FIXTURE, ini='heaven_app = service:app', test_it=test).assert_outcomes(passed=1)


def test_an_app_that_tells_no_signature_is_taken_for_an_asgi_application(suite):
    conftest = """
    import pytest, service

    class Compiled:
        @property
        def __signature__(self):
            raise ValueError('no signature found')

        async def __call__(self, *arguments):
            await service.app(*arguments)

    @pytest.fixture
    def app():
        return Compiled()
"""
    test = "def test_it(client):\n    assert client.get('/').text.startswith('True ')"
    suite(conftest=conftest, test_it=test).assert_outcomes(passed=1)


def test_the_app_that_is_named_is_found_beside_the_configuration_wherever_pytest_is_called(
    suite, pytester, monkeypatch
):
    folder = pytester.mkdir('tests')
    (folder / 'test_it.py').write_text("def test_it(client):\n    assert client.get('/').text.startswith('True ')")
    monkeypatch.chdir(folder)
    suite(ini='heaven_app = service:app').assert_outcomes(passed=1)


def test_what_the_app_that_is_named_cannot_import_is_told(suite):
    result = suite(ini='heaven_app = broken:app', broken='import nothing_there', test_it='def test_it(client): pass')
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(['*import nothing_there', "*ModuleNotFoundError: No module named 'nothing_there'"])


def test_a_suite_that_does_not_use_it_imports_neither_httpx_nor_heaven(suite):
    test = """
    import sys

    def test_it():
        heavy = {'httpx', 'heaven', 'asyncio', 'ssl', 'anyio', 'heaven_testing.client', 'heaven_testing.engine'}
        assert not heavy & set(sys.modules)
    """
    suite(conftest=APP_FIXTURE, test_it=test).assert_outcomes(passed=1)


DJANGO = """
    import pytest, django.test

    def test_it(client, async_client):
        assert isinstance(client, django.test.Client)
        assert isinstance(async_client, django.test.AsyncClient)

    def test_ours(heaven_client):
        assert heaven_client.get('/').text.startswith('True ')
"""
SETTINGS = "SECRET_KEY = 'x'\nINSTALLED_APPS = []\nDATABASES = {}"


@needs('django', 'pytest_django')
@pytest.mark.parametrize('order', [1, -1])
def test_the_client_of_a_django_suite_stays_djangos(suite, order):
    result = suite(
        *('pytest_django.plugin', 'heaven_testing.plugin')[::order],
        ini='DJANGO_SETTINGS_MODULE = settings\npythonpath = .',
        settings=SETTINGS,
        conftest=APP_FIXTURE,
        test_it=DJANGO,
    )
    result.assert_outcomes(passed=2)


@needs('django', 'pytest_django')
@pytest.mark.parametrize('order', [1, -1])
def test_client_is_ours_where_pytest_django_is_installed_but_no_django_is_tested(suite, order):
    test = BOTH
    result = suite(*('pytest_django.plugin', 'heaven_testing.plugin')[::order], conftest=APP_FIXTURE, test_it=test)
    result.assert_outcomes(passed=2)


FLASK_APP = """
    import flask, pytest

    @pytest.fixture
    def app():
        app = flask.Flask(__name__)
        app.route('/')(lambda: 'Flask')
        return app
"""


@needs('flask', 'pytest_flask')
@pytest.mark.parametrize('order', [1, -1])
def test_the_client_of_a_flask_suite_stays_flasks(suite, order):
    test = """
    import flask.testing

    def test_it(client):
        assert isinstance(client, flask.testing.FlaskClient)
        assert client.get('/').text == 'Flask'
    """
    plugins = ('pytest_flask.plugin', 'heaven_testing.plugin')[::order]
    suite(*plugins, conftest=FLASK_APP, test_it=test).assert_outcomes(passed=1)


@needs('flask', 'pytest_flask')
@pytest.mark.parametrize('order', [1, -1])
def test_client_is_ours_where_pytest_flask_is_installed_but_no_flask_is_tested(suite, order):
    test = BOTH
    plugins = ('pytest_flask.plugin', 'heaven_testing.plugin')[::order]
    suite(*plugins, conftest=APP_FIXTURE, test_it=test).assert_outcomes(passed=2)
    suite(*plugins, conftest='', ini='heaven_app = service:app', test_it=test).assert_outcomes(passed=2)


def test_a_conftest_has_the_last_word(suite):
    conftest = (
        APP_FIXTURE
        + """
    @pytest.fixture
    def client(client):
        client.headers['x-mine'] = 'yes'
        return client
    """
    )
    test = "def test_it(client):\n    assert client.headers['x-mine'] == 'yes'\n    client.get('/')"
    suite(conftest=conftest, test_it=test).assert_outcomes(passed=1)

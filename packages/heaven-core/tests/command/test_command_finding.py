"""Which app a command is about; whatever is wrong is one sentence that says what was found instead, and exit code 2."""

import subprocess
import sys

import pytest
from commands import folder as folder, heaven as heaven

APP = 'from heaven import App\n\n{name} = App()\n{name}.GET("/", print)\n'


def write(folder, **files):
    for name, text in files.items():
        path = folder / f'{name.replace("__", "/")}.py'
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize('file', ['app', 'main', 'src__app', 'src__main'])
def test_an_app_is_found_where_apps_usually_are(folder, heaven, file):
    write(folder, **{file: APP.format(name='app')})
    assert heaven('routes').code == 0


def test_the_first_file_that_has_an_app_is_taken(folder, heaven):
    write(folder, app='nothing = 1', main=APP.format(name='app'), src__app='raise SystemExit')
    assert heaven('routes').code == 0


@pytest.mark.parametrize('target', ['clinic', 'clinic:app', 'shop.web:store', 'clinic:make_app', 'clinic:inner.app'])
def test_an_app_is_found_by_its_name(folder, heaven, target):
    factory = '\n\ndef make_app():\n    return app\n\n\nclass inner:\n    pass\n\n\ninner.app = app\n'
    write(folder, clinic=APP.format(name='app') + factory, shop__web=APP.format(name='store'))
    assert heaven('routes', target).code == 0


WRONG = [
    # what is there, what is asked for, what is said
    ({}, [], 'heaven: there is no app.py, main.py, src/app.py or src/main.py in {folder}: go to the folder'),
    ({'app': 'application = 1'}, [], 'heaven: app.py has no app: there is no app in app'),
    ({'app': APP.format(name='site')}, [], 'heaven: app.py has no app: it has site, so name app:site'),
    (
        {'app': 'from heaven import App\n\n\ndef make_app():\n    return App()\n'},
        [],
        'heaven: app.py has no app: it has make_app, so name app:make_app',
    ),
    ({'app': APP.format(name='app')}, ['appp'], 'heaven: there is no module appp: in {folder} there is app'),
    ({}, ['app'], 'heaven: there is no module app: in {folder} there is no Python file'),
    ({'app': APP.format(name='app')}, ['app.web'], 'heaven: there is no module app.web: in {folder} there is app'),
    (
        {'app': APP.format(name='app')},
        ['app:site'],
        'heaven: app has no site: it has app, so name app:app',
    ),
    ({'app': 'app = {}'}, [], 'heaven: app:app is a dict, which is no app'),
    ({'app': 'def app(request): pass'}, [], 'heaven: app:app is a function of 1 parameter, which is no app'),
    ({'app': 'from heaven import App as app'}, [], 'heaven: app:app is the class App, which is no app'),
    ({'app': 'def app(): return 1'}, [], 'heaven: what app:app returns is an int, which is no app'),
    (
        {'app': 'async def app(scope, receive, send): pass'},
        [],
        'heaven: app:app is a function of 3 parameters, and heaven routes tells of apps of Heaven: name the App that',
    ),
    ({'app': APP.format(name='app')}, ['app.py'], 'heaven: app.py is a file, and an app is named as a module: app:app'),
    ({}, ['src/app.py:site'], 'heaven: src/app.py:site is a file, and an app is named as a module: src.app:site'),
    ({'app': 'import json\n\napp = json\n'}, [], 'heaven: app:app is the module json, which is no app'),
    ({}, ['my-app'], "heaven: 'my-app' names no app: write module:attribute, such as app:app"),
]


@pytest.mark.parametrize(('files', 'asked', 'sentence'), WRONG, ids=range(len(WRONG)))
def test_a_wrong_use_is_one_sentence(folder, heaven, files, asked, sentence):
    write(folder, **files)
    said = heaven('routes', *asked)
    assert (said.code, said.out, said.err.count('\n')) == (2, '', 1)
    assert said.err.startswith(sentence.format(folder=folder))


@pytest.mark.parametrize(
    ('files', 'asked', 'last', 'sentence'),
    [
        (
            {'app': 'import helper\n', 'helper': 'def work():\n    1 / 0\n\n\nwork()\n'},
            [],
            'ZeroDivisionError: division by zero\n',
            'heaven: app cannot be imported: ZeroDivisionError: division by zero, in helper.py, line 2\n',
        ),
        (
            {'app': 'import nothing_there\n'},
            ['app'],
            "ModuleNotFoundError: No module named 'nothing_there'\n",
            "heaven: app cannot be imported: ModuleNotFoundError: No module named 'nothing_there', in app.py, line 1\n",
        ),
        ({'app': 'app = (\n'}, ['app'], '', 'heaven: app cannot be imported: SyntaxError: '),
        (
            {'app': 'import sys\nsys.exit("no DATABASE")\n'},
            ['app'],
            'SystemExit: no DATABASE\n',
            'heaven: app cannot be imported: SystemExit: no DATABASE, in app.py, line 2\n',
        ),
        (
            {'app': 'def make_app():\n    return {}["DATABASE"]\n'},
            ['app:make_app'],
            "KeyError: 'DATABASE'\n",
            "heaven: app:make_app() has failed: KeyError: 'DATABASE', in app.py, line 2\n",
        ),
    ],
    ids=['raises', 'imports', 'syntax', 'exits', 'factory'],
)
def test_code_that_fails_is_shown_where_it_fails(folder, heaven, files, asked, last, sentence):
    write(folder, **files)
    said = heaven('explain', 'GET', '/', *asked)
    details, _, told = said.err.rpartition('heaven: ')
    assert (said.code, said.out) == (2, '')
    assert f'heaven: {told}'.startswith(sentence)
    assert details.endswith(last)
    assert 'importlib' not in details and 'finding.py' not in details


def test_what_keeps_an_app_from_starting_is_told(folder, heaven):
    write(folder, app='from heaven import App\n\napp = App()\napp.GET("/", "json.nothing")\n')
    for command in (['routes'], ['explain', 'GET', '/']):
        said = heaven(*command)
        assert (said.code, said.out) == (2, '')
        assert said.err.startswith('heaven: the app cannot start: HandlerError: /: ')


@pytest.mark.parametrize(
    ('arguments', 'sentence'),
    [
        (['explain', 'get', '/'], "'get' is no method, for case matters: did you mean GET?"),
        (['explain', '/', 'GET'], "'/' is no method: it is a token such as GET"),
        (['explain', 'GET'], 'the following arguments are required: target'),
        (['run', '--port', '70000'], "'70000' is no port: it is a number up to 65535"),
        (['run', '--port', 'http'], "'http' is no port: it is a number up to 65535"),
        (['run', '--workers', '0'], "'0' is no number of processes: it is at least 1"),
        (['run', '--workers', '2', '--reload'], 'not allowed with argument --workers'),
        (['serve'], "invalid choice: 'serve'"),
        ([], 'the following arguments are required: command'),
    ],
)
def test_a_wrong_argument_is_one_sentence(heaven, arguments, sentence):
    said = heaven(*arguments)
    assert (said.code, said.out, said.err.count('\n')) == (2, '', 1)
    assert said.err.startswith('heaven') and sentence in said.err


def test_the_command_is_there_as_a_module(folder):
    write(folder, app=APP.format(name='app'))
    asked = [sys.executable, '-m', 'heaven']
    said = subprocess.run([*asked, 'explain', 'GET', '/'], capture_output=True, text=True, check=True, cwd=folder)
    assert said.stdout.startswith('GET /\n')
    wrong = subprocess.run([*asked, 'routes', 'other'], capture_output=True, text=True, check=False, cwd=folder)
    assert (wrong.returncode, wrong.stdout) == (2, '')


def test_without_uvicorn_run_says_what_to_install(folder, heaven, monkeypatch):
    write(folder, app=APP.format(name='app'))
    monkeypatch.setitem(sys.modules, 'uvicorn', None)
    said = heaven('run')
    assert said.code == 2
    assert "pip install 'heaven-core[server]'" in said.err


def test_the_version_is_told(heaven):
    import heaven as package

    assert heaven('--version') == (0, f'{package.__version__}\n', '')

"""The recipes of docs/deploying.md: `nox -s servers` tries those that need Python alone, `nox -s deploying` all."""

import asyncio
import http.client
import importlib
import json
import os
import shlex
import shutil
import signal
import ssl
import subprocess
import sys
import threading
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CLINIC = HERE.parents[1] / 'examples' / 'patients'
sys.path.insert(0, str(HERE))

from recipes import recipes, write_recipes  # noqa: E402
from report import STOPS, open_case, serving  # noqa: E402
from served import Served, free_port  # noqa: E402
from wire import Line, Socket, ask  # noqa: E402

ORIGIN = 'http://127.0.0.1:{port}'


def tool(name):
    """Return the path of a program; without it the test is skipped, or fails in the session that installs it."""
    beside = Path(sys.executable).parent / name
    path = str(beside) if beside.exists() else shutil.which(name)
    if path is None:
        if 'ALL_RECIPES' in os.environ:
            pytest.fail(f'{name} is not installed')
        pytest.skip(f'{name} is not installed')
    return path


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def unit_command():
    """Return what the unit of systemd starts, as a list."""
    text = recipes()['clinic.service'].replace('\\\n', ' ')
    line = next(line for line in text.splitlines() if line.startswith('ExecStart='))
    return shlex.split(line.removeprefix('ExecStart=').replace('/srv/clinic/venv/bin/', ''))


def container_command():
    line = next(line for line in recipes()['Containerfile'].splitlines() if line.startswith('CMD '))
    return json.loads(line.removeprefix('CMD '))


# Stopping


@pytest.mark.parametrize(
    'name',
    [
        '`uvicorn --timeout-graceful-shutdown 3`',
        '`gunicorn -k workers.Worker --graceful-timeout 6`',
        '`hypercorn -k uvloop`',
        'the same with `granian_stop.py`',
    ],
)
def test_a_stop_with_an_open_stream_ends_the_stream_and_runs_shutdown(name):
    command, app = STOPS[name]
    kills = {'gunicorn': '--graceful-timeout', 'granian': '--workers-kill-timeout'}.get(command[0])
    patient = ['30' if option == kills else part for option, part in zip(['', *command], command, strict=False)]
    with serving(patient, app) as server:
        with open_case(server, 'events'):
            server.stop()
        assert [each for each in ('finally', 'daemon', 'SHUTDOWN') if not server.noted(each)] == []


# Behind nginx


@contextmanager
def nginx(folder, socket):
    """Run nginx with the recipe, on a free port, in front of a Unix socket; give the port."""
    program = tool('nginx')
    port = free_port()
    site = recipes()['clinic.conf'].replace('listen 80;', f'listen 127.0.0.1:{port};')
    site = site.replace('/run/clinic/app.sock', str(socket)).replace('/srv/clinic/assets/', f'{CLINIC}/assets/')
    paths = ' '.join(
        f'{name}_temp_path {folder}/{name};' for name in ('client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi')
    )
    user = 'user root;' if os.getuid() == 0 else ''
    text = f'{user} pid {folder}/nginx.pid; error_log {folder}/nginx.log; daemon off; events {{}}'
    config = folder / 'nginx.conf'
    config.write_text(f'{text} http {{ include /etc/nginx/mime.types; access_log off; {paths} {site} }}')
    run(program, '-t', '-e', f'{folder}/nginx.log', '-c', str(config))
    process = subprocess.Popen([program, '-e', f'{folder}/nginx.log', '-c', str(config)])
    try:
        yield port
    finally:
        process.terminate()
        process.wait(60)


@contextmanager
def site(folder, app, where, *options, path='/'):
    """Serve an app as the unit of systemd does, behind nginx as the recipe says; give the server, with nginx's port."""
    socket = folder / 'app.sock'
    command = [str(socket) if part == '/run/clinic/app.sock' else part for part in unit_command()]
    command = [{'app:app': app, '4': '2'}.get(part, part) for part in command] + [*options]
    server = Served(command, app, folder, where, PATIENTS_DB=str(folder / 'patients.db'))
    try:
        with nginx(folder, socket) as port:
            server.port = port

            def answers():
                assert server.process.poll() is None, server.said()
                with suppress(OSError):
                    return ask(port, path).status == 200

            server.wait(answers)
            yield server
    finally:
        server.kill()


@pytest.fixture(scope='module')
def clinic(tmp_path_factory):
    with site(tmp_path_factory.mktemp('clinic'), 'app:app', CLINIC, path='/health/ready') as server:
        yield server


@pytest.fixture(scope='module')
def shown(tmp_path_factory):
    with site(tmp_path_factory.mktemp('shown'), 'behind:app', HERE, path='/show') as server:
        yield server


FORM = ('content-type', 'application/x-www-form-urlencoded')
KEY = ('authorization', 'Bearer demo-doctor')  # of the clinic's demonstration


def test_a_form_of_our_own_page_is_accepted_and_of_another_refused(clinic):
    own = ('origin', ORIGIN.format(port=clinic.port))
    sent = b'number=N-1&name=Ada+Obi&born=1990-05-01'
    reply = ask(clinic.port, '/patients', 'POST', [FORM, KEY, own], sent)
    assert (reply.status, reply.header('location')[:10]) == (303, '/patients/')
    assert ask(clinic.port, '/patients', 'POST', [FORM, KEY, ('origin', 'http://evil.example')], sent).status == 403


def test_a_websocket_of_our_own_page_is_accepted_and_of_another_refused(clinic):
    with Socket(clinic.port, '/v1/waiting/live', [KEY, ('origin', ORIGIN.format(port=clinic.port))]) as peer:
        assert (peer.status, 'waiting' in json.loads(peer.hear())) == (101, True)
    with Socket(clinic.port, '/v1/waiting/live', [KEY, ('origin', 'http://evil.example')]) as peer:
        assert peer.status == 403


def test_nginx_serves_the_assets_and_refuses_what_is_too_large(clinic):
    reply = ask(clinic.port, '/assets/style.css')
    assert (reply.status, reply.header('cache-control')) == (200, 'max-age=3600')
    assert reply.header('content-security-policy') is None, 'the app has sent it'
    with Line(clinic.port) as line:
        line.send(b'POST /v1/patients/1/documents HTTP/1.1\r\nhost: a\r\ncontent-length: 99000000\r\n\r\n')
        assert line.reply().status == 413


def test_the_client_and_the_host_are_those_that_nginx_saw(shown):
    claims = [('x-forwarded-for', '6.6.6.6'), ('x-forwarded-proto', 'https')]
    told = json.loads(ask(shown.port, '/show', headers=claims).body)
    assert told == {'ip': '127.0.0.1', 'scheme': 'http', 'host': f'127.0.0.1:{shown.port}'}


def test_events_arrive_through_nginx_while_their_stream_is_open(shown):
    with Line(shown.port) as line:
        line.send(b'GET /events HTTP/1.1\r\nhost: a\r\n\r\n')
        assert line.head()[0] == 200
        line.until(b'data: first\n\n')


def test_the_clinic_works_below_a_path(tmp_path):
    with site(tmp_path, 'app:app', CLINIC, '--root-path', '/clinic', path='/clinic/health/ready') as server:
        assert ask(server.port, '/clinic/patients').header('location') == '/clinic/login?next=%2Fclinic%2Fpatients'
        page = ask(server.port, '/clinic/patients', headers=[KEY])
        assert page.status == 200
        assert b'href="/clinic/waiting"' in page.body
        assert b'href="/clinic/patients" aria-current="page"' in page.body
        assert b'src="/clinic/assets/htmx.min.js' in page.body
        assert ask(server.port, '/clinic/assets/htmx.min.js').status == 200
        own = ('origin', ORIGIN.format(port=server.port))
        sent = b'number=N-1&name=Ada+Obi&born=1990-05-01'
        assert ask(server.port, '/clinic/patients', 'POST', [FORM, KEY, own], sent).header('location')[:17] == (
            '/clinic/patients/'
        )
        with Socket(server.port, '/clinic/v1/waiting/live', [KEY, own]) as peer:
            assert peer.status == 101


# Servers by their files


def test_gunicorn_serves_by_its_file(tmp_path):
    write_recipes(tmp_path, 'workers.py', 'gunicorn.conf.py')
    server = Served(
        ['gunicorn', '--bind', '127.0.0.1:{port}', '{app}', '--no-control-socket'], 'stopping:app', tmp_path
    )
    try:
        server.wait_until_it_answers('/')
        server.stop()
        assert server.noted('SHUTDOWN')
    finally:
        server.kill()


def test_hypercorn_serves_http_2_and_1_over_tls_by_its_file(tmp_path):
    trustme = pytest.importorskip('trustme')
    authority = trustme.CA()
    certificate = authority.issue_cert('127.0.0.1')
    certificate.private_key_pem.write_to_path(tmp_path / 'key.pem')
    certificate.cert_chain_pems[0].write_to_path(tmp_path / 'cert.pem')
    write_recipes(tmp_path, 'hypercorn.toml')
    file = tmp_path / 'hypercorn.toml'
    port = free_port()
    file.write_text(file.read_text().replace('0.0.0.0:8443', f'127.0.0.1:{port}'))
    server = Served(['hypercorn', '-c', 'hypercorn.toml', '{app}'], 'stopping:app', tmp_path)
    try:
        context = ssl.create_default_context()
        authority.configure_trust(context)

        def answers():
            assert server.process.poll() is None, server.said()
            with suppress(OSError), closing(http.client.HTTPSConnection('127.0.0.1', port, context=context)) as line:
                line.request('GET', '/')
                return line.getresponse().status == 200

        server.wait(answers)
        context.set_alpn_protocols(['h2'])
        with Line(port) as line, context.wrap_socket(line.socket, server_hostname='127.0.0.1') as secure:
            assert secure.selected_alpn_protocol() == 'h2'
        server.stop()
        assert server.noted('SHUTDOWN')
    finally:
        server.kill()


def test_the_command_of_the_container_serves_is_healthy_and_stops(tmp_path):
    command = [{'8000': '{port}', '0.0.0.0': '127.0.0.1'}.get(part, part) for part in container_command()]
    server = Served(command, 'app:app', tmp_path, CLINIC, PATIENTS_DB=str(tmp_path / 'patients.db'))
    try:
        server.wait_until_it_answers('/health/live')
        check = next(line for line in recipes()['compose.yaml'].splitlines() if 'urlopen(' in line)
        check = check.strip().removeprefix('- ').replace(':8000', f':{server.port}')
        run(sys.executable, '-c', check)
        server.stop()
    finally:
        server.kill()


# Deploys without downtime


@pytest.mark.parametrize(
    'command',
    [
        ['uvicorn', '{app}', '--port', '{port}', '--workers', '2', '--log-level', 'warning',
         '--timeout-worker-healthcheck', '60'],
        ['gunicorn', '{app}', '--bind', '127.0.0.1:{port}', '--workers', '2', '-k', 'uvicorn_worker.UvicornWorker',
         '--no-control-socket'],
    ],
    ids=['uvicorn', 'gunicorn'],
)  # fmt: skip
def test_at_a_sighup_workers_with_new_code_take_over_one_after_another(tmp_path, command):
    release = tmp_path / 'release.py'
    text = 'from heaven import App\napp = App()\napp.GET("/", lambda req, res, ctx: res.out(200, "{}"))\n'
    release.write_text(text.format('old'))
    server = Served(command, 'release:app', tmp_path)
    answers, lost = [], []
    done = threading.Event()

    def keep_asking():
        while not done.is_set():
            try:
                answers.append(ask(server.port, '/').body)
            except (OSError, AssertionError) as error:
                lost.append(error)

    asking = threading.Thread(target=keep_asking)
    try:
        server.wait_until_it_answers('/')
        asking.start()
        release.write_text(text.format('newer'))
        server.process.send_signal(signal.SIGHUP)
        server.wait(lambda: set(answers[-100:]) == {b'newer'})
        done.set()
        asking.join()
    finally:
        done.set()
        server.kill()
    assert b'old' in answers
    assert len(lost) <= 2, 'more than one connection for each worker'


# In Python


def test_serverless_starts_the_app_once_and_answers(tmp_path, monkeypatch):
    pytest.importorskip('mangum')
    write_recipes(tmp_path, 'serverless.py')
    (tmp_path / 'app.py').write_text(
        'from heaven import App\n'
        'started = []\n'
        'app = App()\n'
        'app.ON("startup", lambda app: started.append(1))\n'
        'app.GET("/starts/:id:int", lambda req, res, ctx: res.out(200, [req.params["id"], len(started)]))\n'
    )
    event = {
        'version': '2.0',
        'rawPath': '/starts/7',
        'rawQueryString': '',
        'headers': {'host': 'a.example'},
        'requestContext': {'http': {'method': 'GET', 'path': '/starts/7', 'sourceIp': '127.0.0.1'}},
        'isBase64Encoded': False,
    }
    asking = (
        'import json, sys\n'
        'from serverless import handler\n'
        'event = json.load(sys.stdin)\n'
        'print(json.dumps([handler(event, None) for _ in range(3)]))\n'
    )
    said = run(sys.executable, '-W', 'ignore', '-c', asking, cwd=tmp_path, input=json.dumps(event))
    answers = json.loads(said.splitlines()[-1])
    assert [answer['statusCode'] for answer in answers] == [200] * 3
    assert [json.loads(answer['body']) for answer in answers] == [[7, 1]] * 3


@pytest.mark.parametrize('works', [True, False])
def test_readiness_asks_the_database(tmp_path, monkeypatch, works):
    from heaven import App
    from heaven_testing import Client

    class Database:
        async def ping(self):
            await asyncio.sleep(0)
            if not works:
                raise ConnectionError

    write_recipes(tmp_path, 'health.py')
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, 'health', raising=False)
    app = App()
    app.keep('db', Database())
    app.GET('/health/ready', importlib.import_module('health').ready)
    with Client(app) as client:
        assert client.get('/health/ready').status_code == (200 if works else 503)


# What is only checked


def test_the_unit_is_one_that_systemd_accepts(tmp_path):
    program = tool('systemd-analyze')
    unit = tmp_path / 'clinic.service'
    text = recipes()['clinic.service'].replace('/srv/clinic/venv/bin/uvicorn', sys.executable)
    unit.write_text(text.replace('/srv/clinic', '/').replace('User=clinic', 'User=daemon'))
    assert str(unit) not in run(program, 'verify', str(unit))


def test_the_container_file_passes_its_linter(tmp_path):
    program = tool('hadolint')
    write_recipes(tmp_path, 'Containerfile')
    run(program, str(tmp_path / 'Containerfile'))


def test_the_compose_file_and_the_manifests_follow_their_schemas(tmp_path):
    compose, kubernetes = tool('check-jsonschema'), tool('kubernetes-validate')
    write_recipes(tmp_path, 'compose.yaml', 'kubernetes.yaml')
    run(compose, '--builtin-schema', 'vendor.compose-spec', str(tmp_path / 'compose.yaml'))
    run(kubernetes, '--strict', str(tmp_path / 'kubernetes.yaml'))

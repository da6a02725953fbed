"""The lint that `nox -s tests` puts around every app of core's tests finds what an app does wrongly."""

import os
import re
import subprocess
import sys
from pathlib import Path

SUITE = """
import asyncio

from heaven import App


class Twice:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        async def twice(message):
            await send(message)
            await send(message)

        await self.app(scope, receive, twice)


def ask(app, scope, *messages):
    inbox, sent = list(messages), []

    async def receive():
        return {'type': inbox.pop(0)}

    async def send(message):
        sent.append(message)

    scope = {'asgi': {'version': '3.0'}, 'path': '/', 'query_string': b'', 'headers': [], **scope}
    asyncio.run(app(scope, receive, send))
    return sent


HTTP = {'type': 'http', 'http_version': '1.1', 'method': 'GET'}, 'http.request'
WEBSOCKET = {'type': 'websocket', 'subprotocols': []}, 'websocket.connect'
LIFESPAN = {'type': 'lifespan', 'state': {}}, 'lifespan.startup', 'lifespan.shutdown'


def test_sound_http():
    assert ask(App(), *HTTP)[0]['status'] == 404


def test_sound_websocket():
    assert ask(App(), *WEBSOCKET)[0]['type'] == 'websocket.close'


def test_sound_lifespan():
    assert len(ask(App(), *LIFESPAN)) == 2


def test_broken_http():
    app = App()
    app.use(Twice)
    ask(app, *HTTP)


def test_broken_websocket():
    app = App()
    app.use(Twice)
    ask(app, *WEBSOCKET)


def test_broken_lifespan():
    app = App()
    app.use(Twice)
    ask(app, *LIFESPAN)
"""


def test_an_app_that_sends_every_message_twice_is_found_out_and_a_sound_one_is_not(tmp_path):
    (tmp_path / 'test_suite.py').write_text(SUITE)
    plugins = ['-p', 'linted', '-p', 'no:cacheprovider', '-p', 'no:asyncio', '-p', 'no:django', '-p', 'no:flask']
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get('PYTHONPATH', '')])
    run = subprocess.run(
        [sys.executable, '-m', 'pytest', '-q', *plugins, str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, 'PYTHONPATH': path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert '3 failed, 3 passed' in run.stdout, run.stdout + run.stderr
    assert len(re.findall(r'^E +\S*ASGIViolation: ', run.stdout, re.MULTILINE)) == 3

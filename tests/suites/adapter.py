"""Starlette's TestClient, which is FastAPI's too, as their tests use it, over the client of heaven_testing.

As a plugin of pytest, `-p adapter`, it puts that in the place of the real one where CLIENT is `ours`. With either it
notes which tests use a client, and writes the outcome of every test to the file OUTCOMES.
"""

import inspect
import json
import os
import warnings
from pathlib import Path
from urllib.parse import urljoin

import heaven_testing
import pytest
import starlette.testclient as theirs
from starlette.exceptions import StarletteDeprecationWarning
from starlette.websockets import WebSocketDisconnect


def in_asgi_3(app):
    """Return an app that may be one of ASGI 2, which is called in two steps."""
    if len(inspect.signature(app).parameters) != 1:
        return app

    async def served(scope, receive, send):
        await app(scope)(receive, send)

    return served


class TestClient(heaven_testing.Client):
    """What differs from our client."""

    __test__ = False

    def __init__(
        self,
        app,
        base_url='http://testserver',
        raise_server_exceptions=True,
        root_path='',
        backend='asyncio',
        backend_options=None,
        cookies=None,
        headers=None,
        follow_redirects=True,
        client=('testclient', 50000),
    ):
        self.settings = {
            'base_url': base_url,
            'raise_app_exceptions': raise_server_exceptions,
            'root_path': root_path,
            'follow_redirects': follow_redirects,
            'client': client,
            'lifespan': 'on',
        }
        self.served = in_asgi_3(app)
        headers = {'user-agent': 'testclient', **(headers or {})}
        super().__init__(self.served, headers=headers, cookies=cookies, **self.settings)

    def __enter__(self):
        # httpx opens a client once, and not after its first request; theirs is opened again and again.
        super().__init__(self.served, headers=self.headers, cookies=self.cookies, **self.settings)
        return super().__enter__()

    def __exit__(self, *error):
        super().__exit__(*error)
        super().__init__(self.served, headers=self.headers, cookies=self.cookies, **self.settings)

    def request(self, method, url, **options):
        if 'timeout' in options:
            text = "You should not use the 'timeout' argument with the TestClient."
            warnings.warn(text, StarletteDeprecationWarning, stacklevel=2)
        response = super().request(method, url, **options)
        for name, value in response.extensions.get('http.response.debug', {}).items():
            setattr(response, name, value)
        return response

    def websocket_connect(self, url, subprotocols=None, headers=None, **options):
        fields = {'connection': 'upgrade', 'sec-websocket-key': 'testserver==', **(headers or {})}
        offered = fields.pop('sec-websocket-protocol', None)
        if subprotocols is None:
            subprotocols = [name.strip() for name in offered.split(',')] if offered else []
        url = urljoin('ws://testserver', url)
        return WebSocketTestSession(lambda: self.websocket(url, subprotocols, headers=fields, **options))


class WebSocketTestSession:
    """A WebSocket, which opens at the beginning of `with`."""

    def __init__(self, connect):
        self.connect = connect

    def __enter__(self):
        try:
            self.socket = self.connect()
        except heaven_testing.WebSocketRefused as refused:
            if refused.code is not None:
                raise WebSocketDisconnect(refused.code, refused.reason) from None
            response = refused.response
            raise theirs.WebSocketDenialResponse(
                status_code=response.status_code, headers=response.headers.raw, content=response.content
            ) from None
        self.accepted_subprotocol = self.socket.subprotocol
        shown = [b'connection', b'upgrade', b'sec-websocket-protocol']
        self.extra_headers = [pair for pair in self.socket.response.headers.raw if pair[0].lower() not in shown]
        return self

    def __exit__(self, *error):
        self.socket.__exit__(*error)

    def receive(self):
        try:
            data = self.socket.receive()
        except heaven_testing.WebSocketClosed as closed:
            return {'type': 'websocket.close', 'code': closed.code, 'reason': closed.reason}
        return {'type': 'websocket.send', 'text' if isinstance(data, str) else 'bytes': data}

    def _data(self):
        message = self.receive()
        if message['type'] == 'websocket.close':
            raise WebSocketDisconnect(message['code'], message['reason'])
        return message

    def receive_text(self):
        return self._data()['text']

    def receive_bytes(self):
        return self._data()['bytes']

    def receive_json(self, mode='text'):
        return json.loads(self._data()['text' if mode == 'text' else 'bytes'])

    def send(self, message):
        if message['type'] == 'websocket.receive':
            self.socket.send(message['text'] if message.get('text') is not None else message['bytes'])
        else:
            self.close(message.get('code', 1000), message.get('reason'))

    def send_text(self, data):
        self.socket.send(data)

    def send_bytes(self, data):
        self.socket.send(data)

    def send_json(self, data, mode='text'):
        text = json.dumps(data, separators=(',', ':'), ensure_ascii=False)
        self.socket.send(text if mode == 'text' else text.encode())

    def close(self, code=1000, reason=None):
        self.socket.close(code, reason or '')


# The plugin

OUTCOMES = {}
USES = ('uses_client', True)  # a property of the tests that do
running = []  # the test that runs


def noting(method):
    """Return a method of the client that notes which test calls it."""

    def call(*args, **options):
        for test in running:
            if USES not in test.user_properties:
                test.user_properties.append(USES)
        return method(*args, **options)

    return call


if os.environ['CLIENT'] == 'ours':
    theirs.TestClient = TestClient
for name in ('send', '__enter__', 'websocket_connect'):
    setattr(theirs.TestClient, name, noting(getattr(theirs.TestClient, name)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    running.append(item)
    try:
        return (yield)
    finally:
        running.clear()


def pytest_runtest_logreport(report):
    outcome = OUTCOMES.setdefault(report.nodeid, {'outcome': 'passed', 'uses_client': False})
    if report.outcome != 'passed' and outcome['outcome'] != 'failed':
        outcome['outcome'] = report.outcome
    outcome['uses_client'] |= USES[0] in dict(report.user_properties)


def pytest_sessionfinish(session):
    if not hasattr(session.config, 'workerinput'):  # a worker of pytest-xdist reports to the session that has it
        Path(os.environ['OUTCOMES']).write_text(json.dumps(OUTCOMES))

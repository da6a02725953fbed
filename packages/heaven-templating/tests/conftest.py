"""An app over a folder of templates, asked as a server would ask it."""

import asyncio
import logging
import os
from pathlib import Path

import pytest
from heaven import App


class Log(logging.Handler):
    """Keeps the exception that was logged last."""

    error = None

    def emit(self, record):
        self.error = record.exc_info[1] if record.exc_info else self.error


class Reply:
    """What was answered, and the exception that was logged, if one was."""

    def __init__(self, messages, error):
        self.messages, self.error = messages, error
        self.status = messages[0]['status'] if messages else None
        self.headers = {k.decode(): v.decode('latin-1') for k, v in messages[0]['headers']} if messages else {}
        self.chunks = [m['body'].decode() for m in messages[1:] if m.get('body')]
        self.text = ''.join(self.chunks)


class Site:
    """`page(text, **values)` renders a template as a client sees it; the rest is for what needs more than that."""

    def __init__(self, folder):
        self.folder, self.touched = folder, 0

    def write(self, name, text):
        """Write a template, or any file, and give its path."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, 'utf-8')
        return path

    def touch(self, name, text):
        """Write a file again, a minute later than the last time."""
        path = self.write(name, text)
        self.touched += 1
        later = path.stat().st_mtime + 60 * self.touched
        os.utime(path, (later, later))

    def app(self, handler=None, folder='templates', debug=False, **options):
        """An app with templates, and a handler at `/`."""
        app = App(debug=debug)
        app.TEMPLATES(self.folder / folder, **options)
        if handler is not None:
            app.GET('/', handler)
        return app

    def ask(self, app, path='/', root_path='', headers=(), method='GET', fail_after=None):
        """One request, by a client that leaves when `fail_after` messages were sent."""
        messages = []

        async def receive():
            return {'type': 'http.request', 'body': b'', 'more_body': False}

        async def send(message):
            messages.append(message)
            if len(messages) == fail_after:
                raise OSError('the client has left')

        path, _, query = path.partition('?')
        scope = {
            'type': 'http',
            'asgi': {'version': '3.0'},
            'http_version': '1.1',
            'method': method,
            'scheme': 'http',
            'path': root_path + path,
            'query_string': query.encode(),
            'root_path': root_path,
            'headers': [(b'host', b'localhost'), *headers],
        }
        log = Log()
        logging.getLogger('heaven').addHandler(log)
        try:
            asyncio.run(app(scope, receive, send))
        except Exception as error:
            log.error = error
        finally:
            logging.getLogger('heaven').removeHandler(log)
        return Reply(messages, log.error)

    def page(self, text, /, name='page.html', debug=False, options=None, **values):
        """The reply to a page of this text."""
        self.write(f'templates/{name}', text)
        app = self.app(lambda req, res, ctx: res.render(name, **values), debug=debug, **(options or {}))
        return self.ask(app)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)

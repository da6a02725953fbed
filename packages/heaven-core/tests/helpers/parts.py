"""Forms as clients send them, whole or in any pieces, and what a handler gets of them."""

import inspect

from asks import Live
from heaven import App
from heaven.forms import File

MULTIPART = 'multipart/form-data; boundary=B'
URLENCODED = 'application/x-www-form-urlencoded'


def head(*lines):
    """The header lines of a part, and the empty line."""
    return ''.join(f'{line}\r\n' for line in lines).encode() + b'\r\n'


def text(name, value=b'', *lines):
    """A part that is a text field."""
    return head(f'Content-Disposition: form-data; name="{name}"', *lines) + value


def upload(name, content=b'', filename='a.txt', kind='text/plain'):
    """A part that is a file."""
    lines = [f'Content-Disposition: form-data; name="{name}"; filename="{filename}"', f'Content-Type: {kind}']
    return head(*lines) + content


def multipart(*parts, boundary=b'B'):
    """The body of a multipart form."""
    return b''.join(b'--%b\r\n%b\r\n' % (boundary, part) for part in parts) + b'--%b--\r\n' % boundary


def plain(form):
    """A form as plain values: files as (filename, content type, content)."""
    return {
        name: [(v.filename, v.content_type, v.content) if isinstance(v, File) else v for v in form.all(name)]
        for name in form
    }


class Desk:
    """An app that hands every form to what the test wants to do with it: read ahead, or streamed."""

    def __init__(self):
        self.use = self.live = self.failure = None

    async def handler(self, req, res, ctx):
        form = await req.form
        try:
            used = self.use(form)
            self.result = await used if inspect.isawaitable(used) else used
        except Exception as error:
            self.failure = error

    def ask(self, use, body, content_type, chunks):
        """The reply; `result` is what `use(form)`, async or not, gave."""
        if self.live is None:
            app = App()
            app.POST('/ahead', self.handler, max_body_size=2**30)
            app.POST('/streamed', self.handler, stream=True)
            self.live = Live(app, limit=60)
            self.live.__enter__()
        self.use, self.failure = use, None
        target = '/ahead' if chunks is None else '/streamed'
        headers = [('content-type', content_type)]
        return self.live.ask('POST', target, body=body if chunks is None else chunks, headers=headers, catch=True)

    def close(self):
        if self.live is not None:
            self.live.__exit__(None, None, None)
            self.live = None


desk = Desk()


def read(body, content_type=MULTIPART, chunks=None, use=lambda form: form):
    """What `use(form)`, async or not, gives of the form of a request; without it the form, whose files are gone."""
    reply = desk.ask(use, body, content_type, chunks)
    if error := desk.failure or reply.error:
        raise error
    assert reply.status == 200, reply
    return desk.result


def outcome(body, content_type=MULTIPART, chunks=None):
    """What becomes of a body: plain values, or the status that refuses it."""
    reply = desk.ask(plain, body, content_type, chunks)
    if reply.status == 200:
        return desk.result
    assert reply.text and reply.status < 500, reply
    return reply.status

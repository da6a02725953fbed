"""Forms as clients send them, and what Heaven's readers make of them, fed whole or in any pieces."""

from heaven.errors import ClientError
from heaven.forms import READERS, File, Form, fill

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


def reader(content_type, form):
    """What reads a body of this content type into a form, before its first chunk."""
    return READERS[content_type.partition(';')[0]](form._values, content_type, 0)


def read(body, content_type=MULTIPART, chunks=None):
    """The form that is read from a body, or from chunks of one."""
    form = Form()
    filler = reader(content_type, form)
    if chunks is None:
        fill(filler, body)
    else:
        for chunk in (None, *filter(None, chunks), None):
            filler.send(chunk)
    return form


def plain(form):
    """A form as plain values: files as (filename, content type, content)."""
    return {
        name: [(v.filename, v.content_type, v.content) if isinstance(v, File) else v for v in form.all(name)]
        for name in form
    }


def outcome(body, content_type=MULTIPART, chunks=None):
    """What becomes of a body: plain values, or the status that refuses it."""
    try:
        return plain(read(body, content_type, chunks))
    except ClientError as error:
        assert str(error)
        return error.status

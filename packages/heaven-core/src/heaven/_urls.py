"""The spelling of targets, worked out for those who ask alone: authorities, absolute URLs, paths in odd spellings."""

import re
from urllib.parse import quote, unquote_to_bytes

from heaven.types import Request, Scope

AUTHORITY = re.compile(r'(?P<host>\[[0-9a-f:.]+\]|[0-9a-z._~-]+)(:[0-9]{0,5})?', re.I | re.A)
ADDRESS = re.compile(r'\[.*|[0-9.]+', re.A)
ABSOLUTE = re.compile(r'\A[a-z][a-z0-9+.-]*://[^/?#]*', re.I)
DOTS = frozenset({'.', '..'})
PORTS = {'http': 80, 'ws': 80, 'https': 443, 'wss': 443}


def authority(req: Request) -> str:
    """Gives Host if it is one valid authority (RFC 3986, 3.2), else the server's address."""
    sent, (address, port) = req.headers.get('host', ''), req.server
    host = 'localhost' if address is None or port is None else f'[{address}]' if ':' in address else address
    own = host if port in (None, PORTS.get(req.scheme)) else f'{host}:{port}'
    return sent if AUTHORITY.fullmatch(sent) else own


def absolute(req: Request) -> str:
    """Gives the absolute URL as it was sent; a path that is not known as sent is quoted."""
    path = (sent(req.scope) or quote(req.path, safe="/:@!$&'()*+,;=~-._", errors='replace')).removeprefix('*')
    return f'{req.scheme}://{req.host}{path}{"?" if req.querystring else ""}{req.querystring}'


def reduced(scope: Scope) -> Scope:
    """Gives the scope of a target in absolute form with its path alone (RFC 9112, 3.2.2); an empty path is `/`."""
    if scope['path'].startswith('/'):
        return scope
    path, raw = ABSOLUTE.sub('', scope['path']), ABSOLUTE.sub('', bytes(scope.get('raw_path') or b'').decode('latin-1'))
    return {**scope, 'path': path or '/', 'raw_path': raw.encode('latin-1') or b'/'}


def sent(scope: Scope) -> str:
    """Gives the path as sent: raw_path where it decodes to path, which is the authority, else nothing."""
    raw = bytes(scope.get('raw_path') or b'')
    return raw.decode('latin-1') if decoded(raw) == scope['path'] else ''


def spelled(scope: Scope) -> tuple[str, list[str]] | None:
    """Gives the path, and its segments split as sent and decoded after; None for a target that is no path.

    What is not UTF-8 becomes U+FFFD. A path that has a `.` or `..`, as sent or as decoded, is none: no two would agree
    on what it means.
    """
    path, raw = scope['path'], sent(scope)
    if not path.startswith('/'):
        return None
    root, split = str(scope.get('root_path') or '').rstrip('/'), path.split('/')
    segments = [decoded(part.encode('latin-1')) for part in raw.split('/')] if raw.startswith('/') else split
    if root and f'{path}/'.startswith(f'{root}/'):
        deep = root.count('/')
        path = path[len(root) :] or '/'
        segments = ['', *segments[deep + 1 :]] if segments[: deep + 1] == split[: deep + 1] else path.split('/')
    if not DOTS.isdisjoint((*segments, *path.split('/'))):
        return None
    return path, segments if len(segments) > 1 else ['', '']


def decoded(raw: bytes) -> str:
    return unquote_to_bytes(raw).decode('utf-8', 'replace')

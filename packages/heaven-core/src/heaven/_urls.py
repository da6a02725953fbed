"""The spelling of targets, worked out for those who ask alone: authorities, absolute URLs, paths in odd spellings."""

import re
from urllib.parse import quote, unquote_to_bytes

from heaven.types import Request, Scope

AUTHORITY = re.compile(r'(?P<host>\[[0-9a-f:.]+\]|[0-9a-z._~-]+)(:[0-9]{0,5})?', re.I | re.A)
ADDRESS = re.compile(r'\[.*|[0-9.]+', re.A)
ABSOLUTE = re.compile(r'\A[a-z][a-z0-9+.-]*://[^/?#]*', re.I)
PORTS = {'http': 80, 'ws': 80, 'https': 443, 'wss': 443}


def authority(req: Request) -> str:
    """Gives Host if it is one valid authority (RFC 3986, 3.2), else the server's address."""
    sent = req.headers.get('host', '')
    if AUTHORITY.fullmatch(sent):
        return sent
    address, port = req.server
    host = 'localhost' if address is None or port is None else f'[{address}]' if ':' in address else address
    return host if port in (None, PORTS.get(req.scheme)) else f'{host}:{port}'


def absolute(req: Request) -> str:
    """Gives the absolute URL as it was sent."""
    return f'{req.scheme}://{req.host}{sent_path(req.scope)}{"?" if req.querystring else ""}{req.querystring}'


def sent_path(scope: Scope) -> str:
    """Gives the path as sent: raw_path where it decodes to path, else path, quoted."""
    path, raw = scope['path'], bytes(scope.get('raw_path') or b'')
    return raw.decode('latin-1') if decoded(raw) == path else quote(path, safe="/:@!$&'()*+,;=~-._", errors='replace')


def subdomain(host: str, domain: str | None) -> str:
    """Gives the first label of a host where it is a subdomain, else `www`.

    `domain` is the registered domain the app serves; without one a host of three labels or more has a
    subdomain, and one of two that ends in `localhost`.
    """
    match = AUTHORITY.fullmatch(host)
    name = match['host'].lower().removesuffix('.') if match else ''
    labels = name.split('.')
    known = len(labels) > 2 or labels[1:] == ['localhost'] if domain is None else name.endswith(f'.{domain.lower()}')
    return labels[0] if known and labels[0] and not ADDRESS.fullmatch(name) else 'www'


def spelled(scope: Scope) -> tuple[str, list[str]] | None:
    """Gives the path, and its segments split as sent and decoded after; None for a target that is no path.

    `path` is the authority: `raw_path` counts only where it decodes to it. What is not UTF-8 becomes U+FFFD.
    """
    path, raw = scope['path'], bytes(scope.get('raw_path') or b'')
    sent = raw.decode('latin-1') if decoded(raw) == path else ''
    path, sent = ABSOLUTE.sub('', path, count=1) or '/', ABSOLUTE.sub('', sent, count=1)
    if not path.startswith('/'):
        return None
    root, split = str(scope.get('root_path') or '').rstrip('/'), path.split('/')
    segments = [decoded(part.encode('latin-1')) for part in sent.split('/')] if sent.startswith('/') else list(split)
    if root and f'{path}/'.startswith(f'{root}/'):
        deep = root.count('/')
        path = path[len(root) :] or '/'
        segments = ['', *segments[deep + 1 :]] if segments[: deep + 1] == split[: deep + 1] else path.split('/')
    return path, segments if len(segments) > 1 else ['', '']


def decoded(raw: bytes) -> str:
    return unquote_to_bytes(raw).decode('utf-8', 'replace')

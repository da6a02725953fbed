"""Authorities and absolute URLs, worked out only for those who ask."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote_to_bytes

from heaven.types import Request, Scope

AUTHORITY = re.compile(r'(?P<host>\[[0-9a-f:.]+\]|[0-9a-z._~-]+)(:[0-9]{0,5})?', re.I | re.A)
ADDRESS = re.compile(r'\[.*|[0-9.]+', re.A)
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
    path, raw = scope['path'], scope.get('raw_path') or b''
    agree = raw and unquote_to_bytes(raw).decode('utf-8', 'replace') == path
    return str(raw, 'latin-1') if agree else quote(path, safe="/:@!$&'()*+,;=~-._", errors='replace')


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

"""Authorities and absolute URLs, worked out only for those who ask."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_to_bytes

from heaven.types import Scope

if TYPE_CHECKING:
    from heaven.request import Request

AUTHORITY = re.compile(r'(?P<host>\[[0-9a-f:.]+\]|[0-9a-z._~-]+)(:[0-9]{0,5})?', re.I | re.A)
ADDRESS = re.compile(r'\[.*|[0-9.]+', re.A)
PORTS = {'http': 80, 'ws': 80, 'https': 443, 'wss': 443}
PATH_SAFE = "/:@!$&'()*+,;=~-._"


def authority(req: Request) -> str:
    """Gives Host if it is one valid authority (RFC 3986, 3.2), else the server's address."""
    sent = req.headers.get('host', '')
    if AUTHORITY.fullmatch(sent):
        return sent
    address, port = req.server
    if address is None or port is None:
        return 'localhost'
    if ':' in address:
        address = f'[{address}]'
    return address if port == PORTS.get(req.scheme) else f'{address}:{port}'


def absolute(req: Request) -> str:
    """Gives the absolute URL as it was sent."""
    query = f'?{req.querystring}' if req.querystring else ''
    return f'{req.scheme}://{req.host}{sent_path(req.scope)}{query}'


def sent_path(scope: Scope) -> str:
    """Gives the path as sent: raw_path where it decodes to path, else path, quoted."""
    path, raw = scope['path'], scope.get('raw_path')
    if raw and unquote_to_bytes(raw).decode('utf-8', 'replace') == path:
        return str(raw, 'latin-1')
    return quote(path, safe=PATH_SAFE, errors='replace')


def subdomain(host: str, domain: str | None) -> str:
    """Gives the first label of a host where it is a subdomain, else `www`.

    `domain` is the registered domain the app serves; without one a host of three labels or more has a
    subdomain, and one of two that ends in `localhost`.
    """
    match = AUTHORITY.fullmatch(host)
    name = match['host'].lower().removesuffix('.') if match else ''
    if not name or ADDRESS.fullmatch(name):
        return 'www'
    if domain is not None:
        below = name.removesuffix('.' + domain.lower())
        return (below.split('.')[0] if below != name else '') or 'www'
    labels = name.split('.')
    return labels[0] if labels[0] and (len(labels) > 2 or labels[1:] == ['localhost']) else 'www'

"""Hosts: the authority of a request, its absolute URL, and its subdomain."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from heaven._http.exchange import Exchange
from heaven._routing.path import WWW, decoded

AUTHORITY = re.compile(r'(?P<host>\[[0-9a-f:.]+\]|[0-9a-z._~-]+)(:[0-9]{0,5})?', re.IGNORECASE | re.ASCII)
ADDRESS = re.compile(r'\[.*|[0-9.]+', re.ASCII)
DEFAULT_PORTS = {'http': 80, 'ws': 80, 'https': 443, 'wss': 443}


class Address(NamedTuple):
    """One end of the connection; both are None where the server does not know."""

    address: str | None
    port: int | None


def address_of(pair: Any) -> Address:
    """Return an address of a scope; servers also give '' and port 0 for what they do not know, and a port as str."""
    if not pair or not pair[0]:
        return Address(None, None)
    address, port = pair[0], int(pair[1] or 0)
    return Address(address, port or None)


def authority(exchange: Exchange) -> str:
    """Return Host if it is one valid authority (RFC 3986, 3.2), else the server's address."""
    sent = exchange.fields().get(b'host', b'').decode('latin-1')
    if AUTHORITY.fullmatch(sent):
        return sent
    address, port = address_of(exchange.scope.get('server'))
    if address is None or port is None:
        return 'localhost'
    host = f'[{address}]' if ':' in address else address
    scheme = exchange.scope.get('scheme', 'http')
    return host if port == DEFAULT_PORTS.get(scheme) else f'{host}:{port}'


def absolute_url(exchange: Exchange) -> str:
    """Return the absolute URL as it was sent; a path that is not known as sent is quoted."""
    scope = exchange.scope
    raw = bytes(scope.get('raw_path') or b'').decode('latin-1')
    path: str = scope['path']
    if decoded(raw) == path:
        path = raw
    else:
        from urllib.parse import quote

        path = quote(path, safe="/:@!$&'()*+,;=~-._", errors='replace')
    query = scope.get('query_string', b'').decode('latin-1')
    mark = '?' if query else ''
    scheme = scope.get('scheme', 'http')
    return f'{scheme}://{authority(exchange)}{path.removeprefix("*")}{mark}{query}'


def subdomain_of(scope: Mapping[str, Any], domain: str | None) -> str:
    """Return the first label of a request's host, if it has one Host and that is a subdomain, else `www`.

    `domain` is the registered domain that the app serves; without one a host of three labels or more has a subdomain,
    and one of two that ends in `localhost`.
    """
    hosts = [value for name, value in scope['headers'] if name == b'host']
    match = AUTHORITY.fullmatch(hosts[0].decode('latin-1')) if len(hosts) == 1 else None
    if match is None:
        return WWW
    host = match['host'].lower().removesuffix('.')
    label, _, rest = host.partition('.')
    if not label or ADDRESS.fullmatch(host):
        return WWW
    if domain is not None:
        return label if host.endswith(f'.{domain.lower()}') else WWW
    return label if '.' in rest or rest == 'localhost' else WWW

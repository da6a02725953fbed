"""The scopes of requests and WebSockets, made of what httpx would send, as a server makes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast
from urllib.parse import unquote

from .library import httpx
from .rules import ASGIViolation, HTTPRules, rules_for

Address = tuple[str, int] | None


class Scopes:
    """Makes the scopes of a client: below `root_path`, from the address `client`; checked unless `lint` is false.

    Raises ValueError for an address that is none.
    """

    def __init__(self, client: Address, root_path: str, lint: bool) -> None:
        if client is not None and not _is_address(client):
            raise ValueError(f'client is {client!r}, not the host and the port that the application sees, or None')
        self.client = client
        self.root_path: str = root_path.rstrip('/')
        self.lint = lint
        self._checked: bool = False

    def http(self, request: httpx.Request, state: dict[str, Any]) -> dict[str, Any]:
        """Make the scope of a request. Raises ValueError for one that no client could send."""
        scope = self._scope(request, 'http', state)
        scope['extensions'] = {'http.response.debug': {}}
        self._check(scope, request)
        return scope

    def websocket(self, request: httpx.Request, state: dict[str, Any], subprotocols: list[str]) -> dict[str, Any]:
        """Make the scope of a WebSocket. Raises ValueError for a handshake that no client could send."""
        scope = self._scope(request, 'websocket', state)
        del scope['method']
        scope['asgi']['spec_version'] = '2.4'
        scope['subprotocols'] = subprotocols
        scope['extensions'] = {'websocket.http.response': {}}
        self._check(scope, request)
        return scope

    def _check(self, scope: dict[str, Any], request: httpx.Request) -> None:
        if not self.lint:
            return
        try:
            if scope['type'] == 'http' and self._checked:
                HTTPRules(scope).headers(scope)  # all else is as it was in the first scope
            else:
                rules_for(scope)
        except ASGIViolation as violation:
            raise ValueError(
                f'the request that the test makes is wrong, not the application: '
                f'{request.method} {request.url}: {violation}'
            ) from None
        self._checked = self._checked or scope['type'] == 'http'

    def _scope(self, request: httpx.Request, kind: str, state: dict[str, Any]) -> dict[str, Any]:
        """Make what scopes of both kinds have: the path is decoded once, and below `root_path`."""
        url = request.url
        target: bytes = request.extensions.get('target', url.raw_path)
        raw_path, _, query = target.partition(b'?')
        path = unquote(raw_path.decode('latin-1'))
        root = self.root_path
        if root and path != root and not path.startswith(f'{root}/'):
            path, raw_path = root + path, root.encode() + raw_path
        is_secure = url.scheme in ('https', 'wss')
        if kind == 'websocket':
            scheme = 'wss' if is_secure else 'ws'
        else:
            scheme = 'https' if is_secure else 'http'
        return {
            'type': kind,
            # 2.3 as servers announce: from 2.4 on `send` is sure to raise, and Starlette asks for no disconnect then.
            'asgi': {'version': '3.0', 'spec_version': '2.3'},
            'http_version': '1.1',
            'method': request.method,
            'scheme': scheme,
            'path': path,
            'raw_path': raw_path,
            'query_string': query,
            'root_path': root,
            'headers': [(name.lower(), value) for name, value in request.headers.raw],
            'client': self.client,
            'server': (url.host, _port(url)),
            'state': state.copy(),
        }


def _port(url: httpx.URL) -> int:
    if url.port is not None:
        return url.port
    return 443 if url.scheme in ('https', 'wss') else 80


def _is_address(client: Any) -> bool:
    if not isinstance(client, (tuple, list)):
        return False
    parts = cast('Sequence[object]', client)
    return len(parts) == 2 and isinstance(parts[0], str) and isinstance(parts[1], int)

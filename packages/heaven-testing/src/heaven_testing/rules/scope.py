"""The rules of scopes, and which rules the messages of a connection have then."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from typing import Any, cast

from .base import Message, Rules, Scope
from .http import HTTPRules
from .lifespan import LifespanRules
from .websocket import WebSocketRules

_RULES: dict[object, type[Rules]] = {'http': HTTPRules, 'websocket': WebSocketRules, 'lifespan': LifespanRules}


def rules_for(scope: Scope) -> Rules:
    """Check a scope, and return the rules of its connection.

    A scope of an unknown type has no rules but those all messages share: it is the application that must refuse it.
    """
    rules = Rules({})
    rules.kind(scope, 'the server')
    kind = scope['type']
    given: Any = scope.get('asgi')
    asgi: dict[str, Any] = {**given} if isinstance(given, MutableMapping) else {}
    if not isinstance(asgi.get('version'), str):
        rules.breach(f'{kind} scope: asgi is {given!r}, not a dict with a version')
    rules.typed({'type': f'{kind} scope', **asgi}, 'spec_version', str, '2.0')
    if kind in ('http', 'websocket'):
        _check(rules, scope, kind)
    rules.typed(scope, 'state', MutableMapping, {})
    return _RULES.get(kind, _Unknown)(scope)


def _check(rules: Rules, scope: Scope, kind: str) -> None:
    if kind == 'http':
        for key in ('http_version', 'method'):
            rules.typed(scope, key, str, None)
        if scope['method'] != scope['method'].upper():
            rules.breach(f'http scope: the method {scope["method"]!r} is not in upper case')
    if scope.get('http_version', '1.1') not in ('1.0', '1.1', '2', '3'):
        rules.breach(f'{kind} scope: http_version is {scope["http_version"]!r}, not 1.0, 1.1, 2 or 3')
    rules.typed(scope, 'path', str, None)
    rules.typed(scope, 'query_string', bytes, b'' if kind == 'websocket' else None)
    rules.typed(scope, 'raw_path', (bytes, type(None)), None)
    rules.typed(scope, 'root_path', str, '')
    rules.typed(scope, 'extensions', (MutableMapping, type(None)), None)
    if b'?' in (scope.get('raw_path') or b''):
        rules.breach(f'{kind} scope: raw_path {scope["raw_path"]!r} holds the query string')
    if not rules.typed(scope, 'scheme', str, 'http'):
        rules.breach(f'{kind} scope: scheme is empty')
    rules.headers(scope)
    for key in ('client', 'server'):
        address = scope.get(key)
        if address is not None and not _is_address(address, may_lack_port=key == 'server'):
            rules.breach(f'{kind} scope: {key} is {address!r}, not a host and a port')
    for name in rules.typed(scope, 'subprotocols', (list, tuple), ()):
        if not isinstance(name, str):
            rules.breach(f'{kind} scope: the subprotocol {name!r} is not a str')


def _is_address(address: object, may_lack_port: bool) -> bool:
    if not isinstance(address, (list, tuple)):
        return False
    parts = cast('Sequence[object]', address)
    if len(parts) != 2 or not isinstance(parts[0], str):
        return False
    return isinstance(parts[1], int) or (parts[1] is None and may_lack_port)


class _Unknown(Rules):
    """A connection of another protocol: only the form of its messages is known."""

    def received(self, message: Message) -> None:
        self.kind(message, 'the server')

    def sent(self, message: Message) -> None:
        self.kind(message, 'the application')

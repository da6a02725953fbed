"""An in-process test client for ASGI applications, a lint and a pytest plugin; nothing is imported until used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .client import AsyncClient as AsyncClient, Client as Client, Response as Response
    from .handling import trio as trio
    from .rules import ASGIViolation as ASGIViolation, lint as lint
    from .sse import AsyncEvents as AsyncEvents, Event as Event, Events as Events
    from .transport import AsyncTransport as AsyncTransport, LifespanFailed as LifespanFailed, Transport as Transport
    from .websocket import (
        AsyncWebSocket as AsyncWebSocket,
        Close as Close,
        WebSocket as WebSocket,
        WebSocketClosed as WebSocketClosed,
        WebSocketRefused as WebSocketRefused,
    )

_HOMES = {
    'client': ('AsyncClient', 'Client', 'Response'),
    'handling': ('trio',),
    'rules': ('ASGIViolation', 'lint'),
    'sse': ('AsyncEvents', 'Event', 'Events'),
    'transport': ('AsyncTransport', 'LifespanFailed', 'Transport'),
    'websocket': ('AsyncWebSocket', 'Close', 'WebSocket', 'WebSocketClosed', 'WebSocketRefused'),
}

__all__ = [
    'ASGIViolation',
    'AsyncClient',
    'AsyncEvents',
    'AsyncTransport',
    'AsyncWebSocket',
    'Client',
    'Close',
    'Event',
    'Events',
    'LifespanFailed',
    'Response',
    'Transport',
    'WebSocket',
    'WebSocketClosed',
    'WebSocketRefused',
    'lint',
    'trio',
]


def __getattr__(name: str) -> object:
    for home, names in _HOMES.items():
        if name in names:
            value = globals()[name] = getattr(import_module(f'{__name__}.{home}'), name)
            return value
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

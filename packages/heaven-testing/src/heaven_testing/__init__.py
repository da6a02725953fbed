"""An in-process test client for ASGI applications, a lint and a pytest plugin; nothing is imported until used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .client import AsyncClient as AsyncClient, Client as Client
    from .handling import trio as trio
    from .lifespan import LifespanFailed as LifespanFailed, LifespanWarning as LifespanWarning
    from .responses import Response as Response
    from .rules import ASGIViolation as ASGIViolation, lint as lint
    from .session import Close as Close, WebSocketClosed as WebSocketClosed
    from .sse import AsyncEvents as AsyncEvents, Event as Event, Events as Events
    from .transport import AsyncTransport as AsyncTransport, Transport as Transport
    from .websocket import (
        AsyncWebSocket as AsyncWebSocket,
        WebSocket as WebSocket,
        WebSocketRefused as WebSocketRefused,
    )

_HOMES = {
    'client': ('AsyncClient', 'Client'),
    'handling': ('trio',),
    'lifespan': ('LifespanFailed', 'LifespanWarning'),
    'responses': ('Response',),
    'rules': ('ASGIViolation', 'lint'),
    'session': ('Close', 'WebSocketClosed'),
    'sse': ('AsyncEvents', 'Event', 'Events'),
    'transport': ('AsyncTransport', 'Transport'),
    'websocket': ('AsyncWebSocket', 'WebSocket', 'WebSocketRefused'),
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
    'LifespanWarning',
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

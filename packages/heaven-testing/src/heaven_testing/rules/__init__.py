"""The rules of ASGI 3.0, for both sides: the scope and messages of a server, and the messages of an application.

Each connection has one `Rules` object, told of every message as it passes: `received` for those that the application
receives, `sent` for those it sends, `returned` when its coroutine has ended. The first breach is kept in `broken`, so
that an application that swallows every exception cannot hide it.
"""

from .base import (
    ASGIApp as ASGIApp,
    ASGIViolation as ASGIViolation,
    Message as Message,
    Receive as Receive,
    Rules as Rules,
    Scope as Scope,
    Send as Send,
)
from .http import HTTPRules as HTTPRules
from .lifespan import LifespanRules as LifespanRules
from .linting import call as call, lint as lint
from .scope import rules_for as rules_for
from .websocket import WebSocketRules as WebSocketRules

"""The lint: an application with the rules between it and its server."""

from __future__ import annotations

from collections.abc import Awaitable
from types import CoroutineType
from typing import cast

from .base import ASGIApp, ASGIViolation, Message, Receive, Scope, Send
from .scope import rules_for


def lint(app: ASGIApp) -> ASGIApp:
    """Wrap an ASGI application so that every message, in either direction, is checked against the ASGI specification.

    A breach raises `ASGIViolation` where it happens; if the application swallows it, it is raised again at the end.

    >>> import asyncio
    >>> async def app(scope, receive, send):
    ...     await send({'type': 'http.response.start', 'status': '200'})
    >>> scope = {'type': 'http', 'asgi': {'version': '3.0'}, 'http_version': '1.1', 'method': 'GET', 'path': '/',
    ...          'query_string': b'', 'headers': []}
    >>> asyncio.run(lint(app)(scope, None, None))
    Traceback (most recent call last):
    heaven_testing.rules.ASGIViolation: http.response.start: status is '200', not int
    """

    async def linted(scope: Scope, receive: Receive, send: Send) -> None:
        rules = rules_for(scope)

        async def checked_receive() -> Message:
            message = await receive()
            rules.received(message)
            return message

        async def checked_send(message: Message) -> None:
            rules.sent(message)
            try:
                await send(message)
            except OSError:
                rules.failed = True
                raise

        try:
            rules.returned(await call(app, scope, checked_receive, checked_send))
        finally:
            if rules.broken is not None:
                raise rules.broken

    return linted


def call(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> Awaitable[object]:
    """Call an application; what it gives must be awaitable."""
    awaitable = cast(object, app(scope, receive, send))  # an app may give anything, whatever its type says
    if awaitable.__class__ is not CoroutineType and not isinstance(awaitable, Awaitable):
        raise ASGIViolation(f'the application gave {awaitable!r}, not an awaitable: it must be a coroutine function')
    return cast('Awaitable[object]', awaitable)

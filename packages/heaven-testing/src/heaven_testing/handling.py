"""What a handler of Heaven is called with, made for a test that calls one directly."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

import httpx

from .engine import Engine
from .rules import Message

if TYPE_CHECKING:
    import heaven

Trio = tuple['heaven.Request', 'heaven.Response', 'heaven.Context']


def trio(
    url: str,
    method: str = 'GET',
    *,
    json: Any = None,
    body: bytes | str | None = None,
    data: Any = None,
    files: Any = None,
    headers: Any = None,
    cookies: Any = None,
    app: heaven.App | None = None,
) -> Trio:
    """Builds the `(req, res, ctx)` of a request, to call one handler with; no hook runs, and the app is not started.

    `json`, `data`, `files`, `headers` and `cookies` are as httpx takes them, `body` is sent as it is. With an app that
    has a route for the URL, `req.route` and `req.params` are set; without one, an empty app stands in. Raises
    TooLarge or ValueError for a request that the app would refuse before its first hook.

    >>> def greet(req, res, ctx):
    ...     res.body = f'Hello {req.queries["name"]}'
    >>> req, res, ctx = trio('/?name=Ada')
    >>> greet(req, res, ctx)
    >>> res.body
    'Hello Ada'
    """
    if app is None:
        from heaven import App

        app = App()
    request = httpx.Request(
        method,
        httpx.URL('http://localhost').join(url),
        content=body,
        json=json,
        data=data,
        files=files,
        headers=headers,
        cookies=cookies,
    )
    return _taken_from(app, Engine(app).scope(request), request.read())


class _Taken(BaseException):
    """Ends a request where its first hook would run."""

    def __init__(self, *trio: Any) -> None:
        self.trio = trio


def _taken_from(app: heaven.App, scope: dict[str, Any], body: bytes) -> Trio:
    """Sends a request to a copy of the app that gives up its trio before the first hook."""
    from heaven._table import walk

    def take(req: Any, res: Any, ctx: Any) -> None:
        raise _Taken(req, res, ctx)

    async def receive() -> Message:
        return {'type': 'http.request', 'body': body, 'more_body': False}

    async def send(message: Message) -> None:
        raise ValueError(f'{scope["method"]} {scope["path"]}: the app refuses this request before its first hook')

    twin: Any = app.copy(replace=lambda function: take if isinstance(function, str) else function)
    twin._middlewares.clear()
    twin._probe, twin._running, twin._ready = take, True, True
    twin._compile()
    try:
        _run(twin(scope, receive, send))
    except _Taken as taken:
        req, res, ctx = taken.trio
    if req.route is None:  # the body of an unknown route is not read ahead, but the test has a handler for it
        _run(req.read())
    originals = {id(copied.app): place.app for copied, place in zip(walk(twin), walk(app), strict=True)}
    req._app = originals[id(req.app)]
    return req, res, ctx


def _run(coroutine: Coroutine[Any, Any, Any]) -> None:
    """Runs a coroutine that never waits: all that it could wait for is there."""
    try:
        coroutine.send(None)
    except StopIteration:
        pass
    finally:
        coroutine.close()

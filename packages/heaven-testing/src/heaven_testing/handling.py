"""What a handler of Heaven is called with, made for a test that calls one directly."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from .library import httpx
from .observing import Trio
from .rules import Message
from .scopes import Scopes

if TYPE_CHECKING:
    import heaven

T = TypeVar('T')


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
    """Build the `(req, res, ctx)` of a request, to call one handler with; no hook, handler or startup of the app runs.

    `json`, `data`, `files`, `headers` and `cookies` are as httpx takes them, `body` is sent as it is. With an app that
    has a route for the URL, `req.route` and `req.params` are set; without one, an empty app stands in. `req.app` is the
    app, or the one mounted on it that has the route: started or not, as it is.

    Raises what the app would refuse the request with before its first hook: TooLarge for the body, ClientError for a
    target that is no path. Raises ValueError for a request that no client could send.

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
    scope = Scopes(('127.0.0.1', 50000), '', lint=True).http(request, {})
    return _result_of(_take(app, scope, request.read()))


async def _take(app: heaven.App, scope: dict[str, Any], body: bytes) -> Trio:
    async def receive() -> Message:
        return {'type': 'http.request', 'body': body, 'more_body': False}

    return await app.trio(scope, receive)


def _result_of(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never waits, as all that it asks for is there; it needs no event loop."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        coroutine.close()
    raise AssertionError('the app waits for something, though the whole request is there')

"""What a handler of Heaven is called with, made for a test that calls one directly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from .engine import Engine

if TYPE_CHECKING:
    import heaven


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
) -> tuple[heaven.Request, heaven.Response, heaven.Context]:
    """Build the `(req, res, ctx)` of a request, to call one handler with; its body has been read.

    `json`, `data`, `files`, `headers` and `cookies` are as httpx takes them, `body` is sent as it is. With an app that
    has a route for the URL, `req.route` and `req.params` are set; without one, an empty app stands in.

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
    target = httpx.URL('http://localhost').join(url)
    request = httpx.Request(
        method, target, content=body, json=json, data=data, files=files, headers=headers, cookies=cookies
    )
    made: tuple[heaven.Request, heaven.Response, heaven.Context] = app._trio(Engine(app).scope(request), request.read())
    return made

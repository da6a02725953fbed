"""The application in FastAPI: typed parameters and return types, which it encodes with Pydantic's own fast codec.

Its hooks are a pure ASGI middleware, as Starlette's; `@app.middleware('http')` costs about three times as much."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Cookie, FastAPI, Header
from fastapi.responses import PlainTextResponse
from starlette.datastructures import MutableHeaders
from workload import ROUTES

DISTRIBUTIONS = ('fastapi', 'starlette', 'pydantic')


async def plain() -> str:
    return 'Hello, world!'


async def user(user: str) -> dict[str, Any]:
    return {'id': user, 'active': True}


async def echo(document: dict[str, Any]) -> dict[str, Any]:
    return document


async def search(
    page: str,
    size: str,
    sort: str,
    q: str,
    session: Annotated[str, Cookie()],
    theme: Annotated[str, Cookie()],
    user_agent: Annotated[str, Header()],
    authorization: Annotated[str, Header()],
    x_request_id: Annotated[str, Header()],
) -> dict[str, Any]:
    return {
        'page': page,
        'size': size,
        'sort': sort,
        'q': q,
        'session': session,
        'theme': theme,
        'agent': user_agent,
        'auth': authorization,
        'request': x_request_id,
    }


async def other() -> str:
    return 'another route'


class Hooks:
    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope['type'] != 'http':
            return await self.app(scope, receive, send)
        scope['state']['user'] = 'ada'

        async def after(message: Any) -> None:
            if message['type'] == 'http.response.start':
                MutableHeaders(scope=message)['x-user'] = scope['state']['user']
            await send(message)

        await self.app(scope, receive, after)


def small(codec: str) -> Any:
    app = FastAPI()
    app.get('/plain', response_class=PlainTextResponse)(plain)
    app.get('/users/{user}')(user)
    app.get('/search')(search)
    app.post('/echo')(echo)
    return app


def hooked(codec: str) -> Any:
    app = FastAPI()
    app.add_middleware(Hooks)
    app.get('/users/{user}')(user)
    return app


def many(codec: str) -> Any:
    app = FastAPI()
    for route in ROUTES[:-1]:
        app.get('/'.join('{%s}' % part[1:] if part[:1] == ':' else part for part in route.split('/')))(other)
    app.get('/users/{user}/subscriptions')(user)
    return app

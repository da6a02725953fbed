"""The application in FastAPI: typed parameters and return types, which it encodes with Pydantic's own fast codec."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Cookie, FastAPI, Header, Request
from fastapi.responses import PlainTextResponse
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


async def hooks(request: Request, call_next: Any) -> Any:
    request.state.user = 'ada'
    response = await call_next(request)
    response.headers['x-user'] = request.state.user
    return response


def small(codec: str) -> Any:
    app = FastAPI()
    app.get('/plain', response_class=PlainTextResponse)(plain)
    app.get('/users/{user}')(user)
    app.get('/search')(search)
    app.post('/echo')(echo)
    return app


def hooked(codec: str) -> Any:
    app = FastAPI()
    app.middleware('http')(hooks)
    app.get('/users/{user}')(user)
    return app


def many(codec: str) -> Any:
    app = FastAPI()
    for route in ROUTES[:-1]:
        app.get('/'.join('{%s}' % part[1:] if part[:1] == ':' else part for part in route.split('/')))(other)
    app.get('/users/{user}/subscriptions')(user)
    return app

"""The application in Starlette; its hooks are a pure ASGI middleware, its fastest kind."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from workload import ROUTES

DISTRIBUTIONS = ('starlette', 'orjson')


async def plain(request: Request) -> Response:
    return PlainTextResponse('Hello, world!')


async def other(request: Request) -> Response:
    return PlainTextResponse('another route')


def handlers(codec: str) -> Any:
    if codec == 'json':
        Answer = JSONResponse

        async def echo(request: Request) -> Response:
            return Answer(await request.json())

    else:
        import orjson

        class Answer(JSONResponse):
            """The documented way to another codec."""

            def render(self, content: Any) -> bytes:
                return orjson.dumps(content)

        async def echo(request: Request) -> Response:
            return Answer(orjson.loads(await request.body()))

    async def user(request: Request) -> Response:
        return Answer({'id': request.path_params['user'], 'active': True})

    async def search(request: Request) -> Response:
        queries, cookies, headers = request.query_params, request.cookies, request.headers
        return Answer(
            {
                'page': queries.get('page'),
                'size': queries.get('size'),
                'sort': queries.get('sort'),
                'q': queries.get('q'),
                'session': cookies.get('session'),
                'theme': cookies.get('theme'),
                'agent': headers.get('user-agent'),
                'auth': headers.get('authorization'),
                'request': headers.get('x-request-id'),
            }
        )

    return echo, user, search


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
    echo, user, search = handlers(codec)
    return Starlette(
        routes=[
            Route('/plain', plain),
            Route('/users/{user}', user),
            Route('/search', search),
            Route('/echo', echo, methods=['POST']),
        ]
    )


def hooked(codec: str) -> Any:
    _, user, _ = handlers(codec)
    return Starlette(routes=[Route('/users/{user}', user)], middleware=[Middleware(Hooks)])


def braces(route: str) -> str:
    return '/'.join('{%s}' % part[1:] if part[:1] == ':' else part for part in route.split('/'))


def many(codec: str) -> Any:
    _, user, _ = handlers(codec)
    routes = [Route(braces(route), other) for route in ROUTES[:-1]]
    return Starlette(routes=[*routes, Route(braces(ROUTES[-1]), user)])

"""The application in Muffin, which takes orjson wherever it is installed."""

from __future__ import annotations

from typing import Any

from muffin import Application, Request, ResponseText
from workload import ROUTES

DISTRIBUTIONS = ('muffin', 'asgi-tools', 'http-router', 'orjson')


async def plain(request: Request) -> ResponseText:
    return ResponseText('Hello, world!')


async def user(request: Request) -> dict[str, Any]:
    return {'id': request.path_params['user'], 'active': True}


async def echo(request: Request) -> Any:
    return await request.json()


async def search(request: Request) -> dict[str, Any]:
    queries, cookies, headers = request.query, request.cookies, request.headers
    return {
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


async def other(request: Request) -> ResponseText:
    return ResponseText('another route')


async def hooks(handler: Any, request: Request, receive: Any, send: Any) -> Any:
    request['user'] = 'ada'
    response = await handler(request, receive, send)
    response.headers['x-user'] = request['user']
    return response


def small(codec: str) -> Any:
    app = Application()
    app.route('/plain', methods=['GET'])(plain)
    app.route('/users/{user}', methods=['GET'])(user)
    app.route('/search', methods=['GET'])(search)
    app.route('/echo', methods=['POST'])(echo)
    return app


def hooked(codec: str) -> Any:
    app = Application()
    app.middleware(hooks)
    app.route('/users/{user}', methods=['GET'])(user)
    return app


def many(codec: str) -> Any:
    app = Application()
    for route in ROUTES[:-1]:
        path = '/'.join('{%s}' % part[1:] if part[:1] == ':' else part for part in route.split('/'))
        app.route(path, methods=['GET'])(other)
    app.route('/users/{user}/subscriptions', methods=['GET'])(user)
    return app

"""The application in BlackSheep: handlers that take the request as it is, its cheapest kind."""

from __future__ import annotations

from typing import Any

from blacksheep import Application, Request, Response, Router, json, text
from blacksheep.settings.json import json_settings
from workload import ROUTES

DISTRIBUTIONS = ('blacksheep', 'orjson')


async def plain(request: Request) -> Response:
    return text('Hello, world!')


async def user(request: Request) -> Response:
    return json({'id': request.route_values['user'], 'active': True})


async def echo(request: Request) -> Response:
    return json(await request.json())


async def search(request: Request) -> Response:
    queries, cookies = request.query, request.cookies
    return json(
        {
            'page': queries['page'][0],
            'size': queries['size'][0],
            'sort': queries['sort'][0],
            'q': queries['q'][0],
            'session': cookies['session'],
            'theme': cookies['theme'],
            'agent': request.get_first_header(b'user-agent').decode(),
            'auth': request.get_first_header(b'authorization').decode(),
            'request': request.get_first_header(b'x-request-id').decode(),
        }
    )


async def other(request: Request) -> Response:
    return text('another route')


async def hooks(request: Request, handler: Any) -> Response:
    request.user = 'ada'
    response = await handler(request)
    response.add_header(b'x-user', request.user.encode())
    return response


def app(codec: str) -> Application:
    if codec == 'orjson':
        import orjson

        json_settings.use(loads=orjson.loads, dumps=lambda value: orjson.dumps(value).decode())
    return Application(router=Router())


def small(codec: str) -> Any:
    sheep = app(codec)
    sheep.router.add_get('/plain', plain)
    sheep.router.add_get('/users/{user}', user)
    sheep.router.add_get('/search', search)
    sheep.router.add_post('/echo', echo)
    return sheep


def hooked(codec: str) -> Any:
    sheep = app(codec)
    sheep.middlewares.append(hooks)
    sheep.router.add_get('/users/{user}', user)
    return sheep


def many(codec: str) -> Any:
    sheep = app(codec)
    for route in ROUTES[:-1]:
        path = '/'.join('{%s}' % part[1:] if part[:1] == ':' else part for part in route.split('/'))
        sheep.router.add_get(path, other)
    sheep.router.add_get('/users/{user}/subscriptions', user)
    return sheep

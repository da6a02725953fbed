"""The application in Sanic, under ASGI as any server but its own would run it."""

from __future__ import annotations

import json as standard
from typing import Any

from sanic import Request, Sanic
from sanic.response import HTTPResponse, json, text
from workload import ROUTES

DISTRIBUTIONS = ('sanic', 'sanic-routing', 'orjson')


async def plain(request: Request) -> HTTPResponse:
    return text('Hello, world!')


async def user(request: Request, user: str) -> HTTPResponse:
    return json({'id': user, 'active': True})


async def echo(request: Request) -> HTTPResponse:
    return json(request.json)


async def search(request: Request) -> HTTPResponse:
    queries, cookies, headers = request.args, request.cookies, request.headers
    return json(
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


async def other(request: Request, **params: str) -> HTTPResponse:
    return text('another route')


async def before(request: Request) -> None:
    request.ctx.user = 'ada'


async def after(request: Request, response: HTTPResponse) -> None:
    response.headers['x-user'] = request.ctx.user


touched = False


def app(name: str, codec: str) -> Any:
    global touched
    if codec == 'json':
        encode = standard.JSONEncoder(ensure_ascii=False, separators=(',', ':')).encode
        sanic = Sanic(name, loads=standard.loads, dumps=encode, configure_logging=False)
    else:
        import orjson

        sanic = Sanic(name, loads=orjson.loads, dumps=orjson.dumps, configure_logging=False)
    # Sanic rewrites its own methods for speed when an app starts, but cannot do so twice in one process.
    sanic.config.TOUCHUP, touched = not touched, True
    return sanic


def small(codec: str) -> Any:
    sanic = app('small', codec)
    sanic.add_route(plain, '/plain')
    sanic.add_route(user, '/users/<user>')
    sanic.add_route(search, '/search')
    sanic.add_route(echo, '/echo', methods=['POST'])
    return sanic


def hooked(codec: str) -> Any:
    sanic = app('hooked', codec)
    sanic.on_request(before)
    sanic.on_response(after)
    sanic.add_route(user, '/users/<user>')
    return sanic


def many(codec: str) -> Any:
    sanic = app('many', codec)
    for number, route in enumerate(ROUTES[:-1]):
        parts = ['<%s>' % part[1:] if part[:1] == ':' else part for part in route.split('/')]
        sanic.add_route(other, '/'.join(parts), name=f'other{number}')
    sanic.add_route(user, '/users/<user>/subscriptions')
    return sanic

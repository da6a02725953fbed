"""The application in Falcon."""

from __future__ import annotations

from typing import Any

import falcon.asgi
import falcon.media
from falcon.asgi import Request, Response
from workload import ROUTES

DISTRIBUTIONS = ('falcon', 'orjson')


class Plain:
    async def on_get(self, req: Request, resp: Response) -> None:
        resp.content_type = falcon.MEDIA_TEXT
        resp.text = 'Hello, world!'


class User:
    async def on_get(self, req: Request, resp: Response, user: str) -> None:
        resp.media = {'id': user, 'active': True}


class Echo:
    async def on_post(self, req: Request, resp: Response) -> None:
        resp.media = await req.get_media()


class Search:
    async def on_get(self, req: Request, resp: Response) -> None:
        cookies = req.cookies
        resp.media = {
            'page': req.get_param('page'),
            'size': req.get_param('size'),
            'sort': req.get_param('sort'),
            'q': req.get_param('q'),
            'session': cookies.get('session'),
            'theme': cookies.get('theme'),
            'agent': req.get_header('user-agent'),
            'auth': req.get_header('authorization'),
            'request': req.get_header('x-request-id'),
        }


class Other:
    async def on_get(self, req: Request, resp: Response, **params: str) -> None:
        resp.text = 'another route'


class Hooks:
    async def process_request(self, req: Request, resp: Response) -> None:
        req.context.user = 'ada'

    async def process_response(self, req: Request, resp: Response, resource: Any, succeeded: bool) -> None:
        resp.set_header('x-user', req.context.user)


def app(codec: str, **options: Any) -> Any:
    api = falcon.asgi.App(**options)
    if codec == 'orjson':
        import orjson

        handler = falcon.media.JSONHandler(dumps=orjson.dumps, loads=orjson.loads)
        api.req_options.media_handlers[falcon.MEDIA_JSON] = handler
        api.resp_options.media_handlers[falcon.MEDIA_JSON] = handler
    return api


def small(codec: str) -> Any:
    api = app(codec)
    api.add_route('/plain', Plain())
    api.add_route('/users/{user}', User())
    api.add_route('/search', Search())
    api.add_route('/echo', Echo())
    return api


def hooked(codec: str) -> Any:
    api = app(codec, middleware=[Hooks()])
    api.add_route('/users/{user}', User())
    return api


def many(codec: str) -> Any:
    api = app(codec)
    for route in ROUTES[:-1]:
        api.add_route('/'.join('{%s}' % part[1:] if part[:1] == ':' else part for part in route.split('/')), Other())
    api.add_route('/users/{user}/subscriptions', User())
    return api

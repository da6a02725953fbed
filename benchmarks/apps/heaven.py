"""The application in Heaven."""

from __future__ import annotations

from typing import Any

from heaven import App, Context, Request, Response
from workload import ROUTES

DISTRIBUTIONS = ('heaven-core', 'orjson')


async def plain(req: Request, res: Response, ctx: Context) -> None:
    res.body = 'Hello, world!'


async def user(req: Request, res: Response, ctx: Context) -> None:
    res.body = {'id': req.params['user'], 'active': True}


async def echo(req: Request, res: Response, ctx: Context) -> None:
    res.body = req.json


async def search(req: Request, res: Response, ctx: Context) -> None:
    queries, cookies, headers = req.queries, req.cookies, req.headers
    res.body = {
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


async def other(req: Request, res: Response, ctx: Context) -> None:
    res.body = 'another route'


async def before(req: Request, res: Response, ctx: Context) -> None:
    ctx.user = 'ada'


async def after(req: Request, res: Response, ctx: Context) -> None:
    res.header('x-user', ctx.user)


def app(codec: str) -> App:
    if codec == 'json':
        return App()
    import orjson

    return App(json=orjson)


def small(codec: str) -> Any:
    heaven = app(codec)
    heaven.GET('/plain', plain)
    heaven.GET('/users/:user', user)
    heaven.GET('/search', search)
    heaven.POST('/echo', echo)
    return heaven


def hooked(codec: str) -> Any:
    heaven = app(codec)
    heaven.BEFORE('/users/*', before)
    heaven.AFTER('/users/*', after)
    heaven.GET('/users/:user', user)
    return heaven


def many(codec: str) -> Any:
    heaven = app(codec)
    for route in ROUTES[:-1]:
        heaven.GET(route, other)
    heaven.GET(ROUTES[-1], user)
    return heaven

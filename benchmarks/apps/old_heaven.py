"""The application in the older single package `heaven`, whose codec is orjson."""

from __future__ import annotations

from typing import Any

from heaven import App, Context, Request, Response
from workload import ROUTES

DISTRIBUTIONS = ('heaven', 'orjson')


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
    ctx.keep('user', 'ada')


async def after(req: Request, res: Response, ctx: Context) -> None:
    res.headers = 'x-user', ctx.user


def small(codec: str) -> Any:
    app = App()
    app.GET('/plain', plain)
    app.GET('/users/:user', user)
    app.GET('/search', search)
    app.POST('/echo', echo)
    return app


def hooked(codec: str) -> Any:
    app = App()
    app.BEFORE('/users/*', before)
    app.AFTER('/users/*', after)
    app.GET('/users/:user', user)
    return app


def many(codec: str) -> Any:
    app = App()
    for route in ROUTES[:-1]:
        app.GET(route, other)
    app.GET(ROUTES[-1], user)
    return app

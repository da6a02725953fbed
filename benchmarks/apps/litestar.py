"""The application in Litestar, which encodes with msgspec; documentation routes and logging off."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Litestar, MediaType, Request, Response, get, post
from litestar.params import Parameter
from workload import ROUTES

DISTRIBUTIONS = ('litestar', 'msgspec')


@get('/plain', media_type=MediaType.TEXT)
async def plain() -> str:
    return 'Hello, world!'


def user(route: str) -> Any:
    """A new handler for every app, since Litestar's handlers keep what the first app made of them."""

    async def user(user: str) -> dict[str, Any]:
        return {'id': user, 'active': True}

    return get(route)(user)


@post('/echo', status_code=200)
async def echo(data: dict[str, Any]) -> dict[str, Any]:
    return data


@get('/search')
async def search(
    page: str,
    size: str,
    sort: str,
    q: str,
    session: Annotated[str, Parameter(cookie='session')],
    theme: Annotated[str, Parameter(cookie='theme')],
    agent: Annotated[str, Parameter(header='user-agent')],
    auth: Annotated[str, Parameter(header='authorization')],
    request_id: Annotated[str, Parameter(header='x-request-id')],
) -> dict[str, Any]:
    return {
        'page': page,
        'size': size,
        'sort': sort,
        'q': q,
        'session': session,
        'theme': theme,
        'agent': agent,
        'auth': auth,
        'request': request_id,
    }


async def before(request: Request) -> None:
    request.state.user = 'ada'


async def after(response: Response) -> Response:
    response.headers['x-user'] = 'ada'
    return response


def small(codec: str) -> Any:
    return Litestar([plain, user('/users/{user:str}'), search, echo], openapi_config=None, logging_config=None)


def hooked(codec: str) -> Any:
    hooks: Any = {'before_request': before, 'after_request': after}
    return Litestar([user('/users/{user:str}')], **hooks, openapi_config=None, logging_config=None)


def many(codec: str) -> Any:
    routes = []
    for route in ROUTES[:-1]:
        parts = ['{%s:str}' % part[1:] if part[:1] == ':' else part for part in route.split('/')]

        async def other() -> str:
            return 'another route'

        routes.append(get('/'.join(parts), media_type=MediaType.TEXT)(other))

    routes.append(user('/users/{user:str}/subscriptions'))
    return Litestar(routes, openapi_config=None, logging_config=None)

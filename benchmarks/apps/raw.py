"""The measure of the others: ASGI by hand, one function a row, dispatching and framing as little as the work needs."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

TEXT, JSON = b'text/plain; charset=utf-8', b'application/json'


def codec(name: str) -> tuple[Any, Any]:
    """`loads` and `dumps` of the named codec; the standard library's made as compact as orjson, and to bytes."""
    if name == 'orjson':
        import orjson

        return orjson.loads, orjson.dumps
    import json

    encode = json.JSONEncoder(ensure_ascii=False, separators=(',', ':')).encode
    return json.loads, lambda value: encode(value).encode()


async def missing(send: Any) -> None:
    start = {'type': 'http.response.start', 'status': 404}
    await send({**start, 'headers': [(b'content-type', TEXT), (b'content-length', b'9')]})
    await send({'type': 'http.response.body', 'body': b'Not Found'})


def rows(name: str) -> dict[str, Any]:
    """The raw app of every row, with the named codec."""
    loads, dumps = codec(name)

    async def plain(scope: Any, receive: Any, send: Any) -> None:
        if scope['method'] != 'GET' or scope['path'] != '/plain':
            return await missing(send)
        headers = [(b'content-type', TEXT), (b'content-length', b'13')]
        await send({'type': 'http.response.start', 'status': 200, 'headers': headers})
        await send({'type': 'http.response.body', 'body': b'Hello, world!'})

    async def user(scope: Any, receive: Any, send: Any) -> None:
        parts = scope['path'].split('/')
        if scope['method'] != 'GET' or len(parts) != 3 or parts[1] != 'users':
            return await missing(send)
        body = dumps({'id': parts[2], 'active': True})
        headers = [(b'content-type', JSON), (b'content-length', b'%d' % len(body))]
        await send({'type': 'http.response.start', 'status': 200, 'headers': headers})
        await send({'type': 'http.response.body', 'body': body})

    async def last(scope: Any, receive: Any, send: Any) -> None:
        parts = scope['path'].split('/')
        if scope['method'] != 'GET' or len(parts) != 4 or parts[1] != 'users' or parts[3] != 'subscriptions':
            return await missing(send)
        body = dumps({'id': parts[2], 'active': True})
        headers = [(b'content-type', JSON), (b'content-length', b'%d' % len(body))]
        await send({'type': 'http.response.start', 'status': 200, 'headers': headers})
        await send({'type': 'http.response.body', 'body': body})

    async def echo(scope: Any, receive: Any, send: Any) -> None:
        if scope['method'] != 'POST' or scope['path'] != '/echo':
            return await missing(send)
        message = await receive()
        body = message['body']
        while message.get('more_body'):
            message = await receive()
            body += message['body']
        body = dumps(loads(body))
        headers = [(b'content-type', JSON), (b'content-length', b'%d' % len(body))]
        await send({'type': 'http.response.start', 'status': 200, 'headers': headers})
        await send({'type': 'http.response.body', 'body': body})

    async def nothing(scope: Any, receive: Any, send: Any) -> None:
        if scope['path'] != '/plain':
            return await missing(send)

    async def hooked(scope: Any, receive: Any, send: Any) -> None:
        who = 'ada'
        parts = scope['path'].split('/')
        if scope['method'] != 'GET' or len(parts) != 3 or parts[1] != 'users':
            return await missing(send)
        body = dumps({'id': parts[2], 'active': True})
        headers = [(b'content-type', JSON), (b'content-length', b'%d' % len(body)), (b'x-user', who.encode())]
        await send({'type': 'http.response.start', 'status': 200, 'headers': headers})
        await send({'type': 'http.response.body', 'body': body})

    async def search(scope: Any, receive: Any, send: Any) -> None:
        if scope['method'] != 'GET' or scope['path'] != '/search':
            return await missing(send)
        queries = dict(parse_qsl(scope['query_string'].decode('latin-1')))
        given = dict(scope['headers'])
        cookies = {}
        for pair in given[b'cookie'].decode('latin-1').split(';'):
            key, _, value = pair.partition('=')
            cookies[key.strip()] = value.strip()
        found = {
            'page': queries['page'],
            'size': queries['size'],
            'sort': queries['sort'],
            'q': queries['q'],
            'session': cookies['session'],
            'theme': cookies['theme'],
            'agent': given[b'user-agent'].decode('latin-1'),
            'auth': given[b'authorization'].decode('latin-1'),
            'request': given[b'x-request-id'].decode('latin-1'),
        }
        body = dumps(found)
        headers = [(b'content-type', JSON), (b'content-length', b'%d' % len(body))]
        await send({'type': 'http.response.start', 'status': 200, 'headers': headers})
        await send({'type': 'http.response.body', 'body': body})

    return {
        'a': plain,
        'b': user,
        'b*': user,
        'c': last,
        'c*': last,
        'd': echo,
        'e': nothing,
        'f': hooked,
        'g': search,
    }

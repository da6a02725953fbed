"""A foreign framework, with what it does to tasks, scopes and exceptions on the way."""

import asyncio
import gc
import time

import pytest
from heaven_testing import ASGIViolation, AsyncClient, Client, WebSocketClosed, WebSocketRefused

pytest.importorskip('starlette')

from heaven import App
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute

did = []


class Around(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        response = await call_next(request)
        response.headers['x-around'] = 'yes'
        return response


async def numbers(request):
    async def make():
        try:
            for number in range(100):
                did.append(number)
                yield f'{number}\n'
        finally:
            did.append('closed')

    return StreamingResponse(make())


async def slow_numbers(request):
    async def make():
        try:
            yield '0\n'
            await asyncio.sleep(3600)
        finally:
            did.append('closed')

    return StreamingResponse(make())


async def upload(request):
    sizes = [len(chunk) async for chunk in request.stream()]
    return PlainTextResponse(f'{sum(sizes)} {await request.is_disconnected()}')


def threaded(request):
    time.sleep(0.01)
    return PlainTextResponse('from a thread', background=BackgroundTask(did.append, 'background'))


async def broken(request):
    raise KeyError('broken')


async def socket(websocket):
    await websocket.accept()
    async for text in websocket.iter_text():
        if text == 'raise':
            raise KeyError('broken')
        await websocket.send_text(text)
    did.append('left')


def heaven_app():
    app = App()
    app.GET('/broken', lambda req, res, ctx: 1 / 0)
    return app


def make(*middleware):
    did.clear()
    routes = [
        Route('/numbers', numbers),
        Route('/slow', slow_numbers),
        Route('/upload', upload, methods=['POST']),
        Route('/threaded', threaded),
        Route('/broken', broken),
        WebSocketRoute('/ws', socket),
        Mount('/heaven', heaven_app()),
    ]
    return Starlette(routes=routes, middleware=[Middleware(each) for each in middleware])


@pytest.mark.parametrize('middleware', [(), (Around,), (Around, Around)])
def test_requests_streams_and_exceptions(middleware):
    with Client(make(*middleware)) as client:
        response = client.get('/threaded')
        assert (response.text, 'x-around' in response.headers) == ('from a thread', bool(middleware))
        assert did == ['background']
        assert client.post('/upload', content=b'x' * 200_000).text == '200000 False'
        assert client.post('/upload', content=iter([b'a', b'bc'])).text == '3 False'
        assert client.get('/numbers').text.count('\n') == 100
        for path in ('/numbers', '/slow'):
            spent = []
            while len(spent) < 10 and min(spent, default=1) > 0.9:  # whoever leaves waits for nothing; a machine may
                did.clear()
                began = time.monotonic()
                with client.stream('GET', path) as response:
                    assert next(response.iter_lines()) == '0'
                spent.append(time.monotonic() - began)
            assert min(spent) < 0.9
            assert len(did) < 100
            gc.collect()  # Starlette leaves its generator to be found, and the loop to close it
            client.get('/nowhere')
            assert did[-1] == 'closed'
        for path, error in (('/broken', KeyError), ('/heaven/broken', ZeroDivisionError)):
            with pytest.raises(error):
                client.get(path)
        assert client.get('/nowhere').status_code == 404
    with Client(make(*middleware), raise_app_exceptions=False) as client:
        assert client.get('/broken').text == 'Internal Server Error'
        assert client.get('/heaven/broken').status_code == 500


@pytest.mark.parametrize('middleware', [(), (Around,)])
def test_websockets(middleware):
    with Client(make(*middleware)) as client:
        with client.websocket('/ws') as ws:
            ws.send('hello')
            assert ws.receive() == 'hello'
        assert did == ['left']
        with client.websocket('/ws') as ws:
            ws.send('raise')
            with pytest.raises(KeyError, match='broken'):
                ws.receive()
    with Client(make(*middleware), raise_app_exceptions=False) as client, client.websocket('/ws') as ws:
        ws.send('raise')
        with pytest.raises(WebSocketClosed):
            ws.receive()


def viewed(request):
    return Response(memoryview(b'of another library'))


async def refusing(websocket):
    """As FastAPI does by default, when the query of a WebSocket is wrong."""
    await websocket.close(code=1008, reason=[{'loc': ['query', 'id'], 'msg': 'Field required'}])


def test_what_frameworks_do_against_the_specification_can_be_tested_without_lint():
    app = Starlette(routes=[Route('/view', viewed), WebSocketRoute('/ws', refusing)])
    with Client(app, lint=False) as client:
        assert client.get('/view').content == b'of another library'
        with pytest.raises(WebSocketRefused) as caught:
            client.websocket('/ws')
        assert (caught.value.code, caught.value.reason[0]['msg']) == (1008, 'Field required')
    with Client(app) as client:
        with pytest.raises(ASGIViolation, match='body is <memory'):
            client.get('/view')
        with pytest.raises(ASGIViolation, match='reason is'):
            client.websocket('/ws')


def test_the_async_client():
    async def main():
        async with AsyncClient(make(Around)) as client:
            answers = await asyncio.gather(*(client.get('/threaded') for _ in range(5)))
            assert {answer.text for answer in answers} == {'from a thread'}
            async with client.stream('GET', '/slow') as response:
                async for line in response.aiter_lines():
                    assert line == '0'
                    break
            assert did[-1] == 'closed'

    asyncio.run(main())

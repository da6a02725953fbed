"""Middlewares that look at what they wrap, and what serves an app without a socket: the same requests through each."""

import asyncio

import brotli
import elasticapm
import httpx
import prometheus_client
import pytest
from brotli_asgi import BrotliMiddleware
from elasticapm.contrib.asgi import ASGITracingMiddleware
from heaven import App
from heaven_testing import Client
from mangum import Mangum

BIG = 'x' * 2000


async def echo(req, ws, ctx):
    async for message in ws:
        await ws.send(message)


async def pieces():
    for number in range(3):
        yield f'{number}' * 500
        await asyncio.sleep(0)


async def life(app):
    app.keep('db', 'connected')
    yield
    app.keep('db', 'closed')


def house():
    app = App()
    app.ON('startup', life)
    app.GET('/', lambda req, res, ctx: res.out(200, BIG))
    app.GET('/small', lambda req, res, ctx: res.out(200, req.app.peek('db')))
    app.GET('/stream', lambda req, res, ctx: res.stream(pieces()))
    app.GET('/empty', lambda req, res, ctx: res.out(204))
    app.GET('/fail', lambda req, res, ctx: 1 / 0)
    app.POST('/echo', lambda req, res, ctx: res.out(200, req.json))
    app.WS('/socket', echo)
    return app


STREAM = '0' * 500 + '1' * 500 + '2' * 500


def check_all(client):
    """Ask for everything that a middleware could get wrong."""
    assert client.get('/').text == BIG
    head = client.head('/')
    assert (head.status_code, head.content) == (200, b'')
    assert client.get('/small').text == 'connected'
    assert client.get('/stream').text == STREAM
    assert client.get('/empty').status_code == 204
    assert client.post('/echo', json={'n': 1}).json() == {'n': 1}
    missing = client.get('/none')
    assert (missing.status_code, missing.text) == (404, 'Not Found')
    failed = client.get('/fail')
    assert (failed.status_code, failed.text) == (500, 'Internal Server Error')
    with client.websocket('/socket') as socket:
        for message in ('text', b'bytes'):
            socket.send(message)
            assert socket.receive() == message


# Brotli


@pytest.mark.parametrize('accepted', ['br', 'gzip', 'identity'])
def test_everything_passes_the_compression_of_brotli_asgi(accepted):
    app = house()
    app.use(BrotliMiddleware, minimum_size=100)
    with Client(app, raise_app_exceptions=False, headers={'accept-encoding': accepted}) as client:
        check_all(client)


def test_brotli_asgi_compresses_bodies_and_streams_and_leaves_what_is_small():
    app = house()
    app.use(BrotliMiddleware, minimum_size=100)
    with Client(app, headers={'accept-encoding': 'br'}) as client:
        for path, text in {'/': BIG, '/stream': STREAM}.items():
            with client.stream('GET', path) as reply:
                raw = b''.join(reply.iter_raw())
            assert (reply.headers['content-encoding'], reply.headers['vary']) == ('br', 'Accept-Encoding')
            assert brotli.decompress(raw).decode() == text
        assert 'content-encoding' not in client.get('/small').headers


# Prometheus


class Counting:
    """Counts answers by method, route and status: what instrumentations of Prometheus do."""

    def __init__(self, app, registry):
        self.app = app
        self.answers = prometheus_client.Counter('answers', 'Answers', ['method', 'route', 'status'], registry=registry)

    async def __call__(self, scope, receive, send):
        async def counted(message):
            if message['type'] == 'http.response.start':
                self.answers.labels(scope['method'], getattr(scope.get('route'), 'path', ''), message['status']).inc()
            await send(message)

        await self.app(scope, receive, counted if scope['type'] == 'http' else send)


def test_prometheus_counts_answers_by_route_and_serves_them_under_a_prefix():
    registry = prometheus_client.CollectorRegistry()
    app = house()
    app.use(Counting, registry=registry)
    app.mount(prometheus_client.make_asgi_app(registry), '/metrics')
    with Client(app, raise_app_exceptions=False) as client:
        check_all(client)
        reply = client.get('/metrics')
        assert reply.headers['content-type'].startswith('text/plain; version=')
        assert client.head('/metrics').content == b''
    lines = reply.text.splitlines()
    assert 'answers_total{method="GET",route="/",status="200"} 1.0' in lines
    assert 'answers_total{method="GET",route="/fail",status="500"} 1.0' in lines
    assert 'answers_total{method="GET",route="",status="404"} 1.0' in lines


# Elastic APM


class Kept(elasticapm.Client):
    """A client of Elastic APM that keeps what it would send."""

    def __init__(self):
        self.events = {'transaction': [], 'error': [], 'metricset': []}
        super().__init__(
            service_name='house',
            transport_class='elasticapm.transport.base.Transport',
            central_config='false',
            cloud_provider='none',
            metrics_interval='0',
            instrument='false',
        )

    def start_threads(self):
        """Start none, for nothing is sent."""

    def queue(self, event_type, data, flush=False):
        self.events[event_type].append(data)


@pytest.fixture
def traced():
    """What the middleware of Elastic APM has told of, by kind."""
    client = Kept()
    yield client.events
    client.close()


def test_elastic_apm_traces_every_request_and_reports_what_fails(traced):
    app = house()
    app.use(ASGITracingMiddleware)
    with Client(app, raise_app_exceptions=False) as client:
        check_all(client)
    results = [each['result'] for each in traced['transaction']]
    assert results == ['HTTP 2xx'] * 6 + ['HTTP 4xx', 'HTTP 5xx']
    assert [each['outcome'] for each in traced['transaction']] == ['success'] * 7 + ['failure']
    assert [each['exception']['type'] for each in traced['error']] == ['ZeroDivisionError']


# In the place of a server


def gateway(method, path, **more):
    """An event of Amazon's API Gateway, version 2.0 of its format."""
    return {
        'version': '2.0',
        'rawQueryString': '',
        'headers': {'Host': 'house.example', 'Content-Type': 'application/json'},
        'requestContext': {'http': {'method': method, 'path': path, 'sourceIp': '1.2.3.4'}},
        'isBase64Encoded': False,
        **more,
    }


@pytest.fixture
def loop_of_thread():
    """The event loop that code without a running one finds, as in a Lambda function."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


@pytest.mark.usefixtures('loop_of_thread')
def test_mangum_serves_the_app_in_a_lambda_function():
    serve = Mangum(house())

    def ask(method, path, **more):
        reply = serve(gateway(method, path, **more), None)
        return reply['statusCode'], reply.get('body')

    assert ask('GET', '/') == (200, BIG)
    assert ask('HEAD', '/') == (200, '')
    assert ask('GET', '/small') == (200, 'connected')
    assert ask('GET', '/stream') == (200, STREAM)
    assert ask('GET', '/none') == (404, 'Not Found')
    assert ask('GET', '/fail') == (500, 'Internal Server Error')
    assert ask('POST', '/echo', body='{"n":1}') == (200, '{"n":1}')


def test_the_transport_of_httpx_serves_the_app():
    async def run():
        transport = httpx.ASGITransport(house(), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url='http://house.example') as client:
            assert (await client.get('/')).text == BIG
            assert (await client.head('/')).content == b''
            assert (await client.get('/small')).text == 'connected'
            assert (await client.get('/stream')).text == STREAM
            assert (await client.get('/none')).status_code == 404
            assert (await client.get('/fail')).text == 'Internal Server Error'
            assert (await client.post('/echo', json={'n': 1})).json() == {'n': 1}

    asyncio.run(run())

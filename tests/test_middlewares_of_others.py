"""Middlewares and apps that others wrote, used as their documentation says."""

import gzip
import logging
import subprocess
import sys
from contextlib import asynccontextmanager

import pytest
import sentry_sdk
from asgi_correlation_id import CorrelationIdMiddleware, correlation_id
from heaven import App
from heaven_testing import Client
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sentry_sdk.integrations.asgi import SentryAsgiMiddleware
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware


def app_with(middleware, **options):
    app = App()
    app.GET('/', lambda req, res, ctx: res.out(200, 'x' * 2000))
    app.GET('/stream', lambda req, res, ctx: res.stream(iter(['x' * 1000] * 3)))
    app.GET('/empty', lambda req, res, ctx: res.out(204))
    app.GET('/fail', lambda req, res, ctx: 1 / 0)
    app.use(middleware, **options)
    return app


def test_gzip_of_starlette_compresses_bodies_and_streams_and_leaves_the_rest():
    with Client(app_with(GZipMiddleware, minimum_size=500)) as client:
        for path, text in {'/': 'x' * 2000, '/stream': 'x' * 3000}.items():
            with client.stream('GET', path, headers={'accept-encoding': 'gzip'}) as reply:
                raw = b''.join(reply.iter_raw())
            assert reply.headers['content-encoding'] == 'gzip'
            assert gzip.decompress(raw).decode() == text
        assert client.get('/', headers={'accept-encoding': 'identity'}).text == 'x' * 2000
        assert client.head('/', headers={'accept-encoding': 'gzip'}).content == b''
        assert client.get('/empty').status_code == 204
        assert client.get('/none').text == 'Not Found'


def test_other_middlewares_of_starlette_work_around_the_app():
    app = app_with(TrustedHostMiddleware, allowed_hosts=['good.example'])
    app.use(CORSMiddleware, allow_origins=['https://a.example'])

    async def add(request, call_next):
        response = await call_next(request)
        response.headers['x-added'] = 'yes'
        return response

    app.use(BaseHTTPMiddleware, dispatch=add)
    with Client(app, base_url='http://good.example') as client:
        reply = client.get('/stream', headers={'origin': 'https://a.example'})
        assert (reply.headers['access-control-allow-origin'], reply.headers['x-added']) == ('https://a.example', 'yes')
        assert client.get('/', headers={'host': 'bad.example'}).status_code == 400


def test_a_correlation_id_is_there_in_the_handler_and_on_the_answer():
    app = app_with(CorrelationIdMiddleware, validator=None)
    app.GET('/id', lambda req, res, ctx: res.out(200, correlation_id.get()))
    app.GET('/thread', lambda req, res, ctx: res.out(200, correlation_id.get()), threaded=True)
    with Client(app) as client:
        for path in ('/id', '/thread'):
            reply = client.get(path, headers={'x-request-id': 'abc'})
            assert (reply.text, reply.headers['x-request-id']) == ('abc', 'abc')


def test_opentelemetry_sees_requests_and_which_of_them_failed():
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    app = app_with(OpenTelemetryMiddleware, tracer_provider=provider)
    with Client(app, raise_app_exceptions=False) as client:
        assert client.get('/').status_code == 200
        assert client.get('/fail').status_code == 500
    spans = [span for span in exporter.get_finished_spans() if span.kind.name == 'SERVER']
    assert [span.status.status_code.name for span in spans] == ['UNSET', 'ERROR']


def test_opentelemetry_sees_an_exception_that_ends_an_answer_half_way():
    async def half():
        yield 'x'
        raise ValueError('half')

    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    app = app_with(OpenTelemetryMiddleware, tracer_provider=provider)
    app.GET('/half', lambda req, res, ctx: res.stream(half()))
    with Client(app) as client, pytest.raises(ValueError, match='half'):
        client.get('/half')
    events = [event for span in exporter.get_finished_spans() for event in span.events]
    assert [event.attributes['exception.type'] for event in events] == ['ValueError']


@pytest.fixture
def reported():
    """The events that Sentry would send."""
    events = []

    class Kept(sentry_sdk.Transport):
        def capture_envelope(self, envelope):
            events.extend(item.payload.json for item in envelope.items if item.type == 'event')

    with sentry_sdk.isolation_scope():
        sentry_sdk.init('https://key@sentry.example/1', transport=Kept, default_integrations=False)
        yield events
        sentry_sdk.get_client().close()
        sentry_sdk.get_global_scope().set_client(None)  # one without a key would still ask for local variables


def test_sentry_serves_requests_and_websockets_and_reports_what_fails(reported):
    async def echo(req, ws, ctx):
        await ws.send(await ws.receive())

    app = app_with(SentryAsgiMiddleware)
    app.WS('/echo', echo)
    with Client(app, raise_app_exceptions=False) as client:
        assert client.get('/').text == 'x' * 2000
        assert client.get('/stream').text == 'x' * 3000
        assert client.get('/none').status_code == 404
        with client.websocket('/echo') as socket:
            socket.send('hello')
            assert socket.receive() == 'hello'
        assert reported == []
        assert client.get('/fail').status_code == 500
    assert [event['exception']['values'][0]['type'] for event in reported] == ['ZeroDivisionError']


def test_sentry_works_among_other_middlewares(reported):
    for order in ([SentryAsgiMiddleware, GZipMiddleware], [GZipMiddleware, SentryAsgiMiddleware]):
        app = app_with(order[0])
        app.use(order[1])
        with Client(app, raise_app_exceptions=False) as client:
            assert client.get('/').text == 'x' * 2000
            assert client.get('/fail').status_code == 500
    assert len(reported) == 2


def test_proxy_headers_of_uvicorn_tell_the_address_and_the_scheme_of_the_client():
    app = app_with(ProxyHeadersMiddleware, trusted_hosts='*')
    app.GET('/who', lambda req, res, ctx: res.out(200, [req.ip.address, req.scheme, req.url]))
    with Client(app, base_url='http://a.example') as client:
        reply = client.get('/who', headers={'x-forwarded-for': '1.2.3.4', 'x-forwarded-proto': 'https'})
    assert reply.json() == ['1.2.3.4', 'https', 'https://a.example/who']


# Apps under a prefix


def starlette():
    async def page(request):
        return PlainTextResponse(f'{request.url.path} {request.url_for("page")} {request.state.db}')

    async def fail(request):
        raise ValueError('theirs')

    async def stream(request):
        async def chunks():
            for n in range(3):
                yield str(n)

        return StreamingResponse(chunks())

    async def echo(websocket):
        await websocket.accept()
        await websocket.send_text(await websocket.receive_text() + websocket.url.path)
        await websocket.close(4000)

    async def lifespan(app):
        yield {'db': 'connected'}

    routes = [Route('/page', page, name='page'), Route('/fail', fail), Route('/stream', stream)]
    routes.append(WebSocketRoute('/echo', echo))
    return Starlette(routes=routes, lifespan=asynccontextmanager(lifespan))


@pytest.mark.parametrize('prefixes', [['/star'], ['/a', '/star'], ['/a', '/b', '/star']], ids=len)
def test_starlette_under_a_prefix_is_the_app_it_is_alone(prefixes, caplog):
    app = inner = App()
    for prefix in prefixes[:-1]:
        child = App()
        inner.mount(child, prefix)
        inner = child
    inner.mount(starlette(), prefixes[-1])
    app.BEFORE('/*', lambda req, res, ctx: res.header('x-guarded', 'yes'))
    at = ''.join(prefixes)
    with Client(app, base_url='http://a.example') as client:
        reply = client.get(f'{at}/page')
        assert reply.text == f'{at}/page http://a.example{at}/page connected'
        assert reply.headers['x-guarded'] == 'yes'
        assert client.get(f'{at}/stream').text == '012'
        assert client.get(f'{at}/none').status_code == 404
        with client.websocket(f'{at}/echo') as socket:
            socket.send('hello ')
            assert socket.receive() == f'hello {at}/echo'
    caplog.set_level(logging.CRITICAL, 'heaven')
    with Client(app, raise_app_exceptions=False) as client:
        assert client.get(f'{at}/fail').text == 'Internal Server Error'


def test_heaven_is_mounted_in_starlette_and_starlette_in_heaven_again():
    inner, middle = App(), App()
    inner.GET('/:id', lambda req, res, ctx: res.out(200, req.url_for('one', id=8)), name='one')
    middle.mount(Starlette(routes=[Mount('/heaven', inner)]), '/star')
    with Client(Starlette(routes=[Mount('/top', middle)])) as client:
        assert client.get('/top/star/heaven/7').text == '/top/star/heaven/8'


DJANGO = """
from django.conf import settings

settings.configure(ROOT_URLCONF='__main__', ALLOWED_HOSTS=['*'], SECRET_KEY='x')

from django.core.asgi import get_asgi_application
from django.http import HttpResponse
from django.urls import path, reverse
from heaven import App
from heaven_testing import Client

urlpatterns = [path('page/<int:n>', lambda request, n: HttpResponse(reverse('page', args=[n + 1])), name='page')]
app = App()
app.mount(get_asgi_application(), '/dj')
with Client(app) as client:
    assert client.get('/dj/page/7').text == '/dj/page/8'
    assert client.get('/dj/none').status_code == 404
"""


def test_django_under_a_prefix_builds_its_urls_with_it(tmp_path):
    done = subprocess.run(
        [sys.executable, '-c', DJANGO], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr

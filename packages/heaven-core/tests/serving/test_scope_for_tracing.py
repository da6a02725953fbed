"""What middlewares read of the scope to name a request, `route` and `endpoint`, and what they receive to wrap."""

import asyncio
import inspect

import pytest
from asks import Live, ask, meet
from heaven import App


class Tracing:
    """A middleware that notes the path of the route and the endpoint, when the answer begins and at the end."""

    def __init__(self, app, seen, copies=False):
        self.app, self.seen, self.copies = app, seen, copies

    async def __call__(self, scope, receive, send):
        if scope['type'] == 'lifespan':
            return await self.app(scope, receive, send)
        scope = dict(scope) if self.copies else scope
        assert 'route' not in scope and 'endpoint' not in scope

        async def sender(message):
            if message['type'] in ('http.response.start', 'websocket.accept'):
                self.note('start', scope)
            await send(message)

        try:
            await self.app(scope, receive, sender)
        finally:
            self.note('end', scope)

    def note(self, when, scope):
        route = scope.get('route')
        self.seen.append((when, route and route.path, scope.get('endpoint')))


def traced(copies=False):
    app, seen = App(), []
    app.use(Tracing, seen=seen, copies=copies)
    return app, seen


def handler(req, res, ctx):
    res.body = 'x'


async def asynchronous(req, res, ctx):
    res.body = 'x'


def failing(req, res, ctx):
    raise ValueError


@pytest.mark.parametrize('copies', [False, True])
@pytest.mark.parametrize('function', [handler, asynchronous, failing])
def test_route_and_endpoint_are_on_the_scope_that_reached_heaven(copies, function):
    app, seen = traced(copies)
    app.GET('/patients/:id', function)
    for method in ('GET', 'HEAD'):
        seen.clear()
        ask(app, method, '/patients/7')
        assert seen == [('start', '/patients/:id', function), ('end', '/patients/:id', function)]


@pytest.mark.parametrize('request_', [('GET', '/none'), ('POST', '/a'), ('OPTIONS', '/a'), ('GET', '/../a')])
def test_where_no_route_answers_there_is_neither(request_):
    app, seen = traced()
    app.GET('/a', handler)
    ask(app, *request_)
    assert seen == [('start', None, None), ('end', None, None)]


def test_they_are_there_for_hooks_and_though_a_hook_has_answered():
    app, seen = traced()
    app.BEFORE('/*', lambda req, res, ctx: seen.append(req.scope['route'].path))
    app.BEFORE('/*', lambda req, res, ctx: res.out(401))
    app.GET('/a/:x', handler)
    ask(app, target='/a/b')
    assert seen == ['/a/:x', ('start', '/a/:x', handler), ('end', '/a/:x', handler)]


@pytest.mark.parametrize('isolated', [True, False])
def test_the_path_of_a_mounted_apps_route_has_its_prefix(isolated):
    app, seen = traced()
    child = App()
    child.GET('/rooms/:room', handler)
    app.mount(child, '/houses/:house:int', isolated)
    ask(app, target='/houses/7/rooms/a')
    assert seen[0] == ('start', '/houses/:house:int/rooms/:room', handler)


def test_an_endpoint_written_as_a_dotted_path_is_the_function():
    app, seen = traced()
    app.GET('/a', f'{__name__}.handler')
    ask(app, target='/a')
    assert seen[0][2].__name__ == 'handler' and callable(seen[0][2])


def test_objects_and_methods_are_endpoints_as_they_were_given():
    class Controller:
        def method(self, req, res, ctx):
            pass

        def __call__(self, req, res, ctx):
            pass

    controller = Controller()
    app, seen = traced()
    app.GET('/object', controller)
    app.GET('/method', controller.method)
    app.GET('/threaded', handler, threaded=True)
    for path in ('/object', '/method', '/threaded'):
        ask(app, target=path)
    assert [endpoint for when, _, endpoint in seen if when == 'end'] == [controller, controller.method, handler]


def test_sockets_have_them_too():
    async def socket(req, ws, ctx):
        await ws.accept()

    app, seen = traced()
    app.WS('/chat/:room', socket)
    assert meet(app, '/chat/a').accepted
    assert seen == [('start', '/chat/:room', socket), ('end', '/chat/:room', socket)]


# What a middleware receives


class Wrapping:
    def __init__(self, app, seen):
        seen.append(app)
        self.app = app

    async def __call__(self, scope, receive, send):
        await self.app(scope, receive, send)


def asgi3(app):
    """Is it an ASGI 3 application by the tests that servers and middlewares use?"""
    if inspect.isclass(app):
        return hasattr(app, '__await__')
    return inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(getattr(app, '__call__', None))  # noqa: B004


@pytest.mark.parametrize('count', [1, 3])
def test_what_a_middleware_receives_is_an_asgi_3_application_by_every_test(count):
    app, seen = App(), []
    app.GET('/', handler)
    for _ in range(count):
        app.use(Wrapping, seen=seen)
    with Live(app) as live:
        assert live.ask().status == 200
    assert len(seen) == count and all(map(asgi3, seen)) and asgi3(app)
    assert all(asyncio.iscoroutinefunction(a) or asyncio.iscoroutinefunction(a.__call__) for a in seen)


def test_a_middleware_may_be_a_function_that_returns_an_async_function():
    def adding(app, value):
        async def middleware(scope, receive, send):
            async def sender(message):
                if message['type'] == 'http.response.start':
                    message = {**message, 'headers': [*message['headers'], (b'x-a', value)]}
                await send(message)

            await app(scope, receive, sender)

        return middleware

    app = App()
    app.GET('/', handler)
    app.use(adding, value=b'b')
    assert ask(app).header('x-a') == 'b'

"""What tests put in place of parts of an app: copies that have overrides, and an app that runs."""

import asyncio

import pytest
from asks import ask
from driver import http_scope
from heaven import STARTUP, App, ClientError, HandlerError, Overrides, TooLarge


def real(req, res, ctx):
    res.body = 'real'


def fake(req, res, ctx):
    res.body = ['fake', req.app.peek('db')]


@pytest.fixture
def app():
    app = App()
    app.GET('/', real)
    return app


def test_a_copy_of_a_copy_has_its_overrides(app):
    twin = app.copy(Overrides([(real, fake)], {'db': 1}))
    for each in (twin, twin.copy(), twin.copy(Overrides(state={'other': 2})).copy()):
        assert ask(each, 'GET', '/').json() == ['fake', 1]
    assert ask(app, 'GET', '/').text == 'real'


def test_the_newest_of_several_overrides_counts(app):
    twin = app.copy(Overrides([(real, None)])).copy(Overrides([(real, fake)]))
    assert ask(twin, 'GET', '/').json() == ['fake', None]


def test_overrides_are_there_when_an_app_starts_again_after_a_failure(app):
    def fails_once(app):
        tries.append(app)
        if len(tries) == 1:
            raise ValueError('the first time')

    tries = []
    app.ON(STARTUP, fails_once)
    app.GET('/other', 'nowhere.at_all')
    overrides = Overrides([(real, fake)], {'db': 1})
    twin = app.copy(overrides)
    assert ask(twin, 'GET', '/').status == 500  # of the import, before anything of the run was there
    overrides.swap('nowhere.at_all', fake)
    assert ask(twin, 'GET', '/').status == 500
    assert ask(twin, 'GET', '/').json() == ['fake', 1]


def test_a_copy_leaves_out_what_none_was_put_in_place_of():
    def guard(req, res, ctx):
        res.out(401, 'no')

    def sorry(req, res, ctx):
        res.body = 'sorry'

    app = App()
    app.GET('/', real, before=guard)
    app.GET('/fake', fake)
    app.ERROR(404, sorry)
    assert [ask(app, target=target).text for target in ('/', '/none')] == ['no', 'sorry']
    twin = app.copy(Overrides([(guard, None), (sorry, None), (fake, None)]))
    assert [ask(twin, target=target).text for target in ('/', '/fake')] == ['real', 'Not Found']


def test_overrides_keep_a_value_that_is_said_later(app):
    overrides = Overrides([(real, fake)], {'db': 1})
    overrides.keep('db', 2)
    assert ask(app.copy(overrides)).json() == ['fake', 2]


def test_what_was_not_found_is_told_and_a_function_is_noted_once(app):
    overrides = Overrides([(real, fake), (len, None)])
    twin = app.copy(overrides)
    assert overrides.unused() == [real, len]
    for _ in range(3):
        ask(twin, 'GET', '/')
    assert (overrides.unused(), overrides.met) == ([len], [real])


def test_a_running_app_takes_all_of_what_is_put_into_it_or_nothing(app):
    async def main():
        await request()
        with pytest.raises(HandlerError, match='nowhere'):
            app.override(Overrides([(real, 'nowhere.at_all')], {'db': 0}))
        assert (await request(), app.peek('db')) == (b'real', None)
        app.override(Overrides([(real, fake)], {'db': 1}))
        return await request()

    async def request():
        sent = []

        async def receive():
            return {'type': 'http.request', 'body': b'', 'more_body': False}

        async def send(message):
            sent.append(message)

        await app(scope('/'), receive, send)
        return sent[1]['body']

    with pytest.raises(RuntimeError, match='does not run'):
        app.override(Overrides())
    assert asyncio.run(main()) == b'["fake",1]'


def scope(path, method='GET', host='localhost'):
    return http_scope(method, path, headers={'host': host})[0]


def trio(app, scope, body=b''):
    async def receive():
        return {'type': 'http.request', 'body': body, 'more_body': False}

    return asyncio.run(app.trio(scope, receive))


def test_a_trio_has_the_route_the_body_and_the_app_and_nothing_is_imported_or_called(app):
    child = App()
    child.POST('/:id:int', 'nowhere.at_all', before='nowhere.guard')
    app.mount(child, '/child')
    app.BEFORE('/*', lambda req, res, ctx: pytest.fail('the hook was called'))
    app.use(lambda app: pytest.fail('the middleware was called'))
    req, _, _ = trio(app, scope('/child/7', 'POST'), b'{}')
    assert (req.app, req.route, req.params, req.body) == (child, '/child/:id:int', {'id': 7}, b'{}')
    req, _, _ = trio(app, scope('/nowhere', 'POST'), b'{}')
    assert (req.app, req.route, req.body) == (app, None, b'{}')


def test_a_trio_is_of_the_subdomain_of_its_request(app):
    app.subdomain('api').GET('/api', real)
    routes = [trio(app, scope('/api', host=host))[0].route for host in ('api.localhost', 'localhost', 'no.localhost')]
    assert routes == ['/api', None, None]


def test_a_trio_raises_what_the_request_would_be_refused_with(app):
    app.POST('/', real, max_body_size=1)
    with pytest.raises(TooLarge):
        trio(app, scope('/', 'POST'), b'12')
    with pytest.raises(ClientError, match='no path'):
        trio(app, scope('/a/../b'))

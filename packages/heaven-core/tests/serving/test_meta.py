"""What a route carries for tools and for its handler: `meta=`, `req.meta`, `app.routes()`."""

import pytest
from asks import ask, meet
from heaven import App

META = {'summary': 'One patient', 'tags': ['patients']}


def show(req, res, ctx):
    res.body = repr(req.meta)


@pytest.mark.parametrize('meta', [META, 'text', 7, ('a', 1), None, False], ids=range(6))
def test_meta_is_any_value_found_as_req_meta_and_in_the_list_of_routes(meta):
    app, seen = App(), []
    app.GET('/a', lambda req, res, ctx: seen.append(req.meta), meta=meta)
    app.BEFORE('/*', lambda req, res, ctx: seen.append(req.meta))
    app.AFTER('/*', lambda req, res, ctx: seen.append(req.meta))
    assert ask(app, target='/a').status == 200
    assert seen == [meta] * 3
    assert [route.meta for route in app.routes()] == [meta]


def test_meta_is_the_very_object():
    app, seen, value = App(), [], object()
    app.GET('/a', lambda req, res, ctx: seen.append(req.meta is value), meta=value)
    ask(app, target='/a')
    assert seen == [True] and next(iter(app.routes())).meta is value


def test_a_route_without_meta_and_a_request_without_a_route_have_none():
    app, seen = App(), []
    app.BEFORE('/*', lambda req, res, ctx: seen.append(req.meta))
    app.GET('/a', show)
    assert ask(app, target='/a').text == 'None'
    for method, target in (('GET', '/none'), ('POST', '/a'), ('OPTIONS', '/a')):
        ask(app, method, target)
    assert seen == [None] * 4


def test_every_verb_group_and_socket_takes_it():
    async def socket(req, ws, ctx):
        await ws.send(repr(req.meta))

    app = App()
    app.HTTP('/http', show, meta=1)
    app.METHOD(['BREW', 'GET'], '/method', show, meta=2)
    app.group('/v1').POST('/post', show, meta=3)
    app.WS('/ws', socket, meta=4)
    app.PUT('/decorated', meta=5)(show)
    assert ask(app, 'PATCH', '/http').text == '1'
    assert ask(app, 'BREW', '/method').text == ask(app, 'GET', '/method').text == '2'
    assert ask(app, 'POST', '/v1/post').text == '3'
    assert meet(app, '/ws').sent == ['4']
    assert ask(app, 'PUT', '/decorated').text == '5'
    assert sorted(route.meta for route in app.routes()) == [1, 2, 3, 4, 5]


def test_a_head_has_the_meta_of_the_get_that_answers_it():
    app, seen = App(), []
    app.GET('/a', lambda req, res, ctx: seen.append(req.meta), meta='get')
    ask(app, 'HEAD', '/a')
    assert seen == ['get']


def test_the_routes_of_mounted_apps_are_listed_with_their_meta_prefix_and_app():
    root, child = App(), App()
    child.GET('/x/:id:int?page:int=1', show, name='x', meta=META)
    root.POST('/y', show)
    root.mount(child, '/v1')
    listed = {route.name: route for route in root.routes()}
    one = listed['x']
    assert (one.methods, one.subdomain, one.app is child, one.meta, one.handler) == (('GET',), 'www', True, META, show)
    assert one.route.startswith('/v1/x/:id:int')
    assert listed[None].route == '/y' and listed[None].meta is None
    assert ask(root, target='/v1/x/7').text == repr(META)


def test_the_list_of_routes_is_there_before_and_after_the_first_request():
    app = App()
    app.GET('/a', show, meta=1)
    before = [(route.methods, route.route) for route in app.routes()]
    ask(app, target='/a')
    assert [(route.methods, route.route) for route in app.routes()] == before == [(('GET',), '/a')]

"""Hooks that cover no route: a warning tells of each when an app starts in debug."""

import pytest
from asks import Live
from heaven import App


def hook(req, res, ctx):
    pass


def warnings(app, caplog):
    """The patterns of which a startup warns."""
    with Live(app):
        pass
    return [record.getMessage().partition(' is there one that ')[2] for record in caplog.records]


@pytest.mark.parametrize('register', ['BEFORE', 'AFTER'])
def test_a_hook_that_covers_no_route_is_told_in_debug_and_in_debug_alone(register, caplog):
    for debug, told in ((False, []), (True, ['/patient/* matches?'])):
        app = App(debug=debug)
        getattr(app, register)('/patient/*', hook)
        app.GET('/patients/:id', hook)
        assert warnings(app, caplog) == told
    assert caplog.records[0].levelname == 'WARNING' and 'hook' in caplog.text


@pytest.mark.parametrize('pattern', ['/*', '/patients/*', '/patients/7', '/:any/:id', '/talk'])
def test_a_hook_that_may_run_for_a_route_is_not_told(pattern, caplog):
    app = App(debug=True)
    app.BEFORE(pattern, hook)
    app.GET('/patients/:id', hook)
    app.WS('/talk', hook)
    assert warnings(app, caplog) == []


def test_a_hook_that_covers_nothing_yet_is_not_told_where_it_is_for_every_path(caplog):
    app = App(debug=True)
    app.BEFORE('/*', hook)
    assert warnings(app, caplog) == []


def test_the_hook_of_a_parent_covers_the_routes_of_a_mounted_app(caplog):
    app, child = App(debug=True), App()
    app.BEFORE('/wards/*', hook)
    child.GET('/:id', hook)
    app.mount(child, '/wards')
    assert warnings(app, caplog) == []


@pytest.mark.parametrize(('prefix', 'told'), [('', ['/beds matches?']), ('/wards', [])])
def test_the_hook_of_an_app_that_is_mounted_without_a_prefix_is_for_its_own_routes(prefix, told, caplog):
    app, child = App(debug=True), App()
    app.GET(f'{prefix}/beds', hook)
    child.BEFORE('/beds', hook)
    child.GET('/rounds', hook)
    app.mount(child, prefix)
    assert warnings(app, caplog) == told

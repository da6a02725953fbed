"""Middlewares, plugins, and functions that register elsewhere."""

import asyncio

import pytest
from asks import Live, StartupFailed, ask, meet
from heaven import App, HandlerError


class Noting:
    """A middleware that notes what passes, and adds a header."""

    def __init__(self, app, name='m', seen=None):
        self.app, self.name, self.seen = app, name, seen if seen is not None else []

    async def __call__(self, scope, receive, send):
        self.seen.append(f'{self.name} {scope["type"]}')

        async def sender(message):
            if 'headers' in message:
                message = {**message, 'headers': [*message['headers'], (b'x-by', self.name.encode())]}
            await send(message)

        try:
            await self.app(scope, receive, sender)
        except Exception as error:
            self.seen.append(f'{self.name} saw {type(error).__name__}')
            raise


def used(handler=lambda req, res, ctx: res.out(200, 'x'), names='ab', **options):
    app, seen = App(**options), []
    app.GET('/', handler)
    for name in names:
        app.use(Noting, name=name, seen=seen)
    return app, seen


def test_the_last_added_is_outermost_and_all_see_every_kind_of_connection():
    app, seen = used()
    app.WS('/', lambda req, ws, ctx: ws.send('x'))
    with Live(app) as live:
        assert live.ask('GET', '/').all('x-by') == ['a', 'b']
    assert seen == ['b lifespan', 'a lifespan', 'b http', 'a http']
    seen.clear()
    peer = meet(app)
    assert [name for name, _ in peer.messages[0]['headers']] == [b'x-by', b'x-by']
    assert seen == ['b websocket', 'a websocket']


def test_every_answer_goes_through_not_found_and_failures_too():
    app, _ = used(lambda req, res, ctx: 1 / 0)
    replies = [ask(app, 'GET', path) for path in ('/', '/none')]
    assert [(reply.status, reply.all('x-by')) for reply in replies] == [(500, ['a', 'b']), (404, ['a', 'b'])]


@pytest.mark.parametrize('debug', [True, False])
def test_a_failure_is_answered_then_goes_through_all_and_ends_at_the_outermost(debug, caplog):
    app, seen = used(lambda req, res, ctx: 1 / 0, debug=debug)
    reply = ask(app, 'GET', '/')
    assert (reply.status, reply.error) == (500, None)
    assert seen == ['b http', 'a http', 'a saw ZeroDivisionError', 'b saw ZeroDivisionError']
    assert len(caplog.records) == 1


@pytest.mark.parametrize('kind, seen_too', [(500, True), (ZeroDivisionError, False), (Exception, False)])
def test_a_failure_with_a_page_for_500_goes_through_and_one_that_its_class_handles_does_not(kind, seen_too):
    app, seen = used(lambda req, res, ctx: 1 / 0)
    app.ERROR(kind, lambda req, res, ctx: res.out(500, 'page'))
    assert ask(app, 'GET', '/').text == 'page'
    assert ('b saw ZeroDivisionError' in seen) is seen_too


@pytest.mark.parametrize('status', [400, 404, 503])
def test_an_abort_is_an_answer_and_no_failure(status):
    app, seen = used(lambda req, res, ctx: res.abort(status))
    assert ask(app, 'GET', '/').status == status
    assert not any('saw' in line for line in seen)


class Raising:
    def __init__(self, app, at):
        self.app, self.at = app, at

    async def __call__(self, scope, receive, send):
        if scope['type'] == 'lifespan':
            return await self.app(scope, receive, send)
        if self.at == 'before':
            raise ValueError('middleware')

        async def sender(message):
            await send(message)
            if message['type'] == 'http.response.start' and self.at == 'within':
                raise ValueError('middleware')

        await self.app(scope, receive, sender)
        if self.at == 'after':
            raise ValueError('middleware')


@pytest.mark.parametrize('at, status, raised', [('before', 500, False), ('within', 200, True), ('after', 200, False)])
def test_a_middleware_that_fails_is_answered_for_where_nothing_was_answered_yet(at, status, raised, caplog):
    app, _ = used(names='')
    app.use(Raising, at=at)
    with Live(app) as live:
        reply = live.ask('GET', '/', catch=True)
    assert (reply.status, reply.error is not None) == (status, raised)
    if at == 'before':
        assert [record.exc_info[1].args for record in caplog.records] == [('middleware',)]


def test_a_middleware_that_fails_as_it_is_made_keeps_the_server_from_starting():
    app, _ = used(names='')
    app.use(lambda app: 1 / 0)
    with pytest.raises((StartupFailed, ZeroDivisionError)), Live(app):
        pass


def test_a_middleware_may_answer_by_itself_and_change_the_scope():
    class Gate:
        def __init__(self, app):
            self.app = app

        async def __call__(self, scope, receive, send):
            if scope['type'] == 'http' and scope['path'] == '/gate':
                await send({'type': 'http.response.start', 'status': 204, 'headers': []})
                await send({'type': 'http.response.body', 'body': b''})
            else:
                await self.app({**scope, 'path': '/', 'raw_path': b'/'}, receive, send)

    app, _ = used()
    app.use(Gate)
    assert [ask(app, 'GET', path).status for path in ('/gate', '/anything')] == [204, 200]


def test_middlewares_are_made_once_for_a_run():
    made = []

    def make(app):
        made.append(app)
        return app

    app, _ = used(names='')
    app.use(make)
    with Live(app) as live:
        for _ in range(3):
            live.ask('GET', '/')
    assert len(made) == 1


def test_mounts_urls_and_tools_still_see_the_app():
    app, _ = used()
    child = App()
    child.GET('/:id', lambda req, res, ctx: res.out(200, req.url_for('one', id=8)), name='one')
    app.mount(child, '/child')
    assert ask(app, 'GET', '/child/7').text == '/child/8'
    assert (app.url('one', id=1), len(app.routes())) == ('/child/1', 2)
    assert isinstance(app.copy(), App)
    assert ask(app.copy(), 'GET', '/').all('x-by') == ['a', 'b']


def test_nothing_is_added_while_the_app_runs():
    app, _ = used()
    with Live(app), pytest.raises(RuntimeError, match='running'):
        app.use(Noting)


def test_an_app_in_an_app_each_with_middlewares_goes_through_all_of_them():
    inner, seen = used(names='i')

    async def wrapped(scope, receive, send):
        await inner(scope, receive, send)

    outer = App()
    outer.mount(wrapped, '/inner')
    outer.use(Noting, name='o', seen=seen)
    assert ask(outer, 'GET', '/inner').all('x-by') == ['i', 'o']


# Plugins and functions


def test_a_plugin_installs_itself_on_the_app():
    class Plugin:
        def install(self, app):
            app.GET('/plugged', lambda req, res, ctx: res.out(200, 'plugged'))
            return 'installed'

    app = App()
    assert app.plug(Plugin()) == 'installed'
    assert ask(app, 'GET', '/plugged').text == 'plugged'


def test_what_cannot_install_itself_is_no_plugin():
    with pytest.raises(AttributeError, match='install'):
        App().plug(object())


def up(app):
    app.GET('/up', lambda req, res, ctx: res.out(200, 'up'))


def test_a_function_is_called_with_the_app_by_itself_or_by_its_dotted_path(monkeypatch, tmp_path):
    (tmp_path / 'routes_of_tests.py').write_text(
        "def up(app):\n    app.GET('/up', lambda *trio: trio[1].out(200, 'up'))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    for func in (up, 'routes_of_tests.up'):
        app = App()
        app.call(func)
        assert ask(app, 'GET', '/up').text == 'up'


@pytest.mark.parametrize('dotted', ['up', 'no_such_module.up', 'asyncio.no_such_name'])
def test_a_dotted_path_that_cannot_be_imported_says_so_at_once(dotted):
    with pytest.raises(HandlerError, match=dotted.replace('.', r'\.')):
        App().call(dotted)


def test_the_server_never_sees_a_cancelled_request_as_a_failure(caplog):
    async def run():
        app, seen = used(lambda req, res, ctx: asyncio.sleep(60))
        async with Live(app) as live:
            with live.stream('GET', '/') as x:
                while 'a http' not in seen:
                    await asyncio.sleep(0)
                x.task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await x.task

    asyncio.run(run())
    assert caplog.records == []


def test_a_first_request_that_cannot_start_the_app_is_a_500_that_the_middlewares_see_fail(caplog):
    seen = []

    def noting(inner):
        async def middleware(scope, receive, send):
            try:
                await inner(scope, receive, send)
            except Exception as error:
                seen.append(error)
                raise

        return middleware

    def broken(app):
        raise LookupError('no database')

    app = App()
    app.ON('startup', broken)
    app.GET('/', print)
    app.use(noting)
    assert ask(app).status == 500
    assert [repr(error) for error in seen] == ["LookupError('no database')"]

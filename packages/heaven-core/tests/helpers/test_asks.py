"""The ways to ask: of an app or of one handler, at once or step by step, before startup or after."""

import asyncio

import pytest
from asks import Live, answer, ask, asking, connect, meet, raised, see, stream
from heaven import App, ClientError


def hello(req, res, ctx):
    res.body = f'hello {req.params.get("name", "nobody")}'


async def echo(req, ws, ctx):
    async for message in ws:
        await ws.send(message)


@pytest.fixture
def app():
    app = App()
    app.GET('/hello/:name', hello)
    app.WS('/echo', echo)
    return app


def test_an_app_is_asked_and_so_is_a_handler(app):
    assert ask(app, 'GET', '/hello/ada').text == 'hello ada'
    assert ask(hello).text == 'hello nobody'
    assert ask(hello, target='/ada?page=1', route='/:name').text == 'hello ada'


def test_a_handler_may_be_given_an_app_and_the_options_of_a_route(app):
    assert see(lambda req: req.app, app=app) is app
    assert ask(hello, 'POST', options={'max_body_size': 1}, body=b'xx').status == 413


def test_a_coroutine_asks_at_once_or_step_by_step(app):
    async def main():
        with stream(app, 'GET', '/hello/ada') as exchange:
            assert (await exchange.sent())['status'] == 200
            reply = await exchange.reply()
        return reply.text, (await asking(hello)).text

    assert asyncio.run(main()) == ('hello ada', 'hello nobody')


def test_a_socket_is_met_at_once_or_step_by_step(app):
    async def main():
        async with connect(app, '/echo') as peer:
            await peer.say('a')
            assert (await peer.next())['type'] == 'websocket.accept'
            assert (await peer.next())['text'] == 'a'
            await peer.leave()
            return (await peer.end()).sent

    assert asyncio.run(main()) == meet(app, '/echo', 'a').sent == meet(echo, '/', 'a').sent == ['a']


def test_an_app_that_has_started_is_asked_by_the_same_names(app):
    app.ON('startup', lambda app: app.keep('ward', 'B'))
    app.GET('/ward', lambda req, res, ctx: res.out(200, req.app.peek('ward')))

    async def main():
        async with Live(app) as live:
            with live.stream('GET', '/ward') as exchange:
                streamed = await exchange.reply()
            seen = await live.connect('/echo').visit('a')
            return streamed.text, (await live.asking('GET', '/ward')).text, seen.sent

    assert asyncio.run(main()) == ('B', 'B', ['a'])
    with Live(app) as live:
        assert (live.ask('GET', '/ward').text, live.meet('/echo', 'a').sent) == ('B', ['a'])


def test_what_happens_inside_of_a_handler_is_told():
    assert see(lambda req: req.method, 'PUT') == 'PUT'
    assert answer({'a': 1}).json() == {'a': 1}
    assert isinstance(raised(lambda req, res, ctx: req.json), ClientError)
    assert raised(lambda req, res, ctx: None) is None

"""How tests ask. `what` is asked: an app, or a handler, which gets an app of its own.

A request::

    reply = ask(app, 'GET', '/patients/7?verbose=1')            # in a plain test
    reply = await asking(app, 'GET', '/patients/7?verbose=1')   # in a coroutine
    assert (reply.status, reply.header('vary'), reply.json()) == (200, None, {'id': 7})

    with stream(app, 'POST', '/upload', body=None) as exchange: # step by step, in a coroutine
        await exchange.feed(b'half')                            # waits until the app has received it
        message = await exchange.sent()                         # the next message that the app sends
        exchange.leave()                                        # http.disconnect from now on
        reply = await exchange.reply()                          # waits for the app to return

What else may be said of a request, and of the client that makes it, is in driver.py. A handler is registered for the
method and the path of the target, or for `route=`, with `options=` of a route, in `app=` if it is given.

A WebSocket::

    peer = meet(app, '/echo', 'text', b'binary')                # connects, sends these, and leaves with 1001
    assert (peer.sent, peer.code) == (['text', b'binary'], None)

    async with connect(app, '/echo') as peer:                   # step by step, in a coroutine
        await peer.say('text')
        assert await peer.next() == {'type': 'websocket.send', 'text': 'text'}
        await peer.leave(1001)
        await peer.end()

An app between startup and shutdown, which all of these leave out; the names are the same::

    with Live(app) as live:                                     # in a coroutine: async with Live(app) as live
        reply = live.ask('GET', '/')

What is inside of one request::

    see(lambda req: req.method)                                 # 'GET', what a handler reads of a request
    answer({'a': 1}).text                                       # '{"a":1}', the reply with a body
    raised(lambda req, res, ctx: req.form)                      # the exception that a handler gets, or None
"""

import asyncio
import inspect

from driver import Exchange
from heaven import App
from live import Live as Live, StartupFailed as StartupFailed
from peer import Peer


def ask(what, method='GET', target='/', **request):
    """The reply to one request, on a loop of its own."""
    return asyncio.run(asking(what, method, target, **request))


async def asking(what, method='GET', target='/', **request):
    """The reply to one request, in a coroutine."""
    return await stream(what, method, target, **request).reply()


def stream(what, method='GET', target='/', *, route=None, options=None, app=None, **request):
    """An `Exchange`: one request, step by step, in a coroutine."""
    if not isinstance(what, App):
        app = app or App()
        app.METHOD(method, route or target.partition('?')[0], what, **(options or {}))
        what = app
    return Exchange(what, method, target, **request)


def meet(what, target='/', *messages, leave=1001, catch=False, **client):
    """What a WebSocket saw that has connected, sent messages and left, on a loop of its own."""
    return asyncio.run(connect(what, target, **client).visit(*messages, leave=leave, catch=catch))


def connect(what, target='/', **client):
    """A `Peer`: one WebSocket, step by step, in a coroutine."""
    if not isinstance(what, App):
        app = App()
        app.WS(target.partition('?')[0], what)
        what = app
    return Peer(what, target, **client)


def see(read, method='GET', target='/', **request):
    """What `read(req)`, async or not, gives inside a handler."""
    seen = []

    async def handler(req, res, ctx):
        value = read(req)
        seen.append(await value if inspect.isawaitable(value) else value)

    reply = ask(handler, method, target, **request)
    assert reply.status == 200, reply
    return seen[0]


def answer(body, method='GET', **request):
    """The reply of a handler that assigns `body`."""

    def handler(req, res, ctx):
        res.body = body

    return ask(handler, method, **request)


def raised(act, **request):
    """The exception that `act(req, res, ctx)`, async or not, raises inside a handler, or None."""
    seen = []

    async def handler(req, res, ctx):
        try:
            value = act(req, res, ctx)
            if inspect.isawaitable(value):
                await value
        except Exception as error:
            seen.append(error)

    assert ask(handler, **request).status == 200
    return seen[0] if seen else None

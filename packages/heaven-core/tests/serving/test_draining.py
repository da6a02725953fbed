"""Draining: at a stop, streams and sockets that would never end are ended, and everything else goes on."""

import asyncio
import contextlib

import pytest
from asks import Live, ask, connect, stream
from heaven import SHUTDOWN, STARTUP, App, Disconnected
from waiting import jumping, turns, until


def forever():
    return asyncio.Event().wait()


def streaming(pieces, noted=None, **options):
    """A handler that streams pieces, then waits for ever, and takes its time to clean up."""

    async def handler(req, res, ctx):
        async def generate():
            try:
                for piece in pieces:
                    yield piece
                await forever()
            finally:
                await asyncio.sleep(0)
                if noted is not None:
                    noted.append('closed')

        res.stream(generate(), **options)

    return handler


def app_with(handler, *, route='/', **options):
    app = App()
    app.GET(route, handler, **options)
    return app


async def drained(app, target='/', pieces=1):
    """The reply of a stream that was there when draining began; the time that draining took."""
    async with Live(app) as live:
        with live.stream('GET', target) as x:
            for _ in range(pieces + 1):
                await x.sent()
            await turns()
            loop = asyncio.get_running_loop()
            began = loop.time()
            await app.drain()
            took = loop.time() - began
            return await x.reply(), took


# Streams


def test_a_stream_of_events_is_closed_and_ends_as_if_it_were_whole():
    noted = []
    app = app_with(streaming(['a'], noted, sse=True))
    reply, took = jumping(drained(app))
    assert (reply.body, reply.complete, noted) == (b'data: a\n\n', True, ['closed'])
    assert took < 0.5


def test_another_stream_has_a_second_to_come_to_its_end():
    async def handler(req, res, ctx):
        async def generate():
            yield 'first'
            await asyncio.sleep(0.9)
            yield 'last'

        res.body = generate()

    reply, took = jumping(drained(app_with(handler)))
    assert (reply.body, reply.complete, round(took, 1)) == (b'firstlast', True, 0.9)


def test_a_stream_that_does_not_end_is_closed_after_a_second():
    noted = []
    reply, took = jumping(drained(app_with(streaming(['a'], noted))))
    assert (reply.body, reply.complete, noted, round(took, 1)) == (b'a', True, ['closed'], 1.0)


def test_a_stream_that_has_said_its_length_comes_to_it():
    async def handler(req, res, ctx):
        async def generate():
            yield 'ab'
            await asyncio.sleep(5)
            yield 'cd'

        res.header('content-length', 4).stream(generate())

    reply, took = jumping(drained(app_with(handler)))
    assert (reply.body, round(took, 1)) == (b'abcd', 0.0)


def test_a_stream_of_events_that_begins_later_is_ended_as_soon_as_it_waits():
    noted = []
    app = app_with(streaming(['a'], noted, sse=True))

    async def main():
        async with Live(app) as live:
            await app.drain()
            return await live.asking()

    reply = asyncio.run(main())
    assert (reply.body, reply.complete, noted) == (b'data: a\n\n', True, ['closed'])


def test_a_stream_that_waits_for_its_client_is_closed_before_anything_else_happens():
    noted = []

    async def handler(req, res, ctx):
        await streaming(['a', 'b'], noted, sse=True)(req, res, ctx)
        res.defer(lambda app: noted.append('deferred'))

    async def main():
        app = app_with(handler)
        async with Live(app):
            with stream(app, takes=2) as x:
                await x.sent(1)
                draining = asyncio.ensure_future(app.drain())
                await turns()
                x.go.set()
                await draining
                return await x.reply()

    reply = asyncio.run(main())
    assert (reply.body, reply.complete, noted) == (b'data: a\n\n', True, ['closed', 'deferred'])


def test_a_generator_that_goes_on_after_its_end_is_heard_once_more():
    async def handler(req, res, ctx):
        async def generate():
            yield 'a'
            while True:
                try:
                    await forever()
                except asyncio.CancelledError:
                    yield 'bye'

        res.stream(generate(), sse=True)

    reply, _ = jumping(drained(app_with(handler)))
    assert (reply.body, reply.complete) == (b'data: a\n\ndata: bye\n\n', True)


def test_what_a_generator_raises_when_it_is_closed_cuts_the_connection(caplog):
    """So a download whose length nobody knows can say that it is not whole."""

    async def handler(req, res, ctx):
        async def generate():
            yield 'half'
            try:
                await forever()
            except asyncio.CancelledError:
                raise RuntimeError('not whole') from None

        res.stream(generate())

    async def main():
        app = app_with(handler)
        async with Live(app) as live:
            with live.stream(catch=True) as x:
                await x.sent(1)
                await app.drain()
                return await x.reply()

    reply = jumping(main())
    assert (str(reply.error), reply.complete) == ('not whole', False)
    assert 'not whole' in caplog.text


def test_what_comes_after_a_stream_comes_after_one_that_was_ended():
    noted = []

    async def around(req, res, ctx):
        yield
        noted.append('second half')

    def after(app):
        noted.append('deferred')

    async def handler(req, res, ctx):
        await streaming(['a'], noted, sse=True)(req, res, ctx)
        res.defer(after)

    app = app_with(handler)
    app.BEFORE('/*', around)
    asyncio.run(drained(app))
    assert noted == ['second half', 'closed', 'deferred']


def test_a_client_that_leaves_while_its_stream_is_ended_is_no_failure(caplog):
    noted = []
    app = app_with(streaming(['a'], noted, sse=True))

    async def main():
        async with Live(app) as live:
            with live.stream() as x:
                await x.sent(1)
                x.leave()
                await app.drain()
                await x.reply()

    asyncio.run(main())
    assert (noted, caplog.text) == (['closed'], '')


def test_a_server_that_cancels_a_stream_while_it_is_ended_is_obeyed():
    async def handler(req, res, ctx):
        async def generate():
            try:
                yield 'a'
                await forever()
            finally:
                await forever()

        res.stream(generate(), sse=True)

    async def main():
        app = app_with(handler)
        async with Live(app) as live:
            with live.stream() as x:
                await x.sent(1)
                draining = asyncio.ensure_future(app.drain())
                await turns()
                assert not draining.done()
                x.task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await x.task
                await draining
                return x.task.cancelled(), x.messages[-1]['more_body']

    assert asyncio.run(main()) == (True, True)


# Sockets


async def drained_socket(handler, *, says=(), replies=True, accepts=True):
    """The peer of a socket that was there when draining began; the time that draining took."""
    app = App()
    app.WS('/', handler)
    async with Live(app), connect(app) as peer:
        await peer.say(*says)
        if accepts:
            await peer.next()
        else:
            await asyncio.sleep(0)
        loop = asyncio.get_running_loop()
        began = loop.time()
        draining = asyncio.ensure_future(app.drain())
        if replies:
            await until(lambda: peer.code is not None)
            await peer.leave(1001)
        await draining
        return await peer.end(), loop.time() - began


def test_a_socket_is_closed_with_1001_and_its_handler_ends_as_when_the_peer_leaves():
    noted = []

    async def handler(req, ws, ctx):
        await ws.accept()
        async for _ in ws:
            pass
        noted.append(req.app.draining)

    peer, took = jumping(drained_socket(handler))
    assert (peer.code, noted) == (1001, [True])
    assert took < 0.9


def test_a_handler_that_waits_for_something_else_is_cancelled_after_a_second():
    noted = []

    async def handler(req, ws, ctx):
        await ws.accept()
        try:
            await forever()
        finally:
            noted.append('ended')

    peer, took = jumping(drained_socket(handler, replies=False))
    assert (peer.code, noted, round(took, 1)) == (1001, ['ended'], 1.0)


def test_a_handler_that_goes_on_may_end_what_it_does():
    noted = []

    async def handler(req, ws, ctx):
        await ws.accept()
        await asyncio.sleep(0.9)
        noted.append('saved')
        with pytest.raises(Disconnected):
            await ws.send('done')

    peer, _ = jumping(drained_socket(handler, replies=False))
    assert (peer.code, noted) == (1001, ['saved'])


def test_a_socket_that_is_not_accepted_yet_is_refused():
    async def handler(req, ws, ctx):
        await forever()

    peer, _ = jumping(drained_socket(handler, replies=False, accepts=False))
    assert (peer.status, peer.accepted) == (503, False)


def test_a_socket_that_is_accepted_late_is_closed_with_1001():
    async def handler(req, ws, ctx):
        await asyncio.sleep(0.5)
        await ws.send('here')

    peer, _ = jumping(drained_socket(handler, replies=False, accepts=False))
    assert (peer.sent, peer.code) == (['here'], 1001)


def test_a_socket_that_comes_later_is_refused():
    async def main():
        app = App()
        app.WS('/', lambda req, ws, ctx: ws.accept())
        async with Live(app):
            await app.drain()
            async with connect(app) as peer:
                return await peer.end()

    assert asyncio.run(main()).status == 503


# The app


def test_everything_else_is_served_as_ever():
    app = app_with(lambda req, res, ctx: res.out(200, req.app.draining))

    async def main():
        async with Live(app) as live:
            before = await live.asking()
            await app.drain()
            return before.json(), (await live.asking()).json()

    assert asyncio.run(main()) == (False, True)


def test_an_app_drains_until_it_starts_again():
    noted = []

    async def life(app):
        noted.append(app.draining)
        yield
        noted.append(app.draining)

    app = App()
    app.ON(STARTUP, life)
    app.ON(SHUTDOWN, lambda app: noted.append(app.draining))

    async def main():
        async with Live(app):
            await app.drain()
        noted.append(app.draining)
        async with Live(app):
            pass

    asyncio.run(main())
    assert noted == [False, True, True, True, False, False, False]


def test_a_mounted_app_drains_with_the_one_that_it_is_mounted_on():
    noted = []
    app, child, other = App(), app_with(streaming(['a'], noted, sse=True)), App()
    app.mount(child, '/child')
    reply, _ = asyncio.run(drained(app, '/child'))
    assert (reply.complete, noted) == (True, ['closed'])
    assert (app.draining, child.draining, other.draining) == (True, True, False)


def test_a_copy_does_not_drain_with_its_original():
    app = app_with(streaming(['a'], sse=True))
    asyncio.run(drained(app))
    assert app.copy().draining is False


def test_an_app_that_does_not_run_has_nothing_to_drain():
    app = App()
    asyncio.run(app.drain())
    assert app.draining is False


def test_an_app_is_drained_on_its_own_loop():
    app = app_with(lambda req, res, ctx: None)
    ask(app)
    with pytest.raises(RuntimeError, match='another event loop'):
        asyncio.run(app.drain())


def test_draining_twice_waits_for_the_same_end():
    noted = []
    app = app_with(streaming(['a'], noted, sse=True))

    async def main():
        async with Live(app) as live:
            with live.stream() as x:
                await x.sent(1)
                await asyncio.gather(app.drain(), app.drain())
                assert noted == ['closed']
                return await x.reply()

    assert asyncio.run(main()).complete

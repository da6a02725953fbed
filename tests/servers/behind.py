"""What stands behind a proxy: an app that shows what it knows of its client, and sends an event and waits."""

import asyncio

from heaven import App


async def items():
    yield 'first'
    await asyncio.Event().wait()


def show(req, res, ctx):
    res.body = {'ip': req.ip.address, 'scheme': req.scheme, 'host': req.headers['host']}


app = App()
app.GET('/show', show)
app.GET('/events', lambda req, res, ctx: res.stream(items(), sse=True))

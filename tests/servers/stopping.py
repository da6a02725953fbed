"""What report.py measures: an app with everything that a stop can interrupt, each noting that it ended."""

import asyncio
import os
import time
from pathlib import Path

from heaven import App

LOG = Path('life.log')


def note(text):
    with LOG.open('a') as log:
        log.write(f'{text}\n')


async def life(app):
    if 'FAIL' in os.environ:
        raise RuntimeError('no database')
    note('up')
    yield
    note('SHUTDOWN')


async def daemon(app):
    try:
        await asyncio.Event().wait()
    finally:
        note('daemon')


async def events(req, res, ctx):
    stopping = req.app.peek('stopping') or asyncio.Event()  # kept by heard.py

    async def items():
        try:
            yield 'begun'
            while not stopping.is_set():
                await asyncio.sleep(0.2)
                yield 'still here'
        finally:
            await asyncio.sleep(0)
            note('finally')

    res.stream(items(), sse=True)


async def quiet(req, res, ctx):
    async def items():
        try:
            yield 'begun'
            await asyncio.Event().wait()
        finally:
            note('finally')

    res.stream(items())


async def socket(req, ws, ctx):
    try:
        await ws.send('begun')
        async for _ in ws:
            pass
    finally:
        note('finally')


async def slow(req, res, ctx):
    note('begun')
    await asyncio.sleep(1.5)
    note('finally')
    res.body = 'answered'


async def endless(req, res, ctx):
    note('begun')
    try:
        await asyncio.Event().wait()
    finally:
        note('finally')


def threaded(req, res, ctx):
    note('begun')
    time.sleep(1.5)
    note('finally')
    res.body = 'answered'


async def later(app):
    await asyncio.sleep(1.5)
    note('finally')


app = App()
app.ON('startup', life)
app.DAEMON(daemon)
app.GET('/', lambda req, res, ctx: res.out(200, str(os.getpid())))
app.POST('/', lambda req, res, ctx: res.out(200, str(len(req.body))))
app.GET('/quiet', quiet)
app.GET('/events', events)
app.WS('/socket', socket)
app.GET('/slow', slow)
app.GET('/endless', endless)
app.GET('/threaded', threaded, threaded=True)
app.GET('/deferred', lambda req, res, ctx: res.defer(later).out(200, 'begun'))

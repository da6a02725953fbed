"""What soak.py asks: an app with some of everything, which tells how much it holds."""

import asyncio
import gc
import os
import threading
from pathlib import Path

from heaven import App

PAGE = os.sysconf('SC_PAGE_SIZE')
LEDGER = Path('ledger')
FILE = Path('file.bin')


async def life(app):
    FILE.write_bytes(bytes(range(256)) * 4096)  # 1 MiB
    yield
    write('SHUTDOWN')


def write(text):
    with LEDGER.open('a') as ledger:
        ledger.write(f'{text}\n')


def vitals(req, res, ctx):
    gc.collect()
    res.body = {
        'memory': int(Path('/proc/self/statm').read_text().split()[1]) * PAGE // 1024,  # KiB
        'descriptors': len(os.listdir('/proc/self/fd')),
        'tasks': len(asyncio.all_tasks()),
        'threads': threading.active_count(),
    }


async def upload(req, res, ctx):
    form = await req.form
    res.body = {'size': form['document'].size}


async def receive(req, res, ctx):
    size = 0
    async for chunk in req.stream():
        size += len(chunk)
    res.body = {'size': size}


async def download(req, res, ctx):
    async def chunks():
        for _ in range(1000):
            yield b'x' * 65536

    res.stream(chunks())


async def events(req, res, ctx):
    async def items():
        number = 0
        while True:
            yield {'data': {'number': number}, 'id': number}
            number += 1
            await asyncio.sleep(0.01)

    res.stream(items(), sse=True)


async def echo(req, ws, ctx):
    async for message in ws:
        await ws.send(message)


async def keep(req, res, ctx):
    """Begin, wait a little and end; what has begun must be answered."""
    write(f'begun {req.params["id"]}')
    await asyncio.sleep(0.02)
    write(f'ended {req.params["id"]}')
    res.out(201, req.json)


app = App()
app.ON('startup', life)
app.GET('/vitals', vitals)
app.GET('/items/:id', lambda req, res, ctx: res.out(200, {'id': req.params['id'], 'q': req.queries.get('q')}))
app.POST('/json', lambda req, res, ctx: res.out(200, req.json))
app.GET('/threaded', lambda req, res, ctx: res.out(200, 'done'), threaded=True)
app.POST('/upload', upload, stream=True)
app.POST('/receive', receive, stream=True, max_body_size=2**30)
app.GET('/file', lambda req, res, ctx: res.file(FILE.absolute()))
app.GET('/download', download)
app.GET('/events', events)
app.WS('/echo', echo)
app.POST('/keep/:id', keep)

"""What the servers serve: one app that shows what reached it, a mounted one, and one of another kind."""

import asyncio
from pathlib import Path

from heaven import App

app, child, guarded = App(), App(), App()
LOG = Path('life.log')


def note(text):
    with LOG.open('a') as log:
        log.write(f'{text}\n')


async def life(app):
    app.keep('started', True)
    note('up')
    yield
    note('down')


async def foreign(scope, receive, send):
    if scope['type'] == 'http':
        body = f'{scope["root_path"]} {scope["path"]}'.encode()
        await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-length', b'%d' % len(body))]})
        await send({'type': 'http.response.body', 'body': b'' if scope['method'] == 'HEAD' else body})


def show(req, res, ctx):
    res.body = {
        'method': req.method,
        'path': req.path,
        'rest': req.params.get('*'),
        'raw': 'raw_path' in req.scope,
        'query': req.querystring,
        'host': req.host,
        'http': req.scope['http_version'],
        'extensions': sorted(req.scope.get('extensions') or ()),
        'started': req.app.peek('started'),
        'client': [req.ip.address, req.ip.port],
        'spec': req.scope['asgi'].get('spec_version', '2.0'),
    }


async def stream(req, res, ctx):
    async def chunks():
        for n in range(3):
            yield f'{n}\n'
            await asyncio.sleep(0)

    res.stream(chunks())


async def endless(req, res, ctx):
    async def chunks():
        try:
            while True:
                yield 'x' * 1000
                await asyncio.sleep(0.01)
        finally:
            note('stream closed')

    res.stream(chunks())


async def upload(req, res, ctx):
    size = 0
    async for chunk in req.stream():
        size += len(chunk)
    res.body = {'size': size}


async def chat(req, ws, ctx):
    await ws.accept('v1' if 'v1' in ws.subprotocols else None, {'x-room': req.params['room']})
    try:
        async for message in ws:
            if message == 'close':
                await ws.close(4001, 'as asked')
            elif message == 'fail':
                raise ValueError('as asked')
            elif message == 'return':
                return
            else:
                await ws.send(message)
    finally:
        note('socket ended')


app.ON('startup', life)
app.HTTP('/show/*', show)
app.GET('/stream', stream)
app.GET('/endless', endless)
app.POST('/upload', upload, stream=True)
app.POST('/echo', lambda req, res, ctx: res.out(200, req.body), max_body_size=1000)
app.GET('/empty', lambda req, res, ctx: res.out(204))
app.GET('/fail', lambda req, res, ctx: 1 / 0)
app.GET('/cookies', lambda req, res, ctx: res.cookie('a', '1').cookie('b', '2').out(200, req.cookies.get('c')))
app.GET('/file', lambda req, res, ctx: res.file(__file__))
app.WS('/chat/:room', chat, max_body_size=1000)
app.BEFORE('/admin/*', lambda req, res, ctx: res.abort(401, 'no'))
app.WS('/admin/chat', chat)
child.GET('/page', lambda req, res, ctx: res.out(200, 'child'))
app.mount(child, '/child')
app.mount(foreign, '/foreign')
app.mount(foreign, '/admin')

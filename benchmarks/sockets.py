"""What 10,000 idle WebSockets weigh in process: `python benchmarks/sockets.py`; `--count 1000` for fewer.

Each framework runs in its own environment and gets the same handshakes: a path with a parameter, eight headers, one
message echoed, then silence. A figure is the resident memory of the process with all of them open, less that before the
first, by the number of sockets; the raw app's holds the task, the scope and the queues that every server has, so what a
framework adds is its figure less that one.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import gc
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
NAMES = ('heaven', 'starlette', 'falcon', 'muffin', 'raw')
App = Callable[..., Awaitable[None]]


def heaven() -> App:
    from heaven import App

    async def echo(req: Any, ws: Any, ctx: Any) -> None:
        async for message in ws:
            await ws.send(message)

    app = App()
    app.WS('/rooms/:room', echo)
    return app


def starlette() -> App:
    from starlette.applications import Starlette
    from starlette.routing import WebSocketRoute

    async def echo(websocket: Any) -> None:
        await websocket.accept()
        async for message in websocket.iter_text():
            await websocket.send_text(message)

    return Starlette(routes=[WebSocketRoute('/rooms/{room}', echo)])


def falcon() -> App:
    from falcon import WebSocketDisconnected
    from falcon.asgi import App

    class Echo:
        async def on_websocket(self, req: Any, ws: Any, room: str) -> None:
            await ws.accept()
            try:
                while True:
                    await ws.send_text(await ws.receive_text())
            except WebSocketDisconnected:
                pass

    app = App()
    app.add_route('/rooms/{room}', Echo())
    return app


def muffin() -> App:
    from muffin import Application, ResponseWebSocket

    app = Application()

    @app.route('/rooms/{room}')
    async def echo(request: Any) -> None:
        async with ResponseWebSocket(request) as ws:
            while isinstance(message := await ws.receive(), str):
                await ws.send(message)

    return app


def raw() -> App:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({'type': 'websocket.accept', 'subprotocol': None, 'headers': []})
        while (message := await receive())['type'] == 'websocket.receive':
            await send({'type': 'websocket.send', 'text': message['text']})

    return app


MAKERS: dict[str, Callable[[], App]] = {
    'heaven': heaven,
    'starlette': starlette,
    'falcon': falcon,
    'muffin': muffin,
    'raw': raw,
}


def scope_of(number: int) -> dict[str, Any]:
    path = f'/rooms/{number}'
    headers = [(b'host', b'127.0.0.1:8000'), (b'cookie', b'session=%d' % number), (b'user-agent', b'benchmark')]
    headers += [(b'x-header-%d' % n, b'value %d' % number) for n in range(5)]
    return {
        'type': 'websocket', 'asgi': {'version': '3.0', 'spec_version': '2.3'}, 'http_version': '1.1', 'scheme': 'ws',
        'path': path, 'raw_path': path.encode(), 'query_string': b'', 'root_path': '', 'headers': headers,
        'client': ('127.0.0.1', 50000), 'server': ('127.0.0.1', 8000), 'subprotocols': [],
        'extensions': {'websocket.http.response': {}},
    }  # fmt: skip


def resident() -> int:
    gc.collect()
    return int(Path('/proc/self/statm').read_text().split()[1]) * os.sysconf('SC_PAGE_SIZE')


async def hold(app: App, count: int) -> float:
    """The bytes a socket, with that many open and idle."""
    echoed: asyncio.Queue[str] = asyncio.Queue()

    def connect(number: int) -> tuple[asyncio.Queue[Any], asyncio.Task[None]]:
        inbox: asyncio.Queue[Any] = asyncio.Queue()
        inbox.put_nowait({'type': 'websocket.connect'})
        inbox.put_nowait({'type': 'websocket.receive', 'text': 'hello'})

        async def send(message: dict[str, Any]) -> None:
            if message['type'] == 'websocket.send':
                echoed.put_nowait(message['text'])

        return inbox, asyncio.ensure_future(app(scope_of(number), inbox.get, send))

    async def opened(count: int) -> list[tuple[asyncio.Queue[Any], asyncio.Task[None]]]:
        peers = [connect(number) for number in range(count)]
        for _ in peers:
            assert await asyncio.wait_for(echoed.get(), 60) == 'hello'
        return peers

    async def closed(peers: list[tuple[asyncio.Queue[Any], asyncio.Task[None]]]) -> None:
        for inbox, _ in peers:
            inbox.put_nowait({'type': 'websocket.disconnect', 'code': 1001})
        await asyncio.gather(*(task for _, task in peers))

    warm = await opened(10)
    before = resident()
    peers = await opened(count)
    weight = (resident() - before) / count
    await closed(warm + peers)
    return weight


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or '').partition(';')[0])
    parser.add_argument('--count', type=int, default=10_000)
    parser.add_argument('--inside', choices=NAMES, help='measure one, with the running interpreter')
    options = parser.parse_args()
    if options.inside:
        package = {'heaven': 'heaven-core', 'raw': 'pip'}.get(options.inside, options.inside)
        print(version(package), asyncio.run(hold(MAKERS[options.inside](), options.count)))
        return
    import environments

    figures, versions = {}, {}
    for name in NAMES:
        python = environments.make(f'sockets-{name}', tuple(filter(None, [environments.FRAMEWORKS[name].package])))
        command = [python, __file__, '--inside', name, '--count', str(options.count)]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        versions[name], figures[name] = told.split()[0], float(told.split()[1])
    print(f'|   | KiB a socket, of {options.count:,} | of which its own |\n|---|---:|---:|')
    for name, weight in figures.items():
        title = environments.FRAMEWORKS[name].title + f' {versions[name]}' * (name != 'raw')
        print(f'| {title} | {weight / 1024:.1f} | {(weight - figures["raw"]) / 1024:.1f} |')
    if options.count == 10_000:
        facts = {'date': datetime.date.today().isoformat(), 'machine': environments.machine(), 'versions': versions}
        (HERE / 'results' / 'sockets.json').write_text(json.dumps({**facts, 'bytes': figures}, indent=1) + '\n')


if __name__ == '__main__':
    sys.exit(main())

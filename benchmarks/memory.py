"""Memory: after many requests of all kinds, of idle WebSockets, of open event streams, and of uvicorn's workers.

All but the last are driven in process, without a server, so that nothing else holds memory. Run by itself with the name
of a framework it measures that framework in this interpreter, as run.py has it do in an environment of each.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import logging
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from copy import copy
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
NAMES = ('heaven', 'starlette', 'falcon', 'muffin')
REQUESTS, SOCKETS, STREAMS = 200_000, 10_000, 1000
WORKERS = (1, 2, 4)
App = Callable[..., Awaitable[None]]

# What the soak asks for in turn: what every framework has, its failures and the bodies that it streams included.
MIXED = """
base param_fresh body_dict html headers_set cookie cookies_get query_item_4 post_json post_form post_4_chunks
upload_streamed not_found not_allowed abort error_class before_after keep_and_headers stream_async ws_open
""".split()


def heaven() -> App:
    from heaven import App

    async def events(req: Any, res: Any, ctx: Any) -> None:
        res.stream(endless('hello'), sse=True)

    app = App()
    app.GET('/events/:topic', events)
    return app


def starlette() -> App:
    from starlette.applications import Starlette
    from starlette.responses import StreamingResponse
    from starlette.routing import Route

    async def events(request: Any) -> Any:
        return StreamingResponse(endless('data: hello\n\n'), media_type='text/event-stream')

    return Starlette(routes=[Route('/events/{topic}', events)])


def falcon() -> App:
    from falcon.asgi import App, SSEvent

    class Events:
        async def on_get(self, req: Any, resp: Any, topic: str) -> None:
            resp.sse = endless(SSEvent(text='hello'))

    app = App()
    app.add_route('/events/{topic}', Events())
    return app


def muffin() -> App:
    from muffin import Application, ResponseSSE

    app = Application()

    @app.route('/events/{topic}')
    async def events(request: Any) -> Any:
        return ResponseSSE(endless('data: hello'))

    return app


def raw() -> App:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        async def write() -> None:
            headers = [(b'content-type', b'text/event-stream')]
            await send({'type': 'http.response.start', 'status': 200, 'headers': headers})
            async for event in endless(b'data: hello\n\n'):
                await send({'type': 'http.response.body', 'body': event, 'more_body': True})

        writing = asyncio.create_task(write())
        while (await receive())['type'] != 'http.disconnect':
            pass
        writing.cancel()

    return app


async def endless(event: Any) -> Any:
    """Give one event, and then wait for one that never comes."""
    yield event
    await asyncio.get_running_loop().create_future()


async def soak(name: str, requests: int) -> dict[str, Any]:
    """Make requests of all kinds; return the resident KiB after a tenth of them and then after each fifth."""
    from cases import CASES
    from counted import Client, resident
    from worker import start

    module = importlib.import_module(f'cases.{name}')
    apps = []
    for case in MIXED:
        app = module.BUILDERS[case]()
        await start(app)
        apps.append((app, Client(CASES[case], soaked_paths(CASES[case]))))
    sizes, done, tenth = [], 0, requests // 10
    for number in range(1, 11):
        while done < number * tenth:
            for app, client in apps:
                await copy(client).ask(app, 1)
                await asyncio.sleep(0)  # what the request has left behind may end
                done += 1
        gc.collect()
        sizes.append(resident())
    tasks = len(asyncio.all_tasks()) - 1 - len(apps)  # this one, and the lifespans
    return {'requests': done, 'kib': sizes[0], 'grown_kib': sizes[-1] - sizes[0], 'course': sizes, 'tasks': tasks}


def soaked_paths(case: Any) -> list[str]:
    return [f'{case.path}{number}' for number in range(5000)] if case.fresh else [case.path]


async def streams(app: App, count: int) -> dict[str, float]:
    """Open event streams and let them be, then let all clients leave: KiB a stream, those left over, and seconds."""
    from counted import resident
    from sockets import scope_of

    opened: asyncio.Queue[None] = asyncio.Queue()

    def connect(number: int) -> tuple[asyncio.Future[None], asyncio.Task[None]]:
        left: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        asked = iter([{'type': 'http.request', 'body': b'', 'more_body': False}])

        async def receive() -> dict[str, Any]:
            for message in asked:
                return message
            await asyncio.shield(left)
            return {'type': 'http.disconnect'}

        async def send(message: dict[str, Any]) -> None:
            if b'hello' in message.get('body', b''):
                opened.put_nowait(None)

        path = f'/events/{number}'
        scope = {**scope_of(number), 'type': 'http', 'method': 'GET', 'scheme': 'http', 'path': path}
        scope |= {'raw_path': path.encode(), 'state': {}}
        return left, asyncio.create_task(app(scope, receive, send))  # type: ignore[arg-type]

    async def open_all(count: int) -> list[tuple[asyncio.Future[None], asyncio.Task[None]]]:
        peers = [connect(number) for number in range(count)]
        for _ in peers:
            await asyncio.wait_for(opened.get(), 60)
        return peers

    async def close_all(peers: list[tuple[asyncio.Future[None], asyncio.Task[None]]]) -> None:
        for left, _ in peers:
            left.set_result(None)
        await asyncio.wait([task for _, task in peers], timeout=30)

    await close_all(await open_all(10))
    gc.collect()
    before = resident()
    peers = await open_all(count)
    gc.collect()
    weight = (resident() - before) / count
    began = time.perf_counter()
    await close_all(peers)
    spent = time.perf_counter() - began
    await asyncio.sleep(0.1)
    return {'kib': round(weight, 2), 'left': len(asyncio.all_tasks()) - 1, 'seconds': round(spent, 3)}


async def inside(name: str, scale: float) -> dict[str, Any]:
    """Measure a framework in this process, part after part, and say what was found as one object."""
    import sockets

    logging.basicConfig(handlers=[logging.NullHandler()])
    found: dict[str, Any] = {}
    part = sys.argv[3]
    if part == 'soak':
        found = await soak(name, round(REQUESTS * scale))
    elif part == 'sockets':
        weight = await sockets.hold(sockets.MAKERS[name](), round(SOCKETS * scale))
        found = {'kib': round(weight / 1024, 2)}
    else:
        makers = {'heaven': heaven, 'starlette': starlette, 'falcon': falcon, 'muffin': muffin, 'raw': raw}
        found = await streams(makers[name](), round(STREAMS * scale))
    return found


def python_of(name: str, fresh: bool = False) -> Path:
    """Return the Python of a framework's environment, uvicorn included; Heaven's own sources are not in it."""
    import environments
    from callgrind import OTHERS

    package = '' if name in ('heaven', 'raw') else environments.FRAMEWORKS[name].package
    wanted = (package, 'orjson', 'uvicorn[standard]', *OTHERS.get(name, ('python-multipart', 'itsdangerous')))
    return environments.make(f'memory-{name}', tuple(filter(None, wanted)), fresh)


def environment(source: Path | None) -> dict[str, str]:
    """Return the variables with which a Python finds Heaven's sources and this folder."""
    import environments

    folders = [str((source or environments.CORE).resolve() / 'src'), str(HERE)]
    return {**os.environ, 'PYTHONPATH': os.pathsep.join(folders)}


def workers(name: str, count: int, source: Path | None, seconds: float) -> dict[str, float]:
    """Serve plain text with uvicorn and so many workers: requests a second by wrk, and the MiB of all processes."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    options = ['--workers', str(count), '--no-access-log', '--log-level', 'error', '--port', str(port)]
    server = subprocess.Popen(
        [python_of(name), '-m', 'uvicorn', 'serve:app', *options],
        cwd=HERE,
        env=environment(source) | {'BENCH_APP': f'{name}:{"a" if name == "raw" else ""}'},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f'http://127.0.0.1:{port}/plain', timeout=10).read()
                break
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)
        time.sleep(1)
        command = ['wrk', '-t1', '-c64', f'-d{seconds:g}s', f'http://127.0.0.1:{port}/plain']
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        rate = re.search(r'Requests/sec:\s*([\d.]+)', said)
        if not rate or 'Non-2xx' in said:
            raise SystemExit(f'{name}: {said}')
        return {'rps': float(rate[1]), 'mib': round(group_size(server.pid) / 1024, 1)}
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(20)


def group_size(group: int) -> int:
    """Return the KiB of all processes of a group, what they share counted once (the proportional set size)."""
    size = 0
    for stat in Path('/proc').glob('[0-9]*/stat'):
        try:
            if int(stat.read_text().rpartition(')')[2].split()[2]) == group:
                rollup = (stat.parent / 'smaps_rollup').read_text()
                size += int(re.search(r'^Pss:\s+(\d+)', rollup, re.MULTILINE)[1])  # type: ignore[index]
        except OSError:
            continue
    return size


def measure(names: list[str], source: Path | None, quick: bool) -> dict[str, Any]:
    """Measure every part in every framework, the idle ones beside raw ASGI."""
    scale = 0.1 if quick else 1
    found: dict[str, Any] = {}
    for name in [*names, 'raw']:
        entry = found[name] = {}
        for part in ('soak', 'sockets', 'streams')[name == 'raw' :]:
            print(f'{name}: {part}', file=sys.stderr)
            command = [str(python_of(name)), '-B', __file__, name, str(scale), part]
            said = subprocess.run(command, env=environment(source), stdout=subprocess.PIPE, text=True, check=False)
            if said.returncode:
                raise SystemExit(f'{name}: the {part} failed: see above')
            entry[part] = json.loads(said.stdout.splitlines()[-1])
        if shutil.which('wrk'):
            print(f'{name}: workers', file=sys.stderr)
            entry['workers'] = {str(count): workers(name, count, source, 1 if quick else 3) for count in WORKERS}
    return {'scale': scale, 'frameworks': found}


def table(data: dict[str, Any]) -> list[str]:
    """Return a Markdown table, a line a framework; sockets and streams are what they weigh beyond raw ASGI."""
    import environments

    found, scale = data['frameworks'], data['scale']
    columns = [f'{round(REQUESTS * scale):,} requests, MiB', 'grown, KiB']
    columns += [f'{round(SOCKETS * scale):,} sockets, KiB each', f'{round(STREAMS * scale):,} streams, KiB each']
    columns += [f'{count} worker{"s" * (count > 1)}, requests a second (MiB)' for count in WORKERS]
    lines = ['| ' + ' | '.join(['', *columns]) + ' |', '|---' + '|---:' * len(columns) + '|']
    for name, entry in found.items():
        soaked = entry.get('soak')
        cells = [f'{soaked["kib"] / 1024:.1f}', f'{soaked["grown_kib"]:+,}'] if soaked else ['', '']
        for part in ('sockets', 'streams'):
            own = entry[part]['kib'] - (0 if name == 'raw' else found['raw'][part]['kib'])
            staying = f' ({entry[part]["left"]:,} stay)' if entry[part].get('left') else ''
            cells.append((f'{own:.1f}' if name == 'raw' else f'{own:+.1f}') + staying)
        for count in map(str, WORKERS):
            one = entry.get('workers', {}).get(count)
            cells.append(f'{one["rps"]:,.0f} ({one["mib"]:.0f})' if one else '')
        lines.append(f'| {environments.FRAMEWORKS[name].title} | ' + ' | '.join(cells) + ' |')
    return lines


if __name__ == '__main__':
    print(json.dumps(asyncio.run(inside(sys.argv[1], float(sys.argv[2])))))

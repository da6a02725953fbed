"""One gigabyte in, one gigabyte out: `python benchmarks/bytes.py` measures what it costs a server in memory and time.

For each framework a server of its own, uvicorn with one worker, in its own environment: an upload, one multipart form
with one file, which the application keeps in a temporary file; then a download of a file. A task in the server asks to
be woken every millisecond and notes how late it was; peak memory is what the kernel says, above what the server held
before. Each is preceded by the same in small. `--mebibytes 64` is a quick look, `--frameworks heaven` one of them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

MIB = 2**20
PIECE = 256 * 1024
HEAD = (
    b'--limit\r\nContent-Disposition: form-data; name="document"; filename="document.bin"\r\n'
    b'Content-Type: application/octet-stream\r\n\r\n'
)
TAIL = b'\r\n--limit--\r\n'
TITLES = {'heaven': 'Heaven', 'starlette': 'Starlette', 'falcon': 'Falcon'}


def heaven(path: str) -> Any:
    from heaven import App

    async def upload(req: Any, res: Any, ctx: Any) -> None:
        form = await req.form
        res.body = {'size': form.document.size}

    app = App()
    app.POST('/upload', upload, stream=True, max_body_size=4 * 2**30)
    app.GET('/download', lambda req, res, ctx: res.file(path))
    return app


def starlette(path: str) -> Any:
    from starlette.applications import Starlette
    from starlette.responses import FileResponse, JSONResponse
    from starlette.routing import Route

    async def upload(request: Any) -> Any:
        async with request.form(max_part_size=4 * 2**30) as form:
            return JSONResponse({'size': form['document'].size})

    async def download(request: Any) -> Any:
        return FileResponse(path)

    return Starlette(routes=[Route('/upload', upload, methods=['POST']), Route('/download', download)])


def falcon(path: str) -> Any:
    import falcon.asgi

    class Upload:
        async def on_post(self, req: Any, resp: Any) -> None:
            size = 0
            async for part in await req.get_media():
                with tempfile.TemporaryFile() as file:
                    async for chunk in part.stream:
                        size += await asyncio.to_thread(file.write, chunk)
            resp.media = {'size': size}

    class Download:
        async def on_get(self, req: Any, resp: Any) -> None:
            async def chunks() -> Any:
                with open(path, 'rb') as file:
                    while chunk := await asyncio.to_thread(file.read, 64 * 1024):
                        yield chunk

            resp.set_stream(chunks(), os.path.getsize(path))

    app = falcon.asgi.App()
    app.add_route('/upload', Upload())
    app.add_route('/download', Download())
    return app


APPS: dict[str, Callable[[str], Any]] = {'heaven': heaven, 'starlette': starlette, 'falcon': falcon}


# in the server


def resident(field: str) -> int:
    """Bytes of this process: VmRSS now, VmHWM at most since the last reset."""
    for line in Path('/proc/self/status').read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise LookupError(field)


class Watched:
    """The app, and two paths beside it: /-begin forgets what was seen, /-end tells it."""

    def __init__(self, app: Any) -> None:
        self.app, self.late, self.before = app, [0.0], 0
        self.watch: Any = None

    async def tick(self) -> None:
        while True:
            start = time.perf_counter()
            await asyncio.sleep(0.001)
            self.late.append(time.perf_counter() - start - 0.001)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope.get('path') not in ('/-begin', '/-end'):
            return await self.app(scope, receive, send)
        body = b'{}'
        if scope['path'] == '/-begin':
            Path('/proc/self/clear_refs').write_text('5')
            self.late, self.before = [0.0], resident('VmRSS')
            self.watch = asyncio.ensure_future(self.tick())
        else:
            self.watch.cancel()
            late = sorted(self.late)
            seen = {'longest': late[-1], 'p999': late[int(len(late) * 0.999)], 'peak': resident('VmHWM') - self.before}
            body = json.dumps(seen).encode()
        await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-length', b'%d' % len(body))]})
        await send({'type': 'http.response.body', 'body': body})


def serve(name: str, port: int, path: str) -> None:
    import uvicorn

    uvicorn.run(Watched(APPS[name](path)), port=port, log_level='warning', access_log=False)


# in the client


class Client:
    """One connection a request, over plain sockets."""

    def __init__(self, port: int) -> None:
        self.port = port

    def connect(self) -> socket.socket:
        for _ in range(200):
            try:
                return socket.create_connection(('127.0.0.1', self.port), timeout=300)
            except ConnectionRefusedError:
                time.sleep(0.05)
        raise SystemExit('the server does not answer')

    def ask(self, method: str, path: str, pieces: Iterable[bytes] = (), **headers: object) -> tuple[bytes, int]:
        """The first bytes of the answer's body, and how many there were."""
        lines = [f'{method} {path} HTTP/1.1', 'Host: localhost', 'Connection: close']
        lines += [f'{key.replace("_", "-")}: {value}' for key, value in headers.items()]
        with self.connect() as connection:
            connection.sendall('\r\n'.join([*lines, '', '']).encode())
            for piece in pieces:
                connection.sendall(piece)
            buffer = bytearray(PIECE)
            got = bytearray()
            while b'\r\n\r\n' not in got:
                count = connection.recv_into(buffer)
                if not count:
                    raise SystemExit(f'{path}: {bytes(got)!r}')
                got += buffer[:count]
            head, _, body = bytes(got).partition(b'\r\n\r\n')
            if b' 200 ' not in head.partition(b'\r\n')[0]:
                raise SystemExit(f'{path}: {head.decode()}')
            size, first = len(body), body
            while count := connection.recv_into(buffer):
                size += count
                first += b'' if len(first) > 1000 else buffer[:count]
            return first, size


def form(size: int) -> Iterator[bytes]:
    piece = os.urandom(PIECE)
    yield HEAD
    for _ in range(size // PIECE):
        yield piece
    yield TAIL


def upload(client: Client, size: int) -> None:
    kind, length = 'multipart/form-data; boundary=limit', len(HEAD) + size + len(TAIL)
    body, _ = client.ask('POST', '/upload', form(size), Content_Type=kind, Content_Length=length)
    assert json.loads(body) == {'size': size}, body


def download(client: Client, size: int) -> None:
    _, got = client.ask('GET', '/download')
    assert got == size, got


def measure(name: str, python: Path, size: int, port: int) -> dict[str, dict[str, float]]:
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'file.bin'
        command = [python, __file__, '--serve', name, '--port', str(port), '--path', path]
        server = subprocess.Popen(list(map(str, command)))
        try:
            client = Client(port)
            for title, work in ('upload', upload), ('download', download):
                for step in (4 * MIB, size):
                    with path.open('wb') as file:
                        for _ in range(step // PIECE):
                            file.write(os.urandom(PIECE))
                    client.ask('GET', '/-begin')
                    start = time.perf_counter()
                    work(client, step)
                    seconds = time.perf_counter() - start
                    found[title] = {'seconds': seconds, **json.loads(client.ask('GET', '/-end')[0])}
        finally:
            server.terminate()
            server.wait()
    return found


def table(found: dict[str, dict[str, dict[str, float]]]) -> list[str]:
    lines = [
        '| | | seconds | peak memory, MiB | loop late at most, ms | one in 1000, ms |',
        '|---|---|---:|---:|---:|---:|',
    ]
    for name, works in found.items():
        for work, seen in works.items():
            figures = f'{seen["seconds"]:.1f} | {seen["peak"] / MIB:.1f} | {seen["longest"] * 1000:.1f}'
            lines.append(f'| {TITLES[name]} | {work} | {figures} | {seen["p999"] * 1000:.1f} |')
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--mebibytes', type=int, default=1024)
    parser.add_argument('--frameworks', default=','.join(APPS))
    parser.add_argument('--rounds', type=int, default=3, help='the best of so many is kept: a busy machine delays any')
    for name in ('--serve', '--port', '--path'):
        parser.add_argument(name, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        return serve(options.serve, int(options.port), options.path)

    import environments

    needs = {
        'heaven': (f'{environments.CORE}[forms]',),
        'starlette': ('starlette', 'python-multipart'),
        'falcon': ('falcon',),
    }
    found: dict[str, dict[str, dict[str, float]]] = {}
    for _ in range(options.rounds):
        for number, name in enumerate(options.frameworks.split(',')):
            python = environments.make(f'bytes-{name}', (*needs[name], 'uvicorn[standard]'))
            for work, seen in measure(name, python, options.mebibytes * MIB, 8760 + number).items():
                best = found.setdefault(name, {}).setdefault(work, seen)
                best.update({key: min(value, best[key]) for key, value in seen.items()})
    print('\n'.join(table(found)))
    if options.mebibytes == 1024 and found.keys() == APPS.keys():
        data = {'machine': environments.machine(), 'rounds': options.rounds, 'frameworks': found}
        environments.HERE.joinpath('results').mkdir(exist_ok=True)
        (environments.HERE / 'results' / 'bytes.json').write_text(json.dumps(data, indent=1) + '\n')


if __name__ == '__main__':
    sys.exit(main())

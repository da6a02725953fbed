"""Times one framework against the raw app, in the framework's own environment; run.py starts it and asks for rows.

Reads one JSON request a line and answers each with one line: {"row": "a", "seconds": 0.3} gives the microseconds a
request of both. The driver is a coroutine on an asyncio loop that awaits the app, request after request, so that an app
which needs a running loop has one and an app which suspends pays for it. A request's scope, as uvicorn makes it, is
part of what is timed, for the framework and the raw app alike. With the standard library's codec orjson cannot be
imported, since some frameworks take it wherever they find it.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.metadata
import json
import os
import sys
import traceback
from collections.abc import Iterator
from itertools import cycle, islice
from statistics import median
from time import process_time
from typing import Any

from apps import raw
from workload import HEADERS, REQUESTS, Row

SCOPE = {
    'type': 'http',
    'asgi': {'version': '3.0', 'spec_version': '2.3'},
    'http_version': '1.1',
    'server': ('127.0.0.1', 8000),
    'client': ('127.0.0.1', 51234),
    'scheme': 'http',
    'root_path': '',
}


class Exchange:
    """The `receive` and `send` of one request at a time, both coroutine functions as uvicorn's are."""

    __slots__ = ('body', 'received')

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.received = False

    async def receive(self) -> dict[str, Any]:
        if self.received:
            await asyncio.get_running_loop().create_future()
        self.received = True
        return {'type': 'http.request', 'body': self.body, 'more_body': False}

    async def send(self, message: dict[str, Any]) -> None:
        pass


class Recorder(Exchange):
    """An exchange that keeps what was sent, to check it before timing."""

    __slots__ = ('messages',)

    def __init__(self, body: bytes) -> None:
        super().__init__(body)
        self.messages: list[dict[str, Any]] = []

    async def send(self, message: dict[str, Any]) -> None:
        self.messages.append(message)


async def check(app: Any, row: Row, path: str) -> None:
    """Raise AssertionError unless the app answers the path as the row says."""
    recorder = Recorder(row.body)

    async def recorded(scope: Any, receive: Any, send: Any) -> None:
        await app(scope, recorder.receive, recorder.send)

    await chunk(recorded, row, [path.encode()])
    start, *rest = recorder.messages
    headers = [(name.lower(), value) for name, value in start['headers']]
    kind = dict(headers).get(b'content-type', b'')
    body = b''.join(message.get('body', b'') for message in rest)
    assert start['status'] == row.status, (path, start, body)
    assert int(dict(headers).get(b'content-length', len(body))) == len(body), (path, headers, body)
    assert not row.sent or row.sent in headers, (path, headers)
    wanted = row.answer(path)
    if wanted is None:
        assert body, (path, 'no body')
    elif isinstance(wanted, str):
        assert kind[:10] in (b'', b'text/plain') and body == wanted.encode(), (headers, body)
    else:
        assert kind[:16] == b'application/json' and json.loads(body) == wanted, (path, headers, body)


async def chunk(app: Any, row: Row, paths: list[bytes]) -> float:
    """CPU seconds of the whole process for a request of each path, its scope made anew."""
    exchange, headers = Exchange(row.body), row.headers or HEADERS
    receive, send, base = exchange.receive, exchange.send, {**SCOPE, 'method': row.method, 'query_string': row.query}
    begin = process_time()
    for path in paths:
        exchange.received = False
        scope = {**base, 'path': path.decode(), 'raw_path': path, 'headers': headers.copy(), 'state': {}}
        await app(scope, receive, send)
    return process_time() - begin


async def nothing(scope: Any, receive: Any, send: Any) -> None:
    """The driver's own cost is that of a request to this app."""


class Bench:
    """A framework's apps, started, and the raw app of every row."""

    def __init__(self, name: str, codec: str) -> None:
        self.module = importlib.import_module(f'apps.{name}')
        self.codec = codec
        self.raw = raw.rows(codec)
        self.apps: dict[str, Any] = {}
        self.paths: dict[str, Iterator[bytes]] = {}

    async def app(self, name: str, factory: str) -> Any:
        """The app of a row, its lifespan started."""
        if self.module is raw:
            return self.raw[name]
        if factory not in self.apps:
            self.apps[factory] = getattr(self.module, factory)(self.codec)
            await start(self.apps[factory])
        return self.apps[factory]

    def next(self, name: str, count: int) -> list[bytes]:
        paths = self.paths.setdefault(name, cycle([path.encode() for path in REQUESTS[name].paths]))
        return list(islice(paths, count))

    async def measure(self, name: str, seconds: float) -> dict[str, float]:
        """The row's microseconds a request, the framework's and the raw app's, and the median of their ratios."""
        row = REQUESTS[name]
        own, bare = await self.app(name, row.app), self.raw[name]
        if name not in self.paths:
            for path in {*row.paths[:3], *row.paths[-3:]}:
                await check(bare, row, path)
                await check(own, row, path)
        warm = min([await chunk(own, row, self.next(name, 50)) for _ in range(3)])
        count, spent = max(20, min(1000, round(0.004 * 50 / warm))), 0.0
        ratios: list[float] = []
        owns: list[float] = []
        bares: list[float] = []
        before = await chunk(bare, row, self.next(name, 1000)) / 1000
        while spent < seconds or len(ratios) < 5:
            mine = await chunk(own, row, self.next(name, count)) / count
            after = await chunk(bare, row, self.next(name, 1000)) / 1000
            ratios.append(2 * mine / (before + after))
            owns.append(mine)
            bares.append(after)
            spent += mine * count + after * 1000
            before = after
        driver = await chunk(nothing, row, self.next(name, 1000)) / 1000
        us = {'us': median(owns), 'raw_us': median(bares), 'driver_us': driver}
        return {'ratio': median(ratios)} | {name: 1e6 * value for name, value in us.items()}


async def start(app: Any) -> None:
    """Run the app's lifespan startup; an app that has none raises or returns, as the specification allows."""
    messages: asyncio.Queue[Any] = asyncio.Queue()
    messages.put_nowait({'type': 'lifespan.startup'})
    started = asyncio.Event()
    failures = []

    async def send(message: Any) -> None:
        if message['type'] == 'lifespan.startup.failed':
            failures.append(message)
        started.set()

    async def run() -> None:
        try:
            scope = {'type': 'lifespan', 'asgi': {'version': '3.0', 'spec_version': '2.0'}, 'state': {}}
            await app(scope, messages.get, send)
        except Exception as error:
            if type(app).__module__ == 'heaven.app':
                failures.append(error)
        started.set()

    LIFESPANS.append(asyncio.create_task(run()))
    await started.wait()
    if failures:
        raise RuntimeError(f'startup failed: {failures}')


LIFESPANS: list[asyncio.Task[None]] = []


def versions(module: Any) -> dict[str, str]:
    found = {'python': sys.version.split()[0]}
    for name in getattr(module, 'DISTRIBUTIONS', ()):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = 'source'
    return found


def main() -> None:
    out = os.fdopen(os.dup(1), 'w', buffering=1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    if sys.argv[2] == 'json':
        sys.modules['orjson'] = None  # type: ignore[assignment]
    bench = Bench(sys.argv[1], sys.argv[2])
    out.write(json.dumps(versions(bench.module)) + '\n')
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            answer: dict[str, Any] = loop.run_until_complete(bench.measure(asked['row'], asked['seconds']))
        except Exception as error:
            traceback.print_exc()
            answer = {'error': f'{type(error).__name__}: {error}'}
        out.write(json.dumps(answer) + '\n')
    for task in LIFESPANS:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*LIFESPANS, return_exceptions=True))


if __name__ == '__main__':
    main()

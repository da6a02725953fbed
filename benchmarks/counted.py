"""Answers the requests that are counted, in a process that callgrind watches; operations.py and routes.py start it.

Reads a job a line, each a JSON object, and does each in a process of its own, forked right after the framework was
imported, so that no case runs in what another has warmed. There the answer is checked, the app is warmed, and then
come rounds of requests, the first with none at all, with a mark before and after each. A mark is a call of
`sys.setrecursionlimit`: callgrind is told to begin a new file whenever CPython enters that function, so that every file
holds the instructions of one round, whatever threads ran it.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import logging
import os
import resource
import signal
import sys
from functools import partial
from itertools import compress, cycle, islice
from typing import Any
from urllib.parse import unquote_to_bytes

from cases import CASES, Case, folder
from worker import LIFESPANS, SCOPE, start
from workload import HEADERS

ROUNDS = 3
PATIENCE = 1800  # seconds that a job may take
WARM = 5  # rounds before the first that counts
LIMIT = sys.getrecursionlimit()


def mark() -> None:
    """Make callgrind begin a new file."""
    sys.setrecursionlimit(LIMIT)


class Client:
    """Makes the requests of a case, one after another; what is sent to it is kept only while it listens.

    A copy is another client, with the same paths.
    """

    def __init__(self, case: Case, paths: list[str]) -> None:
        self.case = case
        replaced = {name for name, _ in case.headers}
        if b'content-type' in replaced or b'content-length' in replaced:
            replaced |= {b'referer', b'accept-language'}  # as many headers as a GET has
        self.headers = [pair for pair in HEADERS if pair[0] not in replaced] + list(case.headers)
        self.base = {**SCOPE, 'query_string': case.query, 'root_path': case.root_path}
        if case.socket:
            self.base |= {'type': 'websocket', 'scheme': 'ws', 'subprotocols': []}
            self.base |= {'extensions': {'websocket.http.response': {}}}
            self.said: list[dict[str, Any]] = [{'type': 'websocket.connect'}]
            self.said += [{'type': 'websocket.receive', 'text': text} for text in case.socket if text]
            self.said += [{'type': 'websocket.disconnect', 'code': 1001}]
        else:
            self.base['method'] = case.method
            chunks = case.body or (b'',)
            more = [True] * (len(chunks) - 1) + [False]
            self.said = [
                {'type': 'http.request', 'body': chunk, 'more_body': left}
                for chunk, left in zip(chunks, more, strict=True)
            ]
        self.paths = cycle([(path.encode(), unquote_to_bytes(path)) for path in paths])
        self.caught: tuple[type[Exception], ...] = (Exception,) if case.raises else ()
        self.heard: list[dict[str, Any]] = []
        self.to_come = iter(self.said)
        self.answered = False
        self.staying: asyncio.Future[None] | None = None
        self.left = 0  # answers that a WebSocket's client waits for before it leaves
        self.leaving: asyncio.Future[None] | None = None

    async def receive(self) -> dict[str, Any]:
        for message in self.to_come:
            return message
        if not self.answered:
            self.staying = asyncio.get_running_loop().create_future()
            await self.staying
        return {'type': 'http.disconnect'}  # as servers say once the answer is sent

    async def receive_socket(self) -> dict[str, Any]:
        for message in self.to_come:
            if self.left and message['type'] == 'websocket.disconnect':
                self.leaving = asyncio.get_running_loop().create_future()
                await self.leaving
            return message
        return await asyncio.get_running_loop().create_future()

    async def send(self, message: dict[str, Any]) -> None:
        """Take what the app sends, and forget it."""

    async def send_socket(self, message: dict[str, Any]) -> None:
        if message['type'] == 'websocket.send':
            self.left -= 1
            if not self.left and self.leaving:
                self.leaving.set_result(None)

    async def hear(self, message: dict[str, Any]) -> None:
        """Take what the app sends, and keep it."""
        self.heard.append(message)
        if self.case.socket:
            await self.send_socket(message)

    async def ask(self, app: Any, count: int, send: Any = None) -> None:
        """Make requests, each with a scope of its own, as a server makes it."""
        base, headers, said = self.base, self.headers, self.said
        answers = len(self.case.answer or ()) if self.case.socket else 0
        receive = self.receive_socket if self.case.socket else self.receive
        send = send or (self.send_socket if self.case.socket else self.send)
        for raw_path, path in islice(self.paths, count):
            self.to_come, self.left, self.leaving = iter(said), answers, None
            self.answered, self.staying = False, None
            scope = {**base, 'path': path.decode(), 'raw_path': raw_path, 'headers': headers.copy(), 'state': {}}
            try:
                await app(scope, receive, send)
            except self.caught:
                pass
            self.answered = True
            if self.staying and not self.staying.done():
                self.staying.set_result(None)

    async def check(self, app: Any) -> None:
        """Raise AssertionError unless the app answers as the case says."""
        self.heard.clear()
        await self.ask(app, 1, self.hear)
        if self.case.socket:
            self.check_socket()
        else:
            self.check_answer()

    def check_answer(self) -> None:
        begin, *rest = self.heard
        headers = {name.lower().decode(): value.decode() for name, value in begin['headers']}
        body, wanted = b''.join(message.get('body', b'') for message in rest), self.case.answer
        assert self.case.status in (begin['status'], None), (begin, body)
        assert not rest[-1].get('more_body'), 'the answer has no end'
        assert self.case.method == 'HEAD' or int(headers.get('content-length', len(body))) == len(body), headers
        for name, value in self.case.sends.items():
            assert name in headers and value in (headers[name], None), (name, headers)
        if isinstance(wanted, str):
            assert body.decode() == wanted, (begin, body)
        elif isinstance(wanted, bytes):
            assert body == wanted, (begin, body[:200])
        elif wanted is not None:
            assert json.loads(body) == wanted, (begin, body)

    def check_socket(self) -> None:
        kinds = [message['type'] for message in self.heard]
        said = [message.get('text') or (message.get('bytes') or b'').decode() for message in self.heard[1:]]
        assert kinds[0] == 'websocket.accept' or self.case.status == 403, self.heard
        assert self.case.status == 101 or 'websocket.accept' not in kinds, self.heard
        answer = self.case.answer or ()
        assert [text.replace(' ', '') for text in said[: len(answer)]] == [*answer], self.heard


def resident() -> int:
    """Return the resident KiB of this process."""
    with open('/proc/self/status') as status:
        return int(next(line for line in status if line.startswith('VmRSS')).split()[1])


async def count(app: Any, case: Case, paths: list[str], loops: int) -> None:
    """Start the app, check its answers, warm it, and then run the rounds between marks."""
    await start(app)
    client = Client(case, paths)
    for _ in range(loops if len(paths) > loops and not case.fresh else 1):
        await client.check(app)
    await client.ask(app, WARM * loops)
    gc.collect()
    gc.freeze()
    mark()
    await client.ask(app, 0)
    for _ in range(ROUNDS):
        mark()
        await client.ask(app, loops)
    mark()


def do(framework: Any, job: dict[str, Any]) -> dict[str, Any]:
    """Do one job, and say how: counted with so many loops, missing, or wrong and why."""
    name, refused = job['case'], list[str]()
    try:
        if name == 'nothing':
            case, paths, loops = Case('', answer=None), ['/'], 20
            build = nothing
        elif 'routes' in job:
            case = Case('', job['paths'][0])
            build = partial(framework.table, job['routes'], refused)
        else:
            case = CASES[name]
            paths, loops = [case.path], case.loops
            if case.fresh:
                paths = [f'{case.path}{number}' for number in range(loops * (WARM + ROUNDS) + 1)]
            build = framework.BUILDERS.get(name)
            if build is None:
                return {'missing': ''}
        try:
            app = build()
        except Exception as error:
            return {'missing': f'{type(error).__name__}: {error}'}
        if 'routes' in job:
            asked = [route not in refused for route in job['asked']]
            paths, loops = list(compress(job['paths'], cycle(asked))), sum(asked)
        asyncio.run(alone(count(app, case, paths, loops)))
    except BaseException as error:  # Muffin's answers are some, too
        failed = str(error).startswith('startup failed')
        return {'missing' if failed else 'wrong': f'{type(error).__name__}: {error}'[:600]}
    return {'loops': loops, 'refused': len(refused)}


def nothing() -> Any:
    """Make an app that only answers: what the driver costs, and a little more."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({'type': 'http.response.start', 'status': 200, 'headers': []})
        await send({'type': 'http.response.body', 'body': b''})

    return app


async def alone(counted: Any) -> None:
    """Run what counts, and end the lifespans that it began."""
    try:
        await counted
    finally:
        for task in LIFESPANS:
            task.cancel()
        await asyncio.gather(*LIFESPANS, return_exceptions=True)


def weigh(framework: Any, job: dict[str, Any]) -> dict[str, Any]:
    """Build an app with many routes, start it, and say what that took: CPU milliseconds and KiB."""
    before, began = resident(), resource.getrusage(resource.RUSAGE_SELF)

    async def serve() -> None:
        app = framework.table(job['routes'], [])
        await start(app)
        await Client(Case('', job['paths'][0]), job['paths']).check(app)

    asyncio.run(alone(serve()))
    ended = resource.getrusage(resource.RUSAGE_SELF)
    spent = ended.ru_utime + ended.ru_stime - began.ru_utime - began.ru_stime
    return {'ms': 1000 * spent, 'kib': resident() - before}


def main() -> None:
    out = os.fdopen(os.dup(1), 'w', buffering=1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    logging.basicConfig(handlers=[logging.NullHandler()])
    framework = importlib.import_module(f'cases.{sys.argv[1]}')
    folder()  # made here, so that it is this process that removes it
    out.write(json.dumps(framework.versions()) + '\n')
    mark()  # callgrind writes what importing took, once and not in every fork
    for line in sys.stdin:
        job = json.loads(line)
        pid = os.fork()
        if not pid:
            signal.alarm(PATIENCE)
            try:
                answer = weigh(framework, job) if job.get('weigh') else do(framework, job)
                out.write(json.dumps({'case': job['case'], 'pid': os.getpid(), **answer}) + '\n')
                out.flush()
                os._exit(0)
            finally:
                os._exit(1)
        _, status = os.waitpid(pid, 0)
        if status:
            out.write(json.dumps({'case': job['case'], 'wrong': f'ended or never ended: status {status}'}) + '\n')


if __name__ == '__main__':
    main()

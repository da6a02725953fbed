"""Requests per second through a real server, as the share of what a raw ASGI app gets through the same one."""

from __future__ import annotations

import json
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
from pathlib import Path
from statistics import median
from typing import Any

import environments
from environments import FRAMEWORKS, HERE
from workload import REQUESTS

ROWS = ['a', 'b']
CONNECTIONS = 64
UVICORN = ['-m', 'uvicorn', 'serve:app', '--workers', '1', '--no-access-log', '--log-level', 'error']
COMMANDS = {
    'uvicorn': [*UVICORN, '--port'],
    'granian': ['-m', 'granian', 'serve:app', '--interface', 'asgi', '--workers', '1', '--runtime-threads', '1']
    + ['--no-ws', '--log-level', 'error', '--port'],
    'uvicorn --root-path': [*UVICORN, '--root-path', '/app', '--port'],
}
ROOTED = ('heaven', 'starlette')  # those that serve the same routes below a root path; the raw app has none


def pinned(core: int) -> list[str]:
    """The prefix that keeps a command on one core, where there are two and `taskset`."""
    return ['taskset', '-c', str(core)] if shutil.which('taskset') and (os.cpu_count() or 1) > 1 else []


class Server:
    """One app under one server with one worker, on the first core until it is closed."""

    def __init__(self, server: str, name: str, python: Path, row: str = '') -> None:
        with socket.socket() as probe:
            probe.bind(('127.0.0.1', 0))
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            [*pinned(0), python, *COMMANDS[server], str(self.port)],
            cwd=HERE,
            env={**os.environ, 'BENCH_APP': f'{name}:{row}'},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.name = name
        try:
            for path in [REQUESTS[row].paths[0] for row in ([row] if row else ROWS)]:
                self.check(path)
        except BaseException:
            self.close()
            raise

    def check(self, path: str) -> None:
        """Wait until the server answers, and see that it answers right."""
        wanted = next(row.answer(path) for row in REQUESTS.values() if path in row.paths)
        for _ in range(300):
            try:
                with urllib.request.urlopen(f'http://127.0.0.1:{self.port}{path}', timeout=10) as response:
                    body = response.read().decode()
                break
            except (urllib.error.URLError, ConnectionError):
                if self.process.poll() is not None:
                    raise SystemExit(f'{self.name}: the server ended') from None
                time.sleep(0.1)
        else:
            raise SystemExit(f'{self.name}: the server does not answer')
        assert body == wanted if isinstance(wanted, str) else json.loads(body) == wanted, (self.name, body)

    def cpu(self) -> float:
        """Seconds of CPU that the server's processes have used."""
        ticks = 0
        for stat in Path('/proc').glob('[0-9]*/stat'):
            try:
                fields = stat.read_text().rpartition(')')[2].split()
            except OSError:
                continue
            if int(fields[2]) == self.process.pid:  # its process group
                ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf('SC_CLK_TCK')

    def load(self, path: str, seconds: float) -> dict[str, float]:
        """Requests a second and a second of the server's CPU, and how busy its core was; wrk is on the second core."""
        before = self.cpu()
        command = [
            *pinned(1),
            'wrk',
            '-t1',
            f'-c{CONNECTIONS}',
            f'-d{seconds:g}s',
            f'http://127.0.0.1:{self.port}{path}',
        ]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        count, rate = re.search(r'(\d+) requests in', said), re.search(r'Requests/sec:\s*([\d.]+)', said)
        if not count or not rate or 'Non-2xx' in said or 'Socket errors' in said:
            raise SystemExit(f'{self.name}: {said}')
        spent = max(self.cpu() - before, 0.01)
        return {'rps': float(rate[1]), 'per_cpu': int(count[1]) / spent, 'busy': spent / seconds}

    def close(self) -> None:
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def measure(names: list[str], rounds: int, seconds: float) -> dict[str, Any]:
    """Shares by server, framework and row; every load of a framework stands between two of the raw app."""
    if not shutil.which('wrk'):
        raise SystemExit('wrk is missing: apt-get install wrk (Debian, Ubuntu) or brew install wrk (macOS)')
    pythons = {name: environments.of(name) for name in [*names, 'raw']}
    found: dict[str, Any] = {}
    for server in COMMANDS:
        rooted = 'root-path' in server
        bare = {row: Server('uvicorn' if rooted else server, 'raw', pythons['raw'], row) for row in ROWS}
        running = {name: Server(server, name, pythons[name]) for name in names if not rooted or name in ROOTED}
        taken: dict[tuple[str, str], list[dict[str, float]]] = {}
        try:
            for number in range(rounds):
                for row in ROWS:
                    path = REQUESTS[row].paths[0]
                    bare[row].load(path, 1)
                    before = bare[row].load(path, seconds)
                    for name, app in running.items():
                        print(f'{server} round {number + 1}/{rounds} row {row} {name}', file=sys.stderr)
                        app.load(path, 1)
                        mine = app.load(path, seconds)
                        after = bare[row].load(path, seconds)
                        share = {key: 2 * mine[key] / (before[key] + after[key]) for key in mine}
                        figures = {
                            'share': share['rps'],
                            'cpu_share': share['per_cpu'],
                            'rps': mine['rps'],
                            'busy': mine['busy'],
                        }
                        taken.setdefault((name, row), []).append(
                            figures | {'raw_rps': after['rps'], 'raw_busy': after['busy']}
                        )
                        before = after
        finally:
            for app in [*bare.values(), *running.values()]:
                app.close()
        found[server] = {
            name: {
                row: {key: round(median(one[key] for one in taken[name, row]), 3) for key in taken[name, row][0]}
                for row in ROWS
            }
            for name in running
        }
    return found


def figure(entry: dict[str, float]) -> float:
    """The share of the raw app's requests a second; if the server did not have its core, a second of its CPU."""
    return entry['cpu_share'] if disturbed(entry) else entry['share']


def disturbed(entry: dict[str, float]) -> bool:
    """Tells whether something else on the machine took the server's core, or the raw app's."""
    return min(entry['busy'], entry['raw_busy']) < 0.9


def table(found: dict[str, Any]) -> list[str]:
    """A Markdown table of the shares, a server's rows side by side."""
    columns = [(server, row) for server in found for row in ROWS]
    lines = [
        '| | ' + ' | '.join(f'{server} {row}' for server, row in columns) + ' |',
        '|---' + '|---:' * len(columns) + '|',
    ]
    raw = [median(entry[row]['raw_rps'] for entry in found[server].values()) for server, row in columns]
    lines.append('| raw ASGI, requests a second | ' + ' | '.join(f'{rate:,.0f}' for rate in raw) + ' |')
    for name in next(iter(found.values())):
        cells = [f'{figure(found[server][name][row]):.2f}' if name in found[server] else '' for server, row in columns]
        lines.append(f'| {FRAMEWORKS[name].title} | ' + ' | '.join(cells) + ' |')
    if any(disturbed(entry[row]) for entries in found.values() for entry in entries.values() for row in ROWS):
        lines += [
            '',
            'The machine was busy: where a server did not have its core, the share is of requests a second of CPU.',
        ]
    return lines

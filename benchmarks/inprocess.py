"""The rows of the in-process table: CPU time a request, as the ratio to a raw ASGI app in the same process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

import environments
from environments import FRAMEWORKS, HERE
from workload import ROWS


class Worker:
    """A process with one framework and one codec in it, which measures when asked."""

    def __init__(self, name: str, codec: str, python: str | Path) -> None:
        self.name, self.codec = name, codec
        paths = [str(HERE), *([f'{environments.CORE}/src'] if python == sys.executable else [])]
        self.process = subprocess.Popen(
            [python, '-c', f'import sys; sys.path[:0] = {paths}; import worker; worker.main()', name, codec],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.versions = self.read()

    def read(self) -> dict[str, Any]:
        line = self.process.stdout.readline() if self.process.stdout else ''
        if not line:
            raise SystemExit(f'{self.name} ({self.codec}) ended: see above')
        answer: dict[str, Any] = json.loads(line)
        return answer

    def measure(self, row: str, seconds: float) -> dict[str, Any]:
        assert self.process.stdin
        self.process.stdin.write(json.dumps({'row': row, 'seconds': seconds}) + '\n')
        self.process.stdin.flush()
        return self.read()

    def close(self) -> None:
        if self.process.stdin:
            self.process.stdin.close()
        self.process.wait(10)


def measure(names: list[str], codecs: list[str], rows: list[str], rounds: int, seconds: float, here: bool) -> Any:
    """Figures by framework, codec and row; the rounds are the outermost loop, so that a slow minute hits all alike."""
    pythons = {name: Path(sys.executable) if here else environments.of(name) for name in names}
    pairs = [(name, codec) for name in names for codec in codecs if codec in FRAMEWORKS[name].codecs]
    workers = [Worker(name, codec, str(pythons[name])) for name, codec in pairs]
    taken: dict[tuple[str, str, str], list[dict[str, float]]] = {}
    for number in range(rounds):
        for row in rows:
            for worker in workers:
                if sys.stderr.isatty():
                    print(f'\rround {number + 1}/{rounds}  row {row:2}  {worker.name:12}', end='', file=sys.stderr)
                answer = worker.measure(row, seconds)
                if 'error' in answer:
                    print(f'\r{worker.name} {worker.codec} {row}: {answer["error"]}', file=sys.stderr)
                    continue
                taken.setdefault((worker.name, worker.codec, row), []).append(answer)
    if sys.stderr.isatty():
        print('\r' + ' ' * 50, file=sys.stderr)
    found: dict[str, Any] = {}
    for worker in workers:
        entry = found.setdefault(worker.name, {'versions': worker.versions})
        entry[worker.codec] = {}
        for row in rows:
            answers = taken.get((worker.name, worker.codec, row))
            if answers:
                figures = {key: round(median(answer[key] for answer in answers), 3) for key in answers[0]}
                entry[worker.codec][row] = figures | {'rounds': [round(answer['ratio'], 3) for answer in answers]}
        worker.close()
    return found


def table(found: dict[str, Any], codec: str, rows: list[str]) -> list[str]:
    """A Markdown table of the ratios with one codec, the raw app's microseconds first."""
    figures = {name: entry[codec] for name, entry in found.items() if entry.get(codec)}
    if not figures:
        return []
    raw = [median([entry[row]['raw_us'] for entry in figures.values() if row in entry] or [0]) for row in rows]
    lines = ['| ' + ' | '.join(['', *rows]) + ' |', '|---' + '|---:' * len(rows) + '|']
    lines.append('| raw ASGI, µs | ' + ' | '.join(f'{us:.1f}' for us in raw) + ' |')
    for name, entry in figures.items():
        cells = [shown(entry[row]['ratio']) if row in entry else '' for row in rows]
        title = FRAMEWORKS[name].title + ' ' + version(found[name]['versions'])
        lines.append(f'| {title.strip()} | ' + ' | '.join(cells) + ' |')
    return lines


def version(versions: dict[str, str]) -> str:
    """The framework's own, which stands after Python's."""
    return list(versions.values())[1] if len(versions) > 1 else ''


def shown(ratio: float) -> str:
    return f'{ratio:.2f}' if ratio < 10 else f'{ratio:.0f}'


def selected(rows: str | None) -> list[str]:
    chosen = rows.split(',') if rows else list(ROWS)
    unknown = set(chosen) - set(ROWS)
    if unknown:
        raise SystemExit(f'no such row: {", ".join(sorted(unknown))}; there are {", ".join(ROWS)}')
    return chosen

"""Starts counted.py under callgrind, gives it jobs, and reads how many instructions each took."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import environments
from environments import CORE, FRAMEWORKS, HERE

MARK = 'Py_SetRecursionLimit'  # the function of CPython at which a new file begins
OTHERS = {'heaven': ('multipart', 'itsdangerous'), 'falcon': ()}  # what forms and sessions need
COMMAND = ['valgrind', '-q', '--tool=callgrind', f'--dump-before={MARK}']
ROUNDS = 3


def python_of(name: str, fresh: bool = False) -> Path:
    """Return the Python of the environment in which a framework is counted; Heaven's own sources are not in it."""
    package = '' if name == 'heaven' else FRAMEWORKS[name].package
    wanted = (package, 'orjson', *OTHERS.get(name, ('python-multipart', 'itsdangerous')))
    return environments.make(f'counted-{name}', tuple(filter(None, wanted)), fresh)


def begin(name: str, source: Path | None, *prefix: str) -> subprocess.Popen[str]:
    """Start counted.py for a framework; `source` is the folder of a heaven-core, this repository's by default."""
    paths = [str(HERE), str((source or CORE).resolve() / 'src')]
    code = f'import sys; sys.path[:0] = {paths}; import counted; counted.main()'
    return subprocess.Popen(
        [*prefix, str(python_of(name)), '-B', '-c', code, name],
        env={**os.environ, 'PYTHONHASHSEED': '0'},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def answers(process: subprocess.Popen[str], jobs: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Give the framework's versions first, and then the answer to every job."""
    assert process.stdin and process.stdout
    for job in [None, *jobs]:
        if job:
            process.stdin.write(json.dumps(job) + '\n')
            process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            raise SystemExit('the counted process ended: see above')
        yield json.loads(line)
    process.stdin.close()
    process.wait()


def total(file: Path) -> int:
    """Return the instructions that a file of callgrind's holds; the line is its last."""
    with file.open('rb') as opened:
        opened.seek(max(0, file.stat().st_size - 200))
        found = re.search(rb'totals: (\d+)', opened.read())
    return int(found[1]) if found else 0


def count(name: str, jobs: list[dict[str, Any]], source: Path | None = None) -> Iterator[dict[str, Any]]:
    """Give the versions, and then each job's answer, with thousands of instructions a request as `ki`."""
    if not shutil.which('valgrind'):
        raise SystemExit('valgrind is missing: apt-get install valgrind (Debian, Ubuntu); it runs on Linux')
    with tempfile.TemporaryDirectory() as folder:
        process = begin(name, source, *COMMAND, f'--callgrind-out-file={folder}/%p')
        for number, answer in enumerate(answers(process, jobs)):
            if sys.stderr.isatty() and number < len(jobs):
                print(f'\r{name:10} {number + 1}/{len(jobs)} {jobs[number]["case"]:24}', end='', file=sys.stderr)
            if 'loops' in answer:
                files = sorted(Path(folder).glob(f'{answer["pid"]}.*'), key=lambda file: int(file.suffix[1:]))
                empty, *rounds = map(total, files[-1 - ROUNDS :])
                answer['ki'] = (median(rounds) - empty) / answer['loops'] / 1000
            for file in Path(folder).iterdir():
                file.unlink()
            yield answer
    if sys.stderr.isatty():
        print('\r' + ' ' * 50 + '\r', end='', file=sys.stderr)

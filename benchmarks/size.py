"""What a framework weighs: dependencies, files, statements, tokens, the time to import it and the memory it holds."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

import environments
from environments import FRAMEWORKS, HERE

APPS = {
    'heaven': "from heaven import App\napp = App()\napp.GET('/', lambda req, res, ctx: None)",
    'old_heaven': "from heaven import App\napp = App()\napp.GET('/', lambda req, res, ctx: None)",
    'starlette': """
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
async def hello(request): return PlainTextResponse('hello')
app = Starlette(routes=[Route('/', hello)])""",
    'fastapi': """
from fastapi import FastAPI
app = FastAPI()
@app.get('/')
async def hello() -> dict[str, str]: return {}""",
    'falcon': """
import falcon.asgi
class Hello:
    async def on_get(self, req, resp): resp.text = 'hello'
app = falcon.asgi.App()
app.add_route('/', Hello())""",
    'muffin': """
from muffin import Application
app = Application()
@app.route('/')
async def hello(request): return 'hello'""",
    'blacksheep': """
from blacksheep import Application, get
app = Application()
@get('/')
async def hello(request): return 'hello'""",
    'litestar': """
from litestar import Litestar, get
@get('/')
async def hello() -> str: return 'hello'
app = Litestar([hello])""",
    'sanic': """
from sanic import Sanic
from sanic.response import text
app = Sanic('hello')
@app.get('/')
async def hello(request): return text('hello')""",
}
TOKENIZER = '3.11'  # the Python that counts tokens, wherever the framework runs
MEMORY = "\nprint(next(line for line in open('/proc/self/status') if line.startswith('VmRSS')).split()[1])"


def cost(python: Path, code: str) -> float:
    """CPU milliseconds of a new interpreter that runs the code."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([python, '-c', code], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def resident(python: Path, code: str) -> float:
    """Resident MB of an interpreter after the code."""
    said = subprocess.run([python, '-c', code + MEMORY], check=True, capture_output=True, text=True).stdout
    return int(said.split()[-1]) / 1024


def tokens(python: Path, own: str) -> dict[str, int]:
    """The tokens of a framework and of all that is installed with it; nothing where that Python is not found."""
    counting = environments.python_of(TOKENIZER)
    if not counting:
        print(f'no Python {TOKENIZER}: tokens are not counted', file=sys.stderr)
        return {}
    site = next(python.parents[1].glob('lib/python*/site-packages'))
    command = [counting, str(HERE / 'installed.py'), own, str(site)]
    counted: dict[str, int] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return counted


def measure(names: list[str], runs: int) -> dict[str, Any]:
    """Every framework in an environment that has nothing but it; the runs of all are interleaved."""
    tool = environments.of('raw')
    pythons, found = {}, {}
    for name in names:
        package = FRAMEWORKS[name].package
        pythons[name] = environments.make_bare(f'bare-{name}', package, tool)
        own = 'heaven-core' if name == 'heaven' else package
        said = subprocess.run([pythons[name], HERE / 'installed.py', own], capture_output=True, text=True, check=False)
        if said.returncode:
            raise SystemExit(said.stderr)
        found[name] = json.loads(said.stdout) | tokens(pythons[name], own)
        cost(pythons[name], APPS[name])  # compiles the bytecode
    bare: list[float] = []
    times: dict[str, list[float]] = {name: [] for name in names}
    memory: dict[str, list[float]] = {name: [] for name in names}
    for number in range(runs):
        print(f'run {number + 1}/{runs}', file=sys.stderr)
        for name in names:
            bare.append(cost(pythons[name], 'pass'))
            times[name].append(cost(pythons[name], APPS[name]))
            memory[name].append(resident(pythons[name], APPS[name]))
    floor = median(bare)
    for name in names:
        found[name]['import_ms'] = round(median(times[name]) - floor, 1)
        found[name]['resident_mb'] = round(median(memory[name]), 1)
    python = next(iter(pythons.values()))
    return {
        'bare': {'import_ms': round(floor, 1), 'resident_mb': round(median(resident(python, '') for _ in range(5)), 1)},
        'frameworks': found,
    }


def table(measured: dict[str, Any]) -> list[str]:
    """A Markdown table, a line a framework."""
    bare = measured['bare']
    columns = ['dependencies', 'installed KB', 'statements', 'with dependencies', 'tokens', 'a statement']
    lines = ['| ' + ' | '.join(['', *columns, 'import, ms', 'resident MB']) + ' |']
    lines.append('|---' + '|---:' * 8 + '|')
    lines.append(f'| a bare interpreter | | | | | | | {bare["import_ms"]:.0f} | {bare["resident_mb"]:.0f} |')
    for name, entry in measured['frameworks'].items():
        cells = [len(entry['dependencies']), f'{entry["kb"]:,}', f'{entry["statements"]:,}']
        cells.append(f'{entry["statements_in_all"]:,}')
        count = entry.get('tokens')  # results of before tokens were counted have none
        cells += [f'{count:,}', f'{count / entry["statements"]:.1f}'] if count else ['', '']
        cells += [f'+{entry["import_ms"]:.0f}', f'{entry["resident_mb"]:.0f}']
        title = f'{FRAMEWORKS[name].title} {entry["version"]}'
        lines.append(f'| {title} | ' + ' | '.join(map(str, cells)) + ' |')
    return lines

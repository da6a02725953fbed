"""The frameworks, and a virtual environment for each under `.envs`, made with venv and pip alone."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
CORE = HERE.parent / 'packages' / 'heaven-core'
ENVS = Path(os.environ.get('BENCHMARK_ENVS') or HERE / '.envs')
SERVERS = ('uvicorn[standard]', 'granian')


@dataclass
class Framework:
    """A row of the tables: its name there, what pip installs, and its codecs; one of its own stands under orjson."""

    title: str
    package: str
    codecs: tuple[str, ...] = ('json', 'orjson')


FRAMEWORKS = {
    'heaven': Framework('Heaven', str(CORE)),
    'muffin': Framework('Muffin', 'muffin'),
    'blacksheep': Framework('BlackSheep', 'blacksheep'),
    'falcon': Framework('Falcon', 'falcon'),
    'starlette': Framework('Starlette', 'starlette'),
    'litestar': Framework('Litestar', 'litestar', ('orjson',)),
    'sanic': Framework('Sanic', 'sanic'),
    'old_heaven': Framework('heaven 2, the older package', 'heaven', ('orjson',)),
    'fastapi': Framework('FastAPI', 'fastapi', ('orjson',)),
    'raw': Framework('raw ASGI', ''),
}


@cache
def interpreter() -> str:
    """Python 3.13 where there is one that runs, else the running interpreter."""
    return python_of('3.13') or sys.executable


@cache
def python_of(version: str) -> str | None:
    """A Python of that version that runs: this one, pyenv's or that on PATH; None if there is none."""
    if sys.version_info[:2] == tuple(map(int, version.split('.'))):
        return sys.executable
    found = sorted(map(str, Path.home().glob(f'.pyenv/versions/{version}.*/bin/python')))
    for python in filter(None, [*found, shutil.which(f'python{version}')]):
        if subprocess.run([python, '-V'], capture_output=True, check=False).returncode == 0:
            return python
    return None


def run(*command: str | Path) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise SystemExit(f'{" ".join(map(str, command))}\n{done.stdout}')


def make(name: str, requirements: tuple[str, ...], fresh: bool = False) -> Path:
    """The Python of the environment of that name, made unless it is there with these requirements."""
    folder = ENVS / name
    python, stamp = folder / 'bin' / 'python', folder / 'requirements.json'
    wanted = json.dumps([interpreter(), *requirements])
    local = [requirement for requirement in requirements if os.sep in requirement]
    if fresh or not stamp.exists() or stamp.read_text() != wanted:
        print(f'making .envs/{name}', file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        run(interpreter(), '-m', 'venv', folder)
        if requirements:
            run(python, '-m', 'pip', 'install', '--quiet', *requirements)
        stamp.write_text(wanted)
    elif local:
        run(python, '-m', 'pip', 'install', '--quiet', '--no-deps', '--force-reinstall', *local)
    return python


def make_bare(name: str, package: str, tool: Path) -> Path:
    """The Python of an environment with the package, what it depends on and nothing else, pip included."""
    folder = ENVS / name
    python, stamp = folder / 'bin' / 'python', folder / 'requirements.json'
    wanted = json.dumps([interpreter(), package])
    if os.sep in package or not stamp.exists() or stamp.read_text() != wanted:
        print(f'making .envs/{name}', file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        run(interpreter(), '-m', 'venv', '--without-pip', folder)
        run(tool, '-m', 'pip', '--python', python, 'install', '--quiet', package)
        stamp.write_text(wanted)
    return python


def of(name: str, fresh: bool = False) -> Path:
    """The Python that runs a framework's app, under a server too."""
    framework = FRAMEWORKS[name]
    wanted = tuple(filter(None, [framework.package, 'orjson', *SERVERS]))
    return make(name, wanted, fresh)


def versions(name: str) -> dict[str, str]:
    """What stands in a framework's environment, servers included."""
    command = [str(of(name)), '-m', 'pip', 'list', '--format', 'json']
    listed = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return {entry['name']: entry['version'] for entry in listed if entry['name'] != 'pip'}


def machine() -> dict[str, str]:
    """What the figures were measured on."""
    lines = Path('/proc/cpuinfo').read_text().splitlines() if Path('/proc/cpuinfo').exists() else []
    models = [line.partition(':')[2].strip() for line in lines if line.startswith('model name')]
    python = subprocess.run([interpreter(), '-V'], capture_output=True, text=True, check=False).stdout.split()[1]
    return {
        'processor': models[0] if models else platform.processor(),
        'cores': str(os.cpu_count()),
        'system': platform.system(),
        'python': f'CPython {python}',
    }

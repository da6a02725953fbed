"""The benchmarks: `python benchmarks/run.py inprocess`, `http`, `size`, `operations`, `routes`, `memory`, `charts`.

`-h` after any of them tells more.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import callgrind
import charts
import environments
import inprocess
import memory
import operations
import over_http
import routes
import size
from environments import FRAMEWORKS, HERE
from workload import ROWS

RESULTS = HERE / 'results'
IMAGES = HERE.parent / 'docs' / 'img'
CODECS = {'orjson': 'With orjson, or a fast codec of the framework’s own', 'json': 'With the standard library’s codec'}
SERVERS = ('uvicorn', 'uvloop', 'httptools', 'granian')


def store(name: str, data: dict[str, Any]) -> None:
    """Keep a complete run's figures with what they were measured on."""
    RESULTS.mkdir(exist_ok=True)
    data = {'date': datetime.date.today().isoformat(), 'machine': environments.machine(), **data}
    (RESULTS / f'{name}.json').write_text(json.dumps(data, indent=1) + '\n')
    publish(name)


def publish(name: str) -> None:
    """Draw the chart of a stored run, and write its tables into the README between their marks."""
    data = json.loads((RESULTS / f'{name}.json').read_text())
    if name in charts.CHARTS:
        IMAGES.mkdir(parents=True, exist_ok=True)
        (IMAGES / f'{name}.svg').write_text(charts.CHARTS[name](data))
    machine = data['machine']
    lines = [
        f'{data["date"]}; {machine["processor"]}, {machine["cores"]} cores; {machine["system"]}; {machine["python"]}.'
    ]
    if name == 'inprocess':
        for codec, said in CODECS.items():
            lines += ['', f'{said}:', '', *inprocess.table(data['frameworks'], codec, list(ROWS))]
    elif name == 'http':
        servers = data['versions']['raw']
        lines[0] += ' ' + ', '.join(f'{one} {servers[one]}' for one in SERVERS) + '.'
        lines += ['', *over_http.table(data['servers'])]
    elif name == 'size':
        lines += ['', *size.table(data)]
    elif name == 'operations':
        found = operations.beside(data['frameworks'])
        lines += ['', *operations.summary(found), '', *operations.behind(found)]
        page = [operations.HEAD, *operations.table(found, operations.CASES), '']
        (HERE / 'operations.md').write_text('\n'.join(page))
    elif name == 'routes':
        lines += ['', *routes.table(data)]
    else:
        lines += ['', *memory.table(data)]
    readme = HERE / 'README.md'
    before, mark, rest = readme.read_text().partition(f'<!-- {name} -->\n')
    _, end, after = rest.partition(f'<!-- /{name} -->')
    readme.write_text('\n'.join([before + mark, *lines, '', end + after]))


def run_charts(options: argparse.Namespace) -> None:
    for name in TABLES:
        if (RESULTS / f'{name}.json').exists():
            publish(name)


def run_inprocess(options: argparse.Namespace) -> None:
    names, rows = chosen(options), inprocess.selected(options.rows)
    codecs = [options.codec] if options.codec else ['json', 'orjson']
    rounds, seconds = (3, 0.1) if options.quick else (5, 0.3)
    found = inprocess.measure(names, codecs, rows, options.rounds or rounds, seconds, options.here)
    for codec in codecs:
        lines = inprocess.table(found, codec, rows)
        if lines:
            print(f'{CODECS[codec]}, ratio to raw ASGI:', *lines, '', sep='\n')
    complete = rows == list(ROWS) and names == PEERS and not (options.quick or options.codec or options.here)
    if complete:
        store('inprocess', {'rounds': options.rounds or rounds, 'frameworks': found})


def run_http(options: argparse.Namespace) -> None:
    names = chosen(options)
    rounds, seconds = (1, 1.0) if options.quick else (3, 2.0)
    found = over_http.measure(names, options.rounds or rounds, seconds)
    print('\n'.join(over_http.table(found)))
    if names == PEERS and not options.quick:
        versions = {name: environments.versions(name) for name in [*names, 'raw']}
        store('http', {'rounds': options.rounds or rounds, 'versions': versions, 'servers': found})


def run_size(options: argparse.Namespace) -> None:
    names = chosen(options)
    found = size.measure(names, options.rounds or (3 if options.quick else 15))
    print('\n'.join(size.table(found)))
    if names == PEERS and not options.quick:
        store('size', found)


def run_operations(options: argparse.Namespace) -> None:
    names, cases = chosen(options, operations.NAMES, callgrind.python_of), operations.selected(options.cases)
    found = operations.measure(names, cases, options.source)
    together = operations.beside(found)
    print('\n'.join(operations.table(together, cases)))
    if len(cases) > 20:
        print('', *operations.summary(together), '', *operations.behind(together), sep='\n')
    print(*operations.failures(found), sep='\n', file=sys.stderr)
    keep('operations', {'frameworks': found}, {'frameworks': together}, options, not options.cases)


def run_routes(options: argparse.Namespace) -> None:
    names = chosen(options, routes.NAMES, callgrind.python_of) if options.frameworks else list(routes.USUAL)
    found = routes.measure(names, options.source)
    print('\n'.join(routes.table(found)))
    keep('routes', found, found, options, not options.frameworks)


def run_memory(options: argparse.Namespace) -> None:
    names = chosen(options, memory.NAMES, memory.python_of)
    found = memory.measure(names, options.source, options.quick)
    print('\n'.join(memory.table(found)))
    keep('memory', found, found, options, not (options.frameworks or options.quick))


def keep(name: str, found: Any, whole: Any, options: argparse.Namespace, complete: bool) -> None:
    """Write what was found to the file asked for, or store it if the run was of all and of this repository."""
    if options.output:
        options.output.write_text(json.dumps(found, indent=1) + '\n')
    elif complete and not options.source:
        store(name, whole)


TABLES = ('inprocess', 'http', 'size', 'operations', 'routes', 'memory')
PEERS = [name for name in FRAMEWORKS if name != 'raw']


def chosen(
    options: argparse.Namespace, known: Sequence[str] = (), make: Callable[..., Path] = environments.of
) -> list[str]:
    """The frameworks asked for, else all; an unknown one ends the program."""
    names = options.frameworks.split(',') if options.frameworks else list(known or PEERS)
    unknown = set(names) - set(known or FRAMEWORKS)
    if unknown:
        raise SystemExit(f'no such framework: {", ".join(sorted(unknown))}; there are {", ".join(known or FRAMEWORKS)}')
    if getattr(options, 'fresh', False):
        for name in names:
            make(name, fresh=True)
    return names


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser('inprocess', help='CPU time a request, as the ratio to a raw ASGI app')
    command.add_argument('--rows', help='such as a,b*')
    command.add_argument('--codec', choices=['json', 'orjson'])
    command.add_argument('--rounds', type=int)
    command.add_argument('--quick', action='store_true', help='three short rounds')
    command.add_argument('--here', action='store_true', help='use the running interpreter, and Heaven from the sources')
    command.set_defaults(func=run_inprocess)
    command = commands.add_parser('http', help='requests per second over uvicorn and granian, as a share of raw ASGI')
    command.set_defaults(func=run_http)
    command = commands.add_parser('size', help='dependencies, installed KB, statements, import time and memory')
    command.set_defaults(func=run_size)
    for command in (commands.choices['http'], commands.choices['size']):
        command.add_argument('--rounds', type=int)
        command.add_argument('--quick', action='store_true', help='one short round')
    command = commands.add_parser('operations', help='instructions of every documented operation, by callgrind')
    command.add_argument('--cases', help='such as base,param, or groups: Routes,Hooks')
    command.set_defaults(func=run_operations)
    command = commands.add_parser('routes', help='instructions over lists of routes, and their growth, by callgrind')
    command.set_defaults(func=run_routes)
    command = commands.add_parser('memory', help='memory after many requests, of idle sockets and of open streams')
    command.add_argument('--quick', action='store_true', help='a tenth of everything')
    command.set_defaults(func=run_memory)
    for name in ('operations', 'routes', 'memory'):
        command = commands.choices[name]
        command.add_argument('--source', type=Path, help='the folder of another heaven-core, to measure that')
        command.add_argument('--output', type=Path, help='a JSON file to write instead of keeping the result')
    for command in commands.choices.values():
        command.add_argument('--frameworks', help='such as heaven,starlette')
        command.add_argument('--fresh', action='store_true', help='make the environments anew')
    command = commands.add_parser('charts', help='draw the charts and write the tables of the stored runs again')
    command.set_defaults(func=run_charts)
    options = parser.parse_args()
    options.func(options)


if __name__ == '__main__':
    main()

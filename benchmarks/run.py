"""The benchmarks: `python benchmarks/run.py inprocess`, `http`, `size`, `charts`; `-h` after any of them tells more."""

from __future__ import annotations

import argparse
import datetime
import json
from typing import Any

import charts
import environments
import inprocess
import over_http
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
    else:
        lines += ['', *size.table(data)]
    readme = HERE / 'README.md'
    before, mark, rest = readme.read_text().partition(f'<!-- {name} -->\n')
    _, end, after = rest.partition(f'<!-- /{name} -->')
    readme.write_text('\n'.join([before + mark, *lines, '', end + after]))


def run_charts(options: argparse.Namespace) -> None:
    for name in charts.CHARTS:
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


PEERS = [name for name in FRAMEWORKS if name != 'raw']


def chosen(options: argparse.Namespace) -> list[str]:
    """The frameworks asked for, else all; an unknown one ends the program."""
    names = options.frameworks.split(',') if options.frameworks else PEERS
    unknown = set(names) - set(FRAMEWORKS)
    if unknown:
        raise SystemExit(f'no such framework: {", ".join(sorted(unknown))}; there are {", ".join(FRAMEWORKS)}')
    if getattr(options, 'fresh', False):
        for name in names:
            environments.of(name, fresh=True)
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
    for command in commands.choices.values():
        command.add_argument('--frameworks', help='such as heaven,starlette')
        command.add_argument('--fresh', action='store_true', help='make the environments anew')
    command = commands.add_parser('charts', help='draw the charts and write the tables of the stored runs again')
    command.set_defaults(func=run_charts)
    options = parser.parse_args()
    options.func(options)


if __name__ == '__main__':
    main()

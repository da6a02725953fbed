"""What cluster.py found: as JSON in benchmarks/results/, and as a table in docs/deploying.md."""

import json
import os
import platform
import re
import subprocess
from datetime import date
from importlib.metadata import version
from pathlib import Path

from engines import program

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / 'benchmarks' / 'results' / 'cluster.json'
PAGE = ROOT / 'docs' / 'deploying.md'
PLACE = re.compile(r'(<!-- measured: cluster -->\n).*?(\n<!-- end -->)', re.DOTALL)
HEAD = [
    '',
    'seconds',
    'good answers',
    'median, ms',
    '99 %, ms',
    '503',
    'by nginx',
    'windows lost',
    'told after, s',
    'at most, s',
]


def write(found):
    found = {'date': date.today().isoformat(), 'machine': machine(), 'versions': versions(), **found}
    RESULTS.write_text(json.dumps(found, indent=1, ensure_ascii=False) + '\n', 'utf-8')
    page, count = PLACE.subn(lambda place: place[1] + text(found) + place[2], PAGE.read_text('utf-8'))
    if count != 1:
        raise LookupError(f'{PAGE} has no place for the figures')
    PAGE.write_text(page, 'utf-8')


def text(found):
    """Return what the page says: where it ran, a row for each part of the test, and what held at the end."""
    shape, kept, held = found['shape'], found['kept'], found['held']
    back = found['phases']['PostgreSQL killed']['recovered']
    ran = ', '.join(f'{name} {number}' for name, number in found['versions'].items())
    rows = [HEAD, *(row(name, phase) for name, phase in found['phases'].items())]
    lines = ['| ' + ' | '.join(cells) + ' |' for cells in rows]
    table = '\n'.join([lines[0], '|---' + '|---:' * (len(HEAD) - 1) + '|', *lines[1:]])
    return f"""{found['date']}; {found['machine']}. {ran}.
{shape['workers']} workers, {shape['people']} people without a pause and {shape['windows']} windows,
all on the same cores as the servers.

{table}

- Of {kept['acknowledged']:,} writes that were acknowledged {kept['lost']} were lost, and each is in the audit.
- {kept['refused']:,} records got a 503 when they were added or deleted; {kept['refused_and_kept']} of them are there.
- The first good answer came {back} s after PostgreSQL took connections again.
- At first a worker held at most {held['memory_kib'] / 1024:.0f} MiB and {held['descriptors']} descriptors;
  at the end {held['grown_kib'] / 1024:+.1f} MiB, and {held['descriptors_at_the_end']} descriptors.
- Files without a record, left by the workers that were killed: {kept['files_too_many']}."""


def row(name, phase):
    return [
        name,
        f'{phase["seconds"]:.0f}',
        f'{phase["good"]:,}',
        f'{phase["median_ms"]:.0f}',
        f'{phase["p99_ms"]:,.0f}',
        f'{phase["refused"]:,}',
        f'{phase["by_nginx"]:,}',
        f'{phase["windows_lost"]}',
        f'{phase["told"]:.2f}',
        f'{phase["told_at_most"]:.2f}',
    ]


def machine():
    models = re.findall(r'^model name\s*: (.+)$', Path('/proc/cpuinfo').read_text('utf-8'), re.MULTILINE)
    return f'{models[0] if models else platform.machine()}, {os.cpu_count()} cores; CPython {platform.python_version()}'


def versions():
    """Return the versions of what ran, as the programs and packages say them."""
    flags = {'nginx': '-v', 'postgres': '--version', 'redis-server': '--version'}
    found = {}
    for name, flag in flags.items():
        done = subprocess.run([program(name), flag], capture_output=True, text=True, check=True)
        found[name] = re.search(r'\d+\.[\d.]*\d', done.stdout + done.stderr)[0]
    return found | {package: version(package) for package in ('uvicorn', 'asyncpg', 'redis')}

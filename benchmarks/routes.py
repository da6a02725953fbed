"""Lists of routes: instructions of a whole request over a plain one, growth to 10,000 routes, startup and memory.

The lists in routes/ are of real APIs, their sources in their first lines. Every GET route of a list is asked for once
in a round, each time with values that no request before it had.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

import callgrind
from environments import FRAMEWORKS, HERE

NAMES = ('heaven', 'falcon', 'starlette', 'muffin')
USUAL = ('heaven', 'falcon')  # the others go through their routes one after another
SIZES = (10, 100, 1000, 10_000)
ASKED = 100  # routes asked for in a round where the list is made up
ROUNDS = 9  # one to check, five to warm, three to count
WEIGHED = 3


def lists() -> dict[str, list[str]]:
    """Return the lists by name, each a list of `GET /path/{name}`; their first line says where they come from."""
    return {
        file.stem: [line for line in file.read_text().splitlines() if line and line[0] != '#']
        for file in sorted((HERE / 'routes').glob('*.txt'))
    }


def made_up(size: int) -> list[str]:
    """Return that many routes with two parameters each, 25 in an area, as an API grows."""
    return [f'GET /area{n // 25}/{{owner}}/kind{n % 25}/{{id}}' for n in range(size)]


def paths_of(routes: list[str], rounds: int) -> list[str]:
    """Return the path of every route for each round, its parameters numbered so that none comes twice."""
    numbers: Iterator[int] = count(1000)
    paths = [route.split()[1] for route in routes]
    return [re.sub(r'\{.*?\}', lambda _: f'v{next(numbers)}', path) for _ in range(rounds) for path in paths]


def jobs_of(name: str) -> list[dict[str, Any]]:
    """Return what is asked of a framework, the plain route first."""
    jobs: list[dict[str, Any]] = [{'case': 'base'}]
    for title, routes in lists().items():
        jobs.append(job_of(title, routes, [route for route in routes if route.startswith('GET ')]))
    for size in SIZES if name in USUAL else SIZES[:-1]:
        routes = made_up(size)
        jobs.append(job_of(f'{size:,}', routes, routes[:: max(1, size // ASKED)]))
    return jobs


def job_of(title: str, routes: list[str], asked: list[str]) -> dict[str, Any]:
    return {'case': title, 'routes': routes, 'asked': asked, 'paths': paths_of(asked, ROUNDS)}


def weights(name: str, jobs: list[dict[str, Any]], source: Path | None) -> dict[str, dict[str, float]]:
    """Return by job the CPU milliseconds and MiB that an app with its routes takes until it has answered."""
    taken: dict[str, list[dict[str, float]]] = {}
    for _ in range(WEIGHED):
        process = callgrind.begin(name, source)
        _, *answers = callgrind.answers(process, [job | {'weigh': True, 'paths': job['paths'][:1]} for job in jobs])
        for job, answer in zip(jobs, answers, strict=True):
            taken.setdefault(job['case'], []).append(answer)
    return {
        case: {
            'startup_ms': round(median(answer['ms'] for answer in answers), 1),
            'mib': round(median(answer['kib'] for answer in answers) / 1024, 2),
        }
        for case, answers in taken.items()
    }


def measure(names: list[str], source: Path | None) -> dict[str, Any]:
    """Count and weigh every list and size in every framework."""
    found: dict[str, Any] = {}
    for name in names:
        jobs = jobs_of(name)
        versions, base, *answers = callgrind.count(name, jobs, source)
        entry = found[name] = {'versions': versions, 'plain': round(base['ki'], 2), 'lists': {}}
        weighed = weights(name, jobs[1:], source)
        for job, answer in zip(jobs[1:], answers, strict=True):
            if 'ki' not in answer:
                raise SystemExit(f'{name}, {job["case"]}: {answer.get("wrong") or answer.get("missing")}')
            over = round(answer['ki'] - base['ki'], 2)
            figures = {'routes': len(job['routes']), 'asked': answer['loops'], 'refused': answer['refused']}
            entry['lists'][job['case']] = figures | {'over': over} | weighed[job['case']]
    return {'frameworks': found}


def table(data: dict[str, Any]) -> list[str]:
    """Return a Markdown table, a line a list and framework."""
    found = data['frameworks']
    lines = ['| | | a plain route, kI | over it, kI | startup, ms | memory, MiB |', '|---|---' + '|---:' * 4 + '|']
    cases = [case for entry in found.values() for case in entry['lists']]
    for case in dict.fromkeys(cases):
        for name, entry in found.items():
            if case in entry['lists']:
                one = entry['lists'][case]
                what = f'{case}, {one["routes"]:,} routes' if case[0].isalpha() else f'{case} routes'
                refused = f' ({one["refused"]} refused)' if one['refused'] else ''
                cells = [what, FRAMEWORKS[name].title + refused, f'{entry["plain"]:.1f}', f'+{one["over"]:.1f}']
                cells += [f'{one["startup_ms"]:.0f}', f'{one["mib"]:.1f}']
                lines.append('| ' + ' | '.join(cells) + ' |')
    return lines

"""Every documented operation: thousands of instructions a request, beside what the peers need for the same.

The requests and answers are in cases/__init__.py, the applications in the files beside it. callgrind counts, so that
the figures repeat to about one in a hundred however busy the machine is; they are the CPU's instructions, not its time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from statistics import geometric_mean
from typing import Any

import callgrind
from cases import CASES, GROUPS, Case
from environments import FRAMEWORKS, HERE

NAMES = ('heaven', 'starlette', 'falcon', 'muffin')
HEAD = """# Operations

Thousands of instructions a request, counted by callgrind under CPython; README.md says how. Written by `run.py`.

- *missing*: the framework should have it and the application cannot be built. Empty: it has no such operation.
- `*`: promises less, such as not listening for the client's leaving while it streams.
- Muffin remembers the last 1,024 paths, so that most of its routes are looked up once and never again.
"""
STORED = HERE / 'results' / 'operations.json'


def selected(cases: str | None) -> list[str]:
    """Return the names of the cases asked for, singly or by the group's title; an unknown one ends the program."""
    if not cases:
        return list(CASES)
    chosen: list[str] = []
    for asked in cases.split(','):
        if asked not in CASES and asked not in GROUPS:
            raise SystemExit(f'no such case: {asked}; there are {", ".join([*GROUPS, *CASES])}')
        chosen += GROUPS.get(asked, [asked])
    return chosen


def measure(names: Iterable[str], cases: list[str], source: Path | None) -> dict[str, Any]:
    """Count cases in frameworks; what a framework has not is missing, with the reason if it should have it."""
    found: dict[str, Any] = {}
    for name in names:
        jobs = [{'case': case} for case in ('nothing', *cases)]
        versions, *answers = callgrind.count(name, jobs, source)
        entry = found[name] = {'versions': versions, 'driver': 0.0, 'counts': {}, 'missing': {}, 'wrong': {}}
        for job, answer in zip(jobs, answers, strict=True):
            if job['case'] == 'nothing':
                entry['driver'] = round(answer['ki'], 2)
            elif 'ki' in answer:
                entry['counts'][job['case']] = round(answer['ki'], 2)
            elif answer.get('missing'):
                entry['missing'][job['case']] = answer['missing']
            elif 'wrong' in answer:
                entry['wrong'][job['case']] = answer['wrong']
    return found


def beside(found: dict[str, Any]) -> dict[str, Any]:
    """Put what was counted over what is stored, so that a run of Heaven alone stands beside the peers' last one."""
    stored = json.loads(STORED.read_text())['frameworks'] if STORED.exists() else {}
    merged: dict[str, Any] = {}
    for name in NAMES:
        entry = merged[name] = {'versions': {}, 'driver': 0.0, 'counts': {}, 'missing': {}, 'wrong': {}}
        for part in (stored.get(name), found.get(name)):
            if part:
                entry |= {key: part[key] for key in ('versions', 'driver')}
                for case in (*part['counts'], *part['missing'], *part['wrong']):
                    for kind in ('counts', 'missing', 'wrong'):
                        entry[kind].pop(case, None)
                        if case in part[kind]:
                            entry[kind][case] = part[kind][case]
    return merged


def ratio(found: dict[str, Any], case: str) -> tuple[float, bool] | None:
    """Return Heaven's count as a multiple of the best peer's, and whether that peer promises less; None without one."""
    counts = {name: found[name]['counts'][case] for name in NAMES if case in found[name]['counts']}
    if 'heaven' not in counts or len(counts) < 2:
        return None
    own = counts.pop('heaven')
    best = min(counts, key=counts.__getitem__)
    return own / counts[best], best in CASES[case].less


def by_group(found: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Return the ratios by the titles of group and case, without the groups that have none."""
    groups = {
        group: {case.title: compared[0] for name, case in cases.items() if (compared := ratio(found, name))}
        for group, cases in GROUPS.items()
    }
    return {group: ratios for group, ratios in groups.items() if ratios}


def table(found: dict[str, Any], cases: Iterable[str]) -> list[str]:
    """Return a Markdown table of the counts, a heading a group."""
    wanted = set(cases)
    lines: list[str] = []
    for group, cases_of_group in GROUPS.items():
        members = {name: case for name, case in cases_of_group.items() if name in wanted}
        if members:
            titles = [FRAMEWORKS[name].title for name in NAMES]
            lines += ['', f'## {group}', '', '| ' + ' | '.join(['', *titles, 'of the best peer']) + ' |']
            lines += ['|---' + '|---:' * (len(titles) + 1) + '|']
        for name, case in members.items():
            cells = [cell(found, framework, name) for framework in NAMES]
            compared = ratio(found, name)
            cells.append(f'{compared[0]:.2f}' + '*' * compared[1] if compared else '')
            lines.append(f'| {markdown(case)} | ' + ' | '.join(cells) + ' |')
    return lines[1:]


def markdown(case: Case) -> str:
    """Return the case's title so that Markdown shows it as it is."""
    return ''.join('\\' + letter if letter in '|*_[' else letter for letter in case.title)


def cell(found: dict[str, Any], framework: str, case: str) -> str:
    entry = found[framework]
    if case in entry['counts']:
        return shown(entry['counts'][case]) + '*' * (framework in CASES[case].less)
    return 'missing' if case in entry['missing'] else 'wrong' if case in entry['wrong'] else ''


def shown(count: float) -> str:
    return f'{count:.1f}' if count < 1000 else f'{count:,.0f}'


def summary(found: dict[str, Any]) -> list[str]:
    """Return a Markdown table, a line a group: how often Heaven is the fastest, and the geometric means."""
    columns = ['cases', 'with a peer', 'Heaven the fastest', 'Heaven, mean', 'of the best peer, mean']
    lines = ['| ' + ' | '.join(['', *columns]) + ' |', '|---' + '|---:' * len(columns) + '|']
    for group, members in [*GROUPS.items(), ('**all**', CASES)]:
        counts = [found['heaven']['counts'][case] for case in members if case in found['heaven']['counts']]
        ratios = [compared[0] for case in members if (compared := ratio(found, case))]
        cells = [str(len(members)), str(len(ratios)), str(sum(one < 1 for one in ratios))]
        cells += [shown(geometric_mean(counts)) if counts else '', f'{geometric_mean(ratios):.2f}' if ratios else '']
        lines.append(f'| {group} | ' + ' | '.join(cells) + ' |')
    return lines


def behind(found: dict[str, Any]) -> list[str]:
    """Return a Markdown table of the cases in which a peer needs fewer instructions, the worst first."""
    ratios = {case: compared for case in CASES if (compared := ratio(found, case)) and compared[0] >= 1}
    if not ratios:
        return []
    lines = ['| a peer needs less | of the best peer |', '|---|---:|']
    for case, (one, less) in sorted(ratios.items(), key=lambda item: -item[1][0]):
        lines.append(f'| {markdown(CASES[case])} | {one:.2f}' + '*' * less + ' |')
    return lines


def failures(found: dict[str, Any]) -> list[str]:
    """Return a line for every answer that was wrong, and for what should be there and is not."""
    return [
        f'{name} {case}: {kind}: {reason}'
        for name, entry in found.items()
        for kind in ('missing', 'wrong')
        for case, reason in entry[kind].items()
    ]

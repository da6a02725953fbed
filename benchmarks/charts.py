"""The charts, as SVG that is written out by hand: transparent, in colours that hold on white and on black."""

from __future__ import annotations

from collections.abc import Callable
from math import log10
from statistics import geometric_mean
from typing import Any
from xml.sax.saxutils import escape

from environments import FRAMEWORKS
from operations import by_group
from over_http import figure
from workload import ROWS

STYLE = """
text { font: 13px system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif; fill: #57606a }
.title { font-size: 15px; font-weight: 600 }
.small { font-size: 11.5px }
.end { text-anchor: end } .middle { text-anchor: middle }
.grid { stroke: #8b949e; stroke-opacity: .25 } .span { stroke: #8b949e; stroke-opacity: .7; stroke-width: 1.5 }
.peer { fill: #8b949e } .pale { fill: #8b949e; fill-opacity: .55 }
.own { fill: #1f7ae0 } .ownpale { fill: #1f7ae0; fill-opacity: .55 }
.own-text { fill: #1f7ae0; font-weight: 600 }
@media (prefers-color-scheme: dark) {
text { fill: #adb6c0 } .own { fill: #58a6ff } .ownpale { fill: #58a6ff } .own-text { fill: #58a6ff }
}
"""
WIDTH, TOP, STEP = 760, 62, 30
Scale = Callable[[float], float]


def svg(height: float, title: str, under: str, parts: list[str]) -> str:
    """A whole drawing with its title, and a line under it that says how to read it."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" width="{WIDTH}" height="{height:g}"'
    )
    head += f' role="img" aria-label="{escape(title)}">'
    texts = [text(0, 18, title, 'title'), text(0, 38, under, 'small')]
    return '\n'.join([head, f'<style>{STYLE}</style>', *texts, *parts, '</svg>', ''])


def text(x: float, y: float, said: str, kind: str = '') -> str:
    return f'<text x="{x:g}" y="{y:g}" class="{kind}">{escape(said)}</text>'


def rect(x: float, y: float, width: float, height: float, kind: str, said: str) -> str:
    shape = f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 1):.1f}" height="{height:g}" rx="2" class="{kind}">'
    return f'{shape}<title>{escape(said)}</title></rect>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def label(name: str, y: float) -> str:
    title = 'heaven 2 (older)' if name == 'old_heaven' else FRAMEWORKS[name].title
    return text(112, y + 4.5, title, 'end own-text' if name == 'heaven' else 'end')


def ticks(values: list[float], scale: Scale, bottom: float, shown: Callable[[float], str]) -> list[str]:
    lines = [line(scale(value), TOP - 4, scale(value), bottom, 'grid') for value in values]
    return lines + [text(scale(value), bottom + 16, shown(value), 'small middle') for value in values]


def inprocess(data: dict[str, Any]) -> str:
    """A dot a row and a bar at their geometric mean, on a logarithmic scale."""
    figures = {name: entry['orjson'] for name, entry in data['frameworks'].items() if entry.get('orjson')}
    means = {name: geometric_mean([one['ratio'] for one in rows.values()]) for name, rows in figures.items()}
    names = sorted(means, key=means.__getitem__)
    bottom = TOP + STEP * len(names)

    def scale(ratio: float) -> float:
        return 128 + (WIDTH - 128 - 70) * log10(max(ratio, 0.9) / 0.9) / log10(200 / 0.9)

    parts = ticks([1, 2, 5, 10, 20, 50, 100, 200], scale, bottom, lambda value: f'{value:g}×')
    for number, name in enumerate(names):
        y, own = TOP + STEP * (number + 0.5), name == 'heaven'
        ratios = {row: one['ratio'] for row, one in figures[name].items()}
        parts += [label(name, y), line(scale(min(ratios.values())), y, scale(max(ratios.values())), y, 'span')]
        for row, ratio in ratios.items():
            said = f'{row}, {ROWS[row]}: {ratio:.2f}×'
            kind = 'ownpale' if own else 'pale'
            parts.append(
                f'<circle cx="{scale(ratio):.1f}" cy="{y:g}" r="4.5" class="{kind}"><title>{said}</title></circle>'
            )
        parts.append(rect(scale(means[name]) - 2, y - 10, 4, 20, 'own' if own else 'peer', f'mean {means[name]:.2f}×'))
        parts.append(text(WIDTH, y + 4.5, f'{means[name]:.1f}×', 'end own-text' if own else 'end'))
    under = (
        'CPU time a request, as a multiple of hand-written ASGI; a dot a kind of request, the bar their geometric mean'
    )
    return svg(bottom + 24, 'What a request costs', under, parts)


def http(data: dict[str, Any]) -> str:
    """Two panels, one a server; two bars a framework, rows a and b."""
    servers = data['servers']
    first = next(iter(servers.values()))
    names = sorted(first, key=lambda name: -sum(map(figure, first[name].values())))
    bottom, width = TOP + 20 + STEP * len(names), 232
    parts = []
    for panel, server in enumerate(('uvicorn', 'granian')):
        left = 128 + panel * (width + 92)

        def scale(share: float, left: float = left) -> float:
            return left + width * share

        parts.append(text(left, TOP + 4, server))
        parts += [line(scale(at), TOP + 14, scale(at), bottom, 'grid') for at in (0, 0.25, 0.5, 0.75, 1)]
        marks = {0: '0', 0.5: '0.5', 1: 'raw ASGI'}
        parts += [text(scale(at), bottom + 16, said, 'small middle') for at, said in marks.items()]
        for number, name in enumerate(names):
            y, own = TOP + 20 + STEP * (number + 0.5), name == 'heaven'
            if not panel:
                parts.append(label(name, y))
            for row, offset in (('a', -10), ('b', 1)):
                share = figure(servers[server][name][row])
                kind = ('own' if own else 'peer') if row == 'a' else ('ownpale' if own else 'pale')
                parts.append(rect(left, y + offset, width * share, 9, kind, f'{ROWS[row]}: {share:.2f}'))
            shares = [figure(servers[server][name][row]) for row in ('a', 'b')]
            said = ' · '.join(f'{share:.2f}' for share in shares)
            parts.append(text(scale(max(shares)) + 6, y + 4, said, 'small own-text' if own else 'small'))
    under = 'Requests a second as a share of raw ASGI on the same server; plain text above, a parameter and JSON below'
    return svg(bottom + 24, 'What is left of it over HTTP', under, parts)


def size(data: dict[str, Any]) -> str:
    """Four panels of bars, each on its own scale."""
    found = data['frameworks']
    names = sorted(found, key=lambda name: found[name]['import_ms'])
    panels: list[tuple[str, Callable[[Any], float], str]] = [
        ('dependencies', lambda entry: len(entry['dependencies']), '{:.0f}'),
        ('installed, MB', lambda entry: entry['kb'] / 1024, '{:.1f}'),
        ('import and an app, ms', lambda entry: entry['import_ms'], '{:.0f}'),
        ('resident memory, MB', lambda entry: entry['resident_mb'], '{:.0f}'),
    ]
    bottom, width = TOP + 20 + STEP * len(names), 158
    parts = [label(name, TOP + 20 + STEP * (number + 0.5)) for number, name in enumerate(names)]
    for panel, (title, value, form) in enumerate(panels):
        left = 128 + panel * width
        most = max(value(entry) for entry in found.values())
        parts += [text(left, TOP + 4, title, 'small'), line(left, TOP + 14, left, bottom, 'grid')]
        for number, name in enumerate(names):
            y, own, amount = TOP + 20 + STEP * (number + 0.5), name == 'heaven', value(found[name])
            long = (width - 50) * amount / most
            if amount:
                parts.append(rect(left, y - 7, long, 14, 'own' if own else 'peer', f'{title}: {form.format(amount)}'))
            parts.append(text(left + long + 6, y + 4, form.format(amount), 'small own-text' if own else 'small'))
    under = 'Each framework installed alone; import over a bare interpreter, and memory, with one route registered'
    return svg(bottom + 10, 'What it weighs', under, parts)


def operations(data: dict[str, Any]) -> str:
    """A line a group of operations; a dot an operation, as a multiple of the best peer's, and a bar their mean."""
    groups = by_group(data['frameworks'])
    step, left = 26, 130
    bottom = TOP + step * len(groups)
    everything = [one for ratios in groups.values() for one in ratios.values()]
    low, high = min(0.2, *everything), max(3.0, *everything)

    def scale(one: float) -> float:
        return left + 10 + (WIDTH - left - 80) * log10(one / low) / log10(high / low)

    marks = [value for value in (0.1, 0.2, 0.5, 1, 2, 5, 10) if low <= value <= high]
    parts = ticks(marks, scale, bottom, lambda value: f'{value:g}×')
    parts.append(line(scale(1), TOP - 4, scale(1), bottom, 'span'))
    for number, (group, ratios) in enumerate(groups.items()):
        y = TOP + step * (number + 0.5)
        parts.append(text(left - 8, y + 4.5, group, 'end'))
        for title, one in ratios.items():
            shape = f'cx="{scale(one):.1f}" cy="{y:g}" r="4.5" class="{"ownpale" if one < 1 else "peer"}"'
            parts.append(f'<circle {shape}><title>{escape(f"{title}: {one:.2f}×")}</title></circle>')
        mean = geometric_mean(ratios.values())
        parts.append(rect(scale(mean) - 2, y - 9, 4, 18, 'own', f'mean {mean:.2f}×'))
        parts.append(text(WIDTH, y + 4.5, f'{mean:.2f}×', 'end own-text'))
    fastest = sum(one < 1 for one in everything)
    under = (
        f'Heaven’s instructions a request as a multiple of the best peer’s, a dot an operation, a bar their mean; '
        f'fewest in {fastest} of {len(everything)}'
    )
    return svg(bottom + 24, 'Every documented operation that a peer has', under, parts)


CHARTS = {'inprocess': inprocess, 'http': http, 'size': size, 'operations': operations}

"""Templates: CPU time of a render as the ratio to plain Jinja2's own, in one process.

Every chunk of renders stands between two chunks of `template.render(**values)` on a template that is at hand; the
figure is the median of the ratios. What is counted is what a handler does: finding the template by name, and putting
the page into a response where the framework does that. `python benchmarks/templating.py` makes the environment it
needs; `--here` takes the running one, `--quick` is for a first look.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from datetime import date
from importlib.metadata import version
from pathlib import Path
from statistics import median
from time import process_time_ns
from typing import Any

HERE = Path(__file__).parent
PACKAGES = HERE.parent / 'packages'
PEERS = ('jinja2', 'starlette', 'quart')

PAGES = {
    'small.html': """<!doctype html>
<html lang="en"><head><title>{{ title }}</title></head>
<body><h1>{{ title }}</h1>
{% if user %}<p>Hello {{ user.name }}, you have {{ count }} messages.</p>{% endif %}
<ul>{% for link in links %}<li><a href="{{ link }}">{{ link }}</a></li>{% endfor %}</ul>
</body></html>
""",
    'table.html': """<!doctype html>
<html lang="en"><head><title>{{ title }}</title></head>
<body><table>{% for row in rows %}
<tr><td>{{ row.id }}</td><td>{{ row.name }}</td><td>{{ row.born }}</td><td>{{ row.city }}</td></tr>{% endfor %}
</table></body></html>
""",
}
VALUES: dict[str, dict[str, Any]] = {
    'small.html': {'title': 'Inbox', 'user': {'name': 'Ada & Co'}, 'count': 3, 'links': ['/inbox', '/sent', '/drafts']},
    'table.html': {
        'title': 'Patients',
        'rows': [
            {'id': n, 'name': f'Patient <{n}>', 'born': f'19{n % 100:02}-01-01', 'city': 'Oulu'} for n in range(1000)
        ],
    },
}
Chunk = Callable[[str, int], Awaitable[str]]


def plain(folder: str, asynchronous: bool = False) -> Chunk:
    """Jinja2 alone, the template at hand."""
    from jinja2 import Environment, FileSystemLoader

    environment = Environment(loader=FileSystemLoader(folder), autoescape=True, enable_async=asynchronous)
    templates = {name: environment.get_template(name) for name in PAGES}

    async def chunk(name: str, times: int) -> str:
        template, values, text = templates[name], VALUES[name], ''
        for _ in range(times):
            text = await template.render_async(**values) if asynchronous else template.render(**values)
        return text

    return chunk


def by_name(folder: str) -> Chunk:
    """Jinja2 alone, the template asked for by its name."""
    from jinja2 import Environment, FileSystemLoader

    environment = Environment(loader=FileSystemLoader(folder), autoescape=True)

    async def chunk(name: str, times: int) -> str:
        values, text = VALUES[name], ''
        for _ in range(times):
            text = environment.get_template(name).render(**values)
        return text

    return chunk


SCOPE = {
    'type': 'http',
    'asgi': {'version': '3.0', 'spec_version': '2.4'},
    'http_version': '1.1',
    'method': 'GET',
    'scheme': 'http',
    'path': '/',
    'raw_path': b'/',
    'query_string': b'',
    'root_path': '',
    'headers': [(b'host', b'localhost')],
    'client': ('127.0.0.1', 50000),
    'server': ('127.0.0.1', 8000),
}


async def receive() -> dict[str, Any]:
    return {'type': 'http.request', 'body': b'', 'more_body': False}


async def send(message: Any) -> None:
    pass


def heaven(folder: str) -> Chunk:
    """`await res.render(name, **values)`."""
    from heaven import App

    app = App()
    app.TEMPLATES(folder)
    kept: list[Any] = []

    async def keep(req: Any, res: Any, ctx: Any) -> None:
        kept[:] = [res]

    app.GET('/', keep)

    async def chunk(name: str, times: int) -> str:
        if not kept:
            await app(dict(SCOPE), receive, send)
        res, values = kept[0], VALUES[name]
        for _ in range(times):
            await res.render(name, **values)
        return str(res.body)

    return chunk


def starlette(folder: str) -> Chunk:
    """`templates.TemplateResponse(request, name, values)`."""
    from starlette.requests import Request
    from starlette.templating import Jinja2Templates

    templates = Jinja2Templates(folder)

    async def chunk(name: str, times: int) -> str:
        request, values, response = Request(dict(SCOPE)), VALUES[name], None
        for _ in range(times):
            response = templates.TemplateResponse(request, name, dict(values))
        return bytes(response.body).decode() if response else ''

    return chunk


def quart(folder: str) -> Chunk:
    """`await render_template(name, **values)`."""
    from quart import Quart, render_template

    app = Quart(__name__, template_folder=folder)

    async def chunk(name: str, times: int) -> str:
        values, text = VALUES[name], ''
        async with app.test_request_context('/'):
            for _ in range(times):
                text = await render_template(name, **values)
        return text

    return chunk


ROWS: dict[str, Callable[[str], Chunk]] = {
    'Heaven': heaven,
    'Jinja2, template by name': by_name,
    'Jinja2, asynchronous environment': lambda folder: plain(folder, True),
    'Starlette': starlette,
    'Quart': quart,
}


async def clock(chunk: Chunk, name: str, times: int) -> float:
    """Microseconds of CPU a render."""
    started = process_time_ns()
    await chunk(name, times)
    return (process_time_ns() - started) / times / 1000


async def measure(rounds: int) -> dict[str, Any]:
    """The figures of each row for each page; a page that differs from Jinja2's own is an error."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, text in PAGES.items():
            Path(folder, name).write_text(text, 'utf-8')
        base = plain(folder)
        chunks = {title: make(folder) for title, make in ROWS.items()}
        for name in PAGES:
            wanted = (await base(name, 1)).strip()
            times = max(1, int(20_000 / await clock(base, name, 20)))
            figures: dict[str, list[tuple[float, float]]] = {title: [] for title in chunks}
            for title, chunk in chunks.items():
                if (await chunk(name, 3)).strip() != wanted:
                    raise SystemExit(f'{title} renders another {name}')
            gc.collect()
            gc.freeze()
            for _ in range(rounds):
                for title, chunk in chunks.items():
                    before, taken, after = [await clock(each, name, times) for each in (base, chunk, base)]
                    figures[title].append((taken / ((before + after) / 2), taken))
            for title, pairs in figures.items():
                entry = {'ratio': round(median(r for r, _ in pairs), 3), 'us': round(median(us for _, us in pairs), 2)}
                found.setdefault(title, {})[name] = entry
    return {'versions': {peer: version(peer) for peer in PEERS}, 'rounds': rounds, 'renders': found}


def table(found: dict[str, Any]) -> str:
    """A Markdown table of the ratios."""
    titles = {
        'Starlette': f'Starlette {found["versions"]["starlette"]}',
        'Quart': f'Quart {found["versions"]["quart"]}',
    }
    lines = [f'| ratio to Jinja2 {found["versions"]["jinja2"]} | small page | table of 1,000 rows |', '|---|---:|---:|']
    for title, pages in found['renders'].items():
        cells = [f'{pages[name]["ratio"]:.2f}' for name in PAGES]
        lines.append(f'| {titles.get(title, title)} | {" | ".join(cells)} |')
    return '\n'.join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0] if __doc__ else '')
    parser.add_argument('--here', action='store_true', help='in the running interpreter; prints JSON')
    parser.add_argument('--quick', action='store_true', help='few rounds; nothing is kept')
    options = parser.parse_args()
    if options.here:
        print(json.dumps(asyncio.run(measure(10 if options.quick else 60))))
        return
    import environments

    local = [str(PACKAGES / package) for package in ('heaven-core', 'heaven-templating')]
    python = environments.make('templating', (*local, *PEERS))
    command = [str(python), __file__, '--here', *(['--quick'] if options.quick else [])]
    found = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout)
    print(table(found))
    if not options.quick:
        kept = {'date': date.today().isoformat(), 'machine': environments.machine(), **found}
        (HERE / 'results').mkdir(exist_ok=True)
        (HERE / 'results' / 'templating.json').write_text(json.dumps(kept, indent=1) + '\n', 'utf-8')


if __name__ == '__main__':
    sys.path.insert(0, str(HERE))
    main()

"""The page as HTML: one file without scripts, in which every text is escaped by `safe`."""

from collections.abc import Iterator
from html import escape
from itertools import groupby

from heaven._debugging.course import HookRun
from heaven._debugging.masking import printable
from heaven._debugging.report import Report
from heaven._debugging.sections import Rows, Section
from heaven._debugging.source import Line
from heaven._debugging.style import STYLE
from heaven._debugging.tracing import FIRST_FRAMES, Frame, Problem, place_of
from heaven._debugging.values import cut

LONGEST_TITLE = 120  # characters

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{body}
<footer>{versions}. Clients see this page because the app has <code>debug=True</code>.</footer>
</body>
</html>
"""


def safe(text: object) -> str:
    """Return a text as it may stand in HTML: escaped, its control characters shown."""
    return escape(printable(str(text)))


def as_html(report: Report) -> str:
    """Return a report as a page."""
    first, *others = report.problems
    parts = [head(report, first)]
    parts += [article(problem) for problem in others]
    if report.hooks:
        parts.append(hooks(report.hooks))
    parts += [section(each) for each in report.sections]
    title = f'{cut(report.title, LONGEST_TITLE)} · {cut(report.request, LONGEST_TITLE)}'
    return PAGE.format(title=safe(title), style=STYLE, body='\n'.join(parts), versions=safe(report.versions))


def head(report: Report, problem: Problem) -> str:
    """Say what has failed, and where."""
    return (
        f'<header><p class="request">{safe(report.request)}</p><h1>{safe(problem.kind)}</h1>{words(problem)}</header>\n'
        f'<section><h2>Traceback <small>most recent call first</small></h2>{"".join(trace(problem))}</section>'
    )


def article(problem: Problem) -> str:
    """Show an exception that belongs to the one before it."""
    return (
        f'<article><p class="relation">{safe(problem.relation)}</p><h1>{safe(problem.kind)}</h1>'
        f'{words(problem)}{"".join(trace(problem))}</article>'
    )


def words(problem: Problem) -> str:
    """Show the message of an exception, and its notes."""
    message = f'<p class="message">{safe(problem.message)}</p>' if problem.message else ''
    return message + ''.join(f'<p class="note">{safe(note)}</p>' for note in problem.notes)


def trace(problem: Problem) -> Iterator[str]:
    """Show frames, the innermost first: those of the user open, what lies between them folded.

    Where none is the user's, the innermost is open.
    """
    places = range(len(problem.frames) - 1, -1, -1)
    own = [place for place in places if problem.frames[place].is_own] or list(places[:1])
    for is_open, group in groupby(places, lambda place: place in own):
        shown = list(group)
        frames = [problem.frames[place] for place in shown]
        parts = [frame_in_html(problem.frames[place], is_open, place == own[0]) for place in shown]
        if problem.left_out and FIRST_FRAMES - 1 in shown:
            at = shown.index(FIRST_FRAMES - 1)
            parts.insert(at, f'<p class="relation">{problem.left_out} calls are left out here.</p>')
        yield ''.join(parts) if is_open else folded(frames, parts)


def folded(frames: list[Frame], shown: list[str]) -> str:
    """Fold frames of libraries."""
    packages = ', '.join(dict.fromkeys(frame.package or 'elsewhere' for frame in frames))
    count = '1 call' if len(frames) == 1 else f'{len(frames)} calls'
    return f'<details class="folded"><summary>{count} in {safe(packages)}</summary>{"".join(shown)}</details>'


def frame_in_html(frame: Frame, is_open: bool, is_first: bool) -> str:
    """Show a frame; the variables of the first one that is open are open, too."""
    function = f'<b>{safe(frame.function)}</b> ' if frame.function else ''
    variables = ''
    if frame.variables:
        count = '1 variable' if len(frame.variables) == 1 else f'{len(frame.variables)} variables'
        variables = (
            f'<details class="variables"{" open" * is_first}><summary><span>{count}</span></summary>'
            f'{table(frame.variables)}</details>'
        )
    place = f'<span>{safe(place_of(frame.file))}:{frame.line}</span>'
    return (
        f'<details{" open" * is_open}><summary>{function}{place}</summary>{source(frame.source)}{variables}</details>'
    )


def source(lines: list[Line]) -> str:
    """Show lines of source."""
    if not lines:
        return ''
    return f'<pre tabindex="0"><code>{"".join(map(line_in_html, lines))}</code></pre>'


def line_in_html(line: Line) -> str:
    """Show a line, and in it what has run."""
    text = safe(line.text)
    if line.mark is not None:
        start, end = line.mark
        text = f'{safe(line.text[:start])}<mark>{safe(line.text[start:end])}</mark>{safe(line.text[end:])}'
    return f'<span{" class=now" * line.is_current}><i>{line.number}</i>{text}\n</span>'


def table(rows: Rows) -> str:
    """Show names and what stands under them."""
    shown = ''.join(f'<tr><th scope="row">{safe(name)}</th><td>{safe(text)}</td></tr>' for name, text in rows)
    return f'<table>{shown}</table>'


def section(each: Section) -> str:
    """Show a section of the request."""
    return f'<section><h2>{safe(each.title)}</h2><div class="card">{table(each.rows)}</div></section>'


def hooks(runs: list[HookRun]) -> str:
    """Show the hooks and the handler, with what became of each."""
    rows = ''.join(
        f'<tr class="{run.state.replace(" ", "-")}"><th scope="row">{safe(run.state)}</th><td>{safe(run.kind)} '
        f'<b>{safe(run.name)}</b> {safe(run.pattern)}\n<span class="place">{safe(run.place)}</span></td></tr>'
        for run in runs
    )
    return f'<section><h2>Hooks</h2><div class="card hooks"><table>{rows}</table></div></section>'

"""The page as text, for clients that do not want HTML: in the order of a terminal, the exception last."""

from collections.abc import Iterator

from heaven._debugging.masking import printable
from heaven._debugging.report import Report
from heaven._debugging.tracing import CAUSE, CONTEXT_OF, FIRST_FRAMES, Frame, Problem

INDENT = '  '
INTRODUCING = {  # what Python says between two exceptions, the older of which comes first
    CAUSE: 'The above exception was the direct cause of the following exception:',
    CONTEXT_OF: 'During handling of the above exception, another exception occurred:',
}


def as_text(report: Report) -> str:
    """Return a report as text."""
    return printable('\n'.join(lines_of(report)) + '\n')


def lines_of(report: Report) -> Iterator[str]:
    """Give the lines of a report."""
    yield f'{report.request} failed ({report.versions})'
    for section in report.sections:
        yield from ('', section.title)
        yield from table(section.rows)
    if report.hooks:
        yield from ('', 'Hooks')
        yield from table([(run.state, f'{run.kind} {run.name} {run.pattern} {run.place}') for run in report.hooks])
    yield ''
    for problem in reversed(report.problems):
        yield from problem_in_text(problem)
        if problem.relation in INTRODUCING:
            yield from ('', INTRODUCING[problem.relation], '')
        elif problem.relation:
            yield from ('', 'This is a part of the group that follows:', '')


def table(rows: list[tuple[str, str]]) -> Iterator[str]:
    """Give two columns, the second one indented where it has several lines."""
    width = min(24, max(len(name) for name, _ in rows))
    for name, text in rows:
        first, *rest = text.split('\n')
        yield f'{INDENT}{name:{width}}  {first}'
        for line in rest:
            yield f'{INDENT}{"":{width}}  {line}'


def problem_in_text(problem: Problem) -> Iterator[str]:
    """Give an exception as Python prints it, with the variables of each frame."""
    if problem.frames:
        yield 'Traceback (most recent call last):'
    for place, frame in enumerate(problem.frames):
        if place == FIRST_FRAMES and problem.left_out:
            yield f'{INDENT}({problem.left_out} calls are left out)'
        yield from frame_in_text(frame)
    yield f'{problem.kind}: {problem.message}' if problem.message else problem.kind
    yield from problem.notes


def frame_in_text(frame: Frame) -> Iterator[str]:
    """Give a call: its place, its line, what of the line has run, its variables."""
    inside = f', in {frame.function}' if frame.function else ''
    yield f'{INDENT}File "{frame.file}", line {frame.line}{inside}'
    for line in frame.source:
        if not line.is_current:
            continue
        text = line.text.lstrip()
        yield f'{INDENT * 2}{text}'
        if line.mark is not None:
            start, end = line.mark
            lost = len(line.text) - len(text)
            yield f'{INDENT * 2}{" " * max(0, start - lost)}{"^" * max(1, end - start)}'
    if frame.variables and frame.is_own:
        yield from (INDENT * 2 + line for line in table(frame.variables))

"""Lines of source around the one that ran, and what of it."""

import linecache
from itertools import islice
from types import CodeType, TracebackType
from typing import NamedTuple

from heaven._debugging.masking import hide_literals

AROUND = 5  # lines before and after the one that ran
LONGEST = 500  # characters of a line


class Line(NamedTuple):
    """A line of source; `mark` is the part that ran, as columns."""

    number: int
    text: str
    is_current: bool = False
    mark: tuple[int, int] | None = None


def source_of(call: TracebackType) -> list[Line]:
    """Return the lines around the one that ran; none where there is no source."""
    code = call.tb_frame.f_code
    linecache.checkcache(code.co_filename)
    lines = linecache.getlines(code.co_filename, call.tb_frame.f_globals)
    last, columns = position_of(code, call.tb_lasti, call.tb_lineno)
    return lines_around(lines, call.tb_lineno, last, columns)


def position_of(code: CodeType, instruction: int, line: int) -> tuple[int, tuple[int, int] | None]:
    """Return the last line of what ran, and its columns in bytes if it is a part of one line (PEP 657)."""
    if not code.co_filename.endswith(('.py', '.pyw')):  # a template: its lines are known, its columns are not
        return line, None
    first, last, start, end = next(islice(code.co_positions(), instruction // 2, None), (None,) * 4)
    if first != line or last is None:
        return line, None
    if last != line or start is None or end is None:
        return last, None
    return line, (start, end)


def lines_around(lines: list[str], first: int, last: int, columns: tuple[int, int] | None) -> list[Line]:
    """Return lines of source, the current ones marked, without what all of them are indented by."""
    if not 1 <= first <= len(lines):  # no source, or one that has changed
        return []
    last = max(first, min(last, first + AROUND, len(lines)))
    begin = max(1, first - AROUND)
    end = min(len(lines), last + AROUND)
    while begin < first and not lines[begin - 1].strip():
        begin += 1
    while end > last and not lines[end - 1].strip():
        end -= 1
    texts = [text.rstrip() for text in lines[begin - 1 : end]]
    indent = min((len(text) - len(text.lstrip(' ')) for text in texts if text), default=0)
    found: list[Line] = []
    for number, text in enumerate(texts, begin):
        mark = marked(text, columns, indent) if number == first else None
        shown = hide_literals(text[: indent + LONGEST])[indent:]
        found.append(Line(number, shown, first <= number <= last, mark))
    return found


def line_alone(number: int, text: str) -> Line:
    """Return a line of which nothing is known but its text."""
    return Line(number, hide_literals(text.strip()[:LONGEST]), True)


def marked(text: str, columns: tuple[int, int] | None, indent: int) -> tuple[int, int] | None:
    """Return the columns of what ran, in characters of a line that is shown without its indent; None for all of it."""
    if columns is None:
        return None
    data = text.encode('utf-8', 'replace')
    start, end = (len(data[:column].decode('utf-8', 'replace')) for column in columns)
    if text[start:end].strip() == text.strip():
        return None
    return max(0, start - indent), max(0, end - indent)

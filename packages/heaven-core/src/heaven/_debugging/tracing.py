"""A failure as the page shows it: exceptions and what caused them, frames, lines of source, variables."""

import linecache
import os
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any, NamedTuple

from heaven._debugging.masking import Masks
from heaven._debugging.source import Line, line_alone, lines_around, source_of
from heaven._debugging.values import Values, cut, kind_of, words_of
from heaven.context import Context
from heaven.request import Request
from heaven.response import Response

HOUSE = frozenset({'heaven', 'heaven_templating', 'heaven_testing'})
INSTALLED = frozenset({'site-packages', 'dist-packages'})
STANDARD_LIBRARY = os.path.dirname(os.__file__) + os.sep

FIRST_FRAMES = 15  # of a traceback that is too long, and
LAST_FRAMES = 25
MOST_PROBLEMS = 12  # exceptions on a page
MOST_VARIABLES = 40  # of a frame
LONGEST_MESSAGE = 4000  # characters

CAUSE = 'Caused by'
CONTEXT_OF = 'While this was handled'
PART = 'In the group'


class Frame(NamedTuple):
    """A call. `package` is what it belongs to, `is_own` whether that is the user's code."""

    file: str
    line: int
    function: str
    package: str
    is_own: bool
    source: list[Line]
    variables: list[tuple[str, str]]


class Problem(NamedTuple):
    """An exception. `relation` says what it has to do with the one before it, and `left_out` counts calls."""

    relation: str
    kind: str
    message: str
    notes: list[str]
    frames: list[Frame]
    left_out: int


class Tracing:
    """Collects what a page shows of a failure."""

    def __init__(self, masks: Masks, values: Values) -> None:
        self.masks = masks
        self.values = values
        self.problems: list[Problem] = []
        self.seen: set[int] = set()

    def add(self, error: BaseException, relation: str = '') -> None:
        """Add an exception, the parts of a group, and what it was raised from, or while it was handled."""
        if id(error) in self.seen or len(self.problems) >= MOST_PROBLEMS:
            return
        self.seen.add(id(error))
        self.problems.append(self._problem(error, relation))
        if isinstance(error, BaseExceptionGroup):
            for part in parts_of(error):
                self.add(part, PART)
        if error.__cause__ is not None:
            self.add(error.__cause__, CAUSE)
        elif error.__context__ is not None and not error.__suppress_context__:
            self.add(error.__context__, CONTEXT_OF)

    def _problem(self, error: BaseException, relation: str) -> Problem:
        calls = list(calls_of(error.__traceback__))
        left_out = max(0, len(calls) - FIRST_FRAMES - LAST_FRAMES)
        if left_out:
            calls = calls[:FIRST_FRAMES] + calls[-LAST_FRAMES:]
        frames = [self._frame(call) for call in calls]
        if isinstance(error, SyntaxError) and isinstance(error.filename, str):
            frames.append(frame_of_syntax(error))
        kind = type(error)
        name = kind.__qualname__ if kind.__module__ in ('builtins', '__main__') else full_name(kind)
        return Problem(relation, name, self._words(words_of(error)), self._notes(error), frames, left_out)

    def _words(self, text: str) -> str:
        return cut(self.masks.hide(text[: 2 * LONGEST_MESSAGE]), LONGEST_MESSAGE)

    def _notes(self, error: BaseException) -> list[str]:
        notes: Any = getattr(error, '__notes__', None)
        if kind_of(notes) is not list:
            return []
        return [self._words(note) for note in notes if isinstance(note, str)]

    def _frame(self, call: TracebackType) -> Frame:
        frame = call.tb_frame
        code = frame.f_code
        module = str(frame.f_globals.get('__name__') or '')
        package = module.partition('.')[0]
        is_own = is_users(code.co_filename, package)
        return Frame(
            code.co_filename,
            call.tb_lineno,
            code.co_name if code.co_qualname == '<module>' else code.co_qualname,  # which a template has, too
            package,
            is_own,
            source_of(call),
            [] if package in HOUSE else self._variables(frame),
        )

    def _variables(self, frame: FrameType) -> list[tuple[str, str]]:
        found = [(name, value) for name, value in frame.f_locals.items() if is_shown(name, value)]
        shown = [(name, self.values.show(name, value)) for name, value in found[:MOST_VARIABLES]]
        if len(found) > MOST_VARIABLES:
            shown.append(('…', f'{len(found) - MOST_VARIABLES} more'))
        return shown


def parts_of(group: Any) -> list[BaseException]:
    """Return the exceptions in a group."""
    return list(group.exceptions)


def calls_of(traceback: TracebackType | None) -> Iterator[TracebackType]:
    """Give the calls of a traceback, the outermost first."""
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next


def is_shown(name: str, value: object) -> bool:
    """Tell whether a variable says anything: the page has sections of its own for what is behind `req` and `ctx`."""
    return name.isidentifier() and not name.startswith('__') and type(value) not in (Request, Response, Context)


def full_name(kind: type) -> str:
    """Return the name of a class with its module."""
    return f'{kind.__module__}.{kind.__qualname__}'


def is_users(file: str, package: str) -> bool:
    """Tell whether code is the user's: neither Heaven's, nor Python's, nor of a package that was installed."""
    if package in HOUSE or file.startswith(('<frozen', STANDARD_LIBRARY)):
        return False
    return INSTALLED.isdisjoint(file.replace('\\', '/').split('/'))


def frame_of_syntax(error: SyntaxError) -> Frame:
    """Return where a text is that is not Python, as the innermost frame."""
    file = str(error.filename)
    number = error.lineno if isinstance(error.lineno, int) else 1
    lines = linecache.getlines(file)
    text = error.text if isinstance(error.text, str) else ''
    source = lines_around(lines, number, number, None) if lines else [line_alone(number, text)]
    return Frame(file, number, '', '', True, source, [])


def place_of(file: str) -> str:
    """Return a file as people name it: from the working directory, or from where packages are installed."""
    parts = file.replace('\\', '/').split('/')
    for folder in INSTALLED:
        if folder in parts:
            return '/'.join(parts[len(parts) - parts[::-1].index(folder) :])
    if file.startswith(STANDARD_LIBRARY):
        return file.removeprefix(STANDARD_LIBRARY)
    try:
        inside = os.path.relpath(file)
    except (OSError, ValueError):  # another drive, or a working directory that is gone
        return file
    return file if inside.startswith('..') else inside

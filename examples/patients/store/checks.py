"""Check what people send, field by field, and report every problem at once."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from .errors import Invalid

Check = Callable[[object], object]


def checked(given: object, checks: Mapping[str, Check], partial: bool = False) -> dict[str, Any]:
    """Return the values to keep, or raise Invalid naming every field that is wrong, missing or unknown.

    A field that is left out is checked as None, or not at all when `partial`.
    """
    if not isinstance(given, Mapping):
        raise Invalid({'body': f'must be an object with {", ".join(checks)}'})
    problems = {str(name): 'is not a field of this record' for name in given if name not in checks}
    values = {}
    for name, check in checks.items():
        if name in given or not partial:
            try:
                values[name] = check(given.get(name))
            except ValueError as problem:
                problems[name] = str(problem)
    if problems:
        raise Invalid(problems)
    return values


def text(most: int, pattern: str = '', hint: str = '', required: bool = True) -> Callable[[object], str]:
    """Return a check of text of at most so many characters; an optional one that is missing becomes ''."""

    def check(value: object) -> str:
        value = '' if value is None else value
        if not isinstance(value, str):
            raise ValueError('must be text')  # noqa: TRY004 (what a check raises is a ValueError)
        value = value.replace('\r\n', '\n').strip()
        if not value:
            if required:
                raise ValueError('is required')
            return ''
        if len(value) > most:
            raise ValueError(f'must be at most {most} characters, not {len(value)}')
        if any(ord(letter) < 32 and letter not in '\n\t' for letter in value):
            raise ValueError('must be free of control characters')
        if pattern and not re.fullmatch(pattern, value):
            raise ValueError(hint)
        return value

    return check


def birthday(value: object) -> str:
    """Check a date of birth such as 1970-12-31."""
    try:
        born = date.fromisoformat(text(10)(value))
    except ValueError as problem:
        raise ValueError('is required' if not value else 'must be a date such as 1970-12-31') from problem
    if born.year <= 1880 or born > date.today():
        raise ValueError('must be after 1880 and not in the future')
    return born.isoformat()


def moment(value: object) -> str:
    """Check a time by the clinic's own clock, such as 2026-03-01T09:30, kept to the minute."""
    try:
        at = datetime.fromisoformat(text(32)(value))
    except ValueError as problem:
        raise ValueError('is required' if not value else 'must be a time such as 2026-03-01T09:30') from problem
    if at.tzinfo:
        raise ValueError("must be the clinic's own time, without a zone")
    return at.isoformat(timespec='minutes')


def row_id(value: object) -> int:
    """Check the id of a record."""
    if type(value) is not int or not 0 < value < 2**63:
        raise ValueError('is required' if value is None else 'must be the id of a record')
    return value


def between(name: str, value: int, least: int, most: int) -> int:
    """Return the value if it is in the range, else raise Invalid."""
    if not least <= value <= most:
        raise Invalid({name: f'must be from {least} to {most}'})
    return value

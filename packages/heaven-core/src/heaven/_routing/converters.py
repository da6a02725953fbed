"""Types of parameters: what turns a piece of text into a value."""

from collections.abc import Callable
from enum import IntEnum
from typing import Any, NamedTuple

MAX_NUMBER = 64  # characters; int() of a longer text takes time that grows with its square
BOOLEANS = {'true': True, '1': True, 'false': False, '0': False}


class Kind(IntEnum):
    """Kinds of segments, in the order of precedence."""

    LITERAL = 0
    TYPED = 1
    UNTYPED = 2
    REST = 3


class Type(NamedTuple):
    """A type of parameter: its name, its place among the types, and what turns text into a value."""

    name: str
    place: int
    convert: Callable[[str], Any]

    def accepts(self, text: str) -> bool:
        """Tell whether a text is of this type: whatever a converter raises, the text did not convert."""
        try:
            self.convert(text)
        except Exception:
            return False
        return True


def to_int(text: str) -> int:
    """Convert `-?[0-9]+`, ASCII, of at most 64 characters."""
    digits = text.removeprefix('-')
    if len(text) > MAX_NUMBER or not digits.isascii() or not digits.isdigit():
        raise ValueError(f'{text!r:.80} is no int')
    return int(text)


def to_float(text: str) -> float:
    r"""Convert `-?[0-9]+(\.[0-9]+)?`, ASCII, of at most 64 characters."""
    whole, point, decimals = text.removeprefix('-').partition('.')
    digits = whole + decimals
    complete = whole and (decimals or not point)
    if len(text) > MAX_NUMBER or not complete or not digits.isascii() or not digits.isdigit():
        raise ValueError(f'{text!r:.80} is no float')
    return float(text)


def to_bool(text: str) -> bool:
    """Convert true, false, 1 or 0, in any case."""
    value = BOOLEANS.get(text.lower())
    if value is None:
        raise ValueError(f'{text!r:.80} is no bool')
    return value


def to_date(text: str) -> Any:
    """Convert a date of ISO 8601."""
    from datetime import date

    return date.fromisoformat(text)


def to_datetime(text: str) -> Any:
    """Convert a date of ISO 8601, or a date and time with a `T` between them."""
    from datetime import datetime

    if len(text) > 10 and 'T' not in text.upper():
        raise ValueError(f'{text!r:.80} is no datetime')
    return datetime.fromisoformat(text)


def to_uuid(text: str) -> Any:
    """Convert a UUID written in groups of 8-4-4-4-12 hexadecimal digits (RFC 9562, section 4)."""
    from uuid import UUID

    value = UUID(text)
    if str(value) != text.lower():
        raise ValueError(f'{text!r:.80} is no uuid')
    return value


STR = Type('str', 1_000_000, str)  # after every type that is added
BUILT_IN = (
    Type('int', 0, to_int),
    Type('float', 1, to_float),
    Type('bool', 2, to_bool),
    Type('date', 3, to_date),
    Type('datetime', 4, to_datetime),
    Type('uuid', 5, to_uuid),
    STR,
)

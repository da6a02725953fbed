"""The default JSON codec: the standard library's, compact, UTF-8 and finite (RFC 8259)."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, time
from decimal import Decimal
from enum import Enum
from typing import Any, cast
from uuid import UUID

BOM = b'\xef\xbb\xbf'
# Without an exponent, only a number of some 300 digits passes the largest float.
SMALL_E, LARGE_E, POINT = b'eE.'  # as numbers, which are looked for faster
NINES = bytes.maketrans(b'012345678', b'999999999')
MANY_DIGITS = b'9' * 300
# Characters beyond U+FFFF are escaped as a pair of surrogates; one without the other is half a character. What follows
# an escaped backslash only looks like an escape, and may make a half look like a pair. The letters that every hit
# begins with are searched for quickly; what tells the hits apart looks ahead and back from there.
MAYBE_HALF = re.compile(
    r"""\\u[dD](?:
        [89abAB](?!..\\u[dD][c-fC-F])                  # a first half, and no second one behind it
        | [c-fC-F](?<!\\u[dD][89abAB]..\\u[dD].)       # a second half, and no first one before it
        | (?<=\\\\u[dD])                               # behind an escaped backslash
    )""",
    re.VERBOSE,
)


def plain(value: Any) -> Any:
    """Turn what JSON has no word for into what it has: dataclasses, dates, times, UUID, Decimal and Enum."""
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, (UUID, Decimal)):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    raise TypeError(f'{type(value).__name__} cannot be written as JSON')


def finite(text: str) -> float:
    """Convert a number, or raise a ValueError if it is not finite."""
    number = float(text)
    if number - number:  # nothing but infinity and NaN leaves something, which is NaN
        raise ValueError(f'{text:.20} is not a finite number')
    return number


encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(',', ':'), default=plain).encode
decode = json.JSONDecoder(parse_constant=finite).decode
decode_finite = json.JSONDecoder(parse_constant=finite, parse_float=finite).decode


def dumps(value: Any) -> bytes:
    """Return a value as compact UTF-8 JSON.

    TypeError for a type JSON cannot hold, ValueError for NaN, infinities and lone surrogates; each names the place.

        dumps({'born': date(1960, 2, 29)})      # b'{"born":"1960-02-29"}'
    """
    try:
        return encode(value).encode()
    except (TypeError, ValueError) as error:
        place = place_of_failure(value)
        if place is None:
            raise
        if isinstance(error, UnicodeError):
            error = ValueError('a lone surrogate cannot be written as JSON')
        raise type(error)(f'{error}, at {place}') from None


def loads(data: bytes) -> Any:
    """Return what a JSON text in UTF-8 means, with or without a byte order mark.

    ValueError for anything else, for numbers that are not finite and for lone surrogates. What costs time, a call for
    every float and a look at every string, is done only where the text can hold such a one.
    """
    text = data.removeprefix(BOM).decode()
    value = decode_finite(text) if may_be_infinite(data) else decode(text)
    if '\\' in text and MAYBE_HALF.search(text):
        encode(value).encode()
    return value


def may_be_infinite(data: bytes) -> bool:
    """Tell whether a JSON text may hold a number that is larger than any float."""
    return SMALL_E in data or LARGE_E in data or (POINT in data and MANY_DIGITS in data.translate(NINES))


def place_of_failure(value: Any) -> str | None:
    """Find the first part of a value that cannot be written, as a path such as `$.patients[3].born`."""
    for place, part in walk(value, '$', ()):
        try:
            encode(part).encode()
        except (TypeError, ValueError):
            return place
    return None


def is_record(value: Any) -> bool:
    """Tell whether a value is one of a dataclass, which is written with its fields."""
    return is_dataclass(value) and not isinstance(value, type)


def walk(value: Any, place: str, above: tuple[int, ...]) -> Iterator[tuple[str, Any]]:
    """Give every key and every value that holds no others, with its place; what holds itself is not entered again."""
    if id(value) in above:
        return
    inside = (*above, id(value))
    if is_record(value):
        value = plain(value)
    if isinstance(value, dict):
        for key, part in cast(dict[object, Any], value).items():
            name = f'{key!s:.80}'.encode(errors='backslashreplace').decode()  # no log can hold half a character
            inner = f'{place}.{name}'
            yield inner, {key: None}
            yield from walk(part, inner, inside)
    elif isinstance(value, (list, tuple)):
        for at, part in enumerate(cast(Sequence[Any], value)):
            yield from walk(part, f'{place}[{at}]', inside)
    else:
        yield place, value

"""The default JSON codec: the standard library's, compact, UTF-8 and finite."""

import json
from dataclasses import fields, is_dataclass
from datetime import date, time
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID


def plain(value: Any) -> Any:
    """Turns what JSON has no word for into what it has: dataclasses, dates, times, UUID, Decimal and Enum."""
    match value:
        case date() | time():
            return value.isoformat()
        case UUID() | Decimal():
            return str(value)
        case Enum():
            return value.value
        case _ if is_dataclass(value) and not isinstance(value, type):
            return {field.name: getattr(value, field.name) for field in fields(value)}
    raise TypeError(f'{type(value).__name__} cannot be written as JSON: {value!r:.80}')


def finite(text: str) -> float:
    """Reads a number, or raises a ValueError if it is not finite."""
    if not abs(number := float(text)) < float('inf'):
        raise ValueError(f'{text:.20} is not a finite number')
    return number


encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(',', ':'), default=plain).encode
decode = json.JSONDecoder(parse_constant=finite, parse_float=finite).decode


def dumps(value: Any) -> bytes:
    """Writes a value as compact UTF-8 JSON.

    TypeError for a type JSON cannot hold, ValueError for NaN, infinities and lone surrogates.

        dumps({'born': date(1960, 2, 29)})      # b'{"born":"1960-02-29"}'
    """
    return encode(value).encode()


def loads(data: bytes) -> Any:
    """Reads UTF-8 JSON; ValueError for anything else, non-finite numbers and lone surrogates included (RFC 8259)."""
    value = decode(text := data.decode())
    if '\\u' in text:
        dumps(value)
    return value

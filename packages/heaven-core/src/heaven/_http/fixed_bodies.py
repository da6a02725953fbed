"""Bodies that become bytes at once: a few kinds, shared by all responses; the value stands beside the kind."""

from collections.abc import Callable
from typing import Any

from heaven.types import Header

TEXT_PLAIN = (b'content-type', b'text/plain; charset=utf-8')
OCTETS = (b'content-type', b'application/octet-stream')


class FixedBody:
    """A kind of body that becomes bytes at once; JSON is encoded by the codec of the endpoint instead."""

    __slots__ = ('encode', 'header')

    is_fixed = True

    def __init__(self, header: Header | None, encode: Callable[[Any], bytes]) -> None:
        self.header = header
        self.encode = encode


def no_bytes(value: object) -> bytes:
    """Encode what has no bytes."""
    return b''


def number(value: float) -> bytes:
    """Encode a number as text."""
    return str(value).encode()


def not_awaited(template: str) -> bytes:
    """Refuse to send what was to be rendered."""
    raise RuntimeError(
        f'res.render({template!r}) was not awaited: write `await res.render(...)` in an async handler, or '
        '`res.renders(...)` in one that is not async'
    )


UNSET = FixedBody(None, no_bytes)
NOT_AWAITED = FixedBody(None, not_awaited)
EMPTY = FixedBody(None, no_bytes)
TEXT = FixedBody(TEXT_PLAIN, str.encode)
NUMBER = FixedBody(TEXT_PLAIN, number)
BYTES = FixedBody(OCTETS, bytes)
JSON = FixedBody((b'content-type', b'application/json'), no_bytes)

KINDS: dict[type, FixedBody] = {
    str: TEXT,
    dict: JSON,
    list: JSON,
    bytes: BYTES,
    tuple: JSON,
    bool: JSON,
    int: NUMBER,
    float: NUMBER,
    bytearray: BYTES,
    memoryview: BYTES,
    type(None): EMPTY,
}
known_kind = KINDS.get  # bound here: a method of an imported name is looked up anew at every call


def checked_json(data: Any) -> bytes:
    """Return what a JSON codec has written, as bytes; TypeError where it is neither bytes nor str."""
    if isinstance(data, str):
        return data.encode()
    if not isinstance(data, bytes):
        raise TypeError(f'dumps of the JSON codec returned {type(data).__name__}, not bytes or str')
    return data

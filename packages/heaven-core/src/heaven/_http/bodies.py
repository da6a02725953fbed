"""What a response can have for a body: its content type, and how it becomes what is sent.

A fixed body is bytes at once: one of the kinds below, shared by all responses, with the value beside it. The others,
a stream or a file, are objects of their own, which open, give their pieces and close.
"""

from collections.abc import AsyncGenerator, Callable
from typing import Any, Protocol

from heaven._http.exchange import Exchange
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


class OpenBody(Protocol):
    """A body that is sent piece by piece."""

    is_fixed: bool
    header: Header | None

    async def open(self, exchange: Exchange, /) -> None:
        """Make ready what is sent, and set status and headers by it; what is raised can still be answered."""

    def pieces(self) -> AsyncGenerator[bytes, None]:
        """Give what is sent."""
        ...

    async def close(self) -> None:
        """Let go of what the body holds, started or not."""


BodyKind = FixedBody | OpenBody


def no_bytes(value: object) -> bytes:
    """Encode what has no bytes."""
    return b''


def number(value: float) -> bytes:
    """Encode a number as text."""
    return str(value).encode()


UNSET = FixedBody(None, no_bytes)
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


def kind_of(body: object, has_custom_codec: bool) -> BodyKind:
    """Tell what kind of body a value of a less common type is; TypeError if it is none.

    A custom codec judges by itself what it can encode, so that anything goes to it but what is surely a mistake.
    """
    for base in type(body).__mro__:
        if base in KINDS:
            return KINDS[base]
    if hasattr(type(body), '__dataclass_fields__'):
        return JSON
    name = type(body).__name__
    is_async_iterator = hasattr(type(body), '__aiter__')
    if not is_async_iterator and hasattr(body, 'read'):
        raise TypeError(f'{name} is no body: res.file(path) sends files')
    if is_async_iterator or hasattr(type(body), '__next__'):
        from heaven._http.streams import StreamBody

        return StreamBody(body)
    if hasattr(type(body), '__await__'):
        raise TypeError(f'{name} is no body: an await is missing before it')
    if has_custom_codec and not isinstance(body, type) and not is_function(body):
        return JSON
    raise TypeError(
        f'{name} is no body: use bytes, str, dict, list, tuple, bool, int, float, a dataclass, None or an iterator'
    )


def is_function(body: object) -> bool:
    """Tell whether a value is a function of any kind, which was not called perhaps."""
    return callable(body) and hasattr(body, '__name__')


def encode(exchange: Exchange) -> bytes:
    """Return the bytes of a fixed body; what the codec raises, or TypeError where it gives neither bytes nor str."""
    kind: FixedBody = exchange.kind
    if kind is not JSON:
        return kind.encode(exchange.body)
    return checked_json(exchange.endpoint.dumps(exchange.body))


def checked_json(data: Any) -> bytes:
    """Return what a JSON codec has written, as bytes; TypeError where it is neither bytes nor str."""
    if isinstance(data, str):
        return data.encode()
    if not isinstance(data, bytes):
        raise TypeError(f'dumps of the JSON codec returned {type(data).__name__}, not bytes or str')
    return data

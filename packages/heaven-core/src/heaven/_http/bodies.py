"""What a response can have for a body: a fixed one, or one that opens, gives its pieces and closes."""

from collections.abc import AsyncIterator
from typing import Any, Protocol

from heaven._http.exchange import Exchange
from heaven._http.fixed_bodies import JSON, KINDS, FixedBody, checked_json
from heaven.types import Header


class OpenBody(Protocol):
    """A body that is sent piece by piece."""

    is_fixed: bool
    header: Header | None

    async def open(self, exchange: Exchange, /) -> None:
        """Make ready what is sent, and set status and headers by it; what is raised can still be answered."""

    def __aiter__(self) -> AsyncIterator[Any]:
        """Give what is sent, as it is made."""
        ...

    def encode(self, item: Any, /) -> bytes:
        """Return the bytes of something that is sent."""
        ...

    async def close(self) -> None:
        """Let go of what the body holds, started or not."""


BodyKind = FixedBody | OpenBody


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

"""Bodies that are sent as they are made: iterators, and server-sent events."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from heaven._http.events import frame
from heaven._http.exchange import Exchange
from heaven._http.threads import ThreadedIterator, run_in_thread
from heaven.types import Header

OCTETS = (b'content-type', b'application/octet-stream')
EVENTS = (b'content-type', b'text/event-stream')


class StreamBody:
    """An iterator, async or not, that gives bytes or str; one that is not async runs in worker threads.

    TypeError for what cannot be gone through piece by piece.
    """

    is_fixed = False
    is_endless = False
    ping: float | None = None  # seconds of silence after which `PING` is sent

    def __init__(self, source: Any) -> None:
        name = type(source).__name__
        if isinstance(source, (str, bytes, bytearray, memoryview)):
            raise TypeError(f'{name} is one piece: set res.body to it')
        self.source = source if hasattr(source, '__aiter__') else iter(source)
        self.header: Header | None = OCTETS

    async def open(self, exchange: Exchange) -> None:
        """Do nothing: what the iterator needs it opens itself."""

    def __aiter__(self) -> AsyncIterator[Any]:
        """Give what the iterator gives."""
        if hasattr(self.source, '__aiter__'):
            return aiter(self.source)
        return ThreadedIterator(self.source)

    def encode(self, item: Any) -> bytes:
        """Return what the iterator gave as bytes; TypeError for what is neither bytes nor str."""
        if item.__class__ is bytes:
            return item
        if isinstance(item, str):
            return item.encode()
        try:
            return bytes(memoryview(item))
        except TypeError:
            raise TypeError(f'a stream gives bytes or str, not {type(item).__name__}') from None

    async def close(self) -> None:
        """Close the iterator, started or not."""
        aclose: Callable[[], Awaitable[None]] | None = getattr(self.source, 'aclose', None)
        if aclose is not None:
            await aclose()
        elif hasattr(self.source, '__next__') and hasattr(self.source, 'close'):
            await run_in_thread(self.source.close)


class EventStream(StreamBody):
    """An iterator of server-sent events."""

    is_endless = True

    def __init__(self, source: Any, ping: float | None, dumps: Callable[[Any], bytes | str]) -> None:
        super().__init__(source)
        self.given = source
        self.ping = ping or None
        self.dumps = dumps
        self.header: Header | None = EVENTS

    def encode(self, item: Any) -> bytes:
        """Return the frame of an event."""
        return frame(item, self.dumps)

"""Server-sent events, as `client.sse(url)` iterates them (WHATWG HTML, section 9.2)."""

from __future__ import annotations

import codecs
import json
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from .library import httpx
from .responses import Response
from .waiting import limit_of


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its data, its type, the last id that the stream has set, the milliseconds before a reconnect."""

    data: str
    event: str = 'message'
    id: str = ''
    retry: int | None = None

    def json(self) -> Any:
        """Return the data, read as JSON."""
        return json.loads(self.data)


class Parser:
    r"""Makes events of bytes, cut anywhere.

    >>> parser = Parser()
    >>> parser.feed(b'id: 7\r\ndata: a\r'), parser.feed(b'\ndata: b\n\nda')
    ([], [Event(data='a\nb', event='message', id='7', retry=None)])
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder('utf-8-sig')('replace')
        self._line: list[str] = []  # the parts of a line whose end has not come
        self._return = False  # the last character was a carriage return: a line feed now is a part of the same end
        self._data: list[str] = []
        self._event = ''
        self._id = ''
        self._retry: int | None = None

    def feed(self, data: bytes) -> list[Event]:
        """Return the events that these bytes complete."""
        text = self._decoder.decode(data)
        if self._return and text:
            self._return = False
            text = text.removeprefix('\n')
        self._return = self._return or text.endswith('\r')
        *lines, rest = text.replace('\r\n', '\n').replace('\r', '\n').split('\n')
        events: list[Event] = []
        for line in lines:
            event = self._take(''.join([*self._line, line]))
            self._line.clear()
            if event is not None:
                events.append(event)
        if rest:
            self._line.append(rest)
        return events

    def _take(self, line: str) -> Event | None:
        if not line:
            data, self._data = self._data, []
            kind, self._event = self._event or 'message', ''
            retry, self._retry = self._retry, None
            return Event('\n'.join(data), kind, self._id, retry) if data else None
        field, _, value = line.partition(':')
        value = value.removeprefix(' ')
        if field == 'data':
            self._data.append(value)
        elif field == 'event':
            self._event = value
        elif field == 'id' and '\0' not in value:
            self._id = value
        elif field == 'retry' and value.isascii() and value.isdigit():
            self._retry = int(value)
        return None


class _Stream:
    """What both kinds of streams do: events are kept until asked for, and every wait for one has a limit."""

    def __init__(self) -> None:
        self._parser = Parser()
        self._events: deque[Event] = deque()
        self._until = 0.0
        self._response: Response | None = None

    @property
    def response(self) -> Response:
        """The response whose body the events are."""
        if self._response is None:
            raise RuntimeError('the stream has not been opened: use `with`, or ask for an event')
        return self._response

    def _check(self, response: Response) -> None:
        self._response = response
        kind = response.headers.get('content-type', '').partition(';')[0].strip().lower()
        if response.status_code != 200 or kind != 'text/event-stream':
            text = (
                f'no event stream: {response.status_code} with content-type {kind or "none"} for {response.request.url}'
            )
            raise httpx.HTTPStatusError(text, request=response.request, response=response)

    def _begin(self) -> None:
        self._limit = limit_of(self.response.request)
        self._until = time.monotonic() + self._limit

    def _feed(self, data: bytes) -> None:
        self._events.extend(self._parser.feed(data))
        if not self._events and time.monotonic() > self._until:
            raise httpx.ReadTimeout(f'no event for {self._limit:g} s, though bytes came', request=self.response.request)


class Events(_Stream):
    """A stream of events: iterate it, or take one with `next(events)`; the end of `with` leaves it."""

    def __init__(self, open: Callable[[], Response]) -> None:
        super().__init__()
        self._open = open
        self._chunks: Iterator[bytes] | None = None

    def __enter__(self) -> Events:
        if self._chunks is None:
            response = self._open()
            try:
                self._check(response)
            except httpx.HTTPStatusError:
                response.read()
                raise
            self._chunks = response.iter_bytes()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave the stream."""
        if self._response is not None:
            self._response.close()

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        self.__enter__()
        assert self._chunks is not None
        self._begin()
        while not self._events:
            self._feed(next(self._chunks))
        return self._events.popleft()


class AsyncEvents(_Stream):
    """A stream of events: iterate it, or take one with `await anext(events)`; the end of `async with` leaves it."""

    def __init__(self, open: Callable[[], Awaitable[Response]]) -> None:
        super().__init__()
        self._open = open
        self._chunks: AsyncIterator[bytes] | None = None

    async def __aenter__(self) -> AsyncEvents:
        if self._chunks is None:
            response = await self._open()
            try:
                self._check(response)
            except httpx.HTTPStatusError:
                await response.aread()
                raise
            self._chunks = response.aiter_bytes()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Leave the stream."""
        if self._response is not None:
            await self._response.aclose()

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        await self.__aenter__()
        assert self._chunks is not None
        self._begin()
        while not self._events:
            self._feed(await anext(self._chunks))
        return self._events.popleft()

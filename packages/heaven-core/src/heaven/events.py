"""Server-sent events: what a handler yields, framed as the HTML standard says, with comments while it is silent."""

from __future__ import annotations

import re
from asyncio import Task, get_running_loop, wait
from collections.abc import AsyncIterator
from contextvars import copy_context
from typing import Any, Self

from heaven import codec as standard
from heaven.serving import close, in_thread

EVENT = frozenset({'data', 'event', 'id', 'retry'})
LINE = re.compile('\r\n|\r|\n')


def frame(item: Any, codec: Any = standard) -> bytes:
    """Frames one event: a str, an event, or anything else as JSON.

    An event is a dict with `data` (a str, or JSON) and no keys but `data event id retry`; `retry` is milliseconds.
    ValueError for an `event` or `id` that would break out of its line.

        frame('a\\r\\nb')                     # b'data: a\\ndata: b\\n\\n'
        frame({'data': 1, 'id': 7})         # b'id: 7\\ndata: 1\\n\\n'
    """
    fields = item if isinstance(item, dict) and 'data' in item and item.keys() <= EVENT else {'data': item}
    lines = []
    for name in ('event', 'id', 'retry'):
        if (value := fields.get(name)) is not None:
            if re.search('[\r\n\0]', text := str(value)) or name == 'retry' and not re.fullmatch('[0-9]+', text):
                raise ValueError(f'{text!r:.80} cannot be the {name} of an event')
            lines.append(f'{name}: {text}\n')
    data = fields['data']
    if not isinstance(data, str):
        data = codec.dumps(data)
        data = data if isinstance(data, str) else bytes(data).decode()
    lines += [f'data: {line}\n' for line in LINE.split(data)]
    return f'{"".join(lines)}\n'.encode()


def events(iterator: Any, ping: float = 15, codec: Any = standard) -> AsyncIterator[bytes]:
    """Frames what an iterator gives, async or not, with a comment for every `ping` seconds of silence."""
    return Events(iterator, ping, codec)


class Events:
    """Iterates over frames; what the source does between two of them is one task, so that a comment cuts nothing."""

    def __init__(self, iterator: Any, ping: float, codec: Any) -> None:
        self.iterator, self.ping, self.codec = iterator, ping, codec
        self.source = aiter(iterator) if hasattr(iterator, '__aiter__') else in_thread(iter(iterator))
        self.context = copy_context()
        self.pending: Task[Any] | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if self.pending is None:
            self.pending = get_running_loop().create_task(self.step(), context=self.context)
        await wait([self.pending], timeout=self.ping or None)
        if not self.pending.done():
            return b': ping\n\n'
        step, self.pending = self.pending, None
        return frame(step.result(), self.codec)

    async def step(self) -> Any:
        return await anext(self.source)

    async def aclose(self) -> None:
        """Ends the source: what it waits for is cancelled, then it is closed."""
        if self.pending is not None:
            self.pending.cancel()
            await wait([self.pending])
            if not self.pending.cancelled():
                self.pending.exception()
        await close(self.source)
        if self.iterator is not self.source:
            await close(self.iterator)

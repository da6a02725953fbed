"""Server-sent events: what a handler yields, framed as the HTML standard says, with comments while it is silent."""

import re
from asyncio import gather, get_running_loop, wait
from contextvars import copy_context
from typing import Any, Self

from heaven import _codec as codec, _serving as serving

FIELDS = {'event': '[^\r\n\0]*', 'id': '[^\r\n\0]*', 'retry': '[0-9]+'}


def frame(item: Any, codec: Any = codec) -> bytes:
    """Frames one event: a str, an event, or anything else as JSON.

    An event is a dict with `data` (a str, or JSON) and no keys but `data event id retry`; `retry` is milliseconds.
    ValueError for an `event` or `id` that would break out of its line.

        frame('a\\r\\nb')                     # b'data: a\\ndata: b\\n\\n'
        frame({'data': 1, 'id': 7})         # b'id: 7\\ndata: 1\\n\\n'
    """
    event = item if isinstance(item, dict) and 'data' in item and item.keys() <= {'data', *FIELDS} else {'data': item}
    lines = [(name, str(event[name])) for name in FIELDS if event.get(name) is not None]
    for name, text in lines:
        if not re.fullmatch(FIELDS[name], text):
            raise ValueError(f'{text!r:.80} cannot be the {name} of an event')
    data = event['data'] if isinstance(event['data'], str) else codec.dumps(event['data'])
    lines += [
        ('data', text) for text in re.split('\r\n|\r|\n', data if isinstance(data, str) else bytes(data).decode())
    ]
    return ''.join([*(f'{name}: {text}\n' for name, text in lines), '\n']).encode()


class Events:
    """Iterates over frames, with a comment for every `ping` seconds of silence.

    What the source, async or not, does between two events is one task, so that a comment cuts nothing.
    """

    def __init__(self, iterator: Any, ping: float | None = 15, codec: Any = codec) -> None:
        self.iterator, self.ping, self.codec, self.context = iterator, ping or None, codec, copy_context()
        self.source = aiter(iterator) if hasattr(iterator, '__aiter__') else serving.in_thread(iter(iterator))
        self.pending: Any = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        self.pending = self.pending or get_running_loop().create_task(self.step(), context=self.context)
        if not (await wait([self.pending], timeout=self.ping))[0]:
            return b': ping\n\n'
        step, self.pending = self.pending, None
        return frame(step.result(), self.codec)

    async def step(self) -> Any:
        return await anext(self.source)

    async def aclose(self) -> None:
        """Ends the source: what it waits for is cancelled, then it is closed."""
        if self.pending is not None:
            self.pending.cancel()
            await gather(self.pending, return_exceptions=True)
        await serving.close(self.source)
        if self.iterator is not self.source:
            await serving.close(self.iterator)

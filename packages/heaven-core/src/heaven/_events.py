"""Server-sent events: what a handler yields, framed as the HTML standard says, with comments while it is silent."""

import re
from asyncio import gather, get_running_loop, wait
from collections.abc import AsyncIterator, Callable
from contextvars import copy_context
from typing import Any

from heaven._codec import dumps
from heaven._serving import close, in_thread

FIELDS = {'event': '[^\r\n\0]*', 'id': '[^\r\n\0]*', 'retry': '[0-9]+'}


def frame(item: Any, dumps: Callable[[Any], bytes] = dumps) -> bytes:
    """Frames one event: a str, an event, or anything else as JSON.

    An event is a dict with `data` (a str, or JSON) and no keys but `data event id retry`; `retry` is milliseconds.
    ValueError for an `event` or `id` that would break out of its line.

        frame('a\\r\\nb')                     # b'data: a\\ndata: b\\n\\n'
        frame({'data': 1, 'id': 7})         # b'id: 7\\ndata: 1\\n\\n'
    """
    event = item if isinstance(item, dict) and 'data' in item and item.keys() <= {'data', *FIELDS} else {'data': item}
    lines = [(name, str(event[name])) for name in FIELDS if event.get(name) is not None]
    if wrong := [f'{text!r:.80} cannot be the {name}' for name, text in lines if not re.fullmatch(FIELDS[name], text)]:
        raise ValueError(f'{wrong[0]} of an event')
    texts = re.split('\r\n|\r|\n', data if isinstance(data := event['data'], str) else dumps(data).decode())
    return ''.join(
        [*(f'{name}: {text}\n' for name, text in lines), *(f'data: {text}\n' for text in texts), '\n']
    ).encode()


async def events(iterator: Any, ping: float | None = 15, dumps: Callable[[Any], bytes] = dumps) -> AsyncIterator[bytes]:
    """Gives frames, with a comment for every `ping` seconds of silence.

    What the source, async or not, does between two events is one task, so that a comment cuts nothing.
    """
    source = aiter(iterator) if hasattr(iterator, '__aiter__') else in_thread(iter(iterator))
    context, end = copy_context(), object()

    async def step() -> Any:
        return await anext(source, end)

    try:
        while True:
            task = get_running_loop().create_task(step(), context=context)
            while not (await wait([task], timeout=ping or None))[0]:
                yield b': ping\n\n'
            if task.result() is end:
                return
            yield frame(task.result(), dumps)
    finally:
        task.cancel()
        await gather(task, return_exceptions=True)
        await close(None if source is iterator else source)

"""Server-sent events: one item as the bytes of one event (HTML standard, section 9.2)."""

from collections.abc import Callable, Mapping
from typing import Any, cast

FIELDS = frozenset({'data', 'event', 'id', 'retry'})
BREAKING = frozenset('\r\n\0')  # a newline ends a field; an `id` with NUL is ignored by browsers


def frame(item: Any, dumps: Callable[[Any], str | bytes]) -> bytes:
    r"""Frame an item as one event: a str, an event, or anything else as JSON.

    An event is a dict with `data` (a str, or what JSON can hold) and no keys but `data event id retry`; `retry` is
    milliseconds. Raises ValueError for an `event` or `id` that would break out of its line.

        frame('a\r\nb', dumps)                      # b'data: a\ndata: b\n\n'
        frame({'data': 1, 'id': 7}, dumps)          # b'id: 7\ndata: 1\n\n'
        frame({'patient': 7}, dumps)                # b'data: {"patient":7}\n\n'
    """
    if isinstance(item, str):
        return frame_text(item)
    if isinstance(item, dict) and 'data' in item and item.keys() <= FIELDS:
        return frame_event(cast(dict[str, Any], item), dumps)
    return frame_text(json_text(item, dumps))


def frame_event(event: Mapping[str, Any], dumps: Callable[[Any], str | bytes]) -> bytes:
    """Frame an event with its fields; those that are None are left out."""
    head = ''
    for name in ('event', 'id', 'retry'):
        value = event.get(name)
        if value is not None:
            head += field(name, str(value))
    data = event['data']
    if not isinstance(data, str):
        data = json_text(data, dumps)
    return head.encode() + frame_text(data)


def field(name: str, text: str) -> str:
    """Return the line of one field, or raise ValueError for a text that it cannot have."""
    if name == 'retry' and not (text.isascii() and text.isdigit()):
        raise ValueError(f'{text!r:.80} cannot be the retry of an event: give milliseconds, a whole number')
    if not BREAKING.isdisjoint(text):
        raise ValueError(f'{text!r:.80} cannot be the {name} of an event: it is one line, without NUL')
    return f'{name}: {text}\n'


def frame_text(text: str) -> bytes:
    """Frame the data of an event, a field for each of its lines, and end the event."""
    if '\n' in text or '\r' in text:
        text = text.replace('\r\n', '\n').replace('\r', '\n').replace('\n', '\ndata: ')
    return f'data: {text}\n\n'.encode()


def json_text(value: Any, dumps: Callable[[Any], str | bytes]) -> str:
    """Return a value as JSON; codecs give str or bytes."""
    text = dumps(value)
    if isinstance(text, str):
        return text
    return text.decode()

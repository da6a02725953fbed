"""Values as short texts, whatever they are: secrets masked, large ones cut, failing ones named."""

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from time import perf_counter
from typing import Any

from heaven._debugging.masking import MASK, Masks, is_secret

DEEPEST = 4  # containers in containers
SIMPLE = (bool, int, float, complex, type(None))
MOST_ITEMS = 20  # of a container
LONGEST = 800  # characters of a value
LONGEST_TEXT = 300  # characters of a str, or bytes
WINDOW = 10_000  # characters that are searched for secrets
LARGEST_INT = 2**4000  # a larger one has more digits than Python likes to write
PATIENCE = 0.5  # seconds for all the reprs that a page shows: some of them ask a database


class Values:
    """Shows the values of one page."""

    def __init__(self, masks: Masks) -> None:
        self.masks = masks
        self.patience = PATIENCE
        self.room = 0  # characters that the value at hand may still take

    def show(self, name: object, value: Any) -> str:
        """Return what stands under a name as a text, masked if it is a secret."""
        if is_secret(name):
            return MASK
        self.room = LONGEST
        return cut(self._show(value, 0), LONGEST)

    def _show(self, value: Any, depth: int) -> str:
        try:
            text = self._text(value, depth)
        except Exception as error:
            text = f'<{type(value).__name__}, which cannot be shown: {type(error).__name__}>'
        self.room -= len(text)
        return text

    def _text(self, value: Any, depth: int) -> str:
        kind = kind_of(value)
        if kind is str:
            text = self.masks.hide(value[:WINDOW])
            return repr(text[:LONGEST_TEXT]) + told(len(value), 'characters', len(value) > LONGEST_TEXT)
        if kind is bytes or kind is bytearray:
            return self._bytes(value)
        if kind is int and abs(value) > LARGEST_INT:
            return f'<an int of {value.bit_length()} bits>'
        if 'cookie' in kind.__name__.lower():
            return f'{kind.__name__}({MASK})'
        if depth >= DEEPEST and kind not in SIMPLE:
            return f'<{kind.__name__} …>'
        return self._container(value, depth)

    def _bytes(self, value: bytes | bytearray) -> str:
        """Show bytes: secrets are hidden ahead of the cut, which could leave the beginning of one."""
        is_cut = len(value) > LONGEST_TEXT
        text = self.masks.hide(repr(bytes(value[:WINDOW])))
        if is_cut:
            text = text[:2] + text[2:-1][:LONGEST_TEXT] + text[-1]
        if isinstance(value, bytearray):
            text = f'bytearray({text})'
        return text + told(len(value), 'bytes', is_cut)

    def _container(self, value: Any, depth: int) -> str:
        kind = kind_of(value)
        if is_kind(kind, dict):
            pairs = (self._pair(key, each, depth) for key, each in value.items())
            return self._wrapped(value, 'dict', '{', pairs, '}')
        if is_kind(kind, tuple) and hasattr(kind, '_fields'):
            named = (self._named(name, each, depth) for name, each in zip(kind._fields, value, strict=False))
            return f'{kind.__name__}({self._joined(named, len(value))})'
        if is_kind(kind, list, deque):
            return self._wrapped(value, 'list', '[', self._items(value, depth), ']')
        if is_kind(kind, tuple):
            comma = ',' if len(value) == 1 else ''
            return self._wrapped(value, 'tuple', '(', self._items(value, depth), comma + ')')
        if is_kind(kind, set, frozenset) and value:
            return self._wrapped(value, 'set', '{', self._items(value, depth), '}')
        if hasattr(kind, '__dataclass_fields__'):
            fields = [field.name for field in kind.__dataclass_fields__.values() if field.repr]
            named = (self._named(name, getattr(value, name), depth) for name in fields)
            return f'{kind.__name__}({self._joined(named, len(fields))})'
        return self._repr(value)

    def _wrapped(self, value: Any, plain: str, opening: str, items: Iterator[str], closing: str) -> str:
        """Show a container, with the name of its class unless that is the plain one."""
        text = opening + self._joined(items, len(value)) + closing
        name = type(value).__name__
        return text if name == plain else f'{name}({text})'

    def _items(self, value: Iterable[Any], depth: int) -> Iterator[str]:
        """Show items; in a pair, as headers are, the first may be the name of a secret."""
        for each in value:
            if is_kind(kind_of(each), tuple, list) and len(each) == 2 and is_secret(each[0]):
                yield f'({self._show(each[0], depth + 1)}, {MASK})'
            else:
                yield self._show(each, depth + 1)

    def _pair(self, key: Any, value: Any, depth: int) -> str:
        shown = MASK if is_secret(key) else self._show(value, depth + 1)
        return f'{self._show(key, depth + 1)}: {shown}'

    def _named(self, name: str, value: Any, depth: int) -> str:
        shown = MASK if is_secret(name) else self._show(value, depth + 1)
        return f'{name}={shown}'

    def _joined(self, items: Iterator[str], count: int) -> str:
        """Join the first items, as many as there is room for."""
        shown: list[str] = []
        for text in islice(items, MOST_ITEMS):
            shown.append(text)
            if self.room <= 0:
                break
        if count > len(shown):
            shown.append(f'… {count - len(shown)} more')
        return ', '.join(shown)

    def _repr(self, value: Any) -> str:
        """Ask an object for its repr, unless those asked before have taken too long."""
        kind = kind_of(value)
        own: object = kind.__repr__
        if own is object.__repr__:
            return f'<{kind.__module__}.{kind.__qualname__} object>'
        if self.patience <= 0:
            return f'<{kind.__name__}, which was not asked: other values have taken too long>'
        began = perf_counter()
        try:
            text = repr(value)
        finally:
            self.patience -= perf_counter() - began
        return cut(self.masks.hide(text[:WINDOW]), LONGEST)


def kind_of(value: object) -> type[Any]:
    """Return the class of a value, whatever it says of itself."""
    return type(value)


def is_kind(kind: type[Any], *classes: type[Any]) -> bool:
    """Tell whether a class is one of some classes, or below it."""
    return issubclass(kind, classes)


def told(count: int, what: str, is_cut: bool) -> str:
    """Say how much there is of something that is cut."""
    return f'… ({count:,} {what})' if is_cut else ''


def cut(text: str, length: int) -> str:
    """Return the beginning of a text, with an ellipsis if it goes on."""
    return text if len(text) <= length else f'{text[:length]}…'


def words_of(error: BaseException) -> str:
    """Return the message of an exception, or what is wrong with it."""
    try:
        return str(error)
    except Exception as another:
        return f'<its message cannot be shown: {type(another).__name__}>'

"""Parts of messages: what there is, and what comes near."""

from collections.abc import Iterable
from difflib import get_close_matches

SHOWN = 20  # names in a list; a message should stay one that people read


def listed(names: Iterable[str]) -> str:
    """Return names for a message: the first twenty, in order."""
    ordered = sorted(set(names))
    if not ordered:
        return 'none'
    shown = ', '.join(ordered[:SHOWN])
    return f'{shown}, ...' if len(ordered) > SHOWN else shown


def near(name: str, names: Iterable[str], ratio: float = 0.6) -> str:
    """Return the end of a message with the names that come near, if any do; `ratio` is how near, of 1."""
    close = get_close_matches(name, list(names), 3, ratio)
    if not close:
        return ''
    return f'. Did you mean {" or ".join(map(repr, close))}?'

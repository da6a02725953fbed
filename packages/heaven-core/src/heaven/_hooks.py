"""Hooks: which of them a path calls for, and in what order.

A hook's pattern is held against the path of the request, in every reading of it, not against the text of a route.
For a route without parameters, and for most with them, that is known when the app starts, and so is the chain;
where it depends on the path, and for paths in odd spellings, the chain is worked out for the request.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from heaven._routing import Pattern


class Hook(NamedTuple):
    """A hook as it was registered; and, compiled, in its place in the tree of apps: its pattern has its prefix there,
    its function can be called, and `key` is what is the same function.
    """

    pattern: Pattern
    func: Any
    subdomain: str | None
    methods: tuple[str, ...] | None
    before: bool
    always: bool = False
    key: Any = None
    place: Any = None


def arrange(guards: Iterable[Hook], methods: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    """Makes the chains of the guards that match a path, given broadest first, for the names its method goes by.

    A function that matches several times runs once, at its first place, and its method scopes add up.
    """
    merged: dict[Any, list[Hook]] = {}
    for guard in guards:
        merged.setdefault((guard.before, guard.key), []).append(guard)
    run = [
        ('before' if before else 'always' if any(guard.always for guard in same) else 'after', same[0].func)
        for (before, _), same in merged.items()
        if any(guard.methods is None or not {*methods}.isdisjoint(guard.methods) for guard in same)
    ]
    return {
        chain: tuple(func for kind, func in run[::step] if kind == chain)
        for chain, step in (('before', 1), ('after', -1), ('always', -1))
    }

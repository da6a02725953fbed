"""Hooks: which of them a path calls for, and in what order.

A hook's pattern is held against the path of the request, in every reading of it, not against the text of a route.
For a route without parameters, and for most with them, that is known when the app starts, and so is the chain;
where it depends on the path, and for paths in odd spellings, the chain is worked out for the request.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from heaven._routing import Pattern
from heaven.types import Handler


class Hook(NamedTuple):
    """A hook as it was registered."""

    pattern: Pattern
    func: Any
    subdomain: str | None
    methods: tuple[str, ...] | None
    before: bool
    always: bool = False


class Guard(NamedTuple):
    """A hook in its place in the tree of apps: its pattern has its prefix, its function can be called.

    `key` is what is the same function.
    """

    pattern: Pattern
    call: Handler
    coro: bool
    key: Any
    hook: Hook
    place: Any


def arrange(guards: Iterable[Guard], methods: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    """Makes the chains of the guards that match a path, given broadest first, for the names its method goes by.

    A function that matches several times runs once, at its first place, and its method scopes add up.
    """
    merged: dict[Any, list[Guard]] = {}
    chains: dict[str, list[Any]] = {'before': [], 'after': [], 'always': []}
    for guard in guards:
        merged.setdefault((guard.hook.before, guard.key), []).append(guard)
    for (before, _), same in merged.items():
        if any(guard.hook.methods is None or not {*methods}.isdisjoint(guard.hook.methods) for guard in same):
            kind = 'before' if before else 'always' if any(guard.hook.always for guard in same) else 'after'
            chains[kind].insert(len(chains[kind]) if before else 0, (same[0].call, same[0].coro))
    return {kind: tuple(chain) for kind, chain in chains.items()}

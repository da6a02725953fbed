"""Hooks: which of them a path calls for, and in what order.

A hook's pattern is held against the path of the request, in every reading of it, not against the text of a route.
For a route without parameters, and for most with them, that is known when the app starts, and so is the chain;
where it depends on the path, and for paths in odd spellings, the chain is worked out for the request.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from heaven.routing import Pattern
from heaven.types import App, Handler

Chain = tuple[tuple[Handler, bool], ...]


class Hook(NamedTuple):
    """A hook as it was registered."""

    pattern: Pattern
    func: Any
    before: bool
    subdomain: str | None = None
    methods: frozenset[str] | None = None
    always: bool = False


class Guard(NamedTuple):
    """A hook in its place in the served table: its pattern has its prefix, its function can be called.

    `place` is its place in the order: outer apps first, then the broadest pattern; `key` is what is the same function.
    """

    pattern: Pattern
    call: Handler
    coro: bool
    key: Any
    hook: Hook
    realm: App
    prefixed: bool
    place: tuple[Any, ...]


def arrange(guards: Iterable[Guard], methods: Collection[str]) -> tuple[Chain, Chain, Chain]:
    """Makes the chains of the guards that match a path, given broadest first, for the names its method goes by.

    A function that matches several times runs once, at its first place, and its method scopes add up.
    """
    merged: dict[Any, list[Guard]] = {}
    chains: dict[str, list[tuple[Handler, bool]]] = {'before': [], 'after': [], 'always': []}
    for guard in guards:
        merged.setdefault((guard.hook.before, guard.key), []).append(guard)
    for (before, _), same in merged.items():
        if any(guard.hook.methods is None or not guard.hook.methods.isdisjoint(methods) for guard in same):
            kind = 'before' if before else 'always' if any(guard.hook.always for guard in same) else 'after'
            chains[kind].append((same[0].call, same[0].coro))
    return tuple(chains['before']), tuple(chains['after'][::-1]), tuple(chains['always'][::-1])


def covering(guards: Iterable[Guard], readings: Sequence[Sequence[str]]) -> list[Guard]:
    """Gives the guards that cover any reading of a path."""
    return [guard for guard in guards if any(guard.pattern.covers(reading) for reading in readings)]

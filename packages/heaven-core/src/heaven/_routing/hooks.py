"""Hooks: which of them a path calls for, and in what order they run.

A hook's pattern is held against the path of the request, in every reading of it, not against the text of a route. For
most routes that is known when the app starts, and so are their chains; where it depends on the path, and for paths in
odd spellings, the chain is worked out for the request.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from heaven._routing.endpoint import Ending, Endpoint, Step
from heaven._routing.pattern import Pattern
from heaven.types import App, Handler


class Hook(NamedTuple):
    """A hook as it was registered."""

    pattern: Pattern
    function: Handler | str
    subdomain: str | None
    methods: frozenset[str] | None
    is_before: bool
    always: bool = False
    threaded: bool = False


class Guard(NamedTuple):
    """A hook in its place in the tree of apps, with what calls it."""

    hook: Hook
    pattern: Pattern  # below the prefix of its app
    step: Step
    identity: object  # what is the same function
    is_around: bool
    depth: int  # how many mounts lead to its app
    covers_prefix: bool  # everything under its prefix, or else the routes of its app alone
    family: frozenset[App]  # its app and what is mounted on it

    @property
    def order(self) -> tuple[object, ...]:
        """The place among the BEFORE hooks: outer apps first, then the broadest pattern."""
        breadth = [(-kind, -place) for kind, place in self.pattern.rank]
        return self.depth, [*breadth, (1, 0)]

    @property
    def covers_every_path(self) -> bool:
        """Whether this hook is for every path that there can be."""
        return self.covers_prefix and self.pattern.text == '/*'

    def reaches(self, app: App, is_route: bool) -> bool:
        """Tell whether what an app serves is this hook's business, whatever the path."""
        if self.covers_prefix:
            return True
        return is_route and app in self.family


class Chains(NamedTuple):
    """The hooks of one request, in the order in which they run; `endings` in the reverse of it."""

    before: tuple[Step, ...]
    after: tuple[Step, ...]
    endings: tuple[Ending, ...]


def build_chains(guards: Iterable[Guard], endpoint: Endpoint, methods: Sequence[str]) -> Chains:
    """Put the guards that cover a request, given broadest first, into the order of their calls.

    A function that an app registered under several patterns runs once, at its first place, and the methods that it is
    for add up. The hooks of the route itself come last.
    """
    merged: dict[tuple[object, ...], list[Guard]] = {}
    for guard in guards:
        key = (guard.hook.is_before, guard.step.app, guard.identity)
        merged.setdefault(key, []).append(guard)
    before: list[Step] = []
    after: list[Step] = []
    endings: list[Ending] = []
    running: list[object] = []
    for same in merged.values():
        if not any(guard.hook.methods is None or guard.hook.methods.intersection(methods) for guard in same):
            continue
        step = same[0].step
        if same[0].hook.is_before:
            before.append(step)
            running.append((step.app, same[0].identity))
            if same[0].is_around:
                endings.append(Ending(step, True))
        elif any(guard.hook.always for guard in same):
            endings.append(Ending(step, False))
        else:
            after.append(step)
    after.reverse()
    for own in endpoint.own_before:
        if (own.step.app, own.identity) not in running:
            running.append((own.step.app, own.identity))
            before.append(own.step)
            if own.is_around:
                endings.append(Ending(own.step, True))
    return Chains(tuple(before), tuple(after), tuple(endings))


def identity_of(function: Any) -> object:
    """Return what is equal for the same function: a bound method is a new object at every look."""
    from types import MethodType

    return function if isinstance(function, MethodType) else id(function)

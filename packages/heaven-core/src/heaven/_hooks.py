"""Hooks: which of them a path calls for, and in what order.

A hook's pattern is held against the path of the request, in every reading of it, not against the text of a route.
For a route without parameters, and for most with them, that is known when the app starts, and so is the chain;
where it depends on the path, and for paths in odd spellings, the chain is worked out for the request.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from heaven._routing import Pattern
from heaven.errors import refuse

VERBS = ('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY', 'TRACE', 'CONNECT')
KNOWN = frozenset(  # with those that IANA's registry of HTTP methods has beside
    'ACL BASELINE-CONTROL BIND CHECKIN CHECKOUT COPY LABEL LINK LOCK MERGE MKACTIVITY MKCALENDAR MKCOL MKREDIRECTREF '
    'MKWORKSPACE MOVE ORDERPATCH PRI PROPFIND PROPPATCH REBIND REPORT SEARCH UNBIND UNCHECKOUT UNLINK UNLOCK UPDATE '
    'UPDATEREDIRECTREF VERSION-CONTROL'.split()
).union(VERBS)


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


def scope_of(methods: str | Iterable[str] | None) -> tuple[str, ...] | None:
    """Gives the methods that a hook is for, None for all: a hook for none, or for what no request is, never runs."""
    if methods is None:
        return None
    names = (methods,) if isinstance(methods, str) else tuple(methods)
    refuse(
        any(not isinstance(name, str) for name in names),
        TypeError,
        f'methods are names such as GET, or None for all, not {names!r:.80}',
    )
    refuse(not names or '' in names, ValueError, 'a hook for no method never runs: leave methods out for all')
    for name in names:
        refuse(name != name.upper(), ValueError, f'{name!r} is no method of a hook: did you mean {name.upper()}?')
    return names


def arrange(guards: Iterable[Hook], methods: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    """Makes the chains of the guards that match a path, given broadest first, for the names its method goes by.

    A function that matches several times runs once for each app it was registered on, at its first place there, and
    its method scopes add up.
    """
    merged: dict[Any, list[Hook]] = {}
    for guard in guards:
        merged.setdefault((guard.before, guard.key, id(guard.place.app)), []).append(guard)
    run = [
        ('before' if before else 'always' if any(guard.always for guard in same) else 'after', same[0].func)
        for (before, *_), same in merged.items()
        if any(guard.methods is None or not {*methods}.isdisjoint(guard.methods) for guard in same)
    ]
    return {
        chain: tuple(func for kind, func in run[::step] if kind == chain)
        for chain, step in (('before', 1), ('after', -1), ('always', -1))
    }

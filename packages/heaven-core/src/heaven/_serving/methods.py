"""Names of methods: those that routes may have, and those that hooks may be for."""

from collections.abc import Iterable

from heaven._http.headers import TOKEN
from heaven._serving.registrations import Registrations
from heaven.errors import UrlError

VERBS = ('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY')
REGISTERED = frozenset(  # IANA's registry of HTTP methods
    'ACL BASELINE-CONTROL BIND CHECKIN CHECKOUT CONNECT COPY DELETE GET HEAD LABEL LINK LOCK MERGE MKACTIVITY '
    'MKCALENDAR MKCOL MKREDIRECTREF MKWORKSPACE MOVE OPTIONS ORDERPATCH PATCH POST PRI PROPFIND PROPPATCH PUT QUERY '
    'REBIND REPORT SEARCH TRACE UNBIND UNCHECKOUT UNLINK UNLOCK UPDATE UPDATEREDIRECTREF VERSION-CONTROL'.split()
)
INTERNAL = ('*', 'WS')  # what the router calls every method, and the handshake of a WebSocket


def route_methods(methods: str | Iterable[str]) -> tuple[str, ...]:
    """Return the methods of a route; UrlError for what is none (RFC 9110, 9.1)."""
    names = names_of(methods)
    for name in names:
        if not isinstance(name, str) or not name or not TOKEN.issuperset(name) or name in INTERNAL:
            raise UrlError(f'{name!r} is no method: it is a token such as GET (RFC 9110, 9.1)')
        if name not in REGISTERED and name.upper() in REGISTERED:
            raise UrlError(f'{name!r} is no method, for case matters: did you mean {name.upper()}?')
    if not names:
        raise UrlError('a route needs a method, such as GET')
    return tuple(dict.fromkeys(names))


def names_of(methods: str | Iterable[str]) -> tuple[str, ...]:
    """Return the methods that were named, one or more; TypeError for what names none."""
    if isinstance(methods, str):
        return (methods,)
    if not isinstance(methods, Iterable):
        raise TypeError(f"methods are a name such as 'GET', or several of them, not {methods!r:.80}")
    return tuple(methods)


def hook_methods(methods: str | Iterable[str] | None) -> frozenset[str] | None:
    """Return the methods that a hook is for, None for all; ValueError for none at all, or for one in the wrong case."""
    if methods is None:
        return None
    names = names_of(methods)
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f'methods are names such as GET, or None for all, not {name!r:.80}')
    if not names or '' in names:
        raise ValueError('a hook for no method never runs: leave methods out for all')
    for name in names:
        if name != name.upper():
            raise ValueError(f'{name!r} is no method of a hook: did you mean {name.upper()}?')
    return frozenset(names)


def check_hook_methods(methods: frozenset[str], root: Registrations) -> None:
    """Raise ValueError for a method that neither a route nor IANA's registry has: the hook would never run."""
    unknown = methods - REGISTERED
    if not unknown:
        return
    known = {method.upper() for each in root.tree() for route in each.routes for method in route.methods}
    for name in sorted(unknown - known - {'WS'}):
        raise ValueError(f'no request has the method {name!r} that a hook is for: no route has it, and no registry')

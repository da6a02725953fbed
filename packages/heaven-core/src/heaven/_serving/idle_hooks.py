"""Hooks that cover no route: of these a warning tells in debug, for their patterns are misspelt, perhaps."""

from collections.abc import Iterable

from heaven._http.logs import log
from heaven._routing.functions import name_of
from heaven._routing.hooks import Guard
from heaven._routing.pattern import Covers
from heaven._serving.dispatcher import Dispatcher


def warn_of_idle_hooks(dispatchers: Iterable[Dispatcher]) -> None:
    """Warn of every hook whose pattern covers nothing that is registered."""
    idle: dict[int, Guard] = {}
    busy: set[int] = set()
    for dispatcher in dispatchers:
        for guard in dispatcher.guards:
            if guard.pattern.text == '/*' or covers_a_route(guard, dispatcher):
                busy.add(id(guard))
            idle[id(guard)] = guard
    for key in idle.keys() - busy:
        guard = idle[key]
        log().warning(
            'the hook %s covers no route: is there one that %s matches?',
            name_of(guard.hook.function),
            guard.pattern.text,
        )


def covers_a_route(guard: Guard, dispatcher: Dispatcher) -> bool:
    """Tell whether a hook runs for some route of a dispatcher."""
    for router in (dispatcher.http, dispatcher.sockets):
        for table in router.tables():
            for endpoint in table.values():
                if endpoint.pattern is None or not guard.reaches(endpoint.app, True):
                    continue
                if guard.pattern.relation(endpoint.pattern) is not Covers.NONE:
                    return True
    return False

"""The list of an app's routes as they are served: where each handler is written, and the hooks that cover its paths."""

from collections.abc import Iterator
from typing import NamedTuple

from heaven._routing.endpoint import Endpoint
from heaven._routing.pattern import Covers
from heaven._serving.compile import compile_app, placements
from heaven._serving.copying import copy_app
from heaven._serving.dispatcher import Dispatcher
from heaven._serving.mounted import MountedASGI
from heaven._serving.registrations import Registrations, registrations_of
from heaven._serving.whereabouts import Whereabouts, whereabouts


class CoveringHook(NamedTuple):
    """A hook of a route: `methods` that it is for, None for all, and whether it covers all of the paths, or some."""

    function: Whereabouts
    is_before: bool
    methods: tuple[str, ...] | None
    covers_all: bool


class ListedRoute(NamedTuple):
    """A route as it is served; `methods` of a mounted ASGI app is `('*', 'WS')`."""

    methods: tuple[str, ...]
    route: str
    subdomain: str
    name: str | None
    handler: Whereabouts
    is_mounted: bool  # the handler is an ASGI app that is none of Heaven's
    mounted_at: str | None  # the prefix of the app of Heaven that has the route, if it is a mounted one
    hooks: tuple[CoveringHook, ...]  # in the order in which they run


def list_routes(registrations: Registrations) -> list[ListedRoute]:
    """List the routes of an app and of all that is mounted on it. Raises what keeps the app from starting."""
    root = registrations_of(copy_app(registrations.root.app))
    dispatchers = compile_app(root)
    endpoints = {label: endpoints_of(dispatcher) for label, dispatcher in dispatchers.items()}
    found: list[ListedRoute] = []
    for place in placements(root):
        prefix = place.prefix.text if place.prefix else '/'
        for route in place.registrations.routes:
            label = place.subdomain or route.subdomain
            text = route.pattern.under(place.prefix).text
            endpoint = endpoints[label][route.methods[0], text]
            found.append(
                ListedRoute(
                    route.methods,
                    text,
                    label,
                    route.name,
                    whereabouts(endpoint.function),
                    isinstance(endpoint.function, MountedASGI),
                    prefix if place.depth else None,
                    tuple(covering_hooks(dispatchers[label], endpoint, route.methods)),
                )
            )
    return found


def endpoints_of(dispatcher: Dispatcher) -> dict[tuple[str, str | None], Endpoint]:
    """Return what a dispatcher serves, by method and route."""
    tables = [*dispatcher.http.tables(), *dispatcher.sockets.tables()]
    return {(method, endpoint.route): endpoint for table in tables for method, endpoint in table.items()}


def covering_hooks(dispatcher: Dispatcher, endpoint: Endpoint, methods: tuple[str, ...]) -> Iterator[CoveringHook]:
    """Give the hooks that cover paths of a route, each function once, in the order in which they run."""
    scopes = {*methods, 'GET'} if {'HEAD', 'WS'} & {*methods} else {*methods}
    found: dict[object, CoveringHook] = {}
    for at, covers in dispatcher.relations(endpoint).items():
        guard = dispatcher.guards[at]
        hook = guard.hook
        if hook.methods is not None and '*' not in methods and scopes.isdisjoint(hook.methods):
            continue
        if methods == ('WS',) and not hook.is_before and not hook.always:
            continue
        key = (hook.is_before, guard.step.app, guard.identity)
        named = None if hook.methods is None or scopes <= hook.methods else tuple(sorted(hook.methods))
        new = CoveringHook(whereabouts(guard.step.function), hook.is_before, named, covers is Covers.ALL)
        found[key] = merged(found[key], new) if key in found else new
    for own in endpoint.own_before:
        found[True, own.step.app, own.identity] = CoveringHook(whereabouts(own.step.function), True, None, True)
    yield from (hook for hook in found.values() if hook.is_before)
    yield from reversed([hook for hook in found.values() if not hook.is_before])


def merged(first: CoveringHook, second: CoveringHook) -> CoveringHook:
    """Return a hook that was registered twice: it runs once, at its first place, and what it covers adds up."""
    methods = None
    if first.methods is not None and second.methods is not None:
        methods = tuple(sorted({*first.methods, *second.methods}))
    return first._replace(methods=methods, covers_all=first.covers_all or second.covers_all)

"""Looking at an app without serving it: the list of its routes, and the course that a request would take."""

from typing import TYPE_CHECKING, Any, NamedTuple

from heaven._routing.path import WWW
from heaven._serving.registrations import Registrations
from heaven.types import App, Handler

if TYPE_CHECKING:
    from heaven._serving.explanation import Explanation


class RouteInfo(NamedTuple):
    """A route as `app.routes()` lists it, for tools."""

    methods: tuple[str, ...]
    route: str
    handler: Handler | str
    subdomain: str
    name: str | None
    app: App
    meta: Any
    before: tuple[Handler | str, ...]


class Inspection:
    """What an app tells of itself."""

    _registrations: Registrations

    def routes(self) -> list[RouteInfo]:
        """List what is registered, on the app and on all that is mounted on it."""
        from heaven._serving.compile import placements

        return [
            RouteInfo(
                route.methods,
                route.pattern.under(place.prefix).text,
                route.handler,
                place.subdomain or route.subdomain or WWW,
                route.name,
                place.registrations.app,
                route.meta,
                route.before,
            )
            for place in placements(self._registrations)
            for route in place.registrations.routes
        ]

    def explain(self, method: str, target: str, host: str | None = None) -> 'Explanation':
        """Say what would happen to a request: its route and parameters, every hook in order, who is asked if it fails.

        Dotted paths are imported; nothing is started or called. `target` is as a client sends it, escaped; `method` is
        `'WS'` for a WebSocket; `host` counts for subdomains. Raises what keeps an app from
        starting, such as HandlerError.

            assert 'guard' in [hook.name for hook in app.explain('GET', '/admin%2Fkeys').before]
        """
        from heaven._serving.explaining import explain

        return explain(self._registrations, method, target, host)

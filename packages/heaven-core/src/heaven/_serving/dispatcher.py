"""The dispatcher: all that one subdomain serves, compiled, and how a request finds its endpoint in it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from heaven._http.exchange import Exchange
from heaven._http.hosts import subdomain_of
from heaven._routing.converters import Kind
from heaven._routing.endpoint import Endpoint, Step
from heaven._routing.hooks import Guard, build_chains
from heaven._routing.path import PERCENT, WWW, Target, reduced, respelled, split_target
from heaven._routing.pattern import Covers, Pattern
from heaven._routing.router import ANY_METHOD, Found, Match, Router
from heaven._serving.course import begin, run
from heaven._serving.finish import Finish
from heaven._serving.registrations import Registrations
from heaven._serving.sender import plain_messages, send_not_found, send_plainly
from heaven._serving.unmatched import NoRoute, refuse_target
from heaven.context import Context
from heaven.request import Request
from heaven.response import Response
from heaven.types import App, Receive, Scope, Send

MAX_VARIANTS = 1000  # of endpoints whose hooks depend on the path, that are kept


class Area:
    """What an app serves in this subdomain: everything below a prefix."""

    def __init__(self, app: App, prefix: Pattern | None, unmatched: Endpoint) -> None:
        self.app = app
        self.prefix = prefix
        self.unmatched = unmatched  # the endpoint of a path that no route has, to be completed

    @property
    def order(self) -> list[tuple[int, int]]:
        """The place among the areas: the narrowest prefix first."""
        rank = self.prefix.rank if self.prefix else ()
        return [*rank, (len(Kind), 0)]

    def covers(self, path: Sequence[str]) -> bool:
        """Tell whether a path is below the prefix."""
        return self.prefix is None or self.prefix.covers(path[: len(self.prefix.segments)])


class Dispatcher:
    """Serves the requests of one subdomain."""

    def __init__(self, root: Registrations, label: str) -> None:
        self.root = root
        self.label = label
        self.http: Router = Router()
        self.sockets: Router = Router()
        self.guards: list[Guard] = []
        self.areas: list[Area] = []
        self.variants: dict[Any, Endpoint] = {}
        # What the lane asks: the endpoints, by method, of a path without parameters; the endpoint of any other path;
        # hooks and handler; the 404 that it answers by itself, if there is one; the loop of the run, and what returns
        # the loop that runs.
        self.table_of: Callable[[str], dict[str, Endpoint] | None] = self.http.literals.get
        self.lookup: Callable[[str, str], Found] = self.http.lookup
        self.run: Callable[[Exchange, Request, Response, Context], Awaitable[None]] = run
        self.missing: object = self
        self.send_not_found = send_not_found
        self.loop: Any = None
        self.running_loop: Any = None
        self.not_found: Endpoint | None = None  # for a path without a route, where no hook and no app differs

    # compiling

    def freeze(self) -> None:
        """Let GET answer HEAD, decide the hooks as far as the patterns do, and finish the routers."""
        self.guards.sort(key=lambda guard: guard.order)
        self.areas.sort(key=lambda area: area.order)
        for router in (self.http, self.sockets):
            for table in router.tables():
                if 'GET' in table and 'HEAD' not in table:
                    table['HEAD'] = table['GET'].replace(method='HEAD', stands_in_for_get=True)
                if ANY_METHOD in table and 'HEAD' not in table and router is self.http:
                    table['HEAD'] = table[ANY_METHOD].replace(method='HEAD', stands_in_for_get=True)
                for method, endpoint in table.items():
                    table[method] = self._decided(endpoint)
            router.freeze()
        if len(self.areas) == 1 and all(each.covers_every_path and each.hook.methods is None for each in self.guards):
            unmatched = self.unmatched(self.areas[0], 'GET', 404, ())
            self.not_found = self.http.missing = self.with_hooks(unmatched, 'GET', self.covering_everything())
            if not self.guards and 404 not in self.root.errors and not self.not_found.batteries:
                self.missing = self.not_found

    def _decided(self, endpoint: Endpoint) -> Endpoint:
        """Give an endpoint the hooks that cover it, if that is the same for all of its paths."""
        covering = self.relations(endpoint)
        if Covers.SOME in covering.values():
            return endpoint.replace(hooks_depend_on_path=True)
        if endpoint.method == ANY_METHOD and any(self.guards[at].hook.methods for at in covering):
            return endpoint.replace(hooks_depend_on_path=True)
        return self.with_hooks(endpoint, endpoint.method, tuple(covering))

    def relations(self, endpoint: Endpoint) -> dict[int, Covers]:
        """Return the places of the hooks that cover paths of a route, with how much of it: all, or some."""
        covering: dict[int, Covers] = {}
        for at, guard in enumerate(self.guards):
            if guard.reaches(endpoint.app, True) and endpoint.pattern is not None:
                covers = guard.pattern.relation(endpoint.pattern)
                if covers is not Covers.NONE:
                    covering[at] = covers
        return covering

    def with_hooks(self, endpoint: Endpoint, method: str, guards: tuple[int, ...]) -> Endpoint:
        """Return an endpoint with its hooks, those of the given places."""
        key = (endpoint, method, guards)
        known = self.variants.get(key)
        if known is None:
            known = self._hooked(endpoint, method, guards)
            if len(self.variants) < MAX_VARIANTS:
                self.variants[key] = known
        return known

    def _hooked(self, endpoint: Endpoint, method: str, guards: tuple[int, ...]) -> Endpoint:
        chains = build_chains([self.guards[at] for at in guards], endpoint, method_scopes(endpoint, method))
        return endpoint.replace(hooks_depend_on_path=False, **chains._asdict())

    # finding

    def find(self, exchange: Exchange, router: Router, method: str) -> Endpoint:
        """Find the endpoint of a request: by the walk where its path is spelled as usual, else by the search."""
        scope = exchange.scope
        raw = scope.get('raw_path')
        endpoint = None
        if not scope.get('root_path') and (raw is None or PERCENT not in raw):
            endpoint = self.walk(exchange, router, method, scope['path'])
        return endpoint or self.resolve(exchange, method)

    def walk(self, exchange: Exchange, router: Router, method: str, path: str) -> Endpoint | None:
        """Find the endpoint of a path that can be read in one way, and set the parameters; None is for the search."""
        table = router.literals.get(path)
        if table is not None:
            return table.get(method)
        endpoint, exchange.params = router.lookup(method, path)
        return endpoint

    def resolve(self, exchange: Exchange, method: str | None = None) -> Endpoint:
        """Find the endpoint of any request, however its path is spelled, and set the parameters.

        `method` is asked for in place of the request's own.
        """
        scope = exchange.scope
        is_socket = scope['type'] == 'websocket'
        router = self.sockets if is_socket else self.http
        method = method or str('WS' if is_socket else scope['method'])
        path = respelled(scope)
        endpoint = None if path is None else self.walk(exchange, router, method, path)
        if endpoint is not None:
            return endpoint
        if scope['path'] == '*' and method == 'OPTIONS':
            unmatched = self.unmatched(self.areas[-1], method, 204, router.methods())
            return self.with_hooks(unmatched, method, self.covering_everything())
        scope = exchange.scope = reduced(scope)
        target = split_target(scope)
        if target is None:
            return self.wrong_target(method)
        found = router.search(method, target.segments)
        if isinstance(found, Match):
            endpoint = found.endpoint
            exchange.params = found.params
            is_decided = len(target.readings) == 1 and not endpoint.hooks_depend_on_path
            if is_decided or not self.guards and not endpoint.hooks_depend_on_path:
                return endpoint
            return self.with_hooks(endpoint, method, self.covering(target, endpoint.app, True))
        if not found and self.not_found is not None and method != 'HEAD':
            return self.not_found
        area = next(area for area in self.areas if area.covers(target.readings[0]))
        if not found:
            status = 404
        elif method == 'OPTIONS':
            status = 204
        else:
            status = 405
        unmatched = self.unmatched(area, method, status, found)
        return self.with_hooks(unmatched, method, self.covering(target, area.app, False))

    def covering(self, target: Target, app: App, is_route: bool) -> tuple[int, ...]:
        """Return the places of the hooks that cover a path in any of its readings."""
        return tuple(
            at
            for at, guard in enumerate(self.guards)
            if guard.reaches(app, is_route) and any(map(guard.pattern.covers, target.readings))
        )

    def unmatched(self, area: Area, method: str, status: int, methods: Any) -> Endpoint:
        """Return the endpoint of what has no route: 404, or 405, or 204 to OPTIONS, with the methods that there are."""
        key = (area, method, status, frozenset(methods))
        known = self.variants.get(key)
        if known is None:
            allow = ', '.join(sorted({*methods, 'OPTIONS'} - {'*', 'WS'})) if status != 404 else None
            step = Step(NoRoute(area.app, status, allow), True, area.app)
            known = area.unmatched.replace(method=method, step=step, stands_in_for_get=method.upper() == 'HEAD')
            if len(self.variants) < MAX_VARIANTS:
                self.variants[key] = known
        return known

    def wrong_target(self, method: str) -> Endpoint:
        """Return the endpoint of a target that is no path: a 400, with hooks that always run, for every path."""
        area = self.areas[-1]
        always = tuple(at for at in self.covering_everything() if self.guards[at].hook.always)
        step = Step(refuse_target, True, area.app)
        endpoint = area.unmatched.replace(method=method, step=step, stands_in_for_get=method == 'HEAD')
        return self._hooked(endpoint, method, always)

    def covering_everything(self) -> tuple[int, ...]:
        """Return the places of the hooks that cover every path."""
        return tuple(at for at, guard in enumerate(self.guards) if guard.covers_every_path)

    # serving

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request that has not taken the lane: the same course, told in full."""
        exchange, req, res, ctx = begin(scope, receive, send)
        failure: BaseException | None = None
        endpoint = self.find(exchange, self.http, scope['method'])
        exchange.endpoint = endpoint
        exchange.app = endpoint.app
        if self.root.middlewares:
            name_route(scope, endpoint)
        try:
            await self.run(exchange, req, res, ctx)
        except BaseException as error:
            failure = error
        if failure is None and exchange.is_plain and endpoint.ends_plainly:
            try:
                start, body = plain_messages(exchange)
            except Exception as error:
                failure = error
            else:
                await send_plainly(send, start, body)
                return
        await self.finish(exchange, req, res, ctx, failure)

    def finish(
        self, exchange: Exchange, req: Request, res: Response, ctx: Context, failure: BaseException | None
    ) -> Awaitable[None]:
        """Return what ends a request that the lane has begun."""
        return Finish(self.root, exchange, req, res, ctx).run(failure)


def choose_dispatcher(dispatchers: Mapping[str, Dispatcher], scope: Scope, domain: str | None) -> Dispatcher:
    """Return what serves the subdomain of a request."""
    if len(dispatchers) == 1:
        return dispatchers[WWW]
    label = subdomain_of(scope, domain)
    for known in (label, '*'):
        if known and known in dispatchers:
            return dispatchers[known]
    return dispatchers['']


def method_scopes(endpoint: Endpoint, method: str) -> list[str]:
    """Return the methods that count for hooks with `methods`: GET stands for HEAD and for WS, too."""
    names = [method.upper()]
    if method == 'WS' or names == ['HEAD'] and (endpoint.stands_in_for_get or endpoint.method == ANY_METHOD):
        names.append('GET')
    return names


class NamedRoute:
    """A route as tools that trace requests look for it: `scope['route'].path`."""

    def __init__(self, path: str) -> None:
        self.path = path


def name_route(scope: Scope, endpoint: Endpoint) -> None:
    """Tell the middlewares what serves the request."""
    if endpoint.route is not None:
        scope['route'] = NamedRoute(endpoint.route)
        scope['endpoint'] = endpoint.function

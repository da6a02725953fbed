"""From what was registered on an app, and on all that is mounted on it, to what serves requests."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from heaven._routing.endpoint import Endpoint, OwnHook, Step
from heaven._routing.functions import check_after, check_before, refuse_generator
from heaven._routing.hooks import Guard, Hook, identity_of
from heaven._routing.importing import import_dotted
from heaven._routing.path import WWW
from heaven._routing.pattern import Pattern
from heaven._serving.around import first_half
from heaven._serving.batteries import Entrance, batteries_of
from heaven._serving.calling import make_step
from heaven._serving.dispatcher import Area, Dispatcher
from heaven._serving.methods import check_hook_methods
from heaven._serving.registrations import Registrations, Route, registrations_of
from heaven.errors import SubdomainError, UrlDuplicateError
from heaven.types import App, Handler

READ_AHEAD = frozenset({'POST', 'PUT', 'PATCH', 'DELETE', 'QUERY'})  # methods whose requests have a body
UNKNOWN = ''  # the dispatcher of subdomains that nobody declared


class Placement(NamedTuple):
    """Where an app stands in the tree of those mounted."""

    registrations: Registrations
    prefix: Pattern | None
    subdomain: str | None  # None for all of them
    depth: int
    covers_prefix: bool  # its hooks are for everything under its prefix, or else for its own routes


def placements(root: Registrations) -> list[Placement]:
    """Give an app and all that is mounted on it, outer apps first, each in its place."""
    found = [Placement(root, None, None, 0, True)]
    for place in found:
        for mount in place.registrations.mounts:
            prefix = mount.prefix.under(place.prefix) if mount.prefix else place.prefix
            subdomain = mount.subdomain or place.subdomain
            child = registrations_of(mount.child)
            found.append(Placement(child, prefix, subdomain, place.depth + 1, mount.prefix is not None))
    return found


def compile_app(root: Registrations) -> dict[str, Dispatcher]:
    """Compile an app into one dispatcher for each subdomain."""
    places = placements(root)
    for place in places:
        for said in place.registrations.awaited.values():
            raise TypeError(f'{said} was given no function: pass one, or write it as a decorator above one')
    for place in places[1:]:
        if place.registrations.middlewares:
            raise ValueError('app.use wraps a whole app: use the middleware on the app that the others are mounted on')
        if len(place.registrations.labels) > 1:
            declared = sorted(place.registrations.labels - {WWW})
            raise SubdomainError(
                f'a mounted app has no subdomains of its own, and {declared} were declared on one: '
                "mount it with subdomain='...'"
            )
    labels = {*root.labels, *(place.subdomain for place in places if place.subdomain)}
    if len(labels) > 1:
        labels.add(UNKNOWN)
    dispatchers = {label: Dispatcher(root, label) for label in sorted(labels)}
    for place in places:
        Compiler(place, root, dispatchers).run()
    for dispatcher in dispatchers.values():
        dispatcher.freeze()
        if dispatcher.areas[-1].unmatched.batteries is not None:
            dispatcher.run = Entrance(dispatcher).run
    return dispatchers


class Compiler:
    """Adds what one app has registered to the dispatchers."""

    def __init__(self, place: Placement, root: Registrations, dispatchers: dict[str, Dispatcher]) -> None:
        self.place = place
        self.root = root
        self.dispatchers = dispatchers
        self.registrations = place.registrations
        self.app: App = place.registrations.app
        self.codec = place.registrations.codecs()
        self.warned = place.registrations.warned
        self.batteries = {label: batteries_of(place.registrations, label) for label in dispatchers}

    def run(self) -> None:
        """Compile the ERROR handlers, the hooks and the routes of the app."""
        self.registrations.error_handlers = dict(self.error_handlers())
        for dispatcher in self.served(self.place.subdomain):
            if self.place.covers_prefix:
                nothing = make_step(refuse_all, self.app)
                unmatched = Endpoint(
                    self.app,
                    'GET',
                    nothing,
                    self.codec,
                    self.app.max_body_size,
                    self.warned,
                    batteries=self.batteries[dispatcher.label],
                )
                dispatcher.areas.append(Area(self.app, self.place.prefix, unmatched))
        for observer in self.registrations.observers:
            self.add_hook(Hook(Pattern('/*', {}), observer.on_request, None, None, is_before=True))
        for hook in self.registrations.hooks:
            self.add_hook(hook)
        for route in self.registrations.routes:
            self.add_route(route)

    def served(self, subdomain: str | None) -> list[Dispatcher]:
        """Return the dispatchers of a subdomain, all of them for None."""
        return [self.dispatchers[subdomain]] if subdomain else list(self.dispatchers.values())

    def error_handlers(self) -> Iterator[tuple[Any, Step]]:
        """Give the ERROR handlers, by status or class."""
        for kind, registered in self.registrations.errors.items():
            function = find_function(registered, self.registrations, f'ERROR({kind})')
            if function is not None:
                refuse_generator(function, 'app.ERROR', 'set res.body = generator() in it')
                yield kind, make_step(function, self.app)

    def add_hook(self, hook: Hook) -> None:
        """Add a hook to the dispatchers that it is for."""
        function = find_function(hook.function, self.registrations, hook.pattern.text)
        if function is None:
            return
        if hook.methods is not None:
            check_hook_methods(hook.methods, self.root)
        is_around = False
        if hook.is_before:
            is_around = check_before(function, hook.threaded)
        else:
            check_after(function, hook.threaded)
        step = make_step(first_half(function) if is_around else function, self.app, hook.threaded)
        family = frozenset(each.app for each in self.registrations.tree())
        guard = Guard(
            hook,
            hook.pattern.under(self.place.prefix),
            step,
            identity_of(function),
            is_around,
            self.place.depth,
            self.place.covers_prefix,
            family,
        )
        for dispatcher in self.served(self.place.subdomain or hook.subdomain):
            dispatcher.guards.append(guard)

    def add_route(self, route: Route) -> None:
        """Add the endpoints of a route to the dispatcher of its subdomain."""
        pattern = route.pattern.under(self.place.prefix)
        function = find_function(route.handler, self.registrations, pattern.text)
        if function is None:
            return
        if not route.is_mounted:
            refuse_generator(function, f'the route {pattern.text}', 'write a handler that sets res.body = generator()')
        dispatcher = self.dispatchers[self.place.subdomain or route.subdomain]
        limit = self.app.max_body_size if route.max_body_size is None else route.max_body_size
        own_before = tuple(self.own_hooks(route, pattern))
        for method in route.methods:
            endpoint = Endpoint(
                self.app,
                method,
                make_step(function, self.app, route.threaded),
                self.codec,
                limit,
                self.warned,
                pattern=pattern,
                function=function,
                own_before=own_before,
                is_stream=route.stream,
                route_body_limit=route.max_body_size,
                origins=route.origins,
                meta=route.meta,
                reads_body=method in READ_AHEAD and not route.stream,
                batteries=self.batteries[dispatcher.label],
            )
            router = dispatcher.sockets if method == 'WS' else dispatcher.http
            other = router.add(pattern, endpoint)
            if other is not endpoint:
                raise UrlDuplicateError(f'{method} {endpoint.route} is already registered, as {other.route}')

    def own_hooks(self, route: Route, pattern: Pattern) -> Iterator[OwnHook]:
        """Give the hooks of a route, of `before=`."""
        for registered in route.before:
            function = find_function(registered, self.registrations, f'{pattern.text}, before=')
            if function is None:
                continue
            is_around = check_before(function, where='before=')
            step = make_step(first_half(function) if is_around else function, self.app)
            yield OwnHook(step, identity_of(function), is_around)


def find_function(registered: Handler | str, registrations: Registrations, where: str) -> Handler | None:
    """Return what is called for what was registered; None if a test leaves it out."""
    target: Any = registered
    for overrides in reversed(registrations.root.overrides):
        found = overrides.find(target, registrations.home)
        if found is None:
            return None
        if found is not target:
            target = found
            break
    if isinstance(target, str):
        where = f'{where}: {target!r}'
        target = import_dotted(target, registrations.home, where)
    if not callable(target):
        raise TypeError(f'{where} cannot be called: it is of type {type(target).__name__}')
    return target  # type: ignore[no-any-return]


def refuse_all(req: Any, res: Any, ctx: Any) -> None:
    """Stand where a handler is put in once it is known what there is to say."""
    raise AssertionError('an endpoint without a handler was served')

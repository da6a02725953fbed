"""The course that a request would take, told before anybody sends it.

The app is compiled, and the dispatcher is asked for the endpoint, as if it served: what is told is what will happen.
Nothing is started, and nothing of the app is called but the types of its parameters.
"""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from urllib.parse import quote

from heaven._http.hosts import subdomain_of
from heaven._routing.endpoint import Endpoint, Step
from heaven._routing.hooks import Guard
from heaven._routing.path import ABSOLUTE, Target, decoded, reduced, split_target
from heaven._routing.router import Router
from heaven._serving.compile import compile_app, placements
from heaven._serving.copying import copy_app
from heaven._serving.course import begin
from heaven._serving.dispatcher import Dispatcher, choose_dispatcher, method_scopes
from heaven._serving.explanation import BodyInfo, ErrorInfo, Explanation, HookInfo
from heaven._serving.failures import Kind, find_handler
from heaven._serving.mounted import MountedASGI
from heaven._serving.registrations import Registrations, Route, registrations_of
from heaven._serving.unmatched import NoRoute, refuse_target
from heaven._serving.whereabouts import whereabouts
from heaven.errors import ClientError
from heaven.request import Request
from heaven.types import Message, Scope

CANDIDATES = 3  # routes that a path without one may have meant


def explain(registrations: Registrations, method: str, target: str, host: str | None) -> Explanation:
    """Explain a request; `method` is `'WS'` for a WebSocket. Raises what keeps the app from starting."""
    root = registrations_of(copy_app(registrations.root.app))
    dispatchers = compile_app(root)
    scope = scope_of(method, target, host)
    dispatcher = choose_dispatcher(dispatchers, scope, root.app.domain)
    exchange, req, _, _ = begin(scope, no_message, no_answer)
    endpoint = exchange.endpoint = dispatcher.resolve(exchange)
    split = split_target(reduced(scope))
    status, reason, allow = outcome(endpoint, req)
    has_route = endpoint.route is not None
    is_socket = method == 'WS'
    route = route_of(root, dispatcher, endpoint)
    chains = Chains(dispatcher, endpoint, method, split)
    is_mounted = isinstance(endpoint.function, MountedASGI)
    return Explanation(
        method=method,
        target=target,
        subdomain=subdomain_of(scope, root.app.domain),
        readings=tuple(map(written, split.readings)) if split else (),
        status=status,
        reason=reason,
        allow=allow,
        candidates=candidates(dispatcher.sockets if is_socket else dispatcher.http, split) if status == 404 else (),
        route=endpoint.route,
        name=route.name if route else None,
        params=exchange.params or {},
        queries={name: req.queries.get(name) for name in endpoint.queries} if status is None else {},
        handler=whereabouts(endpoint.function) if has_route else None,
        is_mounted=is_mounted,
        stands_in_for_get=has_route and endpoint.stands_in_for_get,
        origins=None if endpoint.origins is None or not is_socket else tuple(endpoint.origins),
        middlewares=tuple(whereabouts(each.factory).name for each in reversed(root.middlewares)),
        batteries=tuple(type(each).__module__.rpartition('.')[2] for each in endpoint.batteries or ()),
        body=body_of(endpoint, is_socket) if has_route and not is_mounted else None,
        before=tuple(chains.before()),
        after=() if is_socket else tuple(chains.after()),
        endings=tuple(chains.endings()),
        errors=tuple(errors_of(endpoint, status)),
    )


def scope_of(method: str, target: str, host: str | None) -> Scope:
    """Return the scope of a request as a server makes it."""
    sent, _, query = target.partition('?')
    raw = sent.encode(errors='surrogateescape')
    absolute = ABSOLUTE.match(sent)
    if host is None:
        host = absolute[0].rpartition('/')[2] if absolute else 'localhost'
    scope: Scope = {
        'type': 'http',
        'asgi': {'version': '3.0', 'spec_version': '2.3'},
        'http_version': '1.1',
        'method': method,
        'scheme': 'http',
        'path': decoded(raw.decode('latin-1')),
        'raw_path': raw,
        'query_string': query.encode(errors='surrogateescape'),
        'root_path': '',
        'headers': [(b'host', host.encode(errors='surrogateescape'))],
        'client': None,
        'server': None,
    }
    if method == 'WS':
        scope.update(type='websocket', scheme='ws')
        del scope['method']
    return scope


async def no_message() -> Message:
    """Refuse to receive."""
    raise AssertionError('nobody has sent the request')


async def no_answer(message: Message) -> None:
    """Refuse to send."""
    raise AssertionError('nobody has sent the request')


def outcome(endpoint: Endpoint, req: Request) -> tuple[int | None, str | None, tuple[str, ...]]:
    """Return status and reason where no handler is reached, and the methods that the path has."""
    handler = endpoint.handler
    if isinstance(handler, NoRoute):
        allow = tuple(handler.allow.split(', ')) if handler.allow else ()
        reasons = {
            404: 'no route has this path',
            405: 'the path has routes for other methods only',
            204: 'OPTIONS is answered with the methods that there are',
        }
        return handler.status, reasons[handler.status], allow
    if handler is refuse_target:
        return 400, "the target is no path: that begins with a slash, without '.' or '..'", ()
    try:
        req.queries.convert()
    except ClientError as error:
        return error.status, str(error), ()
    return None, None, ()


def written(segments: Iterable[str]) -> str:
    """Write a reading of a path so that its segments can be told apart: a slash inside of one is `%2F`."""
    texts = (
        ''.join(char if char.isprintable() and char not in '/%' else quote(char, safe='') for char in text)
        for text in segments
    )
    return '/' + '/'.join(texts)


def route_of(root: Registrations, dispatcher: Dispatcher, endpoint: Endpoint) -> Route | None:
    """Return what was registered for an endpoint."""
    methods = {endpoint.method, 'GET' if endpoint.stands_in_for_get else endpoint.method, '*'}
    for place in placements(root):
        for route in place.registrations.routes:
            is_here = (place.subdomain or route.subdomain) == dispatcher.label and methods.intersection(route.methods)
            if is_here and route.pattern.under(place.prefix).text == endpoint.route:
                return route
    return None


def candidates(router: Router, target: Target | None) -> tuple[str, ...]:
    """Return the routes that look most like a path."""
    texts = {endpoint.route for table in router.tables() for endpoint in table.values() if endpoint.route}
    path = written(target.readings[-1]) if target else ''
    return tuple(get_close_matches(path, sorted(texts), CANDIDATES))


def body_of(endpoint: Endpoint, is_socket: bool) -> BodyInfo:
    """Tell how the body of a request is read."""
    if is_socket:
        return BodyInfo('messages', endpoint.body_limit)
    if endpoint.is_stream:
        return BodyInfo('stream', endpoint.route_body_limit)
    return BodyInfo('ahead' if endpoint.reads_body else 'asked', endpoint.body_limit)


class Chains:
    """The hooks of an endpoint, each with the patterns by which it covers the request."""

    def __init__(self, dispatcher: Dispatcher, endpoint: Endpoint, method: str, target: Target | None) -> None:
        self.endpoint = endpoint
        self.readings = target.readings if target else []
        if target is None:
            self.guards = [guard for guard in dispatcher.guards if guard.pattern.text == '/*']
        else:
            covering = dispatcher.covering(target, endpoint.app, endpoint.route is not None)
            self.guards = [dispatcher.guards[at] for at in covering]
        self.methods = method_scopes(endpoint, method)

    def before(self) -> Iterator[HookInfo]:
        """Give the BEFORE hooks and those of the route, as they run."""
        around = {id(ending.step) for ending in self.endpoint.endings if ending.is_around}
        for step in self.endpoint.before:
            yield self.info(step, 'around' if id(step) in around else 'BEFORE')

    def after(self) -> Iterator[HookInfo]:
        """Give the AFTER hooks as they run."""
        for step in self.endpoint.after:
            yield self.info(step, 'AFTER')

    def endings(self) -> Iterator[HookInfo]:
        """Give what always runs, as it runs."""
        for ending in reversed(self.endpoint.endings):
            yield self.info(ending.step, 'around' if ending.is_around else 'always')

    def info(self, step: Step, kind: str) -> HookInfo:
        """Return what is known of a hook; one that is on no pattern is of the route."""
        same = self.registered_like(step)
        if not same:
            kind = 'around' if kind == 'around' else 'before='
            return HookInfo(kind, whereabouts(step.function), (self.endpoint.route or '',), ())
        readings = [
            written(reading) for reading in self.readings if any(guard.pattern.covers(reading) for guard in same)
        ]
        patterns = dict.fromkeys(guard.pattern.text for guard in same)
        return HookInfo(kind, whereabouts(step.function), tuple(patterns), tuple(readings))

    def registered_like(self, step: Step) -> list[Guard]:
        """Return all registrations of a hook that cover the request; it runs once for them."""
        for first in self.guards:
            if first.step is step:
                same = [guard for guard in self.guards if is_same_hook(guard, first)]
                return [guard for guard in same if guard.hook.methods is None or self.is_for(guard.hook.methods)]
        return []

    def is_for(self, methods: frozenset[str]) -> bool:
        """Tell whether a hook that is for some methods is for the request's."""
        return not methods.isdisjoint(self.methods)


def is_same_hook(guard: Guard, other: Guard) -> bool:
    """Tell whether two registrations are of one function, by one app."""
    return (guard.hook.is_before, guard.step.app, guard.identity) == (
        other.hook.is_before,
        other.step.app,
        other.identity,
    )


def errors_of(endpoint: Endpoint, status: int | None) -> Iterator[ErrorInfo]:
    """Give the ERROR handlers that would be asked: all, if it depends on the failure; else those of this request."""
    if status is None:
        known = set[Kind]()
        for each in registrations_of(endpoint.app).lineage():
            new = [kind for kind in each.error_handlers if kind not in known]
            known.update(new)
            yield from (error_info(kind, each.error_handlers[kind]) for kind in new)
        return
    error = ClientError('') if status == 400 else None
    handler, kind = find_handler(endpoint.app, error, status, [])
    if handler is not None:
        yield error_info(kind, handler)


def error_info(kind: Kind, step: Step) -> ErrorInfo:
    """Return what is shown of an ERROR handler."""
    return ErrorInfo(kind if isinstance(kind, int) else kind.__name__, whereabouts(step.function))

"""The table that serves requests, compiled from the registrations of an app and of all that is mounted on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from heaven.errors import ClientError, UrlDuplicateError
from heaven.hooks import Guard, Hook, arrange, covering
from heaven.resolving import prepared, scoped
from heaven.response import TEXT
from heaven.routing import REST, UNTYPED, Entry, Pattern, Route, Router, is_async, readings
from heaven.serving import decline
from heaven.types import App, Codec, Context, Handler, Request, Response

READ_AHEAD = frozenset({'POST', 'PUT', 'PATCH', 'DELETE', 'QUERY'})


class Place(NamedTuple):
    """Where an app stands in the tree of those mounted: what its registrations are put under."""

    app: App
    prefix: Pattern | None
    subdomain: str | None
    depth: int
    realm: App
    prefixed: bool

    def label(self, route: Route) -> str:
        """Gives the subdomain that a route is served on."""
        return self.subdomain if self.subdomain and route.subdomain == 'www' else route.subdomain


def walk(app: App) -> Iterator[Place]:
    """Gives an app and all that is mounted on it, outer ones first."""
    waiting = [Place(app, None, None, 0, app, True)]
    while waiting:
        place = waiting.pop(0)
        yield place
        for mount in (mount for mount in place.app._mounts if mount.app is not None):
            prefix = mount.prefix.under(place.prefix) if mount.prefix else place.prefix
            realm, prefixed = (mount.app, bool(mount.prefix)) if mount.isolated else (place.realm, place.prefixed)
            label = mount.subdomain or place.subdomain
            waiting.append(Place(mount.app, prefix, label, place.depth + 1, realm, prefixed))


def line(app: App | None) -> list[App]:
    """Gives an app and those around it, the nearest first."""
    return [app, *line(app.parent)] if app is not None else []


def entry_of(app: App, handler: Any, coro: bool, **fields: Any) -> Entry:
    """Makes an entry with what its app decides."""
    more = {'limit': app.max_body_size, 'head': fields.get('method') == 'HEAD', **fields}
    return Entry(app=app, handler=handler, coro=coro, codec=app.codec, dumps=app._dumps, **more)


class Table:
    """All that one subdomain serves."""

    def __init__(self, root: App, places: list[Place]) -> None:
        self.root, self.router, self.sockets = root, Router(), Router()
        self.literals, self.find = self.router.literals, self.router.find
        self.guards: list[Guard] = []
        self.places = sorted(places, key=lambda place: -len(place.prefix.segments if place.prefix else ()))

    def reach(self, app: App, matched: bool) -> list[Guard]:
        """Gives the guards in whose reach a route of the app is, or a path that has no route."""
        return [guard for guard in self.guards if guard.realm in line(app) or not matched and guard.prefixed]

    def freeze(self) -> None:
        """Lets GET answer HEAD, decides the hooks as far as the patterns do, and sorts the routes."""
        self.guards.sort(key=lambda guard: guard.place)
        for router in (self.router, self.sockets):
            for leaf in router.leaves():
                if 'GET' in leaf:
                    leaf.setdefault('HEAD', leaf['GET'].but(method='HEAD', head=True, answers='GET'))
                for method, entry in leaf.items():
                    related = [(guard, guard.pattern.relation(entry.pattern)) for guard in self.reach(entry.app, True)]
                    guards = [guard for guard, relation in related if relation is not False]
                    unsure = method == '*' and guards or any(relation is None for _, relation in related)
                    leaf[method] = entry.but(unsure=True) if unsure else self.guarded(entry, guards)
            router.freeze()
        if not self.guards and len(self.places) == 1:
            self.router.missing = entry_of(self.root, declined(404) if 404 in self.root._handlers else missing, True)

    def guarded(self, entry: Entry, guards: list[Guard]) -> Entry:
        """Decides the hooks of an entry, given those that cover its path."""
        names = (entry.method, 'GET') if entry.answers == 'GET' or entry.method == 'WS' else (entry.method,)
        before, after, always = arrange(guards, names)
        return entry.but(before=before, after=after, always=always, unsure=False)

    def seek(self, req: Request) -> Entry:
        """Finds the entry of any request, its hooks decided, and sets the parameters."""
        from heaven.urls import spelled

        scope = req.scope
        router, where = self.sockets if scope['type'] == 'websocket' else self.router, spelled(scope)
        method, whole = scope.get('method', 'WS'), scope['path'] == '*' and scope.get('method') == 'OPTIONS'
        path, segments = where or ('/', ['', ''])
        reads, (entry, found) = readings(path, segments[1:]), router.search(method, segments)
        if whole or where is None:
            entry, found = None, {name for leaf in router.leaves() for name in leaf} - {'*'} if whole else set()
        req._params = found if entry else None
        if entry is not None:
            guards = self.reach(entry.app, True)
            return self.guarded(entry.but(method=method), covering(guards, reads))
        beneath = (place.app for place in self.places if place.prefix is None or starts(place.prefix, reads[0]))
        allow = ', '.join(sorted({*found, 'OPTIONS'})) if found else None
        handler = (
            declined(404 if not allow else 204 if method == 'OPTIONS' else 405, allow) if where or whole else no_path
        )
        entry = entry_of(next(beneath), handler, is_async(handler), method=method, answers='GET' * (method == 'HEAD'))
        entry = self.guarded(entry, covering(self.reach(entry.app, False), reads))
        return entry if where or whole else entry.but(before=(), after=())


def starts(prefix: Pattern, segments: list[str]) -> bool:
    """Tells whether a path lies below a prefix."""
    return prefix.covers(segments[: len(prefix.segments)])


async def missing(req: Request, res: Response, ctx: Context) -> None:
    """Answers 404 where no ERROR handler could."""
    res._status, res._body, res._kind = 404, 'Not Found', TEXT


def no_path(req: Request, res: Response, ctx: Context) -> None:
    """Answers 400 to a target that is no path."""
    raise ClientError('the target of the request is no path: it must begin with a slash')


def declined(status: int, allow: str | None = None) -> Handler:
    """Makes the handler of what has no route: 404, or 405, or 204 to OPTIONS, with the methods that there are."""

    async def handler(req: Request, res: Response, ctx: Context) -> None:
        res.header('allow', allow)
        res.status = status
        if status != 204:
            await decline(status, req, res, ctx)

    return handler


def compile_tables(root: App) -> dict[str, Table]:
    """Compiles the registrations of a tree of apps into one table a subdomain, and one, `''`, for those unknown."""
    places = list(walk(root))
    labels = {'www', *(label for place in places for label in (*place.app._labels, place.subdomain) if label)}
    tables = {
        label: Table(root, [place for place in places if place.subdomain in (None, label)])
        for label in (labels | {''} if len(labels) > 1 else labels)
    }
    for place in places:
        app = place.app
        app._dumps = encoder(app.codec)
        handlers = {key: app._resolve(func, f'ERROR({key})') for key, func in app._errors.items()}
        app._handlers = {key: scoped(func, app) for key, func in handlers.items() if func is not None}
        for hook in app._hooks:
            label, func = hook.subdomain or place.subdomain, app._resolve(hook.func, hook.pattern.text)
            for table in [tables[label]] if label else tables.values():
                table.guards += [guard_of(hook, func, place, len(places) > 1)] if func else []
        for route in app._routes:
            add(route, place, tables)
    for table in tables.values():
        if root._probe is not None:
            hook = Hook(Pattern('/*', root.types), root._probe, True)
            table.guards.append(guard_of(hook, root._probe, places[0]._replace(depth=-1), False))
        table.freeze()
    return tables


def encoder(codec: Codec) -> Callable[[Any], bytes]:
    """Gives what writes a value as bytes with a codec that may write text."""
    dumps: Callable[[Any], Any] = codec.dumps
    return dumps if isinstance(dumps([]), bytes) else lambda value: dumps(value).encode()


def guard_of(hook: Hook, func: Any, place: Place, many: bool) -> Guard:
    """Makes the guard of a hook in its place."""
    run, pattern = prepared(func, place.app), hook.pattern.under(place.prefix)
    run = scoped(run, place.app) if many else run
    key = func if getattr(func, '__hash__', None) else id(func)
    order = place.depth, (*(-rank for rank in pattern.rank), 1)
    return Guard(pattern, run, is_async(run), key, hook, place.realm, place.prefixed, order)


def add(route: Route, place: Place, tables: dict[str, Table]) -> None:
    """Adds the entries of a route to the table of its subdomain."""
    app, pattern, table = place.app, route.pattern.under(place.prefix), tables[place.label(route)]
    handler = app._resolve(route.handler, route.pattern.text)
    func = prepared(handler, app, route.threaded)
    for method in route.methods if handler is not None else ():
        entry = entry_of(
            app, func, is_async(func), method=method, pattern=pattern, route=pattern.text,
            stream=route.stream, reads=method in READ_AHEAD and not route.stream, queries=pattern.queries,
            ceiling=route.max_body_size, origins=route.origins,
            limit=app.max_body_size if route.max_body_size is None else route.max_body_size,
            names=tuple((name, at, kind.convert if rank < UNTYPED else None)
                        for at, (name, kind, rank) in enumerate(pattern.segments, 1) if kind and rank != REST),
        )  # fmt: skip
        other = (table.sockets if method == 'WS' else table.router).add(method, entry)
        if other is not entry:
            raise UrlDuplicateError(f'{method} {entry.route} is already registered, as {other.route}')

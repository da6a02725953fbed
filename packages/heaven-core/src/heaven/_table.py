"""The table that serves requests, compiled from the registrations of an app and of all that is mounted on it."""

from collections.abc import Callable
from functools import lru_cache
from types import BuiltinFunctionType, MethodType
from typing import Any, NamedTuple

from heaven._hooks import KNOWN, Hook, arrange
from heaven._resolving import prepared, scoped
from heaven._routing import REST, UNTYPED, Entry, Pattern, Route, Router, readings
from heaven._serving import LENGTHS, call, conclude, find_handler, judged, line, stray
from heaven.context import Context
from heaven.errors import ClientError, UrlDuplicateError, refuse
from heaven.request import Request
from heaven.response import TEXT, UNSET, Response
from heaven.types import App, Receive, Scope, Send

READ_AHEAD = frozenset({'POST', 'PUT', 'PATCH', 'DELETE', 'QUERY'})


class Place(NamedTuple):
    """Where an app stands in the tree of those mounted: what its registrations are put under."""

    app: App
    prefix: Pattern | None
    subdomain: str | None
    depth: int
    realm: App
    prefixed: bool

    def label(self, own: str) -> str:
        """Gives the subdomain that what its app has on one of its own is served on."""
        return self.subdomain if self.subdomain and own == 'www' else own

    def labels(self) -> set[str]:
        """Gives all the subdomains that its app is served on, none for those of the apps around it."""
        return {self.subdomain, *self.app._labels - {'www'}} if self.subdomain else set()


def walk(app: App) -> list[Place]:
    """Gives an app and all that is mounted on it, outer ones first."""
    places = [Place(app, None, None, 0, app, True)]
    for place in places:
        for child in place.app._mounts:
            prefix = child._under.under(place.prefix) if child._under else place.prefix
            realm, prefixed = (place.realm, place.prefixed) if child._shared else (child, bool(child._under))
            places.append(Place(child, prefix, child._label or place.subdomain, place.depth + 1, realm, prefixed))
    return places


def entry_of(app: App, handler: Any, **fields: Any) -> Any:
    """Makes an entry with what its app decides."""
    more = {'limit': app.max_body_size, 'head': fields.get('method') == 'HEAD'} | fields
    return Entry(app=app, handler=handler, loads=getattr(app.codec, 'loads', None), dumps=app._dumps, **more)


class Table:
    """All that one subdomain serves."""

    def __init__(self, root: App, places: list[Place]) -> None:
        self._root, self._guards, self._router, self._sockets = root, list[Hook](), Router(), Router()
        self._literals, self._find = self._router.literals, self._router.find
        self._guarded, self._unmatched = lru_cache(1000)(self.guarded), lru_cache(1000)(unmatched)
        self._places = sorted(places, key=lambda place: (*(place.prefix.rank if place.prefix else ()), REST + 1))

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one HTTP request: finds what it calls for, runs it and sends two messages, or leaves it to others."""
        try:
            method, path = scope['method'], scope['path']
            raw, root = scope['raw_path'], scope['root_path']
        except KeyError:
            if scope['type'] != 'http':
                return await self._root._enter(scope, receive, send)
            method, path, raw, root = map(scope.get, ('method', 'path', 'raw_path', 'root_path'))
        req = Request()
        req.scope = scope
        req._receive = receive
        req._parts = req._body = entry = None
        if not root and (raw is None or 37 not in raw):  # no %, so that path is spelled as it was sent
            leaf = self._literals.get(path)
            entry = self._find(req, method, path) if leaf is None else leaf.get(method)
        if not entry:
            if entry is not None:  # no route, no hook and no ERROR handler
                try:
                    await send({'type': 'http.response.start', 'status': 404, 'headers': [TEXT.header, LENGTHS[9]]})
                    await send({'type': 'http.response.body', 'body': b'Not Found'})
                except OSError:
                    pass
                return
            entry = self.seek(req)
        req._entry = entry
        req._special = entry.special
        res, ctx = Response(), Context()
        res._req = req
        res._ctx = ctx
        res._kind = UNSET
        res._status = res._fields = None
        try:
            if entry.simple:
                out = await entry.handler(req, res, ctx)
                if out is not None and out is not res:
                    await stray(entry.handler, out, res)
            else:
                if entry.reads:
                    given = scope['headers']
                    sent = dict(given)
                    if len(sent.get(b'content-length', b'')) < entry.digits and len(sent) == len(given):
                        req._parts = {'_fields': sent}
                        message = await receive()
                        size = len(data := message.get('body', b''))
                        number = LENGTHS[size][1] if size < 4096 else b'%d' % size
                        if (
                            sent.get(b'content-length', number) == number
                            and size <= entry.limit
                            and not message.get('more_body')
                            and message['type'] == 'http.request'
                        ):
                            req._body = data
                        else:
                            req._take(message)
                    if req._body is None:
                        await req.read()
                answered = False
                for func, coro, stage in entry.steps:
                    if stage == 2 or not answered:
                        out = await func(req, res, ctx) if coro else func(req, res, ctx)
                        if out is not None and out is not res:
                            await (stray if stage else judged)(func, out, res)
                        if not stage:
                            answered = res._status is not None or res._kind is not UNSET
            kind = res._kind
            if kind.quick and not req._special:
                data = res._body.encode() if kind is TEXT else (kind.encode or entry.dumps)(res._body)
                size = len(data)
                length = LENGTHS[size] if size < 4096 else (b'content-length', b'%d' % size)
                own = res._fields
                fields = [kind.header, length] if own is None else [kind.header, length, *own.items()]
                if own is not None and b'content-type' in own:
                    del fields[0]
            else:
                fields = failure = None  # type: ignore[assignment]
        except Exception as error:
            fields, failure = None, error
        except BaseException:
            await req._clean()
            raise
        if fields is None:
            return await conclude(self._root, req, res, ctx, send, failure)
        try:
            await send({'type': 'http.response.start', 'status': res._status or 200, 'headers': fields})
            await send({'type': 'http.response.body', 'body': data})
        except OSError:
            req._gone = True

    def reach(self, app: App, matched: bool = True) -> list[tuple[int, Hook]]:
        """Gives the guards, and their places, in whose reach a route of the app is, or a path that has no route."""
        apps = line(app)
        return [
            (at, guard)
            for at, guard in enumerate(self._guards)
            if guard.place.app in apps
            or guard.place in self._places
            and (guard.place.realm in apps or not matched and guard.place.prefixed)
        ]

    def freeze(self) -> None:
        """Lets GET answer HEAD, decides the hooks as far as the patterns do, and sorts the routes."""
        self._guards.sort(key=lambda guard: (guard.place.depth, [*(-rank for rank in guard.pattern.rank), 1]))
        for router in (self._router, self._sockets):
            for leaf in router.leaves():
                if 'GET' in leaf:
                    leaf.setdefault('HEAD', leaf['GET'].but(method='HEAD', head=True, answers='GET'))
                for method, entry in leaf.items():
                    related = {at: guard.pattern.relation(entry.pattern) for at, guard in self.reach(entry.app)}
                    guards = tuple(at for at, relation in related.items() if relation is not False)
                    unsure = None in related.values()
                    leaf[method] = entry.but(unsure=True) if unsure else self.guarded(entry, method, guards)
            router.freeze()
        if not self._guards and len(self._places) == 1:
            self._router.missing = 404 in self._root._handlers and unmatched(self._root, 'GET', 404, None)

    def guarded(self, entry: Any, method: str, guards: tuple[int, ...]) -> Any:
        """Decides the hooks of an entry, given the places of those that cover its path."""
        name, own = method.upper(), entry.method == 'HEAD' and not entry.answers
        names = (name, 'GET') if name == 'WS' or name == 'HEAD' and not own else (name,)
        chains = arrange([self._guards[at] for at in guards], names)
        return entry.but(method=method, head=method == 'HEAD', **chains)

    def seek(self, req: Request) -> Any:
        """Finds the entry of any request, its hooks decided, and sets the parameters."""
        from heaven._urls import reduced, spelled

        scope = req.scope = reduced(req.scope)
        method, whole = scope.get('method', 'WS'), scope['path'] == '*' and scope.get('method') == 'OPTIONS'
        router, where = self._sockets if scope['type'] == 'websocket' else self._router, spelled(scope)
        path, segments = where or ('/', ['', ''])
        reads, (entry, found) = readings(path, segments[1:]), router.search(method, segments)
        if whole or where is None:
            entry, found = None, {name for leaf in router.leaves() for name in leaf} - {'*'} if whole else set()
        req._params, matched, wrong = found if entry else {}, entry is not None, where is None and not whole
        if not matched:
            app = next(
                place.app
                for place in self._places
                if place.prefix is None or place.prefix.covers(reads[0][: len(place.prefix.segments)])
            )
            allow = ', '.join(sorted({*found, 'OPTIONS'})) if found or whole else None
            status = 400 if wrong else 404 if not allow else 204 if method == 'OPTIONS' else 405
            entry = self._unmatched(app, method, status, allow)
        return self._guarded(
            entry,
            method,
            tuple(
                at
                for at, guard in self.reach(entry.app, matched)
                if (guard.always and guard.pattern.rank == (REST,) if wrong else any(map(guard.pattern.covers, reads)))
            ),
        )


def unmatched(app: App, method: str, status: int, allow: str | None) -> Any:
    """Makes the entry of what has no route: 404, or 405, or 204 to OPTIONS, with the methods that there are; or 400."""

    async def handler(req: Request, res: Response, ctx: Context) -> None:
        refuse(
            status == 400,
            ClientError,
            'the target of the request is no path: it begins with a slash and has no . or .. in it',
        )
        res.header('allow', allow)
        res.status = status
        if status != 204:
            await call(find_handler(app, None, status)[0], req, res, ctx)

    return entry_of(app, handler, method=method, answers='GET' * (method == 'HEAD'))


def compile_tables(root: App) -> dict[str, Table]:
    """Compiles the registrations of a tree of apps into one table a subdomain, and one, `''`, for those unknown."""
    places = list(walk(root))
    labels = {'www', *(label for place in places for label in (*place.app._labels, place.subdomain) if label)}
    tables = {
        label: Table(root, [place for place in places if not place.labels() or label in place.labels()])
        for label in (labels | {''} if len(labels) > 1 else labels)
    }
    known = KNOWN.union(*(route.methods for place in places for route in place.app._routes))
    for place in places:
        app, app._dumps = place.app, encoder(place.app.codec.dumps)
        app._handlers = {
            key: scoped(prepared(func, app), app)
            for key, handler in app._errors.items()
            if (func := app._resolve(handler, f'ERROR({key})')) is not None
        }
        probe = Hook(Pattern('/*', app._types), app._probe, None, None, True)
        for hook in [probe, *app._hooks] if app._probe else app._hooks:
            for name in hook.methods or ():
                refuse(
                    name == '*' or name not in known,
                    ValueError,
                    f'{hook.pattern.text}: no route, nor any method there is, is {name!r}: its hook would never run',
                )
            if (func := app._resolve(hook.func, hook.pattern.text, 0x200 * hook.before)) is not None:
                guard, own = guard_of(hook, func, place, len(places) > 1), hook.subdomain
                for table in [tables[place.label(own)]] if own else tables.values():
                    table._guards.append(guard)
        for route in app._routes:
            add(route, place, tables[place.label(route.subdomain)])
    for table in tables.values():
        table.freeze()
    return tables


def encoder(dumps: Callable[[Any], Any]) -> Callable[[Any], bytes]:
    """Gives what writes a value as bytes with a codec that may write text; what a package has in C is of one mind."""
    from heaven import _codec

    if dumps is _codec.dumps or isinstance(dumps, BuiltinFunctionType) and isinstance(dumps([]), bytes):
        return dumps
    return lambda value: text.encode() if isinstance(text := dumps(value), str) else text


def guard_of(hook: Hook, func: Any, place: Place, many: bool) -> Hook:
    """Makes the guard of a hook in its place."""
    run = prepared(func, place.app)
    return hook._replace(
        pattern=hook.pattern.under(place.prefix),
        func=scoped(run, place.app) if many else run,
        key=func if isinstance(func, MethodType) else id(func),  # a method is a new object at every look
        place=place,
    )


def add(route: Route, place: Place, table: Table) -> None:
    """Adds the entries of a route to the table of its subdomain."""
    app, pattern = place.app, route.pattern.under(place.prefix)
    handler = app._resolve(route.handler, route.pattern.text)
    func = prepared(handler, app, route.threaded)
    for method in route.methods if handler is not None else ():
        entry = entry_of(
            app, func, method=method, pattern=pattern, route=pattern.text,
            stream=route.stream, reads=method in READ_AHEAD and not route.stream, queries=pattern.queries,
            ceiling=route.max_body_size, origins=route.origins,
            limit=app.max_body_size if route.max_body_size is None else route.max_body_size,
            names=tuple((name, at, kind.convert if rank < UNTYPED else None)
                        for at, (name, kind, rank) in enumerate(pattern.segments, 1) if kind and rank != REST),
        )  # fmt: skip
        other = (table._sockets if method == 'WS' else table._router).add(method, entry)
        refuse(
            other is not entry,
            UrlDuplicateError,
            f'{method} {entry.route} is already registered, as {other.route}',
        )

"""Registering routes: the verbs that an app, a group under a prefix and a subdomain have."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypedDict, TypeVar, Unpack

from heaven._routing.functions import check_before, check_function, check_threaded, refuse_generator
from heaven._routing.path import WWW
from heaven._routing.pattern import Pattern
from heaven._serving.foreign_names import FOREIGN_NAMES
from heaven._serving.methods import VERBS, route_methods
from heaven._serving.registrations import Registrations, Route, check_body_limit, registrations_of
from heaven.errors import SubdomainError, UrlDuplicateError
from heaven.types import App, Handler, Handlers

F = TypeVar('F', bound=Handler)


class RouteOptions(TypedDict, total=False):
    """What a route may say beside its path and its handler.

    `name` is for `app.url`; `before` is a hook or several that run for this route alone; `meta` is any value of yours,
    found as `req.meta`; `threaded=True` runs a plain function in a worker thread; `stream=True` leaves the body to
    `req.stream()`; `max_body_size` is bytes.
    """

    name: str | None
    before: Handlers
    meta: Any
    threaded: bool
    stream: bool
    max_body_size: int | None


class Decorator(Protocol):
    """What a verb of registration returns without a function: it registers one, and returns it."""

    def __call__(self, function: F, /) -> F:
        """Register a function."""
        ...


class RouteVerbs:
    """Registers routes on an app, under a prefix or on a subdomain."""

    def __init__(
        self, app: App, prefix: str = '', subdomain: str | None = None, before: tuple[Handler | str, ...] = ()
    ) -> None:
        self.app: App = app
        self.prefix: str = prefix
        self._label = subdomain
        self._before = before

    def __getattr__(self, name: str) -> NoReturn:
        """Say what to write, for the names of other frameworks."""
        raise AttributeError(missing_name(self, name))

    if not TYPE_CHECKING:  # what reads types knows the names that are there

        def __setattr__(self, name: str, value: Any) -> None:
            """Refuse the names of other frameworks here too: nobody would look at `app.daemons = f`."""
            if name in FOREIGN_NAMES:
                raise AttributeError(missing_name(self, name))
            object.__setattr__(self, name, value)

    def METHOD(
        self,
        method: str | Iterable[str],
        route: str,
        handler: Handler | str | None = None,
        subdomain: str | None = None,
        **options: Unpack[RouteOptions],
    ) -> Decorator:
        """Register a handler for any method, or several: `app.METHOD('PROPFIND', '/files/*', list_files)`.

        `route` is a pattern, `handler` a callable `(req, res, ctx)` or the dotted path of one; without it this is a
        decorator. The options are those of `RouteOptions`. UrlError for a route that cannot work, UrlDuplicateError
        for one that is there already.
        """
        unknown = options.keys() - RouteOptions.__annotations__.keys()
        if unknown:
            known = ', '.join(RouteOptions.__annotations__)
            raise TypeError(f'a route has no {", ".join(sorted(unknown))}: it has {known}')
        methods = route_methods(method)

        def register(function: F) -> F:
            check_threaded(function, options.get('threaded', False))
            before = (*self._before, *hooks_of(options.get('before', ())))
            self._add_route(route, function, subdomain, methods, **{**options, 'before': before})
            return function

        return self._taken_or_awaited(register, handler, route, '/'.join(methods))

    def GET(
        self,
        route: str,
        handler: Handler | str | None = None,
        subdomain: str | None = None,
        **options: Unpack[RouteOptions],
    ) -> Decorator:
        """Register a handler for GET, which answers HEAD too where nothing else does."""
        return self.METHOD('GET', route, handler, subdomain, **options)

    def HEAD(
        self,
        route: str,
        handler: Handler | str | None = None,
        subdomain: str | None = None,
        **options: Unpack[RouteOptions],
    ) -> Decorator:
        """Register a handler for HEAD."""
        return self.METHOD('HEAD', route, handler, subdomain, **options)

    def POST(
        self,
        route: str,
        handler: Handler | str | None = None,
        subdomain: str | None = None,
        **options: Unpack[RouteOptions],
    ) -> Decorator:
        """Register a handler for POST."""
        return self.METHOD('POST', route, handler, subdomain, **options)

    def PUT(
        self,
        route: str,
        handler: Handler | str | None = None,
        subdomain: str | None = None,
        **options: Unpack[RouteOptions],
    ) -> Decorator:
        """Register a handler for PUT."""
        return self.METHOD('PUT', route, handler, subdomain, **options)

    def PATCH(
        self,
        route: str,
        handler: Handler | str | None = None,
        subdomain: str | None = None,
        **options: Unpack[RouteOptions],
    ) -> Decorator:
        """Register a handler for PATCH."""
        return self.METHOD('PATCH', route, handler, subdomain, **options)

    def DELETE(
        self,
        route: str,
        handler: Handler | str | None = None,
        subdomain: str | None = None,
        **options: Unpack[RouteOptions],
    ) -> Decorator:
        """Register a handler for DELETE."""
        return self.METHOD('DELETE', route, handler, subdomain, **options)

    def OPTIONS(
        self,
        route: str,
        handler: Handler | str | None = None,
        subdomain: str | None = None,
        **options: Unpack[RouteOptions],
    ) -> Decorator:
        """Register a handler for OPTIONS, in place of the automatic answer."""
        return self.METHOD('OPTIONS', route, handler, subdomain, **options)

    def QUERY(
        self,
        route: str,
        handler: Handler | str | None = None,
        subdomain: str | None = None,
        **options: Unpack[RouteOptions],
    ) -> Decorator:
        """Register a handler for QUERY: safe as GET, with a body as POST."""
        return self.METHOD('QUERY', route, handler, subdomain, **options)

    def HTTP(
        self,
        route: str,
        handler: Handler | str | None = None,
        subdomain: str | None = None,
        **options: Unpack[RouteOptions],
    ) -> Decorator:
        """Register a handler for all of the eight methods."""
        return self.METHOD(VERBS, route, handler, subdomain, **options)

    def WS(
        self,
        route: str,
        handler: Handler | str | None = None,
        subdomain: str | None = None,
        *,
        name: str | None = None,
        before: Handlers = (),
        meta: Any = None,
        origins: Sequence[str] | None = None,
        max_body_size: int | None = None,
    ) -> Decorator:
        """Register a handler `(req, ws, ctx)` for WebSockets.

        Browsers may connect from the same origin, or from `origins` (`['*']` for all); messages are of at most
        `max_body_size` bytes.
        """

        def register(function: F) -> F:
            self._add_route(
                route,
                function,
                subdomain,
                ('WS',),
                name=name,
                before=(*self._before, *hooks_of(before)),
                meta=meta,
                origins=origins,
                max_body_size=max_body_size,
            )
            return function

        return self._taken_or_awaited(register, handler, route, 'WS')

    def _taken_or_awaited(self, register: Decorator, function: Any, route: str, verb: str) -> Decorator:
        """Register a function, and return it; without one, return the decorator that will."""
        if function is not None:
            registered: Decorator = register(function)
            return registered
        Pattern(route, self._open().types, self.prefix)  # a wrong one is refused here already
        return self._decorator(register, f'{verb} {self.prefix}{route}')

    def _decorator(self, register: Decorator, said: str) -> Decorator:
        """Return the decorator that registers a function; an app whose decorator is given none does not start."""

        def decorator(function: F) -> F:
            registrations_of(self.app).awaited.pop(decorator, None)
            return register(function)

        self._open().awaited[decorator] = said
        return decorator

    def _open(self) -> Registrations:
        """Return what the app has registered, to be added to; RuntimeError while it runs."""
        registrations = registrations_of(self.app)
        if registrations.is_locked:
            raise RuntimeError('the app is running: register before it starts, or after it has shut down')
        return registrations

    def _label_of(self, subdomain: str | None, registrations: Registrations) -> str | None:
        label = subdomain.lower() if subdomain else self._label
        if label is not None and label not in registrations.labels:
            raise SubdomainError(f'nobody declared the subdomain {label!r}: app.subdomain({label!r}) does')
        return label

    def _add_route(
        self, route: str, function: Handler | str, subdomain: str | None, methods: tuple[str, ...], **options: Any
    ) -> None:
        registrations = self._open()
        check_function(function, f'the route {route}')
        if options.get('max_body_size') is not None:
            check_body_limit(options['max_body_size'])
        refuse_generator(function, f'the route {route}', 'write a handler that sets res.body = generator()')
        label = self._label_of(subdomain, registrations) or WWW
        pattern = Pattern(route, registrations.types, self.prefix)
        record = Route(pattern, function, label, methods, **options)
        claims: list[tuple[object, str]] = [((method, label, pattern.shape), method) for method in methods]
        if record.name is not None:
            claims.append((record.name, f'the name {record.name!r}'))
        for claim, said in claims:
            if claim in registrations.claims:
                taken = registrations.claims[claim]
                raise UrlDuplicateError(f'{pattern.text} cannot have {said}: {taken} has it already')
        for claim, _ in claims:
            registrations.claims[claim] = pattern.text
        registrations.routes.append(record)


def missing_name(registrar: object, name: str) -> str:
    """Return what is said of a name that is not there: what to write, if another framework has it."""
    instead = FOREIGN_NAMES.get(name)
    hint = f': write {instead}' if instead else ''
    return f'{type(registrar).__name__} has no {name!r}{hint}'


def hooks_of(before: Handlers) -> tuple[Handler | str, ...]:
    """Return the hooks of `before=`, one or several; TypeError for what cannot be one."""
    hooks: tuple[Any, ...]
    if callable(before) or isinstance(before, str):
        hooks = (before,)
    elif isinstance(before, Iterable):
        hooks = tuple(before)
    else:
        hooks = (before,)
    for hook in hooks:
        check_function(hook, 'before=')
        check_before(hook, where='before=')
    return hooks

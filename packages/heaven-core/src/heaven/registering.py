"""The verbs of registration, shared by an app, a group under a prefix and a subdomain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from heaven.errors import SubdomainError, UrlDuplicateError, UrlError
from heaven.headers import TOKEN
from heaven.hooks import Hook
from heaven.routing import Pattern, Route

if TYPE_CHECKING:
    from heaven.app import App

VERBS = ('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY', 'TRACE', 'CONNECT')


class Options(TypedDict, total=False):
    """What a route may say beside its handler.

    `name` is for `app.url`; `threaded=True` runs a plain function in a worker thread; `stream=True` leaves the body
    to `req.stream()`; `max_body_size` is bytes.
    """

    name: str | None
    threaded: bool
    stream: bool
    max_body_size: int | None


class Registrar:
    """Registers routes and hooks on an app, under a prefix or on a subdomain.

    v1 = app.group('/v1')
    v1.GET('/patients/:id', 'controllers.patients.get_one')
    """

    _app: App
    _prefix = ''
    _subdomain: str | None = None

    def METHOD(
        self,
        method: str | Sequence[str],
        route: str,
        handler: Any = None,
        subdomain: str | None = None,
        **options: Unpack[Options],
    ) -> Any:
        """Registers a handler for any method, or several: `app.METHOD('PROPFIND', '/files/*', list_files)`.

        `route` is a pattern, `handler` a callable `(req, res, ctx)` or the dotted path of one; without it this is a
        decorator. UrlError for a route that cannot work, UrlDuplicateError for one that is there already.
        """
        methods = (method,) if isinstance(method, str) else tuple(method)
        if not all(name and TOKEN.issuperset(name) for name in methods):
            raise UrlError(f'{method!r} is no method: a method is a token such as GET (RFC 9110, 9.1)')
        return self._route(methods, route, handler, subdomain, dict(options))

    def GET(self, route: str, handler: Any = None, subdomain: str | None = None, **options: Unpack[Options]) -> Any:
        """Registers a handler for GET, which answers HEAD too where nothing else does."""
        return self.METHOD('GET', route, handler, subdomain, **options)

    def HEAD(self, route: str, handler: Any = None, subdomain: str | None = None, **options: Unpack[Options]) -> Any:
        """Registers a handler for HEAD."""
        return self.METHOD('HEAD', route, handler, subdomain, **options)

    def POST(self, route: str, handler: Any = None, subdomain: str | None = None, **options: Unpack[Options]) -> Any:
        """Registers a handler for POST."""
        return self.METHOD('POST', route, handler, subdomain, **options)

    def PUT(self, route: str, handler: Any = None, subdomain: str | None = None, **options: Unpack[Options]) -> Any:
        """Registers a handler for PUT."""
        return self.METHOD('PUT', route, handler, subdomain, **options)

    def PATCH(self, route: str, handler: Any = None, subdomain: str | None = None, **options: Unpack[Options]) -> Any:
        """Registers a handler for PATCH."""
        return self.METHOD('PATCH', route, handler, subdomain, **options)

    def DELETE(self, route: str, handler: Any = None, subdomain: str | None = None, **options: Unpack[Options]) -> Any:
        """Registers a handler for DELETE."""
        return self.METHOD('DELETE', route, handler, subdomain, **options)

    def OPTIONS(self, route: str, handler: Any = None, subdomain: str | None = None, **options: Unpack[Options]) -> Any:
        """Registers a handler for OPTIONS, in place of the automatic answer."""
        return self.METHOD('OPTIONS', route, handler, subdomain, **options)

    def QUERY(self, route: str, handler: Any = None, subdomain: str | None = None, **options: Unpack[Options]) -> Any:
        """Registers a handler for QUERY: safe as GET, with a body as POST."""
        return self.METHOD('QUERY', route, handler, subdomain, **options)

    def TRACE(self, route: str, handler: Any = None, subdomain: str | None = None, **options: Unpack[Options]) -> Any:
        """Registers a handler for TRACE."""
        return self.METHOD('TRACE', route, handler, subdomain, **options)

    def CONNECT(self, route: str, handler: Any = None, subdomain: str | None = None, **options: Unpack[Options]) -> Any:
        """Registers a handler for CONNECT."""
        return self.METHOD('CONNECT', route, handler, subdomain, **options)

    def HTTP(self, route: str, handler: Any = None, subdomain: str | None = None, **options: Unpack[Options]) -> Any:
        """Registers a handler for all of the ten methods."""
        return self.METHOD(VERBS, route, handler, subdomain, **options)

    def WS(
        self,
        route: str,
        handler: Any = None,
        subdomain: str | None = None,
        *,
        name: str | None = None,
        origins: Sequence[str] | None = None,
        max_body_size: int | None = None,
    ) -> Any:
        """Registers a handler `(req, ws, ctx)` for WebSockets.

        Browsers may connect from the same origin, or from `origins` (`['*']` for all); messages are of at most
        `max_body_size` bytes.
        """
        options = {'name': name, 'origins': origins, 'max_body_size': max_body_size}
        return self._route(('WS',), route, handler, subdomain, options)

    WEBSOCKET = SOCKET = WS

    def BEFORE(
        self, route: str, hook: Any = None, subdomain: str | None = None, methods: Iterable[str] | None = None
    ) -> Any:
        """Registers a hook that runs before the handlers of every path its pattern matches, the broadest first.

        A hook that returns `res` with a status or a body has answered; `methods` limits it to some methods.
        """
        return self._hook(True, route, hook, subdomain, methods, False)

    def AFTER(
        self,
        route: str,
        hook: Any = None,
        subdomain: str | None = None,
        methods: Iterable[str] | None = None,
        always: bool = False,
    ) -> Any:
        """Registers a hook that runs after the handlers of every path its pattern matches, the narrowest first.

        With `always=True` it runs whatever came before, an abort or a failure too.
        """
        return self._hook(False, route, hook, subdomain, methods, always)

    def ASSETS(
        self,
        folder: Any,
        route: str | None = None,
        subdomain: str | None = None,
        *,
        relative_to: str | None = None,
        index: str | None = None,
        fallback: str | None = None,
        cache: int | str | None = None,
    ) -> None:
        """Serves the files of a folder, at `/folder/*` unless `route` says otherwise.

        `index` is served for a folder, `fallback` for what is not there; `cache` is a max-age in seconds or a
        Cache-Control. No listings, no dotfiles, nothing outside of the folder.
        """
        from heaven.files import assets

        assets(self, folder, route, subdomain, relative_to, index, fallback, cache)

    def group(self, prefix: str) -> Registrar:
        """Gives a registrar with all of these, under a prefix."""
        return self._bound(self._joined(prefix), self._subdomain)

    def subdomain(self, name: str) -> Registrar:
        """Declares a subdomain, and gives a registrar bound to it; `'*'` is for all that no other has."""
        self._app._open()
        self._app._labels.add(name.lower())
        return self._bound(self._prefix, name.lower())

    def _bound(self, prefix: str, subdomain: str | None) -> Registrar:
        registrar = Registrar()
        registrar._app, registrar._prefix, registrar._subdomain = self._app, prefix.rstrip('/'), subdomain
        return registrar

    def _joined(self, route: str) -> str:
        if not isinstance(route, str):
            raise TypeError(f'a route is a str such as /patients/:id, not {type(route).__name__}')
        if not route.startswith('/'):
            raise UrlError(f'{route!r} must begin with a slash: {"/" + route!r}')
        return self._prefix + route

    def _label(self, subdomain: str | None) -> str | None:
        label = subdomain.lower() if subdomain else self._subdomain
        if label is not None and label not in self._app._labels:
            raise SubdomainError(f'nobody declared the subdomain {label!r}: app.subdomain({label!r}) does')
        return label

    def _route(
        self, methods: tuple[str, ...], route: str, handler: Any, subdomain: str | None, options: Mapping[str, Any]
    ) -> Any:
        if handler is None:
            return lambda func: self._route(methods, route, func, subdomain, options) or func
        app = self._app._open()
        if not callable(handler) and not isinstance(handler, str):
            raise TypeError(f'{route}: a handler is a callable or a dotted path, not {type(handler).__name__}')
        pattern = Pattern(self._joined(route), app.types)
        record = Route(methods, pattern, handler, self._label(subdomain) or 'www', **options)
        for known in app._routes:
            if record.name is not None and known.name == record.name:
                raise UrlDuplicateError(f'{pattern.text} cannot be named {record.name!r}: {known.pattern.text} is')
        shapes = {(method, record.subdomain, pattern.shape): pattern for method in methods}
        for key in shapes.keys() & app._shapes.keys():
            raise UrlDuplicateError(f'{key[0]} {pattern.text} is already registered, as {app._shapes[key].text}')
        app._shapes.update(shapes)
        app._routes.append(record)
        return None

    def _hook(
        self, before: bool, route: str, hook: Any, subdomain: str | None, methods: Iterable[str] | None, always: bool
    ) -> Any:
        if hook is None:
            return lambda func: self._hook(before, route, func, subdomain, methods, always) or func
        app = self._app._open()
        if not callable(hook) and not isinstance(hook, str):
            raise TypeError(f'{route}: a hook is a callable or a dotted path, not {type(hook).__name__}')
        pattern = Pattern(self._joined(route), app.types)
        scope = None if methods is None else frozenset((methods,) if isinstance(methods, str) else methods)
        app._hooks.append(Hook(pattern, hook, before, self._label(subdomain), scope, always))
        return None

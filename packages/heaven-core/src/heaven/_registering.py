"""The verbs of registration, shared by an app, a group under a prefix and a subdomain."""

# mypy: disable-error-code="empty-body"

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any, TypeVar

from heaven._hooks import KNOWN, VERBS, Hook, scope_of
from heaven._resolving import refuse_generator
from heaven._routing import Pattern, Route
from heaven.errors import SubdomainError, UrlDuplicateError, UrlError, refuse
from heaven.headers import TOKEN
from heaven.types import App, Handler

F = TypeVar('F', bound=Handler)


def verb(declared: F) -> F:
    """Makes what registers for the method of its name, HTTP for all, of a signature and a docstring."""

    @wraps(declared)
    def register(self: Any, route: str, *args: Any, **options: Any) -> Any:
        return self.METHOD(
            VERBS if declared.__name__ == 'HTTP' else declared.__name__,
            route,
            *args,
            **options,
        )

    return register  # type: ignore[return-value]


class Registrar:
    """Registers routes and hooks on an app, under a prefix or on a subdomain.

    v1 = app.group('/v1')
    v1.GET('/patients/:id', 'controllers.patients.get_one')
    """

    def __init__(self, app: App, prefix: str = '', subdomain: str | None = None) -> None:
        self._app, self._prefix, self._subdomain = app, prefix, subdomain

    def METHOD(
        self,
        method: str | Sequence[str],
        route: str,
        handler: Handler | str | None = None,
        subdomain: str | None = None,
        *,
        name: str | None = None,
        threaded: bool = False,
        stream: bool = False,
        max_body_size: int | None = None,
    ) -> Callable[[F], F]:
        """Registers a handler for any method, or several: `app.METHOD('PROPFIND', '/files/*', list_files)`.

        `route` is a pattern, `handler` a callable `(req, res, ctx)` or the dotted path of one; without it this is a
        decorator. `name` is for `app.url`; `threaded=True` runs a plain function in a worker thread; `stream=True`
        leaves the body to `req.stream()`; `max_body_size` is bytes. UrlError for a route that cannot work,
        UrlDuplicateError for one that is there already.
        """
        refuse(
            not (methods := (method,) if isinstance(method, str) else tuple(dict.fromkeys(method)))
            or any(not TOKEN.issuperset(name) or name in ('', '*', 'WS') for name in methods),
            UrlError,
            f'{method!r} is no method: it is a token such as GET (RFC 9110, 9.1)',
        )
        for each in methods:
            refuse(
                each not in KNOWN and each.upper() in KNOWN,
                UrlError,
                f'{each!r} is no method, they are told apart by case: did you mean {each.upper()}?',
            )
        return self._add(
            route,
            handler,
            subdomain,
            methods,
            name=name,
            threaded=threaded,
            stream=stream,
            max_body_size=max_body_size,
        )

    @verb
    def GET(
        self,
        route: str,
        handler: Handler | str | None = None,
        subdomain: str | None = None,
        *,
        name: str | None = None,
        threaded: bool = False,
        stream: bool = False,
        max_body_size: int | None = None,
    ) -> Callable[[F], F]:
        """Registers a handler for GET, which answers HEAD too where nothing else does."""

    @verb
    def HEAD(
        self,
        route: str,
        handler: Handler | str | None = None,
        subdomain: str | None = None,
        *,
        name: str | None = None,
        threaded: bool = False,
        stream: bool = False,
        max_body_size: int | None = None,
    ) -> Callable[[F], F]:
        """Registers a handler for HEAD."""

    @verb
    def POST(
        self,
        route: str,
        handler: Handler | str | None = None,
        subdomain: str | None = None,
        *,
        name: str | None = None,
        threaded: bool = False,
        stream: bool = False,
        max_body_size: int | None = None,
    ) -> Callable[[F], F]:
        """Registers a handler for POST."""

    @verb
    def PUT(
        self,
        route: str,
        handler: Handler | str | None = None,
        subdomain: str | None = None,
        *,
        name: str | None = None,
        threaded: bool = False,
        stream: bool = False,
        max_body_size: int | None = None,
    ) -> Callable[[F], F]:
        """Registers a handler for PUT."""

    @verb
    def PATCH(
        self,
        route: str,
        handler: Handler | str | None = None,
        subdomain: str | None = None,
        *,
        name: str | None = None,
        threaded: bool = False,
        stream: bool = False,
        max_body_size: int | None = None,
    ) -> Callable[[F], F]:
        """Registers a handler for PATCH."""

    @verb
    def DELETE(
        self,
        route: str,
        handler: Handler | str | None = None,
        subdomain: str | None = None,
        *,
        name: str | None = None,
        threaded: bool = False,
        stream: bool = False,
        max_body_size: int | None = None,
    ) -> Callable[[F], F]:
        """Registers a handler for DELETE."""

    @verb
    def OPTIONS(
        self,
        route: str,
        handler: Handler | str | None = None,
        subdomain: str | None = None,
        *,
        name: str | None = None,
        threaded: bool = False,
        stream: bool = False,
        max_body_size: int | None = None,
    ) -> Callable[[F], F]:
        """Registers a handler for OPTIONS, in place of the automatic answer."""

    @verb
    def QUERY(
        self,
        route: str,
        handler: Handler | str | None = None,
        subdomain: str | None = None,
        *,
        name: str | None = None,
        threaded: bool = False,
        stream: bool = False,
        max_body_size: int | None = None,
    ) -> Callable[[F], F]:
        """Registers a handler for QUERY: safe as GET, with a body as POST."""

    @verb
    def TRACE(
        self,
        route: str,
        handler: Handler | str | None = None,
        subdomain: str | None = None,
        *,
        name: str | None = None,
        threaded: bool = False,
        stream: bool = False,
        max_body_size: int | None = None,
    ) -> Callable[[F], F]:
        """Registers a handler for TRACE."""

    @verb
    def CONNECT(
        self,
        route: str,
        handler: Handler | str | None = None,
        subdomain: str | None = None,
        *,
        name: str | None = None,
        threaded: bool = False,
        stream: bool = False,
        max_body_size: int | None = None,
    ) -> Callable[[F], F]:
        """Registers a handler for CONNECT."""

    @verb
    def HTTP(
        self,
        route: str,
        handler: Handler | str | None = None,
        subdomain: str | None = None,
        *,
        name: str | None = None,
        threaded: bool = False,
        stream: bool = False,
        max_body_size: int | None = None,
    ) -> Callable[[F], F]:
        """Registers a handler for all of the ten methods."""

    def WS(
        self,
        route: str,
        handler: Handler | str | None = None,
        subdomain: str | None = None,
        *,
        name: str | None = None,
        origins: Sequence[str] | None = None,
        max_body_size: int | None = None,
    ) -> Callable[[F], F]:
        """Registers a handler `(req, ws, ctx)` for WebSockets.

        Browsers may connect from the same origin, or from `origins` (`['*']` for all); messages are of at most
        `max_body_size` bytes.
        """
        return self._add(route, handler, subdomain, ('WS',), name=name, origins=origins, max_body_size=max_body_size)

    WEBSOCKET = SOCKET = WS

    def BEFORE(
        self,
        route: str,
        hook: Handler | str | None = None,
        subdomain: str | None = None,
        methods: str | Iterable[str] | None = None,
    ) -> Callable[[F], F]:
        """Registers a hook that runs before the handlers of every path its pattern matches, the broadest first.

        A hook that has set a status or a body has answered; one that returns anything but None or `res` is a
        TypeError. `methods` limits it to some: a name such as GET, which covers HEAD too, or several.
        """
        return self._add(route, hook, subdomain, scope_of(methods), before=True)

    def AFTER(
        self,
        route: str,
        hook: Handler | str | None = None,
        subdomain: str | None = None,
        methods: str | Iterable[str] | None = None,
        always: bool = False,
    ) -> Callable[[F], F]:
        """Registers a hook that runs after the handlers of every path its pattern matches, the narrowest first.

        With `always=True` it runs whatever came before, an abort or a failure too.
        """
        return self._add(route, hook, subdomain, scope_of(methods), before=False, always=always)

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
        from heaven._files import assets

        assets(self, folder, route, subdomain, relative_to, index, fallback, cache)

    def group(self, prefix: str) -> 'Registrar':
        """Gives a registrar with all of these, under a prefix."""
        refuse(
            '?' in prefix or not prefix.startswith('/'),
            UrlError,
            f'{prefix!r}: a prefix begins with a slash, and queries are written on the routes under it',
        )
        return Registrar(self._app, (self._prefix + prefix).rstrip('/'), self._subdomain)

    def subdomain(self, name: str) -> 'Registrar':
        """Declares a subdomain, and gives a registrar bound to it; `'*'` is for all that no other has."""
        self._app._open()._labels.add(name.lower())
        return Registrar(self._app, self._prefix, name.lower())

    def _add(self, route: str, func: Any, subdomain: str | None, methods: Any, **fields: Any) -> Callable[[F], F]:
        """Registers a route or, where `before` tells of which kind, a hook; without a function gives what does so."""

        def register(func: F) -> F:
            app, label = self._app._open(func), subdomain.lower() if subdomain else self._subdomain
            refuse(
                label is not None and label not in app._labels,
                SubdomainError,
                f'nobody declared the subdomain {label!r}: app.subdomain({label!r}) does',
            )
            pattern = Pattern(route, app._types, self._prefix)
            refuse_generator(func, pattern.text, 0x200 * fields.get('before', False))
            if 'before' in fields:
                app._hooks.append(Hook(pattern, func, label, methods, **fields))
            else:
                record = Route(pattern=pattern, handler=func, subdomain=label or 'www', methods=methods, **fields)
                claims = [
                    *(
                        (method, record.subdomain, *(part.rank or part.text for part in pattern.segments))
                        for method in methods
                    ),
                    *((f'the name {name!r}',) for name in [record.name] if name),
                ]
                for key in app._shapes.keys() & claims:
                    raise UrlDuplicateError(f'{pattern.text} cannot have {key[0]}: {app._shapes[key]} has it already')
                app._shapes.update(dict.fromkeys(claims, pattern.text))
                app._routes.append(record)
            return func

        return register if func is None else register(func)

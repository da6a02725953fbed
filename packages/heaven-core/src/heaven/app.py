"""The application: what it knows, and the course of one request."""

import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from os.path import dirname
from typing import Any, NamedTuple, Self, cast

from heaven._lifecycle import Lifecycle
from heaven._registering import Registrar
from heaven._resolving import refuse_generator
from heaven._routing import TYPES, Pattern, Type, rank
from heaven._table import walk
from heaven.context import Keeper, Shelf
from heaven.errors import UrlError, optional, refuse
from heaven.types import ASGIApp, Codec, Handler, Plugin, Renderer


class RouteInfo(NamedTuple):
    """A route as `app.routes()` lists it, for tools."""

    methods: tuple[str, ...]
    route: str
    handler: Any
    subdomain: str
    name: str | None
    app: 'App'


class App(partial[Coroutine[Any, Any, None]], Registrar, Lifecycle, Keeper):
    """An ASGI application (ASGI 3.0): `await app(scope, receive, send)` serves one connection.

    `config` is a mapping or a callable that gives one; `debug` shows tracebacks; `max_body_size` is bytes; `domain`
    is the registered domain that subdomains are counted from; `json` replaces the codec, as `json=orjson` does.

        app = App({'SECRET': 'x'})
        app.GET('/', lambda req, res, ctx: res.out(200, 'Hello'))
    """

    _renderer = _dumps = cast(Any, None)
    __copy__: Any = Lifecycle.copy

    def __new__(cls, *args: Any, **options: Any) -> Self:
        return super().__new__(cls, Lifecycle._enter)

    def __init__(
        self,
        config: Mapping[str, Any] | Callable[[], Mapping[str, Any]] | None = None,
        *,
        debug: bool = False,
        max_body_size: int = 10 * 2**20,
        domain: str | None = None,
        json: Codec | None = None,
    ) -> None:
        Registrar.__init__(self, self)
        Lifecycle.__init__(self)
        self._point()
        maker = sys._getframe(1).f_globals
        self._package, self._folder = maker.get('__package__'), dirname(maker.get('__file__') or '')
        self.debug: bool = debug
        self.max_body_size: int = max_body_size
        self.domain: str | None = domain
        self._config, self._json = {} if (given := config() if callable(config) else config) is None else given, json
        self._types, self._handlers = dict(TYPES), dict[Any, Handler]()

    @property
    def codec(self) -> Codec:
        """The JSON codec: the app's own, else that of the app it is mounted on, else the standard library's."""
        from heaven import _codec as codec

        return self._json or (self.parent.codec if self.parent else codec)

    @property
    def renderer(self) -> Renderer | None:
        """What renders templates, the app's own or that of the app it is mounted on; None before one is plugged."""
        return self._renderer or (self.parent.renderer if self.parent else None)

    @renderer.setter
    def renderer(self, renderer: Renderer) -> None:
        self._renderer = renderer

    def CONFIG(self, key: str) -> Any:
        """Gives a value of the configuration; KeyError if there is none."""
        return self.parent.CONFIG(key) if self.parent and self._shared else self._config[key]

    _: Any = property(Shelf, doc='The state as attributes: `app._.db`.')

    def TYPE(self, name: str, convert: Callable[[str], Any]) -> None:
        """Adds a type of parameter; `convert` turns text into a value, or raises a ValueError.

        app.TYPE('slug', lambda text: text if text.islower() else int('x'))
        app.GET('/articles/:title:slug', show)
        """
        self._open(convert)._types[name] = Type(name, next(rank), convert)

    def ERROR(self, kind: int | type[BaseException], handler: Handler | str | None = None) -> Any:
        """Registers the handler of a status or of a class of exceptions; the nearest class wins, `res.error` is it."""
        refuse(
            not isinstance(kind, int) and not (isinstance(kind, type) and issubclass(kind, BaseException)),
            TypeError,
            f'ERROR takes a status or an exception class, not {kind!r}',
        )
        if handler is None:
            return partial(self.ERROR, kind)
        refuse_generator(handler, f'ERROR({kind})')
        self._open(handler)._errors[kind] = handler
        return handler

    def url(self, name: str, /, **params: Any) -> str:
        """Builds the path of a named route, prefixes included; typed queries of the route may be given too.

        UrlError for a name nobody gave, a parameter that is missing, or a value that would not match back.
        """
        found: list[tuple[bool, Pattern]] = [
            (place.app is not self, route.pattern.under(place.prefix))
            for place in walk(self._root())
            for route in place.app._routes
            if route.name == name
        ]
        refuse(not found, UrlError, f'no route is named {name!r}')
        return min(found, key=lambda item: item[0])[1].build(params)

    def routes(self) -> list[RouteInfo]:
        """Lists what is registered, on the app and on all that is mounted on it."""
        return [
            RouteInfo(
                route.methods,
                route.pattern.under(place.prefix).text,
                route.handler,
                place.label(route.subdomain),
                route.name,
                place.app,
            )
            for place in walk(self)
            for route in place.app._routes
        ]

    def mount(
        self, app: 'App | ASGIApp', prefix: str = '', isolated: bool = True, subdomain: str | None = None
    ) -> None:
        """Serves another app under a prefix, a subdomain or both: one of Heaven's, or any ASGI app.

        One of Heaven's comes with its hooks, error handlers, startup, shutdown and daemons. Isolated, it keeps its
        own state and its hooks are for its own routes; else state and config are this app's, and its hooks are for
        everything under the prefix.
        """
        from heaven._mounting import mount

        mount(self, app, prefix, isolated, subdomain)

    def use(self, middleware: Callable[..., ASGIApp], **options: Any) -> None:
        """Wraps the whole app in an ASGI middleware, the last one added outermost: `app.use(GZipMiddleware)`."""
        self._open(middleware)._middlewares.append((middleware, options))
        self._point()

    def plug(self, plugin: Plugin) -> Any:
        """Lets a plugin install itself."""
        return plugin.install(self)

    def call(self, func: 'Callable[[App], Any] | str') -> Any:
        """Calls a function, or the dotted path of one, with the app, so that it can register on it elsewhere."""
        return self._resolve(func, 'app.call')(self)

    def TEMPLATES(
        self,
        folder: Any = 'templates',
        relative_to: str | None = None,
        prefix: str | None = None,
        escape: bool = True,
        asynchronous: bool = False,
        context: Sequence[Handler] = (),
    ) -> None:
        """Renders the templates of a folder with heaven-templating; called again, adds a folder.

        `relative_to=__file__` makes that file's folder the base; `prefix='blog'` gives `blog/index.html`; what each
        `f(req, res, ctx)` of `context` returns is added to every render.
        """
        optional('heaven_templating', 'heaven-templating', 'app.TEMPLATES').Templates(
            folder, relative_to, prefix, escape, asynchronous, context
        ).install(self)

    def listen(self, host: str = '127.0.0.1', port: int = 8000, **uvicorn: Any) -> None:
        """Serves the app with uvicorn, which takes the options."""
        optional('uvicorn', 'heaven-core[server]', 'app.listen').run(
            self, **{'host': host, 'port': port, 'timeout_graceful_shutdown': 10} | uvicorn
        )


App.__new__.__wrapped__ = App.__init__  # type: ignore[attr-defined]  # whose signature help() and tools show

"""Registering what concerns a whole app: types, ERROR handlers, events, mounts, middlewares, plugins."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from heaven._routing.converters import Type
from heaven._routing.functions import check_function, is_async_generator, is_generator, refuse_generator
from heaven._serving.methods import VERBS
from heaven._serving.registering_hooks import Registrar
from heaven._serving.registrations import DAEMON, SHUTDOWN, STARTUP, Event, Middleware, registrations_of
from heaven.errors import optional
from heaven.types import App, ASGIApp, Handler, Plugin

if TYPE_CHECKING:
    from datetime import timedelta


class AppVerbs(Registrar):
    """Registers what an app has once, beside routes and hooks."""

    def TYPE(self, name: str, convert: Callable[[str], Any]) -> None:
        """Add a type of parameter; `convert` turns text into a value, or raises a ValueError.

        ValueError for a name that is taken.

        def slug(text):
            if not text.islower():
                raise ValueError(text)
            return text

        app.TYPE('slug', slug)
        app.GET('/articles/:title:slug', show)
        """
        registrations = self._open()
        check_function(convert, 'app.TYPE')
        if name in registrations.types:
            raise ValueError(f'there is a type {name!r} already, which routes and hooks rely on: take another name')
        registrations.types[name] = Type(name, len(registrations.types), convert)

    def ERROR(self, kind: int | type[BaseException], handler: Handler | str | None = None) -> Any:
        """Register the handler of a status or of a class of exceptions; the nearest class wins, `res.error` is it."""
        if isinstance(kind, int):
            if not 400 <= kind <= 599:
                raise ValueError(f'ERROR takes a status from 400 to 599, or an exception class, not {kind!r:.80}')
        elif not (isinstance(kind, type) and issubclass(kind, BaseException)):
            raise TypeError(f'ERROR takes a status or an exception class, not {kind!r:.80}')
        if handler is None:
            return self._decorator(partial(self.ERROR, kind), f'ERROR({kind})')
        check_function(handler, f'app.ERROR({kind!r})')
        refuse_generator(handler, 'app.ERROR', 'set res.body = generator() in it')
        self._open().errors[kind] = handler
        return handler

    def ON(self, event: str, func: Any = None) -> Any:
        """Register `func(app)` for `STARTUP` or `SHUTDOWN`: async or not, or a dotted path.

        At STARTUP also an async generator, which runs up to its `yield` and the rest at shutdown, or a function that
        returns an async context manager. Shutdown is in the reverse order.
        """
        if event not in (STARTUP, SHUTDOWN):
            raise ValueError(f'{event!r} is no event: use STARTUP or SHUTDOWN')
        if func is None:
            return self._decorator(partial(self.ON, event), f'ON({event})')
        registrations = self._open()
        check_function(func, f'app.ON({event})')
        if event == SHUTDOWN or is_generator(func):
            instead = 'app.ON(STARTUP, f) takes one that is written as async def, up to its yield and from there'
            refuse_generator(func, f'app.ON({event})', instead)
        registrations.events.append(Event(event, func))
        return func

    def DAEMON(self, func: Any) -> Any:
        """Run `func(app)` in the background from startup to shutdown.

        A number that it returns is the seconds to its next run, None or False ends it; when it fails it runs again,
        a little later each time.
        """
        registrations = self._open()
        check_function(func, 'app.DAEMON')
        if is_generator(func) or is_async_generator(func):
            refuse_generator(func, 'app.DAEMON', 'return the seconds to the next run')
        registrations.events.append(Event(DAEMON, func))
        return func

    def mount(self, app: App | ASGIApp, prefix: str = '', isolated: bool = True, subdomain: str | None = None) -> None:
        """Serve another app under a prefix, a subdomain or both: one of Heaven's, or any ASGI app.

        One of Heaven's comes with its hooks, error handlers, startup, shutdown and daemons. Its hooks cover everything
        under its prefix; without one, what its own routes serve. Isolated, it keeps its own state and configuration;
        else they are this app's.
        """
        from heaven._serving.mounting import mount

        mount(self.app, app, prefix, isolated, subdomain)

    def use(self, middleware: Callable[..., ASGIApp], **options: Any) -> None:
        """Wrap the whole app in an ASGI middleware, the last one added outermost: `app.use(GZipMiddleware)`."""
        registrations = self._open()
        check_function(middleware, 'app.use')
        registrations.middlewares.append(Middleware(middleware, options))
        registrations.stack = None

    def plug(self, plugin: Plugin) -> Any:
        """Let a plugin install itself; AttributeError for what has no `install(app)`."""
        if not hasattr(plugin, 'install'):
            raise AttributeError(f'a plugin has install(app), and {plugin!r:.80} has not: app.call(f) calls f(app)')
        return plugin.install(self.app)

    def call(self, func: Callable[[App], Any] | str) -> Any:
        """Call a function, or the dotted path of one, with the app, so that it can register on it elsewhere."""
        from heaven._serving.compile import find_function

        function = find_function(func, registrations_of(self.app), 'app.call')
        return None if function is None else function(self.app)

    def cors(
        self,
        origins: str | Iterable[str] = '*',
        methods: str | Iterable[str] = VERBS,
        headers: str | Iterable[str] = '*',
        credentials: bool = False,
        expose: str | Iterable[str] = (),
        max_age: int = 600,
        subdomains: str | Iterable[str] | None = None,
    ) -> None:
        """Let pages of other origins read the answers, errors included, and answer preflights before every hook.

        `origins` are compared exactly, `'*'` is all; `methods` and `headers` are those that a page may send, `'*'` for
        whatever it asks for; `credentials=True` lets it send cookies, and needs named origins; `expose` are headers of
        the answer that it may read; `max_age` is the seconds that a preflight is remembered. An app that is mounted
        has the CORS of its parent, or its own. ValueError for what cannot work.

            app.cors(['https://example.com', 'http://localhost:5173'], credentials=True)
        """
        from heaven.cors import Cors

        registrations = self._open()
        cors = Cors(origins, methods, headers, credentials, expose, max_age)
        names = [subdomains] if isinstance(subdomains, str) or subdomains is None else list(subdomains)
        for name in names:
            label = self._label_of(name, registrations)
            if label in registrations.cors:
                where = f'the subdomain {label!r}' if label else 'this app'
                raise ValueError(f'app.cors was called for {where} before: say all of it in one call')
            registrations.cors[label] = cors

    def sessions(
        self,
        secret_key: 'str | bytes | Sequence[str | bytes]',
        cookie_name: str = 'session',
        max_age: 'int | timedelta | None' = 14 * 86400,
        *,
        path: str = '/',
        domain: str | None = None,
        secure: bool | None = None,
        httponly: bool = True,
        samesite: str | None = 'Lax',
        partitioned: bool = False,
        same_origin: bool = True,
    ) -> None:
        """Remember clients in `ctx.session`, a dict that is kept in a signed cookie; needs `heaven-core[sessions]`.

        A list of secrets is read with each and signed with the first, the newest. `max_age` is seconds or a timedelta,
        from the last change or longer visit on; None ends with the browser. The rest is of the cookie: by default
        `secure` where a request comes as https. Turns on `app.same_origin`, unless `same_origin=False`.

            app.sessions(os.environ['SECRET_KEY'])
        """
        registrations = self._open()
        if registrations.sessions is not None:
            raise ValueError('app.sessions was called before: an app has one kind of sessions')
        optional('itsdangerous', 'heaven-core[sessions]', 'app.sessions')
        from heaven.same_origin import SameOrigin
        from heaven.sessions import Sessions

        registrations.sessions = Sessions(
            secret_key,
            cookie_name,
            max_age,
            secure,
            path=path,
            domain=domain,
            httponly=httponly,
            samesite=samesite,
            partitioned=partitioned,
        )
        if same_origin:
            registrations.sessions_same_origin = SameOrigin()

    def same_origin(self, trusted: str | Iterable[str] = ()) -> None:
        """Refuse what pages of other origins send with a method that changes something: a 403, before the hooks.

        `trusted` are origins whose pages may, as those may that `app.cors` names.
        """
        from heaven.same_origin import SameOrigin

        registrations = self._open()
        if registrations.same_origin is not None:
            raise ValueError('app.same_origin was called before: name all trusted origins in one call')
        registrations.same_origin = SameOrigin(trusted)

    def TEMPLATES(
        self,
        folder: Any = 'templates',
        relative_to: str | None = None,
        prefix: str | None = None,
        escape: bool = True,
        asynchronous: bool = False,
        context: Sequence[Handler] = (),
    ) -> None:
        """Render the templates of a folder with heaven-templating; called again, add a folder.

        `relative_to=__file__` makes that file's folder the base; `prefix='blog'` gives `blog/index.html`; what each
        `f(req, res, ctx)` of `context` returns is added to every render.
        """
        self._open()
        templating = optional('heaven_templating', 'heaven-templating', 'app.TEMPLATES')
        templating.Templates(folder, relative_to, prefix, escape, asynchronous, context).install(self.app)

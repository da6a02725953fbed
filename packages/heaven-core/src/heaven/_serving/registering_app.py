"""Registering what concerns a whole app: types, ERROR handlers, events, mounts, middlewares, plugins."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from heaven._routing.converters import Type
from heaven._routing.functions import check_function, is_async_generator, is_generator, refuse_generator
from heaven._serving.registering_hooks import Registrar
from heaven._serving.registrations import DAEMON, SHUTDOWN, STARTUP, Event, Middleware, registrations_of
from heaven.errors import optional
from heaven.types import App, ASGIApp, Handler, Plugin


class AppVerbs(Registrar):
    """Registers what an app has once, beside routes and hooks."""

    def TYPE(self, name: str, convert: Callable[[str], Any]) -> None:
        """Add a type of parameter; `convert` turns text into a value, or raises a ValueError.

        def slug(text):
            if not text.islower():
                raise ValueError(text)
            return text

        app.TYPE('slug', slug)
        app.GET('/articles/:title:slug', show)
        """
        registrations = self._open()
        check_function(convert, 'app.TYPE')
        registrations.types[name] = Type(name, len(registrations.types), convert)

    def ERROR(self, kind: int | type[BaseException], handler: Handler | str | None = None) -> Any:
        """Register the handler of a status or of a class of exceptions; the nearest class wins, `res.error` is it."""
        if isinstance(kind, int):
            if not 400 <= kind <= 599:
                raise ValueError(f'ERROR takes a status from 400 to 599, or an exception class, not {kind!r:.80}')
        elif not (isinstance(kind, type) and issubclass(kind, BaseException)):
            raise TypeError(f'ERROR takes a status or an exception class, not {kind!r:.80}')
        if handler is None:
            return partial(self.ERROR, kind)
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
            return partial(self.ON, event)
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
        """Let a plugin install itself."""
        return plugin.install(self.app)

    def call(self, func: Callable[[App], Any] | str) -> Any:
        """Call a function, or the dotted path of one, with the app, so that it can register on it elsewhere."""
        from heaven._serving.compile import find_function

        function = find_function(func, registrations_of(self.app), 'app.call')
        return None if function is None else function(self.app)

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
        templating = optional('heaven_templating', 'heaven-templating', 'app.TEMPLATES')
        templating.Templates(folder, relative_to, prefix, escape, asynchronous, context).install(self.app)

"""Registering hooks and folders, and the groups and subdomains under which all of it can be said."""

from collections.abc import Iterable
from typing import Any

from heaven._routing.functions import check_after, check_before, check_function
from heaven._routing.hooks import Hook
from heaven._routing.pattern import Pattern
from heaven._serving.methods import hook_methods
from heaven._serving.registering_routes import Decorator, F, RouteVerbs, hooks_of
from heaven._serving.subdomains import checked_label
from heaven.errors import UrlError
from heaven.types import Handler, Handlers


class Registrar(RouteVerbs):
    """Registers routes and hooks on an app, under a prefix or on a subdomain.

    v1 = app.group('/v1')
    v1.GET('/patients/:id', 'controllers.patients.get_one')
    """

    def BEFORE(
        self,
        route: str,
        hook: Handler | str | None = None,
        subdomain: str | None = None,
        methods: str | Iterable[str] | None = None,
        threaded: bool = False,
    ) -> Decorator:
        """Register a hook that runs before the handlers of every path its pattern matches, the broadest first.

        One that sets a status or a body has answered. An async generator function goes around the request: what comes
        after its `yield` runs when the answer is known. `methods` limits a hook to some methods: GET covers HEAD, too.
        """
        names = hook_methods(methods)

        def register(function: F) -> F:
            check_before(function, threaded)
            self._add_hook(route, function, subdomain, names, is_before=True, threaded=threaded)
            return function

        return self._taken_or_awaited(register, hook, route, 'BEFORE')

    def AFTER(
        self,
        route: str,
        hook: Handler | str | None = None,
        subdomain: str | None = None,
        methods: str | Iterable[str] | None = None,
        always: bool = False,
        threaded: bool = False,
    ) -> Decorator:
        """Register a hook that runs after the handlers of every path its pattern matches, the narrowest first.

        With `always=True` it runs whatever came before, an abort or a failure too.
        """
        names = hook_methods(methods)

        def register(function: F) -> F:
            check_after(function, threaded)
            self._add_hook(route, function, subdomain, names, is_before=False, always=always, threaded=threaded)
            return function

        return self._taken_or_awaited(register, hook, route, 'AFTER')

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
        """Serve the files of a folder, at `/folder/*` unless `route` says otherwise.

        `index` is served for a folder; `fallback` for what is not there, to clients that ask for HTML; `cache` is a
        max-age in seconds or a Cache-Control. No listings, no dotfiles, nothing outside of the folder.
        """
        from heaven.assets import assets

        assets(self, folder, route, subdomain, relative_to, index, fallback, cache)

    def group(self, prefix: str, before: Handlers = ()) -> 'Registrar':
        """Return a registrar with all of these, under a prefix; `before` is hooks for each of its routes."""
        if '?' in prefix or not prefix.startswith('/'):
            raise UrlError(f'{prefix!r}: a prefix begins with a slash, and queries are written on the routes under it')
        whole = (self.prefix + prefix).rstrip('/')
        return Registrar(self.app, whole, self._label, (*self._before, *hooks_of(before)))

    def subdomain(self, name: str) -> 'Registrar':
        """Declare a subdomain, and return a registrar bound to it; `'*'` is for all that no other has.

        SubdomainError for a name that no host has as its first label.
        """
        label = checked_label(name)
        self._open().labels.add(label)
        return Registrar(self.app, self.prefix, label, self._before)

    def _add_hook(
        self,
        route: str,
        function: Handler | str,
        subdomain: str | None,
        methods: frozenset[str] | None,
        is_before: bool,
        always: bool = False,
        threaded: bool = False,
    ) -> None:
        registrations = self._open()
        check_function(function, f'the hook of {route}')
        label = self._label_of(subdomain, registrations)
        pattern = Pattern(route, registrations.types, self.prefix)
        if pattern.queries:
            raise UrlError(f'{pattern.text!r}: hooks are for paths, and queries are written on routes')
        if '%' in pattern.text:
            refuse_escapes(pattern.text)
        registrations.hooks.append(Hook(pattern, function, label, methods, is_before, always, threaded))


def refuse_escapes(text: str) -> None:
    """Raise UrlError for a pattern with an escape: paths are decoded before hooks are held against them."""
    from urllib.parse import unquote

    meant = unquote(text)
    if meant != text:
        raise UrlError(f'{text!r}: a hook is held against the decoded path: write {meant!r}')

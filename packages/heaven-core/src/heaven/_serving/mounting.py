"""Mounting: an app below another one."""

from typing import Any

from heaven._routing.path import WWW
from heaven._routing.pattern import Pattern
from heaven._serving.mounted import MountedASGI
from heaven._serving.registering_hooks import Registrar
from heaven._serving.registrations import Mount, Registrations, Route, registrations_of
from heaven._serving.subdomains import checked_label
from heaven.errors import UrlDuplicateError, UrlError
from heaven.types import App


def mount(parent: App, child: Any, prefix: str, isolated: bool, subdomain: str | None) -> None:
    """Mount an app on another; UrlDuplicateError for one that is mounted already."""
    registrations = registrations_of(parent)
    if registrations.is_locked:
        raise RuntimeError('the app is running: mount before it starts, or after it has shut down')
    if not callable(child):
        raise TypeError(f"{child!r:.80} is no ASGI app: write app.mount(other, '/prefix')")
    if '?' in prefix:
        raise UrlError(f'{prefix!r}: a prefix has no queries, the routes under it have')
    below = Pattern(f'{prefix.rstrip("/")}/*', registrations.types)
    label = None
    if subdomain is not None:
        label = checked_label(subdomain)
        registrations.labels.add(label)
    if isinstance(child, Registrar):
        has_prefix = len(below.segments) > 1
        mount_heaven(parent, child.app, Pattern(prefix, registrations.types) if has_prefix else None, label, isolated)
    else:
        mount_asgi(registrations, child, below, label or WWW)


def mount_heaven(parent: App, child: App, prefix: Pattern | None, label: str | None, isolated: bool) -> None:
    """Mount one of Heaven's apps."""
    mounted = registrations_of(child)
    if mounted.mount is not None or child is parent.outermost:
        raise UrlDuplicateError('an app is mounted once, and not on itself: mount app.copy() to serve it twice')
    if mounted.is_running:
        raise RuntimeError('the app to be mounted runs by itself: mount it before it starts, or mount app.copy()')
    mounted.mount = Mount(parent, child, prefix, label, isolated)
    registrations_of(parent).mounts.append(mounted.mount)


def mount_asgi(registrations: Registrations, child: Any, below: Pattern, label: str) -> None:
    """Mount any other ASGI app: it answers every method below its prefix, and WebSockets, and has its lifespan."""
    mounted = MountedASGI(child)
    claim = ('*', label, below.shape)
    if claim in registrations.claims:
        raise UrlDuplicateError(f'{below.text} is taken: {registrations.claims[claim]} is mounted there already')
    registrations.claims[claim] = below.text
    registrations.routes.append(Route(below, mounted, label, ('*', 'WS'), origins=('*',), is_mounted=True))
    registrations.mounted.append(mounted)

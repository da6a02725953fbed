"""The routes of an app, as text for a terminal."""

from collections.abc import Iterator
from textwrap import wrap

from heaven._command.tables import WIDTH
from heaven._command.telling import place, short
from heaven._routing.path import WWW
from heaven._serving.listing import CoveringHook, ListedRoute
from heaven._serving.methods import VERBS

INDENT = 10  # columns for the methods


def tell_routes(routes: list[ListedRoute]) -> str:
    """List routes, those of each subdomain and of each mounted app together: what it is, who serves it, its hooks."""
    without_heading = (WWW, None)  # comes first: further down they would seem to belong to the heading above
    groups: dict[tuple[str, str | None], list[ListedRoute]] = {without_heading: []}
    for route in routes:
        groups.setdefault((route.subdomain, route.mounted_at), []).append(route)
    blocks: list[str] = []
    for (subdomain, mounted_at), group in groups.items():
        title = heading(subdomain, mounted_at)
        if title:
            blocks.append(title)
        blocks += ['\n'.join(lines_of(route)) for route in group]
    return '\n\n'.join(blocks or ['The app has no routes.']) + '\n'


def heading(subdomain: str, mounted_at: str | None) -> str:
    """Return what stands above the routes of a subdomain or of a mounted app."""
    parts: list[str] = []
    if subdomain != WWW:
        parts.append(f'on the subdomain {subdomain}')
    if mounted_at is not None:
        parts.append(f'of the app that is mounted at {mounted_at}')
    text = ' '.join(parts)
    return text[:1].upper() + text[1:] + ':' if text else ''


def lines_of(route: ListedRoute) -> Iterator[str]:
    """Give the lines of a route."""
    yield spread(f'{methods_of(route):<{INDENT - 1}} {route.route}', route.name or '')
    handler = f'the mounted app {route.handler.name}' if route.is_mounted else short(route.handler)
    yield spread(' ' * INDENT + handler, place(route.handler))
    for label, is_before in (('before', True), ('after', False)):
        hooks = [hook_text(hook) for hook in route.hooks if hook.is_before is is_before]
        if hooks:
            text = f'{label}: {", ".join(hooks)}'
            yield from wrap(text, WIDTH, initial_indent=' ' * INDENT, subsequent_indent=' ' * (INDENT + 2))


def methods_of(route: ListedRoute) -> str:
    """Return the methods of a route: `any` for all that a mounted app is given, `HTTP` for those of `app.HTTP`."""
    if route.is_mounted:
        return 'any'
    return 'HTTP' if route.methods == VERBS else ' '.join(route.methods)


def hook_text(hook: CoveringHook) -> str:
    """Return the name of a hook, and what it is limited to."""
    limits = list(hook.methods or ())
    if not hook.covers_all:
        limits.append('some paths')
    return short(hook.function) + (f' ({", ".join(limits)})' if limits else '')


def spread(left: str, right: str) -> str:
    """Put one text at the left and one at the right end of a line; of two lines where they do not fit."""
    gap = WIDTH - len(left) - len(right)
    if not right:
        return left
    if gap < 1:
        return f'{left}\n{right:>{WIDTH}}'
    return f'{left}{" " * gap}{right}'

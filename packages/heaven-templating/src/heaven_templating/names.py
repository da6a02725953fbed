"""What every template can call besides what was passed: `url_for`, `asset` and `csp_nonce`."""

from __future__ import annotations

import hashlib
import os
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from heaven._routing import Pattern
from heaven._table import walk
from heaven.errors import HeavenError
from jinja2 import pass_context

from .environment import HERE, is_legal, near

if TYPE_CHECKING:
    from heaven import App, Request, Response
    from heaven.context import Context as HeavenContext
    from jinja2.runtime import Context

# The name under which a context holds a list that is empty until the first piece of a stream is out.
BEGUN = 'heaven.begun'

POLICY = "script-src 'self' 'nonce-{nonce}'; object-src 'none'; base-uri 'self'"
NONCED = ('script-src', 'script-src-elem', 'style-src', 'style-src-elem')


class MissingAsset(HeavenError, LookupError):
    """No folder given to `app.ASSETS` has the file: the message names the folders."""


@pass_context
def url_for(context: Context, name: str, /, **params: Any) -> str:
    """Gives the path of a named route: `{{ url_for('patient', id=7) }}`, as `req.url_for` does."""
    req, _, _, app = here(context)
    return root(req) + app.url(name, **params)


@pass_context
def asset(context: Context, name: str, /) -> str:
    """Gives the path of a file served by `app.ASSETS`, with a hash of its content, so that it can be cached for ever.

    `{{ asset('style.css') }}` is `/assets/style.css?v=2c26b46b68ff`. The folders of the app are searched, then those of
    the app that it is mounted on. MissingAsset if none has it.
    """
    req, _, _, app = here(context)
    known: dict[str, str] = context.environment.loader.assets.setdefault(app, {})  # type: ignore[union-attr]
    if name not in known or context.environment.auto_reload:
        known[name] = versioned(app, name)
    return root(req) + known[name]


@pass_context
def csp_nonce(context: Context) -> str:
    """Gives the nonce of this response, and allows it in its Content-Security-Policy (CSP level 3, section 2.3.1).

    `<script nonce="{{ csp_nonce() }}">` runs, other inline scripts do not. A policy that the response has is extended;
    without one it is `script-src 'self' 'nonce-...'; object-src 'none'; base-uri 'self'`. The nonce is kept as
    `ctx.csp_nonce`. RuntimeError where the header is on its way already, below the first piece of a stream.
    """
    _, res, ctx, _ = here(context)
    nonce: str | None = ctx.peek('csp_nonce')
    if nonce is None:
        if context.parent.get(BEGUN):
            raise RuntimeError(
                'csp_nonce() comes too late: the page is a stream and has begun; call it at the top of the page'
            )
        nonce = secrets.token_urlsafe(16)
        ctx.keep('csp_nonce', nonce)
        policies = res.headers.get('content-security-policy')
        allowed = (
            [allowing(policy, nonce) for policy in policies.split(',')] if policies else [POLICY.format(nonce=nonce)]
        )
        res.headers['content-security-policy'] = ', '.join(allowed)
    return nonce


def here(context: Context) -> tuple[Request, Response, HeavenContext, App]:
    """Gives what the render is for, whatever was passed under their names."""
    return context.parent[HERE]  # type: ignore[no-any-return]


def root(req: Request) -> str:
    """Gives the path under which a server serves the whole app, quoted."""
    return quote(str(req.scope.get('root_path', '')).rstrip('/'))


def versioned(app: App, name: str) -> str:
    """Finds a file in the folders of an app's assets and gives its path on the app, with the hash."""
    owner: App | None = app
    searched = []
    while owner is not None:
        for prefix, folder in owner._assets:
            file = os.path.join(folder, *name.split('/'))
            if is_legal(name) and '/.' not in f'/{name}' and os.path.isfile(file):
                with open(file, 'rb') as content:
                    version = hashlib.file_digest(content, 'sha256').hexdigest()[:12]
                return f'{served(owner, prefix, name)}?v={version}'
            searched.append(str(folder))
        owner = owner.parent
    where = ' or '.join(searched) or 'any folder: app.ASSETS(folder) serves one'
    there = {
        os.path.relpath(os.path.join(root, file), folder)
        for folder in searched
        for root, _, files in os.walk(folder)
        for file in files
    }
    raise MissingAsset(f'no asset {name!r} in {where}{near(name, there, 0.8)}')


def served(app: App, prefix: str, name: str) -> str:
    """Gives the path at which a file of an app's assets is served, the prefix of its mount included."""
    mounts = {place.app: place.prefix for place in walk(app._root())}
    return Pattern(f'{prefix}/*', app._types).under(mounts[app]).build({'*': name})


def allowing(policy: str, nonce: str) -> str:
    """Allows a nonce in one policy, for scripts, and for styles where the policy limits them."""
    directives: dict[str, list[str]] = {}
    for words in map(str.split, policy.split(';')):
        if words:
            directives.setdefault(words[0].lower(), words[1:])
    directives.setdefault('script-src', list(directives.get('default-src', ["'self'"])))
    for name in NONCED:
        if name in directives and "'unsafe-inline'" not in directives[name]:
            directives[name] = [word for word in directives[name] if word != "'none'"] + [f"'nonce-{nonce}'"]
    return '; '.join(' '.join([name, *words]) for name, words in directives.items())


NAMED: dict[str, Any] = {'url_for': url_for, 'asset': asset, 'csp_nonce': csp_nonce}

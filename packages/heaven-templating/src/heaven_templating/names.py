"""What every template can call besides what was passed: `url_for`, `asset` and `csp_nonce`."""

import hashlib
import os
import secrets
from typing import Any
from urllib.parse import quote

from heaven import App, Request
from heaven.assets import AssetFolder
from heaven.errors import HeavenError
from jinja2 import pass_context
from jinja2.runtime import Context

from .environment import RENDER
from .folders import is_legal
from .render import Render
from .wording import near

POLICY = "script-src 'self' 'nonce-{nonce}'; object-src 'none'; base-uri 'self'"
NONCED = ('script-src', 'script-src-elem', 'style-src', 'style-src-elem')


class MissingAsset(HeavenError, LookupError):
    """No folder given to `app.ASSETS` has the file: the message names the folders."""


@pass_context
def url_for(context: Context, name: str, /, **params: Any) -> str:
    """Return the path of a named route, as `req.url_for` does.

    `{{ url_for('patient', id=7) }}` is `/patients/7`.
    """
    render = render_of(context)
    return root(render.trio[0]) + render.app.url(name, **params)


@pass_context
def asset(context: Context, name: str, /) -> str:
    """Return the path of a file served by `app.ASSETS`, with a hash of its content, so that it can be cached for ever.

    `{{ asset('style.css') }}` is `/assets/style.css?v=2c26b46b68ff`. The folders of the app are searched, then those of
    the app that it is mounted on. MissingAsset if none has it.
    """
    render = render_of(context)
    known = render.environment.loader.assets.setdefault(render.app, {})
    if name not in known or render.environment.auto_reload:
        known[name] = versioned(render.app, name)
    return root(render.trio[0]) + known[name]


@pass_context
def csp_nonce(context: Context) -> str:
    """Return the nonce of this response, and allow it in its Content-Security-Policy (CSP level 3, section 2.3.1).

    `<script nonce="{{ csp_nonce() }}">` runs, other inline scripts do not. A policy that the response has is extended;
    without one it is `script-src 'self' 'nonce-...'; object-src 'none'; base-uri 'self'`. The nonce is kept as
    `ctx.csp_nonce`. RuntimeError where the header is on its way already, below the first piece of a stream.
    """
    render = render_of(context)
    _, res, ctx = render.trio
    nonce: str | None = ctx.peek('csp_nonce')
    if nonce is not None:
        return nonce
    if render.has_begun:
        raise RuntimeError(
            'csp_nonce() comes too late: the page is a stream and has begun; call it at the top of the page'
        )
    nonce = secrets.token_urlsafe(16)
    ctx.keep('csp_nonce', nonce)
    policies = res.headers.get('content-security-policy')
    if policies:
        allowed = ', '.join(allowing(policy, nonce) for policy in policies.split(','))
    else:
        allowed = POLICY.format(nonce=nonce)
    res.headers['content-security-policy'] = allowed
    return nonce


def render_of(context: Context) -> Render:
    """Return the render that a template is part of, whatever was passed under the names it has there."""
    return context.parent[RENDER]  # type: ignore[no-any-return]


def root(req: Request) -> str:
    """Return the path under which a server serves the whole app, quoted."""
    return quote(str(req.scope.get('root_path') or '').rstrip('/'))


def versioned(app: App, name: str) -> str:
    """Find a file in the folders of an app's assets and return its path on the server's app, with the hash."""
    searched: list[AssetFolder] = []
    owner: App | None = app
    while owner is not None:
        for folder in owner.assets:
            file = os.path.join(folder.folder, *name.split('/'))
            if is_legal(name) and '/.' not in f'/{name}' and os.path.isfile(file):
                return f'{folder.url(owner, name)}?v={version_of(file)}'
            searched.append(folder)
        owner = owner.parent
    where = ' or '.join(folder.folder for folder in searched) or 'any folder: app.ASSETS(folder) serves one'
    there = {each for folder in searched for each in files_in(folder.folder)}
    raise MissingAsset(f'no asset {name!r} in {where}{near(name, there, 0.8)}')


def version_of(file: str) -> str:
    """Return a hash of the content of a file."""
    with open(file, 'rb') as content:
        return hashlib.file_digest(content, 'sha256').hexdigest()[:12]


def files_in(folder: str) -> list[str]:
    """Return the paths of all files in a folder, relative to it."""
    return [os.path.relpath(os.path.join(root, file), folder) for root, _, files in os.walk(folder) for file in files]


def allowing(policy: str, nonce: str) -> str:
    """Allow a nonce in one policy, for scripts, and for styles where the policy limits them."""
    directives: dict[str, list[str]] = {}
    for words in map(str.split, policy.split(';')):
        if words:
            directives.setdefault(words[0].lower(), words[1:])
    directives.setdefault('script-src', list(directives.get('default-src', ["'self'"])))
    for name in NONCED:
        if name in directives and "'unsafe-inline'" not in directives[name]:
            directives[name] = [word for word in directives[name] if word != "'none'"] + [f"'nonce-{nonce}'"]
    return '; '.join(' '.join([name, *words]) for name, words in directives.items())


FUNCTIONS: dict[str, Any] = {'url_for': url_for, 'asset': asset, 'csp_nonce': csp_nonce}

"""Paths in unusual spellings: escapes, root paths, absolute targets. Ordinary requests never come here."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from heaven.types import Scope

ABSOLUTE = re.compile(r'\A[a-z][a-z0-9+.-]*://[^/?#]*', re.I)


def spelled(scope: Scope) -> tuple[str, list[str]] | None:
    """Gives the path, and its segments split as sent and decoded after; None for a target that is no path.

    `path` is the authority: `raw_path` counts only where it decodes to it. What is not UTF-8 becomes U+FFFD.
    """
    path, raw = scope['path'], bytes(scope.get('raw_path') or b'')
    sent = raw.decode('latin-1') if decoded(raw) == path else ''
    path, sent = ABSOLUTE.sub('', path, count=1) or '/', ABSOLUTE.sub('', sent, count=1)
    if not path.startswith('/'):
        return None
    root, split = str(scope.get('root_path') or '').rstrip('/'), path.split('/')
    segments = [decoded(part.encode('latin-1')) for part in sent.split('/')] if sent.startswith('/') else list(split)
    if root and f'{path}/'.startswith(f'{root}/'):
        deep = root.count('/')
        path = path[len(root) :] or '/'
        segments = ['', *segments[deep + 1 :]] if segments[: deep + 1] == split[: deep + 1] else path.split('/')
    return path, segments if len(segments) > 1 else ['', '']


def decoded(raw: bytes) -> str:
    return unquote_to_bytes(raw).decode('utf-8', 'replace')

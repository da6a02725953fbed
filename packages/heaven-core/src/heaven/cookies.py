"""Set-Cookie lines, strict where a browser would be (RFC 6265bis)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from heaven.headers import TOKEN

OCTETS = frozenset(map(chr, range(0x21, 0x7F))) - frozenset('",;\\')
ATTRIBUTE = frozenset(map(chr, range(0x20, 0x7F))) - frozenset(';')


def set_cookie(
    name: str,
    value: str | int | None,
    path: str | None,
    max_age: int | None,
    expires: Any,
    domain: str | None,
    secure: bool,
    httponly: bool,
    samesite: str | None,
    partitioned: bool,
) -> str:
    """Builds the value of a Set-Cookie header; ValueError for what a cookie may not be."""
    if not name or not TOKEN.issuperset(name):
        raise ValueError(f'{name!r:.80} is no cookie name: use letters, digits, hyphens and underscores')
    text = '' if value is None else str(value)
    inner = text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
    if not OCTETS.issuperset(inner):
        raise ValueError(
            f'a cookie cannot hold {text!r:.80}: quote it with urllib.parse.quote(value), unquote when read'
        )
    for attribute, allowed in ((path, ATTRIBUTE), (domain, TOKEN)):
        if attribute is not None and not allowed.issuperset(attribute):
            raise ValueError(f'a cookie attribute cannot hold {attribute!r:.80}: use urllib.parse.quote(path)')
    prefix = name.lower()
    if prefix.startswith(('__secure-', '__host-')) and not secure:
        raise ValueError(f'{name} needs secure=True')
    if prefix.startswith('__host-') and (domain or path != '/'):
        raise ValueError(f"{name} needs path='/' and no domain")
    if value is None:
        max_age, expires = 0, 0
    parts = [f'{name}={text}']
    if expires is not None:
        from email.utils import format_datetime

        moment = expires if isinstance(expires, datetime) else datetime.fromtimestamp(expires, UTC)
        parts.append('Expires=' + format_datetime(moment.astimezone(UTC), usegmt=True))
    if max_age is not None:
        parts.append(f'Max-Age={int(max_age)}')
    if domain:
        parts.append(f'Domain={domain}')
    if path:
        parts.append(f'Path={path}')
    if samesite is not None:
        same = str(samesite).capitalize()
        if same not in ('Lax', 'Strict', 'None'):
            raise ValueError(f"samesite is 'Lax', 'Strict' or 'None', not {samesite!r}")
        if same == 'None' and not secure:
            raise ValueError('SameSite=None needs secure=True')
        parts.append(f'SameSite={same}')
    if partitioned and not secure:
        raise ValueError('partitioned needs secure=True')
    for flag, word in ((secure, 'Secure'), (httponly, 'HttpOnly'), (partitioned, 'Partitioned')):
        if flag:
            parts.append(word)
    return '; '.join(parts)

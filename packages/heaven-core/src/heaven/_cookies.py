"""Set-Cookie lines, strict where a browser would be (RFC 6265bis)."""

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
    text = '' if value is None else str(value)
    inner = text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
    same = None if samesite is None else str(samesite).capitalize()
    host, prefixed = (name.lower().startswith(prefix) for prefix in ('__host-', ('__host-', '__secure-')))
    for wrong, why in (
        (not name or not TOKEN.issuperset(name), '{name!r:.80} is no cookie name: use letters, digits, - and _'),
        (
            not OCTETS.issuperset(inner),
            'a cookie cannot hold {text!r:.80}: quote it with urllib.parse.quote(value), unquote when read',
        ),
        (
            not ATTRIBUTE.issuperset(path or ''),
            'a cookie attribute cannot hold {path!r:.80}: use urllib.parse.quote(path)',
        ),
        (not TOKEN.issuperset(domain or ''), 'the domain of a cookie cannot be {domain!r:.80}'),
        (prefixed and not secure, '{name} needs secure=True'),
        (host and (domain or path != '/'), "{name} needs path='/' and no domain"),
        (same not in (None, 'Lax', 'Strict', 'None'), "samesite is 'Lax', 'Strict' or 'None', not {samesite!r}"),
        (same == 'None' and not secure, 'SameSite=None needs secure=True'),
        (partitioned and not secure, 'partitioned needs secure=True'),
    ):
        if wrong:
            raise ValueError(why.format(name=name, text=text, path=path, domain=domain, samesite=samesite))
    if value is None:
        max_age, expires = 0, 0
    if expires is not None:
        from email.utils import formatdate

        expires = formatdate(expires.timestamp() if hasattr(expires, 'timestamp') else expires, usegmt=True)
    named = {
        'Expires': expires,
        'Max-Age': None if max_age is None else str(int(max_age)),
        'Domain': domain,
        'Path': path,
        'SameSite': same,
    }
    flags = {'Secure': secure, 'HttpOnly': httponly, 'Partitioned': partitioned}
    attributes = [f'{key}={given}' for key, given in named.items() if given]
    return '; '.join([f'{name}={text}', *attributes, *(flag for flag, wanted in flags.items() if wanted)])

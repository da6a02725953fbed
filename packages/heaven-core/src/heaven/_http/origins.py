"""Origins (RFC 6454): checked where they are configured, and compared with the host of a request."""

import re
from collections.abc import Iterable

ORIGIN = re.compile(r'[a-z][a-z0-9+.-]*://(\[[0-9a-f:.]+\]|[0-9a-z._~-]+)(:[0-9]{1,5})?')  # as browsers send one


def checked_origins(origins: str | Iterable[str]) -> frozenset[str]:
    """Return origins as a set, one or several; ValueError for what no browser would send as one."""
    names = [origins] if isinstance(origins, str) else list(origins)
    for name in names:
        check_origin(name)
    return frozenset(names)


def check_origin(origin: str) -> None:
    """Raise ValueError for what no browser sends as an origin, or what any page can have as one."""
    if origin == 'null':
        raise ValueError("'null' is the origin of many pages, any sandboxed frame among them: it cannot be named")
    if not isinstance(origin, str) or not ORIGIN.fullmatch(origin) or origin != without_default_port(origin):
        raise ValueError(
            f'{origin!r:.80} is no origin as browsers send it: write scheme and host in lower case, the port unless it '
            "is the usual one, and no path, as in 'https://example.com' or 'http://localhost:5173'"
        )


def is_own_origin(origin: str, scheme: str, host: str) -> bool:
    """Tell whether an origin is that of a request, by its host and port.

    A request that came as `https` or `wss` has to have a secure origin. One that did not may come from a proxy, which
    was asked securely.
    """
    is_secure = scheme in ('https', 'wss') or origin.lower().startswith('https:')
    own = 'https' if is_secure else 'http'
    return without_default_port(origin) == without_default_port(f'{own}://{host}')


def without_default_port(origin: str) -> str:
    """Return an origin in lower case, without the port that its scheme has anyway."""
    origin = origin.lower()
    return origin.removesuffix(':443' if origin.startswith('https:') else ':80')

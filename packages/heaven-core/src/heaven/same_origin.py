"""The check of origins: no page of another origin changes anything here (`app.same_origin`)."""

from collections.abc import Iterable

from heaven._http.origins import checked_origins, is_own_origin
from heaven.errors import CrossOrigin
from heaven.types import Context, Request, Response

SAFE = frozenset({'GET', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY'})  # they change nothing (RFC 9110, 9.2.1)


class SameOrigin:
    """What `app.same_origin` has configured: it refuses what pages of other origins send."""

    preflight = None

    def __init__(self, trusted: str | Iterable[str] = ()) -> None:
        self.trusted: frozenset[str] = checked_origins(trusted)

    def trusting(self, origins: frozenset[str]) -> 'SameOrigin':
        """Return a check that trusts further origins."""
        return SameOrigin(self.trusted | origins)

    def enter(self, req: Request, res: Response, ctx: Context) -> None:
        """Let a request in, or raise CrossOrigin: a 403."""
        if req.method in SAFE or self.is_allowed(req):
            return
        raise CrossOrigin(
            f'{req.method} is for pages of this site: the browser says that a page of another origin sends this'
        )

    def is_allowed(self, req: Request) -> bool:
        """Tell whether a request comes from a page of this origin, from a trusted one, or from no browser.

        Browsers say it in Sec-Fetch-Site (Fetch Metadata, 2.3), which no page can change: `none` is a person, who has
        typed an address. Where they do not, for a site without TLS or in old browsers, Origin is held against Host.
        """
        origin = req.headers.get('origin')
        if origin in self.trusted:
            return True
        site = req.headers.get('sec-fetch-site')
        if site is not None:
            return site in ('same-origin', 'none')
        return origin is None or is_own_origin(origin, req.scheme, req.host)

    def leave(self, req: Request, res: Response, ctx: Context) -> None:
        """Do nothing: the check is over."""

"""Cross-origin resource sharing: what pages of other origins may ask for and read (`app.cors`; Fetch, 3.2)."""

from collections.abc import Iterable

from heaven._http.headers import TOKEN, header_name
from heaven._http.origins import checked_origins
from heaven._serving.methods import route_methods
from heaven.types import Context, Request, Response

ALLOW_ORIGIN = 'access-control-allow-origin'
Names = str | Iterable[str]


class Cors:
    """What `app.cors` has configured: it answers preflights, and sets the headers of every other answer."""

    def __init__(
        self, origins: Names, methods: Names, headers: Names, credentials: bool, expose: Names, max_age: int
    ) -> None:
        named = listed(origins)
        if not named:
            raise ValueError("app.cors allows nobody: name an origin, as in origins=['https://example.com']")
        self.is_for_all: bool = '*' in named
        if self.is_for_all and len(named) > 1:
            raise ValueError("'*' is every origin: write origins='*', or name those that are meant")
        if self.is_for_all and credentials:
            raise ValueError(
                'credentials=True with every origin would let any page act for the people who visit it: name the '
                "origins, as in origins=['https://example.com']"
            )
        self.origins: frozenset[str] = frozenset() if self.is_for_all else checked_origins(named)
        self.methods: list[str] = ['*'] if '*' in listed(methods) else list(route_methods(methods))
        self.headers: list[str] = header_names(headers)
        self.credentials = credentials
        self.expose: list[str] = header_names(expose)
        if '*' in self.expose and credentials:
            raise ValueError("expose='*' means nothing to browsers with credentials=True: name the headers")
        if isinstance(max_age, bool) or not isinstance(max_age, int) or max_age < 0:
            raise ValueError(f'max_age is an int: the seconds that browsers remember a preflight, not {max_age!r:.80}')
        self.max_age = max_age

    def allowed_origin(self, req: Request) -> str | None:
        """Return the origin that may read an answer; None if that of the request may not."""
        if self.is_for_all:
            return '*'
        origin = req.headers.get('origin')
        return origin if origin in self.origins else None

    def enter(self, req: Request, res: Response, ctx: Context) -> None:
        """Do nothing: CORS keeps no request from its handler, only its answer from a page."""

    def leave(self, req: Request, res: Response, ctx: Context) -> None:
        """Say who may read the answer, unless a handler or a mounted app has said so by itself."""
        if not self.is_for_all:
            res.headers.vary('Origin')
        origin = self.allowed_origin(req)
        if origin is None or ALLOW_ORIGIN in res.headers:
            return
        res.header(ALLOW_ORIGIN, origin)
        if self.credentials:
            res.header('access-control-allow-credentials', 'true')
        if self.expose:
            res.header('access-control-expose-headers', ', '.join(self.expose))

    def preflight(self, req: Request, res: Response, ctx: Context) -> None:
        """Answer a preflight with what may be asked for; to a page that may ask for nothing, with nothing."""
        res.status = 204
        if self.allowed_origin(req) is None:
            return
        self._allow('methods', self.methods, 'access-control-request-method', req, res)
        self._allow('headers', self.headers, 'access-control-request-headers', req, res)
        res.header('access-control-max-age', self.max_age)

    def _allow(self, what: str, names: list[str], asked_in: str, req: Request, res: Response) -> None:
        """Allow methods or headers by name; where all are allowed, those that are asked for."""
        if '*' in names:
            res.headers.vary(asked_in)
            asked = [name.strip(' \t') for name in req.headers.get(asked_in, '').split(',')]
            names = [name for name in asked if name and TOKEN.issuperset(name)]
        if names:
            res.header(f'access-control-allow-{what}', ', '.join(names))


def listed(names: Names) -> list[str]:
    """Return one name or several as a list."""
    return [names] if isinstance(names, str) else list(names)


def header_names(names: Names) -> list[str]:
    """Return names of headers as a list; ValueError for what is none."""
    for name in listed(names):
        header_name(name)
    return listed(names)

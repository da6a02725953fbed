"""Folders of files on the web: `app.ASSETS`."""

import os
from pathlib import PurePath
from typing import Any

from heaven._http.accept import weights_of
from heaven._http.files import Candidate, FileBody
from heaven._http.headers import header_text
from heaven._http.locations import quoted_location
from heaven._routing.pattern import Pattern
from heaven._serving.compile import placements
from heaven._serving.registrations import registrations_of
from heaven.types import App, Context, Request, Response


class AssetFolder:
    """A folder that `app.ASSETS` serves: no listings, no dotfiles, no links out.

    `folder` is its absolute path, `prefix` the path on the app below which its files are, `route` the pattern of
    these. `index` is the file that stands for a folder; `fallback` stands for a miss, where a browser asks for a page.
    """

    def __init__(
        self,
        folder: str,
        prefix: str,
        index: str | None = None,
        fallback: str | None = None,
        cache: int | str | None = None,
    ) -> None:
        self.folder = folder
        self.prefix = prefix
        self.route: str = f'{prefix}/*'
        self.index = index
        self.fallback = fallback
        self.cache_control: str | None = cache_control_of(cache)

    def check(self) -> None:
        """Raise FileNotFoundError if the folder is not there; done when the app starts."""
        if not os.path.isdir(self.folder):
            raise FileNotFoundError(
                f'app.ASSETS is to serve {self.route} from {self.folder!r}, and there is no such folder: '
                'a relative one is taken from the working directory, or from the folder of a file, relative_to=__file__'
            )

    def url(self, app: App, name: str) -> str:
        """Return the path of a file of this folder, quoted, with the prefixes of mounts; `app` is the app that has it.

        The root path of the server is not part of it. UrlError for a name that is no path below the folder.

            for folder in app.assets:
                print(folder.url(app, 'css/a b.css'))   # /assets/css/a%20b.css
        """
        registrations = registrations_of(app)
        prefix = next(place.prefix for place in placements(registrations.root) if place.registrations is registrations)
        return Pattern(self.route, registrations.types).under(prefix).build({'*': name})

    def handler(self, req: Request, res: Response, ctx: Context) -> None:
        """Send the file of this path; or its index, or the fallback; else a 404."""
        path: str = req.params['*']
        candidates: list[Candidate] = []
        if '/.' not in f'/{path}':
            candidates.append(Candidate(path, self.cache_control))
            if self.index is not None:
                candidates.append(self._index_of(path, self.index, req))
        if self.fallback is not None and accepts_html(req.headers.get('accept', '')):
            candidates.append(self._page(self.fallback))
        res.file(path, within=self.folder)
        body: FileBody = res.body
        body.candidates = candidates

    def _index_of(self, path: str, index: str, req: Request) -> Candidate:
        """Return the index of a folder; asked for without its slash, the folder is redirected to it."""
        if path.endswith('/'):
            return Candidate(f'{path}{index}', self.cache_control)
        if path:
            return Candidate(f'{path}/{index}', location=with_slash(req.url))
        if req.url.partition('?')[0].endswith('/'):
            return Candidate(index, self.cache_control)
        return Candidate(index, location=with_slash(req.url))

    def _page(self, fallback: str) -> Candidate:
        """Return the page for a miss. It is not cached: it stands for pages that change."""
        cache_control = 'no-cache' if self.cache_control else None
        return Candidate(fallback, cache_control, vary='Accept')


def assets(
    registrar: Any,
    folder: str | os.PathLike[str],
    route: str | None,
    subdomain: str | None,
    relative_to: str | None,
    index: str | None,
    fallback: str | None,
    cache: int | str | None,
) -> None:
    """Register a folder: its route, and with the app, which checks it at startup.

    A relative folder is taken from the folder of the file `relative_to`, else from the working directory.
    """
    base = os.path.dirname(relative_to or '')
    path = os.path.abspath(os.path.join(base, folder))
    prefix = prefix_of(folder, route)
    served = AssetFolder(path, registrar.prefix + prefix, index, fallback, cache)
    registrar.GET(f'{prefix}/*', served.handler, subdomain)
    registrar.app.assets.append(served)


def prefix_of(folder: str | os.PathLike[str], route: str | None) -> str:
    """Return the path below which the files of a folder are: that of `route`, else the name of the folder."""
    if route is not None:
        return route.removesuffix('*').rstrip('/')
    path = PurePath(folder)
    if path.is_absolute() or '..' in path.parts:
        return f'/{path.name}'
    return f'/{path.as_posix()}'


def cache_control_of(cache: int | str | None) -> str | None:
    """Return the Cache-Control that `cache` means: an int is a max-age in seconds."""
    if cache is None:
        return None
    if isinstance(cache, str):
        return header_text(cache).decode('latin-1')
    if isinstance(cache, bool) or not isinstance(cache, int) or cache < 0:
        raise ValueError(f'cache is a max-age, in seconds, or a Cache-Control, not {cache!r:.80}')
    return f'max-age={cache}'


def with_slash(url: str) -> str:
    """Return the path of a URL with a slash at its end, its query kept, for a Location.

    with_slash('http://localhost/docs?page=1')      # '/docs/?page=1'
    """
    before_query, mark, query = url.partition('?')
    path = ''.join(before_query.split('/', 3)[3:]).strip('/')
    if path:
        path = f'/{path}'
    return quoted_location(f'{path}/{mark}{query}')  # with one slash at the beginning, for `//` begins a host


def accepts_html(accept: str) -> bool:
    """Tell whether a client names `text/html` among what it accepts, and not as refused."""
    return weights_of(accept).get('text/html', 0.0) != 0

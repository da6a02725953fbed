"""Files out: one range, conditions, downloads and folders of assets, by RFC 9110; the disk is touched in threads."""

import os
import re
import time
from asyncio import to_thread
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC
from email.utils import formatdate, parsedate_to_datetime
from hashlib import blake2b
from pathlib import PurePath
from typing import IO, Any
from urllib.parse import quote

from heaven.errors import Abort, refuse
from heaven.response import FILE, KINDS
from heaven.types import Context, Request, Response

# bytes, and two times in ns: longer than a step of any kernel's file clock, and than one of seconds
CHUNK, TICK, COARSE = 256 * 2**10, 20_000_000, 2_000_000_000

TYPES = {
    f'.{suffix}': f'{kind}; charset=utf-8' if kind.startswith('text/') else kind
    for kind, *suffixes in map(
        str.split,
        """
        application/atom+xml atom
        application/epub+zip epub
        application/gzip gz tgz
        application/java-archive jar
        application/json json map
        application/ld+json jsonld
        application/manifest+json webmanifest
        application/msword doc
        application/pdf pdf
        application/postscript ps eps ai
        application/rss+xml rss
        application/rtf rtf
        application/vnd.ms-excel xls
        application/vnd.ms-powerpoint ppt
        application/vnd.oasis.opendocument.presentation odp
        application/vnd.oasis.opendocument.spreadsheet ods
        application/vnd.oasis.opendocument.text odt
        application/vnd.openxmlformats-officedocument.presentationml.presentation pptx
        application/vnd.openxmlformats-officedocument.spreadsheetml.sheet xlsx
        application/vnd.openxmlformats-officedocument.wordprocessingml.document docx
        application/wasm wasm
        application/x-7z-compressed 7z
        application/x-bzip2 bz2
        application/x-tar tar
        application/x-xz xz
        application/xhtml+xml xhtml
        application/xml xml xsl xsd
        application/yaml yaml yml
        application/zip zip
        application/zstd zst
        audio/aac aac
        audio/flac flac
        audio/midi mid midi
        audio/mp4 m4a
        audio/mpeg mp3
        audio/ogg oga ogg opus
        audio/wav wav
        audio/webm weba
        font/collection ttc
        font/otf otf
        font/ttf ttf
        font/woff woff
        font/woff2 woff2
        image/apng apng
        image/avif avif
        image/bmp bmp
        image/gif gif
        image/heic heic
        image/jpeg jpg jpeg
        image/jxl jxl
        image/png png
        image/svg+xml svg
        image/tiff tif tiff
        image/vnd.microsoft.icon ico
        image/webp webp
        message/rfc822 eml
        text/calendar ics
        text/css css
        text/csv csv
        text/html html htm
        text/javascript js mjs
        text/markdown md
        text/plain txt text log conf ini py c h sh toml
        text/tab-separated-values tsv
        text/vcard vcf
        text/vtt vtt
        video/mp2t ts
        video/mp4 mp4 m4v
        video/mpeg mpeg mpg
        video/ogg ogv
        video/quicktime mov
        video/webm webm
        video/x-matroska mkv
        video/x-msvideo avi
        """.strip().splitlines(),
    )
    for suffix in suffixes
}

UNSOUND = re.compile(
    r'[\x00-\x1f\x7f\\:]|(?:^|/)(?:(?:[^/]*[. ])?'
    r'| *(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³]) *(?:\.[^/]*)?)(?:/|\Z)',
    re.IGNORECASE,
)
DATE = re.compile(
    r'[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [1-9][0-9]{3} [0-9]{2}(:[0-9]{2}){2} GMT'  # Sun, 06 Nov 1994 08:49:37 GMT
    r'|[A-Z][a-z]{2,5}day, [0-9]{2}-[A-Z][a-z]{2}-[0-9]{2} [0-9]{2}(:[0-9]{2}){2} GMT'  # Sunday, 06-Nov-94 08:49:37 GMT
    r'|[A-Z][a-z]{2} [A-Z][a-z]{2} [0-9 ][0-9] [0-9]{2}(:[0-9]{2}){2} [1-9][0-9]{3}'  # Sun Nov  6 08:49:37 1994
)
TAG = re.compile('(?:W/)?"[!#-~\x80-\xff]*"')
RANGE = re.compile(
    r'bytes=(?:[ \t]*+,[ \t]*+)*+(?=-?[0-9])([0-9]*)-([0-9]*)(?:[ \t]*+,)*+[ \t]*', re.ASCII | re.IGNORECASE
)


def disposition(filename: str) -> str:
    """Names a download (RFC 6266): in ASCII for old clients, and in full (RFC 8187) where that is not the name."""
    name = re.sub('[\x00-\x1f\x7f-\x9f]', '_', filename.replace('\\', '/').rpartition('/')[2])
    plain, full = re.sub('[^ !#-$&-~]', '_', name), quote(name, safe='!#$&+-.^_`|~', errors='replace')
    return f'attachment; filename="{plain}"' + (f"; filename*=UTF-8''{full}" if plain != name else '')


def read_date(text: str) -> float:
    """Reads an HTTP date in any of its three forms (RFC 9110, 5.6.7); NaN, which compares with nothing, for others."""
    try:
        return parsedate_to_datetime(text if DATE.fullmatch(text) else '').replace(tzinfo=UTC).timestamp()
    except ValueError:
        return float('nan')


def decide(req: Request, etag: str, modified: int, size: int) -> tuple[int, tuple[int, int] | None, str | None]:
    """Gives the status of a GET or HEAD, the first byte and the end of what is sent, if any, and the Content-Range.

    Conditions come in the order of RFC 9110, 13.2.2. A range is ignored if it is invalid, one of several, in another
    unit, or if If-Range names another version; a date names one only if the file was a second old (13.1.5 and 14.2).
    """
    match, none_match, validator = map(req.headers.get, ('if-match', 'if-none-match', 'if-range'))
    lost = (
        modified > read_date(req.headers.get('if-unmodified-since', ''))
        if match is None
        else match.strip() != '*' and (etag.startswith('W/') or etag not in TAG.findall(match))
    )
    same = (
        modified <= read_date(req.headers.get('if-modified-since', ''))
        if none_match is None
        else none_match.strip() == '*'
        or etag.removeprefix('W/') in (tag.removeprefix('W/') for tag in TAG.findall(none_match))
    )
    if lost or same:
        return 412 if lost else 304, None, None
    asked = (
        req.method == 'GET'
        and (
            validator is None
            or validator == etag
            and not etag.startswith('W/')
            or read_date(validator) == modified < time.time() - 1
        )
        and RANGE.fullmatch(req.headers.get('range', ''))
    )
    first, last = (int(digits.lstrip('0')[:19] or 0) for digits in (asked.groups() if asked else ('', '')))
    if not asked or asked[2] and last < first or not asked[1] and last > size == 0:
        return 200, (0, size), None
    first, end = (first, min(last + 1, size) if asked[2] else size) if asked[1] else (max(size - last, 0), size)
    return (206, (first, end), f'bytes {first}-{end - 1}/{size}') if first < size else (416, None, f'bytes */{size}')


def opened(paths: list[tuple[str, Any]], within: str | None) -> tuple[IO[bytes], str, Any]:
    """Opens the first regular file, with `within` only one that is lexically and really inside; Abort(404) if none."""
    for path, cache in paths:
        if within is None or len(path) <= 4096 and not UNSOUND.search(path):
            with suppress(FileNotFoundError, PermissionError, ValueError):
                base = '' if within is None else os.path.join(os.path.realpath(within), '')
                real = os.path.realpath(base + path) if base else path
                if real.startswith(base) and os.path.isfile(real):
                    return open(real, 'rb', 0), path, cache
    raise Abort(404)


class FileBody:
    """The body that `res.file` sets: the file is opened, and the answer decided, when it is about to be sent."""

    def __init__(self, filename: str | None, within: Any, *paths: tuple[Any, Any]) -> None:
        self.paths = [(path.as_posix() if isinstance(path, PurePath) else os.fsdecode(path), on) for path, on in paths]
        self.filename, self.within = filename, None if within is None else os.fsdecode(within)

    async def prepare(self, req: Request, res: Response) -> None:
        """Sets status, headers and body by the file and the request; Abort(404) if there is no such file.

        The ETag is strong if no later write can leave both time and size of the file as they are.
        """
        await to_thread(self._prepare, req, res)

    def _prepare(self, req: Request, res: Response) -> None:
        (file, path, cache), headers = opened(self.paths, self.within), res.headers
        if 0 <= (age := time.time_ns() - os.fstat(file.fileno()).st_mtime_ns) < TICK:
            time.sleep((TICK - age) / 1e9)
        state = os.fstat(file.fileno())
        size, modified = state.st_size, min(state.st_mtime_ns // 10**9, int(time.time()))
        digest = blake2b(f'{state.st_mtime_ns}-{size}-{state.st_ino}'.encode(), digest_size=12).hexdigest()
        headers.setdefault('cache-control', cache)
        etag = headers.setdefault(
            'etag',
            f'W/"{digest}"'
            if 0 <= time.time_ns() - state.st_mtime_ns < (TICK if state.st_mtime_ns % 10**9 else COARSE)
            else f'"{digest}"',
        )
        status, span, part = (
            decide(req, etag, modified, size)
            if res.status == 200 and req.method in ('GET', 'HEAD')
            else (res.status, (0, size), None)
        )
        first, end = span or (0, 0)
        body = chunks(file, state, first, end)
        next(body)
        res.out(
            status,
            body if span and (req.method == 'HEAD' or end - first > CHUNK) else b''.join(body) or None,
            {
                'content-range': part,
                'accept-ranges': 'bytes',
                'content-length': end - first,
                'last-modified': formatdate(modified, usegmt=True),
                'content-type': headers.get('content-type')
                or TYPES.get(os.path.splitext(path)[1].lower(), 'application/octet-stream'),
                'content-disposition': headers.get('content-disposition')
                if self.filename is None
                else disposition(self.filename),
            }
            if span
            else {'content-range': part},
        )


KINDS[FileBody] = FILE


def chunks(file: IO[bytes], state: os.stat_result, first: int, end: int) -> Iterator[bytes]:
    """Gives a part of an open file, RuntimeError if it changes meanwhile, and closes it.

    What comes first is empty: after it an end before the end closes the file too.
    """
    with file:
        file.seek(first)
        yield b''
        while first < end:
            data, now = file.read(min(CHUNK, end - first)), os.fstat(file.fileno())
            refuse(
                not data
                or (now.st_size, now.st_mtime_ns) != (state.st_size, state.st_mtime_ns)
                or now.st_nlink < min(state.st_nlink, 1)
                and os.path.lexists(file.name),
                RuntimeError,
                f'{file.name} changed while it was sent',
            )
            first += len(data)
            yield data


def assets(
    app: Any,
    folder: str | os.PathLike[str],
    route: str | None,
    subdomain: str | None,
    relative_to: str | None,
    index: str | None,
    fallback: str | None,
    cache: int | str | None,
) -> None:
    """Serves the files of a folder at `/folder/*`, or at `route`; no listings, no dotfiles, no links out.

    `index` is the file that stands for a folder, `fallback` the one for every miss; `cache` is a max-age in seconds or
    a Cache-Control, which the fallback does not get: it stands for pages that change.
    """
    name, base = PurePath(folder), os.path.abspath(os.path.join(os.path.dirname(relative_to or ''), folder))
    control = f'max-age={cache}' if isinstance(cache, int) else cache
    prefix = (
        route.removesuffix('*').rstrip('/')
        if route is not None
        else f'/{name.name}'
        if name.is_absolute() or '..' in name.parts
        else f'/{name.as_posix()}'
    )

    def serve(req: Request, res: Response, ctx: Context) -> None:
        path = '' if (hidden := '/.' in f'/{req.params["*"]}') else req.params['*']
        listed = '' if hidden or index is None else f'{path.removesuffix("/")}/{index}' if path else index
        res.body = FileBody(None, base, (path, control), (listed, control), (fallback or '', control and 'no-cache'))

    app.GET(f'{prefix}/*', serve, subdomain)
    app._app._assets.append((app._prefix + prefix, base))

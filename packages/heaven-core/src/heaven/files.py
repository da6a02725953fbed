"""Files out: one range, conditions, downloads and folders of assets, by RFC 9110; the disk is touched in threads."""

from __future__ import annotations

import os
import re
import stat
import time
from asyncio import to_thread
from collections.abc import Sequence
from datetime import UTC
from email.utils import formatdate, parsedate_to_datetime
from errno import EIO, EMFILE, ENFILE, ENOMEM
from hashlib import blake2b
from io import FileIO
from pathlib import Path, PurePath
from shutil import copyfileobj
from typing import IO, TYPE_CHECKING, Any, Self
from urllib.parse import quote

from heaven.errors import Abort, ClientError

if TYPE_CHECKING:
    from heaven.context import Context
    from heaven.headers import Headers
    from heaven.registering import Registrar
    from heaven.request import Request
    from heaven.response import Response

CHUNK = 256 * 2**10
TICK = 20_000_000  # nanoseconds: longer than the step of any kernel's file clock
COARSE = 2_000_000_000  # nanoseconds: the step of file systems that keep whole seconds
OURS = (EIO, EMFILE, ENFILE, ENOMEM)
FLAGS = os.O_RDONLY | getattr(os, 'O_NONBLOCK', 0) | getattr(os, 'O_NOCTTY', 0) | getattr(os, 'O_BINARY', 0)

TYPES = {
    f'.{suffix}': kind
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

DEVICE = r' *(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³]) *(?:\.[^/]*)?'
UNSOUND = re.compile(rf'[\x00-\x1f\x7f\\:]|(?:^|/)(?:(?:[^/]*[. ])?|{DEVICE})(?:/|\Z)', re.IGNORECASE)
UNSAFE = re.compile('[\x00-\x1f\x7f-\x9f"*/:<>?\\\\|\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]')

CLOCK = '[0-9]{2}:[0-9]{2}:[0-9]{2}'
DATE = re.compile(
    rf'[A-Z][a-z]{{2}}, [0-9]{{2}} [A-Z][a-z]{{2}} [1-9][0-9]{{3}} {CLOCK} GMT'  # Sun, 06 Nov 1994 08:49:37 GMT
    rf'|[A-Z][a-z]{{2,5}}day, [0-9]{{2}}-[A-Z][a-z]{{2}}-[0-9]{{2}} {CLOCK} GMT'  # Sunday, 06-Nov-94 08:49:37 GMT
    rf'|[A-Z][a-z]{{2}} [A-Z][a-z]{{2}} [0-9 ][0-9] {CLOCK} [1-9][0-9]{{3}}'  # Sun Nov  6 08:49:37 1994
)
TAG = re.compile('(?:W/)?"[!#-~\x80-\xff]*"')
RANGE = re.compile(r'bytes=(?:[ \t]*+,[ \t]*+)*+([0-9]*)-([0-9]*)(?:[ \t]*+,)*+[ \t]*', re.ASCII | re.IGNORECASE)


def content_type(name: str) -> str:
    """Gives the content type of a file by its suffix, the same on every machine; text is UTF-8."""
    kind = TYPES.get(os.path.splitext(name)[1].lower(), 'application/octet-stream')
    return f'{kind}; charset=utf-8' if kind.startswith('text/') else kind


def safe_name(name: str) -> str:
    """Makes a name that a client sent fit for one file in a folder, on every system.

    safe_name('../../etc/passwd')       # 'passwd'
    safe_name('C:\\\\temp\\\\a?.pdf')       # 'a_.pdf'
    """
    name = UNSAFE.sub('_', name.replace('\\', '/').rpartition('/')[2]).strip('. ')
    if UNSOUND.search(name):
        name = f'_{name}' if name else 'file'
    stem, suffix = os.path.splitext(name)
    suffix = suffix.encode()[:32].decode(errors='ignore')
    return stem.encode()[: 255 - len(suffix.encode())].decode(errors='ignore') + suffix


def save(source: IO[bytes], target: Path, name: str) -> Path:
    """Copies an open file to a path, or under a safe name into a folder, where it follows no link."""
    if target.is_dir():
        target /= name
        if target.is_symlink() or target.is_dir():
            raise ClientError(f'a file cannot be saved as {name!r}')
    with open(target, 'wb') as copy:
        source.seek(0)
        copyfileobj(source, copy, CHUNK)
    source.seek(0)
    return target


def disposition(filename: str) -> str:
    """Names a download (RFC 6266): in ASCII for old clients, and in full (RFC 8187) where that is not the name."""
    name = re.sub('[\x00-\x1f\x7f-\x9f]', '_', filename.replace('\\', '/').rpartition('/')[2])
    plain = re.sub('[^ !#-$&-~]', '_', name)
    full = quote(name, safe='!#$&+-.^_`|~', errors='replace')
    return f'attachment; filename="{plain}"' + (f"; filename*=UTF-8''{full}" if plain != name else '')


def read_date(text: str | None) -> int | None:
    """Reads an HTTP date in any of its three forms (RFC 9110, 5.6.7); None for anything else."""
    if text is None or not DATE.fullmatch(text):
        return None
    try:
        return int(parsedate_to_datetime(text).replace(tzinfo=UTC).timestamp())
    except ValueError:
        return None


def decide(headers: Headers, etag: str, modified: int) -> int:
    """Evaluates the conditions of a GET or HEAD in the order of RFC 9110, 13.2.2: 412, 304, or 200 to go on."""
    match, none_match = headers.get('if-match'), headers.get('if-none-match')
    if match is not None:
        if match.strip() != '*' and (etag.startswith('W/') or etag not in TAG.findall(match)):
            return 412
    elif (date := read_date(headers.get('if-unmodified-since'))) is not None and modified > date:
        return 412
    if none_match is not None:
        tags = (tag.removeprefix('W/') for tag in TAG.findall(none_match))
        return 304 if none_match.strip() == '*' or etag.removeprefix('W/') in tags else 200
    date = read_date(headers.get('if-modified-since'))
    return 304 if date is not None and modified <= date else 200


def portion(headers: Headers, etag: str, modified: int, size: int) -> tuple[int, int] | None:
    """Gives first and end of the one range that was asked for, None for the whole; (0, 0) cannot be satisfied.

    A range is ignored if it is invalid, one of several, in another unit, or if If-Range names another version; a date
    names one only if the file was a second old (RFC 9110, 13.1.5 and 14.2).
    """
    match, validator = RANGE.fullmatch(headers.get('range', '')), headers.get('if-range')
    if match is None or match[1] == match[2] == '':
        return None
    if validator is not None and (validator != etag or etag.startswith('W/')):
        if read_date(validator) != modified or modified >= time.time() - 1:
            return None
    first, last = (int(digits.lstrip('0')[:19] or 0) for digits in match.groups())
    if not match[1]:
        return (max(size - last, 0), size) if size and last else None if last else (0, 0)
    if match[2] and last < first:
        return None
    return (first, min(last + 1, size) if match[2] else size) if first < size else (0, 0)


def opened(path: str, within: str | None) -> FileIO | None:
    """Opens a regular file, None if there is none; with `within` only what is lexically and really inside of it."""
    try:
        if within is not None:
            if len(path) > 4096 or UNSOUND.search(path):
                return None
            base = os.path.realpath(within)
            path = os.path.realpath(os.path.join(base, path))
            if not path.startswith(os.path.join(base, '')):
                return None
        file = FileIO(path, opener=lambda path, flags: os.open(path, flags | FLAGS))
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno in OURS:
            raise
        return None
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    file.close()
    return None


def version(file: FileIO) -> tuple[os.stat_result, str]:
    """Gives the state of a file and its ETag, strong if no later write can leave both time and size as they are."""
    for wait in (True, False):
        now = os.fstat(file.fileno())
        age, step = time.time_ns() - now.st_mtime_ns, TICK if now.st_mtime_ns % 10**9 else COARSE
        if not 0 <= age < TICK or not wait:
            break
        time.sleep((TICK - age) / 1e9)
    state = f'{now.st_mtime_ns}-{now.st_size}-{now.st_ino}'.encode()
    return now, ('W/' if 0 <= age < step else '') + f'"{blake2b(state, digest_size=12).hexdigest()}"'


class FileBody:
    """The body that `res.file` sets: the file is opened, and the answer decided, when it is about to be sent."""

    def __init__(
        self,
        path: Any,
        filename: str | None = None,
        within: Any = None,
        others: Sequence[tuple[str, str | None]] = (),
        cache: str | None = None,
    ) -> None:
        path = path.as_posix() if isinstance(path, PurePath) else os.fsdecode(path)
        self.paths = [(path, cache), *others]
        self.filename = filename
        self.within = None if within is None else os.fsdecode(within)

    async def prepare(self, req: Request, res: Response) -> None:
        """Sets status, headers and body by the file and the request; Abort(404) if there is no such file."""
        await to_thread(self._prepare, req, res)

    def _prepare(self, req: Request, res: Response) -> None:
        for path, cache in self.paths:
            if (file := opened(path, self.within)) is not None:
                try:
                    return self._answer(req, res, file, path, cache)
                finally:
                    if not isinstance(res.body, Chunks):
                        file.close()
        raise Abort(404)

    def _answer(self, req: Request, res: Response, file: FileIO, path: str, cache: str | None) -> None:
        state, etag = version(file)
        headers, size, modified = res.headers, state.st_size, min(state.st_mtime_ns // 10**9, int(time.time()))
        etag = headers.setdefault('etag', etag)
        if cache is not None:
            headers.setdefault('cache-control', cache)
        span = None
        if res.status == 200 and req.method in ('GET', 'HEAD'):
            res.status = decide(req.headers, etag, modified)
            if res.status == 200 and req.method == 'GET' and (span := portion(req.headers, etag, modified, size)):
                res.status = 206 if span[1] else 416
                headers['content-range'] = f'bytes {span[0]}-{span[1] - 1}/{size}' if span[1] else f'bytes */{size}'
        res.body = None
        if res.status in (304, 412, 416):
            return
        first, end = span or (0, size)
        headers['accept-ranges'], headers['content-length'] = 'bytes', end - first
        headers['last-modified'] = formatdate(modified, usegmt=True)
        headers.setdefault('content-type', content_type(path))
        if self.filename is not None:
            headers['content-disposition'] = disposition(self.filename)
        chunks = Chunks(file, state, first, end)
        small = req.method != 'HEAD' and end - first <= CHUNK
        res.body = b''.join(chunks) if small else chunks


class Chunks:
    """Iterates, in the threads of streams, over a part of one open file; RuntimeError if the file changes meanwhile."""

    def __init__(self, file: FileIO, state: os.stat_result, first: int, end: int) -> None:
        self.file, self.state, self.left = file, state, end - first
        file.seek(first)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        if not self.left:
            raise StopIteration
        data = self.file.read(min(CHUNK, self.left))
        now, was = os.fstat(self.file.fileno()), self.state
        replaced = now.st_nlink < min(was.st_nlink, 1) and os.path.lexists(self.file.name)
        if not data or replaced or (now.st_size, now.st_mtime_ns) != (was.st_size, was.st_mtime_ns):
            raise RuntimeError(f'{self.file.name} changed while it was sent')
        self.left -= len(data)
        return data

    def close(self) -> None:
        """Closes the file; the sender of a stream does, however it ends."""
        self.file.close()


def assets(
    app: Registrar,
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
    name = PurePath(folder)
    base = os.path.abspath(os.path.join(os.path.dirname(relative_to or ''), name))
    control = f'max-age={cache}' if isinstance(cache, int) else cache
    own = name.name if name.is_absolute() or '..' in name.parts else name.as_posix()
    prefix = f'/{own}' if route is None else route.removesuffix('*').rstrip('/')

    def serve(req: Request, res: Response, ctx: Context) -> None:
        path = req.params['*']
        others: list[tuple[str, str | None]] = []
        if any(part.startswith('.') for part in path.split('/')):
            path = ''
        elif index is not None:
            others.append((f'{path.removesuffix("/")}/{index}' if path else index, control))
        if fallback is not None:
            others.append((fallback, None if cache is None else 'no-cache'))
        res.body = FileBody(path, None, base, others, control)

    app.GET(f'{prefix}/*', serve, subdomain)
    app._app._assets.append((app._prefix + prefix, base))

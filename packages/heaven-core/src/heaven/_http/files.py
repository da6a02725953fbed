"""Files as bodies: opened, decided on and read in worker threads (RFC 9110, sections 8, 13 and 14)."""

import os
import re
import time
from email.utils import formatdate
from hashlib import blake2b
from io import FileIO
from pathlib import PurePath
from typing import NamedTuple, Self
from urllib.parse import quote

from heaven._http.conditions import content_range, is_not_modified, requested_range
from heaven._http.exchange import Exchange
from heaven._http.fixed_bodies import BYTES, EMPTY
from heaven._http.media_types import content_type_of
from heaven._http.paths import path_within
from heaven._http.threads import run_in_thread
from heaven.errors import Abort
from heaven.types import Header

StrPath = str | bytes | os.PathLike[str] | os.PathLike[bytes]

CHUNK = 256 * 1024  # bytes of a piece; a file of no more is sent as one
SECOND = 1_000_000_000  # ns
TICK = 20_000_000  # ns; longer than a step of any kernel's file clock
COARSE_TICK = 2 * SECOND  # longer than a step of a file clock of whole seconds
CONTROLS = re.compile('[\x00-\x1f\x7f-\x9f]')
UNQUOTABLE = re.compile('[^ !#$&-~]')  # not for `filename=`: quotes, what is not ASCII, and `%`, which some decode
ATTR_CHARS = '!#$&+-.^_`|~'  # for `filename*=` as they are, like letters and digits (RFC 8187, 3.2.1)


class Candidate(NamedTuple):
    """A file that is sent if those before it are not there."""

    path: str
    cache_control: str | None = None
    vary: str | None = None
    location: str | None = None  # where the client is sent, in place of the file


class OpenFile:
    """A regular file as it is when it is opened; `part` is what is still to be read of it. All of it blocks."""

    def __init__(self, path: str) -> None:
        self.raw = FileIO(path)
        self.state = os.fstat(self.raw.fileno())
        self.size = self.state.st_size
        self.modified = min(self.state.st_mtime_ns // SECOND, int(time.time()))  # never in the future (8.8.2.1)
        self.part = range(self.size)

    def entity_tag(self) -> str:
        """Return the ETag: weak while a later write could still leave size and time as they are (RFC 9110, 8.8.1)."""
        written = self.state.st_mtime_ns
        version = f'{written}-{self.size}-{self.state.st_ino}'
        digest = blake2b(version.encode(), digest_size=12).hexdigest()
        tick = TICK
        if written % SECOND == 0:
            tick = COARSE_TICK
        if 0 <= time.time_ns() - written < tick:
            return f'W/"{digest}"'
        return f'"{digest}"'

    def select(self, part: range) -> None:
        """Choose the bytes to read."""
        self.part = part
        self.raw.seek(part.start)

    def read(self) -> bytes:
        """Read the next piece; RuntimeError if the file has been truncated or written over."""
        data = self.raw.read(min(len(self.part), CHUNK))
        if not data or self.has_changed():
            raise RuntimeError(f'{self.raw.name!r} changed while it was sent')
        self.part = self.part[len(data) :]
        return data

    def read_all(self) -> bytes:
        """Read what is left, in memory."""
        pieces: list[bytes] = []
        while self.part:
            pieces.append(self.read())
        return b''.join(pieces)

    def has_changed(self) -> bool:
        """Tell whether what was there at first is there no more; a file that has grown since has not changed."""
        now = os.fstat(self.raw.fileno())
        if now.st_size == self.size:
            return now.st_mtime_ns != self.state.st_mtime_ns
        return now.st_size < self.size


class FileBody:
    """The body that `res.file` sets: a file, opened when the answer is about to be sent.

    `filename` makes it a download; `within` is the folder that no path leaves. Of several `candidates` the first that
    is there is sent.
    """

    is_fixed = False
    header: Header | None = None  # the content type is set with the other headers

    def __init__(self, path: StrPath, filename: str | None = None, within: StrPath | None = None) -> None:
        self.candidates = [Candidate(path_text(path))]
        self.filename = filename
        self.within = None if within is None else os.fsdecode(within)
        self.file: OpenFile | None = None

    async def open(self, exchange: Exchange) -> None:
        """Open the file, and set status, headers and body by it and by the request; Abort(404) if it is not there."""
        await run_in_thread(self._prepare, exchange)

    def __aiter__(self) -> Self:
        """Give what is sent, piece by piece."""
        return self

    async def __anext__(self) -> bytes:
        """Return the next piece; RuntimeError if the file changes meanwhile."""
        if self.file is None or not self.file.part:
            raise StopAsyncIteration
        return await run_in_thread(self.file.read)

    def encode(self, item: bytes) -> bytes:
        """Return a piece as it is."""
        return item

    async def close(self) -> None:
        """Close the file if it is open, whatever became of the answer."""
        if self.file is not None:
            self.file.raw.close()

    # in a worker thread, which has the exchange to itself meanwhile

    def _prepare(self, exchange: Exchange) -> None:
        candidate, file = self._open_first()
        if exchange.headers is None:
            exchange.headers = {}
        headers = exchange.headers
        if candidate.location is not None:
            headers[b'location'] = candidate.location.encode('ascii')
            send_nothing(exchange, 307)
            return
        set_default(headers, b'etag', file.entity_tag())
        set_default(headers, b'cache-control', candidate.cache_control)
        add_vary(headers, candidate.vary)
        if exchange.status == 200 and exchange.method in ('GET', 'HEAD'):
            decide(exchange, headers, file)
        if exchange.kind is EMPTY:
            return
        self._describe(headers, candidate.path, file)
        if exchange.method != 'HEAD' and len(file.part) <= CHUNK:
            exchange.kind = BYTES
            exchange.body = file.read_all()

    def _open_first(self) -> tuple[Candidate, OpenFile]:
        """Open the first file that is there and may be read; what is no regular file counts as not there."""
        for candidate in self.candidates:
            try:
                path = self._locate(candidate.path)
                if path is not None and os.path.isfile(path):
                    self.file = OpenFile(path)
                    return candidate, self.file
            except (FileNotFoundError, PermissionError, ValueError):  # ValueError: NUL, or what cannot be encoded
                continue
        raise Abort(404)

    def _locate(self, path: str) -> str | None:
        if self.within is None:
            return path
        return path_within(self.within, path)

    def _describe(self, headers: dict[bytes, bytes], path: str, file: OpenFile) -> None:
        """Set the headers of a file that is sent, whole or in part."""
        headers[b'content-length'] = b'%d' % len(file.part)
        headers[b'last-modified'] = formatdate(file.modified, usegmt=True).encode()
        headers[b'accept-ranges'] = b'bytes'
        set_default(headers, b'content-type', content_type_of(path))
        if self.filename is not None:
            headers[b'content-disposition'] = content_disposition(self.filename).encode()


def decide(exchange: Exchange, headers: dict[bytes, bytes], file: OpenFile) -> None:
    """Choose what is sent by the conditions and the range of the request, in the order of RFC 9110, 13.2.2."""
    fields = exchange.fields()
    etag = headers[b'etag'].decode('latin-1')
    if is_not_modified(fields, etag, file.modified):
        send_nothing(exchange, 304)
        return
    if exchange.method == 'HEAD':  # ranges are of GET alone (14.2)
        return
    part = requested_range(fields, etag, file.modified, file.size, time.time())
    if part is None:
        return
    headers[b'content-range'] = content_range(part, file.size).encode()
    if not part:
        send_nothing(exchange, 416)
        return
    exchange.status = 206
    file.select(part)


def send_nothing(exchange: Exchange, status: int) -> None:
    """Answer with a status that has no body here."""
    exchange.status = status
    exchange.kind = EMPTY
    exchange.body = None


def set_default(headers: dict[bytes, bytes], name: bytes, value: str | None) -> None:
    """Set a header that nobody has set, if there is a value."""
    if value is not None:
        headers.setdefault(name, value.encode('latin-1'))


def add_vary(headers: dict[bytes, bytes], name: str | None) -> None:
    """Add a name to Vary."""
    if name is None:
        return
    names = [name.encode()]
    if b'vary' in headers:
        names.insert(0, headers[b'vary'])
    headers[b'vary'] = b', '.join(names)


def path_text(path: StrPath) -> str:
    """Return a path as text, its segments between slashes; TypeError for what is no path."""
    if isinstance(path, PurePath):
        return path.as_posix()
    return os.fsdecode(path)


def content_disposition(filename: str) -> str:
    """Return the header that names a download (RFC 6266): in ASCII, and in full where that is not the name (RFC 8187).

    content_disposition('report.pdf')       # 'attachment; filename="report.pdf"'
    """
    last = filename.replace('\\', '/').rpartition('/')[2]
    name = CONTROLS.sub('_', last)
    plain = UNQUOTABLE.sub('_', name)
    disposition = f'attachment; filename="{plain}"'
    if plain == name:
        return disposition
    full = quote(name, safe=ATTR_CHARS, errors='replace')
    return f"{disposition}; filename*=UTF-8''{full}"

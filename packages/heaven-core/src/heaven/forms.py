"""Forms: urlencoded and multipart (RFC 7578), whole or in chunks, every limit checked before the work it bounds."""

from __future__ import annotations

import re
from asyncio import sleep, to_thread
from binascii import a2b_qp
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator, Mapping
from io import BytesIO
from pathlib import Path, PurePath
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any, Self
from urllib.parse import unquote_to_bytes

from heaven.errors import ClientError, Missing, TooLarge, optional
from heaven.files import safe_name, save

if TYPE_CHECKING:
    from heaven.request import Request

MAX_FIELDS, MAX_FILES, MAX_HEADER_LINES = 1000, 100, 32
MAX_HEADER_BYTES, SPILL, MAX_TEXT, MAX_FORM = 8 * 2**10, 256 * 2**10, 2**20, 2**30

FIELDS, TEXT = f'a form has {MAX_FIELDS} fields and {MAX_FILES} files at most', f'a field has {MAX_TEXT} bytes at most'
BOUNDARY, CONTROL = re.compile('[ -~]{0,69}[!-~]'), re.compile(rb'[\x00-\x08\x0a-\x1f\x7f]')
CHARSETS = frozenset(
    'utf-8 utf8 us-ascii iso-8859-1 iso-8859-15 windows-1251 windows-1252 shift_jis euc-kr gbk big5'.split()
)


class MissingField(Missing, AttributeError):
    """A field that was read as an attribute and is not there: `Missing`, and an AttributeError for `hasattr`."""


class File:
    """A file of a form: `filename` and `content_type` as sent, neither to be trusted, and `size` in bytes.

    `file` is a binary file object, open until the request ends. What a browser sends for an input that was left empty,
    no name and no bytes, is false.

        document = (await req.form)['document']
        await document.save(FOLDER / f'{patient}.pdf')
    """

    def __init__(self, filename: str, content_type: str) -> None:
        self.filename, self.content_type, self.size = filename, content_type, 0
        self.file: IO[bytes] = BytesIO()

    def __bool__(self) -> bool:
        return bool(self.filename or self.size)

    @property
    def safe_name(self) -> str:
        """The name made fit for one file in a folder, on every system: no path, no controls, 255 bytes at most."""
        return safe_name(self.filename)

    @property
    def content(self) -> bytes:
        """All of the file, read into memory."""
        self.file.seek(0)
        return self.file.read()

    async def save(self, path: str | PurePath) -> Path:
        """Saves a copy, in a thread, and gives its path; into a folder, under `safe_name`.

        ClientError, a 400, if the path ends with the name that the client sent and that is no safe one: joined to a
        folder, it could lead out of it.
        """
        sent, parts = PurePath(self.filename.lstrip('/')).parts, Path(path).parts
        joined = sent and parts[-len(sent) :] == sent or '..' in sent and '..' in parts
        if joined and self.filename != self.safe_name:
            raise ClientError(f'the file name {self.filename!r:.80} cannot be used as a path')
        return await to_thread(save, self.file, Path(path), self.safe_name)

    def _write(self, data: bytes, spill: bool) -> None:
        """Writes the next bytes, above 256 KiB to a temporary file without a name; b'' is the end."""
        if spill and self.size <= SPILL < self.size + len(data):
            memory, self.file = self.file, TemporaryFile()
            self.file.write(memory.getbuffer())  # type: ignore[attr-defined]
        self.file.write(data)
        self.size += len(data)
        if not data:
            self.file.seek(0)


class Form(Mapping[str, Any]):
    """The fields of a form by name: texts as str, files as `File`; of a repeated name the last, `all` gives each.

    form = await req.form
    form.name                       # or form['name']; Missing, a 400, if the field is not there
    form.get('age', '0')
    form.all('tag')                 # ['a', 'b']
    """

    def __init__(self) -> None:
        self._load: Callable[[], Awaitable[None]] | None = None
        self._values: dict[str, list[Any]] = {}
        self._writes: list[tuple[File, bytes]] = []

    def __await__(self) -> Generator[Any, None, Self]:
        if self._load is not None:
            yield from self._load().__await__()
            self._load = None
        return self

    @property
    def _fields(self) -> dict[str, list[Any]]:
        if self._load is not None:
            raise RuntimeError('the body is not read ahead here: form = await req.form')
        return self._values

    def __getitem__(self, name: str) -> Any:
        if name not in self._fields:
            raise Missing('form field', name)
        return self._values[name][-1]

    def __getattr__(self, name: str) -> Any:
        if name.startswith('__') or name not in self._fields:
            raise MissingField('form field', name)
        return self[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def all(self, name: str) -> list[Any]:
        """Gives every value of a field, in the order they came."""
        return list(self._fields.get(name, ()))

    def to_dict(self) -> dict[str, Any]:
        """Gives a plain dict: of a repeated name the last value."""
        return dict(self)

    async def close(self) -> None:
        """Closes the temporary files, and with that they are gone; done when the request ends."""
        values = [value for all in self._values.values() for value in all]
        await to_thread(lambda: [value.file.close() for value in values if isinstance(value, File)])

    def _flush(self, spill: bool) -> None:
        while self._writes:
            File._write(*self._writes.pop(0), spill)


class Pairs:
    """Reads `application/x-www-form-urlencoded`: pairs are counted and measured before one of them is decoded."""

    def __init__(self, form: Form) -> None:
        self.form, self.body, self.count = form, bytearray(), 1

    def feed(self, chunk: bytes) -> None:
        self.count += chunk.count(b'&')
        self.body += chunk
        if self.count > MAX_FIELDS or len(self.body) - self.body.rfind(b'&') > 2 * MAX_TEXT + 2:
            raise TooLarge(FIELDS if self.count > MAX_FIELDS else TEXT)

    def finish(self) -> None:
        pairs = [pair.partition(b'=') for pair in bytes(self.body).split(b'&') if pair]
        if any(len(name) > MAX_TEXT or len(value) > MAX_TEXT for name, _, value in pairs):
            raise TooLarge(TEXT)
        try:
            for name, _, value in pairs:
                self.form._values.setdefault(unquote(name), []).append(unquote(value))
        except UnicodeDecodeError:
            raise ClientError('the form is not UTF-8') from None


class Parts:
    """Reads `multipart/form-data`; what stands before the first and after the last boundary is dropped (RFC 2046)."""

    def __init__(self, form: Form, content_type: str) -> None:
        self.library = optional('multipart', 'heaven-core[forms]', 'reading a multipart form')
        boundary = self.library.parse_options_header(content_type)[1].get('boundary', '')
        if not BOUNDARY.fullmatch(boundary):
            raise ClientError('multipart/form-data needs a boundary of 1 to 70 characters')
        self.parser = self.library.PushMultipartParser(
            boundary,
            max_header_size=MAX_HEADER_BYTES + 2,
            max_header_count=MAX_HEADER_LINES,
            strict=True,
        )
        self.form, self.delimiter = form, f'\r\n--{boundary}'.encode()
        self.before: bytes | None = b'\r\n'
        self.part: Any = None
        self.into: Any = None
        self.counts = [0, 0]

    def feed(self, chunk: bytes) -> None:
        if self.before is not None and chunk:
            chunk = self.before + chunk
            start = chunk.find(self.delimiter)
            self.before = chunk[1 - len(self.delimiter) :] if start < 0 else None
            chunk = chunk[start + 2 :]
        if (self.before is None or not chunk) and not self.parser.closed:
            self.parse(chunk)

    def finish(self) -> None:
        self.feed(b'')

    def parse(self, chunk: bytes) -> None:
        try:
            for event in self.parser.parse(chunk):
                if isinstance(event, self.library.MultipartSegment):
                    self.begin(event)
                elif self.part.filename is not None:
                    self.form._writes.append((self.into, event or b''))
                elif event is None:
                    self.end()
                elif self.part.bytes_received > MAX_TEXT:
                    raise TooLarge(TEXT)
                else:
                    self.into.append(event)
        except self.library.MultipartError as error:
            try:
                self.parser.close()  # raises, unless the last boundary has come: what follows it is dropped
            except self.library.MultipartError:
                passed = isinstance(error, self.library.ParserLimitReached)
                raise (TooLarge if passed else ClientError)(f'the multipart form cannot be read: {error}') from None

    def begin(self, part: Any) -> None:
        head = [f'{name}: {value}'.encode() for name, value in part.headerlist]
        if sum(len(line) + 2 for line in head) > MAX_HEADER_BYTES:
            raise TooLarge(f'the headers of a part have {MAX_HEADER_BYTES} bytes at most')
        if any(map(CONTROL.search, head)):
            raise ClientError('the headers of a part hold control characters')
        self.part, self.into = part, []
        self.counts[part.filename is not None] += 1
        if self.counts[0] > MAX_FIELDS or self.counts[1] > MAX_FILES:
            raise TooLarge(FIELDS)
        if part.filename is not None:
            self.into = File(part.filename, part.content_type or 'application/octet-stream')
            self.form._values.setdefault(part.name, []).append(self.into)

    def end(self) -> None:
        charset = (self.part.charset or 'utf-8').lower()
        try:
            value = b''.join(self.into).decode(charset if charset in CHARSETS else 'unknown')
        except (LookupError, ValueError):
            raise ClientError(f'the field {self.part.name!r:.80} is not text in {charset:.40}') from None
        self.form._values.setdefault(self.part.name, []).append(value)


def unquote(data: bytes) -> str:
    """Decodes one side of a pair; binascii undoes a million escapes in the time that urllib takes for ten thousand."""
    data = data.translate(bytes.maketrans(b'+', b' '))
    if b'%' in data:
        quoted = data.replace(b'=', b'%3D')
        plain = a2b_qp(quoted.translate(bytes.maketrans(b'%', b'=')))
        sound = len(plain) == len(quoted) - 2 * quoted.count(b'%') and b'\r' not in data and b'\n' not in data
        data = plain if sound else unquote_to_bytes(data)
    return data.decode()


def reader(content_type: str, form: Form) -> Pairs | Parts | None:
    """Gives what fills a form of this content type, None if it is no form.

    ClientError for multipart without a sound boundary, MissingPackage if the extra `forms` is not installed.
    """
    kind = content_type.partition(';')[0].strip(' \t').lower()
    if kind == 'application/x-www-form-urlencoded':
        return Pairs(form)
    return Parts(form, content_type) if kind == 'multipart/form-data' else None


def parse(parts: Pairs | Parts, body: bytes, spill: bool = False) -> None:
    """Fills a form from a body, or the rest of one.

    TooLarge, a 413, past a limit; ClientError, a 400, for what is broken.
    """
    parts.feed(body)
    parts.finish()
    parts.form._flush(spill)


async def receive(parts: Pairs | Parts, chunks: AsyncIterator[bytes]) -> None:
    """Fills a form from a stream, as `parse` does from a body; files above 256 KiB are written to disk in a thread."""
    held: list[bytes] = []
    size = 0
    async for chunk in chunks:
        held.append(chunk)
        size += len(chunk)
        if size >= SPILL // 4:
            parts.feed(b''.join(held))
            held, size = [], 0
            await to_thread(parts.form._flush, True)
        elif not len(held) % 1000:
            await sleep(0)
    await to_thread(parse, parts, b''.join(held), True)


def form(req: Request) -> Form:
    """Gives the form of a request; one that has to be awaited first, if its body was not read ahead."""
    form, entry = Form(), req._entry
    if (parts := reader(req.headers.get('content-type', ''), form)) is None:
        return form

    async def load() -> None:
        if not entry.stream:
            return parse(parts, await req.read())
        req.stream()
        req._overflow = req._special = True  # until it is all read, a failure leaves a client that still sends
        req._finally(form.close)
        await receive(parts, req._chunks(MAX_FORM if entry.ceiling is None else entry.ceiling))
        req._overflow = False

    if entry.stream or req._body is None and ('transfer-encoding' in req.headers or req.length):
        form._load = load
    else:
        parse(parts, req.body)
    return form

"""Forms: urlencoded and multipart (RFC 7578), whole or in chunks, every limit checked before the work it bounds."""

import re
from asyncio import ensure_future, to_thread
from binascii import a2b_qp
from collections.abc import AsyncIterator, Generator, Iterator, Mapping
from functools import cache
from io import BytesIO
from pathlib import Path, PurePath
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Self, cast
from urllib.parse import unquote_to_bytes

from heaven._files import CHUNK, UNSOUND
from heaven.errors import ClientError, Missing, TooLarge, optional, refuse
from heaven.request import Request, Unread, decode

MAX_FIELDS, MAX_FILES, MAX_TEXT, MAX_FORM, SPILL = 1000, 100, 2**20, 2**30, 256 * 2**10
MAX_HEAD, MAX_HEADS, LINE, MAX_ESCAPES = 8 * 2**10, 384 * 2**10, 64, 2**16
UNSAFE = re.compile('[\x00-\x1f\x7f-\x9f"*/:<>?\\\\|\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]')
BOUNDARY, CONTROL = re.compile('[ -~]{0,69}[!-~]'), re.compile(rb'[\x00-\x08\x0a-\x1f\x7f]')
QUOTED, PLAIN, SPACED = map(bytes.maketrans, (b'+%=', b'\xff', b'+'), (b' =\xff', b'=', b' '))


class MissingField(Missing, AttributeError):
    """A field that was read as an attribute and is not there: `Missing`, and an AttributeError for `hasattr`."""


class File:
    """A file of a form: `filename` and `content_type` as sent, neither to be trusted, and `size` in bytes.

    `file` is a binary file object, open until the request ends. What a browser sends for an input that was left empty,
    no name and no bytes, is false.

        document = (await req.form)['document']
        await document.save(FOLDER / f'{patient}.pdf')
    """

    def __init__(self, filename: str, content_type: str | None = None, spill: int = 0) -> None:
        self.filename: str = filename
        self.content_type: str = content_type or 'application/octet-stream'
        self.size: int = 0
        self.file: IO[bytes] = SpooledTemporaryFile(spill) if spill else BytesIO()

    def __bool__(self) -> bool:
        return bool(self.filename or self.size)

    @property
    def safe_name(self) -> str:
        """The name made fit for one file in a folder, on every system: no path, no controls, 255 bytes at most.

        A name of `../../etc/passwd` is made `passwd`, and one of `C:\\\\temp\\\\a?.pdf` `a_.pdf`.
        """
        path = PurePath(
            UNSOUND.sub(
                r'_\g<0>', UNSAFE.sub('_', self.filename.replace('\\', '/').rpartition('/')[2]).strip('. ') or 'file'
            )
        )
        suffix = path.suffix.encode()[:32]
        name = (path.stem.encode()[: 255 - len(suffix)] + suffix).decode(errors='ignore')
        return name if name == self.filename else File(name).safe_name  # what was cut may end in a space

    @property
    def content(self) -> bytes:
        """All of the file, read into memory."""
        self.file.seek(0)
        return self.file.read()

    async def save(self, path: str | PurePath) -> Path:
        """Saves a copy, in a thread, and gives its path; into a folder, under `safe_name`.

        ClientError, a 400, if the path ends with the name that the client sent, or has it with its `..` anywhere:
        joined to a folder, it could lead out of it. A name that leads to `safe_name`, as `./a.txt` does, is no harm.
        """
        sent, target = PurePath(self.filename.lstrip('/')), Path(path)
        refuse(
            (PurePath(self.filename).anchor and target / self.filename == target)  # joined, it takes the folder's place
            or (sent.parts not in ((), (self.safe_name,)) and target.parts[-len(sent.parts) :] == sent.parts)
            or ('..' in sent.parts and str(sent) in str(target)),
            ClientError,
            f'the file name {self.filename!r:.80} cannot be used as a path',
        )
        return await to_thread(self._save, target)

    def _save(self, target: Path) -> Path:
        if target.is_dir():
            target /= self.safe_name
            refuse(target.is_symlink() or target.is_dir(), ClientError, f'a file cannot be saved as {target.name!r}')
        with open(target, 'wb') as copy:
            self.file.seek(0)
            copy.writelines(iter(lambda: self.file.read(CHUNK), b''))
        self.file.seek(0)
        return target


class Form(Mapping[str, Any]):
    """The fields of a form by name: texts as str, files as `File`; of a repeated name the last, `all` gives each.

    form = await req.form
    form.name                       # or form['name']; Missing, a 400, if the field is not there
    form.get('age', '0')
    form.all('tag')                 # ['a', 'b']
    """

    def __init__(self) -> None:
        self._load, self._unread, self._values = cast(Any, None), cast(Any, None), dict[str, list[Any]]()

    def __await__(self) -> Generator[Any, None, Self]:
        yield from self._load().__await__() if self._load else ()
        return self

    @property
    def _fields(self) -> dict[str, list[Any]]:
        refuse(
            vars(self).get('_unread'),
            vars(self).get('_unread', RuntimeError),
            'the body is not read ahead here: form = await req.form',
        )
        return {} if vars(self).get('_load', True) else self._values  # unread, or a form that is being copied

    def __getitem__(self, name: str) -> Any:
        if name not in self._fields:
            raise MissingField('form field', name)
        return self._values[name][-1]

    __getattr__ = __getitem__

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
        await to_thread(
            lambda: [file.file.close() for each in self._values.values() for file in each if isinstance(file, File)]
        )


def bound(*limits: tuple[int, int, str]) -> None:
    """Refuses what is past a limit, with a 413 that names it."""
    for size, limit, what in limits:
        refuse(size > limit, TooLarge, f'a form has at most {limit} {what}')


def unquote(data: bytes, tolerant: bool) -> str:
    """Decodes one side of a pair; binascii undoes a million escapes in the time that urllib takes for ten thousand.

    It takes `=41` for an escape, so that `=` is meanwhile a byte that no UTF-8 has. What it gives is longer than sound
    escapes are if there is a `%` that begins none; that, if tolerated, is for urllib.
    """
    if b'%' not in data:
        return decode(data.translate(SPACED))
    plain, ends = a2b_qp(data.translate(QUOTED)), b'\r' in data or b'\n' in data
    sound = len(plain) == len(data) - 2 * data.count(b'%') and plain.count(b'\xff') == data.count(b'=') and not ends
    refuse(
        not sound and not tolerant,
        ClientError,
        f'a form of more than {MAX_ESCAPES} escapes has a % that begins none, or a bare line end',
    )
    return decode(plain.translate(PLAIN) if sound else unquote_to_bytes(data.translate(SPACED)))


def pairs(fields: dict[str, list[Any]], content_type: str, spill: int) -> Generator[None, bytes | None, None]:
    """Reads `application/x-www-form-urlencoded`: pairs are counted and measured before one of them is decoded."""
    body, count = bytearray(), 1
    while (chunk := (yield)) is not None:
        count += chunk.count(b'&')
        body += chunk
        bound(
            (count, MAX_FIELDS, 'fields'),
            (len(body) - body.rfind(b'&') - MAX_TEXT - 2, MAX_TEXT, 'bytes in a name or a text'),
        )
    tolerant = body.count(b'%') <= MAX_ESCAPES
    for name, _, value in [pair.partition(b'=') for pair in bytes(body).split(b'&') if pair]:
        bound((max(len(name), len(value)), MAX_TEXT, 'bytes in a name or a text'))
        fields.setdefault(unquote(name, tolerant), []).append(unquote(value, tolerant))
    yield


def parts(fields: dict[str, list[Any]], content_type: str, spill: int) -> Generator[None, bytes | None, None]:
    """Reads `multipart/form-data`; what stands before the first and after the last boundary is dropped (RFC 2046)."""
    library = optional('multipart', 'heaven-core[forms]', 'reading a multipart form')
    refuse(
        not BOUNDARY.fullmatch(boundary := library.parse_options_header(content_type)[1].get('boundary', '')),
        ClientError,
        'multipart/form-data needs a boundary of 1 to 70 characters',
    )
    parser = library.PushMultipartParser(boundary, max_header_size=MAX_HEAD + 2, max_header_count=32, strict=True)
    delimiter, counts, heads, head, chunk = f'\r\n--{boundary}'.encode(), [0, 0], 0, b'\r\n', (yield)
    while chunk is not None and (start := (head := head + chunk).find(delimiter)) < 0:
        head, chunk = head[1 - len(delimiter) :], (yield)
    chunk = chunk and head[start + 2 :]
    while True:
        try:
            for event in parser.parse(chunk or b''):
                if isinstance(event, library.MultipartSegment):
                    part, values, is_file = event, fields.setdefault(event.name, []), event.filename is not None
                    head = '  '.join(map(': '.join, part.headerlist)).encode()
                    heads += len(head) + LINE * len(part.headerlist)
                    counts[is_file] += 1
                    bound(
                        (counts[True], MAX_FILES, 'files'),
                        (counts[False], MAX_FIELDS, 'fields'),
                        (len(head) + 2, MAX_HEAD, 'bytes of headers in a part'),
                        (heads, MAX_HEADS, f'bytes of headers in all its parts, {LINE} more a line'),
                    )
                    refuse(CONTROL.search(head), ClientError, 'the headers of a part hold control characters')
                    values.append(
                        File(
                            library.parse_options_header(  # part.filename lacks the folders of Windows
                                dict(part.headerlist)['Content-Disposition'] if is_file else '',
                                unquote=lambda value, _: library.content_disposition_unquote(value),
                            )[1].get('filename', part.filename or ''),
                            part.content_type,
                            spill if is_file else 0,
                        )
                    )
                elif event is None and not is_file:
                    values[-1] = decode(values[-1].content, (part.charset or 'utf-8').lower())
                else:  # more of a part, or the end of a file, which is rewound
                    values[-1].size += values[-1].file.write(event) if event else values[-1].file.seek(0)
                    bound((0 if is_file else values[-1].size, MAX_TEXT, 'bytes in a name or a text'))
        except library.MultipartError as error:
            try:
                parser.close()  # raises, unless the last boundary has come: what follows it is dropped
            except library.MultipartError:
                raise (TooLarge if isinstance(error, library.ParserLimitReached) else ClientError)(
                    f'the multipart form cannot be read: {error}'
                ) from None
        chunk = yield


READERS = {'application/x-www-form-urlencoded': pairs, 'multipart/form-data': parts}


def fill(filler: Any, body: bytes) -> None:
    """Fills a form from a body, 256 KiB at a time; what reads it gets None before the first and after the last.

    TooLarge, a 413, past a limit; ClientError, a 400, for what is broken; MissingPackage without the extra `forms`.
    """
    for chunk in (None, *(body[at : at + SPILL] for at in range(0, len(body), SPILL)), None):
        filler.send(chunk)


async def receive(filler: Any, chunks: AsyncIterator[bytes]) -> None:
    """Fills a form from a stream, in threads, 64 KiB at a time."""
    held = bytearray()
    filler.send(None)
    async for chunk in chunks:
        held += chunk
        if len(held) >= SPILL // 4:
            await to_thread(filler.send, bytes(held))
            held.clear()
    await to_thread(lambda: [filler.send(last) for last in (bytes(held), None)])


def form(req: Request) -> Form:
    """Gives the form of a request; one that has to be awaited first, if its body was not read ahead."""
    form, entry, content_type = Form(), req._entry, req.headers.get('content-type', '')
    reader: Any = READERS.get(content_type.partition(';')[0].strip(' \t').lower())

    async def load() -> None:
        if entry.stream and req._body is None:
            # until it is all read, a failure leaves a client that still sends
            chunks, req._overflow = req._chunks(MAX_FORM if entry.ceiling is None else entry.ceiling), True
            req._finally(form.close)
            await receive(reader(form._values, content_type, SPILL), chunks)
        else:
            fill(reader(form._values, content_type, 0), await req.read())
        form._load, form._unread, req._overflow = None, None, False

    if reader and req._body is not None:
        fill(reader(form._values, content_type, 0), req._body)
    elif reader:  # one reading, with one outcome, whoever awaits it
        form._load, form._unread = (
            cache(lambda: ensure_future(load())),
            RuntimeError if entry.stream else Unread if 'transfer-encoding' in req.headers or req.length else None,
        )
    return form

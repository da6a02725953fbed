"""Multipart forms (RFC 7578), read part by part as they come.

Here a body is split at its boundaries, by RFC 2046; the headers of a part are read by the library `multipart`.
"""

import re
from enum import Enum, auto
from typing import Any

from heaven._http.charsets import decode_text
from heaven._http.form_limits import (
    HEADER_LINE,
    MAX_FIELDS,
    MAX_FILES,
    MAX_HEADER,
    MAX_HEADER_LINES,
    MAX_HEADERS,
    MAX_TEXT,
    text_too_large,
)
from heaven._http.spool import Spool
from heaven._http.uploads import UNKNOWN_TYPE, File
from heaven.errors import ClientError, TooLarge, optional

MAX_PADDING = 1000  # white space after a boundary
BOUNDARY = re.compile('[ -~]{0,69}[!-~]')
LINE_END = re.compile(rb'--|[ \t]{0,%d}\r\n' % MAX_PADDING)  # of a boundary: the last has hyphens
PART_OF_LINE_END = re.compile(rb'-|[ \t]{0,%d}\r?' % MAX_PADDING)
CONTROL = re.compile('[\x00-\x08\x0a-\x1f\x7f]')


class Stage(Enum):
    """Where in the body the reader is."""

    PREAMBLE = auto()  # before the first boundary: dropped (RFC 2046, 5.1.1)
    PARTS = auto()
    EPILOGUE = auto()  # after the last boundary: dropped


class TextPart:
    """A text field while it is received."""

    def __init__(self, charset: str | None) -> None:
        self._charset = charset
        self._data = bytearray()

    def write(self, data: bytes) -> None:
        """Add to the text."""
        if len(self._data) + len(data) > MAX_TEXT:
            raise text_too_large()
        self._data += data

    def finish(self) -> str:
        """Return the text; ClientError if it is not in its charset."""
        return decode_text(bytes(self._data), self._charset, 'a field of the form')


class FilePart:
    """A file while it is received."""

    def __init__(self, filename: str, content_type: str, spool: Spool) -> None:
        self._filename = filename
        self._content_type = content_type
        self._spool = spool
        self._size = 0

    def write(self, data: bytes) -> None:
        """Add to the file. May block."""
        self._spool.write(data)
        self._size += len(data)

    def finish(self) -> File:
        """Return the file."""
        return File(self._filename, self._content_type, self._spool.finish(), self._size)


class MultipartReader:
    """Reads a multipart form, in pieces of any size, and adds its fields to a dict when they are complete."""

    def __init__(self, fields: dict[str, list[Any]], boundary: str, spool: Spool) -> None:
        if not BOUNDARY.fullmatch(boundary):
            raise ClientError('multipart/form-data needs a boundary of 1 to 70 characters')
        self._library = optional('multipart', 'heaven-core[forms]', 'reading a multipart form')
        self._parser = self._library.PushMultipartParser(
            boundary, max_header_size=MAX_HEADER, max_header_count=MAX_HEADER_LINES, strict=True
        )
        self._fields = fields
        self._spool = spool
        self._delimiter = b'\r\n--' + boundary.encode()
        self._held = b'\r\n'  # received, and maybe the beginning of a boundary; the first needs no line end
        self._stage = Stage.PREAMBLE
        self._name = ''
        self._part: TextPart | FilePart | None = None  # None before its headers are complete
        self._texts = 0
        self._files = 0
        self._headers = 0  # bytes of the headers of all parts

    def feed(self, chunk: bytes) -> None:
        """Read the next bytes. TooLarge past a limit, ClientError for what is broken. May block."""
        if self._stage is Stage.EPILOGUE:
            return
        data = self._held + chunk
        start = 0
        while True:
            found = data.find(self._delimiter, start)
            if found < 0:
                end = max(start, len(data) - len(self._delimiter) + 1)
                break
            self._read(data[start:found])
            start = end = found
            after = found + len(self._delimiter)
            line_end = LINE_END.match(data, after)
            if line_end is None:
                self._check_incomplete(data[after:])
                break
            is_last = line_end[0] == b'--'
            self._pass_boundary(is_last)
            if is_last:
                return
            start = line_end.end()
        self._read(data[start:end])
        self._held = data[end:]

    def close(self) -> None:
        """Check that the form has ended."""
        if self._stage is not Stage.EPILOGUE:
            raise ClientError('the multipart form cannot be read: it ends before its last boundary')

    def _check_incomplete(self, line: bytes) -> None:
        """Refuse what follows a boundary unless more of it may come (no line of a part begins so, RFC 2046, 5.1.1)."""
        if not PART_OF_LINE_END.fullmatch(line):
            raise ClientError('the multipart form cannot be read: a boundary does not end its line')

    def _pass_boundary(self, is_last: bool) -> None:
        """End the part before a boundary, and begin the next."""
        if self._stage is Stage.PARTS:
            self._end_headers()
        if is_last:
            self._stage = Stage.EPILOGUE
            self._parse(self._delimiter + b'--')
        else:
            self._stage = Stage.PARTS
            self._parse(self._delimiter + b'\r\n')

    def _end_headers(self) -> None:
        """End the headers of a part without a body, which has no empty line of its own (RFC 2046, 5.1.1).

        Without this the boundary, and the next part with it, would be read as the body.
        """
        if self._part is None:
            self._parse(b'\r\n')
        if self._part is None:
            raise ClientError('the multipart form cannot be read: a part ends within its headers')

    def _read(self, data: bytes) -> None:
        """Read bytes in which no boundary is."""
        if data and self._stage is Stage.PARTS:
            self._parse(data)

    def _parse(self, data: bytes) -> None:
        try:
            for event in self._parser.parse(data):
                self._take(event)
        except self._library.ParserLimitReached:
            raise TooLarge(
                f'the headers of a part have at most {MAX_HEADER_LINES} lines and {MAX_HEADER} bytes'
            ) from None
        except self._library.MultipartError as error:
            raise ClientError(f'the multipart form cannot be read: {error.args[0]}') from None

    def _take(self, event: Any) -> None:
        """Take what the library found: the headers of a part, a piece of its content, or None for its end."""
        if self._part is None:
            self._begin_part(event)
        elif event is not None:
            self._part.write(event)
        else:
            self._fields.setdefault(self._name, []).append(self._part.finish())
            self._part = None

    def _begin_part(self, segment: Any) -> None:
        self._check_headers(segment.headerlist)
        self._name = segment.name
        is_text = not segment.content_type or segment.content_type.startswith('text/')
        if is_text and segment.filename is None:
            self._texts += 1
            self._part = TextPart(segment.charset)
        else:
            self._files += 1
            content_type = segment.header('Content-Type', '').strip(' \t') or UNKNOWN_TYPE
            self._part = FilePart(self._filename(segment), content_type, self._spool)
        if self._texts > MAX_FIELDS:
            raise TooLarge(f'a form has at most {MAX_FIELDS} fields')
        if self._files > MAX_FILES:
            raise TooLarge(f'a form has at most {MAX_FILES} files')

    def _filename(self, segment: Any) -> str:
        """Return the file name as sent: the library drops the folders that old browsers of Windows send."""
        disposition: str = segment.header('Content-Disposition')
        if '\\' not in disposition:
            return segment.filename or ''

        def unquote(value: str, _: bool) -> str:
            return self._library.content_disposition_unquote(value)  # type: ignore[no-any-return]

        parameters: dict[str, str] = self._library.parse_options_header(disposition, unquote=unquote)[1]
        return parameters.get('filename', segment.filename or '')

    def _check_headers(self, headers: list[tuple[str, str]]) -> None:
        """Bound what the headers of a part cost to read, and refuse control characters in them."""
        size = 0
        for name, value in headers:
            if CONTROL.search(value):
                raise ClientError('the headers of a part hold control characters')
            size += len(name) + len(value.encode()) + len(': \r\n')
        if size > MAX_HEADER:
            raise TooLarge(f'the headers of a part have at most {MAX_HEADER_LINES} lines and {MAX_HEADER} bytes')
        self._headers += size + HEADER_LINE * len(headers)
        if self._headers > MAX_HEADERS:
            raise TooLarge(f'the headers of all parts have at most {MAX_HEADERS} bytes, {HEADER_LINE} more a line')

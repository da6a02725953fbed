"""Forms of the type `application/x-www-form-urlencoded` (WHATWG URL Standard, 5.1), read pair by pair as they come."""

from typing import Any
from urllib.parse import unquote_to_bytes

from heaven._http.charsets import decode_text
from heaven._http.form_limits import MAX_FIELDS, MAX_TEXT, text_too_large
from heaven.errors import ClientError, TooLarge

PLUS, PERCENT, BACKSLASH = b'+%\\'  # as numbers: to look for one in bytes takes a tenth of what `b'%' in data` takes
MAX_SLOW_ESCAPES = 2**16  # of a form: decoded one by one, in 25 ms


class UrlencodedReader:
    """Reads an urlencoded form, in pieces of any size, and adds its fields to a dict.

    Pairs are counted and measured before one of them is decoded.
    """

    def __init__(self, fields: dict[str, list[Any]], charset: str | None = None) -> None:
        self._fields = fields
        self._charset = charset
        self._held = bytearray()  # what has come of the pair that is not complete
        self._pairs = 1
        self._slow_escapes = 0

    def feed(self, chunk: bytes) -> None:
        """Read the next bytes. TooLarge past a limit, ClientError for text that is not in its charset."""
        ends = chunk.count(b'&')
        self._pairs += ends
        if self._pairs > MAX_FIELDS:
            raise TooLarge(f'a form has at most {MAX_FIELDS} fields')
        self._held += chunk
        if ends:
            *pairs, rest = bytes(self._held).split(b'&')
            self._held = bytearray(rest)
            for pair in pairs:
                self._add(pair)
        if len(self._held) > 2 * MAX_TEXT + 1:
            raise text_too_large()

    def close(self) -> None:
        """Read the last pair: the form has ended."""
        self._add(bytes(self._held))

    def _add(self, pair: bytes) -> None:
        if not pair:
            return
        name, _, value = pair.partition(b'=')
        if len(name) > MAX_TEXT or len(value) > MAX_TEXT:
            raise text_too_large()
        self._fields.setdefault(self._decode(name), []).append(self._decode(value))

    def _decode(self, data: bytes) -> str:
        if PLUS in data:
            data = data.replace(b'+', b' ')
        if PERCENT in data:
            data = self._unquote(data)
        return decode_text(data, self._charset, 'a field of the form')

    def _unquote(self, data: bytes) -> bytes:
        r"""Undo percent-encoding; a `%` that begins no escape stands for itself.

        urllib undoes an escape at a time: 10 MB of them hold the event loop for 1.3 s. So `%41` is written as `\x41`,
        which Python's codec of string literals undoes, in 0.1 s. What that codec cannot read, or would read otherwise,
        is for urllib, as long as it is not much.
        """
        if BACKSLASH not in data:
            try:
                return data.replace(b'%', b'\\x').decode('unicode_escape').encode('latin-1')
            except UnicodeDecodeError:
                pass
        self._slow_escapes += data.count(b'%')
        if self._slow_escapes > MAX_SLOW_ESCAPES:
            raise ClientError(f'beside more than {MAX_SLOW_ESCAPES} escapes, every % and backslash is to be escaped')
        return unquote_to_bytes(data)

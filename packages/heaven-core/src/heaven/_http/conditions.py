"""Conditions and ranges of requests (RFC 9110, sections 13 and 14). Header names are lower-case bytes."""

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

Headers = Mapping[bytes, bytes]

IMF_FIXDATE = r'[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [1-9][0-9]{3} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT'
RFC_850_DATE = r'[A-Z][a-z]{2,5}day, [0-9]{2}-[A-Z][a-z]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT'
ASCTIME_DATE = r'[A-Z][a-z]{2} [A-Z][a-z]{2} [0-9 ][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2} [1-9][0-9]{3}'
HTTP_DATE = re.compile(f'{IMF_FIXDATE}|{RFC_850_DATE}|{ASCTIME_DATE}')
ENTITY_TAG = re.compile('(?:W/)?"[!#-~\x80-\xff]*"')  # RFC 9110, 8.8.3
BYTE_RANGE = re.compile('([0-9]*)-([0-9]*)')
MAX_DIGITS = 19  # a longer number is past the end of any file, and so are its first 19 digits


def http_date(text: str) -> float | None:
    """Read a date in any of its three forms as seconds since the epoch; None for anything else (RFC 9110, 5.6.7).

    http_date('Sun, 06 Nov 1994 08:49:37 GMT')      # 784111777.0
    """
    if not HTTP_DATE.fullmatch(text):
        return None
    try:
        date = parsedate_to_datetime(text)
    except ValueError:  # 31 February
        return None
    return date.replace(tzinfo=UTC).timestamp()


def opaque_tag(etag: str) -> str:
    """Return an ETag without its mark of weakness, for weak comparison (RFC 9110, 8.8.3.2)."""
    return etag.removeprefix('W/')


def is_not_modified(headers: Headers, etag: str, modified: int) -> bool:
    """Tell whether the client has this version, so that a 304 is enough (RFC 9110, 13.2.2, steps 3 and 4).

    `modified` is in seconds. If-Modified-Since counts only without If-None-Match.
    """
    none_match = headers.get(b'if-none-match')
    if none_match is not None:
        return names_tag(none_match.decode('latin-1'), etag)
    since = headers.get(b'if-modified-since')
    if since is None:
        return False
    date = http_date(since.decode('latin-1'))
    return date is not None and modified <= date


def names_tag(none_match: str, etag: str) -> bool:
    """Tell whether If-None-Match names an ETag, by weak comparison (RFC 9110, 13.1.2)."""
    if none_match.strip() == '*':
        return True
    tags = [opaque_tag(tag) for tag in ENTITY_TAG.findall(none_match)]
    return opaque_tag(etag) in tags


def is_same_version(if_range: str, etag: str, modified: int, now: float) -> bool:
    """Tell whether If-Range names this very version (RFC 9110, 13.1.5).

    Tags are compared strongly. A date counts if it is exact and was a second old: in its own second a file can change
    once more (8.8.2.2).
    """
    if if_range == etag:
        return not etag.startswith('W/')
    return http_date(if_range) == modified and modified < now - 1


def requested_range(headers: Headers, etag: str, modified: int, size: int, now: float) -> range | None:
    """Return the bytes that a GET asks for: None for all, an empty range for what the file does not have.

    A range is ignored if it is invalid, one of several, in another unit, or if If-Range names another version
    (RFC 9110, 13.2.2, step 5, and 14.2).
    """
    asked = headers.get(b'range')
    if asked is None:
        return None
    if_range = headers.get(b'if-range')
    if if_range is not None and not is_same_version(if_range.decode('latin-1'), etag, modified, now):
        return None
    return one_range(asked.decode('latin-1'), size)


def one_range(text: str, size: int) -> range | None:
    """Read the value of Range for a file of `size` bytes; None unless it is one valid range (RFC 9110, 14.1.2).

    one_range('bytes=0-4', 10)      # range(0, 5)
    one_range('bytes=-3', 10)       # range(7, 10)
    one_range('bytes=10-', 10)      # range(10, 10): cannot be satisfied
    """
    unit, _, ranges = text.partition('=')
    if unit.lower() != 'bytes':
        return None
    first_spec, *more = ranges.split(',')
    specs = [first_spec.rstrip(' \t')]  # no space comes right after `=`
    specs += [spec.strip(' \t') for spec in more]
    present = [spec for spec in specs if spec]  # a list may have empty elements (5.6.1.2)
    if len(present) != 1:
        return None
    match = BYTE_RANGE.fullmatch(present[0])
    if match is None:
        return None
    first, last = match.groups()
    if first:
        return int_range(first, last, size)
    if last:
        return suffix_range(last, size)
    return None


def int_range(first: str, last: str, size: int) -> range | None:
    """Return the bytes from one position to another, or to the end (RFC 9110, 14.1.2, int-range)."""
    start = position(first)
    if not last:
        return range(start, size)
    end = position(last)
    if end < start:
        return None
    return range(start, min(end + 1, size))


def suffix_range(length: str, size: int) -> range | None:
    """Return the last bytes (RFC 9110, 14.1.2, suffix-range).

    The last bytes of an empty file are all of it, which no Content-Range can say.
    """
    wanted = position(length)
    if wanted and not size:
        return None
    return range(max(size - wanted, 0), size)


def position(digits: str) -> int:
    """Read the number of a byte; `int` refuses digits by the thousand."""
    significant = digits.lstrip('0')
    return int(significant[:MAX_DIGITS] or '0')


def content_range(part: range, size: int) -> str:
    """Return the Content-Range of a part, or of one that cannot be satisfied (RFC 9110, 14.4)."""
    if not part:
        return f'bytes */{size}'
    return f'bytes {part.start}-{part.stop - 1}/{size}'

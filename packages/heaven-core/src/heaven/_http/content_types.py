"""The header Content-Type, read: the media type, and its parameters (RFC 9110, 8.3)."""

import re
from typing import NamedTuple

from heaven.errors import UnsupportedMedia

PARAMETER = re.compile(r';[ \t]*([^\s=;]+)[ \t]*=[ \t]*("[^"\\]*(?:\\.[^"\\]*)*"|[^;]*)')
ESCAPED = re.compile(r'\\(.)')


class ContentType(NamedTuple):
    """A content type: `type/subtype` in lower case, and its parameters by name, in lower case too."""

    media_type: str
    parameters: dict[str, str]


def parse_content_type(value: str) -> ContentType:
    """Read a content type. Of a repeated parameter the first counts; what is no parameter is passed over."""
    parameters: dict[str, str] = {}
    for name, text in PARAMETER.findall(value):
        parameters.setdefault(name.lower(), unquote_string(text))
    return ContentType(value.partition(';')[0].strip(' \t').lower(), parameters)


def unquote_string(text: str) -> str:
    """Return what a token or a quoted string means (RFC 9110, 5.6.4)."""
    text = text.strip(' \t')
    if len(text) < 2 or not text.startswith('"') or not text.endswith('"'):
        return text
    return ESCAPED.sub(r'\1', text[1:-1])


def check_json(value: str) -> None:
    """Raise UnsupportedMedia unless a content type is JSON, or one that ends in `+json` (RFC 6839, 3.1)."""
    kind = parse_content_type(value).media_type
    if kind == 'application/json' or kind.endswith('+json') and kind.count('/') == 1:
        return
    raise UnsupportedMedia(f'send JSON as content-type: application/json, not as {kind or "none"!r}')

"""From the target of a request to the segments of its path, in every way that they can be read.

`path` is the authority: a server has decoded it. `raw_path` says where its segments end, for `%2F` is no end of one;
it is used where it decodes to `path`.
"""

import re
from collections.abc import Mapping, MutableMapping
from typing import Any, NamedTuple

ABSOLUTE = re.compile(r'\A[a-z][a-z0-9+.-]*://[^/?#]*', re.IGNORECASE)
WWW = 'www'  # the subdomain of a host that has none
PERCENT = 37  # `37 in raw` takes a tenth of the instructions of `b'%' in raw`


class Target(NamedTuple):
    """The path of a request below `root_path`: its segments as sent, and every reading that a hook has to cover.

    The segments end with an empty one where the path ends with a slash; readings leave that out.
    """

    segments: list[str]
    readings: list[list[str]]


def respelled(scope: Mapping[str, Any]) -> str | None:
    """Return the path below `root_path`, if escapes or a root path are all that is unusual about it.

    None where it is spelled as usual, or has an escaped slash, so that it can be read in more ways than one.
    """
    path: str = scope['path']
    raw: bytes = scope.get('raw_path') or b''
    root: str = scope.get('root_path') or ''
    if PERCENT in raw:
        if raw.find(b'%2F') >= 0 or raw.find(b'%2f') >= 0:
            return None
    elif not root:
        return None
    if not root:
        return path
    return path[len(root) :] if path.startswith(f'{root}/') and not root.endswith('/') else None


def split_target(scope: Mapping[str, Any]) -> Target | None:
    """Split the path of a request; None if its target is no path.

    That is one without a slash at its beginning, or with a `.` or `..` segment in any reading: clients resolve these
    before they send (RFC 3986, 5.2.4), so that what is left of them means to mislead. What is not UTF-8 is U+FFFD.
    """
    path: str = scope['path']
    if not path.startswith('/'):
        return None
    sent = sent_segments(scope)
    root = scope.get('root_path')
    segments = path.split('/')[1:] if sent is None else sent
    if sent is None and not root and '/.' not in path and '//' not in path:
        return Target(segments, [without_slash(segments)])
    if root:
        path, segments = below(str(root).rstrip('/'), path, segments)
    decoded_first = path.split('/')[1:]  # where `%2F` ends a segment, too
    if not {'.', '..'}.isdisjoint((*segments, *decoded_first)):
        return None
    readings = [without_slash(segments)]
    if decoded_first != segments:
        readings.append(without_slash(decoded_first))
    readings += [[text for text in reading if text] for reading in readings if '' in reading]
    return Target(segments, readings)


def below(root: str, path: str, segments: list[str]) -> tuple[str, list[str]]:
    """Remove the root path where it is a prefix of the path, segment by segment."""
    if not root or not f'{path}/'.startswith(f'{root}/'):
        return path, segments
    path = path[len(root) :] or '/'
    start = root.split('/')[1:]
    if segments[: len(start)] == start:
        return path, segments[len(start) :] or ['']
    return path, path.split('/')[1:]  # the root path is spelled with escapes that hide its slashes


def without_slash(segments: list[str]) -> list[str]:
    """Leave out the empty segment after a slash at the end."""
    return segments if segments[-1] else segments[:-1]


def sent_segments(scope: Mapping[str, Any]) -> list[str] | None:
    """Return the segments of the path as sent, decoded, if it has escapes and means the path that the server gives."""
    raw = scope.get('raw_path')
    if not raw or PERCENT not in raw:
        return None
    first, *segments = [decoded(part) for part in bytes(raw).decode('latin-1').split('/')]
    if first or '/' + '/'.join(segments) != scope['path']:
        return None
    return segments


def decoded(text: str) -> str:
    """Decode the escapes of a text as sent; what is not UTF-8 becomes U+FFFD."""
    if '%' not in text and text.isascii():
        return text
    from urllib.parse import unquote_to_bytes

    return unquote_to_bytes(text.encode('latin-1')).decode('utf-8', 'replace')


def reduced(scope: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Give the scope of a target in absolute form with its path alone (RFC 9112, 3.2.2); an empty path is `/`."""
    if scope['path'].startswith('/'):
        return scope
    path = ABSOLUTE.sub('', scope['path'])
    raw = ABSOLUTE.sub('', bytes(scope.get('raw_path') or b'').decode('latin-1'))
    return {**scope, 'path': path or '/', 'raw_path': raw.encode('latin-1') or b'/'}

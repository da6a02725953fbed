"""Paths that come from clients: which names are files on every system, and what lies inside a folder."""

import os

MAX_PATH = 4096  # characters; a longer path is no file on any system
FORBIDDEN = frozenset('\\:\x7f') | frozenset(map(chr, range(0x20)))  # `:` begins a drive or an alternate stream
RESERVED_NAMES = frozenset(
    ['con', 'prn', 'aux', 'nul', 'conin$', 'conout$']
    + [f'com{digit}' for digit in '0123456789¹²³']
    + [f'lpt{digit}' for digit in '0123456789¹²³']
)


def is_reserved(name: str) -> bool:
    """Tell whether one segment of a path is no plain file name on some system.

    Such are an empty name, `.` and `..`, a name that ends with a dot or a space (Windows drops them), control
    characters, backslashes, colons, and the devices of Windows, with an extension too: `nul`, `COM1.txt`.
    """
    if not name or name.endswith(('.', ' ')):
        return True
    if not FORBIDDEN.isdisjoint(name):
        return True
    stem = name.partition('.')[0]
    return stem.strip(' ').lower() in RESERVED_NAMES


def is_plain(path: str) -> bool:
    """Tell whether a relative path goes down only, by plain names. The file system is not asked."""
    if len(path) > MAX_PATH:
        return False
    return not any(map(is_reserved, path.split('/')))


def path_within(folder: str, path: str) -> str | None:
    """Return the path of a file in a folder; None if it leads out, whether by its spelling or by a link.

    The folder may be a link itself. Blocks, and raises ValueError for a path that the system cannot encode.
    """
    if not is_plain(path):
        return None
    if not has_links(folder, path):
        return os.path.join(folder, path)
    base = os.path.join(os.path.realpath(folder), '')
    real = os.path.realpath(base + path)
    if not real.startswith(base):
        return None
    return real


def has_links(folder: str, path: str) -> bool:
    """Tell whether a path may go through a link below a folder.

    One `lstat` per segment, where resolving both paths takes several for each of their segments.
    """
    if os.name == 'nt':
        return True  # junctions are links that `islink` does not know
    place = folder
    for name in path.split('/'):
        place = os.path.join(place, name)
        if os.path.islink(place):
            return True
    return False

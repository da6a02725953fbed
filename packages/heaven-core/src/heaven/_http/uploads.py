"""Files that clients upload: the name that they sent, a name that is safe, and saving a copy."""

import os
import re
from io import BytesIO
from pathlib import Path, PurePath
from secrets import token_hex
from shutil import copyfileobj
from typing import IO

from heaven._http.paths import is_reserved
from heaven._http.threads import run_in_thread
from heaven.errors import ClientError

CHUNK = 256 * 2**10  # bytes that are copied at a time
MAX_NAME = 255  # bytes of a file's name, on every common file system
MAX_SUFFIX = 32  # bytes of it that are kept of a suffix
UNKNOWN_TYPE = 'application/octet-stream'

# Control characters, what Windows takes for wildcards, drives and streams, what turns the direction of text, and halves
# of characters
UNSAFE = re.compile('[\x00-\x1f\x7f-\x9f"*/:<>?\\\\|\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]')


class File:
    """A file of a form: `filename` and `content_type` as sent, neither to be trusted, and `size` in bytes.

    `file` is a binary file object, open until the request ends. What a browser sends for an input that was left empty,
    no name and no bytes, is false.

        document = (await req.form)['document']
        await document.save(FOLDER / f'{patient}.pdf')
    """

    def __init__(
        self, filename: str, content_type: str = UNKNOWN_TYPE, file: IO[bytes] | None = None, size: int = 0
    ) -> None:
        self.filename = filename
        self.content_type = content_type
        self.file: IO[bytes] = BytesIO() if file is None else file
        self.size = size

    def __bool__(self) -> bool:
        """Tell whether there is anything: a name, or bytes."""
        return bool(self.filename or self.size)

    @property
    def safe_name(self) -> str:
        r"""The name made fit for one file in a folder, on every system: no path, no controls, 255 bytes at most.

        A name of `../../etc/passwd` is made `passwd`, and one of `C:\temp\a?.pdf` `a_.pdf`.
        """
        return safe_name(self.filename)

    @property
    def content(self) -> bytes:
        """All of the file, read into memory."""
        self.file.seek(0)
        return self.file.read()

    async def save(self, path: str | PurePath) -> Path:
        """Save a copy, in a thread, and return its path; into a folder, under `safe_name`.

        The copy is complete or not there at all. ClientError, a 400, if the path ends with the name that the client
        sent, unless that is a plain one: joined to a folder, such a name could lead out of it.
        """
        target = Path(path)
        if is_made_of(self.filename, target):
            raise ClientError(f'the file name {self.filename!r:.80} cannot be used as a path')
        return await run_in_thread(self._save, target)

    def _save(self, target: Path) -> Path:
        if target.is_dir():
            target = target / self.safe_name
            if target.is_symlink() or target.is_dir():
                raise ClientError(f'a file cannot be saved as {target.name!r}')
        partial = target.with_name(f'.{token_hex(16)}.partial')
        try:
            with open(partial, 'xb') as copy:
                self.file.seek(0)
                copyfileobj(self.file, copy, CHUNK)
            os.replace(partial, target)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        self.file.seek(0)
        return target


def is_made_of(filename: str, path: PurePath) -> bool:
    """Tell whether a path may have been made of a client's file name in a way that the name decides where it leads.

    A plain name, one that is its own safe name, decides nothing. Any other is found at the end of the path, whether the
    path was made absolute and its `..` resolved or not. So with a name that leads out of a folder, as `../a.pdf` does,
    no path may end with `a.pdf`: nobody can tell any more how it was made.
    """
    relative = filename.lstrip('/')
    if '..' in PurePath(relative).parts and str(PurePath(relative)) in str(path):
        return True
    absolute = os.path.abspath(path)
    if os.path.isabs(filename) and absolute == os.path.abspath(filename):
        return True
    parts = PurePath(os.path.normpath(relative)).parts
    if parts == (safe_name(filename),):
        return False
    names = tuple(part for part in parts if part != '..')
    return bool(names) and PurePath(absolute).parts[-len(names) :] == names


def safe_name(filename: str) -> str:
    """Return a client's file name made fit for one file in a folder, on every system."""
    name = filename
    safe = one_safe_step(name)
    while safe != name:  # what was cut may end in a space, or be a device
        name = safe
        safe = one_safe_step(name)
    return safe


def one_safe_step(filename: str) -> str:
    """Return the last part of a path without what is unsafe, not as a device of Windows, and not too long."""
    name = filename.replace('\\', '/').rpartition('/')[2]
    name = UNSAFE.sub('_', name).strip('. ') or 'file'
    if is_reserved(name):
        name = f'_{name}'
    stem, suffix = os.path.splitext(name)
    end = suffix.encode()[:MAX_SUFFIX]
    beginning = stem.encode()[: MAX_NAME - len(end)]
    return (beginning + end).decode(errors='ignore')

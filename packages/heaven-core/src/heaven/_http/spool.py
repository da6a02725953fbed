"""Where the files of a form are while its request lasts: small ones in memory, the others in one temporary file."""

import tempfile
from contextlib import suppress
from io import SEEK_CUR, SEEK_END, SEEK_SET, BufferedReader, BytesIO, RawIOBase
from threading import Lock
from typing import IO, Any

MEMORY = 256 * 2**10  # bytes of a file that are kept in memory


class Spool:
    """Keeps the files of one form, which are written one after another, as its parts come.

    Those on disk share one temporary file, so that a request holds one descriptor whatever it uploads. The system
    removes that file as soon as it is closed, and the process may be killed.
    """

    def __init__(self, memory: int | None = MEMORY) -> None:
        self.disk: SharedFile | None = None
        self._memory = memory  # None keeps everything in memory
        self._files: list[IO[bytes]] = []  # complete
        self._written = BytesIO()  # of the file that is being written, while it is small
        self._start: int | None = None  # where that file begins on disk, once it is large

    def write(self, data: bytes) -> None:
        """Add to the file that is being written. May block."""
        if self.disk is not None and self._start is not None:
            self.disk.append(data)
            return
        self._written.write(data)
        if self._memory is not None and self._written.tell() > self._memory:
            self._move_to_disk()

    def _move_to_disk(self) -> None:
        if self.disk is None:
            self.disk = SharedFile()
        self._start = self.disk.size
        self.disk.append(self._written.getvalue())
        self._written = BytesIO()

    def finish(self) -> IO[bytes]:
        """End the file that is being written, and return it, open at its beginning. The next one may begin."""
        file: IO[bytes]
        if self.disk is not None and self._start is not None:
            file = BufferedReader(Slice(self.disk, self._start, self.disk.size))
        else:
            file = self._written
        file.seek(0)
        self._written = BytesIO()
        self._start = None
        self._files.append(file)
        return file

    def close(self) -> None:
        """Close every file; those on disk are gone. May block, and may be called again."""
        for file in self._files:
            file.close()
        if self.disk is not None:
            self.disk.close()


class SharedFile:
    """A temporary file that grows at its end, and is read anywhere by several threads."""

    def __init__(self) -> None:
        self.size: int = 0
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by `close`)
        self._lock = Lock()

    def append(self, data: bytes) -> None:
        """Write at the end; OSError if the disk is full."""
        self._file.write(data)
        self._file.flush()
        self.size += len(data)

    def read(self, position: int, size: int) -> bytes:
        """Return up to `size` bytes from a position."""
        with self._lock:
            self._file.seek(position)
            return self._file.read(size)

    def close(self) -> None:
        """Close the file, and with that it is gone."""
        with suppress(OSError):  # what a full disk did not take is written once more, in vain
            self._file.close()


class Slice(RawIOBase):
    """A part of a shared file, from `start` to `end`, that is read as a file of its own."""

    def __init__(self, shared: SharedFile, start: int, end: int) -> None:
        super().__init__()
        self._shared = shared
        self._start = start
        self._size = end - start
        self._position = 0

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that it can be read from anywhere."""
        return True

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        """Go to a position, counted from the beginning, from here or from the end; return it."""
        origins = {SEEK_SET: 0, SEEK_CUR: self._position, SEEK_END: self._size}
        position = origins[whence] + offset
        if position < 0:
            raise ValueError(f'a file has no position {position}')
        self._position = position
        return position

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer from here on; return how many bytes there were."""
        left = max(self._size - self._position, 0)
        data = self._shared.read(self._start + self._position, min(left, len(buffer)))
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

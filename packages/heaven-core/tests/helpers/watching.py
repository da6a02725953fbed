"""What a process has open, what it opens, and in which thread."""

import contextlib
import os
import sys
import threading


def descriptors():
    """What this process has open: what it has afterwards and had not before was left open, by whatever it is."""
    found = set()
    for name in os.listdir('/dev/fd'):
        with contextlib.suppress(OSError):  # the one of the listing itself
            status = os.fstat(int(name))
            found.add((name, status.st_dev, status.st_ino))
    return found


LISTENERS = []


def heard(event, args):
    if event == 'open' and LISTENERS and isinstance(args[0], str | bytes | os.PathLike):
        path = os.fsdecode(args[0])
        for folder, seen in LISTENERS:
            if path.startswith(folder):
                seen.append((path, threading.get_ident()))


@contextlib.contextmanager
def opening(folder):
    """A list of what is opened in a folder, and the thread that does it, while the block runs."""
    if not getattr(sys, 'heaven_tests_hear', False):
        sys.heaven_tests_hear = True
        sys.addaudithook(heard)
    listener = os.fspath(folder), []
    LISTENERS.append(listener)
    try:
        yield listener[1]
    finally:
        LISTENERS.remove(listener)

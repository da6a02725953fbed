"""The `heaven` logger, and what of a client's may be written to it."""

from typing import Any


def log() -> Any:
    """Return the `heaven` logger; logging is imported when there is something to log."""
    import logging

    return logging.getLogger('heaven')


def printable(text: object) -> str:
    """Return a text of the client's with control characters escaped, so that it forges no line and no terminal code."""
    return str(text).encode('unicode_escape').decode('ascii')

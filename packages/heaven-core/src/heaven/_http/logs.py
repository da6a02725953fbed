"""The `heaven` logger, and what of a client's may be written to it."""

import re
from typing import Any

CONTROL = re.compile('[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]')


def log() -> Any:
    """Return the `heaven` logger; logging is imported when there is something to log."""
    import logging

    logger = logging.getLogger('heaven')
    if escape_traceback not in logger.filters:
        logger.addFilter(escape_traceback)
    return logger


def printable(text: object) -> str:
    """Return a text of the client's with control characters escaped, so that it forges no line and no terminal code."""
    return str(text).encode('unicode_escape').decode('ascii')


def escape_traceback(record: Any) -> bool:
    """Write the traceback of a record for every handler, for the message of an exception may be a client's.

    Control characters are escaped, and the further lines of a message indented: none begins like a line of the log.
    """
    if record.exc_info and record.exc_info[1] is not None and not record.exc_text:
        from traceback import format_exception, format_exception_only

        text = ''.join(format_exception(record.exc_info[1])).rstrip('\n')
        for error in chain_of(record.exc_info[1]):
            said = ''.join(format_exception_only(error)).rstrip('\n')
            text = text.replace(said, said.replace('\n', '\n    '))
        record.exc_text = CONTROL.sub(lambda found: printable(found[0]), text)
    return True


def chain_of(error: BaseException) -> list[BaseException]:
    """Return an exception, and those that led to it; the lines of a group are marked as such anyway."""
    chain = [error]
    for each in chain:
        before = (each.__cause__, each.__context__)
        chain += [other for other in before if other is not None and other not in chain]
    return chain

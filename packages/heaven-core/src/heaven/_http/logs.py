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

    Control characters are escaped, and every further line of a message is indented: none begins like a line of the log.
    """
    if record.exc_info and record.exc_info[1] is not None and not record.exc_text:
        from traceback import format_exception

        error: BaseException = record.exc_info[1]
        text = ''.join(format_exception(error)).rstrip('\n')
        for said in messages_of(error):
            text = text.replace(said, said.replace('\n', '\n    '))
        record.exc_text = CONTROL.sub(lambda found: printable(found[0]), text)
    return True


def messages_of(error: BaseException) -> list[str]:
    """Return the messages of an exception, and of those that led to it, that have several lines."""
    found: list[str] = []
    seen: list[BaseException] = []
    waiting: list[Any] = [error]
    while waiting:
        each = waiting.pop()
        if each is None or each in seen:
            continue
        seen.append(each)
        waiting += [each.__cause__, each.__context__, *getattr(each, 'exceptions', ())]
        try:
            said = str(each)
        except Exception:
            continue
        if '\n' in said and said not in found:
            found.append(said)
    return found

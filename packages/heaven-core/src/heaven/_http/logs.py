"""The `heaven` logger, and what of a client's may be written to it."""

import re
from typing import Any, cast

CONTROL = re.compile('[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]')
BREAK = re.compile('[\x00-\x1f\x7f-\x9f\u2028\u2029]')  # tabs and new lines, too


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
    Where no message has any, handlers write it themselves, if they do.
    """
    error = record.exc_info[1] if record.exc_info else None
    if error is not None and not record.exc_text and any(map(may_forge, chain_of(error))):
        record.exc_text = escaped_traceback(error)
    return True


def may_forge(error: BaseException) -> bool:
    """Tell whether what an exception says has a control character, or cannot be told."""
    try:
        words = [str(error), *map(str, getattr(error, '__notes__', ()))]
    except Exception:
        return True
    return isinstance(error, SyntaxError) or any(map(BREAK.search, words))


def escaped_traceback(error: BaseException) -> str:
    """Return a traceback as the log may have it."""
    from traceback import format_exception, format_exception_only

    text = ''.join(format_exception(error)).rstrip('\n')
    for each in chain_of(error):
        said = ''.join(format_exception_only(each)).rstrip('\n')
        text = text.replace(said, said.replace('\n', '\n    '))
    return CONTROL.sub(lambda found: printable(found[0]), text)


def chain_of(error: BaseException) -> list[BaseException]:
    """Return an exception, those that led to it, and those that a group holds."""
    chain = [error]
    for each in chain:
        others: list[BaseException | None] = [each.__cause__, each.__context__]
        if isinstance(each, BaseExceptionGroup):
            others += cast('BaseExceptionGroup[BaseException]', each).exceptions
        chain += [other for other in others if other is not None and other not in chain]
    return chain

"""What a form may have at most, whatever its encoding; past one of these the answer is a 413 that names it."""

from heaven.errors import TooLarge

MAX_FORM = 2**30  # bytes in all on `stream=True` routes, unless the route says otherwise
MAX_FIELDS = 1000  # text fields
MAX_TEXT = 2**20  # bytes of a name or a text, as received
MAX_FILES = 100
MAX_HEADER_LINES = 32  # of a part
MAX_HEADER = 8 * 2**10  # bytes of the headers of a part
MAX_HEADERS = 384 * 2**10  # bytes of the headers of all parts: to read them costs far more than what follows them
HEADER_LINE = 64  # what a line of headers counts for beside its bytes


def text_too_large() -> TooLarge:
    """Return the error for a name or a text that is larger than it may be."""
    return TooLarge(f'a name or a text of a form has at most {MAX_TEXT} bytes')

"""Secrets: the names under which they stand, and how they are kept off the page."""

import re
from collections.abc import Iterable

MASK = '••••••'
NAMES = 'key|token|secret|password|passwd|passphrase|credential|authorization|cookie'  # or names that contain one
SHORTEST = 8  # characters of a secret that is looked for wherever it may stand: a shorter one is a part of many words

SECRET_NAME = re.compile(NAMES, re.IGNORECASE)

# In a text that a program has made, such as a repr: a name, quoted or not, an equals sign or a colon, and the value.
QUOTED = r"""[a-z]{0,2}"(?:[^"\\]|\\.)*(?:"|$)|[a-z]{0,2}'(?:[^'\\]|\\.)*(?:'|$)"""
NAMED = re.compile(
    rf"""((?:{NAMES})[\w-]{{0,40}}(?:\\?["']\s*:|\\?["']?\s*=)\s*)({QUOTED}|[^\s,;&)}}\]"'=]+)""",
    re.IGNORECASE,
)
HEADER = re.compile(r'((?:authorization|cookie)\s*:\s*)[^\r\n]+', re.IGNORECASE)
URL_PASSWORD = re.compile(r'(://[^\s/:@]{0,100}:)([^\s/@]{1,200})(?=@)')

# In a line of source: the same, where the value is a literal.
LITERAL = re.compile(
    rf"""((?:{NAMES})\w{{0,40}}(?:["']\s*:|["']\s*\]\s*=|\s*:\s*[\w.\[\]| ]{{1,40}}=|\s*=)\s*)({QUOTED})""",
    re.IGNORECASE,
)

# What would move the cursor of a terminal or turn the direction of text, and halves of characters.
UNPRINTABLE = re.compile('[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]')


def is_secret(name: object) -> bool:
    """Tell whether what stands under a name is a secret."""
    if isinstance(name, bytes):
        name = name.decode('latin-1')
    return isinstance(name, str) and SECRET_NAME.search(name) is not None


class Masks:
    """Hides the secrets of a text: those that it names, and those that the request has brought, wherever they stand."""

    def __init__(self, secrets: Iterable[str]) -> None:
        found: set[str] = set()
        for secret in secrets:
            found |= {secret, repr(secret)[1:-1]}
        self.secrets = sorted((each for each in found if len(each) >= SHORTEST), key=len, reverse=True)

    def hide(self, text: str) -> str:
        """Return a text without its secrets."""
        for secret in self.secrets:
            if secret in text:
                text = text.replace(secret, MASK)
        text = NAMED.sub(rf'\g<1>{MASK}', text)
        text = HEADER.sub(rf'\g<1>{MASK}', text)
        return URL_PASSWORD.sub(rf'\g<1>{MASK}', text)


def hide_literals(line: str) -> str:
    """Return a line of source without passwords in URLs and literals under the names of secrets, as long as it was."""
    for pattern in (LITERAL, URL_PASSWORD):
        line = pattern.sub(lambda found: found[1] + '•' * len(found[2]), line)
    return line


def printable(text: str) -> str:
    """Return a text with its control characters escaped, but for tabs and the ends of lines."""
    return UNPRINTABLE.sub(lambda found: ascii(found[0])[1:-1], text)

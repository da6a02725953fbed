"""Where a redirect leads."""

import re
from urllib.parse import quote

ALLOWED = "%/:?@!$&'()*+,;=~-._"  # what a URI may hold besides letters and digits (RFC 3986, 2)
BARE_PERCENT = re.compile('%(?![0-9A-Fa-f]{2})')
HAS_IPV6 = re.compile(r'([A-Za-z][A-Za-z0-9+.-]*:)?//[^/?]*\[')


def quoted_location(location: str) -> str:
    """Percent-encode what a URI may not hold; escapes that are there stay, and so do the brackets of an IPv6 host."""
    start, mark, fragment = BARE_PERCENT.sub('%25', location).partition('#')
    allowed = ALLOWED + '[]' if HAS_IPV6.match(start) else ALLOWED
    return quote(start, safe=allowed) + mark + quote(fragment, safe=ALLOWED)

"""The escapes of a query (WHATWG URL Standard, 5.1)."""

from urllib.parse import unquote_to_bytes


def unquoted(text: str) -> str:
    """Undo the escapes of a name or value; what is not UTF-8 becomes U+FFFD."""
    if '+' in text:
        text = text.replace('+', ' ')
    if '%' in text:
        return unquote_to_bytes(text).decode('utf-8', 'replace')
    return text

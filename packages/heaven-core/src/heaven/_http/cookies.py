"""Cookies that a client sends (RFC 6265bis)."""

from heaven.errors import Missing

MAX_COOKIES = 180


class Cookies(dict[str, str]):
    """The cookies of a request, read tolerantly (RFC 6265bis): the first of a name wins, the first 180 are kept.

    req.cookies.get('theme', 'light')
    req.cookies['theme']                    # Missing, a 400, if absent
    """

    __slots__ = ()

    def __init__(self, header: str) -> None:
        super().__init__()
        header = header.replace('; ', ';')
        has_odd = ' ' in header or '\t' in header or '"' in header
        for pair in header.split(';'):
            name, equals, value = pair.partition('=')
            if not equals:
                name, value = '', name
            if has_odd:
                name = name.strip(' \t')
                value = unquoted(value.strip(' \t'))
            if (name or value) and name not in self and len(self) < MAX_COOKIES:
                self[name] = value

    def __missing__(self, name: str) -> str:
        """Raise Missing, a 400 that names the cookie."""
        raise Missing('cookie', name)


def unquoted(value: str) -> str:
    """Remove the quotes around a value."""
    if len(value) > 1 and value[0] == value[-1] == '"':
        return value[1:-1]
    return value

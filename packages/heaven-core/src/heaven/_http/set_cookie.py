"""The line that sets a cookie (RFC 6265bis, 4.1)."""

from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from heaven._http.conditions import http_date
from heaven._http.headers import TOKEN

VALUE = frozenset(map(chr, range(0x21, 0x7F))) - frozenset('",;\\')
ATTRIBUTE = frozenset(map(chr, range(0x20, 0x7F))) - {';'}
SAME_SITE = ('Lax', 'Strict', 'None')


def set_cookie(
    name: str,
    value: str | int | None,
    path: str | None,
    *,
    max_age: int | timedelta | None,
    expires: datetime | date | str | None,
    domain: str | None,
    secure: bool,
    httponly: bool,
    samesite: str | None,
    partitioned: bool,
) -> str:
    """Return the value of a Set-Cookie header; ValueError for what a cookie may not hold."""
    text = '' if value is None else str(value)
    same_site = None if samesite is None else str(samesite).capitalize()
    _check_texts(name, text, path, domain)
    _check_host_prefix(name, path, domain)
    if same_site not in (None, *SAME_SITE):
        raise ValueError(f"samesite is 'Lax', 'Strict' or 'None', not {samesite!r:.80}")
    if not secure:
        _check_insecure(name, same_site, partitioned)
    if value is None:
        expires = datetime.fromtimestamp(0, UTC)
        max_age = 0
    words = [f'{name}={text}']
    if expires is not None:
        words.append(f'Expires={_http_date(expires)}')
    if max_age is not None:
        words.append(f'Max-Age={_seconds(max_age)}')
    if domain:
        words.append(f'Domain={domain}')
    if path:
        words.append(f'Path={path}')
    if same_site:
        words.append(f'SameSite={same_site}')
    if secure:
        words.append('Secure')
    if httponly:
        words.append('HttpOnly')
    if partitioned:
        words.append('Partitioned')
    return '; '.join(words)


def _check_texts(name: str, text: str, path: str | None, domain: str | None) -> None:
    if not name or not TOKEN.issuperset(name):
        raise ValueError(f'{name!r:.80} is no cookie name: use letters, digits, - and _')
    is_quoted = len(text) > 1 and text[0] == text[-1] == '"'
    if not VALUE.issuperset(text[1:-1] if is_quoted else text):
        raise ValueError(
            f'a cookie cannot hold {text!r:.80}: quote it with urllib.parse.quote(value), unquote it when read'
        )
    if path and not ATTRIBUTE.issuperset(path):
        raise ValueError(f'a cookie attribute cannot hold {path!r:.80}: use urllib.parse.quote(path)')
    if domain and not TOKEN.issuperset(domain):
        raise ValueError(f'the domain of a cookie cannot be {domain!r:.80}')


def _check_host_prefix(name: str, path: str | None, domain: str | None) -> None:
    """Hold a name to what its prefix promises (RFC 6265bis, 4.1.3.2)."""
    if name.lower().startswith('__host-') and (domain or path != '/'):
        raise ValueError(f"{name} needs path='/' and no domain")


def _check_insecure(name: str, same_site: str | None, partitioned: bool) -> None:
    """Refuse, without `secure`, what browsers take from secure cookies alone (RFC 6265bis, 4.1.3 and 5.7)."""
    if name.lower().startswith(('__host-', '__secure-')):
        raise ValueError(f'{name} needs secure=True')
    if same_site == 'None':
        raise ValueError('SameSite=None needs secure=True')
    if partitioned:
        raise ValueError('partitioned needs secure=True')


def _seconds(max_age: Any) -> int:
    """Return a time to live in seconds; TypeError for what is no int and no timedelta."""
    if isinstance(max_age, timedelta):
        return int(max_age.total_seconds())
    if isinstance(max_age, bool) or not isinstance(max_age, int):
        raise TypeError(f'max_age is an int, in seconds, or a timedelta, not {max_age!r:.80}')
    return int(max_age)


def _http_date(expires: Any) -> str:
    """Return a point in time as an HTTP date (RFC 9110, 5.6.7); a naive datetime, and a date, mean UTC."""
    if isinstance(expires, str):
        seconds = http_date(expires)
        if seconds is None:
            raise ValueError(f'{expires!r:.80} is no HTTP date such as Sun, 06 Nov 1994 08:49:37 GMT')
        moment = datetime.fromtimestamp(seconds, UTC)
    elif isinstance(expires, datetime):
        moment = expires
    elif isinstance(expires, date):
        moment = datetime(expires.year, expires.month, expires.day, tzinfo=UTC)
    else:
        raise TypeError(
            f'expires is a datetime, a date or an HTTP date, not {expires!r:.80}: max_age takes a number of seconds'
        )
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return format_datetime(moment.astimezone(UTC), usegmt=True)

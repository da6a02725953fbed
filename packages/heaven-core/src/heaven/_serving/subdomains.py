"""Names of subdomains, and of the domain that they are counted from, checked where they are written."""

import string
from typing import Any

from heaven.errors import SubdomainError

LABEL = frozenset(string.ascii_letters + string.digits + '-_~')


def checked_label(name: Any) -> str:
    """Return the name of a subdomain in lower case; SubdomainError for what is no label of a host, and not `*`."""
    if name != '*' and not is_label(name):
        raise SubdomainError(f'{name!r:.80} is no subdomain: it is the first label of a host, such as api, or *')
    return str(name).lower()


def checked_domain(domain: Any) -> str | None:
    """Return the domain of an app in lower case, None for none; ValueError for what no host can end with."""
    if domain is None:
        return None
    if not isinstance(domain, str) or not all(map(is_label, domain.split('.'))):
        raise ValueError(f'{domain!r:.80} is no domain: it is a name such as example.co.uk, without scheme and port')
    return domain.lower()


def is_label(name: Any) -> bool:
    """Tell whether a text can stand between the dots of a host."""
    return isinstance(name, str) and name != '' and LABEL.issuperset(name)

"""Every exception of Heaven, in one tree.

HeavenError
├── Abort                 raise it anywhere to answer at once: Abort(404, 'No such patient')
├── ClientError           the client is at fault: 400, unless `status` says more
│   ├── CrossOrigin       403, a page of another origin may not do that
│   ├── Missing           a query, cookie, header or form field read by [] that is not there (also a KeyError)
│   ├── TooLarge          413, a limit was passed
│   └── UnsupportedMedia  415, the body is not of the type that was asked for
├── UrlError              a route that cannot work (also a ValueError)
│   └── UrlDuplicateError
├── SubdomainError        a subdomain nobody declared (also a ValueError)
├── HandlerError          a dotted path that cannot be imported (also an ImportError)
├── MissingPackage        an optional part that is not installed (also an ImportError)
└── Disconnected          the other side of a connection has left
"""

from typing import Any


class HeavenError(Exception):
    """The base of every exception that Heaven raises by itself."""


class Abort(HeavenError):
    """Stop the request right there and answer with a status and a body.

    `status` is an int from 400 to 599, `body` anything that `res.body` takes. Without a body the `ERROR` handler of
    the status is asked. Raises TypeError or ValueError for what is no such status.

        raise Abort(404, 'No such patient')
    """

    def __init__(self, status: int, body: Any = None) -> None:
        if not isinstance(status, int) or isinstance(status, bool):
            raise TypeError(f'the status comes first, an int: Abort(404, {status!r:.80}), or res.abort(404, body)')
        if not 400 <= status <= 599:
            raise ValueError(f'{status!r:.80} is no status to abort with: use 400 to 599, as in Abort(404, body)')
        super().__init__(status, body)
        self.status: int = int(status)
        self.body: Any = body


class ClientError(HeavenError):
    """What the client sent cannot be used; `str(error)` says why and `status` is the status of the answer."""

    status: int = 400


class Missing(ClientError, KeyError):
    """A value that was read with `[]` is not there: a KeyError, and a 400 that names it if nobody catches it."""

    def __str__(self) -> str:
        """Say what is missing, as in `query 'page' is missing`."""
        kind, name = self.args
        return f'{kind} {name!r} is missing'


class TooLarge(ClientError):
    """A limit on what a client may send was passed: 413 (RFC 9110, 15.5.14)."""

    status = 413


class CrossOrigin(ClientError):
    """A page of another origin has sent what it may not: 403, from `app.same_origin`."""

    status = 403


class UnsupportedMedia(ClientError):
    """The body is not of the media type that was asked for: 415 (RFC 9110, 15.5.16)."""

    status = 415


class Unread(ClientError, RuntimeError):
    """A body came that the route does not read ahead: the client's fault, and a hint for whoever wrote the handler."""


class UrlError(HeavenError, ValueError):
    """A route, or the values for one, cannot work; the message says what to write instead."""


class UrlDuplicateError(UrlError):
    """Two registrations claim the same method and shape; the message names both."""


class SubdomainError(HeavenError, ValueError):
    """A subdomain was used that `app.subdomain(...)` never declared."""


class HandlerError(HeavenError, ImportError):
    """A handler written as a dotted path cannot be imported; the message names route, path and reason."""


class MissingPackage(HeavenError, ImportError):
    """An optional part is not installed; the message is the pip line that installs it."""


class Disconnected(HeavenError):
    """The peer of a WebSocket, or the client of a request, has left."""


def body_too_large(limit: int) -> TooLarge:
    """Return the error for a body that is larger than it may be."""
    return TooLarge(f'the body is larger than {limit} bytes')


def optional(module: str, requirement: str, need: str) -> Any:
    """Import an optional part, or raise MissingPackage with the pip line; a broken part raises its own error."""
    from importlib import import_module, util

    if util.find_spec(module) is None:
        raise MissingPackage(f"{need} needs a part that is not installed:\n\n    pip install '{requirement}'\n")
    return import_module(module)

"""Every exception of Heaven, in one tree.

HeavenError
├── Abort                 raise it anywhere to answer at once: Abort(404, 'No such patient')
├── ClientError           the client is at fault: 400, unless `status` says more
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
    """Stops the request right there and answers with a status and a body.

    `status` is an int from 400 to 599, `body` anything that `res.body` takes; they may come in either order.
    Without a status the one set on the response counts, else 400; without a body the `ERROR` handler of the
    status is asked.

        raise Abort(404, 'No such patient')
    """

    def __init__(self, body: Any = None, status: Any = None) -> None:
        body, status = (
            (status, body)
            if isinstance(body, int) and 400 <= body <= 599 and not (isinstance(status, int) and 400 <= status <= 599)
            else (body, status)
        )
        refuse(
            status is not None and (not isinstance(status, int) or not 200 <= status <= 599),
            ValueError,
            f'{status!r:.80} is no status of an answer: use an int from 200 to 599',
        )
        super().__init__(body, status)
        self.body: Any = body
        self.status: int | None = None if status is None else int(status)


class ClientError(HeavenError):
    """What the client sent cannot be used; `str(error)` says why and `status` is the answer's status."""

    status = 400


class Missing(ClientError, KeyError):
    """A value that was read with `[]` is not there: a KeyError, and a 400 that names it if nobody catches it."""

    def __str__(self) -> str:
        return '{} {!r} is missing'.format(*self.args)


class TooLarge(ClientError):
    """A limit on what a client may send was passed: 413."""

    status = 413


class UnsupportedMedia(ClientError):
    """The body is not of the media type that was asked for: 415."""

    status = 415


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


def refuse(wrong: object, error: type[Exception], says: str) -> None:
    """Raises an error if something is wrong, for what is decided when the app is written, not when it serves."""
    if wrong:
        raise error(says)


def optional(module: str, pip: str, need: str) -> Any:
    """Imports an optional part, or raises `MissingPackage` with the pip line; a broken part shows its own error."""
    from importlib import import_module, util

    refuse(
        not util.find_spec(module),
        MissingPackage,
        f"{need} needs a part that is not installed:\n\n    pip install '{pip}'\n",
    )
    return import_module(module)

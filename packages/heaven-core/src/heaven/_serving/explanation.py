"""The course of one request as a record, which `app.explain` returns: what is plain to read, and can be JSON."""

from typing import Any, NamedTuple

from heaven._serving.whereabouts import Whereabouts


class HookInfo(NamedTuple):
    """A hook that runs: what it is, as `kind`, and what it covers.

    `kind` is `BEFORE`, `around`, `before=` (of the route), `AFTER` or `always`. A hook that goes around stands in
    `before` for its first half and in `endings` for its second.
    """

    kind: str
    function: Whereabouts
    patterns: tuple[str, ...]  # that cover the request; of `before=` the route
    readings: tuple[str, ...]  # of the path, that they cover

    @property
    def name(self) -> str:
        """The name of the function, without its module."""
        return self.function.name.rpartition('.')[2]


class ErrorInfo(NamedTuple):
    """An ERROR handler that would be asked: for a status, or the name of a class."""

    kind: int | str
    function: Whereabouts


class BodyInfo(NamedTuple):
    """How the body is read: `ahead` of the hooks, as a `stream`, when it is `asked` for, or as `messages` of a socket.

    `limit` is bytes; None where there is none.
    """

    read: str
    limit: int | None


class Explanation(NamedTuple):
    """The course of one request.

    `status` and `reason` are set where no handler is reached: 400, 404, 405, or 204 for an automatic OPTIONS.
    """

    method: str
    target: str
    subdomain: str
    readings: tuple[str, ...]  # of the path: as sent, split after decoding, and both without empty segments
    status: int | None
    reason: str | None
    allow: tuple[str, ...]  # the methods that the path has, where it is not the request's
    candidates: tuple[str, ...]  # routes that may have been meant
    route: str | None
    name: str | None
    params: dict[str, Any]
    queries: dict[str, Any]  # those that the route gives a type
    handler: Whereabouts | None
    is_mounted: bool  # the handler is an ASGI app that is none of Heaven's
    stands_in_for_get: bool  # a HEAD that the handler of GET answers
    origins: tuple[str, ...] | None  # that a WebSocket takes, None for its own
    middlewares: tuple[str, ...]  # outermost first
    batteries: tuple[str, ...]  # what stands outside of the hooks: `sessions`, `cors`, `same_origin`
    body: BodyInfo | None
    before: tuple[HookInfo, ...]
    after: tuple[HookInfo, ...]
    endings: tuple[HookInfo, ...]  # what always runs: second halves, and AFTER hooks with `always=True`
    errors: tuple[ErrorInfo, ...]

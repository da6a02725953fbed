"""What a Heaven app tells about the requests it serves: their trio, and the failures it has answered.

One observer watches every app that a client calls. It finds the connection by an object in the scope, which the copies
that middlewares make of it share. A scope that a server has made has no such object, and is left alone.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeGuard

if TYPE_CHECKING:
    import heaven

Trio = tuple['heaven.Request', 'heaven.Response', 'heaven.Context']

SEEN = 'heaven_testing.seen'  # the key of a scope under which its `Seen` is
OBSERVER = 'heaven.observer'  # the key of a scope by which a Heaven app below one of others tells of its failures


class Seen:
    """What has been seen of one connection."""

    def __init__(self) -> None:
        self.trio: Trio | None = None
        self.failures: list[BaseException] = []


class Observer:
    """Notes what an app reports, in the `Seen` of the connection it is about."""

    def on_request(self, req: heaven.Request, res: heaven.Response, ctx: heaven.Context) -> None:
        """Note the trio, before the first hook; the outermost app's if there are several."""
        seen: Seen | None = req.scope.get(SEEN)
        if seen is not None and seen.trio is None:
            seen.trio = req, res, ctx

    def on_failure(self, scope: Mapping[str, Any], error: BaseException) -> None:
        """Note an exception that the app has answered with its 500, and let out no further."""
        seen: Seen | None = scope.get(SEEN)
        if seen is not None:
            seen.failures.append(error)


_observer = Observer()


def is_heaven(app: object) -> TypeGuard[heaven.App]:
    """Whether an application is one of Heaven's; where Heaven has not been imported there are none."""
    heaven = sys.modules.get('heaven')
    return heaven is not None and isinstance(app, heaven.App)


def observe(app: object) -> None:
    """Watch an application, if it is one of Heaven's."""
    if is_heaven(app):
        app.observe(_observer)


def prepare(scope: dict[str, Any]) -> None:
    """Make a scope one whose connection is watched; where Heaven has not been imported it stays as it is."""
    if 'heaven' in sys.modules:
        scope[SEEN] = Seen()
        scope[OBSERVER] = _observer


def failure_in(scope: Mapping[str, Any]) -> BaseException | None:
    """Return the first failure seen, once."""
    seen: Seen | None = scope.get(SEEN)
    if seen is None or not seen.failures:
        return None
    failure = seen.failures[0]
    seen.failures.clear()
    return failure

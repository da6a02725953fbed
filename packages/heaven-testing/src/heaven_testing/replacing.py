"""Which application answers a client: the one given, or a copy of it that has the client's replacements.

An app given to a client is never changed for good. A client with replacements runs a copy, and so does one whose app
is in use by another. What is replaced inside the `with` holds until the run ends.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from .observing import is_heaven, observe
from .rules import ASGIApp

if TYPE_CHECKING:
    import heaven

Swap = tuple[Any, Any]

_lock = threading.Lock()
_in_use: dict[int, ASGIApp] = {}  # the apps that entered clients run, by their identity


class Replacements:
    """What a client has in place of parts of a Heaven app, and the app that has it."""

    def __init__(self, app: ASGIApp) -> None:
        self.original = app
        self.app: ASGIApp = app  # the application that answers
        self.swaps: list[Swap] = []
        self.kept: dict[Any, Any] = {}
        self.ends_run: bool = False  # the client stops the app when it ends
        self._has_claim = False
        self._unmet: heaven.Overrides | None = None  # those of the copy that is about to start
        observe(app)

    @property
    def lives(self) -> bool:
        """Whether the app that answers runs for this client alone, so that a replacement goes into the run."""
        return is_heaven(self.app) and self.app.is_running and (self.ends_run or self.app is not self.original)

    def add(self, swaps: Sequence[Swap], kept: Mapping[Any, Any]) -> None:
        """Replace parts of the app, or keep values in its state; while it runs, on its loop only.

        Raises LookupError for what can no longer be replaced, since it is not registered or has run.
        """
        if not is_heaven(self.original):
            raise TypeError(f'only parts of a heaven.App can be replaced, and this app is {self.original!r:.100}')
        if self.lives:
            self._put_into_run(swaps, kept)
        self.swaps += swaps
        self.kept.update(kept)
        if not self.lives:
            self._use_copy()

    def _put_into_run(self, swaps: Sequence[Swap], kept: Mapping[Any, Any]) -> None:
        from heaven import Overrides

        assert is_heaven(self.app)
        overrides = Overrides(swaps, kept)
        self.app.override(overrides)
        unused = overrides.unused()
        if unused:
            raise LookupError(
                'not registered on the app, or run already, at startup, so to be replaced before the `with`: '
                + _listed(unused)
            )

    def _use_copy(self) -> None:
        """Let a new copy answer; it has all replacements so far."""
        from heaven import Overrides

        assert is_heaven(self.original)
        self._unmet = Overrides(self.swaps, self.kept)
        self.app = self.original.copy(self._unmet)
        observe(self.app)

    def enter(self, ends_run: bool) -> None:
        """Choose the app for a run: the original if nobody else runs it and nothing is replaced."""
        if not is_heaven(self.original):
            return
        self.ends_run = ends_run
        if self.swaps or self.kept:
            self._use_copy()
        elif _claim(self.original):
            self._has_claim = True
            self.app = self.original
        else:
            self.app = self.original.copy()
            observe(self.app)

    def check(self) -> None:
        """Raise LookupError for what was to be replaced and is nowhere registered, once the app has started."""
        unused = self._unmet.unused() if self._unmet is not None else []
        self._unmet = None
        if unused:
            raise LookupError(f'not registered on the app, so not replaced: {_listed(unused)}')

    def leave(self) -> None:
        """Let others run the app, when the run is over."""
        self.ends_run = False
        if self._has_claim:
            self._has_claim = False
            with _lock:
                del _in_use[id(self.original)]


class Replaceable:
    """The part of both clients that puts something in place of parts of a Heaven app."""

    @property
    def app(self) -> Any:
        """The application that runs: the one given, or a copy of it."""
        return self._replacements().app

    def swap(self, real: Any, fake: Any) -> Self:
        """Let `fake` stand for a handler, hook, startup, shutdown or daemon of a Heaven app, or for a dotted name.

        Before the `with` or inside it, where a daemon is replaced from its next run on, a startup that has run no more.
        Raises LookupError, on entering if before, when `real` is not registered.
        """
        self._replace([(real, fake)], {})
        return self

    def bypass(self, hook: Any) -> Self:
        """Leave a hook out, or anything else that is registered."""
        self._replace([(hook, None)], {})
        return self

    def keeping(self, values: Mapping[Any, Any] | None = None, /, **named: Any) -> Self:
        """Let the app find these values in its state, whatever its startup keeps under the same keys."""
        self._replace([], {**(values or {}), **named})
        return self

    def _replacements(self) -> Replacements:
        raise NotImplementedError

    def _replace(self, swaps: Sequence[Swap], kept: Mapping[Any, Any]) -> None:
        self._replacements().add(swaps, kept)


def _claim(app: heaven.App) -> bool:
    """Take an app for a run; false if another has it."""
    with _lock:
        if id(app) in _in_use or app.is_running:
            return False
        _in_use[id(app)] = app
        return True


def _listed(functions: Sequence[Any]) -> str:
    return ', '.join(map(repr, functions))

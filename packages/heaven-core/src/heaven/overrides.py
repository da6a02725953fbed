"""What a test puts in place of parts of an app: an argument of `app.copy` and `app.override`."""

import sys
from collections.abc import Iterable, Mapping
from typing import Any

from heaven._routing.functions import Home
from heaven.errors import HandlerError


class Overrides:
    """Functions in place of functions, and values in place of what startup keeps.

    overrides = Overrides([(send_mail, lambda app: None)], {'db': FakeDatabase()})
    twin = app.copy(overrides)
    """

    def __init__(self, swaps: Iterable[tuple[Any, Any]] = (), state: Mapping[Any, Any] | None = None) -> None:
        self.swaps: list[tuple[Any, Any]] = list(swaps)
        self.state: dict[Any, Any] = dict(state or {})
        self.met: list[Any] = []  # what was to be replaced, and was found on the app

    def swap(self, real: Any, fake: Any) -> None:
        """Put a function in place of another, or of a dotted path; None leaves it out."""
        self.swaps.append((real, fake))

    def keep(self, key: Any, value: Any) -> None:
        """Keep a value, whatever startup keeps under its key."""
        self.state[key] = value

    def unused(self) -> list[Any]:
        """Return what was to be replaced and was not found on the app so far."""
        return [real for real, _ in self.swaps if not self._is_met(real)]

    def find(self, registered: Any, home: Home) -> Any:
        """Return what stands in place of a registered function or dotted path: itself, if nothing does."""
        for real, fake in reversed(self.swaps):
            if self.is_same(real, registered, home):
                self._note_met(registered, home)
                return fake
        return registered

    def _note_met(self, registered: Any, home: Home) -> None:
        """Remember that a function was found: under each of the names it was given for, and once."""
        for real, _ in self.swaps:
            if not self._is_met(real) and self.is_same(real, registered, home):
                self.met.append(real)

    def _is_met(self, real: Any) -> bool:
        return any(real is met for met in self.met)

    def is_same(self, real: Any, registered: Any, home: Home) -> bool:
        """Tell whether two functions or dotted paths are one.

        A registered path is looked up as the app does it. One that was given for replacing is looked up only where its
        module is imported already, so that what it leads to need not be there.
        """
        if isinstance(real, str) is isinstance(registered, str):
            return real is registered or bool(real == registered)
        name, function = (real, registered) if isinstance(real, str) else (registered, real)
        if any(name == given for given, _ in self.swaps) and not is_imported(name, home.package):
            return False
        from heaven._routing.importing import import_dotted

        try:
            found = import_dotted(name, home, '')
        except HandlerError:
            return False
        return found is function or bool(found == function)


def is_imported(dotted: str, package: str | None) -> bool:
    """Tell whether the module of a dotted path has been imported, and has what comes next in the path."""
    names = [dotted, f'{package}.{dotted}'] if package else [dotted]
    for name in names:
        module, _, rest = name.rpartition('.')
        while module and module not in sys.modules:
            module, _, rest = module.rpartition('.')
        if module and hasattr(sys.modules[module], rest.partition('.')[0]):
            return True
    return False

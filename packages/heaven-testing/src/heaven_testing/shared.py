"""What all connections of one client share: the limits, who is being held, and the context that startup made."""

from __future__ import annotations

import contextvars
from typing import Any, NamedTuple, Protocol

from .waiting import Alarm

_missing = object()

# In every task of an application it says which client has called it: so its tasks are found at the end.
client_of_task: contextvars.ContextVar[Shared] = contextvars.ContextVar('heaven_testing_client')


class Connection(Protocol):
    """As much of a connection as the others' common part has to know."""

    def release(self) -> None:
        """Let the application go on, if its `send` is held."""


class Change(NamedTuple):
    """A context variable that startup has set."""

    variable: contextvars.ContextVar[Any]
    before: Any
    after: Any


class Shared:
    """The common part of a client's connections. `limit` is in seconds, for all the waiting of one exchange."""

    def __init__(self, raise_app_exceptions: bool, limit: float) -> None:
        self.raise_app_exceptions = raise_app_exceptions
        self.limit = limit
        self.alarm: Alarm = Alarm()
        self.open: set[Any] = set()  # the calls that have not ended
        self.held: set[Connection] = set()
        self.changes: list[Change] = []

    def release(self) -> None:
        """Let what the application holds back go on: the test waits for something, so it is not busy elsewhere."""
        for connection in tuple(self.held):
            connection.release()

    def note_changes(self, before: contextvars.Context, after: contextvars.Context) -> None:
        """Remember the context variables that startup has set."""
        changes = [Change(variable, before.get(variable, _missing), value) for variable, value in after.items()]
        self.changes = [
            change for change in changes if change.before is not change.after and change.variable is not client_of_task
        ]

    def context(self) -> contextvars.Context | None:
        """Return a context with the variables that startup has set and the test has not since; None if it set none."""
        if not self.changes:
            return None
        context = contextvars.copy_context()
        for variable, before, after in self.changes:
            if context.get(variable, _missing) is before:
                context.run(variable.set, after)
        return context

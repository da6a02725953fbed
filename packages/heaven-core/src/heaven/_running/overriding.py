"""Replacing parts of an app while it runs, for tests."""

from heaven._running.run import Run
from heaven._serving.compile import find_function
from heaven._serving.registrations import DAEMON, SHUTDOWN, Registrations
from heaven.overrides import Overrides


def override_running(root: Registrations, overrides: Overrides) -> None:
    """Put overrides into an app that runs, until its shutdown; all of them, or nothing."""
    run: Run | None = root.run
    if run is None:
        raise RuntimeError('the app does not run: app.copy(overrides) is for one that does not')
    before = root.overrides
    root.overrides = [*before, overrides]
    try:
        run.recompile()
        for each in root.tree():
            for event in each.events:
                if event.kind in (SHUTDOWN, DAEMON):
                    find_function(event.function, each, event.kind)
    except BaseException:
        root.overrides = before
        run.recompile()
        raise
    root.state.update(overrides.state)

"""One run of an app: everything from its startup to its shutdown, on one event loop."""

import asyncio
from collections.abc import Awaitable, Callable
from enum import Enum, auto
from functools import partial
from typing import Any, NamedTuple

from heaven._http.logs import log
from heaven._routing.functions import maybe_await, name_of, refuse_generator
from heaven._routing.path import WWW
from heaven._running.daemons import Daemon
from heaven._running.lifespan import MountedLifespan
from heaven._serving.compile import compile_app, find_function
from heaven._serving.dispatcher import Dispatcher, choose_dispatcher
from heaven._serving.draining import Draining
from heaven._serving.finish import is_cancelling
from heaven._serving.idle_hooks import warn_of_idle_hooks
from heaven._serving.mounted import MountedASGI
from heaven._serving.registrations import DAEMON, SHUTDOWN, STARTUP, Event, Registrations
from heaven.types import Scope

PATIENCE = 10.0  # seconds that a part of a shutdown has
NO_ASYNCIO = 'Heaven runs on asyncio and uvloop, and no event loop of these runs here: tell the server to use one'


class State(Enum):
    """How far a run has come."""

    STARTING = auto()
    RUNNING = auto()
    OVER = auto()


class Exit(NamedTuple):
    """A part of a shutdown: what it is called in the log, and what it runs."""

    name: str
    function: Callable[[], Any]
    stops_by_itself: bool = False  # it keeps to the limit of time by its own means


class Run:
    """Everything from startup to shutdown of an app and of all that is mounted on it."""

    def __init__(self, root: Registrations) -> None:
        self.root = root
        self.loop: asyncio.AbstractEventLoop = asyncio.get_running_loop()
        self.state: State = State.STARTING
        self.started: asyncio.Future[None] = self.loop.create_future()
        self.starting: asyncio.Task[None] | None = None
        self.lifespans = 0  # servers that have told the app to start and not yet to stop
        self.exits: list[Exit] = []  # undone in reverse
        self.dispatchers: dict[str, Dispatcher] = {}
        root.draining = Draining()

    # starting

    async def start(self) -> None:
        """Start the app, or undo what had started; `started` tells how it went."""
        try:
            self.dispatchers = compile_app(self.root)
            self._take_state()
            await self._start_all()
        except (GeneratorExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            if not is_cancelling():
                log().error('startup failed', exc_info=error)
            try:
                await self.stop()
            finally:
                self.started.set_exception(error)
                self.started.exception()
            return
        if self.root.is_debug:
            warn_of_idle_hooks(self.dispatchers.values())
        self.state = State.RUNNING
        self.started.set_result(None)
        self.open_lane()

    def _take_state(self) -> None:
        """Give every app a state of its own for the run."""
        for each in self.root.tree():
            each.resting_state = each.state
            each.state = dict(each.state)
            each.is_running = True
        self.root.resting_overrides = self.root.overrides
        self.pin_state()

    def pin_state(self) -> None:
        """Keep what a test has put in place of values, whatever startup keeps."""
        for overrides in self.root.overrides:
            self.root.state.update(overrides.state)

    async def _start_all(self) -> None:
        """Start the functions and mounted apps as they were registered, outer apps first, then the daemons."""
        daemons: list[tuple[Event, Registrations]] = []
        for folder in [folder for each in self.root.tree() for folder in each.assets]:
            folder.check()
        for each in self.root.tree():
            for event in each.events:
                if event.kind == DAEMON:
                    daemons.append((event, each))
                elif event.kind == SHUTDOWN:
                    self._check(event, each)
                    self.exits.append(Exit(self._said(event), partial(self._shut, event, each)))
                else:
                    await self._start_function(event, each)
                self.pin_state()
            for mounted in each.mounted:
                await self._start_mounted(mounted)
        for event, each in daemons:
            self._start_daemon(event, each)

    async def _start_function(self, event: Event, registrations: Registrations) -> None:
        """Call a startup function, and note what it leaves to be undone."""
        function = find_function(event.function, registrations, STARTUP)
        if function is None:
            return
        made = function(registrations.app)
        name = self._said(event)
        if hasattr(made, '__anext__'):
            await anext(made, None)
            self.exits.append(Exit(name, partial(finish_generator, made)))
        elif isinstance(made, Awaitable):
            await made
        elif hasattr(made, '__aenter__'):
            await made.__aenter__()
            self.exits.append(Exit(name, partial(made.__aexit__, None, None, None)))
        elif hasattr(made, '__next__'):
            raise TypeError(f'{name} is a plain generator: write it as async def, so that it runs to its yield')
        else:
            await maybe_await(made)

    async def _start_mounted(self, mounted: MountedASGI) -> None:
        lifespan = MountedLifespan(mounted)
        await lifespan.startup()
        if lifespan.is_alive:
            self.exits.append(Exit(f'the lifespan of {mounted.app!r:.80}', lifespan.shutdown, True))

    def _start_daemon(self, event: Event, registrations: Registrations) -> None:
        if self._check(event, registrations) is None:
            return
        find = partial(find_function, event.function, registrations, DAEMON)
        daemon = Daemon(find, registrations.app, self._said(event))
        daemon.start()
        self.exits.append(Exit(f'daemon {self._said(event)}', daemon.stop, True))

    def _check(self, event: Event, registrations: Registrations) -> Any:
        """Import a function that is called later, so that a wrong name keeps the app from starting."""
        function = find_function(event.function, registrations, event.kind)
        refuse_generator(function, event.kind, 'app.ON(STARTUP, f) takes an async generator function')
        return function

    def _said(self, event: Event) -> str:
        return name_of(event.function)

    # stopping

    async def stop(self) -> list[str]:
        """Undo what was started, in reverse, all of it; return what failed."""
        self.state = State.OVER
        failures: list[str] = []
        cancelled: asyncio.CancelledError | None = None
        while self.exits:
            part = self.exits.pop()
            try:
                await self._undo(part)
            except (GeneratorExit, KeyboardInterrupt):
                raise
            except BaseException as error:
                if isinstance(error, asyncio.CancelledError) and is_cancelling():
                    cancelled = error
                    continue
                log().error('shutdown: %s failed', part.name, exc_info=error)
                failures.append(f'{type(error).__name__}: {error}')
        self.let_go()
        if cancelled is not None:
            raise cancelled
        return failures

    async def _undo(self, part: Exit) -> None:
        """Run a part of the shutdown for ten seconds at most; then the log names it, and it is left behind."""
        if part.stops_by_itself:
            await part.function()
            return
        made = part.function()
        if not isinstance(made, Awaitable):
            await maybe_await(made)
            return
        limit = asyncio.timeout(PATIENCE)
        try:
            async with limit:
                await made
        except TimeoutError:
            if not limit.expired():
                raise
            log().warning('shutdown: %s did not end in %.0f s and is left behind', part.name, PATIENCE)

    def _shut(self, event: Event, registrations: Registrations) -> Any:
        """Call a shutdown function, or what was put in its place since the startup."""
        function = find_function(event.function, registrations, SHUTDOWN)
        return None if function is None else function(registrations.app)

    def let_go(self) -> None:
        """Give the apps back what they kept before the run."""
        self.state = State.OVER
        if self.root.run is not self:  # it was abandoned, and what the apps keep now is of another run
            return
        self.root.run = None
        self.root.lane = None
        for each in self.root.tree():
            if each.resting_state is not None:
                each.state = each.resting_state
                each.resting_state = None
            each.is_running = False
        if self.root.resting_overrides is not None:
            self.root.overrides = self.root.resting_overrides
            self.root.resting_overrides = None

    def abandon(self) -> None:
        """Forget a run whose event loop has ended; should it go on and stop, only what is its own is stopped."""
        skipped = [part.name for part in self.exits if not part.stops_by_itself]
        if skipped:
            log().warning('the event loop of the app has ended before its shutdown, so these never ran: %s', skipped)
        self.exits = [part for part in self.exits if part.stops_by_itself]
        self.let_go()

    # serving

    def is_serving(self) -> bool:
        """Tell whether the app has started, on the loop of whoever asks."""
        return self.state is State.RUNNING and self.loop is asyncio.get_running_loop()

    def is_on_ended_loop(self) -> bool:
        """Tell whether the loop of the run is closed, or runs no more."""
        return self.loop.is_closed() or not self.loop.is_running()

    def dispatcher_of(self, scope: Scope) -> Dispatcher:
        """Return what serves the subdomain of a request."""
        return choose_dispatcher(self.dispatchers, scope, self.root.app.domain)

    def recompile(self) -> None:
        """Compile the app anew, while it runs, for a test that has replaced something."""
        self.dispatchers = compile_app(self.root)
        self.open_lane()

    def open_lane(self) -> None:
        """Let requests take the lane, where they need no middlewares and no choice of a subdomain first."""
        if self.state is not State.RUNNING or self.root.middlewares or len(self.dispatchers) > 1:
            return
        lane = self.dispatchers[WWW]
        lane.loop = self.loop
        lane.running_loop = asyncio.get_running_loop
        self.root.lane = lane


async def finish_generator(generator: Any) -> None:
    """Run the rest of an async generator; RuntimeError for a second yield."""
    async for _ in generator:
        await generator.aclose()
        raise RuntimeError(f'{generator!r} has a second yield: startup is up to the first, shutdown is the rest')


async def ensure_running(root: Registrations, in_this_task: bool) -> Run:
    """Return the run of an app on this event loop, started if there is none; once for all who ask at the same time.

    A lifespan starts the app in its own task, in which it will be stopped, too; a request in another one, for its
    client may leave. RuntimeError where the app runs on another loop, for it has one state, and where there is no loop
    of asyncio.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        log().error(NO_ASYNCIO)
        raise RuntimeError(NO_ASYNCIO) from None
    run = root.run
    if run is not None and run.loop is not loop:
        if not run.is_on_ended_loop():
            raise RuntimeError(
                'the app runs on another event loop, which it cannot share its state with: serve app.copy() here'
            )
        run.abandon()
        run = None
    if run is None:
        run = root.run = Run(root)
        if in_this_task:
            await run.start()
        else:
            run.starting = loop.create_task(run.start())
    await asyncio.shield(run.started)
    return run

"""What an app has registered, as it was registered: compiling reads it, and nothing else of an app."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from heaven._routing.converters import BUILT_IN, Type
from heaven._routing.endpoint import Codecs, Step
from heaven._routing.functions import Home
from heaven._routing.hooks import Hook
from heaven._routing.path import WWW
from heaven._routing.pattern import Pattern
from heaven.types import App, ASGIApp, Codec, Context, Handler, Renderer, Request, Response, Scope

if TYPE_CHECKING:
    from heaven._running.run import Run
    from heaven._serving.dispatcher import Dispatcher
    from heaven._serving.draining import Draining
    from heaven._serving.mounted import MountedASGI
    from heaven.assets import AssetFolder
    from heaven.cors import Cors
    from heaven.overrides import Overrides
    from heaven.same_origin import SameOrigin
    from heaven.sessions import Sessions

# kinds of events
STARTUP = 'startup'
SHUTDOWN = 'shutdown'
DAEMON = 'daemon'


def check_body_limit(size: Any) -> None:
    """Raise TypeError or ValueError for a `max_body_size` that is no number of bytes."""
    if isinstance(size, bool) or not isinstance(size, int):
        raise TypeError(f'max_body_size is an int, in bytes, not {size!r:.80}')
    if size < 0:
        raise ValueError(f'max_body_size is a number of bytes, not {size}')


class Observer(Protocol):
    """What watches an app for a test tool."""

    def on_request(self, req: Request, res: Response, ctx: Context, /) -> object:
        """Take note of a request, before its first hook."""

    def on_failure(self, scope: Scope, error: BaseException, /) -> object:
        """Take note of a failure that was answered with a 500."""


class Route(NamedTuple):
    """A route as it was registered."""

    pattern: Pattern
    handler: Handler | str
    subdomain: str
    methods: tuple[str, ...]
    name: str | None = None
    before: tuple[Handler | str, ...] = ()
    meta: Any = None
    threaded: bool = False
    stream: bool = False
    max_body_size: int | None = None
    origins: Sequence[str] | None = None
    is_mounted: bool = False  # the handler is an ASGI app, which is told from a function by nothing else


class Mount(NamedTuple):
    """Where an app is mounted on another."""

    parent: App
    child: App
    prefix: Pattern | None
    subdomain: str | None
    is_isolated: bool


class Event(NamedTuple):
    """Something that happens at startup or shutdown, or in between."""

    kind: str
    function: Any


class Middleware(NamedTuple):
    """A middleware, and what it is made with."""

    factory: Callable[..., ASGIApp]
    options: dict[str, Any]


class Registrations:
    """All that one app has registered."""

    def __init__(self, app: App, home: Home, codec: Codec | None) -> None:
        self.app = app
        self.home = home
        self.own_codec = codec
        self.config: Any = {}
        self.state: dict[str, Any] = {}
        self.types: dict[str, Type] = {kind.name: kind for kind in BUILT_IN}
        self.labels: set[str] = {WWW}
        self.routes: list[Route] = []
        self.claims: dict[object, str] = {}  # what only one route can have, with its text
        self.hooks: list[Hook] = []
        self.awaited: dict[object, str] = {}  # decorators that were given no function yet, with what they register
        self.errors: dict[Any, Handler | str] = {}  # by status or class
        self.error_handlers: dict[Any, Step] = {}  # the same, compiled
        self.events: list[Event] = []
        self.mounts: list[Mount] = []
        self.mounted: list[MountedASGI] = []  # apps that are none of Heaven's
        self.mount: Mount | None = None  # where this app is mounted
        self.middlewares: list[Middleware] = []
        self.stack: ASGIApp | None = None  # the middlewares around the app, made at the first connection
        self.observers: list[Observer] = []
        self.warned: list[Handler] = []  # handlers that returned something for nobody
        self.own_renderer: Renderer | None = None
        self.assets: list[AssetFolder] = []
        self.cors: dict[str | None, Cors] = {}  # by subdomain, None for all others
        self.sessions: Sessions | None = None
        self.same_origin: SameOrigin | None = None
        self.sessions_same_origin: SameOrigin | None = None  # the check that comes with sessions
        self.run: Run | None = None  # of the outermost app
        self.draining: Draining | None = None  # what the run has open; kept when it is over
        self.lane: Dispatcher | None = None  # what serves its requests, where nothing comes before
        self.is_running = False
        self.resting_state: dict[str, Any] | None = None  # as it was before the run
        self.overrides: list[Overrides] = []  # the newest last
        self.resting_overrides: list[Overrides] | None = None  # as they were before the run

    @property
    def parent(self) -> 'Registrations | None':
        """The registrations of the app that this one is mounted on."""
        return registrations_of(self.mount.parent) if self.mount else None

    @property
    def root(self) -> 'Registrations':
        """The registrations of the outermost app."""
        return list(self.lineage())[-1]

    @property
    def is_debug(self) -> bool:
        """Whether the app debugs, or one that it is mounted on."""
        return any(each.app.debug for each in self.lineage())

    @property
    def is_locked(self) -> bool:
        """Whether nothing can be registered: the app runs, and its loop was not closed meanwhile."""
        run = self.root.run
        return self.is_running and run is not None and not run.loop.is_closed()

    @property
    def keeper(self) -> 'Registrations':
        """Those of the app whose state and configuration this one uses: its own, or of the one it shares with."""
        if self.mount is None or self.mount.is_isolated:
            return self
        return registrations_of(self.mount.parent).keeper

    def lineage(self) -> Iterator['Registrations']:
        """Give these, then those of the app that theirs is mounted on, and so on."""
        each: Registrations | None = self
        while each is not None:
            yield each
            each = each.parent

    def tree(self) -> Iterator['Registrations']:
        """Give these, then those of all that is mounted, outer apps first."""
        waiting = [self]
        for each in waiting:
            yield each
            waiting += [registrations_of(mount.child) for mount in each.mounts]

    def codecs(self) -> Codecs:
        """Return the two functions of the JSON codec: the app's, or that of the one it is mounted on, or our own."""
        for each in self.lineage():
            if each.own_codec is not None:
                return Codecs(each.own_codec.loads, each.own_codec.dumps, True)
        from heaven._http import json

        return Codecs(json.loads, json.dumps, False)

    def tell_failure(self, scope: Scope, error: BaseException) -> None:
        """Tell those who observe the app of a failure that was answered."""
        observers = [*self.observers, scope['heaven.observer']] if 'heaven.observer' in scope else self.observers
        for observer in observers:
            observer.on_failure(scope, error)


def registrations_of(app: App) -> Registrations:
    """Return what an app has registered: the door for the house."""
    return app._registrations  # noqa: SLF001

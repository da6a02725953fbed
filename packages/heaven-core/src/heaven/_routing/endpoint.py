"""What serves one method of one route: everything about it that can be decided before a request comes."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Any, NamedTuple, Protocol, Self

from heaven._routing.pattern import Pattern, Query
from heaven.types import App, Context, Handler, Request, Response


class Step:
    """A hook or a handler, and how it is called. Nothing changes one after it was made."""

    __slots__ = ('app', 'function', 'is_async')

    def __init__(self, function: Handler, is_async: bool, app: App) -> None:
        self.function: Handler = function
        self.is_async: bool = is_async
        self.app: App = app  # the one it was registered on: `req.app` while it runs

    def __eq__(self, other: object) -> bool:
        """Tell whether it is the same function, registered on the same app."""
        return isinstance(other, Step) and self.function == other.function and self.app is other.app

    def __hash__(self) -> int:
        """Return what is the same for equal steps."""
        return hash(self.function)


class Ending(NamedTuple):
    """What runs after the answer is known: a hook that always runs, or the second half of an around-hook."""

    step: Step
    is_around: bool


class OwnHook(NamedTuple):
    """A hook of one route, of `before=`."""

    step: Step
    identity: object  # what is the same function
    is_around: bool


class Battery(Protocol):
    """What stands outside of the hooks of a request: sessions, CORS, the check of origins."""

    @property
    def preflight(self) -> Handler | None:
        """What answers a CORS preflight, in place of everything else; None if this battery does not."""

    def enter(self, req: Request, res: Response, ctx: Context, /) -> None:
        """Begin, before the body is read and before every hook; what is raised is answered as any failure is."""

    def leave(self, req: Request, res: Response, ctx: Context, /) -> None:
        """Say the last word about the answer, whatever it is, just before its first message."""


class Codecs(NamedTuple):
    """The two functions of a JSON codec, and whether it is one of the user's, which judges values by itself."""

    loads: Callable[[bytes], Any]
    dumps: Callable[[Any], bytes | str]
    is_custom: bool


class Endpoint:
    """One method of one route, decided. Nothing changes one after it was made; `replace` gives a changed copy.

    `before` and `after` are hooks in the order in which they run, the route's own included; `endings` are in the order
    of the first halves, and run in reverse. The lane calls the handler itself if `is_single`: it is async, and no hook
    and no typed query belongs to it.
    `batteries` is None where no app has any, for then nobody has to look for them.
    """

    def __init__(
        self,
        app: App,
        method: str,
        step: Step,
        codec: Codecs,
        body_limit: int,
        warned: list[Handler],
        *,
        pattern: Pattern | None = None,
        function: Handler | None = None,
        own_before: tuple[OwnHook, ...] = (),
        is_stream: bool = False,
        route_body_limit: int | None = None,
        origins: Sequence[str] | None = None,
        meta: Any = None,
        reads_body: bool = False,
        batteries: tuple[Battery, ...] | None = None,
    ) -> None:
        self.app = app
        self.method = method
        self.step = step  # the handler, and how it is called
        self.loads: Callable[[bytes], Any] = codec.loads
        self.dumps: Callable[[Any], bytes | str] = codec.dumps
        self.has_custom_codec: bool = codec.is_custom
        self.body_limit = body_limit  # what a body that is read whole may have, in bytes
        self.pattern = pattern
        self.route: str | None = pattern.text if pattern else None
        self.names: tuple[str, ...] = tuple(part.text for part in pattern.parameters) if pattern else ()
        self.queries: Mapping[str, Query] = pattern.queries if pattern else {}
        self.function = function  # the handler as it was written, whatever runs it
        self.own_before = own_before  # the hooks of the route itself, of `before=`
        self.is_stream = is_stream
        self.route_body_limit = route_body_limit
        self.origins = origins
        self.meta = meta
        self.reads_body = reads_body
        self.batteries = batteries
        self.stands_in_for_get = False  # a HEAD that GET answers
        self.hooks_depend_on_path = False  # they are decided for each request
        self.needs_search: bool = False  # the walk of the router cannot find it
        self.warned = warned  # handlers of this app that returned something for nobody
        self.before: tuple[Step, ...] = ()
        self.after: tuple[Step, ...] = ()
        self.endings: tuple[Ending, ...] = ()
        self.decide()

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some fields changed."""
        twin = copy(self)
        vars(twin).update(changes)
        twin.decide()
        return twin

    def decide(self) -> None:
        """Work out what the lane asks."""
        self.handler: Handler = self.step.function
        has_more = self.before or self.after or self.queries
        self.is_single: bool = self.step.is_async and not has_more and self.batteries is None
        self.needs_search = self.needs_search or self.hooks_depend_on_path
        self.ends_plainly: bool = not self.endings and not self.batteries and self.method != 'HEAD'

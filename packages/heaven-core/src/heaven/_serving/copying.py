"""Copies of an app, for tests and tools."""

from typing import Any, TypeVar

from heaven._routing.functions import Home
from heaven._serving.batteries import enter
from heaven._serving.compile import compile_app
from heaven._serving.course import begin
from heaven._serving.dispatcher import choose_dispatcher
from heaven._serving.mounted import MountedASGI
from heaven._serving.registrations import Mount, Registrations, registrations_of
from heaven._serving.unmatched import refuse_target
from heaven.context import Context
from heaven.overrides import Overrides
from heaven.request import Request
from heaven.response import Response
from heaven.types import App, Receive, Scope

A = TypeVar('A', bound=App)
CONTAINERS = (list, dict, set)


def copy_app(app: A, overrides: Overrides | None = None) -> A:
    """Return a copy of an app, and of all that is mounted on it, that does not run."""
    twin: Any = object.__new__(type(app))
    twin.__dict__.update(vars(app))
    twin.app = twin
    registrations = copy_registrations(registrations_of(app), twin)
    twin._registrations = registrations  # noqa: SLF001
    if overrides is not None:
        registrations.overrides = [*registrations.overrides, overrides]
    return twin  # type: ignore[no-any-return]


def copy_registrations(original: Registrations, twin: Any) -> Registrations:
    """Return a copy of what an app has registered, for a copy of the app."""
    copied = object.__new__(Registrations)
    for name, value in vars(original).items():
        setattr(copied, name, value.copy() if type(value) in CONTAINERS else value)
    copied.app = twin
    copied.mount = copied.run = copied.draining = copied.lane = copied.stack = None
    copied.is_running = False
    if original.resting_state is not None:
        copied.state = dict(original.resting_state)
        copied.resting_state = None
    if original.resting_overrides is not None:
        copied.overrides = list(original.resting_overrides)
        copied.resting_overrides = None
    copied.mounts = [copy_mount(mount, twin) for mount in original.mounts]
    handlers = [route.handler for route in original.routes]
    mounted = {id(each): MountedASGI(each.app) for each in handlers if isinstance(each, MountedASGI)}
    copied.routes = [route._replace(handler=mounted.get(id(route.handler), route.handler)) for route in original.routes]
    copied.mounted = list(mounted.values())
    return copied


def copy_mount(mount: Mount, parent: Any) -> Mount:
    """Return a mount of a copy of the child on a copy of the parent."""
    child = copy_app(mount.child)
    copied = mount._replace(parent=parent, child=child)
    registrations_of(child).mount = copied
    return copied


class Stubs(Overrides):
    """Nothing in place of what would have to be imported, so that a route can be found without its handler."""

    def find(self, registered: Any, home: Home) -> Any:
        """Return the function, or one that does nothing for a dotted path."""
        return do_nothing if isinstance(registered, str) else registered


def do_nothing(*args: object) -> None:
    """Stand for a function."""


async def make_trio(registrations: Registrations, scope: Scope, receive: Receive) -> tuple[Request, Response, Context]:
    """Return what a handler would be called with for a request.

    The route is looked up in a copy of the app, compiled without importing anything; `req.app` is the original.
    """

    async def send(message: Any) -> None:
        raise AssertionError('nothing answers a request that was made for a test')

    twin = copy_app(registrations.app, Stubs())
    originals = dict(zip(twin.apps(), registrations.app.apps(), strict=True))
    dispatchers = compile_app(registrations_of(twin))
    dispatcher = choose_dispatcher(dispatchers, scope, twin.domain)
    exchange, req, res, ctx = begin(scope, receive, send)
    endpoint = dispatcher.resolve(exchange)
    exchange.app = originals[endpoint.app]
    exchange.endpoint = endpoint.replace(app=exchange.app)
    enter(exchange, req, res, ctx)
    if endpoint.handler is refuse_target:
        await refuse_target(req, res, ctx)
    if endpoint.reads_body:
        await exchange.read_ahead()
    elif endpoint.route is None:  # nobody reads the body of an unknown route, but the test has a handler
        await exchange.read_body()
    return req, res, ctx

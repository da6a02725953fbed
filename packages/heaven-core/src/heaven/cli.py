"""The command `heaven`: `explain` a request, list the `routes` of an app, `run` it."""

import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeVar

from heaven._command.finding import WrongUse, find_app, find_heaven_app
from heaven._version import __version__
from heaven.errors import HeavenError, MissingPackage, optional

T = TypeVar('T')

WRONG_USE = 2  # the exit code
APP = 'module:attribute, or a function that makes the app; else `app` of app.py, main.py, src/app.py or src/main.py'


class Parser(ArgumentParser):
    """A parser that says what is wrong in one sentence."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and end."""
        self.exit(WRONG_USE, f'{self.prog}: {message}; see {self.prog} --help\n')


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code: 2 for a wrong use, with a sentence on the standard error."""
    asked = parser().parse_args(arguments)
    try:
        asked.command(asked)
        sys.stdout.flush()
    except BrokenPipeError:  # who reads has enough, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except WrongUse as error:
        print(error.details, end='', file=sys.stderr)
        print(f'heaven: {error}', file=sys.stderr)
        return WRONG_USE
    return 0


def parser() -> ArgumentParser:
    """Return what reads the arguments."""
    whole = Parser(prog='heaven', description='Tells of an app of Heaven, and runs it.')
    whole.add_argument('--version', action='version', version=__version__)
    commands = whole.add_subparsers(metavar='command', required=True)

    one = commands.add_parser('explain', help='say what would happen to a request', description=explain.__doc__)
    one.add_argument('method', type=method, help='such as GET, or WS for a WebSocket')
    one.add_argument('target', help='the path with its query, escaped as a client sends it, or a whole URL')
    one.add_argument('app', nargs='?', help=APP)
    one.add_argument('--host', help='the host that is asked, for subdomains')
    one.add_argument('--json', action='store_true', help='as JSON')
    one.set_defaults(command=explain)

    one = commands.add_parser('routes', help='list the routes', description=routes.__doc__)
    one.add_argument('app', nargs='?', help=APP)
    one.add_argument('--json', action='store_true', help='as JSON')
    one.set_defaults(command=routes)

    one = commands.add_parser('run', help='serve the app', description=run.__doc__)
    one.add_argument('app', nargs='?', help=APP)
    one.add_argument('--host', default='127.0.0.1', help='the address to listen at: %(default)s; 0.0.0.0 is all')
    one.add_argument('--port', type=port, default=8000, help='%(default)s; 0 is any that is free')
    several = one.add_mutually_exclusive_group()
    count = os.environ.get('WEB_CONCURRENCY', '1')
    several.add_argument('--workers', default=count, type=workers, metavar='N', help='processes: %(default)s')
    several.add_argument('--reload', action='store_true', help='start anew when a Python file changes')
    one.set_defaults(command=run)
    return whole


def method(text: str) -> str:
    """Return a method; what is none is refused as a route refuses it."""
    from heaven._serving.methods import route_methods

    if text == 'WS':
        return text
    try:
        return route_methods(text)[0]
    except HeavenError as error:
        raise ArgumentTypeError(str(error)) from None


def port(text: str) -> int:
    """Return a port."""
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise ArgumentTypeError(f'{text!r} is no port: it is a number up to 65535')
    return int(text)


def workers(text: str) -> int:
    """Return a number of processes."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise ArgumentTypeError(f'{text!r} is no number of processes: it is at least 1')
    return int(text)


def explain(asked: Namespace) -> None:
    """Say what would happen to a request: its route, every hook in order, and who is asked if it fails."""
    from heaven._command.telling import tell

    app = find_heaven_app(asked.app, 'explain').app
    explanation = told(lambda: app.explain(asked.method, asked.target, asked.host))
    print(as_json(explanation) if asked.json else tell(explanation), end='')


def routes(asked: Namespace) -> None:
    """List the routes of an app: their handlers and where these are written, their names, and the hooks that run."""
    from heaven._command.listing import tell_routes
    from heaven._serving.listing import list_routes
    from heaven._serving.registrations import registrations_of

    app = find_heaven_app(asked.app, 'routes').app
    listed = told(lambda: list_routes(registrations_of(app)))
    print(as_json(listed) if asked.json else tell_routes(listed), end='')


def run(asked: Namespace) -> None:
    """Serve an app with uvicorn; a stop ends open streams and WebSockets first, then waits 10 seconds for requests."""
    found = find_app(asked.app)
    try:
        optional('uvicorn', 'heaven-core[server]', 'heaven run')
    except MissingPackage as error:
        raise WrongUse(str(error)) from None
    from heaven._running.server import serve

    has_processes = asked.reload or asked.workers > 1  # which import the app by its name
    print(f'heaven: serving {found.target}', file=sys.stderr)
    serve(
        found.target if has_processes else found.app,
        factory=found.is_factory and has_processes,
        host=asked.host,
        port=asked.port,
        workers=asked.workers,
        reload=asked.reload,
    )


def told(ask: Callable[[], T]) -> T:
    """Return what an app tells of itself; WrongUse for what would keep it from starting, too."""
    try:
        return ask()
    except Exception as error:
        raise WrongUse(f'the app cannot start: {type(error).__name__}: {error}') from error


def as_json(value: object) -> str:
    """Write records as JSON; what JSON has no word for as text."""
    import json

    return json.dumps(plain(value), indent=2, ensure_ascii=False, default=str) + '\n'


def plain(value: Any) -> Any:
    """Return records as dicts, by the names of their fields."""
    if hasattr(value, '_asdict'):
        return {name: plain(field) for name, field in value._asdict().items()}
    if value.__class__ in (list, tuple):
        return [plain(item) for item in value]
    return value

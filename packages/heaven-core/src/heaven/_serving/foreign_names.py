"""What other frameworks call the verbs of registration, and what to write here."""

from typing import NoReturn

from heaven._serving.methods import VERBS

FOREIGN_NAMES = {
    'route': "app.GET('/path', handler), or app.METHOD(['GET', 'POST'], '/path', handler)",
    'add_route': "app.GET('/path', handler), or app.METHOD(['GET', 'POST'], '/path', handler)",
    'websocket': "app.WS('/path', handler)",
    'before_request': "app.BEFORE('/*', hook)",
    'after_request': "app.AFTER('/*', hook)",
    'errorhandler': 'app.ERROR(404, handler), or app.ERROR(ValueError, handler)',
    'exception_handler': 'app.ERROR(404, handler), or app.ERROR(ValueError, handler)',
    'add_middleware': 'app.use(Middleware, **options)',
    'middleware': 'app.use(Middleware, **options)',
    'include_router': "app.mount(other, '/prefix')",
    'register_blueprint': "app.mount(other, '/prefix')",
    'state': "app.keep('name', value) and app.peek('name')",
    'on_event': 'app.ON(STARTUP, function)',
    'run': 'app.listen()',
} | {verb.lower(): f"app.{verb}('/path', handler)" for verb in VERBS}


class ForeignName:
    """An attribute that says what to write here; a `__getattr__` would make all others slower to read."""

    def __init__(self, name: str, instead: str) -> None:
        self.name = name
        self.instead = instead

    def __get__(self, instance: object, owner: type) -> NoReturn:
        """Raise AttributeError."""
        raise AttributeError(f'{owner.__name__} has no {self.name!r}: write {self.instead}')


def add_foreign_names(registrar: type) -> None:
    """Let a class say what to write, for the names of other frameworks."""
    for name, instead in FOREIGN_NAMES.items():
        setattr(registrar, name, ForeignName(name, instead))

"""What is kept: on the app for a run, on the context for a request."""

from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from heaven.errors import refuse

T = TypeVar('T')


class Key(str, Generic[T]):
    """A name with a type: `Key[T]('db')` in place of `'db'` lets a type checker know what is kept there.

    DB = Key[Connection]('db')
    app.keep(DB, connection)
    app.peek(DB)                    # Connection | None; the same as app.peek('db')
    """


class Keeper:
    """The three verbs of everything that keeps values by name."""

    _kept: dict[str, Any]

    def keep(self, key: str, value: Any) -> None:
        """Keeps a value under a key, replacing what was there."""
        self._kept[key] = value

    @overload
    def peek(self, key: Key[T], default: None = None) -> T | None:
        """A typed key gives a value of its type, or None."""

    @overload
    def peek(self, key: Key[T], default: T) -> T:
        """A typed key gives a value of its type, as the default is."""

    @overload
    def peek(self, key: str, default: Any = None) -> Any:
        """A string gives whatever was kept."""

    def peek(self, key: str, default: Any = None) -> Any:
        """Gives the value kept under a key, or the default."""
        return self._kept.get(key, default)

    @overload
    def unkeep(self, key: Key[T]) -> T:
        """A typed key gives a value of its type."""

    @overload
    def unkeep(self, key: str) -> Any:
        """A string gives whatever was kept."""

    def unkeep(self, key: str) -> Any:
        """Removes a key and gives the value that was kept; KeyError if there was none."""
        return self._kept.pop(key)


class Context(Keeper):
    """What one request carries from hook to handler to template.

    ctx.keep('user', user)          # the same as ctx.user = user
    ctx.peek('user')                # None if nobody kept it
    'user' in ctx
    """

    _kept = property(vars)

    if TYPE_CHECKING:

        def __setattr__(self, name: str, value: Any) -> None:
            """Keeps a value for the rest of the request, as any object does."""

    def __getattr__(self: Keeper, name: str) -> Any:
        if name in self._kept:
            return self._kept[name]
        raise AttributeError(
            f'nothing was kept as {name!r}; kept: {", ".join(self._kept) or "nothing"}'
            + '; app.sessions(secret_key) turns sessions on' * (name == 'session')
        )

    def keep(self, key: str, value: Any) -> None:
        """Keeps a value for the rest of the request; AttributeError for a reserved name."""
        refuse(hasattr(Context, key), AttributeError, f'ctx.{key} is reserved: keep your value under another name')
        setattr(self, key, value)

    def __contains__(self, name: object) -> bool:
        return name in self.__dict__


for name in ('session', 'app', 'request', 'response', 'headers', 'cookies'):
    # cannot be set; what a property cannot read is asked of __getattr__
    setattr(Context, name, property(None, lambda ctx, value, name=name: ctx.keep(name, value)))  # type: ignore[misc]


class Shelf:
    """The state of an app written as attributes: `app._.db` and `app._.db = connection`."""

    def __init__(self, app: Keeper) -> None:
        vars(self)['_app'] = app

    def __getattr__(self, name: str) -> Any:
        return Context.__getattr__(self._app, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._app.keep(name, value)

"""What is kept: on the app for a run, on the context for a request."""

from __future__ import annotations

from typing import Any, Generic, TypeVar, overload

T = TypeVar('T')


class Key(str, Generic[T]):
    """A name with a type: `Key[T]('db')` in place of `'db'` lets a type checker know what is kept there.

    DB = Key[Connection]('db')
    app.keep(DB, connection)
    app.peek(DB)                    # Connection | None; the same as app.peek('db')
    """

    __slots__ = ()


class Keeper:
    """The three verbs of everything that keeps values by name."""

    __slots__ = ()

    _kept: dict[str, Any]

    @overload
    def keep(self, key: Key[T], value: T) -> None: ...
    @overload
    def keep(self, key: str, value: Any) -> None: ...
    def keep(self, key: str, value: Any) -> None:
        """Keeps a value under a key, replacing what was there."""
        self._kept[key] = value

    @overload
    def peek(self, key: Key[T], default: None = None) -> T | None: ...
    @overload
    def peek(self, key: Key[T], default: T) -> T: ...
    @overload
    def peek(self, key: str, default: Any = None) -> Any: ...
    def peek(self, key: str, default: Any = None) -> Any:
        """Gives the value kept under a key, or the default."""
        return self._kept.get(key, default)

    @overload
    def unkeep(self, key: Key[T]) -> T: ...
    @overload
    def unkeep(self, key: str) -> Any: ...
    def unkeep(self, key: str) -> Any:
        """Removes a key and gives the value that was kept; KeyError if there was none."""
        return self._kept.pop(key)


class Reserved:
    """A name on the context that is not for keeping."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, ctx: Any, owner: type) -> Any:
        return ctx.__dict__[self.name] if ctx and self.name in ctx.__dict__ else Context.__getattr__(ctx, self.name)

    def __set__(self, ctx: Any, value: Any) -> None:
        raise AttributeError(f'ctx.{self.name} is reserved: keep your value under another name')


class Context(Keeper):
    """What one request carries from hook to handler to template.

    ctx.keep('user', user)          # the same as ctx.user = user
    ctx.peek('user')                # None if nobody kept it
    'user' in ctx
    """

    session, app, request, response, headers, cookies = (Reserved() for _ in range(6))

    @property
    def _kept(self) -> dict[str, Any]:  # type: ignore[override]
        return self.__dict__

    def keep(self, key: str, value: Any) -> None:
        """Keeps a value for the rest of the request; AttributeError for a reserved name."""
        setattr(self, key, value)

    def __getattr__(self, name: str) -> Any:
        if name == 'session':
            raise AttributeError('there are no sessions: app.sessions(secret_key) turns them on')
        raise AttributeError(f'nothing was kept as {name!r}; kept: {", ".join(self.__dict__) or "nothing"}')

    def __contains__(self, name: object) -> bool:
        return name in self.__dict__


class Shelf:
    """The state of an app written as attributes: `app._.db` and `app._.db = connection`."""

    __slots__ = ('_app',)

    _app: Keeper

    def __init__(self, app: Keeper) -> None:
        object.__setattr__(self, '_app', app)

    def __getattr__(self, name: str) -> Any:
        try:
            return self._app._kept[name]
        except KeyError:
            raise AttributeError(
                f'nothing was kept as {name!r}; kept: {", ".join(self._app._kept) or "nothing"}'
            ) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self._app.keep(name, value)

    def __delattr__(self, name: str) -> None:
        self._app.unkeep(name)

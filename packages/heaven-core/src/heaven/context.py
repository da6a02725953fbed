"""What is kept: on the app for a run, on the context for a request."""

from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

if TYPE_CHECKING:
    from heaven.types import Session

T = TypeVar('T')

RESERVED = frozenset({'session', 'app', 'request', 'response', 'headers', 'cookies', 'keep', 'peek', 'unkeep'})


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

    @property
    def _kept(self) -> dict[str, Any]:
        raise NotImplementedError

    def keep(self, key: str, value: Any) -> None:
        """Keep a value under a key, replacing what was there."""
        self._kept[key] = value

    @overload
    def peek(self, key: Key[T], default: None = None) -> T | None:
        """Return a value of the type of its key, or None."""

    @overload
    def peek(self, key: Key[T], default: T) -> T:
        """Return a value of the type of its key, as the default is."""

    @overload
    def peek(self, key: str, default: Any = None) -> Any:
        """Return whatever was kept."""

    def peek(self, key: str, default: Any = None) -> Any:
        """Return the value kept under a key, or the default."""
        return self._kept.get(key, default)

    @overload
    def unkeep(self, key: Key[T]) -> T:
        """Return a value of the type of its key."""

    @overload
    def unkeep(self, key: str) -> Any:
        """Return whatever was kept."""

    def unkeep(self, key: str) -> Any:
        """Remove a key and return the value that was kept; KeyError if there was none."""
        return self._kept.pop(key)


class Context(Keeper):
    """What one request carries from hook to handler to template.

    ctx.keep('user', user)          # the same as ctx.user = user
    ctx.peek('user')                # None if nobody kept it
    'user' in ctx
    """

    __slots__ = ('__dict__',)

    _kept: dict[str, Any] = property(vars)  # type: ignore[assignment]

    if TYPE_CHECKING:

        def __setattr__(self, name: str, value: Any) -> None:
            """Keep a value for the rest of the request, as any object does."""

        @property
        def session(self) -> Session:
            """The session of the client: a dict with attributes, from `app.sessions`."""
            ...

    def __getattr__(self, name: str) -> Any:
        """Explain what was kept, where nothing was under this name."""
        kept = vars(self)
        hint = '; app.sessions(secret_key) turns sessions on' if name == 'session' else ''
        raise AttributeError(f'ctx has no {name!r}; this request has kept: {", ".join(kept) or "nothing"}{hint}')

    def keep(self, key: str, value: Any) -> None:
        """Keep a value for the rest of the request; AttributeError for a reserved name."""
        if key in RESERVED:
            raise AttributeError(f'ctx.{key} is reserved: keep your value under another name')
        setattr(self, key, value)

    if not TYPE_CHECKING:  # what reads types has the overloads of `Keeper`

        def peek(self, key: str, default: Any = None) -> Any:
            """Return the value kept under a key, or the default; `session` is what `ctx.session` is."""
            kept = vars(self)
            if key in RESERVED and key in kept:
                return getattr(self, key)
            return kept.get(key, default)

        def unkeep(self, key: str) -> Any:
            """Remove a key and return its value; KeyError if there was none, AttributeError for a reserved name."""
            if key in RESERVED:
                hint = ': ctx.session.clear() forgets what the client has' if key == 'session' else ''
                raise AttributeError(f'ctx.{key} is reserved, and cannot be removed{hint}')
            return vars(self).pop(key)

    def __contains__(self, name: object) -> bool:
        """Tell whether a value was kept under a name."""
        return name in vars(self)


class Reserved:
    """A name of the context that cannot be assigned; what the house itself keeps there can be read.

    A descriptor costs an ordinary `ctx.user = x` nothing, where a `__setattr__` would cost it a microsecond.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, ctx: Context | None, owner: type) -> Any:
        """Open what the house has kept under the name."""
        if ctx is None:
            return self
        if self.name in vars(ctx):
            return vars(ctx)[self.name].open()
        return ctx.__getattr__(self.name)

    def __set__(self, ctx: Context, value: object) -> None:
        """Refuse to keep a value."""
        ctx.keep(self.name, value)


for reserved in ('session', 'app', 'request', 'response', 'headers', 'cookies'):
    setattr(Context, reserved, Reserved(reserved))

"""Functions: of what kind one is, as the flags of its code tell, whatever it is wrapped in, and how they are named."""

from collections.abc import Awaitable
from functools import partial
from os.path import dirname
from types import FunctionType, MethodType
from typing import Any, NamedTuple

from heaven.types import App

# The flags of a code object, by the names that `inspect` gives them; importing it takes 20 ms.
CO_GENERATOR = 0x20
CO_COROUTINE = 0x80
CO_ITERABLE_COROUTINE = 0x100
CO_ASYNC_GENERATOR = 0x200


class Home(NamedTuple):
    """Where the module that made an app lies, for the dotted paths of functions: its folder, and its package if any."""

    folder: str
    package: str | None


def home_of(app: App) -> Home:
    """Return where the module lies that makes an app: that of the first function outside of the app's own methods."""
    try:
        raise LookupError  # noqa: TRY301 (its traceback leads to the frames)
    except LookupError as error:
        frame = error.__traceback__.tb_frame if error.__traceback__ else None
    while frame is not None:
        code = frame.f_code
        first = code.co_varnames[0] if code.co_argcount else ''
        if frame.f_locals.get(first) is not app:
            return Home(dirname(frame.f_globals.get('__file__') or ''), frame.f_globals.get('__package__'))
        frame = frame.f_back
    return Home('', None)


def flags_of(function: Any) -> int:
    """Return the flags of the code that a call runs: of a function, a method, a partial, or an object's `__call__`."""
    while isinstance(function, partial):
        function = function.func
    if not isinstance(function, (FunctionType, MethodType)):
        function = type(function).__call__
        while isinstance(function, partial):
            function = function.func
    code = getattr(function, '__code__', None)
    return getattr(code, 'co_flags', 0)


def is_async(function: Any) -> bool:
    """Tell whether a call gives a coroutine."""
    return bool(flags_of(function) & CO_COROUTINE)


def is_async_generator(function: Any) -> bool:
    """Tell whether a call gives an async generator."""
    return bool(flags_of(function) & CO_ASYNC_GENERATOR)


def is_generator(function: Any) -> bool:
    """Tell whether a call gives a generator, which is not a coroutine of `types.coroutine`."""
    flags = flags_of(function)
    return bool(flags & CO_GENERATOR) and not flags & CO_ITERABLE_COROUTINE


def name_of(function: Any) -> str:
    """Return what a function is called in messages."""
    if isinstance(function, str):
        return repr(function)
    module = getattr(function, '__module__', '')
    name = getattr(function, '__qualname__', None)
    if name is None:
        return f'an object of {type(function).__module__}.{type(function).__qualname__}'
    return f'{module}.{name}'


def check_function(function: Any, where: str, takes_path: bool = True) -> None:
    """Raise TypeError for what nobody can call and what is no dotted path, where that may stand for a function."""
    if callable(function) or takes_path and isinstance(function, str):
        return
    taken = 'a function or the dotted path of one' if takes_path else 'a function'
    raise TypeError(f'{where} takes {taken}, not {function!r:.80}; it was called already, perhaps: leave out the ()')


def check_threaded(function: Any, threaded: bool) -> None:
    """Raise TypeError where a thread is asked for something that is no plain function."""
    if threaded and (is_async(function) or is_async_generator(function)):
        raise TypeError(f'{name_of(function)} is async: threaded=True is for plain functions')


def check_before(function: Any, threaded: bool = False, where: str = 'a BEFORE') -> bool:
    """Raise TypeError for what cannot be a BEFORE; return whether it goes around the request."""
    check_threaded(function, threaded)
    if is_async_generator(function):
        return True
    refuse_generator(function, where, 'write it as async def, and it goes around the request')
    return False


def check_after(function: Any, threaded: bool) -> None:
    """Raise TypeError for what cannot be an AFTER."""
    check_threaded(function, threaded)
    refuse_generator(function, 'an AFTER', 'a BEFORE that yields goes around the request')


def refuse_generator(function: Any, where: str, instead: str) -> None:
    """Raise TypeError for a generator function, whose code would never run."""
    if is_generator(function) or is_async_generator(function):
        raise TypeError(f'{name_of(function)} is a generator function, and {where} takes none: {instead}')


def can_await(value: object) -> bool:
    """Tell whether a value can be awaited; a coroutine of `types.coroutine` can, and is no Awaitable."""
    code = getattr(value, 'gi_code', None)
    return isinstance(value, Awaitable) or bool(getattr(code, 'co_flags', 0) & CO_ITERABLE_COROUTINE)


async def maybe_await(value: Any) -> Any:
    """Return a value, awaited if it can be."""
    return await value if can_await(value) else value

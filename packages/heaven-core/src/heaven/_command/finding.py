"""Finding the app that a command is about: by its name, or where apps usually are."""

import importlib
import inspect
import os
import sys
import traceback
from collections.abc import Iterator
from difflib import get_close_matches
from functools import partial
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

from heaven._routing.functions import is_async
from heaven.app import App

USUAL = ('app.py', 'main.py', 'src/app.py', 'src/main.py')


class WrongUse(Exception):
    """What was asked for cannot be done: a sentence that says what was found instead, and a traceback if that helps."""

    def __init__(self, sentence: str, details: str = '') -> None:
        super().__init__(sentence)
        self.details = details


class Found(NamedTuple):
    """An app, what it is called as `module:attribute`, and whether that is a function that makes it."""

    app: Any
    target: str
    is_factory: bool


def find_app(target: str | None) -> Found:
    """Import an app; WrongUse if there is none."""
    folder = os.getcwd()
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return find_usual(folder) if target is None else find_named(target)


def find_heaven_app(target: str | None, command: str) -> Found:
    """Import one of Heaven's apps; WrongUse for any other."""
    found = find_app(target)
    if isinstance(found.app, App):
        return found
    raise WrongUse(
        f'{found.target} is {described(found.app)}, and heaven {command} tells of apps of Heaven: '
        'name the App that is mounted on it'
    )


def find_usual(folder: str) -> Found:
    """Import `app` from the first of the usual files that has one."""
    files = [file for file in USUAL if os.path.isfile(file)]
    for file in files:
        name = module_of(file)
        if hasattr(imported(name), 'app'):
            return find_named(f'{name}:app')
    if not files:
        raise WrongUse(
            f'there is no {", ".join(USUAL[:-1])} or {USUAL[-1]} in {folder}: '
            'go to the folder of your app, or name it as module:attribute'
        )
    module = imported(module_of(files[0]))
    raise WrongUse(f'{files[0]} has no app{what_there_is(module)}')


def module_of(file: str) -> str:
    """Return the name by which a file is imported from the working directory."""
    return file.removesuffix('.py').replace('/', '.').replace(os.sep, '.')


def find_named(target: str) -> Found:
    """Import what `module:attribute` names; the attribute is `app` unless it is said."""
    name, _, attribute = target.partition(':')
    if '/' in name or name.endswith('.py'):
        raise WrongUse(f'{target} is a file, and an app is named as a module: {module_of(name)}:{attribute or "app"}')
    if not all(part.isidentifier() for part in name.split('.')):
        raise WrongUse(f'{target!r} names no app: write module:attribute, such as app:app')
    module = imported(name)
    found: Any = module
    for part in (attribute or 'app').split('.'):
        if not hasattr(found, part):
            raise WrongUse(f'{name} has no {attribute or "app"}{what_there_is(module)}')
        found = getattr(found, part)
    target = f'{name}:{attribute or "app"}'
    if is_factory(found):
        return Found(checked(made(found, target), f'what {target} returns'), target, True)
    return Found(checked(found, target), target, False)


def imported(name: str) -> ModuleType:
    """Import a module; WrongUse if it is not there, or fails."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f'{name}.'.startswith(f'{error.name}.'):
            raise failed(f'{name} cannot be imported', error) from None
        names = module_names()
        nearest = get_close_matches(name, names, 1) or names
        hint = f'there is {nearest[0]}' if nearest else 'there is no Python file'
        raise WrongUse(f'there is no module {name}: in {os.getcwd()} {hint}') from None
    except (Exception, SystemExit) as error:
        raise failed(f'{name} cannot be imported', error) from None


def module_names() -> list[str]:
    """Return the modules in the working directory, and in `src`."""
    found: list[str] = []
    for folder in ('.', 'src'):
        if os.path.isdir(folder):
            files = [os.path.join(folder, file) for file in os.listdir(folder) if file.endswith('.py')]
            found += [module_of(os.path.normpath(file)) for file in files]
    return sorted(found)


def failed(what: str, error: BaseException) -> WrongUse:
    """Return what to say of code of the user's that has failed, with the part of the traceback that is theirs."""
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if not is_machinery(frame.filename)]
    last = f', in {os.path.relpath(own[-1].filename)}, line {own[-1].lineno}' if own else ''
    details = 'Traceback (most recent call last):\n' + ''.join(traceback.format_list(own)) if own else ''
    details += ''.join(traceback.format_exception_only(error))
    return WrongUse(f'{what}: {type(error).__name__}: {error}{last}', details)


def is_machinery(file: str) -> bool:
    """Tell whether a file is of the import system, or of this command."""
    return file.startswith('<frozen importlib') or file in (__file__, importlib.__file__)


def is_factory(found: Any) -> bool:
    """Tell whether something is a function that makes an app: one that is called without arguments."""
    is_function = isinstance(found, (FunctionType, partial))
    return is_function and not is_async(found) and can_be_called(found, 0)


def can_be_called(function: Any, count: int) -> bool:
    """Tell whether a function can be called with so many arguments."""
    try:
        inspect.signature(function).bind(*[None] * count)
    except (TypeError, ValueError):
        return False
    return True


def made(factory: Any, target: str) -> Any:
    """Call a function that makes an app; WrongUse if it fails."""
    try:
        return factory()
    except (Exception, SystemExit) as error:
        raise failed(f'{target}() has failed', error) from None


def checked(app: Any, target: str) -> Any:
    """Return an app; WrongUse for what is none."""
    if isinstance(app, App):
        return app
    if inspect.isclass(app) or not callable(app) or not can_be_called(app, 3):
        raise WrongUse(f'{target} is {described(app)}, which is no app')
    return app


def described(found: Any) -> str:
    """Say what something is."""
    if isinstance(found, ModuleType):
        return f'the module {found.__name__}'
    if inspect.isclass(found):
        return f'the class {found.__name__}'
    if inspect.isfunction(found):
        count = len(inspect.signature(found).parameters)
        return f'a function of {count} parameter{"" if count == 1 else "s"}'
    name = type(found).__name__
    return f'{"an" if name[:1].lower() in "aeiou" else "a"} {name}'


def what_there_is(module: ModuleType) -> str:
    """Say which apps a module has, or else which functions may make one."""
    names = list(apps_in(module))
    if names:
        return f': it has {" and ".join(names)}, so name {module.__name__}:{names[0]}'
    return f': there is no app in {module.__name__}'


def apps_in(module: ModuleType) -> Iterator[str]:
    """Give the names of what may be meant in a module: its apps, then functions of its own that may make one."""
    own = {name: value for name, value in vars(module).items() if name[:1] != '_'}
    yield from (name for name, value in own.items() if isinstance(value, App))
    for name, value in own.items():
        if is_factory(value) and getattr(value, '__module__', None) == module.__name__ and 'app' in name:
            yield name

"""From the dotted path of a function to the function."""

import os
import sys
from importlib import import_module, machinery, util
from typing import Any

from heaven._routing.functions import Home
from heaven.errors import HandlerError


def import_dotted(dotted: str, home: Home, where: str) -> Any:
    """Import the object of a dotted path; HandlerError names the route, the path and the reason.

    The path is looked for on `sys.path` first, then beside the module that made the app, so that an app found as
    `src.app` finds what lies in `src`.
    """
    said = f'{where}: cannot import {dotted!r}'
    top, _, rest = dotted.partition('.')
    if not rest:
        raise HandlerError(f"{said}: write the module too, as in 'controllers.patients.{dotted}'")
    try:
        module = find_top(top, home.package)
        return walk(module, rest.split('.'), dotted)
    except Exception as error:
        hint = ''
        if isinstance(error, ModuleNotFoundError) and error.name == top:
            hint = folder_hint(top, home.folder)
        raise HandlerError(f'{said}: {type(error).__name__}: {error}{hint}') from error


def find_top(top: str, package: str | None) -> Any:
    """Import the first module of a path: from `sys.path`, else from the package of the app."""
    if util.find_spec(top) is None and package and util.find_spec(f'{package}.{top}') is not None:
        return import_module(f'{package}.{top}')
    return import_module(top)


def walk(found: Any, parts: list[str], dotted: str) -> Any:
    """Follow a path through modules and attributes.

    A module goes before an attribute of its name, but at the end of the path, where a function may be called like the
    module that it comes from.
    """
    for at, part in enumerate(parts):
        is_last = at == len(parts) - 1
        if not (is_last and hasattr(found, part)) and is_module(found, part):
            found = import_module(f'{found.__name__}.{part}')
        else:
            found = getattr(found, part)
    return found


def is_module(package: Any, part: str) -> bool:
    """Tell whether a package has a module of a name."""
    if not hasattr(package, '__path__'):
        return False
    name = f'{package.__name__}.{part}'
    return name in sys.modules or util.find_spec(name) is not None


def folder_hint(top: str, folder: str) -> str:
    """Say where a module lies that was not found: beside the app, or in the working directory."""
    for path in (os.path.abspath(folder), os.getcwd()):
        if machinery.PathFinder.find_spec(top, [path]):
            return f'; it lies in {path}, which is not on sys.path'
    return ''

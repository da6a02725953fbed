"""Where a function is written: its name, its file and its line, for the tools that show an app to people."""

import inspect
import os
from functools import partial
from types import FunctionType
from typing import Any, NamedTuple

from heaven._routing.functions import name_of
from heaven._serving.mounted import MountedASGI


class Whereabouts(NamedTuple):
    """A function: its dotted name, and where it is written; the file is relative if it lies in the working directory.

    File and line are None for what is not written in Python.
    """

    name: str
    file: str | None
    line: int | None


def whereabouts(function: Any) -> Whereabouts:
    """Tell where a function is written, behind its decorators; of an object that is called, where its class is."""
    if isinstance(function, MountedASGI):
        function = function.app
    while isinstance(function, partial):
        function = function.func
    name = name_of(function)
    found: Any = inspect.unwrap(inspect.unwrap(function, stop=inspect.ismethod))
    found = inspect.unwrap(getattr(found, '__func__', found))
    if isinstance(found, FunctionType):
        return Whereabouts(name, relative(found.__code__.co_filename), found.__code__.co_firstlineno)
    if not inspect.isclass(found):
        found = found.__class__
    try:
        return Whereabouts(name, relative(inspect.getfile(found)), inspect.getsourcelines(found)[1])
    except (OSError, TypeError):
        return Whereabouts(name, None, None)


def relative(file: str) -> str:
    """Return the path of a file as it is shortest from the working directory, if it lies there."""
    path = os.path.relpath(file) if os.path.splitdrive(file)[0] == os.path.splitdrive(os.getcwd())[0] else file
    return file if path.startswith(os.pardir) else path

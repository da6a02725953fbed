"""Folders of templates, and the loader that finds a template in them."""

import os
from collections.abc import Callable, Iterator
from typing import NamedTuple
from weakref import WeakKeyDictionary

import jinja2
from heaven import App
from heaven.errors import HeavenError
from heaven.rendering import PLAIN

from .wording import near


class Folder(NamedTuple):
    """A folder of templates, the prefix that their names have, and whether they are escaped."""

    path: str
    prefix: str
    escape: bool

    def find(self, name: str) -> str | None:
        """Return the file of a template, or None if it is not here."""
        if not name.startswith(self.prefix):
            return None
        path = os.path.join(self.path, *name[len(self.prefix) :].split('/'))
        return path if os.path.isfile(path) else None

    def names(self) -> Iterator[str]:
        """Give the names of all templates."""
        for root, _, files in os.walk(self.path):
            for file in files:
                yield self.prefix + os.path.relpath(os.path.join(root, file), self.path).replace(os.sep, '/')

    def __str__(self) -> str:
        """Show the folder in a message, with its prefix, and whether it is there at all."""
        text = self.path
        if self.prefix:
            text += f' (as {self.prefix}...)'
        if not os.path.isdir(self.path):
            text += ' (there is no such folder)'
        return text


class MissingTemplate(HeavenError, jinja2.TemplateNotFound):
    """No folder has the template: the message names it, the folders that were searched, and names that come near."""

    def __init__(self, name: str, folders: list[Folder]) -> None:
        super().__init__(name)
        self.folders = folders

    def __str__(self) -> str:
        """Say what was looked for, and where."""
        name = str(self.name)
        where = ' or '.join(map(str, self.folders)) or 'any folder'
        message = f'no template {name!r} in {where}'
        if not is_legal(name):
            message += '; a name is a path inside a folder, with / and without . or ..'
        there = {each for folder in self.folders for each in folder.names()}
        return message + near(name, there, 0.8)


class Loader(jinja2.BaseLoader):
    """Finds templates in folders, searched in order, and holds what an `Environment` keeps of them."""

    def __init__(self, folders: Callable[[], list[Folder]]) -> None:
        self.folders = folders
        self.escaped: dict[str | None, bool] = {}  # by the name of a template
        self.known: dict[object, jinja2.Template] = {}
        self.skeletons: dict[str, jinja2.Template] = {}
        self.assets: WeakKeyDictionary[App, dict[str, str]] = WeakKeyDictionary()  # paths by name, for each app
        self.undefined: dict[bool, type[jinja2.Undefined]] = {}  # in debug, and outside of it

    def find(self, name: str) -> tuple[str, Folder] | None:
        """Return the file of a template and its folder; a name that would lead out of a folder is in none."""
        if not is_legal(name):
            return None
        for folder in self.folders():
            path = folder.find(name)
            if path is not None:
                return path, folder
        return None

    def get_source(self, environment: jinja2.Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        """Return the text and the file of a template, and a function that tells whether it still is that text.

        Jinja2 calls it. MissingTemplate if no folder has the template.
        """
        found = self.find(template)
        if found is None:
            raise MissingTemplate(template, self.folders())
        path, folder = found
        with open(path, encoding='utf-8') as file:
            stamp = os.fstat(file.fileno()).st_mtime_ns
            source = file.read()
        self.escaped[template] = folder.escape and not template.endswith(PLAIN)

        def is_fresh() -> bool:
            return self.find(template) == found and os.stat(path).st_mtime_ns == stamp

        return source, path, is_fresh

    def list_templates(self) -> list[str]:
        """Return the names of all templates in all folders."""
        return sorted({name for folder in self.folders() for name in folder.names()})

    def is_escaped(self, name: str | None) -> bool:
        """Tell whether what a template prints is escaped."""
        return self.escaped.get(name, True)


def is_legal(name: str) -> bool:
    """Tell whether a name can only be a path inside a folder, on any system."""
    if any(part in ('', '.', '..') for part in name.split('/')):
        return False
    return not set('\\:\0') & set(name)

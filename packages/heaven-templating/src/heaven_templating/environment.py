"""Jinja2 as Heaven uses it: folders with prefixes, blocks that render alone, errors that say what there is.

A block rendered alone has what it has in its page: the imports, macros and `set`s at the top of the page and of every
layout below it, and `super()`. So a page has a skeleton, which is the page without its output: only the statements
that give names, the `extends` (of the layout's skeleton in turn), and, where they never run, the blocks. A run of the
skeleton prints nothing and leaves a context in which any block of the page, its own or inherited, can be called.
"""

from __future__ import annotations

import os
from collections import ChainMap
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from difflib import get_close_matches
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import jinja2
from heaven.errors import HeavenError
from heaven.rendering import PLAIN
from jinja2 import nodes
from jinja2.runtime import Context
from jinja2.utils import missing

# Names in a context that no template can write: what the render is for, whatever was passed as `req`, and the names
# that imported templates share with the page.
HERE = 'heaven.here'
SHARED = 'heaven.shared'
NAMES = frozenset({'req', 'res', 'ctx', 'app', HERE, SHARED})

# Top-level statements that give names to the blocks below them.
NAMING = (nodes.Assign, nodes.AssignBlock, nodes.Import, nodes.FromImport, nodes.Macro, nodes.ExprStmt)


class MissingTemplate(HeavenError, jinja2.TemplateNotFound):
    """No folder has the template: the message names it, the folders that were searched, and names that come near."""

    def __init__(self, name: str, folders: list[Folder]) -> None:
        super().__init__(name)
        self.folders = folders

    def __str__(self) -> str:
        return (
            f'no template {self.name!r} in {" or ".join(map(str, self.folders)) or "any folder"}'
            + ('' if is_legal(str(self.name)) else '; a name is a path inside a folder, with / and without . or ..')
            + near(str(self.name), {name for folder in self.folders for name in folder.names()}, 0.8)
        )


class MissingBlock(HeavenError, LookupError):
    """Neither the template nor a layout of its has the block: the message names those that there are."""

    def __init__(self, block: str, name: str | None, blocks: Iterable[str]) -> None:
        super().__init__(f'no block {block!r} in {name!r}; there is {listed(blocks)}{near(block, blocks)}')


class Strict(jinja2.StrictUndefined):
    """What debug gives for a name that nobody passed: any use of it is an error that says what the object has."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        message = super()._undefined_message
        if self._undefined_hint or self._undefined_obj is missing:
            return message
        thing = self._undefined_obj
        names = thing if isinstance(thing, Mapping) else [name for name in dir(thing) if not name.startswith('_')]
        return f'{message}; it has {listed(map(str, names))}'


class Folder(NamedTuple):
    """A folder of templates, the prefix that their names have, and whether they are escaped."""

    path: str
    prefix: str
    escape: bool

    def find(self, name: str) -> str | None:
        """Gives the file of a template, or None if it is not here."""
        if not name.startswith(self.prefix):
            return None
        path = os.path.join(self.path, *name[len(self.prefix) :].split('/'))
        return path if os.path.isfile(path) else None

    def names(self) -> Iterator[str]:
        """Gives the names of all templates."""
        for root, _, files in os.walk(self.path):
            for file in files:
                yield self.prefix + os.path.relpath(os.path.join(root, file), self.path).replace(os.sep, '/')

    def __str__(self) -> str:
        prefix = f' (as {self.prefix}...)' if self.prefix else ''
        return self.path + prefix + ('' if os.path.isdir(self.path) else ' (there is no such folder)')


class Loader(jinja2.BaseLoader):
    """Finds templates in folders, searched in order, and keeps what is known of them."""

    def __init__(self, folders: Callable[[], list[Folder]]) -> None:
        self.folders = folders
        self.escaped: dict[str | None, bool] = {}
        self.known: dict[Any, jinja2.Template] = {}
        self.skeletons: dict[str, jinja2.Template] = {}
        self.assets: WeakKeyDictionary[Any, dict[str, str]] = WeakKeyDictionary()
        self.undefined: dict[bool, type[jinja2.Undefined]] = {}

    def find(self, name: str) -> tuple[str, Folder] | None:
        """Gives the file of a template and its folder; a name that would lead out of a folder is in none."""
        for folder in self.folders() if is_legal(name) else ():
            if (path := folder.find(name)) is not None:
                return path, folder
        return None

    def get_source(self, environment: jinja2.Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        """Gives Jinja2 the text and the file of a template, and the way to ask whether it still is that text."""
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
        """Gives the names of all templates in all folders."""
        return sorted({name for folder in self.folders() for name in folder.names()})

    def is_escaped(self, name: str | None) -> bool:
        """Tells whether what a template prints is escaped."""
        return self.escaped.get(name, True)


class Page(Context):
    """A Jinja2 context whose shared names reach imported templates too, however deep."""

    globals_keys: set[str]

    def __init__(
        self,
        environment: jinja2.Environment,
        parent: dict[str, Any],
        name: str | None,
        blocks: dict[str, Any],
        globals: MutableMapping[str, Any] | None = None,
    ) -> None:
        super().__init__(environment, parent, name, blocks)
        shared = parent.get(SHARED)
        self.globals_keys = set(globals or ()) if shared is None else shared


class Environment(jinja2.Environment):
    """A Jinja2 environment over a `Loader`, with skeletons, and strict when it debugs.

    Templates read its attributes all the time, and CPython is quick only at objects that have not too many: with three
    more, a table takes 3% longer. So there are none of our own; they are the loader's.
    """

    context_class: type[Context] = Page
    loader: Loader
    auto_reload: bool
    undefined: type[jinja2.Undefined]

    def __init__(self, loader: Loader, asynchronous: bool, **options: Any) -> None:
        super().__init__(
            loader=loader,
            autoescape=loader.is_escaped,
            enable_async=asynchronous,
            cache_size=-1,
            auto_reload=False,
            **options,
        )
        loader.undefined = {False: self.undefined, True: self.undefined if 'undefined' in options else Strict}

    def joined(self, folders: Callable[[], list[Folder]], others: Iterable[jinja2.Environment]) -> Environment:
        """Gives an environment over other folders, with the filters, tests and globals of others besides its own.

        They are looked up where they are, so that one that is added later is found, and one that is added to the new
        environment is no one else's.
        """
        loader, others = Loader(folders), [self, *others]
        loader.undefined = self.loader.undefined
        made = self.overlay(loader=loader, autoescape=loader.is_escaped)
        made.is_async = any(other.is_async for other in others)
        for name in ('filters', 'tests', 'globals'):
            setattr(made, name, ChainMap({}, *(each for other in others for each in maps(getattr(other, name)))))
        return made

    def named(self) -> dict[str, Any]:
        """Gives the globals, in a dict of their own."""
        names: dict[str, Any] = {}
        for mapping in reversed(maps(self.globals)):
            names.update(mapping)
        return names

    def debug(self, on: bool) -> None:
        """Turns debugging on or off: templates that changed are read again, and undefined names are errors."""
        self.auto_reload, self.undefined = on, self.loader.undefined[on]
        self.loader.known.clear()
        self.loader.assets.clear()

    def get_template(
        self, name: str | jinja2.Template, parent: str | None = None, globals: MutableMapping[str, Any] | None = None
    ) -> jinja2.Template:
        """Gives a compiled template; outside debug, one that was given before costs one lookup."""
        found = self.loader.known.get(name)
        if found is None or globals:
            found = super().get_template(name, parent, globals)
            if not self.auto_reload and isinstance(name, str):
                self.loader.known[name] = found
        return found

    def skeleton(self, name: str | jinja2.Template) -> jinja2.Template:
        """Gives the skeleton of a template, compiled; the compiled skeleton of a page asks for that of its layout."""
        name = name if isinstance(name, str) else str(name.name)
        found = self.loader.skeletons.get(name)
        if found is None or (self.auto_reload and not found.is_up_to_date):
            source, path, is_fresh = self.loader.get_source(self, name)
            tree = self.parse(source, name, path)
            kept, dead = pruned(tree.body)
            for extends in nodes.Template(kept).find_all(nodes.Extends):
                extends.template = nodes.Call(
                    nodes.EnvironmentAttribute('skeleton'), [extends.template], [], None, None
                )
                extends.set_lineno(extends.lineno).set_environment(self)
            never = nodes.If(nodes.Const(False), dead, [], [], lineno=1)
            tree.body = [*kept, never.set_environment(self)] if dead else kept
            code = self.compile(tree, name, path)
            found = self.template_class.from_code(self, code, self.make_globals(None), is_fresh)
            self.loader.skeletons[name] = found
        return found


def maps(mapping: Any) -> list[Any]:
    """Gives the mappings of a chain, or the one that a mapping is."""
    return mapping.maps if isinstance(mapping, ChainMap) else [mapping]


def pruned(body: list[nodes.Node]) -> tuple[list[nodes.Node], list[nodes.Node]]:
    """Parts the statements at the top of a page: those that give names, or extend, and the rest."""
    kept: list[nodes.Node] = []
    dead: list[nodes.Node] = []
    for node in body:
        if isinstance(node, (*NAMING, nodes.Extends)):
            kept.append(node)
        elif isinstance(node, nodes.If):
            branches = [node, *node.elif_]
            parts = [pruned(branch.body) for branch in branches] + [pruned(node.else_)]
            dead += [statement for _, rest in parts for statement in rest]
            if any(names for names, _ in parts):
                for branch, (names, _) in zip(branches, parts, strict=False):
                    branch.body = names
                node.else_ = parts[-1][0]
                kept.append(node)
        else:
            dead.append(node)
    return kept, dead


def is_legal(name: str) -> bool:
    """Tells whether a name can only be a path inside a folder, on any system."""
    return not any(part in ('', '.', '..') for part in name.split('/')) and not set('\\:\0') & set(name)


def listed(names: Iterable[str]) -> str:
    """Lists names for a message: the first twenty, in order."""
    ordered = sorted(set(names))
    return ', '.join(ordered[:20]) + (', ...' if ordered[20:] else '') or 'none'


def near(name: str, names: Iterable[str], ratio: float = 0.6) -> str:
    """Ends a message with the names that come near, if any do; `ratio` is how near, of 1."""
    close = get_close_matches(name, list(names), 3, ratio)
    return f'. Did you mean {" or ".join(map(repr, close))}?' if close else ''

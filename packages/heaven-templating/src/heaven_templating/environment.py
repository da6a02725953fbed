"""Jinja2 as Heaven uses it: folders joined, blocks that render alone, undefined names explained in debug.

A block rendered alone has what it has in its page: the imports, macros and `set`s at the top of the page and of every
layout below it, and `super()`. So a page has a skeleton, which is the page without its output: only the statements
that give names, the `extends` (of the layout's skeleton in turn), and, where they never run, the blocks. A run of the
skeleton prints nothing and leaves a context in which any block of the page, its own or inherited, can be called.
"""

from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from typing import Any, Self, cast

import jinja2
from jinja2 import nodes
from jinja2.runtime import Context
from jinja2.utils import missing

from .folders import Folder, Loader
from .wording import listed

# The name in a context under which the `Render` stands. No template can write it, so nothing that is passed hides it.
RENDER = 'heaven.render'

# Top-level statements that give names to the blocks below them.
NAMING = (nodes.Assign, nodes.AssignBlock, nodes.Import, nodes.FromImport, nodes.Macro, nodes.ExprStmt)


class Strict(jinja2.StrictUndefined):
    """What debug gives for a name that nobody passed: any use of it is an error that says what the object has."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        message = super()._undefined_message
        if self._undefined_hint or self._undefined_obj is missing:
            return message
        thing = self._undefined_obj
        if isinstance(thing, Mapping):
            names = [str(name) for name in cast('Mapping[object, object]', thing)]
        else:
            names = [name for name in dir(thing) if not name.startswith('_')]
        return f'{message}; it has {listed(names)}'


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
        render = parent.get(RENDER)
        self.globals_keys = set(globals or ()) if render is None else render.shared


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

    def joined(self, folders: Callable[[], list[Folder]], others: Iterable[jinja2.Environment]) -> Self:
        """Return an environment over other folders, with the filters, tests and globals of others besides its own.

        They are looked up where they are, so that one that is added later is found, and one that is added to the new
        environment is no one else's.
        """
        loader = Loader(folders)
        loader.undefined = self.loader.undefined
        everyone: list[jinja2.Environment] = [self, *others]
        made = self.overlay(loader=loader, autoescape=loader.is_escaped)
        made.is_async = any(each.is_async for each in everyone)
        made.filters = chained(each.filters for each in everyone)
        made.tests = chained(each.tests for each in everyone)
        made.globals = chained(each.globals for each in everyone)
        return made

    def named(self) -> dict[str, Any]:
        """Return the globals, in a dict of their own."""
        names: dict[str, Any] = {}
        for mapping in reversed(layers(self.globals)):
            names.update(mapping)
        return names

    def debug(self, on: bool) -> None:
        """Turn debugging on or off: templates that changed are read again, and undefined names are errors."""
        self.auto_reload = on
        self.undefined = self.loader.undefined[on]
        self.loader.known.clear()
        self.loader.assets.clear()

    def get_template(
        self, name: str | jinja2.Template, parent: str | None = None, globals: MutableMapping[str, Any] | None = None
    ) -> jinja2.Template:
        """Return a compiled template; outside debug, one that was asked for before costs one lookup."""
        found = self.loader.known.get(name)
        if found is None or globals:
            found = super().get_template(name, parent, globals)
            if not self.auto_reload and isinstance(name, str):
                self.loader.known[name] = found
        return found

    def skeleton(self, name: str | jinja2.Template) -> jinja2.Template:
        """Return the skeleton of a template, compiled; that of a page asks for that of its layout when it runs."""
        if not isinstance(name, str):
            name = str(name.name)
        found = self.loader.skeletons.get(name)
        if found is None or (self.auto_reload and not found.is_up_to_date):
            found = self.loader.skeletons[name] = self._make_skeleton(name)
        return found

    def _make_skeleton(self, name: str) -> jinja2.Template:
        source, path, is_fresh = self.loader.get_source(self, name)
        tree = self.parse(source, name, path)
        kept, dead = parted(tree.body)
        for extends in nodes.Template(kept).find_all(nodes.Extends):
            extends.template = nodes.Call(nodes.EnvironmentAttribute('skeleton'), [extends.template], [], None, None)
            extends.set_lineno(extends.lineno).set_environment(self)
        tree.body = kept
        if dead:
            never = nodes.If(nodes.Const(False), dead, [], [], lineno=1)
            tree.body = [*kept, never.set_environment(self)]
        code = self.compile(tree, name, path)
        return self.template_class.from_code(self, code, self.make_globals(None), is_fresh)


def chained(mappings: Iterable[MutableMapping[str, Any]]) -> Any:
    """Return a mapping that looks into others, and keeps for itself what is added to it."""
    return ChainMap({}, *(layer for mapping in mappings for layer in layers(mapping)))


def layers(mapping: MutableMapping[str, Any]) -> list[MutableMapping[str, Any]]:
    """Return the mappings of a chain, or the one that a mapping is."""
    if isinstance(mapping, ChainMap):
        return mapping.maps
    return [mapping]


def parted(body: list[nodes.Node]) -> tuple[list[nodes.Node], list[nodes.Node]]:
    """Part the statements at the top of a page: those that give names, or extend, and the rest."""
    kept: list[nodes.Node] = []
    dead: list[nodes.Node] = []
    for node in body:
        if isinstance(node, (*NAMING, nodes.Extends)):
            kept.append(node)
        elif isinstance(node, nodes.If):
            dead += emptied(node)
            if any(branch.body for branch in (node, *node.elif_)) or node.else_:
                kept.append(node)
        else:
            dead.append(node)
    return kept, dead


def emptied(node: nodes.If) -> list[nodes.Node]:
    """Leave in the branches of an `if` only what gives names, or extends; return the rest."""
    dead: list[nodes.Node] = []
    for branch in (node, *node.elif_):
        branch.body, rest = parted(branch.body)
        dead += rest
    node.else_, rest = parted(node.else_)
    return dead + rest

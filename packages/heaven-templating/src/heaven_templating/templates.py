"""Templates: what an app renders with, from its folders and those of the apps it is mounted on."""

import os
from collections.abc import AsyncIterator, Iterable, Sequence
from copy import copy
from typing import Any

from heaven import App
from heaven.rendering import Trio

from .environment import Environment
from .folders import Folder, Loader
from .names import FUNCTIONS
from .render import Function, Render, Stream
from .wording import listed

Lineage = tuple['Templates', ...]  # the templates of an app, then those of the app it is mounted on, and so on


class Templates:
    """Jinja2 over a folder: what `res.render` of an app uses once it is installed.

    A relative folder is taken from the folder of the file `relative_to`, else from the working directory. Names begin
    with `prefix`, if there is one. `escape=False` turns escaping off for the folder; `.txt` is never escaped.
    `asynchronous=True` is for templates that await. Each function in `context` is called with `(req, res, ctx)` at
    every render, awaited if it can be, and gives a dict of names. What else is passed goes to `jinja2.Environment`,
    which is `templates.environment`, where filters, tests and globals can be added.

        templates = Templates('pages', relative_to=__file__, trim_blocks=True)
        templates.environment.filters['initials'] = lambda name: ''.join(word[0] for word in name.split())
        app.plug(templates)
    """

    folders: list[Folder]
    context: list[Function]
    environment: Environment

    def __init__(
        self,
        folder: str | os.PathLike[str] = 'templates',
        relative_to: str | os.PathLike[str] | None = None,
        prefix: str | None = None,
        escape: bool = True,
        asynchronous: bool = False,
        context: Function | Iterable[Function] = (),
        **options: Any,
    ) -> None:
        if not isinstance(folder, (str, os.PathLike)):
            raise TypeError(f'a folder of templates is a str or a path, not {folder!r:.80}')
        base = os.getcwd()
        if relative_to is not None:
            base = os.path.dirname(os.path.abspath(relative_to))
        prefix = (prefix or '').strip('/')
        if prefix:
            prefix += '/'
        self.options: dict[str, Any] = options
        self.folders = [Folder(os.path.abspath(os.path.join(base, folder)), prefix, escape)]
        self.context = [context] if callable(context) else list(context)
        for function in self.context:
            if not callable(function):
                raise TypeError(f'context takes functions (req, res, ctx) that give a dict, not {function!r}')
        self.environment = Environment(Loader(lambda: self.folders), asynchronous, **options)
        self.environment.globals.update(FUNCTIONS)
        self.joined: dict[Lineage, Environment] = {}  # environments over the folders of several apps

    def install(self, app: App, /) -> None:
        """Make these the templates of an app, or add their folders to those that it has.

        What the app has is shared with its copies, perhaps, and does not change: the app gets both, joined.
        ValueError for options of Jinja2 that are not those of the first folder.
        """
        held = app.renderer
        is_inherited = app.parent is not None and held is app.parent.renderer
        if not isinstance(held, Templates) or is_inherited or held is self:
            app.renderer = self
            return
        if self.options and self.options != held.options:
            raise ValueError(f'an app has one Jinja2: give its options ({listed(self.options)}) with its first folder')
        app.renderer = held.added(self)

    def added(self, other: 'Templates') -> 'Templates':
        """Return these templates with the folders and functions of others behind their own."""
        both = copy(self)
        both.folders = self.folders + other.folders
        both.context = self.context + other.context
        both.joined = {}
        both.environment = self.environment.joined(lambda: both.folders, [other.environment])
        return both

    # what `res` calls: the protocol `heaven.rendering.Renderer`

    def renders(self, name: str, values: dict[str, Any], trio: Trio, blocks: Sequence[str] = (), /) -> str:
        """Return the text of a template; RuntimeError if something would have to be awaited."""
        render = self._render(name, values, trio, blocks)
        if render.environment.is_async:
            raise RuntimeError(f'{name!r} is asynchronous: await res.render(...) in place of res.renders(...)')
        render.call_functions()
        return render.text()

    async def render(self, name: str, values: dict[str, Any], trio: Trio, blocks: Sequence[str] = (), /) -> str:
        """Return the text of a template."""
        render = self._render(name, values, trio, blocks)
        await render.await_functions()
        if render.environment.is_async:
            return await render.text_async()
        return render.text()

    async def stream(
        self, name: str, values: dict[str, Any], trio: Trio, blocks: Sequence[str] = (), /
    ) -> AsyncIterator[str]:
        """Return a template in pieces of at least 16,384 characters, once the first of them is made."""
        render = self._render(name, values, trio, blocks)
        await render.await_functions()
        stream = Stream(render)
        await stream.begin()
        render.has_begun = True
        return stream

    def _render(self, name: str, values: dict[str, Any], trio: Trio, blocks: Sequence[str]) -> Render:
        """Return a render for the app that asks; the functions of outer apps come first, so that inner ones win."""
        app = trio[0].app
        lineage = self._lineage(app)
        functions = [function for templates in reversed(lineage) for function in templates.context]
        return Render(self._environment(lineage), functions, app, trio, name, blocks, values)

    def _lineage(self, app: App) -> Lineage:
        """Return these templates, then those of the app that theirs is mounted on, and so on."""
        lineage: Lineage = (self,)
        outer = app.parent
        if outer is None or app.renderer is not self:
            return lineage
        while outer is not None:
            if outer.renderer is None and outer.parent is None:
                Templates().install(outer)
            if isinstance(outer.renderer, Templates) and outer.renderer not in lineage:
                lineage += (outer.renderer,)
            outer = outer.parent
        return lineage

    def _environment(self, lineage: Lineage) -> Environment:
        """Return the environment of a lineage: one of its own, for a name may be of another template elsewhere."""
        if len(lineage) == 1:
            return self.environment
        if lineage not in self.joined:
            self.joined[lineage] = self.environment.joined(
                lambda: [folder for templates in lineage for folder in templates.folders],
                [templates.environment for templates in lineage[1:]],
            )
        return self.joined[lineage]

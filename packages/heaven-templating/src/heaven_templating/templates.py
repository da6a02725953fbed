"""Templates: what an app renders with, from its folders."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterable, Sequence
from copy import copy
from inspect import isawaitable, iscoroutine
from typing import TYPE_CHECKING, Any, NoReturn, cast

from jinja2 import UndefinedError

from .environment import HERE, NAMES, SHARED, Environment, Folder, Loader, MissingBlock, Page, listed, near
from .names import BEGUN, NAMED

if TYPE_CHECKING:
    from heaven import App
    from heaven.rendering import Trio
    from jinja2 import Template

    Function = Callable[..., Any]

BUFFER = 16 * 1024


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
        base = os.path.dirname(os.path.abspath(relative_to)) if relative_to is not None else os.getcwd()
        prefix = (prefix or '').strip('/')
        self.options: dict[str, Any] = options
        self.folders = [Folder(os.path.abspath(os.path.join(base, folder)), prefix and f'{prefix}/', escape)]
        self.context = [context] if callable(context) else list(context)
        for function in self.context:
            if not callable(function):
                raise TypeError(f'context takes functions (req, res, ctx) that give a dict, not {function!r}')
        self.environment = Environment(Loader(lambda: self.folders), asynchronous, **options)
        self.environment.globals.update(NAMED)
        self.joined: dict[Lineage, Environment] = {}

    def install(self, app: App, /) -> None:
        """Makes these the templates of an app, or adds their folders to those that it has.

        What the app has is shared with its copies, perhaps, and does not change: the app gets both, joined.
        """
        held = app.renderer
        inherited = app.parent is not None and held is app.parent.renderer
        if not isinstance(held, Templates) or inherited or held is self:
            app.renderer = self
            return
        if self.options and self.options != held.options:
            raise ValueError(f'an app has one Jinja2: give its options ({listed(self.options)}) with its first folder')
        app.renderer = both = copy(held)
        both.folders, both.context, both.joined = held.folders + self.folders, held.context + self.context, {}
        both.environment = held.environment.joined(lambda: both.folders, [self.environment])

    def renders(self, name: str, values: dict[str, Any], trio: Trio, blocks: Sequence[str] = (), /) -> str:
        """Gives a template as text; RuntimeError if something would have to be awaited."""
        environment, functions = self._around(trio)
        extra: dict[str, Any] = {}
        if environment.is_async:
            raise RuntimeError(f'{name!r} is asynchronous: await res.render(...) in place of res.renders(...)')
        for function in functions:
            found = function(*trio)
            if isawaitable(found):
                if iscoroutine(found):
                    found.close()
                raise RuntimeError(f'{function!r} is async: await res.render(...) in place of res.renders(...)')
            extra.update(found)
        return text(environment, name, values, trio, blocks, extra)

    async def render(self, name: str, values: dict[str, Any], trio: Trio, blocks: Sequence[str] = (), /) -> str:
        """Gives a template as text."""
        environment, functions = self._around(trio)
        extra = await given(functions, trio)
        if not environment.is_async:
            return text(environment, name, values, trio, blocks, extra)
        pieces = cast('AsyncGenerator[str]', parts(environment, name, values, trio, blocks, extra))
        try:
            return ''.join([piece async for piece in pieces])
        except Exception:
            fail(environment, {**extra, **values})

    async def stream(
        self, name: str, values: dict[str, Any], trio: Trio, blocks: Sequence[str] = (), /
    ) -> AsyncIterator[str]:
        """Gives a template in pieces of at least 16,384 characters, once the first of them is made."""
        environment, functions = self._around(trio)
        extra = await given(functions, trio)
        begun: list[bool] = []
        extra[BEGUN] = begun
        stream = Stream(parts(environment, name, values, trio, blocks, extra), environment, {**extra, **values})
        stream.first = await stream.piece()
        begun.append(True)
        return stream

    def _around(self, trio: Trio) -> tuple[Environment, list[Function]]:
        """The environment of a render, and its functions of `context=`, the outer apps' first."""
        app = trio[0].app
        if app.parent is None:
            return self.environment, self.context
        lineage = self._lineage(app)
        return self._joined(lineage), [function for templates in reversed(lineage) for function in templates.context]

    def _lineage(self, app: App) -> Lineage:
        """These templates, then those of the app that theirs is mounted on, and so on."""
        lineage: Lineage = (self,)
        outer = app.parent if app.renderer is self else None
        while outer is not None:
            if outer.renderer is None and outer.parent is None:
                Templates().install(outer)
            if isinstance(outer.renderer, Templates) and outer.renderer not in lineage:
                lineage += (outer.renderer,)
            outer = outer.parent
        return lineage

    def _joined(self, lineage: Lineage) -> Environment:
        """The environment of a lineage: one of its own, for a name may be of another template elsewhere."""
        if len(lineage) == 1:
            return self.environment
        if lineage not in self.joined:
            self.joined[lineage] = self.environment.joined(
                lambda: [folder for templates in lineage for folder in templates.folders],
                [templates.environment for templates in lineage[1:]],
            )
        return self.joined[lineage]


Lineage = tuple[Templates, ...]


async def given(functions: Iterable[Function], trio: Trio) -> dict[str, Any]:
    """Gives the names that functions of `context=` add to a render."""
    extra: dict[str, Any] = {}
    for function in functions:
        found = function(*trio)
        extra.update(await found if isawaitable(found) else found)
    return extra


def parts(
    environment: Environment,
    name: str,
    values: dict[str, Any],
    trio: Trio,
    blocks: Sequence[str],
    extra: dict[str, Any],
) -> Generator[str] | AsyncGenerator[str]:
    """Begins a render: gives what makes its text, part by part."""
    req, res, ctx = trio
    app = req.app
    debug = is_debug(app)
    if debug is not environment.auto_reload:
        environment.debug(debug)
    template = environment.skeleton(name) if blocks else environment.get_template(name)
    names = {
        **environment.named(),
        'req': req,
        'res': res,
        'ctx': ctx,
        'app': app,
        HERE: (*trio, app),
        SHARED: NAMES,
    }
    if extra:
        names.update(extra)
        names[SHARED] = NAMES.union(extra)
    names.update(values)
    page = Page(environment, names, name, template.blocks)
    if not blocks:
        return template.root_render_func(page)  # type: ignore[return-value]
    return alone_async(template, page, blocks) if environment.is_async else alone(template, page, blocks)


def text(
    environment: Environment,
    name: str,
    values: dict[str, Any],
    trio: Trio,
    blocks: Sequence[str],
    extra: dict[str, Any],
) -> str:
    """Renders what is not asynchronous."""
    pieces = parts(environment, name, values, trio, blocks, extra)
    try:
        return ''.join(cast('Generator[str]', pieces))
    except Exception:
        fail(environment, {**extra, **values})


def fail(environment: Environment, values: dict[str, Any]) -> NoReturn:
    """Raises the error at hand, its traceback in the lines of the templates, an undefined name explained."""
    try:
        environment.handle_exception()
    except UndefinedError as error:
        traceback, line, folders = (
            error.__traceback__,
            '',
            tuple(folder.path for folder in environment.loader.folders()),
        )
        while traceback is not None:
            if (file := traceback.tb_frame.f_code.co_filename).startswith(folders):
                line = f' ({file}, line {traceback.tb_lineno})'
            traceback = traceback.tb_next
        passed = {name for name in values if '.' not in name} | {'req', 'res', 'ctx', 'app'}
        message = str(error)
        if name := re.fullmatch(r"'(\w+)' is undefined", message):
            message += f'; the render was given {listed(passed)}{near(name[1], passed)}'
        error.args = (message + line,)
        raise


class Stream:
    """The pieces of a page, each made when it is asked for; other requests have their turn in between."""

    first: str = ''
    parts: Generator[str] | AsyncGenerator[str]
    environment: Environment
    given: dict[str, Any]

    def __init__(
        self,
        parts: Generator[str] | AsyncGenerator[str],
        environment: Environment,
        given: dict[str, Any],
    ) -> None:
        self.parts, self.environment, self.given = parts, environment, given

    async def piece(self) -> str:
        """Gives the next piece; the last is empty."""
        held: list[str] = []
        size = 0
        try:
            if isinstance(self.parts, AsyncGenerator):
                async for part in self.parts:
                    held.append(part)
                    if (size := size + len(part)) >= BUFFER:
                        break
            else:
                for part in self.parts:
                    held.append(part)
                    if (size := size + len(part)) >= BUFFER:
                        break
        except Exception:
            fail(self.environment, self.given)
        return ''.join(held)

    def __aiter__(self) -> Stream:
        return self

    async def __anext__(self) -> str:
        piece, self.first = self.first, ''
        if not piece:
            await asyncio.sleep(0)
            piece = await self.piece()
        if not piece:
            raise StopAsyncIteration
        return piece

    async def aclose(self) -> None:
        """Ends the page where it is, and lets go of what was passed to it."""
        self.given.clear()
        if isinstance(self.parts, AsyncGenerator):
            await self.parts.aclose()
        else:
            self.parts.close()


def alone(template: Template, page: Page, blocks: Sequence[str]) -> Generator[str]:
    """Renders blocks, one after another, from the skeleton of their page."""
    for _ in template.root_render_func(page):
        pass
    for block in wanted(blocks, page):
        yield from page.blocks[block][0](page)


async def alone_async(template: Template, page: Page, blocks: Sequence[str]) -> AsyncGenerator[str]:
    """Renders blocks, as `alone` does, where templates await."""
    async for _ in cast('AsyncIterator[str]', template.root_render_func(page)):
        pass
    for block in wanted(blocks, page):
        async for part in cast('AsyncIterator[str]', page.blocks[block][0](page)):
            yield part


def wanted(blocks: Sequence[str], page: Page) -> Sequence[str]:
    """Gives back the blocks, all of which the page has; MissingBlock else."""
    for block in blocks:
        if block not in page.blocks:
            raise MissingBlock(block, page.name, page.blocks)
    return blocks


def is_debug(app: App) -> bool:
    """Tells whether an app, or one that it is mounted on, debugs."""
    return bool(app.debug) or (app.parent is not None and is_debug(app.parent))

"""One render of a template: what it is made with, and its text, whole or in pieces."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from inspect import isawaitable, iscoroutine
from typing import Any, NoReturn, Self, cast

from heaven import App
from heaven.errors import HeavenError
from heaven.rendering import Trio
from jinja2 import Template, UndefinedError

from .environment import RENDER, Environment, Page
from .wording import listed, near

Function = Callable[..., Any]
Parts = Generator[str, None, None] | AsyncGenerator[str, None]

OURS = frozenset({'req', 'res', 'ctx', 'app'})  # what every template is given
SHARED = OURS | {RENDER}  # and what templates that are imported are given, too
PIECE = 16 * 1024  # characters of a stream that are sent at once


class MissingBlock(HeavenError, LookupError):
    """Neither the template nor a layout of its has the block: the message names those that there are."""

    def __init__(self, block: str, name: str | None, blocks: Iterable[str]) -> None:
        super().__init__(f'no block {block!r} in {name!r}; there is {listed(blocks)}{near(block, blocks)}')


@dataclass(slots=True, eq=False)
class Render:
    """What a template is rendered with. `named` is what the functions of `context=` give, `values` what was passed.

    `app` is the app that renders: `req.app` is another one by the time the last pieces of a stream are made.
    """

    environment: Environment
    functions: Sequence[Function]
    app: App
    trio: Trio
    name: str
    blocks: Sequence[str]  # none for the whole page
    values: dict[str, Any]
    named: dict[str, Any] = field(default_factory=dict[str, Any])
    has_begun: bool = False  # the first piece of a stream is out, and so are the headers

    @property
    def shared(self) -> frozenset[str]:
        """The names that imported templates are given, too."""
        return SHARED.union(self.named) if self.named else SHARED

    @property
    def given(self) -> frozenset[str]:
        """The names that the page is given, for messages."""
        return OURS.union(self.named, self.values)

    def call_functions(self) -> None:
        """Call the functions of `context=`; RuntimeError for one that would have to be awaited."""
        for function in self.functions:
            found = function(*self.trio)
            if isawaitable(found):
                if iscoroutine(found):
                    found.close()
                raise RuntimeError(f'{function!r} is async: await res.render(...) in place of res.renders(...)')
            self.named.update(found)

    async def await_functions(self) -> None:
        """Call the functions of `context=`, and await those that can be."""
        for function in self.functions:
            found = function(*self.trio)
            self.named.update(await found if isawaitable(found) else found)

    def parts(self) -> Parts:
        """Begin: return what makes the text, part by part. MissingTemplate if there is no such template."""
        environment = self.environment
        debug = is_debug(self.app)
        if debug is not environment.auto_reload:
            environment.debug(debug)
        template = environment.skeleton(self.name) if self.blocks else environment.get_template(self.name)
        page = Page(environment, self._names(), self.name, template.blocks)
        if not self.blocks:
            return cast(Parts, template.root_render_func(page))
        if environment.is_async:
            return blocks_async(template, page, self.blocks)
        return blocks_alone(template, page, self.blocks)

    def _names(self) -> dict[str, Any]:
        """Return all that the page is given; what was passed wins."""
        names = self.environment.named()
        names['req'], names['res'], names['ctx'] = self.trio
        names['app'] = self.app
        names[RENDER] = self
        names.update(self.named)
        names.update(self.values)
        return names

    def text(self) -> str:
        """Return the text, where nothing has to be awaited."""
        parts = cast('Generator[str, None, None]', self.parts())
        try:
            return ''.join(parts)
        except Exception:
            explain_failure(self.environment, self.given)

    async def text_async(self) -> str:
        """Return the text of an asynchronous template."""
        parts = cast('AsyncGenerator[str, None]', self.parts())
        try:
            return ''.join([part async for part in parts])
        except Exception:
            explain_failure(self.environment, self.given)


class Stream:
    """The pieces of a page, each made when it is asked for; other requests have their turn in between.

    It does not hold the `Render`: that leads to the response, and the response to its body.
    """

    def __init__(self, render: Render) -> None:
        self.first: str = ''
        self.parts: Parts = render.parts()
        self.environment: Environment = render.environment
        self.given: frozenset[str] = render.given

    async def begin(self) -> None:
        """Make the first piece; what goes wrong until then can still be answered."""
        self.first = await self._piece()

    def __aiter__(self) -> Self:
        """Give the pieces one by one."""
        return self

    async def __anext__(self) -> str:
        """Return the next piece, of at least 16,384 characters but for the last one."""
        piece = self.first
        self.first = ''
        if not piece:
            await asyncio.sleep(0)
            piece = await self._piece()
        if not piece:
            raise StopAsyncIteration
        return piece

    async def aclose(self) -> None:
        """End the page where it is."""
        if isinstance(self.parts, AsyncGenerator):
            await self.parts.aclose()
        else:
            self.parts.close()

    async def _piece(self) -> str:
        """Make the next piece; the last one is empty."""
        held: list[str] = []
        size = 0
        try:
            if isinstance(self.parts, AsyncGenerator):
                async for part in self.parts:
                    held.append(part)
                    size += len(part)
                    if size >= PIECE:
                        break
            else:
                for part in self.parts:
                    held.append(part)
                    size += len(part)
                    if size >= PIECE:
                        break
        except Exception:
            explain_failure(self.environment, self.given)
        return ''.join(held)


def blocks_alone(template: Template, page: Page, blocks: Sequence[str]) -> Generator[str, None, None]:
    """Render blocks, one after another, from the skeleton of their page."""
    for _ in template.root_render_func(page):
        pass  # it gives nothing: what stands outside of blocks is not printed
    check_blocks(blocks, page)
    for block in blocks:
        yield from page.blocks[block][0](page)


async def blocks_async(template: Template, page: Page, blocks: Sequence[str]) -> AsyncGenerator[str, None]:
    """Render blocks, as `blocks_alone` does, where templates await."""
    async for _ in cast('AsyncIterator[str]', template.root_render_func(page)):
        pass
    check_blocks(blocks, page)
    for block in blocks:
        async for part in cast('AsyncIterator[str]', page.blocks[block][0](page)):
            yield part


def check_blocks(blocks: Sequence[str], page: Page) -> None:
    """Raise MissingBlock for a block that the page does not have."""
    for block in blocks:
        if block not in page.blocks:
            raise MissingBlock(block, page.name, page.blocks)


def explain_failure(environment: Environment, given: frozenset[str]) -> NoReturn:
    """Raise the error at hand, its traceback in the lines of the templates, an undefined name explained.

    `given` are the names that the page had.
    """
    try:
        environment.handle_exception()
    except UndefinedError as error:
        message = str(error)
        name = re.fullmatch(r"'(\w+)' is undefined", message)
        if name is not None:
            message += f'; the render was given {listed(given)}{near(name[1], given)}'
        error.args = (message + line_of(error, environment),)
        raise


def line_of(error: BaseException, environment: Environment) -> str:
    """Return the innermost line of a template in a traceback, for the end of a message; '' if there is none."""
    folders = tuple(folder.path for folder in environment.loader.folders())
    line = ''
    traceback = error.__traceback__
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        if file.startswith(folders):
            line = f' ({file}, line {traceback.tb_lineno})'
        traceback = traceback.tb_next
    return line


def is_debug(app: App) -> bool:
    """Tell whether an app, or one that it is mounted on, debugs."""
    each: App | None = app
    while each is not None:
        if each.debug:
            return True
        each = each.parent
    return False

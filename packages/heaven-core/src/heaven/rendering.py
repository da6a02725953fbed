"""What `res.render` asks of a template engine: heaven-templating does it, and so may any object of yours."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Protocol

from heaven.types import Context, Request, Response

PLAIN = ('.txt', '.txt.j2', '.txt.jinja', '.txt.jinja2')  # so end the names of templates that are text, not HTML
Trio = tuple[Request, Response, Context]


class Renderer(Protocol):
    """What `app.renderer` holds: it makes the text, and `res` sets the body, the content type and the status.

    `name` is the template, `values` what was passed to `res.render`, `blocks` the names of the blocks that were asked
    for, empty for the whole page. Whatever is raised goes to the handler that rendered.

        class Shouts:
            def renders(self, name, values, trio, blocks):
                return f'{name} {values}'.upper()

            async def render(self, name, values, trio, blocks):
                return self.renders(name, values, trio, blocks)

            async def stream(self, name, values, trio, blocks):
                async def chunks():
                    yield self.renders(name, values, trio, blocks)
                return chunks()

            def install(self, app):
                app.renderer = self

        app.plug(Shouts())
    """

    async def render(self, name: str, values: dict[str, Any], trio: Trio, blocks: Sequence[str], /) -> str:
        """Return the text."""
        ...

    def renders(self, name: str, values: dict[str, Any], trio: Trio, blocks: Sequence[str], /) -> str:
        """Return the text without awaiting; where that cannot be, the error says what to do instead."""
        ...

    async def stream(
        self, name: str, values: dict[str, Any], trio: Trio, blocks: Sequence[str], /
    ) -> AsyncIterator[str]:
        """Return the text in pieces, and not before the first is made: an error until then can still be answered."""
        ...

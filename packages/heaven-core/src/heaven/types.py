"""The shapes that ASGI and Heaven share, by name.

The classes of core are here for annotations alone: at run time they are Any, and nothing is imported for them.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from heaven import App as App, Context as Context, Request as Request, Response as Response
    from heaven._table import Table as Table
    from heaven.forms import Form as Form
    from heaven.rendering import Renderer as Renderer
else:
    App = Context = Form = Renderer = Request = Response = Table = Any

Entry = Any  # its slots have a value each for every route
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
Handler = Callable[..., Any]


class Codec(Protocol):
    """What `App(json=...)` takes: the `orjson` module is one, and so is any object with these two."""

    def loads(self, data: bytes, /) -> Any:
        """Gives the value that the JSON text means, or raises a ValueError."""

    def dumps(self, value: Any, /) -> bytes | str:
        """Gives the JSON text of a value."""


class Plugin(Protocol):
    """What `app.plug` takes: an object that installs itself."""

    def install(self, app: Any, /) -> Any:
        """Registers whatever the plugin brings on the app."""

"""The shapes that ASGI and Heaven share, by name.

The classes of Heaven are here for annotations alone: this is the one module that names what stands above it. At run
time they are Any, and nothing is imported for them.
"""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from heaven.app import App as App
    from heaven.context import Context as Context
    from heaven.forms import Form as Form, PendingForm as PendingForm
    from heaven.rendering import Renderer as Renderer
    from heaven.request import Request as Request
    from heaven.response import Response as Response
    from heaven.sessions import Session as Session
    from heaven.websocket import WebSocket as WebSocket
else:
    App = Context = Form = PendingForm = Renderer = Request = Response = Session = WebSocket = Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
Header = tuple[bytes, bytes]
Handler = Callable[..., Any]
Handlers = Handler | str | Iterable[Handler | str]


class Codec(Protocol):
    """What `App(json=...)` takes: the `orjson` module is one, and so is any object with these two."""

    def loads(self, data: bytes, /) -> Any:
        """Return the value that the JSON text means, or raise a ValueError."""

    def dumps(self, value: Any, /) -> bytes | str:
        """Return the JSON text of a value."""
        ...


class Plugin(Protocol):
    """What `app.plug` takes: an object that installs itself."""

    def install(self, app: Any, /) -> Any:
        """Register whatever the plugin brings on the app."""

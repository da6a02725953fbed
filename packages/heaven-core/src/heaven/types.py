"""The shapes that ASGI and Heaven share, by name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

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

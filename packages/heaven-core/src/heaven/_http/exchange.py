"""One request in flight: what the house knows of it while it is served."""

from collections.abc import AsyncGenerator, Callable, Iterable
from typing import TYPE_CHECKING, Any

from heaven._http.fixed_bodies import UNSET
from heaven._routing.endpoint import Endpoint, Step
from heaven.errors import ClientError, TooLarge, body_too_large
from heaven.types import App, Context, Handler, Header, Receive, Scope, Send

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

    from heaven._http.reader import BodyReader


class Exchange:
    """One request and its response, or one WebSocket, while it is served.

    `Request`, `Response` and `WebSocket` are what users see of it. Every request sets the fields of `__init__`; the
    others have defaults here, as few requests set them.
    """

    endpoint: Endpoint  # what serves it, once it is found
    app: App  # on which the function that runs was registered

    reader: 'BodyReader | None' = None  # reads the body or listens for the client, where that takes more
    cookies: tuple[bytes, ...] = ()
    deferred: tuple[tuple[Handler, App], ...] = ()
    error: BaseException | None = None  # what the answer is about: `res.error`
    answered_by: Step | None = None  # the BEFORE that has answered
    asked: tuple[Step, ...] = ()  # ERROR handlers of a 404 or 405, while they answer it
    entered: dict[Handler, Any] | None = None  # the second halves of around-hooks that reached their yield
    before_start: Callable[[], None] | None = None  # what has the last word, just before the first message
    has_begun: bool = False  # the first message of the response was sent
    has_ended: bool = False  # so was the last one, by a mounted app
    has_left: bool = False  # the client: sending told so
    _exits: 'AsyncExitStack | None' = None

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, ctx: Context, params: dict[str, Any] | None = None
    ) -> None:
        self.scope: Scope = scope
        self.receive: Receive = receive
        self.send: Send = send
        self.ctx: Context = ctx
        self.params: dict[str, Any] | None = params  # of the path
        self.request_headers: dict[bytes, bytes] | None = None  # by name, repeated ones joined, once somebody asks
        self.parsed: dict[str, Any] | None = None  # parts of the request that were worked out: queries, JSON ...
        self.data: bytes | None = None  # the body of the request, once it was read whole
        self.status: int = 200
        self.kind: Any = UNSET  # of the body: a BodyKind
        self.body: Any = None  # as it was assigned
        self.headers: dict[bytes, bytes] | None = None  # of the response; None as long as there are none
        self.answered: bool = False  # a status or a body was set
        self.is_plain: bool = True  # a fixed body is all there is to send, and nothing comes after

    @property
    def method(self) -> str:
        """The method, as sent; a WebSocket is opened by a GET."""
        method: str = self.scope.get('method', 'GET')
        return method

    @property
    def client_is_gone(self) -> bool:
        """Whether the client has left, as far as sending or reading has told."""
        return self.has_left or self.reader is not None and self.reader.has_left

    @property
    def exits(self) -> 'AsyncExitStack':
        """The stack that closes what the request has opened, however it ends.

        A request that has one leaves the lane at its end, for `Finish`.
        """
        if self._exits is None:
            from contextlib import AsyncExitStack

            self._exits = AsyncExitStack()
            self.is_plain = False
        return self._exits

    @property
    def has_open_parts(self) -> bool:
        """Whether there is anything to close."""
        return self.reader is not None or self._exits is not None

    async def close(self) -> None:
        """Close what the request has opened, and stop listening for the client."""
        if self.reader is not None:
            self.reader.stop()
        if self._exits is not None:
            await self._exits.aclose()

    # the headers of the request

    def fields(self) -> dict[bytes, bytes]:
        """Return the headers of the request by name, repeated ones joined."""
        fields = self.request_headers
        if fields is None:
            raw = self.scope['headers']
            fields = dict(raw)
            if len(fields) != len(raw):
                fields = joined(raw)
            self.request_headers = fields
        return fields

    def announced_length(self) -> int | None:
        """Return the Content-Length, None without one; ClientError if it is no number."""
        value = self.fields().get(b'content-length')
        if value is None:
            return None
        if not value.isdigit() or len(value) > 19:
            raise ClientError(f'Content-Length is not a number of bytes: {value!r:.80}')
        return int(value)

    def content_type(self) -> str:
        """Return the content type of the request, '' without one."""
        return self.fields().get(b'content-type', b'').decode('latin-1')

    def announces_body(self) -> bool:
        """Tell whether the headers say that there is a body (RFC 9112, 6.3)."""
        return b'transfer-encoding' in self.fields() or bool(self.announced_length())

    # the body of the request

    async def read_ahead(self) -> None:
        """Read the body before the hooks run; most come whole in the first message, and need no reader."""
        limit = self.endpoint.body_limit
        announced = self.announced_length()
        if announced is not None and announced > limit:
            raise body_too_large(limit)
        message = await self.receive()
        body: bytes = message.get('body', b'')
        if message['type'] == 'http.request' and not message.get('more_body') and len(body) <= limit:
            self.data = body
            return
        reader = self._body_reader()
        reader.hear(message)
        self.data = await reader.read(limit, announced)

    async def read_body(self) -> bytes:
        """Return the whole body; TooLarge past the endpoint's limit, Disconnected if the client left."""
        if self.data is None:
            try:
                self.data = await self._body_reader().read(self.endpoint.body_limit, self.announced_length())
            except BaseException:
                self.is_plain = False  # what is left of it is drained at the end
                raise
        return self.data

    def stream_body(self, limit: int | None) -> AsyncGenerator[bytes, None]:
        """Give the body chunk by chunk, once; TooLarge past the limit, Disconnected if the client left."""
        return self.open_reader().chunks(limit, self.announced_length())

    def open_reader(self) -> 'BodyReader':
        """Return what streams the body and listens for the client.

        A request that does either leaves the lane at its end, for `Finish`. One whose body was read whole need not.
        """
        self.is_plain = False
        return self._body_reader()

    def _body_reader(self) -> 'BodyReader':
        if self.reader is None:
            from heaven._http.reader import BodyReader

            self.reader = BodyReader(self.receive, self.endpoint.body_limit, is_read=self.data is not None)
        return self.reader

    def receive_for_app(self) -> Receive:
        """Return the `receive` of a mounted app: the server's, if nothing was heard yet."""
        if self.reader is None and self.data is None:
            return self.receive
        return self.open_reader().as_receive(self.data)

    def shares_connection(self) -> bool:
        """Tell whether other requests go over the same connection at the same time: from HTTP/2 on."""
        return not str(self.scope.get('http_version', '1.1')).startswith('1')

    def must_drain(self) -> bool:
        """Tell whether the client still sends a body that was refused, and would not read the answer before its end."""
        if self.data is not None:
            return False
        if self.reader is None:
            return isinstance(self.error, TooLarge) and self.announces_body()
        return self.reader.is_too_large or isinstance(self.error, ClientError) and self.reader.is_unfinished()


def joined(raw: Iterable[Header]) -> dict[bytes, bytes]:
    """Return headers by name, repeated ones joined (RFC 9110, 5.3; cookies by RFC 9113, 8.2.3)."""
    fields: dict[bytes, bytes] = {}
    repeated: dict[bytes, list[bytes]] = {}
    for name, value in raw:
        if name in fields:
            repeated.setdefault(name, [fields[name]]).append(value)
        else:
            fields[name] = value
    for name, values in repeated.items():
        separator = b'; ' if name == b'cookie' else b', '
        fields[name] = separator.join(values)
    return fields

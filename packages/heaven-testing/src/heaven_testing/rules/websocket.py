"""The rules of WebSockets (ASGI, HTTP and WebSocket protocol)."""

from __future__ import annotations

from .base import ASGIViolation, Message, Rules, Scope
from .http import HTTPRules


class WebSocketRules(Rules):
    """The rules of one WebSocket."""

    CONNECTING, OPEN, REFUSING, CLOSED = range(4)

    state: int = CONNECTING
    connected: bool = False  # the handshake has been received
    gone: bool = False  # a disconnect has been received

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self.subprotocols: list[str] = list(scope.get('subprotocols', ()))
        self.refusal: HTTPRules = HTTPRules({'method': 'GET', 'extensions': {}})

    def received(self, message: Message) -> None:
        """Note a message on its way to the application."""
        kind = self.kind(message, 'the server')
        if self.gone and kind != 'websocket.disconnect':
            self.breach(f'the server sent {kind} after websocket.disconnect')
        if kind == 'websocket.connect':
            if self.connected:
                self.breach('the server sent websocket.connect twice')
            self.connected = True
        elif kind == 'websocket.receive':
            if self.state == self.CONNECTING or not self.connected:
                self.breach('the server sent websocket.receive before the connection was accepted')
            self.data(message)
        elif kind == 'websocket.disconnect':
            self.typed(message, 'code', int, 1005)
            self.typed(message, 'reason', (str, type(None)), None)
            self.gone = True
        else:
            self.breach(f'the server sent {kind!r} on a WebSocket')

    def data(self, message: Message) -> None:
        """Check that a message holds bytes or text."""
        data, text = message.get('bytes'), message.get('text')
        if (data is None) == (text is None):
            found = 'neither' if data is None else 'both'
            self.breach(f'{message["type"]}: exactly one of bytes and text must be there, not {found}')
        if data is not None and type(data) is not bytes:
            self.breach(f'{message["type"]}: bytes is {data!r:.100}, not bytes')
        if text is not None and not isinstance(text, str):
            self.breach(f'{message["type"]}: text is {text!r:.100}, not str')

    def sent(self, message: Message) -> None:
        """Note a message of the application."""
        kind = self.kind(message, 'the application')
        if self.state == self.CLOSED:
            self.breach(f'the application sent {kind} after the WebSocket was closed')
        if kind in ('websocket.http.response.start', 'websocket.http.response.body'):
            self.refuse(kind, message)
        elif self.state == self.REFUSING:
            self.breach(f'the application sent {kind} while it refuses the WebSocket with a response')
        elif kind == 'websocket.accept':
            self.accept(message)
        elif kind == 'websocket.send':
            if self.state == self.CONNECTING:
                self.breach('the application sent websocket.send before websocket.accept')
            self.data(message)
        elif kind == 'websocket.close':
            self.close(message)
        else:
            self.breach(f'the application sent {kind!r} on a WebSocket')

    def accept(self, message: Message) -> None:
        """Check the handshake."""
        if self.state != self.CONNECTING:
            self.breach('the application sent websocket.accept twice')
        chosen = self.typed(message, 'subprotocol', (str, type(None)), None)
        if chosen is not None and chosen not in self.subprotocols:
            self.breach(f'websocket.accept: the subprotocol {chosen!r} is none of those offered: {self.subprotocols}')
        self.headers(message, (b'sec-websocket-protocol', b'sec-websocket-accept', b'sec-websocket-extensions'))
        self.state = self.OPEN

    def close(self, message: Message) -> None:
        """Check the close of the application."""
        code = self.typed(message, 'code', int, 1000)
        reason = self.typed(message, 'reason', (str, type(None)), None) or ''
        # RFC 6455 section 7.4: 1004 is reserved; 1005, 1006 and 1015 must not be sent.
        if not (1000 <= code <= 1014 and code not in (1004, 1005, 1006) or 3000 <= code <= 4999):
            self.breach(f'websocket.close: the code {code} must not be sent (RFC 6455 section 7.4)')
        if len(reason.encode(errors='replace')) > 123:
            self.breach('websocket.close: the reason is longer than 123 bytes (RFC 6455 section 5.5)')
        self.state = self.CLOSED

    def refuse(self, kind: str, message: Message) -> None:
        """Check the response in place of a handshake."""
        if 'websocket.http.response' not in self.extensions:
            self.breach(f'the application sent {kind}, an extension that the scope does not offer')
        if self.state == self.OPEN:
            self.breach(f'the application sent {kind} after websocket.accept')
        self.state = self.REFUSING
        try:
            self.refusal.sent({**message, 'type': kind.removeprefix('websocket.')})
        except ASGIViolation as violation:
            self.breach(f'{violation} (of a refused WebSocket)')
        if self.refusal.state == HTTPRules.DONE:
            self.state = self.CLOSED

    def returned(self, value: object) -> None:
        """Note that the application has returned."""
        super().returned(value)
        if self.gone or self.failed:
            return
        if self.state == self.CONNECTING:
            self.breach('the application returned without accepting or refusing the WebSocket')
        if self.state == self.REFUSING:
            self.breach('the application returned before the end of the response that refuses the WebSocket')

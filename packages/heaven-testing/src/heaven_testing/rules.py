"""The rules of ASGI 3.0, for both sides: the scope and messages of a server, and the messages of an application.

Each connection has one `Rules` object, told of every message as it passes: `received` for those that the application
receives, `sent` for those it sends, `returned` when its coroutine has ended. The first breach is kept in `broken`, so
that an application that swallows every exception cannot hide it.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence
from types import CoroutineType
from typing import Any, NoReturn, cast

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_token = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]+").fullmatch  # RFC 9110 section 5.6.2, lower case
_value = re.compile(rb'(?:[^\x00-\x20\x7f](?:[^\x00-\x08\x0a-\x1f\x7f]*[^\x00-\x20\x7f])?)?').fullmatch  # section 5.5
_digits = re.compile(rb'[0-9]+').fullmatch

_fine: set[tuple[bytes, bytes]] = set()  # headers checked before: a suite sends the same few again and again

_EXTENSIONS = {
    'http.response.debug': 'http.response.debug',
    'http.response.early_hint': 'http.response.early_hint',
    'http.response.pathsend': 'http.response.pathsend',
    'http.response.push': 'http.response.push',
    'http.response.trailers': 'http.response.trailers',
    'http.response.zerocopysend': 'http.response.zerocopysend',
}


class ASGIViolation(Exception):
    """Something the ASGI specification does not allow was done; the text says what, and by which side."""


class Rules:
    """What may pass on one connection, and what has passed."""

    extensions: Any
    broken: ASGIViolation | None = None
    failed: bool = False  # a `send` has raised OSError: the client has left (ASGI HTTP 2.4, Disconnected Client)
    strict: bool = True  # else header names may have capitals, which servers let pass, and Django sends

    def __init__(self, scope: Scope) -> None:
        self.extensions = scope.get('extensions') or {}

    def breach(self, text: str) -> NoReturn:
        violation = ASGIViolation(text)
        if self.broken is None:
            self.broken = violation
        raise violation

    def received(self, message: Message) -> None:
        """Notes a message on its way to the application."""
        self.breach(f'the server sent {message!r} on a connection of an unknown type')

    def sent(self, message: Message) -> None:
        """Notes a message of the application."""
        self.breach(f'the application sent {message!r} on a connection of an unknown type')

    def returned(self, value: object) -> None:
        """Notes that the coroutine of the application has returned."""
        if value is not None:
            self.breach(f'the application returned {value!r}: its coroutine must return None')

    def kind(self, message: Message, side: str) -> str:
        """The type of a message, which must be a dict with str keys."""
        if message.__class__ is not dict and not isinstance(message, MutableMapping):
            self.breach(f'{side} sent {message!r}: a message is a dict')
        kind = message.get('type')
        if kind.__class__ is not str:
            self.breach(f'{side} sent a message whose type is {kind!r}, not a str')
        for key in message:
            if key.__class__ is not str:
                self.breach(f'{side} sent {kind} with the key {key!r}, not a str')
        return kind

    def typed(self, message: Message, key: str, kinds: type | tuple[type, ...], default: Any) -> Any:
        value = message.get(key, default)
        if not isinstance(value, kinds) or (kinds is int and value.__class__ is bool):
            names = ' or '.join(kind.__name__ for kind in (kinds if isinstance(kinds, tuple) else (kinds,)))
            self.breach(f'{message["type"]}: {key} is {value!r}, not {names.replace("NoneType", "None")}')
        return value

    def headers(self, message: Message, forbidden: tuple[bytes, ...] = ()) -> Sequence[tuple[bytes, bytes]]:
        """The headers of a message, each a name in lower case and a value that is safe on the wire."""
        headers = message.get('headers', ())
        if headers.__class__ is not list and headers.__class__ is not tuple:
            if not isinstance(headers, Iterable) or isinstance(headers, (str, bytes)):
                self.breach(f'{message["type"]}: headers is {headers!r}, not a list of [name, value]')
            headers = message['headers'] = list(headers)  # an iterator can be read once only
        if not self.strict:
            headers = message['headers'] = [(bytes(name).lower(), value) for name, value in headers]
        try:
            seen = _fine.issuperset(headers)
        except TypeError:  # a pair may be a list
            seen = False
        if not seen:
            for header in headers:
                self.header(message['type'], header)
        if forbidden:
            for name, _ in headers:
                if name in forbidden:
                    self.breach(f'{message["type"]}: the header {name!r} belongs to the server')
        return cast('Sequence[tuple[bytes, bytes]]', headers)

    def header(self, kind: str, header: Any) -> None:
        try:
            name, value = header
        except (TypeError, ValueError):
            self.breach(f'{kind}: the header {header!r} is not a pair of name and value')
        if type(name) is not bytes or type(value) is not bytes:
            self.breach(f'{kind}: the header {header!r} is not a pair of bytes')
        if not _token(name):
            if name[:1] == b':':
                self.breach(f'{kind}: the header {name!r} is a pseudo header, which only the server may use')
            if name != name.lower():
                self.breach(f'{kind}: the name of the header {name!r} is not in lower case')
            self.breach(f'{kind}: the header name {name!r} is not a token (RFC 9110 section 5.6.2)')
        if not _value(value):
            self.breach(f'{kind}: the header {name!r} has a control character or outer space in its value {value!r}')
        if len(_fine) < 4096:
            _fine.add((name, value))


class HTTPRules(Rules):
    """The rules of one HTTP request."""

    READY, STARTED, TRAILERS, DONE = range(4)

    state: int = READY
    told: bool = False  # the whole request has been received
    gone: bool = False  # a disconnect has been received
    bodyless: bool = False  # the status is of those that have no body
    trailers: bool = False  # they were announced
    left: int | None = None  # what the content-length still allows

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self.method: str = scope['method']

    def received(self, message: Message) -> None:
        kind = self.kind(message, 'the server')
        if kind == 'http.request':
            if self.told:
                self.breach('the server sent http.request after the end of the request')
            body, more = message.get('body', b''), message.get('more_body', False)
            if type(body) is not bytes or type(more) is not bool:
                self.breach(f'http.request: body is {body!r} and more_body is {more!r}, not bytes and bool')
            self.told = not more
        elif kind == 'http.disconnect':
            self.told = self.gone = True
        else:
            self.breach(f'the server sent {kind!r} on an HTTP connection')

    def sent(self, message: Message) -> None:
        kind = self.kind(message, 'the application')
        if kind == 'http.response.body':
            self.body(message)
        elif kind == 'http.response.start':
            self.start(message)
        elif kind in _EXTENSIONS:
            if _EXTENSIONS[kind] not in self.extensions:
                self.breach(f'the application sent {kind}, an extension that the scope does not offer')
            self.extension(kind, message)
        else:
            self.breach(f'the application sent {kind!r} on an HTTP connection')

    def start(self, message: Message) -> None:
        if self.state != self.READY:
            self.breach('the application sent http.response.start twice')
        if 'status' not in message:
            self.breach('http.response.start has no status')
        status = self.typed(message, 'status', int, None)
        if not 200 <= status <= 999:
            self.breach(f'http.response.start: status is {status}, not from 200 to 999')
        self.trailers = self.typed(message, 'trailers', bool, False)
        if self.trailers and 'http.response.trailers' not in self.extensions:
            self.breach('http.response.start announces trailers, an extension that the scope does not offer')
        length: bytes | None = None
        for name, value in self.headers(message):
            if name == b'content-length':
                if not _digits(value) or len(value) > 18:
                    self.breach(f'http.response.start: content-length is {value!r}, not a number')
                if length is not None:
                    self.breach('http.response.start has more than one content-length')
                length = value
        if status == 204 or status == 304:
            self.bodyless = True
            if status == 204 and length is not None and int(length):
                self.breach(f'http.response.start: content-length is {length!r} with status 204, which has no body')
        elif length is not None and self.method != 'HEAD':
            self.left = int(length)
        self.state = self.STARTED

    def body(self, message: Message) -> None:
        if self.state != self.STARTED:
            when = 'before http.response.start' if self.state == self.READY else 'after the end of the response'
            self.breach(f'the application sent http.response.body {when}')
        body, more = message.get('body', b''), message.get('more_body', False)
        if type(body) is not bytes:
            self.breach(f'http.response.body: body is {body!r:.100}, not bytes')
        if type(more) is not bool:
            self.breach(f'http.response.body: more_body is {more!r}, not bool')
        if body and self.bodyless:
            self.breach('the application sent a body with a status that has none (204 or 304)')
        self.count(len(body), more)

    def count(self, size: int, more: bool) -> None:
        if self.left is not None:
            self.left -= size
            if self.left < 0:
                self.breach(f'the body is longer than its content-length, by {-self.left} bytes or more')
            if self.left and not more:
                self.breach(f'the body is shorter than its content-length, by {self.left} bytes')
        if not more:
            self.state = self.TRAILERS if self.trailers else self.DONE

    def extension(self, kind: str, message: Message) -> None:
        if self.state == self.DONE:
            self.breach(f'the application sent {kind} after the end of the response')
        if kind == 'http.response.trailers':
            if self.state != self.TRAILERS:
                self.breach('the application sent http.response.trailers before the end of the body, or unannounced')
            self.headers(message)
            if not self.typed(message, 'more_trailers', bool, False):
                self.state = self.DONE
        elif kind == 'http.response.pathsend':
            if self.state != self.STARTED:
                self.breach('the application sent http.response.pathsend before http.response.start')
            self.typed(message, 'path', str, None)
            self.left = None
            self.count(0, False)
        elif kind == 'http.response.zerocopysend':
            if self.state != self.STARTED:
                self.breach('the application sent http.response.zerocopysend before http.response.start')
            self.left = None
            self.count(0, self.typed(message, 'more_body', bool, False))
        elif kind == 'http.response.push':
            self.typed(message, 'path', str, None)
            self.headers(message)
        elif self.state != self.READY:
            self.breach(f'the application sent {kind} after http.response.start')

    def returned(self, value: object) -> None:
        super().returned(value)
        if self.state != self.DONE and not (self.gone or self.failed):
            done = ('sending a response', 'the end of the response body', 'the end of the trailers')[self.state]
            self.breach(
                f'the application returned without {done}'
                if not self.state
                else f'the application returned before {done}'
            )


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
        data, text = message.get('bytes'), message.get('text')
        if (data is None) == (text is None):
            found = 'neither' if data is None else 'both'
            self.breach(f'{message["type"]}: exactly one of bytes and text must be there, not {found}')
        if data is not None and type(data) is not bytes:
            self.breach(f'{message["type"]}: bytes is {data!r:.100}, not bytes')
        if text is not None and not isinstance(text, str):
            self.breach(f'{message["type"]}: text is {text!r:.100}, not str')

    def sent(self, message: Message) -> None:
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
        if self.state != self.CONNECTING:
            self.breach('the application sent websocket.accept twice')
        chosen = self.typed(message, 'subprotocol', (str, type(None)), None)
        if chosen is not None and chosen not in self.subprotocols:
            self.breach(f'websocket.accept: the subprotocol {chosen!r} is none of those offered: {self.subprotocols}')
        self.headers(message, (b'sec-websocket-protocol', b'sec-websocket-accept', b'sec-websocket-extensions'))
        self.state = self.OPEN

    def close(self, message: Message) -> None:
        code = self.typed(message, 'code', int, 1000)
        reason = self.typed(message, 'reason', (str, type(None)), None) or ''
        # RFC 6455 section 7.4: 1004 is reserved; 1005, 1006 and 1015 must not be sent.
        if not (1000 <= code <= 1014 and code not in (1004, 1005, 1006) or 3000 <= code <= 4999):
            self.breach(f'websocket.close: the code {code} must not be sent (RFC 6455 section 7.4)')
        if len(reason.encode(errors='replace')) > 123:
            self.breach('websocket.close: the reason is longer than 123 bytes (RFC 6455 section 5.5)')
        self.state = self.CLOSED

    def refuse(self, kind: str, message: Message) -> None:
        if 'websocket.http.response' not in self.extensions:
            self.breach(f'the application sent {kind}, an extension that the scope does not offer')
        if self.state == self.OPEN:
            self.breach(f'the application sent {kind} after websocket.accept')
        self.state, self.refusal.strict = self.REFUSING, self.strict
        try:
            self.refusal.sent({**message, 'type': kind.removeprefix('websocket.')})
        except ASGIViolation as violation:
            self.breach(f'{violation} (of a refused WebSocket)')
        if self.refusal.state == HTTPRules.DONE:
            self.state = self.CLOSED

    def returned(self, value: object) -> None:
        super().returned(value)
        if self.gone or self.failed:
            return
        if self.state == self.CONNECTING:
            self.breach('the application returned without accepting or refusing the WebSocket')
        if self.state == self.REFUSING:
            self.breach('the application returned before the end of the response that refuses the WebSocket')


class LifespanRules(Rules):
    """The rules of the lifespan."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self.received_kinds: list[str] = []
        self.sent_kinds: list[str] = []

    def received(self, message: Message) -> None:
        kind = self.kind(message, 'the server')
        if kind not in ('lifespan.startup', 'lifespan.shutdown'):
            self.breach(f'the server sent {kind!r} in the lifespan')
        if kind in self.received_kinds:
            self.breach(f'the server sent {kind} twice')
        if kind == 'lifespan.shutdown' and 'lifespan.startup.complete' not in self.sent_kinds:
            self.breach('the server sent lifespan.shutdown before lifespan.startup.complete')
        self.received_kinds.append(kind)

    def sent(self, message: Message) -> None:
        kind = self.kind(message, 'the application')
        stage, _, outcome = kind.rpartition('.')
        if stage not in ('lifespan.startup', 'lifespan.shutdown') or outcome not in ('complete', 'failed'):
            self.breach(f'the application sent {kind!r} in the lifespan')
        if stage not in self.received_kinds:
            self.breach(f'the application sent {kind} before it received {stage}')
        if any(earlier.startswith(f'{stage}.') for earlier in self.sent_kinds):
            self.breach(f'the application sent {kind} when {stage} had been answered')
        if outcome == 'failed':
            self.typed(message, 'message', str, '')
        self.sent_kinds.append(kind)


_RULES: dict[object, type[Rules]] = {'http': HTTPRules, 'websocket': WebSocketRules, 'lifespan': LifespanRules}


def rules_for(scope: Scope) -> Rules:
    """Checks a scope, and gives the rules of its connection.

    A scope of an unknown type has no rules but those all messages share: it is the application that must refuse it.
    """
    rules = Rules({})
    rules.kind(scope, 'the server')
    kind = scope['type']
    asgi = scope.get('asgi')
    if not isinstance(asgi, MutableMapping) or not isinstance(asgi.get('version'), str):
        rules.breach(f'{kind} scope: asgi is {asgi!r}, not a dict with a version')
    rules.typed({'type': f'{kind} scope', **asgi}, 'spec_version', str, '2.0')
    if kind in ('http', 'websocket'):
        _check(rules, scope, kind)
    rules.typed(scope, 'state', MutableMapping, {})
    return _RULES.get(kind, _Unknown)(scope)


def _check(rules: Rules, scope: Scope, kind: str) -> None:
    if kind == 'http':
        for key in ('http_version', 'method'):
            rules.typed(scope, key, str, None)
        if scope['method'] != scope['method'].upper():
            rules.breach(f'http scope: the method {scope["method"]!r} is not in upper case')
    if scope.get('http_version', '1.1') not in ('1.0', '1.1', '2', '3'):
        rules.breach(f'{kind} scope: http_version is {scope["http_version"]!r}, not 1.0, 1.1, 2 or 3')
    rules.typed(scope, 'path', str, None)
    rules.typed(scope, 'query_string', bytes, b'' if kind == 'websocket' else None)
    rules.typed(scope, 'raw_path', (bytes, type(None)), None)
    rules.typed(scope, 'root_path', str, '')
    rules.typed(scope, 'extensions', (MutableMapping, type(None)), None)
    if b'?' in (scope.get('raw_path') or b''):
        rules.breach(f'{kind} scope: raw_path {scope["raw_path"]!r} holds the query string')
    if not rules.typed(scope, 'scheme', str, 'http'):
        rules.breach(f'{kind} scope: scheme is empty')
    rules.headers(scope)
    for key in ('client', 'server'):
        address = scope.get(key)
        if address is not None:
            port = address[1] if isinstance(address, (list, tuple)) and len(address) == 2 else ''
            if not (isinstance(port, int) or (port is None and key == 'server')) or not isinstance(address[0], str):
                rules.breach(f'{kind} scope: {key} is {address!r}, not a host and a port')
    for name in rules.typed(scope, 'subprotocols', (list, tuple), ()):
        if not isinstance(name, str):
            rules.breach(f'{kind} scope: the subprotocol {name!r} is not a str')


class _Unknown(Rules):
    """A connection of another protocol: only the form of its messages is known."""

    def received(self, message: Message) -> None:
        self.kind(message, 'the server')

    def sent(self, message: Message) -> None:
        self.kind(message, 'the application')


def lint(app: ASGIApp) -> ASGIApp:
    """Wraps an ASGI application so that every message, in either direction, is checked against the ASGI specification.

    A breach raises `ASGIViolation` where it happens; if the application swallows it, it is raised again at the end.

    >>> import asyncio
    >>> async def app(scope, receive, send):
    ...     await send({'type': 'http.response.start', 'status': '200'})
    >>> scope = {'type': 'http', 'asgi': {'version': '3.0'}, 'http_version': '1.1', 'method': 'GET', 'path': '/',
    ...          'query_string': b'', 'headers': []}
    >>> asyncio.run(lint(app)(scope, None, None))
    Traceback (most recent call last):
    heaven_testing.rules.ASGIViolation: http.response.start: status is '200', not int
    """

    async def linted(scope: Scope, receive: Receive, send: Send) -> None:
        rules = rules_for(scope)

        async def checked_receive() -> Message:
            message = await receive()
            rules.received(message)
            return message

        async def checked_send(message: Message) -> None:
            rules.sent(message)
            try:
                await send(message)
            except OSError:
                rules.failed = True
                raise

        try:
            rules.returned(await call(app, scope, checked_receive, checked_send))
        finally:
            if rules.broken is not None:
                raise rules.broken

    return linted


def call(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> Awaitable[object]:
    """Calls an application; what it gives must be awaitable."""
    awaitable: object = app(scope, receive, send)
    if awaitable.__class__ is not CoroutineType and not isinstance(awaitable, Awaitable):
        raise ASGIViolation(f'the application gave {awaitable!r}, not an awaitable: it must be a coroutine function')
    return cast('Awaitable[object]', awaitable)

"""The rules of HTTP requests (ASGI, HTTP and WebSocket protocol)."""

from __future__ import annotations

import re

from .base import Message, Rules, Scope

_digits = re.compile(rb'[0-9]+').fullmatch

_EXTENSIONS = {
    'http.response.debug': 'http.response.debug',
    'http.response.early_hint': 'http.response.early_hint',
    'http.response.pathsend': 'http.response.pathsend',
    'http.response.push': 'http.response.push',
    'http.response.trailers': 'http.response.trailers',
    'http.response.zerocopysend': 'http.response.zerocopysend',
}


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
        """Note a message on its way to the application."""
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
        """Note a message of the application."""
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
        """Check the start of the response."""
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
        """Check a piece of the body."""
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
        """Hold the size of the body against its Content-Length."""
        if self.left is not None:
            self.left -= size
            if self.left < 0:
                self.breach(f'the body is longer than its content-length, by {-self.left} bytes or more')
            if self.left and not more:
                self.breach(f'the body is shorter than its content-length, by {self.left} bytes')
        if not more:
            self.state = self.TRAILERS if self.trailers else self.DONE

    def extension(self, kind: str, message: Message) -> None:
        """Check a message of an extension."""
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
        """Note that the application has returned."""
        super().returned(value)
        if self.state != self.DONE and not (self.gone or self.failed):
            done = ('sending a response', 'the end of the response body', 'the end of the trailers')[self.state]
            self.breach(
                f'the application returned without {done}'
                if not self.state
                else f'the application returned before {done}'
            )

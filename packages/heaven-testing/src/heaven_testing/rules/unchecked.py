"""What `lint=False` puts in place of the rules: nothing is checked, only how far a connection has come is noted."""

from __future__ import annotations

from .base import Message, Scope
from .http import HTTPRules
from .lifespan import LifespanRules
from .websocket import WebSocketRules


class UncheckedHTTP(HTTPRules):
    """The course of one HTTP request, as the messages of the application tell it."""

    state: int
    trailers: bool

    def received(self, message: Message) -> None:
        """Note nothing: what the application has received changes nothing here."""

    def sent(self, message: Message) -> None:
        """Note where the response is; what comes out of turn changes nothing."""
        kind = message['type']
        if kind == 'http.response.start' and self.state == self.READY:
            self.trailers = bool(message.get('trailers'))
            self.state = self.STARTED
        elif kind in ('http.response.body', 'http.response.zerocopysend') and self.state == self.STARTED:
            self.count(0, bool(message.get('more_body')))
        elif kind == 'http.response.pathsend' and self.state == self.STARTED:
            self.count(0, False)
        elif kind == 'http.response.trailers' and self.state == self.TRAILERS and not message.get('more_trailers'):
            self.state = self.DONE

    def returned(self, value: object) -> None:
        """Let an application return what and when it likes."""


class UncheckedWebSocket(WebSocketRules):
    """The course of one WebSocket; the transport needs to know nothing of it."""

    def received(self, message: Message) -> None:
        """Note nothing."""

    def sent(self, message: Message) -> None:
        """Note nothing."""

    def returned(self, value: object) -> None:
        """Let an application return what and when it likes."""


class UncheckedLifespan(LifespanRules):
    """The course of one lifespan; the transport needs to know nothing of it."""

    def received(self, message: Message) -> None:
        """Note nothing."""

    def sent(self, message: Message) -> None:
        """Note nothing."""

    def returned(self, value: object) -> None:
        """Let an application return what and when it likes."""


def http_rules(scope: Scope, lint: bool) -> HTTPRules:
    """Return the rules for a request, or what notes its course alone."""
    return HTTPRules(scope) if lint else UncheckedHTTP(scope)


def websocket_rules(scope: Scope, lint: bool) -> WebSocketRules:
    """Return the rules for a WebSocket, or what notes its course alone."""
    return WebSocketRules(scope) if lint else UncheckedWebSocket(scope)


def lifespan_rules(scope: Scope, lint: bool) -> LifespanRules:
    """Return the rules for a lifespan, or what notes its course alone."""
    return LifespanRules(scope) if lint else UncheckedLifespan(scope)

"""What the rules of every protocol share: the form of messages and of headers, and how a breach is told."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence
from typing import Any, NoReturn, cast

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_token = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]+").fullmatch  # RFC 9110 section 5.6.2, lower case
_value = re.compile(rb'(?:[^\x00-\x20\x7f](?:[^\x00-\x08\x0a-\x1f\x7f]*[^\x00-\x20\x7f])?)?').fullmatch  # section 5.5

_fine: set[tuple[bytes, bytes]] = set()  # headers checked before: a suite sends the same few again and again


class ASGIViolation(Exception):
    """Something the ASGI specification does not allow was done; the text says what, and by which side."""


class Rules:
    """What may pass on one connection, and what has passed."""

    extensions: Any
    broken: ASGIViolation | None = None
    failed: bool = False  # a `send` has raised OSError: the client has left (ASGI HTTP 2.4, Disconnected Client)

    def __init__(self, scope: Scope) -> None:
        self.extensions = scope.get('extensions') or {}

    def breach(self, text: str) -> NoReturn:
        """Raise an ASGIViolation, and remember the first."""
        violation = ASGIViolation(text)
        if self.broken is None:
            self.broken = violation
        raise violation

    def received(self, message: Message) -> None:
        """Note a message on its way to the application."""
        raise NotImplementedError

    def sent(self, message: Message) -> None:
        """Note a message of the application."""
        raise NotImplementedError

    def returned(self, value: object) -> None:
        """Note that the coroutine of the application has returned."""
        if value is not None:
            self.breach(f'the application returned {value!r}: its coroutine must return None')

    def kind(self, message: Any, side: str) -> str:
        """Return the type of a message, which must be a dict with str keys."""
        if message.__class__ is not dict and not isinstance(message, MutableMapping):
            self.breach(f'{side} sent {message!r}: a message is a dict')
        keys = cast('Message', message)
        kind: Any = keys.get('type')
        if kind.__class__ is not str:
            self.breach(f'{side} sent a message whose type is {kind!r}, not a str')
        for key in keys:
            if key.__class__ is not str:
                self.breach(f'{side} sent {kind} with the key {key!r}, not a str')
        found: str = kind
        return found

    def typed(self, message: Message, key: str, kinds: type | tuple[type, ...], default: Any) -> Any:
        """Return a value of a message; a breach if it is of another type."""
        value = message.get(key, default)
        if not isinstance(value, kinds) or (kinds is int and value.__class__ is bool):
            names = ' or '.join(kind.__name__ for kind in (kinds if isinstance(kinds, tuple) else (kinds,)))
            self.breach(f'{message["type"]}: {key} is {value!r}, not {names.replace("NoneType", "None")}')
        return value

    def headers(self, message: Message, forbidden: tuple[bytes, ...] = ()) -> Sequence[tuple[bytes, bytes]]:
        """Return the headers of a message, each a name in lower case and a value that is safe on the wire."""
        given: Any = message.get('headers', ())
        if given.__class__ is not list and given.__class__ is not tuple:
            if not _can_be_listed(given):
                self.breach(f'{message["type"]}: headers is {given!r}, not a list of [name, value]')
            given = message['headers'] = list(given)  # an iterator can be read once only
        headers = cast('Sequence[tuple[bytes, bytes]]', given)
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
        return headers

    def header(self, kind: str, header: Any) -> None:
        """Check one header."""
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


def _can_be_listed(headers: object) -> bool:
    return isinstance(headers, Iterable) and not isinstance(headers, (str, bytes))

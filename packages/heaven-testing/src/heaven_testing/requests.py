"""What requests of the clients are made of: the options that httpx takes, and where a URL leads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypedDict, cast

from .library import httpx
from .observing import is_heaven
from .responses import HANDSHAKE

_SENDING = ('auth', 'follow_redirects')  # the options of a request that `httpx.Client.send` takes


class ClientOptions(TypedDict, total=False):
    """What `httpx.Client` takes that makes sense without a network."""

    auth: Any
    params: Any
    headers: Any
    cookies: Any
    timeout: Any
    follow_redirects: bool
    max_redirects: int
    event_hooks: Mapping[str, list[Callable[..., Any]]] | None
    base_url: httpx.URL | str
    default_encoding: str | Callable[[bytes], str]


class RequestOptions(TypedDict, total=False):
    """What every request of httpx takes."""

    params: Any
    headers: Any
    cookies: Any
    auth: Any
    follow_redirects: Any
    timeout: Any
    extensions: Any


class BodyOptions(RequestOptions, total=False):
    """What requests of httpx take that have a body."""

    content: Any
    data: Any
    files: Any
    json: Any


def home(app: object) -> str:
    """Return the base URL of a client: the domain of a Heaven app that has one, else localhost."""
    return f'http://{app.domain}' if is_heaven(app) and app.domain else 'http://localhost'


# Parsing is a fifth of what httpx does for a request, a relative URL twice; and a suite asks for the same few.
_parse = lru_cache(1024)(httpx.URL)


class Addresses:
    """Where the URLs of a client lead."""

    def __init__(self) -> None:
        self._base: httpx.URL | None = None
        self._prefix: str = ''  # the base as text

    def find(self, base: httpx.URL, url: httpx.URL | str, subdomain: str | None) -> httpx.URL | str:
        """Return the URL on a subdomain of its host, the base URL's if it has none; a leading `www.` gives way."""
        if subdomain is None:
            if isinstance(url, str) and url.startswith('/') and not url.startswith('//') and '#' not in url:
                if self._base is not base:
                    self._base = base
                    self._prefix = '' if base.query else str(base).rstrip('/')
                return _parse(self._prefix + url)
            return url
        url = httpx.URL(url)
        if url.is_relative_url:
            url = base.copy_with(raw_path=base.raw_path + url.raw_path.lstrip(b'/'))
        return url.copy_with(host=f'{subdomain}.{url.host.removeprefix("www.")}')


def handshake(options: RequestOptions, subprotocols: Sequence[str]) -> BodyOptions:
    """Return the options of a request that opens a WebSocket (RFC 6455 section 4.1)."""
    headers = httpx.Headers({'connection': 'Upgrade', 'upgrade': 'websocket', 'sec-websocket-version': '13'})
    headers['sec-websocket-key'] = 'AAAAAAAAAAAAAAAAAAAAAA=='
    if subprotocols:
        headers['sec-websocket-protocol'] = ', '.join(subprotocols)
    headers.update(options.get('headers'))
    extensions: dict[str, Any] = {**(options.get('extensions') or {}), HANDSHAKE: list(subprotocols)}
    return cast(BodyOptions, {**options, 'headers': headers, 'extensions': extensions})


def accepting(options: BodyOptions) -> BodyOptions:
    """Return the options of a request for a stream of events (WHATWG HTML section 9.2.3)."""
    headers = httpx.Headers({'accept': 'text/event-stream', 'cache-control': 'no-store'})
    headers.update(options.get('headers'))
    return {**options, 'headers': headers}


def split_options(options: BodyOptions) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the options that a request is made with, and those that concern how it is sent."""
    making = {key: value for key, value in options.items() if key not in _SENDING}
    sending = {key: value for key, value in options.items() if key in _SENDING}
    return making, sending

"""The response: what a handler says, checked where it says it."""

from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, Self

from heaven._http.bodies import OpenBody, kind_of
from heaven._http.exchange import Exchange
from heaven._http.fixed_bodies import NOT_AWAITED, TEXT, UNSET, known_kind
from heaven._http.headers import ResponseHeaders, response_headers, set_header
from heaven._routing.functions import check_function, refuse_generator
from heaven.errors import Abort, optional
from heaven.rendering import PLAIN
from heaven.request import request_of
from heaven.types import Handler

if TYPE_CHECKING:
    from datetime import date, datetime, timedelta

BODILESS = frozenset({204, 205, 304})
SEE_OTHER = frozenset({'POST', 'PUT', 'PATCH', 'DELETE'})  # redirects after these become a GET (RFC 9110, 15.4.4)
PLAIN_URI = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/:?@!$&'()*+,;=~-._")


class Response:
    """What is answered; every method that returns it can be chained.

    async def create(req, res, ctx):
        res.status = 201
        res.headers['Location'] = req.url_for('patient', id=7)
        res.body = {'id': 7}
    """

    __slots__ = ('_exchange',)

    _exchange: Exchange

    if not TYPE_CHECKING:  # what reads types knows the names that are there

        def __getattr__(self, name: str) -> NoReturn:
            """Say what to write, for the names of other frameworks."""
            from heaven._http.foreign_names import OF_RESPONSE, explain_missing

            explain_missing('a response', name, OF_RESPONSE.get(name))

    @property
    def status(self) -> int:
        """The status, an int from 200 to 599 or an HTTPStatus; 200 at first."""
        return self._exchange.status

    @status.setter
    def status(self, status: int) -> None:
        if not isinstance(status, int) or not 200 <= status <= 599:
            raise ValueError(f'{status!r:.80} is no status of an answer: use an int from 200 to 599')
        exchange = self._exchange
        exchange.status = int(status)
        exchange.answered = True
        if status in BODILESS:
            exchange.is_plain = False

    @property
    def body(self) -> Any:
        """The body as it was assigned.

        bytes, str, dict, list, tuple, bool, a dataclass, int, float, None, or an async or sync iterator, which is
        streamed; with a custom JSON codec also what that encodes. TypeError for anything else.
        """
        exchange = self._exchange
        return None if exchange.kind is UNSET else exchange.body

    @body.setter
    def body(self, body: object) -> None:
        exchange = self._exchange
        kind: Any = known_kind(type(body))
        if kind is None:
            kind = kind_of(body, exchange.endpoint.has_custom_codec)
            if not kind.is_fixed:
                exchange.exits.push_async_callback(kind.close)
        exchange.kind = kind
        exchange.body = body
        exchange.answered = True

    @property
    def error(self) -> BaseException | None:
        """What went wrong, for ERROR handlers and hooks that always run; None if nothing did."""
        return self._exchange.error

    @property
    def headers(self) -> ResponseHeaders:
        """The headers to send: `res.headers['X-A'] = 'b'` sets one."""
        return response_headers(self._exchange)

    @headers.setter
    def headers(self, headers: object) -> NoReturn:
        raise AttributeError("headers are set one by one: res.headers['X-A'] = 'b', or res.out(status, body, headers)")

    @property
    def json(self) -> NoReturn:
        """Not there: a dict or a list as `res.body` is sent as JSON."""
        raise AttributeError('a response has no json: res.body = {...} is sent as JSON, and res.body reads it back')

    @json.setter
    def json(self, value: object) -> NoReturn:
        raise AttributeError('write res.body = {...}: dicts, lists and dataclasses are sent as JSON')

    def header(self, name: str, value: Any) -> Self:
        """Set a header, replacing one of that name; None removes it.

        ValueError or TypeError for what cannot be sent.
        """
        set_header(self._exchange, name, value)
        return self

    def cookie(
        self,
        name: str,
        value: str | int | None = '',
        path: str | None = '/',
        *,
        max_age: 'int | timedelta | None' = None,
        expires: 'datetime | date | str | None' = None,
        domain: str | None = None,
        secure: bool = False,
        httponly: bool = False,
        samesite: str | None = None,
        partitioned: bool = False,
    ) -> Self:
        """Set a cookie (RFC 6265bis); a value of None deletes it.

        `max_age` is seconds or a timedelta; `expires` a datetime, of which a naive one means UTC, a date or an HTTP
        date; `samesite` Lax, Strict or None. ValueError for what a cookie may not hold.

            res.cookie('theme', 'dark', max_age=86400, samesite='Lax')
        """
        from heaven._http.set_cookie import set_cookie

        line = set_cookie(
            name,
            value,
            path,
            max_age=max_age,
            expires=expires,
            domain=domain,
            secure=secure,
            httponly=httponly,
            samesite=samesite,
            partitioned=partitioned,
        )
        return self.header('set-cookie', line)

    def redirect(self, location: str, permanent: bool = False, status: int | None = None) -> Self:
        """Send the client elsewhere: 303 after POST, PUT, PATCH and DELETE, else 307; 308 if permanent; or `status`.

        What a URI may not hold is percent-encoded, escapes that are there stay.
        """
        if not isinstance(permanent, bool):
            raise TypeError(
                f'permanent is True or False, not {permanent!r:.80}: write res.redirect(location, status=302)'
            )
        if status is not None:
            if not 300 <= status <= 399:
                raise ValueError(f'a redirect has a status from 300 to 399, not {status!r}')
            self.status = status
        elif permanent:
            self.status = 308
        elif self._exchange.method in SEE_OTHER:
            self.status = 303
        else:
            self.status = 307
        if not PLAIN_URI.issuperset(location):
            from heaven._http.locations import quoted_location

            location = quoted_location(location)
        return self.header('location', location)

    def out(self, status: int, body: Any = None, headers: Mapping[str, Any] | None = None) -> Self:
        """Set status, body and headers at once: `return res.out(401, 'Log in first')`."""
        self.status = status
        self.body = body
        if headers:
            for name, value in headers.items():
                self.header(name, value)
        return self

    def html(self, markup: str) -> Self:
        """Set a body of HTML."""
        exchange = self._exchange
        if not isinstance(markup, str):
            raise TypeError(f'res.html takes a str, not {type(markup).__name__}')
        exchange.kind = TEXT
        exchange.body = markup
        exchange.answered = True
        return self.header('content-type', 'text/html; charset=utf-8')

    def stream(
        self,
        iterator: AsyncIterator[Any] | Iterator[Any],
        content_type: str = 'text/plain',
        status: int = 200,
        sse: bool = False,
        ping: float | None = 15,
    ) -> Self:
        """Send what an iterator gives as it gives it; with `sse=True` as server-sent events.

        `ping` is the seconds of silence after which an event stream sends a comment, so that proxies keep it open.
        """
        from heaven._http.streams import EventStream, StreamBody

        self.status = status
        if not sse:
            self._open(StreamBody(iterator), iterator)
            if content_type.startswith('text/') and 'charset' not in content_type:
                content_type += '; charset=utf-8'
            return self.header('content-type', content_type)
        self._open(EventStream(iterator, ping, self._exchange.endpoint.dumps), iterator)
        self.header('content-type', 'text/event-stream')
        for name, value in (('cache-control', 'no-cache'), ('x-accel-buffering', 'no')):
            if name not in self.headers:
                self.header(name, value)
        return self

    def file(self, path: Any, filename: str | None = None, within: Any = None) -> Self:
        """Send a file: type, length, ETag, ranges and conditions by RFC 9110; `filename` makes it a download.

        `within` is the folder it may not leave, and the base of a relative path; outside of it is a 404, as is a miss.
        """
        from heaven._http.files import FileBody

        return self._open(FileBody(path, filename, within))

    def _open(self, body: OpenBody, assigned: Any = None) -> Self:
        """Set a body that is sent piece by piece, and see to it that it is closed."""
        exchange = self._exchange
        exchange.exits.push_async_callback(body.close)
        exchange.kind = body
        exchange.body = body if assigned is None else assigned
        exchange.answered = True
        return self

    def defer(self, func: Handler) -> Self:
        """Run `func(app)`, async or not, after the answer has been sent."""
        check_function(func, 'res.defer', takes_path=False)
        refuse_generator(func, 'res.defer', 'write an async def without yield')
        exchange = self._exchange
        exchange.deferred = (*exchange.deferred, (func, exchange.app))
        exchange.is_plain = False
        return self

    def abort(self, status: int, body: Any = None) -> NoReturn:
        """Stop right here and answer with a status from 400 to 599; without a body the ERROR handler is asked."""
        raise Abort(status, body)

    def render(
        self, name: str, /, *, block: str | None = None, blocks: Sequence[str] = (), stream: bool = False, **values: Any
    ) -> Coroutine[Any, Any, Self]:
        """Render a template, or blocks of it, as the body; `stream=True` sends it as it is made.

        await res.render('patients.html', results=results)      # without the await it is a 500
        """
        exchange = self._exchange
        before = exchange.kind, exchange.body, exchange.answered
        exchange.kind, exchange.body, exchange.answered = NOT_AWAITED, name, True  # so that a BEFORE has answered, too

        async def rendered() -> Self:
            exchange.kind, exchange.body, exchange.answered = before
            text = await self._template('stream' if stream else 'render', name, values, block, blocks)
            return self._rendered(name, text)

        return rendered()

    def renders(self, name: str, /, *, block: str | None = None, blocks: Sequence[str] = (), **values: Any) -> Self:
        """Render a template as the body, from a handler that is not async."""
        return self._rendered(name, self._template('renders', name, values, block, blocks))

    async def interpolate(
        self, name: str, /, *, block: str | None = None, blocks: Sequence[str] = (), **values: Any
    ) -> str:
        """Render a template and return the text, for a mail or a fragment."""
        return str(await self._template('render', name, values, block, blocks))

    def _template(self, verb: str, name: str, values: dict[str, Any], block: str | None, blocks: Sequence[str]) -> Any:
        exchange = self._exchange
        renderer = exchange.app.renderer
        if renderer is None:
            templating = optional('heaven_templating', 'heaven-templating', f'rendering {name!r}')
            templating.Templates('templates').install(exchange.app.outermost)
            renderer = exchange.app.renderer
        wanted = (block, *blocks) if block else blocks
        return getattr(renderer, verb)(name, values, (request_of(exchange), self, exchange.ctx), wanted)

    def _rendered(self, name: str, text: Any) -> Self:
        self.body = text
        if 'content-type' not in self.headers:
            kind = 'plain' if name.endswith(PLAIN) else 'html'
            self.header('content-type', f'text/{kind}; charset=utf-8')
        return self

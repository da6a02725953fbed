"""Sessions: what a site remembers of a client, in a signed cookie (`app.sessions`).

The cookie holds the session itself, as JSON that anybody can read and nobody can change: `itsdangerous` signs it.
"""

import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import wraps
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from itsdangerous import BadData, TimestampSigner
from itsdangerous.encoding import base64_decode, base64_encode

from heaven._http.logs import log
from heaven._http.set_cookie import set_cookie
from heaven.context import Key
from heaven.types import Context, Request, Response

T = TypeVar('T')

MOST_READ = 8 * 1024  # bytes of a cookie that is looked at
MOST_WRITTEN = 4093  # bytes of a cookie that every browser keeps, its name included
SHORT = 16  # bytes: a secret that has fewer can be guessed
HOW_TO_MAKE_ONE = "python -c 'import secrets; print(secrets.token_urlsafe(32))' prints a good one"
MUTATORS = ('__setitem__', '__delitem__', '__ior__', 'clear', 'pop', 'popitem', 'setdefault', 'update')


class Session(dict[str, Any]):
    """What is remembered of a client from one request to the next: a dict of JSON values, with attributes.

        ctx.session['user'] = 7         # the same as ctx.session.user = 7
        ctx.session.get('user')         # None if nobody is logged in
        ctx.session.clear()             # forgets all, and deletes the cookie

    `USER = Key[int]('user')` makes `ctx.session[USER]` an int for type checkers, and `ctx.session.get(USER)` an int or
    None. To change a session that cannot be saved, that of a WebSocket, is a TypeError.
    """

    __slots__ = ('_note_change',)

    def __init__(self, values: dict[str, Any], note_change: Callable[[str], None]) -> None:
        super().__init__(values)
        object.__setattr__(self, '_note_change', note_change)

    def __getattr__(self, name: str) -> Any:
        """Return a value; AttributeError, which names what is there, if there is none."""
        if name in self:
            return self[name]
        raise AttributeError(f'the session has no {name!r}; it has: {", ".join(self) or "nothing"}')

    def __setattr__(self, name: str, value: Any) -> None:
        """Set a value; AttributeError for the name of a method."""
        if hasattr(type(self), name):
            raise AttributeError(f'{name!r} is a method of every dict: write session[{name!r}] = ... and read it so')
        self[name] = value

    def __delattr__(self, name: str) -> None:
        """Remove a value; AttributeError if there is none."""
        if name not in self:
            raise AttributeError(f'the session has no {name!r}')
        del self[name]

    if TYPE_CHECKING:

        @overload  # type: ignore[override]
        def get(self, key: Key[T], default: None = None, /) -> T | None: ...
        @overload
        def get(self, key: Key[T], default: T, /) -> T: ...
        @overload
        def get(self, key: str, default: Any = None, /) -> Any: ...
        def get(self, key: str, default: Any = None, /) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
            """Return a value, or the default."""

        @overload
        def __getitem__(self, key: Key[T], /) -> T: ...
        @overload
        def __getitem__(self, key: str, /) -> Any: ...
        def __getitem__(self, key: str, /) -> Any:
            """Return a value; KeyError if there is none."""


def noting(name: str) -> Any:
    """Return a method of dict that tells of a change before it makes it."""
    method = getattr(dict, name)

    @wraps(method)
    def change(session: Session, *args: Any, **values: Any) -> Any:
        session._note_change(name)  # noqa: SLF001
        return method(session, *args, **values)

    return change


for mutator in MUTATORS:
    setattr(Session, mutator, noting(mutator))


class Visit:
    """The session of one request: opened when somebody asks for it, saved with the answer."""

    def __init__(self, sessions: 'Sessions', req: Request) -> None:
        self.sessions = sessions
        self.req = req
        self.session: Session | None = None
        self.text: str = '{}'  # the session as it came
        self.is_old: bool = False  # half of its time is over
        self.is_cleared: bool = False
        self.is_answered: bool = False

    def __repr__(self) -> str:
        """Show what the session has by name alone: the values may be secret."""
        return f'<the session: {", ".join(self.session or ()) or "nothing, or not read"}>'

    def open(self) -> Session:
        """Return the session, read from its cookie at the first call."""
        if self.session is None:
            values, self.is_old = self.sessions.read(self.req)
            self.text = written(values)
            self.session = Session(values, self.note_change)
        return self.session

    def note_change(self, name: str) -> None:
        """Refuse a change that can never be saved, or warn of one that comes too late."""
        if self.req.scope['type'] == 'websocket':
            raise TypeError('the session of a WebSocket can be read only: nothing would take the cookie to the client')
        if self.is_answered:
            log().warning('ctx.session was changed (%s) after the answer had begun, so it is not saved', name)
        if name == 'clear':
            self.is_cleared = True

    def save(self, res: Response) -> None:
        """Save the session if it was changed or becomes old; TypeError if it holds what JSON cannot."""
        was_answered, self.is_answered = self.is_answered, True
        if self.session is None:
            return
        res.headers.vary('Cookie')
        if was_answered:
            return
        text = written(self.session)
        has_changed = text != self.text
        if self.session and (has_changed or self.is_old):
            self.sessions.write(text, self.req, res)
        elif not self.session and (has_changed or self.is_cleared):
            self.sessions.delete(self.req, res)


class Sessions:
    """What `app.sessions` has configured: it opens the session of every request, and saves it with the answer."""

    preflight = None

    def __init__(
        self,
        secret_key: str | bytes | Sequence[str | bytes],
        cookie_name: str,
        max_age: int | timedelta | None,
        secure: bool | None,
        **options: Any,
    ) -> None:
        self.cookie_name = cookie_name
        self.max_age: int | None = seconds_of(max_age)
        self.secure: bool | None = True if secure is None and needs_secure(cookie_name, options) else secure
        self.options = options  # of the cookie: its path and domain, whether scripts see it ...
        self._check_cookie()
        # The name is part of the key: what was signed for a cookie of another name is nothing here.
        self.signer: TimestampSigner = TimestampSigner(
            checked_secrets(secret_key)[::-1],
            salt=f'heaven.session.{cookie_name}',
            key_derivation='hmac',
            digest_method=sha256,
        )

    def _check_cookie(self) -> None:
        """Raise ValueError for a cookie that no request could set."""
        is_secure = self.secure is not False
        set_cookie(self.cookie_name, 'x', max_age=None, expires=None, secure=is_secure, **self.options)

    def enter(self, req: Request, res: Response, ctx: Context) -> None:
        """Keep the session, unopened, on the context."""
        vars(ctx)['session'] = Visit(self, req)

    def leave(self, req: Request, res: Response, ctx: Context) -> None:
        """Save the session."""
        visit: Visit = vars(ctx)['session']
        visit.save(res)

    def read(self, req: Request) -> tuple[dict[str, Any], bool]:
        """Return what the cookie holds, and whether half of its time is over; nothing of one that is not in order."""
        sent = req.cookies.get(self.cookie_name, '')
        values: Any = None
        age = 0
        if len(sent) <= MOST_READ:
            try:
                data, signed = self.signer.unsign(sent, return_timestamp=True)
                values = json.loads(base64_decode(data))
                age = self.signer.get_timestamp() - int(signed.timestamp())
            except (BadData, ValueError):
                values = None
        limit = self.max_age
        if not isinstance(values, dict) or limit is not None and age > limit:
            return {}, False
        return cast(dict[str, Any], values), limit is not None and 2 * age >= limit

    def write(self, text: str, req: Request, res: Response) -> None:
        """Set the cookie; log a warning for one that browsers would not keep."""
        value = self.signer.sign(base64_encode(text)).decode()
        size = len(f'{self.cookie_name}={value}')
        if size > MOST_WRITTEN:
            log().warning(
                'the cookie %s of ctx.session has %d bytes, and browsers drop what has more than %d: keep less in it',
                self.cookie_name,
                size,
                MOST_WRITTEN,
            )
        self._set_cookie(value, self.max_age, req, res)

    def delete(self, req: Request, res: Response) -> None:
        """Delete the cookie, if the client has one."""
        if self.cookie_name in req.cookies:
            self._set_cookie(None, None, req, res)

    def _set_cookie(self, value: str | None, max_age: int | None, req: Request, res: Response) -> None:
        secure = req.scheme == 'https' if self.secure is None else self.secure
        res.cookie(self.cookie_name, value, max_age=max_age, secure=secure, **self.options)


def written(values: dict[str, Any]) -> str:
    """Return a session as JSON; TypeError if it holds what JSON cannot."""
    try:
        return json.dumps(values, separators=(',', ':'), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f'ctx.session holds what cannot be kept in a cookie, as JSON: {error}') from error


def checked_secrets(secret_key: Any) -> list[bytes]:
    """Return the secrets, the newest first; TypeError or ValueError for what is none."""
    is_several = hasattr(secret_key, '__iter__') and not isinstance(secret_key, (str, bytes))
    given: list[Any] = list(secret_key) if is_several else [secret_key]
    if not given or not all(given):
        raise ValueError(f'app.sessions needs a secret key, and this one is empty: {HOW_TO_MAKE_ONE}')
    secrets: list[bytes] = []
    for secret in given:
        if not isinstance(secret, (str, bytes)):
            raise TypeError(f'a secret key is a str or bytes, or a list of those, not {type(secret).__name__}')
        secrets.append(secret.encode() if isinstance(secret, str) else secret)
    shortest = min(map(len, secrets))
    if shortest < SHORT:
        log().warning('a secret key of %d bytes can be guessed, and sessions forged: %s', shortest, HOW_TO_MAKE_ONE)
    return secrets


def seconds_of(max_age: Any) -> int | None:
    """Return how long a session is kept, in seconds; None for as long as the browser runs."""
    if isinstance(max_age, timedelta):
        max_age = int(max_age.total_seconds())
    if max_age is None:
        return None
    if isinstance(max_age, bool) or not isinstance(max_age, int):
        raise TypeError(f'max_age is an int, in seconds, or a timedelta, not {max_age!r:.80}')
    if max_age <= 0:
        raise ValueError(f'max_age is how many seconds a session is kept, not {max_age!r:.80}')
    return max_age


def needs_secure(name: str, options: dict[str, Any]) -> bool:
    """Tell whether browsers take such a cookie only with `secure` (RFC 6265bis, 4.1.3 and 5.7)."""
    has_prefix = name.lower().startswith(('__host-', '__secure-'))
    is_for_all_sites = isinstance(options['samesite'], str) and options['samesite'].lower() == 'none'
    return has_prefix or is_for_all_sites or bool(options['partitioned'])

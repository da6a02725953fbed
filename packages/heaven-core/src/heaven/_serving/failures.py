"""From a failure to its answer: which ERROR handler is asked, and what is sent where there is none."""

import re
from collections.abc import Iterator
from http import HTTPStatus

from heaven._http.exchange import Exchange
from heaven._http.fixed_bodies import UNSET
from heaven._http.headers import DESCRIBING
from heaven._http.logs import log, printable
from heaven._routing.endpoint import Step
from heaven._serving.calling import call
from heaven._serving.registrations import Registrations, registrations_of
from heaven.errors import Abort, ClientError, Disconnected
from heaven.types import App, Context, Request, Response

CACHING = frozenset({b'cache-control', b'expires'})  # what a 404 may keep of them, and a 500 may not
CALLED_PROPERTY = re.compile(r'\breq(?:uest)?\.(json|text|body|form|params|queries|headers|cookies)\(')
Kind = int | type[BaseException]


def is_expected(error: BaseException) -> bool:
    """Tell whether a failure is an answer: an abort, or a mistake of the client."""
    return isinstance(error, (Abort, ClientError))


async def answer_failure(
    error: BaseException, exchange: Exchange, req: Request, res: Response, ctx: Context
) -> BaseException | None:
    """Make the answer of a failure; return what goes on through the middlewares: what nobody expected or handled.

    An ERROR handler may abort, or raise another mistake of the client; what answers that is asked then, but no handler
    twice. One that fails is followed by the plain 500. One that is cancelled, or meets the client's leaving, has not
    answered: that is `exchange.error` then.
    """
    asked = list(exchange.asked)
    exchange.asked = ()
    if asked and not is_expected(error):  # the ERROR handler of a 404 or 405 has failed itself
        answer_server_error(error, exchange, req, res)
        return error
    goes_on: BaseException | None = None
    while True:
        exchange.error = error
        status = error.status if isinstance(error, (Abort, ClientError)) else 500
        forget_answer(exchange, status, has_body=isinstance(error, Abort) and error.body is not None)
        handler, kind = find_handler(exchange.endpoint.app, error, status, asked)
        if not is_expected(error) and isinstance(kind, int):  # no handler of its class
            goes_on = error
        try:
            if handler is None:
                answer_plainly(error, exchange, req, res)  # an abort may have what is no body
                return goes_on
            asked.append(handler)
            await call(handler, exchange, req, res, ctx)
            return goes_on
        except (Abort, ClientError) as another:
            error = another
        except GeneratorExit:
            raise
        except BaseException as another:
            lost = goes_on if is_expected(error) else error
            if not isinstance(another, Exception) or isinstance(another, Disconnected) and exchange.client_is_gone:
                exchange.error = another
                return lost
            if lost is not None:
                log_failure(exchange, lost)
            answer_server_error(another, exchange, req, res)
            return another


def answer_server_error(error: BaseException, exchange: Exchange, req: Request, res: Response) -> None:
    """Answer the plain 500: the last resort, which asks no ERROR handler."""
    exchange.error = error
    forget_answer(exchange, 500, has_body=False)
    answer_plainly(error, exchange, req, res)


def forget_answer(exchange: Exchange, status: int, has_body: bool) -> None:
    """Forget the body, and the headers that describe it or its caching; an abort with a body keeps its content type."""
    exchange.status = status
    exchange.kind = UNSET
    exchange.body = None
    exchange.answered = True
    if not exchange.headers:
        return
    forgotten = DESCRIBING if status == 500 else DESCRIBING - CACHING
    if has_body:
        forgotten = forgotten - {b'content-type'}
    exchange.headers = {name: value for name, value in exchange.headers.items() if name not in forgotten}


def find_handler(app: App, error: BaseException | None, status: int, asked: list[Step]) -> tuple[Step | None, Kind]:
    """Find the ERROR handler of a failure, and what it was registered for.

    The app is asked first, then the one that it is mounted on: for the class of the failure, the nearest first, then
    for the status. An abort with a body is an answer, which only a handler of its class changes.
    """
    for each in registrations_of(app).lineage():
        for kind in kinds_of(error, status) if each.error_handlers else ():
            handler = each.error_handlers.get(kind)
            if handler is not None and handler not in asked:
                return handler, kind
    return None, status


def kinds_of(error: BaseException | None, status: int) -> Iterator[Kind]:
    """Give what handlers of a failure may be registered for.

    `ERROR(Exception)` is for what nobody expected: it does not take an abort or a mistake of the client.
    """
    if error is not None:
        for kind in type(error).__mro__:
            if is_expected(error) and issubclass(Exception, kind):
                break
            yield kind
    if not isinstance(error, Abort) or error.body is None:
        yield status


def answer_plainly(error: BaseException | None, exchange: Exchange, req: Request, res: Response) -> None:
    """Answer where no ERROR handler does: in the words of the error or of the status; in debug with the traceback."""
    if isinstance(error, Abort) and error.body is not None:
        res.body = error.body
    elif isinstance(error, ClientError):
        res.body = str(error)
    else:
        res.body = phrase_of(exchange.status)
        if error is not None and registrations_of(exchange.endpoint.app).is_debug:
            show_in_debug(error, req, res)


def show_in_debug(error: BaseException, req: Request, res: Response) -> None:
    """Show the debug page, unless it fails itself: an exception may have no words."""
    from heaven.debug import show_failure

    try:
        show_failure(error, req, res)
    except Exception as another:
        log().error('the debug page failed', exc_info=another)


def phrase_of(status: int) -> str:
    """Return the words of a status (RFC 9110, 15)."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f'Status {status}'


def log_failure(exchange: Exchange, error: BaseException) -> None:
    """Log a failure with its traceback."""
    explain(error)
    log().error('%s failed', said(exchange), exc_info=error)


def log_late_failure(exchange: Exchange, error: BaseException) -> None:
    """Log a failure that came when the answer had begun, so that nothing but its end can tell the client."""
    log().error('%s failed after its answer had begun', said(exchange), exc_info=error)


def explain(error: BaseException) -> None:
    """Add a note to a mistake that its message does not name: a property of the request that was called."""
    from linecache import getline

    frame = error.__traceback__
    if not isinstance(error, TypeError) or 'not callable' not in str(error) or frame is None:
        return
    while frame.tb_next is not None:
        frame = frame.tb_next
    called = CALLED_PROPERTY.search(getline(frame.tb_frame.f_code.co_filename, frame.tb_lineno))
    if called:
        error.add_note(f'req.{called[1]} is a property: write it without parentheses, and without await')


def said(exchange: Exchange) -> str:
    """Return what a request is called in the log."""
    scope = exchange.scope
    return printable(f'{scope.get("method", "WS")} {scope["path"]}')


def forget_frames(error: BaseException) -> None:
    """Let go of the frames of a failure that was answered: one that is a constant would keep those of every request."""
    if isinstance(error, (Abort, ClientError, Disconnected)):
        error.__traceback__ = None
        error.__context__ = None


def raise_on(root: Registrations, exchange: Exchange, error: BaseException) -> None:
    """Let a failure that was answered go on through the middlewares, or tell those who observe the app."""
    if root.middlewares or not isinstance(error, Exception):
        raise error
    root.tell_failure(exchange.scope, error)

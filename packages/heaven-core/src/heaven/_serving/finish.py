"""The end of one request: its failure if it failed, what must always run, the answer, and what comes after."""

from asyncio import CancelledError, current_task

from heaven._http.exchange import Exchange
from heaven._http.logs import log
from heaven._routing.endpoint import Ending
from heaven._routing.functions import name_of
from heaven._serving.around import SecondHalf
from heaven._serving.calling import call, call_with_app, warn_unused
from heaven._serving.failures import (
    answer_failure,
    answer_server_error,
    forget_frames,
    is_expected,
    log_failure,
    log_late_failure,
    raise_on,
)
from heaven._serving.registrations import Registrations
from heaven._serving.sender import Framed, frame, send
from heaven.context import Context
from heaven.errors import Disconnected
from heaven.request import Request
from heaven.response import Response


class Finish:
    """Ends one request.

    `error` is what the answer is about, and is raised inside of the around-hooks; `unhandled` is what goes on through
    the middlewares when the answer was sent.
    """

    def __init__(self, root: Registrations, exchange: Exchange, req: Request, res: Response, ctx: Context) -> None:
        self.root = root
        self.exchange = exchange
        self.req = req
        self.res = res
        self.ctx = ctx
        self.error: BaseException | None = None
        self.unhandled: BaseException | None = None
        self.is_late = False  # a failure came when the answer had begun: it can only cut it short

    async def run(self, failure: BaseException | None) -> None:
        """End the request."""
        if isinstance(failure, GeneratorExit):  # the loop is gone: nothing can be awaited any more
            raise failure
        try:
            if failure is not None:
                await self.fail(failure)
            if self.exchange.endpoint.endings:
                await self.run_endings()
            if not self.exchange.has_begun and not self.is_interrupted():
                await self.send()
            if self.unhandled is not None or self.exchange.deferred or self.is_interrupted():
                await self.report()
        finally:
            if self.exchange.has_open_parts:
                await self.exchange.close()
            if self.error is not None:
                forget_frames(self.error)

    def is_interrupted(self) -> bool:
        """Tell whether nobody is there for an answer: the request was cancelled, or the client has left."""
        if self.error is None:
            return False
        return not isinstance(self.error, Exception) or self.has_left()

    def has_left(self) -> bool:
        """Tell whether the client's leaving is what ended the request."""
        return isinstance(self.error, Disconnected) and self.exchange.client_is_gone

    async def fail(self, error: BaseException, replaces_last: bool = False) -> None:
        """Take note of a failure, and let it be answered.

        One of a second half replaces the last: if it is handled, nothing goes on through the middlewares.
        """
        if self.is_interrupted():
            self.note_unanswered_failure(error)
            return
        self.error = error
        if self.is_interrupted():
            self.exchange.error = error
            return
        unhandled: BaseException | None = error
        if self.exchange.has_begun:
            self.is_late = True
        else:
            unhandled = await answer_failure(error, self.exchange, self.req, self.res, self.ctx)
            self.error = self.exchange.error
        if unhandled is None:
            if replaces_last:
                self.unhandled = None
            return
        if self.unhandled is not None:
            log_failure(self.exchange, self.unhandled)
        self.unhandled = unhandled

    def note_unanswered_failure(self, error: BaseException) -> None:
        """Take note of a failure when nobody waits for an answer any more; the cancellation goes on, whatever fails."""
        if not isinstance(error, Exception):
            self.error = self.exchange.error = error
        elif not is_expected(error) and not isinstance(error, Disconnected):
            log_failure(self.exchange, error)

    async def run_endings(self) -> None:
        """Run the second halves of around-hooks and the hooks that always run, the narrowest first."""
        for ending in reversed(self.exchange.endpoint.endings):
            half = self.second_half(ending) if ending.is_around else None
            if ending.is_around and half is None:  # its first half was not run, or did not yield
                continue
            try:
                if half is None:
                    out = await call(ending.step, self.exchange, self.req, self.res, self.ctx)
                    if out is not None and out is not self.res:
                        await warn_unused(self.exchange.endpoint, ending.step, out, self.res)
                elif self.error is None:
                    await half.run()
                else:
                    await self.raise_at_yield(half, self.error)
            except GeneratorExit:
                raise
            except BaseException as error:
                await self.fail(error, replaces_last=ending.is_around)

    def second_half(self, ending: Ending) -> SecondHalf | None:
        """Return what is left to run of an around-hook, made ready; None if it has not reached its `yield`."""
        exchange = self.exchange
        half = exchange.entered.pop(ending.step.function, None) if exchange.entered else None
        if half is not None:
            exchange.app = ending.step.app
            exchange.answered = False
        return half

    async def raise_at_yield(self, half: SecondHalf, error: BaseException) -> None:
        """Run a second half with the failure raised at its `yield`; it may replace the answer."""
        exchange = self.exchange
        before = cancellations()
        try:
            is_swallowed = await half.run_failed(error)
        except Exception:
            if cancellations() < before:
                self.error = None
            raise
        was_taken_back = cancellations() < before  # as `asyncio.timeout` does with its own: the request goes on
        can_replace = not exchange.has_begun and (was_taken_back or not self.is_interrupted())
        if is_swallowed and exchange.answered and can_replace:
            self.error = self.unhandled = exchange.error = None

    async def send(self) -> None:
        """Encode and send the answer; what cannot be encoded is one more failure."""
        exchange = self.exchange
        try:
            try:
                start, data = self.framed() if exchange.kind.is_fixed else await self.prepare()
            except Exception as error:
                start, data = await self.answer_instead(error)
            await send(exchange, start, data, self.root.draining)
        except BaseException as error:
            self.error = error
            if self.has_left() or isinstance(error, CancelledError) and is_cancelling():
                return
            if self.unhandled is not None:
                log_failure(exchange, self.unhandled)
            if isinstance(error, (Exception, CancelledError)):
                log_late_failure(exchange, error)
            raise

    def framed(self) -> Framed:
        """Return the response as it is sent."""
        return frame(self.exchange, bool(self.root.middlewares))

    async def prepare(self) -> Framed:
        """Open the body if it is to be, and return the response as it is sent."""
        if not self.exchange.kind.is_fixed:
            await self.exchange.kind.open(self.exchange)  # a small file, or none, is a fixed body from here on
        return self.framed()

    async def answer_instead(self, error: Exception) -> Framed:
        """Return what is sent in place of an answer that could not be made.

        That is one more failure, for an ERROR handler to answer; what could not be made for a failure is a plain 500.
        """
        exchange = self.exchange
        if exchange.error is None or is_expected(error):
            await self.fail(error)
        else:
            self.fall_back_to_500(error)
        if self.error is not None and self.is_interrupted():
            raise self.error
        try:
            return await self.prepare()
        except Exception as another:
            self.fall_back_to_500(another)
            exchange.before_start = None  # what has failed twice is not asked again
            return await self.prepare()

    def fall_back_to_500(self, error: BaseException) -> None:
        """Answer with the plain 500, for what was to answer a failure has failed itself."""
        lost = self.unhandled or self.error
        if lost is not None and not is_expected(lost):
            log_failure(self.exchange, lost)
        self.error = self.unhandled = error
        answer_server_error(error, self.exchange, self.req, self.res)

    async def report(self) -> None:
        """Do what comes after the answer: tell of a failure, or run what was deferred."""
        exchange = self.exchange
        error = self.unhandled
        if error is not None and self.is_late:
            log_late_failure(exchange, error)
        elif error is not None:
            log_failure(exchange, error)
        if self.error is not None and not isinstance(self.error, Exception):
            raise self.error
        if self.is_interrupted() and not exchange.has_begun:
            return
        if error is not None:
            if self.is_late and not exchange.has_ended:
                raise error
            raise_on(self.root, exchange, error)
        elif exchange.deferred and exchange.status != 500:
            await run_deferred(exchange)


def cancellations() -> int:
    """Return how many times this task was cancelled, less those that were taken back."""
    task = current_task()
    return 0 if task is None else task.cancelling()


def is_cancelling() -> bool:
    """Tell whether it is this task that is cancelled, not something that it waits for."""
    return cancellations() > 0


async def run_deferred(exchange: Exchange) -> None:
    """Run what was deferred, one after another; a failure is logged and stops nothing."""
    for function, app in exchange.deferred:
        try:
            await call_with_app(function, app)
        except (Exception, CancelledError) as error:
            if isinstance(error, CancelledError) and is_cancelling():
                raise
            log().error('deferred %s failed', name_of(function), exc_info=error)

"""One HTTP request and its response.

A `send` of the application returns when the test has come back for more, as if its reading were the network: so a first
chunk is read before the second is made. When the test is busy elsewhere, `send` returns after a moment, and holds again
at 64 KiB.
"""

from __future__ import annotations

import asyncio
import time
from enum import Enum

from .call import Call, Course
from .library import httpx
from .rules import ASGIApp, HTTPRules, Message, Scope
from .shared import Shared
from .waiting import GRACE, Waiters, sleep, wake

CHUNK = 64 * 1024  # bytes: what a server reads at once, and what it keeps for a slow client before `send` has to wait
MOMENT = 0.1  # seconds for which `send` is held while the test is busy elsewhere

WANTED: Message = {'type': 'heaven_testing.wanted'}  # to the test: the application wants a piece of the request's body

_SERVER_ERROR: tuple[Message, ...] = (
    {
        'type': 'http.response.start',
        'status': 500,
        'headers': [
            (b'content-type', b'text/plain; charset=utf-8'),
            (b'content-length', b'21'),
            (b'connection', b'close'),
        ],
    },
    {'type': 'http.response.body', 'body': b'Internal Server Error'},
)


class Upload(Enum):
    """How far the request's body has come."""

    WAITING = 'the application has not asked for more'
    WANTED = 'it has asked for a piece that has not come'
    COMPLETE = 'all of it is in the inbox, or was'


class Exchange(Call[HTTPRules]):
    """One request.

    A body that is known is in the inbox from the start, in pieces as a server would read them. Another is asked for,
    piece by piece, when the application receives: by a task that uploads it, or with the message `WANTED` to the test.
    """

    def __init__(self, shared: Shared, app: ASGIApp, scope: Scope, rules: HTTPRules) -> None:
        super().__init__(shared, app, scope, rules)
        self.upload: Upload = Upload.WAITING
        self.uploading: asyncio.Task[None] | None = None
        self.lost: BaseException | None = None  # what kept the request's body from being made
        self.unread: int = 0  # bytes that the application has sent since the test last read
        self.spent: float = 0.0  # seconds that the test has waited for this response
        self.senders: Waiters = []  # the application, whose `send` has not returned

    @property
    def complete(self) -> bool:
        """Whether the application has sent all of its response."""
        return self.rules.state == HTTPRules.DONE

    # What the application calls.

    async def receive(self) -> Message:
        """Wait for a piece of the request; the client is gone once it has left, or has all of its response."""
        message: Message = {'type': 'http.disconnect'}
        while not self.gone and not self.complete:
            if self.inbox:
                message = self.inbox.popleft()
                break
            if self.upload is Upload.WAITING:
                self.upload = Upload.WANTED
                if self.uploading is None:
                    self.outbox.append(WANTED)
                wake(self.readers)
            await sleep(self.listeners)
        self.rules.received(message)
        return message

    async def send(self, message: Message) -> None:
        """Take a message of the application, and hold it as a slow network would."""
        await super().send(message)
        if self.complete:
            wake(self.listeners)
        elif message['type'] == 'http.response.body':
            self.unread += len(message.get('body') or b'')
            await self._hold()

    async def _hold(self) -> None:
        """Wait until the test has come back for more or left, or has been away for a moment and little is unread."""
        self.shared.held.add(self)
        timer = asyncio.get_running_loop().call_later(MOMENT, self.release)
        try:
            await sleep(self.senders)
        finally:
            timer.cancel()
            if not self.senders:
                self.shared.held.discard(self)

    def finish(self) -> None:
        """End the upload of the request as well."""
        super().finish()
        if self.uploading is not None:
            self.uploading.cancel()

    # What the test calls.

    def release(self) -> None:
        """Let the application go on, unless too much is unread."""
        if self.unread < CHUNK or self.gone:
            wake(self.senders)

    def leave(self, code: int = 1006, reason: str = '') -> None:
        """Tell the application that its client has gone."""
        super().leave()
        self.release()

    def give(self, body: bytes, more: bool) -> None:
        """Let the application have a piece of the request's body."""
        self.upload = Upload.WAITING if more else Upload.COMPLETE
        last = max(len(body) - 1, 0) // CHUNK * CHUNK
        for start in range(0, last, CHUNK):
            self.inbox.append({'type': 'http.request', 'body': body[start : start + CHUNK], 'more_body': True})
        self.deliver({'type': 'http.request', 'body': body[last:] if last else body, 'more_body': more})

    def lose(self, error: BaseException) -> None:
        """Leave since the request's body cannot be made, and tell the test why."""
        self.lost = error
        self.leave()
        wake(self.readers)

    def upload_from(self, stream: httpx.AsyncByteStream) -> None:
        """Make the request's body from a stream, as it is wanted, in the context of the test."""
        self.uploading = asyncio.get_running_loop().create_task(self._upload(stream))

    async def _upload(self, stream: httpx.AsyncByteStream) -> None:
        pieces = aiter(stream)
        try:
            while self.upload is not Upload.COMPLETE:
                while self.upload is not Upload.WANTED:
                    await sleep(self.readers)
                piece = await anext(pieces, None)
                if piece != b'':
                    self.give(piece or b'', piece is not None)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # of the test's own generator, and so for the test
            self.lose(error)

    async def more(self, limit: float) -> list[Message]:
        """Return the messages that have come, waiting for one if there is none; none when the application has ended."""
        if not self.outbox:
            self.unread = 0
            if not self.ended:
                await self._until_more(limit)
        messages = list(self.outbox)
        self.outbox.clear()
        if self.lost is not None:
            lost, self.lost = self.lost, None
            await self.end(GRACE)
            raise lost
        if self.ended and (self.complete or not messages):
            messages += self._settle()
        return messages

    async def _until_more(self, limit: float) -> None:
        self.shared.release()
        began = time.perf_counter()
        while not self.outbox and not self.ended and self.lost is None:
            if not await sleep(self.readers, self.shared.alarm, limit):
                what = 'sent its response but not ended' if self.complete else 'sent nothing'
                self.abort(f'the application has {what} for {limit:g} s')
            now = time.perf_counter()
            self.spent, began = self.spent + now - began, now
            if self.spent > max(self.shared.limit, limit):
                self.abort(f'the exchange has gone on for {self.spent:.1f} s of waiting')

    def _settle(self) -> tuple[Message, ...]:
        """Tell the test how the application has ended: by what it raised, or by what a server sends in its place."""
        self.course = Course.SETTLED
        failure = self.failure()
        if failure is not None:
            raise failure
        if self.complete or self.gone:
            return ()
        if self.rules.state != HTTPRules.READY:
            raise httpx.RemoteProtocolError(f'{self}: the application ended in the middle of its response')
        self.rules.state = HTTPRules.DONE
        return _SERVER_ERROR

    async def close(self, limit: float) -> None:
        """Leave, if the application has not ended, and raise what went wrong in it."""
        if not self.ended:
            if not self.complete:
                self.leave()
                await self.dismiss(limit)
            elif not await self.end(limit):
                self.abort(f'the application has sent its response but not ended for {limit:g} s')
        failure = self.failure() if self.ended else None
        if failure is not None:
            raise failure

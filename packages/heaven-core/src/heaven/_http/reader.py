"""The body of a request, read once; and hearing that the client has left."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from enum import Enum, auto
from typing import Any

from heaven._http.interrupting import Interruptible
from heaven.errors import Disconnected, body_too_large
from heaven.types import Message, Receive

DRAIN_BYTES = 8 * 2**20
DRAIN_SECONDS = 5.0
DRAIN_SECONDS_SHARED = 30.0  # on a connection that others share
TURNS = 3  # of the loop: a message on its way passes at most so many tasks and callbacks
BREATH = 1000  # chunks that were there at once, after which other requests have their turn


class State(Enum):
    """How far the body has been read."""

    UNREAD = auto()  # nobody has asked for it
    READING = auto()  # somebody reads it
    COMPLETE = auto()  # it was read to its end
    ABANDONED = auto()  # whoever read it stopped before its end
    TOO_LARGE = auto()  # it passed the limit of whoever read it: what still comes is dropped
    DROPPED = auto()  # more came than is held, while an answer was sent and nobody read it


UNWANTED = (State.ABANDONED, State.TOO_LARGE, State.DROPPED)  # of these nothing is held any more


class BodyReader:
    """Reads the body of one request, and notices when the client leaves. All that touches `receive` is here.

    Hearing is apart from reading: what is heard while nobody reads is held, up to `most` bytes. More is heard only
    where somebody watches for the client, whose leaving comes behind it; then the body is dropped, and cannot be read
    any more.
    """

    def __init__(self, receive: Receive, most: int, is_read: bool) -> None:
        self.receive = receive
        self.most = most
        self.state: State = State.COMPLETE if is_read else State.UNREAD
        self.has_left: bool = False  # the client; nothing comes after that
        self.has_ended: bool = is_read  # the last piece of the body was heard
        self.heard: int = 0  # messages
        self.held: deque[bytes] = deque()  # pieces that were heard and not read
        self.held_size: int = 0
        self.listening: asyncio.Task[None] | None = None  # hears the next message; a server is asked for one at a time
        self.is_receiving: bool = False  # whoever reads hears it without a task
        self.watchers: list[Callable[[], None]] = []  # called when the client leaves

    # hearing

    def hear(self, message: Message) -> None:
        """Take note of a message of the server."""
        if message['type'] != 'http.request':
            self.has_left = True
            for watcher in self.watchers:
                watcher()
            return
        if self.has_ended:
            return
        self.heard += 1
        self.has_ended = not message.get('more_body')
        if self.state in UNWANTED:
            return
        piece = message.get('body', b'')
        self.held.append(piece)
        self.held_size += len(piece)
        if self.watchers and self.state is State.UNREAD and self.held_size > self.most:
            self._drop(State.DROPPED)

    def _drop(self, state: State) -> None:
        """Hold nothing of the body any more, and nothing of what still comes."""
        self.state = state
        self.held.clear()
        self.held_size = 0

    async def _hear_next(self) -> None:
        message = await self.receive()
        self.listening = None
        self.hear(message)
        if self.watchers:
            self.listen()

    def listen(self) -> None:
        """Listen for the next message, unless somebody does, or there is no room for it."""
        if not self.is_receiving and self._active is None and not self.has_left and self._has_room():
            self.listening = asyncio.ensure_future(self._hear_next())
            self.listening.add_done_callback(forget_outcome)

    @property
    def _active(self) -> 'asyncio.Task[None] | None':
        """The task that listens, if one does."""
        if self.listening is None or self.listening.done():
            return None
        return self.listening

    def _has_room(self) -> bool:
        if self.state is State.READING:
            return not self.held
        return self.held_size <= self.most

    def stop(self) -> None:
        """Stop listening."""
        if self.listening is not None:
            self.listening.cancel()

    async def is_disconnected(self) -> bool:
        """Tell whether the server has said that the client left; a message on its way is waited for, no other."""
        for _ in range(TURNS):
            self.listen()
            await asyncio.sleep(0)
        return self.has_left

    # reading

    def chunks(self, limit: int | None, announced: int | None = None) -> AsyncGenerator[bytes, None]:
        """Give the body piece by piece, once.

        TooLarge past the limit, or where more was announced; Disconnected if the client left before the end;
        RuntimeError if somebody has read it.
        """
        is_too_large = limit is not None and announced is not None and announced > limit
        if is_too_large or self.state in (State.TOO_LARGE, State.DROPPED):
            self._drop(State.TOO_LARGE)
            raise body_too_large(self.most if limit is None else limit)
        if self.has_left and self.state is not State.COMPLETE and not self.held:
            raise Disconnected('the client has left')
        if self.state is not State.UNREAD:
            raise RuntimeError('the body can be read once, and it was')
        self.state = State.READING
        return self._pieces(limit)

    async def read(self, limit: int | None, announced: int | None = None) -> bytes:
        """Return the whole body."""
        return b''.join([piece async for piece in self.chunks(limit, announced)])

    async def _pieces(self, limit: int | None) -> AsyncGenerator[bytes, None]:
        size = 0
        try:
            while self.held or not self.has_ended:
                if not self.held:
                    await self._wait()
                    continue
                piece = self.held.popleft()
                self.held_size -= len(piece)
                if self.watchers:
                    self.listen()
                size += len(piece)
                if limit is not None and size > limit:
                    self._drop(State.TOO_LARGE)
                    raise body_too_large(limit)
                if piece:
                    yield piece
                if self.heard % BREATH == 0:
                    await asyncio.sleep(0)
            self.state = State.COMPLETE
        finally:
            if self.state is State.READING:
                self._drop(State.ABANDONED)
            if self.watchers:
                self.listen()

    async def _wait(self) -> None:
        """Wait for the next message; Disconnected if the client has left.

        Where somebody watches a task hears it: a watcher may cancel whoever waits here, and cannot while that hears.
        """
        if self.has_left:
            raise Disconnected('the client has left')
        if self.watchers:
            self.listen()
        if self._active is not None:
            await self._active
            return
        self.is_receiving = True
        try:
            message = await self.receive()
        finally:
            self.is_receiving = False
        self.hear(message)

    @property
    def is_too_large(self) -> bool:
        """Whether the body was refused for its size."""
        return self.state is State.TOO_LARGE

    def is_unfinished(self) -> bool:
        """Tell whether somebody began to read the body and it has not ended."""
        return self.state in (State.READING, State.ABANDONED) and not self.has_ended and not self.has_left

    async def drain(self, is_shared: bool) -> None:
        """Read and drop what the client still sends, so that it comes to read the answer: 8 MiB or 5 seconds.

        A connection that other requests share is not to be closed, and a client may send all of its body before it
        looks for an answer (RFC 9113, 8.1): there it is 30 seconds, whatever the size.
        """
        self._drop(State.TOO_LARGE)
        left = DRAIN_BYTES
        try:
            async with asyncio.timeout(DRAIN_SECONDS_SHARED if is_shared else DRAIN_SECONDS):
                if self._active is not None and not self.has_ended:
                    await self._active
                while (is_shared or left > 0) and not self.has_ended and not self.has_left:
                    message = await self.receive()
                    left -= len(message.get('body', b''))
                    self.hear(message)
        except TimeoutError:
            pass

    def as_receive(self, data: bytes | None) -> Receive:
        """Return a `receive` for a mounted app, which gives first what was read or heard already."""
        if data is not None:
            self.held.append(data)

        async def receive() -> Message:
            if not self.held and self._active is not None:
                await self._active
            if self.held:
                piece = self.held.popleft()
                return {'type': 'http.request', 'body': piece, 'more_body': bool(self.held) or not self.has_ended}
            if self.has_left:
                return {'type': 'http.disconnect'}
            return await self.receive()

        return receive


def forget_outcome(task: 'asyncio.Task[Any]') -> None:
    """Look at what a task ended with, so that nothing is said of it when it is dropped."""
    if not task.cancelled():
        task.exception()


class CancelledOnDisconnect(Interruptible):
    """A block that is cancelled when the client leaves: Disconnected is raised out of it then.

    Listening begins with the next turn of the loop: a block that never waits costs no task.
    """

    def __init__(self, reader: BodyReader) -> None:
        self.reader = reader

    def __enter__(self) -> None:
        """Listen for the client; Disconnected if it has left already."""
        if self.reader.has_left:
            raise Disconnected('the client has left')
        self.begin()
        self.reader.watchers.append(self.interrupt)
        self.beginning = self.task.get_loop().call_soon(self.reader.listen)

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        """Stop listening; Disconnected if the client has left, unless the block has failed or was cancelled as well."""
        self.beginning.cancel()
        self.reader.watchers.remove(self.interrupt)
        has_ended_the_block = self.take_back(error)
        if has_ended_the_block or self.is_interrupted and error is None:
            raise Disconnected('the client has left') from None

    async def __aenter__(self) -> None:
        """Enter, for `async with req.connected()`."""
        self.__enter__()

    async def __aexit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        """Leave."""
        self.__exit__(kind, error, traceback)

"""The form of a request: its fields by name, and reading them where the body has not been read."""

from asyncio import Lock
from collections.abc import Generator, Iterator, Mapping
from contextlib import aclosing
from typing import Any, Protocol, Self

from heaven._http.content_types import ContentType, parse_content_type
from heaven._http.exchange import Exchange
from heaven._http.form_limits import MAX_FORM
from heaven._http.multipart import MultipartReader
from heaven._http.spool import Spool
from heaven._http.threads import run_in_thread
from heaven._http.uploads import File
from heaven._http.urlencoded import UrlencodedReader
from heaven.errors import Missing, Unread

__all__ = ['File', 'Form', 'PendingForm', 'form_of']

URLENCODED = 'application/x-www-form-urlencoded'
MULTIPART = 'multipart/form-data'
THREAD_SIZE = 64 * 2**10  # bytes; to read more may hold the event loop for milliseconds

Fields = dict[str, list[Any]]


class FormReader(Protocol):
    """Reads a form of one type, in pieces, and adds its fields to a dict."""

    def feed(self, chunk: bytes) -> None:
        """Read the next bytes."""

    def close(self) -> None:
        """Read what was held back: the form has ended."""


class Form(Mapping[str, Any]):
    """The fields of a form by name: texts as str, files as `File`; of a repeated name the last, `all` gives each.

    form = await req.form
    form['name']                    # Missing, a 400, if the field is not there
    form.get('age', '0')
    form.all('tag')                 # ['a', 'b']
    """

    def __init__(self, fields: Fields) -> None:
        self._values = fields

    def __await__(self) -> Generator[Any, None, Self]:
        """Return the form itself, so that `await req.form` works on every route."""
        yield from ()
        return self

    @property
    def _fields(self) -> Fields:
        return self._values

    def __getitem__(self, name: str) -> Any:
        """Return the value of a field, the last one of a repeated name; Missing if it is not there."""
        values = self._fields.get(name)
        if values is None:
            raise Missing('form field', name)
        return values[-1]

    def __iter__(self) -> Iterator[str]:
        """Give the names, in the order in which they came."""
        return iter(self._fields)

    def __len__(self) -> int:
        """Return how many names there are."""
        return len(self._fields)

    def all(self, name: str) -> list[Any]:
        """Return every value of a field, in the order in which they came; none if it is not there."""
        return list(self._fields.get(name, ()))

    def to_dict(self) -> dict[str, Any]:
        """Return a plain dict: of a repeated name the last value."""
        return {name: values[-1] for name, values in self._fields.items()}


class PendingForm(Form):
    """The form of a body that has not been read: `await` reads it, and then this is a form as any other.

    It is read once, with one outcome for all who await it.
    """

    def __init__(self, exchange: Exchange, content_type: ContentType) -> None:
        super().__init__({})
        self._exchange = exchange
        self._content_type = content_type
        self._lock = Lock()
        self._is_read = False
        self._failure: BaseException | None = None

    def __await__(self) -> Generator[Any, None, Self]:
        """Read the form. ClientError if it is broken, TooLarge past a limit, Disconnected if the client left."""
        yield from self._read_once().__await__()
        return self

    @property
    def _fields(self) -> Fields:
        exchange = self._exchange
        if self._failure is not None:
            raise self._failure
        if self._is_read:
            return self._values
        if exchange.data is not None:
            self._values = read_form(self._content_type, exchange.data)
            self._is_read = True
            return self._values
        if exchange.endpoint.is_stream:
            raise RuntimeError('the form is not read ahead on this route: form = await req.form')
        if exchange.announces_body():
            raise Unread(f'the body of a {exchange.method} is not read ahead: form = await req.form')
        return {}

    async def _read_once(self) -> None:
        async with self._lock:
            if self._failure is not None:
                raise self._failure
            if self._is_read:
                return
            try:
                self._values = await self._read()
            except Exception as error:
                self._failure = error
                raise
            except BaseException:
                self._failure = RuntimeError('the form cannot be read any more: its reading was cancelled')
                raise
            self._is_read = True

    async def _read(self) -> Fields:
        if self._exchange.data is None and self._exchange.endpoint.is_stream:
            return await self._read_stream()
        body = await self._exchange.read_body()
        if len(body) > THREAD_SIZE:
            return await run_in_thread(read_form, self._content_type, body)
        return read_form(self._content_type, body)

    async def _read_stream(self) -> Fields:
        """Read the form as it comes, large files to disk; they are closed with the request, or at once on a failure."""
        spool = Spool()
        self._exchange.exits.push_async_callback(close_spool, spool)
        try:
            return await self._read_chunks(spool)
        except BaseException:
            spool.close()  # not in a thread: where the loop has ended nothing can be awaited
            raise

    async def _read_chunks(self, spool: Spool) -> Fields:
        """Read the form, in threads where that takes long: 64 KiB at a time, for a chunk may be a single byte."""
        fields: Fields = {}
        reader = open_reader(fields, self._content_type, spool)
        limit = self._exchange.endpoint.route_body_limit
        if limit is None:
            limit = MAX_FORM
        size = 0
        held = bytearray()
        async with aclosing(self._exchange.stream_body(limit)) as chunks:
            async for chunk in chunks:
                size += len(chunk)
                held += chunk
                if len(held) > THREAD_SIZE:
                    await run_in_thread(reader.feed, bytes(held))
                    held.clear()
        if size > THREAD_SIZE:
            await run_in_thread(finish_reading, reader, bytes(held))
        else:
            finish_reading(reader, bytes(held))
        return fields


def form_of(exchange: Exchange) -> Form:
    """Return the form of a request: empty if it sent none, and one that has to be awaited if its body is not read."""
    content_type = parse_content_type(exchange.content_type())
    if content_type.media_type not in (URLENCODED, MULTIPART):
        return Form({})
    if exchange.data is None:
        return PendingForm(exchange, content_type)
    return Form(read_form(content_type, exchange.data))


def read_form(content_type: ContentType, body: bytes) -> Fields:
    """Return the fields of a form that is in memory, and so are its files."""
    fields: Fields = {}
    reader = open_reader(fields, content_type, Spool(memory=None))
    finish_reading(reader, body)
    return fields


def open_reader(fields: Fields, content_type: ContentType, spool: Spool) -> FormReader:
    """Return what reads a form of this type.

    ClientError for a boundary that is none; MissingPackage if the extra `forms` is needed and not installed.
    """
    if content_type.media_type == MULTIPART:
        return MultipartReader(fields, content_type.parameters.get('boundary', ''), spool)
    return UrlencodedReader(fields, content_type.parameters.get('charset'))


def finish_reading(reader: FormReader, rest: bytes) -> None:
    """Read the rest of a form, and its end."""
    reader.feed(rest)
    reader.close()


async def close_spool(spool: Spool) -> None:
    """Close the files of a form: on disk they may be large, and to remove them takes a moment."""
    if spool.disk is None:
        spool.close()
    else:
        await run_in_thread(spool.close)

"""A request as a server gives it to an app, in one process: every message checked to the letter, no wait for ever.

Tests say `ask` and `stream`, which are in asks.py. What may be said of a request is the same for both:

`target` is what the client sent: `raw_path`, `path` and `query_string` are made from it as servers make them; `path=`,
`raw_path=` (None leaves it out) and `query=` say otherwise. `root_path` is part of the target. `body` is bytes, a list
of chunks, or None: the test feeds it. `json=` encodes and sets the content type. Any other key of the scope is given by
its name: `headers`, `client`, `scheme`, `http_version`, `extensions`, ...

Of the client: `leave_after=n`, it leaves when n body chunks were received; `leave_after_sent=n`, it leaves when n
messages were sent; `fail_send_after=n`, later sends raise OSError; `takes=n`, it takes no more than n messages until
`exchange.go.set()`.

Of the test: `catch=True` hands an exception of the app back as `reply.error` in place of raising it;
`empty_stream=True` allows an answer of one empty message to have no length; `limit`, the seconds that a wait may take.

Every message is held against the ASGI specification (HTTP 2.3 and later) and against RFC 9110: a breach is an
`AssertionError` in the test.
"""

import asyncio
import json as codec
import re
from urllib.parse import unquote_to_bytes

TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+")
VALUE = re.compile(rb'(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?')
SINGLE = {b'content-length', b'content-type', b'location', b'etag', b'last-modified', b'date', b'cache-control'}
BODILESS = (204, 205, 304)
UNSET = object()


def breach(condition, why):
    if condition:
        raise AssertionError(f'ASGI: {why}')


def pairs(headers):
    items = headers.items() if isinstance(headers, dict) else headers
    return [
        (
            name.lower().encode('latin-1') if isinstance(name, str) else name,
            value.encode('latin-1') if isinstance(value, str) else value,
        )
        for name, value in items
    ]


def http_scope(
    method='GET',
    target='/',
    *,
    path=None,
    raw_path=UNSET,
    query=None,
    headers=(),
    body=b'',
    json=UNSET,
    root_path='',
    scheme='http',
    http_version='1.1',
    client=('127.0.0.1', 50000),
    server=('127.0.0.1', 8000),
    state=None,
    extensions=None,
    **more,
):
    """The scope of one request and its body, a list of chunks or None."""
    raw, _, sent_query = (target.encode() if isinstance(target, str) else target).partition(b'?')
    headers = pairs(headers)
    named = {name for name, _ in headers}
    if b'host' not in named:
        headers.insert(0, (b'host', b'127.0.0.1:8000'))
    if json is not UNSET:
        body = codec.dumps(json).encode()
        if b'content-type' not in named:
            headers.append((b'content-type', b'application/json'))
    if isinstance(body, str):
        body = body.encode()
    if isinstance(body, bytes):
        if body and b'content-length' not in named and b'transfer-encoding' not in named:
            headers.append((b'content-length', b'%d' % len(body)))
        body = [body]
    elif b'content-length' not in named and b'transfer-encoding' not in named and http_version == '1.1':
        headers.append((b'transfer-encoding', b'chunked'))
    scope = {
        'type': 'http',
        'asgi': {'version': '3.0', 'spec_version': '2.4'},
        'http_version': http_version,
        'method': method,
        'scheme': scheme,
        'path': unquote_to_bytes(raw).decode('utf-8', 'replace') if path is None else path,
        'raw_path': raw if raw_path is UNSET else raw_path,
        'query_string': sent_query if query is None else query,
        'root_path': root_path,
        'headers': headers,
        'client': client,
        'server': server,
    }
    if scope['raw_path'] is None:
        del scope['raw_path']
    if state is not None:
        scope['state'] = state
    if extensions is not None:
        scope['extensions'] = extensions
    return {**scope, **more}, body


class Reply:
    """What the app answered: `status`, `headers` (pairs of bytes), `body`, `messages`, and `error` with catch=True.

    `received` is how many chunks of the body the app has received, and `received_before` how many it had received when
    it sent each message.
    """

    def __init__(self, exchange, error=None):
        messages = exchange.messages
        self.messages, self.error = messages, error
        self.received, self.received_before = exchange.received, exchange.received_before
        start = messages[0] if messages else {}
        self.status = start.get('status')
        self.headers = [(bytes(name), bytes(value)) for name, value in start.get('headers', ())]
        self.body = b''.join(m.get('body', b'') for m in messages if m['type'] == 'http.response.body')
        self.complete = bool(messages) and not messages[-1].get('more_body', False) and len(messages) > 1

    def all(self, name):
        """Every value of a header, as str."""
        return [value.decode('latin-1') for key, value in self.headers if key == name.lower().encode()]

    def header(self, name):
        """The value of a header that is there once at most, or None."""
        values = self.all(name)
        breach(len(values) > 1, f'{name} was sent {len(values)} times: {values}')
        return values[0] if values else None

    @property
    def text(self):
        return self.body.decode()

    def json(self):
        return codec.loads(self.body)

    def __repr__(self):
        return f'<Reply {self.status} {self.headers} {self.body[:300]!r} error={self.error!r}>'


class Exchange:
    """One request in flight: it gives the app its `receive` and `send`, and checks what comes through them."""

    def __init__(
        self,
        app,
        method='GET',
        target='/',
        *,
        body=b'',
        leave_after=None,
        leave_after_sent=None,
        fail_send_after=None,
        takes=None,
        catch=False,
        empty_stream=False,
        limit=60,
        **scope,
    ):
        self.app, self.catch, self.empty_stream, self.limit = app, catch, empty_stream, limit
        self.leave_after, self.leave_after_sent, self.fail_send_after = leave_after, leave_after_sent, fail_send_after
        self.takes, self.go = takes, asyncio.Event()
        self.scope, chunks = http_scope(method, target, body=body, **scope)
        self.method = method
        self.messages, self.received_before, self.breaches, self.length = [], [], [], None
        self.inbox = [] if chunks is None else [(c, i < len(chunks) - 1) for i, c in enumerate(chunks or [b''])]
        self.received = self.read = 0
        self.left = self.done = self.told = self.receiving = False
        self.changed = asyncio.Condition()
        self.task = None

    async def _change(self):
        async with self.changed:
            self.changed.notify_all()

    async def _until(self, ready):
        async with asyncio.timeout(self.limit), self.changed:
            await self.changed.wait_for(ready)

    # the app's side

    async def receive(self):
        self._hold(self.receiving, 'two receive() at the same time')
        self.receiving = True
        try:
            async with self.changed:
                await self.changed.wait_for(lambda: self._gone() or self.inbox)
                if self._gone():
                    self.told = True
                    return {'type': 'http.disconnect'}
                chunk, more = self.inbox.pop(0)
                self.received += 1
                self.changed.notify_all()
                return {'type': 'http.request', 'body': chunk, 'more_body': more}
        finally:
            self.receiving = False

    def _gone(self):
        if self.leave_after is not None and self.received >= self.leave_after:
            self.left = True
        return self.left or self.done

    async def send(self, message):
        try:
            self._check(message)
        except AssertionError as error:
            self.breaches.append(error)
            raise
        if self.fail_send_after is not None and len(self.messages) >= self.fail_send_after:
            self.left = True
            await self._change()
            raise OSError('the client has left')
        self.messages.append(message)
        self.received_before.append(self.received)
        if message['type'] == 'http.response.body' and not message.get('more_body', False):
            self.done = True
        if self.leave_after_sent is not None and len(self.messages) >= self.leave_after_sent:
            self.left = True
        await self._change()
        await asyncio.sleep(0)
        if self.takes is not None and len(self.messages) >= self.takes:
            await self.go.wait()

    def _hold(self, wrong, why):
        try:
            breach(wrong, why)
        except AssertionError as error:
            self.breaches.append(error)
            raise

    def _check(self, message):
        breach(type(message) is not dict, f'a message is a dict, not {message!r}')
        breach(self.done, f'a message after the last one: {message!r}')
        kind = message.get('type')
        if kind == 'http.response.start':
            breach(self.messages, 'http.response.start twice')
            self._check_start(message)
        elif kind == 'http.response.body':
            breach(not self.messages, 'http.response.body before http.response.start')
            self._check_body(message)
        else:
            breach(True, f'unknown message {message!r}')

    def _check_start(self, message):
        breach(message.keys() - {'type', 'status', 'headers', 'trailers'}, f'unknown keys in {message!r}')
        status, headers = message.get('status'), message.get('headers', [])
        breach(type(status) is not int or not 200 <= status <= 999, f'status {status!r}')
        breach(type(headers) not in (list, tuple), f'headers {headers!r}')
        seen = {}
        for pair in headers:
            breach(type(pair) not in (list, tuple) or len(pair) != 2, f'header {pair!r} is no pair')
            name, value = pair
            breach(type(name) is not bytes or not TOKEN.fullmatch(name), f'header name {name!r}')
            breach(type(value) is not bytes or not VALUE.fullmatch(value), f'value {value!r} of header {name!r}')
            breach(name in SINGLE and name in seen, f'{name!r} twice')
            seen[name] = value
        breach(b'transfer-encoding' in seen, "transfer-encoding is the server's to send")
        length = seen.get(b'content-length')
        breach(length is not None and not re.fullmatch(rb'\d+', length), f'content-length {length!r}')
        breach(length is not None and status in BODILESS, f'content-length on {status}')
        self.length = None if length is None else int(length)

    def _check_body(self, message):
        breach(message.keys() - {'type', 'body', 'more_body'}, f'unknown keys in {message!r}')
        body, more, status = message.get('body', b''), message.get('more_body', False), self.messages[0]['status']
        breach(type(body) is not bytes, f'body {body!r}')
        breach(type(more) is not bool, f'more_body {more!r}')
        self.read += len(body)
        bodiless = status in BODILESS
        breach(body and (bodiless or self.method == 'HEAD'), f'a body on {self.method} {status}')
        if self.method == 'HEAD' or bodiless:
            return
        breach(self.length is not None and self.read > self.length, f'{self.read} bytes sent of {self.length}')
        if not more:
            breach(self.length is not None and self.read != self.length, f'{self.read} bytes sent of {self.length}')
            fixed = len(self.messages) == 1 and (body or not self.empty_stream)
            breach(fixed and self.length is None, 'a fixed body without content-length')

    async def _run(self):
        error = None
        try:
            returned = await self.app(self.scope, self.receive, self.send)
            self._hold(returned is not None, f'the app returned {returned!r}')
        except Exception as raised:
            error = raised
        self.done = True
        await self._change()
        if self.breaches:
            raise self.breaches[0]
        if error is not None and not self.catch:
            raise error
        reply = Reply(self, error)
        breach(error is None and not self.left and not reply.complete, f'the app returned half way: {self.messages!r}')
        return reply

    # the test's side

    def start(self):
        self.task = self.task or asyncio.ensure_future(self._run())
        return self

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.task.cancel()

    async def feed(self, chunk, more=True):
        """Give the app a chunk of the body; returns when it has received it."""
        wanted = self.received + len(self.inbox) + 1
        self.inbox.append((chunk, more))
        await self._change()
        await self._until(lambda: self.received >= wanted or self._gone())

    def leave(self):
        """The client closes its connection."""
        self.left = True
        self.leaving = asyncio.ensure_future(self._change())

    async def sent(self, n=None):
        """Message number `n` that the app sent, the next one if it is not given."""
        if n is None:
            n = self.taken = getattr(self, 'taken', -1) + 1
        await self._until(lambda: len(self.messages) > n or self.done)
        if len(self.messages) <= n:
            await self.reply()
            raise AssertionError(f'the app returned after {len(self.messages)} messages')
        return self.messages[n]

    async def reply(self):
        """Wait until the app has returned."""
        self.start()
        async with asyncio.timeout(self.limit):
            return await self.task

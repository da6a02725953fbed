"""A WebSocket as a server gives it to an app: every message held against the ASGI specification, no wait for ever.

Tests say `meet` and `connect`, which are in asks.py. `accepted`, `status`, `headers` and `body` tell how the app took
the peer, `sent` is what it sent, `code` and `reason` what it closed with; `messages` are all.
"""

import asyncio

from driver import breach, http_scope

CONNECTING, OPEN, REFUSING, CLOSED = range(4)
EXTENSION = {'websocket.http.response': {}}


class Peer:
    def __init__(self, app, target='/', *, connect=True, fail_send_after=None, limit=60, **options):
        subprotocols = options.pop('subprotocols', ())
        self.scope, _ = http_scope('GET', target, **{'scheme': 'ws', 'extensions': EXTENSION, **options})
        del self.scope['method']
        self.scope |= {'type': 'websocket', 'subprotocols': list(subprotocols)}
        self.app, self.limit, self.fail_send_after = app, limit, fail_send_after
        self.inbox, self.outbox, self.messages, self.breaches = asyncio.Queue(), asyncio.Queue(), [], []
        self.state, self.told, self.receiving, self.sending = CONNECTING, False, False, False
        if connect:
            self.inbox.put_nowait({'type': 'websocket.connect'})

    async def receive(self):
        self.hold(self.receiving, 'two receive() at the same time')
        self.hold(self.told, 'receive() after the disconnect')
        self.receiving = True
        try:
            message = await self.inbox.get()
        finally:
            self.receiving = False
        self.told = message['type'] == 'websocket.disconnect'
        self.hold(
            message['type'] == 'websocket.receive' and self.state != OPEN, 'a message was asked for before accept'
        )
        return message

    async def send(self, message):
        self.hold(self.sending, 'two send() at the same time')
        if self.fail_send_after is not None and len(self.messages) >= self.fail_send_after:
            raise OSError('the peer has left')
        self.check(message)
        self.messages.append(message)
        self.sending = True
        await asyncio.sleep(0)
        self.sending = False
        self.outbox.put_nowait(message)

    def hold(self, wrong, why):
        if wrong:
            self.breaches.append(why)

    def check(self, message):
        kind, state = message['type'], self.state
        keys = {
            'websocket.accept': {'subprotocol', 'headers'},
            'websocket.send': {'text', 'bytes'},
            'websocket.close': {'code', 'reason'},
            'websocket.http.response.start': {'status', 'headers'},
            'websocket.http.response.body': {'body', 'more_body'},
        }.get(kind, set())
        self.hold(not keys or message.keys() - keys - {'type'}, f'unknown message {message!r}')
        follows = {'websocket.send': OPEN, 'websocket.http.response.body': REFUSING}.get(kind, CONNECTING)
        self.hold(state != follows and not (kind == 'websocket.close' and state == OPEN), f'{kind} in state {state}')
        self.hold(self.told and kind != 'websocket.http.response.body', f'{kind} to a peer that has left')
        if kind == 'websocket.accept':
            names = [name for name, _ in message.get('headers', ())]
            bad = [
                name for name in names if name != name.lower() or name.startswith((b'sec-websocket', b'content-len'))
            ]
            self.hold(bad, f'headers {bad} of an accept')
            self.hold(
                message.get('subprotocol') not in (None, *self.scope['subprotocols']), 'a subprotocol nobody offered'
            )
            self.state = OPEN
        elif kind == 'websocket.send':
            text, data = message.get('text'), message.get('bytes')
            self.hold((text is None) == (data is None), f'one of text and bytes, not {message!r}')
            self.hold(type(text) not in (str, type(None)) or type(data) not in (bytes, type(None)), f'{message!r}')
        elif kind == 'websocket.close':
            self.hold(len(message.get('reason', '').encode()) > 123, 'a reason of more than 123 bytes')
            self.state = CLOSED
        elif kind == 'websocket.http.response.start':
            self.hold(EXTENSION.keys() - (self.scope.get('extensions') or {}).keys(), 'an extension nobody has')
            self.state = REFUSING
        elif not message.get('more_body', False):
            self.state = CLOSED

    async def __aenter__(self):
        self.task = asyncio.ensure_future(self.app(self.scope, self.receive, self.send))
        return self

    async def __aexit__(self, *error):
        self.task.cancel()
        await asyncio.wait([self.task])

    async def say(self, *messages):
        for message in messages:
            kind = 'text' if isinstance(message, str) else 'bytes'
            self.inbox.put_nowait(
                message if isinstance(message, dict) else {'type': 'websocket.receive', kind: message}
            )

    async def leave(self, code=1001, reason=''):
        self.inbox.put_nowait({'type': 'websocket.disconnect', 'code': code, 'reason': reason})

    async def next(self):
        """The next message of the app."""
        async with asyncio.timeout(self.limit):
            return await self.outbox.get()

    async def visit(self, *messages, leave=1001, catch=False):
        """Connect, send messages, leave if there is a code to leave with, and wait for the app to return."""
        async with self:
            await self.say(*messages)
            if leave:
                await self.leave(leave)
            return await self.end(catch)

    async def end(self, catch=False):
        """Waits until the app has returned, and gives the peer."""
        async with asyncio.timeout(self.limit):
            await asyncio.wait([self.task])
        breach(self.breaches, '; '.join(self.breaches))
        self.error = self.task.exception()
        if self.error is not None and not catch:
            raise self.error
        return self

    def one(self, kind, key):
        return next((message.get(key) for message in self.messages if message['type'] == f'websocket.{kind}'), None)

    accepted = property(lambda self: self.one('accept', 'headers') is not None)
    status = property(lambda self: self.one('http.response.start', 'status'))
    code = property(lambda self: self.one('close', 'code'))
    reason = property(lambda self: self.one('close', 'reason'))
    subprotocol = property(lambda self: self.one('accept', 'subprotocol'))

    @property
    def headers(self):
        return dict(self.one('accept', 'headers') or self.one('http.response.start', 'headers') or ())

    @property
    def body(self):
        return b''.join(m['body'] for m in self.messages if m['type'] == 'websocket.http.response.body')

    @property
    def sent(self):
        return [m.get('text', m.get('bytes')) for m in self.messages if m['type'] == 'websocket.send']

"""The course of failures, cell by cell: the table of docs/failures.md, which is held against the one here."""

import asyncio
import logging
import re
from pathlib import Path

import pytest
from asks import ask, connect, stream
from heaven import Abort, App, ClientError, Disconnected

PAGE = Path(__file__).parents[4] / 'docs' / 'failures.md'
COLUMNS = ['where', 'what happens', 'ERROR is asked', 'logged', 'raised on', 'second halves see it', 'the client gets']
TABLE = [
    ['target', 'it is not a path', 'yes', 'no', 'no', 'do not run', '400'],
    ['no route', '404 or 405', 'by status', 'no', 'no', 'no', '404'],
    ['body', 'it is too large', 'yes', 'no', 'no', 'do not run', '413'],
    ['body', 'the client leaves', 'no', 'no', 'no', 'do not run', 'nothing'],
    ['BEFORE', 'fails', 'yes', 'yes', 'yes', 'yes', '500'],
    ['BEFORE', 'returns a value', 'yes', 'yes', 'yes', 'yes', '500'],
    ['BEFORE', 'ends before its `yield` without an answer', 'yes', 'yes', 'yes', 'yes', '500'],
    ['BEFORE', 'aborts', 'yes', 'no', 'no', 'yes', '403'],
    ['BEFORE', 'is cancelled', 'no', 'no', 'to the server', 'yes', 'nothing'],
    ['query', 'it does not convert', 'yes', 'no', 'no', 'yes', '400'],
    ['handler', 'fails', 'yes', 'yes', 'yes', 'yes', '500'],
    ['handler', 'fails, and ERROR has its class', 'yes', 'no', 'no', 'yes', '418'],
    ['handler', 'aborts', 'yes', 'no', 'no', 'yes', '403'],
    ['handler', 'aborts with a body', 'by class', 'no', 'no', 'yes', '403'],
    ['handler', 'client error', 'yes', 'no', 'no', 'yes', '400'],
    ['handler', 'the client has left: Disconnected', 'no', 'no', 'no', 'yes', 'nothing'],
    ['handler', 'Disconnected, but the client is there', 'yes', 'yes', 'yes', 'yes', '500'],
    ['handler', 'is cancelled', 'no', 'no', 'to the server', 'yes', 'nothing'],
    ['AFTER', 'fails', 'yes', 'yes', 'yes', 'yes', '500'],
    ['AFTER', 'aborts', 'yes', 'no', 'no', 'yes', '403'],
    ['AFTER', 'is cancelled', 'no', 'no', 'to the server', 'yes', 'nothing'],
    ['second half', 'fails', 'yes', 'yes', 'yes', 'outer ones', '500'],
    ['second half', 'aborts', 'yes', 'no', 'no', 'outer ones', '403'],
    ['second half', 'yields again', 'yes', 'yes', 'yes', 'outer ones', '500'],
    ['second half', 'answers in place of a failure', 'before', 'no', 'no', 'no', '418'],
    ['second half', 'swallows a failure and sets no answer', 'before', 'yes', 'yes', 'outer ones', '500'],
    ['second half', 'raises the same failure again', 'before', 'yes', 'yes', 'outer ones', '500'],
    ['second half', 'raises another failure', 'yes', 'both', 'yes', 'outer ones', '500'],
    ['second half', 'aborts in place of a failure', 'yes', 'no', 'no', 'outer ones', '403'],
    ['second half', 'fails after the request was cancelled', 'no', 'yes', 'to the server', 'no', 'nothing'],
    ['second half', 'fails after the client has left', 'no', 'yes', 'no', 'no', 'nothing'],
    ['second half', 'is cancelled', 'no', 'no', 'to the server', 'outer ones', 'nothing'],
    ['second half', 'is cancelled after a failure', 'no', 'the failure', 'to the server', 'outer ones', 'nothing'],
    ['always-AFTER', 'fails', 'yes', 'yes', 'yes', 'outer ones', '500'],
    ['always-AFTER', 'fails after a failure', 'yes', 'both', 'yes', 'outer ones', '500'],
    ['always-AFTER', 'aborts', 'yes', 'no', 'no', 'outer ones', '403'],
    ['always-AFTER', 'aborts after a failure', 'yes', 'the failure', 'the failure', 'outer ones', '403'],
    ['always-AFTER', 'is cancelled', 'no', 'no', 'to the server', 'outer ones', 'nothing'],
    ['ERROR', 'fails', 'no', 'both', 'yes', 'yes', '500'],
    ['ERROR', 'fails, for a 404 without a route', 'no', 'yes', 'yes', 'yes', '500'],
    ['ERROR', 'for a class aborts', 'yes', 'no', 'no', 'yes', '403'],
    ['ERROR', 'for 500 aborts', 'yes', 'the failure', 'the failure', 'yes', '403'],
    ['ERROR', 'is cancelled', 'no', 'the failure', 'to the server', 'yes', 'nothing'],
    ['ERROR', 'the client leaves', 'no', 'the failure', 'no', 'yes', 'nothing'],
    ['encoding', 'of the answer fails', 'yes', 'yes', 'yes', 'no', '500'],
    ['encoding', 'of what ERROR made fails', 'no', 'both', 'yes', 'no', '500'],
    ['sending', 'the client has gone', 'no', 'no', 'no', 'no', 'nothing'],
    ['sending', 'of a 500, and the client has gone', 'no', 'the failure', 'the failure', 'no', 'nothing'],
    ['sending', 'is cancelled', 'no', 'no', 'to the server', 'no', 'a part'],
    ['stream', 'fails', 'no', 'yes', 'to the server', 'no', 'a part'],
    ['stream', 'made for a 500 fails', 'no', 'both', 'to the server', 'no', 'a part'],
    ['stream', 'the client leaves', 'no', 'no', 'no', 'no', 'a part'],
    ['deferred', 'fails', 'no', 'yes', 'no', 'no', '200'],
    ['deferred', 'is cancelled', 'no', 'no', 'to the server', 'no', '200'],
    ['mounted ASGI app', 'fails', 'yes', 'yes', 'yes', 'yes', '500'],
    ['mounted ASGI app', 'fails when its answer has begun', 'no', 'yes', 'to the server', 'yes', 'a part'],
    ['open WebSocket', 'fails', 'no', 'yes', 'yes', 'yes', 'close 1011'],
    ['open WebSocket', 'aborts', 'no', 'yes', 'yes', 'yes', 'close 1011'],
    ['open WebSocket', 'client error', 'no', 'no', 'no', 'yes', 'close 1007'],
    ['open WebSocket', 'the peer has left: Disconnected', 'no', 'no', 'no', 'yes', 'nothing'],
    ['open WebSocket', 'is cancelled', 'no', 'no', 'to the server', 'yes', 'nothing'],
]


class Ward(Exception):
    pass


class Bed(Exception):
    pass


# What fails: functions `(req, res, ctx)`, async ones


async def fine(req, res, ctx):
    pass


async def ward(req, res, ctx):
    raise Ward


async def bed(req, res, ctx):
    raise Bed


async def abort(req, res, ctx):
    raise Abort(403)


async def abort_with_body(req, res, ctx):
    raise Abort(403, 'no')


async def client_error(req, res, ctx):
    raise ClientError('no')


async def returns(req, res, ctx):
    return 5


async def leave(req, res, ctx):
    await req.read()


async def disconnected(req, res, ctx):
    raise Disconnected('of another connection')


async def cancelled(req, res, ctx):
    asyncio.current_task().cancel()
    await asyncio.sleep(0)


async def teapot(req, res, ctx):
    res.out(418, 'tea')


async def unsendable(req, res, ctx):
    res.body = [object()]


async def ends_early(req, res, ctx):
    if False:
        yield


async def streams(req, res, ctx, then=fine):
    async def pieces():
        yield 'a'
        await then(req, res, ctx)

    res.stream(pieces())


async def streams_and_fails(req, res, ctx):
    await streams(req, res, ctx, ward)


async def streams_and_fails_again(req, res, ctx):
    await streams(req, res, ctx, bed)


async def streams_and_is_cancelled(req, res, ctx):
    await streams(req, res, ctx, cancelled)


async def streams_for_ever(req, res, ctx):
    await streams(req, res, ctx, lambda *_: asyncio.Event().wait())


async def defers(req, res, ctx):
    res.defer(lambda app: ward(req, res, ctx))


async def defers_and_is_cancelled(req, res, ctx):
    async def work(app):
        await cancelled(req, res, ctx)

    res.defer(work)


async def foreign(scope, receive, send):
    raise Ward


async def foreign_begins(scope, receive, send):
    await send({'type': 'http.response.start', 'status': 200, 'headers': []})
    await send({'type': 'http.response.body', 'body': b'a', 'more_body': True})
    raise Ward


async def socket(req, ws, ctx, then=ward):
    await ws.accept()
    await then(req, ws, ctx)


async def takes(req, ws, ctx):
    await ws.receive()


# How each row comes about: where what stands; `about` is the failure that the row tells of, Ward if it does not say

LEAVES = {'body': [b'a', b'b'], 'leave_after': 1}
CASES = {
    ('target', 'it is not a path'): {'target': '/a/../b', 'about': ClientError},
    ('no route', '404 or 405'): {'target': '/none', 'about': type(None)},
    ('body', 'it is too large'): {'method': 'POST', 'sent': {'body': b'too large'}, 'about': ClientError},
    ('body', 'the client leaves'): {'method': 'POST', 'sent': LEAVES, 'about': Disconnected},
    ('BEFORE', 'fails'): {'BEFORE': ward},
    ('BEFORE', 'returns a value'): {'BEFORE': returns, 'about': TypeError},
    ('BEFORE', 'ends before its `yield` without an answer'): {'BEFORE': ends_early, 'about': RuntimeError},
    ('BEFORE', 'aborts'): {'BEFORE': abort, 'about': Abort},
    ('BEFORE', 'is cancelled'): {'BEFORE': cancelled, 'about': asyncio.CancelledError},
    ('query', 'it does not convert'): {'target': '/a?page=x', 'about': ClientError},
    ('handler', 'fails'): {'handler': ward},
    ('handler', 'fails, and ERROR has its class'): {'handler': ward, 'ERROR': {Ward: teapot}},
    ('handler', 'aborts'): {'handler': abort, 'about': Abort},
    ('handler', 'aborts with a body'): {'handler': abort_with_body, 'about': Abort},
    ('handler', 'client error'): {'handler': client_error, 'about': ClientError},
    ('handler', 'the client has left: Disconnected'): {'handler': leave, 'sent': LEAVES, 'about': Disconnected},
    ('handler', 'Disconnected, but the client is there'): {'handler': disconnected, 'about': Disconnected},
    ('handler', 'is cancelled'): {'handler': cancelled, 'about': asyncio.CancelledError},
    ('AFTER', 'fails'): {'AFTER': ward},
    ('AFTER', 'aborts'): {'AFTER': abort, 'about': Abort},
    ('AFTER', 'is cancelled'): {'AFTER': cancelled, 'about': asyncio.CancelledError},
    ('second half', 'fails'): {'second': ward},
    ('second half', 'aborts'): {'second': abort, 'about': Abort},
    ('second half', 'yields again'): {'second': 'yield', 'about': RuntimeError},
    ('second half', 'answers in place of a failure'): {'handler': ward, 'second': teapot, 'swallows': True},
    ('second half', 'swallows a failure and sets no answer'): {'handler': ward, 'second': fine, 'swallows': True},
    ('second half', 'raises the same failure again'): {'handler': ward, 'second': fine},
    ('second half', 'raises another failure'): {'handler': ward, 'second': bed, 'about': Bed},
    ('second half', 'aborts in place of a failure'): {'handler': ward, 'second': abort, 'about': Abort},
    ('second half', 'fails after the request was cancelled'): {'handler': cancelled, 'second': ward},
    ('second half', 'fails after the client has left'): {'handler': leave, 'second': ward, 'sent': LEAVES},
    ('second half', 'is cancelled'): {'second': cancelled, 'about': asyncio.CancelledError},
    ('second half', 'is cancelled after a failure'): {
        'handler': ward, 'second': cancelled, 'about': asyncio.CancelledError
    },
    ('always-AFTER', 'fails'): {'ALWAYS': ward},
    ('always-AFTER', 'fails after a failure'): {'handler': ward, 'ALWAYS': bed, 'about': Bed},
    ('always-AFTER', 'aborts'): {'ALWAYS': abort, 'about': Abort},
    ('always-AFTER', 'aborts after a failure'): {'handler': ward, 'ALWAYS': abort, 'about': Abort},
    ('always-AFTER', 'is cancelled'): {'ALWAYS': cancelled, 'about': asyncio.CancelledError},
    ('ERROR', 'fails'): {'handler': ward, 'ERROR': {Ward: bed}, 'about': Bed},
    ('ERROR', 'fails, for a 404 without a route'): {'target': '/none', 'ERROR': {404: bed}, 'about': Bed},
    ('ERROR', 'for a class aborts'): {'handler': ward, 'ERROR': {Ward: abort}, 'about': Abort},
    ('ERROR', 'for 500 aborts'): {'handler': ward, 'ERROR': {500: abort}, 'about': Abort},
    ('ERROR', 'is cancelled'): {'handler': ward, 'ERROR': {Ward: cancelled}, 'about': asyncio.CancelledError},
    ('ERROR', 'the client leaves'): {'handler': ward, 'ERROR': {Ward: leave}, 'sent': LEAVES, 'about': Disconnected},
    ('encoding', 'of the answer fails'): {'handler': unsendable, 'about': TypeError},
    ('encoding', 'of what ERROR made fails'): {'handler': ward, 'ERROR': {Ward: unsendable}, 'about': TypeError},
    ('sending', 'the client has gone'): {'handler': fine, 'sent': {'fail_send_after': 0}, 'about': Disconnected},
    ('sending', 'of a 500, and the client has gone'): {
        'handler': ward, 'sent': {'fail_send_after': 0}, 'about': Disconnected
    },
    ('sending', 'is cancelled'): {'handler': streams_and_is_cancelled, 'about': asyncio.CancelledError},
    ('stream', 'fails'): {'handler': streams_and_fails},
    ('stream', 'made for a 500 fails'): {'handler': ward, 'ERROR': {500: streams_and_fails_again}, 'about': Bed},
    ('stream', 'the client leaves'): {
        'handler': streams_for_ever, 'sent': {'leave_after_sent': 2}, 'about': Disconnected
    },
    ('deferred', 'fails'): {'handler': defers},
    ('deferred', 'is cancelled'): {'handler': defers_and_is_cancelled, 'about': asyncio.CancelledError},
    ('mounted ASGI app', 'fails'): {'mounted': foreign, 'target': '/mounted'},
    ('mounted ASGI app', 'fails when its answer has begun'): {'mounted': foreign_begins, 'target': '/mounted'},
    ('open WebSocket', 'fails'): {'socket': ward},
    ('open WebSocket', 'aborts'): {'socket': abort, 'about': Abort},
    ('open WebSocket', 'client error'): {'socket': client_error, 'about': ClientError},
    ('open WebSocket', 'the peer has left: Disconnected'): {'socket': takes, 'about': Disconnected},
    ('open WebSocket', 'is cancelled'): {'socket': cancelled, 'about': asyncio.CancelledError},
}  # fmt: skip


class Watching:
    """A middleware that notes what comes through it."""

    def __init__(self, app, seen):
        self.app, self.seen = app, seen

    async def __call__(self, scope, receive, send):
        try:
            await self.app(scope, receive, send)
        except BaseException as error:
            self.seen.append(error)
            raise


class Row:
    """One way to fail, tried on an app: what ERROR handlers, middlewares and second halves have seen of it."""

    def __init__(self, where, about=Ward, second=None, swallows=False, sent=(), **places):
        self.where, self.about, self.second, self.swallows = where, about, second, swallows
        self.sent, self.places = dict(sent), places
        self.asked, self.raised, self.seen, self.error = [], [], [], None

    def build(self, keys):
        """The app: its ERROR handlers are those of the row, and one that notes what it is asked for `keys`."""
        app, places = App(max_body_size=5), self.places
        app.use(Watching, seen=self.raised)
        app.BEFORE('/*', self.outer)
        if self.second:
            app.BEFORE('/*', self.inner)
        app.BEFORE('/*', places.get('BEFORE', fine))
        app.AFTER('/*', places.get('AFTER', fine))
        app.AFTER('/*', places.get('ALWAYS', fine), always=True)
        app.METHOD(['GET', 'POST'], '/a?page:int', places.get('handler', fine))
        if 'mounted' in places:
            app.mount(places['mounted'], '/mounted')
        if 'socket' in places:
            app.WS('/a', self.socket)
        for key, handler in {**dict.fromkeys(keys, self.error_handler), **places.get('ERROR', {})}.items():
            app.ERROR(key, self.noting(key, handler))
        return app

    def noting(self, key, handler):
        async def function(req, res, ctx):
            self.asked.append((key, type(res.error)))
            await handler(req, res, ctx)

        return function

    async def error_handler(self, req, res, ctx):
        res.body = 'page'

    async def socket(self, req, ws, ctx):
        await socket(req, ws, ctx, self.places['socket'])

    async def outer(self, req, res, ctx):
        try:
            yield
        except BaseException as error:
            self.seen.append(type(error))
            raise
        else:
            self.seen.append(None)

    async def inner(self, req, res, ctx):
        try:
            yield
        except BaseException:
            await self.second(req, res, ctx)
            if not self.swallows:
                raise
        else:
            if self.second == 'yield':
                yield
            await self.second(req, res, ctx)

    async def run(self, keys):
        """Ask the app once; `keys` are what ERROR handlers are registered for."""
        app = self.build(keys)
        if 'socket' in self.places:
            return await self.meet(app)
        options = {'method': self.places.get('method', 'GET'), 'target': self.places.get('target', '/a')}
        exchange = stream(app, **options, **self.sent, catch=True).start()
        await asyncio.wait([exchange.task])
        self.error = asyncio.CancelledError() if exchange.task.cancelled() else exchange.task.result().error
        messages = exchange.messages
        if not messages:
            return 'nothing'
        is_whole = not messages[-1].get('more_body', False) and len(messages) > 1
        return str(messages[0]['status']) if is_whole else 'a part'

    async def meet(self, app):
        async with connect(app, '/a') as peer:
            await peer.leave()
            await asyncio.wait([peer.task])
            self.error = asyncio.CancelledError() if peer.task.cancelled() else peer.task.exception()
        return 'nothing' if peer.code is None else f'close {peer.code}'

    def is_about(self, kind):
        return issubclass(kind, self.about)


def tried(where, what, keys):
    row = Row(where, **CASES[where, what])
    return row, asyncio.run(row.run(keys))


def asked(where, what):
    """Whether ERROR is asked for this very failure: by its status, by its class, or both."""
    by = []
    for keys in (range(400, 600), (Abort, ClientError, *([] if 'ERROR' in CASES[where, what] else [Exception]))):
        row, _ = tried(where, what, keys)
        by.append(any(row.is_about(kind) for _, kind in row.asked))
    if by == [True, True]:
        return 'before' if CASES[where, what].get('second') in (fine, teapot) else 'yes'
    return {(True, False): 'by status', (False, True): 'by class', (False, False): 'no'}[*by]


def logged(row, records):
    kinds = [record.exc_info[0] for record in records if record.levelno >= logging.ERROR]
    if len(kinds) == 2:
        return 'both'
    if not kinds:
        return 'no'
    return 'yes' if row.is_about(kinds[0]) else 'the failure'


def raised_on(row):
    if row.error is not None:
        return 'to the server'
    if not row.raised:
        return 'no'
    return 'yes' if row.is_about(type(row.raised[-1])) else 'the failure'


def seen(row):
    """Whether it is raised at the `yield` of the outermost hook."""
    if not row.seen:
        return 'do not run'
    if row.seen == [None] or not row.is_about(row.seen[0]):
        return 'no'
    return 'outer ones' if row.where in ('second half', 'always-AFTER') else 'yes'


@pytest.mark.parametrize('cells', TABLE, ids=lambda cells: ' '.join(cells[:2]))
def test_every_cell_of_the_table(cells, caplog):
    where, what = cells[:2]
    error = asked(where, what)
    caplog.clear()
    row, client = tried(where, what, [])
    found = [where, what, error, logged(row, caplog.records), raised_on(row), seen(row), client]
    assert dict(zip(COLUMNS, found, strict=True)) == dict(zip(COLUMNS, cells, strict=True))


def test_every_case_is_in_the_table_once():
    assert [tuple(cells[:2]) for cells in TABLE] == list(CASES)


@pytest.mark.skipif(not PAGE.exists(), reason='the docs are not in the sdist')
def test_the_docs_have_this_table():
    lines = [line for line in PAGE.read_text('utf-8').splitlines() if line.startswith('|')]
    rows = [[cell.strip() for cell in line.strip('|').split('|')] for line in lines]
    start = rows.index(COLUMNS)
    assert all(re.fullmatch('-+', cell) for cell in rows[start + 1])
    assert rows[start + 2 : start + 2 + len(TABLE)] == TABLE


# Rules that the table does not show


def test_an_error_handler_of_a_404_that_aborts_with_404_is_asked_once():
    row = Row('no route', target='/none')

    async def aborting(req, res, ctx):
        raise Abort(404)

    row.places['ERROR'] = {404: aborting}
    assert asyncio.run(row.run([])) == '404'
    assert row.asked == [(404, type(None))]


def test_what_has_begun_cannot_be_replaced_by_a_second_half(caplog):
    row = Row('mounted ASGI app', mounted=foreign_begins, target='/mounted', second=teapot, swallows=True)
    assert asyncio.run(row.run([])) == 'a part'
    assert [record.exc_info[0] for record in caplog.records] == [type(row.error)] == row.seen == [Ward]


@pytest.mark.parametrize(
    'sent, ran', [({'fail_send_after': 0}, True), ({'fail_send_after': 1}, True), (LEAVES, False)], ids=range(3)
)
def test_deferred_work_runs_if_there_was_an_answer_to_send(sent, ran, caplog):
    done = []

    async def handler(req, res, ctx):
        res.defer(lambda app: done.append('done'))
        if sent is LEAVES:
            await req.read()

    row = Row('deferred', handler=handler, sent=sent)
    asyncio.run(row.run([]))
    assert (done, row.error, caplog.records) == (['done'] if ran else [], None, [])


def test_an_error_handler_that_sets_no_body_sends_none():
    app = App()
    app.ERROR(403, lambda req, res, ctx: res.header('x-a', 'b'))
    app.GET('/', lambda req, res, ctx: res.abort(403))
    for target, status, body in (('/', 403, b''), ('/none', 404, b'Not Found')):
        reply = ask(app, target=target)
        assert (reply.status, reply.body) == (status, body)


def test_what_a_second_half_sets_stays_where_it_raises_the_same_again(caplog):
    row = Row('second half', handler=ward, second=teapot)
    assert asyncio.run(row.run([])) == '418'
    assert (row.seen, [type(error) for error in row.raised], len(caplog.records)) == ([Ward], [Ward], 1)

"""From an exception to an answer: error handlers, the plain 500, the log, debug, and failures half way."""

import asyncio
import logging

import pytest
from asks import Live, ask, stream
from heaven import Abort, App, ClientError, HeavenError, Missing


class Ward(Exception):
    pass


class Bed(Ward):
    pass


class Pillow(Bed, KeyError):
    pass


def raising(error):
    def handler(req, res, ctx):
        raise error

    return handler


def page(text, status=None):
    """An error handler that says who it is and what it saw."""

    def handler(req, res, ctx):
        res.body = f'{text}: {type(res.error).__name__}'
        if status:
            res.status = status

    return handler


def errors(caplog):
    return [r for r in caplog.records if r.levelno >= logging.ERROR]


# Who answers


@pytest.mark.parametrize(
    'handlers, error, answer',
    [
        ({}, Ward(), (500, None)),
        ({500: page('500')}, Ward(), (500, '500: Ward')),
        ({Ward: page('ward', 418)}, Ward(), (418, 'ward: Ward')),
        ({Ward: page('ward', 418)}, Bed(), (418, 'ward: Bed')),
        ({Ward: page('ward', 418), Bed: page('bed', 419)}, Bed(), (419, 'bed: Bed')),
        ({Bed: page('bed', 419), Ward: page('ward', 418)}, Ward(), (418, 'ward: Ward')),
        ({Ward: page('ward', 418), KeyError: page('key', 419)}, Pillow(), (418, 'ward: Pillow')),
        ({KeyError: page('key', 419), Exception: page('any', 420)}, Pillow(), (419, 'key: Pillow')),
        ({Exception: page('any', 420), 500: page('500')}, Ward(), (420, 'any: Ward')),
        ({Bed: page('bed', 419), 500: page('500')}, Ward(), (500, '500: Ward')),
        ({404: page('404')}, Abort(404), (404, '404: Abort')),
        ({404: page('404')}, Abort(403), (403, None)),
        ({500: page('500')}, Abort(500), (500, '500: Abort')),
        ({400: page('400')}, Abort(400), (400, '400: Abort')),
        ({400: page('400')}, ClientError('what'), (400, '400: ClientError')),
        ({ClientError: page('client', 422)}, ClientError('what'), (422, 'client: ClientError')),
        ({400: page('400'), Missing: page('missing', 422)}, Missing('query', 'name'), (422, 'missing: Missing')),
        ({KeyError: page('key', 422)}, Missing('query', 'name'), (422, 'key: Missing')),
    ],
)
@pytest.mark.parametrize('where', ['handler', 'async', 'threaded', 'BEFORE', 'AFTER'])
def test_the_nearest_class_answers_else_the_status(handlers, error, answer, where):
    app = App()
    for key, handler in handlers.items():
        app.ERROR(key, handler)
    failing = raising(error)

    async def failing_async(req, res, ctx):
        raise error

    if where in ('BEFORE', 'AFTER'):
        getattr(app, where)('/*', failing)
    handler = {'handler': failing, 'threaded': failing, 'async': failing_async}.get(where, page('fine'))
    app.GET('/a', handler, threaded=where == 'threaded')
    reply = ask(app, target='/a')
    assert reply.status == answer[0]
    assert answer[1] is None or reply.text == answer[1]


def test_404_and_405_ask_their_handlers_keep_allow_and_are_no_failure(caplog):
    app, seen = App(), []
    app.POST('/a', page('post'))
    for status in (404, 405):
        app.ERROR(status, lambda req, res, ctx: seen.append((res.status, res.error)) or res.out(res.status, 'page'))
    app.AFTER('/*', lambda req, res, ctx: res.header('x-after', 'yes'))
    for target, status in [('/b', 404), ('/a', 405)]:
        reply = ask(app, target=target)
        assert (reply.status, reply.text, reply.header('x-after')) == (status, 'page', 'yes')
    assert 'POST' in reply.header('allow')
    assert [status for status, _ in seen] == [404, 405]
    assert errors(caplog) == []


def test_an_error_handler_may_change_the_status_and_set_a_body_alone():
    app = App()
    app.ERROR(404, lambda req, res, ctx: setattr(res, 'body', {'error': 'nothing here'}))
    reply = ask(app, target='/b')
    assert (reply.status, reply.json()) == (404, {'error': 'nothing here'})
    app = App()
    app.ERROR(404, lambda req, res, ctx: res.redirect('/'))
    assert ask(app, target='/b').status == 307


def test_an_error_handler_that_sets_no_body_leaves_the_plain_one():
    app = App()
    app.ERROR(404, lambda req, res, ctx: res.header('x-a', 'b'))
    reply = ask(app, target='/b')
    assert (reply.status, reply.header('x-a')) == (404, 'b')


@pytest.mark.parametrize('target, status', [('/nowhere', 404), ('/abort', 404), ('/fail', 500), ('/page', 200)])
def test_an_error_page_may_be_a_file_or_a_stream(target, status, tmp_path):
    (tmp_path / 'page.html').write_text('<p>page')

    async def chunks():
        yield '<p>'
        yield 'page'

    for answer in (lambda res: res.file('page.html', within=tmp_path), lambda res: res.stream(chunks(), status=status)):
        app = App()
        for key in (404, 500):
            app.ERROR(key, lambda req, res, ctx, answer=answer: answer(res))
        app.GET('/abort', lambda req, res, ctx: res.abort(404))
        app.GET('/fail', raising(Ward()))
        app.GET('/page', lambda req, res, ctx: None)
        app.AFTER('/page', lambda req, res, ctx, answer=answer: answer(res), always=True)
        reply = ask(app, target=target)
        assert (reply.status, reply.text) == (status, '<p>page')


def test_setting_a_status_asks_no_error_handler():
    app = App()
    app.ERROR(404, page('404'))
    app.GET('/a', lambda req, res, ctx: res.out(404, 'mine'))
    app.GET('/b', lambda req, res, ctx: setattr(res, 'status', 404))
    assert ask(app, target='/a').text == 'mine'
    assert (ask(app, target='/b').status, ask(app, target='/b').body) == (404, b'')


def test_error_is_a_decorator_too():
    app = App()

    @app.ERROR(404)
    def nothing(req, res, ctx):
        res.body = 'page'

    assert callable(nothing)
    assert ask(app, target='/b').text == 'page'


@pytest.mark.parametrize('key', ['404', None, int, object(), 4.04])
def test_an_error_handler_is_for_a_status_or_an_exception_class(key):
    with pytest.raises((TypeError, ValueError)):
        App().ERROR(key, page('page'))


def test_an_async_error_handler_sees_request_context_and_error():
    app, seen = App(), []
    error = Ward('full')

    async def handler(req, res, ctx):
        await asyncio.sleep(0)
        seen.append((req.path, ctx.user, res.error, req.app is app))
        res.out(503, 'full')

    app.ERROR(Ward, handler)
    app.BEFORE('/*', lambda req, res, ctx: ctx.keep('user', 'florence'))
    app.GET('/a', raising(error))
    assert ask(app, target='/a').status == 503
    assert seen == [('/a', 'florence', error, True)]


def test_error_is_none_where_nothing_failed():
    app, seen = App(), []
    app.GET('/a', lambda req, res, ctx: seen.append(res.error))
    ask(app, target='/a')
    assert seen == [None]


# The plain 500


def test_what_nobody_handles_is_a_plain_500_logged_once_with_its_traceback(caplog):
    app = App()
    app.GET('/a', raising(Ward('secret-of-the-ward')))
    reply = ask(app, target='/a')
    assert reply.status == 500
    assert b'secret-of-the-ward' not in reply.body and b'Ward' not in reply.body and b'Traceback' not in reply.body
    (record,) = errors(caplog)
    assert record.name.partition('.')[0] == 'heaven'
    assert record.exc_info[0] is Ward


def test_a_500_keeps_the_headers_set_so_far_but_those_of_the_body_and_its_caching():
    kept = {
        'x-request-id': '7',
        'access-control-allow-origin': '*',
        'strict-transport-security': 'max-age=1',
        'vary': 'Cookie',
    }
    dropped = {
        'content-type': 'text/csv',
        'content-encoding': 'gzip',
        'content-language': 'nl',
        'content-disposition': 'attachment',
        'content-range': 'bytes 0-1/2',
        'content-location': '/x',
        'content-length': '3',
        'etag': '"a"',
        'last-modified': 'Mon, 01 Jan 2024 00:00:00 GMT',
        'cache-control': 'public, max-age=9',
        'expires': 'Mon, 01 Jan 2034 00:00:00 GMT',
    }

    def handler(req, res, ctx):
        for name, value in {**kept, **dropped}.items():
            res.header(name, value)
        res.cookie('a', 'b')
        res.body = b'a,b'
        raise Ward

    app = App()
    app.GET('/a', handler)
    reply = ask(app, target='/a')
    assert reply.status == 500
    assert {name: reply.header(name) for name in kept} == kept
    assert reply.all('set-cookie')
    for name in dropped.keys() - {'content-type', 'content-length'}:
        assert reply.header(name) != dropped[name], name
    assert reply.header('content-type') != 'text/csv'
    assert b'a,b' not in reply.body


@pytest.mark.parametrize(
    'handlers, raised',
    [
        ({}, True),
        ({500: page('500')}, True),
        ({Ward: page('ward', 500)}, False),
        ({Exception: page('any', 418)}, False),
    ],
)
def test_the_exception_goes_on_through_the_middlewares_and_never_to_the_server(handlers, raised, caplog):
    seen = []

    class Middleware:
        def __init__(self, app, name):
            self.app, self.name = app, name

        async def __call__(self, scope, receive, send):
            if scope['type'] == 'lifespan':
                return await self.app(scope, receive, send)
            sent = []

            async def note(message):
                sent.append(message['type'])
                await send(message)

            try:
                await self.app(scope, receive, note)
            except Ward:
                seen.append((self.name, len(sent)))
                raise

    app = App()
    app.use(Middleware, name='inner')
    app.use(Middleware, name='outer')
    for key, handler in handlers.items():
        app.ERROR(key, handler)
    app.GET('/a', raising(Ward()))
    assert ask(app, target='/a').status in (500, 418)
    assert seen == ([('inner', 2), ('outer', 2)] if raised else [])
    assert len(errors(caplog)) == raised
    with Live(app) as live:
        assert live.ask('GET', '/a').status in (500, 418)


@pytest.mark.parametrize('status', [404, 405, 400, 413])
def test_a_refusal_is_not_logged_as_an_error(status, caplog):
    app = App()
    app.GET('/a', lambda req, res, ctx: res.abort(400))
    app.POST('/b', lambda req, res, ctx: None, max_body_size=1)
    method, target = {404: ('GET', '/c'), 405: ('DELETE', '/a'), 400: ('GET', '/a'), 413: ('POST', '/b')}[status]
    assert ask(app, method, target, body=b'long' if status == 413 else b'').status == status
    assert errors(caplog) == []


@pytest.mark.parametrize('status', [500, 503, 599])
def test_an_abort_above_499_is_an_answer_not_a_failure(status, caplog):
    app = App()
    app.GET('/a', lambda req, res, ctx: res.abort(status, 'Closed'))
    assert (ask(app, target='/a').status, ask(app, target='/a').text) == (status, 'Closed')
    assert errors(caplog) == []


# Handlers that fail themselves


@pytest.mark.parametrize(
    'handlers, error, status',
    [
        ({Ward: raising(Bed())}, Ward(), 500),
        ({Ward: raising(Ward())}, Ward(), 500),
        ({Ward: raising(ValueError())}, Ward(), 500),
        ({500: raising(ValueError())}, Ward(), 500),
        ({404: raising(ValueError())}, Abort(404), 500),
        ({404: raising(Abort(404))}, Abort(404), 404),
        ({Ward: raising(Abort(503, 'Closed'))}, Ward(), 503),
        ({Abort: raising(Abort(503))}, Abort(404), 503),
        ({Exception: raising(ValueError()), 500: raising(ValueError())}, Ward(), 500),
    ],
)
def test_an_error_handler_that_fails_ends_in_an_answer_all_the_same(handlers, error, status, caplog):
    app = App()
    for key, handler in handlers.items():
        app.ERROR(key, handler)
    app.GET('/a', raising(error))
    assert ask(app, target='/a').status == status


def test_a_failure_is_logged_even_where_its_error_handler_aborts(caplog):
    app = App()
    app.ERROR(500, raising(Abort(503, 'Closed')))
    app.GET('/a', raising(Ward()))
    assert ask(app, target='/a').text == 'Closed'
    assert [record.exc_info[0] for record in errors(caplog)] == [Ward]


def test_a_handler_for_every_exception_is_for_failures_not_for_refusals(caplog):
    app = App()
    app.ERROR(Exception, page('any', 418))
    app.GET('/url', lambda req, res, ctx: req.url_for('unknown'))
    app.GET('/abort', lambda req, res, ctx: res.abort(403, 'No'))
    app.GET('/missing', lambda req, res, ctx: req.queries['page'])
    assert ask(app, target='/url').text == 'any: UrlError'
    assert ask(app, target='/abort').text == 'No'
    assert ask(app, target='/missing').status == 400


def test_a_stopiteration_in_a_thread_is_a_failure_like_any_other(caplog):
    def stop(*args):
        next(iter(()))

    app = App()
    app.GET('/threaded', stop, threaded=True)
    app.GET('/plain', stop)
    app.GET('/deferred', lambda req, res, ctx: res.defer(stop))
    assert [ask(app, target=target).status for target in ('/threaded', '/plain', '/deferred')] == [500, 500, 200]
    assert len(errors(caplog)) == 3


def test_a_404_handler_that_fails_is_a_500_and_logged(caplog):
    app = App()
    app.ERROR(404, raising(Ward()))
    assert ask(app, target='/nowhere').status == 500
    assert [record.exc_info[0] for record in errors(caplog)] == [Ward]


@pytest.mark.parametrize('key', [500, TypeError, ValueError])
def test_an_error_page_that_cannot_be_encoded_either_is_a_plain_500(key, caplog):
    app, ran = App(), []
    app.ERROR(key, lambda req, res, ctx: ran.append(key) or setattr(res, 'body', {'a': object()}))
    app.AFTER('/*', lambda req, res, ctx: ran.append('always'), always=True)
    app.GET('/object', lambda req, res, ctx: res.out(200, {'a': object()}))
    app.GET('/raise', raising(ValueError()))
    for target in ('/object', '/raise'):
        reply = ask(app, target=target)
        assert (reply.status, b'object' in reply.body) == (500, False)
        assert ran.count('always') == 1
        ran.clear()


class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError('no words')


@pytest.mark.parametrize('debug', [True, False])
def test_an_exception_that_cannot_be_printed_is_a_500_too(debug, caplog):
    app = App(debug=debug)
    app.GET('/a', raising(Unprintable()))
    for accept in ('text/html', '*/*'):
        assert ask(app, target='/a', headers=[('accept', accept)]).status == 500


def test_what_cannot_be_encoded_is_a_500_without_what_was_sent_before(caplog):
    app = App()
    app.GET('/nan', lambda req, res, ctx: res.out(200, {'a': float('nan')}))
    app.GET('/object', lambda req, res, ctx: res.out(200, {'a': object()}))
    for target in ('/nan', '/object'):
        assert ask(app, target=target).status == 500
    assert len(errors(caplog)) == 2


def raising_in_a_stream(error):
    def handler(req, res, ctx):
        async def chunks():
            yield 'a'
            raise error

        res.body = chunks()

    return handler


def raising_in_an_error_handler(error):
    def handler(req, res, ctx):
        if res.error:
            raise error
        res.body = {'a': float('nan')}

    return handler


def raising_where_a_file_is_missing(error):
    def handler(req, res, ctx):
        if res.error:
            raise error
        res.file('missing.txt')

    return handler


@pytest.mark.parametrize('error', [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError()])
@pytest.mark.parametrize(
    'raises', [raising, raising_in_a_stream, raising_in_an_error_handler, raising_where_a_file_is_missing]
)
def test_what_ends_the_process_or_the_task_is_not_swallowed(raises, error):
    handler = raises(error)
    app = App()
    app.ERROR(500, page('500'))
    app.ERROR(404, handler)
    app.ERROR(Exception, handler if raises is raising_in_an_error_handler else page('any'))

    class Stop(BaseException):
        pass

    async def main():

        exchange = stream(app)
        try:
            await app(exchange.scope, exchange.receive, exchange.send)
        except type(error):
            raise Stop from None

    app.GET('/', handler)
    with pytest.raises(Stop):
        asyncio.run(main())


# Debug


def test_debug_shows_the_traceback_escaped_as_html_or_as_text():
    for debug in (True, False):
        app = App(debug=debug)
        app.GET('/a', raising(Ward('<script>alert(1)</script>')))
        as_text = ask(app, target='/a', headers=[('accept', 'application/json')], catch=True)
        as_html = ask(app, target='/a', headers=[('accept', 'text/html,*/*;q=0.8')], catch=True)
        assert as_text.status == as_html.status == 500
        for reply in (as_text, as_html):
            assert ('Ward' in reply.text and 'test_errors' in reply.text) is debug
            if 'html' in reply.header('content-type'):
                assert '<script>alert' not in reply.text
        assert 'html' not in as_text.header('content-type')


@pytest.mark.parametrize('isolated', [True, False])
def test_debug_of_an_app_is_for_those_mounted_on_it_too(isolated):
    root, child = App(debug=True), App()
    child.GET('/', raising(Ward()))
    root.mount(child, '/child', isolated=isolated)
    assert 'test_errors' in ask(root, target='/child', catch=True).text


def test_debug_does_not_touch_what_is_no_500():
    app = App(debug=True)
    app.GET('/a', lambda req, res, ctx: res.abort(403, 'No'))
    app.ERROR(Ward, page('ward', 418))
    app.GET('/b', raising(Ward()))
    assert ask(app, target='/a').text == 'No'
    assert ask(app, target='/b').text == 'ward: Ward'
    assert ask(app, target='/c').status == 404


# Once a response has begun


def test_a_failure_once_the_response_has_begun_is_logged_and_raised(caplog):
    async def chunks():
        yield b'first'
        raise Ward

    app, ran = App(), []
    app.ERROR(Ward, lambda req, res, ctx: ran.append('error'))
    app.GET('/a', lambda req, res, ctx: res.stream(chunks()))
    reply = ask(app, target='/a', catch=True)
    assert isinstance(reply.error, Ward)
    assert (reply.status, reply.body, reply.complete) == (200, b'first', False)
    assert [record.exc_info[0] for record in errors(caplog)] == [Ward]
    assert ran == []


# The tree of exceptions


def test_the_exceptions_carry_what_the_contract_says():
    from heaven import errors as tree

    assert (ClientError('x').status, tree.TooLarge('x').status, tree.UnsupportedMedia('x').status) == (400, 413, 415)
    assert issubclass(Missing, ClientError) and issubclass(Missing, KeyError)
    assert issubclass(tree.UrlDuplicateError, tree.UrlError) and issubclass(tree.UrlError, ValueError)
    assert all(issubclass(c, HeavenError) for c in (tree.SubdomainError, tree.Disconnected, tree.MissingPackage))
    assert issubclass(tree.MissingPackage, ImportError) and issubclass(tree.HandlerError, ImportError)
    assert str(ClientError('the page')) == 'the page'


class Unspeakable(ClientError):
    """A client's error without words."""

    def __str__(self):
        raise ValueError('no words')


@pytest.mark.parametrize('debug', [False, True])
@pytest.mark.parametrize('error', [Abort(404, object()), Unspeakable()])
def test_an_abort_with_what_is_no_body_is_a_500_and_what_must_always_run_runs(error, debug, caplog):
    app, seen = App(debug=debug), []

    async def around(req, res, ctx):
        try:
            yield
        finally:
            seen.append(('around', res.status))

    app.BEFORE('/*', around)
    app.AFTER('/*', lambda req, res, ctx: seen.append(('always', res.status)), always=True)
    app.GET('/a', raising(error))
    assert ask(app, target='/a').status == 500
    assert seen == [('always', 500), ('around', 500)]
    assert len(errors(caplog)) == 1


def test_a_failure_is_logged_even_where_its_error_handler_aborts_with_what_is_no_body(caplog):
    app = App()
    app.GET('/a', raising(LookupError('lost')))
    app.ERROR(500, raising(Abort(502, object())))
    reply = ask(app, target='/a')
    assert (reply.status, reply.text) == (500, 'Internal Server Error')
    assert 'lost' in caplog.text and 'object is no body' in caplog.text


@pytest.mark.parametrize('error', [ClientError('page is no number'), Missing('query', 'page')])
def test_a_clients_error_is_told_to_the_client_and_not_logged(error, caplog):
    app = App()
    app.GET('/a', raising(error))
    reply = ask(app, target='/a')
    assert (reply.status, 'page' in reply.text) == (400, True)
    assert errors(caplog) == []


def test_an_abort_in_a_handler_of_a_class_asks_the_handler_of_its_status():
    app = App()
    app.ERROR(404, page('404'))
    app.ERROR(Ward, lambda req, res, ctx: res.abort(404))
    app.GET('/', raising(Bed()))
    reply = ask(app)
    assert (reply.status, reply.text) == (404, '404: Abort')


def test_a_handler_that_fails_with_what_it_is_for_is_not_asked_again_and_followed_by_the_plain_500(caplog):
    app, asked = App(), []
    app.ERROR(Ward, lambda req, res, ctx: asked.append(res.error) or raising(Bed())(req, res, ctx))
    app.ERROR(500, page('500'))
    app.GET('/', raising(Ward()))
    reply = ask(app, catch=True)
    assert (reply.status, reply.text, len(asked)) == (500, 'Internal Server Error', 1)


def test_a_handler_for_every_base_exception_is_for_failures_not_for_refusals():
    app = App()
    app.ERROR(BaseException, page('all', 418))
    app.GET('/refused', lambda req, res, ctx: res.abort(404))
    app.GET('/failed', raising(Ward()))
    with Live(app) as live:
        assert [live.ask('GET', path).status for path in ('/refused', '/failed')] == [404, 418]


CONSTANT = Abort(404, 'No such patient')


@pytest.mark.parametrize('error', [CONSTANT, Missing('query', 'page')], ids=['abort', 'missing'])
def test_an_exception_that_is_a_constant_keeps_nothing_of_past_requests(error):
    def handler(req, res, ctx):
        try:
            raise ValueError(req)
        except ValueError:
            raise error  # noqa: B904

    app = App()
    app.GET('/', handler)
    for _ in range(2):
        assert ask(app).status in (400, 404)
        assert (error.__traceback__, error.__context__) == (None, None)


def test_a_500_has_no_digest_of_the_body_that_was_lost():
    def handler(req, res, ctx):
        for name in ('content-digest', 'repr-digest', 'content-md5', 'digest', 'age', 'x-kept'):
            res.header(name, 'a')
        raise Ward

    app = App()
    app.GET('/', handler)
    sent = {name.decode() for name, _ in ask(app, catch=True).headers}
    assert sent == {'content-type', 'content-length', 'x-kept'}


@pytest.mark.parametrize('charset', ['utf-7', 'UTF-7', 'utf7', 'utf_7', 'unicode-escape', 'rot13', 'hex'])
def test_a_text_in_a_charset_that_hides_what_it_says_is_a_400(charset):
    app = App()
    app.POST('/', lambda req, res, ctx: res.out(200, req.text))
    reply = ask(app, 'POST', body=b'+2AA-', headers={'content-type': f'text/plain; charset={charset}'})
    assert reply.status == 400


@pytest.mark.parametrize('target', ['/handler', '/error', '/always'])
def test_a_request_whose_loop_is_gone_is_let_go_of_at_once(target):
    events = []

    async def waits(req, res, ctx):
        events.append('waits')
        await asyncio.Event().wait()

    app = App()
    app.GET('/handler', waits)
    app.GET('/error', raising(Ward()))
    app.ERROR(Ward, waits)
    app.GET('/always', page('ok'))
    app.AFTER('/always', waits, always=True)
    app.AFTER('/:other', lambda req, res, ctx: events.append('after'), always=True)
    app.GET('/', page('started'))

    async def main():
        await stream(app).reply()
        exchange = stream(app, target=target)
        serving = app(exchange.scope, exchange.receive, exchange.send)
        serving.send(None)
        serving.close()  # as Python closes what is left of a loop
        return exchange.messages

    assert asyncio.run(main()) == []
    assert events == ['waits']

"""HEAD where middlewares are used: made as GET is, it loses its body outside the outermost of them."""

import pytest
from asks import ask
from heaven import App


class Noting:
    """A middleware that notes the messages that pass, and may shout."""

    def __init__(self, app, seen, shouts=False):
        self.app, self.seen, self.shouts = app, seen, shouts

    async def __call__(self, scope, receive, send):
        if scope['type'] != 'http':
            return await self.app(scope, receive, send)
        started = {}

        async def sender(message):
            if message['type'] == 'http.response.start':
                started.update(message)
                return
            self.seen.append((scope['method'], message.get('body', b'')))
            if started:
                body = message.get('body', b'')
                if self.shouts and not message.get('more_body'):
                    body = body.upper() + b'!'
                    headers = [pair for pair in started['headers'] if pair[0] != b'content-length']
                    started['headers'] = [*headers, (b'content-length', b'%d' % len(body))]
                await send(dict(started))
                started.clear()
                message = {**message, 'body': body}
            await send(message)

        await self.app(scope, receive, sender)


def used(handler, count=1, shouts=False):
    app, seen = App(), []
    app.GET('/', handler)
    for _ in range(count):
        app.use(Noting, seen=seen, shouts=shouts)
    return app, seen


@pytest.mark.parametrize('count', [1, 2])
@pytest.mark.parametrize('body', ['text', b'bytes', {'a': 1}, None], ids=range(4))
def test_a_body_in_memory_passes_all_middlewares_and_none_of_it_is_sent(body, count):
    app, seen = used(lambda req, res, ctx: res.out(200, body), count)
    get, made = ask(app), list(seen)
    seen.clear()
    head = ask(app, 'HEAD')
    assert (head.status, head.body, sorted(head.headers)) == (200, b'', sorted(get.headers))
    assert head.header('content-length') == str(len(get.body))
    assert [body for _, body in seen] == [body for _, body in made]
    assert {method for method, _ in seen} == {'HEAD'}


def test_what_a_middleware_makes_of_the_body_has_the_length_that_get_has():
    app, _ = used(lambda req, res, ctx: res.out(200, 'text'), shouts=True)
    get, head = ask(app), ask(app, 'HEAD')
    assert (get.text, get.header('content-length')) == ('TEXT!', '5')
    assert (head.body, head.header('content-length')) == (b'', '5')


async def chunks():
    yield b'abc'


@pytest.mark.parametrize('kind', ['stream', 'file'])
def test_a_file_or_a_stream_has_no_content_length_there_and_no_body(kind, tmp_path):
    (tmp_path / 'a.txt').write_text('abc')

    def handler(req, res, ctx):
        if kind == 'file':
            res.file(tmp_path / 'a.txt')
        else:
            res.body = chunks()

    app, _ = used(handler)
    head = ask(app, 'HEAD')
    assert (head.status, head.body, head.header('content-length')) == (200, b'', None)


def test_without_middlewares_a_file_has_its_length_on_head(tmp_path):
    (tmp_path / 'a.txt').write_text('abc')
    app = App()
    app.GET('/', lambda req, res, ctx: res.file(tmp_path / 'a.txt'))
    assert ask(app, 'HEAD').header('content-length') == '3'


@pytest.mark.parametrize('target, status', [('/none', 404), ('/fails', 500)])
def test_pages_of_errors_are_made_as_for_get_too(target, status):
    app, seen = used(lambda req, res, ctx: None)
    app.GET('/fails', lambda req, res, ctx: 1 / 0)
    get = ask(app, target=target)
    seen.clear()
    head = ask(app, 'HEAD', target)
    assert (head.status, head.body, sorted(head.headers)) == (status, b'', sorted(get.headers))
    assert seen == [('HEAD', get.body)]


def test_a_head_that_is_registered_itself_is_its_handlers():
    app, _ = used(lambda req, res, ctx: res.out(200, 'get'))
    app.HEAD('/', lambda req, res, ctx: res.header('x-by', 'head') and None)
    head = ask(app, 'HEAD')
    assert (head.header('x-by'), head.body) == ('head', b'')

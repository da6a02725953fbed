"""Pages sent as they are made."""

import asyncio

import pytest

ROWS = '<h1>{{ title }}</h1>{% for row in rows %}<p>{{ row }}</p>\n{% endfor %}'


@pytest.mark.parametrize('options', [{}, {'asynchronous': True}])
def test_a_stream_sends_the_page_in_pieces_of_a_useful_size(site, options):
    whole = site.page(ROWS, title='<', rows=range(20000))
    reply = site.page(ROWS, title='<', rows=range(20000), stream=True, options=options)
    assert reply.text == whole.text
    assert 'content-length' not in reply.headers
    assert reply.headers['content-type'] == 'text/html; charset=utf-8'
    assert min(len(chunk) for chunk in reply.chunks[:-1]) >= 16384
    assert max(len(chunk) for chunk in reply.chunks) < 17000


@pytest.mark.parametrize('text', ['', 'small'])
def test_a_small_page_streams_too(site, text):
    assert site.page('{{ text }}', text=text, stream=True).text == text


def rows_until(n):
    yield from range(n)
    raise ValueError('no more rows')


@pytest.mark.parametrize('options', [{}, {'asynchronous': True}])
def test_an_error_before_the_first_piece_is_a_500(site, options):
    reply = site.page(ROWS, title='x', rows=rows_until(10), stream=True, options=options)
    assert (reply.status, type(reply.error)) == (500, ValueError)
    assert '<p>' not in reply.text


def test_an_error_after_the_first_piece_ends_the_response_before_its_end(site):
    reply = site.page(ROWS, title='x', rows=rows_until(20000), stream=True)
    assert (reply.status, type(reply.error)) == (200, ValueError)
    assert reply.messages[-1].get('more_body') is True


def test_a_page_that_nobody_waits_for_is_closed(site):
    closed = []

    def rows():
        try:
            yield from range(100000)
        finally:
            closed.append(True)

    async def load():
        yield 1

    async def run(asynchronous):
        site.write('templates/page.html', ROWS)
        app = site.app(asynchronous=asynchronous)
        generator = rows()

        async def show(req, res, ctx):
            await res.render('page.html', rows=generator, title='x', stream=True)

        app.GET('/', show)
        sent = []

        async def receive():
            return {'type': 'http.request', 'body': b'', 'more_body': False}

        async def send(message):
            sent.append(message)
            if len(sent) == 3:
                raise OSError('the client left')

        scope = {
            'type': 'http',
            'method': 'GET',
            'path': '/',
            'headers': [],
            'query_string': b'',
            'asgi': {'version': '3.0'},
        }
        await app({**scope, 'http_version': '1.1', 'scheme': 'http'}, receive, send)
        taken = next(generator, None)
        return len(sent), taken

    for asynchronous in (False, True):
        sent, taken = asyncio.run(run(asynchronous))
        assert sent == 3
        assert taken is None or taken < 5000


def test_other_requests_have_their_turn_between_the_pieces(site):
    turns = []

    async def show(req, res, ctx):
        asyncio.get_running_loop().call_soon(turns.append, 'other')
        await res.render('page.html', rows=(turns.append('row') or n for n in range(5000)), title='x', stream=True)

    site.write('templates/page.html', ROWS)
    site.ask(site.app(show))
    assert 'other' in turns[:-1]

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


@pytest.mark.parametrize('options', [{}, {'asynchronous': True}])
@pytest.mark.parametrize('how', [{'fail_after': 3}, {'fail_after': 1}, {'method': 'HEAD'}])
def test_a_page_that_nobody_reads_to_its_end_is_closed(site, options, how):
    seen = []

    def rows():
        try:
            for n in range(100000):
                seen.append(n)
                yield n
        finally:
            seen.append('closed')

    site.write('templates/page.html', ROWS)
    app = site.app(lambda req, res, ctx: res.render('page.html', rows=rows(), title='x', stream=True), **options)
    site.ask(app, **how)
    assert seen[-1] == 'closed'
    assert len(seen) < 10000


def test_other_requests_have_their_turn_between_the_pieces(site):
    turns = []

    async def show(req, res, ctx):
        asyncio.get_running_loop().call_soon(turns.append, 'other')
        await res.render('page.html', rows=(turns.append('row') or n for n in range(5000)), title='x', stream=True)

    site.write('templates/page.html', ROWS)
    site.ask(site.app(show))
    assert 'other' in turns[:-1]

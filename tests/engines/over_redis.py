"""The recipes of Redis while the server stops, dies, hangs and comes back, and shared by several workers."""

import asyncio
import json
import socket

import httpx
import pytest
from heaven_testing import AsyncClient, Client
from serving import serve
from test_docs import ROOT

PAGE = ROOT / 'docs/cookbook/redis.md'
AWAY = (503, '5', {'error': 'Try again later'})


def said(reply):
    return reply.status_code, reply.headers.get('retry-after'), reply.json()


def log_in(client):
    return client.post('/login', data={'name': 'Ada'}).status_code


@pytest.fixture(autouse=True)
def emptied(redis):
    redis.ask('FLUSHALL')


@pytest.mark.parametrize('end', ['stop', 'kill'])
def test_a_server_that_is_gone_is_a_503_and_the_app_goes_on_when_it_is_back(redis, recipe, end):
    with Client(recipe('waiting').app) as client:
        client.post('/waiting/Ada')

        getattr(redis, end)()
        assert said(client.get('/waiting')) == AWAY
        assert said(client.post('/waiting/Eve')) == AWAY
        redis.start()

        assert client.get('/waiting').json() == ['Ada']


def test_a_server_that_was_away_between_two_requests_is_not_noticed(redis, recipe):
    with Client(recipe('waiting').app) as client:
        client.post('/waiting/Ada')
        redis.stop()
        redis.start()
        assert client.get('/waiting').json() == ['Ada']


def test_a_server_that_hangs_is_a_503_in_time(redis, recipe):
    with Client(recipe('waiting').app) as client:
        client.post('/waiting/Ada')
        redis.freeze()
        assert said(client.get('/waiting')) == AWAY
        redis.thaw()
        assert client.get('/waiting').json() == ['Ada']


def test_the_app_starts_without_the_server(redis, recipe):
    redis.stop()
    with Client(recipe('waiting').app) as client:
        assert said(client.get('/waiting')) == AWAY
        redis.start()
        assert client.get('/waiting').json() == []


def test_a_mistake_is_a_500(redis, recipe):
    redis.ask('SET', 'waiting', 'a text')
    with Client(recipe('waiting').app, raise_app_exceptions=False) as client:
        assert client.get('/waiting').status_code == 500


def test_more_requests_than_connections_wait_for_one(redis, recipe):
    async def ask():
        async with AsyncClient(recipe('waiting').app) as client:
            replies = await asyncio.gather(*(client.get('/waiting') for _ in range(200)))
            return {reply.status_code for reply in replies}

    assert asyncio.run(ask()) == {200}


def test_what_is_cached_is_made_each_time_while_the_server_is_away(redis, recipe, monkeypatch):
    reports = recipe('reports')
    made = []

    async def count(year):
        made.append(year)
        return {'visits': len(made)}

    monkeypatch.setattr(reports, 'count_visits', count)
    with Client(reports.app) as client:

        def ask():
            return client.get('/reports/2026').json()['visits']

        assert [ask(), ask()] == [1, 1]
        redis.stop()
        assert [ask(), ask()] == [2, 3]
        assert client.post('/reports/2026/correct').status_code == 204
        redis.start()
        assert [ask(), ask()] == [1, 1]  # what the correction could not delete, until its minute is over
        redis.freeze()
        assert ask() == 4
        redis.thaw()


def test_a_limit_counts_for_all_workers_together(redis, folder):
    with serve('limits:app', folder, workers=2) as url:

        async def ask():
            # A connection each, so that both workers get some of them.
            limits = httpx.Limits(max_keepalive_connections=0)
            async with httpx.AsyncClient(base_url=url, limits=limits, timeout=30) as client:
                replies = await asyncio.gather(*(client.post('/login', data={'name': 'Ada'}) for _ in range(40)))
                return sorted(reply.status_code for reply in replies)

        assert asyncio.run(ask()) == [200] * 5 + [429] * 35


def test_a_client_that_waits_as_told_is_served_again(redis, recipe):
    limits = recipe('limits')
    app = limits.app.copy()
    app.GET('/slow', lambda req, res, ctx: None, before=limits.Limit('slow', 1, 1, without_redis='serve'))
    with Client(app) as client:
        assert client.get('/slow').status_code == 200
        refused = client.get('/slow')
        assert (refused.status_code, refused.headers['retry-after']) == (429, '1')
        while client.get('/slow').status_code == 429:
            pass
        assert redis.ask('KEYS', 'limit:slow:*') == 'limit:slow:127.0.0.1'


def test_a_key_is_gone_when_all_is_paid_for(redis, recipe):
    with Client(recipe('limits').app) as client:
        assert log_in(client) == 200
        assert 0 < int(redis.ask('PTTL', 'limit:login:127.0.0.1')) <= 12_000


def test_addresses_count_each_by_itself_and_those_of_one_customer_together(redis, recipe):
    def ask(address):
        with Client(recipe('limits').app, client=(address, 1)) as client:
            return log_in(client)

    assert [ask('2001:db8::1') for _ in range(3)] == [200] * 3
    assert [ask('2001:db8::2') for _ in range(3)] == [200, 200, 429]
    assert ask('2001:db8:0:1::1') == 200
    assert [ask('192.0.2.1') for _ in range(6)] == [200] * 5 + [429]
    assert ask('::ffff:192.0.2.1') == 429
    assert ask('::ffff:192.0.2.2') == 200


def test_without_the_server_a_login_refuses_and_a_search_serves(redis, recipe):
    with Client(recipe('limits').app) as client:
        for away, back in [(redis.stop, redis.start), (redis.freeze, redis.thaw)]:
            away()
            assert said(client.post('/login', data={'name': 'Ada'})) == AWAY
            assert client.get('/search').status_code == 200
            back()
        assert [log_in(client) for _ in range(6)].count(429) == 1
        assert client.get('/search').status_code == 200


def test_a_limit_says_what_happens_without_the_server(recipe):
    with pytest.raises(ValueError, match="'serve' or 'refuse'"):
        recipe('limits').Limit('search', 5, 60, without_redis='hope')


def test_what_a_client_forgets_is_a_400(redis, recipe):
    with Client(recipe('limits').app) as client:
        assert client.post('/login').status_code == 400
    with Client(recipe('news').app) as client:
        assert client.post('/news', json={'text': 'no form'}).status_code == 400


def read_until_news(client, window, text):
    """Read a window until it shows a text, which is published again whenever the window may have missed it."""
    client.post('/news', data={'text': text})
    for event in window:
        if event.event == 'reload':
            client.post('/news', data={'text': text})
        elif json.loads(event.data)['text'] == text:
            return


def test_windows_of_all_workers_show_what_is_published(redis, folder):
    async def watch(client, opened, seen):
        async with client.stream('GET', '/news/events') as stream:
            opened()
            async for line in stream.aiter_lines():
                if line.startswith('data: {'):
                    seen(json.loads(line.removeprefix('data: '))['text'])
                    return

    async def ask(url):
        async with httpx.AsyncClient(base_url=url, timeout=30) as client:
            seen = []
            windows = [asyncio.create_task(watch(client, lambda: None, seen.append)) for _ in range(20)]
            while not all(window.done() for window in windows):
                await client.post('/news', data={'text': 'Surgery is closed'})
            await asyncio.gather(*windows)
            return seen

    with serve('news:app', folder, workers=2) as url:
        assert asyncio.run(ask(url)) == ['Surgery is closed'] * 20


@pytest.mark.parametrize('end', ['stop', 'kill'])
def test_open_windows_go_on_when_the_server_is_back(redis, recipe, end):
    with Client(recipe('news').app) as client, client.sse('/news/events') as window:
        read_until_news(client, window, 'before')

        getattr(redis, end)()
        assert said(client.post('/news', data={'text': 'lost'})) == AWAY
        with client.sse('/news/events') as opened_meanwhile:
            assert next(opened_meanwhile).event == 'reload'
        redis.start()

        assert next(event.event for event in window if event.event == 'reload') == 'reload'
        read_until_news(client, window, 'after')


def test_a_server_that_fell_silent_is_noticed(redis, recipe, monkeypatch, caplog):
    news = recipe('news')
    monkeypatch.setattr(news, 'SILENCE', 0.2)
    with Client(news.app) as client, client.sse('/news/events') as window:
        read_until_news(client, window, 'before')
        redis.freeze()
        while 'no news: ' not in caplog.text:
            assert client.get('/').status_code == 200
        redis.thaw()
        read_until_news(client, window, 'after')


def test_a_window_that_does_not_read_is_told_to_reload_and_holds_up_nobody(redis, folder):
    with serve('news:app', folder) as url, httpx.Client(base_url=url, timeout=30) as client:
        with socket.create_connection((client.base_url.host, client.base_url.port)) as slow:
            slow.sendall(b'GET /news/events HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n')
            # 30 MB: more than the buffers of a connection and a hundred news.
            for number in range(600):
                assert client.post('/news', data={'text': f'{number} ' + 'x' * 50_000}).status_code == 201
            late = []
            lines = (line for line in slow.makefile('r') if line.startswith(('event: reload', 'data: {')))
            while not late or late[-1] != 599:
                line = next(lines)
                late.append(
                    'reload' if line[0] == 'e' else int(json.loads(line.removeprefix('data: '))['text'].split()[0])
                )

        numbers = [each for each in late if each != 'reload']
        assert 'reload' in late[late.index(numbers[0]) :]
        assert len(numbers) < 600
        assert numbers == sorted(numbers)
        assert len(client.get('/news').json()) == 50

"""A suite for an application that is not Heaven's, with the fixtures of heaven-testing."""

import asyncio
from typing import Any

import pytest
from heaven_testing import AsyncClient, Client, WebSocketRefused


def post(client: Client, text: str, **headers: str) -> Any:
    return client.post('/notices', json={'text': text}, headers=headers).json()


def test_a_notice_is_posted_and_listed(client: Client) -> None:
    assert post(client, 'Cat found', **{'X-Author': 'Ada'}) == {'id': 1, 'text': 'Cat found', 'author': 'Ada'}
    assert [notice['author'] for notice in client.get('/notices').json()] == ['Ada', 'the board']
    assert client.post('/notices', json={}).status_code == 422


def test_every_test_has_a_board_of_its_own(client: Client) -> None:
    assert client.get('/notices').json() == []


def test_what_runs_in_the_background_has_run_when_the_call_returns(client: Client) -> None:
    post(client, 'first')
    assert client.get('/notices').json()[1]['text'] == 'Welcome, somebody!'


def test_an_export_is_read_line_by_line(client: Client) -> None:
    for text in ('one', 'two'):
        post(client, text)
    with client.stream('GET', '/notices.jsonl') as response:
        lines = response.iter_lines()
        assert next(lines) == '{"id": 1, "text": "one", "author": "somebody"}'
        assert len(list(lines)) == 2


def test_new_notices_arrive_while_somebody_watches(client: Client) -> None:
    with client.sse('/notices/live') as events:
        post(client, 'Dog lost')
        event = next(events)
        assert (event.event, event.id, event.json()['text']) == ('notice', '1', 'Dog lost')
        assert next(events).json()['text'] == 'Welcome, somebody!'


def test_notices_are_posted_at_the_desk(client: Client) -> None:
    with client.websocket('/desk', headers={'X-Author': 'Grace'}) as ws:
        ws.send('Piano for sale')
        assert ws.receive_json() == {'id': 1, 'text': 'Piano for sale', 'author': 'Grace'}
    with pytest.raises(WebSocketRefused) as caught:
        client.websocket('/desk')
    assert (caught.value.response.status_code, caught.value.response.json()) == (401, {'error': 'who are you?'})


def test_an_exception_of_the_application_is_raised_in_the_test(client: Client, app: Any) -> None:
    with pytest.raises(LookupError, match='nobody has written this page'):
        client.get('/help')
    with Client(app, raise_app_exceptions=False) as quiet:
        assert quiet.get('/help').status_code == 500


async def test_many_who_watch_see_the_same(async_client: AsyncClient) -> None:
    async def first_notice() -> str:
        async with async_client.sse('/notices/live') as events:
            watching.release()
            return str((await anext(events)).json()['text'])

    watching = asyncio.Semaphore(0)
    watchers = [asyncio.create_task(first_notice()) for _ in range(3)]
    for _ in watchers:
        await watching.acquire()
    await async_client.post('/notices', json={'text': 'Fire drill'})
    assert await asyncio.gather(*watchers) == ['Fire drill'] * 3

"""The recipe of jobs, with workers that are stopped and killed in the middle of a job, and a Redis that goes."""

import signal
import subprocess
import sys
from contextlib import contextmanager

import httpx
import pytest
from heaven_testing import Client
from serving import serve, wait_until
from test_docs import ROOT

PAGE = ROOT / 'docs/cookbook/jobs.md'
AWAY = (503, '5', {'error': 'Try again later'})

OFFICE = """
import asyncio

from heaven import App

came = []
release = asyncio.Event()


async def take(req, res, ctx):
    came.append(req.headers['idempotency-key'])
    text = req.json['text']
    if text == 'wait':
        await release.wait()
    if text == 'fail once' and len(came) == 1:
        res.abort(503)
    if text == 'refuse':
        res.abort(422)
    res.body = {'number': len(came)}


app = App()
app.POST('/', take)
app.GET('/came', lambda req, res, ctx: res.out(200, came))
app.POST('/release', lambda req, res, ctx: release.set())
"""
HURRIED = """
from letters import WORKER

WORKER = {**WORKER, 'job_completion_wait': 1}
"""


@pytest.fixture
def office(tmp_path, monkeypatch):
    """A post office; gives a client that asks it."""
    (tmp_path / 'office.py').write_text(OFFICE)
    with serve('office:app', tmp_path) as url, httpx.Client(base_url=url) as client:
        monkeypatch.setenv('POST_OFFICE', url)
        yield client


@pytest.fixture
def client(redis, recipe):
    redis.ask('FLUSHALL')
    with Client(recipe('desk').app) as client:
        yield client


@contextmanager
def working(folder, settings='letters.WORKER'):
    """Run a worker as its users do."""
    with (folder / 'worker.log').open('ab') as log:
        worker = subprocess.Popen([sys.executable, '-m', 'arq', settings], cwd=folder, stdout=log, stderr=log)
    try:
        yield worker
    finally:
        worker.kill()
        worker.wait()


def send(client, text, **headers):
    reply = client.post('/letters', json={'to': 'Ada', 'text': text}, headers=headers)
    assert reply.status_code == 202
    return reply.json()['letter']


def wait_for(client, letter):
    """Wait until a letter is complete; return what is said of it."""
    wait_until(lambda: client.get(f'/letters/{letter}').json()['status'] == 'complete')
    return client.get(f'/letters/{letter}').json()


def said(reply):
    return reply.status_code, reply.headers.get('retry-after'), reply.json()


def test_a_worker_does_what_was_asked_for_before_it_started_and_after(office, client, folder):
    before = send(client, 'a letter')
    with working(folder):
        assert wait_for(client, before) == {'status': 'complete', 'tries': 1, 'sent': True}
        after = send(client, 'a letter')
        assert wait_for(client, after) == {'status': 'complete', 'tries': 1, 'sent': True}
    assert office.get('/came').json() == [before, after]


def test_what_fails_for_now_is_tried_again(office, client, folder):
    with working(folder):
        letter = send(client, 'fail once')
        assert wait_for(client, letter) == {'status': 'complete', 'tries': 2, 'sent': True}
    assert office.get('/came').json() == [letter, letter]


def test_what_is_refused_is_not_tried_again(office, client, folder):
    with working(folder):
        letter = send(client, 'refuse')
        assert wait_for(client, letter) == {'status': 'complete', 'tries': 1, 'sent': False}
    assert office.get('/came').json() == [letter]


def test_a_letter_that_is_asked_for_twice_is_sent_once(office, client, folder):
    with working(folder):
        assert send(client, 'a letter', **{'idempotency-key': 'bill-7'}) == 'bill-7'
        wait_for(client, 'bill-7')
        assert send(client, 'a letter', **{'idempotency-key': 'bill-7'}) == 'bill-7'
        last = send(client, 'a letter')
        wait_for(client, last)
    assert office.get('/came').json() == ['bill-7', last]


def test_a_key_that_no_address_can_hold_is_a_400_and_no_job(client, redis):
    for key in ('..', 'a b', 'x' * 65):
        reply = client.post('/letters', json={'to': 'Ada'}, headers={'idempotency-key': key})
        assert reply.status_code == 400
        assert redis.ask('EXISTS', f'arq:job:{key}') == '0'


def test_a_job_whose_worker_is_killed_begins_again(office, client, folder, redis):
    letter = send(client, 'wait')
    with working(folder) as worker:
        wait_until(lambda: office.get('/came').json() == [letter])
        worker.kill()
    office.post('/release')

    # Another worker waits until the first one can no longer be at it. We do not.
    assert 0 < int(redis.ask('PTTL', f'arq:in-progress:{letter}')) <= 70_000
    assert client.get(f'/letters/{letter}').json() == {'status': 'in_progress'}
    redis.ask('DEL', f'arq:in-progress:{letter}')

    with working(folder):
        assert wait_for(client, letter) == {'status': 'complete', 'tries': 2, 'sent': True}
    assert office.get('/came').json() == [letter, letter]


def test_a_worker_that_is_stopped_finishes_its_job(office, client, folder):
    letter = send(client, 'wait')
    with working(folder) as worker:
        wait_until(lambda: office.get('/came').json() == [letter])
        worker.send_signal(signal.SIGTERM)
        office.post('/release')
        worker.wait(timeout=50)
    assert client.get(f'/letters/{letter}').json() == {'status': 'complete', 'tries': 1, 'sent': True}


def test_a_job_that_takes_too_long_for_a_stop_begins_again_at_once(office, client, folder):
    (folder / 'hurried.py').write_text(HURRIED)
    letter = send(client, 'wait')
    with working(folder, 'hurried.WORKER') as worker:
        wait_until(lambda: office.get('/came').json() == [letter])
        worker.send_signal(signal.SIGTERM)
        worker.wait(timeout=50)
    assert client.get(f'/letters/{letter}').json() == {'status': 'queued'}

    office.post('/release')
    with working(folder):
        assert wait_for(client, letter) == {'status': 'complete', 'tries': 2, 'sent': True}


@pytest.mark.parametrize('end', ['stop', 'kill'])
def test_no_job_is_lost_with_the_server(office, client, folder, redis, end):
    letter = send(client, 'a letter')
    getattr(redis, end)()
    assert said(client.post('/letters', json={'text': 'lost'})) == AWAY
    assert said(client.get(f'/letters/{letter}')) == AWAY
    redis.start()
    with working(folder):
        assert wait_for(client, letter) == {'status': 'complete', 'tries': 1, 'sent': True}


def test_a_worker_without_its_server_ends_so_that_it_can_be_started_again(office, client, folder, redis):
    with working(folder) as worker:
        wait_for(client, send(client, 'a letter'))
        redis.kill()
        assert worker.wait(timeout=50) != 0
    redis.start()
    with working(folder):
        wait_for(client, send(client, 'a letter'))


def test_a_server_that_hangs_is_a_503_in_time(client, redis):
    redis.freeze()
    assert said(client.post('/letters', json={'text': 'lost'})) == AWAY
    redis.thaw()
    assert client.get('/letters/none').status_code == 404

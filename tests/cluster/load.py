"""Who uses the clinic during the test: people who write and read over HTTP/2, and windows on the waiting room."""

import asyncio
import json
import time
from collections import Counter
from contextlib import suppress

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

KEY = {'authorization': 'Bearer demo-doctor'}
WORDS = ('The clinic cannot reach its records.', 'The clinic is busy.')  # the beginning of every 503
CONNECTION = 500  # requests after which a person connects anew; nginx closes a connection after 1,000
PAUSE = 0.05  # seconds until somebody who got a 503 tries again


class Ledger:
    """What the clinic has acknowledged and has to have at the end, and what it answered otherwise."""

    def __init__(self):
        self.kept = {}  # number: the notes that the record may have, two where a change got a 503
        self.gone = set()
        self.unsure = set()  # numbers of records whose adding or deleting got a 503
        self.documents = {}  # location: bytes
        self.changes = Counter()  # by method, acknowledged
        self.wrong = []  # answers that nobody may get
        self.phase = Phase()


class Phase:
    """The answers of one part of the test."""

    def __init__(self):
        self.began = time.monotonic()
        self.seconds = []  # of every good answer
        self.refused = 0  # with a clear 503
        self.by_nginx = 0  # those of them that no worker gave
        self.last_good = self.began

    def figures(self):
        lasted = time.monotonic() - self.began
        times = sorted(self.seconds) or [0]
        return {
            'seconds': round(lasted, 1),
            'good': len(self.seconds),
            'a_second': round(len(self.seconds) / lasted),
            'median_ms': round(times[len(times) // 2] * 1000, 1),
            'p99_ms': round(times[len(times) * 99 // 100] * 1000, 1),
            'refused': self.refused,
            'by_nginx': self.by_nginx,
        }


class Person:
    """Somebody with a browser and a program, who keeps adding, changing, reading and deleting records."""

    def __init__(self, name, base, context, ledger):
        self.name, self.base, self.context, self.ledger = name, base, context, ledger
        self.origin = {'origin': base.removesuffix('/clinic')}
        self.client = self.connected()
        self.asked = 0

    async def work(self, done):
        number = 0
        try:
            while not done.is_set():
                await self.serve_patient(number)
                number += 1
        finally:
            await self.client.aclose()

    async def serve_patient(self, number):
        ledger, name = self.ledger, f'L-{self.name}-{number}'
        sent = {'number': name, 'name': f'Ada Obi {number}', 'born': '1990-05-01', 'notes': 'new'}
        added = await self.ask('POST', '/v1/patients', 201, json=sent)
        if added is None:
            ledger.unsure.add(name)
            return
        ledger.kept[name] = {'new'}
        where = added.headers['location'].removeprefix('/clinic')
        if await self.ask('PATCH', where, 200, json={'notes': 'changed'}):
            ledger.kept[name] = {'changed'}
        else:
            ledger.kept[name].add('changed')
        read = await self.ask('GET', where, 200)
        if read and read.json()['notes'] not in ledger.kept[name]:
            ledger.wrong.append(f'{name} was read as {read.text}')
        await self.ask('GET', f'/v1/patients?q={name}', 200)
        await self.ask('GET', '/patients', 200, as_person=True)
        if number % 10 == 3:
            await self.add_document(where, b'%PDF' + name.encode() * 100)
        if number % 10 == 7:
            deleted = await self.ask('DELETE', where, 204)
            del ledger.kept[name]
            (ledger.gone if deleted else ledger.unsure).add(name)

    async def add_document(self, where, data):
        saved = await self.ask('POST', f'{where}/documents', 201, files={'document': ('scan.pdf', data)})
        if saved:
            self.ledger.documents[saved.headers['location'].removeprefix('/clinic')] = data

    async def ask(self, method, path, expected, as_person=False, **sent):
        """Return the answer if it is the expected one, None if it is a clear 503; anything else is written down."""
        self.asked += 1
        if self.asked % CONNECTION == 0:
            cookies = self.client.cookies
            await self.client.aclose()
            self.client = self.connected(cookies)
        began = time.monotonic()
        headers = {'accept': 'text/html'} if as_person else KEY
        try:
            answer = await self.client.request(method, self.base + path, headers=headers, **sent)
        except httpx.HTTPError as error:
            self.ledger.wrong.append(f'{method} {path}: {error!r}')
            return None
        phase = self.ledger.phase
        if answer.status_code == expected and answer.http_version == 'HTTP/2':
            phase.last_good = time.monotonic()
            phase.seconds.append(phase.last_good - began)
            if method != 'GET':
                self.ledger.changes[method] += 1
            return answer
        if answer.status_code == 503 and 'retry-after' in answer.headers and any(word in answer.text for word in WORDS):
            phase.refused += 1
            phase.by_nginx += answer.headers['content-type'].startswith('text/plain')
            await asyncio.sleep(PAUSE)
            return None
        self.ledger.wrong.append(f'{method} {path}: {answer.status_code} {answer.text[:200]}')
        return None

    def connected(self, cookies=None):
        """Begin a new connection; the session, in its cookie, goes on."""
        return httpx.AsyncClient(http2=True, verify=self.context, timeout=30, cookies=cookies)

    async def log_in(self):
        form = {'name': 'doctor', 'password': 'demo-doctor', 'next': '/clinic/patients'}
        answer = await self.client.post(f'{self.base}/login', data=form, headers=self.origin)
        assert (answer.status_code, answer.headers.get('location')) == (303, '/clinic/patients'), answer.text


class Window:
    """A page that shows the waiting room, and connects again as the page of the clinic does."""

    def __init__(self, base, context):
        self.url = base.replace('https', 'wss') + '/v1/waiting/live'
        self.context = context
        self.shown = None
        self.lost = 0
        self.task = asyncio.create_task(self.watch())

    async def watch(self):
        while True:
            with suppress(OSError, WebSocketException):
                async with connect(self.url, ssl=self.context, additional_headers=KEY, proxy=None) as socket:
                    async for message in socket:
                        self.shown = [arrival['patient_id'] for arrival in json.loads(message)['waiting']]
            if self.shown is not None:
                self.lost += 1
            self.shown = None
            await asyncio.sleep(0.5)

    async def close(self):
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task

"""The clinic on four workers behind nginx, with PostgreSQL and Redis, under load, while each of them is killed.

`nox -s cluster` runs it, for some two minutes. Every write that was acknowledged has to be there at the end, every
window has to be told of every change, whatever was refused has to be a 503 with a word, and nothing may be held that
was not held before. The figures go into benchmarks/results/cluster.json and docs/deploying.md.
"""

import asyncio
import os
import ssl
import statistics
import sys
import time
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import report
import trustme
from engines import LIMIT, Nginx, PostgreSQL, Redis, Workers
from load import KEY, Ledger, Person, Phase, Window

PEOPLE = 16
LOADED = 15  # seconds of load while everything is there
DOWN = 3  # seconds that PostgreSQL stays away
AFTER = 5  # seconds of load after each recovery
TIMES = 5  # that somebody arrives and is called in; Redis stays away for so long
MEMORY = 8 * 1024  # KiB that a worker may hold more at the end than under the first load


class Cluster:
    """Everything that runs, and what is asked of it."""

    def __init__(self, folder, stack):
        def kept(engine):
            stack.callback(engine.kill)
            return engine

        authority = trustme.CA()
        self.context, self.context_of_windows = ssl.create_default_context(), ssl.create_default_context()
        for context in (self.context, self.context_of_windows):  # httpx writes `h2` into the one it is given
            authority.configure_trust(context)
        self.postgres = kept(PostgreSQL(folder))
        self.redis = kept(Redis(folder))
        self.workers = kept(Workers(folder, self.postgres, self.redis))
        self.nginx = kept(Nginx(folder, self.workers.socket, authority.issue_cert('127.0.0.1')))
        self.base = f'https://127.0.0.1:{self.nginx.port}/clinic'
        self.client = httpx.AsyncClient(http2=True, verify=self.context, headers=KEY, timeout=30)
        self.ledger = Ledger()
        self.windows = []
        self.phases = {}

    @asynccontextmanager
    async def phase(self, name):
        """Count the answers of a part of the test under its name; the figures may be added to."""
        self.ledger.phase = phase = Phase()
        lost = sum(window.lost for window in self.windows)
        more = {}
        yield more
        more['windows_lost'] = sum(window.lost for window in self.windows) - lost
        self.phases[name] = phase.figures() | more
        say(name, self.phases[name])

    # In front

    async def check_front(self):
        """Ask what nginx does itself, and whether the clinic knows where it is."""
        async with httpx.AsyncClient(http2=True, verify=self.context) as client:
            answer = await client.get(f'{self.base}/assets/style.css')
            assert (answer.status_code, answer.http_version) == (200, 'HTTP/2')
            assert 'content-security-policy' not in answer.headers, 'the app has sent it'
            answer = await client.get(f'{self.base}/patients')
            assert answer.headers['location'] == '/clinic/login?next=%2Fclinic%2Fpatients'
            form = {'name': 'doctor', 'password': 'demo-doctor'}
            answer = await client.post(f'{self.base}/login', data=form, headers={'origin': 'https://evil.example'})
            assert answer.status_code == 403

    # The windows

    async def open_windows(self):
        """Open windows until every worker serves one, two each on average at least."""
        before = self.workers.held()
        while len(self.windows) < 100:
            self.windows.append(Window(self.base, self.context_of_windows))
            await until(lambda: self.windows[-1].shown == [], 'a window')
            held = self.workers.held()
            served = [held[pid]['descriptors'] > before[pid]['descriptors'] for pid in before]
            if all(served) and len(self.windows) >= 2 * len(served):
                return
        raise AssertionError('of 100 windows one worker has none')

    async def tell(self):
        """Let somebody arrive and be called in; return the seconds from the request until the last window shows it.

        It is the longer time of both.
        """
        began = time.monotonic()
        arrival = await self.client.post(f'{self.base}/v1/waiting', json={'patient': 1})
        assert arrival.status_code == 201, arrival.text
        await until(lambda: self.all_show([1]), 'every window shows who has arrived')
        between = time.monotonic()
        called = await self.client.delete(self.base + arrival.headers['location'].removeprefix('/clinic'))
        assert called.status_code == 204, called.text
        await until(lambda: self.all_show([]), 'every window shows who was called in')
        self.ledger.changes.update(['POST', 'DELETE'])
        return round(max(between - began, time.monotonic() - between), 2)

    def all_show(self, patients):
        return all(window.shown == patients for window in self.windows)

    # What is away, one after another

    async def without_load(self):
        """Tell the windows of what nobody else does: only Redis can let those of the other workers know."""
        async with self.phase('no load') as found:
            found.update(told([await self.tell() for _ in range(2 * TIMES)]))

    async def under_load(self):
        async with self.phase('load') as found:
            times = []
            began = time.monotonic()
            while time.monotonic() < began + LOADED:
                times.append(await self.tell())
            found.update(told(times))
        assert self.phases['load']['refused'] == self.phases['load']['windows_lost'] == 0

    async def without_a_worker(self):
        async with self.phase('a worker killed') as found:
            pid = self.workers.kill_one()
            replaced = lambda: pid not in self.workers.pids() and len(self.workers.pids()) == self.workers.count
            await until(replaced, 'another worker')
            await until(lambda: self.all_show([]), 'every window is open again')
            found.update(told([await self.tell() for _ in range(TIMES)]))
            await lasting(AFTER)

    async def without_redis(self):
        async with self.phase('Redis killed') as found:
            await asyncio.to_thread(self.redis.kill)
            found.update(told([await self.tell() for _ in range(TIMES)]))
            await asyncio.to_thread(self.redis.start)
            await lasting(AFTER)
        assert self.phases['Redis killed']['refused'] == self.phases['Redis killed']['windows_lost'] == 0
        async with self.phase('Redis back') as found:
            found.update(told([await self.tell() for _ in range(TIMES)]))
            await lasting(AFTER)

    async def without_postgres(self):
        """Kill PostgreSQL, and a worker while it is away; another one has to take its place all the same."""
        before = self.workers.pids()
        async with self.phase('PostgreSQL killed') as found, httpx.AsyncClient(verify=self.context) as client:
            await asyncio.to_thread(self.postgres.kill)
            killed = self.workers.kill_one()
            began = time.monotonic()
            health = []
            while time.monotonic() < began + DOWN:
                answers = [await client.get(f'{self.base}/health/{what}') for what in ('live', 'ready')]
                health.append(tuple(answer.status_code for answer in answers))
            await asyncio.to_thread(self.postgres.start)
            started = time.monotonic()
            await until(lambda: self.ledger.phase.last_good > started, 'a good answer')
            found['recovered'] = round(time.monotonic() - started, 2)
            await until(lambda: self.all_show([]), 'every window is open again')
            found.update(told([await self.tell() for _ in range(TIMES)]))
            await lasting(AFTER)
        assert set(health) <= {(200, 503), (503, 503)}, health
        assert health.count((503, 503)) <= 1, 'a worker that lives said that it does not'
        assert self.workers.pids() >= before - {killed}, 'a worker was started again'

    async def with_postgres_that_hangs(self):
        """Let PostgreSQL answer nothing, until there are two refusals for each of the people."""
        async with self.phase('PostgreSQL hangs') as found:
            phase = self.ledger.phase
            with self.postgres.frozen():
                await until(lambda: phase.refused >= 2 * PEOPLE, 'two refusals for each of the people')
            thawed = time.monotonic()
            await until(lambda: phase.last_good > thawed, 'a good answer')
            found['recovered'] = round(time.monotonic() - thawed, 2)
            await until(lambda: self.all_show([]), 'every window is open again')
            found.update(told([await self.tell() for _ in range(TIMES)]))
            await lasting(AFTER)

    # The end

    def check_records(self):
        """Compare what is in the tables with what was acknowledged; return the figures."""
        ledger = self.ledger
        assert not ledger.wrong, '\n'.join(ledger.wrong[:20])
        rows = dict(line.split('|') for line in self.postgres.ask('SELECT number, notes FROM patients').splitlines())
        lost = [number for number, notes in ledger.kept.items() if rows.get(number) not in notes]
        assert not lost, f'acknowledged, and lost: {lost[:20]}'
        back = [number for number in ledger.gone if number in rows]
        assert not back, f'deleted, and there again: {back[:20]}'
        lines = self.postgres.ask('SELECT method, count(*) FROM changes GROUP BY method').splitlines()
        audited = {method: int(count) for method, count in (line.split('|') for line in lines)}
        missing = {method: count for method, count in ledger.changes.items() if audited.get(method, 0) < count}
        assert not missing, f'acknowledged, and not in the audit: {missing} of {audited}'
        return {
            'acknowledged': ledger.changes.total(),
            'records': len(ledger.kept),
            'deleted': len(ledger.gone),
            'documents': len(ledger.documents),
            'lost': len(lost),
            'refused': len(ledger.unsure),
            'refused_and_kept': len(ledger.unsure & rows.keys()),
            'files_too_many': self.files_without_a_row(),
        }

    def files_without_a_row(self):
        """Count the files of documents that workers had saved when they were killed; no row may lack its file."""
        rows = set(self.postgres.ask('SELECT stored FROM documents').split())
        files = {path.name for path in self.workers.documents.iterdir()}
        assert rows <= files, f'documents without their file: {rows - files}'
        return len(files - rows)

    async def check_documents(self):
        for where, data in self.ledger.documents.items():
            assert (await self.client.get(self.base + where)).content == data, where

    async def check_leaks(self, first):
        """Compare with what a worker held under the first load; those that have come since count as well."""
        most = {what: max(held[what] for held in first.values()) for what in ('memory', 'descriptors')}

        def flat():
            return all(held['descriptors'] <= most['descriptors'] for held in self.workers.held().values())

        await until(flat, f'descriptors: {first}, and then {self.workers.held()}')
        held = self.workers.held()
        grown = max(each['memory'] for each in held.values()) - most['memory']
        assert grown <= MEMORY, f'memory: {first}, and then {held}'
        idle = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
        assert self.postgres.ask(idle).strip() == '0', 'a transaction was left open'
        return {
            'memory_kib': most['memory'],
            'grown_kib': grown,
            'descriptors': most['descriptors'],
            'descriptors_at_the_end': max(each['descriptors'] for each in held.values()),
        }


async def until(ready, what):
    """Ask until it is so, and return the seconds that it took."""
    began = time.monotonic()
    while not ready():
        if time.monotonic() > began + LIMIT:
            raise TimeoutError(what)
        await asyncio.sleep(0.005)
    return time.monotonic() - began


def told(times):
    """Return the figures of the seconds until the last window showed what had changed."""
    return {'told': round(statistics.median(times), 2), 'told_at_most': max(times)}


def say(name, figures):
    print(f'{name}:', ', '.join(f'{key} {value}' for key, value in figures.items()), flush=True)


async def lasting(seconds):
    """Let the load go on for so long."""
    await asyncio.sleep(seconds)


async def run(cluster):
    await cluster.check_front()
    await cluster.open_windows()
    done = asyncio.Event()
    people = [Person(number, cluster.base, cluster.context, cluster.ledger) for number in range(PEOPLE)]
    await cluster.without_load()
    for person in people:
        await person.log_in()
    async with asyncio.TaskGroup() as tasks:
        for person in people:
            tasks.create_task(person.work(done))
        await cluster.under_load()
        first = cluster.workers.held()
        await cluster.without_a_worker()
        await cluster.without_redis()
        await cluster.without_postgres()
        await cluster.with_postgres_that_hangs()
        done.set()
    shape = {'workers': cluster.workers.count, 'windows': len(cluster.windows), 'people': PEOPLE}
    kept = cluster.check_records()
    say('kept', kept)
    await cluster.check_documents()
    for window in cluster.windows:
        await window.close()
    await cluster.client.aclose()
    held = await cluster.check_leaks(first)
    say('held', held)
    await asyncio.to_thread(cluster.workers.stop)
    assert 'Traceback' not in cluster.workers.log.read_text(), cluster.workers.said()
    return {'shape': shape, 'phases': cluster.phases, 'kept': kept, 'held': held}


def main():
    os.environ['NO_PROXY'] = os.environ['no_proxy'] = '*'  # whatever proxy leads out of this machine
    with TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL may be another user
        cluster = Cluster(folder, stack)
        try:
            found = asyncio.run(run(cluster))
        except BaseException:
            print(cluster.workers.said(), cluster.nginx.said(), cluster.postgres.said(), sep='\n', file=sys.stderr)
            raise
    report.write(found)


if __name__ == '__main__':
    main()

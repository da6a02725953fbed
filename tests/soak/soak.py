"""A long run over sockets: many requests of all kinds, clients that leave or are slow, and stops under load.

Memory, descriptors and tasks are sampled and have to stay flat. `nox -s soak` takes some three minutes on two quiet
cores, `nox -s soak -- --short` one.
"""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / 'servers'))

from served import free_port  # noqa: E402
from wire import Socket, ask  # noqa: E402

SHORT = '--short' in sys.argv
REQUESTS = 30_000 if SHORT else 300_000
LEAVERS = 500 if SHORT else 5000
ROUNDS = 5 if SHORT else 20
SLOW = 200
AT_ONCE = 16
SAMPLES = 10
MEMORY = 4 * 1024  # KiB that the second half of a run may add to the first, in which caches and threads are made
STUCK = 64 * 1024  # KiB that clients who read nothing may make the server hold
RANDOM = random.Random(7)
FORM = b'--b\r\ncontent-disposition: form-data; name="document"; filename="a.bin"\r\n\r\n%s\r\n--b--\r\n'


def server(folder, port):
    command = [
        'uvicorn',
        'soaked:app',
        '--port',
        str(port),
        '--log-level',
        'error',
        '--timeout-graceful-shutdown',
        '20',
    ]
    path = os.pathsep.join([str(HERE), os.environ.get('PYTHONPATH', '')])
    env = {**os.environ, 'PYTHONPATH': path, 'MALLOC_ARENA_MAX': '1'}  # else each new thread adds memory of its own
    process = subprocess.Popen([sys.executable, '-m', *command], cwd=folder, env=env)
    until = time.monotonic() + 30
    while True:
        try:
            vitals(port)
            return process
        except OSError:
            assert process.poll() is None and time.monotonic() < until, 'the server does not start'
            time.sleep(0.05)


def vitals(port):
    return json.loads(ask(port, '/vitals').body)


def quiet_vitals(port, like=None):
    """Return what the server holds once it holds no more descriptors and tasks than before, or after 30 seconds."""
    until = time.monotonic() + 30
    while True:
        held = vitals(port)
        if like is None or time.monotonic() > until:
            return held
        if held['descriptors'] <= like['descriptors'] and held['tasks'] <= like['tasks']:
            return held
        time.sleep(0.2)


def head(method, target, size=None, *fields):
    lines = [f'{method} {target} HTTP/1.1', 'host: soak.example', *fields]
    if size is not None:
        lines.append(f'content-length: {size}')
    return '\r\n'.join(lines).encode() + b'\r\n\r\n'


class Peer:
    """One connection of a client; kept alive from one request to the next."""

    def __init__(self, port):
        self.port = port
        self.writer = None

    async def ask(self, *parts):
        """Send a request; return the status and the body."""
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection('127.0.0.1', self.port)
        for part in parts:
            self.writer.write(part)
        await self.writer.drain()
        told = (await self.reader.readuntil(b'\r\n\r\n')).decode().lower()
        size = int(told.partition('content-length: ')[2].partition('\r\n')[0])
        body = await self.reader.readexactly(size)
        if 'connection: close' in told:
            self.leave()
        return int(told.split()[1]), body

    def leave(self):
        if self.writer is not None:
            self.writer.transport.abort()
            self.writer = None


# Many requests of all kinds


async def get_item(peer, number):
    assert (await peer.ask(head('GET', f'/items/{number}?q={number}')))[0] == 200


async def post_json(peer, number):
    sent = json.dumps({'number': number, 'name': 'Zo\xeb' * (number % 50)}).encode()
    status, body = await peer.ask(head('POST', '/json', len(sent), 'content-type: application/json'), sent)
    assert (status, json.loads(body)) == (200, json.loads(sent))


async def post_bad_json(peer, number):
    assert (await peer.ask(head('POST', '/json', 1, 'content-type: application/json'), b'{'))[0] == 400


async def upload(peer, number):
    sent = FORM % (b'x' * RANDOM.choice([10, 10_000, 1_500_000 if number % 20 == 0 else 100]))
    kind = 'content-type: multipart/form-data; boundary=b'
    assert (await peer.ask(head('POST', '/upload', len(sent), kind), sent))[0] == 200


async def range_of_file(peer, number):
    first = RANDOM.randrange(1_000_000)
    status, body = await peer.ask(head('GET', '/file', None, f'range: bytes={first}-{first + 999}'))
    assert (status, body) == (206, bytes(at % 256 for at in range(first, first + 1000)))


async def whole_file(peer, number):
    status, body = await peer.ask(head('GET', '/file'))
    assert (status, len(body)) == (200, 2**20)


async def miss(peer, number):
    assert (await peer.ask(head('GET', f'/nothing/{number}')))[0] == 404


async def thread(peer, number):
    assert (await peer.ask(head('GET', '/threaded'))) == (200, b'done')


async def abort(peer, number):
    reader, writer = await asyncio.open_connection('127.0.0.1', peer.port)
    writer.write(head('GET', RANDOM.choice(['/download', '/events', '/file'])))
    with suppress(OSError):
        await reader.read(100)
    writer.transport.abort()


async def events(peer, number):
    reader, writer = await asyncio.open_connection('127.0.0.1', peer.port)
    writer.write(head('GET', '/events'))
    for _ in range(3):
        await reader.readuntil(b'\n\n')
    writer.transport.abort()


async def socket(peer, number):
    await asyncio.to_thread(talk, peer.port, f'message {number}', number % 2)


def talk(port, text, says_goodbye):
    with Socket(port, '/echo') as peer:
        peer.say(text)
        assert peer.hear() == text
        if says_goodbye:
            peer.say(b'\x03\xe8', opcode=8)
            peer.hear()


MIX = [get_item] * 50 + [post_json] * 20 + [miss] * 10 + [range_of_file] * 8 + [upload] * 4 + [thread] * 4
MIX += [post_bad_json, whole_file, abort, events, socket]


async def mixed(port, count):
    numbers = iter(range(count))

    async def client():
        peer = Peer(port)
        for number in numbers:
            await RANDOM.choice(MIX)(peer, RANDOM.randrange(10**9))
            if number % 200 == 0:
                peer.leave()
        peer.leave()

    async with asyncio.TaskGroup() as clients:
        for _ in range(AT_ONCE):
            clients.create_task(client())


def soak(port):
    asyncio.run(mixed(port, REQUESTS // SAMPLES))
    first = quiet_vitals(port)
    samples = [first]
    for _ in range(SAMPLES - 1):
        asyncio.run(mixed(port, REQUESTS // SAMPLES))
        samples.append(quiet_vitals(port, first))
        say('mixed', samples[-1])
    flat(first, samples[-1])
    not_grown(samples[SAMPLES // 2], samples[-1])
    return samples[-1]


def not_grown(before, after):
    assert after['memory'] - before['memory'] <= MEMORY, f'memory: {before} and then {after}'


def flat(before, after):
    assert after['descriptors'] <= before['descriptors'], f'descriptors: {before} and then {after}'
    assert after['tasks'] <= before['tasks'], f'tasks: {before} and then {after}'


# Clients that leave, and slow ones


async def leave(port, number):
    reader, writer = await asyncio.open_connection('127.0.0.1', port)
    if number % 2:
        target = '/receive' if number % 4 == 1 else '/upload'
        kind = 'content-type: multipart/form-data; boundary=b'
        writer.write(head('POST', target, 2_000_000, kind) + (FORM % (b'x' * 1_200_000))[:1_200_000])
    else:
        writer.write(head('GET', '/download' if number % 4 else '/file'))
        with suppress(OSError):
            await reader.readexactly(RANDOM.randrange(1, 200_000))
    with suppress(OSError):
        await writer.drain()
    writer.transport.abort()


async def leave_all(port, count):
    for start in range(0, count, 50):
        async with asyncio.TaskGroup() as clients:
            for number in range(start, min(start + 50, count)):
                clients.create_task(leave(port, number))


def leavers(port, before):
    samples = []
    for _ in range(4):
        asyncio.run(leave_all(port, LEAVERS // 4))
        samples.append(quiet_vitals(port, before))
        say('left', samples[-1])
        flat(before, samples[-1])
    not_grown(samples[1], samples[-1])
    return samples[-1]


async def slowly(port):
    """Hold many slow clients at once, who send byte by byte or read nothing; ask beside them."""
    opened = []
    for number in range(SLOW):
        _, writer = await asyncio.open_connection('127.0.0.1', port)
        opened.append(writer)
        writer.write(head('GET', '/download') if number % 2 else head('POST', '/receive', 1000))
    for _ in range(30):
        for writer in opened[::2]:
            writer.write(b'x')
        peer = Peer(port)
        await get_item(peer, 1)
        peer.leave()
        await asyncio.sleep(0.02)
    held = await asyncio.to_thread(vitals, port)
    for writer in opened:
        writer.transport.abort()
    return held


def slow(port, before):
    held = asyncio.run(slowly(port))
    say('slow', held)
    assert held['memory'] - before['memory'] <= STUCK, f'clients who do not read make the server hold {held}'
    after = quiet_vitals(port, before)
    say('slow, gone', after)
    flat(before, after)


# Stops under load


async def load(port, process, seconds):
    """Keep posting, send SIGTERM after a while; return what was answered."""
    answered, numbers = set(), iter(range(10**6))

    async def client():
        peer = Peer(port)
        with suppress(OSError, asyncio.IncompleteReadError):
            for number in numbers:
                sent = b'%d' % number
                kind = 'content-type: application/json'
                status, body = await peer.ask(head('POST', f'/keep/{number}', len(sent), kind), sent)
                assert (status, body) == (201, sent)
                answered.add(number)
        peer.leave()

    clients = [asyncio.create_task(client()) for _ in range(AT_ONCE)]
    await asyncio.sleep(seconds)
    process.send_signal(signal.SIGTERM)
    await asyncio.gather(*clients)
    return answered


def stop(number):
    with TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        process = server(folder, port)
        try:
            answered = asyncio.run(load(port, process, 0.3 + RANDOM.random() / 2))
            process.wait(30)
        finally:
            process.kill()
            process.wait()
        lines = (folder / 'ledger').read_text().splitlines()
    begun = {int(line.split()[1]) for line in lines if line.startswith('begun')}
    say(f'stop {number + 1}', {'begun': len(begun), 'answered': len(answered)})
    assert lines[-1] == 'SHUTDOWN'
    assert begun == answered, f'begun and not answered: {sorted(begun - answered)}'


def say(name, held):
    print(f'{time.monotonic() - BEGAN:6.0f} s  {name}: ' + ', '.join(f'{key} {value}' for key, value in held.items()))
    sys.stdout.flush()


def main():
    with TemporaryDirectory() as folder:
        port = free_port()
        process = server(folder, port)
        try:
            held = soak(port)
            held = leavers(port, held)
            slow(port, held)
        finally:
            process.kill()
            process.wait()
    for number in range(ROUNDS):
        stop(number)


BEGAN = time.monotonic()
if __name__ == '__main__':
    main()

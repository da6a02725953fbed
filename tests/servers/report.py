"""Measure what the servers do, and write it into docs/servers.md; `nox -s servers-report` runs it, for three minutes.

On Python 3.11 it measures only what differs there: hypercorn's stop.
"""

import json
import platform
import re
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from recipes import write_recipes
from served import COMMANDS, GRACEFUL, GRANIAN, GUNICORN, HYPERCORN, SPEAK_HTTP2, UVICORN, Served
from wire import Line, Socket, ask, ask2

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / 'docs' / 'servers.md'
LIMIT = 15  # seconds that a server has to stop, before it counts as one that does not
PATIENCE = 35  # seconds that a server has to cut a client that is slow
IDLE = 2000
AT_ONCE = 6

PACKAGES = {
    'uvicorn-httptools': ['uvicorn', 'httptools'],
    'uvicorn-h11': ['uvicorn', 'h11'],
    'uvicorn-zttp': ['uvicorn', 'zttp'],
    'hypercorn': ['hypercorn'],
    'granian': ['granian'],
    'gunicorn-uvicorn': ['gunicorn', 'uvicorn-worker'],
}
WORKERS = ['--workers', '2']

# What the page calls it: a command, and the app that is served.
WORKER_CLASS = ['-k', 'uvicorn_worker.UvicornWorker', '--graceful-timeout', '3']
OWN_WORKER_CLASS = ['-k', 'workers.Worker', '--graceful-timeout', '6']
STOPS = {
    '`app.listen()`': (['listening', '{port}'], ''),
    '`uvicorn`': (UVICORN, 'stopping:app'),
    '`uvicorn --timeout-graceful-shutdown 3`': ([*UVICORN, *GRACEFUL], 'stopping:app'),
    'the same with `--workers 2`': ([*UVICORN, *GRACEFUL, *WORKERS], 'stopping:app'),
    'the same with `--http h11`': ([*UVICORN, *GRACEFUL, '--http', 'h11'], 'stopping:app'),
    'the same with `--http zttp --http2`': ([*UVICORN, *GRACEFUL, '--http', 'zttp', '--http2'], 'stopping:app'),
    '`gunicorn -k uvicorn_worker.UvicornWorker --graceful-timeout 3`': ([*GUNICORN, *WORKER_CLASS], 'stopping:app'),
    '`gunicorn -k workers.Worker --graceful-timeout 6`': ([*GUNICORN, *OWN_WORKER_CLASS], 'stopping:app'),
    '`hypercorn`': (HYPERCORN, 'stopping:app'),
    '`hypercorn -k uvloop`': ([*HYPERCORN, '-k', 'uvloop'], 'stopping:app'),
    '`granian`': (GRANIAN, 'stopping:app'),
    '`granian --workers-kill-timeout 3`': ([*GRANIAN, '--workers-kill-timeout', '3'], 'stopping:app'),
    'the same with `granian_stop.py`': ([*GRANIAN, '--workers-kill-timeout', '3'], 'heard:app'),
}
OPEN = {
    'nothing': 'nothing',
    'events': 'a stream of events',
    'socket': 'a WebSocket',
    'slow': '1.5 s of a request',
    'threaded': '1.5 s of a thread',
    'deferred': '1.5 s of deferred work',
    'endless': 'a request without end',
}


@contextmanager
def serving(command, app='stopping:app', **env):
    with TemporaryDirectory() as folder:
        write_recipes(Path(folder), 'workers.py', 'granian_stop.py')
        served = Served(command, app, Path(folder), **env)
        try:
            if not env:
                served.wait_until_it_answers('/')
            yield served
        finally:
            served.kill()


# Stopping


def stop(name, case):
    """Stop a server while something is open; return the seconds and what did not run, as a cell of the table."""
    command, app = STOPS[name]
    with serving(command, app) as server:
        peer = open_case(server, case)
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        try:
            server.process.wait(LIMIT)
            took = f'{time.monotonic() - began:.1f} s'
        except subprocess.TimeoutExpired:
            return 'does not stop'
        wanted = ['daemon', 'SHUTDOWN'] if case == 'nothing' else ['finally', 'daemon', 'SHUTDOWN']
        lost = [each for each in wanted if not server.noted(each)]
        if case in ('slow', 'threaded') and b'answered' not in rest_of(peer):
            lost.append('the answer')
        if 'SHUTDOWN' in lost:
            return f'killed after {took}'
        return f'{took}, without ' + ', '.join(lost).replace('finally', 'its end') if lost else took


def open_case(server, case):
    """Open what the stop will interrupt, and return once it has begun."""
    if case == 'nothing':
        return None
    if case == 'socket':
        peer = Socket(server.port, '/socket')
        assert peer.hear() == 'begun'
        return peer
    peer = Line(server.port)
    peer.send(f'GET /{case} HTTP/1.1\r\nhost: a\r\n\r\n'.encode())
    if case in ('events', 'deferred'):
        peer.until(b'begun')
    else:
        server.wait(lambda: server.noted('begun'))
    return peer


def rest_of(peer):
    with suppress(OSError):
        while peer.more():
            pass
    return peer.rest


# Trouble


def failed_startup(command):
    with serving(command, FAIL='1') as server:
        try:
            return f'exits with {server.process.wait(LIMIT)}'
        except subprocess.TimeoutExpired:
            return 'goes on without the app'


def killed_worker(command):
    with serving([*command, *WORKERS]) as server:
        answered_by = set()

        def both_answer():
            answered_by.add(ask(server.port, '/').body)
            return len(answered_by) == 2

        with suppress(AssertionError):
            server.wait(both_answer, 5)  # some give most requests to one worker
        killed = answered_by.pop()
        subprocess.run(['kill', '-9', killed.decode()], check=True)
        time.sleep(6)
        if server.process.poll() is not None:
            return f'all stop, exits with {server.process.poll()}'
        known = answered_by | {killed}
        with suppress(AssertionError):
            server.wait(lambda: ask(server.port, '/').body not in known, 5)
            return 'is replaced'
        return 'is not replaced'


def idle_connections(command):
    """Hold idle connections open; return whether the server answers beside them."""
    with serving(command) as server:
        idle = [Line(server.port) for _ in range(IDLE)]
        try:
            began = time.monotonic()
            assert ask(server.port, '/').status == 200
            return 'answers' if time.monotonic() - began < 1 else 'answers after a second or more'
        except OSError:
            return 'does not answer'
        finally:
            for each in idle:
                each.socket.close()


def slow(command, text):
    """Send a part of a request and wait; return when the server has had enough."""
    with serving(command) as server, Line(server.port) as line:
        line.socket.settimeout(PATIENCE)
        line.send(text)
        began = time.monotonic()
        try:
            line.more()
            return f'cut after {time.monotonic() - began:.0f} s'
        except TimeoutError:
            return 'waits'


def large_head(command):
    """Send a header of 16 MiB; return whether the app gets it."""
    with serving(command) as server, Line(server.port) as line:
        with suppress(OSError):
            line.send(b'GET / HTTP/1.1\r\nhost: a\r\nx-large: ' + b'a' * (16 * 2**20) + b'\r\n\r\n')
            line.more()
        return 'taken' if line.rest.startswith(b'HTTP/1.1 200 ') else 'refused'


def client_leaves(command):
    """Leave in a stream that sends nothing; return whether the app hears of it."""
    with serving(command) as server:
        with Line(server.port) as line:
            line.send(b'GET /quiet HTTP/1.1\r\nhost: a\r\n\r\n')
            line.until(b'begun')
        try:
            server.wait(lambda: server.noted('finally'), 5)
        except AssertionError:
            return 'no'
        return 'yes'


def empty_post(command):
    """Send a POST without a body by HTTP/2; return whether it is answered."""
    with serving(command) as server:
        try:
            return f'answered {ask2(server.port, "/", "POST").status}'
        except TimeoutError:
            return 'never answered'


HALF_A_HEAD = b'GET / HTTP/1.1\r\nhost:'
HALF_A_BODY = b'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhalf '
TROUBLE = {
    'startup fails': failed_startup,
    'startup fails, 2 workers': lambda command: failed_startup([*command, *WORKERS]),
    'a worker is killed': killed_worker,
    'a client leaves a silent stream': client_leaves,
    f'{IDLE:,} idle connections': idle_connections,
    'a header of 16 MiB': large_head,
    'half a head': partial(slow, text=HALF_A_HEAD),
    'half a body': partial(slow, text=HALF_A_BODY),
}


# What a server tells


def told(name):
    """Return the row of what a server tells the app: versions, paths, headers, extensions."""
    command = COMMANDS[name]
    with TemporaryDirectory() as folder:
        server = Served(command, 'app:app', Path(folder))
        try:
            server.wait_until_it_answers('/show/')
            shown = json.loads(ask(server.port, '/show/').body)
            by_http2 = json.loads(ask2(server.port, '/show/').body) if name in SPEAK_HTTP2 else shown
            with Socket(server.port, '/chat/room') as peer:
                keeps = peer.headers.get('x-room') == 'room'
            with Socket(server.port, '/admin/chat') as refused:
                denial = refused.status
        finally:
            server.kill()
    extensions = shown['extensions']
    more = [each for each in by_http2['extensions'] if each not in extensions]
    said = [', '.join(extensions)] * bool(extensions) + ['on HTTP/2 ' + ', '.join(more)] * bool(more)
    return [
        ', '.join(f'{package} {version(package)}' for package in PACKAGES[name]),
        '1.1, 2' if name in SPEAK_HTTP2 else '1.1',
        shown['spec'],
        'raw path' if shown['raw'] else 'decoded path only',
        f'{denial}',
        'yes' if keeps else 'lost',
        '; '.join(said) or 'none',
    ]


TOLD = ['versions', 'HTTP', 'ASGI', 'path as sent', 'a refusal (401)', 'headers of an accepted socket', 'extensions']


# The tables


def table(head, rows):
    lines = ['| ' + ' | '.join(row) + ' |' for row in [head, *rows]]
    return '\n'.join([lines[0], '|---' * len(head) + '|', *lines[1:]])


def write(name, text):
    """Replace what stands between the marks of a name in the page."""
    page = PAGE.read_text('utf-8')
    new, count = re.subn(
        rf'(<!-- measured: {name} -->\n).*?(\n<!-- end -->)', lambda found: found[1] + text + found[2], page, flags=re.S
    )
    if count != 1:
        raise LookupError(f'{PAGE} has no place for {name!r}')
    PAGE.write_text(new, 'utf-8')


def main():
    python = '.'.join(platform.python_version_tuple()[:2])
    names = ['`hypercorn`'] if python == '3.11' else list(STOPS)
    with ThreadPoolExecutor(AT_ONCE) as crowd:
        if python != '3.11':
            write('told', table(['server', *TOLD], [[name, *told(name)] for name in COMMANDS]))
            write('trouble', trouble(crowd, f'server, Python {python}'))
        cells = {(name, case): crowd.submit(stop, name, case) for name in names for case in OPEN}
        rows = [[name, *(cells[name, case].result() for case in OPEN)] for name in names]
        mark = 'stops on 3.11' if python == '3.11' else 'stops'
        write(mark, table([f'Python {python}; open is', *OPEN.values()], rows))


def trouble(crowd, corner):
    """Return the table of what goes wrong, a row for each server."""
    cells = {(name, what): crowd.submit(ask, COMMANDS[name]) for name in COMMANDS for what, ask in TROUBLE.items()}
    posts = {name: crowd.submit(empty_post, COMMANDS[name]) for name in COMMANDS if name in SPEAK_HTTP2}
    rows = [
        [name, *(cells[name, what].result() for what in TROUBLE), posts[name].result() if name in posts else '']
        for name in COMMANDS
    ]
    return table([corner, *TROUBLE, 'HTTP/2: a POST without a body'], rows)


if __name__ == '__main__':
    main()

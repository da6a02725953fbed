"""Servers that recipes need, each a process of its own in a temporary folder, at a free port, gone at the end."""

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

DEBIAN = sorted(Path('/usr/lib/postgresql').glob('*/bin'), key=lambda folder: float(folder.parent.name))
PATH = os.pathsep.join([*map(str, reversed(DEBIAN)), str(Path(sys.executable).parent), os.environ['PATH'], '/usr/sbin'])


def free_port():
    """Return a free port below those that systems give to clients: it is still free when a server comes back."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as free, suppress(OSError):
            free.bind(('127.0.0.1', port))
            return port


def program(name):
    """Return the path of a program; `nox -s cookbook` installs all of them."""
    path = shutil.which(name, path=PATH)
    assert path, f'{name} is not installed'
    return path


class Engine:
    """A server that can go and come back with its data, at the same port."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix='engine-'))
        self.port = free_port()
        self.process = None

    def __enter__(self):
        self.prepare()
        self.start()
        return self

    def __exit__(self, *exc_info):
        self.kill()
        shutil.rmtree(self.folder)

    def prepare(self):
        """Do what comes before the first start."""

    def start(self):
        with (self.folder / 'log').open('wb') as log:
            options = {'cwd': self.folder, 'stdout': log, 'stderr': log, 'env': self.env(), **self.user()}
            self.process = subprocess.Popen(self.command(), **options)
        until = time.monotonic() + 60
        while not self.answers():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < until, self.said()
            time.sleep(0.05)

    def stop(self):
        """Shut down in order, so that clients are told."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=30)

    def kill(self):
        """End at once, as a machine without power does."""
        self.process.kill()
        self.process.wait(timeout=30)

    def freeze(self):
        """Answer nothing more, and keep connections open."""
        for pid in self.processes():
            os.kill(pid, signal.SIGSTOP)

    def thaw(self):
        for pid in self.processes():
            os.kill(pid, signal.SIGCONT)

    def revive(self):
        """Let it run again, whatever became of it."""
        if self.process.poll() is None:
            self.thaw()
        else:
            self.start()

    def processes(self):
        children = Path(f'/proc/{self.process.pid}/task/{self.process.pid}/children').read_text()
        return [self.process.pid, *map(int, children.split())]

    def command(self):
        raise NotImplementedError

    def env(self):
        return {'PATH': PATH, 'HOME': str(self.folder), 'LC_ALL': 'C'}

    def answers(self):
        raise NotImplementedError

    def environ(self):
        """Return what the recipes read from the environment to find the engine."""
        raise NotImplementedError

    def user(self):
        return {}

    def said(self):
        return (self.folder / 'log').read_text(errors='replace')


class PostgreSQL(Engine):
    def __init__(self):
        super().__init__()
        self.url = f'postgresql://clinic@127.0.0.1:{self.port}/postgres'

    def environ(self):
        return {'DATABASE': self.url}

    def user(self):
        """Return options of Popen: PostgreSQL refuses to run as root, and then runs as nobody."""
        if os.geteuid() != 0:
            return {}
        nobody = pwd.getpwnam('nobody')
        return {'user': nobody.pw_uid, 'group': nobody.pw_gid, 'extra_groups': []}

    def prepare(self):
        if user := self.user():
            os.chown(self.folder, user['user'], user['group'])
        options = {'cwd': self.folder, 'env': self.env(), 'stdout': subprocess.DEVNULL, **self.user()}
        arguments = ['--pgdata=data', '--username=clinic', '--auth=trust', '--encoding=UTF8', '--no-sync']
        subprocess.run([program('initdb'), *arguments], check=True, timeout=60, **options)

    def command(self):
        options = {
            'listen_addresses': '127.0.0.1',
            'port': self.port,
            'unix_socket_directories': '',
            'max_connections': 40,
            'fsync': 'off',
        }
        return [program('postgres'), '-D', 'data', *(f'--{name}={value}' for name, value in options.items())]

    def answers(self):
        command = [program('pg_isready'), '--quiet', '--host=127.0.0.1', f'--port={self.port}']
        return subprocess.run(command, check=False, timeout=30).returncode == 0

    def kill(self):
        # A postmaster that is killed leaves processes behind. SIGQUIT ends all of them, and writes nothing.
        if self.process.poll() is None:
            self.thaw()
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(timeout=30)


class Redis(Engine):
    def __init__(self):
        super().__init__()
        self.url = f'redis://127.0.0.1:{self.port}/0'

    def environ(self):
        return {'REDIS': self.url}

    def prepare(self):
        options = {'bind': '127.0.0.1', 'port': self.port, 'save': '""', 'appendonly': 'yes', 'appendfsync': 'always'}
        lines = [f'{name} {value}\n' for name, value in options.items()]
        (self.folder / 'redis.conf').write_text(''.join(lines))

    def command(self):
        return [program('redis-server'), 'redis.conf']

    def answers(self):
        return self.ask('PING') == 'PONG'

    def ask(self, *command):
        done = subprocess.run(
            [program('redis-cli'), '-p', str(self.port), *command],
            capture_output=True,
            check=False,
            timeout=30,
            text=True,
        )
        return done.stdout.strip()

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

import httpx
from obstore.exceptions import GenericError
from obstore.store import S3Store

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
        try:
            self.prepare()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc_info):
        if self.process is not None:
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


class SeaweedFS(Engine):
    """Object storage that speaks S3, from a wheel of PyPI."""

    KEY = {'AWS_ACCESS_KEY_ID': 'clinic', 'AWS_SECRET_ACCESS_KEY': 'a long secret'}

    def __init__(self):
        super().__init__()
        services = ['master', 'volume', 'filer', 'admin']
        names = [f'{name}.port{grpc}' for name in services for grpc in ('', '.grpc')] + ['s3.port.grpc']
        self.ports = {'s3.port': self.port, **{name: free_port() for name in names}}

    def environ(self):
        return {'AWS_ENDPOINT_URL': f'http://127.0.0.1:{self.port}', **self.KEY}

    def command(self):
        options = {
            'dir': self.folder,
            'bucket': 'clinic',
            'ip': '127.0.0.1',
            'ip.bind': '127.0.0.1',
            'master.volumeSizeLimitMB': 64,
            'webdav': 'false',
            'admin.ui': 'false',
            's3.port.iceberg': 0,
            's3.port.lance': 0,
            **self.ports,
        }
        return [program('weed'), 'mini', *(f'-{name}={value}' for name, value in options.items())]

    def env(self):
        return {**super().env(), **self.KEY}

    def answers(self):
        """Tell whether it takes an object, which is later than that it listens."""
        if 'are running' not in self.said():
            return False
        options = {'client_options': {'allow_http': True, 'timeout': '2s'}, 'retry_config': {'max_retries': 0}}
        names = {'access_key_id': self.KEY['AWS_ACCESS_KEY_ID'], 'secret_access_key': self.KEY['AWS_SECRET_ACCESS_KEY']}
        store = S3Store('clinic', endpoint=f'http://127.0.0.1:{self.port}', **names, **options)
        try:
            store.put('is it there', b'yes')
        except GenericError:
            return False
        return True

    def unfinished(self):
        """Return the uploads in parts that are neither complete nor aborted, as the files in which they are kept."""
        url = f'http://127.0.0.1:{self.ports["filer.port"]}/buckets/clinic/.uploads/'
        reply = httpx.get(url, headers={'accept': 'application/json'})
        return [entry['FullPath'] for entry in reply.json()['Entries'] or []] if reply.status_code == 200 else []

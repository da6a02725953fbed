"""PostgreSQL, Redis, nginx and the clinic's workers, each a process of the test: it can be killed and started again.

Everything lies in one folder and speaks over Unix sockets; nothing of the machine's own services is touched.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

HERE = Path(__file__).parent
CLINIC = HERE.parents[1] / 'examples' / 'patients'
sys.path.insert(0, str(HERE.parent / 'servers'))

from recipes import recipes  # noqa: E402
from served import free_port  # noqa: E402
from wire import ask  # noqa: E402

LIMIT = 60  # seconds after which something that was waited for counts as lost


def program(name):
    """Return the path of a program: of a Debian package, some of which put theirs where PATH does not look."""
    folders = sorted(Path('/usr/lib/postgresql').glob('*/bin'), reverse=True)
    found = shutil.which(name, path=os.pathsep.join([os.environ['PATH'], '/usr/sbin', *map(str, folders)]))
    if found is None:
        raise SystemExit(f'{name} is missing: apt-get install nginx postgresql redis-server')
    return found


def wait(ready, what):
    """Ask until it is so: what another process does has no other end. Return the seconds that it took."""
    began = time.monotonic()
    while not ready():
        if time.monotonic() > began + LIMIT:
            raise TimeoutError(what)
        time.sleep(0.02)
    return time.monotonic() - began


class Engine:
    """One program, started anew as often as it is killed."""

    name = ''
    options = {}

    def __init__(self, folder):
        self.folder = folder
        self.log = folder / f'{self.name}.log'
        self.process = None

    def command(self):
        raise NotImplementedError

    def answers(self):
        raise NotImplementedError

    def start(self):
        with self.log.open('ab') as log:
            self.process = subprocess.Popen(self.command(), cwd=self.folder, stdout=log, stderr=log, **self.options)
        try:
            wait(self.ready, f'{self.name} does not answer')
        except BaseException:
            print(self.said(), file=sys.stderr)
            self.kill()
            raise

    def ready(self):
        if self.process.poll() is not None:
            raise RuntimeError(f'{self.name} has ended')
        return self.answers()

    def said(self):
        """Return what it said at last, from the first traceback on if there is one."""
        text = self.log.read_text()
        at = text.find('Traceback')
        return text[at : at + 8000] if at >= 0 else text[-2000:]

    def kill(self):
        """End it as a crash does: at once, with every process that it has started."""
        if self.process is not None:
            pids = [self.process.pid, *children(self.process.pid)]
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait()
            wait(lambda: not any(map(runs, pids)), f'{self.name} does not end')

    @contextmanager
    def frozen(self):
        """Let it hang: it keeps its connections, and answers nothing."""
        pids = [self.process.pid, *children(self.process.pid)]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)


class PostgreSQL(Engine):
    name = 'postgres'
    # It refuses to run as root.
    options = {'user': 'postgres', 'group': 'postgres', 'extra_groups': []} if os.getuid() == 0 else {}

    def __init__(self, folder):
        super().__init__(folder)
        self.data = folder / 'records'
        self.data.mkdir()
        if self.options:
            shutil.chown(self.data, 'postgres', 'postgres')
        self.url = f'postgresql://postgres@/clinic?host={self.data}'
        made = [program('initdb'), '-D', self.data / 'data', '-U', 'postgres', '-A', 'trust', '--encoding=UTF8']
        self.run([*made, '--locale=C.UTF-8'])
        self.start()
        self.run([program('createdb'), '-h', self.data, '-U', 'postgres', 'clinic'])

    def command(self):
        return [program('postgres'), '-D', self.data / 'data', '-k', self.data, '-c', 'listen_addresses=']

    def answers(self):
        asked = [program('pg_isready'), '-q', '-h', self.data, '-U', 'postgres']
        return subprocess.run(asked, check=False).returncode == 0

    def ask(self, sql):
        """Return what psql prints: a line for each row."""
        return self.run([program('psql'), '-qAtX', '-h', self.data, '-U', 'postgres', '-c', sql, 'clinic'])

    def run(self, command):
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False, **self.options)
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)
        return done.stdout


class Redis(Engine):
    name = 'redis'

    def __init__(self, folder):
        super().__init__(folder)
        self.socket = folder / 'redis.sock'
        self.url = f'unix://{self.socket}'
        self.start()

    def command(self):
        return [program('redis-server'), '--port', '0', '--unixsocket', self.socket, '--save', '', '--dir', self.folder]

    def answers(self):
        asked = [program('redis-cli'), '-s', self.socket, 'ping']
        return subprocess.run(asked, capture_output=True, check=False).stdout == b'PONG\n'


class Workers(Engine):
    """The clinic as the recipe starts it, by uvicorn with several workers."""

    name = 'workers'
    count = 4

    def __init__(self, folder, database, redis):
        super().__init__(folder)
        self.socket = folder / 'app.sock'
        self.documents = folder / 'patients.documents'
        self.options = {
            'env': {
                **os.environ,
                'PYTHONPATH': os.pathsep.join([str(CLINIC), os.environ.get('PYTHONPATH', '')]),
                'PATIENTS_DB': str(folder / 'patients.db'),
                'PATIENTS_SECRET': 'a secret that all workers share',
                'DATABASE_URL': database.url,
                'REDIS_URL': redis.url,
                'MALLOC_ARENA_MAX': '1',  # else each new thread adds memory of its own
            }
        }
        self.start()

    def command(self):
        [line] = [line for line in recipes()['scaled.sh'].splitlines() if 'uvicorn' in line]
        words = line.replace("'*'", '*').replace('/run/clinic/app.sock', str(self.socket)).split()
        return [sys.executable, '-m', *words, '--log-level', 'warning']

    def answers(self):
        with suppress(OSError):
            return ask(str(self.socket), '/health/ready').status == 200

    def pids(self):
        return {pid for pid in children(self.process.pid) if 'spawn_main' in command_of(pid)}

    def kill_one(self):
        """Kill the oldest worker; return its id."""
        pid = min(self.pids())
        os.kill(pid, signal.SIGKILL)
        return pid

    def held(self):
        """Return what each worker holds, by its id: memory in KiB, and descriptors."""
        return {pid: {'memory': memory(pid), 'descriptors': descriptors(pid)} for pid in self.pids()}

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(LIMIT)


class Nginx(Engine):
    """nginx with the recipe, on a free port, with a certificate of the test."""

    name = 'nginx'

    def __init__(self, folder, socket, certificate):
        super().__init__(folder)
        self.port = free_port()
        certificate.private_key_pem.write_to_path(folder / 'key.pem')
        certificate.cert_chain_pems[0].write_to_path(folder / 'cert.pem')
        places = {
            'listen 443 ': f'listen 127.0.0.1:{self.port} ',
            '/run/clinic/app.sock': str(socket),
            '/srv/clinic/assets/': f'{CLINIC}/assets/',
            '/etc/clinic/': f'{folder}/',
        }
        site = recipes()['scaled.conf']
        for place, own in places.items():
            assert place in site, f'the recipe has no {place!r}'
            site = site.replace(place, own)
        bodies = ('client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi')
        paths = ' '.join(f'{body}_temp_path {folder}/{body};' for body in bodies)
        user = 'user root;' if os.getuid() == 0 else ''
        (folder / 'nginx.conf').write_text(
            f'{user} pid {folder}/nginx.pid; error_log stderr; daemon off; events {{}}\n'
            f'http {{ include /etc/nginx/mime.types; access_log off; {paths}\n{site} }}\n'
        )
        self.start()

    def command(self):
        return [program('nginx'), '-e', 'stderr', '-c', self.folder / 'nginx.conf']

    def answers(self):
        return (self.folder / 'nginx.pid').exists()


# What /proc tells


def children(pid):
    try:
        return [int(child) for child in Path(f'/proc/{pid}/task/{pid}/children').read_text().split()]
    except OSError:
        return []


def runs(pid):
    try:
        return Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0] != 'Z'
    except OSError:
        return False


def command_of(pid):
    try:
        return Path(f'/proc/{pid}/cmdline').read_bytes().decode(errors='replace')
    except OSError:
        return ''


def memory(pid):
    for line in Path(f'/proc/{pid}/status').read_text().splitlines():
        if line.startswith('VmRSS'):
            return int(line.split()[1])
    return 0


def descriptors(pid):
    return len(list(Path(f'/proc/{pid}/fd').iterdir()))

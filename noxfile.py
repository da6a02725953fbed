"""One command a verb: `nox -l` lists them, `nox -s tests` runs one; CI runs the same."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from random import randrange
from tempfile import TemporaryDirectory

import nox

nox.needs_version = '>=2025.5.1'
nox.options.sessions = ['tests', 'lint', 'typing']
nox.options.reuse_venv = 'yes'
nox.options.error_on_missing_interpreters = False  # nox says which Pythons it skipped
nox.options.default_venv_backend = 'virtualenv'  # pip reads the pip configuration of the machine; uv does not

ROOT = Path(__file__).parent
GROUPS = nox.project.load_toml(ROOT / 'pyproject.toml')
PACKAGES = {
    'heaven-core': 'heaven',
    'heaven-templating': 'heaven_templating',
    'heaven-testing': 'heaven_testing',
}
EXTRAS = '[forms,server,sessions]'
PYTHONS = ['3.11', '3.12', '3.13', '3.14']
ALL_CORES = ['-n', 'logical']  # of the machine: tests in as many processes, by pytest-xdist


def show_nox_every_python() -> None:
    """Put every supported Python of this machine where nox looks: what is on PATH, next to this one, or in pyenv."""
    pyenv = Path(os.environ.get('PYENV_ROOT') or Path.home() / '.pyenv')
    for version in PYTHONS:
        name = f'python{version}'
        folders = [Path(sysconfig.get_config_var('BINDIR') or sys.prefix)]
        folders += sorted(pyenv.glob(f'versions/{version}.*/bin'), reverse=True)
        for python in [shutil.which(name), *(shutil.which(name, path=str(folder)) for folder in folders)]:
            # A pyenv shim stands on PATH for every version, inactive ones included: only running it tells.
            if python and subprocess.run([python, '-c', ''], capture_output=True, check=False).returncode == 0:
                os.environ['PATH'] = os.pathsep.join([str(Path(python).parent), os.environ['PATH']])
                break


show_nox_every_python()


def group(name: str) -> list[str]:
    """Return the requirements of a dependency group in pyproject.toml."""
    return list(nox.project.dependency_groups(GROUPS, name))


def lower_bounds() -> list[str]:
    """Return what the packages need, extras included, each with its lower bound alone: `jinja2>=3.1.6`."""
    needs = []
    for package in PACKAGES:
        told = nox.project.load_toml(ROOT / 'packages' / package / 'pyproject.toml')
        needs += [need for extra in told['project'].get('optional-dependencies', {}).values() for need in extra]
        needs += told['tool']['hatch'].get('metadata', {}).get('hooks', {}).get('custom', {}).get('requirements', [])
    return [need.partition(',')[0] for need in needs if not need.startswith('httpx2')]


def editable(session: nox.Session, *requirements: str) -> None:
    """Install the three packages from their folders, with everything optional, and what else is asked for."""
    folders = [f'packages/{name}' + (EXTRAS if name == 'heaven-core' else '') for name in PACKAGES]
    session.install(*(part for folder in folders for part in ('-e', folder)), *requirements)


def run_pytest(session: nox.Session, *arguments: str, **env: str) -> None:
    """Run pytest in a random order, whose number its command shows; `ORDER=7 nox -s tests` repeats one."""
    order = os.environ.get('ORDER') or str(randrange(10**6))
    session.run('pytest', '--order', order, *arguments, *session.posargs, env=env)


@nox.session
def tests(session: nox.Session) -> None:
    """Run every test: the packages', those that span packages, the examples'. Those of core run through the lint."""
    editable(session, *group('test'))
    if session.posargs:
        run_pytest(session)
        return
    run_pytest(session, *ALL_CORES, '-p', 'linted', 'packages/heaven-core', PYTHONPATH='tests')
    rest = [f'packages/{name}' for name in PACKAGES if name != 'heaven-core']
    run_pytest(session, *ALL_CORES, *rest, 'tests', 'examples')


@nox.session(python=PYTHONS, reuse_venv=False)
def core(session: nox.Session) -> None:
    """Run the tests of heaven-core with it and pytest alone, on every supported Python of this machine."""
    session.install('-e', 'packages/heaven-core', *group('core'))
    run_pytest(session, 'packages/heaven-core')


@nox.session
def servers(session: nox.Session) -> None:
    """Serve one app over real sockets under every server, and try those recipes of deploying that need Python alone."""
    editable(session, *group('servers'))
    run_pytest(session, 'tests/servers/over_sockets.py', 'tests/servers/deploying.py')


@nox.session(name='servers-report', python=['3.11', '3.13'])
def servers_report(session: nox.Session) -> None:
    """Measure what the servers do, and write it into docs/servers.md."""
    editable(session, *group('servers'))
    session.run('python', 'tests/servers/report.py')


@nox.session
def deploying(session: nox.Session) -> None:
    """Try all recipes of docs/deploying.md, behind nginx and with the checkers of their files; installs nginx."""
    if not shutil.which('nginx', path=os.environ['PATH'] + os.pathsep + '/usr/sbin'):
        session.run('apt-get', 'install', '--yes', 'nginx', external=True)
    editable(session, *group('deploying'))
    run_pytest(session, 'tests/servers/deploying.py', ALL_RECIPES='1')


@nox.session
def cluster(session: nox.Session) -> None:
    """Kill workers, Redis and PostgreSQL of the example under load, and write what it did into docs/deploying.md."""
    programs = {'nginx': 'nginx', 'redis-server': 'redis-server', 'pg_ctlcluster': 'postgresql'}
    path = os.environ['PATH'] + os.pathsep + '/usr/sbin'
    missing = [package for program, package in programs.items() if not shutil.which(program, path=path)]
    if missing:
        session.run('apt-get', 'install', '--yes', *missing, external=True)
    editable(session, *group('cluster'))
    session.run('python', 'tests/cluster/records.py', '-q')
    session.run('python', 'tests/cluster/cluster.py')


@nox.session
def httpx2(session: nox.Session) -> None:
    """Run the tests of heaven-testing on httpx2."""
    editable(session, *group('test'), 'httpx2>=2,<3')
    session.run('python', '-c', "from heaven_testing.library import httpx; assert httpx.__name__ == 'httpx2'")
    run_pytest(session, 'packages/heaven-testing')


@nox.session(python=PYTHONS[0], reuse_venv=False)
def lowest(session: nox.Session) -> None:
    """Run the tests of the packages with the lowest versions of what they need that they say they work with."""
    editable(session, *group('test'), *(need.replace('>=', '==') for need in lower_bounds()))
    run_pytest(session, 'packages')


@nox.session
def suites(session: nox.Session) -> None:
    """Run the tests of FastAPI and Starlette with their client and with ours, and compare: a quarter of an hour."""
    editable(session, *group('suites'))
    folder = Path(session.create_tmp())
    sources = [requirement for requirement in group('suites') if '==' in requirement]
    session.run('pip', 'download', '--quiet', '--no-deps', '--no-binary', ':all:', '--dest', str(folder), *sources)
    for archive in sorted(folder.glob('*.tar.gz')):
        shutil.unpack_archive(archive, folder, filter='data')
        session.run('python', 'tests/suites/run.py', str(archive).removesuffix('.tar.gz'))


@nox.session
def soak(session: nox.Session) -> None:
    """Ask an app over sockets 300,000 times, leave it, be slow and stop it under load; `-- --short` is a tenth."""
    editable(session, *group('servers'))
    session.run('python', 'tests/soak/soak.py', *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check the code and its format with ruff; `nox -s lint -- --fix` mends what it can."""
    session.install(*group('lint'))
    if '--fix' in session.posargs:
        session.run('ruff', 'check', '--fix', '.')
        session.run('ruff', 'format', '.')
    else:
        session.run('ruff', 'check', '.')
        session.run('ruff', 'format', '--check', '.')


@nox.session
def typing(session: nox.Session) -> None:
    """Check types: strictly inside, and every public name as those who use it see it."""
    editable(session, *group('typing'))
    for package, module in PACKAGES.items():
        session.run('mypy', f'packages/{package}/src/{module}')
    session.run('pyright')  # the sources, as [tool.pyright] lists them
    for module in PACKAGES.values():
        session.run('pyright', '--ignoreexternal', '--verifytypes', module)
    session.run('mypy', 'tests/typing_of_users.py')
    session.run('pyright', 'tests/typing_of_users.py')
    for example in sorted(path.parent for path in ROOT.glob('examples/*/app.py')):
        with session.chdir(example):
            session.run('mypy', '--config-file', str(ROOT / 'pyproject.toml'), '.')


@nox.session
def coverage(session: nox.Session) -> None:
    """Report which lines and branches no test reaches, child processes counted; fail below 99 %."""
    editable(session, *group('coverage'))
    session.run('coverage', 'erase')
    session.run('coverage', 'run', '-m', 'pytest', *ALL_CORES, *session.posargs)
    session.run('coverage', 'combine', '--quiet')
    session.run('coverage', 'report')


def distributions(session: nox.Session, root: Path, dist: Path) -> list[Path]:
    """Build a source distribution of every package and a wheel from it, check their metadata, and return them."""
    shutil.rmtree(dist, ignore_errors=True)
    for package in PACKAGES:
        # The wheel is built from the source distribution, unpacked in a folder of its own.
        session.run('python', '-m', 'build', '--outdir', str(dist), str(root / 'packages' / package))
    files = sorted(dist.iterdir())
    session.run('twine', 'check', '--strict', *map(str, files))
    return files


@nox.session(reuse_venv=False)
def build(session: nox.Session) -> None:
    """Build wheels and source distributions, and run every test on the installed wheels, the sources out of reach."""
    session.install(*group('build'))
    files = distributions(session, ROOT, ROOT / 'dist')
    wheels = [str(path) for path in files if path.suffix == '.whl']
    session.install(*(wheel + EXTRAS * ('heaven_core' in wheel) for wheel in wheels), *group('test'))
    with TemporaryDirectory() as folder:
        house = Path(folder) / 'house'
        ignored = shutil.ignore_patterns('.*', 'packages', 'dist', 'site', '__pycache__')
        shutil.copytree(ROOT, house, ignore=ignored)
        # The tests of the packages are those of the source distributions.
        for path in files:
            if path.name.endswith('.tar.gz'):
                unpacked = house / 'packages' / path.name.partition('-')[0].replace('_', '-')
                shutil.unpack_archive(path, folder, filter='data')
                shutil.move(Path(folder) / path.name.removesuffix('.tar.gz'), unpacked)
                shutil.rmtree(unpacked / 'src')
        with session.chdir(house):
            run_pytest(session, *ALL_CORES)


@nox.session
def release(session: nox.Session) -> None:
    """Do all of a release but the upload, from a clean clone: check that it agrees with itself, build into dist/."""
    session.install(*group('build'), *group('docs'))
    with TemporaryDirectory() as folder:
        house = Path(folder) / 'house'
        session.run('git', 'clone', '--quiet', str(ROOT), str(house), external=True)
        check_agreement(session, house)
        write_addresses(session, house)
        files = distributions(session, house, ROOT / 'dist')
        session.install(*(str(path) for path in files if path.suffix == '.whl'))
        with session.chdir(house):
            session.run('zensical', 'build', '--clean', '--strict', env={'PYTHONPATH': 'tools'})
    session.log('dist/ is ready: push the tag, and the workflow `release` uploads what it builds in the same way')


def check_agreement(session: nox.Session, house: Path) -> None:
    """Stop the session unless version, changelog, tag and docs say the same, and nothing is left uncommitted."""

    def git(*arguments: str) -> str:
        return str(session.run('git', *arguments, external=True, silent=True)).strip()

    version = re.search(r"'(.+)'", (house / 'packages/heaven-core/src/heaven/_version.py').read_text('utf-8'))[1]
    headings = re.findall(r'^## (\S+)$', (house / 'CHANGELOG.md').read_text('utf-8'), re.MULTILINE)
    pages = [house / 'README.md', *house.glob('packages/*/README.md'), *house.glob('docs/**/*.md')]
    named = {
        f'{page.relative_to(house)} has {found}'
        for page in pages
        for found in re.findall(r'heaven-(?:core|templating|testing)(?:\[\w+\])?[=~]=[\d.]+', page.read_text('utf-8'))
        if not found.endswith(f'={version}')
    }
    wrong = sorted(named)
    if git('status', '--porcelain'):
        wrong.append('there are changes that are not committed')
    if headings[:1] != [version]:
        wrong.append(f'CHANGELOG.md begins with {headings[:1]}, not with {version}')
    if f'v{version}' not in git('tag', '--points-at', 'HEAD').split():
        wrong.append(f'the commit has no tag v{version}: git tag v{version}')
    if wrong:
        session.error('; '.join(wrong))


def write_addresses(session: nox.Session, house: Path) -> None:
    """Write where the project lives into the packages: the repository on GitHub that builds them, or else `origin`."""
    origin = session.run('git', 'config', '--default', '', 'remote.origin.url', external=True, silent=True)
    address = str(origin).strip().removesuffix('.git')
    if 'GITHUB_REPOSITORY' in os.environ:
        address = f'{os.environ["GITHUB_SERVER_URL"]}/{os.environ["GITHUB_REPOSITORY"]}'
    if not address.startswith('https://'):
        session.warn(f'PyPI will show no links to the project: {address!r} is no address for everybody')
        return
    urls = {'Source': address, 'Issues': f'{address}/issues', 'Changelog': f'{address}/blob/main/CHANGELOG.md'}
    table = '\n[project.urls]\n' + ''.join(f"{name} = '{url}'\n" for name, url in urls.items())
    for package in PACKAGES:
        with (house / 'packages' / package / 'pyproject.toml').open('a', encoding='utf-8') as project:
            project.write(table)


@nox.session(python=PYTHONS)
def install(session: nox.Session) -> None:
    """Install each combination of the wheels into a bare environment and try it, and beside the older `heaven`."""
    session.install(*group('install'))
    with TemporaryDirectory() as wheels:
        session.run('pip', 'wheel', '--quiet', '--no-deps', '-w', wheels, *(f'./packages/{name}' for name in PACKAGES))
        env = {'WHEELS': wheels, 'PYTHONPATH': 'tests/installed'}
        run_pytest(session, '-p', 'environments', 'tests/installed/combinations.py', **env)
        if session.python == PYTHONS[0]:  # what pip does with files of the same name is the same on all of them
            run_pytest(session, '-p', 'environments', 'tests/installed/older.py', **env)


@nox.session
def docs(session: nox.Session) -> None:
    """Run every Python block of the README, the docs and the cookbook, and build the site; `-- serve` shows it."""
    editable(session, *group('docs'), *group('cookbook'))
    command = ['serve'] if 'serve' in session.posargs else ['build', '--clean', '--strict']
    session.run('zensical', *command, env={'PYTHONPATH': 'tools'})
    pages = ['tests/test_docs.py', 'tests/test_quickstart.py', 'tests/cookbook.py']
    session.run('pytest', *ALL_CORES, *pages, env={'PYTHONPATH': 'tests'})


@nox.session
def cookbook(session: nox.Session) -> None:
    """Run the recipes that need servers, and stop, kill and freeze these meanwhile; installs PostgreSQL and Redis."""
    if not shutil.which('initdb') and not [*Path('/usr/lib/postgresql').glob('*/bin/initdb')]:
        session.run('apt-get', 'install', '--yes', 'postgresql', external=True)
    if not shutil.which('redis-server'):
        session.run('apt-get', 'install', '--yes', 'redis-server', external=True)
    editable(session, *group('engines'))
    folder = Path('tests/engines')
    trials = [str(folder / 'pages.py'), *map(str, sorted(folder.glob('over_*.py')))]
    env = {'PYTHONPATH': os.pathsep.join(['tests', str(folder)])}
    run_pytest(session, '-p', 'trying', '-k', 'not jobs', *trials, **env)
    session.install(*group('jobs'))  # and with it another version of redis
    run_pytest(session, '-p', 'trying', '-k', 'jobs or redis', *trials, **env)


@nox.session
def browser(session: nox.Session) -> None:
    """Use the example application, the debug page and other origins in Chromium: Debian's, or that of CHROMIUM."""
    if not shutil.which(os.environ.get('CHROMIUM', '/usr/bin/chromium')):
        session.run('apt-get', 'install', '--yes', 'chromium', external=True)
    editable(session, *group('browser'))
    own = ['tests/browser/debug_page.py', 'tests/browser/other_origins.py']
    session.run('pytest', 'examples/patients/tests/browser', *own, *session.posargs)


def benchmark(session: nox.Session, name: str) -> None:
    """Run a benchmark, which makes an environment for every framework; the options are those of benchmarks/run.py."""
    session.run(sys.executable, 'benchmarks/run.py', name, *session.posargs, external=True)


@nox.session(venv_backend='none')
def bench(session: nox.Session) -> None:
    """Time requests in process, each framework as the ratio to a raw ASGI app."""
    benchmark(session, 'inprocess')


@nox.session(name='bench-http', venv_backend='none')
def bench_http(session: nox.Session) -> None:
    """Count requests per second over real servers; needs wrk."""
    benchmark(session, 'http')


@nox.session(name='bench-size', venv_backend='none')
def bench_size(session: nox.Session) -> None:
    """Weigh dependencies, installed size, statements, tokens, import time and memory."""
    benchmark(session, 'size')


@nox.session(name='bench-operations', venv_backend='none')
def bench_operations(session: nox.Session) -> None:
    """Count the instructions of every documented operation; needs valgrind. `-- --cases Routes` counts some."""
    benchmark(session, 'operations')


@nox.session(name='bench-routes', venv_backend='none')
def bench_routes(session: nox.Session) -> None:
    """Count requests over the route lists of real APIs, and up to 10,000 routes; needs valgrind."""
    benchmark(session, 'routes')


@nox.session(name='bench-memory', venv_backend='none')
def bench_memory(session: nox.Session) -> None:
    """Measure memory after many requests, of idle sockets and of open streams; with wrk, of workers too."""
    benchmark(session, 'memory')


@nox.session
def demo(session: nox.Session) -> None:
    """Serve the example application at http://127.0.0.1:8000, or at the port in PORT."""
    editable(session, *group('demo'))
    session.run('python', 'examples/patients')

"""Every Python block of the README and of the docs runs; those of the cookbook do in cookbook.py."""

import inspect
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
INDEX = ROOT / 'docs' / 'index.md'
RECIPES = sorted(ROOT.glob('docs/cookbook/*.md'))
NEED_SERVERS = {'jobs.md', 'postgresql.md', 'redis.md', 'storage.md'}  # `nox -s cookbook` has the servers
DOCS = sorted({*ROOT.glob('docs/**/*.md')} - {*RECIPES})
PAGES = [ROOT / 'README.md', *sorted(ROOT.glob('packages/*/README.md')), *DOCS]

# The blocks of a page share their names and a folder. Those with a title are the file it names, one part of it after
# another, and are imported from there; the others may await. Line numbers in a traceback are those of the page.
RUN = """
import ast, asyncio, importlib, inspect, re, sys
from pathlib import Path

sys.path.insert(0, '')
page, text = sys.argv[1], sys.stdin.buffer.read().decode('utf-8')
blocks = [
    (match[1], re.search(r'title="([^"]+)"', match[2]), text.count('\\n', 0, match.start(3)), match[3])
    for match in re.finditer(r'^``` *(\\w+)([^\\n]*)\\n(.*?)^```', text, re.MULTILINE | re.DOTALL)
]
files = {}
for language, title, line, source in blocks:
    if title:
        before = files.get(title[1], '')
        files[title[1]] = before + '\\n' * (line - before.count('\\n')) * (language == 'python') + source
for name, source in files.items():
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, 'utf-8')

names = {'__name__': 'page', '__file__': page}
with asyncio.Runner() as runner:
    for language, title, line, source in blocks * (sys.argv[2:] == []):
        if language == 'python' and title:
            module = importlib.import_module(title[1].removesuffix('.py').replace('/', '.'))
            names.update((name, value) for name, value in vars(module).items() if name[:2] != '__')
        elif language == 'python':
            code = compile('\\n' * line + source, page, 'exec', ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
            result = eval(code, names)
            if inspect.iscoroutine(result):
                runner.run(result)
"""


def python(folder, *arguments, text=''):
    """Run Python in a folder, warnings as errors; gives what it printed."""
    command = [sys.executable, '-W', 'error', *arguments]
    result = subprocess.run(
        command,
        input=text.encode(),
        cwd=folder,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=120,
    )
    assert result.returncode == 0, result.stdout.decode()
    return result.stdout.decode()


def run_page(page, folder):
    """Run the Python blocks of a page in an empty folder."""
    text = page.read_text('utf-8')
    assert len(re.findall(r'^ *```', text, re.MULTILINE)) % 2 == 0, 'a block is not closed'
    assert re.findall(r'^ +``` *python', text, re.MULTILINE) == [], 'an indented block would not be run'
    python(folder, '-c', RUN, str(page), text=text)


@pytest.mark.parametrize('page', PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_python_block_of_a_page_runs(page, tmp_path):
    run_page(page, tmp_path)


@pytest.mark.parametrize(
    'page', sorted({*PAGES, *RECIPES, *ROOT.glob('*.md')}), ids=lambda page: str(page.relative_to(ROOT))
)
def test_every_link_of_a_page_to_another_file_leads_somewhere(page):
    text = re.sub(r'^```.*?^```|`[^`]*`', '', page.read_text('utf-8'), flags=re.MULTILINE | re.DOTALL)
    links = [link.partition('#')[0] for link in re.findall(r'\]\(([^)\s]+)', text)]
    files = [link for link in links if link and not re.match(r'[a-z]+:', link)]
    assert [link for link in files if not (page.parent / link).exists()] == []


def prose_of(page):
    """The text of a page without its blocks of code."""
    return re.sub(r'^```.*?^```', '', page.read_text('utf-8'), flags=re.MULTILINE | re.DOTALL)


def anchors_of(page):
    """The anchors that the site and GitHub give to the headings of a page."""
    headings = re.findall(r'^#+ (.+)$', prose_of(page), re.MULTILINE)
    return {re.sub(r'[-\s]+', '-', re.sub(r'[^\w\s-]', '', heading).strip().lower()) for heading in headings}


@pytest.mark.parametrize(
    'page', sorted({*PAGES, *RECIPES, *ROOT.glob('*.md')}), ids=lambda page: str(page.relative_to(ROOT))
)
def test_every_link_to_a_heading_leads_to_one(page):
    text = re.sub(r'`[^`]*`', '', prose_of(page))
    links = re.findall(r'\]\(([^)\s:#]*)#([^)\s]+)\)', text)
    linked = [(page.parent / file if file else page, anchor) for file, anchor in links]
    dead = [anchor for file, anchor in linked if 'reference' not in file.parts and anchor not in anchors_of(file)]
    assert dead == []


def test_the_seven_minutes_are_1600_words_at_most_with_their_code():
    assert len(INDEX.read_text('utf-8').split()) <= 1600


@pytest.fixture(scope='session')
def clinic(tmp_path_factory):
    """A folder with the application that the seven minutes build."""
    folder = tmp_path_factory.mktemp('clinic')
    python(folder, '-c', RUN, str(INDEX), 'write', text=INDEX.read_text('utf-8'))
    return folder


def test_the_application_of_the_seven_minutes_passes_its_own_tests(clinic):
    plugins = ['-p', 'no:cacheprovider', '-p', 'no:asyncio', '-p', 'no:django', '-p', 'no:flask']
    assert '4 passed' in python(clinic, '-m', 'pytest', '-q', *plugins, 'test_app.py')


def test_the_application_of_the_seven_minutes_answers_as_they_say(clinic):
    python(clinic, '-c', ASK)


ASK = """
from app import app
from heaven_testing import Client

XRAY = '/v1/patients/7/document'
ADA = {'id': 7, 'name': 'Ada Lovelace', 'born': '1815-12-10'}
ASKED = [
    # method, path, what else is sent, status, answer
    ('GET', '/', {}, 200, 'Hello'),
    ('GET', '/v1/patients', {'headers': {'authorization': ''}}, 401, {'error': 'Log in first'}),
    ('GET', '/v1//patients/7', {'headers': {'authorization': ''}}, 401, {'error': 'Log in first'}),
    ('GET', '/v1/patients', {}, 200, {'patients': [ADA], 'total': 1}),
    ('GET', '/v1/patients?q=Grace', {}, 200, {'patients': [], 'total': 0}),
    ('GET', '/v1/patients?page=x', {}, 400, {'error': "query 'page' must be of type int"}),
    ('GET', '/v1/patients/7', {}, 200, ADA),
    ('GET', '/v1/patients/8', {}, 404, {'error': 'No such patient'}),
    ('GET', '/v1/patients/ada', {}, 404, {'error': 'There is no /v1/patients/ada'}),
    ('PUT', '/v1/patients/7', {'json': {**ADA, 'name': 'Ada King'}}, 200, {**ADA, 'name': 'Ada King'}),
    ('POST', '/v1/patients', {'json': ['Ada']}, 422, {'error': 'send a name and a date of birth'}),
    ('POST', '/v1/patients', {'content': b'{'}, 415, None),
    ('POST', '/v1/patients', {'content': b'{', 'headers': {'content-type': 'application/json'}}, 400, None),
    ('POST', XRAY, {'files': {'document': ('x.pdf', b'%PDF')}}, 201, {'name': 'x.pdf', 'bytes': 4}),
    ('POST', XRAY, {'data': {'document': 'x'}}, 422, {'error': 'send a document'}),
    ('GET', XRAY, {}, 200, '%PDF'),
    ('GET', '/patients', {}, 200, '<h1>Patients</h1>\\n<p>Ada King</p>'),
    ('DELETE', '/v1/patients/7', {}, 204, None),
    ('GET', XRAY, {}, 404, {'error': 'No such patient'}),
]

with Client(app, headers={'authorization': 'Bearer sesame'}) as client:
    for method, path, sent, status, answer in ASKED:
        reply = client.request(method, path, **sent)
        said = reply.json() if reply.headers.get('content-type') == 'application/json' else reply.text
        assert (reply.status_code, said) == (status, answer or said), (method, path, said)
        assert status < 400 or said['error']
        assert reply.headers['x-content-type-options'] == 'nosniff'
"""


REFERENCE = {page: page.read_text('utf-8') for page in sorted((ROOT / 'docs' / 'reference').glob('*.md'))}
DESCRIBED = [name for text in REFERENCE.values() for name in re.findall(r'^::: ([\w.]+)$', text, re.MULTILINE)]


@pytest.mark.parametrize('package', ['heaven', 'heaven_templating', 'heaven_testing'])
def test_every_public_name_is_in_the_reference(package):
    module = import_module(package)
    public = {name for name, value in vars(module).items() if name[0] != '_' and not inspect.ismodule(value)}
    names = set(getattr(module, '__all__', public - {'annotations'}))
    mentioned = {name for text in REFERENCE.values() for name in re.findall(r'`(\w+)`', text)}
    assert names - {name.removeprefix(f'{package}.') for name in DESCRIBED} - mentioned == set()


@pytest.mark.parametrize('dotted', DESCRIBED)
def test_what_the_reference_describes_is_there_and_has_a_docstring(dotted):
    module, _, name = dotted.rpartition('.')
    assert getattr(import_module(module), name).__doc__


def test_every_page_is_in_the_navigation_of_the_site():
    site = (ROOT / 'zensical.toml').read_text('utf-8')
    pages = {str(page.relative_to(ROOT / 'docs')) for page in ROOT.glob('docs/**/*.md')}
    assert pages == set(re.findall(r"= '([\w/-]+\.md)'", site))


def test_every_recipe_is_in_the_index_of_the_cookbook():
    index = (ROOT / 'docs' / 'cookbook' / 'index.md').read_text('utf-8')
    titles = {
        (page.name, title)
        for page in RECIPES
        for title in re.findall(r'^## (.+)$', page.read_text('utf-8'), re.MULTILINE)
    }
    recipes = {f'{name}#{re.sub(r"[^a-z -]", "", title.lower()).replace(" ", "-")}' for name, title in titles}
    assert recipes == set(re.findall(r'\]\((\w+\.md#[\w-]+)\)', index))

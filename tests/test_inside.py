"""The page about the inside of Heaven is true: its picture, the files that it names, its walks of seven requests."""

import ast
import asyncio
import inspect
import re
import sys
import textwrap
import threading
from functools import cache
from importlib import import_module
from operator import attrgetter
from pathlib import Path

import heaven
import pytest
from heaven._http.threads import pool

CORE = Path(heaven.__file__).parent
PAGE = (Path(__file__).parent.parent / 'docs' / 'inside.md').read_text('utf-8')
SECTIONS = dict(re.findall(r'^##+ (.+)\n((?:(?!##).*\n)*)', PAGE, re.MULTILINE))
MODULES = {path.relative_to(CORE).as_posix() for path in CORE.rglob('*.py')}
PICTURE = re.search(r'^```text\n(.*?)^```', PAGE, re.MULTILINE | re.DOTALL)[1]

SHORT = 10  # statements: a longer function is on the page
PROPERTIES = {'property', 'setter', 'part'}
MOST_FILES, MOST_FUNCTIONS = 6, 14

COMMON = {'asgi': {'version': '3.0'}, 'http_version': '1.1', 'root_path': '', 'query_string': b''}
MULTIPART = (
    b'--edge\r\nContent-Disposition: form-data; name="title"\r\n\r\nLetter\r\n'
    b'--edge\r\nContent-Disposition: form-data; name="document"; filename="a.pdf"\r\n'
    b'Content-Type: application/pdf\r\n\r\n%PDF\r\n--edge--\r\n'
)


def http(method, path, body=b'', **headers):
    """A request whose body comes in two pieces if it is a form."""
    fields = [(name.replace('_', '-').encode(), value.encode()) for name, value in headers.items()]
    messages = [{'type': 'http.request', 'body': body, 'more_body': False}]
    if body is MULTIPART:
        first, rest = body[:100], body[100:]
        messages = [{'type': 'http.request', 'body': first, 'more_body': True}, {'type': 'http.request', 'body': rest}]
    return {'type': 'http', 'method': method, 'path': path, 'headers': fields}, messages


def websocket(path, text):
    """A WebSocket on which the client says one thing."""
    messages = [{'type': 'websocket.connect'}, {'type': 'websocket.receive', 'text': text}]
    return {'type': 'websocket', 'headers': [], 'path': path}, messages


REQUESTS = {  # by the heading of the walk: what is asked, and what the first and the last message of the answer say
    'A GET with one parameter': (http('GET', '/patients/7'), 200, b'{"id":"7"}'),
    'A POST of JSON': (
        http('POST', '/patients', b'{"name":"Ada"}', content_type='application/json', content_length='14'),
        201,
        b'{"name":"Ada"}',
    ),
    'A streamed form': (
        http('POST', '/documents', MULTIPART, content_type='multipart/form-data; boundary=edge'),
        200,
        b'{"title":"Letter","size":4}',
    ),
    'A range of a file': (http('GET', '/report', range='bytes=0-3'), 206, b'%PDF'),
    'A WebSocket': (websocket('/echo', 'hello'), None, None),
    'A mounted app': (http('GET', '/old/page'), 200, b'an old page'),
    'A handler that fails': (http('GET', '/broken'), 500, b'Internal Server Error'),
}
OF_HEAVEN = http('GET', '/wards/patients/7'), 200, b'{"id":"7"}'


class Trace:
    """The functions of heaven-core that are called while it is on, in every thread, each once."""

    def __init__(self):
        self.is_on = False
        self.codes = []

    def __call__(self, frame, event, argument):
        code = frame.f_code
        if self.is_on and event == 'call' and code.co_filename.startswith(str(CORE)) and code not in self.codes:
            self.codes.append(code)

    def functions(self):
        """Which functions ran, as (file, function), in order of their first call, and whether the page must name it."""
        found = {}
        for code in self.codes:
            file = Path(code.co_filename).relative_to(CORE).as_posix()
            found.setdefault((file, code.co_qualname), is_long(code))
        return found


@cache
def is_long(code):
    """Whether a function is one that the page must name."""
    if '<' in code.co_qualname or code.co_name == '__init__':
        return False
    (function,) = ast.parse(textwrap.dedent(inspect.getsource(code))).body
    if any(ast.unparse(each).rpartition('.')[2] in PROPERTIES for each in function.decorator_list):
        return False
    statements = sum(isinstance(node, ast.stmt) for node in ast.walk(function)) - 1
    return statements - (ast.get_docstring(function) is not None) > SHORT


async def serve(app, request):
    """What an app sends when a request comes."""
    scope, messages = request
    waiting, sent = list(messages), []

    async def receive():
        if not waiting:
            await asyncio.Event().wait()
        return waiting.pop(0)

    async def send(message):
        sent.append(message)

    await app({**COMMON, **scope, 'raw_path': scope['path'].encode()}, receive, send)
    return sent


@pytest.fixture
def traced(tmp_path, monkeypatch):
    """Traces a request, the second of its kind, to the app of the page."""
    monkeypatch.chdir(tmp_path)
    Path('files').mkdir()
    Path('files', 'report.pdf').write_bytes(b'%PDF of a report')
    names = {'__name__': 'inside'}
    exec(re.search(r'^```python\n(.*?)^```', PAGE, re.MULTILINE | re.DOTALL)[1], names)
    trace = Trace()

    async def twice(request):
        await serve(names['app'], request)
        trace.is_on = True
        try:
            return await serve(names['app'], request)
        finally:
            trace.is_on = False

    def run(request, status, body):
        before = sys.getprofile()
        pool.reset()  # threads that were started before are not traced
        threading.setprofile(trace)  # of the worker threads, which the first request starts
        sys.setprofile(trace)
        try:
            sent = asyncio.run(twice(request))
        finally:
            sys.setprofile(before)
            threading.setprofile(None)
            pool.reset()
        assert (sent[0].get('status'), sent[-1].get('body')) == (status, body)
        return trace.functions()

    return run


def walk(heading):
    """The functions of a walk on the page, in order."""
    return re.findall(r'^\d+\. `([\w/]+\.py): ([\w.]+)` \w', SECTIONS[heading], re.MULTILINE)


@pytest.mark.parametrize('heading', REQUESTS)
def test_a_walk_names_what_runs_in_its_order(heading, traced):
    told = walk(heading)
    ran = traced(*REQUESTS[heading])
    due = [function for function, long in ran.items() if long or function in told]
    assert told == due, 'docs/inside.md is to say:\n' + '\n'.join(f'`{file}: {name}`' for file, name in due)


@pytest.mark.parametrize('heading', REQUESTS)
def test_a_walk_is_short(heading):
    told = walk(heading)
    files = {file for file, _ in told}
    assert len(files) <= MOST_FILES, sorted(files)
    assert len(told) <= MOST_FUNCTIONS


def test_a_mounted_app_of_heaven_is_served_as_a_route_of_the_app_itself(traced):
    ran = traced(*OF_HEAVEN)
    told = walk('A GET with one parameter')
    assert told == [function for function, long in ran.items() if long or function in told]


def test_every_line_of_a_walk_is_read_by_this_test():
    for heading in REQUESTS:
        assert len(walk(heading)) == len(re.findall(r'^\d+\. ', SECTIONS[heading], re.MULTILINE)), heading


def floors():
    """The files of the picture, each with its floor, counted from the top."""
    found, room, floor = {}, '', 0
    for line in PICTURE.splitlines():
        if line.startswith('---'):
            floor += 1
        if not line.startswith(' '):
            room = ''.join(re.findall(r'^_\w+/', line))
        found |= {room + name: floor for name in re.findall(r'\w+\.py', line)}
    return found


def test_the_picture_has_every_file():
    rooms = {f'{path.name}/__init__.py' for path in CORE.iterdir()}
    assert floors().keys() == MODULES - rooms


@pytest.mark.parametrize('file', sorted(MODULES))
def test_no_import_of_a_module_goes_to_a_higher_floor(file):
    floor = floors()
    tree = ast.parse((CORE / file).read_text('utf-8'))
    names = [node.module for node in tree.body if isinstance(node, ast.ImportFrom) and node.module]
    files = [name[len('heaven.') :].replace('.', '/') + '.py' for name in names if name.startswith('heaven.')]
    assert [each for each in files if floor[each] < floor.get(file, 0)] == []


def test_every_file_and_function_to_open_is_there():
    table = re.findall(r'`([\w/]+\.py)(?:: ([\w.]+))?`', SECTIONS['Which file to open'])
    assert table
    for file, function in table:
        assert file in MODULES
        thing = import_module('heaven.' + file.removesuffix('.py').replace('/', '.'))
        assert not function or attrgetter(function)(thing), function

"""The debug page: what it shows, in HTML and as text, what it masks, and that nothing gets out of its place.

The page shows lines of this file: what must not be shown is put together from two parts.
"""

# ruff: noqa: F841 (local variables are what is shown)

import os
import time
from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from html.parser import HTMLParser
from json import loads
from pathlib import Path

import pytest
from asks import ask
from heaven import App

BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'
MASK = '••••••'
FORM = {'content-type': 'application/x-www-form-urlencoded'}
EVIL = '<script>alert("1")</script>\'&amp;\x1b[31m\x00\u202e</title></style></pre><img src=x>'
ELEMENTS = set(
    'html head meta title style body header section article footer h1 h2 p small details summary b span pre code i '
    'mark table tr th td div'.split()
)


class Parsed(HTMLParser):
    """The elements and attributes of a page, and its text."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.attributes, self.pieces, self.open = set(), set(), [], []
        self.title = ''
        self.feed(html)
        self.close()
        self.text = ''.join(self.pieces)

    def handle_starttag(self, tag, attrs):
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag != 'meta':
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] == ['title']:
            self.title += data
        elif self.open[-1:] != ['style']:
            self.pieces.append(data)


def show(app, target='/', method='GET', *, accept=BROWSER, headers=(), **options):
    """The answer of an app that fails in debug."""
    fields = [*dict(headers).items(), ('accept', accept)]
    reply = ask(app, method, target, headers=fields, catch=True, **options)
    assert reply.status == 500
    return reply


def failing(handler, target='/', *, accept=BROWSER, route=None, **options):
    """The parsed page, or the text, of one handler."""
    app = App(debug=True)
    method = options.get('method', 'GET')
    app.METHOD(method, route or target.partition('?')[0], handler)
    reply = show(app, target, accept=accept, **options)
    return Parsed(reply.text) if 'html' in reply.header('content-type') else reply.text


def both(handler, target='/', **options):
    """What a browser and what curl is shown."""
    return failing(handler, target, **options).text, failing(handler, target, accept='*/*', **options)


def local(value):
    """What is shown of a local variable, as text."""

    def handler(req, res, ctx):
        thing = value
        raise LookupError(type(thing).__name__[:0])

    text = failing(handler, accept='*/*')
    row = next(line for line in text.splitlines() if line.strip().startswith('thing '))
    return row.strip().removeprefix('thing').strip()


def bug(req, res, ctx):
    raise LookupError('a bug')


# Who gets it


@pytest.mark.parametrize(
    ('accept', 'is_html'),
    [
        (BROWSER, True),
        ('text/html', True),
        ('TEXT/HTML; charset=utf-8', True),
        ('application/json, text/html', True),
        ('*/*', False),
        ('text/*', False),
        ('', False),
        ('application/json', False),
        ('text/html;q=0', False),
        ('text/html; q=0.000, */*', False),
        ('text/html;q=none', False),
        ('text/html;q=nan', False),
        ('application/json, text/html;q=0.5', False),
        ('text/plain;q=0.9, text/html;q=0.8', False),
    ],
)
def test_html_is_for_clients_that_prefer_it_and_text_for_all_others(accept, is_html):
    app = App(debug=True)
    app.GET('/', bug)
    reply = show(app, accept=accept)
    assert reply.header('content-type') == ('text/html; charset=utf-8' if is_html else 'text/plain; charset=utf-8')
    assert ('<html' in reply.text) is is_html
    assert 'LookupError' in reply.text


@pytest.mark.parametrize('accept', [BROWSER, '*/*'])
def test_nothing_is_shown_when_debug_is_off(accept):
    app = App()
    app.GET('/', bug)
    reply = show(app, accept=accept)
    assert reply.text == 'Internal Server Error'
    assert reply.header('content-security-policy') is None


def test_an_error_handler_answers_in_place_of_the_page():
    app = App(debug=True)
    app.GET('/', bug)
    app.ERROR(500, lambda req, res, ctx: res.html('our own'))
    assert show(app).text == 'our own'


def test_the_page_loads_nothing_and_is_kept_nowhere():
    app = App(debug=True)
    app.GET('/', bug)
    app.AFTER('/*', lambda req, res, ctx: None)
    reply = show(app)
    assert reply.header('content-security-policy') == "default-src 'none'; style-src 'unsafe-inline'"
    assert reply.header('cache-control') == show(app, accept='*/*').header('cache-control') == 'no-store'
    assert reply.header('x-content-type-options') == 'nosniff'
    page = Parsed(reply.text)
    assert page.elements <= ELEMENTS
    assert page.attributes <= {'lang', 'charset', 'name', 'content', 'class', 'open', 'tabindex', 'scope'}
    assert 'url(' not in reply.text and '@import' not in reply.text


def test_the_head_of_a_page_is_its_headers_alone():
    app = App(debug=True)
    app.GET('/', bug)
    assert show(app, method='HEAD').body == b''


# What it shows


def test_the_title_says_what_failed_and_where():
    page = failing(bug, '/patients/7')
    assert page.title == 'LookupError: a bug · GET /patients/7'
    for part in ('LookupError', 'a bug', 'GET /patients/7', 'Heaven ', 'Python 3.'):
        assert part in page.text


def test_source_lines_and_variables_are_shown():
    def handler(req, res, ctx):
        beds = {'north': [3, 7]}
        return beds['north'] + beds['south']  # the line that fails

    for text in both(handler, '/a'):
        assert "return beds['north'] + beds['south']  # the line that fails" in text
        assert "{'north': [3, 7]}" in text
        assert 'test_debug_page.py' in text
        assert 'handler' in text
    assert "beds = {'north'" in failing(handler).text  # lines around it
    assert '  ^^^^^^^^^^^^^\n' in failing(handler, accept='*/*')


def test_the_frames_of_the_user_are_open_and_the_house_is_folded():
    app = App(debug=True)
    app.GET('/', bug)
    html = show(app).text
    page = Parsed(html)
    assert 'calls in heaven' in page.text
    own = html.index('<details open><summary><b>bug</b>')
    assert own < html.index('<details class="folded"><summary>')


def test_where_no_frame_is_the_user_s_the_innermost_is_open():
    app = App(debug=True)
    app.GET('/', lambda req, res, ctx: res.out(200, {'a': object()}))
    html = show(app).text
    assert '<details open><summary><b>dumps</b>' in html
    assert 'cannot be written as JSON' in html


def test_causes_contexts_and_notes_are_shown():
    def handler(req, res, ctx):
        try:
            try:
                {}['first']
            except KeyError:
                raise ValueError('second')  # noqa: B904
        except ValueError as error:
            final = RuntimeError('third')
            final.add_note('look at the wards')
            raise final from error

    for text in both(handler):
        for part in ('KeyError', "'first'", 'ValueError', 'second', 'RuntimeError', 'third', 'look at the wards'):
            assert part in text
    page, text = both(handler)
    assert page.index('third') < page.index('Caused by') < page.index('While this was handled')
    assert text.rstrip().endswith('RuntimeError: third\nlook at the wards')


def test_what_is_raised_from_none_hides_what_came_before():
    def handler(req, res, ctx):
        try:
            {}['first' + 'one']
        except KeyError:
            raise ValueError('second') from None

    for text in both(handler):
        assert 'first' + 'one' not in text


def test_the_parts_of_a_group_are_shown():
    def handler(req, res, ctx):
        raise ExceptionGroup('two wards', [ValueError('north'), ExceptionGroup('inner', [OSError('east')])])

    for text in both(handler):
        for part in ('two wards', 'ValueError', 'north', 'inner', 'OSError', 'east'):
            assert part in text


def test_exceptions_that_go_in_a_circle_end():
    def handler(req, res, ctx):
        first, second = ValueError('one'), ValueError('two')
        first.__cause__, second.__cause__ = second, first
        raise first

    for text in both(handler):
        assert text.count('ValueError: two') + text.count('two') >= 1


def test_a_deep_recursion_is_cut():
    def handler(req, res, ctx):
        return handler(req, res, ctx)

    for text in both(handler):
        assert 'calls are left out' in text
        assert len(text) < 100_000


def test_a_syntax_error_shows_the_line_that_is_no_python(tmp_path):
    file = tmp_path / 'broken.py'
    file.write_text('fine = 1\ndef f(:\n')

    def handler(req, res, ctx):
        compile(file.read_text(), str(file), 'exec')

    for text in both(handler):
        assert 'SyntaxError' in text
        assert 'def f(:' in text
        assert 'broken.py' in text


def test_code_without_a_source_is_shown_without():
    def handler(req, res, ctx):
        exec('1 / 0')

    for text in both(handler):
        assert '<string>' in text and 'ZeroDivisionError' in text


def test_a_syntax_error_of_a_text_that_is_no_file_shows_its_line():
    def handler(req, res, ctx):
        compile('x = (1 +', 'a form', 'exec')

    for text in both(handler):
        assert 'SyntaxError' in text and 'a form' in text and 'x = (1 +' in text


def test_files_of_python_and_of_the_user_have_short_names_on_the_page(monkeypatch):
    def handler(req, res, ctx):
        loads('{')

    monkeypatch.chdir(Path(__file__).parents[1])
    text = failing(handler).text
    for name in (os.path.join('json', 'decoder.py'), os.path.join('debugging', 'test_debug_page.py')):
        assert name in text and f'{os.sep}{name}' not in text


@pytest.mark.skipif(os.name == 'nt', reason='Windows keeps a working directory from being removed')
def test_files_have_their_whole_name_where_the_working_directory_is_gone(tmp_path, monkeypatch):
    (tmp_path / 'gone').mkdir()
    monkeypatch.chdir(tmp_path / 'gone')
    (tmp_path / 'gone').rmdir()
    for text in both(bug):
        assert __file__ in text and 'a bug' in text


@pytest.mark.parametrize('notes', [7, [7, 'a note of words'], None])
def test_notes_that_are_no_texts_are_passed_over(notes):
    class Odd(Exception):
        pass

    def handler(req, res, ctx):
        error = Odd()
        error.__notes__ = notes
        raise error

    for text in both(handler):
        assert 'Odd' in text
        assert text.count('a note of words') >= (notes is not None and notes != 7)


def test_an_exception_without_words_is_shown_all_the_same():
    class Unprintable(Exception):
        def __str__(self):
            raise RuntimeError

    def handler(req, res, ctx):
        raise Unprintable

    for text in both(handler):
        assert 'Unprintable' in text and 'its message cannot be shown: RuntimeError' in text
        assert 'raise Unprintable' in text


# The request


def test_the_request_is_shown():
    async def handler(req, res, ctx):
        ctx.user = 'Ada'
        raise LookupError

    for text in both(
        handler,
        '/wards/east?page=2&tag=a&tag=b',
        route='/wards/:ward',
        headers={'x-ward': 'north-1', 'host': 'a.example'},
    ):
        for part in ('/wards/:ward', "params['ward']", "'east'", 'http://a.example/wards/east?page=2', 'page', 'tag'):
            assert part in text
        for part in ('x-ward', 'north-1', 'user', "'Ada'", '127.0.0.1'):
            assert part in text


async def reads_form(req, res, ctx):
    form = await req.form
    raise LookupError(len(form))


def test_a_form_that_was_read_is_shown():
    for text in both(reads_form, method='POST', body=b'name=Ad%C3%A1&tag=1&tag=2', headers=FORM):
        assert 'Form' in text and 'Adá' in text and 'tag' in text


def test_a_hundred_headers_and_fields_are_shown_and_then_that_there_are_more():
    body = b'&'.join(b'field%d=1' % at for at in range(150))
    for text in both(reads_form, method='POST', body=body, headers=FORM):
        assert 'field99' in text and 'field100' not in text and 'there are more' in text


def test_a_file_of_a_form_is_shown_by_name_and_size():
    pytest.importorskip('multipart')
    body = (
        b'--x\r\nContent-Disposition: form-data; name="scan"; filename="a<b>.pdf"\r\n'
        b'Content-Type: application/pdf\r\n\r\n%PDF\r\n--x--\r\n'
    )
    headers = {'content-type': 'multipart/form-data; boundary=x'}
    for text in both(reads_form, method='POST', body=body, headers=headers):
        assert "'a<b>.pdf', application/pdf, 4 bytes" in text


def test_the_body_is_never_read_for_the_page():
    app = App(debug=True)
    app.POST('/', bug, stream=True)
    reply = show(app, method='POST', body=b'name=A' + b'da', headers=FORM)
    assert 'A' + 'da' not in reply.text

    async def asks(req, res, ctx):
        form = req.form
        raise LookupError(type(form).__name__)

    app = App(debug=True)
    app.POST('/', asks, stream=True)
    page = Parsed(show(app, method='POST', body=b'name=A' + b'da', headers=FORM).text)
    assert 'PendingForm' in page.text and 'A' + 'da' not in page.text


def test_json_that_was_parsed_is_shown():
    def handler(req, res, ctx):
        raise LookupError(len(req.json))

    for text in both(handler, method='POST', json={'name': 'Ada', 'api_token': 'ab' + 'c'}):
        assert "{'name': 'Ada', 'api_token': " + MASK + '}' in text
        assert "'ab" + "c'" not in text


def test_a_request_that_is_wrong_in_itself_is_shown_as_far_as_it_can_be():
    target = '/?' + '&'.join(['a=1'] * 1200)
    for text in both(
        bug, target, headers={'host': 'not a host', 'cookie': ';;=', 'content-type': 'multipart/form-data'}
    ):
        assert 'LookupError' in text


# The hooks


def hooks_of(app, target='/', **options):
    """What became of each hook, and what it is: kind, name, pattern."""
    text = show(app, target, accept='*/*', **options).text
    rows = text.partition('\nHooks\n')[2].partition('\n\n')[0].splitlines()
    shown = []
    for row in rows:
        state, _, rest = row.strip().partition('  ')
        kind, _, rest = rest.strip().replace('second half', 'second-half').partition(' ')
        name, *pattern = rest.split()[:-1]  # the last part is the place
        shown.append((state, ' '.join([kind, name.rpartition('.')[2], *pattern])))
    return shown


async def connect(req, res, ctx):
    yield


def log_in(req, res, ctx):
    pass


def count(req, res, ctx):
    pass


def tidy(req, res, ctx):
    pass


def hooked(handler=bug, before=log_in, after=count, always=tidy, around=connect):
    app = App(debug=True)
    app.BEFORE('/*', around)
    app.BEFORE('/wards/:id', before)
    app.AFTER('/wards/*', after)
    app.AFTER('/*', always, always=True)
    app.GET('/wards/:ward', handler, before=[own])
    return app


def own(req, res, ctx):
    pass


def test_the_hooks_that_ran_are_listed_in_order_with_their_patterns():
    assert hooks_of(hooked(), '/wards/7') == [
        ('ran', 'BEFORE connect /*'),
        ('ran', 'BEFORE log_in /wards/:id'),
        ('ran', 'BEFORE own of the route'),
        ('failed', 'handler bug /wards/:ward'),
        ('not run', 'AFTER count /wards/*'),
        ('to come', 'AFTER tidy /*'),
        ('to come', 'second-half connect /*'),
    ]


def test_each_hook_is_listed_with_its_file_and_line():
    text = show(hooked(), '/wards/7', accept='*/*').text
    line = log_in.__code__.co_firstlineno
    assert f'test_debug_page.py:{line}\n' in text


def test_a_before_that_fails_stops_what_comes_after_it():
    rows = hooks_of(hooked(before=bug), '/wards/7')
    assert [state for state, _ in rows] == ['ran', 'failed', 'not run', 'not run', 'not run', 'to come', 'to come']
    rows = hooks_of(hooked(before=lambda req, res, ctx: 'no'), '/wards/7')  # refused, in no frame of its own
    assert rows[1][0] == 'failed'


def test_a_before_that_fails_ahead_of_its_yield_has_no_second_half():
    async def fails(req, res, ctx):
        raise LookupError
        yield

    rows = hooks_of(hooked(around=fails), '/wards/7')
    assert [state for state, _ in rows] == ['failed', *['not run'] * 4, 'to come']


def test_a_before_that_has_answered_is_told_from_those_that_ran():
    rows = hooks_of(hooked(before=lambda req, res, ctx: res.out(401, 'no'), after=bug), '/wards/7')
    assert [state for state, _ in rows] == ['ran', 'answered', 'not run', 'not run', 'failed', 'to come', 'to come']


def test_an_after_that_fails():
    rows = hooks_of(hooked(handler=lambda req, res, ctx: None, after=bug), '/wards/7')
    assert [state for state, _ in rows] == ['ran', 'ran', 'ran', 'ran', 'failed', 'to come', 'to come']


def test_what_always_runs_and_fails():
    async def fails(req, res, ctx):
        yield
        raise LookupError

    rows = hooks_of(hooked(handler=lambda req, res, ctx: None, around=fails), '/wards/7')
    assert [state for state, _ in rows] == ['ran', 'ran', 'ran', 'ran', 'ran', 'ran', 'failed']
    rows = hooks_of(hooked(handler=lambda req, res, ctx: None, always=bug), '/wards/7')
    assert [state for state, _ in rows] == ['ran', 'ran', 'ran', 'ran', 'ran', 'failed', 'to come']


def test_a_body_that_cannot_be_sent_fails_after_all_hooks():
    rows = hooks_of(hooked(handler=lambda req, res, ctx: res.out(200, [object()])), '/wards/7')
    assert {state for state, _ in rows} == {'ran', 'to come'} or {state for state, _ in rows} == {'ran'}


def test_an_error_handler_that_fails_is_listed_with_what_it_was_for():
    app = hooked()

    def wrong(req, res, ctx):
        raise ValueError('of the handler')

    app.ERROR(LookupError, wrong)
    rows = hooks_of(app, '/wards/7')
    assert rows[3][0] == 'failed'
    assert rows[-1][0] == 'failed' and rows[-1][1].startswith('ERROR') and 'wrong' in rows[-1][1]


def test_an_error_handler_of_a_404_that_fails():
    app = App(debug=True)
    app.BEFORE('/*', log_in)
    app.ERROR(404, bug)
    assert hooks_of(app, '/nowhere') == [('ran', 'BEFORE log_in /*'), ('failed', 'ERROR bug')]


def test_hooks_of_mounted_apps_are_shown_with_the_whole_pattern():
    root, child = App(debug=True), App()
    child.BEFORE('/*', log_in)
    child.GET('/:ward', bug)
    root.BEFORE('/*', own)
    root.mount(child, '/wards')
    assert hooks_of(root, '/wards/7') == [
        ('ran', 'BEFORE own /*'),
        ('ran', 'BEFORE log_in /wards/*'),
        ('failed', 'handler bug /wards/:ward'),
    ]


def test_a_hook_of_a_dotted_path_is_listed_with_its_pattern(tmp_path, monkeypatch):
    (tmp_path / 'night_shift.py').write_text('def guard(req, res, ctx): pass\n\n\ndef count(req, res, ctx): pass\n')
    monkeypatch.syspath_prepend(tmp_path)
    app = App(debug=True)
    app.BEFORE('/wards/*', 'night_shift.guard')
    app.BEFORE('/wards/:id', 'night_shift.count')
    app.GET('/wards/:id', bug)
    assert hooks_of(app, '/wards/7') == [
        ('ran', 'BEFORE guard /wards/*'),
        ('ran', 'BEFORE count /wards/:id'),
        ('failed', 'handler bug /wards/:id'),
    ]


def test_threaded_methods_partials_and_objects_are_hooks_as_any_other():
    from functools import partial

    class Ward:
        def guard(self, req, res, ctx):
            pass

        def __call__(self, req, res, ctx):
            raise LookupError

    app = App(debug=True)
    app.BEFORE('/*', Ward().guard)
    app.BEFORE('/*', partial(log_in))
    app.BEFORE('/*', count, threaded=True)
    app.GET('/', Ward(), threaded=True)
    rows = hooks_of(app)
    assert [state for state, _ in rows] == ['ran', 'ran', 'ran', 'failed']
    assert rows[0][1] == 'BEFORE guard /*'
    assert rows[2] == ('ran', 'BEFORE count /*')


# Secrets

SECRETS = ['of-authorization', 'of-cookie', 'of-query', 'of-header', 'of-form', 'of-local', 'of-nested', 'of-attribute']


@dataclass
class Settings:
    name: str
    secret_key: str


class Client:
    def __repr__(self):
        return "<Client name='lab' api_key='of-attribute'>"


async def with_secrets(req, res, ctx):
    form = await req.form
    password = 'of-' + 'local'
    nested = {'a': [{'db': {'PASSWORD': 'of-' + 'nested', 'port': 5432}}], b'x-api-key': b'of-' + b'nested'}
    pairs = [(b'authorization', b'Basic of-' + b'nested'), ('token', 'of-' + 'nested')]
    settings = Settings('clinic', 'of-' + 'nested')
    point = namedtuple('Point', 'x token')(1, 'of-' + 'nested')
    ordered = OrderedDict(secret='of-' + 'nested', port=5433)
    client = Client()
    jar = req.cookies
    header = req.headers['authorization']
    whole = req.scope
    url = 'postgres://ada:of-' + 'nested@db.example/clinic'
    text = '{"password": "of-' + 'nested", "port": 5434}'
    query = req.querystring
    ctx.session_token = 'of-' + 'nested'
    ctx.limits = {'key': 'of-' + 'nested', 'port': 5435}
    raise LookupError(f'no such token: {header} {form["password"]} {len(form)}')


def test_secrets_are_masked_wherever_they_stand():
    for text in both(
        with_secrets,
        '/a?access_token=of-query&page=17',
        method='POST',
        body=b'name=Ada&password=of-form-and-more',
        headers={
            **FORM,
            'authorization': 'Bearer of-authorization',
            'cookie': 'session=of-cookie; theme=of-cookie2',
            'x-api-key': 'of-header',
            'proxy-authorization': 'Basic of-header',
            'referer': 'https://a.example/?token=of-query',
        },
    ):
        for secret in SECRETS:
            assert secret not in text
        for shown in ('5432', '5433', '5434', '5435', 'clinic', 'lab', 'page', '17', 'Ada', 'session', 'theme'):
            assert shown in text
        for name in ('password', 'access_token', 'x-api-key', 'authorization', 'settings', 'session_token'):
            assert name in text
        assert MASK in text


def test_secrets_in_lists_of_json_are_masked_wherever_they_come_again():
    def handler(req, res, ctx):
        value = req.json['tokens'][1]
        deep = req.json
        for _ in range(20):
            deep = deep.get('a', deep)
        raise LookupError(f'no such token: {value}')

    nested = {'secret': 'of-' + 'far-below'}
    for _ in range(20):
        nested = {'a': nested}
    sent = {'tokens': ['of-' + 'json-1', 'of-' + 'json-2'], **nested, 'all': [{'password': 'of-' + 'json-3'}]}
    for text in both(handler, method='POST', json=sent):
        assert 'LookupError' in text and 'no such token: ' + MASK in text
        for secret in ('of-' + 'json-1', 'of-' + 'json-2', 'of-' + 'json-3'):
            assert secret not in text


def test_a_parameter_of_the_path_that_is_a_secret_is_masked_in_the_path_too():
    page = failing(bug, '/reset/abcdefgh-1234', route='/reset/:token')
    assert 'abcdefgh-1234' not in page.text + page.title
    assert f'GET /reset/{MASK}' in page.text


def test_a_secret_in_bytes_is_masked_where_they_are_cut_inside_of_it():
    def handler(req, res, ctx):
        sent = b'x' * 290 + req.headers['x-api-key'].encode()
        grown = bytearray(sent)
        raise LookupError

    for text in both(handler, headers={'x-api-key': 'of-header-and-more'}):
        assert 'of-' + 'header' not in text
        assert "b'" + 'x' * 290 + MASK + "'… (308 bytes)" in text
        assert "bytearray(b'" + 'x' * 290 + MASK + "')… (308 bytes)" in text


def test_literals_under_the_names_of_secrets_are_masked_in_the_source():
    def handler(req, res, ctx):
        api_key = 'sk-live-1'
        config = {'password': 'sk-live-2', 'port': 5432}
        config['SECRET'] = b'sk-live-3'
        token: str = 'sk-live-4'
        raise LookupError(len(api_key) + len(config), Settings('a', secret_key='sk-live-5').name, len(token))

    for text in both(handler):
        assert 'sk-' + 'live' not in text
        assert "'port': 5432" in text


def test_a_password_in_a_url_is_masked_in_the_source():
    def handler(req, res, ctx):
        raise LookupError(len('postgres://ada:of-source@db.example/clinic'))

    for text in both(handler):
        assert 'of-' + 'source' not in text
        assert '•' * 9 + '@db.example/clinic' in text


# Values of all kinds


@pytest.mark.parametrize(
    ('value', 'shown'),
    [
        (None, 'None'),
        (True, 'True'),
        (1.5, '1.5'),
        ('text', "'text'"),
        (b'by\x00tes', r"b'by\x00tes'"),
        ([], '[]'),
        ((1,), '(1,)'),
        ({'a': 1}, "{'a': 1}"),
        (set(), 'set()'),
        ({1}, '{1}'),
        (frozenset({1}), 'frozenset({1})'),
        (OrderedDict(a=1), "OrderedDict({'a': 1})"),
        (Settings('a', 'b'), f"Settings(name='a', secret_key={MASK})"),
        ('x' * 5000, "'" + 'x' * 300 + "'… (5,000 characters)"),
        (b'x' * 5000, "b'" + 'x' * 300 + "'… (5,000 bytes)"),
        (list(range(1000)), str(list(range(20)))[:-1] + ', … 980 more]'),
        ([[[[[['deep']]]]]], '[[[[<list …>]]]]'),
        ('\x1b[31m\u202e', r"'\x1b[31m\u202e'"),
        ('\ud800', r"'\ud800'"),
    ],
)
def test_values_are_shown_in_short(value, shown):
    assert local(value) == shown


def test_an_int_that_python_does_not_write_is_shown_by_its_size():
    assert local(10**5000) == '<an int of 16610 bits>'


def test_a_value_that_contains_itself_ends():
    value = []
    value.append(value)
    assert local(value) == '[[[[<list …>]]]]'

    @dataclass
    class Node:
        child: object = None

    node = Node()
    node.child = node
    assert local(node).endswith('child=<Node …>))))')


def test_a_repr_that_raises_is_named():
    class Broken:
        def __repr__(self):
            raise ValueError

    assert local(Broken()) == '<Broken, which cannot be shown: ValueError>'
    assert local([1, Broken()]) == '[1, <Broken, which cannot be shown: ValueError>]'


def test_a_repr_that_is_huge_is_cut():
    class Huge:
        def __repr__(self):
            return 'y' * 10_000_000

    assert local(Huge()) == 'y' * 800 + '…'


def test_after_a_repr_that_takes_long_no_other_is_asked():
    asked = []

    class Slow:
        def __repr__(self):
            asked.append(self)
            time.sleep(0.6)
            return 'slow'

    def handler(req, res, ctx):
        one, two, three = Slow(), Slow(), Slow()
        raise LookupError

    text = failing(handler, accept='*/*')
    assert len(asked) == 1
    assert ' slow\n' in text
    for name in ('two', 'three'):
        assert f'{name}    '[:6] + ' <Slow, which was not asked: other values have taken too long>' in text


def test_many_large_variables_make_no_large_page():
    def handler(req, res, ctx):
        exec('\n'.join(f'v{n} = ["{n}" * 1000] * 1000' for n in range(1000)) + '\n1 / 0', {})

    for text in both(handler):
        assert len(text) < 150_000
        assert '960 more' in text or '961 more' in text


# Escaping


def test_nothing_that_is_shown_is_markup():
    class Odd(Exception):
        pass

    Odd.__qualname__ = EVIL

    def hook(req, res, ctx):
        pass

    hook.__qualname__ = EVIL

    async def handler(req, res, ctx):
        form = await req.form
        thing = {EVIL: EVIL, 'form': form}
        ctx.keep(EVIL, EVIL)
        error = Odd(EVIL)
        error.add_note(EVIL)
        exec(compile('raise error', EVIL, 'exec'), {'error': error, '__name__': EVIL, 'thing': thing})

    app = App(debug=True)
    app.BEFORE('/*', hook)
    app.POST('/*', handler)
    quoted = '%3Cscript%3Ealert(%221%22)%3C/script%3E%1B%00%E2%80%AE%3Cimg%20src=x%3E'
    options = {
        'body': f'{quoted}={quoted}'.encode(),
        'headers': {**FORM, 'x-evil': '<img src=x>"\'', 'cookie': '<b>=<img>', 'host': '<img>'},
    }
    reply = show(app, f'/{quoted}?{quoted}={quoted}', 'POST', **options)
    page = Parsed(reply.text)
    assert page.elements <= ELEMENTS
    assert page.open == []
    assert '<script>alert("1")</script>' in page.text
    assert '&lt;script&gt;' in reply.text
    text = show(app, f'/{quoted}?{quoted}={quoted}', 'POST', accept='*/*', **options).text
    for written in (reply.text, text):
        assert not {'\x1b', '\x00', '\u202e', '\r'} & set(written)
        assert r'\x1b' in written


def test_a_page_that_fails_itself_is_the_plain_500(monkeypatch, caplog):
    class Hostile(Exception):
        def __getattribute__(self, name):
            if name == '__notes__':
                raise LookupError('no notes')
            return super().__getattribute__(name)

    def handler(req, res, ctx):
        raise Hostile

    app = App(debug=True)
    app.GET('/', handler)
    assert show(app).text == 'Internal Server Error'
    assert any('the debug page failed' in record.message for record in caplog.records)

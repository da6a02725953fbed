"""A hostile client and a careless developer: nothing behind a guard is served, nothing leaks, hangs or is injected."""

import asyncio
import contextlib
import logging
import re
import tempfile

import pytest
from asks import Live, ask, meet, stream
from driver import pairs
from heaven import Abort, App
from waiting import until
from watching import descriptors

FORM = 'application/x-www-form-urlencoded'
SECRET = 'the secret'
CONTROLS = re.compile('[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]')


def refuse(req, res, ctx):
    res.out(401, 'Log in first')


def secret(req, res, ctx):
    res.body = SECRET


def host(*names):
    return {'headers': pairs([('host', name) for name in names])}


def sent(reply):
    """What goes over the wire, as text."""
    head = ''.join(f'{name.decode("latin-1")}: {value.decode("latin-1")}\n' for name, value in reply.headers)
    return head + reply.body.decode('latin-1')


# Guards: every way to write the path, the method and the host of what is refused


def castle():
    """An app whose secrets are all guarded, and routes that would catch what slips by."""
    app, child = App(), App()
    app.TYPE('any', lambda text: text)
    app.BEFORE('/admin/*', refuse)
    app.BEFORE('/mounted/admin/*', refuse)
    app.BEFORE('/only', refuse, methods=('GET', 'POST'))
    for pattern in ('/admin/keys', '/admin/:x', '/only'):
        app.HTTP(pattern, secret)
        app.WS(pattern, lambda req, ws, ctx: ws.send(SECRET))

    def catch(req, res, ctx):
        parts = [part.casefold() for part in str(req.params).split("'")]
        res.body = SECRET if {'admin', 'admin/keys'} & set(parts) else 'public'

    app.GET('/:a:any', catch)
    app.GET('/:a:any/:b:any', catch)
    app.GET('/:a/:b/*', catch)

    async def foreign(scope, receive, send):
        path = [part for part in scope['path'].split('/') if part]
        body = SECRET.encode() if path[1:2] == ['admin'] else b'public'
        await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-length', b'%d' % len(body))]})
        await send({'type': 'http.response.body', 'body': b'' if scope['method'] == 'HEAD' else body})

    child.BEFORE('/*', refuse)
    child.GET('/*', secret)
    app.mount(foreign, '/mounted')
    app.mount(child, '/wards/:ward')
    return app


TARGETS = """
/admin/keys /admin%2fkeys /admin%2Fkeys //admin/keys /admin//keys ///admin///keys /%61dmin/keys /adm%69n/keys
/admin/keys/ /admin/keys// /admin/keys%2F /admin/%6b%65%79%73 /admin/keys%00 /admin/keys%20 /admin/keys;a=b
/admin/keys?x /admin/keys%3Fx /admin/keys#x /admin/keys%23 /admin/.keys /admin/%2e%2ekeys /admin/x%2fy /admin/*
/admin/:x http://a.com/admin/keys HTTP://a.com/admin/keys http://a.com//admin/keys http://admin/admin/keys
https://a.com:80/admin/keys http://u:p@a.com/admin/keys ftp://a.com/admin%2Fkeys http://?x/admin/keys
/%2Fadmin/keys /%2fadmin%2fkeys /%2F%2Fadmin%2F%2Fkeys
/mounted/admin /mounted//admin /mounted/admin/x /mounted%2Fadmin /mounted/%61dmin //mounted/admin /mounted/admin%2Fx
/mounted//%2Fadmin /%6dounted/admin /mounted/admin/
/only /only/ //only /only// /%6fnly /only%2F /only?x
/wards/7 /wards/7/ /wards/7/x /wards/7//x /wards/%2F/x /wards/7%2Fx //wards/7/x /wards%2F7%2Fx /wards/7/x%00
""".split()


@pytest.mark.parametrize('target', [*TARGETS, '/' + '%2F' * 2000 + 'admin', '/admin' + '/' * 2000 + 'keys'])
def test_no_way_to_write_a_path_leads_past_its_guard(target):
    with Live(castle()) as live:
        for method in ('GET', 'HEAD', 'POST', 'get', 'Get', 'hEAD', 'post', 'PUT', 'QUERY', 'OPTIONS', 'PROPFIND', 'G'):
            for options in ({}, {'raw_path': None}, {'root_path': '/r'}, {'raw_path': b'/public'}):
                reply = live.ask(method, target, **options)
                if 'nly' in target and method.upper() not in ('GET', 'POST'):
                    continue
                assert reply.status in (400, 401, 404), (method, options)
                assert SECRET not in reply.text


@pytest.mark.parametrize(
    'target',
    ['/ADMIN%2e', '/.%2fadmin/keys', '/x/../admin', '/x/%2e%2E/admin', 'admin/keys', '?x/admin', 'a.com:80', '\\'],
)
def test_what_is_no_path_serves_nothing(target):
    with Live(castle()) as live:
        for method in ('GET', 'POST', 'OPTIONS', 'CONNECT', 'admin'):
            reply = live.ask(method, target)
            assert SECRET not in reply.text
            assert reply.status in (400, 401, 404, 405, 200, 204)


@pytest.mark.parametrize(
    'target',
    ['/a' * 50_000, '/' * 100_000, '/' + '%2F' * 30_000, '/' + '%25' * 30_000, '/' + ':' * 90_000, '/%' * 30_000],
)
def test_a_path_of_a_hundred_thousand_characters_is_answered(target):
    with Live(castle()) as live:
        assert live.ask('GET', target).status in (200, 404)
        assert live.ask('GET', f'/mounted{target}').status == 200


SUBDOMAIN_HOSTS = """
admin.a.com ADMIN.A.COM Admin.a.com. admin.a.com.:80 admin.a.com:80 admin.a.com: admin.localhost admin.localhost:8000
admin.a.b.c.d.e admin.admin.com admin._.x
""".split()
OTHER_HOSTS = [
    'a.com',
    'u@admin.a.com',
    'admin.a.com/x',
    'admin.a.com?x',
    'admin.a.com#x',
    'admin.a.com, a.com',
    'admin.a.com a.com',
    '%61dmin.a.com',
    'admin%2Ea.com',
    '.admin.a.com',
    '[::1]',
    '[::1]:80',
    '[admin.a.com]',
    '127.0.0.1',
    '1.2.3.4:80',
    'admin',
    'admin.a.com:80:80',
    'admin.a.com:99999999',
    'ádmin.a.com',
    'admin\x00.a.com',
    'admin.a.com\t',
    '*.a.com',
    '',
    '.',
    '..',
    ':',
    '[',
    'a' * 10_000,
]


@pytest.mark.parametrize('name', SUBDOMAIN_HOSTS)
def test_every_spelling_of_a_subdomain_is_that_subdomain(name):
    app = App()
    admin = app.subdomain('admin')
    admin.BEFORE('/*', refuse)
    admin.GET('/*', secret)
    app.GET('/*', lambda req, res, ctx: res.out(200, 'public'))
    assert ask(app, 'GET', '/x', **host(name)).status == 401


@pytest.mark.parametrize(
    'names', [*([name] for name in OTHER_HOSTS), ['admin.a.com', 'a.com'], ['a.com', 'admin.a.com']]
)
def test_a_host_that_is_none_or_two_serves_what_is_public(names):
    app = App()
    app.subdomain('admin').GET('/*', secret)
    app.GET('/*', lambda req, res, ctx: res.out(200, f'{req.subdomain} {req.url}'))
    reply = ask(app, 'GET', '/x', **host(*[name.encode('utf-8').decode('latin-1') for name in names]))
    assert reply.status == 200 and reply.text.startswith('www http://')
    assert not CONTROLS.search(reply.text)


ORIGINS = """
null http://evil.com http://a.com.evil.com http://a.comevil http://evil.com/a.com http://a.com:81 http://a.com@evil.com
http://a.com. https:a.com //a.com a.com http:// http://a.com:80:80 http://a.com:443 http://b.a.com http://a.com,http://a.com
""".split()


@pytest.mark.parametrize('origin', [*ORIGINS, 'http://a.com\x00', ' ', 'http://a.com http://a.com', 'http://á.com'])
def test_a_page_of_another_origin_opens_no_socket(origin):
    app = App()
    app.WS('/', lambda req, ws, ctx: ws.send(SECRET))
    headers = pairs([('host', 'a.com'), ('origin', origin.encode().decode('latin-1'))])
    assert meet(app, headers=headers).status == 403
    assert meet(app, headers=[*headers, (b'origin', b'http://a.com')]).status == 403


@pytest.mark.parametrize('origin', [*ORIGINS, 'http://a.com\x00', ' ', 'http://á.com'])
def test_a_page_of_another_origin_posts_nothing(origin):
    app = App()
    app.same_origin()
    app.POST('/', secret)
    headers = pairs([('host', 'a.com'), ('origin', origin.encode().decode('latin-1'))])
    for sent_twice in ([], [(b'origin', b'http://a.com')]):
        reply = ask(app, 'POST', headers=[*headers, *sent_twice])
        assert (reply.status, SECRET in reply.text) == (403, False)


@pytest.mark.parametrize(
    'name, origin',
    [
        ('a.com', 'http://a.com'),
        ('A.com', 'HTTP://a.COM'),
        ('a.com:80', 'http://a.com'),
        ('a.com', 'http://a.com:80'),
        ('[::1]:8000', 'http://[::1]:8000'),
        ('a.com', ''),
    ],
)
def test_a_page_of_the_same_origin_opens_one(name, origin):
    app = App()
    app.WS('/', lambda req, ws, ctx: None)
    assert meet(app, headers=pairs([('host', name), ('origin', origin)])).code == 1000


# What goes out: nothing of a client's breaks out of a header, an event, a page or the log


INJECTIONS = [
    'a\r\nx-evil: 1',
    'a\nx-evil: 1',
    'a\rx-evil: 1',
    'a\x00',
    '\x1b[31m',
    'a\x85b',
    'a\u2028b',
    'a\x7f',
    '\x0b\x0c',
]
SETTERS = {
    'a header': lambda res, text: res.header('x-a', text),
    'the name of a header': lambda res, text: res.header(text, 'a'),
    'a list of headers': lambda res, text: res.header('x-a', ['b', text]),
    'a header in bytes': lambda res, text: res.header('x-a', text.encode()),
    'headers of out': lambda res, text: res.out(200, 'a', {'x-a': text}),
    'Vary': lambda res, text: res.headers.vary(text),
    'Set-Cookie': lambda res, text: res.header('set-cookie', text),
    'the value of a cookie': lambda res, text: res.cookie('a', text),
    'the name of a cookie': lambda res, text: res.cookie(text, 'a'),
    'the path of a cookie': lambda res, text: res.cookie('a', 'b', path=text),
    'the domain of a cookie': lambda res, text: res.cookie('a', 'b', domain=text),
    'samesite': lambda res, text: res.cookie('a', 'b', samesite=text),
    'expires': lambda res, text: res.cookie('a', 'b', expires=text),
    'a redirect': lambda res, text: res.redirect(text),
    'the content type of a stream': lambda res, text: res.stream(iter(['a']), content_type=text),
}


@pytest.mark.parametrize('text', INJECTIONS)
@pytest.mark.parametrize('set_it', SETTERS.values(), ids=SETTERS)
def test_a_text_of_a_client_breaks_out_of_no_header(set_it, text):
    def handler(req, res, ctx):
        with contextlib.suppress(ValueError):
            set_it(res, text)

    reply = ask(handler)
    assert 'x-evil: 1' not in sent(reply).splitlines()
    assert not re.search('[\x00-\x08\x0a-\x1f\x7f]', ''.join(value.decode('latin-1') for _, value in reply.headers))


@pytest.mark.parametrize(
    'name', [*INJECTIONS, 'a"; x="b', "a'b*c%", '../../x', 'C:\\x', '', '.', 'é\u202etxt', '\ud800']
)
def test_the_name_of_a_download_stays_in_its_quotes(name, tmp_path):
    (tmp_path / 'a').write_text('x')
    reply = ask(lambda req, res, ctx: res.file(tmp_path / 'a', filename=name))
    assert re.fullmatch(
        r"""attachment; filename="[^"\\/%\x00-\x1f\x7f-\xff]*"(; filename\*=UTF-8''[A-Za-z0-9!#$&+.^_`|~%-]*)?""",
        reply.header('content-disposition'),
    )


@pytest.mark.parametrize('field', ['data', 'event', 'id'])
@pytest.mark.parametrize(
    'text', ['a\nevent: evil', 'a\r\ndata: evil', 'a\rid: evil', 'a\n\ndata: evil', '\n', '\r\r', '\x00']
)
def test_a_text_of_a_client_ends_no_event(field, text):
    async def events():
        yield {'data': 'x', field: text}

    reply = ask(lambda req, res, ctx: res.stream(events(), sse=True), catch=True)
    frames = reply.text.split('\n\n')
    assert len(frames) <= 2
    assert all(line.startswith(('data: ', f'{field}: ')) for line in frames[0].splitlines())
    assert not any(line in ('event: evil', 'id: evil') for line in re.split('[\r\n]', reply.text))


@pytest.mark.parametrize('accept', ['text/html', '*/*', '', '<script>', 'text/html;q=0', ',;=' * 5000])
def test_a_failure_in_debug_shows_what_a_client_sent_as_text(accept):
    def fails(req, res, ctx):
        raise ValueError(req.queries['q'])

    app = App(debug=True)
    app.GET('/*', fails)
    target = '/%3Cscript%3E?q=%3Cscript%3Ealert(1)%3C/script%3E'
    reply = ask(app, 'GET', target, headers=pairs([('accept', accept), ('x-a', '<script>')]))
    assert reply.status == 500
    if reply.header('content-type').startswith('text/html'):
        assert '<script>alert(1)' not in reply.text
    else:
        assert reply.header('content-type') == 'text/plain; charset=utf-8'


@pytest.mark.parametrize(
    'text', ['a\nERROR heaven: all is lost', 'a\r\nERROR', '\x1b[31m', '\x9b31m', 'a\u2028ERROR', '\n']
)
@pytest.mark.parametrize('how', ['raised', 'cause', 'context', 'group', 'deferred', 'stream'])
def test_the_message_of_an_exception_forges_no_line_of_the_log(text, how, caplog):
    def fails(*args):
        if how == 'group':
            raise ExceptionGroup('several', [ValueError(text), KeyError(text)])
        if how == 'cause':
            raise RuntimeError('a bug') from ValueError(text)
        try:
            raise ValueError(text)
        except ValueError:
            if how == 'context':
                raise RuntimeError('a bug')  # noqa: B904
            raise

    def stream():
        yield 'x'
        fails()

    def handler(req, res, ctx):
        if how == 'deferred':
            res.defer(fails)
        elif how == 'stream':
            res.body = stream()
        else:
            fails()

    ask(handler, catch=True)
    assert 'ValueError: ' in caplog.text
    assert not CONTROLS.search(caplog.text)
    assert not [line for line in caplog.text.splitlines() if line.startswith('ERROR') and 'failed' not in line]


# Bodies


MIB = 2**20
BODIES = {
    'a million ampersands': (FORM, b'&' * MIB),
    'a million semicolons': (FORM, b';' * MIB),
    'a million percents': (FORM, b'%' * MIB),
    'a million pluses': (FORM, b'a=' + b'+' * (MIB - 9)),
    'a thousand and one pairs': (FORM, b'a=1&' * 1001),
    'a name of more than a mebibyte': (FORM, b'a' * (MIB + 1) + b'=1'),
    'bytes that are no text': (FORM, b'%ff=%fe'),
    'half a character': (FORM, b'a=%ed%a0%80'),
    'NUL': (FORM, b'%00=%00'),
    'a charset that is a codec': (f'{FORM}; charset=unicode_escape', b'a=\\x41'),
    'another content type': ('text/plain', b'a=1'),
    'two content types': (f'{FORM}, multipart/form-data', b'a=1'),
    'a boundary of nothing': ('multipart/form-data; boundary=', b'--'),
    'a boundary of quotes': ('multipart/form-data; boundary="', b'--"--'),
    'a boundary of 71': ('multipart/form-data; boundary=' + 'a' * 71, b'--' + b'a' * 71 + b'--'),
    'no end': ('multipart/form-data; boundary=B', b'--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n1'),
    'a preamble and no part': ('multipart/form-data; boundary=B', b'x' * MIB),
    'a boundary that goes on': ('multipart/form-data; boundary=B', b'--Bx\r\n\r\n\r\n--B--'),
    'a part without a name': ('multipart/form-data; boundary=B', b'--B\r\nContent-Disposition: form-data\r\n\r\n--B--'),
    'a part without headers': ('multipart/form-data; boundary=B', b'--B\r\n\r\n1\r\n--B--'),
    'parameters without end': (f'{FORM};' + 'a=b;' * 10_000, b'a=1'),
    'a quote without end': (f'{FORM}; charset="' + '\\' * 10_000, b'a=1'),
}


@pytest.mark.parametrize('kind, body', BODIES.values(), ids=BODIES)
@pytest.mark.parametrize('stream', [False, True])
def test_a_hostile_form_is_read_or_refused_and_says_why(kind, body, stream, caplog):
    async def handler(req, res, ctx):
        form = await req.form
        res.body = list(form.to_dict())

    app = App()
    app.POST('/', handler, stream=stream)
    for chunks in (body, [body[:1], body[1:], b'']):
        reply = ask(app, 'POST', body=chunks, headers={'content-type': kind})
        assert reply.status in (200, 400, 413), reply
        assert reply.status == 200 or reply.text
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


NESTED = b"""--B\r
Content-Disposition: form-data; name="a"\r
Content-Type: multipart/mixed; boundary=C\r
\r
--C\r
Content-Disposition: file; filename="../x"\r
\r
x\r
--C--\r
--B\r
Content-Disposition: form-data; name="b"\r
\r
--Bx\r
--B--\r
"""


def test_a_form_in_a_form_is_a_file_and_never_parsed():
    async def handler(req, res, ctx):
        form = await req.form
        res.body = [form['a'].content.decode(), form['a'].filename]

    reply = ask(handler, 'POST', body=NESTED, headers={'content-type': 'multipart/form-data; boundary=B'})
    if reply.status == 200:
        assert reply.json()[0].startswith('--C\r\n') and reply.json()[1] == ''
    else:
        assert reply.status == 400


NAMES = {
    'UTF-8': ('filename="é.pdf"', 'é.pdf'),
    'in escapes, which RFC 7578 forbids': ("filename*=UTF-8''%e2%82%ac.pdf", 'no file'),
    'both': ('filename="a.pdf"; filename*=UTF-8\'\'..%2F%e2%82%ac.pdf', 'a.pdf'),
    'up': ('filename="../../etc/passwd"', 'passwd'),
    'of Windows': ('filename="C:\\\\temp\\\\a.pdf"', 'a.pdf'),
    'up in escapes': ('filename="..%2F..%2Fa.pdf"', '%2F..%2Fa.pdf'),
    'a newline in escapes': ('filename="a%0d%0ax.pdf"', 'a%0d%0ax.pdf'),
    'an encoded word': ('filename="=?utf-8?q?..=2Fx?="', '=_utf-8_q_..=2Fx_='),
    'a control character': ('filename="a\x01b.pdf"', None),
    'NUL': ('filename="a\x00b.pdf"', None),
    'a device': ('filename="con.txt"', '_con.txt'),
    'a stream': ('filename="a.txt::$DATA"', 'a.txt__$DATA'),
    'nothing but dots': ('filename=".."', 'file'),
    'spaces and dots at the end': ('filename="a.txt. . "', 'a.txt'),
    'another direction': ('filename="a\u202etxt.exe"', 'a_txt.exe'),
}


@pytest.mark.parametrize('disposition, safe', NAMES.values(), ids=NAMES)
def test_the_name_of_an_upload_is_made_safe_however_it_was_sent(disposition, safe):
    head = f'--B\r\nContent-Disposition: form-data; name="f"; {disposition}\r\n\r\n1\r\n--B--\r\n'

    async def handler(req, res, ctx):
        res.body = getattr((await req.form)['f'], 'safe_name', 'no file')

    reply = ask(handler, 'POST', body=head.encode(), headers={'content-type': 'multipart/form-data; boundary=B'})
    assert (reply.status, reply.text) == (200, safe) if safe else reply.status == 400, reply


COOKIES = {
    'ten thousand': '; '.join(f'a{n}=b' for n in range(10_000)),
    'nothing but separators': ';' * 100_000,
    'nothing but equals': '=' * 100_000,
    'quotes': '"' * 100_000,
    'spaces': ' ' * 100_000 + '=' + ' ' * 100_000,
    'controls': '\x01=\x02; \x00=\xff',
    'one name': 'a=b; ' * 20_000,
}


@pytest.mark.parametrize('cookie', COOKIES.values(), ids=COOKIES)
def test_cookies_of_any_kind_are_at_most_180(cookie):
    reply = ask(lambda req, res, ctx: res.out(200, len(req.cookies)), headers=pairs([('cookie', cookie)]))
    assert reply.status == 200 and 0 <= int(reply.text) <= 180


# Files


OUTSIDE = """
../secret ..%2Fsecret %2e%2e/secret sub/..%2F..%2Fsecret sub/../../secret link up/secret /etc/passwd
%2Fetc%2Fpasswd up/files/../secret a.txt%00 a.txt. a.txt%20 a.txt::$DATA a.txt:x con NUL.txt com1 COM%C2%B9 aux.
C:%5Cx %5C%5Chost%5Cx sub%5C..%5Ca.txt a.txt/
a.txt/x sub sub/ sub//b.txt sub/./b.txt a.txt%0A %0Aa.txt ~root %ff %ed%a0%80 a.txt%7F a.txt%1F lpt9.a.b
""".split()


@pytest.mark.parametrize('name', [*OUTSIDE, 'a/' * 5000, 'a' * 5000, '%2E' * 2000])
def test_nothing_outside_of_a_folder_is_served(name, tmp_path):
    (tmp_path / 'secret').write_text(SECRET)
    folder = tmp_path / 'files'
    (folder / 'sub').mkdir(parents=True)
    (folder / 'a.txt').write_text('a')
    (folder / 'sub' / 'b.txt').write_text('b')
    (folder / 'link').symlink_to('../secret')
    (folder / 'up').symlink_to('..')
    app = App()
    app.GET('/files/*', lambda req, res, ctx: res.file(req.params['*'], within=folder))
    app.ASSETS(folder, '/assets')
    for target in (f'/files/{name}', f'/assets/{name}'):
        reply = ask(app, 'GET', target)
        assert reply.status in (400, 404), reply


@pytest.mark.parametrize(
    'value',
    [
        'bytes=' + '0-1,' * 5000,
        'bytes=0-' + '9' * 5000,
        'bytes=-',
        'bytes=5-1',
        'bytes= 0-1',
        'bytes=\xb2-',
        'bytes=1-2-3',
        'bytes=+1-2',
        'bytes',
        '=',
        'items=0-1',
        ',' * 5000,
        'bytes=0-0,-1',
        'bytes=--1',
        'bytes=0x0-1',
    ],
)
def test_a_range_that_is_none_is_the_whole_file(value, tmp_path):
    (tmp_path / 'a').write_text('abcdef')
    reply = ask(lambda req, res, ctx: res.file(tmp_path / 'a'), headers=pairs([('range', value)]))
    assert (reply.status, reply.text) in ((200, 'abcdef'), (206, 'abcdef'))


# The end of a request: at any moment, by anybody


def busy(trace, folder):
    """An app whose request waits at many places, and what was entered and left."""

    async def around(req, res, ctx):
        trace.append('in')
        try:
            await asyncio.sleep(0)
            yield
            await asyncio.sleep(0)
        finally:
            trace.append('out')

    async def pieces():
        trace.append('in')
        try:
            for _ in range(3):
                await asyncio.sleep(0)
                yield b'x' * 10
        finally:
            trace.append('out')

    async def handler(req, res, ctx):
        form = await req.form
        await asyncio.sleep(0)
        if req.queries.get('file'):
            res.file(folder / 'large')
        else:
            res.stream(pieces())
            await form['f'].save(folder / 'saved')

    app = App()
    app.BEFORE('/*', around)
    app.BEFORE('/a', around)
    app.POST('/a', handler, stream=True, before=around)
    return app


UPLOAD = b'--B\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n' + b'x' * 300_000 + b'\r\n--B--\r\n'


@pytest.mark.parametrize('target', ['/a', '/a?file=1'])
def test_a_request_that_is_cancelled_at_any_moment_leaves_nothing_behind(target, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path))
    (tmp_path / 'large').write_bytes(b'x' * 600_000)
    trace = []
    headers = {'content-type': 'multipart/form-data; boundary=B'}
    chunks = [UPLOAD[:200_000], UPLOAD[200_000:], b'']

    async def run():
        async with Live(busy(trace, tmp_path)) as live:
            await live.asking('POST', target, body=chunks, headers=headers)
            before, at, done = descriptors(), 0, False
            while not done:
                exchange = stream(live.app, 'POST', target, body=chunks, headers=headers, catch=True).start()
                for _ in range(at):
                    await asyncio.sleep(0)
                done = exchange.task.done()
                exchange.task.cancel()
                await asyncio.wait([exchange.task])
                await until(lambda: descriptors() <= before)
                assert trace.count('in') == trace.count('out'), at
                assert done or exchange.task.cancelled() or exchange.done, at
                at += 1 if at < 40 else 7
            assert len(asyncio.all_tasks()) == 2
            assert at > 20

    asyncio.run(run())
    assert not [path for path in tmp_path.iterdir() if path.name not in ('large', 'saved')]
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize('target', ['/a', '/a?file=1'])
@pytest.mark.parametrize('how', ['leave_after', 'leave_after_sent', 'fail_send_after'])
def test_a_client_that_leaves_after_any_message_leaves_nothing_behind(target, how, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path))
    (tmp_path / 'large').write_bytes(b'x' * 600_000)
    trace = []
    headers = {'content-type': 'multipart/form-data; boundary=B'}

    async def run():
        async with Live(busy(trace, tmp_path)) as live:
            await live.asking('POST', target, body=[UPLOAD, b''], headers=headers)
            before = descriptors()
            for count in range(6):
                await live.asking('POST', target, body=[UPLOAD[:99], UPLOAD[99:], b''], headers=headers, **{how: count})
                assert descriptors() <= before, count
                assert trace.count('in') == trace.count('out'), count

    asyncio.run(run())
    assert not [path for path in tmp_path.iterdir() if path.name not in ('large', 'saved')]
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_deferred_work_is_done_whether_the_client_stays_or_not():
    done = []

    def handler(req, res, ctx):
        res.defer(lambda app: done.append('deferred'))
        res.body = 'x'

    for options in ({}, {'fail_send_after': 0}, {'fail_send_after': 1}, {'leave_after_sent': 1}):
        done.clear()
        ask(handler, **options)
        assert len(done) <= 1
        assert done or 'fail_send_after' in options, options


GONE = Abort(404)


def test_an_abort_that_is_a_constant_stays_as_it_is_however_often_it_is_raised():
    def handler(req, res, ctx):
        large = bytearray(1000)  # noqa: F841 (a frame that is kept keeps this)
        raise GONE

    app = App()
    app.GET('/', handler)
    with Live(app) as live:
        for _ in range(50):
            assert live.ask('GET').status == 404
            assert (GONE.__traceback__, GONE.__context__, GONE.__cause__) == (None, None, None)

"""Conditions and ranges: RFC 9110, sections 13 and 14, as a table."""

import os
import time

import pytest
from asks import ask
from costs import ratio
from heaven import App

CONTENT = b'0123456789'
WHOLE = (200, CONTENT, None)
LATER, EXACT, EARLIER = (f'Sun, 06 Nov 1994 08:49:{second} GMT' for second in (38, 37, 36))
MODIFIED = 784111777


@pytest.fixture
def folder(tmp_path):
    for name, content in ('a', CONTENT), ('empty', b''):
        (tmp_path / name).write_bytes(content)
        os.utime(tmp_path / name, (MODIFIED, MODIFIED))
    return tmp_path


def get(path, headers, method='GET'):
    return ask(lambda req, res, ctx: res.file(path), method, headers=headers)


def tagged(path, headers):
    """Headers with the ETag of the file in place of {}, and another strong one in place of {other}."""
    tag = get(path, {}).header('etag')
    return [(name, value.replace('{}', tag).replace('{other}', f'"x{tag[1:]}')) for name, value in headers.items()]


@pytest.mark.parametrize(
    ('headers', 'status'),
    [
        # 13.1.1 If-Match, 13.1.4 If-Unmodified-Since: for requests that change something, ignored here
        ({'if-match': '{}'}, 200),
        ({'if-match': '*'}, 200),
        ({'if-match': '{other}, {}'}, 200),
        ({'if-match': '{other},{}'}, 200),
        ({'if-match': '{other}'}, 200),
        ({'if-match': 'W/{}'}, 200),
        ({'if-match': ''}, 200),
        ({'if-match': 'nonsense'}, 200),
        # 13.1.2 If-None-Match: weak comparison
        ({'if-none-match': '{}'}, 304),
        ({'if-none-match': 'W/{}'}, 304),
        ({'if-none-match': '*'}, 304),
        ({'if-none-match': '{other}, W/"x", {}'}, 304),
        ({'if-none-match': '"a,b",{}'}, 304),
        ({'if-none-match': '{other}'}, 200),
        ({'if-none-match': ''}, 200),
        ({'if-none-match': 'nonsense'}, 200),
        ({'if-none-match': '"*"'}, 200),
        ({'if-none-match': '{other}, *'}, 200),
        # 13.1.3 If-Modified-Since
        ({'if-modified-since': EXACT}, 304),
        ({'if-modified-since': LATER}, 304),
        ({'if-modified-since': 'Wed, 01 Jan 2200 00:00:00 GMT'}, 304),
        ({'if-modified-since': EARLIER}, 200),
        ({'if-modified-since': 'Sunday, 06-Nov-94 08:49:37 GMT'}, 304),
        ({'if-modified-since': 'Sunday, 06-Nov-94 08:49:36 GMT'}, 200),
        ({'if-modified-since': 'Sun Nov  6 08:49:37 1994'}, 304),
        ({'if-modified-since': 'Sun Nov 06 08:49:36 1994'}, 200),
        # 5.6.7 what is no date is ignored
        ({'if-modified-since': ''}, 200),
        ({'if-modified-since': 'yesterday'}, 200),
        ({'if-modified-since': LATER.lower()}, 200),
        ({'if-modified-since': LATER.replace('GMT', 'CET')}, 200),
        ({'if-modified-since': LATER.replace('GMT', '+0000')}, 200),
        ({'if-modified-since': LATER.replace('Nov', 'Brr')}, 200),
        ({'if-modified-since': 'Fri, 31 Feb 2200 00:00:00 GMT'}, 200),
        ({'if-modified-since': 'Wed, 01 Jan 2200 24:00:00 GMT'}, 200),
        ({'if-modified-since': 'Wed, 01 Jan 0000 00:00:00 GMT'}, 200),
        ({'if-modified-since': '784111777'}, 200),
        ({'if-modified-since': '2200-01-01T00:00:00Z'}, 200),
        ({'if-modified-since': f'{LATER}, {LATER}'}, 200),
        ({'if-modified-since': f' {LATER} '.replace('06', '０６').encode()}, 200),
        ({'if-modified-since': 'Sun, 06 Nov 1994 08:49:37 GMT' + 'x' * 100_000}, 200),
        ({'if-unmodified-since': EXACT}, 200),
        ({'if-unmodified-since': LATER}, 200),
        ({'if-unmodified-since': EARLIER}, 200),
        ({'if-unmodified-since': 'Sunday, 06-Nov-94 08:49:36 GMT'}, 200),
        ({'if-unmodified-since': 'never'}, 200),
        # 13.2.2 precedence
        ({'if-match': '{}', 'if-unmodified-since': EARLIER}, 200),
        ({'if-match': '{other}', 'if-unmodified-since': LATER}, 200),
        ({'if-none-match': '{other}', 'if-modified-since': LATER}, 200),
        ({'if-none-match': '{}', 'if-modified-since': EARLIER}, 304),
        ({'if-match': '{other}', 'if-none-match': '{}'}, 304),
        ({'if-match': '{}', 'if-none-match': '{}'}, 304),
        ({'if-match': '{}', 'if-none-match': '{other}'}, 200),
        ({'if-unmodified-since': EARLIER, 'if-none-match': '{}'}, 304),
        ({'if-unmodified-since': LATER, 'if-modified-since': LATER}, 304),
        ({'if-none-match': '{}', 'range': 'bytes=0-1'}, 304),
        ({'if-match': '{other}', 'range': 'bytes=0-1'}, 206),
        ({'if-match': '{}', 'range': 'bytes=0-1'}, 206),
        ({'if-modified-since': EARLIER, 'range': 'bytes=99-'}, 416),
        ({'if-modified-since': LATER, 'range': 'bytes=99-'}, 304),
    ],
)
def test_conditions_are_evaluated_by_rfc_9110_13(folder, headers, status):
    named = [(n, v) for n, v in headers.items() if isinstance(v, bytes)] or tagged(folder / 'a', headers)
    reply = get(folder / 'a', named)
    assert reply.status == status
    assert reply.body == {200: CONTENT, 206: b'01', 304: b'', 416: b''}[status]
    head = get(folder / 'a', named, 'HEAD')
    assert head.status == (200 if status in (206, 416) else status) and head.body == b''


def test_a_304_has_what_updates_a_cache_and_no_more(folder):
    def handler(req, res, ctx):
        res.headers.update({'cache-control': 'max-age=60', 'vary': 'Cookie', 'expires': LATER})
        res.file(folder / 'a')

    whole = ask(handler)
    reply = ask(handler, headers={'if-none-match': whole.header('etag')})
    assert reply.status == 304
    assert dict(reply.headers).keys() == {b'etag', b'cache-control', b'vary', b'expires'}
    assert reply.header('etag') == whole.header('etag')


@pytest.mark.parametrize(
    ('value', 'expected'),
    [
        # 14.1.1, 14.1.2
        ('bytes=0-0', (206, b'0', 'bytes 0-0/10')),
        ('bytes=0-4', (206, b'01234', 'bytes 0-4/10')),
        ('bytes=5-', (206, b'56789', 'bytes 5-9/10')),
        ('bytes=0-', (206, CONTENT, 'bytes 0-9/10')),
        ('bytes=9-9', (206, b'9', 'bytes 9-9/10')),
        ('bytes=9-99999999999999999999999', (206, b'9', 'bytes 9-9/10')),
        ('bytes=2-' + '9' * 10_000, (206, b'23456789', 'bytes 2-9/10')),
        ('bytes=0002-0003', (206, b'23', 'bytes 2-3/10')),
        ('bytes=-1', (206, b'9', 'bytes 9-9/10')),
        ('bytes=-10', (206, CONTENT, 'bytes 0-9/10')),
        ('bytes=-11', (206, CONTENT, 'bytes 0-9/10')),
        ('bytes=-' + '9' * 10_000, (206, CONTENT, 'bytes 0-9/10')),
        ('BYTES=0-1', (206, b'01', 'bytes 0-1/10')),
        ('bytes=0-1,', (206, b'01', 'bytes 0-1/10')),
        ('bytes=,0-1 , ,', (206, b'01', 'bytes 0-1/10')),
        # cannot be satisfied
        ('bytes=10-', (416, b'', 'bytes */10')),
        ('bytes=10-20', (416, b'', 'bytes */10')),
        ('bytes=99999999999999999999999-', (416, b'', 'bytes */10')),
        ('bytes=' + '9' * 10_000 + '-', (416, b'', 'bytes */10')),
        ('bytes=-0', (416, b'', 'bytes */10')),
        ('bytes=-000', (416, b'', 'bytes */10')),
        # invalid: ignored
        ('bytes=4-2', WHOLE),
        ('bytes=20-10', WHOLE),
        ('bytes=-', WHOLE),
        ('bytes=', WHOLE),
        ('bytes', WHOLE),
        ('', WHOLE),
        ('bytes=a-b', WHOLE),
        ('bytes=0x1-2', WHOLE),
        ('bytes=+1-2', WHOLE),
        ('bytes=1.0-2', WHOLE),
        ('bytes=1_0-11', WHOLE),
        ('bytes=--1', WHOLE),
        ('bytes=0-1-2', WHOLE),
        ('bytes= 0-1', WHOLE),
        ('bytes=0 -1', WHOLE),
        ('bytes=0- 1', WHOLE),
        ('bytes =0-1', WHOLE),
        ('bytes:0-1', WHOLE),
        ('0-1', WHOLE),
        ('bytes=0-1;', WHOLE),
        ('bytes=²-³', WHOLE),
        ('bytes=٠-١'.encode(), WHOLE),
        ('bytes=０-１'.encode(), WHOLE),
        ('bytes=0-1\xa0', WHOLE),
        # other units and several ranges: ignored
        ('items=0-1', WHOLE),
        ('octets=0-1', WHOLE),
        ('none', WHOLE),
        ('bytes=0-1,3-4', WHOLE),
        ('bytes=0-,0-', WHOLE),
        ('bytes=0-1,99-', WHOLE),
        ('bytes=0-1, -1', WHOLE),
        ('bytes=' + '0-1,' * 100_000, WHOLE),
        ('bytes=' + '0-0,' * 100_000 + 'x', WHOLE),
        ('bytes=' + ' ,' * 100_000 + 'x', WHOLE),
        ('bytes=' + ' ' * 100_000 + 'x', WHOLE),
    ],
)
def test_one_range_is_answered_by_rfc_9110_14(folder, value, expected):
    reply = get(folder / 'a', [('range', value)])
    assert (reply.status, reply.body, reply.header('content-range')) == expected
    assert reply.header('content-length') == str(len(reply.body))
    assert reply.header('accept-ranges') == 'bytes' or reply.status == 416
    head = get(folder / 'a', [('range', value)], 'HEAD')
    assert (head.status, head.header('content-length'), head.header('content-range')) == (200, '10', None)


def test_several_range_headers_are_several_ranges(folder):
    reply = get(folder / 'a', [('range', 'bytes=0-1'), ('range', 'bytes=3-4')])
    assert (reply.status, reply.body) == (200, CONTENT)


@pytest.mark.parametrize(
    ('value', 'status'),
    [('bytes=0-', 416), ('bytes=0-0', 416), ('bytes=-0', 416), ('bytes=-1', 200), ('bytes=1-0', 200)],
)
def test_of_an_empty_file_there_is_no_range(folder, value, status):
    reply = get(folder / 'empty', {'range': value})
    assert (reply.status, reply.body, reply.header('content-length')) == (status, b'', '0')
    assert reply.header('content-range') == ('bytes */0' if status == 416 else None)


def test_a_206_has_the_headers_of_the_whole_but_its_own_length(folder):
    whole, part = get(folder / 'a', {}), get(folder / 'a', {'range': 'bytes=0-1'})
    own = {b'content-length', b'content-range'}
    assert {h for h in part.headers if h[0] not in own} == {h for h in whole.headers if h[0] not in own}


@pytest.mark.parametrize(
    ('value', 'status'),
    [
        # 13.1.5: strong comparison, or exactly the date
        ('{}', 206),
        ('W/{}', 200),
        ('{other}', 200),
        ('{}, {}', 200),
        ('*', 200),
        ('', 200),
        ('nonsense', 200),
        (EXACT, 206),
        ('Sunday, 06-Nov-94 08:49:37 GMT', 206),
        (EARLIER, 200),
        (LATER, 200),
        (EXACT.lower(), 200),
    ],
)
def test_if_range_gives_the_range_only_of_the_very_same_version(folder, value, status):
    reply = get(folder / 'a', tagged(folder / 'a', {'if-range': value, 'range': 'bytes=0-1'}))
    assert (reply.status, reply.body) == (status, b'01' if status == 206 else CONTENT)
    unsatisfiable = get(folder / 'a', tagged(folder / 'a', {'if-range': value, 'range': 'bytes=99-'}))
    assert unsatisfiable.status == (416 if status == 206 else 200)
    assert get(folder / 'a', tagged(folder / 'a', {'if-range': value})).status == 200


def test_the_date_of_a_file_that_is_not_a_second_old_names_no_version(tmp_path):
    path = tmp_path / 'a'
    path.write_bytes(CONTENT)
    now = time.time()
    os.utime(path, (now + 3600, now + 3600))
    date = get(path, {}).header('last-modified')
    assert get(path, {'if-range': date, 'range': 'bytes=0-1'}).status == 200


def test_a_weak_etag_of_the_handler_never_matches_strongly(folder):
    def handler(req, res, ctx):
        res.headers['etag'] = 'W/"a"'
        res.file(folder / 'a')

    for headers, status in (
        ({'if-match': '"b"'}, 200),
        ({'if-none-match': '"a"'}, 304),
        ({'if-range': 'W/"a"', 'range': 'bytes=0-1'}, 200),
    ):
        assert ask(handler, headers=headers).status == status


def test_a_file_is_resumed_only_if_it_is_still_the_same(folder):
    first = get(folder / 'a', {'range': 'bytes=0-4'})
    headers = {'range': 'bytes=5-', 'if-range': first.header('etag')}
    assert first.body + get(folder / 'a', headers).body == CONTENT
    (folder / 'a').write_bytes(b'abcdefghij')
    assert get(folder / 'a', headers).body == b'abcdefghij'


@pytest.mark.parametrize('value', ['0-0,', ' ,', ' ', '9', '-', 'W/"a",', '"', '"a'])
def test_the_cost_of_a_range_and_of_conditions_is_linear(folder, value):
    app = App()
    app.GET('/', lambda req, res, ctx: res.file(folder / 'a'))
    tag = ask(app).header('etag')

    def work(n):
        headers = {'range': 'bytes=' + value * n, 'if-none-match': value * n, 'if-range': tag}
        return lambda: ask(app, headers=headers)

    assert ratio(work, 20_000) < 30


def test_hostile_conditions_leave_no_line_in_the_log(folder, caplog):
    app = App()
    for headers in {'range': 'bytes=' + '0-0,' * 100_000}, {'if-none-match': '"' * 100_000}, {'if-range': '\x80' * 999}:
        assert ask(lambda req, res, ctx: res.file(folder / 'a'), app=app, headers=headers).status == 200
        app = App()
    assert caplog.records == []

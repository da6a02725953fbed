"""The cookies of a request, and those of a response."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from asks import ask, raised, see
from costs import ratio
from heaven import App


def cookies(*headers, read=dict):
    return see(lambda req: read(req.cookies), headers=[('cookie', value) for value in headers])


@pytest.mark.parametrize(
    'headers, expected',
    [
        ((), {}),
        (('a=1',), {'a': '1'}),
        (('a=1; b=2',), {'a': '1', 'b': '2'}),
        (('a=1;b=2;',), {'a': '1', 'b': '2'}),
        ((' a = 1 ;\t b=2 2 ',), {'a': '1', 'b': '2 2'}),
        (('a=1; a=2',), {'a': '1'}),
        (('a=; a=2',), {'a': ''}),
        (('a=b=c=',), {'a': 'b=c='}),
        (('a=1; A=2',), {'a': '1', 'A': '2'}),
        (('a=1', 'b=2; a=3'), {'a': '1', 'b': '2'}),
        (('a=é',), {'a': 'é'}),
        (('a=\xc3\xa0; \x85b=\xa0',), {'a': '\xc3\xa0', '\x85b': '\xa0'}),
        (('a={"x":1,"y":[2]}; b=1',), {'a': '{"x":1,"y":[2]}', 'b': '1'}),
        (('a=%20%3B',), {'a': '%20%3B'}),
        (('a[b]=1; c/d=2',), {'a[b]': '1', 'c/d': '2'}),
        (('a=1; $Path=/; b=2',), {'a': '1', '$Path': '/', 'b': '2'}),
        (('a=1, b=2; c=3',), {'a': '1, b=2', 'c': '3'}),
        (('a=1; expires=Thu, 01 Jan 1970; b=2',), {'a': '1', 'expires': 'Thu, 01 Jan 1970', 'b': '2'}),
    ],
)
def test_cookies_are_parsed_as_browsers_send_them(headers, expected):
    assert cookies(*headers) == expected


@pytest.mark.parametrize(
    'junk', ['', ';', ';;;', ' ; ', '=', '==', '=v', 'flag', '"', '"unclosed', '\x01', '\xff=\xff', ',', '\x00=1']
)
def test_junk_among_cookies_hides_none_of_the_others(junk):
    got = cookies(f'a=1; {junk}; b=2')
    assert (got['a'], got['b']) == ('1', '2')
    assert cookies(f'{junk};b=2')['b'] == '2'


def test_cookies_are_a_mapping():
    def read(jar):
        return jar['a'], jar.get('a'), jar.get('z'), jar.get('z', 'd'), 'a' in jar, 'z' in jar, len(jar), sorted(jar)

    assert cookies('a=1; b=2', read=read) == ('1', '1', None, 'd', True, False, 2, ['a', 'b'])


def test_the_first_180_cookies_are_kept():
    pairs = [f'c{i}={i}' for i in range(200)]
    expected = {f'c{i}': str(i) for i in range(180)}
    assert cookies('; '.join(pairs)) == expected
    assert cookies('; '.join(pairs[:100]), '; '.join(pairs[100:])) == expected
    assert len(cookies('; '.join(pairs[:180]))) == 180


@pytest.mark.parametrize('piece', [b'c%d=1; ', b'c=1;', b'c=\\"', b';', b'="', b' \t', b'a', b'"\\073', b'; ="'])
def test_parsing_cookies_is_linear(piece):
    app = App()
    app.GET('/', lambda req, res, ctx: req.cookies.get('zz'))

    def work(n):
        content = b''.join(piece % i if b'%' in piece else piece for i in range(n))
        return lambda: ask(app, headers=[(b'cookie', content)])

    assert ratio(work, 10_000) < 40


def sent(act):
    """The Set-Cookie lines that `act(res)` makes."""
    reply = ask(lambda req, res, ctx: act(res) and None)
    assert reply.status == 200, reply
    return reply.all('set-cookie')


def attributes(line):
    first, *rest = line.split('; ')
    return first, {name.lower(): value for name, _, value in (piece.partition('=') for piece in rest)}


WHEN = datetime(2026, 11, 22, 9, 8, 7, tzinfo=timezone(timedelta(hours=2)))


@pytest.mark.parametrize(
    'value, options, first, rest',
    [
        ('b', {}, 'a=b', {'path': '/'}),
        (7, {}, 'a=7', {'path': '/'}),
        ('', {}, 'a=', {'path': '/'}),
        ("!#$%&'()*+-./:<=>?@[]^_`{|}~", {}, "a=!#$%&'()*+-./:<=>?@[]^_`{|}~", {'path': '/'}),
        ('b', {'path': '/x'}, 'a=b', {'path': '/x'}),
        ('b', {'path': None}, 'a=b', {}),
        ('b', {'max_age': 60}, 'a=b', {'path': '/', 'max-age': '60'}),
        ('b', {'max_age': 0}, 'a=b', {'path': '/', 'max-age': '0'}),
        ('b', {'expires': WHEN}, 'a=b', {'path': '/', 'expires': 'Sun, 22 Nov 2026 07:08:07 GMT'}),
        ('b', {'domain': 'example.com'}, 'a=b', {'path': '/', 'domain': 'example.com'}),
        ('b', {'secure': True, 'httponly': True}, 'a=b', {'path': '/', 'secure': '', 'httponly': ''}),
        ('b', {'secure': False, 'httponly': False}, 'a=b', {'path': '/'}),
        ('b', {'samesite': 'Lax'}, 'a=b', {'path': '/', 'samesite': 'Lax'}),
        ('b', {'samesite': 'Strict'}, 'a=b', {'path': '/', 'samesite': 'Strict'}),
        ('b', {'samesite': 'None', 'secure': True}, 'a=b', {'path': '/', 'samesite': 'None', 'secure': ''}),
        ('b', {'partitioned': True, 'secure': True}, 'a=b', {'path': '/', 'partitioned': '', 'secure': ''}),
    ],
)
def test_a_cookie_has_the_attributes_that_were_asked_for(value, options, first, rest):
    [line] = sent(lambda res: res.cookie('a', value, **options))
    assert attributes(line) == (first, rest)


@pytest.mark.parametrize('given', ['lax', 'LAX', 'Lax'])
def test_samesite_is_case_insensitive(given):
    [line] = sent(lambda res: res.cookie('a', 'b', samesite=given))
    assert attributes(line)[1]['samesite'].lower() == 'lax'


@pytest.mark.parametrize(
    'expires, sent_as',
    [
        (WHEN, 'Sun, 22 Nov 2026 07:08:07 GMT'),
        (datetime(2026, 11, 22, 7, 8, 7, tzinfo=UTC), 'Sun, 22 Nov 2026 07:08:07 GMT'),
        (datetime(2026, 11, 22, 7, 8, 7), 'Sun, 22 Nov 2026 07:08:07 GMT'),
        (datetime(2026, 11, 22, 7, 8, 7, 999999), 'Sun, 22 Nov 2026 07:08:07 GMT'),
        (date(2026, 11, 22), 'Sun, 22 Nov 2026 00:00:00 GMT'),
        ('Sun, 22 Nov 2026 07:08:07 GMT', 'Sun, 22 Nov 2026 07:08:07 GMT'),
        (datetime(1970, 1, 1, tzinfo=UTC), 'Thu, 01 Jan 1970 00:00:00 GMT'),
        (date(2026, 2, 9), 'Mon, 09 Feb 2026 00:00:00 GMT'),
    ],
    ids=range(8),
)
def test_expires_is_a_datetime_a_date_or_an_http_date_and_a_naive_one_is_utc(expires, sent_as):
    [line] = sent(lambda res: res.cookie('a', 'b', expires=expires))
    assert attributes(line)[1]['expires'] == sent_as


@pytest.mark.parametrize('expires', [0, 60, 3600.0, 1_800_000_000, True, timedelta(days=1)], ids=range(6))
def test_a_number_of_seconds_as_expires_is_refused_with_a_hint_to_max_age(expires):
    error = raised(lambda req, res, ctx: res.cookie('a', 'b', expires=expires))
    assert isinstance(error, TypeError | ValueError) and 'max_age' in str(error)


@pytest.mark.parametrize('expires', ['tomorrow', '', '2026-11-22', 'Sun, 22 Nov 2026 07:08:07 GMT; secure', '3600',
                                     'Sun, 22 Nov 2026 07:08:07 GMT\r\nX: y', b'x', []], ids=range(8))  # fmt: skip
def test_any_other_expires_is_refused(expires):
    assert isinstance(raised(lambda req, res, ctx: res.cookie('a', 'b', expires=expires)), TypeError | ValueError)


@pytest.mark.parametrize(
    'max_age, sent_as',
    [(timedelta(minutes=1), '60'), (timedelta(days=365), '31536000'), (timedelta(0), '0'), (60, '60'), (-1, '-1')],
    ids=range(5),
)
def test_max_age_is_an_int_or_a_timedelta(max_age, sent_as):
    [line] = sent(lambda res: res.cookie('a', 'b', max_age=max_age))
    assert attributes(line)[1]['max-age'] == sent_as


@pytest.mark.parametrize('max_age', ['60', '1; secure', 1.5, True, WHEN, []], ids=range(6))
def test_any_other_max_age_is_refused(max_age):
    assert isinstance(raised(lambda req, res, ctx: res.cookie('a', 'b', max_age=max_age)), TypeError | ValueError)


def test_cookies_accumulate_in_order():
    assert [line[:3] for line in sent(lambda res: res.cookie('a', '1').cookie('b', '2').cookie('c', 3))] == [
        'a=1',
        'b=2',
        'c=3',
    ]


@pytest.mark.parametrize('options', [{}, {'path': '/x'}, {'domain': 'example.com', 'secure': True}])
def test_none_deletes_a_cookie_where_it_was_set(options):
    [line] = sent(lambda res: res.cookie('a', None, **options))
    first, rest = attributes(line)
    assert first in ('a=', 'a=""') and rest['max-age'] == '0'
    assert rest['path'] == options.get('path', '/') and rest.get('domain') == options.get('domain')


@pytest.mark.parametrize('name', ['__Host-a', '__Secure-a'])
def test_a_prefixed_cookie_can_be_deleted(name):
    [line] = sent(lambda res: res.cookie(name, None, secure=True))
    assert 'secure' in attributes(line)[1]


@pytest.mark.parametrize(
    'name, value, options',
    [
        *[(name, 'b', {}) for name in ('', ' ', 'a b', 'a=b', 'a;b', 'a,b', 'é', 'a\n', 'a\0', '"a"', 'a/b', '漢')],
        *[
            ('a', value, {})
            for value in ('b c', 'b;c', 'b,c', 'b"c', 'b\\c', 'b\r\nX: y', 'b\n', 'b\0', 'é', '漢', '\x7f', '\t')
        ],
        *[('a', 'b', {'path': path}) for path in ('/;x', '/\n', '/\r\nX: y', '/\0', '/漢', '/\x7f')],
        *[('a', 'b', {'domain': domain}) for domain in ('a;b', 'a b', 'a\n', 'a,b; secure', 'é\n')],
        ('a', 'b', {'samesite': 'Sometimes'}),
        ('a', 'b', {'samesite': 'Lax; Secure'}),
        ('a', 'b', {'samesite': 'None'}),
        ('a', 'b', {'samesite': 'none', 'secure': False}),
        ('a', 'b', {'partitioned': True}),
        ('__Secure-a', 'b', {}),
        ('__secure-a', 'b', {}),
        ('__Host-a', 'b', {}),
        ('__Host-a', 'b', {'secure': True, 'path': '/x'}),
        ('__Host-a', 'b', {'secure': True, 'path': None}),
        ('__Host-a', 'b', {'secure': True, 'domain': 'example.com'}),
        ('__HOST-a', 'b', {'secure': True, 'domain': 'example.com'}),
    ],
)
def test_what_rfc_6265_does_not_allow_is_a_valueerror(name, value, options):
    error = raised(lambda req, res, ctx: res.cookie(name, value, **options))
    assert isinstance(error, ValueError) and not isinstance(error, UnicodeError)


@pytest.mark.parametrize('value', ['b c', 'b;c', 'é'])
def test_the_error_of_a_value_shows_how_to_quote_it(value):
    error = raised(lambda req, res, ctx: res.cookie('a', value))
    assert 'quote' in str(error)


@pytest.mark.parametrize(
    'name, options',
    [('__Secure-a', {'secure': True, 'path': '/x', 'domain': 'example.com'}), ('__Host-a', {'secure': True})],
)
def test_a_prefixed_cookie_that_keeps_its_rules_is_sent(name, options):
    [line] = sent(lambda res: res.cookie(name, 'b', **options))
    assert line.startswith(name + '=b')


def test_cookies_go_out_with_errors_and_redirects():
    def handler(req, res, ctx):
        res.cookie('a', 'b').redirect('/x')

    assert len(ask(handler).all('set-cookie')) == 1

    def aborting(req, res, ctx):
        res.cookie('a', 'b').abort(403)

    reply = ask(aborting)
    assert (reply.status, len(reply.all('set-cookie'))) == (403, 1)

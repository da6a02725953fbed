"""The headers of a request, and those of a response."""

import pytest
from asks import ask, raised, see
from heaven import App

SENT = [('X-A', '1'), ('x-b', 'é'), ('X-a', '2'), ('Cookie', 'a=1'), ('cookie', 'b=2'), ('x-empty', '')]


@pytest.mark.parametrize(
    'read, value',
    [
        (lambda h: h['x-a'], '1, 2'),
        (lambda h: h['X-A'], '1, 2'),
        (lambda h: h.get('X-a'), '1, 2'),
        (lambda h: h.all('X-A'), ['1', '2']),
        (lambda h: h['x-b'], 'é'),
        (lambda h: h.all('x-b'), ['é']),
        (lambda h: h['Cookie'], 'a=1; b=2'),
        (lambda h: h.all('cookie'), ['a=1', 'b=2']),
        (lambda h: h['x-empty'], ''),
        (lambda h: h.get('x-z'), None),
        (lambda h: h.get('x-z', 'd'), 'd'),
        (lambda h: h.all('x-z'), []),
        (lambda h: (h.get('no name'), h.get('é漢'), h.all(''), 'x a' in h, 7 in h), (None, None, [], False, False)),
        (lambda h: ('X-B' in h, 'x-z' in h), (True, False)),
        (lambda h: sorted(h), ['cookie', 'host', 'x-a', 'x-b', 'x-empty']),
        (len, 5),
        (lambda h: dict(h)['x-a'], '1, 2'),
        (lambda h: dict(h.items())['cookie'], 'a=1; b=2'),
    ],
    ids=range(18),
)
def test_request_headers_are_a_case_insensitive_mapping(read, value):
    assert see(lambda req: read(req.headers), headers=SENT) == value


def test_any_bytes_are_header_values():
    every = bytes(range(256))
    assert see(lambda req: req.headers['x-a'], headers=[(b'x-a', every)]) == every.decode('latin-1')


def sent(act, **options):
    """The headers that `act(res)` makes, but for those of the body."""
    reply = ask(lambda req, res, ctx: act(res) and None, **options)
    assert reply.status == 200, reply
    return [
        (k.decode(), v.decode('latin-1')) for k, v in reply.headers if k not in (b'content-length', b'content-type')
    ]


def put(name, value):
    return lambda res: res.headers.__setitem__(name, value)


def chain(name, value):
    return lambda res: res.header(name, value)


@pytest.mark.parametrize('way', [put, chain])
@pytest.mark.parametrize(
    'name, value, expected',
    [
        ('X-A', 'b', 'b'),
        ('x-a', ' \t b \t', 'b'),
        ('X-A', ['b', 'c', 'd'], 'b, c, d'),
        ('X-A', ('b', 'c'), 'b, c'),
        ('X-A', ['', ' b ', '', 'c', ' '], 'b, c'),
        ('X-A', 'é', 'é'),
        ('X-A', 'b\tc', 'b\tc'),
        ('X-A', '', ''),
        ('X-A', 7, '7'),
        ('X-A', b'b\xe9', 'bé'),
        ("!#$%&'*+-.^_`|~09az", 'b', 'b'),
    ],
)
def test_a_header_is_set_in_either_of_two_ways(way, name, value, expected):
    assert sent(way(name, value)) == [(name.lower(), expected)]


@pytest.mark.parametrize('way', [put, chain])
def test_setting_replaces_whatever_the_case_and_none_removes(way):
    def both(*acts):
        return lambda res: [act(res) for act in acts]

    assert sent(both(way('X-A', 'b'), way('x-a', 'c'))) == [('x-a', 'c')]
    assert sent(both(way('X-A', 'b'), way('x-a', None))) == []
    assert sent(both(way('X-A', None))) == []
    assert sent(both(way('X-A', 'b'), lambda res: res.headers.__delitem__('x-a'))) == []


def test_set_cookie_accumulates_and_none_removes_all():
    def act(res):
        res.headers['Set-Cookie'] = 'a=1'
        res.header('set-cookie', 'b=2').cookie('c', '3')
        res.headers['Set-Cookie'] = 'd=4'

    cookies = [value.partition(';')[0] for name, value in sent(act) if name == 'set-cookie']
    assert cookies == ['a=1', 'b=2', 'c=3', 'd=4']
    assert sent(lambda res: [act(res), res.header('Set-Cookie', None)]) == []
    assert sent(lambda res: [act(res), res.headers.__delitem__('set-cookie')]) == []
    assert [v for _, v in sent(put('Set-Cookie', ['a=1', 'b=2']))] == ['a=1', 'b=2']
    assert sent(put('Set-Cookie', [])) == []


def test_response_headers_read_back():
    def act(res):
        res.headers['X-A'] = ' b '
        assert res.headers['x-a'] == res.headers.get('X-A') == 'b'
        assert 'x-A' in res.headers and 'x-b' not in res.headers
        assert res.headers.get('x-b') is None and res.headers.get('x-b', 'c') == 'c'
        assert (res.headers.get('no name'), res.headers.all('é漢'), res.headers.all('X-a')) == (None, [], ['b'])

    sent(act)


def test_response_headers_are_a_mutable_mapping():
    def act(res):
        res.headers.update({'X-A': 'b', 'Content-Type': 'text/css'})
        res.header('set-cookie', 'a=1').header('set-cookie', 'b=2')
        assert sorted(res.headers) == ['content-type', 'set-cookie', 'x-a'] and len(res.headers) == 3
        assert res.headers.pop('X-a') == 'b' and res.headers.setdefault('X-C', 'd') == 'd'
        assert dict(res.headers)['content-type'] == 'text/css'

    assert sent(act) == [('x-c', 'd'), ('set-cookie', 'a=1'), ('set-cookie', 'b=2')]


def test_an_absent_response_header_is_a_keyerror():
    assert isinstance(raised(lambda req, res, ctx: res.headers['x-a']), KeyError)


BAD_NAMES = ['', ' ', 'x a', 'x:', 'x\r\ny', 'x\n', 'x\0', 'é', 'x/y', '(x)', 'x"', 'x,', '[', '{', 'x=y', '\x7f', 'ſ']
BAD_VALUES = ['b\r\nX-B: c', 'b\rc', 'b\nc', 'b\0c', '\x01', 'b\x7fc', 'b\x1fc', 'b\x0bc', '漢', '\ud800', '€']


@pytest.mark.parametrize('way', [put, chain])
@pytest.mark.parametrize(
    'name, value', [(name, 'b') for name in BAD_NAMES] + [('X-A', value) for value in BAD_VALUES + [['b', 'c\n\nd']]]
)
def test_what_rfc_9110_does_not_allow_is_a_valueerror_at_the_line_that_set_it(way, name, value):
    error = raised(lambda req, res, ctx: way(name, value)(res))
    assert isinstance(error, ValueError)


@pytest.mark.parametrize('way', [put, chain])
@pytest.mark.parametrize('value', [1.5, {}, {'a': 1}, object(), {1}, ['b', None], ['b', 1.5], [['b']]], ids=range(8))
def test_a_value_that_is_none_of_str_bytes_and_int_is_a_typeerror(way, value):
    assert isinstance(raised(lambda req, res, ctx: way('X-A', value)(res)), TypeError)


def test_assigning_all_headers_at_once_is_refused_and_says_how_to_set_one():
    def act(req, res, ctx):
        res.headers = 'X-A', 'b'

    assert isinstance(raised(act), AttributeError)


@pytest.mark.parametrize('value', ['b\r\n', '\nb', 'b\n', '\0b'])
def test_only_blanks_are_stripped(value):
    assert isinstance(raised(lambda req, res, ctx: res.header('X-A', value)), ValueError)


def test_a_refused_header_leaves_the_others_alone():
    def act(res):
        res.header('X-A', 'b')
        for name, value in (('X-A', 'c\n'), ('X B', 'd')):
            try:
                res.header(name, value)
            except ValueError:
                pass

    assert sent(act) == [('x-a', 'b')]


def test_out_and_the_shortcuts_check_headers_too():
    for act in (
        lambda req, res, ctx: res.out(200, 'x', {'X-A': 'b\nc'}),
        lambda req, res, ctx: res.cookie('a', 'b', path='/\n'),
        lambda req, res, ctx: res.stream(iter('x'), content_type='a\nb'),
    ):
        assert isinstance(raised(act), ValueError)


def test_header_names_are_sent_in_lower_case_on_every_kind_of_answer():
    app = App()
    app.AFTER('/*', lambda req, res, ctx: res.header('X-AFTER', '1') and None)
    app.GET('/', lambda req, res, ctx: None)
    for target in ('/', '/absent'):
        assert (b'x-after', b'1') in ask(app, 'GET', target).headers

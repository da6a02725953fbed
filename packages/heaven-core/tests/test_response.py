"""What a handler may answer: status, every kind of body, and the shortcuts."""

import dataclasses
import datetime
import io
from decimal import Decimal
from http import HTTPStatus

import pytest
from asks import answer, ask, raised
from heaven import App


@dataclasses.dataclass
class Patient:
    name: str


TEXT, JSON = 'text/plain; charset=utf-8', 'application/json'


@pytest.mark.parametrize(
    'body, sent, kind',
    [
        (b'\x00\xff', b'\x00\xff', 'application/octet-stream'),
        (b'', b'', 'application/octet-stream'),
        ('é', 'é'.encode(), TEXT),
        ('', b'', TEXT),
        ({'a': 1}, b'{"a":1}', JSON),
        ({}, b'{}', JSON),
        ([1], b'[1]', JSON),
        ([], b'[]', JSON),
        ((1, 2), b'[1,2]', JSON),
        (True, b'true', JSON),
        (False, b'false', JSON),
        (Patient('Ann'), b'{"name":"Ann"}', JSON),
        (7, b'7', TEXT),
        (0, b'0', TEXT),
        (1.5, b'1.5', TEXT),
        (None, b'', None),
    ],
    ids=repr,
)
def test_every_kind_of_body_has_its_type(body, sent, kind):
    reply = answer(body)
    assert (reply.status, reply.body, reply.header('content-length')) == (200, sent, str(len(sent)))
    if kind:
        assert reply.header('content-type') == kind


def test_a_handler_that_sets_nothing_answers_200_and_nothing():
    reply = ask(lambda req, res, ctx: None)
    assert (reply.status, reply.body, reply.header('content-length')) == (200, b'', '0')


class Strange:
    pass


@pytest.mark.parametrize(
    'body',
    [
        Strange(),
        object(),
        {1, 2},
        frozenset(),
        Decimal('1'),
        datetime.date(2026, 1, 2),
        1j,
        Strange,
        Patient,
        lambda: None,
        range(3),
        ...,
    ],
)
def test_any_other_body_is_a_typeerror_that_names_the_type_where_it_is_assigned(body):
    def act(req, res, ctx):
        res.body = body

    error = raised(act)
    assert isinstance(error, TypeError) and type(body).__name__ in str(error)


@pytest.mark.parametrize(
    'make',
    [lambda: io.BytesIO(b'x'), lambda: open(__file__), lambda: open(__file__, 'rb')],
    ids=['memory', 'text', 'binary'],
)
def test_an_open_file_is_refused_with_a_word_about_res_file(make):
    def act(req, res, ctx):
        with make() as file:
            res.body = file

    error = raised(act)
    assert isinstance(error, TypeError) and 'res.file' in str(error)


def test_a_refused_body_leaves_the_one_that_was_there():
    def handler(req, res, ctx):
        res.body = 'good'
        try:
            res.body = object()
        except TypeError:
            pass

    assert ask(handler).text == 'good'


@pytest.mark.parametrize('body', [b'x', 'x', {'a': 1}, [1], (1,), True, 7, 1.5, None, Patient('Ann')], ids=repr)
def test_a_body_reads_back_as_it_was_assigned(body):
    def handler(req, res, ctx):
        assert res.body is None
        res.body = body
        assert res.body is body

    assert ask(handler).status == 200


@pytest.mark.parametrize('body', [b'x', 'x', {'a': 1}, 7], ids=repr)
@pytest.mark.parametrize('first', [True, False])
def test_a_content_type_that_was_set_is_kept(body, first):
    def handler(req, res, ctx):
        if first:
            res.headers['Content-Type'] = 'application/x-mine'
        res.body = body
        if not first:
            res.headers['Content-Type'] = 'application/x-mine'

    assert ask(handler).header('content-type') == 'application/x-mine'


def test_the_type_follows_the_last_body():
    def handler(req, res, ctx):
        res.body = {'a': 1}
        res.body = 'text'

    assert ask(handler).header('content-type') == TEXT


def test_an_after_hook_sees_and_changes_the_body():
    app = App()

    def wrap(req, res, ctx):
        res.body = {'data': res.body}

    app.AFTER('/*', wrap)
    reply = answer('x', app=app)
    assert (reply.json(), reply.header('content-type')) == ({'data': 'x'}, JSON)


# status


@pytest.mark.parametrize('status', [200, 201, 299, 400, 418, 599, HTTPStatus.ACCEPTED, HTTPStatus.NOT_FOUND])
def test_a_status_is_an_int_or_an_httpstatus(status):
    def handler(req, res, ctx):
        assert res.status == 200
        res.status = status
        assert res.status == status
        res.body = 'x'

    reply = ask(handler)
    assert (reply.status, type(reply.status), reply.text) == (int(status), int, 'x')


@pytest.mark.parametrize('status', ['404', None, 99, 1000, 0, -1, 100, 199, 40.4, 'Not Found', True])
def test_what_is_no_status_never_reaches_the_server(status, caplog):
    def handler(req, res, ctx):
        res.status = status

    assert ask(handler).status == 500


def test_a_status_alone_asks_no_error_handler():
    app = App()
    app.ERROR(404, lambda req, res, ctx: res.out(404, 'page'))

    def handler(req, res, ctx):
        res.status = 404

    reply = ask(handler, app=app)
    assert (reply.status, reply.body) == (404, b'')
    assert ask(app, 'GET', '/absent').text == 'page'


# shortcuts


def test_out_says_all_at_once():
    reply = ask(lambda req, res, ctx: res.out(201, {'a': 1}, {'X-A': 'b', 'Content-Type': 'application/x+json'}))
    assert (reply.status, reply.json(), reply.header('x-a')) == (201, {'a': 1}, 'b')
    assert reply.header('content-type') == 'application/x+json'
    reply = ask(lambda req, res, ctx: res.out(HTTPStatus.ACCEPTED))
    assert (reply.status, reply.body) == (202, b'')


def test_html_is_html():
    reply = ask(lambda req, res, ctx: res.html('<p>é</p>'))
    assert (reply.status, reply.text, reply.header('content-type')) == (200, '<p>é</p>', 'text/html; charset=utf-8')


def test_chainable_methods_give_the_response():
    def handler(req, res, ctx):
        assert res.header('X-A', 'b') is res.cookie('a', 'b') is res.redirect('/') is res.out(200) is res
        assert res.html('x') is res.stream(iter(['x'])) is res.defer(lambda app: None) is res

    assert ask(handler).text == 'x'


@pytest.mark.parametrize('method', ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY'])
@pytest.mark.parametrize(
    'options, status', [({}, None), ({'permanent': True}, 308), ({'status': 302}, 302), ({'status': 301}, 301)]
)
def test_the_status_of_a_redirect(method, options, status):
    reply = ask(lambda req, res, ctx: res.redirect('/there', **options), method)
    usual = 303 if method in ('POST', 'PUT', 'PATCH', 'DELETE') else 307
    assert (reply.status, reply.header('location')) == (status or usual, '/there')


@pytest.mark.parametrize(
    'location, sent',
    [
        ('/a/b?c=d&e=f#g', '/a/b?c=d&e=f#g'),
        ('https://example.com:8443/a', 'https://example.com:8443/a'),
        ('https://[::1]:8000/', 'https://[::1]:8000/'),
        ('a/b', 'a/b'),
        ('?page=2', '?page=2'),
        ('', ''),
        ('/a b', '/a%20b'),
        ('/é/漢', '/%C3%A9/%E6%BC%A2'),
        ('/a%20b%2F%c3', '/a%20b%2F%c3'),
        ('/<"\\^`{|}>', '/%3C%22%5C%5E%60%7B%7C%7D%3E'),
        ("/!$&'()*+,;=:@-._~", "/!$&'()*+,;=:@-._~"),
        ('/a\r\nX-B: c', '/a%0D%0AX-B:%20c'),
        ('/\0\t\x7f', '/%00%09%7F'),
        ('/100%', '/100%25'),
        ('/a%zz%2', '/a%25zz%252'),
        ('/a[b]?c[d]', '/a%5Bb%5D?c%5Bd%5D'),
        ('http://[::1]:80/a', 'http://[::1]:80/a'),
        ('//[::1]/a', '//[::1]/a'),
        ('/a#b#c', '/a#b%23c'),
        ('/\ud800', None),
    ],
)
def test_what_a_uri_may_not_hold_is_percent_encoded_and_escapes_stay(location, sent):
    reply = ask(lambda req, res, ctx: res.redirect(location))
    if sent is not None:
        assert (reply.status, reply.header('location')) == (307, sent)
    else:
        assert reply.header('location') in (None, '/%3F', '/%EF%BF%BD', '/%ED%A0%80')


def test_a_redirect_goes_out_from_a_hook_without_a_handler():
    app, ran = App(), []
    app.BEFORE('/*', lambda req, res, ctx: res.redirect('/login'))
    assert ask(lambda req, res, ctx: ran.append(1), app=app).header('location') == '/login'
    assert ran == []

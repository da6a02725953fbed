"""Reverse URLs: the path of a named route, quoted, and refused where it would not lead back."""

import datetime
import uuid

import pytest
from asks import ask
from heaven import App, UrlError

ID = uuid.UUID('12345678-1234-5678-1234-567812345678')


def echo(req, res, ctx):
    res.body = {key: repr(value) for key, value in req.params.items()}


ROUTES = {
    'root': '/',
    'literal': '/v1/patients',
    'one': '/p/:x',
    'two': '/t/:x/a/:y',
    'int': '/i/:x:int',
    'float': '/f/:x:float',
    'bool': '/b/:x:bool',
    'date': '/d/:x:date',
    'datetime': '/dt/:x:datetime',
    'uuid': '/u/:x:uuid',
    'files': '/files/*',
    'odd': '/ö d/:x',
    'query': '/q/:x?page:int=1',
}


@pytest.fixture(scope='module')
def app():
    app = App()
    for name, route in ROUTES.items():
        app.GET(route, echo, name=name)
    app.GET('/p', echo, name='list')
    return app


@pytest.mark.parametrize(
    'name, values, path',
    [
        ('root', {}, '/'),
        ('literal', {}, '/v1/patients'),
        ('list', {}, '/p'),
        ('one', {'x': 'a'}, '/p/a'),
        ('one', {'x': 7}, '/p/7'),
        ('one', {'x': 'a/b'}, '/p/a%2Fb'),
        ('one', {'x': 'a b'}, '/p/a%20b'),
        ('one', {'x': 'é'}, '/p/%C3%A9'),
        ('one', {'x': '100%'}, '/p/100%25'),
        ('one', {'x': 'a?b#c'}, '/p/a%3Fb%23c'),
        ('one', {'x': '...'}, '/p/...'),
        ('two', {'x': 'a', 'y': 'b'}, '/t/a/a/b'),
        ('int', {'x': 7}, '/i/7'),
        ('int', {'x': -7}, '/i/-7'),
        ('int', {'x': '7'}, '/i/7'),
        ('float', {'x': 1.5}, '/f/1.5'),
        ('float', {'x': 2}, '/f/2'),
        ('bool', {'x': '1'}, '/b/1'),
        ('date', {'x': datetime.date(2024, 2, 29)}, '/d/2024-02-29'),
        ('uuid', {'x': ID}, f'/u/{ID}'),
        ('files', {'*': 'a/b c.txt'}, '/files/a/b%20c.txt'),
        ('odd', {'x': 'a'}, '/%C3%B6%20d/a'),
        ('query', {'x': 'a'}, '/q/a'),
    ],
)
def test_a_url_is_built_quoted_and_leads_back(app, name, values, path):
    assert app.url(name, **values) == path
    reply = ask(app, target=path)
    assert reply.status == 200
    assert reply.json().keys() == values.keys()
    for key, value in values.items():
        assert reply.json()[key].strip("'") in (str(value), repr(value), f'{value}.0', {'1': 'True'}.get(value))


@pytest.mark.parametrize(
    'name, value', [('bool', True), ('bool', False), ('datetime', datetime.datetime(2024, 2, 29, 10, 11))]
)
def test_values_of_the_type_itself_lead_back_to_themselves(app, name, value):
    assert ask(app, target=app.url(name, x=value)).json() == {'x': repr(value)}


@pytest.mark.parametrize(
    'name, values',
    [
        ('unknown', {}),
        ('one', {}),
        ('two', {'x': 'a'}),
        ('files', {}),
        ('files', {'*': 'a/../b'}),
        ('files', {'*': '.'}),
        ('one', {'x': 'a/./b'}),
        ('one', {'x': 'a/..'}),
        ('one', {'x': ''}),
        ('one', {'x': '.'}),
        ('one', {'x': '..'}),
        ('one', {'x': None}),
        ('one', {'x': '\ud800'}),
        ('int', {'x': 'a'}),
        ('int', {'x': 1.5}),
        ('int', {'x': True}),
        ('int', {'x': '٣'}),
        ('float', {'x': float('nan')}),
        ('float', {'x': float('inf')}),
        ('float', {'x': 1e300}),
        ('date', {'x': 'today'}),
        ('uuid', {'x': 'x'}),
        ('uuid', {'x': ID.hex}),
    ],
)
def test_what_would_not_lead_back_is_an_urlerror_that_says_why(app, name, values):
    if name == 'float' and values['x'] == 1e300:
        try:
            url = app.url(name, **values)
        except UrlError:
            return
        assert ask(app, target=url).json() == {'x': '1e+300'}
        return
    with pytest.raises(UrlError) as caught:
        app.url(name, **values)
    assert name in str(caught.value) or ROUTES[name] in str(caught.value)


def test_url_for_knows_the_root_path_and_prefix():
    app, seen = App(), []
    app.group('/v1/:org').GET('/patients/:id:int', echo, name='patient')

    def handler(req, res, ctx):
        seen.append(req.url_for('patient', org='a', id=7))

    app.GET('/here', handler)
    ask(app, target='/here')
    ask(app, target='/api/here', root_path='/api')
    assert seen == ['/v1/a/patients/7', '/api/v1/a/patients/7']


def test_a_url_may_be_asked_for_before_the_app_starts_and_by_any_name():
    app = App()
    app.GET('/a/:name', echo, name='with name')
    assert app.url('with name', name='x') == '/a/x'

"""A codec of the user's: it judges bodies by itself, and is that of the app whose route matched."""

import dataclasses
import datetime
import json

import pytest
from asks import answer, ask, meet, raised
from heaven import App


class Codec:
    """Marks what it wrote, and takes every object by its repr."""

    def __init__(self, mark='codec', binary=True):
        self.mark, self.binary = mark, binary

    def loads(self, data):
        assert type(data) is bytes
        return [self.mark, json.loads(data)]

    def dumps(self, value):
        text = json.dumps([self.mark, repr(value)])
        return text.encode() if self.binary else text


class Model:
    def __repr__(self):
        return 'Model'


@dataclasses.dataclass
class Visit:
    day: int

    def __repr__(self):
        return 'Visit'


@pytest.mark.parametrize('binary', [True, False])
@pytest.mark.parametrize(
    'body',
    [Model(), Visit(1), {1, 2}, datetime.date(2026, 1, 2), 1j, range(3), [float('nan')], {'a': object}, (1,), True],
    ids=range(10),
)
def test_with_a_codec_any_other_object_is_json_by_its_judgement(body, binary):
    reply = answer(body, app=App(json=Codec(binary=binary)))
    assert (reply.status, reply.header('content-type')) == (200, 'application/json')
    assert reply.json()[0] == 'codec'


@pytest.mark.parametrize('body, sent', [(b'x', b'x'), ('x', b'x'), (7, b'7'), (1.5, b'1.5'), (None, b'')], ids=range(5))
def test_what_is_bytes_text_or_a_number_stays_what_it_is(body, sent):
    assert answer(body, app=App(json=Codec())).body == sent


async def coroutine():
    pass


@pytest.mark.parametrize('kind', ['coroutine', 'function', 'lambda', 'method', 'class', 'text file', 'binary file'])
def test_an_awaitable_a_function_a_class_or_an_open_file_is_no_body_with_any_codec(kind, tmp_path):
    (tmp_path / 'a').touch()
    make = {
        'coroutine': coroutine,
        'function': lambda: coroutine,
        'lambda': lambda: lambda: None,
        'method': lambda: Codec().dumps,
        'class': lambda: Model,
        'text file': lambda: (tmp_path / 'a').open(),
        'binary file': lambda: (tmp_path / 'a').open('rb'),
    }[kind]
    words = {'coroutine': 'await', 'text file': 'res.file', 'binary file': 'res.file'}.get(kind, '')

    def act(req, res, ctx):
        body = make()
        try:
            res.body = body
        finally:
            if hasattr(body, 'close'):
                body.close()

    error = raised(act, app=App(json=Codec()))
    assert isinstance(error, TypeError) and words in str(error)


def test_what_the_codec_refuses_is_a_500_that_the_log_shows(caplog):
    class Strict(Codec):
        def dumps(self, value):
            raise TypeError('not in this house')

    assert answer({'a': 1}, app=App(json=Strict())).status == 500
    assert 'not in this house' in caplog.text


def test_the_codec_is_that_of_the_app_whose_route_matched():
    root, child = App(json=Codec('root')), App(json=Codec('child'))
    for app in root, child:
        app.POST('/', lambda req, res, ctx: res.out(200, {'got': req.json}))
        app.BEFORE('/*', lambda req, res, ctx: ctx.keep('seen', req.json if req.method == 'POST' else None))
    child.GET('/abort', lambda req, res, ctx: res.abort(403, {'no': 1}))
    child.GET('/model', lambda req, res, ctx: res.out(200, Model()))
    root.AFTER('/child/after', lambda req, res, ctx: setattr(res, 'body', {'after': 1}))
    child.GET('/after', lambda req, res, ctx: None)
    child.GET('/events', lambda req, res, ctx: res.stream(iter([[1]]), sse=True))
    root.mount(child, '/child')
    assert ask(root, 'POST', '/', json=1).json() == ['root', repr({'got': ['root', 1]})]
    assert ask(root, 'POST', '/child', json=1).json() == ['child', repr({'got': ['child', 1]})]
    assert [ask(root, target=f'/child/{path}').json()[0] for path in ('abort', 'model', 'after')] == ['child'] * 3
    assert '"child"' in ask(root, target='/child/events').text


def test_a_hook_of_the_parent_reads_and_writes_with_the_codec_of_the_route():
    root, child = App(json=Codec('root')), App(json=Codec('child'))
    seen = []
    root.BEFORE('/*', lambda req, res, ctx: seen.append(req.json))
    root.BEFORE('/child/*', lambda req, res, ctx: res.out(401, {'no': 1}))
    child.POST('/', lambda req, res, ctx: None)
    root.mount(child, '/child')
    reply = ask(root, 'POST', '/child', json=1)
    assert (reply.status, reply.json()[0], seen) == (401, 'child', [['child', 1]])


def test_a_socket_has_the_codec_of_its_app_too():
    async def handler(req, ws, ctx):
        await ws.send_json(await ws.receive_json())

    root, child = App(json=Codec('root')), App(json=Codec('child', binary=False))
    child.WS('/', handler)
    root.mount(child, '/child')
    assert json.loads(meet(root, '/child', '1').sent[0])[0] == 'child'


def test_a_codec_without_loads_or_dumps_is_refused_where_the_app_is_made():
    class Half:
        def dumps(self, value):
            return '1'

    for codec in (Half(), 7, object(), 'json'):
        with pytest.raises(TypeError):
            App(json=codec)


@dataclasses.dataclass
class Patient:
    name: object


def test_the_default_codec_names_the_place_of_what_it_cannot_encode(caplog):
    patients = [{'name': 'Ann', 'born': 1}] * 3 + [{'name': 'Bob', 'born': object()}]
    for body, place in (
        ({'patients': patients}, '$.patients[3].born'),
        ([1, [2, {3}]], '$[1][1]'),
        ({'a': {'b': float('nan')}}, '$.a.b'),
        ([float('inf')], '$[0]'),
        ((1, b'x'), '$[1]'),
        ({'a': {(1, 2): 3}}, '$.a.(1, 2)'),
        ({'a': {'\ud800': 3}}, r'$.a.\ud800'),
        ({'patients': [Patient('Ann'), Patient({'Bob'})]}, '$.patients[1].name'),
    ):
        caplog.clear()
        assert answer(body).status == 500
        assert place in caplog.text


def test_the_default_codec_depends_on_nothing_that_is_installed(monkeypatch):
    import sys
    import types

    fake = types.ModuleType('orjson')
    fake.dumps = fake.loads = lambda value: b'"wrong"'
    for name in ('orjson', 'ujson', 'msgspec', 'simplejson'):
        monkeypatch.setitem(sys.modules, name, fake)
    assert ask(lambda req, res, ctx: res.out(200, {'a': req.json}), 'POST', json=[1]).text == '{"a":[1]}'


def test_a_codec_that_writes_neither_bytes_nor_text_is_a_500_that_says_so(caplog):
    class Odd:
        loads = json.loads

        @staticmethod
        def dumps(value):
            return bytearray(b'[]')

    assert answer([1], app=App(json=Odd)).status == 500
    (record,) = caplog.records
    assert str(record.exc_info[1]) == 'dumps of the JSON codec returned bytearray, not bytes or str'

"""The application object: its names, configuration, state and codec."""

import inspect
from collections import defaultdict

import heaven
import heaven.errors
import pytest
from asks import Live, answer, ask, raised, see
from heaven import STARTUP, App, Key


def test_one_class_has_three_names():
    assert heaven.App is heaven.Router is heaven.Application


@pytest.mark.parametrize('name', ['Request', 'Response', 'Context', 'Key', 'Abort', 'STARTUP', 'SHUTDOWN'])
def test_the_names_of_the_contract_are_importable(name):
    assert getattr(heaven, name) is not None
    assert name in heaven.__all__


def test_every_exception_is_in_errors_and_importable_from_heaven():
    errors = {k: v for k, v in vars(heaven.errors).items() if isinstance(v, type) and issubclass(v, heaven.HeavenError)}
    expected = 'Abort ClientError Disconnected HandlerError HeavenError Missing MissingPackage SubdomainError TooLarge'
    assert {*expected.split(), 'UnsupportedMedia', 'UrlDuplicateError', 'UrlError'} <= errors.keys()
    assert all(getattr(heaven, name) is error for name, error in errors.items())


def test_the_exceptions_have_the_standard_bases_that_users_catch():
    assert issubclass(heaven.Missing, KeyError) and issubclass(heaven.Missing, heaven.ClientError)
    assert issubclass(heaven.UrlError, ValueError) and issubclass(heaven.UrlDuplicateError, heaven.UrlError)
    assert issubclass(heaven.HandlerError, ImportError) and issubclass(heaven.MissingPackage, ImportError)
    statuses = [heaven.ClientError('x').status, heaven.TooLarge('x').status, heaven.UnsupportedMedia('x').status]
    assert statuses == [400, 413, 415]


@pytest.mark.parametrize('config', [{'SECRET': 'x'}, lambda: {'SECRET': 'x'}])
def test_configuration_is_a_mapping_or_a_callable_that_returns_one(config):
    app = App(config)
    assert app.CONFIG('SECRET') == 'x'
    with pytest.raises(KeyError, match='ABSENT'):
        app.CONFIG('ABSENT')


def test_an_app_without_configuration_has_no_keys():
    with pytest.raises(KeyError):
        App().CONFIG('SECRET')


def test_state_is_kept_peeked_at_and_let_go():
    app = App()
    assert app.peek('db') is None and app.peek('db', 7) == 7
    app.keep('db', 'x')
    assert app.peek('db') == app.peek('db', 7) == 'x'
    app.keep('db', None)
    assert app.peek('db', 7) is None
    assert app.unkeep('db') is None and app.peek('db', 7) == 7
    with pytest.raises(KeyError, match='db'):
        app.unkeep('db')


def test_a_typed_key_stands_in_place_of_a_string():
    app, db = App(), Key[dict]('db')
    assert app.peek(db) is None and app.peek(db, {}) == {}
    app.keep(db, {'a': 1})
    assert app.peek(db) == {'a': 1}
    assert 'db' in repr(db)
    assert app.unkeep(db) == {'a': 1}
    with pytest.raises(KeyError, match='db'):
        app.unkeep(db)


def test_two_apps_share_no_state():
    one, two = App(), App()
    one.keep('db', 1)
    assert two.peek('db') is None


def test_state_kept_before_and_during_a_run_is_there_for_handlers():
    app = App()
    app.keep('before', 1)
    app.ON(STARTUP, lambda app: app.keep('startup', 2))

    def handler(req, res, ctx):
        res.body = [req.app.peek('before'), req.app.peek('startup')]

    app.GET('/', handler)
    with Live(app) as live:
        assert live.ask().json() == [1, 2]


class Shouting:
    """A codec whose marks show where it was used; `text` says whether it encodes to str."""

    def __init__(self, text):
        self.text = text

    def loads(self, content):
        assert type(content) is bytes
        if content == b'bad':
            raise ValueError('bad indeed')
        return {'loaded': content.decode()}

    def dumps(self, value):
        return f'<{value}>' if self.text else f'<{value}>é'.encode()


@pytest.mark.parametrize('text, tail', [(True, ''), (False, 'é')])
def test_a_codec_of_the_users_replaces_the_default_both_ways(text, tail):
    app = App(json=Shouting(text))

    def handler(req, res, ctx):
        res.body = req.json

    app.POST('/', handler)
    reply = ask(app, 'POST', body=b'x', headers={'content-type': 'application/json'})
    assert (reply.text, reply.header('content-type')) == ("<{'loaded': 'x'}>" + tail, 'application/json')
    reply = ask(app, 'POST', body=b'bad', headers={'content-type': 'application/json'})
    assert reply.status == 400


def test_a_codec_of_the_users_is_its_own_judge():
    nan = float('nan')
    assert answer([nan], app=App(json=Shouting(True))).text == '<[nan]>'


def test_a_module_is_a_codec():
    import json

    assert see(lambda req: req.json, 'POST', app=App(json=json), json={'a': [1.5]}) == {'a': [1.5]}
    assert answer({'a': 1}, app=App(json=json)).text == '{"a": 1}'


def test_an_app_has_no_debug_unless_asked():
    def broken(req, res, ctx):
        raise RuntimeError('the secret of the house')

    assert 'secret of the house' not in ask(broken).text
    assert 'secret of the house' in ask(broken, app=App(debug=True)).text


def test_the_options_after_the_configuration_are_named():
    with pytest.raises(TypeError):
        App({}, True)
    assert App({}, debug=True, max_body_size=1, domain='example.com', json=None).CONFIG is not None


def test_a_handler_sees_the_app_that_it_was_registered_on():
    app = App()
    assert see(lambda req: req.app, app=app) is app
    assert raised(lambda req, res, ctx: req.app.CONFIG('X')).args == ('X',)


def test_a_configuration_stays_live_and_keeps_its_defaults():
    config, missing = {}, defaultdict(lambda: 'none')
    app, other = App(config), App(lambda: missing)
    config['X'] = 1
    assert (app.CONFIG('X'), other.CONFIG('Y')) == (1, 'none')


def hello(req, res, ctx):
    res.body = 'hello'


def test_subclassing_changes_nothing_about_how_dotted_paths_are_found():
    class Clinic(App):
        def __init__(self, **options):
            self.name = 'clinic'
            super().__init__(**options)

    class Deeper(Clinic):
        def __init__(self):
            super().__init__(debug=True)

    for app in App(), Clinic(), Deeper():
        app.GET('/', f'{__name__}.hello')
        with Live(app) as live:
            assert live.ask().text == 'hello'


@pytest.mark.parametrize('config', [5, 'config', [1], object()], ids=range(4))
def test_a_configuration_that_is_neither_a_mapping_nor_a_callable_is_refused_where_it_is_given(config):
    with pytest.raises(TypeError):
        App(config)


def test_the_app_and_its_call_are_an_asgi_3_application_by_every_test():
    for app in App(), App(debug=True):
        assert inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(app.__call__)
        assert inspect.iscoroutinefunction(type(app).__call__)


def test_a_configuration_of_none_has_no_keys():
    with pytest.raises(KeyError):
        App(lambda: None).CONFIG('X')

"""A misspelt attribute of req, res or ws is an error where it is written."""

import pytest
from asks import ask, meet, raised
from heaven import App


@pytest.mark.parametrize('name', ['user', 'boddy', 'statuscode', 'state', 'session', 'json_', 'x', '_private'])
def test_an_unknown_attribute_of_a_request_or_a_response_cannot_be_set(name):
    def on_request(req, res, ctx):
        setattr(req, name, 1)

    def on_response(req, res, ctx):
        setattr(res, name, 1)

    for act in on_request, on_response:
        error = raised(act)
        assert isinstance(error, AttributeError) and name in str(error)


@pytest.mark.parametrize('name', ['user', 'state', 'x', 'body', 'status'])
def test_an_unknown_attribute_of_a_socket_cannot_be_set(name):
    seen = []

    async def handler(req, ws, ctx):
        try:
            setattr(ws, name, 1)
        except AttributeError as error:
            seen.append(str(error))

    app = App()
    app.WS('/', handler)
    assert meet(app).code == 1000
    assert len(seen) == 1 and name in seen[0]


def test_an_unknown_attribute_set_in_a_handler_is_a_500_that_the_log_explains(caplog):
    def handler(req, res, ctx):
        res.staus = 404

    assert ask(handler).status == 500
    assert 'staus' in caplog.text


@pytest.mark.parametrize('name, meant', [('json', 'res.body'), ('text', 'res.body'), ('content', 'res.body'),
                                         ('status_code', 'res.status'), ('data', 'res.body')])  # fmt: skip
def test_the_names_of_other_frameworks_cannot_be_set_either(name, meant):
    def act(req, res, ctx):
        setattr(res, name, 1)

    error = raised(act)
    assert isinstance(error, AttributeError)
    if name == 'json':
        assert meant in str(error)


@pytest.mark.parametrize(
    'read',
    [
        lambda req, res: req.nonsense,
        lambda req, res: res.nonsense,
        lambda req, res: res.json,
        lambda req, res: res.http,
    ],
    ids=range(4),
)
def test_reading_an_unknown_attribute_is_an_attribute_error(read):
    assert isinstance(raised(lambda req, res, ctx: read(req, res)), AttributeError)


@pytest.mark.parametrize(
    'read, meant',
    [
        (lambda req, res: req.args, 'req.queries'),
        (lambda req, res: req.query_params, 'req.queries'),
        (lambda req, res: req.path_params, 'req.params'),
        (lambda req, res: req.get_json(), 'req.json'),
        (lambda req, res: req.files, 'await req.form'),
        (lambda req, res: req.session, 'ctx.session'),
        (lambda req, res: res.json, 'res.body = {'),
        (lambda req, res: res.text, 'res.body = '),
        (lambda req, res: res.status_code, 'res.status = '),
        (lambda req, res: res.set_cookie('a', 'b'), 'res.cookie('),
    ],
    ids=range(10),
)
def test_reading_a_name_of_another_framework_says_what_to_write(read, meant):
    assert meant in str(raised(lambda req, res, ctx: read(req, res)))


def test_requests_and_responses_have_no_dict():
    seen = []
    ask(lambda req, res, ctx: seen.append((hasattr(req, '__dict__'), hasattr(res, '__dict__'))))
    assert seen == [(False, False)]


def test_what_is_meant_to_be_set_can_be_set():
    def handler(req, res, ctx):
        res.status = 201
        res.body = 'x'
        ctx.user = 'ann'

    assert ask(handler).status == 201

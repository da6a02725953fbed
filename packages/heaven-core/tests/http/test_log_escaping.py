"""What comes from a client is escaped in messages of the log: no request forges a line or a terminal code."""

import logging

import pytest
from asks import Live, ask, meet
from driver import pairs
from heaven import App

FORGED = '\r\nERROR heaven: all is lost \x1b[31m\x9b31m\u2028\x85\x07\x00'
QUOTED = ''.join(f'%{byte:02X}' for byte in FORGED.encode())
CONTROLS = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029) if chr(code) != '\t']


def fails(req, res, ctx):
    raise ValueError('broken')


def lines(caplog):
    """The messages of the log, each of which must be one line without controls."""
    messages = [record.getMessage() for record in caplog.records if record.name.partition('.')[0] == 'heaven']
    for message in messages:
        assert not [control for control in CONTROLS if control in message], ascii(message)
    return messages


@pytest.fixture(autouse=True)
def everything_is_logged(caplog):
    caplog.set_level(logging.DEBUG)


@pytest.mark.parametrize('debug', [False, True])
@pytest.mark.parametrize('raw', [True, False])
def test_the_path_of_a_failure_is_escaped(raw, debug, caplog):
    app = App(debug=debug)
    app.GET('/*', fails)
    for options in {}, {'raw_path': None}, {'path': f'/{FORGED}', 'raw_path': b'/x'}:
        assert ask(app, target=f'/{QUOTED}' if raw else f'/a{QUOTED}?q={QUOTED}', **options).status == 500
    assert len(lines(caplog)) == 3


@pytest.mark.parametrize('method', ['GET', 'BREW\x1b[31m', 'A\r\nB'])
def test_the_method_is_escaped(method, caplog):
    app = App()
    app.BEFORE('/*', fails)
    assert ask(app, method).status in (400, 500, 501)
    lines(caplog)


def test_the_host_is_escaped(caplog):
    app = App()
    app.subdomain('api').GET('/', fails)
    app.GET('/', fails)
    for host in ('api.a.com', f'a{FORGED}.com'.encode('latin-1', 'replace').decode('latin-1'), 'x\x1b[31m.a.com'):
        ask(app, headers=pairs([('host', host)]))
    lines(caplog)


@pytest.mark.parametrize('origin', [b'http://evil.com\x1b[31m', b'http://\r\nevil', b'\x9b31m', b'null'])
def test_the_origin_of_a_refused_socket_is_escaped(origin, caplog):
    app = App()
    app.WS('/', lambda req, ws, ctx: None)
    assert meet(app, headers=[(b'origin', origin)]).status == 403
    assert [record.levelname for record in caplog.records if record.name.startswith('heaven')] == ['INFO']
    lines(caplog)


def test_the_path_of_a_socket_that_fails_is_escaped(caplog):
    async def failing(req, ws, ctx):
        await ws.accept()
        raise ValueError

    app = App()
    app.WS('/:x', failing)
    assert meet(app, f'/{QUOTED}').code == 1011
    assert len(lines(caplog)) == 1


@pytest.mark.parametrize('kind', ['stream', 'defer', 'after', 'around', 'json', 'before', 'value'])
def test_whatever_fails_is_told_in_one_line(kind, caplog):
    async def chunks():
        yield b'x'
        raise ValueError

    async def around(req, res, ctx):
        yield
        raise ValueError

    def handler(req, res, ctx):
        if kind == 'stream':
            res.body = chunks()
        elif kind == 'defer':
            res.defer(lambda app: 1 / 0)
        elif kind == 'json':
            res.body = {req.params['*']: object()}
        elif kind == 'value':
            return 'ignored'

    app = App()
    if kind == 'after':
        app.AFTER('/*', fails, always=True)
    elif kind == 'around':
        app.BEFORE('/*', around)
    elif kind == 'before':
        app.BEFORE('/*', lambda req, res, ctx: 'no')
    app.GET('/*', handler)
    ask(app, target=f'/{QUOTED}', catch=True)
    assert len(lines(caplog)) == 1


def test_what_a_client_did_wrong_is_escaped_wherever_it_is_mentioned(caplog):
    app = App(debug=True)
    app.POST('/json', lambda req, res, ctx: req.json)
    app.GET('/q?page:int', lambda req, res, ctx: None)
    app.GET('/key', lambda req, res, ctx: req.queries[FORGED])
    with Live(app) as live:
        live.ask('POST', '/json', body=b'{', headers={'content-type': 'application/json'})
        live.ask('POST', '/json', body=b'{', headers={'content-type': 'text/\x1b[31m'})
        live.ask('GET', f'/q?page={QUOTED}')
        live.ask('GET', '/key')
        live.ask('GET', f'/none{QUOTED}')
    lines(caplog)

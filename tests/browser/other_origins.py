"""Pages of other origins, forms of other sites and sessions, in headless Chromium; run by `nox -s browser`."""

import os
import socket
import threading
from contextlib import ExitStack, contextmanager

import pytest
import uvicorn
from heaven import App
from playwright.sync_api import sync_playwright

QUIET = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update']
FETCH = """async ([url, options]) => {
    try {
        const reply = await fetch(url, options)
        const total = reply.headers.get('x-total')
        return {status: reply.status, text: await reply.text(), total}
    } catch (error) {
        return {refused: error.name}
    }
}"""


@contextmanager
def served(app):
    """Serve an app on a port that is free, and give the port."""
    listening = socket.create_server(('127.0.0.1', 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level='warning'))
    thread = threading.Thread(target=server.run, kwargs={'sockets': [listening]})
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


def made(port_of_pages):
    """The app that is asked, by pages of its own and by those of the other origin."""
    app = App()
    app.sessions('s' * 32)
    app.cors(f'http://localhost:{port_of_pages}', credentials=True, expose='X-Total', subdomains='www')

    def refuse(req, res, ctx):
        if 'authorization' not in req.headers:
            res.out(401, 'Log in first')

    def count(req, res, ctx):
        ctx.session.n = ctx.session.get('n', 0) + 1
        res.header('X-Total', 7)
        res.body = str(ctx.session.n)

    def fail(req, res, ctx):
        raise LookupError('a bug')

    app.BEFORE('/guarded/*', refuse)
    app.GET('/', lambda req, res, ctx: res.html('<form method=post action=/count><button>Send</button></form>'))
    app.GET('/count', count)
    app.POST('/count', count)
    app.PUT('/guarded/thing', count)
    app.GET('/bug', fail)
    app.POST('/logout', lambda req, res, ctx: ctx.session.clear())
    return app


def pages():
    """The app of the other origin, whose pages ask the first."""
    app = App()

    def form(req, res, ctx):
        target = req.queries['to']
        res.html(f'<form method=post action="{target}"><input name=a value=b><button>Send</button></form>')

    app.GET('/', lambda req, res, ctx: res.html('<p>A page'))
    app.GET('/form', form)
    return app


@pytest.fixture(scope='module')
def ports():
    with ExitStack() as stack:
        other = stack.enter_context(served(pages()))
        yield stack.enter_context(served(made(other))), other


@pytest.fixture(scope='module')
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get('CHROMIUM', '/usr/bin/chromium'), args=QUIET
        )
        yield browser
        browser.close()


@pytest.fixture
def page(chromium):
    context = chromium.new_context()
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


def fetch(page, url, **options):
    return page.evaluate(FETCH, [url, options])


def test_a_page_of_a_named_origin_reads_answers_with_cookies(page, ports):
    port, other = ports
    page.goto(f'http://localhost:{other}/')
    url = f'http://localhost:{port}/count'
    for n in ('1', '2'):
        assert fetch(page, url, credentials='include') == {'status': 200, 'text': n, 'total': '7'}
    assert fetch(page, url) == {'status': 200, 'text': '1', 'total': '7'}
    reply = fetch(page, url, method='POST', credentials='include')
    assert reply == {'status': 200, 'text': '3', 'total': '7'}


def test_it_reads_errors_too(page, ports):
    port, other = ports
    page.goto(f'http://localhost:{other}/')
    for path, options, status in [('/nowhere', {}, 404), ('/bug', {}, 500), ('/count', {'method': 'DELETE'}, 405)]:
        assert fetch(page, f'http://localhost:{port}{path}', **options)['status'] == status


def test_its_preflight_passes_a_guard_and_its_request_meets_it(page, ports):
    port, other = ports
    page.goto(f'http://localhost:{other}/')
    url = f'http://localhost:{port}/guarded/thing'
    assert fetch(page, url, method='PUT')['status'] == 401
    assert fetch(page, url, method='PUT', headers={'authorization': 'Bearer x'})['status'] == 200


def test_a_page_of_any_other_origin_reads_nothing(page, ports):
    port, other = ports
    page.goto(f'http://127.0.0.1:{other}/')
    for options in ({}, {'credentials': 'include'}, {'method': 'PUT'}, {'method': 'POST'}):
        assert fetch(page, f'http://localhost:{port}/count', **options) == {'refused': 'TypeError'}


def test_the_form_of_another_site_is_refused_and_the_own_one_is_not(page, ports):
    port, other = ports
    page.goto(f'http://127.0.0.1:{other}/form?to=http://localhost:{port}/count')
    with page.expect_navigation() as navigation:
        page.get_by_role('button').click()
    assert navigation.value.status == 403
    assert 'another origin' in page.content()
    page.goto(f'http://localhost:{port}/')
    with page.expect_navigation() as navigation:
        page.get_by_role('button').click()
    assert (navigation.value.status, page.inner_text('body')) == (200, '1')


def test_the_form_of_a_trusted_origin_is_let_in(page, ports):
    port, other = ports
    page.goto(f'http://localhost:{other}/form?to=http://localhost:{port}/count')
    with page.expect_navigation() as navigation:
        page.get_by_role('button').click()
    assert navigation.value.status == 200


def test_a_session_survives_until_it_is_cleared_and_scripts_do_not_see_it(page, ports):
    port, _ = ports
    for n in ('1', '2', '3'):
        page.goto(f'http://localhost:{port}/count')
        assert page.inner_text('body') == n
    assert page.evaluate('document.cookie') == ''
    (cookie,) = page.context.cookies()
    assert (cookie['name'], cookie['httpOnly'], cookie['sameSite']) == ('session', True, 'Lax')
    fetch(page, '/logout', method='POST')
    assert page.context.cookies() == []
    page.goto(f'http://localhost:{port}/count')
    assert page.inner_text('body') == '1'


def test_a_session_that_was_tampered_with_is_empty(page, ports):
    port, _ = ports
    page.goto(f'http://localhost:{port}/count')
    (cookie,) = page.context.cookies()
    page.context.add_cookies([{**cookie, 'value': 'eyJuIjo5OX0' + cookie['value'][11:]}])
    page.goto(f'http://localhost:{port}/count')
    assert page.inner_text('body') == '1'

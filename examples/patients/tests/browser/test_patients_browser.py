"""A person at a desk and a person with a phone, in headless Chromium."""

# mypy: ignore-errors
# (Playwright is installed for these tests alone.)

import os
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

QUIET = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
]
PHONE = {'width': 390, 'height': 844}
DESK = {'width': 1280, 'height': 900}
PAGES = '/patients /patients?q=nobody /patients/1 /patients/new /waiting /audit /login /nothing'.split()


@pytest.fixture(scope='module')
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=os.environ.get('CHROMIUM', '/usr/bin/chromium'), args=QUIET
        )
        yield chromium
        chromium.close()


@pytest.fixture
def site(serve: Callable[[], AbstractContextManager[httpx.Client]]) -> Iterator[httpx.Client]:
    with serve() as client:
        yield client


def logged_in(browser: Browser, site: httpx.Client, **options: Any) -> BrowserContext:
    context = browser.new_context(base_url=str(site.base_url), **options)
    context.set_default_timeout(10_000)
    context.request.post('/login', form={'name': 'doctor', 'password': 'demo-doctor'})
    return context


@pytest.fixture
def page(browser: Browser, site: httpx.Client) -> Iterator[Page]:
    """A page at a desk; whatever the console complains of fails the test."""
    context = logged_in(browser, site, viewport=DESK)
    page = context.new_page()
    complaints: list[str] = []
    page.on('pageerror', lambda error: complaints.append(str(error)))
    page.on('console', lambda message: complaints.append(message.text) if message.type == 'error' else None)
    yield page
    context.close()
    assert [each for each in complaints if not re.search('status of (401|403|422)', each)] == []


def test_a_person_adds_edits_searches_uploads_and_deletes(page: Page, tmp_path: Path) -> None:
    page.goto('/')
    page.get_by_role('link', name='Add a patient').click()
    page.get_by_label('Name').fill('Ada Obi')
    page.get_by_label('Number').fill('not right')
    page.get_by_role('button', name='Save').click()
    expect(page.get_by_text('Number must be capital letters, digits and hyphens.')).to_be_visible()
    expect(page.get_by_text('Date of birth is required.')).to_be_visible()
    expect(page.get_by_label('Name')).to_have_value('Ada Obi')
    page.get_by_label('Number').fill('X-1')
    page.get_by_label('Date of birth').fill('1990-05-01')
    page.get_by_role('button', name='Save').click()
    expect(page.get_by_role('heading', name='Ada Obi X-1')).to_be_visible()
    expect(page.get_by_role('status')).to_have_text('Ada Obi is added.')

    page.get_by_role('link', name='Edit').click()
    page.get_by_label('Phone').fill('+44 20 5555 0100')
    page.get_by_role('button', name='Save').click()
    expect(page.get_by_role('link', name='+44 20 5555 0100')).to_be_visible()

    page.get_by_text('Add a visit').click()
    page.get_by_label('Time').fill('2026-03-01T09:30')
    page.get_by_label('Reason').fill('Sore throat')
    page.get_by_role('button', name='Save the visit').click()
    expect(page.get_by_role('heading', name='Sore throat')).to_be_visible()

    scan = tmp_path / 'Röntgen 3.pdf'
    scan.write_bytes(b'%PDF' * 100_000)
    page.get_by_label('Add a document').set_input_files(scan)
    page.get_by_role('button', name='Upload').click()
    with page.expect_download() as download:
        page.get_by_role('link', name='Röntgen 3.pdf').click()
    assert download.value.suggested_filename == 'Röntgen 3.pdf'
    assert download.value.path().read_bytes() == scan.read_bytes()

    page.once('dialog', lambda dialog: dialog.accept())
    page.get_by_role('button', name='Delete Röntgen 3.pdf').click()
    expect(page.get_by_text('No documents yet.')).to_be_visible()

    page.get_by_text('Delete this patient').click()
    expect(page.get_by_text('Ada Obi, 1 visit and 0 documents will be gone for good.')).to_be_visible()
    page.get_by_role('button', name='Delete for good').click()
    expect(page.get_by_role('heading', name='Patients')).to_be_visible()
    expect(page.get_by_role('status')).to_have_text('Ada Obi is deleted.')
    expect(page.get_by_role('link', name='Ada Obi')).to_have_count(0)


def test_the_search_finds_while_one_types_and_back_goes_back(page: Page) -> None:
    page.goto('/patients')
    page.get_by_role('searchbox').press_sequentially('chloe')
    expect(page.get_by_role('link', name='Chloé Martin')).to_be_visible()
    expect(page.get_by_role('link', name='Amara Okafor')).to_have_count(0)
    expect(page.get_by_role('searchbox')).to_be_focused()
    expect(page).to_have_url(re.compile(r'/patients\?q=chloe$'))
    page.get_by_role('link', name='Chloé Martin').click()
    page.go_back()
    expect(page.get_by_role('searchbox')).to_have_value('chloe')
    page.get_by_role('searchbox').fill('nobody')
    expect(page.get_by_text("Nobody's name or number has “nobody”.")).to_be_visible()


def test_the_waiting_room_is_live_on_every_screen(page: Page) -> None:
    desk = page.context.new_page()
    page.goto('/waiting')
    desk.goto('/patients/1')
    expect(page.get_by_role('status')).to_have_text('Live')
    expect(page.get_by_text('Nobody is waiting.')).to_be_visible()
    desk.get_by_role('button', name='Has arrived').click()
    expect(page.get_by_role('listitem')).to_contain_text(['Amara Okafor'])
    expect(page.locator('[data-waiting-count]')).to_have_text('1')
    expect(page.get_by_text('Nobody is waiting.')).to_be_hidden()
    page.get_by_role('button', name='Call in').click()
    expect(page.get_by_role('heading', name='Amara Okafor')).to_be_visible()
    expect(desk.get_by_text('Nobody is waiting.')).to_be_visible()
    expect(page.locator('[data-waiting-count]')).to_be_hidden()


@pytest.mark.parametrize('scheme', ['light', 'dark'])
@pytest.mark.parametrize('size', [PHONE, DESK], ids=['phone', 'desk'])
def test_no_page_is_wider_than_its_screen(
    browser: Browser, site: httpx.Client, size: Any, scheme: Any, tmp_path: Path
) -> None:
    """With SCREENSHOTS set to a folder, the pages are left there to be looked at."""
    site.post('/patients/1/arrive')
    site.post('/patients/1/documents', files={'document': ('a-name-without-any-space-' * 8 + '.pdf', b'x')})
    folder = Path(os.environ.get('SCREENSHOTS', tmp_path))
    context = logged_in(browser, site, viewport=size, color_scheme=scheme)
    page = context.new_page()
    for path in PAGES:
        page.goto(path)
        page.screenshot(
            path=folder / f'{path.strip("/").replace("/", "-")}-{size["width"]}-{scheme}.png', full_page=True
        )
        assert page.evaluate('document.documentElement.scrollWidth') <= size['width'], path
    context.close()


def test_a_person_logs_in_with_what_the_page_says_comes_back_and_logs_out(browser: Browser, site: httpx.Client) -> None:
    context = browser.new_context(base_url=str(site.base_url), viewport=DESK)
    context.set_default_timeout(10_000)
    page = context.new_page()
    page.goto('/patients?q=chloe')
    expect(page.get_by_label('Name')).to_be_focused()
    page.get_by_label('Name').fill('reader')
    page.get_by_label('Password').fill('wrong')
    page.get_by_role('button', name='Log in').click()
    expect(page.get_by_role('alert')).to_have_text('This name and this password do not belong together.')
    expect(page.get_by_label('Name')).to_have_value('reader')
    page.get_by_label('Password').fill('demo-reader')
    page.get_by_role('button', name='Log in').click()
    expect(page).to_have_url(re.compile(r'/patients\?q=chloe$'))
    expect(page.get_by_role('status')).to_have_text('Welcome, reader.')
    expect(page.get_by_role('link', name='Add a patient')).to_have_count(0)
    page.reload()
    expect(page.get_by_role('status')).to_have_count(0)
    page.get_by_role('button', name='Log out reader').click()
    expect(page.get_by_text('You are logged out.')).to_be_visible()
    page.goto('/patients')
    expect(page.get_by_role('heading', name='Log in')).to_be_visible()
    context.close()


def test_a_search_after_the_session_has_ended_leads_to_the_login(page: Page) -> None:
    page.goto('/patients')
    page.context.clear_cookies()
    page.get_by_role('searchbox').press_sequentially('chloe')
    expect(page.get_by_role('heading', name='Log in')).to_be_visible()
    page.get_by_label('Name').fill('doctor')
    page.get_by_label('Password').fill('demo-doctor')
    page.get_by_role('button', name='Log in').click()
    expect(page.get_by_role('searchbox')).to_have_value(re.compile('^c'))


class Elsewhere(BaseHTTPRequestHandler):
    """An empty page of another origin."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header('content-type', 'text/html')
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """Serve a page at `localhost`, which to a browser is another site than 127.0.0.1."""
    with ThreadingHTTPServer(('127.0.0.1', 0), Elsewhere) as server:
        Thread(target=server.serve_forever).start()
        yield f'http://localhost:{server.server_port}'
        server.shutdown()


ASK = """async ([url, method, headers, body]) => {
    const answer = await fetch(url, {method, headers, body, credentials: 'include'}).catch(() => null);
    return answer && [answer.status, answer.headers.get('location'), await answer.text()];
}"""
ASK_WITHOUT_COOKIES = ASK.replace("'include'", "'omit'")
ADA = '{"number": "X-1", "name": "Ada Obi", "born": "1990-05-01"}'
KEY = {'authorization': 'Bearer demo-doctor', 'content-type': 'application/json'}


@pytest.mark.parametrize('is_allowed', [True, False])
def test_a_page_of_another_origin_uses_the_api_only_where_it_is_allowed_to(
    browser: Browser,
    serve: Callable[[], AbstractContextManager[httpx.Client]],
    elsewhere: str,
    monkeypatch: pytest.MonkeyPatch,
    is_allowed: bool,
) -> None:
    monkeypatch.setenv('PATIENTS_ORIGINS', elsewhere if is_allowed else 'https://intranet.example')
    with serve() as site:
        context = logged_in(browser, site)
        page = context.new_page()
        page.goto(elsewhere)
        patients = str(site.base_url.join('/v1/patients'))
        added = page.evaluate(ASK_WITHOUT_COOKIES, [patients, 'POST', KEY, ADA])
        found = page.evaluate(ASK_WITHOUT_COOKIES, [f'{patients}?q=ada', 'GET', KEY, None])
        assert page.evaluate(ASK, [patients, 'GET', {}, None]) is None  # nobody's cookies are lent to another site
        if is_allowed:
            assert added[:2] == [201, '/v1/patients/8']
            assert (found[0], '"total":1' in found[2]) == (200, True)
        else:
            assert (added, found) == (None, None)
        assert site.get('/v1/patients').json()['total'] == 7 + is_allowed
        context.close()


def test_a_form_of_another_origin_cannot_act_for_a_person(page: Page, site: httpx.Client, elsewhere: str) -> None:
    page.goto('/patients/1')
    page.goto(elsewhere)
    page.set_content(f'<form method="post" action="{site.base_url}/patients/1/delete"><button>Win</button></form>')
    with page.expect_navigation():
        page.get_by_role('button', name='Win').click()
    expect(page.get_by_text('403')).to_be_visible()
    page.goto('/patients/1')
    expect(page.get_by_role('heading', name='Amara Okafor')).to_be_visible()

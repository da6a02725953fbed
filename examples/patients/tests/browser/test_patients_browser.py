"""A person at a desk and a person with a phone, in headless Chromium."""

# mypy: ignore-errors
# (Playwright is installed for these tests alone.)

import os
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

QUIET = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
]
PHONE = {'width': 390, 'height': 844}
DESK = {'width': 1280, 'height': 900}


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


@pytest.fixture
def page(browser: Browser, site: httpx.Client) -> Iterator[Page]:
    """A page at a desk; whatever the console complains of fails the test."""
    context = browser.new_context(base_url=str(site.base_url), viewport=DESK)
    context.set_default_timeout(10_000)
    page = context.new_page()
    complaints: list[str] = []
    page.on('pageerror', lambda error: complaints.append(str(error)))
    page.on('console', lambda message: complaints.append(message.text) if message.type == 'error' else None)
    yield page
    context.close()
    assert [each for each in complaints if '422' not in each] == []


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
    expect(page.get_by_text('Ada Obi')).to_have_count(0)


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
    context = browser.new_context(base_url=str(site.base_url), viewport=size, color_scheme=scheme)
    page = context.new_page()
    for path in ('/patients', '/patients?q=nobody', '/patients/1', '/patients/new', '/waiting', '/nothing'):
        page.goto(path)
        page.screenshot(
            path=folder / f'{path.strip("/").replace("/", "-")}-{size["width"]}-{scheme}.png', full_page=True
        )
        assert page.evaluate('document.documentElement.scrollWidth') <= size['width'], path
    context.close()

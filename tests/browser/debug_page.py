"""The debug page in headless Chromium: light and dark, at a desk and on a phone. `nox -s browser` runs this."""

# mypy: ignore-errors
# (Playwright is installed for these tests alone.)

import asyncio
import os
from pathlib import Path

import pytest
from heaven import App
from playwright.sync_api import sync_playwright

QUIET = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update']
SIZES = {'phone': {'width': 360, 'height': 740}, 'desk': {'width': 1280, 'height': 900}}
HTML = (b'accept', b'text/html')

# The text of every element, its colour, and that of what lies behind it, as [text, ratio] where the ratio is below 4.5
# (WCAG 2.2, 1.4.3).
FAINT = """() => {
  const channels = text => text.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b].map(c => c / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = element => {
    for (; element; element = element.parentElement) {
      const color = channels(getComputedStyle(element).backgroundColor);
      if (color.length < 4 || color[3] > 0) return color;
    }
    throw new Error('no background');
  };
  const faint = [];
  let seen = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.data.trim(), element = walker.currentNode.parentElement;
    if (!text) continue;
    seen += 1;
    const [low, high] = [luminance(channels(getComputedStyle(element).color)), luminance(behind(element))].sort();
    const ratio = (Math.max(low, high) + 0.05) / (Math.min(low, high) + 0.05);
    if (ratio < 4.5) faint.push([text, ratio]);
  }
  return {faint, seen};
}"""


def log_in(req, res, ctx):
    ctx.user = 'Ada Obi'


def admit(req, res, ctx):
    ward = {'name': 'a-name-without-any-space-' * 20, 'password': 'hunter2', 'beds': list(range(100))}
    line = 'a line of source that is wider than the screen of any phone, and wider than the card at a desk, too, by far'
    try:
        return ward['nurses']
    except KeyError as error:
        failure = LookupError(f'nobody is on duty in {"W" * 200} {len(line)}')
        failure.add_note('a note without any space ' + 'x' * 300)
        raise failure from error


def page_of(app):
    """The headers and the page that an app answers with."""
    scope = {
        'type': 'http',
        'asgi': {'version': '3.0'},
        'method': 'GET',
        'path': '/wards/' + 'w' * 150,
        'query_string': b'token=abc&' + b'q' * 300 + b'=1',
        'headers': [HTML, (b'host', b'127.0.0.1'), (b'x-' + b'n' * 100, b'v' * 300), (b'cookie', b'a=b')],
        'client': ('127.0.0.1', 50000),
        'server': ('127.0.0.1', 80),
        'scheme': 'http',
        'http_version': '1.1',
    }
    messages = []

    async def receive():
        return {'type': 'http.request', 'body': b'', 'more_body': False}

    async def send(message):
        messages.append(message)

    asyncio.run(app(scope, receive, send))
    headers = {name.decode(): value.decode() for name, value in messages[0]['headers']}
    return headers, b''.join(message.get('body', b'') for message in messages[1:])


@pytest.fixture(scope='module')
def answer():
    app = App(debug=True)
    app.BEFORE('/*', log_in)
    app.GET('/wards/:id', admit)
    return page_of(app)


@pytest.fixture(scope='module')
def chromium(answer):  # after it: there is a running loop from here on
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get('CHROMIUM', '/usr/bin/chromium'), args=QUIET
        )
        yield browser
        browser.close()


@pytest.mark.parametrize('scheme', ['light', 'dark'])
@pytest.mark.parametrize('size', SIZES)
def test_the_page_can_be_read(chromium, answer, size, scheme, tmp_path):
    """With SCREENSHOTS set to a folder, the pages are left there to be looked at."""
    headers, body = answer
    context = chromium.new_context(viewport=SIZES[size], color_scheme=scheme)
    page = context.new_page()
    asked, complaints = [], []
    page.on('console', lambda message: complaints.append(message.text) if message.type == 'error' else None)
    page.on('pageerror', lambda error: complaints.append(str(error)))

    def serve(route):
        asked.append(route.request.url)
        route.fulfill(status=200, headers=headers, body=body)

    context.route('**/*', serve)
    page.goto('http://127.0.0.1/wards')
    folded = page.locator('details:not([open])')
    assert folded.count() > 0
    for is_all_open in (False, True):
        if is_all_open:
            while folded.count():
                folded.first.locator('> summary').click()
        assert page.evaluate('document.documentElement.scrollWidth') <= SIZES[size]['width']
        found = page.evaluate(FAINT)
        assert found['seen'] > 50
        assert found['faint'] == []
        folder = Path(os.environ.get('SCREENSHOTS', tmp_path))
        page.screenshot(path=folder / f'debug-{size}-{scheme}-{is_all_open}.png', full_page=True)
    if size == 'phone':  # where a line of source is wider than the screen, its card scrolls
        assert page.evaluate("[...document.querySelectorAll('pre')].some(pre => pre.scrollWidth > pre.clientWidth)")
    assert page.title().startswith('LookupError: nobody is on duty')
    assert asked == ['http://127.0.0.1/wards']
    assert complaints == []
    context.close()

"""url_for, asset and csp_nonce."""

import hashlib
import re
from urllib.parse import quote

import pytest
from heaven import App
from heaven_templating import MissingAsset

STYLE = 'body { color: teal }'
HASH = hashlib.sha256(STYLE.encode()).hexdigest()[:12]


def page(site, text, debug=False, **options):
    site.write('templates/page.html', text)
    return site.app(lambda req, res, ctx: res.render('page.html'), debug=debug, **options)


def test_url_for_has_the_root_path(site):
    app = page(site, '{{ url_for("home") }}{{ url_for("patient", id="a b") }}')
    app.GET('/home', lambda req, res, ctx: None, name='home')
    app.GET('/patients/:id', lambda req, res, ctx: None, name='patient')
    assert site.ask(app).text == '/home/patients/a%20b'
    assert site.ask(app, root_path='/api').text == '/api/home/api/patients/a%20b'


@pytest.mark.parametrize('root_path', ['/my app', '/my%20app', '/café'])
def test_url_for_and_asset_quote_the_root_path_as_the_url_for_of_the_request_does(site, root_path):
    site.write('assets/style.css', STYLE)
    app = page(site, '{{ url_for("home") }} {{ req.url_for("home") }} {{ asset("style.css") }}')
    app.GET('/home', lambda req, res, ctx: None, name='home')
    app.ASSETS(site.folder / 'assets')
    ours, theirs, file = site.ask(app, root_path=root_path).text.split()
    assert (ours, file) == (theirs, theirs.replace('/home', f'/assets/style.css?v={HASH}'))
    assert ours == quote(root_path) + '/home'


def test_url_for_of_a_mounted_child_has_its_prefix(site):
    parent, child = App(), page(site, '{{ url_for("home") }}')
    child.GET('/home', lambda req, res, ctx: None, name='home')
    parent.mount(child, '/child')
    assert site.ask(parent, '/child').text == '/child/home'


@pytest.mark.parametrize(
    ('registration', 'name', 'path'),
    [
        ({}, 'style.css', '/assets/style.css'),
        ({'route': '/static'}, 'style.css', '/static/style.css'),
        ({'route': '/static/*'}, 'css/a b.css', '/static/css/a%20b.css'),
        ({'route': '/'}, 'style.css', '/style.css'),
    ],
)
@pytest.mark.parametrize('root_path', ['', '/api'])
def test_asset_gives_the_path_of_a_file_with_a_hash_of_its_content(site, registration, name, path, root_path):
    site.write(f'assets/{name}', STYLE)
    app = site.app(folder='templates')
    site.write('templates/page.html', '{{ asset(name) }}')
    app.GET('/page', lambda req, res, ctx: res.render('page.html', name=name))
    app.ASSETS(site.folder / 'assets', **registration)
    url = site.ask(app, '/page', root_path=root_path).text
    assert url == f'{root_path}{path}?v={HASH}'
    served = site.ask(app, url.removeprefix(root_path).replace('%20', ' '), root_path=root_path)
    assert (served.status, served.text) == (200, STYLE)


def test_an_asset_with_its_hash_may_be_cached_for_ever(site):
    site.write('assets/style.css', STYLE)
    app = page(site, '{{ asset("style.css") }}')
    app.ASSETS(site.folder / 'assets', cache='max-age=31536000, immutable')
    assert site.ask(app, site.ask(app).text).headers['cache-control'] == 'max-age=31536000, immutable'


def test_an_asset_of_a_mounted_child_is_looked_for_in_the_child_then_in_the_parent(site):
    site.write('assets/style.css', STYLE)
    site.write('child/own.css', STYLE)
    parent, child = App(), page(site, '{{ asset("own.css") }} {{ asset("style.css") }}')
    parent.ASSETS(site.folder / 'assets')
    child.ASSETS(site.folder / 'child')
    parent.mount(child, '/c')
    urls = site.ask(parent, '/c').text.split()
    assert urls == [f'/c/child/own.css?v={HASH}', f'/assets/style.css?v={HASH}']
    assert [site.ask(parent, url).text for url in urls] == [STYLE, STYLE]


def test_a_changed_asset_has_another_hash_in_debug(site):
    for debug in (True, False):
        site.write('assets/style.css', STYLE)
        app = page(site, '{{ asset("style.css") }}', debug=debug)
        app.ASSETS(site.folder / 'assets')
        before = site.ask(app).text
        site.touch('assets/style.css', 'body {}')
        assert (site.ask(app).text != before) is debug


@pytest.mark.parametrize('name', ['styl.css', '../secret', '/style.css', 'folder', '.hidden', '.git/x', ''])
def test_a_missing_asset_is_an_error_that_names_the_folders(site, name):
    site.write('secret', 'x')
    for there in ('folder/style.css', '.hidden', '.git/x'):
        site.write(f'assets/{there}', STYLE)
    site.write('assets/style.css', STYLE)
    app = page(site, '{{ asset("' + name + '") }}')
    app.ASSETS(site.folder / 'assets')
    reply = site.ask(app)
    assert (reply.status, type(reply.error)) == (500, MissingAsset)
    assert repr(name) in str(reply.error)
    assert str(site.folder / 'assets') in str(reply.error)


def test_a_nonce_is_made_on_first_use_and_its_header_sent_only_then(site):
    app = page(site, '{% if req.queries.get("n") %}<script nonce="{{ csp_nonce() }}">{{ csp_nonce() }}{% endif %}')
    assert 'content-security-policy' not in site.ask(app).headers
    nonces = set()
    for _ in range(2):
        reply = site.ask(app, '/?n=1')
        first, second = re.fullmatch(r'<script nonce="([\w-]{22})">([\w-]{22})', reply.text).groups()
        policy = f"script-src 'self' 'nonce-{first}'; object-src 'none'; base-uri 'self'"
        assert (first, reply.headers['content-security-policy']) == (second, policy)
        nonces.add(first)
    assert len(nonces) == 2


@pytest.mark.parametrize(
    ('policy', 'extended'),
    [
        ("script-src 'self'", "script-src 'self' N"),
        ("default-src 'self' cdn.example", "default-src 'self' cdn.example; script-src 'self' cdn.example N"),
        ("default-src 'none'; style-src 'self'", "default-src 'none'; style-src 'self' N; script-src N"),
        (
            "script-src 'self'; style-src 'self' 'unsafe-inline'",
            "script-src 'self' N; style-src 'self' 'unsafe-inline'",
        ),
        ("script-src 'none'", 'script-src N'),
        ('script-src a.example;; script-src b.example;', 'script-src a.example N'),
        ("frame-ancestors 'none'", "frame-ancestors 'none'; script-src 'self' N"),
        ("Script-Src 'self'; upgrade-insecure-requests", "script-src 'self' N; upgrade-insecure-requests"),
        ('script-src a.example, script-src b.example', 'script-src a.example N, script-src b.example N'),
    ],
)
def test_a_policy_that_was_set_is_extended_by_the_nonce(site, policy, extended):
    app = page(site, '{{ csp_nonce() }}')
    app.BEFORE('/*', lambda req, res, ctx: res.header('Content-Security-Policy', policy))
    reply = site.ask(app)
    assert reply.headers['content-security-policy'] == extended.replace('N', f"'nonce-{reply.text}'")


def test_one_response_has_one_nonce_however_often_it_renders(site):
    site.write('templates/part.html', '{{ csp_nonce() }}')

    async def show(req, res, ctx):
        texts = [await res.interpolate('part.html') for _ in range(2)]
        res.body = ' '.join([*texts, ctx.csp_nonce])

    reply = site.ask(site.app(show))
    assert len(set(reply.text.split())) == 1


@pytest.mark.parametrize(
    ('text', 'works'), [('{{ csp_nonce() }}{{ long }}{{ csp_nonce() }}', True), ('{{ long }}{{ csp_nonce() }}', False)]
)
def test_a_nonce_that_would_come_after_its_header_is_refused(site, text, works):
    reply = site.page(text + '{{ long }}', stream=True, long='x' * 20000)
    assert (reply.error is None, 'content-security-policy' in reply.headers) == (works, works)
    assert works or 'top of the page' in str(reply.error)

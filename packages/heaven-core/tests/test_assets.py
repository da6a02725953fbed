"""Assets: a folder on the web, and nothing beside it."""

import os
from pathlib import Path
from urllib.parse import quote

import pytest
from asks import Live, StartupFailed, ask, asking
from heaven import App, UrlError
from outside import LEXICAL, MISSES, folder as folder


def served(folder, *args, **options):
    app = App()
    app.ASSETS(folder, *args, **options)
    return app


@pytest.fixture
def site(tmp_path):
    site = tmp_path / 'site'
    for name in (
        'index.html',
        'app.js',
        'docs/index.html',
        'docs/a.txt',
        'empty/.keep',
        '.well-known/x',
        'docs/.git/y',
    ):
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_bytes(name.encode())
    return site


@pytest.mark.parametrize(
    ('route', 'target'),
    [
        (None, '/site/app.js'),
        ('/static', '/static/app.js'),
        ('/static/*', '/static/app.js'),
        ('/static/', '/static/app.js'),
    ]
    + [('/', '/app.js'), ('/*', '/app.js'), ('/a/b', '/a/b/app.js')],
)
def test_a_folder_is_served_under_its_name_or_under_a_route(site, route, target):
    app = served(site, route)
    reply = ask(app, 'GET', target)
    assert (reply.status, reply.text, reply.header('content-type')) == (200, 'app.js', 'text/javascript; charset=utf-8')
    assert ask(app, 'GET', '/other/app.js').status == 404


def test_a_relative_folder_is_that_of_the_working_directory_or_of_a_file(site, monkeypatch, tmp_path):
    beside = served('site', relative_to=str(tmp_path / 'app.py'))
    monkeypatch.chdir(tmp_path)
    for app in beside, served('site'), served('./site'), served(Path('site')):
        monkeypatch.chdir(tmp_path)
        assert ask(app, 'GET', '/site/app.js').text == 'app.js'
    assert ask(served('site/docs'), 'GET', '/site/docs/a.txt').text == 'docs/a.txt'
    monkeypatch.chdir(site / 'docs')
    assert ask(served('../docs'), 'GET', '/docs/a.txt').text == 'docs/a.txt'


def test_head_conditions_and_ranges_work(site):
    app = served(site)
    get, head = ask(app, 'GET', '/site/app.js'), ask(app, 'HEAD', '/site/app.js')
    assert (head.status, head.body, head.header('content-length')) == (200, b'', '6')
    assert ask(app, 'GET', '/site/app.js', headers={'if-none-match': get.header('etag')}).status == 304
    assert ask(app, 'GET', '/site/app.js', headers={'range': 'bytes=0-2'}).body == b'app'
    for method in ('POST', 'PUT', 'DELETE'):
        assert ask(app, method, '/site/app.js').status == 405


@pytest.mark.parametrize('target', ['', '/', '/docs', '/docs/', '/empty', '/empty/', '/.well-known', '/.well-known/x'])
def test_there_are_no_listings_and_no_dotfiles(site, target):
    reply = ask(served(site), 'GET', f'/site{target}')
    assert reply.status == 404 and b'app.js' not in reply.body


@pytest.mark.parametrize('target', ['.env', 'sub/.git/config', '%2eenv', 'sub/%2Egit/config', '..a', '...'])
@pytest.mark.parametrize('options', [{}, {'index': 'a.txt'}])
def test_a_segment_that_begins_with_a_dot_is_a_miss(folder, target, options):
    assert ask(served(folder, '/', **options), 'GET', f'/{target}').status == 404


@pytest.mark.parametrize('path', [*LEXICAL, *MISSES])
@pytest.mark.parametrize('escape', [False, True])
def test_no_spelling_of_a_target_leads_out_of_the_folder(folder, path, escape):
    raw = path.encode('utf-8', 'replace')
    raw = b''.join(b'%%%02x' % byte for byte in raw) if escape else raw.replace(b'%', b'%25')
    reply = ask(served(folder, '/static'), 'GET', b'/static/' + raw.replace(b'?', b'%3f'))
    dotted = {'.', '..'} & {*path.split('/')}
    assert reply.status == (400 if dotted else 404) and b'secret' not in reply.body
    assert reply.header('cache-control') is None


@pytest.mark.parametrize('target', [b'/static/..', b'/static/../secret.txt', b'/static/%2e%2e/secret.txt'])
def test_raw_targets_lead_nowhere_whatever_the_server_decoded(folder, target):
    app = served(folder, '/static')
    for path in ('/static/../secret.txt', '/static//etc/passwd', '/static/sub/../../secret.txt'):
        for raw in (target, path.encode(), None):
            assert ask(app, 'GET', '/', path=path, raw_path=raw).status == (400 if '..' in path else 404)


@pytest.mark.parametrize(
    ('target', 'text'),
    [('/', 'index.html'), ('/docs/', 'docs/index.html')] + [('/docs/a.txt', 'docs/a.txt'), ('/app.js', 'app.js')],
)
def test_an_index_stands_for_its_folder(site, target, text):
    reply = ask(served(site, index='index.html'), 'GET', f'/site{target}')
    assert (reply.status, reply.text) == (200, text)


@pytest.mark.parametrize(
    ('target', 'location'),
    [('', '/site/'), ('/docs', '/site/docs/'), ('/docs?a=b%20c&d', '/site/docs/?a=b%20c&d'), ('?x', '/site/?x')],
)
def test_a_folder_that_has_the_index_is_redirected_to_its_slash_with_its_query(site, target, location):
    for method in ('GET', 'HEAD'):
        reply = ask(served(site, index='index.html'), method, f'/site{target}')
        assert reply.status == 307 and reply.header('location').endswith(location)


@pytest.mark.parametrize('target', ['/empty', '/empty/', '/none', '/docs/none', '/app.js/', '/docs//', '//docs'])
def test_an_index_stands_for_nothing_else(site, target):
    assert ask(served(site, index='index.html'), 'GET', f'/site{target}').status == 404


def test_a_fallback_stands_for_every_miss_of_who_names_html_and_is_not_cached(site):
    app = served(site, '/', fallback='index.html', cache=3600)
    for target in ('/patients/7', '/', '/docs', '/none.js', '/.well-known/x', '/%00'):
        assert ask(app, 'GET', target).status == ask(app, 'GET', target, headers={'accept': '*/*'}).status == 404
        reply = ask(app, 'GET', target, headers={'accept': 'text/html,application/xhtml+xml,*/*;q=0.8'})
        assert (reply.status, reply.text, reply.header('cache-control')) == (200, 'index.html', 'no-cache')
        assert reply.header('content-type') == 'text/html; charset=utf-8'
    reply = ask(app, 'GET', '/app.js')
    assert (reply.text, reply.header('cache-control')) == ('app.js', 'max-age=3600')


@pytest.mark.parametrize(
    ('accept', 'status'),
    [
        ('text/html', 200),
        ('TEXT/HTML', 200),
        ('text/html;q=0.1', 200),
        ('text/html;q=0.001', 200),
        ('application/json, text/html ; level=1 ; Q=1.000', 200),
        ('text/html;q=0, text/html;level=1', 200),
        ('text/html;q=0', 404),
        ('text/html; q=0.000, */*', 404),
        ('text/html ;level=1;q=0.0', 404),
        ('text/*', 404),
        ('*/*', 404),
        ('text/html5', 404),
        ('application/xhtml+xml', 404),
        ('', 404),
    ],
)
def test_a_fallback_is_for_requests_that_name_html_and_do_not_refuse_it(site, accept, status):
    reply = ask(served(site, '/', fallback='index.html'), 'GET', '/none', headers={'accept': accept})
    assert reply.status == status
    assert reply.header('vary') == ('Accept' if status == 200 else None)


def test_a_fallback_that_is_not_there_is_a_miss(site):
    assert ask(served(site, '/', fallback='none.html'), 'GET', '/none', headers={'accept': 'text/html'}).status == 404


def test_what_varies_already_varies_by_accept_too(site):
    app = served(site, '/', fallback='index.html')
    app.BEFORE('/*', lambda req, res, ctx: res.header('vary', 'Cookie') and None)
    reply = ask(app, 'GET', '/none', headers={'accept': 'text/html'})
    assert reply.header('vary') == 'Cookie, Accept'


@pytest.mark.parametrize('target', ['//docs', '/%2Fdocs', '/%5Cdocs', '/\\docs', '///', '/docs%2F%2F'])
def test_no_redirect_leads_to_another_host(site, target):
    reply = ask(served(site, '/', index='index.html'), 'GET', target)
    assert reply.status != 307 or not reply.header('location').startswith(('//', '/\\'))


def test_a_redirect_has_the_root_path_and_the_escapes_of_the_request(tmp_path):
    (tmp_path / 'Größe 1').mkdir()
    (tmp_path / 'Größe 1' / 'index.html').touch()
    app = served(tmp_path, '/files', index='index.html')
    reply = ask(app, 'GET', '/app/files/Gr%C3%B6%C3%9Fe%201?a=%C3%B6', root_path='/app')
    assert (reply.status, reply.header('location')) == (307, '/app/files/Gr%C3%B6%C3%9Fe%201/?a=%C3%B6')
    assert ask(app, 'GET', reply.header('location'), root_path='/app').status == 200


def test_the_folders_of_an_app_can_be_seen(site):
    app = App()
    app.group('/v1').ASSETS(site, '/files')
    (folder,) = app.assets
    assert (folder.folder, folder.prefix, folder.route) == (str(site), '/v1/files', '/v1/files/*')


@pytest.mark.parametrize('name', ['app.js', 'größe 1/a&b%.js'])
def test_the_url_of_a_file_is_quoted_and_has_the_prefixes_of_mounts(site, name):
    (site / name).parent.mkdir(exist_ok=True)
    (site / name).write_text('found')
    child, middle, root = App(), App(), App()
    child.ASSETS(site, '/files')
    middle.mount(child, '/b c')
    root.mount(middle, '/a')
    twin = child.copy()
    (folder,) = child.assets
    url = folder.url(child, name)
    assert url == f'/a/b%20c/files/{quote(name, safe="/&")}'
    assert ask(root, 'GET', url).text == 'found'
    assert folder.url(twin, name) == url.removeprefix('/a/b%20c')


@pytest.mark.parametrize('name', ['..', '../secret.txt', 'css/./a', '\ud800'])
def test_a_name_that_leads_out_of_its_folder_has_no_url(site, name):
    app = App()
    app.ASSETS(site)
    with pytest.raises(UrlError, match='match back'):
        app.assets[0].url(app, name)


@pytest.mark.parametrize(
    ('cache', 'header'),
    [(None, None), (0, 'max-age=0'), (31536000, 'max-age=31536000'), ('public, immutable', 'public, immutable')],
)
def test_cache_is_a_max_age_or_a_cache_control(site, cache, header):
    app = served(site, cache=cache)
    reply = ask(app, 'GET', '/site/app.js')
    assert reply.header('cache-control') == header
    assert ask(app, 'GET', '/site/app.js', headers={'if-none-match': '*'}).header('cache-control') == header
    assert ask(app, 'GET', '/site/none.js').header('cache-control') is None


@pytest.mark.parametrize('cache', [True, -1, 1.5, 'no-store\r\nset-cookie: a=b', 'caf\u20ac'])
def test_a_cache_that_no_header_can_say_is_refused_at_the_call(site, cache):
    with pytest.raises(ValueError, match='cache|header value'):
        App().ASSETS(site, cache=cache)


def test_routes_beside_assets_come_first(site):
    app = served(site, '/')
    app.GET('/app.js', lambda req, res, ctx: res.out(200, 'route'))
    assert ask(app, 'GET', '/app.js').text == 'route'
    assert ask(app, 'GET', '/docs/a.txt').text == 'docs/a.txt'


def test_assets_of_a_subdomain_are_served_there_alone(site):
    app = App()
    app.subdomain('cdn')
    app.ASSETS(site, subdomain='cdn')
    host = {'host': 'cdn.example.org'}
    assert ask(app, 'GET', '/site/app.js', headers=host).text == 'app.js'
    assert ask(app, 'GET', '/site/app.js').status == 404


def test_hooks_guard_assets(site):
    app = served(site)
    app.BEFORE('/site/docs/*', lambda req, res, ctx: res.out(401, 'Log in first'))
    assert ask(app, 'GET', '/site/app.js').status == 200
    for target in (
        '/site/docs/a.txt',
        '/site/docs',
        '/site//docs/a.txt',
        '/site/docs%2Fa.txt',
    ):
        assert ask(app, 'GET', target).status == 401
    assert ask(app, 'GET', '/site/x/../docs/a.txt').status == 400


def test_a_folder_that_does_not_exist_is_refused_at_startup_and_named(tmp_path):
    app = served(tmp_path / 'none')
    with pytest.raises(StartupFailed, match='none'), Live(app):
        pass


def test_a_request_costs_no_descriptor_when_the_client_leaves(site):
    import asyncio

    (site / 'large.bin').write_bytes(bytes(2**20))
    app = served(site)

    async def run():
        await asking(app, 'GET', '/site/app.js')
        before = len(os.listdir('/dev/fd'))
        for leaving in (
            {'leave_after_sent': 1},
            {'leave_after_sent': 2},
            {'fail_send_after': 0},
            {'fail_send_after': 2},
        ):
            await asking(app, 'GET', '/site/large.bin', **leaving)
        assert len(os.listdir('/dev/fd')) == before

    asyncio.run(run())


def test_assets_of_a_group_are_served_under_its_prefix(site):
    app = App()
    app.group('/v1').ASSETS(site, '/files')
    assert ask(app, 'GET', '/v1/files/app.js').text == 'app.js'

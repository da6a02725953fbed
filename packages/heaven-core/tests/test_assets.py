"""Assets: a folder on the web, and nothing beside it."""

import os
from pathlib import Path

import pytest
from driver import Exchange, call
from heaven import App
from reference import dotted
from test_files_paths import LEXICAL, MISSES, folder

__all__ = ['folder']


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
    reply = call(app, 'GET', target)
    assert (reply.status, reply.text, reply.header('content-type')) == (200, 'app.js', 'text/javascript; charset=utf-8')
    assert call(app, 'GET', '/other/app.js').status == 404
    assert app._assets == [(target.removesuffix('/app.js'), str(site))]


def test_a_relative_folder_is_that_of_the_working_directory_or_of_a_file(site, monkeypatch, tmp_path):
    beside = served('site', relative_to=str(tmp_path / 'app.py'))
    monkeypatch.chdir(tmp_path)
    for app in beside, served('site'), served('./site'), served(Path('site')):
        monkeypatch.chdir(tmp_path)
        assert call(app, 'GET', '/site/app.js').text == 'app.js'
    assert call(served('site/docs'), 'GET', '/site/docs/a.txt').text == 'docs/a.txt'
    monkeypatch.chdir(site / 'docs')
    assert call(served('../docs'), 'GET', '/docs/a.txt').text == 'docs/a.txt'


def test_head_conditions_and_ranges_work(site):
    app = served(site)
    get, head = call(app, 'GET', '/site/app.js'), call(app, 'HEAD', '/site/app.js')
    assert (head.status, head.body, head.header('content-length')) == (200, b'', '6')
    assert call(app, 'GET', '/site/app.js', headers={'if-none-match': get.header('etag')}).status == 304
    assert call(app, 'GET', '/site/app.js', headers={'range': 'bytes=0-2'}).body == b'app'
    for method in ('POST', 'PUT', 'DELETE'):
        assert call(app, method, '/site/app.js').status == 405


@pytest.mark.parametrize('target', ['', '/', '/docs', '/docs/', '/empty', '/empty/', '/.well-known', '/.well-known/x'])
def test_there_are_no_listings_and_no_dotfiles(site, target):
    reply = call(served(site), 'GET', f'/site{target}')
    assert reply.status == 404 and b'app.js' not in reply.body


@pytest.mark.parametrize('target', ['.env', 'sub/.git/config', '%2eenv', 'sub/%2Egit/config'])
@pytest.mark.parametrize('options', [{}, {'index': 'a.txt'}])
def test_a_segment_that_begins_with_a_dot_is_a_miss(folder, target, options):
    assert call(served(folder, '/', **options), 'GET', f'/{target}').status == 404


@pytest.mark.parametrize('path', [*LEXICAL, *MISSES])
@pytest.mark.parametrize('escape', [False, True])
def test_no_spelling_of_a_target_leads_out_of_the_folder(folder, path, escape):
    raw = path.encode('utf-8', 'replace')
    raw = b''.join(b'%%%02x' % byte for byte in raw) if escape else raw.replace(b'%', b'%25')
    target = b'/static/' + raw.replace(b'?', b'%3f')
    reply = call(served(folder, '/static'), 'GET', target)
    assert reply.status == (400 if dotted(target.decode('latin-1')) else 404) and b'secret' not in reply.body
    assert reply.header('cache-control') is None


@pytest.mark.parametrize('target', [b'/static/..', b'/static/../secret.txt', b'/static/%2e%2e/secret.txt'])
def test_raw_targets_lead_nowhere_whatever_the_server_decoded(folder, target):
    app = served(folder, '/static')
    for path in ('/static/../secret.txt', '/static//etc/passwd', '/static/sub/../../secret.txt'):
        for raw in (target, path.encode(), None):
            assert call(app, 'GET', '/', path=path, raw_path=raw).status == (400 if '..' in path else 404)


@pytest.mark.parametrize(
    ('target', 'text'),
    [('', 'index.html'), ('/', 'index.html'), ('/docs', 'docs/index.html'), ('/docs/', 'docs/index.html')]
    + [('/docs/a.txt', 'docs/a.txt'), ('/app.js', 'app.js')],
)
def test_an_index_stands_for_its_folder(site, target, text):
    reply = call(served(site, index='index.html'), 'GET', f'/site{target}')
    assert (reply.status, reply.text) == (200, text)


@pytest.mark.parametrize('target', ['/empty', '/empty/', '/none', '/docs/none', '/app.js/', '/docs//', '//docs'])
def test_an_index_stands_for_nothing_else(site, target):
    assert call(served(site, index='index.html'), 'GET', f'/site{target}').status == 404


def test_a_fallback_stands_for_every_miss_and_is_not_cached(site):
    app = served(site, '/', fallback='index.html', cache=3600)
    for target in ('/patients/7', '/', '/docs', '/none.js', '/.well-known/x', '/%00'):
        reply = call(app, 'GET', target)
        assert (reply.status, reply.text, reply.header('cache-control')) == (200, 'index.html', 'no-cache')
        assert reply.header('content-type') == 'text/html; charset=utf-8'
    reply = call(app, 'GET', '/app.js')
    assert (reply.text, reply.header('cache-control')) == ('app.js', 'max-age=3600')


@pytest.mark.parametrize(
    ('cache', 'header'),
    [(None, None), (0, 'max-age=0'), (31536000, 'max-age=31536000'), ('public, immutable', 'public, immutable')],
)
def test_cache_is_a_max_age_or_a_cache_control(site, cache, header):
    app = served(site, cache=cache)
    reply = call(app, 'GET', '/site/app.js')
    assert reply.header('cache-control') == header
    assert call(app, 'GET', '/site/app.js', headers={'if-none-match': '*'}).header('cache-control') == header
    assert call(app, 'GET', '/site/none.js').header('cache-control') is None


def test_routes_beside_assets_come_first(site):
    app = served(site, '/')
    app.GET('/app.js', lambda req, res, ctx: res.out(200, 'route'))
    assert call(app, 'GET', '/app.js').text == 'route'
    assert call(app, 'GET', '/docs/a.txt').text == 'docs/a.txt'


def test_assets_of_a_subdomain_are_served_there_alone(site):
    app = App()
    app.subdomain('cdn')
    app.ASSETS(site, subdomain='cdn')
    host = {'host': 'cdn.example.org'}
    assert call(app, 'GET', '/site/app.js', headers=host).text == 'app.js'
    assert call(app, 'GET', '/site/app.js').status == 404


def test_hooks_guard_assets(site):
    app = served(site)
    app.BEFORE('/site/docs/*', lambda req, res, ctx: res.out(401, 'Log in first'))
    assert call(app, 'GET', '/site/app.js').status == 200
    for target in (
        '/site/docs/a.txt',
        '/site/docs',
        '/site//docs/a.txt',
        '/site/docs%2Fa.txt',
        '/site%2F%2Fdocs/a.txt',
    ):
        assert call(app, 'GET', target).status == 401


def test_a_request_costs_no_descriptor_when_the_client_leaves(site):
    import asyncio

    (site / 'large.bin').write_bytes(bytes(2**20))
    app = served(site)

    async def run():
        await Exchange(app, 'GET', '/site/app.js').reply()
        before = len(os.listdir('/dev/fd'))
        for leaving in (
            {'leave_after_sent': 1},
            {'leave_after_sent': 2},
            {'fail_send_after': 0},
            {'fail_send_after': 2},
        ):
            await Exchange(app, 'GET', '/site/large.bin', **leaving).reply()
        assert len(os.listdir('/dev/fd')) == before

    asyncio.run(run())


def test_assets_of_a_group_are_served_under_its_prefix(site):
    app = App()
    app.group('/v1').ASSETS(site, '/files')
    assert call(app, 'GET', '/v1/files/app.js').text == 'app.js'
    assert app._assets == [('/v1/files', str(site))]

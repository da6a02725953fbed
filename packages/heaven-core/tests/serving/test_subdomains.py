"""Subdomains: which label of which Host counts, and what is served there."""

import asyncio

import pytest
from asks import Live, StartupFailed, ask, stream
from driver import pairs
from heaven import App, SubdomainError


def labelled(*labels, **options):
    app = App(**options)
    app.GET('/', lambda req, res, ctx: res.out(200, 'www'))
    for label in labels:
        app.subdomain(label).GET('/', lambda req, res, ctx, label=label: res.out(200, f'{label}: {req.subdomain}'))
    return app


def asked(app, *hosts):
    exchange = stream(app)
    exchange.scope['headers'] = pairs([('host', host) for host in hosts])
    return asyncio.run(exchange.reply())


@pytest.mark.parametrize(
    'host, label',
    [
        ('api.example.com', 'api'),
        ('API.Example.COM', 'api'),
        ('api.example.com:8000', 'api'),
        ('api.example.com.', 'api'),
        ('api.example.com.:8000', 'api'),
        ('api.localhost', 'api'),
        ('api.localhost:8000', 'api'),
        ('api.LOCALHOST', 'api'),
        ('api.a.b.c.d', 'api'),
        ('api.example.co.uk', 'api'),
        ('www.example.com', None),
        ('example.com', None),
        ('api.com', None),
        ('localhost', None),
        ('localhost:8000', None),
        ('api', None),
        ('127.0.0.1', None),
        ('127.0.0.1:8000', None),
        ('1.2.3', None),
        ('[::1]', None),
        ('[::1]:8000', None),
        ('[2001:db8::api]', None),
        ('', None),
        ('.', None),
        ('..', None),
        ('.example.com', None),
        ('api@www.example.com', None),
        ('api.example.com@evil.com', None),
        ('user:pw@api.example.com', None),
        ('api.example.com/x', None),
        ('api.example.com?x', None),
        ('api.example.com#x', None),
        ('api.example.com, www.example.com', None),
        ('http://api.example.com', None),
        ('api.example.com:port', None),
        ('api .example.com', None),
        ('api.exam\tple.com', None),
        ('api%2eexample.com', None),
        ('\xe4pi.example.com', None),
        ('xapi.example.com', 404),
        ('api.api.example.com', 'api'),
        ('x.api.example.com', 404),
    ],
)
def test_the_first_label_of_a_host_counts_where_it_is_a_subdomain(host, label):
    reply = asked(labelled('api'), host)
    if label == 404:
        assert reply.status == 404
    else:
        assert reply.text == (f'{label}: {label}' if label else 'www')


def test_a_host_that_is_absent_or_doubled_is_www():
    app = labelled('api')
    assert asked(app, 'api.example.com', 'api.example.com').text == 'www'
    assert asked(app, 'api.example.com', 'www.example.com').text == 'www'
    assert asked(app).text == 'www'


@pytest.mark.parametrize(
    'domain, host, label',
    [
        ('example.co.uk', 'api.example.co.uk', 'api'),
        ('example.co.uk', 'API.EXAMPLE.CO.UK.:80', 'api'),
        ('Example.CO.uk', 'api.example.co.uk', 'api'),
        ('example.co.uk', 'example.co.uk', 'www'),
        ('example.co.uk', 'www.example.co.uk', 'www'),
        ('example.co.uk', 'api.example.com', 'www'),
        ('example.co.uk', 'apiexample.co.uk', 'www'),
        ('example.co.uk', 'api.evilexample.co.uk', 'www'),
        ('example.co.uk', 'api.localhost', 'www'),
        ('example.co.uk', '.example.co.uk', 'www'),
        ('com', 'api.com', 'api'),
        ('localhost', 'api.localhost', 'api'),
    ],
)
def test_a_domain_that_is_said_is_what_labels_are_counted_from(domain, host, label):
    text = asked(labelled('api', domain=domain), host).text
    assert text == ('www' if label == 'www' else f'{label}: {label}')


def test_the_star_takes_what_no_other_has_and_tells_the_label():
    app = labelled('api', '*')
    hosts = ('api.example.com', 'Other.example.com', 'www.example.com', 'example.com', '127.0.0.1')
    assert [asked(app, host).text for host in hosts] == ['api: api', '*: other', 'www', 'www', 'www']


def test_without_a_star_an_unknown_subdomain_has_no_routes_but_the_hooks_of_all():
    seen = []
    app = labelled('api')
    app.BEFORE('/*', lambda req, res, ctx: seen.append('all'))
    app.BEFORE('/*', lambda req, res, ctx: seen.append('www'), subdomain='www')
    app.BEFORE('/*', lambda req, res, ctx: seen.append('api'), subdomain='api')
    assert asked(app, 'other.example.com').status == 404
    assert seen == ['all']
    for host, calls in {'api.example.com': ['all', 'api'], 'example.com': ['all', 'www']}.items():
        seen.clear()
        asked(app, host)
        assert seen == calls


def test_a_subdomain_is_declared_before_it_is_used_in_any_case():
    app = App()
    for register in (app.GET, app.WS, app.BEFORE, app.AFTER):
        with pytest.raises(SubdomainError, match='api'):
            register('/', lambda req, res, ctx: None, subdomain='api')
    app.subdomain('API')
    app.GET('/', lambda req, res, ctx: res.out(200, 'x'), subdomain='Api')
    assert asked(app, 'api.example.com').text == 'x'


def test_one_path_may_mean_something_on_every_subdomain():
    app = labelled('api', 'admin')
    hosts = ('api.example.com', 'admin.example.com', 'example.com')
    assert [asked(app, host).text for host in hosts] == ['api: api', 'admin: admin', 'www']


def test_the_404_of_a_prefix_is_answered_by_the_child_on_its_own_subdomain_alone():
    root, child = App(), App()
    child.ERROR(404, lambda req, res, ctx: res.out(404, 'child'))
    root.ERROR(404, lambda req, res, ctx: res.out(404, 'root'))
    root.mount(child, '/v1', subdomain='api')
    hosts = ('api.a.com', 'www.a.com', 'x.a.com')
    assert [ask(root, 'GET', '/v1/none', headers={'host': host}).text for host in hosts] == ['child', 'root', 'root']


def test_a_child_on_a_subdomain_has_its_routes_and_hooks_there():
    seen = []
    root, child = App(), App()
    root.BEFORE('/*', lambda req, res, ctx: seen.append('root'))
    child.BEFORE('/*', lambda req, res, ctx: seen.append('child'))
    child.GET('/', lambda req, res, ctx: res.out(200, 'child'))
    root.GET('/', lambda req, res, ctx: res.out(200, 'root'))
    root.mount(child, subdomain='API')
    hosts = ('api.a.com', 'a.com', 'API.a.com')
    assert [asked(root, host).text for host in hosts] == ['child', 'root', 'child']
    assert seen == ['root', 'child', 'root', 'root', 'child']
    assert {info.subdomain for info in root.routes()} == {'api', 'www'}
    assert asked(root, 'deep.a.com').status == 404


@pytest.mark.parametrize('subdomain', [None, 'api'])
@pytest.mark.parametrize('order', [1, -1])
def test_an_app_that_declares_subdomains_cannot_be_mounted_whatever_the_order(subdomain, order):
    root, child = App(), App()
    steps = [lambda: child.subdomain('deep'), lambda: root.mount(child, '/c', subdomain=subdomain)]
    with pytest.raises((SubdomainError, StartupFailed)):
        for step in steps[::order]:
            step()
        with Live(root):
            pass


@pytest.mark.parametrize('order', [1, -1])
def test_a_subdomain_is_for_mounts_on_the_outermost_app(order):
    root, mid, leaf = App(), App(), App()
    steps = [lambda: root.mount(mid, '/mid'), lambda: mid.mount(leaf, '/leaf', subdomain='api')]
    with pytest.raises((SubdomainError, StartupFailed)):
        for step in steps[::order]:
            step()
        with Live(root):
            pass


@pytest.mark.parametrize('label', ['www', '*'])
def test_a_child_may_be_mounted_for_www_or_for_what_no_other_has(label):
    root, child = labelled('api') if label == '*' else App(), App()
    child.GET('/child', lambda req, res, ctx: res.out(200, req.subdomain))
    root.mount(child, subdomain=label)
    host = {'www': 'example.com', '*': 'any.example.com'}[label]
    assert ask(root, 'GET', '/child', headers={'host': host}).text == host.partition('.')[0].replace('example', 'www')


def test_an_app_without_subdomains_serves_every_host():
    app = labelled()
    assert [asked(app, host).text for host in ('api.example.com', '\x00', 'a b')] == ['www'] * 3


def test_the_subdomain_of_a_request_can_be_read_without_any_being_declared():
    app = App()
    app.GET('/', lambda req, res, ctx: res.out(200, req.subdomain))
    assert [asked(app, host).text for host in ('Api.example.com', 'example.com', '[::1]')] == ['api', 'www', 'www']


def guarded(root, child, host, path='/c/x'):
    return ask(root, 'GET', path, headers={'host': host}).status


@pytest.mark.parametrize('host, status', [('api.a.com', 401), ('a.com', 404)])
def test_the_guard_of_a_child_holds_on_the_subdomain_that_has_its_routes(host, status):
    root, child, inner = App(), App(), App()
    child.BEFORE('/*', lambda req, res, ctx: res.abort(401))
    child.GET('/x', lambda req, res, ctx: res.out(200, 'secret'))
    inner.GET('/', lambda req, res, ctx: res.out(200, 'secret'))
    child.mount(inner, '/inner')
    root.mount(child, '/c', subdomain='api')
    assert guarded(root, child, host) == status
    assert guarded(root, child, host, '/c/none') == status
    assert guarded(root, child, host, '/c/inner') == status


def test_a_hook_of_www_goes_with_the_routes_of_www_where_their_app_is_mounted():
    root, child = App(), App()
    child.BEFORE('/*', lambda req, res, ctx: res.abort(401), subdomain='www')
    child.GET('/c/x', lambda req, res, ctx: res.out(200, 'secret'))
    root.mount(child, subdomain='api')
    assert guarded(root, child, 'api.a.com') == 401

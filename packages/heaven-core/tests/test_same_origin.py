"""The check of origins: who may send what changes something (`app.same_origin`)."""

import asyncio

import pytest
from asks import Live, ask
from heaven import Abort, App, CrossOrigin

OWN, OTHER, TRUSTED = 'http://clinic.example', 'https://other.example', 'https://shop.example'
CROSS, SAME, SITE = {'sec-fetch-site': 'cross-site'}, {'sec-fetch-site': 'same-origin'}, {'sec-fetch-site': 'same-site'}


def guarded(*args, **options):
    """An app that notes which functions run."""
    app = App()
    app.same_origin(*args, **options)
    app.ran = []

    def note(req, res, ctx):
        app.ran.append(req.method)

    app.METHOD(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'QUERY', 'OPTIONS', 'HEAD', 'PROPFIND', 'poke'], '/', note)
    return app


def page_sends(app, headers, method='POST', host='clinic.example', target='/', **more):
    return ask(app, method, target, headers={'host': host, **headers}, **more)


def status(headers, method='POST', host='clinic.example', app=None, **more):
    return page_sends(app or guarded(), headers, method, host, **more).status


@pytest.mark.parametrize('method', ['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'poke'])
@pytest.mark.parametrize('headers', [CROSS, {'origin': OTHER}, {'origin': 'null'}, {'origin': OTHER, **CROSS}])
def test_what_a_page_of_another_origin_sends_is_a_403_before_its_handler(method, headers):
    app = guarded()
    reply = page_sends(app, headers, method)
    assert (reply.status, app.ran) == (403, [])
    assert 'origin' in reply.text and method in reply.text


@pytest.mark.parametrize('method', ['GET', 'HEAD', 'OPTIONS', 'QUERY'])
def test_what_changes_nothing_may_come_from_anywhere(method):
    app = guarded()
    assert page_sends(app, {'origin': OTHER, **CROSS}, method).status == 200
    assert app.ran == [method]


# what the browser says


@pytest.mark.parametrize(
    'site', ['same-site', 'cross-site', 'Same-Origin', 'same-origin, same-origin', 'unheard-of', '']
)
def test_the_browser_says_whose_page_it_is_and_another_origin_of_the_site_is_another_one(site):
    assert status({'sec-fetch-site': site}) == 403
    assert status({'sec-fetch-site': site, 'origin': OWN}) == 403


@pytest.mark.parametrize('site', ['same-origin', 'none'])
def test_a_page_of_this_origin_and_a_person_at_the_address_bar_may(site):
    assert status({'sec-fetch-site': site}) == 200
    assert status({'sec-fetch-site': site, 'origin': 'null'}) == 200


def test_who_says_neither_is_no_browser():
    assert status({}) == 200


@pytest.mark.parametrize(
    ('origin', 'host'),
    [
        ('http://clinic.example', 'clinic.example'),
        ('http://clinic.example', 'CLINIC.example'),
        ('http://Clinic.example', 'clinic.example'),
        ('http://clinic.example', 'clinic.example:80'),
        ('http://clinic.example:80', 'clinic.example'),
        ('https://clinic.example', 'clinic.example'),
        ('https://clinic.example', 'clinic.example:443'),
        ('http://localhost:8000', 'localhost:8000'),
        ('http://[::1]:8000', '[::1]:8000'),
    ],
)
def test_where_the_browser_does_not_say_it_the_origin_is_held_against_the_host(origin, host):
    assert status({'origin': origin}, host=host) == 200


@pytest.mark.parametrize(
    ('origin', 'host'),
    [
        ('http://clinic.example', 'clinic.example:8000'),
        ('http://clinic.example:8000', 'clinic.example'),
        ('http://clinic.example:443', 'clinic.example'),
        ('http://a.clinic.example', 'clinic.example'),
        ('http://clinic.example.evil.example', 'clinic.example'),
        ('http://evil.example/clinic.example', 'clinic.example'),
        ('http://clinic.example@evil.example', 'clinic.example'),
        ('http://evil.example', 'evil.example, clinic.example'),
        ('http://evil.example', 'evil.example/'),
        ('http://', 'clinic.example'),
        ('clinic.example', 'clinic.example'),
        ('', 'clinic.example'),
        ('null', 'null'),
    ],
)
def test_another_host_or_another_port_is_another_origin(origin, host):
    assert status({'origin': origin}, host=host) == 403


def test_a_page_without_tls_is_another_origin_for_a_site_with_it():
    assert status({'origin': 'https://clinic.example'}, scheme='https') == 200
    assert status({'origin': 'http://clinic.example'}, scheme='https') == 403


def test_two_origins_in_one_request_are_another_one():
    headers = [('host', 'clinic.example'), ('origin', OWN), ('origin', OTHER)]
    assert ask(guarded(), 'POST', '/', headers=headers).status == 403


# who is trusted


def test_trusted_origins_may_and_are_compared_exactly():
    app = guarded([TRUSTED])
    assert status({'origin': TRUSTED, **CROSS}, app=app) == 200
    assert status({'origin': TRUSTED}, app=app) == 200
    for origin in (OTHER, 'https://shop.example:443', 'https://SHOP.example', 'http://shop.example'):
        assert status({'origin': origin, **CROSS}, app=app) == 403
    assert status({'origin': TRUSTED}, app=guarded(TRUSTED)) == 200


def test_the_origins_that_cors_names_are_trusted_too():
    app = guarded([TRUSTED])
    app.cors([OTHER])
    assert status({'origin': OTHER, **CROSS}, app=app) == 200
    assert status({'origin': TRUSTED, **CROSS}, app=app) == 200
    assert status({'origin': 'https://third.example', **CROSS}, app=app) == 403


def test_cors_for_every_origin_makes_none_of_them_trusted():
    app = guarded()
    app.cors()
    reply = page_sends(app, {'origin': OTHER, **CROSS})
    assert (reply.status, reply.header('access-control-allow-origin')) == (403, '*')
    assert app.ran == []


@pytest.mark.parametrize('origin', ['null', '*', 'shop.example', 'https://shop.example/', ''])
def test_what_is_no_origin_cannot_be_trusted(origin):
    with pytest.raises(ValueError, match='origin'):
        App().same_origin([origin])


# hooks, errors, the rest of the app


def test_no_before_hook_runs_and_the_body_is_not_read():
    ran = []
    app = App()
    app.same_origin()
    app.POST('/', lambda req, res, ctx: ran.append('handler'), before=lambda req, res, ctx: ran.append('own'))
    app.BEFORE('/*', lambda req, res, ctx: ran.append('before'))
    app.AFTER('/*', lambda req, res, ctx: ran.append('after'))
    app.AFTER('/*', lambda req, res, ctx: ran.append('always'), always=True)

    async def refused():
        async with Live(app) as live:
            with live.stream('POST', '/', body=None, headers=CROSS) as request:
                return await request.reply()  # although the client has sent nothing of its body

    assert asyncio.run(refused()).status == 403
    assert ran == ['always']


def test_the_403_is_made_by_the_error_handler_of_its_status_or_class():
    app = guarded()
    app.ERROR(403, lambda req, res, ctx: res.out(403, f'no: {type(res.error).__name__}'))
    assert page_sends(app, CROSS).text == 'no: CrossOrigin'
    app = guarded()
    app.ERROR(CrossOrigin, lambda req, res, ctx: res.out(418, 'no'))
    assert page_sends(app, CROSS).status == 418


def test_it_is_checked_for_every_path_known_or_not_and_in_every_spelling():
    app = guarded()
    app.POST('/users/:id', lambda req, res, ctx: app.ran.append('user'))

    async def other(scope, receive, send):
        app.ran.append(scope['type'])

    app.mount(other, '/mounted')
    for target in ('/nowhere', '//', '/users/7', '/users/a%2Fb', '/users//7', '/mounted/x', '/mounted%2Fx'):
        assert page_sends(app, CROSS, target=target).status == 403, target
    assert set(app.ran) == {'lifespan'}


def test_a_mounted_app_is_guarded_by_its_parent_or_by_itself():
    child, own = App(), guarded([TRUSTED])
    child.POST('/', lambda req, res, ctx: None)
    app = guarded()
    app.mount(child, '/child')
    app.mount(own, '/own')
    assert status({'origin': TRUSTED}, app=app, target='/child') == 403
    assert status({'origin': TRUSTED}, app=app, target='/own') == 200
    assert status({'origin': OTHER}, app=app, target='/own') == 403


def test_only_a_mounted_app_may_be_guarded():
    app = App()
    app.POST('/', lambda req, res, ctx: None)
    app.mount(guarded(), '/child')
    assert status(CROSS, app=app) == 200
    assert status(CROSS, app=app, target='/child') == 403


def test_without_it_everything_may_come_from_anywhere():
    app = App()
    app.POST('/', lambda req, res, ctx: None)
    assert status({'origin': OTHER, **CROSS}, app=app) == 200


def test_to_say_it_twice_or_while_the_app_runs_is_an_error():
    app = guarded()
    with pytest.raises(ValueError, match='before'):
        app.same_origin()
    app = App()
    app.GET('/', lambda req, res, ctx: None)
    with Live(app) as live:
        assert live.ask().status == 200
        with pytest.raises(RuntimeError, match='running'):
            app.same_origin()


def test_the_error_is_a_client_error_of_its_own():
    assert (CrossOrigin.status, issubclass(CrossOrigin, Abort)) == (403, False)

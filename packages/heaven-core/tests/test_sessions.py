"""Sessions: what `ctx.session` keeps from one request to the next, in a signed cookie (`app.sessions`)."""

import asyncio
import json
import logging
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import timedelta

import pytest
from asks import Live, ask
from heaven import Abort, App, Key

pytest.importorskip('itsdangerous')

SECRET, OLDER = 's' * 32, 'o' * 32
WEEK = 7 * 86400


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands until it is moved."""

    class Clock:
        now = 1_800_000_000.0

        def pass_(self, seconds):
            self.now += seconds

    clock = Clock()
    monkeypatch.setattr(time, 'time', lambda: clock.now)
    return clock


def app_with(act, *args, **options):
    """An app whose page calls `act(session)` and answers what the session is then."""
    app = App()
    app.sessions(*(args or (SECRET,)), **options)

    def page(req, res, ctx):
        out = act(ctx.session)
        res.body = {'session': ctx.session, 'out': out}

    app.HTTP('/', page)
    return app


class Browser:
    """A client that keeps its cookies, as plainly as can be."""

    def __init__(self, app, **scope):
        self.app = app
        self.scope = scope
        self.cookies = {}

    def ask(self, method='GET', target='/', **options):
        headers = dict(options.pop('headers', {}))
        if self.cookies:
            headers['cookie'] = '; '.join(f'{name}={value}' for name, value in self.cookies.items())
        reply = ask(self.app, method, target, headers=headers, **self.scope, **options)
        for line in reply.all('set-cookie'):
            name, _, value = line.partition(';')[0].partition('=')
            self.cookies[name] = value
            if 'Max-Age=0' in line:
                del self.cookies[name]
        return reply

    def session(self, *args, **options):
        return self.ask(*args, **options).json()['session']


def read(session):
    return None


def count(session):
    session['n'] = session.get('n', 0) + 1


def attributes(reply):
    """The attributes of the one cookie that was set."""
    (line,) = reply.all('set-cookie')
    return sorted(line.split('; ')[1:])


def cookie_of(act=count, *args, **options):
    """A cookie that an app has set."""
    browser = Browser(app_with(act, *args, **options))
    browser.ask()
    return dict(browser.cookies)


def with_cookie(app, value, name='session'):
    return ask(app, 'GET', '/', headers={'cookie': f'{name}={value}'})


# what it is


def test_the_session_can_be_peeked_at_and_not_removed_from_the_context(caplog):
    def peek(session):
        session['n'] = 1

    app = app_with(peek)
    app.GET('/peeked', lambda req, res, ctx: res.out(200, dict(ctx.peek('session'))))
    app.GET('/removed', lambda req, res, ctx: ctx.unkeep('session'))
    browser = Browser(app)
    browser.ask()
    assert browser.ask('GET', '/peeked').json() == {'n': 1}
    reply = browser.ask('GET', '/removed')
    assert (reply.status, reply.text) == (500, 'Internal Server Error')
    assert 'ctx.session.clear() forgets what the client has' in caplog.text


def test_a_session_that_was_taken_from_the_context_by_force_is_a_500():
    app = app_with(count)
    app.GET('/broken', lambda req, res, ctx: vars(ctx).clear())
    reply = ask(app, 'GET', '/broken')
    assert (reply.status, reply.text) == (500, 'Internal Server Error')


def test_a_session_is_kept_from_one_request_to_the_next():
    browser = Browser(app_with(count))
    assert [browser.session()['n'] for _ in range(3)] == [1, 2, 3]
    assert Browser(app_with(count)).session() == {'n': 1}


def test_a_session_is_a_dict_with_attributes():
    seen = []

    def use(session):
        session.user = 7
        session['theme'] = 'dark'
        seen.append(
            (isinstance(session, dict), session['user'], session.theme, session == {'user': 7, 'theme': 'dark'})
        )
        del session.user
        session |= {'a': 1}
        session.update(b=2)
        return sorted(session)

    assert Browser(app_with(use)).ask().json()['out'] == ['a', 'b', 'theme']
    assert seen == [(True, 7, 'dark', True)]


def test_an_attribute_that_is_not_there_names_what_is():
    def use(session):
        session.user = 7
        for act in (lambda: session.usr, lambda: delattr(session, 'usr')):
            with pytest.raises(AttributeError, match='usr'):
                act()
        with pytest.raises(AttributeError, match='user'):
            session.usr

    assert Browser(app_with(use)).ask().status == 200


@pytest.mark.parametrize('name', ['items', 'get', 'clear', '__class__', '_note_change'])
def test_the_name_of_a_method_is_refused_as_an_attribute_and_told_how_to_be_written(name):
    def use(session):
        with pytest.raises(AttributeError, match=r"session\['.*'\] = "):
            setattr(session, name, 1)
        session[name] = 1

    browser = Browser(app_with(use))
    assert browser.session() == {name: 1}


def test_a_key_gives_a_value_its_type():
    user = Key[int]('user')

    def use(session):
        session[user] = session.get(user, 0) + 1
        return session[user]

    browser = Browser(app_with(use))
    assert [browser.ask().json()['out'] for _ in range(2)] == [1, 2]


def test_without_sessions_ctx_session_says_how_to_turn_them_on():
    app = App()

    def page(req, res, ctx):
        with pytest.raises(AttributeError, match='app.sessions'):
            ctx.session

    app.GET('/', page)
    assert ask(app).status == 200


def test_ctx_session_cannot_be_assigned():
    def use(req, res, ctx):
        with pytest.raises(AttributeError, match='session'):
            ctx.session = {}
        with pytest.raises(AttributeError, match='session'):
            ctx.keep('session', {})
        assert ctx.session is ctx.session

    app = App()
    app.sessions(SECRET)
    app.GET('/', use)
    assert ask(app).status == 200


def test_all_that_is_json_is_kept():
    values = {'a': [1, 2.5, None, True, {'b': 'ü\U0001f600"\\;, '}], 'key with spaces': '', '': 0}
    browser = Browser(app_with(lambda session: session.update(values) if not session else None))
    browser.ask()
    assert browser.session() == values


@pytest.mark.parametrize(
    'value', [object(), b'x', {1, 2}, float('nan'), float('inf')], ids=['object', 'bytes', 'set', 'nan', 'inf']
)
def test_what_json_cannot_hold_is_a_500_and_the_log_says_why(value, caplog):
    app = app_with(read)
    app.GET('/bad', lambda req, res, ctx: ctx.session.update(value=value))
    app.cors()
    reply = ask(app, 'GET', '/bad')
    assert (reply.status, reply.all('set-cookie')) == (500, [])
    assert reply.header('vary') == 'Cookie'
    assert reply.header('access-control-allow-origin') == '*'
    assert 'ctx.session' in caplog.text


# when it is opened and saved


def test_it_is_open_in_every_hook_and_in_error_handlers_and_saved_after_the_last_second_half():
    def note(name):
        def hook(req, res, ctx):
            ctx.session.setdefault('ran', []).append(name)

        return hook

    async def around(req, res, ctx):
        note('first half')(req, res, ctx)
        try:
            yield
        finally:
            note('second half')(req, res, ctx)

    app = App()
    app.GET('/', note('handler'), before=note('own'))
    app.GET('/bug', lambda req, res, ctx: 1 / 0)
    app.POST('/', note('handler'), max_body_size=1)
    app.GET('/read', lambda req, res, ctx: res.out(200, ctx.session))
    for path in ('/', '/bug', '/nowhere'):
        app.BEFORE(path, around)
        app.BEFORE(path, note('before'))
        app.AFTER(path, note('after'))
        app.AFTER(path, note('always'), always=True)
    app.ERROR(500, note('error'))
    app.ERROR(404, note('error'))
    app.ERROR(413, note('error'))
    app.sessions(SECRET)  # last, for it does not matter where it is called
    after = ['always', 'second half']
    for request, ran in [
        ({}, ['first half', 'before', 'own', 'handler', 'after', *after]),
        ({'target': '/bug'}, ['first half', 'before', 'error', *after]),
        ({'target': '/nowhere'}, ['first half', 'before', 'error', 'after', *after]),
        ({'method': 'POST', 'body': b'too large'}, ['error', 'always']),
    ]:
        browser = Browser(app)
        browser.ask(**request)
        assert browser.ask(target='/read').json() == {'ran': ran}


def leave(status):
    def act(req, res, ctx):
        ctx.session['n'] = status
        raise Abort(status)

    return act


def test_it_is_saved_after_an_abort_and_after_a_failure():
    app = app_with(read)
    app.GET('/abort', leave(403))

    def fail(req, res, ctx):
        ctx.session['n'] = 500
        raise LookupError('a bug')

    def unsendable(req, res, ctx):
        ctx.session['n'] = 501
        res.body = [object()]

    app.GET('/bug', fail)
    app.GET('/unsendable', unsendable)
    app.GET('/file', lambda req, res, ctx: (ctx.session.update(n=404), res.file('/nothing/here'))[1])
    for target, status, n in [
        ('/abort', 403, 403),
        ('/bug', 500, 500),
        ('/unsendable', 500, 501),
        ('/file', 404, 404),
    ]:
        browser = Browser(app)
        assert browser.ask(target=target).status == status
        assert browser.session() == {'n': n}


def test_it_is_saved_only_when_it_was_changed():
    browser = Browser(app_with(lambda session: session.setdefault('a', {'b': [1]})))
    assert len(browser.ask().all('set-cookie')) == 1
    assert browser.ask().all('set-cookie') == []
    assert browser.ask().all('set-cookie') == []


@pytest.mark.parametrize(
    'change',
    [
        lambda session: session['a']['b'].append(2),
        lambda session: session['a'].pop('b'),
        lambda session: session['a']['b'].__setitem__(0, 7),
        lambda session: session.pop('a'),
        lambda session: session.popitem(),
        lambda session: session.__delitem__('a'),
        lambda session: session.update(a=1),
        lambda session: session.__ior__({'a': 1}),
    ],
    ids=['append', 'pop of a value', 'item of a value', 'pop', 'popitem', 'del', 'update', 'or'],
)
def test_a_change_inside_of_a_value_is_a_change(change):
    app = app_with(lambda session: session.update(a={'b': [1]}, c=1) if not session else None)
    app.POST('/change', lambda req, res, ctx: (change(ctx.session), res)[1])
    browser = Browser(app)
    before = browser.session()
    assert len(browser.ask('POST', '/change').all('set-cookie')) == 1
    assert browser.session() != before


def test_a_session_that_nobody_reads_costs_no_cookie_and_no_vary():
    app = app_with(count)
    app.GET('/plain', lambda req, res, ctx: res.out(200, 'plain'))
    browser = Browser(app)
    browser.ask()
    reply = browser.ask(target='/plain')
    assert (reply.all('set-cookie'), reply.header('vary')) == ([], None)


def test_an_answer_that_depends_on_the_session_says_so_in_vary():
    app = app_with(read)
    app.AFTER('/*', lambda req, res, ctx: res.header('vary', 'Accept'))
    reply = ask(app)
    assert (reply.header('vary'), reply.all('set-cookie')) == ('Accept, Cookie', [])


def test_it_is_saved_anew_when_half_of_its_time_is_over(clock):
    browser = Browser(app_with(lambda session: session.setdefault('a', 1), max_age=100))
    browser.ask()
    clock.pass_(49)
    assert browser.ask().all('set-cookie') == []
    clock.pass_(1)
    assert 'Max-Age=100' in attributes(browser.ask())
    clock.pass_(99)
    assert browser.session() == {'a': 1}
    assert browser.ask().all('set-cookie') == []


def test_it_expires_when_its_time_is_over(clock):
    browser = Browser(app_with(count, max_age=timedelta(minutes=1)))
    assert browser.session() == {'n': 1}
    clock.pass_(60)
    assert browser.session() == {'n': 2}
    clock.pass_(61)
    assert browser.session() == {'n': 1}


def test_by_default_it_lives_for_two_weeks(clock):
    browser = Browser(app_with(count))
    assert 'Max-Age=1209600' in attributes(browser.ask())
    clock.pass_(2 * WEEK)
    assert browser.session() == {'n': 2}
    clock.pass_(2 * WEEK + 1)
    assert browser.session() == {'n': 1}


def test_a_server_whose_clock_is_behind_reads_it(clock):
    browser = Browser(app_with(count))
    browser.ask()
    clock.pass_(-5)
    assert browser.session() == {'n': 2}


def test_without_a_time_it_ends_with_the_browser(clock):
    browser = Browser(app_with(count, max_age=None))
    assert [each for each in attributes(browser.ask()) if each.startswith(('Max-Age', 'Expires'))] == []
    clock.pass_(1000 * WEEK)
    assert browser.session() == {'n': 2}


def test_to_clear_it_deletes_the_cookie():
    app = app_with(count, path='/', domain='clinic.example')
    app.POST('/logout', lambda req, res, ctx: ctx.session.clear())
    browser = Browser(app, scheme='https')
    browser.ask()
    told = attributes(browser.ask('POST', '/logout'))
    assert told == [
        'Domain=clinic.example',
        'Expires=Thu, 01 Jan 1970 00:00:00 GMT',
        'HttpOnly',
        'Max-Age=0',
        'Path=/',
        'SameSite=Lax',
        'Secure',
    ]
    assert browser.cookies == {}
    assert browser.ask('POST', '/logout').all('set-cookie') == []
    assert browser.session() == {'n': 1}


def test_to_clear_it_deletes_a_cookie_that_is_not_in_order():
    app = app_with(lambda session: session.clear())
    assert 'Max-Age=0' in attributes(with_cookie(app, 'rubbish'))


def test_what_is_set_after_it_was_cleared_is_kept():
    app = app_with(count)
    app.POST('/login', lambda req, res, ctx: (ctx.session.clear(), ctx.session.update(user=7), res)[2])
    browser = Browser(app)
    browser.ask()
    browser.ask('POST', '/login')
    assert browser.session() == {'user': 7, 'n': 1}


def test_a_cookie_of_the_handler_goes_beside_it():
    app = app_with(count)
    app.GET('/two', lambda req, res, ctx: (count(ctx.session), res.cookie('theme', 'dark'))[1])
    names = [line.partition('=')[0] for line in ask(app, 'GET', '/two').all('set-cookie')]
    assert names == ['theme', 'session']


def test_a_change_in_a_stream_comes_too_late_and_is_a_warning(caplog):
    app = App()
    app.sessions(SECRET)

    async def pieces(ctx):
        yield str(ctx.session)
        ctx.session['late'] = 1
        yield 'end'

    app.GET('/', lambda req, res, ctx: res.stream(pieces(ctx)))
    reply = ask(app)
    assert (reply.text, reply.all('set-cookie')) == ('{}end', [])
    assert 'ctx.session was changed' in caplog.text
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_head_and_redirects_and_events_save_it_too():
    app = app_with(count)

    def redirect(req, res, ctx):
        count(ctx.session)
        res.redirect('/')

    def events(req, res, ctx):
        count(ctx.session)
        res.stream(iter(['tick']), sse=True)

    app.GET('/redirect', redirect)
    app.GET('/events', events)
    for method, target in [('HEAD', '/'), ('GET', '/redirect'), ('GET', '/events')]:
        browser = Browser(app)
        browser.ask(method, target)
        assert browser.session() == {'n': 2}, target


def test_a_mounted_asgi_app_sends_the_cookie_with_its_answer():
    async def other(scope, receive, send):
        await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'set-cookie', b'own=1')]})
        await send({'type': 'http.response.body', 'body': b''})

    app = app_with(read)
    app.mount(other, '/old')
    app.BEFORE('/old/*', lambda req, res, ctx: count(ctx.session))
    browser = Browser(app)
    reply = browser.ask(target='/old/page', empty_stream=True)
    assert sorted(line.partition('=')[0] for line in reply.all('set-cookie')) == ['own', 'session']
    assert browser.session() == {'n': 1}


def test_requests_at_once_have_a_session_each():
    app = app_with(read)

    async def slow(req, res, ctx):
        ctx.session['who'] = req.queries['who']
        await asyncio.sleep(0)
        res.body = ctx.session

    app.GET('/slow', slow)

    async def all_at_once():
        async with Live(app) as live:
            return await asyncio.gather(*(live.asking('GET', f'/slow?who={n}') for n in range(9)))

    assert [reply.json()['who'] for reply in asyncio.run(all_at_once())] == [str(n) for n in range(9)]


# the cookie


def test_the_cookie_is_for_http_alone_and_lax_and_secure_on_https():
    app = app_with(count)
    assert attributes(ask(app)) == ['HttpOnly', 'Max-Age=1209600', 'Path=/', 'SameSite=Lax']
    assert attributes(ask(app, scheme='https')) == ['HttpOnly', 'Max-Age=1209600', 'Path=/', 'SameSite=Lax', 'Secure']


def test_the_cookie_has_the_name_and_attributes_that_were_asked_for():
    app = app_with(count, SECRET, 'visit', 60, path='/app', domain='a.example', samesite='Strict', secure=True)
    reply = ask(app)
    assert reply.header('set-cookie').startswith('visit=')
    assert attributes(reply) == [
        'Domain=a.example', 'HttpOnly', 'Max-Age=60', 'Path=/app', 'SameSite=Strict', 'Secure',
    ]  # fmt: skip


@pytest.mark.parametrize(
    'options',
    [
        {'cookie_name': '__Host-session'},
        {'cookie_name': '__Secure-session'},
        {'samesite': 'None'},
        {'partitioned': True},
    ],
)
def test_a_cookie_that_browsers_take_only_if_it_is_secure_is_always_secure(options):
    browser = Browser(app_with(count, **options))
    assert 'Secure' in attributes(browser.ask())
    assert browser.session() == {'n': 2}


@pytest.mark.parametrize(
    ('options', 'error', 'says'),
    [
        ({'cookie_name': ''}, ValueError, 'cookie name'),
        ({'cookie_name': 'a b'}, ValueError, 'cookie name'),
        ({'cookie_name': '__Host-a', 'domain': 'a.example'}, ValueError, 'no domain'),
        ({'cookie_name': '__Host-a', 'secure': False}, ValueError, 'secure'),
        ({'samesite': 'None', 'secure': False}, ValueError, 'secure'),
        ({'samesite': 'Loose'}, ValueError, 'samesite'),
        ({'path': 'a;b'}, ValueError, 'path'),
        ({'max_age': 0}, ValueError, 'max_age'),
        ({'max_age': timedelta(seconds=-1)}, ValueError, 'max_age'),
        ({'max_age': True}, TypeError, 'max_age'),
        ({'max_age': '60'}, TypeError, 'max_age'),
        ({'expires': 60}, TypeError, 'expires'),
        ({'secret_key': ''}, ValueError, 'secrets.token_urlsafe'),
        ({'secret_key': None}, ValueError, 'empty'),
        ({'secret_key': b''}, ValueError, 'empty'),
        ({'secret_key': []}, ValueError, 'empty'),
        ({'secret_key': [SECRET, '']}, ValueError, 'empty'),
        ({'secret_key': [SECRET, 7]}, TypeError, 'int'),
        ({'secret_key': 7}, TypeError, 'a str or bytes, or a list of those, not int'),
    ],
)
def test_what_cannot_work_is_refused_at_the_call(options, error, says):
    with pytest.raises(error, match=says):
        App().sessions(**{'secret_key': SECRET, **options})


def test_a_secret_that_can_be_guessed_is_a_warning(caplog):
    App().sessions(SECRET)
    assert caplog.text == ''
    App().sessions('secret')
    assert 'can be guessed' in caplog.text and 'secrets.token_urlsafe' in caplog.text


def test_anybody_can_read_what_is_in_the_cookie_and_nothing_else_is():
    (value,) = cookie_of(lambda session: session.update(user=7)).values()
    data = value.partition('.')[0]
    assert json.loads(urlsafe_b64decode(data + '=' * (-len(data) % 4))) == {'user': 7}


def test_a_cookie_above_4093_bytes_is_a_warning(caplog):
    def fill(session):
        session['x'] = 'y' * 2900

    assert len(cookie_of(fill)['session']) < 4093
    assert caplog.text == ''

    def overflow(session):
        session['x'] = 'y' * 3100

    assert len(cookie_of(overflow)['session']) > 4093
    assert '4093' in caplog.text and [record.levelno for record in caplog.records] == [logging.WARNING]


# hostile cookies


def forged(value, session):
    """A cookie with another session in it."""
    data = urlsafe_b64encode(json.dumps(session).encode()).decode().rstrip('=')
    return '.'.join([data, *value.split('.')[1:]])


def empty(reply):
    assert reply.status == 200
    assert reply.all('set-cookie') == []
    return reply.json()['session'] == {}


def test_a_cookie_with_any_character_changed_is_an_empty_session():
    (value,) = cookie_of().values()
    app = app_with(read)
    assert not empty(with_cookie(app, value))
    with Live(app) as live:
        for at in range(len(value) - 1):  # the last one has bits that mean nothing
            other = 'A' if value[at] != 'A' else 'B'
            tampered = value[:at] + other + value[at + 1 :]
            assert empty(live.ask('GET', '/', headers={'cookie': f'session={tampered}'})), at


@pytest.mark.parametrize(
    'value',
    [
        '', '.', '..', '...', 'a', 'a.b', 'a.b.c', 'e30', 'e30.', 'e30..', '.e30', 'null', '"', '{}', '\xff', 'é.é.é',
        '=', '%', '%00', 'AAAA.AAAA.AAAA', '-' * 100, '.' * 8192, 'a' * 8192, '\x00', 'e30.////.////', '9' * 500,
    ],
)  # fmt: skip
def test_rubbish_is_an_empty_session(value):
    assert empty(with_cookie(app_with(read), value))


def test_a_cookie_that_was_written_by_somebody_else_is_an_empty_session():
    (value,) = cookie_of(count, 'x' * 32).values()
    assert empty(with_cookie(app_with(read), value))
    (value,) = cookie_of(count).values()
    assert empty(with_cookie(app_with(read), forged(value, {'admin': True})))
    assert empty(with_cookie(app_with(read), value.rpartition('.')[0]))


def test_the_time_in_a_cookie_cannot_be_changed(clock):
    (value,) = cookie_of(count, max_age=60).values()
    clock.pass_(61)
    (fresh,) = cookie_of(lambda session: session.update(other=1), max_age=60).values()
    data, _, signature = value.split('.')
    app = app_with(read, max_age=60)
    assert empty(with_cookie(app, value))
    assert empty(with_cookie(app, f'{data}.{fresh.split(".")[1]}.{signature}'))
    assert not empty(with_cookie(app, fresh))


def test_a_cookie_that_was_signed_for_another_name_is_an_empty_session():
    (value,) = cookie_of(count, SECRET, 'theme').values()
    assert empty(with_cookie(app_with(read), value))
    assert not empty(with_cookie(app_with(read, SECRET, 'theme'), value, 'theme'))


def test_a_cookie_above_8_kib_is_an_empty_session():
    app = app_with(lambda session: session.update(x='y' * 7000), SECRET)
    browser = Browser(app)
    browser.ask()
    assert len(browser.cookies['session']) > 8192
    assert empty(with_cookie(app_with(read), browser.cookies['session']))
    (value,) = cookie_of(lambda session: session.update(x='y' * 6000)).values()
    assert 8000 < len(value) < 8192
    assert not empty(with_cookie(app_with(read), value))


def test_of_two_cookies_of_one_name_the_first_counts():
    (value,) = cookie_of().values()
    reply = ask(app_with(read), headers={'cookie': f'session=rubbish; session={value}'})
    assert empty(reply)


def test_what_is_changed_in_place_of_a_cookie_that_is_not_in_order_is_saved():
    app = app_with(count)
    browser = Browser(app)
    browser.cookies['session'] = 'rubbish'
    assert [browser.session()['n'] for _ in range(2)] == [1, 2]


# secrets


def test_secrets_are_rotated_the_newest_first():
    old = Browser(app_with(count, OLDER))
    old.ask()
    new = Browser(app_with(count, [SECRET, OLDER.encode()]))
    new.cookies = dict(old.cookies)
    assert new.session() == {'n': 2}
    only_new = Browser(app_with(count, SECRET))
    only_new.cookies = dict(new.cookies)
    assert only_new.session() == {'n': 3}
    old.cookies = dict(new.cookies)
    assert old.session() == {'n': 1}


def test_a_secret_is_text_or_bytes():
    (value,) = cookie_of(count, b'\xff' * 32).values()
    assert not empty(with_cookie(app_with(read, [SECRET, b'\xff' * 32]), value))


# apps in apps, and the rest


def test_a_mounted_app_has_the_session_of_its_parent_or_its_own():
    child, own, grandchild = App(), app_with(count, SECRET, 'own'), App()
    for each in (child, grandchild):
        each.GET('/', lambda req, res, ctx: (count(ctx.session), res.out(200, {'session': ctx.session}))[1])
    own.mount(grandchild, '/deep')
    app = app_with(count)
    app.mount(child, '/child')
    app.mount(own, '/own')
    browser = Browser(app)
    assert browser.session(target='/') == {'n': 1}
    assert browser.session(target='/child') == {'n': 2}
    assert browser.session(target='/own') == {'n': 1}
    assert browser.session(target='/own/deep') == {'n': 2}
    assert browser.session(target='/') == {'n': 3}
    assert sorted(browser.cookies) == ['own', 'session']


def test_sessions_turn_the_check_of_origins_on_unless_they_are_told_not_to():
    cross = {'sec-fetch-site': 'cross-site', 'origin': 'https://other.example'}
    assert ask(app_with(count), 'POST', '/', headers=cross).status == 403
    assert ask(app_with(count, same_origin=False), 'POST', '/', headers=cross).status == 200
    for first in (True, False):
        app = App()
        if first:
            app.same_origin('https://other.example')
        app.sessions(SECRET)
        if not first:
            app.same_origin('https://other.example')
        app.POST('/', lambda req, res, ctx: None)
        assert ask(app, 'POST', '/', headers=cross).status == 200
        assert ask(app, 'POST', '/', headers={'sec-fetch-site': 'cross-site'}).status == 403
    app = app_with(count)
    app.cors(['https://other.example'], credentials=True)
    assert ask(app, 'POST', '/', headers=cross).status == 200


def test_a_403_of_the_check_of_origins_can_read_the_session():
    app = app_with(count)
    app.ERROR(403, lambda req, res, ctx: res.out(403, {'session': ctx.session}))
    browser = Browser(app)
    browser.ask()
    reply = browser.ask('POST', headers={'sec-fetch-site': 'cross-site'})
    assert (reply.status, reply.json()) == (403, {'session': {'n': 1}})


def test_the_session_of_a_websocket_can_be_read_only():
    app = app_with(count)
    seen, changes = [], []

    async def chat(req, ws, ctx):
        seen.append(dict(ctx.session))
        for change in (
            lambda: ctx.session.update(n=7),
            lambda: setattr(ctx.session, 'n', 7),
            lambda: delattr(ctx.session, 'n'),
            lambda: ctx.session.clear(),
            lambda: ctx.session.pop('n'),
            lambda: ctx.session.setdefault('m', 7),
        ):
            with pytest.raises(TypeError, match='read only'):
                change()
            changes.append(change)
        await ws.send('done')

    app.WS('/chat', chat)
    app.BEFORE('/chat', lambda req, res, ctx: seen.append(ctx.session.n))
    browser = Browser(app)
    browser.ask()
    sent = []

    async def connect():
        cookie = f'session={browser.cookies["session"]}'.encode()
        inbox = iter([{'type': 'websocket.connect'}])

        async def receive():
            return next(inbox)

        async def send(message):
            sent.append(message)

        scope = {'type': 'websocket', 'path': '/chat', 'headers': [(b'host', b'a'), (b'cookie', cookie)]}
        await app(scope, receive, send)

    asyncio.run(connect())
    assert (seen, len(changes)) == ([1, {'n': 1}], 6)
    assert (sent[0]['type'], sent[0]['headers'], sent[1]['text']) == ('websocket.accept', [], 'done')
    assert browser.session() == {'n': 2}


def test_a_thread_reads_and_changes_the_session():
    app = App()
    app.sessions(SECRET)

    def page(req, res, ctx):
        count(ctx.session)
        res.body = {'session': ctx.session}

    app.GET('/', page, threaded=True)
    browser = Browser(app)
    assert [browser.session()['n'] for _ in range(2)] == [1, 2]


def test_the_trio_of_a_test_has_a_session():
    app = app_with(count)
    browser = Browser(app)
    browser.ask()
    cookie = f'session={browser.cookies["session"]}'.encode()

    async def receive():
        return {'type': 'http.request', 'body': b''}

    async def made():
        scope = {'type': 'http', 'method': 'GET', 'path': '/', 'headers': [(b'cookie', cookie)], 'query_string': b''}
        _, _, ctx = await app.trio(scope, receive)
        return dict(ctx.session)

    assert asyncio.run(made()) == {'n': 1}


def test_the_debug_page_shows_no_value_of_the_session():
    app = App(debug=True)
    app.sessions(SECRET)

    def fail(req, res, ctx):
        ctx.session.pin = str(4711) + '-0815'
        raise LookupError('a bug')

    app.GET('/', fail)
    reply = ask(app, headers={'accept': 'text/html'})
    assert reply.status == 500
    assert 'the session: pin' in reply.text
    assert '4711-0815' not in reply.text


def test_to_turn_them_on_twice_or_while_the_app_runs_is_an_error():
    app = app_with(count)
    with pytest.raises(ValueError, match='before'):
        app.sessions(SECRET, 'other')
    app = App()
    app.GET('/', lambda req, res, ctx: None)
    with Live(app) as live:
        assert live.ask().status == 200
        with pytest.raises(RuntimeError, match='running'):
            app.sessions(SECRET)


def test_a_copy_of_an_app_reads_its_sessions():
    app = app_with(count)
    browser = Browser(app)
    browser.ask()
    browser.app = app.copy()
    assert browser.session() == {'n': 2}
    fresh = App()
    fresh.copy().sessions(SECRET)
    fresh.sessions(SECRET)  # the copy has kept it to itself


def test_without_the_package_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr('importlib.util.find_spec', lambda name: None)
    with pytest.raises(ImportError, match=r"pip install 'heaven-core\[sessions\]'"):
        App().sessions(SECRET)

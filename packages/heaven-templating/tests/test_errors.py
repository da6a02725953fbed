"""What is said when a template goes wrong."""

import traceback

import pytest
from jinja2 import TemplateNotFound, TemplateSyntaxError, UndefinedError

HTML = [(b'accept', b'text/html')]


def lines(error):
    return ''.join(traceback.format_exception(error))


@pytest.mark.parametrize(
    ('text', 'parts'),
    [
        (
            'a\n{{ patint }}',
            ["'patint' is undefined", 'page.html, line 2', 'app, ctx, patient, req, res', "Did you mean 'patient'?"],
        ),
        ('{{ patient.nam }}', ["has no attribute 'nam'; it has name", 'page.html, line 1']),
        ('{{ req.pth }}', ["has no attribute 'pth'; it has ", 'path']),
        ('{% if zzz %}{% endif %}', ["'zzz' is undefined; the render was given app, ctx, patient, req, res (/"]),
        ('{% include "part.html" %}', ["'gone' is undefined", 'part.html, line 2']),
        ('{% macro m(x) %}\n{{ x }}\n{{ y }}{% endmacro %}{{ m(1) }}', ["'y' is undefined", 'page.html, line 3']),
    ],
)
@pytest.mark.parametrize('options', [{}, {'stream': True}])
def test_in_debug_an_undefined_name_is_an_error_that_says_where_and_what_there_is(site, text, parts, options):
    site.write('templates/part.html', '\n{{ gone }}')
    reply = site.page(text, debug=True, patient={'name': 'Ada'}, **options)
    assert (reply.status, type(reply.error)) == (500, UndefinedError)
    for part in parts:
        assert part in str(reply.error)


def test_outside_debug_an_undefined_name_is_empty(site):
    assert site.page('[{{ patint }}{{ patient.nam }}{% if zzz %}{% endif %}]', patient={}).text == '[]'


def test_in_debug_a_name_can_still_be_tested_and_have_a_default(site):
    text = '{{ a is defined }} {{ a|default("none") }} {{ p.a is defined }} {{ p.a|default("none") }}'
    assert site.page(text, debug=True, p={}).text == 'False none False none'


def test_an_undefined_of_the_user_s_is_used_in_debug_too(site):
    from heaven import App
    from heaven_templating import Templates
    from jinja2 import ChainableUndefined

    site.write('templates/page.html', '[{{ a.b.c }}]')
    app = App(debug=True)
    app.plug(Templates(site.folder / 'templates', undefined=ChainableUndefined))
    app.GET('/', lambda req, res, ctx: res.render('page.html'))
    assert site.ask(app).text == '[]'


def fail():
    raise KeyError('deep')


PAGES = {
    '<p>\n<p>{{ fail() }}': ('page.html", line 2', '<p>{{ fail() }}'),
    '{% extends "layout.html" %}\n{% block b %}\n<i>{{ fail() }}{% endblock %}': (
        'page.html", line 3',
        '<i>{{ fail() }}',
    ),
    '\n{% include "part.html" %}': ('part.html", line 2', '<b>{{ fail() }}'),
    '<p>\n<p>{% if %}': ('page.html", line 2', '<p>{% if %}'),
    '<p>\n{% nope %}': ('page.html", line 2', '{% nope %}'),
    '<p>\n{{ x|nope }}': ('page.html", line 2', '{{ x|nope }}'),
    '\n{% include "no.html" %}': ('page.html", line 2', '{% include "no.html" %}'),
}


@pytest.mark.parametrize(('text', 'shown'), PAGES.items())
@pytest.mark.parametrize('options', [{}, {'stream': True}, {'asynchronous': True}])
def test_the_traceback_shows_the_lines_of_the_template(site, text, shown, options):
    site.write('templates/layout.html', '{% block b %}{% endblock %}')
    site.write('templates/part.html', '\n<b>{{ fail() }}')
    asynchronous = {'asynchronous': True} if options.pop('asynchronous', False) else {}
    reply = site.page(text, debug=True, options=asynchronous, fail=fail, **options)
    assert reply.status == 500
    for part in shown:
        assert part in lines(reply.error)
        assert part in reply.text
    assert 'KeyError' in reply.text or 'Template' in reply.text


def test_the_debug_page_in_html_shows_the_lines_of_the_template_escaped(site):
    site.write('templates/page.html', '<p>\n<p>{{ fail() }}')
    app = site.app(lambda req, res, ctx: res.render('page.html', fail=fail), debug=True)
    reply = site.ask(app, headers=HTML)
    assert reply.headers['content-type'].startswith('text/html')
    assert '&lt;p&gt;{{ fail() }}' in reply.text
    assert '<p>{{ fail() }}' not in reply.text


@pytest.mark.parametrize('options', [{}, {'block': 'b'}])
def test_a_block_alone_fails_in_the_lines_of_its_template(site, options):
    reply = site.page('\n\n{% block b %}\n{{ fail() }}{% endblock %}', fail=fail, **options)
    assert 'page.html", line 4' in lines(reply.error)


def test_a_template_that_cannot_be_parsed_is_mended_without_a_restart_in_debug(site):
    site.write('templates/page.html', '{% if %}')
    app = site.app(lambda req, res, ctx: res.render('page.html'), debug=True)
    assert isinstance(site.ask(app).error, TemplateSyntaxError)
    site.touch('templates/page.html', 'mended')
    assert site.ask(app).text == 'mended'


def test_outside_debug_nothing_of_an_error_is_shown(site):
    reply = site.page('secret {{ fail() }}', fail=fail)
    assert (reply.status, 'secret' in reply.text, 'deep' in reply.text) == (500, False, False)


def not_awaited(req, res, ctx):
    res.render('page.html').close()  # what a forgotten await leaves to the garbage collector


async def caught(req, res, ctx):
    res.body = 'before'
    with pytest.raises(TemplateNotFound):
        await res.render('gone.html')


@pytest.mark.parametrize(('handler', 'status', 'text'), [(not_awaited, 500, None), (caught, 200, 'before')])
def test_a_render_that_is_not_awaited_is_an_error_that_says_so(site, handler, status, text):
    from heaven import App

    site.write('templates/page.html', 'page')
    app = App()
    app.TEMPLATES(site.folder / 'templates')
    app.GET('/', handler)
    reply = site.ask(app)
    assert reply.status == status
    if text is None:
        assert "res.render('page.html') was not awaited" in str(reply.error)
    else:
        assert reply.text == text


def test_a_guard_whose_render_is_not_awaited_stops_the_request(site):
    from heaven import App

    ran = []
    site.write('templates/page.html', 'log in first')
    app = App()
    app.TEMPLATES(site.folder / 'templates')
    app.BEFORE('/*', not_awaited)
    app.GET('/', lambda req, res, ctx: ran.append('handler') or res.out(200, 'secret'))
    reply = site.ask(app)
    assert (reply.status, ran) == (500, [])


def test_a_guard_whose_render_fails_and_is_caught_has_not_answered(site):
    from heaven import App

    async def guard(req, res, ctx):
        with pytest.raises(TemplateNotFound):
            await res.render('gone.html')

    app = App()
    app.TEMPLATES(site.folder)
    app.BEFORE('/*', guard)
    app.GET('/', lambda req, res, ctx: res.out(200, 'handler'))
    assert site.ask(app).text == 'handler'

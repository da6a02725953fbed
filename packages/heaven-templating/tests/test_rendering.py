"""What a template is given, how it is escaped, and what is answered."""

import asyncio

import pytest
from heaven import App
from heaven_templating import Templates


@pytest.mark.parametrize(
    ('text', 'shown'),
    [
        ('{{ req.path }} {{ req.method }}', '/ GET'),
        ('{{ res.status }}', '200'),
        ('{{ ctx.user }}', 'Ada'),
        ('{{ app.peek("clinic") }}', 'St Mary'),
        ('{{ app is sameas req.app }}', 'True'),
        ('{{ url_for("patient", id=7) }}', '/patients/7'),
        ('{{ passed }}', 'this'),
    ],
)
@pytest.mark.parametrize('where', ['page', 'included', 'extended', 'imported', 'imported by an import', 'block'])
def test_every_template_knows_req_res_ctx_app_and_url_for(site, text, shown, where):
    pages = {
        'page': text,
        'included': '{% include "part.html" %}',
        'extended': '{% extends "part.html" %}',
        'imported': '{% import "macros.html" as macros %}{{ macros.show() }}',
        'imported by an import': '{% import "deep.html" as deep %}{{ deep.show() }}',
        'block': '{% block part %}' + text + '{% endblock %}',
    }
    site.write('templates/part.html', text)
    site.write('templates/macros.html', '{% macro show() %}' + text + '{% endmacro %}')
    site.write(
        'templates/deep.html', '{% import "macros.html" as macros %}{% macro show() %}{{ macros.show() }}{% endmacro %}'
    )
    site.write('templates/page.html', pages[where])

    async def show(req, res, ctx):
        ctx.user = 'Ada'
        await res.render('page.html', block='part' if where == 'block' else None, passed='this')

    app = site.app(show)
    app.keep('clinic', 'St Mary')
    app.GET('/patients/:id', show, name='patient')
    if shown == 'this' and where.startswith('imported'):
        shown = ''  # Jinja2 imports without the values of the page, unless it is asked for them
    assert site.ask(app).text == shown


def test_an_import_with_context_sees_what_was_passed(site):
    site.write('templates/macros.html', '{% macro show() %}{{ passed }}{{ req.path }}{% endmacro %}')
    assert site.page('{% import "macros.html" as m with context %}{{ m.show() }}', passed='this').text == 'this/'


@pytest.mark.parametrize('name', ['req', 'res', 'ctx', 'app', 'url_for', 'asset', 'csp_nonce', 'range'])
def test_what_was_passed_wins(site, name):
    assert site.page('{{ ' + name + ' }}', **{name: 'mine'}).text == 'mine'


@pytest.mark.parametrize('variable', ['name', 'values', 'trio', 'template', 'context', 'request'])
def test_a_template_may_have_a_variable_of_any_name_but_those_of_the_method(site, variable):
    site.write('templates/page.html', '{{ ' + variable + ' }}')
    reply = site.ask(site.app(lambda req, res, ctx: res.render('page.html', **{variable: 'ok'})))
    assert (reply.error, reply.text) == (None, 'ok')


@pytest.mark.parametrize(
    ('name', 'text', 'content_type'),
    [
        ('a.html', '&lt;b&gt;', 'text/html; charset=utf-8'),
        ('a.html.j2', '&lt;b&gt;', 'text/html; charset=utf-8'),
        ('a.xml', '&lt;b&gt;', 'text/html; charset=utf-8'),
        ('a', '&lt;b&gt;', 'text/html; charset=utf-8'),
        ('a.TXT', '&lt;b&gt;', 'text/html; charset=utf-8'),
        ('atxt', '&lt;b&gt;', 'text/html; charset=utf-8'),
        ('a.txt.html', '&lt;b&gt;', 'text/html; charset=utf-8'),
        ('a.txt', '<b>', 'text/plain; charset=utf-8'),
        ('mail/a.txt', '<b>', 'text/plain; charset=utf-8'),
        ('a.txt.j2', '<b>', 'text/plain; charset=utf-8'),
        ('a.txt.jinja', '<b>', 'text/plain; charset=utf-8'),
    ],
)
@pytest.mark.parametrize('template', ['{{ value }}', '{% block b %}{{ value }}{% endblock %}', '{{ [value]|join }}'])
def test_every_name_but_txt_is_escaped_and_html(site, name, text, content_type, template):
    reply = site.page(template, name=name, value='<b>')
    assert (reply.status, reply.text, reply.headers['content-type']) == (200, text, content_type)
    assert reply.headers['content-length'] == str(len(text))


def test_escaping_can_be_turned_off_for_a_folder(site):
    site.write('raw/page.html', '{{ value }}')
    site.write('templates/page.html', '{{ value }}')
    app = site.app()
    app.TEMPLATES(site.folder / 'raw', prefix='raw', escape=False)
    app.GET(
        '/:folder',
        lambda req, res, ctx: res.render({'raw': 'raw/'}.get(req.params['folder'], '') + 'page.html', value='<'),
    )
    assert [site.ask(app, path).text for path in ('/raw', '/other')] == ['<', '&lt;']


def test_text_is_sent_as_utf_8(site):
    reply = site.page('é {{ who }} €', who='Þór')
    assert reply.text == 'é Þór €'


def test_a_status_and_a_content_type_that_were_set_stay(site):
    async def show(req, res, ctx):
        res.status = 422
        res.headers['Content-Type'] = 'application/xhtml+xml'
        assert await res.render('page.html') is res

    site.write('templates/page.html', 'x')
    reply = site.ask(site.app(show))
    assert (reply.status, reply.headers['content-type']) == (422, 'application/xhtml+xml')


def test_renders_is_for_handlers_that_are_not_async(site):
    site.write('templates/page.html', '{{ n }}')
    assert site.ask(site.app(lambda req, res, ctx: res.renders('page.html', n=1))).text == '1'
    app = site.app()
    app.GET('/', lambda req, res, ctx: res.renders('page.html', n=2), threaded=True)
    assert site.ask(app).text == '2'


def test_interpolate_gives_the_text_back_and_leaves_the_response_alone(site):
    site.write('templates/mail.txt', 'Dear {{ name }}')

    async def send(req, res, ctx):
        text = await res.interpolate('mail.txt', name='Ada')
        res.body = {'sent': text}

    reply = site.ask(site.app(send))
    assert (reply.text, reply.headers['content-type']) == ('{"sent":"Dear Ada"}', 'application/json')


ASYNC = '{% extends "layout.html" %}{% block body %}{{ load(1) }}{% for x in rows() %}{{ x }}{% endfor %}{% endblock %}'


@pytest.mark.parametrize('options', [{}, {'block': 'body'}, {'stream': True}, {'blocks': ['body'], 'stream': True}])
def test_asynchronous_templates_await(site, options):
    async def load(x):
        await asyncio.sleep(0)
        return f'<{x}>'

    async def rows():
        for x in range(3):
            await asyncio.sleep(0)
            yield x

    site.write('templates/layout.html', '[{% block body %}{% endblock %}]')
    site.write('templates/page.html', ASYNC)
    app = site.app(lambda req, res, ctx: res.render('page.html', load=load, rows=rows, **options), asynchronous=True)
    reply = site.ask(app)
    assert reply.text == ('&lt;1&gt;012' if 'block' in str(options) else '[&lt;1&gt;012]')


def test_renders_of_an_asynchronous_template_says_to_await_render(site):
    site.write('templates/page.html', 'x')
    reply = site.ask(site.app(lambda req, res, ctx: res.renders('page.html'), asynchronous=True))
    assert (reply.status, type(reply.error)) == (500, RuntimeError)
    assert 'await res.render(...)' in str(reply.error)


def test_a_synchronous_template_is_rendered_under_await_without_an_asynchronous_environment():
    assert Templates().environment.is_async is False
    assert Templates(asynchronous=True).environment.is_async is True


async def clinic(req, res, ctx):
    await asyncio.sleep(0)
    return {'clinic': 'St Mary', 'path': req.path, 'n': 1}


def count(req, res, ctx):
    return {'n': 2}


def test_context_functions_add_to_every_render(site):
    text = '{{ clinic }} {{ path }} {{ n }} {{ passed }}'
    assert site.page(text, options={'context': [clinic, count]}, passed='x').text == 'St Mary / 2 x'
    assert site.page(text, options={'context': [count, clinic]}, passed='x').text == 'St Mary / 1 x'
    assert site.page(text, options={'context': [clinic]}, passed='x', n=3).text == 'St Mary / 3 x'
    assert site.page('{{ n }}', options={'context': count}).text == '2'


def test_what_context_functions_add_reaches_imported_macros(site):
    site.write('templates/macros.html', '{% macro show() %}{{ clinic }}{% endmacro %}')
    text = '{% import "macros.html" as m %}{{ m.show() }}'
    assert site.page(text, options={'context': [clinic]}).text == 'St Mary'


def test_renders_calls_sync_context_functions_and_refuses_async_ones(site):
    site.write('templates/page.html', '{{ n }}')
    show = lambda req, res, ctx: res.renders('page.html')
    assert site.ask(site.app(show, context=[count])).text == '2'
    for function, name in ((clinic, 'clinic'), (lambda req, res, ctx: asyncio.sleep(0, {}), '<lambda>')):
        reply = site.ask(site.app(show, context=[function]))
        assert reply.status == 500
        assert name in str(reply.error)
        assert 'await res.render(...)' in str(reply.error)

    def later(req, res, ctx):
        return asyncio.get_running_loop().create_future()

    assert 'later' in str(site.ask(site.app(show, context=[later])).error)


def test_a_context_that_is_no_function_is_refused_where_it_is_given(site):
    with pytest.raises(TypeError, match='functions'):
        Templates(context=[{'clinic': 'x'}])


def test_a_folder_that_is_none_is_refused_where_it_is_given():
    with pytest.raises(TypeError, match='a folder of templates is a str or a path, not 5'):
        Templates(5)


def test_no_folder_is_added_while_the_app_runs(site):
    site.write('templates/page.html', '')
    app = site.app(lambda req, res, ctx: req.app.TEMPLATES('more'))
    assert 'the app is running' in str(site.ask(app).error)


def test_filters_tests_globals_and_options_of_jinja2_are_at_hand(site):
    site.write('templates/page.html', '{% if true %}\n{{ name|initials }}{{ year }}{% endif %}')
    templates = Templates(site.folder / 'templates', trim_blocks=True)
    templates.environment.filters['initials'] = lambda name: ''.join(word[0] for word in name.split())
    templates.environment.globals['year'] = 2026
    app = App()
    app.plug(templates)
    app.GET('/', lambda req, res, ctx: res.render('page.html', name='Ada Lovelace'))
    assert site.ask(app).text == 'AL2026'
    assert app.renderer is templates


def test_templates_are_compiled_once_and_in_debug_read_again_when_they_change(site):
    for debug, second in ((False, 'one layout'), (True, 'two layout')):
        site.write('templates/layout.html', '{% block b %}{% endblock %} layout')
        site.write('templates/page.html', '{% extends "layout.html" %}{% block b %}one{% endblock %}')
        app = site.app(lambda req, res, ctx: res.render('page.html', **req.queries), debug=debug)
        assert site.ask(app).text == 'one layout'
        assert site.ask(app, '/?block=b').text == 'one'
        site.touch('templates/page.html', '{% extends "layout.html" %}{% block b %}two{% endblock %}')
        assert site.ask(app).text == second
        assert site.ask(app, '/?block=b').text == second.split()[0]
        site.touch('templates/layout.html', '{% block b %}{% endblock %} page')
        assert site.ask(app).text == second.replace('layout', 'page' if debug else 'layout')


def test_any_renderer_can_be_plugged(site):
    class Shouts:
        def renders(self, name, values, trio, blocks):
            return f'{name} {values} {len(trio)} {blocks}'.upper()

        async def render(self, name, values, trio, blocks):
            return self.renders(name, values, trio, blocks)

        async def stream(self, name, values, trio, blocks):
            async def chunks():
                yield self.renders(name, values, trio, blocks)

            return chunks()

        def install(self, app):
            app.renderer = self

    app = App()
    app.plug(Shouts())
    app.GET('/', lambda req, res, ctx: res.render('a.html', n=1, **({'stream': True} if req.queries.get('s') else {})))
    assert site.ask(app).text.startswith("A.HTML {'N': 1} 3 ")
    assert site.ask(app, '/?s=1').text.startswith("A.HTML {'N': 1} 3 ")


def test_without_configuration_the_first_render_looks_in_templates(site, monkeypatch):
    monkeypatch.chdir(site.folder)
    site.write('templates/page.html', 'found')
    app = App()
    app.GET('/', lambda req, res, ctx: res.render('page.html'))
    assert site.ask(app).text == 'found'

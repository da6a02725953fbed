"""Where templates are looked for."""

import pytest
from heaven import App
from heaven_templating import MissingTemplate, Templates


def show(name):
    return lambda req, res, ctx: res.render(name)


def test_folders_are_searched_in_the_order_they_were_added(site):
    for folder, names in {'one': 'ab', 'two': 'bc'}.items():
        for name in names:
            site.write(f'{folder}/{name}.html', f'{folder}/{name}')
    app = site.app(lambda req, res, ctx: res.render(req.params['name']), folder='one')
    app.TEMPLATES(site.folder / 'two')
    app.GET('/:name', lambda req, res, ctx: res.render(req.params['name']))
    assert [site.ask(app, f'/{name}.html').text for name in 'abc'] == ['one/a', 'one/b', 'two/c']


@pytest.mark.parametrize('prefix', ['blog', '/blog/', 'blog/'])
def test_a_prefix_stands_before_the_names_of_a_folder(site, prefix):
    site.write('templates/layout.html', '<{% block body %}{% endblock %}>')
    site.write(
        'posts/index.html', '{% extends "layout.html" %}{% block body %}{% include "blog/x/y.html" %}{% endblock %}'
    )
    site.write('posts/x/y.html', 'post')
    app = site.app(show('blog/index.html'))
    app.TEMPLATES(site.folder / 'posts', prefix=prefix)
    app.GET('/bare', show('index.html'))
    assert site.ask(app).text == '<post>'
    assert isinstance(site.ask(app, '/bare').error, MissingTemplate)


def test_jinja2_lists_the_templates_of_all_folders(site):
    site.write('first/page.html', '')
    site.write('first/mails/mail.txt', '')
    site.write('second/page.html', '')
    app = site.app(folder='first')
    app.TEMPLATES(site.folder / 'second', prefix='other')
    assert app.renderer.environment.list_templates() == ['mails/mail.txt', 'other/page.html', 'page.html']


def test_a_relative_folder_is_taken_from_the_file_it_is_relative_to_else_from_the_working_directory(site, monkeypatch):
    site.write('package/pages/page.html', 'package')
    site.write('pages/page.html', 'working directory')
    file = site.write('package/app.py', '')
    monkeypatch.chdir(site.folder)
    texts = []
    for options in ({'relative_to': str(file)}, {'relative_to': file}, {}, {'relative_to': 'package/app.py'}):
        app = App()
        app.TEMPLATES('pages', **options)
        app.GET('/', show('page.html'))
        monkeypatch.chdir('/')
        texts.append(site.ask(app).text)
        monkeypatch.chdir(site.folder)
    assert texts == ['package', 'package', 'working directory', 'package']


OUTSIDE = [
    '../secret.html',
    'a/../../secret.html',
    'a/../page.html',
    './page.html',
    '/page.html',
    '//page.html',
    'a//b.html',
    'page.html/',
    '..\\secret.html',
    'a\\b.html',
    'C:secret.html',
    'page.html\0',
    '\0',
    '',
    '.',
    '..',
    'a',
    'x' * 5000,
]


@pytest.mark.parametrize(
    'name', [*OUTSIDE, '{folder}/secret.html', '{folder}/templates/page.html'], ids=lambda name: ascii(name[:30])
)
@pytest.mark.parametrize('how', ['render', 'block', 'include', 'extends'])
def test_a_name_never_leads_outside_its_folder(site, name, how):
    site.write('secret.html', 'secret')
    site.write('templates/page.html', 'page')
    site.write('templates/a/b.html', 'b')
    site.write('templates/include.html', '{% include name %}')
    site.write('templates/extends.html', '{% extends name %}')
    name = name.replace('{folder}', str(site.folder))
    page = f'{how}.html' if how in ('include', 'extends') else name
    app = site.app(
        lambda req, res, ctx: req.app.renderer.render(
            page, {'name': name}, (req, res, ctx), ('b',) if how == 'block' else ()
        )
    )
    reply = site.ask(app)
    assert (reply.status, type(reply.error), reply.error.name) == (500, MissingTemplate, name)


def test_a_missing_template_names_itself_the_folders_searched_and_what_comes_near(site):
    site.write('templates/patients.html', 'x')
    app = site.app(show('patient.html'))
    app.TEMPLATES(site.folder / 'blog', prefix='blog')
    reply = site.ask(app)
    for part in (
        "'patient.html'",
        f'{site.folder}/templates',
        f'{site.folder}/blog (as blog/...) (there is no such folder)',
    ):
        assert part in str(reply.error)
    assert str(reply.error).endswith("Did you mean 'patients.html'?")


def test_an_include_may_ignore_what_is_missing(site):
    assert (
        site.page('a{% include "no.html" ignore missing %}{% include ["no.html", "b.html"] ignore missing %}').text
        == 'a'
    )
    site.write('templates/b.html', 'b')
    assert site.page('{% include ["no.html", "b.html"] %}').text == 'b'


@pytest.fixture
def family(site):
    """A parent and a child, each with templates of its own and one of the same name."""
    for folder in ('parent', 'child'):
        site.write(f'{folder}/own.html', '{% extends "layout.html" %}{% block body %}' + folder + '{% endblock %}')
    site.write('parent/layout.html', '<{{ clinic|loud }} {{ user }} {% block body %}{% endblock %}>')
    site.write('parent/only.html', 'only')
    parent, child = App(), App()
    templates = Templates(site.folder / 'parent', context=lambda req, res, ctx: {'clinic': 'mary', 'user': 'parent'})
    templates.environment.filters['loud'] = str.upper
    parent.plug(templates)
    for app in (parent, child):
        for name in ('own', 'only', 'layout', 'no'):
            app.GET(f'/{name}', show(f'{name}.html'))
    return parent, child


@pytest.mark.parametrize('mounted', ['before', 'after'])
def test_a_mounted_child_looks_in_its_own_folders_then_in_those_of_its_parent(site, family, mounted):
    parent, child = family
    if mounted == 'before':
        parent.mount(child, '/child')
    child.TEMPLATES(site.folder / 'child', context=lambda req, res, ctx: {'user': 'child'})
    if mounted == 'after':
        parent.mount(child, '/child')
    assert site.ask(parent, '/child/own').text == '<MARY child child>'
    assert site.ask(parent, '/own').text == '<MARY parent parent>'
    assert site.ask(parent, '/child/only').text == 'only'
    error = str(site.ask(parent, '/child/no').error)
    assert error.index(f'{site.folder}/child') < error.index(f'{site.folder}/parent')
    assert f'{site.folder}/child' not in str(site.ask(parent, '/no').error)


def test_a_mounted_child_without_templates_uses_those_of_its_parent(site, family):
    parent, child = family
    parent.mount(child, '/child')
    assert site.ask(parent, '/child/own').text == '<MARY parent parent>'


def test_a_grandchild_looks_in_its_own_then_its_parents_then_its_grandparents(site, family):
    parent, child = family
    grandchild = App()
    grandchild.TEMPLATES(site.folder / 'grandchild')
    site.write('grandchild/page.html', '{% extends "own.html" %}{% block body %}grand{{ super() }}{% endblock %}')
    grandchild.GET('/page', show('page.html'))
    child.mount(grandchild, '/grand')
    child.TEMPLATES(site.folder / 'child')
    parent.mount(child, '/child')
    assert site.ask(parent, '/child/grand/page').text == '<MARY parent grandchild>'


@pytest.fixture
def houses(site):
    """Two parents, each with a layout, a filter and a name of its own; a child's page is made with all three."""
    site.write('child/page.html', '{% extends "layout.html" %}{% block body %}{{ "a"|mark }}{{ owner }}{% endblock %}')
    parents = []
    for name in ('red', 'blue'):
        site.write(f'{name}/layout.html', name + ' {% block body %}{% endblock %}')
        templates = Templates(site.folder / name, context=lambda req, res, ctx, name=name: {'owner': name})
        templates.environment.filters['mark'] = lambda text, name=name: f'{name}-{text} '
        parents.append(App())
        parents[-1].plug(templates)
    return parents


def test_one_object_of_templates_serves_two_children_each_below_its_own_parent(site, houses):
    templates = Templates(site.folder / 'child')
    for parent in houses:
        child = App()
        child.plug(templates)
        child.GET('/', show('page.html'))
        parent.mount(child, '/child')
    for _ in range(2):
        assert [site.ask(parent, '/child').text for parent in houses] == ['red red-a red', 'blue blue-a blue']


@pytest.mark.parametrize('asked', [False, True], ids=['before', 'after'])
def test_a_copy_of_a_child_looks_in_the_folders_of_the_app_that_the_copy_is_mounted_on(site, houses, asked):
    child = App()
    child.TEMPLATES(site.folder / 'child')
    child.GET('/', show('page.html'))
    red, blue = houses
    red.mount(child, '/child')
    if asked:
        site.ask(red, '/child')
    blue.mount(child.copy(), '/child')
    assert [site.ask(parent, '/child').text for parent in houses] == ['red red-a red', 'blue blue-a blue']


def test_a_child_that_is_mounted_alone_has_nothing_of_a_parent_that_its_copy_has(site, houses):
    child = App()
    child.TEMPLATES(site.folder / 'child')
    child.GET('/', show('layout.html'))
    houses[0].mount(child.copy(), '/child')
    assert site.ask(houses[0], '/child').text == 'red '
    assert isinstance(site.ask(child).error, MissingTemplate)


@pytest.mark.parametrize('grown', ['copy', 'original'])
def test_a_folder_that_is_added_to_a_copy_or_to_its_original_is_not_the_other_s(site, grown):
    site.write('templates/page.html', '{{ "a"|mark }}')
    site.write('more/other.html', '{{ "b"|mark }}{{ n }}')
    app = site.app(show('page.html'))
    app.GET('/other', show('other.html'))
    app.renderer.environment.filters['mark'] = str.upper
    twin = app.copy()
    site.ask(app), site.ask(twin)
    grows, stays = (twin, app) if grown == 'copy' else (app, twin)
    grows.TEMPLATES(site.folder / 'more', context=[lambda req, res, ctx: {'n': 1}])
    assert [site.ask(grows, path).text for path in ('/', '/other')] == ['A', 'B1']
    assert site.ask(stays).text == 'A'
    assert isinstance(site.ask(stays, '/other').error, MissingTemplate)


def test_templates_that_are_plugged_nowhere_look_in_their_own_folders_alone(site):
    site.write('mails/mail.txt', 'mail')
    site.write('templates/page.html', 'page')
    mails = Templates(site.folder / 'mails')

    async def handler(req, res, ctx):
        res.body = await mails.render(req.params['name'], {}, (req, res, ctx))

    parent, child = site.app(), App()
    child.GET('/:name', handler)
    parent.mount(child, '/child')
    assert site.ask(parent, '/child/mail.txt').text == 'mail'
    assert isinstance(site.ask(parent, '/child/page.html').error, MissingTemplate)


def test_a_mounted_child_falls_back_on_the_default_folder_of_its_parent(site, monkeypatch):
    monkeypatch.chdir(site.folder)
    site.write('templates/layout.html', '<{% block body %}{% endblock %}>')
    site.write('child/page.html', '{% extends "layout.html" %}{% block body %}child{% endblock %}')
    parent, child = App(), App()
    child.TEMPLATES('child')
    child.GET('/', show('page.html'))
    parent.mount(child, '/child')
    assert site.ask(parent, '/child').text == '<child>'


def test_folders_added_with_a_plugin_bring_their_filters_and_may_be_configured_later(site):
    site.write('more/page.html', '{{ "a"|one }}{{ "b"|two }}{{ n }}')
    app = site.app(show('more/page.html'))
    more = Templates(site.folder / 'more', prefix='more', context=lambda req, res, ctx: {'n': 1})
    more.environment.filters['one'] = str.upper
    app.plug(more)
    more.environment.filters['two'] = str.upper
    assert site.ask(app).text == 'AB1'


def test_a_folder_of_asynchronous_templates_makes_the_app_s_templates_asynchronous(site):
    async def load():
        return 'loaded'

    site.write('more/page.html', '{{ load() }}')
    app = site.app(lambda req, res, ctx: res.render('page.html', load=load))
    app.TEMPLATES(site.folder / 'more', asynchronous=True)
    assert site.ask(app).text == 'loaded'


def test_a_child_of_asynchronous_templates_may_extend_their_layouts(site):
    async def load():
        return 'loaded'

    site.write('templates/layout.html', '{{ load() }} {% block body %}{% endblock %}')
    site.write('child/page.html', '{% extends "layout.html" %}{% block body %}child{% endblock %}')
    parent, child = site.app(asynchronous=True), App()
    child.TEMPLATES(site.folder / 'child')
    child.GET('/', lambda req, res, ctx: res.render('page.html', load=load))
    parent.mount(child, '/child')
    assert site.ask(parent, '/child').text == 'loaded child'


def test_other_options_of_jinja2_for_a_second_folder_are_refused(site):
    app = site.app()
    with pytest.raises(ValueError, match='trim_blocks'):
        app.plug(Templates(site.folder / 'more', trim_blocks=True))


def test_a_folder_that_comes_to_have_a_template_earlier_is_found_in_debug(site):
    site.write('two/page.html', 'two')
    app = site.app(show('page.html'), folder='one', debug=True)
    app.TEMPLATES(site.folder / 'two')
    assert site.ask(app).text == 'two'
    site.write('one/page.html', 'one')
    assert site.ask(app).text == 'one'

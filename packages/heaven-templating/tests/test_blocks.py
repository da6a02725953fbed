"""One block of a page, or several, without the rest."""

import pytest
from heaven_templating import MissingBlock

LAYOUT = (
    '{% set site = "Clinic" %}<title>{% block title %}{{ site }}{% endblock %}</title>{{ never.known.here }}'
    '{% block body %}{% endblock %}{% block foot %}foot of {{ page }}{% endblock %}'
)
PAGE = """
{%- extends "layout.html" -%}
{%- import "macros.html" as macros -%}
{%- from "macros.html" import cell as imported -%}
{%- set page = "patients" -%}
{%- set captured -%}<i>{{ page }}</i>{%- endset -%}
{%- macro own(x) -%}({{ x }}){%- endmacro -%}
{%- if wide -%}{%- set width = 9 -%}{{ never.known.here }}{%- else -%}{%- set width = 1 -%}{%- endif -%}
{%- block title -%}Patients of {{ super() }}{%- endblock -%}
{%- block body -%}
  {{ never.known.here }}{% for p in patients %}{% block row scoped %}{{ macros.cell(p) }}{% endblock %}{% endfor %}
{%- endblock -%}
{%- block tools -%}{{ imported(1) }}{{ own(2) }}{{ captured }}{{ width }}{{ self.title() }}{%- endblock -%}
{%- block part -%}{% include "part.html" %}{%- endblock -%}
"""


@pytest.fixture
def pages(site):
    site.write('templates/layout.html', LAYOUT)
    site.write('templates/macros.html', '{% macro cell(x) %}<{{ x }}{{ req.path }}>{% endmacro %}')
    site.write('templates/part.html', 'part:{% block inner %}{{ p }}{% endblock %}')
    site.write('templates/page.html', PAGE)
    return site


def ask(site, name='page.html', debug=False, **values):
    return site.ask(site.app(lambda req, res, ctx: res.render(name, **values), debug=debug))


@pytest.mark.parametrize(
    ('values', 'text'),
    [
        ({'block': 'row', 'p': '<'}, '<&lt;/>'),
        ({'block': 'title'}, 'Patients of Clinic'),
        ({'block': 'foot'}, 'foot of patients'),
        ({'block': 'tools', 'wide': True}, '<1/>(2)<i>patients</i>9Patients of Clinic'),
        ({'block': 'tools', 'wide': False}, '<1/>(2)<i>patients</i>1Patients of Clinic'),
        ({'block': 'part', 'p': 3}, 'part:3'),
        ({'blocks': ['row', 'foot', 'row'], 'p': 1}, '<1/>foot of patients<1/>'),
        ({'blocks': ('title',)}, 'Patients of Clinic'),
        ({'block': 'row', 'blocks': ['foot'], 'p': 1}, '<1/>foot of patients'),
        ({'block': 'row', 'p': 1, 'stream': True}, '<1/>'),
    ],
)
@pytest.mark.parametrize('debug', [False, True])
def test_a_block_alone_has_what_it_has_in_its_page_and_nothing_else_is_rendered(pages, values, text, debug):
    reply = ask(pages, debug=debug, **{'wide': False, **values})
    assert (reply.error, reply.text) == (None, text)
    assert reply.headers['content-type'] == 'text/html; charset=utf-8'


@pytest.mark.parametrize(
    ('text', 'shown'),
    [
        ('{{ boom() }}{% for x in boom() %}{% block b %}b{{ y }}{% endblock %}{% endfor %}', 'b2'),
        ('{% with y = 5 %}{% block b %}b{{ y }}{% endblock %}{% endwith %}', 'b2'),
        ('{% if y %}{% block b %}b{{ y }}{% endblock %}{% endif %}', 'b2'),
        (
            (
                '{% if not y %}{% set z = 0 %}{% elif y == 2 %}{% set z = 7 %}{% endif %}'
                '{% block b %}b{{ z }}{% endblock %}'
            ),
            'b7',
        ),
        ('{% if y %}{% extends "base.html" %}{% endif %}{% block b %}b{{ super() }}{% endblock %}', 'bbase'),
        ('{% extends "ba" ~ "se.html" %}', 'base'),
        ('{% extends "middle.html" %}{% block b %}{{ super() }}{{ y }}{% endblock %}', 'middlebase2'),
        ('{% filter upper %}{{ boom() }}{% block b %}b{{ y }}{% endblock %}{% endfilter %}', 'b2'),
    ],
)
def test_a_block_can_stand_anywhere_in_a_page(site, text, shown):
    def boom():
        raise AssertionError('rendered')

    site.write('templates/base.html', '{% block b %}base{% endblock %}')
    site.write('templates/middle.html', '{% extends "base.html" %}{% block b %}middle{{ super() }}{% endblock %}')
    site.write('templates/page.html', text)
    reply = ask(site, block='b', boom=boom, y=2)
    assert (reply.error, reply.text) == (None, shown)


def test_the_page_is_rendered_whole_before_and_after_one_of_its_blocks(site):
    site.write('templates/base.html', '<{% block b %}base{% endblock %}>')
    site.write('templates/page.html', '{% extends "base.html" %}{% block b %}{{ super() }}!{% endblock %}')
    app = site.app(lambda req, res, ctx: res.render('page.html', block=req.queries.get('block')))
    assert [site.ask(app, path).text for path in ('/', '/?block=b', '/')] == ['<base!>', 'base!', '<base!>']


@pytest.mark.parametrize('how', [{'block': 'rwo'}, {'blocks': ['row', 'rwo']}, {'block': 'rwo', 'stream': True}])
def test_a_missing_block_says_what_blocks_there_are(pages, how):
    reply = ask(pages, **how)
    assert (reply.status, type(reply.error)) == (500, MissingBlock)
    for part in ("'rwo'", "'page.html'", 'body, foot, part, row, title, tools', "Did you mean 'row'?"):
        assert part in str(reply.error)


def test_a_missing_block_of_a_page_without_blocks_says_that_there_are_none(site):
    site.write('templates/page.html', 'text')
    assert str(ask(site, block='row').error) == "no block 'row' in 'page.html'; there is none"


@pytest.mark.parametrize('debug', [False, True])
def test_a_layout_may_be_given_as_a_template(site, debug):
    site.write('templates/plain.html', '{{ boom() }}<{% block b %}{% endblock %}>')
    site.write('templates/page.html', '{% extends layout %}{% block b %}{{ super() }}body{% endblock %}')

    async def show(req, res, ctx):
        layout = req.app.renderer.environment.get_template('plain.html')
        await res.render('page.html', layout=layout, block=req.queries.get('block'), boom=lambda: '')

    app = site.app(show, debug=debug)
    replies = [site.ask(app, path) for path in ('/', '/?block=b')]
    assert [(reply.error, reply.text) for reply in replies] == [(None, '<body>'), (None, 'body')]


def test_an_interpolated_block_is_text(pages):
    async def show(req, res, ctx):
        res.body = [await res.interpolate('page.html', block='row', p=1), res.renders('page.html', block='foot').body]

    assert pages.ask(pages.app(show)).text == '["<1/>","foot of patients"]'

"""Confinement: no path leaves the folder it was given, and none says more than that there is no such file."""

import os

import pytest
from asks import ask
from costs import ratio
from heaven import App
from outside import LEXICAL, MISSES, folder as folder


@pytest.mark.parametrize('path', [*LEXICAL, *MISSES])
def test_a_path_that_leads_out_is_the_same_404_as_a_miss(folder, path):
    def sends(path):
        return ask(lambda req, res, ctx: res.file(path, within=folder))

    reply, miss = sends(path), sends('no-such-file')
    assert (reply.status, reply.body, reply.headers) == (404, miss.body, miss.headers)


@pytest.mark.parametrize('path', LEXICAL)
def test_confinement_is_decided_before_the_file_system_is_asked(folder, path, monkeypatch):
    def asked(*args, **options):
        pytest.fail('the file system was asked')

    app = App()
    app.GET('/', lambda req, res, ctx: res.file(path, within=folder))
    for name in ('open', 'stat', 'lstat', 'readlink'):
        monkeypatch.setattr(os, name, asked)
    assert ask(app).status == 404


def test_a_path_that_is_absolute_is_a_miss_even_if_it_points_inside(folder):
    assert ask(lambda req, res, ctx: res.file(folder / 'a.txt', within=folder)).status == 404


@pytest.mark.parametrize('path', ['a.txt', 'sub/b.txt', 'in.txt', 'within/b.txt'])
@pytest.mark.parametrize('kind', [str, os.fsencode])
def test_what_is_inside_is_served_and_links_that_stay_inside_too(folder, path, kind):
    reply = ask(lambda req, res, ctx: res.file(kind(path), within=kind(folder)))
    assert (reply.status, reply.body) == (200, b'public')


def test_the_folder_may_be_a_link_itself(folder, tmp_path):
    (tmp_path / 'current').symlink_to(folder)
    for within in tmp_path / 'current', f'{tmp_path}/current/', f'{folder}/../current':
        assert ask(lambda req, res, ctx, within=within: res.file('sub/b.txt', within=within)).body == b'public'


def test_a_folder_that_is_the_root_holds_everything(folder):
    assert ask(lambda req, res, ctx: res.file(str(folder / 'a.txt')[1:], within='/')).body == b'public'


@pytest.mark.parametrize('path', ['a\0', 'x' * 5000, '\ud800', '', '/'])
def test_a_bad_path_without_a_folder_is_a_404_too(path):
    assert ask(lambda req, res, ctx: res.file(path)).status == 404


NAMES = [
    'a',
    'a.b',
    '.a',
    'a b',
    '-',
    '~',
    '_',
    'console',
    'nulled',
    'com',
    'com10',
    'lpt',
    'é',
    '患者',
    'a..b',
    '..a',
    'a%2f',
]


@pytest.mark.parametrize('name', NAMES)
def test_names_that_are_sound_are_not_refused(name, tmp_path):
    (tmp_path / name).mkdir()
    (tmp_path / name / name).write_bytes(b'here')
    assert ask(lambda req, res, ctx: res.file(f'{name}/{name}', within=tmp_path)).body == b'here'


@pytest.mark.parametrize('piece', ['a.', ' ', '. ', 'con', 'con ', 'a/', 'nul.', '../', '$'])
def test_the_cost_of_a_path_is_linear(piece, tmp_path):
    app = App()
    app.GET('/', lambda req, res, ctx: res.file('x' + piece * int(req.queries['n']) + 'x', within=tmp_path))

    def work(n):
        return lambda: ask(app, 'GET', f'/?n={n}')

    assert ratio(work, 10_000) < 30

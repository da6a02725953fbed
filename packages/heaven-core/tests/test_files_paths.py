"""Confinement: no path leaves the folder it was given, and none says more than that there is no such file."""

import os

import pytest
from asks import ask, ratio
from driver import call
from heaven import App


@pytest.fixture
def folder(tmp_path):
    """A folder with files beside it that must not be read: each holds the word secret."""
    folder = tmp_path / 'public'
    (folder / 'sub').mkdir(parents=True)
    (folder / 'a.txt').write_bytes(b'public')
    (folder / 'sub' / 'b.txt').write_bytes(b'public')
    (folder / '.env').write_bytes(b'secret')
    (folder / 'sub' / '.git').mkdir()
    (folder / 'sub' / '.git' / 'config').write_bytes(b'secret')
    (tmp_path / 'secret.txt').write_bytes(b'secret')
    (tmp_path / 'public-not').mkdir()
    (tmp_path / 'public-not' / 'c.txt').write_bytes(b'secret')
    (folder / 'out.txt').symlink_to(tmp_path / 'secret.txt')
    (folder / 'up').symlink_to(tmp_path)
    (folder / 'near').symlink_to(tmp_path / 'public-not')
    (folder / 'loop').symlink_to(folder / 'loop')
    (folder / 'dangling').symlink_to(folder / 'none')
    (folder / 'in.txt').symlink_to(folder / 'sub' / 'b.txt')
    (folder / 'within').symlink_to(folder / 'sub')
    return folder


LEXICAL = [
    '..', '../', '../secret.txt', '../public-not/c.txt', 'sub/../a.txt', 'sub/../../secret.txt', './a.txt', 'sub/.',
    '/etc/passwd', '//etc/passwd', '/a.txt', '/', '//', '', 'a.txt/', 'sub//b.txt',
    '..\\secret.txt', 'sub\\b.txt', '\\a.txt', '\\\\server\\share\\a.txt', '\\\\?\\C:\\a.txt', '//server/share/a.txt',
    'C:\\a.txt', 'C:/a.txt', 'C:a.txt', 'file:///etc/passwd', 'a.txt:stream', 'a.txt::$DATA', 'sub:$I30/b.txt',
    'a.txt\0', 'a.txt\0.png', '\0', 'a\n.txt', '\x7f',
    'CON', 'con', 'nul', 'NUL.txt', 'aux.tar.gz', 'prn', 'com1', 'COM9.log', 'lpt1', 'lpt³', 'conin$', 'CONOUT$',
    'nul .txt', 'sub/nul', 'nul/a.txt', 'sub/com1.txt/x', 'a.txt.', 'a.txt ', 'sub./b.txt', 'sub /b.txt', '...',
    'sub/...',
]  # fmt: skip
MISSES = [
    'none', 'none.txt', 'sub', 'a.txt/b', '%2e%2e/secret.txt', '..%2fsecret.txt', '%252e%252e/secret.txt',
    '..;/secret.txt',
    '～/.bashrc', '~root', '$HOME', '．．/secret.txt', '\u2024\u2024/secret.txt', '..∕secret.txt', '\ud800', '\ufffd',
    'x' * 5000, 'x' * 256, 'x/' * 5000 + 'x', '../' * 5000 + 'etc/passwd', 'up/secret.txt', 'up', 'near/c.txt',
    'out.txt', 'up/public/a.txt/../../secret.txt', 'loop', 'dangling', 'loop/a',
]  # fmt: skip


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
    assert call(app).status == 404


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
        return lambda: call(app, 'GET', f'/?n={n}')

    assert ratio(work, 10_000) < 30

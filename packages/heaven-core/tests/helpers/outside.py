"""A folder with secrets beside it, and the paths that must not lead to them."""

import pytest


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

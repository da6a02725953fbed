"""Forms: what is sent by browsers and programs, and how a handler sees it."""

import asyncio
import errno
import os
import sys
from io import BytesIO
from itertools import product
from pathlib import Path
from random import Random

import pytest
from asks import ask, see
from heaven import App
from heaven.errors import ClientError, Missing, MissingPackage
from heaven.forms import File
from parts import MULTIPART, URLENCODED, head, multipart, outcome, read, text, upload

# what a handler sees


def test_a_form_gives_its_fields_by_key_and_by_get():
    form = read(b'name=Ada+Lovelace&born=1815', URLENCODED)
    assert form['name'] == form.get('name') == 'Ada Lovelace'
    assert (form.get('died'), form.get('died', '?')) == (None, '?')
    assert form.to_dict() == {'name': 'Ada Lovelace', 'born': '1815'} and type(form.to_dict()) is dict
    assert list(form) == ['name', 'born'] and len(form) == 2 and 'born' in form and 'died' not in form and form


def test_of_a_repeated_name_the_last_value_counts_and_all_gives_each():
    for form in read(b'tag=a&tag=b', URLENCODED), read(multipart(text('tag', b'a'), text('tag', b'b'))):
        assert form['tag'] == form.get('tag') == form.to_dict()['tag'] == 'b'
        assert form.all('tag') == ['a', 'b']
        assert form.all('none') == []


def test_a_missing_field_is_a_key_error_that_is_a_400_and_names_it():
    form = read(b'', URLENCODED)
    with pytest.raises(Missing, match=r'form field .age.') as caught:
        form['age']
    assert isinstance(caught.value, KeyError) and caught.value.status == 400


def test_the_fields_of_a_form_are_no_attributes():
    form = read(b'name=Ada&get=1', URLENCODED)
    assert not hasattr(form, 'name') and callable(form.get) and form['get'] == '1'
    with pytest.raises(AttributeError):
        form.name


def test_a_form_without_fields_is_false():
    assert not read(b'', URLENCODED) and not read(b'--B--') and read(b'a', URLENCODED)


@pytest.mark.parametrize(
    'kind', ['', 'text/plain', 'application/json', 'multipart/mixed; boundary=B', 'multipart', ';']
)
def test_other_content_types_are_no_form(kind):
    assert see(lambda req: req.form.to_dict(), 'POST', body=b'a=1', headers={'content-type': kind}) == {}


@pytest.mark.parametrize(
    'kind', [URLENCODED, URLENCODED.upper(), f' {URLENCODED} ; charset=utf-8', f'{URLENCODED};', f'{URLENCODED}\t;x']
)
def test_the_content_type_is_read_in_any_case_and_with_parameters(kind):
    assert see(lambda req: req.form['a'], 'POST', body=b'a=1', headers={'content-type': kind}) == '1'


# urlencoded


@pytest.mark.parametrize(
    ('body', 'fields'),
    [
        (b'a=1&b=2', {'a': ['1'], 'b': ['2']}),
        (b'a', {'a': ['']}),
        (b'a=', {'a': ['']}),
        (b'=a', {'': ['a']}),
        (b'&&a=1&&', {'a': ['1']}),
        (b'a=b=c', {'a': ['b=c']}),
        (b'a==', {'a': ['=']}),
        (b'a=x;b=y', {'a': ['x;b=y']}),
        (b'a+b=c+d', {'a b': ['c d']}),
        (b'%61=%C3%A9+%2B%26%3d', {'a': ['é +&=']}),
        (b'a=100%', {'a': ['100%']}),
        (b'a=%zz%4', {'a': ['%zz%4']}),
        (b'a=%%41', {'a': ['%A']}),
        (b'a=%41%\n%42', {'a': ['A%\nB']}),
        (b'a=%0D%0A\r\n', {'a': ['\r\n\r\n']}),
        (b'a=%20=%20', {'a': [' = ']}),
        ('é=ü'.encode(), {'é': ['ü']}),
        (b'a=%00', {'a': ['\0']}),
        (b'a=%FF', 400),
        (b'a=\xff', 400),
        (b'%ff=a', 400),
        (b'a=%ED%A0%80', 400),
    ],
)
def test_urlencoded_pairs_are_decoded(body, fields):
    assert outcome(body, URLENCODED) == fields
    assert outcome(body, URLENCODED, [body[i : i + 1] for i in range(len(body))]) == fields


@pytest.mark.parametrize(
    ('parameter', 'body', 'fields'),
    [
        ('charset=utf-8', b'a=%C3%A9', {'a': ['é']}),
        ('charset="UTF-8"', b'a=%C3%A9', {'a': ['é']}),
        ('CHARSET = latin1', b'a=%E9', {'a': ['é']}),
        ('x="; charset=utf-7"; charset=latin1', b'a=%E9', {'a': ['é']}),
        ('charset=latin1; charset=utf-7', b'a=%E9', {'a': ['é']}),
        ('charset=windows-1251', b'%E8%EC%FF=%C8%E2%E0%ED', {'имя': ['Иван']}),
        ('charset=euc-kr', b'a=%C7%D1%B1%DB', {'a': ['한글']}),
        ('charset=Shift_JIS', b'a=%93%FA%96%7B', {'a': ['日本']}),
        ('charset=iso-2022-jp', b'a=%1B%24BF%7CK%5C%1B%28B', {'a': ['日本']}),
        ('charset=us-ascii', b'a=%E9', 400),
        ('charset=', b'a=%C3%A9', {'a': ['é']}),
        ('charset=utf-7', b'a=1', 400),
        ('charset=idna', b'a=1', 400),
        ('charset=iso-2022-kr', b'a=1', 400),
        ('charset=nonsense', b'a=1', 400),
        ('x', b'_charset_=latin1&a=%E9', 400),
    ],
)
def test_urlencoded_pairs_are_in_the_charset_of_the_content_type(parameter, body, fields):
    assert outcome(body, f'{URLENCODED}; {parameter}') == fields
    assert outcome(body, f'{URLENCODED}; {parameter}', [body[i : i + 1] for i in range(len(body))]) == fields


@pytest.mark.parametrize('rest', [b'', b'%', b'%4', b'%zz', b'\\', b'\\x41', b'\\%41'])
@pytest.mark.parametrize('escapes', [1, 70_000])
def test_what_is_no_escape_stands_for_itself_as_long_as_there_are_not_many(rest, escapes):
    body = b'a=' + b'%41' * escapes + rest
    told = {'a': ['A' * escapes + rest.decode().replace('%41', 'A')]}
    assert outcome(body, URLENCODED) == (told if escapes == 1 or not rest else 400)


# multipart


def test_texts_are_str_and_files_have_name_type_size_and_content():
    def use(form):
        photo = form['photo']
        assert isinstance(photo, File)
        assert (photo.filename, photo.safe_name, photo.size) == ('cat.png', 'cat.png', 6)
        assert photo.content == photo.content == b'\x89PNG\r\n'
        assert (photo.file.seek(1), photo.file.read(3)) == (1, b'PNG')
        return form['name'], photo.content_type

    body = multipart(text('name', 'Zoë'.encode()), upload('photo', b'\x89PNG\r\n', 'cat.png', 'image/png; q="1"'))
    assert read(body, use=use) == read(b'', chunks=[body[:50], body[50:]], use=use) == ('Zoë', 'image/png; q="1"')


@pytest.mark.parametrize(
    ('part', 'fields'),
    [
        (text('a', b'1'), {'a': ['1']}),
        (text('a', b''), {'a': ['']}),
        (text('', b'1'), {'': ['1']}),
        (text('a', b'\r\n\r\n'), {'a': ['\r\n\r\n']}),
        (text('a', b'x--B'), {'a': ['x--B']}),
        (text('a', b'--C'), {'a': ['--C']}),
        (text('a', b'--B'), 400),
        (text('a', b'--Bx'), 400),
        (text('a', b'\r\n--C'), {'a': ['\r\n--C']}),
        (text('a', b'\r\n-'), {'a': ['\r\n-']}),
        (text('é', 'ü'.encode()), {'é': ['ü']}),
        (text('a%22b%0D%0A', b'1'), {'a"b\r\n': ['1']}),
        (text('a', b'1', 'X-Other: 2', 'Content-Length: 1'), {'a': ['1']}),
        (head('content-disposition:form-data;name=a') + b'1', {'a': ['1']}),
        (head('CONTENT-DISPOSITION: FORM-DATA; NAME=a') + b'1', {'a': ['1']}),
        (head('Content-Disposition: form-data; size=1; name = "a"; x') + b'1', {'a': ['1']}),
        (upload('a', b'1', 'x'), {'a': [('x', 'text/plain', b'1')]}),
        (upload('a', b'1', '../x'), {'a': [('../x', 'text/plain', b'1')]}),
        (upload('a', b'1', 'C:\\temp\\a.pdf'), {'a': [('C:\\temp\\a.pdf', 'text/plain', b'1')]}),
        (upload('a', b'1', '\\\\srv\\x\\a.pdf'), {'a': [('\\\\srv\\x\\a.pdf', 'text/plain', b'1')]}),
        (upload('a', b'1', 'C:\\a%22b%0D%0A%25.pdf'), {'a': [('C:\\a"b\r\n%25.pdf', 'text/plain', b'1')]}),
        (upload('a', b'1', 'a\\"b\\\\c'), {'a': [('a"b\\c', 'text/plain', b'1')]}),
        (upload('a', b'1', 'a\\'), {'a': [('a\\', 'text/plain', b'1')]}),
        (upload('a\\', b'1', 'C:\\b'), {'a\\': [('b', 'text/plain', b'1')]}),
        (
            head('content-disposition: form-data; filename="C:\\temp\\a.pdf"; name=a') + b'1',
            {'a': [('C:\\temp\\a.pdf', 'application/octet-stream', b'1')]},
        ),
        (upload('a', b'1', 'x', 'IMAGE/png; q=1'), {'a': [('x', 'IMAGE/png; q=1', b'1')]}),
        (text('a', b'{}', 'Content-Type: application/json'), {'a': [('', 'application/json', b'{}')]}),
        (text('a', b'\xff', 'Content-Type: image/png'), {'a': [('', 'image/png', b'\xff')]}),
        (text('a', b'x', 'Content-Type: text/csv'), {'a': ['x']}),
        (text('a', b'x', 'Content-Type: TEXT/plain'), {'a': ['x']}),
        (head('Content-Disposition: form-data; name=a; filename=x'), {'a': [('x', 'application/octet-stream', b'')]}),
        (head('Content-Disposition: form-data; name="a"; filename*=UTF-8\'\'x') + b'1', {'a': ['1']}),
        (
            head('Content-Disposition: form-data; name="a"; filename="y"; filename*=UTF-8\'\'x') + b'1',
            {'a': [('y', 'application/octet-stream', b'1')]},
        ),
        (text('a', b'\xe9', 'Content-Type: text/plain; charset=ISO-8859-1'), {'a': ['é']}),
        (text('a', b'\xe9', 'Content-Type: text/plain; charset="iso-8859-1"'), {'a': ['é']}),
        (text('a', b'\x1b$BF|K\\\x1b(B', 'Content-Type: text/plain; charset=ISO-2022-JP'), {'a': ['日本']}),
        (text('a', b'\xc7\xd1\xb1\xdb', 'Content-Type: text/plain;charset=euc-kr'), {'a': ['한글']}),
        (text('a', '日'.encode('utf-16'), 'Content-Type: text/plain; charset=utf-16'), {'a': ['日']}),
        (text('a', b'\xff', 'Content-Type: text/html; charset=windows-1251'), {'a': ['я']}),
        (text('a', b'\xe9'), 400),
        (text('a', b'\xe9', 'Content-Type: text/plain; charset=us-ascii'), 400),
        (text('a', b'a', 'Content-Type: text/plain; charset=iso-2022-kr'), 400),
        (text('a', b'a', 'Content-Type: text/plain; charset=hz-gb-2312'), 400),
        (text('a', b'a', 'Content-Type: text/plain; charset=replacement'), 400),
        (text('a', b'a', 'Content-Type: text/plain; charset=idna'), 400),
        (text('a', b'a', 'Content-Type: text/plain; charset=rot13'), 400),
        (text('a', b'a', 'Content-Type: text/plain; charset=nonsense'), 400),
        (head('Content-Type: text/plain') + b'1', 400),
        (head('Content-Disposition: form-data') + b'1', 400),
        (head('Content-Disposition: form-data; filename="x"') + b'1', 400),
        (head('Content-Disposition: attachment; name="a"') + b'1', 400),
        (head('Content-Disposition: form-data; name="a"', ' ; filename="x"') + b'1', 400),
        (text('a', b'1', 'no colon'), 400),
        (text('a', b'1', 'Bad Name: x'), 400),
        (text('a', b'1', ': x'), 400),
        (text('a', b'1', 'X: \0'), 400),
        (text('a', b'1', 'X: a\nb'), 400),
        (text('a', b'1', 'X: a\rb'), 400),
        (text('a', b'1').replace(b'\r\n', b'\n'), 400),
        (text('a\xff', b'1').replace(b'\xc3\xbf', b'\xff'), 400),
        (text('a', b'1', 'Content-Length: 2'), 400),
        (text('a', b'11', 'Content-Length: 1'), 400),
        (text('a', b'1', 'Content-Length: -1'), 400),
        (text('a', b'1', 'Content-Length: ١'), 400),
    ],
)
def test_a_part_is_read_by_rfc_7578(part, fields):
    assert outcome(multipart(part)) == fields


@pytest.mark.parametrize(
    'boundary', ['B', '-', '--', '-' * 70, 'b' * 70, "'()+_,-./:=?", 'a b', '----WebKitFormBoundaryA1']
)
def test_a_boundary_is_any_that_rfc_2046_allows(boundary):
    body = multipart(text('a', b'1'), upload('b', b'\r\n-\r\n--'), boundary=boundary.encode())
    assert outcome(body, f'multipart/form-data; boundary="{boundary}"') == {
        'a': ['1'],
        'b': [('a.txt', 'text/plain', b'\r\n-\r\n--')],
    }


@pytest.mark.parametrize(
    'parameter',
    [
        '',
        'boundary',
        'boundary=',
        'boundary=""',
        'boundary=' + 'b' * 71,
        'boundary="B "',
        'boundary="a\nb"',
        'xboundary=B',
    ]
    + ['boundary="é"', 'boundary="\0"', 'boundary="' + 'a' * 10000 + '"', 'charset=utf-8', 'boundary="B'],
)
def test_a_boundary_that_is_none_is_a_400(parameter):
    assert outcome(multipart(text('a', b'1')), f'multipart/form-data; {parameter}') == 400


@pytest.mark.parametrize(
    'before', [b'', b'\r\n', b'Preamble\r\n', b'--\r\n', b'-\r\n--A\r\n', b'x--B\r\n\r\n', b'\r\n' * 9]
)
@pytest.mark.parametrize('after', [b'', b'\r\n', b'--', b'Epilogue', b'\r\n--B\r\n', b'\0' * 99])
def test_what_stands_before_the_first_and_after_the_last_boundary_is_dropped(before, after):
    body = before + multipart(text('a', b'1'))[:-2] + after
    assert outcome(body) == {'a': ['1']}


BARE = head('Content-Disposition: form-data; name="role"')  # with nothing after the headers, not even an empty line


@pytest.mark.parametrize(
    ('body', 'fields'),
    [
        (multipart(BARE[:-2], text('a', b'1')), {'role': [''], 'a': ['1']}),
        (multipart(text('a', b'1'), BARE[:-2]), {'a': ['1'], 'role': ['']}),
        (multipart(BARE[:-2], BARE[:-2]), {'role': ['', '']}),
        (multipart(BARE[:-2], upload('b', b'2', 'x')), {'role': [''], 'b': [('x', 'text/plain', b'2')]}),
        (multipart(upload('b', b'', 'x')[:-2]), {'b': [('x', 'text/plain', b'')]}),
        (multipart(BARE), {'role': ['']}),
        (multipart(BARE[:-4], text('a', b'1')), 400),
        (multipart(b'', text('a', b'1')), 400),
        (multipart(BARE[:-2], b''), 400),
        (multipart(BARE[:-2] + b'X', text('a', b'1')), 400),
    ],
)
def test_a_part_without_a_body_never_swallows_the_next(body, fields):
    assert outcome(body) == fields
    assert outcome(body, chunks=[body[i : i + 1] for i in range(len(body))]) == fields
    for cut in range(len(body)):
        assert outcome(body, chunks=[body[:cut], body[cut:]]) == fields


@pytest.mark.parametrize('padding', [b' ', b'\t', b' \t' * 300])
def test_a_boundary_may_be_followed_by_white_space(padding):
    sound = multipart(text('a', b'1'), upload('b', b'2', 'x'))
    body = sound.replace(b'--B\r\n', b'--B' + padding + b'\r\n').replace(b'--B--', b'--B--' + padding)
    assert outcome(body) == outcome(sound) == {'a': ['1'], 'b': [('x', 'text/plain', b'2')]}
    assert outcome(body, chunks=[body[i : i + 1] for i in range(len(body))]) == outcome(sound)


@pytest.mark.parametrize('padding', [b'x', b' x', b'\n', b'\r', b'\x0b', b' --', b'-', b' ' * 10_000])
def test_a_boundary_is_followed_by_nothing_else(padding):
    body = multipart(text('a', b'1'), text('b', b'2'))
    for count in 1, 2:
        assert outcome(body.replace(b'--B\r\n', b'--B' + padding + b'\r\n', count)) == 400


BODIES = [
    multipart(text('a', b'1'), upload('b', b'\r\n--\r\n--A\r', 'x'), text('c', 'é'.encode())),
    b'x--B\r\nPre\r\n' + multipart(text('a', b'1')) + b'--B--Epilogue\r\n',
    multipart(upload('b', b'', ''), boundary=b'B'),
    b'x--B\r\n\r\n--By\r\n',
    multipart(text('a', b'1', 'X: a\nb')),
    multipart(text('a', b'1', 'X: a', ' b')),
    multipart(text('a', b'\r\n--BB')),
    multipart(head('Content-Disposition: form-data') + b'1') + multipart(),
]


@pytest.mark.parametrize('body', BODIES)
def test_however_a_body_is_cut_it_gives_the_same_form(body):
    whole = outcome(body)
    assert outcome(body, chunks=[body[i : i + 1] for i in range(len(body))]) == whole
    for cut in range(len(body) + 1):
        assert outcome(body, chunks=[body[:cut], body[cut:]]) == whole
        assert (
            outcome(body, chunks=[body[:cut], body[cut : cut + 1], body[cut + 1 : cut + 4], body[cut + 4 :]]) == whole
        )


def test_every_truncation_of_a_multipart_body_is_a_400():
    body = multipart(text('a', b'1'), upload('b', b'\r\n--\r\n'), text('c'))
    assert {outcome(body[:size]) for size in range(len(body) - 2)} == {400}
    assert outcome(body[:-2]) == outcome(body) != 400


# files


def test_the_file_of_an_input_left_empty_is_false():
    def truth(form):
        return bool(form['a'])

    assert not read(multipart(upload('a', b'', '')), use=truth)
    assert read(multipart(upload('a', b'', 'x')), use=truth) and read(multipart(upload('a', b'1', '')), use=truth)


@pytest.mark.parametrize(
    ('filename', 'safe'),
    [
        ('report.pdf', 'report.pdf'),
        ('Übersicht 1.pdf', 'Übersicht 1.pdf'),
        ('हिन्दी.txt', 'हिन्दी.txt'),
        ('../../etc/passwd', 'passwd'),
        ('..\\..\\boot.ini', 'boot.ini'),
        ('C:\\temp\\a.txt', 'a.txt'),
        ('C:a.txt', 'C_a.txt'),
        ('\\\\server\\share\\a.txt', 'a.txt'),
        ('/etc/', 'file'),
        ('', 'file'),
        ('.', 'file'),
        ('..', 'file'),
        ('...', 'file'),
        ('.htaccess', 'htaccess'),
        ('a.txt. .', 'a.txt'),
        ('a\0.txt', 'a_.txt'),
        ('a\r\nb', 'a__b'),
        ('a\u202etxt.exe', 'a_txt.exe'),
        ('<a>:"|?*', '_a______'),
        ('CON', '_CON'),
        ('nul.txt', '_nul.txt'),
        ('com1 .txt', '_com1 .txt'),
        ('lpt².tar.gz', '_lpt².tar.gz'),
        ('console', 'console'),
        ('a.txt:stream', 'a.txt_stream'),
        ('x' * 5000 + '.pdf', 'x' * 251 + '.pdf'),
        ('é' * 5000 + '.pdf', 'é' * 125 + '.pdf'),
        ('a.' + 'x' * 5000, 'a.' + 'x' * 31),
        ('x' * 254 + ' bbbbb', 'x' * 254),
        ('x' * 254 + '.' * 9 + 'b', 'x' * 253 + '.b'),
        ('é' * 127 + ' ' * 9 + 'b', 'é' * 127),
        ('a.' + 'b' * 30 + ' c', 'a.' + 'b' * 30),
        ('a.' + 'b' * 40 + '.' + ' ' * 40 + 'c', 'a.' + 'b' * 31),
        ('CON' + ' ' * 300 + '.txt', '_CON' + ' ' * 247 + '.txt'),
        ('CON' + ' ' * 300 + 'x.txt', '_CON' + ' ' * 247 + '.txt'),
        ('CON.' + ' ' * 300 + 'x', '_CON'),
    ],
)
def test_a_safe_name_is_one_name_on_every_system(filename, safe):
    file = File(filename, 'text/plain')
    assert file.safe_name == safe
    assert len(safe.encode()) <= 255 and File(safe, '').safe_name == safe


def test_whatever_a_name_is_cut_to_it_is_a_safe_name():
    random = Random(5)
    for _ in range(2000):
        pieces = random.choices(['a', 'é', '.', ' ', 'CON', 'nul', ':', '. ', '_'], k=random.randrange(1, 7))
        safe = File(''.join(piece * random.choice([1, 1, 2, 30, 31, 126, 253]) for piece in pieces)).safe_name
        assert File(safe).safe_name == safe == safe.strip('. ') and 0 < len(safe.encode()) <= 255


def save(path, filename='a.txt', content=b'content'):
    def use(form):
        form['a'].file.read(2)
        return form['a'].save(path)

    return read(multipart(upload('a', content, filename)), use=use)


def test_a_file_is_saved_under_a_path_or_by_its_safe_name_in_a_folder(tmp_path):
    assert save(tmp_path / 'b.txt') == tmp_path / 'b.txt'
    assert save(str(tmp_path), '../c.txt') == tmp_path / 'c.txt'
    assert save(tmp_path, '') == tmp_path / 'file'
    (tmp_path / 'with').mkdir()
    assert save(tmp_path / 'with' / '..' / 'd.txt', 'x').read_bytes() == b'content'
    for name in ('b.txt', 'c.txt', 'file', 'd.txt'):
        assert (tmp_path / name).read_bytes() == b'content'


@pytest.mark.parametrize(
    'filename', ['../out.txt', '{}/out.txt', '..', '../..', 'in/../../out.txt', 'x' * 5000, './/../out.txt']
)
def test_a_file_joined_to_a_folder_by_its_sent_name_never_leaves_it(filename, tmp_path):
    folder = tmp_path / 'uploads'
    (folder / 'in').mkdir(parents=True)
    filename = filename.format(tmp_path)
    glued = [f'{folder}/7-{filename}'] if '/../' in filename else []
    for path in folder / filename, f'{folder}/{filename}', str(folder / filename), *glued:
        with pytest.raises(ClientError, match='cannot be used as a path'):
            save(path, filename)
    assert [path.name for path in tmp_path.rglob('*')] == ['uploads', 'in']


@pytest.mark.parametrize(
    'filename',
    ['./a.txt', '/a.txt', '//a.txt', './/b', '/./b', '../../etc/passwd', '/etc/passwd', 'in/a.txt', 'a/../b', 'x/..']
    + ['C:\\temp\\a.pdf', '..\\b', 'a.txt. .', 'CON', '.htaccess', 'a:b', 'x' * 200 + '.']
    + ['', '.', '..', '/', '../', 'x/'],
)
def test_a_file_is_saved_under_its_safe_name_whatever_the_name_that_was_sent(filename, tmp_path):
    safe = File(filename).safe_name
    for path in tmp_path / safe, f'{tmp_path}/{safe}', tmp_path / f'7-{safe}', tmp_path / 'mine.pdf':
        assert save(path, filename) == Path(path) and Path(path).read_bytes() == b'content'
    assert save(tmp_path, filename) == tmp_path / safe


@pytest.mark.parametrize('filename', ['../x.txt', '../../x.txt', 'in/../../x.txt', './../x.txt'])
def test_a_name_that_leads_out_saves_into_a_folder_or_under_another_name_only(filename, tmp_path):
    assert save(tmp_path, filename) == tmp_path / 'x.txt'
    assert save(tmp_path / 'mine.pdf', filename) == tmp_path / 'mine.pdf'
    assert save(tmp_path / '7-x.txt', filename) == tmp_path / '7-x.txt'
    with pytest.raises(ClientError, match='cannot be used as a path'):
        save(tmp_path / 'x.txt', filename)


def test_a_path_with_dots_of_its_own_is_no_harm_whatever_the_name_that_was_sent(tmp_path):
    (tmp_path / 'in').mkdir()
    for filename in '../x.txt', '../../x.txt', 'in/../x.txt':
        assert save(f'{tmp_path}/in/../mine.pdf', filename).read_bytes() == b'content'


NAMES = [
    '/'.join(parts) for size in (1, 2, 3) for parts in product(('', '.', '..', '.in', 'a', 'a.', 'b\\c'), repeat=size)
]


def test_a_file_joined_to_a_folder_by_any_name_is_refused_or_lands_there_under_its_safe_name(tmp_path):
    folder = tmp_path / 'out' / 'uploads'
    (folder / '.in').mkdir(parents=True)

    async def lands(path, filename):
        try:
            return (await File(filename).save(path)).resolve()
        except ClientError:
            return None
        except OSError:  # there is no such folder
            return folder / 'none'

    async def run():
        for name in NAMES:
            joined = os.path.join(folder, name)
            resolved = os.path.abspath(joined)
            if set(Path(os.path.normpath(name)).parts) == {'..'}:  # a folder above this one, and no name of a file
                resolved = joined
            for path in folder / name, f'{folder}/{name}', joined, resolved:
                assert await lands(path, name) in (None, folder / File(name).safe_name), name
            for path in f'{folder}/7-{name}', f'{folder}/{name}.bak':
                landed = await lands(path, name)
                assert landed is None or landed.is_relative_to(folder), name

    asyncio.run(run())
    assert [path.name for path in tmp_path.iterdir()] == ['out']


@pytest.mark.parametrize(
    'filename',
    ['../out.txt', '../../out.txt', '../../etc/passwd', '{}/out.txt', '/etc/passwd', 'in/../../out.txt', '../.htaccess']
    + ['../out', './../in/a', '../uploads.txt'],
)
def test_a_path_that_was_made_absolute_is_refused_if_the_sent_name_leads_elsewhere(filename, tmp_path):
    folder = tmp_path / 'a' / 'b' / 'uploads'
    (folder / 'in').mkdir(parents=True)
    before = sorted(tmp_path.rglob('*'))
    filename = filename.format(tmp_path)
    for path in os.path.abspath(os.path.join(folder, filename)), (folder / filename).resolve():
        with pytest.raises(ClientError, match='cannot be used as a path'):
            save(path, filename)
    assert sorted(tmp_path.rglob('*')) == before


@pytest.mark.parametrize('filename', ['x/..', './x/..', 'x/y/../..', '.', ''])
def test_a_name_that_leads_back_to_its_folder_is_saved_in_there(filename, tmp_path):
    folder = tmp_path / 'uploads'
    folder.mkdir()
    assert save(os.path.abspath(os.path.join(folder, filename)), filename) == folder / 'file'
    assert [path.name for path in tmp_path.rglob('*')] == ['uploads', 'file']


class FullDisk(BytesIO):
    """A file that fails after its first bytes, as copying one does when the disk is full."""

    def read(self, size=-1):
        if self.tell():
            raise OSError(errno.ENOSPC, 'No space left on device')
        return super().read(10)


def test_a_copy_that_fails_leaves_nothing_behind_and_what_was_there(tmp_path):
    (tmp_path / 'old.txt').write_bytes(b'old')
    file = File('a.txt', 'text/plain', FullDisk(b'new' * 100), 300)
    for path in tmp_path / 'old.txt', tmp_path / 'new.txt', tmp_path:
        with pytest.raises(OSError, match='No space left'):
            asyncio.run(file.save(path))
    assert [path.name for path in tmp_path.iterdir()] == ['old.txt']
    assert (tmp_path / 'old.txt').read_bytes() == b'old'


def test_a_copy_takes_the_place_of_what_was_there(tmp_path):
    (tmp_path / 'a.txt').write_bytes(b'old' * 1000)
    assert save(tmp_path / 'a.txt', 'x.pdf').read_bytes() == b'content'
    assert save(tmp_path, 'a.txt', b'new').read_bytes() == b'new'
    assert [path.name for path in tmp_path.iterdir()] == ['a.txt']


def test_a_copy_may_be_read_by_whoever_may_read_other_new_files(tmp_path):
    (tmp_path / 'other').write_bytes(b'')
    assert save(tmp_path / 'a.txt', 'x').stat().st_mode == (tmp_path / 'other').stat().st_mode


def test_a_path_that_could_be_made_of_the_sent_name_is_refused(tmp_path):
    (tmp_path / 'uploads').mkdir()
    with pytest.raises(ClientError, match='cannot be used as a path'):
        save(tmp_path / 'uploads' / 'a.txt', 'uploads/a.txt')


def test_a_file_saved_in_a_folder_follows_no_link_and_no_folder(tmp_path):
    folder = tmp_path / 'uploads'
    (folder / 'sub').mkdir(parents=True)
    (tmp_path / 'out.txt').write_bytes(b'mine')
    (folder / 'link').symlink_to(tmp_path / 'out.txt')
    for name in ('link', 'sub'):
        with pytest.raises(ClientError):
            save(folder, name)
    assert (tmp_path / 'out.txt').read_bytes() == b'mine' and not list((folder / 'sub').iterdir())


def test_multipart_without_its_parser_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, 'multipart', None)
    app, seen = App(), []

    async def handler(req, res, ctx):
        try:
            seen.append((await req.form)['a'])
        except MissingPackage as error:
            seen.append(str(error))

    app.POST('/', handler)
    ask(app, 'POST', body=multipart(text('a', b'1')), headers={'content-type': MULTIPART})
    ask(app, 'POST', body=b'a=1', headers={'content-type': URLENCODED})
    assert "pip install 'heaven-core[forms]'" in seen[0] and seen[1] == '1'

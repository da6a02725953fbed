"""Forms that mean harm: each class gets its status, at a cost that is linear in what was sent and small."""

import asyncio
import re
from random import Random

import pytest
from asks import ask
from costs import passes, ratio
from driver import Exchange
from heaven import App
from parts import MULTIPART, URLENCODED, head, multipart, outcome, read, text, upload
from rounds import ROUNDS

MIB = 2**20
TEN = 10 * MIB


def status(body, content_type=MULTIPART, chunks=None):
    """200, or the status that refuses a body."""
    result = outcome(body, content_type, chunks)
    return result if isinstance(result, int) else 200


# limits


@pytest.mark.parametrize(
    ('fields', 'files', 'expected'),
    [(1000, 0, 200), (1001, 0, 413), (0, 100, 200), (0, 101, 413)]
    + [(1000, 100, 200), (1001, 100, 413), (1, 101, 413), (100_000, 0, 413)],
)
def test_a_form_has_1000_fields_and_100_files_at_most(fields, files, expected):
    body = multipart(*[upload('f', b'1')] * files, *[text('t', b'1')] * fields)
    assert status(body) == expected
    if not files:
        assert status(b'&'.join([b'a=1'] * fields), URLENCODED) == expected


@pytest.mark.parametrize(('size', 'expected'), [(MIB, 200), (MIB + 1, 413), (20 * MIB, 413)])
def test_a_text_has_one_mebibyte_as_received_and_a_file_does_not_care(size, expected):
    large = b'a' * size
    assert status(multipart(text('a', large))) == expected
    assert status(multipart(text('b', b'1'), text('a', large), text('c', b'1'))) == expected
    assert status(multipart(upload('a', large))) == 200
    for pair in (b'a=%b', b'%b=a', b'%b', b'x=1&a=%b&y=2'):
        assert status(pair % large, URLENCODED) == expected
    assert status(b'a=' + b'%41' * (size // 3) + b'a' * (size % 3), URLENCODED) == expected


@pytest.mark.parametrize(
    ('lines', 'expected'),
    [
        (['X: y'] * 5, [200]),
        (['X: y'] * 100_000, [400, 413]),
        (['X: ' + 'y' * 1000], [200]),
        (['X: ' + 'y' * 8_000_000], [400, 413]),
        (['X: y', ' folded'], [400]),
        (['X: y'] + [' y'] * 100_000, [400, 413]),
        (['Y' * 8_000_000], [400, 413]),
    ],
    ids=range(7),
)
def test_the_headers_of_a_part_are_read_or_refused(lines, expected):
    for body in (
        multipart(head('Content-Disposition: form-data; name="a"', 'Content-Type: text/plain', *lines[:-1], lines[-1])),
        multipart(head(*lines, 'Content-Disposition: form-data; name="a"', 'Content-Type: text/plain')),
    ):
        assert status(body) in expected
        assert status(body, chunks=[body[i : i + 10_000] for i in range(0, len(body), 10_000)]) in expected


def test_a_form_with_all_its_fields_and_files_is_read_whatever_they_are_called():
    texts = [
        text(f'patients[{n}][address][street]', b'x', 'Content-Type: text/plain; charset=utf-8') for n in range(1000)
    ]
    files = [
        upload(f'patients[{n}][photo]', b'x', f'a photo with a rather long name, the {n}th.jpeg') for n in range(100)
    ]
    for parts in (
        [*texts, *files],
        [part.replace(b'\r\n\r\n', b'\r\nContent-Length: 1\r\n\r\n') for part in texts + files],
    ):
        assert status(multipart(*parts)) == 200


def test_a_line_of_headers_that_never_ends_is_refused_before_it_does():
    assert outcome(b'--B\r\n' + b'Y' * 9_000_000) in (400, 413)


class Source(Exchange):
    """A client that makes the chunks of its body as they are asked for, and counts what was taken."""

    def __init__(self, app, pieces, **options):
        super().__init__(app, 'POST', '/', body=None, **options)
        self.pieces, self.taken = pieces, 0

    async def receive(self):
        chunk = next(self.pieces, b'')
        self.taken += len(chunk)
        return {'type': 'http.request', 'body': chunk, 'more_body': bool(chunk)}


def chunks_of(*pieces, size=64 * 1024):
    """Chunks of one size, made of (piece, times) as they are asked for."""
    for piece, times in pieces:
        per = min(max(size // len(piece), 1), times)
        for _ in range(0, times, per):
            yield piece * per


FIELD = b'--B\r\n' + text('a', b'1') + b'\r\n'
EMPTY = b'--B\r\n' + upload('a', b'1') + b'\r\n'


@pytest.mark.parametrize(
    ('kind', 'pieces', 'expected', 'within'),
    [
        (MULTIPART, [(b'--B\r\n' + text('a'), 1), (b'a', 100 * MIB)], 413, 2 * MIB),
        (MULTIPART, [(FIELD, 10_000_000)], 413, MIB),
        (MULTIPART, [(EMPTY, 10_000_000)], 413, MIB),
        (MULTIPART, [(b'--B\r\n\r\n', 1), (b'a', 100 * MIB)], 400, MIB),
        (MULTIPART, [(b'--Bx', 1), (b'a', 100 * MIB)], 400, MIB),
        (URLENCODED, [(b'&', 100 * MIB)], 413, MIB),
        (URLENCODED, [(b'a=1&', 100 * MIB)], 413, MIB),
        (URLENCODED, [(b'a', 100 * MIB)], 413, 3 * MIB),
        (URLENCODED, [(b'a=', 1), (b'%41', 100 * MIB)], 413, 3 * MIB),
    ],
)
def test_a_limit_that_was_passed_ends_the_reading(kind, pieces, expected, within):
    async def handler(req, res, ctx):
        await req.form

    async def run():
        app = App()
        app.POST('/', handler, stream=True)
        source = Source(app, chunks_of(*pieces), headers={'content-type': kind})
        return await source.reply(), source.taken

    reply, taken = asyncio.run(run())
    assert reply.status == expected and taken <= within + 8 * MIB  # what is dropped before the answer ends


@pytest.mark.parametrize('charset', ['utf-7', 'UTF-7', 'utf7', 'unicode-1-1-utf-7', 'u7', 'utf_7'])
@pytest.mark.parametrize('value', [b'+2AA-', b'+3AA-', b'a+2AA-a'])
def test_a_text_in_utf_7_that_holds_half_a_character_is_a_400(charset, value):
    body = multipart(text('a', value, f'Content-Type: text/plain; charset={charset}'))

    def handler(req, res, ctx):
        res.body = req.form['a']

    assert ask(handler, 'POST', body=body, headers={'content-type': MULTIPART}).status == 400


# cost

DENSE = b'\r\n--\r\n-\r\r\n'
NEAR = b'\r\n--' + b'-' * 69
DASHES = f'multipart/form-data; boundary={"-" * 70}'
COSTS = {
    'a file of line ends': lambda n: (MULTIPART, [multipart(upload('a', b'\r\n' * n))]),
    'a file that is nearly boundaries': lambda n: (MULTIPART, [multipart(upload('a', DENSE * (n // 5)))]),
    'a file of nearly the longest boundary': lambda n: (
        DASHES,
        [multipart(upload('a', NEAR * (n // 40)), boundary=b'-' * 70)],
    ),
    'carriage returns': lambda n: (MULTIPART, [multipart(upload('a', b'\r' * 2 * n))]),
    'much before the first boundary': lambda n: (MULTIPART, [b'\r\n' * n + multipart(text('a'))]),
    'near boundaries before the first': lambda n: (MULTIPART, [DENSE * (n // 5) + multipart(text('a'))]),
    'much after the last boundary': lambda n: (MULTIPART, [multipart(text('a')) + b'--B\r\n' * (n // 3)]),
    'much after it in pieces': lambda n: (MULTIPART, [multipart(text('a')), *[b'--B\r\n' * 100] * (n // 300)]),
    'a file in small pieces': lambda n: (
        MULTIPART,
        [multipart(upload('a'))[:-9], *[b'\r\n' * 100] * (n // 100), b'\r\n--B--'],
    ),
    'many parts': lambda n: (MULTIPART, [multipart(*[text('a')] * (n // 30))]),
    'many pairs': lambda n: (URLENCODED, [b'a=1&' * (n // 2)]),
    'escapes': lambda n: (URLENCODED, [b'&'.join([b'a=' + b'%41' * (MIB // 3)] * (2 * n // MIB + 1))]),
    'escapes of other letters': lambda n: (URLENCODED, [b'&'.join([b'a=' + b'%C3%A9' * 1700] * (n // 5000))]),
    'escapes and equals signs': lambda n: (
        URLENCODED,
        [b'&'.join([b'a=' + b'=%41' * (MIB // 4)] * (2 * n // MIB))],
    ),
    'one escape among equals signs': lambda n: (
        URLENCODED,
        [b'&'.join([b'a=%41' + b'=' * (MIB - 3)] * (2 * n // MIB))],
    ),
    'percent signs': lambda n: (URLENCODED, [b'a=1&' + b'&'.join([b'a=' + b'%' * MIB] * (2 * n // MIB))]),
    'broken escapes': lambda n: (URLENCODED, [b'&'.join([b'%zz' * 3000] * (n // 5000))]),
    'broken escapes that are tolerated': lambda n: (
        URLENCODED,
        [b'a=' + b'%4z' * 2**16 + b'&' + b'&'.join([b'=' * MIB] * (2 * n // MIB))],
    ),
    'escapes and line ends': lambda n: (URLENCODED, [b'&'.join([b'a=' + b'%41\r\n' * 2000] * (n // 5000))]),
    'plus signs': lambda n: (URLENCODED, [b'&'.join([b'a=' + b'+' * MIB] * (2 * n // MIB + 1))]),
    'equals signs': lambda n: (URLENCODED, [b'&'.join([b'=' * MIB] * (2 * n // MIB + 1))]),
    'parameters': lambda n: ('multipart/form-data' + '; a=b' * (n // 50), [b'']),
    'spaces among parameters': lambda n: ('multipart/form-data' + ';' + ' ' * (n // 10) + 'boundary', [b'']),
    'open quotes': lambda n: ('multipart/form-data' + '; a="\\"' * (n // 50), [b'']),
    'semicolons': lambda n: ('multipart/form-data' + ';' * (n // 10), [b'']),
}


def work(make):
    def prepared(n):
        content_type, chunks = make(n)
        return lambda: status(b'', content_type, chunks)

    return prepared


@pytest.mark.parametrize('name', COSTS)
def test_the_cost_is_linear_in_what_was_sent(name):
    assert ratio(work(COSTS[name]), MIB // 2) < 30


@pytest.mark.parametrize('name', COSTS)
def test_ten_megabytes_cost_no_more_than_to_look_through_them_a_few_times(name):
    content_type, chunks = COSTS[name](5 * MIB)
    whole = [b''.join(chunks)[: 10 * MIB]]
    assert passes(lambda: work(lambda _: (content_type, whole))(0)) < 40


HEADS = {
    'parameters without a value': ['form-data; name="a"' + '; name' * 1340],
    'short parameters': ['form-data; name="a"' + '; a=b' * 1600],
    'short parameters that are quoted': ['form-data; name="a"' + '; n="a"' * 1150],
    'names': ['form-data' + '; name="%22"' * 700],
    'backslashes': ['form-data; name="' + '\\"' * 4000],
    'open quotes': ['form-data; name="a"' + '; a="\\"' * 1150],
    'quotes': ['form-data; name=' + '"' * 8000],
    'semicolons': ['form-data; name="a"' + ';' * 8000],
    'spaces': ['form-data; name=a' + ' ' * 8000 + 'x'],
    'a long name': ['form-data; name="' + 'a' * 8000 + '"'],
    'escapes': ['form-data; name="' + '%0A' * 2600 + '"'],
    'short lines': ['form-data; name="a"', *['X: y'] * 30],
    'long lines': ['form-data; name="a"', *['X: ' + 'y' * 250] * 30],
    'lines of spaces': ['form-data; name="a"', *['X: ' + ' ' * 250 + 'y'] * 30],
    'names of lines': ['form-data; name="a"', *['x-' * 125 + ': y'] * 30],
    'parameters of the type': ['form-data; name="a"', 'Content-Type: text/plain' + '; a=b' * 1600],
}


@pytest.mark.parametrize('name', HEADS)
def test_hostile_headers_in_each_of_a_thousand_parts_cost_no_more_than_ten_megabytes_do(name):
    disposition, *lines = HEADS[name]
    body = multipart(*[head(f'Content-Disposition: {disposition}', *lines) + b'1'] * 1000)
    assert status(body) in (200, 400, 413)
    assert passes(lambda: lambda: status(body)) < 40


def test_headers_at_their_limit_in_every_part_cost_what_their_bytes_cost():
    def made(n):
        lines = ['Content-Disposition: form-data; name="a"', *['X: ' + 'y' * 200] * 31]
        body = multipart(*[head(*lines)] * n)
        return lambda: read(body)

    assert ratio(made, 4) < 30


PIECES = (
    rb"""
--B|--B--|--|B|Content-Disposition: form-data; name="a"|; filename="x"|Content-Type: text/plain; charset=utf-8|a
|:| |"|\|%22|Content-Length: 1|=|&|%41|+|
""".replace(b'\n', b'').split(b'|')
    + [b'\r\n', b'\r\n\r\n', b'\r', b'\0', b'\xff', b'\r\n--B\r\n', b'\r\n--B--']
)


@pytest.mark.parametrize('seed', range(20 * ROUNDS))
def test_whatever_the_bytes_a_form_is_read_or_refused_and_however_they_are_cut_it_is_the_same(seed):
    random = Random(seed)
    sound = multipart(text('a', b'1'), upload('b', b'xx\r\n--'))
    for _ in range(50):
        body = b''.join(random.choices(PIECES, k=random.randrange(25)))
        if random.random() < 0.8:
            at = random.randrange(len(sound))
            body = random.choice([sound[:at] + random.choice(PIECES) + sound[at:], b'--B\r\n' + body + b'\r\n--B--'])
        if re.search(rb'(?<!\r)\n', body):
            continue
        kind = random.choice([MULTIPART] * 9 + [URLENCODED])
        whole = outcome(body, kind)
        cut, other = sorted(random.randrange(len(body) + 1) for _ in range(2))
        assert outcome(body, kind, [body[:cut], body[cut:other], body[other:]]) == whole
        assert outcome(body, kind, [body[i : i + 1] for i in range(len(body))]) == whole

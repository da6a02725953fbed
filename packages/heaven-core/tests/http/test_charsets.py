"""Charsets: texts in any that browsers know, by a table that is fixed, and nothing but those."""

import codecs

import pytest
from asks import ask
from heaven import ClientError
from parts import URLENCODED, multipart, outcome, text

SAMPLES = {
    'utf-8': ['utf-8', 'UTF-8', 'utf8', 'unicode-1-1-utf-8', 'x-unicode20utf8'],
    'utf-16': ['utf-16', 'unicode', 'ucs-2', 'iso-10646-ucs-2'],
    'utf-16-le': ['utf-16le'],
    'utf-16-be': ['utf-16be', 'unicodefffe'],
    'iso8859-1': ['iso-8859-1', 'ISO_8859-1:1987', 'latin1', 'l1', 'iso88591', 'cp819'],
    'iso8859-2': ['iso-8859-2', 'latin2'],
    'iso8859-5': ['iso-8859-5', 'cyrillic'],
    'iso8859-7': ['iso-8859-7', 'greek', 'sun_eu_greek'],
    'iso8859-8': ['iso-8859-8', 'iso-8859-8-i', 'logical', 'visual'],
    'iso8859-9': ['iso-8859-9', 'latin5'],
    'iso8859-15': ['iso-8859-15', 'l9'],
    'iso8859-16': ['iso-8859-16'],
    'koi8-r': ['koi8-r', 'koi', 'koi8'],
    'koi8-u': ['koi8-u', 'koi8-ru'],
    'mac-roman': ['macintosh', 'x-mac-roman'],
    'mac-cyrillic': ['x-mac-cyrillic'],
    'cp866': ['ibm866', '866'],
    'cp874': ['windows-874'],
    'cp1250': ['windows-1250'],
    'cp1251': ['windows-1251', 'x-cp1251'],
    'cp1252': ['windows-1252', 'cp1252'],
    'cp1255': ['windows-1255'],
    'cp1256': ['windows-1256'],
    'cp1258': ['windows-1258'],
    'gb2312': ['gb2312', 'chinese'],
    'gbk': ['gbk', 'x-gbk'],
    'gb18030': ['gb18030'],
    'big5': ['big5', 'cn-big5'],
    'big5hkscs': ['big5-hkscs'],
    'euc_jp': ['euc-jp', 'x-euc-jp'],
    'iso2022_jp': ['iso-2022-jp', 'csiso2022jp'],
    'shift_jis': ['shift_jis', 'shift-jis', 'sjis', 'x-sjis'],
    'cp932': ['windows-31j', 'ms932'],
    'euc_kr': ['euc-kr', 'korean', 'ks_c_5601-1987'],
    'cp949': ['windows-949'],
}
LETTERS = 'aé€ßščяжλβשأกđ日本中文한글'
LABELS = [(label, codec) for codec, labels in SAMPLES.items() for label in labels]
REFUSED = (
    [
        'utf-7',
        'utf7',
        'unicode-1-1-utf-7',
        'utf-32',
        'utf_8',
        'u8',
        'utf-8-sig',
        'cp037',
        'cp437',
        'hz',
        'idna',
        'punycode',
    ]
    + ['rot13', 'base64', 'hex', 'zlib', 'undefined', 'unicode_escape', 'raw_unicode_escape', 'mbcs', 'oem', 'palmos']
    + ['hz-gb-2312', 'iso-2022-kr', 'csiso2022kr', 'iso-2022-cn', 'iso-2022-cn-ext', 'replacement', 'x-user-defined']
    + ['iso-8859-12', 'nonsense', '../utf-8', 'ütf-8', 'utf 8', '*', '0']
)


def sample(codec):
    """The letters that a codec has, as text and as bytes."""
    known = LETTERS.encode(codec, 'ignore').decode(codec)
    assert len(known) > 1
    return known, known.encode(codec)


def read_text(body, content_type):
    """What a handler gets of a body as text, or the status that refuses it."""

    def handler(req, res, ctx):
        res.body = req.text

    reply = ask(handler, 'POST', body=body, headers={'content-type': content_type})
    return reply.text if reply.status == 200 else reply.status


@pytest.mark.parametrize(('label', 'codec'), LABELS)
def test_a_text_is_read_in_any_charset_that_browsers_know(label, codec):
    known, data = sample(codec)
    for parameter in f'charset={label}', f'charset="{label.upper()}"', f'Charset = " {label}\t"':
        assert read_text(data, f'text/plain; {parameter}') == known
    assert outcome(multipart(text('a', data, f'Content-Type: text/plain; charset="{label}"'))) == {'a': [known]}
    name, value = (b''.join(b'%%%02X' % byte for byte in part) for part in ('a'.encode(codec), data))
    assert outcome(name + b'=' + value, f'{URLENCODED}; charset={label}') == {'a': [known]}


@pytest.mark.parametrize('label', REFUSED, ids=range(len(REFUSED)))
def test_any_other_charset_is_a_400(label):
    assert read_text(b'a', f'text/plain; charset="{label}"'.encode()) == 400
    assert outcome(multipart(text('a', b'a', f'Content-Type: text/plain; charset="{label}"'))) == 400
    assert outcome(b'a=a', f'{URLENCODED}; charset="{label}"'.encode()) == 400


def test_python_is_not_asked_for_the_charset_that_a_client_names():
    asked = []
    codecs.register(asked.append)
    try:
        for label in REFUSED:
            assert outcome(multipart(text('a', b'a', f'Content-Type: text/plain; charset="{label}"'))) == 400
            assert outcome(b'a=a', f'{URLENCODED}; charset="{label}"'.encode()) == 400
            assert read_text(b'a', f'text/plain; charset="{label}"'.encode()) == 400
    finally:
        codecs.unregister(asked.append)
    assert asked == []


@pytest.mark.parametrize(
    ('label', 'data'),
    [
        ('us-ascii', b'\xe9'),
        ('utf-8', b'\xff'),
        ('utf-8', b'\xed\xa0\x80'),
        ('utf-16le', b'\x00\xd8'),
        ('utf-16be', b'a'),
    ]
    + [
        ('iso-2022-jp', b'\x1b$B\xff'),
        ('euc-kr', b'\xc7'),
        ('shift_jis', b'\x80'),
        ('gb18030', b'\xff'),
        ('big5', b'\xff'),
    ]
    + [
        ('windows-1253', b'\xd2'),
        ('iso-8859-8', b'\xa1'),
        ('gbk', b'\x81'),
        ('euc-jp', b'\x8f'),
        ('iso-8859-3', b'\xa5'),
    ],
)
def test_bytes_that_are_no_text_in_their_charset_are_a_400(label, data):
    assert read_text(data, f'text/plain; charset={label}') == 400
    assert outcome(multipart(text('a', data, f'Content-Type: text/plain; charset={label}'))) == 400


def test_without_a_charset_a_text_is_utf_8():
    assert read_text('é'.encode(), 'text/plain') == read_text('é'.encode(), 'text/plain; charset=') == 'é'
    assert read_text(b'\xe9', 'text/plain') == 400


def test_no_charset_gives_half_a_character():
    from heaven._http.charsets import CODECS, decode_text

    for label in CODECS:
        for data in b'\xd8\x00', b'\x00\xd8', b'\xed\xa0\x80', b'\x83\x36\xc7\x36', b'+2AA-', b'\xff\xfe\x00\xd8':
            try:
                decode_text(data, label, 'it').encode()
            except ClientError:
                pass


def test_a_label_is_read_by_the_codec_of_that_name():
    from heaven._http.charsets import CODECS

    assert len(CODECS) == 221  # of the 228 labels; six are of the encoding `replacement`, one is x-user-defined
    for label, codec in CODECS.items():
        assert label == label.lower().strip()
        try:
            named = codecs.lookup(label).name
        except LookupError:
            continue
        assert codecs.lookup(codec).name == named

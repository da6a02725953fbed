"""The charsets that text from clients may be in: the labels of the WHATWG Encoding Standard (section 4.2).

A label is read by the Python codec of that name. Where Python has none, it is read by the codec of the other labels of
its encoding. Python itself is never asked for a name that a client sent: it knows codecs that are no charsets, such as
`idna`, and one that can hide anything, `utf-7`. Browsers refuse hz-gb-2312, iso-2022-kr, iso-2022-cn and replacement,
and x-user-defined is no charset of texts.
"""

from heaven.errors import ClientError

LABELS = {  # by codec
    'utf-8': 'unicode-1-1-utf-8 unicode11utf8 unicode20utf8 utf-8 utf8 x-unicode20utf8',
    'utf-16': 'csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff utf-16',
    'utf-16-be': 'unicodefffe utf-16be',
    'utf-16-le': 'utf-16le',
    # one byte a character
    'ascii': 'ansi_x3.4-1968 ascii us-ascii',
    'iso8859-1': 'cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 iso88591 iso_8859-1'
    ' iso_8859-1:1987 l1 latin1',
    'iso8859-2': 'csisolatin2 iso-8859-2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 iso_8859-2:1987 l2 latin2',
    'iso8859-3': 'csisolatin3 iso-8859-3 iso-ir-109 iso8859-3 iso88593 iso_8859-3 iso_8859-3:1988 l3 latin3',
    'iso8859-4': 'csisolatin4 iso-8859-4 iso-ir-110 iso8859-4 iso88594 iso_8859-4 iso_8859-4:1988 l4 latin4',
    'iso8859-5': 'csisolatincyrillic cyrillic iso-8859-5 iso-ir-144 iso8859-5 iso88595 iso_8859-5 iso_8859-5:1988',
    'iso8859-6': 'arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114 iso-8859-6 iso-8859-6-e'
    ' iso-8859-6-i iso-ir-127 iso8859-6 iso88596 iso_8859-6 iso_8859-6:1987',
    'iso8859-7': 'csisolatingreek ecma-118 elot_928 greek greek8 iso-8859-7 iso-ir-126 iso8859-7 iso88597 iso_8859-7'
    ' iso_8859-7:1987 sun_eu_greek',
    'iso8859-8': 'csiso88598e csiso88598i csisolatinhebrew hebrew iso-8859-8 iso-8859-8-e iso-8859-8-i iso-ir-138'
    ' iso8859-8 iso88598 iso_8859-8 iso_8859-8:1988 logical visual',
    'iso8859-9': 'csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 iso88599 iso_8859-9 iso_8859-9:1989 l5 latin5',
    'iso8859-10': 'csisolatin6 iso-8859-10 iso-ir-157 iso8859-10 iso885910 l6 latin6',
    'iso8859-11': 'iso-8859-11 iso8859-11 iso885911',
    'iso8859-13': 'iso-8859-13 iso8859-13 iso885913',
    'iso8859-14': 'iso-8859-14 iso8859-14 iso885914',
    'iso8859-15': 'csisolatin9 iso-8859-15 iso8859-15 iso885915 iso_8859-15 l9',
    'iso8859-16': 'iso-8859-16',
    'koi8-r': 'cskoi8r koi koi8 koi8-r koi8_r',
    'koi8-u': 'koi8-ru koi8-u',
    'mac-roman': 'csmacintosh mac macintosh x-mac-roman',
    'mac-cyrillic': 'x-mac-cyrillic x-mac-ukrainian',
    'tis-620': 'tis-620',
    'cp866': '866 cp866 csibm866 ibm866',
    'cp874': 'dos-874 windows-874',
    'cp1250': 'cp1250 windows-1250 x-cp1250',
    'cp1251': 'cp1251 windows-1251 x-cp1251',
    'cp1252': 'cp1252 windows-1252 x-cp1252',
    'cp1253': 'cp1253 windows-1253 x-cp1253',
    'cp1254': 'cp1254 windows-1254 x-cp1254',
    'cp1255': 'cp1255 windows-1255 x-cp1255',
    'cp1256': 'cp1256 windows-1256 x-cp1256',
    'cp1257': 'cp1257 windows-1257 x-cp1257',
    'cp1258': 'cp1258 windows-1258 x-cp1258',
    # Chinese, Japanese, Korean
    'gb2312': 'chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80 iso-ir-58',
    'gbk': 'gbk x-gbk',
    'gb18030': 'gb18030',
    'big5': 'big5 cn-big5 csbig5 x-x-big5',
    'big5hkscs': 'big5-hkscs',
    'euc_jp': 'cseucpkdfmtjapanese euc-jp x-euc-jp',
    'iso2022_jp': 'csiso2022jp iso-2022-jp',
    'shift_jis': 'csshiftjis shift-jis shift_jis sjis x-sjis',
    'cp932': 'ms932 ms_kanji windows-31j',
    'euc_kr': 'cseuckr csksc56011987 euc-kr iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601',
    'cp949': 'windows-949',
}

CODECS = {label: codec for codec, labels in LABELS.items() for label in labels.split()}


def decode_text(data: bytes, label: str | None, what: str) -> str:
    """Return bytes of a client as text; without a label of a charset they are UTF-8.

    ClientError, a 400 that begins with `what`, for a label that is not known and for bytes that are no such text.
    """
    codec: str | None = 'utf-8'
    if label:
        codec = CODECS.get(label.strip(' \t\n\f\r').lower())
    if codec is None:
        raise ClientError(f'{what} is in a charset that is not known: {label!r:.40}')
    try:
        return data.decode(codec)
    except UnicodeError:
        raise ClientError(f'{what} is not text in {codec}') from None

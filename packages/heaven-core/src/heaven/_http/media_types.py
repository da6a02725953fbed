"""Media types of files, by the suffixes of their names: the same on every machine and every Python."""

import os.path
from functools import cache

UNKNOWN = 'application/octet-stream'

# What the table of some Python lacks or names otherwise, by IANA's names where there is one.
ADDITIONS = {
    # text
    '.conf': 'text/plain',
    '.ics': 'text/calendar',
    '.ini': 'text/plain',
    '.js': 'text/javascript',
    '.log': 'text/plain',
    '.markdown': 'text/markdown',
    '.md': 'text/markdown',
    '.mjs': 'text/javascript',
    '.rst': 'text/x-rst',
    '.text': 'text/plain',
    '.vcf': 'text/vcard',
    # data
    '.atom': 'application/atom+xml',
    '.geojson': 'application/geo+json',
    '.gpx': 'application/gpx+xml',
    '.jsonld': 'application/ld+json',
    '.kml': 'application/vnd.google-earth.kml+xml',
    '.kmz': 'application/vnd.google-earth.kmz',
    '.map': 'application/json',
    '.rss': 'application/rss+xml',
    '.toml': 'application/toml',
    '.xhtml': 'application/xhtml+xml',
    '.xsd': 'application/xml',
    '.yaml': 'application/yaml',
    '.yml': 'application/yaml',
    # documents
    '.docx': 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
    '.epub': 'application/epub+zip',
    '.odg': 'application/vnd.oasis.opendocument.graphics',
    '.odp': 'application/vnd.oasis.opendocument.presentation',
    '.ods': 'application/vnd.oasis.opendocument.spreadsheet',
    '.odt': 'application/vnd.oasis.opendocument.text',
    '.pptx': 'application/vnd.openxmlformats-officedocument.presentationml.presentation',
    '.rtf': 'application/rtf',
    '.texi': 'application/texinfo',
    '.texinfo': 'application/texinfo',
    '.xlsx': 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
    # archives and programs
    '.7z': 'application/x-7z-compressed',
    '.apk': 'application/vnd.android.package-archive',
    '.bz2': 'application/x-bzip2',
    '.deb': 'application/vnd.debian.binary-package',
    '.gz': 'application/gzip',
    '.jar': 'application/java-archive',
    '.php': 'application/x-httpd-php',
    '.rar': 'application/vnd.rar',
    '.rpm': 'application/x-rpm',
    '.tgz': 'application/gzip',
    '.xz': 'application/x-xz',
    '.zst': 'application/zstd',
    # fonts
    '.eot': 'application/vnd.ms-fontobject',
    '.otf': 'font/otf',
    '.ttc': 'font/collection',
    '.ttf': 'font/ttf',
    '.woff': 'font/woff',
    '.woff2': 'font/woff2',
    # images
    '.apng': 'image/apng',
    '.emf': 'image/emf',
    '.fits': 'image/fits',
    '.g3': 'image/g3fax',
    '.jp2': 'image/jp2',
    '.jpm': 'image/jpm',
    '.jpx': 'image/jpx',
    '.jxl': 'image/jxl',
    '.t38': 'image/t38',
    '.tfx': 'image/tiff-fx',
    '.webp': 'image/webp',
    '.wmf': 'image/wmf',
    # sound
    '.flac': 'audio/flac',
    '.m4a': 'audio/mp4',
    '.mid': 'audio/midi',
    '.midi': 'audio/midi',
    '.mka': 'audio/matroska',
    '.oga': 'audio/ogg',
    '.ogg': 'audio/ogg',
    '.wav': 'audio/vnd.wave',
    '.weba': 'audio/webm',
    # video
    '.avi': 'video/vnd.avi',
    '.m4s': 'video/iso.segment',
    '.m4v': 'video/mp4',
    '.mk3d': 'video/matroska-3d',
    '.mkv': 'video/matroska',
    '.mpd': 'application/dash+xml',
    '.ogv': 'video/ogg',
    '.ogx': 'application/ogg',
    '.ts': 'video/mp2t',
    '.wmv': 'video/x-ms-wmv',
    # models
    '.3mf': 'model/3mf',
    '.glb': 'model/gltf-binary',
    '.gltf': 'model/gltf+json',
    '.mtl': 'model/mtl',
    '.stl': 'model/stl',
    '.usdz': 'model/vnd.usdz+zip',
}


@cache
def media_types() -> dict[str, str]:
    """Return the media type of every suffix: the standard library's own table, never the machine's, and ours.

    Blocks at its first call.
    """
    from mimetypes import MimeTypes  # only apps that send files need it

    strict = MimeTypes(filenames=()).types_map[True]
    return {**strict, **ADDITIONS}


def content_type_of(path: str) -> str:
    """Return the Content-Type for a file of this name.

    content_type_of('a.HTML')       # 'text/html; charset=utf-8'
    content_type_of('a.tar.gz')     # 'application/gzip'
    """
    suffix = os.path.splitext(path)[1].lower()
    media_type = media_types().get(suffix, UNKNOWN)
    if media_type.startswith('text/'):
        return f'{media_type}; charset=utf-8'
    return media_type

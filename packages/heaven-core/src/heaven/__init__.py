"""Heaven: a very small, very fast ASGI web framework.

from heaven import App

app = App()
app.GET('/', lambda req, res, ctx: res.out(200, 'Hello'))
"""

from heaven._older import check_files as _check_files
from heaven._serving.registrations import SHUTDOWN as SHUTDOWN, STARTUP as STARTUP
from heaven._version import __version__ as __version__
from heaven.app import App as App
from heaven.context import Context as Context, Key as Key
from heaven.errors import (
    Abort as Abort,
    ClientError as ClientError,
    CrossOrigin as CrossOrigin,
    Disconnected as Disconnected,
    HandlerError as HandlerError,
    HeavenError as HeavenError,
    Missing as Missing,
    MissingPackage as MissingPackage,
    SubdomainError as SubdomainError,
    TooLarge as TooLarge,
    Unread as Unread,
    UnsupportedMedia as UnsupportedMedia,
    UrlDuplicateError as UrlDuplicateError,
    UrlError as UrlError,
)
from heaven.overrides import Overrides as Overrides
from heaven.request import Request as Request
from heaven.response import Response as Response

_check_files()

Application = Router = App

__all__ = [
    'SHUTDOWN',
    'STARTUP',
    'Abort',
    'App',
    'Application',
    'ClientError',
    'Context',
    'CrossOrigin',
    'Disconnected',
    'HandlerError',
    'HeavenError',
    'Key',
    'Missing',
    'MissingPackage',
    'Overrides',
    'Request',
    'Response',
    'Router',
    'SubdomainError',
    'TooLarge',
    'Unread',
    'UnsupportedMedia',
    'UrlDuplicateError',
    'UrlError',
]

"""Heaven: a very small, very fast ASGI web framework.

from heaven import App

app = App()
app.GET('/', lambda req, res, ctx: res.out(200, 'Hello'))
"""

from __future__ import annotations

from heaven._version import __version__ as __version__
from heaven.app import App as App
from heaven.context import Context as Context
from heaven.context import Key as Key
from heaven.errors import Abort as Abort
from heaven.errors import ClientError as ClientError
from heaven.errors import Disconnected as Disconnected
from heaven.errors import HandlerError as HandlerError
from heaven.errors import HeavenError as HeavenError
from heaven.errors import Missing as Missing
from heaven.errors import MissingPackage as MissingPackage
from heaven.errors import SubdomainError as SubdomainError
from heaven.errors import TooLarge as TooLarge
from heaven.errors import UnsupportedMedia as UnsupportedMedia
from heaven.errors import UrlDuplicateError as UrlDuplicateError
from heaven.errors import UrlError as UrlError
from heaven.lifecycle import SHUTDOWN as SHUTDOWN
from heaven.lifecycle import STARTUP as STARTUP
from heaven.request import Request as Request
from heaven.response import Response as Response

Application = Router = App

__all__ = [
    'SHUTDOWN',
    'STARTUP',
    'Abort',
    'App',
    'Application',
    'ClientError',
    'Context',
    'Disconnected',
    'HandlerError',
    'HeavenError',
    'Key',
    'Missing',
    'MissingPackage',
    'Request',
    'Response',
    'Router',
    'SubdomainError',
    'TooLarge',
    'UnsupportedMedia',
    'UrlDuplicateError',
    'UrlError',
]

"""Jinja2 behind `res.render`, for apps made with heaven-core."""

import heaven as _heaven

if not hasattr(_heaven, 'Overrides'):  # which the older distribution `heaven` does not have
    raise ImportError(
        'what is imported as `heaven` is not heaven-core, or not all of it. Where the older distribution `heaven` is '
        'or was there, run: pip uninstall --yes heaven; pip install --force-reinstall --no-deps heaven-core'
    )

from .folders import MissingTemplate as MissingTemplate
from .names import MissingAsset as MissingAsset
from .render import MissingBlock as MissingBlock
from .templates import Templates as Templates

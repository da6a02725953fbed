"""Jinja2 behind `res.render`, for apps made with heaven-core."""

from .folders import MissingTemplate as MissingTemplate
from .names import MissingAsset as MissingAsset
from .render import MissingBlock as MissingBlock
from .templates import Templates as Templates

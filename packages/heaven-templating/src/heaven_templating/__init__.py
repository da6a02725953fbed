"""Jinja2 behind `res.render`, for apps made with heaven-core."""

from .environment import MissingBlock as MissingBlock, MissingTemplate as MissingTemplate
from .names import MissingAsset as MissingAsset
from .templates import Templates as Templates

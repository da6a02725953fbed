"""Adds heaven-core, pinned to the version that all three packages share, to the dependencies."""

from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class Pins(MetadataHookInterface):
    """Makes `dependencies` of the version; a source distribution has both written down and never asks."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Fill in the dependencies."""
        metadata['dependencies'] = [f'heaven-core~={metadata["version"]}', *self.config['requirements']]

"""The pytest plugin: the setting `heaven_app`, and fixtures that are registered after those of other plugins."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the setting."""
    parser.addini('heaven_app', 'the ASGI app that the fixtures `client` and `async_client` test, as "module:app"')


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Register the fixtures."""
    from . import fixtures

    # Of two plugins with a fixture of the same name, the last registered has it, and may ask for the other's.
    config.pluginmanager.register(fixtures, 'heaven-fixtures')
    if fixtures.has(config, 'asyncio'):
        from . import fixtures_asyncio

        config.pluginmanager.register(fixtures_asyncio, 'heaven-fixtures-asyncio')

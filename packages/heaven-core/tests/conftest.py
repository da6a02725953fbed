"""Puts `helpers` on `sys.path`, so that tests in every folder can say `from asks import ask`."""

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from heaven import MissingPackage

HELPERS = str(Path(__file__).parent / 'helpers')
if HELPERS not in sys.path:
    sys.path.insert(0, HELPERS)


if find_spec('multipart') is None:

    @pytest.fixture(autouse=True)
    def multipart_where_installed(request, monkeypatch):
        """A test that comes to read a multipart form is skipped where the extra `forms` is not installed."""
        if 'what_to_install' not in request.node.name:
            monkeypatch.setattr(MissingPackage, '__init__', lambda self, *_: pytest.skip('multipart is not installed'))


def pytest_sessionfinish():
    """Ends the app that reads forms, where a test started it."""
    if 'parts' in sys.modules:
        sys.modules['parts'].desk.close()

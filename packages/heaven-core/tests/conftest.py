"""Puts this folder on `sys.path`, so that tests can say `from driver import call` wherever they are run from."""

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

FOLDER = str(Path(__file__).parent)
if FOLDER not in sys.path:
    sys.path.insert(0, FOLDER)


@pytest.fixture(autouse=True, scope='session')
def multipart_where_installed():
    """A test that comes to read a multipart form is skipped where the extra `forms` is not installed."""
    with pytest.MonkeyPatch.context() as patch:
        if find_spec('multipart') is None:
            patch.setattr('heaven.forms.optional', lambda module, *_: pytest.skip(f'{module} is not installed'))
        yield

"""The one fixture that heaven-testing needs: `client` and `async_client` are made of it."""

from importlib import util
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip('starlette')


@pytest.fixture
def app() -> Any:
    spec = util.spec_from_file_location('notice_board', Path(__file__).parents[1] / 'app.py')
    assert spec is not None and spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.app

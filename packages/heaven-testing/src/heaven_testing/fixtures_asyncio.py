"""The async client under pytest-asyncio: a fixture for every scope that the loop of a test may have."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Literal

import pytest
import pytest_asyncio

from .fixtures import APP

if TYPE_CHECKING:
    from .client import AsyncClient


def _on_loop(scope: Literal['session', 'package', 'module', 'class', 'function']) -> Any:
    @pytest_asyncio.fixture(loop_scope=scope, name=f'_heaven_asyncio_client_{scope}')
    async def entered(request: pytest.FixtureRequest) -> AsyncIterator[AsyncClient]:
        from .client import AsyncClient

        async with AsyncClient(request.node.stash[APP]) as client:
            yield client

    return entered


on_function: Any = _on_loop('function')
on_class: Any = _on_loop('class')
on_module: Any = _on_loop('module')
on_package: Any = _on_loop('package')
on_session: Any = _on_loop('session')

"""The fixtures `client` and `async_client`, and the same under names that no other plugin has.

pytest-django and pytest-flask have fixtures of these names too. Theirs stay what they are: pytest-django's wherever
Django's settings are configured, another plugin's wherever the suite's `app` is no ASGI application. `heaven_client`
and `heaven_async_client` are this package's in any case.

The async client is entered and left on the loop of the test, whichever plugin runs it; where none does, this one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .client import AsyncClient, Client

APP = pytest.StashKey[Any]()


def has(config: pytest.Config, plugin: str) -> bool:
    """Whether a plugin takes part, by whichever of its names it was loaded."""
    return any(map(config.pluginmanager.has_plugin, (plugin, f'pytest_{plugin}', f'pytest_{plugin}.plugin')))


@pytest.fixture
def client(request: pytest.FixtureRequest) -> Any:
    """Give a heaven_testing.Client of the suite's app, its startup run; or what another plugin means by `client`."""
    return _ours_or_theirs(request, 'heaven_client', 'client')


@pytest.fixture
def async_client(request: pytest.FixtureRequest) -> Any:
    """Give a heaven_testing.AsyncClient of the suite's app, its startup run on the loop of the test."""
    return _ours_or_theirs(request, 'heaven_async_client', 'async_client')


@pytest.fixture
def heaven_client(request: pytest.FixtureRequest) -> Iterator[Client]:
    """Give a heaven_testing.Client of the suite's app, its startup run."""
    from .client import Client

    with Client(_app(request)) as entered:
        yield entered


@pytest.fixture
def heaven_async_client(request: pytest.FixtureRequest) -> Iterator[AsyncClient]:
    """Give a heaven_testing.AsyncClient of the suite's app, its startup run on the loop of the test."""
    test: Any = request.node
    test.stash[APP] = _app(request)
    marker = test.get_closest_marker('asyncio')
    if 'anyio_backend' in request.fixturenames:
        yield request.getfixturevalue('_heaven_anyio_client')
    elif marker is not None and has(request.config, 'asyncio'):
        scope = marker.kwargs.get('loop_scope') or request.config.getini('asyncio_default_test_loop_scope')
        yield request.getfixturevalue(f'_heaven_asyncio_client_{scope}')
    else:
        yield from _without_plugin(test)


@pytest.fixture
async def _heaven_anyio_client(request: pytest.FixtureRequest) -> AsyncIterator[AsyncClient]:
    from .client import AsyncClient

    async with AsyncClient(request.node.stash[APP]) as entered:
        yield entered


def _without_plugin(test: Any) -> Iterator[AsyncClient]:
    """Run the test on a loop of its own, with the client entered before it and left after it."""
    import asyncio
    import functools
    import inspect

    from .client import AsyncClient

    function = test.obj
    if not inspect.iscoroutinefunction(function):
        pytest.fail(f'async_client is for async tests, and {test.name} is none: use client', pytrace=False)
    with asyncio.Runner() as runner:

        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> None:
            runner.run(function(*args, **kwargs))

        entered = AsyncClient(test.stash[APP])
        runner.run(entered.__aenter__())
        test.obj = run
        try:
            yield entered
        finally:
            test.obj = function
            runner.run(entered.__aexit__())


def _ours_or_theirs(request: pytest.FixtureRequest, ours: str, theirs: str) -> Any:
    if not _is_ours(request):
        try:
            return request.getfixturevalue(theirs)
        except pytest.FixtureLookupError as error:
            if error.argname != theirs:
                raise
    return request.getfixturevalue(ours)  # which explains what it needs, if nobody else has such a fixture


def _is_ours(request: pytest.FixtureRequest) -> bool:
    """Whether the suite tests an ASGI application; the `app` fixture of a Django suite is none of our business."""
    config = request.config
    if has(config, 'django'):
        django = sys.modules.get('django.conf')
        if 'DJANGO_SETTINGS_MODULE' in os.environ or django is not None and django.settings.configured:
            return False
    if config.getini('heaven_app'):
        return True
    try:
        return _is_asgi(request.getfixturevalue('app'))
    except pytest.FixtureLookupError as error:
        if error.argname != 'app':
            raise
    return False


def _is_asgi(app: object) -> bool:
    """Whether an object can be called as an ASGI application; one of WSGI takes two arguments."""
    import inspect

    try:
        inspect.signature(app).bind(None, None, None)  # type: ignore[arg-type]
    except TypeError:
        return False
    except ValueError:  # it has no signature
        pass
    return True


def _app(request: pytest.FixtureRequest) -> Any:
    """Return the suite's `app` fixture if it is an ASGI application, else what `heaven_app` names."""
    named = str(request.config.getini('heaven_app') or '').strip('"\' ')
    try:
        app = request.getfixturevalue('app')
    except pytest.FixtureLookupError as error:
        if error.argname != 'app':
            raise
        if not named:
            pytest.fail(
                'heaven-testing has no app to test: give the suite an `app` fixture, '
                'or set heaven_app = "module:app" in the configuration of pytest',
                pytrace=False,
            )
    else:
        if _is_asgi(app):
            return app
        if not named:
            pytest.fail(f'the `app` fixture gave {app!r}, which is no ASGI application', pytrace=False)
    return _load(named, request.config)


def _load(named: str, config: pytest.Config) -> Any:
    from functools import reduce
    from importlib import import_module

    module, _, name = named.partition(':')
    home = str(config.inipath.parent if config.inipath is not None else config.rootpath)
    if home not in sys.path:
        sys.path.insert(0, home)
    try:
        return reduce(getattr, (name or 'app').split('.'), import_module(module))
    except AttributeError as error:
        raise pytest.UsageError(f'heaven_app = "{named}": {error}') from error
    except ModuleNotFoundError as error:
        if error.name is None or not f'{module}.'.startswith(f'{error.name}.'):
            raise
        raise pytest.UsageError(f'heaven_app = "{named}": {error}; looked in {home} and sys.path') from error

"""The fixtures of the trials: engines, and the recipes as the files that their pages print."""

from importlib import import_module

import pytest
from engines import PostgreSQL, Redis, SeaweedFS
from test_docs import RUN, python


@pytest.fixture(scope='module')
def engines():
    """Return a function that starts an engine, new for each module of trials, and sets what recipes read to find it."""
    started = {}
    with pytest.MonkeyPatch.context() as patch:

        def start(kind):
            if kind not in started:
                started[kind] = kind().__enter__()
                for name, value in started[kind].environ().items():
                    patch.setenv(name, value)
            return started[kind]

        yield start
        for engine in started.values():
            engine.__exit__()


def lend(engine):
    """Give a trial an engine; whatever the trial does to it, the next one gets it running."""
    engine.revive()
    yield engine
    engine.revive()


@pytest.fixture
def postgresql(engines):
    yield from lend(engines(PostgreSQL))


@pytest.fixture
def redis(engines):
    yield from lend(engines(Redis))


@pytest.fixture
def seaweedfs(engines):
    yield from lend(engines(SeaweedFS))


@pytest.fixture(scope='module')
def folder(request, tmp_path_factory):
    """Write the files of the page that the module of the trials names as its PAGE, and make them importable."""
    page = request.module.PAGE
    folder = tmp_path_factory.mktemp(page.stem)
    python(folder, '-c', RUN, str(page), 'write', text=page.read_text('utf-8'))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield folder


@pytest.fixture
def recipe(folder):
    """Return a function that imports a recipe by its name."""
    return import_module

"""What the tests of the command share: a folder with an app, and the command run in it."""

import sys
from typing import NamedTuple

import pytest
from heaven.cli import main


class Said(NamedTuple):
    """The exit code of a command, and what it wrote."""

    code: int
    out: str
    err: str


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory; what is imported from it is forgotten when the test is over."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, 'path', sys.path[:])
    monkeypatch.setattr(sys, 'dont_write_bytecode', True)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], '__file__', '') or '').startswith(str(tmp_path)):
            del sys.modules[name]
    for name in ('app', 'main', 'src', 'src.app', 'src.main'):
        if name not in before:
            sys.modules.pop(name, None)


@pytest.fixture
def heaven(folder, capsys):
    """Runs the command in this process."""

    def run(*arguments):
        try:
            code = main(arguments)
        except SystemExit as end:
            code = end.code
        return Said(code, *capsys.readouterr())

    return run

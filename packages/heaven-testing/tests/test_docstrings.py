"""The examples in docstrings run."""

import doctest
from importlib import import_module
from pathlib import Path

import heaven_testing
import pytest

FOLDER = Path(heaven_testing.__file__).parent
MODULES = {
    '.'.join(path.relative_to(FOLDER.parent).with_suffix('').parts)
    for path in FOLDER.rglob('*.py')
    if '>>> ' in path.read_text()
}


@pytest.mark.parametrize('module', sorted(MODULES))
def test_the_examples_of_a_module_run(module):
    result = doctest.testmod(import_module(module), optionflags=doctest.IGNORE_EXCEPTION_DETAIL)
    assert result.attempted
    assert not result.failed


def test_what_most_people_use_has_an_example():
    assert {f'heaven_testing.{name}' for name in ('client', 'handling', 'rules.linting', 'transport')} <= MODULES

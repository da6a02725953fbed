"""The examples in docstrings run."""

import doctest
from importlib import import_module

import pytest


@pytest.mark.parametrize('module', ['client', 'handling', 'rules', 'sse', 'transport'])
def test_the_examples_of_a_module_run(module):
    result = doctest.testmod(import_module(f'heaven_testing.{module}'), optionflags=doctest.IGNORE_EXCEPTION_DETAIL)
    assert result.attempted
    assert not result.failed

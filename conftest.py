"""`pytest --order 7` runs the tests in the random order number 7: what one test leaves behind, no other may need."""

import os
import random

import pytest

# What tests ask is on this machine, whatever proxy leads out of it.
os.environ['NO_PROXY'] = os.environ['no_proxy'] = '*'


def pytest_addoption(parser):
    """Add the option."""
    parser.addoption('--order', metavar='NUMBER', help='shuffle the tests, those of a file together; nox always does')


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Shuffle the files, and the tests of each, before pytest brings together those that share what is costly."""
    order = config.getoption('order')
    if order is None:
        return
    chance = random.Random(order)
    places = {path: chance.random() for path in dict.fromkeys(item.path for item in items)}
    items.sort(key=lambda item: (places[item.path], chance.random()))

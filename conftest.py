"""`pytest --order 7` runs the tests in the random order number 7: what one test leaves behind, no other may need."""

import random


def pytest_addoption(parser):
    """Add the option."""
    parser.addoption('--order', metavar='NUMBER', help='shuffle the tests, those of a file together; nox always does')


def pytest_collection_modifyitems(config, items):
    """Shuffle the files, and the tests of each."""
    order = config.getoption('order')
    if order is None:
        return
    chance = random.Random(order)
    places = {path: chance.random() for path in dict.fromkeys(item.path for item in items)}
    items.sort(key=lambda item: (places[item.path], chance.random()))

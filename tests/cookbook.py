"""Every recipe of the cookbook runs with the libraries that it is about: `nox -s docs` installs them.

A library that is not there is a failure. Pages that need servers are run by engines/pages.py.
"""

import pytest
from test_docs import NEED_SERVERS, RECIPES, run_page

PAGES = [page for page in RECIPES if page.name not in NEED_SERVERS]


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_every_recipe_of_a_page_runs(page, tmp_path):
    run_page(page, tmp_path)

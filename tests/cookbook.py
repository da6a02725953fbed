"""Every recipe of the cookbook runs with the libraries that it is about: `nox -s docs` installs them.

A library that is not there is a failure: no page is left out.
"""

import pytest
from test_docs import RECIPES, run_page


@pytest.mark.parametrize('page', RECIPES, ids=lambda page: page.name)
def test_every_recipe_of_a_page_runs(page, tmp_path):
    run_page(page, tmp_path)

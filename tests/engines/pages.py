"""The pages of the cookbook that need servers run as they are printed."""

import pytest
from test_docs import NEED_SERVERS, RECIPES, run_page

PAGES = [page for page in RECIPES if page.name in NEED_SERVERS]


@pytest.fixture(autouse=True)
def servers(postgresql, redis, seaweedfs):
    """Start all of them."""


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_every_recipe_of_a_page_runs(page, tmp_path):
    run_page(page, tmp_path)

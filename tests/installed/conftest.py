"""Puts this folder on `sys.path`, and makes an environment for a test."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from environments import Environment


@pytest.fixture
def environment(tmp_path):
    return Environment(tmp_path)

"""Puts this folder on `sys.path`, so that tests can say `from driver import call` wherever they are run from."""

import sys
from pathlib import Path

FOLDER = str(Path(__file__).parent)
if FOLDER not in sys.path:
    sys.path.insert(0, FOLDER)

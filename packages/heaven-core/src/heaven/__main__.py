"""The command `heaven`, as `python -m heaven`."""

import sys

from heaven.cli import main

sys.exit(main())

"""The app of stopping.py by `app.listen`, at the port that the command line names."""

import sys

from stopping import app

app.listen(port=int(sys.argv[1]), log_level='warning')

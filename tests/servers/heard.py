"""The app of stopping.py with the recipe for granian in docs/deploying.md."""

from granian_stop import hear_sigterm
from stopping import app

app.ON('startup', hear_sigterm)

"""`python examples/patients` serves the clinic."""

import os

from app import app

host = os.environ.get('HOST', '127.0.0.1')
port = int(os.environ.get('PORT', '8000'))
here = f'http://{"127.0.0.1" if host == "0.0.0.0" else host}:{port}'
print(f'The clinic is at {here} for people, and for programs:')
print(f"  curl '{here}/v1/patients?q=chloe' -H 'authorization: Bearer demo-reader'", flush=True)
app.listen(host, port, timeout_graceful_shutdown=5)

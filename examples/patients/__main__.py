"""`python examples/patients` serves the clinic."""

import os

from app import app

port = int(os.environ.get('PORT', '8000'))
print(f'The clinic is at http://127.0.0.1:{port} for people, and for programs:')
print(f"  curl 'http://127.0.0.1:{port}/v1/patients?q=chloe'", flush=True)
app.listen(port=port)

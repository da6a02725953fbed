"""Run the tests of the example application on a PostgreSQL of their own."""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from engines import CLINIC, PostgreSQL

with TemporaryDirectory() as name:
    folder = Path(name)
    folder.chmod(0o755)  # PostgreSQL may be another user
    postgres = PostgreSQL(folder)
    try:
        command = [sys.executable, '-m', 'pytest', str(CLINIC), *sys.argv[1:]]
        done = subprocess.run(command, env={**os.environ, 'CLINIC_POSTGRES': postgres.url}, check=False)
    finally:
        postgres.kill()
sys.exit(done.returncode)

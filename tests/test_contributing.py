"""The test that CONTRIBUTING.md shows runs, and passes."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_test_in_two_minutes_passes(tmp_path):
    page = (ROOT / 'CONTRIBUTING.md').read_text('utf-8')
    [source] = re.findall(r'^```python\n(.*?)^```', page, re.MULTILINE | re.DOTALL)
    (tmp_path / 'test_patients.py').write_text(source, 'utf-8')
    helpers = str(ROOT / 'packages' / 'heaven-core' / 'tests' / 'helpers')
    run = subprocess.run(
        [sys.executable, '-m', 'pytest', '-q', '-p', 'no:cacheprovider', '-p', 'no:asyncio', str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, 'PYTHONPATH': os.pathsep.join([helpers, os.environ.get('PYTHONPATH', '')])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert '4 passed' in run.stdout, run.stdout + run.stderr

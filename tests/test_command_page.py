"""Every output that the page of the command shows is what the command writes."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).parent.parent / 'docs' / 'command.md').read_text('utf-8')
APP = re.search(r'^```python title="app.py"\n(.*?)^```', PAGE, re.MULTILINE | re.DOTALL)[1]
SHOWN = [
    (command, output)
    for command, output in re.findall(r'^```console\n\$ (heaven [^\n]*)\n(.*?)^```', PAGE, re.MULTILINE | re.DOTALL)
    if not output.startswith('$')
]


def test_the_page_shows_something():
    assert [command.split()[1] for command, _ in SHOWN] == ['explain', 'explain', 'routes', 'routes']


@pytest.mark.parametrize(('command', 'output'), SHOWN)
def test_the_command_writes_what_the_page_shows(command, output, tmp_path):
    (tmp_path / 'app.py').write_text(APP, 'utf-8')
    said = subprocess.run(
        [sys.executable, '-m', *shlex.split(command)],
        cwd=tmp_path,
        env={**os.environ, 'PYTHONUTF8': '1'},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )
    assert (said.stdout, said.returncode) == (output, 2 if output.startswith('heaven:') else 0)

"""Environments of their own, into which pip installs the wheels in the folder WHEELS; a plugin of pytest."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

WHEELS = {path.name.partition('-')[0].replace('_', '-'): path for path in Path(os.environ['WHEELS']).glob('*.whl')}


class Environment:
    """An environment of its own, into which pip installs."""

    def __init__(self, folder):
        self.folder = folder
        subprocess.run([sys.executable, '-m', 'virtualenv', '--quiet', '--no-download', folder / 'env'], check=True)
        self.binaries = folder / 'env' / ('Scripts' if sys.platform == 'win32' else 'bin')

    def pip(self, *arguments):
        subprocess.run([self.binaries / 'python', '-m', 'pip', '--quiet', *arguments], check=True)

    def install(self, *wheels):
        self.pip('install', '--find-links', os.environ['WHEELS'], *map(str, wheels))

    def run(self, code):
        """Run Python, warnings as errors; give its exit code, and what it printed."""
        command = [self.binaries / 'python', '-W', 'error', '-c', code]
        environ = {key: value for key, value in os.environ.items() if key != 'PYTHONPATH'}
        run = subprocess.run(command, cwd=self.folder, env=environ, capture_output=True, text=True, check=False)
        return run.returncode, run.stdout + run.stderr


@pytest.fixture
def environment(tmp_path):
    return Environment(tmp_path)

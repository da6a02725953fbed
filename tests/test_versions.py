"""One version for three packages, written once."""

import re
from importlib.metadata import requires, version
from pathlib import Path

import pytest
from heaven._version import __version__

ROOT = Path(__file__).parent.parent
PACKAGES = ['heaven-core', 'heaven-templating', 'heaven-testing']


@pytest.mark.parametrize('package', PACKAGES)
def test_every_package_has_the_version_that_is_written_in_core(package):
    assert version(package) == __version__


@pytest.mark.parametrize('package', PACKAGES[1:])
def test_what_is_built_on_core_needs_a_core_of_its_own_version(package):
    assert [need for need in requires(package) or [] if need.startswith('heaven')] == [f'heaven-core~={__version__}']


def test_core_needs_nothing():
    assert [need for need in requires('heaven-core') or [] if 'extra ==' not in need] == []


def test_no_build_file_writes_the_version_again():
    files = [ROOT / 'pyproject.toml', ROOT / 'noxfile.py', *ROOT.glob('packages/*/pyproject.toml')]
    assert len(files) == 5
    assert [str(path) for path in files if __version__ in path.read_text('utf-8')] == []


def test_the_changelog_begins_with_this_version():
    headings = re.findall(r'^## (\S+)', (ROOT / 'CHANGELOG.md').read_text('utf-8'), re.MULTILINE)
    assert headings[0] == __version__


def test_every_package_carries_the_license_of_the_house():
    ours = (ROOT / 'LICENSE').read_text('utf-8')
    assert [(ROOT / 'packages' / name / 'LICENSE').read_text('utf-8') == ours for name in PACKAGES] == [True] * 3

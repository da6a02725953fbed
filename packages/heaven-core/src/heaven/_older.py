"""Refuses to start beside the older distribution `heaven`, which puts its files into the same folder."""

from os.path import dirname, exists, join

CURE = """\
The older distribution `heaven` is installed in the same folder as heaven-core, and either has files of the other. Run:

    pip uninstall --yes heaven
    pip install --force-reinstall --no-deps heaven-core"""


def check_files() -> None:
    """Raise ImportError, with the cure, where a file of the older distribution lies beside this one."""
    if exists(join(dirname(__file__), 'router.py')):
        raise ImportError(CURE)

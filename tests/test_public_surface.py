"""What `import heaven` gives, and what it costs."""

import inspect
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import heaven
import heaven.errors
import pytest

LIBRARY = Path(heaven.__file__).parent.parent
NAMES = {'App', 'Router', 'Application', 'Request', 'Response', 'Context', 'Key', 'Abort', 'STARTUP', 'SHUTDOWN'}
NAMES |= {'Overrides'}  # for test tools
ERRORS = {
    name
    for name, value in vars(heaven.errors).items()
    if inspect.isclass(value) and issubclass(value, Exception) and not name.startswith('_')
}
SLOW = {'asyncio', 'inspect', 'logging', 'urllib.request', 'email', 'http.client', 'typing_extensions', 'dataclasses'}
BATTERIES = {f'heaven.{name}' for name in ['forms', 'assets', 'cors', 'same_origin', 'sessions', 'debug', 'cli']}
BATTERIES |= {f'heaven.{name}' for name in ['_command', '_running', '_serving.draining', '_serving.explaining']}


def python(code):
    """What the code prints in a bare interpreter that finds heaven, and nothing that is installed beside it."""
    code = f'import sys; sys.path.append({str(LIBRARY)!r})\n{code}'
    return subprocess.run([sys.executable, '-I', '-S', '-c', code], check=True, capture_output=True, text=True).stdout


def modules_after(statement):
    return set(python(f'before = set(sys.modules)\n{statement}\nprint(*set(sys.modules) - before)').split())


def test_every_name_of_the_contract_and_every_exception_is_public():
    assert set(heaven.__all__) >= NAMES | ERRORS


def public(module):
    """The names that a module offers: no underscore, no submodule, no `from __future__`."""
    names = {name for name, value in vars(module).items() if name[0] != '_' and not inspect.ismodule(value)}
    return names - {'annotations', 'TYPE_CHECKING'}


def test_nothing_else_is_public_by_accident():
    assert public(heaven) == set(heaven.__all__)


def test_the_app_is_one_class_under_three_names():
    assert heaven.App is heaven.Router is heaven.Application


def test_every_public_name_has_a_docstring():
    assert [
        name for name in heaven.__all__ if callable(getattr(heaven, name)) and not getattr(heaven, name).__doc__
    ] == []


def test_importing_heaven_imports_nothing_outside_the_standard_library():
    assert {name.partition('.')[0] for name in modules_after('import heaven')} - sys.stdlib_module_names == {'heaven'}


def test_importing_heaven_imports_nothing_slow():
    assert modules_after('import heaven') & SLOW == set()


def test_no_battery_is_imported_before_it_is_used():
    assert modules_after('import heaven; heaven.App()') & BATTERIES == set()


HEAVY = {
    'asyncio',
    'dataclasses',
    'datetime',
    'email',
    'http',
    'inspect',
    'json',
    'logging',
    'mimetypes',
    'tempfile',
    'urllib',
}


def test_importing_heaven_imports_nothing_that_takes_long():
    assert modules_after('import heaven') & HEAVY == set()
    assert modules_after('import asyncio') & HEAVY  # what is looked for can be found


@pytest.mark.parametrize('package', ['heaven_templating', 'heaven_testing'])
def test_the_other_packages_offer_nothing_that_is_not_theirs_or_not_described(package):
    module = import_module(package)
    offered = {name: getattr(module, name) for name in getattr(module, '__all__', public(module))}
    assert offered
    assert {name for name, value in offered.items() if not value.__module__.startswith(package)} == set()
    assert {name for name, value in offered.items() if not value.__doc__} == set()

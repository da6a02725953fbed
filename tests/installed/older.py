"""heaven-core beside the older distribution `heaven`, whose files have the same names: who wins, who says so, the cure.

Where heaven-core comes last, its files win, and `import heaven` says what to do. Where the older one comes last, it has
the name, and no code of heaven-core runs; heaven-templating says what to do. Uninstalling the older one takes shared
files along, `heaven/__init__.py` for one, whatever the order was.
"""

from zipfile import ZipFile

import pytest
from environments import WHEELS

# What makes trouble of its files: pip asks nobody before it writes over those of another distribution.
OLDER = {
    'heaven/__init__.py': "from heaven.router import App\n__version__ = '2.4.3'\n",
    'heaven/router.py': 'class App: pass\n',
    'heaven/context.py': '',
    'heaven/errors.py': '',
    'heaven/request.py': '',
    'heaven/response.py': '',
    'heaven-2.4.3.dist-info/METADATA': 'Metadata-Version: 2.1\nName: heaven\nVersion: 2.4.3\n',
    'heaven-2.4.3.dist-info/WHEEL': 'Wheel-Version: 1.0\nGenerator: none\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
}


@pytest.fixture
def older(tmp_path):
    """A wheel that has what makes trouble of the older distribution."""
    record = ''.join(f'{name},,\n' for name in OLDER) + 'heaven-2.4.3.dist-info/RECORD,,\n'
    path = tmp_path / 'heaven-2.4.3-py3-none-any.whl'
    with ZipFile(path, 'w') as wheel:
        for name, text in {**OLDER, 'heaven-2.4.3.dist-info/RECORD': record}.items():
            wheel.writestr(name, text)
    return path


def cure(environment):
    environment.pip('uninstall', '--yes', 'heaven')
    environment.pip('install', '--force-reinstall', '--no-deps', str(WHEELS['heaven-core']))
    assert environment.run('import heaven; heaven.App(); print(heaven.__version__[0])') == (0, '3\n')


def test_an_import_beside_the_older_distribution_says_so_and_the_cure_cures(environment, older):
    environment.install(older, '--no-deps')
    environment.install(WHEELS['heaven-core'])
    code, text = environment.run('import heaven')
    assert code == 1 and 'ImportError: The older distribution `heaven` is installed' in text
    assert 'pip uninstall --yes heaven\n    pip install --force-reinstall --no-deps heaven-core' in text
    cure(environment)


def test_the_older_distribution_installed_last_has_the_name_until_the_cure(environment, older):
    environment.install(WHEELS['heaven-templating'])
    environment.install(older, '--no-deps')
    assert environment.run('import heaven; print(heaven.__version__)') == (0, '2.4.3\n')
    code, text = environment.run('import heaven_templating')
    assert code == 1 and 'pip uninstall --yes heaven; pip install --force-reinstall --no-deps heaven-core' in text
    cure(environment)


@pytest.mark.parametrize('is_first', [True, False])
def test_the_older_distribution_takes_files_of_core_along_when_it_goes(environment, older, is_first):
    wheels = [older, WHEELS['heaven-templating']]
    for wheel in wheels if is_first else wheels[::-1]:
        environment.install(wheel)
    environment.pip('uninstall', '--yes', 'heaven')
    assert environment.run('import heaven; print(vars(heaven).get("__file__"))') == (0, 'None\n')
    code, text = environment.run('import heaven_templating')
    assert code == 1 and 'pip install --force-reinstall --no-deps heaven-core' in text
    cure(environment)

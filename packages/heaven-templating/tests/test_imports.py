"""What heaven-templating takes from heaven-core."""

import ast
from pathlib import Path

import heaven_templating

SOURCES = sorted(Path(heaven_templating.__file__).parent.glob('*.py'))


def imported(path):
    for node in ast.walk(ast.parse(path.read_text('utf-8'))):
        if isinstance(node, ast.ImportFrom):
            yield from (f'{node.module}.{name.name}' for name in node.names)
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


def test_only_public_names_of_heaven_core_are_imported():
    names = {name for path in SOURCES for name in imported(path) if name.partition('.')[0] == 'heaven'}
    assert 'heaven.App' in names
    assert [name for name in names if '._' in name] == []

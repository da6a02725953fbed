"""Small is a promise: the statements of heaven-core are counted, docstrings aside."""

import ast
from pathlib import Path

import heaven
import pytest

FOLDER = Path(heaven.__file__).parent
CYCLE = ['app', '_table', '_routing', '_hooks', 'request', 'response', 'context', 'headers']
BATTERIES = ['forms', '_files', 'sockets', '_events', '_debug']
BUDGET = 2000


def statements(source: str) -> int:
    """How many statements a module has: every `ast.stmt` but the docstrings."""
    nodes = list(ast.walk(ast.parse(source)))
    holders = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = sum(isinstance(node, holders) and ast.get_docstring(node) is not None for node in nodes)
    return sum(isinstance(node, ast.stmt) for node in nodes) - docstrings


COUNTS = {path.stem: statements(path.read_text('utf-8')) for path in sorted(FOLDER.rglob('*.py'))}


def test_a_statement_is_counted_wherever_it_stands_and_a_docstring_nowhere():
    source = (
        '"""Doc."""\nx = 1; y = 2\nclass A:\n    """Doc."""\n    def f(self):\n        """Doc."""\n        return 1\n'
    )
    assert statements(source) == 5


def test_heaven_core_keeps_its_budget():
    assert sum(COUNTS.values()) <= BUDGET, COUNTS


def test_the_request_cycle_has_at_most_a_thousand_statements():
    assert sum(COUNTS[name] for name in CYCLE) <= 1000, COUNTS


@pytest.mark.parametrize('name', BATTERIES)
def test_a_battery_has_at_most_two_hundred_statements(name):
    assert COUNTS[name] <= 200


if __name__ == '__main__':
    for name, count in sorted(COUNTS.items(), key=lambda item: -item[1]):
        print(f'{count:6} {name}')
    print(f'{sum(COUNTS.values()):6} in all')

"""The house, read off the sources: which module knows which, and how long files and functions are.

A module imports from its own room and from those below it, in the order of ROOMS, and the imports make no circle.
Imports inside of functions count as any other. Two things may go up, and are named here: the imports of OPTIONAL_PARTS,
which are made when the part is first used; and what is imported for annotations alone, under `if TYPE_CHECKING:`, in
the modules of NAME_WHAT_IS_ABOVE.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import heaven
import pytest

FOLDER = Path(heaven.__file__).parent
TESTS = Path(__file__).parent
ROOMS = [
    {'errors', 'types', '_older', '_version'},
    {'_routing'},
    {'_http'},
    {'context', 'forms', 'overrides', 'rendering', 'request', 'response', 'websocket'},
    {'_serving'},
    {'assets', 'cors', 'same_origin', 'sessions', 'debug', '_debugging'},  # the batteries
    {'_running'},
    {'app'},
    {'_command'},
    {'', 'cli', '__main__'},  # '' is what users import
]
OPTIONAL_PARTS = {
    ('_serving.failures', 'debug'),
    ('_serving.registering_hooks', 'assets'),
    ('_serving.registering_app', 'cors'),
    ('_serving.registering_app', 'same_origin'),
    ('_serving.registering_app', 'sessions'),
}
NAME_WHAT_IS_ABOVE = {'types', '_serving.registrations'}

LINES_OF_A_FILE = 295
LINES_OF_A_FUNCTION = 60


class Import(NamedTuple):
    """What one module imports of another."""

    importer: str
    imported: str
    is_for_annotations: bool


class Function(NamedTuple):
    """A function and its size."""

    name: str
    lines: int


def name_of(path: Path) -> str:
    """The name of a module below `heaven`: '' for `heaven` itself."""
    parts = path.relative_to(FOLDER).with_suffix('').parts
    return '.'.join(part for part in parts if part != '__init__')


MODULES = {name_of(path): path for path in FOLDER.rglob('*.py')}


def room_of(module: str) -> int:
    top = module.partition('.')[0]
    return next(place for place, room in enumerate(ROOMS) if top in room)


def trees() -> Iterator[tuple[str, ast.Module]]:
    for module, path in MODULES.items():
        yield module, ast.parse(path.read_text(encoding='utf-8'))


def named(node: ast.ImportFrom | ast.Import) -> Iterator[str]:
    """The modules of Heaven that a statement names."""
    for alias in node.names:
        whole = alias.name if isinstance(node, ast.Import) else f'{node.module}.{alias.name}'
        top, _, rest = whole.partition('.')
        if top == 'heaven':
            yield rest if rest in MODULES else rest.rpartition('.')[0]


def imports_in(module: str, node: ast.AST, is_for_annotations: bool = False) -> Iterator[Import]:
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        for other in named(node):
            yield Import(module, other, is_for_annotations)
    is_guard = isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == 'TYPE_CHECKING'
    for child in ast.iter_child_nodes(node):
        yield from imports_in(module, child, is_for_annotations or is_guard)


IMPORTS = [found for module, tree in trees() for found in imports_in(module, tree)]


def functions_in(module: str, node: ast.AST, inside: str) -> Iterator[Function]:
    for child in ast.iter_child_nodes(node):
        name = inside
        if isinstance(child, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            name = f'{inside}.{child.name}'
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield Function(name, (child.end_lineno or child.lineno) - child.lineno + 1)
        yield from functions_in(module, child, name)


FUNCTIONS = [found for module, tree in trees() for found in functions_in(module, tree, module)]


def goes_up(found: Import) -> bool:
    return room_of(found.imported) > room_of(found.importer)


def below(module: str, graph: dict[str, set[str]]) -> set[str]:
    """All that a module imports, and what that imports, and so on."""
    reached = set[str]()
    waiting = [*graph[module]]
    while waiting:
        other = waiting.pop()
        if other not in reached:
            reached.add(other)
            waiting += graph[other]
    return reached


def test_the_modules_are_found():
    assert {'', 'app', '_routing.router', '_http.headers', '_serving.course', '_running.run'} <= MODULES.keys()
    assert Import('app', '_serving.compile', False) in IMPORTS  # inside of a function
    assert Import('types', 'app', True) in IMPORTS


@pytest.mark.parametrize('module', sorted(MODULES))
def test_a_module_stands_in_a_room(module):
    assert [module.partition('.')[0] in room for room in ROOMS].count(True) == 1


def test_a_module_imports_from_its_own_room_and_from_those_below():
    up = {found[:2] for found in IMPORTS if goes_up(found) and not found.is_for_annotations}
    assert up == OPTIONAL_PARTS


def test_two_modules_name_what_is_above_them_and_for_annotations_alone():
    assert {found.importer for found in IMPORTS if goes_up(found) and found.is_for_annotations} == NAME_WHAT_IS_ABOVE


def test_the_imports_make_no_circle():
    graph: dict[str, set[str]] = {module: set() for module in MODULES}
    for found in IMPORTS:
        if not found.is_for_annotations:
            graph[found.importer].add(found.imported)
    assert [module for module in MODULES if module in below(module, graph)] == []


def test_every_file_can_be_read_at_once():
    lines = {module: len(path.read_text(encoding='utf-8').splitlines()) for module, path in MODULES.items()}
    assert {module: count for module, count in lines.items() if count > LINES_OF_A_FILE} == {}


def test_every_file_says_what_it_is_about_in_its_first_line():
    assert [module for module, tree in trees() if not ast.get_docstring(tree)] == []


def test_no_function_is_longer_than_a_page():
    assert {name: lines for name, lines in FUNCTIONS if lines > LINES_OF_A_FUNCTION} == {}


def test_a_folder_of_tests_is_named_after_the_room_that_they_are_about():
    rooms = {path.name.removeprefix('_') for path in FOLDER.iterdir() if path.is_dir()}
    assert {path.parent.name for path in TESTS.rglob('test_*.py')} - rooms == {TESTS.name, 'helpers'}


def test_no_two_files_of_tests_have_the_same_name():  # an unpacked source distribution imports them by it
    names = [path.name for path in TESTS.rglob('test_*.py')]
    assert sorted(names) == sorted(set(names))

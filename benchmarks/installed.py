"""Print as JSON what is installed beside the named distribution, and how large it all is; runs in its environment."""

from __future__ import annotations

import ast
import importlib.metadata
import json
import sys
from importlib.metadata import Distribution
from pathlib import Path

DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def statements(dist: Distribution) -> int:
    """`ast.stmt` nodes in the distribution's Python files, docstrings aside."""
    count = 0
    for file in dist.files or ():
        if file.suffix == '.py' and '..' not in file.parts:
            try:
                nodes = list(ast.walk(ast.parse(Path(str(file.locate())).read_bytes())))
            except (OSError, SyntaxError, ValueError):
                continue
            count += sum(isinstance(node, ast.stmt) for node in nodes)
            count -= sum(isinstance(node, DOCUMENTED) and ast.get_docstring(node) is not None for node in nodes)
    return count


def canonical(name: str) -> str:
    return name.lower().replace('_', '-').replace('.', '-')


def main(own: str) -> None:
    site = Path(next(path for path in sys.path if path.endswith('site-packages')))
    dists = {canonical(dist.name): dist for dist in importlib.metadata.distributions(path=[str(site)])}
    files = [file for file in site.rglob('*') if file.is_file() and '__pycache__' not in file.parts]
    found = {
        'version': dists[own].version,
        'dependencies': sorted(set(dists) - {own}),
        'kb': round(sum(file.stat().st_size for file in files) / 1024),
        'statements': statements(dists[own]),
        'statements_in_all': sum(map(statements, dists.values())),
    }
    print(json.dumps(found))


if __name__ == '__main__':
    main(canonical(sys.argv[1]))

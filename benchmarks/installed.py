"""Print as JSON what is installed beside the named distribution, and how large it all is; runs in its environment.

With a site-packages folder as second argument it prints the tokens of what is there, and may run anywhere: how many
tokens a text has depends on the version of Python, as 3.12 began to take f-strings apart.
"""

from __future__ import annotations

import ast
import importlib.metadata
import json
import sys
import tokenize
from collections.abc import Iterator
from importlib.metadata import Distribution
from pathlib import Path

DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


COUNTED = (tokenize.NAME, tokenize.NUMBER, tokenize.STRING, tokenize.OP)


def sources(dist: Distribution) -> Iterator[Path]:
    """The distribution's Python files."""
    for file in dist.files or ():
        if file.suffix == '.py' and '..' not in file.parts:
            yield Path(str(file.locate()))


def statements(dist: Distribution) -> int:
    """`ast.stmt` nodes in the distribution's Python files, docstrings aside."""
    count = 0
    for file in sources(dist):
        try:
            nodes = list(ast.walk(ast.parse(file.read_bytes())))
        except (OSError, SyntaxError, ValueError):
            continue
        count += sum(isinstance(node, ast.stmt) for node in nodes)
        count -= sum(isinstance(node, DOCUMENTED) and ast.get_docstring(node) is not None for node in nodes)
    return count


def tokens(dist: Distribution) -> int:
    """Names, numbers, strings and operators in the distribution's Python files; a docstring is one string."""
    count = 0
    for file in sources(dist):
        try:
            with file.open('rb') as opened:
                count += sum(token.type in COUNTED for token in tokenize.tokenize(opened.readline))
        except (OSError, SyntaxError, tokenize.TokenError):
            continue
    return count


def canonical(name: str) -> str:
    return name.lower().replace('_', '-').replace('.', '-')


def main(own: str, site: str = '') -> None:
    asked_for_tokens = bool(site)
    site = site or next(path for path in sys.path if path.endswith('site-packages'))
    dists = {canonical(dist.name): dist for dist in importlib.metadata.distributions(path=[site])}
    if asked_for_tokens:
        print(json.dumps({'tokens': tokens(dists[own]), 'tokens_in_all': sum(map(tokens, dists.values()))}))
        return
    files = [file for file in Path(site).rglob('*') if file.is_file() and '__pycache__' not in file.parts]
    found = {
        'version': dists[own].version,
        'dependencies': sorted(set(dists) - {own}),
        'kb': round(sum(file.stat().st_size for file in files) / 1024),
        'statements': statements(dists[own]),
        'statements_in_all': sum(map(statements, dists.values())),
    }
    print(json.dumps(found))


if __name__ == '__main__':
    main(canonical(sys.argv[1]), *sys.argv[2:])

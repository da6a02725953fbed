"""The recipes of docs/deploying.md: each block that has a title is the file it names."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / 'docs' / 'deploying.md'
BLOCK = re.compile(r'^``` *\w+[^\n]*title="([^"]+)"[^\n]*\n(.*?)^```', re.MULTILINE | re.DOTALL)


def recipes():
    """Return the text of every recipe by the name of its file."""
    return dict(BLOCK.findall(PAGE.read_text('utf-8')))


def write_recipes(folder, *names):
    """Write recipes as the files that they are."""
    known = recipes()
    for name in names:
        (folder / name).write_text(known[name], 'utf-8')

"""Every Python block of the README and of the docs runs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / 'README.md', *sorted(ROOT.glob('packages/*/README.md')), *sorted(ROOT.glob('docs/**/*.md'))]

# The blocks of a page share their names and a folder of their own, in which a block with a title is the file it names.
# A block may await; the line numbers of a traceback are those of the page.
RUN = """
import ast, asyncio, inspect, re, sys
from pathlib import Path

sys.path.insert(0, '')
page, text = sys.argv[1], sys.stdin.buffer.read().decode('utf-8')
blocks = [
    (match[1], re.search(r'title="([^"]+)"', match[2]), '\\n' * text.count('\\n', 0, match.start(3)) + match[3])
    for match in re.finditer(r'^``` *(\\w+)([^\\n]*)\\n(.*?)^```', text, re.MULTILINE | re.DOTALL)
]
for language, title, source in blocks:
    if title:
        path = Path(title[1])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source.lstrip('\\n'), 'utf-8')

names = {'__name__': 'page', '__file__': page}
with asyncio.Runner() as runner:
    for language, title, source in blocks:
        if language == 'python':
            names['__file__'] = title[1] if title else page
            code = compile(source, page, 'exec', ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
            result = eval(code, names)
            if inspect.iscoroutine(result):
                runner.run(result)
"""


@pytest.mark.parametrize('page', PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_python_block_of_a_page_runs(page, tmp_path):
    text = page.read_text('utf-8')
    assert len(re.findall(r'^ *```', text, re.MULTILINE)) % 2 == 0, 'a block is not closed'
    assert re.findall(r'^ +``` *python', text, re.MULTILINE) == [], 'an indented block would not be run'
    command = [sys.executable, '-W', 'error', '-c', RUN, str(page)]
    result = subprocess.run(command, input=text.encode(), cwd=tmp_path, capture_output=True, timeout=60)
    assert result.returncode == 0, result.stderr.decode()


@pytest.mark.parametrize('page', sorted({*PAGES, *ROOT.glob('*.md')}), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_to_another_file_leads_somewhere(page):
    text = re.sub(r'^```.*?^```|`[^`]*`', '', page.read_text('utf-8'), flags=re.MULTILINE | re.DOTALL)
    links = [link.partition('#')[0] for link in re.findall(r'\]\(([^)\s]+)', text)]
    files = [link for link in links if link and not re.match(r'[a-z]+:', link)]
    assert [link for link in files if not (page.parent / link).exists()] == []

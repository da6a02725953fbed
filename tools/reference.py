"""Writes the reference out of the docstrings: an extension of Markdown for which `::: heaven.App` is all about App."""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from functools import cached_property
from importlib import import_module
from itertools import groupby
from typing import Any

from markdown import Extension, Markdown
from markdown.preprocessors import Preprocessor

WIDTH = 88


def expanded(text: str) -> str:
    """Return the text of a page, with what is said of the objects that it names."""
    return re.sub(r'^::: ([\w.]+)$', lambda match: '\n'.join(described(match[1])), text, flags=re.MULTILINE)


def described(dotted: str) -> Iterator[str]:
    """Everything about one class, function or module."""
    module, _, name = dotted.rpartition('.')
    thing = getattr(import_module(module), name)
    if inspect.ismodule(thing):
        yield prose(thing.__doc__)
        return
    yield f'## {name} {{#{name}}}\n'
    yield from signature(name, thing)
    yield prose(thing.__doc__)
    if not inspect.isclass(thing):
        return
    seen: set[str] = set()
    for kind in thing.__mro__:
        for member, found in vars(kind).items() if kind.__module__.startswith('heaven') else ():
            value = getattr(found, '__func__', found)
            shown = inspect.isroutine(value) or isinstance(value, (property, cached_property))
            if shown and member[0] != '_' and member not in seen and value.__doc__:
                seen.add(member)
                yield f'### {member} {{#{name}.{member}}}\n'
                yield from signature(member, value)
                yield prose(value.__doc__)


def signature(name: str, thing: Any) -> Iterator[str]:
    """How something is called, in one line or in one for each parameter; for a property, what it is."""
    if isinstance(thing, (property, cached_property)):
        getter = thing.func if isinstance(thing, cached_property) else thing.fget
        if getter is not None:
            yield f'`{bare(str(inspect.signature(getter).return_annotation))}`\n'
        return
    try:
        given = inspect.signature(thing)
    except ValueError:  # of what is written in C, as the constructor of an exception
        return
    words = [word for word in split(str(given.replace(return_annotation=given.empty))[1:-1]) if word != 'self']
    words = words[1:] if words[:1] == ['/'] else words
    returned = given.empty if inspect.isclass(thing) else given.return_annotation
    gives = '' if returned is given.empty else f' -> {bare(str(returned))}'
    if inspect.isclass(thing) and words in ([], ['*args', '**kwargs']):
        return
    line = f'{name}({", ".join(words)}){gives}'
    if len(line) > WIDTH:
        line = f'{name}(\n' + ''.join(f'    {word},\n' for word in words) + f'){gives}'
    keyword = 'async ' * inspect.iscoroutinefunction(thing) + ('class' if inspect.isclass(thing) else 'def')
    yield f'```python\n{keyword} {bare(line)}\n```\n'


def bare(text: str) -> str:
    """Annotations as they were written, without quotes and modules."""
    text = re.sub(r"\*?<class '([\w.]+)'>", r'\1', text)
    text = re.sub(r"ForwardRef\('([^']*)'\)", r'\1', text)
    text = re.sub(r"(?<=: )'([^']*)'", r'\1', text).strip("'")
    return re.sub(r'\b(?:[a-z_]+\.)+(?=[A-Z])', '', text)


def split(text: str) -> list[str]:
    """Return the parameters of a signature: parts between commas that stand in no bracket."""
    parts, depth = [''], 0
    for char in text:
        depth += (char in '([{') - (char in ')]}')
        if char == ',' and not depth:
            parts.append('')
        else:
            parts[-1] += char
    return [part.strip() for part in parts if part.strip()]


def prose(doc: str | None) -> str:
    """Return a docstring as Markdown: its examples, and what is drawn, become blocks."""
    answer = []
    for fence, paragraphs in groupby(re.split(r'\n\s*\n', inspect.cleandoc(doc or '')), language):
        text = '\n\n'.join(paragraphs)
        answer.append(f'```{fence}\n{textwrap.dedent(text)}\n```' if fence else text)
    return '\n\n'.join(answer) + '\n'


def language(paragraph: str) -> str:
    """Return what a paragraph is written in; nothing for plain words."""
    if '─' in paragraph:
        return 'text'
    if paragraph.startswith('>>>'):
        return 'pycon'
    try:
        parsed = bool(ast.parse(paragraph).body)
    except SyntaxError:
        parsed = False
    return 'python' if paragraph[:1] == ' ' or parsed and re.search(r'[(\[=.]\w', paragraph) else ''


class Reference(Preprocessor):
    """Expands a page before Markdown reads it."""

    def run(self, lines: list[str]) -> list[str]:
        """Expand the lines of a page."""
        return expanded('\n'.join(lines)).split('\n')


class ReferenceExtension(Extension):
    """What the configuration of the site names."""

    def extendMarkdown(self, md: Markdown) -> None:
        """Register the preprocessor."""
        md.preprocessors.register(Reference(md), 'reference', 100)


def makeExtension(**options: Any) -> ReferenceExtension:
    """Return the extension: Markdown calls this."""
    return ReferenceExtension(**options)

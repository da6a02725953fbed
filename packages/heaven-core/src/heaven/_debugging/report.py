"""All that the page says, whether as HTML or as text."""

from typing import NamedTuple

from heaven._debugging.course import HookRun, hooks_that_ran
from heaven._debugging.masking import Masks
from heaven._debugging.sections import Section, Sections, secrets_of
from heaven._debugging.tracing import Problem, Tracing
from heaven._debugging.values import Values
from heaven._http.exchange import Exchange
from heaven._version import __version__
from heaven.types import Request


class Report(NamedTuple):
    """A failure and its request; of the problems, the first is what was raised last."""

    request: str
    problems: list[Problem]
    hooks: list[HookRun]
    sections: list[Section]
    versions: str

    @property
    def title(self) -> str:
        """The exception, in one line."""
        problem = self.problems[0]
        lines = problem.message.splitlines()
        return f'{problem.kind}: {lines[0]}' if lines else problem.kind


def report_of(error: BaseException, exchange: Exchange, req: Request) -> Report:
    """Collect what there is to say of a failure."""
    import platform

    masks = Masks(secrets_of(exchange))
    values = Values(masks)
    tracing = Tracing(masks, values)
    tracing.add(error)
    return Report(
        masks.hide(f'{req.method} {req.path}'),
        tracing.problems,
        hooks_that_ran(exchange, error),
        Sections(exchange, req, masks, values).all(),
        f'Heaven {__version__}, {platform.python_implementation()} {platform.python_version()}',
    )

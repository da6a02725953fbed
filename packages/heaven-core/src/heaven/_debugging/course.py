"""The hooks that ran before a failure, read off the endpoint and the frames of the traceback.

Nothing is noted while a request runs well. A step that failed is a local variable of the frames that have called it.
"""

from collections.abc import Callable, Iterator
from functools import partial
from types import CodeType, FrameType, FunctionType, MethodType
from typing import Any, NamedTuple

from heaven._debugging.tracing import calls_of, place_of
from heaven._http.exchange import Exchange
from heaven._routing.endpoint import Ending, Step
from heaven._routing.functions import name_of
from heaven._routing.path import split_target
from heaven._routing.pattern import Pattern
from heaven._serving.registrations import Registrations, registrations_of

SERVING = 'heaven._serving.'

RAN = 'ran'
ANSWERED = 'answered'
FAILED = 'failed'
NOT_RUN = 'not run'
TO_COME = 'to come'


class HookRun(NamedTuple):
    """A hook, or the handler, and what became of it."""

    state: str
    kind: str
    name: str
    place: str
    pattern: str


class Course:
    """What a request has gone through until it failed."""

    def __init__(self, exchange: Exchange, error: BaseException) -> None:
        self.exchange = exchange
        self.endpoint = exchange.endpoint
        self.failed: list[Step] = []
        self.failed_endings: list[Step] = []
        self.codes: set[CodeType] = set()
        for each in failures_in(error, []):
            self._read(each)

    def _read(self, error: BaseException) -> None:
        """Read off a traceback which steps were running, and which functions."""
        for frame in frames_of(error):
            self.codes.add(frame.f_code)
            for value in locals_of_house(frame):
                if isinstance(value, Ending):
                    self.failed_endings.append(value.step)
                elif isinstance(value, Step) and value not in self.failed:
                    self.failed.append(value)

    def runs(self) -> Iterator[HookRun]:
        """Give the hooks and the handler in the order in which they run, and the ERROR handlers that failed."""
        entered: list[Step] = []
        goes_on = Exchange.read_ahead.__code__ not in self.codes  # the body is read before the hooks
        is_answered = False
        for step in self.endpoint.before:
            if not goes_on or is_answered:
                state = NOT_RUN
            elif step in self.failed:
                state = FAILED
                goes_on = False
            elif step is self.exchange.answered_by:
                state = ANSWERED
                is_answered = True
            else:
                state = RAN
                entered.append(step)
            yield self._run(state, 'BEFORE', step)
        function = self.endpoint.function
        if function is not None:
            state = self._state_of(function, goes_on and not is_answered)
            goes_on = goes_on and state is not FAILED
            yield HookRun(state, 'handler', name_of(function), where(function), self.endpoint.route or '')
        for step in self.endpoint.after:
            state = self._state_of(step.function, goes_on)
            goes_on = state is RAN
            yield self._run(state, 'AFTER', step)
        yield from self._endings(entered)
        others = [*self.endpoint.before, self.endpoint.step, *self.endpoint.after, *self.failed_endings]
        for step in self.failed:
            if step not in others:
                yield self._run(FAILED, 'ERROR', step)

    def _state_of(self, function: Callable[..., Any], is_reached: bool) -> str:
        if not is_reached:
            return NOT_RUN
        return FAILED if code_of(function) in self.codes else RAN

    def _endings(self, entered: list[Step]) -> Iterator[HookRun]:
        """Give what runs when the answer is known; the page is a part of the answer, so that most of it is to come."""
        state = RAN if self.failed_endings else TO_COME
        for ending in reversed(self.endpoint.endings):
            if ending.is_around and ending.step not in entered:
                continue
            kind = 'second half' if ending.is_around else 'AFTER'
            if ending.step in self.failed_endings:
                state = TO_COME
                yield self._run(FAILED, kind, ending.step)
            else:
                yield self._run(state, kind, ending.step)

    def _run(self, state: str, kind: str, step: Step) -> HookRun:
        function = unwrapped(step.function)
        return HookRun(state, kind, name_of(function), where(function), self._patterns(kind, step, function))

    def _patterns(self, kind: str, step: Step, function: Callable[..., Any]) -> str:
        """Return the patterns that cover the request and under which its app has registered a hook."""
        if any(own.step == step for own in self.endpoint.own_before):
            return 'of the route'
        target = split_target(self.exchange.scope)
        readings = target.readings if target is not None else []
        texts: list[str] = []
        registrations = registrations_of(step.app)
        for hook in registrations.hooks:
            pattern = below_mounts(hook.pattern, registrations)
            is_kind = hook.is_before is (kind != 'AFTER')
            if is_kind and is_same(hook.function, function) and any(map(pattern.covers, readings)):
                texts.append(pattern.text)
        return ', '.join(dict.fromkeys(texts))


def hooks_that_ran(exchange: Exchange, error: BaseException) -> list[HookRun]:
    """Return the hooks of a request and its handler, each with what became of it."""
    watching = [observer.on_request for observer in registrations_of(exchange.endpoint.app).root.observers]
    names = {name_of(function) for function in watching}
    return [run for run in Course(exchange, error).runs() if run.name not in names]


def failures_in(error: BaseException, found: list[BaseException]) -> list[BaseException]:
    """Return an exception, those that it comes from, and those that the house was busy with when it was raised."""
    if any(error is each for each in found):
        return found
    found.append(error)
    others: list[object] = [error.__cause__, error.__context__]
    for frame in frames_of(error):
        others += locals_of_house(frame)
    for other in others:
        if isinstance(other, BaseException):
            failures_in(other, found)
    return found


def frames_of(error: BaseException) -> Iterator[FrameType]:
    """Give the frames of a traceback."""
    for call in calls_of(error.__traceback__):
        yield call.tb_frame


def locals_of_house(frame: FrameType) -> list[object]:
    """Return the local variables of a frame that serves requests; none of any other."""
    if str(frame.f_globals.get('__name__')).startswith(SERVING):
        return list(frame.f_locals.values())
    return []


def below_mounts(pattern: Pattern, registrations: Registrations) -> Pattern:
    """Give a pattern below the prefixes under which its app is mounted."""
    for each in registrations.lineage():
        if each.mount is not None:
            pattern = pattern.under(each.mount.prefix)
    return pattern


def unwrapped(function: Any) -> Any:
    """Return a function as it was written, whatever runs it."""
    while hasattr(function, '__wrapped__'):
        function = function.__wrapped__
    return function


def is_same(registered: Any, function: Any) -> bool:
    """Tell whether a function is what was registered, perhaps by its dotted path."""
    if isinstance(registered, str):
        return f'.{name_of(function)}'.endswith(f'.{registered}')
    return bool(unwrapped(registered) == function)


def code_of(function: Any) -> CodeType | None:
    """Return the code that a call runs: of a function, a method, a partial, or an object's `__call__`."""
    function = unwrapped(function)
    while isinstance(function, partial):
        function = function.func
    if not isinstance(function, (FunctionType, MethodType)):
        function = type(function).__call__
    code: object = getattr(function, '__code__', None)
    return code if isinstance(code, CodeType) else None


def where(function: Any) -> str:
    """Return the file and line of a function, '' where it has none."""
    code = code_of(function)
    return f'{place_of(code.co_filename)}:{code.co_firstlineno}' if code is not None else ''

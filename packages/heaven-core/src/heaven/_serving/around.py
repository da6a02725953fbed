"""Hooks that go around a request: an async generator function as a BEFORE."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import wraps
from typing import Any

from heaven._http.exchange import Exchange
from heaven._routing.functions import name_of
from heaven.request import exchange_of
from heaven.types import Context, Handler, Request, Response

Halves = AsyncGenerator[Any, None]


@asynccontextmanager
def raise_in(generator: Halves) -> Halves:
    """Drive a generator that has reached its `yield` by the standard library's context manager.

    Its `__aexit__` knows all that there is to know about an exception thrown into a generator.
    """
    return generator


class SecondHalf:
    """What is left of an around-hook that has reached its `yield`."""

    def __init__(self, function: Handler, generator: Halves) -> None:
        self.function = function
        self.generator = generator

    async def run(self) -> None:
        """Run it, where nothing has failed inside; RuntimeError if it yields once more."""
        try:
            await anext(self.generator)
        except StopAsyncIteration:
            return
        await self.generator.aclose()
        raise RuntimeError(f'{name_of(self.function)} yields a second time: a hook that goes around yields once')

    async def run_failed(self, error: BaseException) -> bool:
        """Run it with an exception raised at its `yield`; return whether it did not raise it again."""
        return bool(await raise_in(self.generator).__aexit__(type(error), error, error.__traceback__))


def first_half(function: Handler) -> Handler:
    """Return what runs a hook up to its `yield`, and keeps the rest for the end of the request."""

    async def enter(req: Request, res: Response, ctx: Context) -> None:
        exchange: Exchange = exchange_of(req)
        generator: Halves = function(req, res, ctx)
        try:
            await anext(generator)
        except StopAsyncIteration:
            if exchange.answered:
                return
            raise RuntimeError(
                f'{name_of(function)} ended before its yield without an answer: yield, or res.out(...) and return'
            ) from None
        if exchange.entered is None:
            exchange.entered = {}
        exchange.entered[enter] = SecondHalf(function, generator)

    return wraps(function, updated=())(enter)

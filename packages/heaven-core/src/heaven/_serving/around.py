"""Hooks that go around a request: an async generator function as a BEFORE."""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import wraps
from typing import Any

from heaven._http.exchange import Exchange
from heaven._routing.functions import name_of
from heaven.request import exchange_of
from heaven.types import Context, Handler, Request, Response

Halves = AsyncGenerator[Any, None]


def second_half(generator: Halves) -> AbstractAsyncContextManager[Any]:
    """Return the standard library's driver of a generator that has reached its `yield`.

    Leaving it runs the rest, with all that is to be known about an exception thrown into a generator.
    """
    return asynccontextmanager(lambda: generator)()


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
        exchange.entered[enter] = second_half(generator)
        exchange.is_plain = False

    return wraps(function, updated=())(enter)

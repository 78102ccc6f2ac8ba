"""Answers are made while somebody waits for them, and no longer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from starlette.requests import Request

GONE = 499
"""Status of an answer that nobody waits for."""

T = TypeVar("T")


async def while_asked(request: Request, answer: Awaitable[T]) -> T | None:
    """Return what *answer* gives; None, and it is stopped, as soon as nobody waits for it."""
    work = asyncio.ensure_future(answer)
    gone = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        return work.result() if work.done() else None
    finally:
        for task in (work, gone):
            task.cancel()


async def _gone(request: Request) -> None:
    """Return when whoever asked went away."""
    while (await request.receive())["type"] != "http.disconnect":
        pass

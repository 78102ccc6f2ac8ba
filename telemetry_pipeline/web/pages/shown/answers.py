"""Answers of analyses for pages: asked for all at once, shown as they come; one that fails is a state of its block.

What pages make of answers is made in a thread of its own, for the time that it takes is that in which other pages could begin.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import secrets
import threading
from collections.abc import Awaitable, Callable, Coroutine, Generator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

import pandas as pd

from telemetry_pipeline.days import Period
from telemetry_pipeline.errors import Busy, RequestRefused, TelemetryError
from telemetry_pipeline.web.computing.answers import Answer
from telemetry_pipeline.web.computing.question import Question
from telemetry_pipeline.web.pages.shown import computing
from telemetry_pipeline.web.pages.shown.computing import Answering

T = TypeVar("T")

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Failed:
    """What stands in place of a block that could not be made.

    :ivar incident: by which the log knows an error that is not ours; empty: it is ours.
    """

    error: Exception
    incident: str = ""

    @property
    def reason(self) -> str:
        """Why, by its name in the catalogue."""
        if isinstance(self.error, RequestRefused):
            return "takes_too_long"
        return "busy" if isinstance(self.error, Busy) else "failed"


@functools.cache
def _workshop() -> asyncio.AbstractEventLoop:
    """Return the loop that blocks are made in, one at a time, whatever loop their pages are answered in."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="pages", daemon=True).start()
    return loop


class Work(Awaitable[T]):
    """What is being made in the workshop, to be awaited there or by the page."""

    def __init__(self, work: Coroutine[Any, Any, T]) -> None:
        self._future: Future[T] = asyncio.run_coroutine_threadsafe(work, _workshop())

    def __await__(self) -> Generator[Any, None, T]:
        return asyncio.wrap_future(self._future).__await__()

    def cancel(self) -> None:
        """Stop it, if it is not done."""
        self._future.cancel()


class Answers:
    """The answers of one page, which ends them when nobody waits any more."""

    def __init__(self, answering: Answering) -> None:
        self._answering = answering
        self._loop = asyncio.get_running_loop()
        self._begun: list[Work[Any]] = []

    def ask(self, name: str, period: Period, **parameters: Any) -> Awaitable[pd.DataFrame]:
        """Begin to compute an analysis about exactly some days.

        :raises TelemetryError: when it is awaited, if it cannot be had.
        """
        return self.begin(computing.frame(self._answer, name, period, parameters))

    def make(self, block: Callable[[], Coroutine[Any, Any, T]]) -> Callable[[], Awaitable[T | Failed]]:
        """Return a block for a template to call, begun now; an error is its state, and the rest of the page is drawn."""

        async def guarded() -> T | Failed:
            try:
                return await block()
            except TelemetryError as err:
                return Failed(err)
            except Exception as err:
                incident = secrets.token_hex(4)
                _logger.exception("incident %s: a part of a page could not be made", incident)
                return Failed(err, incident)

        work = self.begin(guarded())
        return lambda: work

    def begin(self, work: Coroutine[Any, Any, T]) -> Awaitable[T]:
        """Begin to make something of answers, whose errors are those of whoever awaits it."""
        begun = Work(work)
        self._begun.append(begun)
        return begun

    def end(self) -> None:
        """Stop what is not there yet."""
        for work in self._begun:
            work.cancel()

    async def _answer(self, question: Question) -> Answer:
        """Return the answer, from the loop that the page is answered in."""
        asked = asyncio.run_coroutine_threadsafe(self._answering.answer(question), self._loop)
        return await asyncio.wrap_future(asked)

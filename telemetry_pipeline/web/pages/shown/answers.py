"""Answers of analyses for pages: asked for all at once, shown as they come; one that fails is a state of its block."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import pandas as pd

from telemetry_pipeline.days import Period
from telemetry_pipeline.errors import Busy, RequestRefused, TelemetryError
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


class Answers:
    """The answers of one page, which ends them when nobody waits any more."""

    def __init__(self, answering: Answering) -> None:
        self._answering = answering
        self._tasks: list[asyncio.Task[Any]] = []

    def ask(self, name: str, period: Period, **parameters: Any) -> Awaitable[pd.DataFrame]:
        """Begin to compute an analysis about exactly some days.

        :raises TelemetryError: when it is awaited, if it cannot be had.
        """
        return self._begin(computing.frame(self._answering, name, period, parameters))

    def make(self, block: Callable[[], Coroutine[Any, Any, T]]) -> Callable[[], Awaitable[T | Failed]]:
        """A block for a template to call, begun now; an error is its state, and the rest of the page is drawn."""

        async def guarded() -> T | Failed:
            try:
                return await block()
            except TelemetryError as err:
                return Failed(err)
            except Exception as err:
                incident = secrets.token_hex(4)
                _logger.exception("incident %s: a part of a page could not be made", incident)
                return Failed(err, incident)

        task = self._begin(guarded())

        async def wait() -> T | Failed:
            return await task

        return wait

    def end(self) -> None:
        """Stop what is not there yet."""
        for task in self._tasks:
            task.cancel()

    def _begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        task.add_done_callback(_seen)
        self._tasks.append(task)
        return task


def _seen(task: asyncio.Task[Any]) -> None:
    """An answer that no block waited for any more has nothing to report."""
    if not task.cancelled():
        task.exception()

"""What everybody who asks needs to know first, read once for all who ask at the same time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from starlette.concurrency import run_in_threadpool

LOOK_SECONDS = 0.5
"""For so long a look is good."""

T = TypeVar("T")


class SharedLook(Generic[T]):
    """A look, for example at the database, in a thread.

    :param read: what is read; an error of it is that of everybody who waits, and is not kept.
    """

    def __init__(self, read: Callable[[], T]) -> None:
        self._read = read
        self._seen: tuple[float, T] | None = None
        self._looking: asyncio.Task[T] | None = None

    async def now(self) -> T:
        """Return what was seen, not longer ago than a look is good."""
        if self._seen is not None and time.monotonic() - self._seen[0] < LOOK_SECONDS:
            return self._seen[1]
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())
        return await asyncio.shield(self._looking)

    async def _look(self) -> T:
        try:
            begin = time.monotonic()
            seen = await run_in_threadpool(self._read)
            self._seen = (begin, seen)
            return seen
        finally:
            self._looking = None

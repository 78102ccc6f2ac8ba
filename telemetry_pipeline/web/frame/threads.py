"""Threads for what takes long, such as asking another server: a few at once, so that nobody else waits for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import anyio
from anyio import CapacityLimiter

T = TypeVar("T")


class Threads:
    """So many at once.

    :param most: whoever comes when all of them are at work waits.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._limiter: CapacityLimiter | None = None

    async def run(self, work: Callable[[], T], patience_seconds: float | None = None) -> T:
        """Return what *work* does.

        :param patience_seconds: for how long; then the thread goes on, and nobody waits for it. None: for as long as it takes.
        :raises TimeoutError: that time is over.
        """
        # It belongs to the loop that it was made in.
        self._limiter = self._limiter or CapacityLimiter(self._most)
        with anyio.fail_after(patience_seconds):
            return await anyio.to_thread.run_sync(work, abandon_on_cancel=patience_seconds is not None, limiter=self._limiter)

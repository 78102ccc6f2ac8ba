"""The way to wait for something: look again and again until it is there, or the time is over."""

from __future__ import annotations

import time
from collections.abc import Iterator


def polling(seconds: float, interval: float = 0.05) -> Iterator[None]:
    """Yield at an interval, the first time at once and the last time when *seconds* are over."""
    deadline = time.monotonic() + seconds
    while True:
        yield
        left = deadline - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(interval, left))

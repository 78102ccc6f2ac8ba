"""The way to wait for something: look again and again until it is there, or the time is over."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator


def polling(
    seconds: float = math.inf, interval: float = 0.05, pause: Callable[[float], object] = time.sleep
) -> Iterator[float]:
    """Yield how many seconds are left, at an interval: the first time at once, the last time when none are.

    :param pause: waits that long between two looks, or less.
    """
    deadline = time.monotonic() + seconds
    while True:
        yield max(0.0, deadline - time.monotonic())
        left = deadline - time.monotonic()
        if left <= 0:
            return
        pause(min(interval, left))

"""How the time that some work takes grows with its size, on whatever machine."""

from __future__ import annotations

import time
from collections.abc import Callable

LINEAR = 40
"""More than the tenfold takes where it takes ten times as long, and less than where it takes a hundred times as long."""


def growth(work: Callable[[int], object], size: int) -> float:
    """How many times as long as a tenth the whole takes, by the processor's time."""
    tenth = _seconds(work, size // 10)
    return _seconds(work, size) / max(tenth, 0.001)


def _seconds(work: Callable[[int], object], size: int) -> float:
    began = time.thread_time()
    work(size)
    return time.thread_time() - began

"""Waiting for a condition."""

from __future__ import annotations

import time
from collections.abc import Iterator


def polling(seconds: float, interval: float = 0.05) -> Iterator[None]:
    """Yield at an interval until that many seconds are over, at least once."""
    deadline = time.monotonic() + seconds
    while True:
        yield
        if time.monotonic() >= deadline:
            return
        time.sleep(interval)

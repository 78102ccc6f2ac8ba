"""The child processes of a worker: when one is replaced for its memory, and that none leaves files behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import billiard.pool
import psutil
from celery.signals import worker_process_init, worker_process_shutdown

from telemetry_pipeline.results.views import spill


def look_after_children(spill_directory: Path) -> None:
    """Have children of this process's worker replaced for what they hold, and what they spilled removed."""
    # Its own is the most that a child ever held: who peaked once would be replaced, and load its views anew, at every step.
    billiard.pool.mem_rss = held_kb

    def begin(**_: Any) -> None:
        # It may be there in place of a child that was killed, and so removed nothing.
        spill.sweep(spill_directory)

    def end(**_: Any) -> None:
        # Neither finalizers nor what is registered for the exit come to run.
        spill.release_all()

    worker_process_init.connect(begin, weak=False)
    worker_process_shutdown.connect(end, weak=False)


def held_kb() -> int:
    """Return how much memory this process holds now that no other shares, in kilobytes."""
    return int(psutil.Process().memory_full_info().uss // 1_024)

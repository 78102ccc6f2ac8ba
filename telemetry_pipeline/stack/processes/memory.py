"""Whether this machine, or the container that it is, has the memory that a stack needs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from telemetry_pipeline.amounts import size
from telemetry_pipeline.errors import StackError

_CGROUP = Path("/sys/fs/cgroup")
# Idle it takes 1.1 GB; the process of a run and the steps of a tick take 0.4 GB on top.
_LEAST_BYTES = 1_500_000_000
_ENOUGH_BYTES = 2_500_000_000


def check_memory(say: Callable[[str], None]) -> None:
    """Say whether memory will be short.

    :raises StackError: the processes would be killed for want of it as soon as they work.
    """
    total = memory_bytes()
    there = f"{size(total)} of memory and swap"
    if total < _LEAST_BYTES:
        raise StackError(f"the stack needs {size(_LEAST_BYTES)}, and there are {there}: give the machine or the container more")
    if total < _ENOUGH_BYTES:
        say(f"there are {there}: enough for a start, but steps may be killed; {size(_ENOUGH_BYTES)} are better")


def memory_bytes() -> int:
    """Return memory and swap of the machine, or what its container may have of it, in bytes."""
    machine = psutil.virtual_memory().total + psutil.swap_memory().total
    limits = [limit for limit in (_read("memory.max"), _read("memory/memory.limit_in_bytes")) if limit is not None]
    return min([machine, *(limit + (_read("memory.swap.max") or 0) for limit in limits)])


def _read(name: str) -> int | None:
    """Return a limit of this process's control group; None is no limit."""
    with suppress(OSError, ValueError):  # "max" is no number
        return int((_CGROUP / name).read_text())
    return None

"""Whether this machine, or the container that it is, has the memory that a stack needs."""

from __future__ import annotations

from collections.abc import Callable

import psutil

from telemetry_pipeline.amounts import size
from telemetry_pipeline.errors import StackError
from telemetry_pipeline.settings import hardware

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
    swap = min(hardware.swap_limits(), default=0)
    return min([machine, *(limit + swap for limit in hardware.memory_limits())])

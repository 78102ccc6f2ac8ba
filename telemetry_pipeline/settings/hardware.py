"""What a process may have of its machine: memory and processors, as far as its container or unit lets it."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")


def memory_bytes() -> int:
    """Return how much memory there is, without swap, for this process and what is beside it in its group."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([machine, *memory_limits()])


def processors() -> int:
    """Return how many processors this process may keep busy, at least 1."""
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min([there, *(max(1, math.ceil(share)) for share in _limits("cpu.max"))])


def memory_limits() -> list[int]:
    """Return what the groups of this process limit its memory to, in bytes."""
    return [int(limit) for name in ("memory.max", "memory.limit_in_bytes") for limit in _limits(name)]


def free_within_limits() -> Iterator[tuple[int, int]]:
    """Yield how much of its memory each group of this process that has a limit does not use, and the limit, in bytes; cached
    files, which would go at once, are not used.
    """
    for group in _groups():
        with suppress(OSError, ValueError, KeyError):
            limit, used = (int((group / name).read_text()) for name in ("memory.max", "memory.current"))
            held = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
            yield limit - used + int(held["inactive_file"]), limit


def swap_limits() -> list[int]:
    """Return what they limit its swap to, in bytes."""
    return [int(limit) for limit in _limits("memory.swap.max")]


def _limits(name: str) -> Iterator[float]:
    """Yield what a file says in each control group of this process; of an amount of time and a period, the quotient."""
    for group in _groups():
        with suppress(OSError, ValueError):  # "max" is no number
            amount, *period = map(float, (group / name).read_text().split())
            yield amount / period[0] if period else amount


def _groups() -> Iterator[Path]:
    """Yield the groups of this process, each from the innermost to the outermost that can be seen."""
    try:
        lines = _OWN.read_text().splitlines()
    except OSError:  # not on Linux
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        root = _GROUPS / controllers  # the second version has one tree for all controllers, and no name for it
        own = root / path.lstrip("/")
        yield from (group for group in (own, *own.parents) if group.is_relative_to(root))

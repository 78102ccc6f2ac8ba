"""What the processes of a stack take: processor and memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil


def processes_of(home: Path) -> set[psutil.Process]:
    """Return the processes of the stack in *home*, which this process runs, and those below them; but not the simulator's."""
    roots = [each for each in psutil.Process().children(recursive=True) if str(home) in _text(each)]
    roots += [each for each in psutil.process_iter() if str(home) in _text(each) and each.ppid() == 1]
    return {below for each in roots for below in (each, *_below(each)) if "simulator" not in _text(each)}


def processor_seconds(home: Path) -> float:
    """Return how long they have been at work by now, with those below them that have ended."""
    return sum(_seconds(each) for each in processes_of(home))


def private_mb(home: Path, command: str) -> float:
    """Return how much memory only the processes whose command holds *command*, and those below them, each hold, in MB."""
    return sum(_private_mb(each) for each in processes_of(home) if command in _text(each))


def runs_of(home: Path) -> set[psutil.Process]:
    """Return the processes of runs."""
    forked = [each for each in processes_of(home) if "multiprocessing.forkserver" in _text(each)]
    servers = {each.pid for each in forked}
    return {each for each in forked if _parent(each) in servers}


def _parent(process: psutil.Process) -> int:
    with suppress(psutil.NoSuchProcess):
        return process.ppid()
    return 0


def _seconds(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        return float(times.user + times.system + times.children_user + times.children_system)
    return 0.0


def _private_mb(process: psutil.Process) -> float:
    with suppress(psutil.Error):
        return float(process.memory_full_info().uss / 1e6)
    return 0.0


def _below(process: psutil.Process) -> Iterator[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        yield from process.children(recursive=True)


def _text(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return " ".join([*process.cmdline(), *process.environ().get("TELEMETRY_HOME", "").split(), process.cwd()])
    return ""

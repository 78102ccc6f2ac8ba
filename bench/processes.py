"""What the processes of a stack take: processor and memory."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
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


@contextmanager
def peak_mb(home: Path, command: str) -> Iterator[Callable[[], float]]:
    """Look at the processes below those whose command holds *command* while the block is at work.

    What it yields returns the most memory that one of them had in use by then, in MB, with what it shares with its parent.
    """
    peaks = [0.0]
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.5):
            peaks.extend(_peak_mb(each) for each in processes_of(home) if command in _text(each))

    watching = threading.Thread(target=look)
    watching.start()
    try:
        yield lambda: max(peaks)
    finally:
        done.set()
        watching.join()


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


def _peak_mb(process: psutil.Process) -> float:
    with suppress(OSError):
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
        return int(found[1]) / 1000 if found else 0.0
    return 0.0


def _below(process: psutil.Process) -> Iterator[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        yield from process.children(recursive=True)


def _text(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return " ".join([*process.cmdline(), *process.environ().get("TELEMETRY_HOME", "").split(), process.cwd()])
    return ""

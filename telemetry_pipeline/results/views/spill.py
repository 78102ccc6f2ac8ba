"""Where DuckDB writes what its memory does not hold: a directory for each store, gone when its process is, however that ended.

It is named by its process, and locked for as long as that lives: the kernel lets go of a lock whatever ends who holds it. The
name tells people; it decides nothing, since another process may have the number meanwhile, also one of another container.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from telemetry_pipeline.errors import SettingsError

_PREFIX = "telemetry-spill-"

_held: dict[Path, int] = {}
"""The directories of this process, and what holds the lock of each."""


def claim(parent: Path) -> Path:
    """Return a new directory of this process in *parent*, from which what ended processes left is swept first.

    :raises SettingsError: nothing can be written there.
    """
    sweep(parent)
    try:
        parent.mkdir(parents=True, exist_ok=True)
        while True:
            own = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent))
            if (lock := _locked(own)) is not None:  # else somebody sweeps it already
                _held[own] = lock
                return own
    except OSError as err:
        raise SettingsError(
            f"DuckDB cannot write to {parent}: {err.strerror}",
            "make room there, or have DUCKDB_SPILL_DIRECTORY name another directory",
        ) from err


def release(own: Path) -> None:
    """Remove a directory of this process; one of another process, such as that which this was forked from, stays."""
    if (lock := _held.pop(own, None)) is not None:
        shutil.rmtree(own, ignore_errors=True)
        os.close(lock)


def release_all() -> None:
    """Remove those of this process, which is about to end."""
    for own in [*_held]:
        release(own)


def sweep(parent: Path) -> None:
    """Remove what processes left in *parent* that are gone."""
    for left in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # it is not ours to look at
            if (lock := _locked(left)) is not None:
                shutil.rmtree(left, ignore_errors=True)
                os.close(lock)


def _locked(directory: Path) -> int | None:
    """Lock a directory; None if another process has, or it is gone."""
    try:
        lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # It may have been swept since it was opened.
        if os.path.samestat(os.fstat(lock), os.stat(directory)):
            return lock
    except (BlockingIOError, FileNotFoundError):
        pass
    except OSError:
        os.close(lock)
        raise
    os.close(lock)
    return None


def _leave_to_the_parent() -> None:
    """Let go, in a forked process, of what is its parent's: it would hold the locks beyond the parent's end."""
    while _held:
        os.close(_held.popitem()[1])


os.register_at_fork(after_in_child=_leave_to_the_parent)

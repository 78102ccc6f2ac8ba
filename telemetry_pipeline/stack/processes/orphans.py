"""Nothing of a stack outlives it: finding its processes, ending them, and a guardian in case its supervisor is killed.

The guardian is a small process with the other end of a pipe, which the kernel closes however the supervisor ends.
It sweeps then, unless a new stack has taken the home over and has swept by itself.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from telemetry_pipeline.polling import polling
from telemetry_pipeline.stack.processes.surroundings import surroundings

# Every process of a stack, grandchildren included, carries its home in this environment variable, and is found by it.
MARKER = "TELEMETRY_STACK"

_GUARDIAN_GRACE_SECONDS = 3.0
_guardians: dict[Path, subprocess.Popen[bytes]] = {}


def members(home: Path) -> list[psutil.Process]:
    """Return every process of the stack at ``home``, grandchildren and orphans included, this one excepted."""
    marked = str(home.expanduser().resolve())
    return _processes(lambda process: process.pid != os.getpid() and process.environ().get(MARKER) == marked)


def end_backends(data: Path, seconds: float = 10.0) -> None:
    """End the processes of a PostgreSQL server that is gone itself, on whose memory no other server starts.

    They end by themselves once they see it, except one that is stopped or waits for its disk. Their titles overwrite their
    environment and they are groups of their own, but they work in the data directory.
    """
    for _ in polling(seconds):
        left = _processes(
            lambda process: (
                process.name() == "postgres" and process.cwd() == str(data) and process.status() != psutil.STATUS_ZOMBIE
            )
        )
        if not left:
            return
        for process in left:
            with suppress(psutil.Error):
                process.kill()


def sweep(home: Path, seconds: float = 10.0) -> int:
    """End every process that an earlier stack at ``home`` left behind.

    PostgreSQL is asked for a fast shutdown, so that it need not recover at its next start.

    :return: how many there were.
    """
    left = members(home)
    for process in left:
        with suppress(psutil.Error):
            process.send_signal(signal.SIGINT if process.name() == "postgres" else signal.SIGTERM)
    for _ in polling(seconds):
        if not (stubborn := members(home)):
            break
    for process in stubborn:
        with suppress(psutil.Error):
            process.kill()
    for _ in polling(seconds):
        if not members(home):
            break
    return len(left)


def watch(home: Path) -> None:
    """Have a guardian see to it that no process of ``home`` outlives this one."""
    guardian = _guardians.get(home)
    if guardian is None or guardian.poll() is not None:
        _guardians[home] = subprocess.Popen(
            [sys.executable, "-m", __name__, home],
            env=surroundings(),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        atexit.register(dismiss, home)


def dismiss(home: Path) -> None:
    """Let the guardian sweep and go."""
    guardian = _guardians.pop(home, None)
    if guardian is not None:
        guardian.communicate()


def lock_path(home: Path) -> Path:
    """Return the file whose lock belongs to the supervisor of ``home``, or to who cleans up after it."""
    return home / "stack.lock"


def _processes(wanted: Callable[[psutil.Process], bool]) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):  # other users' processes and zombies do not tell
            if wanted(process):
                found.append(process)
    return found


def _guard(home: Path) -> None:
    sys.stdin.buffer.read()
    try:
        file = lock_path(home).open("a")
    except OSError:  # the home is gone, as in tests, and its processes may still be there
        sweep(home, _GUARDIAN_GRACE_SECONDS)
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        sweep(home, _GUARDIAN_GRACE_SECONDS)


if __name__ == "__main__":
    _guard(Path(sys.argv[1]))

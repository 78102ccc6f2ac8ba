"""A whole stack as a person starts it, ``telemetry-pipeline up``, for benchmarks and tests that look at it from outside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from telemetry_pipeline.polling import polling
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.stack.processes.ports import free_port


@dataclass(frozen=True)
class Up:
    """A stack that somebody started.

    :ivar environment: what other commands need to find it. :ivar log: what it wrote to the screen.
    """

    home: Path
    environment: dict[str, str]
    process: subprocess.Popen[bytes]
    log: Path


@contextmanager
def up(folder: Path, *options: str, **settings: str) -> Iterator[Up]:
    """A stack in ``folder/home``, with no setting but these, while entered."""
    unset = {name.upper() for name in StackSettings.model_fields}
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    environment |= {"TELEMETRY_HOME": str(folder / "home"), **settings}
    command = [sys.executable, "-m", "telemetry_pipeline", "up", "--port", str(free_port()), *options]
    with (folder / "up.log").open("ab") as log:
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
    started = Up(folder / "home", environment, process, folder / "up.log")
    try:
        for _ in polling(180, interval=0.1):
            if (started.home / "stack.json").exists() or process.poll() is not None:
                break
        else:
            raise TimeoutError(f"the stack was not up after 180 s: {started.log.read_text()}")
        if process.poll() is not None:
            raise RuntimeError(f"the stack ended: {started.log.read_text()}")
        yield started
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)

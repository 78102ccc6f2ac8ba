"""A machine that is short of something: disk, memory, or luck while the stack starts."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
from terminal import wait_until

from telemetry_pipeline.errors import ServiceEnded, StackError
from telemetry_pipeline.settings import hardware
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.stack.processes import memory
from telemetry_pipeline.stack.processes.service import Service
from telemetry_pipeline.stack.stack import Stack
from telemetry_pipeline.stack.state import StackState, read_state


class Started(Stack):
    """As far as a test needs it: with a state to write, and services of the test's own."""

    def __init__(self, home: Path, say: Callable[[str], None]) -> None:
        settings = StackSettings.load(telemetry_home=home)
        super().__init__(settings, say=say)
        self.settings = settings  # type: ignore[assignment]
        urls = [name for name in StackState.model_fields if name.endswith(("_url", "_token"))]
        self._state = StackState(pid=os.getpid(), started_at=datetime.now(UTC), processes={}, **dict.fromkeys(urls, ""))
        self._state_due = 0.0

    def soon(self) -> None:
        """Let pass the time until the next looks."""
        self._room_due = 0.0
        if self._state_due is not None:
            self._state_due = 0.0
        self.tend()


def test_a_full_home_ends_no_supervisor_and_its_state_is_written_when_there_is_room(disk: Path) -> None:
    """Writing the state raised, and everything went down and stayed down."""
    said: list[str] = []
    stack = Started(disk, said.append)
    with (disk / "filler").open("wb") as filler:
        os.posix_fallocate(filler.fileno(), 0, shutil.disk_usage(disk).free)
    stack.soon()
    stack.soon()
    assert len([line for line in said if "is full" in line and str(disk) in line]) == 1
    assert len([line for line in said if "cannot be written to" in line]) == 1
    assert read_state(disk) is None
    (disk / "filler").unlink()
    stack.soon()
    assert read_state(disk) is not None
    assert said[-1] == "there is room on every disk again"


class Unlucky(Service):
    """A process that is killed in its first starts."""

    name = "unlucky"
    title = "the unlucky one"

    def __init__(self, home: Path, killed: int) -> None:
        super().__init__(home, {})
        self._killed = killed
        self.launches = 0

    def command(self) -> list[str]:
        return [sys.executable, "-c", "import time; time.sleep(600)"]

    def launch(self) -> None:
        super().launch()
        self.launches += 1
        if self.launches <= self._killed and self.pid is not None:
            psutil.Process(self.pid).send_signal(signal.SIGKILL)
            wait_until(lambda: self.exit_status is not None, seconds=60)

    def is_ready(self) -> bool:
        return self.exit_status is None


@pytest.mark.parametrize("killed", [0, 1, 2])
def test_a_part_that_dies_during_its_start_is_started_again(tmp_path: Path, killed: int) -> None:
    stack, service = Started(tmp_path, print), Unlucky(tmp_path, killed)
    try:
        stack._starting.run([service])
        assert service.launches == killed + 1
    finally:
        service.kill()


def test_a_part_that_always_dies_ends_the_start(tmp_path: Path) -> None:
    stack, service = Started(tmp_path, print), Unlucky(tmp_path, 9)
    with pytest.raises(ServiceEnded, match="the unlucky one ended at once"):
        stack._starting.run([service])
    assert service.launches == 3


def test_who_dies_while_another_starts_is_started_again(tmp_path: Path) -> None:
    stack, first, second = Started(tmp_path, print), Unlucky(tmp_path, 0), Unlucky(tmp_path / "second", 0)
    try:
        stack._starting.run([first])
        before = first.pid
        psutil.Process(before).kill()
        second.is_ready = lambda: first.pid not in (None, before)  # type: ignore[method-assign]
        stack._starting.run([second])
    finally:
        first.kill()
        second.kill()


@pytest.mark.parametrize(("megabytes", "refused", "warned"), [(800, True, False), (2_000, False, True), (8_000, False, False)])
def test_too_little_memory_is_said_before_anything_is_killed_for_want_of_it(
    monkeypatch: pytest.MonkeyPatch, megabytes: int, refused: bool, warned: bool
) -> None:
    monkeypatch.setattr(memory, "memory_bytes", lambda: megabytes * 1_000_000)
    said: list[str] = []
    if refused:
        with pytest.raises(StackError, match="GB, and there are 800 MB of memory"):
            memory.check_memory(said.append)
    else:
        memory.check_memory(said.append)
    assert bool(said) == warned


def test_the_limit_of_a_container_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "_GROUPS", tmp_path)
    machine = memory.memory_bytes()
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.memory_bytes() == machine
    (tmp_path / "memory.max").write_text("838860800\n")
    (tmp_path / "memory.swap.max").write_text("0\n")
    assert memory.memory_bytes() == 838_860_800
    (tmp_path / "memory.swap.max").write_text("1000000\n")
    assert memory.memory_bytes() == 839_860_800


def test_what_a_killed_process_left_in_its_temporary_directory_goes_at_the_next_launch(tmp_path: Path) -> None:
    """DuckDB's and multiprocessing's folders filled the disk."""
    service = Unlucky(tmp_path, 0)
    code = "import tempfile, time; tempfile.mkdtemp(prefix='telemetry-duckdb-'); time.sleep(600)"
    service.command = lambda: [sys.executable, "-c", code]  # type: ignore[method-assign]
    for _ in range(2):
        service.launch()
        wait_until(lambda: any(service.temporary.iterdir()), seconds=60)
        assert len(list(service.temporary.iterdir())) == 1
        service.kill()


def test_a_temporary_directory_whose_sockets_would_be_too_long_is_elsewhere(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 80)
    service = Unlucky(deep, 0)
    assert len(str(service.temporary)) < 60
    assert service.temporary != Unlucky(tmp_path / ("y" * 80), 0).temporary

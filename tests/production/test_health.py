"""Who lives and does no work is ended, and so started again."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from compose import (
    DOCKER,
    PRODUCTION,
    WORKERS,
    Spec,
    by_name,
    is_ours,
    load,
)
from systemd import units
from terminal import wait_until


def checked(spec: Spec) -> bool:
    return bool(spec.get("healthcheck", {}).get("test", [])[1:2] == ["health"])


@pytest.mark.parametrize("files", [*PRODUCTION, *WORKERS], ids=by_name)
def test_whatever_lives_and_does_no_work_is_ended_so_that_it_is_started_again(files: list[str]) -> None:
    """Compose restarts what ends, not what is unhealthy. The watch's own check says how everything else is."""
    ours = {name for name, spec in load(*files)["services"].items() if is_ours(spec) and not checked(spec)}
    assert ours <= {"migrate", "watch"}


def test_systemd_asks_what_compose_asks() -> None:
    services = load("compose.yaml")["services"]
    asked = {name.removeprefix("telemetry-") for name, unit in units().items() if "CHECK" in unit.environment}
    assert asked == {name for name, spec in services.items() if checked(spec)}


@pytest.fixture
def main(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that the entrypoint became."""
    surroundings = {"PATH": os.environ["PATH"], "SECRETS_DIRECTORY": str(tmp_path / "none"), "TMPDIR": str(tmp_path)}
    with subprocess.Popen([DOCKER / "entrypoint", "sleep", "600"], env=surroundings) as process:
        wait_until((tmp_path / "main.pid").exists, seconds=60)
        wait_until(lambda: psutil.Process(process.pid).name() == "sleep", seconds=60)
        yield process
        process.kill()


def health(folder: Path, check: str) -> int:
    surroundings = {"PATH": os.environ["PATH"], "SECRETS_DIRECTORY": str(folder / "none"), "TMPDIR": str(folder)}
    return subprocess.run([DOCKER / "health", check], env=surroundings, check=False).returncode


def test_the_third_failed_check_in_a_row_ends_the_process(tmp_path: Path, main: subprocess.Popen[bytes]) -> None:
    for check in ("true", "false", "false", "true", "false", "false"):
        assert health(tmp_path, check) == (check == "false")
    assert main.poll() is None
    assert health(tmp_path, "false") == 1
    assert main.wait(60) == -signal.SIGTERM


def test_a_frozen_process_is_killed_at_the_check_after(tmp_path: Path, main: subprocess.Popen[bytes]) -> None:
    main.send_signal(signal.SIGSTOP)
    for check in ("true", "false", "false", "false"):
        health(tmp_path, check)
    assert main.poll() is None
    health(tmp_path, "false")
    assert main.wait(60) == -signal.SIGKILL


def test_what_never_worked_is_given_time_to_start(tmp_path: Path, main: subprocess.Popen[bytes]) -> None:
    for _ in range(6):
        health(tmp_path, "false")
    assert main.poll() is None


def test_what_is_run_beside_the_process_is_not_taken_for_it(tmp_path: Path, main: subprocess.Popen[bytes]) -> None:
    surroundings = {"PATH": os.environ["PATH"], "SECRETS_DIRECTORY": str(tmp_path / "none"), "TMPDIR": str(tmp_path)}
    subprocess.run([DOCKER / "entrypoint", "true"], env=surroundings, check=True)
    assert (tmp_path / "main.pid").read_text().strip() == str(main.pid)

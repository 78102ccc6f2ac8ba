"""The children of a worker: replaced for what they hold, and gone with all that they spilled."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import celery
import pytest
from remembering_worker import LIMIT_MB, remembering_worker
from workers import worker, worker_environment

from telemetry_pipeline.polling import polling

Ask = Callable[..., int]


@pytest.fixture
def remembering(broker_url: str, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    with remembering_worker(broker_url, tmp_path / "spill", tmp_path / "log") as process:
        yield process


@pytest.fixture
def ask(broker_url: str, remembering: subprocess.Popen[bytes]) -> Iterator[Ask]:
    """Has that worker execute a task; returns which child did."""
    app = celery.Celery(broker=broker_url, backend=broker_url, set_as_current=False)
    yield lambda task, *arguments: int(app.send_task(task, arguments).get(timeout=120))
    app.close()


def spilled(directory: Path) -> list[Path]:
    return list((directory / "spill").iterdir())


def is_empty(directory: Path) -> bool:
    return any(not spilled(directory) for _ in polling(60))


def test_a_child_that_took_much_and_gave_it_back_goes_on(ask: Ask) -> None:
    """It keeps the views that it loaded; billiard would compare the most that it ever held."""
    peaked = ask("peak", 2 * LIMIT_MB)
    assert ask("peak", 1) == peaked


def test_a_child_that_holds_too_much_is_replaced_and_leaves_nothing_spilled(ask: Ask, tmp_path: Path) -> None:
    child = ask("claim")
    assert len(spilled(tmp_path)) == 1
    assert ask("hold", 2 * LIMIT_MB) == child
    assert ask("peak", 1) != child
    assert is_empty(tmp_path)


def test_a_worker_that_ends_leaves_nothing_spilled(ask: Ask, remembering: subprocess.Popen[bytes], tmp_path: Path) -> None:
    """None of its children begins any more."""
    ask("claim")
    assert len(spilled(tmp_path)) == 1
    remembering.terminate()
    remembering.wait()
    assert spilled(tmp_path) == []


def test_what_a_killed_child_spilled_goes_before_the_next_task(ask: Ask, tmp_path: Path) -> None:
    """Nobody else may claim a directory for long: the next steps may be those of another child."""
    os.kill(ask("claim"), signal.SIGKILL)
    assert is_empty(tmp_path)


def test_the_workers_of_steps_look_after_their_children_like_that(broker_url: str, database_url: str, tmp_path: Path) -> None:
    (tmp_path / "spill" / "telemetry-spill-1-left").mkdir(parents=True)
    with worker(worker_environment(broker_url, database_url, tmp_path), tmp_path / "log", queue="analysis"):
        assert is_empty(tmp_path)

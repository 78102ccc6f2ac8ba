"""``logs``: what it shows of which file, in which order, and what it says when there is nothing to show."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cli_harness import Outcome
from terminal import wait_until

Cli = Callable[..., Outcome]


def line(message: str, *, minutes_ago: float = 0, level: str = "INFO", **fields: Any) -> str:
    at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    return json.dumps({"time": at.isoformat(), "level": level, "logger": "some", "pid": 1, **fields, "message": message})


@pytest.fixture
def log(home: Path) -> Callable[..., Path]:
    """Writes lines into a file of the home's logs."""

    def write(name: str, *lines: str) -> Path:
        path = home / "logs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.writelines(f"{text}\n" for text in lines)
        return path

    return write


def messages(outcome: Outcome) -> list[str]:
    assert (outcome.status, outcome.err) == (0, "")
    return [shown.split()[-1] for shown in outcome.out.splitlines() if not shown.startswith("times: ")]


def test_a_line_has_the_operators_time_the_level_the_run_the_step_and_the_message(
    cli: Cli, log: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPERATOR_TIMEZONE", "America/Mexico_City")
    entry = {
        "time": "2026-11-21T11:39:50.334452+00:00",
        "level": "ERROR",
        "run": "49519adc-08f1-47cb",
        "step": "ott_views",
        "error": ["ValueError: no"],
        "message": "failed \x1b[2J",
    }
    log("pipeline.log", json.dumps(entry))
    outcome = cli("logs")
    assert outcome.out.splitlines() == [
        "times: America/Mexico_City",
        "2026-11-21 05:39:50 ERROR    [49519adc ott_views] failed \\u001b[2J",
        "    ValueError: no",
    ]
    assert json.loads(cli("logs", "--json").out) == entry
    assert cli("logs", "--level", "critical").out == ""


def test_rotated_files_are_read_too_oldest_first(cli: Cli, log: Callable[..., Path]) -> None:
    for name, message in (("pipeline.log", "c"), ("pipeline.log.1", "b"), ("pipeline.log.2", "a"), ("upstream.log", "x")):
        log(name, line(message))
    assert messages(cli("logs")) == ["a", "b", "c"]
    assert messages(cli("logs", "--lines", "2")) == ["b", "c"]
    assert messages(cli("logs", "upstream")) == ["x"]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--run", "4951"], ["first", "second"]),
        (["--run", "4951", "--step", "ott_views"], ["second"]),
        (["--level", "warning"], ["second", "third"]),
        (["--since", "5"], ["third"]),
        (["--run", "none"], []),
    ],
    ids=lambda value: " ".join(value),
)
def test_lines_are_chosen_by_run_step_level_and_age(
    options: list[str], found: list[str], cli: Cli, log: Callable[..., Path]
) -> None:
    log(
        "pipeline.log",
        line("first", minutes_ago=60, run="49519adc", step="telemetry_records"),
        line("second", minutes_ago=10, run="49519adc", step="ott_views", level="WARNING"),
        line("third", minutes_ago=1, level="ERROR"),
    )
    assert messages(cli("logs", *options)) == found


def test_a_torn_line_is_shown_as_it_is(cli: Cli, log: Callable[..., Path]) -> None:
    log("pipeline.log", '{"time": "2026-', line("whole"))
    assert cli("logs").out.splitlines()[1] == '{"time": "2026-'


def test_the_log_of_a_process_is_plain_text(cli: Cli, log: Callable[..., Path]) -> None:
    log("worker.log", "one", "two")
    assert cli("logs", "worker", "--lines", "1").out == "two\n"
    outcome = cli("logs", "worker", "--run", "4951")
    assert (outcome.status, outcome.out) == (2, "")
    assert "The log of worker is plain text" in outcome.err


def test_logs_in_a_directory_of_their_own_are_found(
    cli: Cli, log: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log("worker.log", "of the process")
    monkeypatch.setenv("LOG_DIRECTORY", str(tmp_path / "elsewhere"))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "errors.log").write_text(line("there") + "\n")
    assert messages(cli("logs", "errors")) == ["there"]
    assert cli("logs", "worker").out == "of the process\n"


def test_what_is_not_there_is_said_with_what_is(cli: Cli, log: Callable[..., Path], home: Path) -> None:
    assert cli("logs") == Outcome(1, "", f"error: nothing was logged yet: there is no {home / 'logs' / 'pipeline.log'}\n")
    log("worker.log", "one")
    assert cli("logs", "wroker") == Outcome(
        1, "", "error: there is no log 'wroker'\n-> there are pipeline, errors, upstream, worker\n"
    )


def test_follow_goes_on_over_a_rotation_and_ends_with_ctrl_c(home: Path, log: Callable[..., Path], tmp_path: Path) -> None:
    path = log("pipeline.log", line("before"))
    shown = tmp_path / "shown"
    with shown.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "telemetry_pipeline", "logs", "--follow"], stdout=out, env=os.environ, cwd=tmp_path
        )
    try:
        wait_until(lambda: "before" in shown.read_text(), seconds=60)
        log("pipeline.log", line("more"))
        wait_until(lambda: "more" in shown.read_text(), seconds=60)
        with path.open("a") as file:
            file.write(line("last of the old file") + "\n")
            path.rename(path.with_name("pipeline.log.1"))
        log("pipeline.log", line("first of the new file"))
        wait_until(lambda: "first of the new" in shown.read_text(), seconds=60)
    finally:
        process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    found = [text.split("INFO")[1].strip() for text in shown.read_text().splitlines()[1:]]
    assert found == ["before", "more", "last of the old file", "first of the new file"]

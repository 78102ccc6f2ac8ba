"""``telemetry-pipeline up`` as a process: what it leaves behind, what it survives, what stands beside it."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import requests
from terminal import wait_until

from telemetry_pipeline.settings import StackSettings

pytestmark = pytest.mark.slow

SMALL = ("--records-count", "500", "--live", "0")

Up = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    """Starts stacks, each in the home that is given, and waits until they are up or have given up."""
    started: list[subprocess.Popen[str]] = []

    def start(home: Path, *options: str, **environment: str) -> subprocess.Popen[str]:
        unset = {name.upper() for name in StackSettings.model_fields}
        surroundings = {name: value for name, value in os.environ.items() if name not in unset}
        with (tmp_path / f"{home.name}-{len(started)}.log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "telemetry_pipeline", "up", *(options or SMALL)],
                env={**surroundings, "TELEMETRY_HOME": str(home), "TICK_CRON": "0 0 29 2 *", **environment},
                cwd=tmp_path,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
            )
        started.append(process)
        wait_until(lambda: process.poll() is not None or is_up(home, process.pid), seconds=120)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def is_up(home: Path, pid: int) -> bool:
    try:
        return json.loads((home / "stack.json").read_text())["pid"] == pid
    except (OSError, ValueError):
        return False


def state(home: Path) -> dict[str, str]:
    return json.loads((home / "stack.json").read_text())


def processes_of(home: Path) -> list[psutil.Process]:
    """Whatever runs for this home, however it came into being."""
    found = []
    for process in psutil.process_iter():
        try:
            if str(home) in " ".join(process.cmdline()) or process.environ().get("TELEMETRY_HOME") == str(home):
                found.append(process)
        except psutil.Error:
            continue
    return [process for process in found if process.status() != psutil.STATUS_ZOMBIE]


def test_one_ctrl_c_stops_everything_and_leaves_no_process(tmp_path: Path, up: Up) -> None:
    home = tmp_path / "home"
    process = up(home)
    assert requests.get(f"{state(home)['webserver_url']}/server_info", timeout=30).ok
    assert len(processes_of(home)) > 5
    assert stat.S_IMODE((home / "stack.json").stat().st_mode) == 0o600
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    wait_until(lambda: not processes_of(home), seconds=10)


def test_after_a_kill_the_next_start_works_and_has_the_data(tmp_path: Path, up: Up) -> None:
    home = tmp_path / "home"
    process = up(home)
    with psycopg.connect(state(home)["database_url"]) as connection:
        connection.execute("update telemetry.sync_state set cursor = 4711")
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait(10)
    assert children
    assert up(home).poll() is None, (tmp_path / "home-1.log").read_text()
    with psycopg.connect(state(home)["database_url"]) as connection:
        assert connection.execute("select cursor from telemetry.sync_state").fetchone() == (4711,)
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]


def test_two_homes_run_side_by_side_and_one_home_only_once(tmp_path: Path, up: Up) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    assert up(one).poll() is None
    assert up(other).poll() is None, (tmp_path / "other-1.log").read_text()
    assert state(one)["webserver_url"] != state(other)["webserver_url"]
    assert state(one)["database_url"] != state(other)["database_url"]
    again = up(one)
    assert again.wait(30) == 1
    assert str(one) in (tmp_path / "one-2.log").read_text().splitlines()[-1]


def test_servers_that_are_given_are_used(tmp_path: Path, up: Up, postgres_url: str, redis_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("create database given")
    home = tmp_path / "home"
    url = postgres_url.replace("/postgres?", "/given?")
    assert up(home, DATABASE_URL=url, REDIS_URL=redis_url).poll() is None, (tmp_path / "home-0.log").read_text()
    assert {"postgres", "valkey"}.isdisjoint(state(home)["processes"])
    with psycopg.connect(url) as connection:
        assert connection.execute("select count(*) from telemetry.records").fetchone() == (0,)


@pytest.mark.parametrize(
    ("options", "environment", "complaint"),
    [
        pytest.param(["--no-simulator"], {}, "PANACCESS_URL", id="no upstream at all"),
        pytest.param([], {"OPERATOR_TIMEZONE": "Mexico"}, "America/Mexico_City", id="an impossible setting"),
        pytest.param([], {"DATABASE_URL": "postgresql://x:hunter2@127.0.0.1:1/x"}, "127.0.0.1", id="no database"),
    ],
)
def test_what_cannot_start_says_why_in_the_end(
    tmp_path: Path, up: Up, options: list[str], environment: dict[str, str], complaint: str
) -> None:
    home = tmp_path / "home"
    assert up(home, *options, **environment).wait(60) == 1
    said = (tmp_path / "home-0.log").read_text()
    assert complaint in said
    assert "Traceback" not in said
    assert "hunter2" not in said
    assert not processes_of(home)

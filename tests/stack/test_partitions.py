"""Since when a stack has partitions, in its processes and for the commands that ask from outside."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from telemetry_pipeline.settings.loading import Settings, StackSettings
from telemetry_pipeline.stack.environment import environment
from telemetry_pipeline.stack.partitions import first_partition, first_partition_here
from telemetry_pipeline.stack.services.simulator import SimulatorOptions
from telemetry_pipeline.stack.state import HomeLock, StackState, write_state
from telemetry_pipeline.stack.upstream import remember_upstream

# In Mexico it is still the 20th.
END = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
UNSET = {name.upper() for name in StackSettings.model_fields}


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in UNSET:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def given(home: Path, **settings: object) -> StackSettings:
    return StackSettings.load(telemetry_home=home, operator_timezone="America/Mexico_City", **settings)


def running_since(home: Path, first: date | None) -> HomeLock:
    """What a running stack leaves in its home."""
    lock = HomeLock.acquire(home)
    names = [name for name in StackState.model_fields if name.endswith(("_url", "_token"))]
    urls = dict.fromkeys(names, "")
    write_state(home, StackState(pid=os.getpid(), started_at=END, first_partition=first, processes={}, **urls))
    return lock


def test_it_is_the_first_simulated_day_where_the_operator_is(tmp_path: Path) -> None:
    assert first_partition(given(tmp_path), SimulatorOptions(end=END, days=30)) == date(2026, 10, 21)


def test_a_home_keeps_the_day_of_its_first_start(tmp_path: Path) -> None:
    remember_upstream(tmp_path, SimulatorOptions(end=END))
    assert first_partition(given(tmp_path), SimulatorOptions(end=END + timedelta(days=50))) == date(2026, 8, 22)
    assert first_partition_here(given(tmp_path)) == date(2026, 8, 22)


@pytest.mark.parametrize(
    ("settings", "simulator"),
    [
        pytest.param({"first_partition": "2025-01-01"}, SimulatorOptions(end=END), id="it is set"),
        pytest.param({}, SimulatorOptions(end=END, records=Path("export.csv")), id="an export"),
        pytest.param({"panaccess_url": "https://panaccess.example/api"}, None, id="a real PanAccess"),
    ],
)
def test_else_the_setting_decides(tmp_path: Path, settings: dict[str, str], simulator: SimulatorOptions | None) -> None:
    assert first_partition(given(tmp_path, **settings), simulator) == date(2025, 1, 1)


def test_commands_go_by_the_stack_that_runs(tmp_path: Path) -> None:
    lock = running_since(tmp_path, date(2026, 3, 4))
    assert first_partition_here(given(tmp_path)) == date(2026, 3, 4)
    assert first_partition_here(given(tmp_path, first_partition="2026-01-01")) == date(2026, 3, 4)
    lock.release()


def test_commands_go_by_the_stack_that_they_would_start(tmp_path: Path) -> None:
    today = datetime.now(given(tmp_path).operator_zone)
    assert first_partition_here(given(tmp_path)) == (today - timedelta(days=90)).date()
    assert first_partition_here(given(tmp_path, panaccess_url="https://panaccess.example/api")) == date(2025, 1, 1)


def test_processes_have_it_in_their_environment(tmp_path: Path) -> None:
    addresses = {
        "database_url": "postgresql://127.0.0.1/telemetry",
        "dagster_database_url": "postgresql://127.0.0.1/dagster",
        "redis_url": "redis://127.0.0.1",
        "panaccess_url": "http://127.0.0.1",
        "panaccess_username": "simulator",
        "panaccess_password": "simulator",
        "panaccess_api_token": "simulator",
    }
    settings = Settings.load(telemetry_home=tmp_path, first_partition=date(2026, 8, 22), **addresses)
    assert environment("watch", settings)["FIRST_PARTITION"] == "2026-08-22"

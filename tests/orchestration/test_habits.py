"""What everybody who knows Dagster types first, in a checkout, with no server and no address."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from telemetry_pipeline.errors import SettingsError
from telemetry_pipeline.orchestration.build import build_defs
from telemetry_pipeline.orchestration.runtime.instance import PipelineInstance
from telemetry_pipeline.settings.loading import StackSettings

PROJECT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
FOUND = {"telemetry_records", "ott_views", "top_channels", "full_analysis"}


def run(*command: str, tmp_path: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """In the checkout, with nothing set but *settings*."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TELEMETRY_ENV_FILE": "", "COLUMNS": "200"}
    environment |= {"TELEMETRY_HOME": str(tmp_path), "PYTHONPATH": str(PROJECT), "TMPDIR": str(tmp_path), **settings}
    return subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=240, check=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        (str(BIN / "dagster"), "definitions", "validate"),
        (str(BIN / "dagster"), "asset", "list", "-m", "telemetry_pipeline.definitions"),
        (str(BIN / "dg"), "check", "defs"),
        (str(BIN / "dg"), "list", "defs"),
    ],
    ids=lambda command: " ".join(Path(part).name for part in command),
)
def test_definitions_load_without_any_server(command: tuple[str, ...], tmp_path: Path) -> None:
    done = run(*command, tmp_path=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    if "list" in command:
        assert {name for name in FOUND if name in done.stdout} == FOUND
    assert "BetaWarning" not in done.stdout + done.stderr
    assert not list(tmp_path.rglob("postgres*"))


_ZONE = {"OPERATOR_TIMEZONE": ("Mexico", "OPERATOR_TIMEZONE is 'Mexico'; expected an IANA name")}
_CRON = {"TICK_CRON": ("often", "TICK_CRON is 'often'; expected a cron expression")}
_ADDRESS = {"DAGSTER_DATABASE_URL": ("mysql://x/y", "DAGSTER_DATABASE_URL cannot be used; expected a URL")}


@pytest.mark.slow
@pytest.mark.parametrize("wrong", [_ZONE | _CRON, _ADDRESS | _CRON], ids=lambda wrong: ",".join(wrong))
def test_settings_that_cannot_be_used_are_all_named_at_once(wrong: dict[str, tuple[str, str]], tmp_path: Path) -> None:
    command = (str(BIN / "dagster"), "definitions", "validate")
    done = run(*command, tmp_path=tmp_path, **{name: value for name, (value, _) in wrong.items()})
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert [name for name, (_, problem) in wrong.items() if problem not in said] == []
    assert [trace for trace in ("Stack Trace", "Traceback", 'File "') if trace in said] == []


def test_without_a_warehouse_nothing_starts_by_itself() -> None:
    defs = build_defs(StackSettings.load())
    switches = {each.default_status.value for each in [*(defs.schedules or []), *(defs.sensors or [])]}
    assert switches == {"STOPPED"}


def test_with_a_warehouse_everything_does() -> None:
    defs = build_defs(StackSettings.load(database_url="postgresql://nobody@127.0.0.1:1/none"))
    switches = {each.default_status.value for each in [*(defs.schedules or []), *(defs.sensors or [])]}
    assert switches == {"RUNNING"}


def test_what_connects_says_which_addresses_are_missing() -> None:
    resources = build_defs(StackSettings.load()).resources or {}
    with pytest.raises(SettingsError, match="DATABASE_URL is missing"):
        _ = resources["warehouse"].engine


@pytest.mark.parametrize(
    ("variables", "storage"),
    [
        ({}, "DagsterSqliteStorage"),
        ({"DAGSTER_HOME": "", "DAGSTER_DATABASE_URL": ""}, "DagsterSqliteStorage"),
        ({"DAGSTER_HOME": "/opt/telemetry/home"}, "KeepingPostgresStorage"),
        ({"DAGSTER_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}, "KeepingPostgresStorage"),
    ],
    ids=["nothing", "empty", "a home", "an address"],
)
def test_only_who_has_neither_home_nor_address_keeps_runs_in_files(
    variables: dict[str, str], storage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container that was given no address must not begin a history of its own."""
    for name in ("DAGSTER_HOME", "DAGSTER_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert PipelineInstance.config_defaults(str(tmp_path))["storage"].class_name == storage

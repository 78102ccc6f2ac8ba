"""``env`` and ``dagster`` give other programs what they need to work with the pipeline here."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_harness import Outcome

PROJECT = Path(__file__).parents[2]
Cli = Callable[..., Outcome]


def exported(out: str) -> dict[str, str]:
    """What a shell would take in."""
    lines = [shlex.split(line) for line in out.splitlines()]
    assert all(line[0] == "export" and len(line) == 2 for line in lines)
    return dict(line[1].split("=", 1) for line in lines)


def test_env_gives_what_the_stack_here_has(cli: Cli, announce: Callable[..., None], home: Path) -> None:
    announce("http://127.0.0.1:9/", database_url="postgresql://me:it's@127.0.0.1:9/telemetry")
    found = cli("env")
    assert (found.status, found.err) == (0, "")
    variables = exported(found.out)
    assert variables["DATABASE_URL"] == "postgresql://me:it%27s@127.0.0.1:9/telemetry"
    assert variables["REDIS_URL"] == "redis://:sesame@127.0.0.1:9/0"
    assert variables["DAGSTER_HOME"] == str(home / "dagster")
    assert variables["WEBSERVER_URL"] == f"unix:{home}/sockets/operators.sock:/dagster"
    assert "PANACCESS_PASSWORD" not in variables


def test_env_without_a_pipeline_says_what_is_missing(cli: Cli) -> None:
    found = cli("env")
    assert (found.status, found.out) == (1, "")
    assert "DATABASE_URL is missing" in found.err


def test_dagster_is_given_all_that_follows(cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[object] = []
    monkeypatch.setattr(os, "execve", lambda program, arguments, environment: called.extend([arguments, environment]))
    for name in ("DATABASE_URL", "DAGSTER_DATABASE_URL"):
        monkeypatch.setenv(name, "postgresql://nobody@127.0.0.1:1/none")
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("PANACCESS_URL", "http://127.0.0.1:1/")
    monkeypatch.setenv("PANACCESS_USERNAME", "nobody")
    assert cli("dagster", "asset", "list", "--select", "ott_views", "--help").status == 0
    arguments, environment = called
    assert arguments == [sys.executable, "-m", "dagster", "asset", "list", "--select", "ott_views", "--help"]
    assert isinstance(environment, dict)
    assert environment["DAGSTER_MODULE_NAME"] == "telemetry_pipeline.definitions"
    assert (Path(environment["DAGSTER_HOME"]) / "dagster.yaml").is_file()
    assert Path(environment["DAGSTER_HOME"]).is_relative_to(home)


@pytest.mark.slow
def test_dagster_lists_the_assets_of_the_pipeline_that_the_settings_name(tmp_path: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(PROJECT),
        "HOME": str(tmp_path),
        "TELEMETRY_HOME": str(tmp_path / "home"),
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "DAGSTER_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "PANACCESS_URL": "http://127.0.0.1:1/",
        "PANACCESS_USERNAME": "nobody",
    }
    command = [sys.executable, "-m", "telemetry_pipeline", "dagster", "asset", "list"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert {"telemetry_records", "ott_views", "top_channels"} <= set(done.stdout.split())

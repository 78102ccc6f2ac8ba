"""``watch`` and ``doctor`` work as commands, whatever is away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from telemetry_pipeline.monitoring.doctor.examination import examine_alerts
from telemetry_pipeline.settings.loading import StackSettings

MAIL = "mailtos://hans:geheimnis@smtp.example.com?to=operator@example.com"


@pytest.mark.parametrize(
    ("urls", "outcome"),
    [("", "skipped"), (MAIL, "ok"), (f"{MAIL} nonsense", "failed"), (f"{MAIL}\nnonono://geheimnis@host", "failed")],
)
def test_the_doctor_says_whether_the_addresses_are_understood_without_their_secrets(urls: str, outcome: str) -> None:
    finding = examine_alerts(StackSettings.load(alert_urls=urls))
    assert finding.outcome == outcome
    assert "geheimnis" not in f"{finding}"


def environment(tmp_path: Path, **settings: str) -> dict[str, str]:
    return os.environ | {"TELEMETRY_HOME": str(tmp_path / "home"), "PYTHONUNBUFFERED": "1"} | settings


def command(*options: str) -> list[str]:
    return [sys.executable, "-m", "telemetry_pipeline", "watch", *options]


def test_one_look_prints_what_does_not_work_and_fails(tmp_path: Path, database_url: str, closed_port: int) -> None:
    nowhere = {
        "REDIS_URL": f"redis://127.0.0.1:{closed_port}/0",
        "WEBSERVER_URL": f"http://127.0.0.1:{closed_port}",
        "WEB_URL": "https://telemetry.example.com",
    }
    done = subprocess.run(
        command("--once"),
        env=environment(tmp_path, DATABASE_URL=database_url, DAGSTER_DATABASE_URL=database_url, **nowhere),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == ["The broker (Redis)", "Dagster's web server"]
    assert "telemetry.example.com" not in done.stdout


def test_without_addresses_it_says_what_is_missing(tmp_path: Path) -> None:
    done = subprocess.run(command(), env=environment(tmp_path), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "DATABASE_URL, DAGSTER_DATABASE_URL, REDIS_URL, WEBSERVER_URL" in done.stderr


def test_sigterm_ends_it_cleanly_whatever_is_away(tmp_path: Path, closed_port: int) -> None:
    away = f"postgresql://127.0.0.1:{closed_port}/telemetry"
    settings = {
        "DATABASE_URL": away,
        "DAGSTER_DATABASE_URL": away,
        "REDIS_URL": f"redis://127.0.0.1:{closed_port}/0",
        "WEBSERVER_URL": f"http://127.0.0.1:{closed_port}",
    }
    with subprocess.Popen(
        command(),
        env=environment(tmp_path, **settings),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("watching, with 0 channels")
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0

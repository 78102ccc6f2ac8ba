"""``doctor`` says of each setting and server what it saw, or what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import redis
import requests
from cli_harness import Outcome
from waiting_worker import waiting_worker
from webservers import FakeWebserver

from telemetry_pipeline.cli.operating.doctor import examine
from telemetry_pipeline.monitoring.doctor import surroundings
from telemetry_pipeline.monitoring.doctor.findings import Finding
from telemetry_pipeline.stack.servers.reach import at_database

HEALTH: dict[str, Any] = {
    "version": "1.13.27",
    "instance": {
        "daemonHealth": {
            "allDaemonStatuses": [
                {"daemonType": "SCHEDULER", "required": True, "healthy": True},
                {"daemonType": "SENSOR", "required": True, "healthy": False},
                {"daemonType": "ASSET", "required": False, "healthy": False},
            ]
        }
    },
    "workspaceOrError": {
        "__typename": "Workspace",
        "locationEntries": [
            {
                "name": "telemetry_pipeline",
                "loadStatus": "LOADED",
                "locationOrLoadError": {"__typename": "PythonError", "message": "ImportError: no module\n"},
            }
        ],
    },
}


def findings() -> dict[str, Finding]:
    return {finding.name: finding for finding in examine()}


def test_each_check_says_what_it_saw_or_what_to_do(
    home: Path,
    announce: Callable[..., None],
    webserver: FakeWebserver,
    database_url: str,
    redis_url: str,
    simulator: Callable[..., Any],
) -> None:
    webserver.answers["Health"] = HEALTH
    announce(
        webserver.url,
        database_url=database_url,
        dagster_database_url=database_url,
        redis_url=redis_url,
        panaccess_url=simulator().url,
    )
    found = findings()
    assert found["stack"].detail.endswith(", since 2026-11-21 06:00:00 America/Mexico_City, partitions from 2025-01-01")
    outcomes = {name: finding.outcome for name, finding in found.items()}
    assert outcomes == {
        "settings": "ok",
        ".env": "ok",
        "alerts": "skipped",
        "home": "ok",
        "disks": "ok",
        "stack": "ok",
        "PostgreSQL": "ok",
        "database user": "warning",
        "schema": "ok",
        "stored rows": "ok",
        "record ids": "ok",
        "syncs": "ok",
        "time zones": "ok",
        "PostgreSQL's log": "ok",
        "PostgreSQL's disk": "ok",
        "Dagster's database": "ok",
        "Dagster's tables": "failed",
        "PostgreSQL's log of Dagster": "ok",
        "broker": "ok",
        "worker": "failed",
        "way to PanAccess": "ok",
        "PanAccess": "ok",
        "mail": "skipped",
        "web server": "ok",
        "code": "failed",
        "daemon": "failed",
    }
    assert found["PostgreSQL"].detail.startswith("PostgreSQL 18")
    assert found["broker"].detail.startswith("Valkey 9")
    assert found["Dagster's tables"].advice == "run 'dagster instance migrate' once"
    assert found["worker"].detail == "no Celery worker answers"
    assert found["code"].detail == "ImportError: no module"
    assert found["daemon"].detail == "no sign of life from sensor"
    assert all(finding.advice for finding in found.values() if finding.outcome == "failed")


@pytest.mark.slow
def test_queues_that_no_worker_serves_are_named(redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broker_url = urlsplit(redis_url)._replace(path="/8").geturl()
    monkeypatch.setenv("REDIS_URL", broker_url)
    with waiting_worker(broker_url, "lonely@here", ["analysis"], tmp_path / "worker.log"):
        worker = findings()["worker"]
    assert (worker.outcome, worker.detail) == ("failed", "1 answering: lonely@here; none takes steps of ingest, reports")
    assert worker.advice == "start a worker with '-Q ingest,reports'"


def test_a_web_server_elsewhere_is_examined_as_well(webserver: FakeWebserver, monkeypatch: pytest.MonkeyPatch) -> None:
    webserver.answers["Health"] = HEALTH
    monkeypatch.setenv("WEBSERVER_URL", webserver.url)
    found = findings()
    assert found["web server"].detail == f"Dagster 1.13.27 at {webserver.url}"
    assert (found["code"].outcome, found["daemon"].outcome) == ("failed", "failed")


def test_with_nothing_there_the_way_to_start_is_shown_and_the_status_is_1(cli: Callable[..., Outcome]) -> None:
    outcome = cli("doctor")
    assert (outcome.status, outcome.err) == (1, "")
    assert "failed  stack: none is running in " in outcome.out
    assert "        -> start it with 'telemetry-pipeline up'" in outcome.out
    assert "skipped PostgreSQL: DATABASE_URL is not set" in outcome.out
    assert outcome.out.splitlines()[-1] == "1 of the checks failed"


def test_impossible_settings_are_all_listed_and_end_the_examination(
    cli: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPERATOR_TIMEZONE", "Mexico")
    monkeypatch.setenv("REDIS_URL", "valkey")
    outcome = cli("doctor")
    assert outcome.status == 1
    assert outcome.out.splitlines() == [
        "failed  settings: The settings cannot be used:",
        "          REDIS_URL cannot be used; expected a URL such as redis://:password@host:6379/0, rediss://host or "
        "unix:///run/redis.sock?db=0",
        "          OPERATOR_TIMEZONE is 'Mexico'; expected an IANA name such as America/Mexico_City",
        "        -> correct them in the environment or in the file .env",
        "1 of the checks failed",
    ]


def test_servers_that_do_not_answer_are_told_without_their_passwords(
    cli: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://telemetry:open%20sesame@127.0.0.1:9/telemetry")
    monkeypatch.setenv("DAGSTER_DATABASE_URL", "postgresql://telemetry:open%20sesame@127.0.0.1:9/dagster")
    monkeypatch.setenv("REDIS_URL", "redis://:sesame@127.0.0.1:9/0")
    monkeypatch.setenv("PANACCESS_URL", "http://127.0.0.1:9/api")
    monkeypatch.setenv("PANACCESS_USERNAME", "ali")
    monkeypatch.setenv("PANACCESS_PASSWORD", "sesame")
    monkeypatch.setenv("PANACCESS_API_TOKEN", "sesame-token")
    outcome = cli("doctor")
    assert outcome.status == 1
    for name in ("PostgreSQL", "Dagster's database", "broker", "PanAccess"):
        assert f"failed  {name}: " in outcome.out
    assert "skipped worker: it cannot be asked without the broker" in outcome.out
    assert "skipped stack: none is running in " in outcome.out
    assert "sesame" not in outcome.out


def test_a_wrong_password_is_tried_once_and_told(
    home: Path, simulator: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = simulator()
    monkeypatch.setenv("PANACCESS_URL", server.url)
    monkeypatch.setenv("PANACCESS_USERNAME", "simulator")
    monkeypatch.setenv("PANACCESS_PASSWORD", "sesame")
    monkeypatch.setenv("PANACCESS_API_TOKEN", "simulator")
    finding = findings()["PanAccess"]
    assert finding.outcome == "failed"
    assert "sesame" not in finding.detail + finding.advice
    assert requests.get(f"{server.url}requests", timeout=10).json()["rejected_logins"] == 1


def test_credentials_that_are_missing_are_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PANACCESS_URL", "http://127.0.0.1:9/api")
    detail = findings()["PanAccess"].detail
    for name in ("PANACCESS_USERNAME", "PANACCESS_PASSWORD", "PANACCESS_API_TOKEN"):
        assert f"{name} is missing" in detail


def test_a_database_that_lacks_migrations_is_told(home: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("drop schema telemetry cascade")
    monkeypatch.setenv("DATABASE_URL", database_url)
    finding = findings()["schema"]
    assert (finding.outcome, finding.advice) == ("failed", "apply them with 'telemetry-pipeline migrate'")


def test_a_database_that_is_not_there_is_told(home: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", at_database(postgres_url, "nowhere"))
    assert 'database "nowhere" does not exist' in findings()["PostgreSQL"].detail


def test_a_broker_that_may_drop_messages_is_told(home: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", redis_url)
    with redis.Redis.from_url(redis_url) as client:
        before = client.config_get("maxmemory*")
        client.config_set("maxmemory", 100_000_000)
        client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            finding = findings()["broker"]
        finally:
            for name in ("maxmemory", "maxmemory-policy"):
                client.config_set(name, before[name])
    assert (finding.outcome, finding.advice) == ("failed", "set maxmemory-policy to noeviction")


def test_a_home_that_is_a_file_and_a_full_disk_are_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surroundings, "DISK_BYTES_NEEDED", 1e18)
    assert "GB of free disk space" in findings()["disks"].detail
    home.write_text("")
    assert "is not a directory" in findings()["home"].detail


def test_a_webserver_that_does_not_answer_is_told(home: Path, announce: Callable[..., None]) -> None:
    announce("http://127.0.0.1:9")
    found = findings()
    assert found["web server"].outcome == "failed"
    assert found["web server"].advice.startswith("restart the stack; its logs are in ")
    assert (found["code"].outcome, found["daemon"].outcome) == ("skipped", "skipped")

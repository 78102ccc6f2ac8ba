"""The command line in this process, over a folder, a stack and an upstream of a test's own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cli_harness import Outcome
from scenes import Cli, Scene
from stored_for_show import VERSIONS, day, storing

from telemetry_pipeline.cli.main import main
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.simulator.options import (
    DEFAULT_API_TOKEN,
    DEFAULT_PASSWORD,
    DEFAULT_SALT,
    DEFAULT_USERNAME,
)
from telemetry_pipeline.simulator.server import SimulatorServer
from telemetry_pipeline.stack.processes.service import make_home
from telemetry_pipeline.stack.state import HomeLock, StackState, write_state

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty TELEMETRY_HOME, and an environment and working directory without any other setting."""
    for name in StackSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TELEMETRY_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def cli(home: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Calls the program in this process."""

    def call(*arguments: str) -> Outcome:
        capfd.readouterr()
        status = main(arguments)
        captured = capfd.readouterr()
        return Outcome(status, captured.out, captured.err)

    return call


@pytest.fixture
def announce(home: Path) -> Iterator[Callable[..., None]]:
    """Makes the test pass for a running stack whose web server is at some URL."""
    locks = []

    def announce(webserver_url: str, **urls: Any) -> None:
        make_home(home)
        locks.append(HomeLock.acquire(home))
        nowhere = "postgresql://telemetry:sesame@127.0.0.1:9/telemetry"
        known = {
            "database_url": nowhere,
            "dagster_database_url": nowhere,
            "redis_url": "redis://:sesame@127.0.0.1:9/0",
            "panaccess_url": "http://127.0.0.1:9/",
        }
        write_state(
            home,
            StackState(
                pid=os.getpid(),
                started_at=datetime(2026, 11, 21, 12, tzinfo=UTC),
                web_url=webserver_url,
                web_token="t" * 40,
                webserver_url=f"{webserver_url}/dagster",
                graphql_url=f"{webserver_url}/dagster/graphql",
                socket_url=webserver_url,
                processes={},
                **(known | urls),
            ),
        )

    yield announce
    for lock in locks:
        lock.release()


@pytest.fixture
def scene(
    simulator: Callable[..., SimulatorServer],
    engine: sa.Engine,
    database_url: str,
    broker_url: str,
    cli: Cli,
    monkeypatch: pytest.MonkeyPatch,
) -> Scene:
    """2,000 records of which all are stored."""
    upstream = simulator(records_count=2_000, days=3, late_ids=0)
    for name, value in {
        "DATABASE_URL": database_url,
        "REDIS_URL": broker_url,
        "PANACCESS_URL": upstream.url,
        "PANACCESS_USERNAME": DEFAULT_USERNAME,
        "PANACCESS_PASSWORD": DEFAULT_PASSWORD,
        "PANACCESS_API_TOKEN": DEFAULT_API_TOKEN,
        "PANACCESS_SALT": DEFAULT_SALT,
    }.items():
        monkeypatch.setenv(name, value)
    scene = Scene(upstream, engine, database_url, broker_url)
    assert scene.tick() == 2_000
    return scene


@pytest.fixture
def filled(engine: sa.Engine, database_url: str) -> str:
    """Three records, one of them in the future, one view, an open and a closed gap, two kinds of rejects."""
    now = datetime.now(UTC)
    with engine.begin() as connection:
        for record_id, at in [
            (1, now - timedelta(hours=3)),
            (2, now - timedelta(minutes=2)),
            (3, now + timedelta(days=9)),
        ]:
            connection.execute(
                sa.text("insert into telemetry.records (record_id, timestamp, local_date) values (:id, :at, :day)"),
                {"id": record_id, "at": at, "day": at.date()},
            )
        connection.execute(
            sa.text(
                "insert into telemetry.views (record_id, local_date, local_hour, ended_at, channel_id) "
                "values (1, :day, 3, :at, 7)"
            ),
            {"at": now, "day": now.date()},
        )
        connection.execute(sa.text("update telemetry.sync_state set cursor = 5000000000, synced_at = now()"))
        connection.execute(
            sa.text(
                "insert into telemetry.sync_gaps (first_record_id, last_record_id, reason, resolved_at) "
                "values (10, 12, 'broken page', null), (20, 29, 'broken page', now())"
            )
        )
        connection.execute(
            sa.text(
                "insert into telemetry.rejected_records (payload, reason) "
                "values ('1', 'no timestamp'), ('2', 'no timestamp'), ('3', 'no id')"
            )
        )
    return database_url


@pytest.fixture
def stored(engine: sa.Engine, database_url: str, cli: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three days of top channels; the last one with two sets of parameters, one of them empty, and computed later."""
    store = storing(engine)
    two = {"channel": ["Canal 5", 'Ñandú, "El"'], "rank": [1, 2], "views": [7, 3], "share_pct": [70.0, 30.0]}
    store("top_channels", day(1), {**two, "small_base": [True, None]})
    store("top_channels", day(2), {"channel": ["Canal 5"], "rank": [1], "views": [1_234_567], "share_pct": [100.0]})
    store("top_channels", day(3), {"channel": ["Canal 9"], "rank": [1], "views": [2], "share_pct": [100.0]}, **VERSIONS)
    store("top_channels", day(3), {}, parameters={"limit": 5})
    monkeypatch.setenv("DATABASE_URL", database_url)


@pytest.fixture
def periods(engine: sa.Engine, database_url: str, cli: object, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Two periods of which no day is stored alone."""
    store = storing(engine)
    store("period_summary", day(1), {"days": [31], "views": [8955], "views_per_day": [288.87]}, last=day(31))
    store("period_summary", day(8), {"days": [7], "views": [1371], "views_per_day": [195.86]}, last=day(14))
    monkeypatch.setenv("DATABASE_URL", database_url)
    return store

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from cli.harness import FakeWebserver, Outcome

from telemetry_pipeline.warehouse import status as warehouse_status
from telemetry_pipeline.warehouse.status import read_status

FULL_ID = "0098262b-cb97-4815-bc8b-2c8e0495552d"


def run(run_id: str = FULL_ID, status: str = "SUCCESS", **more: Any) -> dict[str, Any]:
    return {
        "__typename": "Run",
        "runId": run_id,
        "jobName": "telemetry_tick",
        "status": status,
        "creationTime": 1_795_233_221.0,
        "startTime": 1_795_233_223.5,
        "endTime": 1_795_233_233.0,
        "tags": [{"key": "dagster/partition", "value": "2026-11-20"}],
        "assetSelection": None,
        **more,
    }


def runs(*found: dict[str, Any]) -> dict[str, Any]:
    return {"runsOrError": {"__typename": "Runs", "results": list(found)}}


@pytest.fixture
def filled(engine: sa.Engine, database_url: str) -> str:
    """Three records, one of them in the future, one view, an open and a closed gap, two kinds of rejects."""
    now = datetime.now(UTC)
    with engine.begin() as connection:
        connection.execute(sa.text("create table telemetry.records_all partition of telemetry.records default"))
        connection.execute(sa.text("create table telemetry.views_all partition of telemetry.views default"))
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


def test_the_stack_the_store_and_the_last_runs_are_shown(
    cli: Callable[..., Outcome], announce: Callable[..., None], webserver: FakeWebserver, filled: str
) -> None:
    range_tags = [
        {"key": "dagster/asset_partition_range_start", "value": "2026-10-01"},
        {"key": "dagster/asset_partition_range_end", "value": "2026-10-31"},
    ]
    webserver.answers["Runs"] = runs(
        run(status="STARTED", endTime=None),
        run("11111111-0000", jobName="telemetry_range", tags=range_tags),
        run("22222222-0000", jobName="__ASSET_JOB", assetSelection=[{"path": ["geography"]}], tags=[]),
    )
    announce(webserver.url, database_url=filled)
    outcome = cli("status")
    assert (outcome.status, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    assert lines[0] == "stack          running since 2026-11-21 06:00:00 CST"
    assert f"web UI         {webserver.url}" in lines
    assert "records        3" in lines
    assert "views          1" in lines
    assert any(line.startswith("cursor         record id 5000000000, last sync 20") for line in lines)
    assert any(line.endswith("2 min 0 s ago") for line in lines)
    assert "gaps           1 open, 3 ids; they are tried again" in lines
    assert [line[15:30] for line in lines if line.startswith("rejected")] == ["2: no timestamp", "1: no id (last "]
    table = [line.split() for line in lines[-3:]]
    assert table[0] == ["0098262b", "telemetry_tick", "2026-11-20", "started", "2026-11-20", "21:53:43"]
    assert table[1][:5] == ["11111111", "telemetry_range", "2026-10-01", "to", "2026-10-31"]
    assert table[1][-2:] == ["9.5", "s"]
    assert table[2][:3] == ["22222222", "geography", "success"]


def test_without_a_stack_it_is_said_how_to_start_one(cli: Callable[..., Outcome]) -> None:
    outcome = cli("status")
    assert (outcome.status, outcome.out) == (0, "stack          not running; start it with 'telemetry-pipeline up'\n")


def test_an_empty_warehouse_has_a_status(
    cli: Callable[..., Outcome], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    outcome = cli("status")
    assert outcome.status == 0
    for line in ["records        0", "newest record  none", "gaps           none open", "rejected       none"]:
        assert line in outcome.out.splitlines()


def test_a_large_table_is_estimated(engine: sa.Engine, filled: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counting hundreds of millions of rows would take minutes."""
    monkeypatch.setattr(warehouse_status, "_COUNT_UP_TO_BYTES", 0)
    status = read_status(engine)
    assert not status.records.exact
    assert status.records.rows >= 0


def test_a_run_shows_its_steps_and_why_it_failed(
    cli: Callable[..., Outcome], announce: Callable[..., None], webserver: FakeWebserver
) -> None:
    failed = run(
        status="FAILURE",
        executionPlan={"steps": [{"key": "telemetry_records"}, {"key": "ott_views"}]},
        stepStats=[
            {
                "stepKey": "telemetry_records",
                "status": "FAILURE",
                "startTime": 1_795_233_224.0,
                "endTime": 1_795_233_232.0,
                "attempts": [{}, {}, {}],
            }
        ],
    )
    error = {"message": "telemetry_pipeline.errors.LoginRejected: wrong password\n", "className": "", "causes": []}
    failure = {
        "__typename": "ExecutionStepFailureEvent",
        "stepKey": "telemetry_records",
        "message": "",
        "timestamp": "1",
        "error": error,
    }
    webserver.answers |= {
        "Run": lambda variables: {
            "runOrError": failed if variables["id"] == FULL_ID else {"__typename": "RunNotFoundError", "message": "no"}
        },
        "Runs": runs(run("11111111-0000"), run()),
        "Events": {
            "runOrError": failed,
            "logsForRun": {"__typename": "EventConnection", "cursor": "1", "hasMore": False, "events": [failure]},
        },
    }
    announce(webserver.url)
    for wanted in (FULL_ID, "0098262b", "0098262B"):
        outcome = cli("status", wanted)
        assert outcome.status == 0
        lines = outcome.out.splitlines()
        assert f"run            {FULL_ID}" in lines
        assert lines[-1] == "telemetry_records failed: wrong password"
        assert lines[-3].split() == ["telemetry_records", "failure", "2026-11-20", "21:53:44", "8.0", "s", "3"]
        assert lines[-2].split() == ["ott_views", "not", "started"]


@pytest.mark.parametrize(
    ("wanted", "said"), [("33", "there is no run '33'"), ("1", "2 runs begin with '1'; give more of the id")]
)
def test_a_run_that_is_not_there_or_not_clear_is_told(
    cli: Callable[..., Outcome], announce: Callable[..., None], webserver: FakeWebserver, wanted: str, said: str
) -> None:
    webserver.answers |= {
        "Run": {"runOrError": {"__typename": "RunNotFoundError", "message": "no"}},
        "Runs": runs(run("11111111-0000"), run("12222222-0000")),
    }
    announce(webserver.url)
    outcome = cli("status", wanted)
    assert outcome.status == 1
    assert said in outcome.err


def test_a_run_needs_a_stack(cli: Callable[..., Outcome]) -> None:
    outcome = cli("status", FULL_ID)
    assert outcome.status == 1
    assert "start one with 'telemetry-pipeline up'" in outcome.err

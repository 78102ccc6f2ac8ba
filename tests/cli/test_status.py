"""``status`` says how the pipeline does: at a glance to people, as JSON to programs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import redis
import sqlalchemy as sa
from celery import Celery
from cli_harness import Outcome
from status_answers import FULL_ID, label, runs, ticks
from waiting_worker import waiting_worker
from webservers import FakeWebserver, run_answer

from telemetry_pipeline.monitoring.facts import overview
from telemetry_pipeline.polling import polling
from telemetry_pipeline.simulator.server import SimulatorServer
from telemetry_pipeline.warehouse.operations import status as warehouse_status
from telemetry_pipeline.warehouse.operations.dead_letters import DeadLetter, add
from telemetry_pipeline.warehouse.operations.status import WarehouseStatus, read_status


def test_the_whole_pipeline_is_seen_at_a_glance(
    cli: Callable[..., Outcome],
    announce: Callable[..., None],
    webserver: FakeWebserver,
    filled: str,
    broker_url: str,
    simulator: Callable[..., SimulatorServer],
) -> None:
    range_tags = [
        {"key": "dagster/asset_partition_range_start", "value": "2026-10-01"},
        {"key": "dagster/asset_partition_range_end", "value": "2026-10-31"},
    ]
    last = [
        run_answer(FULL_ID, status="STARTED", endTime=None),
        run_answer("11111111-0000", jobName="telemetry_range", tags=range_tags),
        run_answer("22222222-0000", jobName="__ASSET_JOB", assetSelection=[{"path": ["geography"]}], tags=[]),
    ]
    webserver.answers |= {
        "Runs": lambda variables: runs(run_answer()) if variables["filter"] else runs(*last),
        "Ticks": ticks(
            ("STARTED", None), ("SKIPPED", None), ("SUCCESS", "SUCCESS"), ("SUCCESS", "SUCCESS"), ("SUCCESS", "FAILURE")
        ),
    }
    with redis.Redis.from_url(broker_url) as client:
        client.lpush("ingest", "{}")
        client.lpush("ingest\x06\x163", "{}", "{}")
        client.hset("unacked", "tag", "{}")
    upstream = simulator(records_count=20)
    announce(webserver.url, database_url=filled, redis_url=broker_url, panaccess_url=upstream.url, flower_url="http://flower/")
    outcome = cli("status")
    assert (outcome.status, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    assert [label(line) for line in lines if not line.startswith("disk ")] == [
        *("stack", "web UI", "Flower", "problems", "newest record", "upstream", "ticks", "throughput"),
        *("", "run       job", "0098262b  telem", "11111111  telem", "22222222  geogr", "times: America/", ""),
        *(
            "queues",
            "queues",
            "queues",
            "workers",
            "dead letters",
            "records",
            "views",
            "cursor",
            "gaps",
            "rejected",
            "rejected",
            "partitions",
            "partitions",
        ),
    ]
    assert "throughput     of 30 minutes: 1 runs (0 failed), 0.0 steps a minute, a run took 9.5 s" in lines
    assert lines[-1].startswith("disk ")
    assert lines[0] == "stack          running since 2026-11-21 06:00:00 America/Mexico_City"
    assert f"web UI         {webserver.url}" in lines
    assert "problems       none open" in lines
    assert any(re.fullmatch(r"newest record  .*, 2 min \d+ s ago", line) for line in lines)
    [ticked] = [line for line in lines if label(line) == "ticks"]
    assert ticked.startswith("ticks          last success 2026-11-20 21:53:53 America/Mexico_City, ")
    assert ticked.endswith("ago; of the last 5: 2 succeeded, 1 under way, 1 skipped, 1 failed")
    assert "queues         ingest 3, analysis 0, reports 0 waiting; 0 with workers" in lines
    assert "queues         1 of workers that are gone, waiting to be given out again" in lines
    assert "queues         3 waiting are no steps of the pipeline: workers drop them" in lines
    assert "workers        none answers" in lines
    assert "dead letters   none" in lines
    assert "records        3" in lines
    assert "views          1" in lines
    assert any(line.startswith("cursor         record id 5000000000, last sync 20") for line in lines)
    assert "gaps           1 open, 3 ids; they are tried again" in lines
    assert [line[15:30] for line in lines if line.startswith("rejected")] == ["2: no timestamp", "1: no id (last "]
    table = [line.split() for line in lines[10:13]]
    assert table[0] == ["0098262b", "telemetry_tick", "2026-11-20", "started", "2026-11-20", "21:53:43"]
    assert table[1][:5] == ["11111111", "telemetry_range", "2026-10-01", "to", "2026-10-31"]
    assert table[1][-2:] == ["9.5", "s"]
    assert table[2][:3] == ["22222222", "geography", "success"]


def test_what_is_wrong_comes_first(cli: Callable[..., Outcome], engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "insert into telemetry.problems (key, summary, opened_at, last_at, times, resolved_at) values "
                "('ticks', 'ticks have stopped', '2026-11-21 12:00Z', '2026-11-21 12:00Z', 1, null), "
                "('run:telemetry_tick', 'telemetry_tick failed', '2026-11-21 13:00Z', '2026-11-21 13:10Z', 6, null), "
                "('channel:slack://T1', 'no way through', '2026-11-21 14:00Z', '2026-11-21 14:00Z', 1, null), "
                "('old', 'mended', '2026-11-20 12:00Z', '2026-11-20 12:00Z', 1, now())"
            )
        )
        connection.execute(
            sa.text(
                "insert into telemetry.alert_channels (channel, succeeded_at, failing_since, failures, error) values "
                "('mailto://smtp.example', now(), null, 0, null), "
                "('slack://T1', null, '2026-11-21 12:30Z', 2, 'HTTP 404\nno such hook'), "
                "('json://given-up', null, '2026-11-20 12:30Z', 2, 'HTTP 404')"
            )
        )
    add(engine, [DeadLetter("run-1", "telemetry_tick", "ott_views", "2026-11-20", "broken")])
    monkeypatch.setenv("DATABASE_URL", engine.url.render_as_string(hide_password=False))
    outcome = cli("status")
    assert outcome.status == 0
    assert outcome.out.splitlines()[1:5] == [
        "problem        ticks have stopped (since 2026-11-21 06:00:00 America/Mexico_City)",
        "problem        telemetry_tick failed (since 2026-11-21 07:00:00 America/Mexico_City, 6 times, "
        "last 2026-11-21 07:10:00 America/Mexico_City)",
        "problem        no way through (since 2026-11-21 08:00:00 America/Mexico_City)",
        "alerts         slack://T1 (failing since 2026-11-21 06:30:00 America/Mexico_City, 2 times): HTTP 404 no such hook",
    ]
    assert "dead letters   1; see 'telemetry-pipeline dead-letters'" in outcome.out.splitlines()


@pytest.mark.parametrize(
    ("behind", "told"),
    [
        (1200, "1,200 ids ahead of the cursor"),
        (0, "0 ids ahead of the cursor"),
        (-5, "5 ids below the cursor"),
        (None, "nothing is read yet"),
    ],
    ids=["behind", "there", "below", "never synced"],
)
def test_the_lag_behind_the_upstream_is_counted_in_record_ids(
    cli: Callable[..., Outcome],
    announce: Callable[..., None],
    webserver: FakeWebserver,
    engine: sa.Engine,
    database_url: str,
    broker_url: str,
    simulator: Callable[..., SimulatorServer],
    behind: int | None,
    told: str,
) -> None:
    webserver.answers |= {"Runs": runs(run_answer()), "Ticks": ticks(schedule="STOPPED")}
    upstream = simulator(records_count=2000)
    newest = max(record["recordId"] for record in upstream.records())
    with engine.begin() as connection:
        connection.execute(
            sa.text("update telemetry.sync_state set cursor = :cursor"), {"cursor": 0 if behind is None else newest - behind}
        )
    announce(webserver.url, database_url=database_url, redis_url=broker_url, panaccess_url=upstream.url)
    lines = cli("status").out.splitlines()
    assert f"upstream       newest is record id {newest}, {told}" in lines
    assert "ticks          telemetry_tick_schedule is switched off" in lines


def test_a_gap_of_all_ids_is_counted(engine: sa.Engine) -> None:
    """What failed of a first sync, negative ids and others, when its time was up."""
    with engine.begin() as connection:
        connection.execute(
            sa.text("insert into telemetry.sync_gaps (first_record_id, last_record_id, reason) values (:first, :last, '')"),
            {"first": -(2**63) + 1, "last": 5_000_000_000},
        )
    assert read_status(engine).open_gap_ids == 2**63 + 5_000_000_000


def test_programs_get_the_same_facts_as_json(
    cli: Callable[..., Outcome],
    announce: Callable[..., None],
    webserver: FakeWebserver,
    filled: str,
    broker_url: str,
    simulator: Callable[..., SimulatorServer],
) -> None:
    webserver.answers |= {"Runs": runs(run_answer(FULL_ID)), "Ticks": ticks(("SUCCESS", "STARTED"), ("SKIPPED", None))}
    upstream = simulator(records_count=20)
    announce(webserver.url, database_url=filled, redis_url=broker_url, panaccess_url=upstream.url)
    outcome = cli("status", "--format", "json")
    assert (outcome.status, outcome.err) == (0, "")
    told = json.loads(outcome.out)
    assert list(told) == [
        *("at", "time_zone", "failures", "stack", "problems", "alert_channels", "upstream", "ticks"),
        *("throughput", "checks", "runs", "queues", "workers", "warehouse", "partitions", "disks"),
    ]
    assert (told["time_zone"], told["failures"], told["problems"], told["workers"]) == ("America/Mexico_City", {}, [], [])
    assert told["stack"]["started_at"] == "2026-11-21T06:00:00-06:00"
    assert told["ticks"]["last"] == {"under_way": 1, "skipped": 1}
    assert told["runs"][0]["run_id"] == FULL_ID
    assert told["queues"] == {
        "waiting": {"ingest": 0, "analysis": 0, "reports": 0},
        "foreign": 0,
        "unacknowledged": 0,
        "lost": 0,
    }
    stored = told["warehouse"]
    assert stored["records"] == {"rows": 3, "exact": True}
    assert stored["gaps"] == {"open": 1, "ids": 3}
    assert 100 < stored["newest_record_age_seconds"] < 200
    assert datetime.fromisoformat(stored["newest_record_at"]).utcoffset() == timedelta(hours=-6)
    assert [(each["reason"], each["records"]) for each in stored["rejected"]] == [("no timestamp", 2), ("no id", 1)]


def test_views_that_do_not_count_are_told(
    cli: Callable[..., Outcome], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    lines = cli("status").out.splitlines()
    assert not any(line.startswith("views that do not count") for line in lines)

    def some_excluded(engine: sa.Engine) -> WarehouseStatus:
        return replace(read_status(engine), excluded={"future": 3, "duplicate": 1200})

    monkeypatch.setattr(overview, "read_status", some_excluded)
    assert "views that do not count  3 of the future, 1,200 repeated" in cli("status").out.splitlines()
    assert json.loads(cli("status", "--format", "json").out)["warehouse"]["views_excluded"] == {"future": 3, "duplicate": 1200}


@pytest.mark.slow
def test_a_worker_is_shown_with_its_queues_and_its_steps_and_the_steps_that_it_leaves_behind(
    cli: Callable[..., Outcome], broker_url: str, database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", broker_url)
    with waiting_worker(broker_url, "night@shift", ("ingest", "analysis"), tmp_path / "log"):
        with Celery(broker=broker_url, set_as_current=False) as app:
            app.send_task("execute_plan", kwargs={"run_id": "run-1", "step": "ott_views", "attempt": 0}, queue="ingest")
        for _ in polling(60):
            if "steps at work: ott_views" in (shown := cli("status").out):
                break
    assert "\nworker         night@shift: ingest, analysis; 1 process; steps at work: ott_views\n" in shown
    assert "\nqueues         ingest 0, analysis 0, reports 0 waiting; 1 with workers\n" in shown
    assert "given out again" not in shown
    for _ in polling(60):
        if "\nworkers        none answers\n" in (shown := cli("status").out):
            break
    assert "\nqueues         ingest 0, analysis 0, reports 0 waiting; 0 with workers\n" in shown
    assert "\nqueues         1 of workers that are gone, waiting to be given out again\n" in shown


def test_a_moment_of_the_future_is_not_shown_as_new(
    cli: Callable[..., Outcome], engine: sa.Engine, filled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock that was two hours ahead and is set back had everything look as if it had just happened."""
    with engine.begin() as connection:
        connection.execute(sa.text("update telemetry.sync_state set synced_at = now() + interval '2 hours'"))
    monkeypatch.setenv("DATABASE_URL", filled)
    [line] = [line for line in cli("status").out.splitlines() if label(line) == "cursor"]
    assert re.search(r", which is (2 h 0|1 h 59) min in the future: a clock was set back$", line)


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

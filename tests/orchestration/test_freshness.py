"""No new record although ticks succeed is a problem, until one comes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
from orchestration_harness import record, scalar

from telemetry_pipeline.orchestration.build import build_defs
from telemetry_pipeline.orchestration.sensors.freshness import silent_for
from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.warehouse.operations import problems
from telemetry_pipeline.warehouse.operations.checks import Freshness
from telemetry_pipeline.warehouse.raw.gaps import gaps_due


def sense(pipeline: Any) -> list[str]:
    """The keys of the problems that are open after an evaluation of the sensor."""
    repository = build_defs(pipeline.settings).get_repository_def()
    context = dg.build_sensor_context(instance=pipeline.instance, repository_def=repository)
    repository.get_sensor_def("freshness_sensor").evaluate_tick(context)
    return [problem.key for problem in problems.open_problems(connect(pipeline.settings.database_url))]


def age(pipeline: Any, column: str, minutes: int) -> None:
    with connect(pipeline.settings.database_url).begin() as connection:
        connection.execute(sa.text(f"update telemetry.sync_state set {column} = {column} - interval '{minutes} minutes'"))


@pytest.mark.slow
def test_an_upstream_that_went_silent_is_a_problem_until_a_record_comes(pipeline: Any, now: datetime, this_day: date) -> None:
    pipeline.simulator.add_records([record(1, 8, now)])
    assert pipeline.run(this_day).success
    assert sense(pipeline) == []
    age(pipeline, "received_at", pipeline.settings.freshness_minutes + 1)
    assert pipeline.run(this_day).success
    assert sense(pipeline) == ["freshness"]
    pipeline.simulator.add_records([record(2, 8, now)])
    assert pipeline.run(this_day).success
    assert sense(pipeline) == []


def test_ticks_that_fail_do_not_end_it(pipeline: Any, now: datetime, this_day: date) -> None:
    pipeline.simulator.add_records([record(1, 8, now)])
    assert pipeline.run(this_day).success
    age(pipeline, "received_at", pipeline.settings.freshness_minutes + 1)
    assert sense(pipeline) == ["freshness"]
    age(pipeline, "synced_at", pipeline.settings.heartbeat_minutes + 1)
    assert sense(pipeline) == ["freshness"]


def test_what_a_jump_of_ids_holds_back_is_not_told_as_silence_too(pipeline: Any, now: datetime, this_day: date) -> None:
    pipeline.simulator.add_records(record(one, 8, now) for one in range(1, 11))
    assert pipeline.run(this_day).success
    age(pipeline, "received_at", pipeline.settings.freshness_minutes + 1)
    pipeline.simulator.add_records([record(10**12, 8, now)])
    assert pipeline.run(this_day).success
    assert sense(pipeline) == ["upstream:jump"]


def test_a_repair_counts_as_a_sync(pipeline: Any, now: datetime, this_day: date) -> None:
    """Ticks wait for it, and it may take longer than they may be away."""
    pipeline.simulator.add_records([record(1, 8, now)])
    assert pipeline.run(this_day).success
    age(pipeline, "synced_at", 60)
    pipeline.simulator.add_records([record(2, 8, now - timedelta(days=1))])
    assert pipeline.run(this_day - timedelta(days=1), selection=["telemetry_records"]).success
    with connect(pipeline.settings.database_url).connect() as connection:
        assert connection.scalar(sa.text("select now() - synced_at < interval '1 minute' from telemetry.sync_state"))


@pytest.mark.slow
def test_a_sync_that_read_nothing_counts_as_none(pipeline: Any, now: datetime, this_day: date) -> None:
    pipeline.simulator.add_records([record(1, 8, now)])
    assert pipeline.run(this_day).success
    age(pipeline, "synced_at", 60)
    pipeline.simulator.add_records([record(2, 8, now)])
    pipeline.simulator.set_faults([{"kind": "malformed", "functions": ["getListOfTelemetryRecords"]}])
    assert not pipeline.run(this_day).success
    with connect(pipeline.settings.database_url).connect() as connection:
        assert connection.scalar(sa.text("select now() - synced_at > interval '59 minutes' from telemetry.sync_state"))


def test_a_receipt_noted_before_a_clock_was_set_back_counts_from_the_next_sync(
    pipeline: Any, now: datetime, this_day: date
) -> None:
    """For as long as the clock had been ahead, an upstream that went silent was not noticed."""
    pipeline.simulator.add_records([record(1, 8, now)])
    assert pipeline.run(this_day).success
    age(pipeline, "received_at", -120)
    assert pipeline.run(this_day).success
    assert scalar(pipeline, "select received_at <= now() from telemetry.sync_state")


@pytest.mark.parametrize("ahead", [timedelta(minutes=2), timedelta(hours=2)])
def test_a_sync_of_the_future_says_nothing_of_ticks(ahead: timedelta) -> None:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    received_at = now - timedelta(hours=1)
    assert silent_for(Freshness(now, received_at), now, ticks_within=timedelta(minutes=10)) == timedelta(hours=1)
    assert silent_for(Freshness(now + ahead, received_at), now, ticks_within=timedelta(minutes=10)) is None


def test_a_gap_tried_before_a_clock_was_set_back_is_due(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "insert into telemetry.sync_gaps (first_record_id, last_record_id, reason, tried_at) "
                "values (1, 1, 'broken', now() + interval '2 hours'), (2, 2, 'broken', now())"
            )
        )
    assert [gap.first_record_id for gap in gaps_due(engine, 10)] == [1]

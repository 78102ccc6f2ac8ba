"""What the clean-up deletes, and what it must not: a partition that loses its last materialization counts as never made."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
from orchestration_harness import record, scalar

from telemetry_pipeline.orchestration.build import build_defs
from telemetry_pipeline.warehouse.db.connections import connect


@pytest.fixture
def instance(postgres_instance: dg.DagsterInstance) -> dg.DagsterInstance:
    return postgres_instance


@dg.job
def nothing() -> None:
    """Does nothing."""


def clean_up(pipeline: Any, run_retention_days: int = 14) -> dg.ExecuteInProcessResult:
    url = pipeline.instance.run_storage.postgres_url
    settings = type(pipeline.settings).load(
        **{
            **{name: getattr(pipeline.settings, name) for name in type(pipeline.settings).model_fields},
            "dagster_database_url": url,
            "run_retention_days": run_retention_days,
        }
    )
    return build_defs(settings).resolve_job_def("telemetry_cleanup").execute_in_process(instance=pipeline.instance)


def make_older(pipeline: Any, run_ids: set[str], days: int) -> None:
    with connect(pipeline.instance.run_storage.postgres_url).begin() as connection:
        for table, column in (("runs", "create_timestamp"), ("asset_check_executions", "create_timestamp")):
            query = f"update {table} set {column} = {column} - make_interval(days => :days) where run_id = any(:runs)"
            connection.execute(sa.text(query), {"days": days, "runs": list(run_ids)})


def run_ids(pipeline: Any) -> set[str]:
    return {run.run_id for run in pipeline.instance.get_runs()}


def materialized_partitions(pipeline: Any, asset: str) -> set[str]:
    return set(pipeline.instance.get_materialized_partitions(dg.AssetKey(asset)))


@pytest.mark.slow
def test_results_that_nobody_wants_are_deleted_but_for_the_defaults(pipeline: Any, now: datetime, this_day: date) -> None:
    pipeline.simulator.add_records([record(1, 8, now)])
    assert pipeline.run(this_day).success
    config = {"ops": {"general": {"config": {"top_channels": {"limit": 3}}}}}
    assert pipeline.run(this_day, selection=["top_channels"], run_config=config).success
    with connect(pipeline.settings.database_url).begin() as connection:
        connection.execute(sa.text("update analysis.results set wanted_at = now() - interval '31 days'"))
    assert clean_up(pipeline).success
    assert scalar(pipeline, "select parameters->>'limit' from analysis.results where asset = 'top_channels'") == "20"


@pytest.mark.slow
def test_old_runs_go_but_those_that_a_partition_owes_its_status(pipeline: Any, now: datetime, this_day: date) -> None:
    yesterday = this_day - timedelta(days=1)
    pipeline.simulator.add_records([record(1, 8, now), record(2, 8, now - timedelta(days=1))])
    assert pipeline.run(yesterday, selection=["telemetry_records", "ott_views", "general_summary"]).success
    first, second = (pipeline.run(this_day, selection=["telemetry_records", "ott_views"]) for _ in range(2))
    pipeline.simulator.add_records([record(3, 8, now)])
    third = pipeline.run(this_day, selection=["telemetry_records", "ott_views"])
    assert first.success
    assert second.success
    assert third.success
    before = {
        asset: materialized_partitions(pipeline, asset) for asset in ("telemetry_records", "ott_views", "general_summary")
    }
    make_older(pipeline, run_ids(pipeline), days=15)
    done = clean_up(pipeline)
    assert done.success
    left = run_ids(pipeline)
    assert first.run_id not in left
    assert second.run_id not in left
    assert third.run_id in left
    for asset, partitions in before.items():
        assert materialized_partitions(pipeline, asset) == partitions
    [evaluation] = pipeline.instance.event_log_storage.get_latest_asset_check_execution_by_key(
        [dg.AssetCheckKey(dg.AssetKey("ott_views"), "views_are_stops")]
    ).values()
    assert evaluation.run_id == third.run_id


def test_ticks_that_succeeded_go_earlier(pipeline: Any, this_day: date) -> None:
    """There are 720 a day, each with a megabyte of events."""
    made = {
        (job, status): pipeline.instance.create_run_for_job(nothing, status=status, tags={}).run_id
        for job in ("telemetry_tick", "telemetry_range")
        for status in (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE)
    }
    with connect(pipeline.instance.run_storage.postgres_url).begin() as connection:
        for (job, _), run_id in made.items():
            query = "update runs set pipeline_name = :job where run_id = :run"
            connection.execute(sa.text(query), {"job": job, "run": run_id})
    make_older(pipeline, set(made.values()), days=3)
    assert clean_up(pipeline).success
    assert set(made.values()) - run_ids(pipeline) == {made["telemetry_tick", dg.DagsterRunStatus.SUCCESS]}


def test_young_runs_stay(pipeline: Any, now: datetime, this_day: date) -> None:
    pipeline.simulator.add_records([record(1, 8, now)])
    for _ in range(2):
        assert pipeline.run(this_day, selection=["telemetry_records"]).success
    before = run_ids(pipeline)
    make_older(pipeline, before, days=13)
    assert clean_up(pipeline).success
    assert before <= run_ids(pipeline)

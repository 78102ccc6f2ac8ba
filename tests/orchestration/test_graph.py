"""The graph, the jobs and the schedule, compared with what the documentation promises."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import dagster as dg
from generated import graph

from telemetry_pipeline import analyses
from telemetry_pipeline.analyses.documents import DOCUMENTS, gathered
from telemetry_pipeline.analyses.registry import all_analyses
from telemetry_pipeline.broker import QUEUES


def test_the_graph_is_the_one_of_the_snapshot(defs: dg.Definitions) -> None:
    snapshot = json.loads((Path(__file__).parent / "graph.json").read_text())
    assert graph(defs) == snapshot, "the graph is another: run 'make docs' and look at what it changed"


def test_every_analysis_is_an_asset_over_the_views_and_in_the_document_of_its_theme(defs: dg.Definitions) -> None:
    assets = graph(defs)
    for name, analysis in all_analyses().items():
        assert assets[name] == {"group": analysis.theme, "deps": ["ott_views"]}
    for document in DOCUMENTS:
        assert assets[document]["deps"] == [each.name for each in gathered(document)]


def test_every_asset_says_what_it_is_and_where_it_is_stored(defs: dg.Definitions) -> None:
    for spec in defs.resolve_all_asset_specs():
        assert spec.description, spec.key
        assert spec.metadata["dagster/table_name"], spec.key
        assert spec.partitions_def is not None, spec.key


def test_jobs_schedules_and_sensors_are_the_documented_ones(defs: dg.Definitions) -> None:
    assert {job.name for job in defs.jobs or []} == {
        "telemetry_tick",
        "telemetry_range",
        "telemetry_merge",
        "telemetry_rebuild",
        "telemetry_cleanup",
    }
    schedules: list[Any] = list(defs.schedules or [])
    assert {schedule.name: schedule.cron_schedule for schedule in schedules} == {
        "telemetry_tick_schedule": "*/2 * * * *",
        "telemetry_repair_schedule": "0 2 * * *",
        "telemetry_merge_schedule": "15 */6 * * *",
        "telemetry_cleanup_schedule": "30 4 * * *",
        "daily_report_schedule": "0 8 * * *",
        "weekly_report_schedule": "0 9 * * 1",
        "monthly_report_schedule": "0 10 1 * *",
        "channel_report_schedule": "0 10 1 * *",
    }
    assert {schedule.execution_timezone for schedule in schedules} == {"America/Mexico_City"}
    assert {schedule.default_status for schedule in defs.schedules or []} == {dg.DefaultScheduleStatus.RUNNING}
    assert {sensor.name: sensor.default_status for sensor in defs.sensors or []} == {
        "late_data_sensor": dg.DefaultSensorStatus.RUNNING,
        "lost_runs_sensor": dg.DefaultSensorStatus.RUNNING,
        "run_failures_sensor": dg.DefaultSensorStatus.RUNNING,
        "run_successes_sensor": dg.DefaultSensorStatus.RUNNING,
        "freshness_sensor": dg.DefaultSensorStatus.RUNNING,
        "reports_sensor": dg.DefaultSensorStatus.RUNNING,
    }


def test_every_step_has_a_queue_and_only_the_sync_a_pool(defs: dg.Definitions) -> None:
    job = defs.resolve_job_def("telemetry_range")
    queues: dict[str, set[str]] = {}
    nodes: list[Any] = list(job.nodes)
    for node in nodes:
        queues.setdefault(node.definition.tags["dagster-celery/queue"], set()).add(node.name)
    assert queues["ingest"] == {"telemetry_records", "ott_views"}
    assert queues["reports"] == set(DOCUMENTS)
    assert set(queues) == set(QUEUES)
    assert {node.name: node.definition.pool for node in nodes if node.definition.pool} == {"telemetry_records": "panaccess"}
    cleanup = defs.resolve_job_def("telemetry_cleanup")
    assert {node.definition.tags["dagster-celery/queue"] for node in cleanup.nodes} == {"reports"}


def test_checks_block_where_going_on_would_publish_wrong_figures(defs: dg.Definitions) -> None:
    assets: list[Any] = list(defs.assets or [])
    specs = [spec for asset in assets for spec in asset.check_specs]
    assert {f"{spec.asset_key.to_user_string()}.{spec.name}": spec.blocking for spec in specs} == {
        "telemetry_records.record_ids_are_unique": True,
        "telemetry_records.few_records_are_rejected": False,
        "telemetry_records.few_records_are_of_the_future": False,
        "ott_views.views_are_stops": True,
        "ott_views.few_views_are_unnamed": False,
        "ott_views.few_views_are_of_the_future": False,
        "ott_views.few_views_are_repeated": False,
        "ott_views.few_hours_are_of_long_views": False,
        **{f"{document}.totals_agree": True for document in DOCUMENTS},
    }
    fresh = {spec.key.to_user_string() for spec in defs.resolve_all_asset_specs() if spec.freshness_policy}
    assert fresh == {"telemetry_records", "ott_views"}


def test_both_jobs_run_on_celery_all_that_need_not_be_told_a_subscriber(defs: dg.Definitions) -> None:
    for name in ("telemetry_tick", "telemetry_range"):
        job = defs.resolve_job_def(name)
        assert job.executor_def.name == "celery"
        assert {key.to_user_string() for key in job.asset_layer.executable_asset_keys} == {
            "telemetry_records",
            "ott_views",
            *(name for name, each in all_analyses().items() if each.runs_unattended),
            *DOCUMENTS,
        }


def test_the_entry_point_assembles_nothing() -> None:
    """Logic in the module that Dagster loads cannot be tested without the environment's settings."""
    source = Path(analyses.__file__ or "").parents[1] / "definitions.py"
    kinds = [type(node).__name__ for node in ast.parse(source.read_text()).body]
    assert kinds == ["Expr", "ImportFrom", "Assign"]

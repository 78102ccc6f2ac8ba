"""The graph, the jobs and the schedule, compared with what the documentation promises."""

from __future__ import annotations

import ast
from pathlib import Path

import dagster as dg

from telemetry_pipeline import analyses
from telemetry_pipeline.analyses.registry import all_analyses
from telemetry_pipeline.reports.documents import DOCUMENTS


def test_the_graph_is_the_documented_one_with_every_analysis(defs: dg.Definitions) -> None:
    graph = {
        spec.key.to_user_string(): sorted(dep.asset_key.to_user_string() for dep in spec.deps)
        for spec in defs.resolve_all_asset_specs()
    }
    assert graph == {
        "telemetry_records": [],
        "ott_views": ["telemetry_records"],
        **{name: ["ott_views"] for name in all_analyses()},
        "full_analysis": of_kind("general"),
        "subscribers_analysis": ["active_subscribers", "churn_risk", "subscriber_overview", "top_subscribers"],
        "period_analysis": sorted(set(of_kind("period")) - {"subscriber_period"}),
    }


def of_kind(kind: str) -> list[str]:
    return [name for name, analysis in all_analyses().items() if analysis.kind == kind]


def test_every_asset_says_what_it_is_and_where_it_is_stored(defs: dg.Definitions) -> None:
    for spec in defs.resolve_all_asset_specs():
        assert spec.description, spec.key
        assert spec.metadata["dagster/table_name"], spec.key
        assert spec.partitions_def is not None, spec.key


def test_jobs_and_schedules_are_the_documented_ones(defs: dg.Definitions) -> None:
    assert {job.name for job in defs.jobs or []} == {"telemetry_tick", "telemetry_range", "telemetry_cleanup"}
    schedule = defs.resolve_schedule_def("telemetry_tick_schedule")
    assert schedule.cron_schedule == "*/2 * * * *"
    assert schedule.execution_timezone == "America/Mexico_City"
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    cleanup = defs.resolve_schedule_def("telemetry_cleanup_schedule")
    assert (cleanup.cron_schedule, cleanup.execution_timezone) == ("30 4 * * *", "America/Mexico_City")
    assert cleanup.default_status is dg.DefaultScheduleStatus.RUNNING


def test_both_jobs_run_on_celery_all_that_need_not_be_told_a_subscriber(defs: dg.Definitions) -> None:
    for name in ("telemetry_tick", "telemetry_range"):
        job = defs.resolve_job_def(name)
        assert job.executor_def.name == "celery"
        assert {key.to_user_string() for key in job.asset_layer.executable_asset_keys} == {
            "telemetry_records",
            "ott_views",
            *(set(all_analyses()) - {"subscriber_profile", "subscriber_period"}),
            *DOCUMENTS,
        }


def test_the_entry_point_assembles_nothing() -> None:
    """Logic in the module that Dagster loads cannot be tested without the environment's settings."""
    source = Path(analyses.__file__ or "").parents[1] / "definitions.py"
    kinds = [type(node).__name__ for node in ast.parse(source.read_text()).body]
    assert kinds == ["Expr", "ImportFrom", "Assign"]

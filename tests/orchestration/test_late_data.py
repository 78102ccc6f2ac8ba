"""Late records change views of past days: what was analysed from the earlier views is found, and analysed anew."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster._core.events import JobFailureData, RunFailureReason
from orchestration_harness import record, scalar

from telemetry_pipeline.analyses.documents import DOCUMENTS
from telemetry_pipeline.analyses.registry import all_analyses
from telemetry_pipeline.orchestration.build import build_defs
from telemetry_pipeline.orchestration.sensors.late_data import plan_rebuild, stale_results
from telemetry_pipeline.results import document_store
from telemetry_pipeline.results.freshness.staleness import Stale, stale_days
from telemetry_pipeline.results.views.windows import rules_of
from telemetry_pipeline.tags import RANGE_END, RANGE_START
from telemetry_pipeline.warehouse.db.connections import connect

ANALYSES = ["general_summary", "top_channels"]


def stale(pipeline: Any, this_day: date, *names: str) -> dict[int, Stale]:
    """Days ago to what is stale of them, of all analyses or of these, and when it was last computed."""
    engine, rules = connect(pipeline.settings.database_url), rules_of(pipeline.settings)
    days = stale_days(engine, this_day - timedelta(days=40), this_day - timedelta(days=1), rules)
    found = {day: {name: at for name, at in stale.items() if name in names or not names} for day, stale in days.items()}
    return {(this_day - day).days: analyses for day, analyses in found.items() if analyses}


def looking_back() -> set[str]:
    return {name for name, each in all_analyses().items() if not each.is_of_period and each.runs_unattended}


def test_days_never_analysed_are_stale_and_todays_is_the_ticks_business(pipeline: Any, now: datetime, this_day: date) -> None:
    pipeline.simulator.add_records([record(n + 1, 8, now - timedelta(days=n)) for n in range(3)])
    assert pipeline.run(this_day).success
    assert stale(pipeline, this_day) == dict.fromkeys([2, 1], dict.fromkeys(looking_back()))


@pytest.mark.slow
def test_a_late_record_makes_stale_what_looks_back_to_its_day_and_nothing_else(
    pipeline: Any, now: datetime, this_day: date
) -> None:
    pipeline.simulator.add_records([record(n + 1, 8, now - timedelta(days=n)) for n in range(5)])
    assert pipeline.run(this_day, selection=["telemetry_records", "ott_views"]).success
    assert pipeline.run(this_day - timedelta(days=4), this_day, selection=ANALYSES).success
    assert stale(pipeline, this_day, *ANALYSES) == {}
    pipeline.simulator.add_records([record(99, 8, now - timedelta(days=2))])
    assert pipeline.run(this_day).success
    assert set(stale(pipeline, this_day, *ANALYSES)) == {2, 1}
    for analyses in stale(pipeline, this_day, *ANALYSES).values():
        assert set(analyses) == set(ANALYSES)
        assert all(analyses.values())
    rebuilt = pipeline.run(this_day - timedelta(days=2), this_day - timedelta(days=1), selection=ANALYSES)
    assert rebuilt.success
    assert stale(pipeline, this_day, *ANALYSES) == {}
    views = "select views from analysis.general_summary where period_last = current_date"
    assert scalar(pipeline, views.replace("current_date", f"date '{this_day - timedelta(days=2)}'")) == 4


@pytest.mark.slow
def test_a_view_of_today_that_was_running_yesterday_makes_stale_what_yesterday_measured_by_minute_and_nothing_else(
    pipeline: Any, now: datetime, this_day: date
) -> None:
    """A view that ends the day after is missing in prime time until then; those of the day itself change nothing of it."""
    yesterday, measures = this_day - timedelta(days=1), ["average_audience", "concurrency", "rating"]
    pipeline.simulator.add_records([record(n + 1, 8, now - timedelta(days=n)) for n in range(4)])
    assert pipeline.run(this_day, selection=["telemetry_records", "ott_views"]).success
    assert pipeline.run(yesterday - timedelta(days=1), yesterday, selection=[*ANALYSES, *measures]).success
    pipeline.simulator.add_records([record(98, 8, now, dataDuration=1)])
    assert pipeline.run(this_day, selection=["telemetry_records", "ott_views"]).success
    assert set(stale(pipeline, this_day, *ANALYSES, *measures)) <= {3}
    day_and_more = int(timedelta(hours=25).total_seconds())
    pipeline.simulator.add_records([record(99, 8, now, dataDuration=day_and_more)])
    assert pipeline.run(this_day, selection=["telemetry_records", "ott_views"]).success
    assert set(stale(pipeline, this_day, *ANALYSES, *measures)[1]) == set(measures)
    streams = f"select sum(mean_streams) from analysis.concurrency where period_last = date '{yesterday}' and hour is null"
    before = scalar(pipeline, streams)
    assert pipeline.run(yesterday, selection=measures).success
    assert 1 not in stale(pipeline, this_day, *ANALYSES, *measures)
    assert scalar(pipeline, streams) > before


@pytest.mark.slow
def test_results_with_parameters_that_somebody_asked_for_are_not_waited_for(
    pipeline: Any, now: datetime, this_day: date
) -> None:
    """A rebuild computes with default parameters: a day that was stale for another's sake would be stale for ever."""
    day = this_day - timedelta(days=1)
    pipeline.simulator.add_records([record(1, 8, now - timedelta(days=1))])
    assert pipeline.run(day, selection=["telemetry_records", "ott_views", *ANALYSES]).success
    config = {"ops": {"general": {"config": {"top_channels": {"limit": 3}}}}}
    assert pipeline.run(day, selection=["top_channels"], run_config=config).success
    pipeline.simulator.add_records([record(2, 8, now - timedelta(days=1))])
    assert pipeline.run(day, selection=["telemetry_records", "ott_views", *ANALYSES]).success
    assert stale(pipeline, this_day, *ANALYSES) == {}


@pytest.mark.slow
def test_of_period_analyses_those_of_single_days_are_waited_for(pipeline: Any, now: datetime, this_day: date) -> None:
    yesterday = this_day - timedelta(days=1)
    pipeline.simulator.add_records([record(n + 1, 8, now - timedelta(days=n)) for n in range(4)])
    assert pipeline.run(this_day, selection=["telemetry_records", "ott_views"]).success
    assert pipeline.run(yesterday, selection=["period_summary"]).success
    assert pipeline.run(yesterday - timedelta(days=1), yesterday, selection=["period_summary"]).success
    pipeline.simulator.add_records([record(99, 8, now - timedelta(days=1))])
    assert pipeline.run(this_day, selection=["telemetry_records", "ott_views"]).success

    def waited_for() -> set[int]:
        return {day for day, analyses in stale(pipeline, this_day).items() if "period_summary" in analyses}

    assert waited_for() == {1}
    assert pipeline.run(yesterday, selection=["period_summary"]).success
    assert waited_for() == set()


def test_stale_days_are_analysed_in_one_run_and_not_at_once_again_if_it_fails(
    pipeline: Any, now: datetime, this_day: date
) -> None:
    pipeline.simulator.add_records([record(n + 1, 8, now - timedelta(days=n)) for n in range(4)])
    assert pipeline.run(this_day).success
    repository = build_defs(pipeline.settings).get_repository_def()
    sensor = repository.get_sensor_def("late_data_sensor")
    data = sensor.evaluate_tick(dg.build_sensor_context(instance=pipeline.instance, repository_def=repository))
    [request] = data.run_requests or []
    context = dg.build_sensor_context(instance=pipeline.instance, repository_def=repository)
    run = dg.DagsterRun(job_name="telemetry_rebuild", run_id=str(uuid4()), tags=request.tags)
    lost = pipeline.instance.add_run(run)
    pipeline.instance.report_run_failed(lost, "its process is lost")
    assert sensor.evaluate_tick(context).run_requests, "that was not the days' doing"
    failed = pipeline.instance.add_run(run.with_tags({**request.tags, "dagster/x": "y"})._replace(run_id=str(uuid4())))
    reason = JobFailureData(error=None, failure_reason=RunFailureReason.STEP_FAILURE)
    pipeline.instance.report_run_failed(failed, job_failure_data=reason)
    resting = sensor.evaluate_tick(context)
    assert resting.run_requests == []
    assert "that failed" in (resting.skip_message or "")
    names = {key.to_user_string() for key in request.asset_selection or []}
    assert names == {*looking_back(), "full_analysis", "subscribers_analysis"}
    assert (request.tags[RANGE_START], request.tags[RANGE_END]) == tuple(
        (this_day - timedelta(days=n)).isoformat() for n in (3, 1)
    )


@pytest.mark.slow
def test_a_day_that_was_half_done_when_it_ended_is_finished_by_rebuilds(pipeline: Any, now: datetime, this_day: date) -> None:
    yesterday = this_day - timedelta(days=1)
    pipeline.simulator.add_records([record(1, 8, now - timedelta(days=1)), record(2, 8, now)])
    half = ["telemetry_records", "ott_views", "general_summary", "period_summary"]
    assert pipeline.run(yesterday, selection=half).success
    engine, rules = connect(pipeline.settings.database_url), rules_of(pipeline.settings)
    requests: list[dg.RunRequest] = []
    while len(requests) < 5:
        later = datetime.now(UTC) + timedelta(hours=2)
        request = plan_rebuild(stale_results(engine, yesterday, yesterday, rules), [], [], later)
        if isinstance(request, dg.SkipReason):
            break
        requests.append(request)
        names = [key.to_user_string() for key in request.asset_selection or []]
        assert pipeline.run(yesterday, selection=names).success
        if len(requests) == 1:
            with engine.begin() as connection:
                connection.execute(sa.text("delete from analysis.documents where document <> 'subscribers_analysis'"))
    assert [len(request.asset_selection or []) for request in requests] == [len(every_asset()) - len(half), 2]
    with engine.connect() as connection:
        for document in DOCUMENTS:
            body = document_store.read(connection, document, (yesterday, yesterday))
            assert body is not None
            assert body["missing"] == []


def every_asset() -> set[str]:
    return {"telemetry_records", "ott_views", *DOCUMENTS, *(n for n, each in all_analyses().items() if each.runs_unattended)}

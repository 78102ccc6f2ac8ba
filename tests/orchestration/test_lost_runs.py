"""Runs that were lost with what executed them are repeated; those that failed by what they did wait for a person."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from dagster._core.execution.plan.objects import ErrorSource, StepFailureData
from dagster_shared.error import SerializableErrorInfo

from telemetry_pipeline.orchestration.build import build_defs
from telemetry_pipeline.orchestration.sensors.lost_runs import Failed, at_rest, plan_repeat
from telemetry_pipeline.tags import PARTITION, RANGE_END, RANGE_START
from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.warehouse.operations import dead_letters, problems
from telemetry_pipeline.warehouse.operations.dead_letters import DeadLetter
from telemetry_pipeline.warehouse.operations.problems import Incident, Problem

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
TODAY = date(2026, 11, 21)


def run(job: str, first: int, last: int, *assets: str, **tags: str) -> dg.DagsterRun:
    days = {RANGE_START: f"2026-11-{first:02}", RANGE_END: f"2026-11-{last:02}"}
    return dg.DagsterRun(job, tags=days | tags, asset_selection=frozenset(map(dg.AssetKey, assets)) or None)


def failed(of: dg.DagsterRun, minutes_ago: float = 5, *, lost: bool = True) -> Failed:
    return Failed(of, lost, NOW - timedelta(minutes=minutes_ago))


def outage(began: float, over: float | None, of: str = "code") -> Incident:
    """Of a service, by minutes ago."""
    ended = None if over is None else NOW - timedelta(minutes=over)
    opened = NOW - timedelta(minutes=began)
    return Incident(f"component:{of}", "it was restarted", opened_at=opened, last_at=opened, resolved_at=ended)


def planned(*runs: Failed, outages: tuple[Incident, ...] = ()) -> tuple[str | None, str, str, list[str]] | None:
    request = plan_repeat(runs, outages, TODAY, NOW)
    if isinstance(request, dg.SkipReason):
        return None
    assets = [key.to_user_string() for key in request.asset_selection or []]
    return request.job_name, request.tags[RANGE_START][-2:], request.tags[RANGE_END][-2:], assets


def test_of_what_was_lost_the_widest_range_that_does_most_is_first() -> None:
    merge, ranged, rebuild = (run(f"telemetry_{job}", 1, 9) for job in ("merge", "range", "rebuild"))
    assert planned(failed(merge), failed(rebuild)) == ("telemetry_rebuild", "01", "09", [])
    assert planned(failed(merge), failed(ranged), failed(rebuild)) == ("telemetry_range", "01", "09", [])
    assert planned(failed(ranged), failed(run("telemetry_merge", 1, 10))) == ("telemetry_merge", "01", "10", [])


def test_chosen_assets_of_the_web_ui_are_repeated_with_what_they_were_told() -> None:
    chosen = run("__ASSET_JOB", 3, 4, "top_channels", "reach")
    config = {"ops": {"general": {"config": {"top_channels": {"limit": 3}}}}}
    request = plan_repeat([failed(chosen.with_tags(chosen.tags)._replace(run_config=config))], [], TODAY, NOW)
    assert isinstance(request, dg.RunRequest)
    assert (request.job_name, request.run_config) == ("telemetry_range", config)
    assert planned(failed(chosen)) == ("telemetry_range", "03", "04", ["reach", "top_channels"])
    assert planned(failed(run("__ASSET_JOB", 3, 4, "subscriber_period"))) is None, "it has to be told of whom"


def test_a_report_that_is_due_is_repeated_and_one_that_somebody_asked_for_is_not() -> None:
    """It would go out twice: beside this sensor Dagster repeats it, too."""
    due = {"telemetry/report": "daily_report:2026-11-03"}
    assert planned(failed(run("__ASSET_JOB", 3, 3, "daily_report", **due))) == ("telemetry_range", "03", "03", ["daily_report"])
    assert planned(failed(run("__ASSET_JOB", 3, 3, "daily_report"))) is None


def test_ticks_of_today_are_left_to_the_next_one_and_those_of_yesterday_are_not() -> None:
    today, yesterday = (dg.DagsterRun("telemetry_tick", tags={PARTITION: f"2026-11-{day}"}) for day in (21, 20))
    assert planned(failed(today)) is None
    assert planned(failed(today), failed(yesterday)) == ("telemetry_range", "20", "20", [])


def test_what_a_step_did_wrong_waits_for_a_person_even_if_the_same_was_lost_before() -> None:
    again, wide = run("telemetry_range", 1, 3), run("telemetry_range", 7, 8)
    assert planned(failed(again, 1, lost=False), failed(again, 5), failed(wide, 6)) == ("telemetry_range", "07", "08", [])
    assert planned(failed(again, 90, lost=False), failed(again, 95)) is None
    assert planned(failed(again, 1), failed(again, 95, lost=False)) == ("telemetry_range", "01", "03", [])


def test_what_is_older_than_a_day_or_is_about_to_be_repeated_by_dagster_or_has_no_days_is_left_alone() -> None:
    assert planned(failed(run("telemetry_range", 1, 3), 60 * 25)) is None
    promised = {"dagster/will_retry": "true"}
    assert planned(failed(run("telemetry_range", 1, 3, **promised), 1)) is None
    assert planned(failed(run("telemetry_range", 1, 3, **promised), 15)) is not None, "it did not, for the code server was away"
    assert planned(failed(run("telemetry_range", 1, 3, **promised, **{"dagster/auto_retry_run_id": "x"}), 1)) is not None
    assert planned(failed(dg.DagsterRun("telemetry_cleanup"))) is None


def test_what_is_lost_again_and_again_rests_unless_services_were_away() -> None:
    doomed, other = run("telemetry_range", 1, 3), run("telemetry_merge", 5, 5)
    losses = [failed(doomed, minutes) for minutes in (5, 15, 25)]
    assert planned(*losses[1:]) == ("telemetry_range", "01", "03", [])
    assert planned(*losses) is None
    assert planned(*losses, failed(other)) == ("telemetry_merge", "05", "05", [])
    assert planned(*losses, outages=(outage(60, 30), outage(24, 23))) is not None
    assert planned(*losses, outages=(outage(60, 30),)) is None
    assert planned(*losses, outages=(outage(30, None),)) is not None
    assert planned(*losses, outages=(outage(30, None, "worker:a@host"), outage(30, None, "ticks"))) is None, "it may kill them"
    assert planned(*(failed(doomed, minutes) for minutes in (5, 35, 65))) is not None, "not within an hour"


def test_days_rest_when_a_step_failed_or_when_their_runs_were_lost_again_and_again() -> None:
    wrong, lost, doomed = (run("telemetry_rebuild", number, number) for number in (1, 2, 3))
    resting = at_rest([failed(wrong, lost=False), *[failed(lost)] * 2, *[failed(doomed)] * 3], [])
    assert resting == [wrong.tags, doomed.tags, doomed.tags, doomed.tags]


def evaluate(pipeline: Any) -> dg.RunRequest | dg.SkipReason:
    repository = build_defs(pipeline.settings).get_repository_def()
    context = dg.build_sensor_context(instance=pipeline.instance, repository_def=repository)
    outcome = repository.get_sensor_def("lost_runs_sensor")(context)
    assert isinstance(outcome, dg.RunRequest | dg.SkipReason)
    return outcome


@pytest.mark.slow
@pytest.mark.parametrize(
    ("error", "repeated"),
    [
        pytest.param(None, True, id="its process was lost"),
        pytest.param("WorkerLostError", True, id="the process of its step was lost"),
        pytest.param("ValueError", False, id="its step failed"),
    ],
)
def test_a_run_that_was_lost_is_asked_for_again(pipeline: Any, this_day: date, error: str | None, repeated: bool) -> None:
    engine, instance = connect(pipeline.settings.database_url), pipeline.instance
    day = this_day.isoformat()
    lost = instance.add_run(dg.DagsterRun("telemetry_range", tags={RANGE_START: day, RANGE_END: day}))
    if error is not None:
        failure = StepFailureData(SerializableErrorInfo("gone", [], error), None, error_source=ErrorSource.FRAMEWORK_ERROR)
        instance.report_dagster_event(
            dg.DagsterEvent("STEP_FAILURE", "telemetry_range", step_key="ott_views", event_specific_data=failure), lost.run_id
        )
        instance.add_run_tags(lost.run_id, {"dagster/failure_reason": "STEP_FAILURE"})
    instance.report_run_failed(lost)
    assert isinstance(evaluate(pipeline), dg.SkipReason), "nothing is left undone"
    dead_letters.add(engine, [DeadLetter(lost.run_id, "telemetry_range", "ott_views", day, "it was lost")])
    outcome = evaluate(pipeline)
    assert isinstance(outcome, dg.RunRequest) is repeated
    instance.add_run(dg.DagsterRun("telemetry_merge", status=dg.DagsterRunStatus.STARTED))
    assert isinstance(evaluate(pipeline), dg.SkipReason), "one at a time"


def test_outages_are_of_services_and_not_over_by_then(pipeline: Any) -> None:
    engine, now = connect(pipeline.settings.database_url), datetime.now(UTC)
    for key in ("component:code", "component:daemon", "component:broker", "run:telemetry_tick"):
        problems.report(engine, Problem(key, "it does not work"))
    problems.resolve(engine, "component:daemon", now - timedelta(hours=2))
    problems.resolve(engine, "component:broker", now - timedelta(minutes=2))
    assert [each.key for each in problems.outages(engine, now - timedelta(hours=1))] == ["component:code", "component:broker"]

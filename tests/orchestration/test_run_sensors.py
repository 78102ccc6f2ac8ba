"""Runs that fail are problems on record with their steps as dead letters, until a run of the same days succeeds."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster._core.errors import DagsterLaunchFailedError
from dagster._core.events import EngineEventData
from dagster._core.execution.plan.objects import StepSuccessData
from dagster._utils.error import serializable_error_info_from_exc_info
from orchestration.conftest import SOME_OF_EACH
from orchestration_harness import record, sense, sense_end
from pydantic import SecretStr

from telemetry_pipeline.orchestration.build import build_defs
from telemetry_pipeline.tags import RANGE_END, RANGE_START, with_days
from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.warehouse.operations import dead_letters, problems
from telemetry_pipeline.warehouse.operations.dead_letters import DeadLetter
from telemetry_pipeline.warehouse.operations.problems import Problem


def open_keys(pipeline: Any) -> set[str]:
    return {problem.key for problem in problems.open_problems(connect(pipeline.settings.database_url))}


@pytest.mark.slow
def test_a_failed_step_is_a_problem_and_a_dead_letter_until_it_succeeds(pipeline: Any, now: datetime, this_day: date) -> None:
    engine = connect(pipeline.settings.database_url)
    pipeline.simulator.set_faults([{"kind": "error", "status": 503, "functions": ["*"]}])
    sense(pipeline, pipeline.run(this_day))
    [problem] = problems.open_problems(engine)
    assert problem.key == f"run:job:{this_day}"
    assert problem.summary == "job failed at telemetry_records"
    assert "HTTP 503" in problem.detail
    [letter] = dead_letters.open_letters(engine)
    assert (letter.step, letter.partition) == ("telemetry_records", this_day.isoformat())
    assert "HTTP 503" in letter.error
    pipeline.simulator.set_faults([])
    pipeline.simulator.add_records([record(1, 7, now), record(2, 8, now)])
    sense(pipeline, pipeline.run(this_day))
    assert open_keys(pipeline) == set()
    assert dead_letters.open_letters(engine) == []


def test_the_problem_of_a_failed_step_says_what_its_error_advises(pipeline: Any, this_day: date) -> None:
    settings = pipeline.settings.model_copy(update={"panaccess_password": SecretStr("wrong")})
    strange = type(pipeline)(settings, pipeline.simulator, pipeline.instance)
    sense(strange, strange.run(this_day, selection=["telemetry_records"]))
    [problem] = problems.open_problems(connect(settings.database_url))
    assert problem.advice.startswith("check PANACCESS_USERNAME")
    assert "PANACCESS_SALT. See the run's steps" in problem.advice
    assert "PANACCESS_USERNAME" not in problem.detail


def test_a_run_that_fails_for_it_is_another_upstream_is_no_problem_of_its_own(
    pipeline: Any, now: datetime, this_day: date
) -> None:
    pipeline.simulator.add_records(record(one, 7, now) for one in range(1, 11))
    assert pipeline.run(this_day, selection=["telemetry_records"]).success
    pipeline.simulator.upset(kind="another", seed=5, first_id=1, records_count=100)
    refused = pipeline.run(this_day, selection=["telemetry_records"])
    assert not refused.success
    sense(pipeline, refused)
    assert open_keys(pipeline) == {"upstream:another"}
    assert len(dead_letters.open_letters(connect(pipeline.settings.database_url))) == 1


@pytest.mark.slow
def test_a_check_that_fails_is_a_problem_until_it_passes(pipeline: Any, now: datetime, this_day: date) -> None:
    """A view is lost behind the merge's back: what depends on the views is not computed from them."""
    engine = connect(pipeline.settings.database_url)
    pipeline.simulator.add_records([record(1, 8, now), record(2, 8, now)])
    assert pipeline.run(this_day).success
    with engine.begin() as connection:
        connection.execute(sa.text("delete from telemetry.views where record_id = 1"))
    pipeline.simulator.add_records([record(3, 8, now)])
    failed = pipeline.run(this_day)
    assert not failed.success
    assert not [event for event in failed.all_events if event.step_key == "general_summary" and event.is_step_success]
    sense(pipeline, failed)
    assert "check:ott_views:views_are_stops:job" in open_keys(pipeline)
    with engine.begin() as connection:
        connection.execute(sa.text("delete from telemetry.records where record_id = 1"))
    passed = pipeline.run(this_day, selection=["ott_views"])
    assert passed.success
    sense(pipeline, passed, job_name="telemetry_tick")
    assert "check:ott_views:views_are_stops:job" in open_keys(pipeline), "a tick looks at other days"
    sense(pipeline, passed)
    assert "check:ott_views:views_are_stops:job" not in open_keys(pipeline)


def test_rejected_records_are_a_warning_that_stops_nothing(pipeline: Any, now: datetime, this_day: date) -> None:
    pipeline.simulator.add_records([record(1, 8, now), record(2, 8, now, timestamp="never")])
    result = pipeline.run(this_day)
    assert result.success
    sense(pipeline, result, job_name="telemetry_tick")
    assert "check:telemetry_records:few_records_are_rejected" in open_keys(pipeline)


def test_what_a_failure_is_told_with_quotes_no_row(pipeline: Any, now: datetime, this_day: date) -> None:
    engine = connect(pipeline.settings.database_url)
    with engine.begin() as connection:
        connection.execute(sa.text("alter table telemetry.records add constraint few check (record_id < 2)"))
    pipeline.simulator.add_records([record(2, 8, now, subscriberCode="somebody")])
    sense(pipeline, pipeline.run(this_day))
    [problem] = problems.open_problems(engine)
    [letter] = dead_letters.open_letters(engine)
    for text in (problem.detail, letter.error):
        assert 'violates check constraint "few"' in text
        assert "somebody" not in text


def lost_run(
    pipeline: Any, day: date, *events: dg.DagsterEvent, tags: Mapping[str, str] | None = None
) -> tuple[dg.DagsterRun, dg.DagsterEvent]:
    """A run of the graph that came so far when its process went away, and the event that says so."""
    job = build_defs(pipeline.settings).resolve_job_def("telemetry_range")
    run = pipeline.instance.create_run_for_job(
        job, tags=tags or {"dagster/partition": str(day)}, asset_selection={dg.AssetKey(name) for name in SOME_OF_EACH}
    )
    for event in events:
        pipeline.instance.report_dagster_event(event, run.run_id)
    return run, pipeline.instance.report_run_failed(run, "its process is gone")


def happened(kind: dg.DagsterEventType, step: str) -> dg.DagsterEvent:
    data = StepSuccessData(1.0) if kind is dg.DagsterEventType.STEP_SUCCESS else None
    return dg.DagsterEvent(kind.value, "telemetry_range", step_key=step, event_specific_data=data)


START, SUCCESS = dg.DagsterEventType.STEP_START, dg.DagsterEventType.STEP_SUCCESS


@pytest.mark.parametrize(
    ("events", "steps"),
    [
        pytest.param([], ["telemetry_records"], id="it never began"),
        pytest.param([happened(START, "telemetry_records")], ["telemetry_records"], id="in its first step"),
        pytest.param([happened(SUCCESS, "telemetry_records")], ["ott_views"], id="before the next step"),
        pytest.param(
            [
                happened(SUCCESS, "telemetry_records"),
                happened(SUCCESS, "ott_views"),
                happened(START, "general"),
                happened(SUCCESS, "period"),
            ],
            ["general_summary", "top_channels"],
            id="with one step at work and one in a queue",
        ),
    ],
)
def test_what_a_lost_run_was_at_or_had_before_it_are_dead_letters(
    pipeline: Any, this_day: date, events: list[dg.DagsterEvent], steps: list[str]
) -> None:
    engine = connect(pipeline.settings.database_url)
    run, failure = lost_run(pipeline, this_day, *events)
    sense_end(pipeline, run, failure)
    [problem] = problems.open_problems(engine)
    assert problem.summary == f"telemetry_range failed at {', '.join(steps)}"
    assert problem.detail == "its process is gone"
    letters = dead_letters.open_letters(engine)
    assert [(letter.step, letter.partition, letter.error) for letter in letters] == [
        (step, str(this_day), "its process is gone") for step in steps
    ]


def test_a_range_that_failed_is_told_of_with_its_days(pipeline: Any, this_day: date) -> None:
    days = with_days({RANGE_START: str(this_day - timedelta(days=2)), RANGE_END: str(this_day)})
    run, failure = lost_run(pipeline, this_day, tags=days)
    sense_end(pipeline, run, failure)
    [problem] = problems.open_problems(connect(pipeline.settings.database_url))
    assert problem.summary == f"telemetry_range of {this_day - timedelta(days=2)} to {this_day} failed at telemetry_records"


def test_a_run_that_fails_twice_is_one_problem(pipeline: Any, this_day: date) -> None:
    """Its process, taken for lost, comes to its end."""
    engine = connect(pipeline.settings.database_url)
    run, failure = lost_run(pipeline, this_day)
    sense_end(pipeline, run, failure)
    sense_end(pipeline, run, pipeline.instance.report_run_failed(run, "its steps failed"))
    [problem] = problems.open_problems(engine)
    assert (problem.times, problem.detail) == (1, "its process is gone")
    assert len(dead_letters.open_letters(engine)) == 1


def test_a_run_that_is_lost_after_its_last_step_is_no_problem_and_makes_up_for_others(pipeline: Any, this_day: date) -> None:
    engine = connect(pipeline.settings.database_url)
    sense_end(pipeline, *lost_run(pipeline, this_day, happened(SUCCESS, "telemetry_records")))
    assert open_keys(pipeline) == {f"run:telemetry_range:{this_day}"}
    steps = ("telemetry_records", "ott_views", "general", "period")
    run, failure = lost_run(pipeline, this_day, *[happened(SUCCESS, step) for step in steps])
    sense_end(pipeline, run, failure)
    assert open_keys(pipeline) == set()
    assert dead_letters.open_letters(engine) == []


def test_a_run_that_could_not_be_launched_says_why(pipeline: Any, this_day: date) -> None:
    engine = connect(pipeline.settings.database_url)
    try:
        raise DagsterLaunchFailedError("The code server has not answered for 45 s")
    except DagsterLaunchFailedError:
        error = serializable_error_info_from_exc_info(sys.exc_info())
    why = dg.DagsterEvent("ENGINE_EVENT", "telemetry_range", event_specific_data=EngineEventData.engine_error(error))
    run, _ = lost_run(pipeline, this_day, why)
    sense_end(pipeline, run, pipeline.instance.report_run_failed(run))
    [problem] = problems.open_problems(engine)
    assert "The code server has not answered for 45 s" in problem.detail


def test_a_child_that_was_lost_is_over_when_its_run_is(pipeline: Any, now: datetime, this_day: date) -> None:
    engine = connect(pipeline.settings.database_url)
    pipeline.simulator.add_records([record(1, 7, now), record(2, 8, now)])
    result = pipeline.run(this_day)
    at_work = pipeline.instance.add_run(dg.DagsterRun(job_name="job", status=dg.DagsterRunStatus.STARTED))
    cancelled = pipeline.instance.add_run(dg.DagsterRun(job_name="job", status=dg.DagsterRunStatus.CANCELED))
    for run_id, node in ((result.run_id, "a@host"), (at_work.run_id, "b@host"), (cancelled.run_id, "c@host")):
        problems.report(engine, Problem(f"child:{node}", "a process was killed", run_id=run_id))
    sense(pipeline, result)
    assert open_keys(pipeline) == {"child:b@host"}


def test_what_cannot_be_written_down_is_shown_again(pipeline: Any, this_day: date) -> None:
    """After an error that is not Dagster's own, the daemon would go on to the next run, and this one's failure be lost."""
    pipeline.simulator.set_faults([{"kind": "error", "status": 503, "functions": ["*"]}])
    failed = pipeline.run(this_day)
    pipeline.settings = pipeline.settings.model_copy(update={"database_url": SecretStr("postgresql://127.0.0.1:9/away")})
    with pytest.raises(dg.DagsterInvariantViolationError, match="cannot be noted"):
        sense(pipeline, failed)


def test_only_a_step_that_succeeds_with_its_days_makes_up_for_one_that_failed(pipeline: Any, this_day: date) -> None:
    engine = connect(pipeline.settings.database_url)
    yesterday = this_day - timedelta(days=1)
    assert pipeline.run(this_day).success  # computes what there is to compute of nothing
    failed = [("telemetry_records", this_day), ("telemetry_records", f"{yesterday} to {this_day}"), ("ott_views", this_day)]
    dead_letters.add(engine, [DeadLetter(f"run-{n}", "job", step, str(days), "no") for n, (step, days) in enumerate(failed)])
    without_news = pipeline.run(this_day)
    assert without_news.success
    sense(pipeline, without_news)
    left = [(letter.step, letter.partition) for letter in dead_letters.open_letters(engine)]
    assert left == [("telemetry_records", f"{yesterday} to {this_day}"), ("ott_views", str(this_day))]


def test_a_run_that_does_all_that_another_left_undone_ends_its_problem(pipeline: Any, this_day: date) -> None:
    """A repair includes a merge: nobody has to merge once more."""
    engine = connect(pipeline.settings.database_url)
    assert pipeline.run(this_day).success
    for run_id, steps in (("merge", ["ott_views"]), ("rebuild", ["ott_views", "no_step"])):
        dead_letters.add(engine, [DeadLetter(run_id, "job", step, str(this_day), "it was lost") for step in steps])
        problems.report(engine, Problem(f"run:telemetry_{run_id}:{this_day}", "it failed", run_id=run_id))
    problems.report(engine, Problem("check:x", "another kind", run_id="merge"))
    pipeline.simulator.add_records([record(1, 8, datetime(this_day.year, this_day.month, this_day.day, 12))])
    done = pipeline.run(this_day)
    assert done.success
    sense(pipeline, done)
    left = open_keys(pipeline)
    assert f"run:telemetry_merge:{this_day}" not in left
    assert {f"run:telemetry_rebuild:{this_day}", "check:x"} <= left

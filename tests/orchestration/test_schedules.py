from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace

import dagster as dg
import pytest
from dagster import DagsterInstance, build_schedule_context
from dagster._core.events import EngineEventData

from telemetry_pipeline.days import today
from telemetry_pipeline.orchestration import schedules
from telemetry_pipeline.orchestration.schedules import InFlight, build_schedules, in_flight, plan_tick
from telemetry_pipeline.settings.loading import Settings

RUN_ID = "00000000-0000-4000-8000-000000000001"


def evaluate(settings: Settings, instance: DagsterInstance, purpose: str = "tick") -> dg.RunRequest | dg.SkipReason:
    [schedule] = [each for each in build_schedules(settings) if each.name == f"telemetry_{purpose}_schedule"]
    data = schedule.evaluate_tick(build_schedule_context(instance=instance))
    if not data.run_requests:
        return dg.SkipReason(data.skip_message)
    [request] = data.run_requests
    return request


def span(request: dg.RunRequest | dg.SkipReason) -> tuple[str, str]:
    assert isinstance(request, dg.RunRequest)
    return request.tags["dagster/asset_partition_range_start"], request.tags["dagster/asset_partition_range_end"]


def test_a_tick_is_for_the_operators_today(make_settings: Callable[..., Settings], instance: DagsterInstance) -> None:
    settings = make_settings(operator_timezone="Pacific/Kiritimati")
    request = evaluate(settings, instance)
    assert isinstance(request, dg.RunRequest)
    assert request.partition_key == today(settings.operator_zone).isoformat()


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING])
def test_a_tick_that_finds_another_in_flight_is_skipped_and_names_it(
    make_settings: Callable[..., Settings], instance: DagsterInstance, status: dg.DagsterRunStatus
) -> None:
    run = instance.add_run(dg.DagsterRun(job_name="telemetry_tick", run_id=RUN_ID, status=status))
    request = evaluate(make_settings(), instance)
    assert isinstance(request, dg.SkipReason)
    assert run.run_id in (request.skip_message or "")
    assert "telemetry_tick" in (request.skip_message or "")


@pytest.mark.parametrize("job_name", ["telemetry_range", "telemetry_merge", "telemetry_rebuild", "__ASSET_JOB"])
def test_ticks_go_on_beside_any_other_run(
    make_settings: Callable[..., Settings], instance: DagsterInstance, job_name: str
) -> None:
    tags = {"dagster/backfill": "a-backfill"} if job_name == "__ASSET_JOB" else {}
    instance.add_run(dg.DagsterRun(job_name=job_name, run_id=RUN_ID, status=dg.DagsterRunStatus.STARTED, tags=tags))
    assert isinstance(evaluate(make_settings(), instance), dg.RunRequest)


def test_a_run_that_ended_does_not_hold_up_the_next_tick(
    make_settings: Callable[..., Settings], instance: DagsterInstance
) -> None:
    instance.add_run(dg.DagsterRun(job_name="telemetry_tick", run_id=RUN_ID, status=dg.DagsterRunStatus.FAILURE))
    assert isinstance(evaluate(make_settings(), instance), dg.RunRequest)


def test_a_run_that_says_nothing_for_five_minutes_does_not_hold_up_ticks() -> None:
    """Its process may hang, or what ought to end it may be down."""
    run = dg.DagsterRun(job_name="telemetry_tick", run_id=RUN_ID, status=dg.DagsterRunStatus.STARTED)
    assert isinstance(plan_tick("2026-11-21", [InFlight(run, silent_seconds=299)]), dg.SkipReason)
    assert isinstance(plan_tick("2026-11-21", [InFlight(run, silent_seconds=301)]), dg.RunRequest)


def tell(instance: DagsterInstance, *seconds_ago: float) -> None:
    """A run that began, and whose events are so old."""
    run = instance.add_run(dg.DagsterRun(job_name="telemetry_tick", run_id=RUN_ID, status=dg.DagsterRunStatus.STARTED))
    for ago in seconds_ago:
        event = dg.DagsterEvent("ENGINE_EVENT", run.job_name, event_specific_data=EngineEventData())
        instance.report_dagster_event(event, RUN_ID, timestamp=time.time() - ago)


@pytest.mark.parametrize(
    ("seconds_ago", "silent_seconds"),
    [
        pytest.param([7200, 3600, 0], 0, id="an old run with news"),
        pytest.param([7200, 3600, 600], 600, id="an old run without"),
        pytest.param([400], 400, id="one event"),
    ],
)
def test_a_run_is_silent_since_its_last_event(
    instance: DagsterInstance, seconds_ago: list[float], silent_seconds: float
) -> None:
    tell(instance, *seconds_ago)
    [found] = in_flight(instance, "telemetry_tick")
    assert found.run.run_id == RUN_ID
    assert silent_seconds <= found.silent_seconds < silent_seconds + 60


def test_a_run_that_has_never_said_anything_is_silent_since_it_was_made(
    instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(instance)
    [fresh] = in_flight(instance, "telemetry_tick")
    monkeypatch.setattr(schedules, "time", SimpleNamespace(time=lambda: time.time() + 600))
    [old] = in_flight(instance, "telemetry_tick")
    assert 0 <= fresh.silent_seconds < 60
    assert 600 <= old.silent_seconds < 660


@pytest.mark.parametrize(("last_event_ago", "skipped"), [(10, True), (600, False)], ids=["fresh", "silent"])
def test_only_a_run_that_shows_signs_of_life_holds_up_a_tick(
    make_settings: Callable[..., Settings], instance: DagsterInstance, last_event_ago: float, skipped: bool
) -> None:
    tell(instance, 7200, last_event_ago)
    assert isinstance(evaluate(make_settings(), instance), dg.SkipReason) is skipped


def test_runs_of_other_jobs_are_not_in_the_way(instance: DagsterInstance) -> None:
    tell(instance, 0)
    assert in_flight(instance, "telemetry_range", "telemetry_merge") == []


def test_the_repair_is_of_the_days_before_today(make_settings: Callable[..., Settings], instance: DagsterInstance) -> None:
    settings = make_settings(repair_days=3)
    this_day = today(settings.operator_zone)
    first, last = this_day - timedelta(days=3), this_day - timedelta(days=1)
    assert span(evaluate(settings, instance, "repair")) == (first.isoformat(), last.isoformat())


def test_the_merge_ends_with_today(make_settings: Callable[..., Settings], instance: DagsterInstance) -> None:
    settings = make_settings(merge_days=2)
    this_day = today(settings.operator_zone)
    assert span(evaluate(settings, instance, "merge")) == ((this_day - timedelta(days=1)).isoformat(), this_day.isoformat())


def test_nothing_is_repaired_before_the_first_partition(
    make_settings: Callable[..., Settings], instance: DagsterInstance
) -> None:
    this_day = today(make_settings().operator_zone)
    yesterday = this_day - timedelta(days=1)
    assert span(evaluate(make_settings(first_partition=yesterday), instance, "repair")) == (yesterday.isoformat(),) * 2
    assert isinstance(evaluate(make_settings(first_partition=this_day), instance, "repair"), dg.SkipReason)


@pytest.mark.parametrize("purpose", ["tick", "repair", "merge", "cleanup"])
def test_every_cron_is_a_setting(make_settings: Callable[..., Settings], purpose: str) -> None:
    by_name = {each.name: each for each in build_schedules(make_settings(**{f"{purpose}_cron": "*/7 * * * *"}))}
    assert by_name[f"telemetry_{purpose}_schedule"].cron_schedule == "*/7 * * * *"

from __future__ import annotations

from collections.abc import Callable

import dagster as dg
import pytest
from dagster import DagsterInstance, build_schedule_context

from telemetry_pipeline.orchestration.partitions import daily_partitions, today
from telemetry_pipeline.orchestration.schedules import build_tick_schedule
from telemetry_pipeline.settings import Settings

RUN_ID = "00000000-0000-4000-8000-000000000001"


def evaluate(settings: Settings, instance: DagsterInstance) -> dg.RunRequest | dg.SkipReason:
    data = build_tick_schedule(settings).evaluate_tick(build_schedule_context(instance=instance))
    [request] = data.run_requests or [dg.SkipReason(data.skip_message)]
    return request


def test_a_tick_is_for_the_operators_today(make_settings: Callable[..., Settings], instance: DagsterInstance) -> None:
    settings = make_settings(operator_timezone="Pacific/Kiritimati")
    request = evaluate(settings, instance)
    assert isinstance(request, dg.RunRequest)
    assert request.partition_key == today(daily_partitions(settings)).isoformat()


@pytest.mark.parametrize("job_name", ["telemetry_tick", "telemetry_range"])
@pytest.mark.parametrize("status", [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING])
def test_a_tick_that_finds_a_run_in_flight_is_skipped_and_names_it(
    make_settings: Callable[..., Settings], instance: DagsterInstance, job_name: str, status: dg.DagsterRunStatus
) -> None:
    run = instance.add_run(dg.DagsterRun(job_name=job_name, run_id=RUN_ID, status=status))
    request = evaluate(make_settings(), instance)
    assert isinstance(request, dg.SkipReason)
    assert run.run_id in (request.skip_message or "")
    assert job_name in (request.skip_message or "")


def test_a_run_that_ended_does_not_hold_up_the_next_tick(
    make_settings: Callable[..., Settings], instance: DagsterInstance
) -> None:
    instance.add_run(dg.DagsterRun(job_name="telemetry_tick", run_id=RUN_ID, status=dg.DagsterRunStatus.FAILURE))
    assert isinstance(evaluate(make_settings(), instance), dg.RunRequest)


def test_the_cron_is_a_setting(make_settings: Callable[..., Settings]) -> None:
    assert build_tick_schedule(make_settings(tick_cron="*/7 * * * *")).cron_schedule == "*/7 * * * *"

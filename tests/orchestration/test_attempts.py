"""Which failures are tried again, when, and how often."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock
from uuid import uuid4

import dagster as dg
import pytest
import sqlalchemy as sa
from celery.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded, WorkerLostError

from telemetry_pipeline import errors
from telemetry_pipeline.errors import CodeDiffers, StepInterrupted, StepLost
from telemetry_pipeline.job_names import RANGE, REBUILD, TICK
from telemetry_pipeline.orchestration.runtime.cluster import executor
from telemetry_pipeline.orchestration.runtime.cluster.attempts import PROMPTLY_SECONDS, failures, seconds_to_next, tried_again
from telemetry_pipeline.orchestration.runtime.cluster.executor import priority_of
from telemetry_pipeline.settings.loading import Settings

SOON, LATER, NEVER = PROMPTLY_SECONDS, 60, None


@pytest.mark.parametrize(
    ("error", "in_a_range", "in_a_tick"),
    [
        (errors.PanAccessUnavailable("HTTP 503"), LATER, NEVER),
        (errors.MalformedAnswer("a page of a proxy", "<html>"), LATER, NEVER),
        (errors.WarehouseUnavailable("PostgreSQL is away"), LATER, SOON),
        (errors.BrokerUnavailable("the broker is away"), LATER, SOON),
        (sa.exc.OperationalError("select", {}, Exception("terminated by administrator")), LATER, SOON),
        (OSError("no space left on device"), LATER, SOON),
        (WorkerLostError("signal 9"), SOON, SOON),
        (StepLost("nobody has it"), SOON, SOON),
        (StepInterrupted("signal 15"), SOON, SOON),
        (errors.PanAccessError("bad request"), NEVER, NEVER),
        (errors.LoginRejected("wrong password"), NEVER, NEVER),
        (errors.PermissionDenied("not this function"), NEVER, NEVER),
        (errors.RequestRefused("limit: 0"), NEVER, NEVER),
        (errors.Cancelled("by a person"), NEVER, NEVER),
        (errors.TimeLimitReached("25 minutes"), NEVER, NEVER),
        (errors.StatementFailed("a division by zero"), LATER, SOON),
        (errors.WarehouseError("another time zone"), NEVER, NEVER),
        (CodeDiffers("unknown step"), NEVER, NEVER),
        (SoftTimeLimitExceeded(), NEVER, NEVER),
        (TimeLimitExceeded(1_800), NEVER, NEVER),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_errors_that_may_pass_are_tried_again_by_those_who_have_no_next_run(
    make_settings: Callable[..., Settings], error: Exception, in_a_range: float | None, in_a_tick: float | None
) -> None:
    settings = make_settings()
    for is_tick, expected in ((False, in_a_range), (True, in_a_tick)):
        assert seconds_to_next(error, 0, settings, is_tick=is_tick) == expected
        assert seconds_to_next(error, 2, settings, is_tick=is_tick) == expected
        assert seconds_to_next(error, 3, settings, is_tick=is_tick) is None, "three times, then no more"


def test_settings_say_how_often_and_when(make_settings: Callable[..., Settings]) -> None:
    settings = make_settings(step_retries=7, step_retry_seconds=5)
    error = errors.PanAccessUnavailable("HTTP 503")
    assert seconds_to_next(error, 6, settings, is_tick=False) == 5
    assert seconds_to_next(error, 7, settings, is_tick=False) is None
    assert seconds_to_next(error, 0, make_settings(step_retries=0), is_tick=False) is None


def test_a_step_that_got_on_in_between_has_not_failed_in_a_row(
    instance: dg.DagsterInstance, make_settings: Callable[..., Settings]
) -> None:
    """A repair of many days goes on in new steps of its run; those are no failures, and do not use up its retries."""
    counts: list[int] = []
    # What each attempt does: fails, goes on in a new one, or is done.
    course = iter(["fail", "on", "on", "fail", "fail", "done"])

    @dg.op
    @tried_again(make_settings(step_retries=2, step_retry_seconds=1))
    def repair(context) -> None:  # type: ignore[no-untyped-def] # Dagster cannot read annotations that are strings
        counts.append(failures(context.instance, context.run.run_id, "repair"))
        match next(course):
            case "fail":
                raise errors.PanAccessUnavailable("away")
            case "on":
                raise dg.RetryRequested(max_retries=10_000)

    @dg.job
    def repairs() -> None:
        repair()

    assert repairs.execute_in_process(instance=instance).success
    assert counts == [0, 1, 0, 0, 1, 2]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (sa.exc.OperationalError("select", {}, Exception("terminated by administrator")), "PostgreSQL cannot be reached: term"),
        (errors.LoginRejected("wrong password", "check it"), "wrong password"),
    ],
    ids=["PostgreSQL", "ours"],
)
def test_a_step_that_failed_for_good_says_why_in_a_sentence(
    instance: dg.DagsterInstance, make_settings: Callable[..., Settings], error: Exception, said: str
) -> None:
    @dg.op
    @tried_again(make_settings(step_retries=0))
    def work(context) -> None:  # type: ignore[no-untyped-def] # Dagster cannot read annotations that are strings
        raise error

    @dg.job
    def works() -> None:
        work()

    result = works.execute_in_process(instance=instance, raise_on_error=False)
    failed = result.failure_data_for_node("work")
    assert failed
    told = failed.user_failure_data
    assert told
    assert told.description
    assert told.description.startswith(said)
    if advice := getattr(error, "advice", ""):
        assert told.metadata[errors.ADVICE].value == advice
        assert advice not in told.description


def test_steps_of_ticks_go_before_others() -> None:
    tick, other = (dg.DagsterRun(job_name=job) for job in ("telemetry_tick", "telemetry_range"))
    assert priority_of(tick, 5) < priority_of(other, 5)


@pytest.mark.slow
@pytest.mark.parametrize("is_tick", [True, False], ids=["tick", "range"])
def test_an_upstream_that_is_away_for_a_moment_fails_no_range(
    pipeline: Any, this_day: date, monkeypatch: pytest.MonkeyPatch, is_tick: bool
) -> None:
    """It comes back while the run waits; the next tick comes by itself, so a tick does not wait."""
    settings = pipeline.settings.model_copy(update={"step_retries": 2, "step_retry_seconds": 1})
    patient = type(pipeline)(settings, pipeline.simulator, pipeline.instance)
    pipeline.simulator.set_faults([{"kind": "error", "status": 503, "functions": ["login"], "times": 3}])
    monkeypatch.setattr(
        "telemetry_pipeline.orchestration.runtime.cluster.attempts.TICK", "job" if is_tick else "telemetry_tick"
    )
    result = patient.run(this_day - timedelta(days=1), selection=["telemetry_records"])
    assert result.success == (not is_tick)
    retries = [event for event in result.all_events if event.is_step_up_for_retry]
    assert [event.step_retry_data.seconds_to_wait for event in retries] == ([] if is_tick else [1])
    assert is_tick or "HTTP 503" in str(retries[0].step_retry_data.error.cause)


@pytest.mark.parametrize(("job", "at_once"), [(REBUILD, 1), (RANGE, 2), (TICK, 2)])
def test_a_rebuild_leaves_workers_to_ticks(
    make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch, job: str, at_once: int
) -> None:
    """Nobody waits for it, and its steps take minutes; of other runs all steps that can be are with the workers."""
    sent: list[str] = []

    def loop(context: Any, _: Any, submit: Callable[..., Any]) -> Any:
        for key in ("general", "audience"):
            submit(None, context, SimpleNamespace(key=key), "analysis", 5, None)
        return iter(())

    run = SimpleNamespace(run_id=str(uuid4()), dagster_run=dg.DagsterRun(job_name=job), for_step=lambda _: None)
    monkeypatch.setattr("dagster_celery.core_execution_loop.core_celery_execution_loop", loop)
    monkeypatch.setattr(executor, "_submit", lambda *given: Mock(step=sent.append(given[2])))  # type: ignore[func-returns-value]
    monkeypatch.setattr(executor, "alive", lambda *_: nullcontext())
    monkeypatch.setattr("telemetry_pipeline.warehouse.operations.attempts.forget", lambda *_: None)
    assert list(executor.StepExecutor(make_settings()).execute(run, Mock())) == []  # type: ignore[arg-type]
    assert len(sent) == at_once

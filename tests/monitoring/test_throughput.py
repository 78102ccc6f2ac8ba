"""How much was done in half an hour: what ended counts, what was cancelled does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from telemetry_pipeline.client.answers import Run, RunStatus, Step, StepStatus
from telemetry_pipeline.monitoring.facts.throughput import measure

BEGAN = datetime(2026, 11, 28, tzinfo=UTC)


def run(status: RunStatus, seconds: float, *steps: tuple[StepStatus, float]) -> Run:
    """One that took so long, with steps that did."""
    did = [Step(f"step {n}", state, BEGAN, BEGAN + timedelta(seconds=took)) for n, (state, took) in enumerate(steps)]
    ended_at = BEGAN + timedelta(seconds=seconds) if status.ended else None
    return Run("id", "telemetry_tick", status, BEGAN, BEGAN, ended_at, {}, steps=tuple(did))


def test_runs_and_steps_that_ended_are_counted_and_timed() -> None:
    done = measure(
        [
            run(RunStatus.SUCCESS, 10, (StepStatus.SUCCESS, 2), (StepStatus.SKIPPED, 0)),
            run(RunStatus.FAILURE, 20, (StepStatus.SUCCESS, 4), (StepStatus.FAILURE, 6)),
            run(RunStatus.CANCELED, 90),
            run(RunStatus.STARTED, 0, (StepStatus.SUCCESS, 4), (StepStatus.IN_PROGRESS, 0)),
        ]
    )
    assert (done.runs, done.failed_runs, done.mean_run_seconds) == (2, 1, 15)
    assert (done.steps, done.failed_steps, done.mean_step_seconds) == (4, 1, 4)
    assert done.steps_a_minute == 4 / 30


def test_where_nothing_ended_nothing_took_any_time() -> None:
    done = measure([])
    assert (done.runs, done.steps_a_minute, done.mean_run_seconds, done.mean_step_seconds) == (0, 0, None, None)

"""How much was done lately: of the runs launched in the last half hour, how many ended, how long they took, their steps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from telemetry_pipeline.client.answers import Run, RunStatus, Step, StepStatus
from telemetry_pipeline.client.pipeline import TelemetryClient

WINDOW = timedelta(minutes=30)
"""How far back is looked."""

_MOST_RUNS = 200


@dataclass(frozen=True)
class Throughput:
    """What ended of what was launched within the window.

    :ivar minutes: how long the window is.
    :ivar runs: how many runs ended. :ivar failed_runs: how many of these failed.
    :ivar steps: how many steps succeeded or failed. :ivar failed_steps: how many of these failed.
    :ivar mean_run_seconds: how long a run took from its start; None: none ended. :ivar mean_step_seconds: the same of a step.
    """

    minutes: float
    runs: int
    failed_runs: int
    steps: int
    failed_steps: int
    mean_run_seconds: float | None
    mean_step_seconds: float | None

    @property
    def steps_a_minute(self) -> float:
        """How many steps ended in a minute."""
        return self.steps / self.minutes


def look_at_throughput(client: TelemetryClient, now: datetime) -> Throughput:
    """Return the throughput of the window that ends now."""
    return measure(client.runs(created_after=now - WINDOW, limit=_MOST_RUNS, steps=True))


def measure(runs: Iterable[Run]) -> Throughput:
    """Return what these runs have done.

    :param runs: those launched within the window, with their steps.
    """
    runs = list(runs)
    ended = [run for run in runs if run.status in (RunStatus.SUCCESS, RunStatus.FAILURE)]
    steps = [step for run in runs for step in run.steps if step.status in (StepStatus.SUCCESS, StepStatus.FAILURE)]
    return Throughput(
        minutes=WINDOW.total_seconds() / 60,
        runs=len(ended),
        failed_runs=sum(run.status is RunStatus.FAILURE for run in ended),
        steps=len(steps),
        failed_steps=sum(step.status is StepStatus.FAILURE for step in steps),
        mean_run_seconds=_mean_seconds(ended),
        mean_step_seconds=_mean_seconds(steps),
    )


def _mean_seconds(ran: Iterable[Run | Step]) -> float | None:
    took = [(each.ended_at - each.started_at).total_seconds() for each in ran if each.started_at and each.ended_at]
    return sum(took) / len(took) if took else None

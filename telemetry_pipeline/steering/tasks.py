"""Runs as people ask for them: by what became of them, by job, by days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from telemetry_pipeline.client.answers import Run, RunStatus
from telemetry_pipeline.client.pipeline import TelemetryClient
from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.job_names import ANY_ASSETS_JOB
from telemetry_pipeline.launches import JOBS
from telemetry_pipeline.suggestions import meant

ASSETS = "assets"
"""What stands for the runs of assets alone where a job is asked for."""


class State(StrEnum):
    """What became of a run so far."""

    WAITING = "waiting"
    RUNNING = "running"
    FAILED = "failed"
    ENDED = "ended"


_STATUSES: Mapping[State, tuple[RunStatus, ...]] = {
    State.WAITING: (RunStatus.QUEUED, RunStatus.NOT_STARTED, RunStatus.MANAGED, RunStatus.SUSPENDED),
    State.RUNNING: (RunStatus.STARTING, RunStatus.STARTED, RunStatus.CANCELING),
    State.FAILED: (RunStatus.FAILURE,),
    State.ENDED: (RunStatus.SUCCESS, RunStatus.CANCELED),
}


def state_of(run: Run) -> State:
    """Return the state of a run."""
    return next(state for state, statuses in _STATUSES.items() if run.status in statuses)


@dataclass(frozen=True)
class Wanted:
    """Which runs are asked for.

    :ivar job: a job, or ``assets``. :ivar first: the day of the operator on which they were launched, or *last* at the latest.
    """

    state: State | None = None
    job: str | None = None
    first: date | None = None
    last: date | None = None

    def __post_init__(self) -> None:
        if self.job is not None and self.job not in (*JOBS, ASSETS):
            advice = meant(self.job, [*JOBS, ASSETS]) or f"jobs: {', '.join(JOBS)}; those of assets alone: {ASSETS}"
            raise RequestRefused(f"there is no job {self.job!r}", advice)
        if self.first and self.last and self.first > self.last:
            raise RequestRefused(f"{self.first} is after {self.last}")


def find_runs(client: TelemetryClient, wanted: Wanted, zone: ZoneInfo, limit: int, after: str | None = None) -> list[Run]:
    """Return those runs, the newest first.

    :param zone: where days begin. :param after: the last run of the page before.
    """
    # There is no day after the last one of the calendar.
    last = None if wanted.last == date.max else wanted.last
    return client.runs(
        statuses=None if wanted.state is None else _STATUSES[wanted.state],
        job=ANY_ASSETS_JOB if wanted.job == ASSETS else wanted.job,
        created_after=None if wanted.first is None else _begin(wanted.first, zone),
        created_before=None if last is None else _begin(last + timedelta(days=1), zone),
        limit=limit,
        cursor=after,
    )


def _begin(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)

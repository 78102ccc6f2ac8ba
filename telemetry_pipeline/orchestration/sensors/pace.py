"""Ticks that take longer than from one to the next: what is new waits, and with more data it waits longer."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import dagster as dg
import sqlalchemy as sa
from croniter import croniter

from telemetry_pipeline.job_names import TICK
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.warehouse.operations import problems
from telemetry_pipeline.warehouse.operations.problems import Problem

SLOW = "slow-ticks"
"""The key of the problem."""

# One alone had the machine busy with something else, or much to take in.
_IN_A_ROW = 3
_TICKS = dg.RunsFilter(job_name=TICK, statuses=[dg.DagsterRunStatus.SUCCESS])


def note_pace(engine: sa.Engine, instance: dg.DagsterInstance, settings: StackSettings) -> None:
    """Have a problem on record as long as each of the last ticks took longer than it is from one to the next."""
    taken = [
        (record.end_time - record.start_time, interval_seconds(settings.tick_cron, record.start_time, settings.operator_zone))
        for record in instance.get_run_records(_TICKS, limit=_IN_A_ROW)
        if record.start_time is not None and record.end_time is not None
    ]
    if len(taken) == _IN_A_ROW and all(seconds > interval for seconds, interval in taken):
        said = ", ".join(f"{seconds:.0f}" for seconds, _ in reversed(taken))
        found = f"The last ones took {said} s; by TICK_CRON there is one every {taken[0][1]:.0f} s."
        problems.report(engine, Problem.of(SLOW, found))
    else:
        problems.resolve(engine, SLOW)


def interval_seconds(cron: str, after: float, zone: ZoneInfo) -> float:
    """Return how far the next two times of a schedule are from each other.

    :param after: in seconds since 1970.
    """
    times = croniter(cron, datetime.fromtimestamp(after, zone).replace(tzinfo=None), ret_type=datetime)
    first: datetime = times.get_next()
    second: datetime = times.get_next()
    return (second - first).total_seconds()

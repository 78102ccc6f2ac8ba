"""Days merged anew, some at a time, so that others have their turns in between."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa

from telemetry_pipeline.days import Period
from telemetry_pipeline.warehouse.core import views
from telemetry_pipeline.warehouse.core.views import Merged
from telemetry_pipeline.warehouse.raw import repairs
from telemetry_pipeline.warehouse.raw.repairs import RepairPosition

SECONDS_A_STEP = 30.0
"""How long a step works before it lets ticks have the worker, and goes on in a new one."""

_DAYS_A_MERGE = 7
"""Ticks wait for no more while days are merged anew: a tenth of a second at 4,000 records a day, ten at 200,000."""


def rebuild(
    engine: sa.Engine, operator_timezone: str, run: str, period: Period, checkpoint: Callable[[], None]
) -> tuple[Merged, date | None]:
    """Merge what is pending, and the days of *period* anew, from where the run's earlier steps stopped.

    :param run: names the run. :param checkpoint: as of ``views.merge``.
    :returns: also the day with which the next step of the run is to go on; None: all is done.
    """
    deadline = time.monotonic() + SECONDS_A_STEP
    key = f"{run}:views"
    day, last = period.first, period.last
    merged = Merged()
    if position := repairs.repair_position(engine, key):
        day = position.day
    else:
        # All of a day without views is pending: to merge it anew as well would be the same work twice.
        known = views.totals_by_day(engine, period.days())
        merged = views.merge(engine, operator_timezone, checkpoint=checkpoint)
        if not known:
            return merged, None
        day, last = min(known), max(known)
    while True:
        end = min(last, day + timedelta(days=_DAYS_A_MERGE - 1))
        merged += views.merge(engine, operator_timezone, rebuild=(day, end), checkpoint=checkpoint)
        day = end + timedelta(days=1)
        if day > last or time.monotonic() >= deadline:
            break
    rest = day if day <= last else None
    repairs.keep_repair_position(engine, key, RepairPosition(rest, 0, 0, datetime.now(UTC)) if rest else None)
    return merged, rest

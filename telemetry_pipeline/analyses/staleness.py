"""Which past days' analyses are of views that changed since, or are missing altogether."""

from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa

from telemetry_pipeline.analyses.computing import input_version
from telemetry_pipeline.analyses.periods import Period
from telemetry_pipeline.analyses.registry import all_analyses
from telemetry_pipeline.analyses.views import cap_seconds
from telemetry_pipeline.warehouse import results, segments
from telemetry_pipeline.warehouse.database import snapshot
from telemetry_pipeline.warehouse.reading import explained


def stale_days(engine: sa.Engine, first: date, last: date, cap_hours: float | None) -> dict[date, datetime | None]:
    """The days from *first* to *last*, in order, that have views and whose analyses, with default parameters, are not stored
    or were computed from other views; and when some of those were last computed, None for never.

    Analyses of a range as such are left out: which ranges people want, nobody knows.

    :param cap_hours: VIEW_CAP_HOURS.
    :raises WarehouseError: PostgreSQL is unreachable, or has no schema of ours yet.
    """
    kept = {name: each for name, each in all_analyses().items() if each.kind != "period" and each.runs_unattended}
    defaults = {name: analysis.parse({}).model_dump(mode="json") for name, analysis in kept.items()}
    with explained(), snapshot(engine) as connection:
        days = segments.versions(connection, date.min, last)
        stored = results.computed(connection, defaults, first, last)
    current: dict[Period, str] = {}
    stale: dict[date, datetime | None] = {day: None for day in days if first <= day}
    for day in {result.period_last for result in stored}:
        stale.pop(day, None)
    for result in stored:
        read = kept[result.asset].reads(Period(result.period_first, result.period_last))
        if read not in current:
            current[read] = input_version(days, read, cap_seconds(cap_hours))
        if result.input_version != current[read]:
            known = stale.get(result.period_last)
            stale[result.period_last] = max(known, result.computed_at) if known else result.computed_at
    return dict(sorted(stale.items()))

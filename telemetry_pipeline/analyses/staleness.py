"""Which past days' analyses are of views that changed since, or are missing altogether."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

import sqlalchemy as sa

from telemetry_pipeline.analyses import inputs
from telemetry_pipeline.analyses.periods import Period
from telemetry_pipeline.analyses.registry import all_analyses, defaults
from telemetry_pipeline.analyses.views import Rules
from telemetry_pipeline.warehouse import results, segments
from telemetry_pipeline.warehouse.database import snapshot
from telemetry_pipeline.warehouse.reading import explained

Stale = Mapping[str, datetime | None]
"""The analyses of a day that are to be computed anew, and when they were last; None: never."""


def stale_days(engine: sa.Engine, first: date, last: date, rules: Rules) -> dict[date, Stale]:
    """The days from *first* to *last*, in order, whose analyses with default parameters are of other views than there are.

    A day that has views and no result at all lacks all that look back from it. Period analyses are waited for where one was
    stored for exactly the day, as ticks do; which longer ranges people want, nobody knows.

    :raises WarehouseError: PostgreSQL is unreachable, or has no schema of ours yet.
    """
    analyses, wanted = all_analyses(), defaults()
    looking_back = [name for name in wanted if analyses[name].kind != "period"]
    with explained(), snapshot(engine) as connection:
        state = segments.state(connection, date.min, date.max)
        stored = results.computed(connection, wanted, first, last)
    stored = [each for each in stored if analyses[each.asset].kind != "period" or each.period_first == each.period_last]
    stale: dict[date, dict[str, datetime | None]] = {
        day: dict.fromkeys(looking_back) for day in state.versions if first <= day <= last
    }
    for result in stored:
        if analyses[result.asset].kind != "period":
            stale.pop(result.period_last, None)
    versions: dict[inputs.Inputs, str] = {}
    for result in stored:
        of = inputs.inputs(analyses[result.asset], Period(result.period_first, result.period_last), rules, state.known)
        if of not in versions:
            versions[of] = inputs.version(of, state, rules)
        if result.input_version != versions[of]:
            stale.setdefault(result.period_last, {})[result.asset] = result.computed_at
    return dict(sorted(stale.items()))

"""Which results are of other views, rules or code than there are, or are not there: what there is to compute.

It follows from what is stored, whatever became of the runs that should have computed it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import date, datetime

import sqlalchemy as sa

from telemetry_pipeline.analyses.framework.declaration import Analysis, Parameters
from telemetry_pipeline.analyses.framework.rules import Rules
from telemetry_pipeline.analyses.registry import all_analyses
from telemetry_pipeline.results import catalogue, tables
from telemetry_pipeline.results.catalogue import Wanted
from telemetry_pipeline.results.freshness import inputs
from telemetry_pipeline.results.freshness.versions import code_version
from telemetry_pipeline.results.tables import table_of
from telemetry_pipeline.warehouse.core import segments
from telemetry_pipeline.warehouse.core.segments import State
from telemetry_pipeline.warehouse.db.connections import snapshot

Stale = Mapping[str, datetime | None]
"""What of a day is to be made anew, and when it was made last; None: never."""

Chosen = Mapping[str, Parameters]
"""Analyses by name, and the parameters of each."""


def stale_days(engine: sa.Engine, first: date, last: date, rules: Rules) -> dict[date, Stale]:
    """Return the days from *first* to *last*, in order, whose analyses with default parameters are stale.

    A day that has views, or a result that looks back from it, is to have all that look back. Period analyses are waited for
    where one was stored for exactly the day, as ticks do; which longer ranges people want, nobody knows.

    :raises WarehouseError: PostgreSQL is unreachable, or has no schema of ours yet.
    """
    analyses = all_analyses()
    wanted = {name: each.parse({}) for name, each in analyses.items() if each.runs_unattended}
    of_period = {name: parameters for name, parameters in wanted.items() if analyses[name].is_of_period}
    looking_back = {name: parameters for name, parameters in wanted.items() if name not in of_period}
    with snapshot(engine) as connection:
        state = segments.state(connection, date.min, date.max)
        viewed = {day for day in state.versions if first <= day <= last}
        found = [
            _stale(connection, chosen, days | catalogue.stored_days(connection, _values(chosen), first, last), rules, state)
            for chosen, days in ((looking_back, viewed), (of_period, set()))
        ]
    return {day: {**found[0].get(day, {}), **found[1].get(day, {})} for day in sorted({*found[0], *found[1]})}


def stale_of(engine: sa.Engine, day: date, chosen: Chosen, rules: Rules) -> Stale:
    """Return those of some analyses whose results of a day are stale.

    :raises WarehouseError: PostgreSQL is unreachable, or has no schema of ours yet.
    """
    with snapshot(engine) as connection:
        state = segments.state(connection, date.min, date.max)
        return _stale(connection, chosen, [day], rules, state).get(day, {})


def _stale(
    connection: sa.Connection, chosen: Chosen, days: Collection[date], rules: Rules, state: State
) -> dict[date, dict[str, datetime | None]]:
    """Return what is stale of some days, with as many statements however many these are."""
    analyses = {name: all_analyses()[name] for name in chosen}
    damaged = tables.damaged(connection, map(table_of, analyses.values()))
    alike: dict[tuple[object, ...], list[str]] = defaultdict(list)
    for name, analysis in analyses.items():
        alike[_reading(analysis, chosen[name])].append(name)
    stale: dict[date, dict[str, datetime | None]] = defaultdict(dict)
    for names in alike.values():
        analysis, parameters = analyses[names[0]], chosen[names[0]]
        periods = [analysis.asked(day, day, parameters) for day in days]
        versions = inputs.versions([inputs.inputs(analysis, each, rules, state.known) for each in periods], state, rules)
        wanted = Wanted(
            _values({name: chosen[name] for name in names}),
            {name: code_version(analyses[name]) for name in names},
            {(period.first, period.last): version for period, version in zip(periods, versions, strict=True)},
        )
        for name, day, computed_at in catalogue.stale(connection, wanted, damaged):
            stale[day][name] = computed_at
    return stale


def _reading(analysis: Analysis, parameters: Parameters) -> tuple[object, ...]:
    """Return the same for analyses that are computed from the same days, whatever the day that they are of."""
    return analysis.is_of_period, getattr(parameters, "window_days", None), analysis.compares, analysis.looks_ahead


def _values(chosen: Chosen) -> dict[str, dict[str, object]]:
    return {name: parameters.model_dump(mode="json") for name, parameters in chosen.items()}

"""Staleness: which results of 1,825 days of all analyses are to be computed anew, as ``late_data_sensor`` asks every minute.

``stale_seconds`` is the time when none are, ``growth`` how many times longer it takes than over a fifth of the days; the answer
is the same when all of them are, as after a change of the rules.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import sqlalchemy as sa

from bench.harness import OPERATOR_TIMEZONE, database, median, result
from telemetry_pipeline.analyses.framework.columns import conform
from telemetry_pipeline.analyses.framework.declaration import Analysis
from telemetry_pipeline.analyses.framework.rules import Rules
from telemetry_pipeline.analyses.registry import all_analyses
from telemetry_pipeline.results import inputs, tables
from telemetry_pipeline.results.catalogue import parameters_key
from telemetry_pipeline.results.documents import stale_documents
from telemetry_pipeline.results.staleness import stale_days
from telemetry_pipeline.results.tables import Result, table_of
from telemetry_pipeline.results.versions import code_version
from telemetry_pipeline.warehouse.core import segments
from telemetry_pipeline.warehouse.core.segments import State
from telemetry_pipeline.warehouse.db.connections import connect

DAYS = [date(2026, 11, 26) - timedelta(days=n) for n in range(1_825)]
RULES = Rules(ZoneInfo(OPERATOR_TIMEZONE))
_ROUNDS = 7
_INSERT = sa.text("""
    insert into analysis.results
        (asset, partition_date, period_first, period_last, parameters, parameters_key, row_count, computed_at, input_version,
         code_version)
    select :asset, case when :is_period then null else last end, first, last, '{}', :key, 0, now(), version, :code_version
    from unnest(cast(:firsts as date[]), cast(:lasts as date[]), cast(:versions as text[])) as period (first, last, version)
    on conflict do nothing
""")


def fill(engine: sa.Engine, analysis: Analysis, state: State) -> None:
    """A result without rows of every day, as it would be computed now."""
    parameters = analysis.parse({})
    values = parameters.model_dump(mode="json")
    periods = [analysis.asked(day, day, parameters) for day in DAYS]
    read = [inputs.inputs(analysis, period, RULES, state.known) for period in periods]
    versions = inputs.versions(read, state, RULES)
    empty = conform(pd.DataFrame({column.name: [] for column in analysis.columns}, dtype=object), analysis.columns)
    first = Result(periods[0].first, periods[0].last, None if analysis.is_of_period else DAYS[0], values, empty)
    first = replace(first, input_version=versions[0], code_version=code_version(analysis))
    with engine.begin() as connection:
        tables.replace(connection, table_of(analysis), [first])
        connection.execute(
            _INSERT,
            {
                "asset": analysis.name,
                "is_period": analysis.is_of_period,
                "key": parameters_key(values),
                "code_version": code_version(analysis),
                "firsts": [period.first for period in periods],
                "lasts": [period.last for period in periods],
                "versions": versions,
            },
        )


def asked(engine: sa.Engine, days: list[date], rules: Rules) -> tuple[int, float]:
    """How many results are stale of some days, and how long it takes to say so, documents included."""
    begin = time.perf_counter()
    found = sum(map(len, stale_days(engine, days[-1], days[0], rules).values()))
    stale_documents(engine, days[-1], days[0])
    return found, time.perf_counter() - begin


def main() -> None:
    analyses = [each for each in all_analyses().values() if each.runs_unattended]
    with database() as url:
        engine = connect(url)
        with engine.begin() as connection:
            segments.mark_changed(connection, DAYS)
            connection.execute(
                sa.text("update telemetry.sync_state set complete_before = :day, known_until = now()"), {"day": DAYS[0]}
            )
            state = segments.state(connection, date.min, date.max)
        for analysis in analyses:
            fill(engine, analysis, state)
        every = [asked(engine, DAYS, RULES) for _ in range(_ROUNDS)]
        few = [asked(engine, DAYS[: len(DAYS) // 5], RULES) for _ in range(_ROUNDS)]
        all_stale, all_seconds = asked(engine, DAYS, replace(RULES, small_base=31))
    if any(found for found, _ in (*every, *few)) or all_stale != len(analyses) * len(DAYS):
        raise SystemExit("what is stale was not found")
    seconds = median([seconds for _, seconds in every])
    result(
        benchmark="staleness",
        days=len(DAYS),
        analyses=len(analyses),
        stale_seconds=seconds,
        growth=median([seconds / each for _, each in few]),
        all_stale_seconds=median([all_seconds]),
    )


if __name__ == "__main__":
    main()

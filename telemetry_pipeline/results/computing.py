"""Results of analyses, computed where that is needed: same parameters over the same views give the same result."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa

from telemetry_pipeline.analyses.framework.declaration import Analysis, Parameters
from telemetry_pipeline.analyses.framework.rules import Rules
from telemetry_pipeline.analyses.registry import find_analysis
from telemetry_pipeline.days import EVERYTHING, Period
from telemetry_pipeline.errors import ViewsDoNotFit
from telemetry_pipeline.results import catalogue, stored, tables
from telemetry_pipeline.results.catalogue import ResultInfo
from telemetry_pipeline.results.freshness import inputs
from telemetry_pipeline.results.freshness.inputs import Inputs
from telemetry_pipeline.results.freshness.versions import code_version
from telemetry_pipeline.results.published import bi, latest
from telemetry_pipeline.results.tables import Result, StoredResult, table_of
from telemetry_pipeline.results.totals import totals
from telemetry_pipeline.results.views.windows import Store
from telemetry_pipeline.warehouse.core import segments
from telemetry_pipeline.warehouse.core.segments import State
from telemetry_pipeline.warehouse.db.connections import snapshot
from telemetry_pipeline.warehouse.raw import completeness
from telemetry_pipeline.warehouse.raw.claims import claim

_MOST_VIEWS_AT_ONCE = 3_000_000


@dataclass(frozen=True)
class Updated:
    """The results of some periods, all of them as if computed now.

    :ivar infos: what is stored, in the order of the periods.
    :ivar reasons: for each, why it was computed, or None: it was there already.
    :ivar last: the rows of the last one.
    :ivar totals: for each, its views and watch hours, where the analysis counts all of them.
    """

    infos: list[ResultInfo]
    reasons: list[str | None]
    last: pd.DataFrame
    totals: list[Mapping[str, float]]


def update(
    engine: sa.Engine,
    store: Store,
    analysis: Analysis,
    periods: Sequence[Period],
    parameters: Parameters,
    *,
    checkpoint: Callable[[], None] = lambda: None,
) -> Updated:
    """Compute and store the results of *periods* that are not stored yet, or whose views or code changed since.

    Until everything is stored, in one transaction, readers get the earlier results.

    :param periods: in order of their last days.
    :param checkpoint: called between results; raises to leave everything as it was.
    """
    table, values = table_of(analysis), parameters.model_dump(mode="json")
    with snapshot(engine) as connection:
        known = completeness.read(connection) if store.rules.cap.is_automatic else EVERYTHING
        reads = [inputs.inputs(analysis, period, store.rules, known) for period in periods]
        around = Period.around([read.around for read in reads])
        state = segments.state(connection, around.first, around.last)
        views = segments.count(connection, state.versions) if len(periods) > 1 else 0
    with engine.connect() as connection:
        with connection.begin():
            there = catalogue.find(connection, table.name, values, periods[0].last, periods[-1].last)
            infos = [there.get((period.first, period.last)) for period in periods]
            versions = inputs.versions(reads, state, store.rules)
            damaged = bool(tables.damaged(connection, [table]))
            reasons = [_reason(analysis, info, seen, damaged=damaged) for info, seen in zip(infos, versions, strict=True)]
            catalogue.want(connection, [info for info, reason in zip(infos, reasons, strict=True) if info and not reason])
        if any(reasons) and views <= _MOST_VIEWS_AT_ONCE:
            store.load(engine, around, state)
        computed: list[Result] = []
        for period, read, reason in zip(periods, reads, reasons, strict=True):
            if reason:
                checkpoint()
                computed.append(_result(engine, store, state, analysis, period, read, parameters))
        with connection.begin():
            claim(connection, {"operator_timezone": store.rules.zone.key})
            replaced = tables.replace(connection, table, computed)
            if replaced and analysis.runs_unattended:
                latest.publish(connection, table, analysis.parse({}).model_dump(mode="json"))
                bi.publish(connection, analysis)
            there |= {(info.period_first, info.period_last): info for info in replaced}
            every = [there[period.first, period.last] for period in periods]
            is_ours = reasons[-1] and every[-1].views_version == computed[-1].views_version
            last = computed[-1].frame if is_ours else tables.load(connection, table, every[-1])
            sums = totals(connection, analysis, every)
            checkpoint()
    return Updated(every, reasons, last, sums)


@dataclass(frozen=True)
class Look:
    """What there is of an answer before it is computed.

    :ivar version: of what it would be computed from: views, what is known of their days, rules and code.
    :ivar stored: the answer, where it is stored and of just that.
    """

    version: str
    stored: StoredResult | None


def look(engine: sa.Engine, rules: Rules, name: str, days: Period, parameters: Mapping[str, Any] | None = None) -> Look:
    """Return whether an answer is stored, and of what it would be; the arguments and errors are those of :func:`answer`."""
    return _look(engine, rules, name, days, parameters)[0]


def answer(
    engine: sa.Engine, store: Store, name: str, days: Period, parameters: Mapping[str, Any] | None = None
) -> StoredResult:
    """Return what an analysis gives for some days: what is stored, where it is of the same views, code and rules; otherwise
    computed now, in memory, and stored nowhere.

    :param days: exactly those of a period analysis; for one that looks back, the single day from which it does.
    :param parameters: those that are not the defaults.
    :raises RequestRefused: there is no such analysis, or it takes no such days or parameters.
    """
    looked, analysis, period, read, values, state = _look(engine, store.rules, name, days, parameters)
    if looked.stored is not None:
        return looked.stored
    result = _result(engine, store, state, analysis, period, read, values)
    return StoredResult(tables.info_of(name, result, datetime.now(UTC)), result.frame)


def compute(
    engine: sa.Engine, store: Store, name: str, days: Period, parameters: Mapping[str, Any] | None = None
) -> pd.DataFrame:
    """Return the rows of :func:`answer`.

    :return: what is to be known of the result is in ``attrs["facts"]``.
    """
    found = answer(engine, store, name, days, parameters)
    found.frame.attrs["facts"] = dict(found.info.facts)
    return found.frame


def _look(
    engine: sa.Engine, rules: Rules, name: str, days: Period, parameters: Mapping[str, Any] | None
) -> tuple[Look, Analysis, Period, Inputs, Parameters, State]:
    analysis = find_analysis(name)
    values = analysis.parse(parameters or {})
    period = analysis.asked(days.first, days.last, values)
    with snapshot(engine) as connection:
        read = inputs.inputs(analysis, period, rules, completeness.read(connection))
        state = segments.state(connection, read.around.first, read.around.last)
        info = stored.find(connection, analysis, values, period=days)
        seen = inputs.version(read, state, rules)
        damaged = bool(tables.damaged(connection, [table_of(analysis)]))
        found = None
        if info and _reason(analysis, info, seen, damaged=damaged) is None:
            found = StoredResult(info, tables.load(connection, table_of(analysis), info))
            found.frame.attrs["facts"] = dict(info.facts)
    return Look(f"{seen}-{code_version(analysis)}", found), analysis, period, read, values, state


def _result(
    engine: sa.Engine, store: Store, state: State, analysis: Analysis, period: Period, read: Inputs, parameters: Parameters
) -> Result:
    store.load(engine, read.around, state)
    try:
        return _compute(store, analysis, period, read, parameters)
    except ViewsDoNotFit:
        if not store.keep_only_what_is_asked():
            raise
    store.load(engine, read.around, state)
    return _compute(store, analysis, period, read, parameters)


def _compute(store: Store, analysis: Analysis, period: Period, read: Inputs, parameters: Parameters) -> Result:
    begin = time.perf_counter()
    frame = analysis.compute(store.views(period), parameters)
    seconds = time.perf_counter() - begin
    state, rules = store.state, store.rules
    frame.attrs["facts"] = {
        **frame.attrs.get("facts", {}),
        **inputs.describe(read, period, state.known, rules),
        **_cut_off(store, period),
    }
    return Result(
        period_first=period.first,
        period_last=period.last,
        partition_date=None if analysis.is_of_period else period.last,
        parameters=parameters.model_dump(mode="json"),
        frame=frame,
        input_version=inputs.version(read, state, rules),
        code_version=code_version(analysis),
        compute_seconds=seconds,
        facts=frame.attrs["facts"],
        views_version=state.newest,
        changed_version=inputs.changed(read, state),
        rules=rules.key,
    )


def _cut_off(store: Store, period: Period) -> dict[str, float]:
    """Return what the cap took off, if there is one."""
    capped = store.capped(period)
    return {} if capped is None else {"capped_views": capped.views, "capped_hours": capped.hours}


def _reason(analysis: Analysis, info: ResultInfo | None, seen: str, *, damaged: bool) -> str | None:
    if info is None:
        return "it was not stored yet"
    if info.input_version != seen:
        return "the views changed"
    if info.code_version != code_version(analysis):
        return "the code changed"
    if damaged:
        return "its table lacked a column"
    return None

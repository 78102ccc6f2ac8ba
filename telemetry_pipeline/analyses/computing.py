"""Results of analyses, computed where that is needed: same parameters over the same views give the same result."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd
import sqlalchemy as sa

from telemetry_pipeline.analyses.periods import Period
from telemetry_pipeline.analyses.registry import Analysis, Parameters, code_version
from telemetry_pipeline.analyses.views import Store
from telemetry_pipeline.warehouse import results, segments
from telemetry_pipeline.warehouse.results import Result, ResultInfo

_MOST_VIEWS_AT_ONCE = 3_000_000

Draw = Callable[[str, pd.DataFrame], str | None]


@dataclass(frozen=True)
class Updated:
    """The results of some periods, all of them as if computed now.

    :ivar infos: what is stored, in the order of the periods.
    :ivar reasons: for each, why it was computed, or None: it was there already.
    :ivar last: the rows of the last one.
    """

    infos: list[ResultInfo]
    reasons: list[str | None]
    last: pd.DataFrame


def update(
    engine: sa.Engine,
    store: Store,
    analysis: Analysis,
    periods: Sequence[Period],
    parameters: Parameters,
    *,
    draw: Draw,
    checkpoint: Callable[[], None] = lambda: None,
) -> Updated:
    """Compute and store the results of *periods* that are not stored yet, or whose views or code changed since.

    Until everything is stored, in one transaction, readers get the earlier results.

    :param periods: in order of their last days.
    :param draw: how the result of the last period looks.
    :param checkpoint: called between results; raises to leave everything as it was.
    """
    values = parameters.model_dump(mode="json")
    reads = [analysis.reads(period) for period in periods]
    around = Period.around(reads)
    with engine.connect() as connection:
        with connection.begin():
            stored = results.find(connection, analysis.table, values, periods[0].last, periods[-1].last)
            days = segments.versions(connection, around.first, around.last)
            infos = [stored.get((period.first, period.last)) for period in periods]
            reasons = [
                _reason(info, input_version(days, read, store.cap_seconds)) for info, read in zip(infos, reads, strict=True)
            ]
            results.want(connection, [info for info, reason in zip(infos, reasons, strict=True) if info and not reason])
            views = segments.count(connection, days) if len(periods) > 1 else 0
        if any(reasons) and views <= _MOST_VIEWS_AT_ONCE:
            store.load(engine, around, days)
        computed: list[Result] = []
        for period, read, reason in zip(periods, reads, reasons, strict=True):
            if reason:
                checkpoint()
                store.load(engine, read, days)
                computed.append(_compute(store, analysis, period, read, parameters, draw if period == periods[-1] else None))
        with connection.begin():
            replaced = results.replace(connection, analysis.table, computed)
            stored |= {(info.period_first, info.period_last): info for info in replaced}
            every = [stored[period.first, period.last] for period in periods]
            last = computed[-1].frame if reasons[-1] else results.load(connection, analysis.table, every[-1])
            checkpoint()
    return Updated(every, reasons, last)


def _compute(
    store: Store, analysis: Analysis, period: Period, read: Period, parameters: Parameters, draw: Draw | None
) -> Result:
    begin = time.perf_counter()
    frame = analysis.compute(store.views(period), parameters)
    seconds = time.perf_counter() - begin
    facts = dict(frame.attrs.get("facts", {}))
    if capped := store.capped(read):
        facts |= {"capped_views": capped.views, "capped_hours": capped.hours}
    return Result(
        period_first=period.first,
        period_last=period.last,
        partition_date=None if analysis.kind == "period" else period.last,
        parameters=parameters.model_dump(mode="json"),
        frame=frame,
        input_version=input_version(store.versions, read, store.cap_seconds),
        code_version=code_version(),
        compute_seconds=seconds,
        facts=facts,
        chart=draw(analysis.name, frame) if draw else None,
    )


def _reason(info: ResultInfo | None, seen: str) -> str | None:
    if info is None:
        return "it was not stored yet"
    if info.input_version != seen:
        return "the views changed"
    if info.code_version != code_version():
        return "the code changed"
    return None


def input_version(days: dict[date, int], period: Period, cap_seconds: int) -> str:
    """Twelve hexadecimal digits for the views that can be seen of a period, and how long they count."""
    inside = [f"{day}:{version}" for day, version in sorted(days.items()) if period.first <= day <= period.last]
    return hashlib.sha256(" ".join([*inside, str(cap_seconds)]).encode()).hexdigest()[:12]

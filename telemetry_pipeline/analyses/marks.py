"""What every table says of its rows: which are provisional, and which are figures of few subscribers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import pandas as pd

from telemetry_pipeline.analyses import clock
from telemetry_pipeline.analyses.views import Views
from telemetry_pipeline.warehouse.columns import Column

PROVISIONAL = Column(
    "provisional",
    "boolean",
    "whether a day of the row is not complete: not read to its end, the first day of data, or with a gap",
    of=("local_date",),
)
SMALL_BASE = Column(
    "small_base",
    "boolean",
    "whether it is a figure of fewer than SMALL_BASE_SUBSCRIBERS different subscribers",
    of=("subscriber_code",),
)
BASE = "base_subscribers"
"""A column of an analysis's own that has the number of subscribers of each row, and is not one of the result."""

Base = str | Mapping[str, str] | None
"""Of how many subscribers a row is: the column that says so, or by the result's columns the expressions over ``counted`` that
its rows are grouped by; by none, all of the period. None: rows are not of groups of subscribers."""

Mark = Callable[[Views, Any, pd.DataFrame], pd.DataFrame]

_STEPS: dict[str, Callable[[date], date]] = {
    "daily": lambda start: start,
    "weekly": lambda start: start + timedelta(days=6),
    "monthly": lambda start: (start + timedelta(days=31)).replace(day=1) - timedelta(days=1),
}


def marking(columns: Sequence[Column], base: Base) -> tuple[tuple[Column, ...], Mark]:
    """The columns of the marks of a table, and how a result gets them."""
    dated = next((column.name for column in columns if column.name in ("date", "period_start") and column.key), None)
    marks = (*([PROVISIONAL] if dated else []), *([] if base is None else [SMALL_BASE]))

    def mark(views: Views, parameters: Any, frame: pd.DataFrame) -> pd.DataFrame:
        marked = frame.copy(deep=False)
        if dated:
            marked[PROVISIONAL.name] = _provisional(views, frame, dated, getattr(parameters, "granularity", "daily"))
        if base is not None:
            marked[SMALL_BASE.name] = _small(views, frame, base)
        return marked.drop(columns=BASE, errors="ignore")

    return marks, mark


def _provisional(views: Views, frame: pd.DataFrame, dated: str, granularity: str) -> list[bool | None]:
    days = clock.marked(views.days())
    forecast = frame["kind"].eq("forecast") if "kind" in frame else [False] * len(frame)
    marks: list[bool | None] = []
    for start, ahead in zip(pd.to_datetime(frame[dated].astype(object)), forecast, strict=True):
        first = start.date()
        last = _STEPS[granularity](first)
        marks.append(None if ahead else any(first <= day <= last for day in days))
    return marks


def _small(views: Views, frame: pd.DataFrame, base: str | Mapping[str, str]) -> list[bool | None]:
    least = views.rules.small_base
    if isinstance(base, str):
        return [None if pd.isna(count) else int(count) < least for count in frame[base]]
    counts = views.subscribers_by(*base.values())
    keys = zip(*(_plain(frame[name]) for name in base), strict=True) if base else [()] * len(frame)
    return [counts.get(key, 0) < least for key in keys]


def _plain(values: pd.Series[Any]) -> list[Any]:
    if pd.api.types.is_datetime64_any_dtype(values):
        return list(values.dt.date)
    return values.astype(object).tolist()

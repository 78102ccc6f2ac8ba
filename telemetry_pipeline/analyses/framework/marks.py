"""What every table says of its rows: which are provisional, and which are figures of few subscribers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import pandas as pd

from telemetry_pipeline.analyses.framework import clock
from telemetry_pipeline.analyses.framework.columns import Column
from telemetry_pipeline.analyses.framework.views import Views

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

_STARTS: dict[str, Callable[[date], date]] = {
    "daily": lambda day: day,
    "weekly": lambda day: day - timedelta(days=day.weekday()),
    "monthly": lambda day: day.replace(day=1),
}
"""The start of the row that a day is in."""


def marking(columns: Sequence[Column], base: Base) -> tuple[tuple[Column, ...], Mark]:
    """Return the columns of the marks of a table, and how a result gets them."""
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


def _provisional(views: Views, frame: pd.DataFrame, dated: str, granularity: str) -> pd.Series[Any]:
    starts = {_STARTS[granularity](day) for day in clock.marked(views.days())}
    if views.first_day is not None and views.period.first == date.min:
        # Views that count may begin later than data, and the week or month that these begin in is not whole.
        starts.add(_STARTS[granularity](views.first_day))
    marks = pd.Series([start in starts for start in _plain(frame[dated])], frame.index, dtype="boolean")
    return marks.mask(frame["kind"].eq("forecast")) if "kind" in frame else marks


def _small(views: Views, frame: pd.DataFrame, base: str | Mapping[str, str]) -> pd.Series[Any]:
    if isinstance(base, str):
        subscribers = frame[base].astype("Int64")
    else:
        counts = views.subscribers_by(*base.values())
        keys = zip(*(_plain(frame[name]) for name in base), strict=True) if base else [()] * len(frame)
        subscribers = pd.Series([counts.get(key, 0) for key in keys], frame.index, dtype="Int64")
    return subscribers < views.rules.small_base


def _plain(values: pd.Series[Any]) -> list[Any]:
    if pd.api.types.is_datetime64_any_dtype(values):
        return list(values.dt.date)
    return values.astype(object).tolist()

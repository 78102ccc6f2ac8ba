"""The picture that the columns of a result suggest: what its rows are about, when it was, and how much of it there is.

Any table has one, or none where it has no measures; what it does not know, it leaves out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from telemetry_pipeline.amounts import percent
from telemetry_pipeline.analyses.framework.columns import Column
from telemetry_pipeline.reports.charts.frames import numbers_of, texts_of
from telemetry_pipeline.reports.charts.panels import (
    bars_of,
    columns_of_days,
    hours_of,
    largest_first,
    tiles,
    with_share,
)
from telemetry_pipeline.reports.figures.sheet import Sheet
from telemetry_pipeline.words import pictures as say
from telemetry_pipeline.words.shown import word

_PANELS = 4
_SHARE = "share_pct"

MEASURES: dict[str, Sequence[str]] = {
    "average_audience": ["average_audience"],
    "channel_audience": ["unique_subscribers", "unique_devices"],
    "period_breakdown": ["views", "unique_subscribers", "watch_hours"],
    "rating": ["rating_pct"],
    "share": ["share_pct"],
    "win_back": ["watch_hours"],
}
"""What is drawn of an analysis, where it is not the first of its measures."""


def draw(sheet: Sheet, frame: pd.DataFrame, columns: Sequence[Column], measures: Sequence[str] = ()) -> None:
    """Put a result on a sheet, or leave the sheet empty if there is nothing to measure.

    Without a key, its measures in large type; by date, columns for a measure of each unit; by hour, a map; of anything else,
    bars, the largest first where the rows are not of successive times.

    :param measures: what to draw instead of the first that are suggested.
    """
    known = [column for column in columns if column.name in frame]
    keys = [column for column in known if column.key]
    amounts = {column.name: column for column in known if column.role == "measure" and not column.key}
    chosen = [amounts[name] for name in measures if name in amounts]
    if not amounts:
        return
    times = [key for key in keys if key.role == "time"]
    if not keys:
        tiles(sheet, {name: float(numbers_of(frame, name)[0]) for name in amounts})
    elif len(keys) == 1 and keys[0].type == "date":
        columns_of_days(sheet, frame, [each.name for each in chosen or _of_each_unit(amounts.values())], keys[0].name)
    elif len(keys) == 2 and len(times) == 1 and times[0].type == "bigint":
        [other] = [key for key in keys if key is not times[0]]
        hours_of(sheet, frame, other.name, times[0].name, next(iter(chosen or amounts.values())).name)
    else:
        _bars(sheet, frame, keys, chosen or [next(iter(amounts.values()))], has_share=_SHARE in amounts)


def _of_each_unit(amounts: Iterable[Column]) -> list[Column]:
    """Return the first measure of each unit, as far as there is room."""
    return list({column.unit: column for column in reversed(list(amounts))}.values())[::-1][:_PANELS]


def _bars(sheet: Sheet, frame: pd.DataFrame, keys: Sequence[Column], chosen: Sequence[Column], *, has_share: bool) -> None:
    first = chosen[0]
    if not any(key.role == "time" for key in keys):
        frame = largest_first(frame, first.name)
    texts = None
    if len(chosen) == 1 and first.unit == "percent":
        texts = [percent(value) for value in numbers_of(frame, first.name)]
    elif len(chosen) == 1 and has_share:
        texts = with_share(frame, first.name, _SHARE)
    labels = [" · ".join(each) for each in zip(*(texts_of(frame, key.name) for key in keys), strict=True)]
    frame = frame.assign(_label=labels)
    heading = say.by(say.joined([word(each.name) for each in chosen]), say.joined([word(key.name) for key in keys]))
    bars_of(sheet, frame, "_label", {each.name: word(each.name) for each in chosen}, heading, of=keys[0].name, texts=texts)

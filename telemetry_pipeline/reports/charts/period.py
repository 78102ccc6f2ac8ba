"""Pictures of period analyses that their columns alone do not give."""

from __future__ import annotations

import numpy as np
import pandas as pd

from telemetry_pipeline.amounts import change, short
from telemetry_pipeline.reports.charts.frames import matches, numbers_of, only_row, sections, texts_of
from telemetry_pipeline.reports.charts.panels import marked_days, recent, section_bars
from telemetry_pipeline.reports.figures.sheet import Sheet
from telemetry_pipeline.reports.figures.themes import BLUE, GREEN, GREY, RED
from telemetry_pipeline.words import pictures as say
from telemetry_pipeline.words.shown import word


def period_comparison(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Draw before and now, side by side for each metric."""
    frame = frame.head(3)
    rows = zip(*(numbers_of(frame, column) for column in ("previous", "current", "change_pct")), strict=True)
    for column, (metric, (before, now, pct)) in enumerate(zip(texts_of(frame, "metric"), rows, strict=True)):
        heading = f"{word(metric)}: {change(pct)}"
        values = {"": np.array([before, now])}
        sheet.bars([say.BEFORE, say.NOW], values, heading, colours=[GREY, BLUE], column=column % 3, of=3)


def period_events(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Draw the views of each day; peaks and valleys in colours of their own."""
    frame = recent(sheet, frame)
    flags = zip(*(frame[column].fillna(False).astype(bool) for column in ("is_peak", "is_valley")), strict=True)
    marked_days(sheet, frame, [GREEN if peak else RED if valley else GREY for peak, valley in flags])


def period_trend(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Show direction, slope and both ends."""
    row = only_row(frame)
    sheet.tiles(
        {
            say.DIRECTION: texts_of(frame, "direction")[0],
            say.STRENGTH: texts_of(frame, "strength")[0],
            say.SLOPE: short(row["slope"]),
            "R²": short(row["r_squared"]),
            say.FIRST_DAY: short(row["first_day_views"]),
            say.LAST_DAY: short(row["last_day_views"]),
            say.CHANGE: short(row["change"]),
            say.CHANGE_IN_PCT: change(row["change_pct"]),
        },
        columns=4,
    )


def subscriber_period(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Draw one subscriber's days, channels and slots, and how he compares with the mean."""
    days = frame[matches(frame, "section", "day")]
    dates = pd.to_datetime(days["item"].astype(object), errors="coerce", format="%Y-%m-%d").dt.date
    days = recent(sheet, days.assign(date=dates))
    outliers = sections(frame, "outlier", "item", "value")
    z = [outliers.get(day, 0) for day in texts_of(days, "item")]
    marked_days(sheet, days, [GREEN if each > 0 else RED if each < 0 else GREY for each in z])
    own = sections(frame, "comparison", "item", "value")
    mean = sections(frame, "comparison", "item", "reference")
    times = [value / mean[name] if mean[name] else np.nan for name, value in own.items()]
    texts = [f"{short(value)} ({say.MEAN} {short(mean[name])})" for name, value in own.items()]
    sheet.bars([word(name) for name in own], {"": np.array(times)}, say.TIMES_THE_MEAN_SUBSCRIBER, texts)
    for column, section in enumerate(("channel", "slot")):
        heading = say.by(word("views"), word(section))
        section_bars(sheet, sections(frame, section, "item", "views"), heading, what=section, column=column, of=2)


CHARTS = {chart.__name__: chart for chart in (period_comparison, period_events, period_trend, subscriber_period)}

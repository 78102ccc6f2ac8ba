"""Pictures of measures of audience that their columns alone do not give."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd

from telemetry_pipeline.reports.charts.frames import known, matches, numbers_of, texts_of
from telemetry_pipeline.reports.charts.panels import bars_of, recent, with_share
from telemetry_pipeline.reports.figures.scales import days, hours, quarters
from telemetry_pipeline.reports.figures.sheet import Sheet
from telemetry_pipeline.words import pictures as say
from telemetry_pipeline.words.shown import word

_FLOWS = 14
"""Channels of a map of flows."""


def reach(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Draw what part of the active subscribers everything and each channel reached."""
    total = matches(frame, "scope", "total")
    order = np.lexsort((-np.nan_to_num(numbers_of(frame, "reach_pct")), ~total))
    frame = frame.assign(label=frame["channel"].mask(total, say.ALL)).iloc[order]
    texts = with_share(frame, "reached_subscribers", "reach_pct")
    bars_of(sheet, frame, "label", {"reach_pct": say.REACH}, say.PCT_OF_ACTIVE_PER_CHANNEL, of="channel", texts=texts)


def concurrency(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Draw peak and mean at the same time: of each day, and of each hour over all days."""
    of_days = recent(sheet, frame[frame["hour"].isna()])
    of_hours = known(frame, "hour")
    for counted in ("streams", "subscribers") if len(of_days) > 1 else ():
        lines = {say.MOST: numbers_of(of_days, f"peak_{counted}"), say.MEAN: numbers_of(of_days, f"mean_{counted}")}
        sheet.series(days(list(of_days["date"])), lines, f"{word(counted)} {say.AT_ONCE_PER_DAY}", lines=True, height=104)
    groups = of_hours.groupby("hour")
    for column, counted in enumerate(("streams", "subscribers")):
        lines = {
            say.MOST: groups[f"peak_{counted}"].max().to_numpy(dtype=float, na_value=np.nan),
            say.MEAN: groups[f"mean_{counted}"].mean().to_numpy(dtype=float, na_value=np.nan),
        }
        sheet.series(
            hours(sorted(set(of_hours["hour"]))),
            lines,
            f"{word(counted)}, {say.PER_HOUR}",
            lines=True,
            height=104,
            column=column,
            of=2,
        )


def three_days(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Draw mean concurrency by hour of the last day so far, of the day before, and of the same weekday a week before."""
    frame = known(frame, "date", "hour")
    last = frame["date"].max()
    lines = {}
    for day in (last, last - timedelta(days=1), last - timedelta(days=7)):
        of_day = frame[frame["date"] == day]
        if len(of_day):
            values = pd.Series(numbers_of(of_day, "mean_subscribers"), numbers_of(of_day, "hour").astype(int))
            until = values.index.max() + 1 if day == last else 24
            means = values.groupby(level=0).mean().reindex(range(until), fill_value=0.0).reindex(range(24))
            lines[say.day(day)] = numbers_of(means.to_frame("value"), "value")
    sheet.series(hours(list(range(24))), lines, say.WATCHING_BY_HOUR, lines=True, height=200)


def channel_curve(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Draw the audience of a channel by quarters of an hour, nobody where no row is, as far as the day is known."""
    is_known_to_its_end = not frame.attrs.get("facts", {}).get("known_until")
    frame = known(frame, "hour", "minute")
    slots = (60 * numbers_of(frame, "hour") + numbers_of(frame, "minute")) / 60
    curve = pd.Series(numbers_of(frame, "average_audience"), slots).groupby(level=0).sum(min_count=1).dropna()
    if curve.empty:
        return
    until = 24.0 if is_known_to_its_end else float(curve.index.max())
    curve = curve.reindex(sorted({*curve.index, *(each / 4 for each in range(int(4 * until)))}), fill_value=0.0)
    values = {word("average_audience"): numbers_of(curve.to_frame("value"), "value")}
    sheet.series(quarters(list(curve.index)), values, word("average_audience"), lines=True, height=200)


def channel_flow(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Draw the transitions between the channels that have most of them."""
    frame = known(frame, "from_channel", "to_channel")
    ways = list(
        zip(texts_of(frame, "from_channel"), texts_of(frame, "to_channel"), numbers_of(frame, "transitions"), strict=True)
    )
    counts = pd.Series([n for *_, n in ways] * 2, index=[a for a, *_ in ways] + [b for _, b, _ in ways], dtype=float)
    names = list(counts.groupby(level=0).sum().sort_values(ascending=False, kind="stable").index)
    if len(names) > _FLOWS:
        sheet.note(say.more_channels(len(names) - _FLOWS))
    names = names[:_FLOWS]
    grid = np.full((len(names), len(names)), np.nan)
    for a, b, n in ways:
        if a in names and b in names:
            grid[names.index(a), names.index(b)] = n
    sheet.heat(grid, names, names, say.TRANSITIONS, say.TO_CHANNEL, written=True)


def stickiness(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Draw actives by day, week and month, their ratio, and who came, came back and stayed away."""
    frame = recent(sheet, frame)
    for heading, lines in (
        (
            say.ACTIVE_SUBSCRIBERS,
            {say.ON_THE_DAY: "daily_active", say.IN_7_DAYS: "weekly_active", say.IN_30_DAYS: "monthly_active"},
        ),
        (say.PCT_OF_MONTHLY, {say.ON_THE_DAY: "stickiness_pct"}),
        (
            word("subscribers"),
            {say.NEW: "new_subscribers", say.RETURNING: "returning_subscribers", say.DORMANT: "dormant_subscribers"},
        ),
    ):
        values = {name: numbers_of(frame, column) for name, column in lines.items()}
        sheet.series(days(list(frame["date"])), values, heading, lines=True, height=104)


CHARTS = {chart.__name__: chart for chart in (reach, concurrency, channel_curve, channel_flow, stickiness)}

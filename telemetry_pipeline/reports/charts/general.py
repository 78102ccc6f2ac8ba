"""Pictures of general analyses that their columns alone do not give."""

from __future__ import annotations

import numpy as np
import pandas as pd

from telemetry_pipeline.amounts import short
from telemetry_pipeline.reports.charts.frames import is_small, known, numbers_of, shades, texts_of
from telemetry_pipeline.reports.charts.panels import bars_of, recent, with_share
from telemetry_pipeline.reports.figures.scales import days
from telemetry_pipeline.reports.figures.sheet import Sheet
from telemetry_pipeline.reports.figures.texts import shorten
from telemetry_pipeline.reports.figures.themes import BLUE, GREEN, GREY, ORANGE, RED
from telemetry_pipeline.words import pictures as say
from telemetry_pipeline.words.shown import word

_COHORTS = 12
"""Cohorts, and months after their first."""


def average_duration(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Draw the mean minutes of a view, longest first."""
    frame = frame.assign(minutes=numbers_of(frame, "average_seconds") / 60)
    bars_of(sheet, frame, "channel", {"minutes": say.MINUTES}, say.MINUTES_PER_VIEW)


def channel_performance(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Draw the four scores, each a quarter of the whole."""
    scores = {
        "views_score": word("views"),
        "subscribers_score": word("subscribers"),
        "watch_time_score": say.SCORE_HOURS,
        "average_duration_score": say.SCORE_DURATION,
    }
    quarters = frame.assign(**{column: numbers_of(frame, column) / 4 for column in scores})
    bars_of(sheet, quarters, "channel", scores, say.POINTS_OF_100, stacked=True)


def day_over_day(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Draw the views of each day, and their change from the day before."""
    frame = recent(sheet, frame)
    scale = days(list(frame["date"]))
    sheet.series(scale, {word("views"): numbers_of(frame, "views")}, word("views"), colours=shades(frame))
    changes = numbers_of(frame, "change_pct")
    signs = [RED if each < 0 else GREEN for each in changes]
    colours = [GREY if small else sign for sign, small in zip(signs, is_small(frame), strict=True)]
    sheet.series(scale, {say.CHANGE: changes}, say.CHANGE_PCT, colours=colours)


def anomalies(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Draw how far each listed day is from the mean, the farthest first."""
    frame = frame.assign(distance=abs(numbers_of(frame, "z_score"))).sort_values("distance", ascending=False, kind="stable")
    z = numbers_of(frame, "z_score")
    texts = [
        f"{each:+.1f} ({short(views)} {say.VIEWS_SHORT})" for each, views in zip(z, numbers_of(frame, "views"), strict=True)
    ]
    colours = [GREY if small else RED if each < 0 else GREEN for each, small in zip(z, is_small(frame), strict=True)]
    sheet.bars(texts_of(frame, "date"), {"": z}, say.DEVIATIONS, texts, colours=colours)


def viewing_forecast(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Draw history, its mean of seven days and the trend, and what is to come with its band."""
    frame = recent(sheet, frame)
    lines = {
        word("views"): (numbers_of(frame, "views"), GREY),
        say.MEAN_OF_7_DAYS: (numbers_of(frame, "moving_average_7d"), BLUE),
        say.TREND: (numbers_of(frame, "trend"), GREEN),
        say.FORECAST: (numbers_of(frame, "forecast"), ORANGE),
    }
    sheet.series(
        days(list(frame["date"])),
        {name: values for name, (values, _) in lines.items()},
        say.PER_DAY,
        lines=True,
        colours=[colour for _, colour in lines.values()],
        band=(numbers_of(frame, "lower"), numbers_of(frame, "upper")),
        height=260,
    )


def correlation(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Draw Pearson's coefficient of each pair."""
    first, second = texts_of(frame, "feature_a"), texts_of(frame, "feature_b")
    names = list(dict.fromkeys(first + second))
    grid = np.full((len(names), len(names)), np.nan)
    for a, b, value in zip(first, second, numbers_of(frame, "pearson"), strict=True):
        grid[names.index(b), names.index(a)] = value
    words = [word(name) for name in names]
    sheet.heat(
        grid[1:, :-1],
        words[1:],
        words[:-1],
        say.PEARSON,
        say.HABIT,
        written=True,
        diverging=True,
    )


def cohorts(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Draw the triangle: what part of a month's new subscribers came back in the months after."""
    frame = known(frame, "cohort_month", "month")
    starts = sorted(set(frame["cohort_month"]))
    if len(starts) > _COHORTS:
        sheet.note(f"{say.more(len(starts) - _COHORTS)}, {say.EARLIER}")
        starts = starts[-_COHORTS:]
    frame = frame[frame["cohort_month"].isin(starts)]
    grid = np.full((len(starts), _COHORTS + 1), np.nan)
    grey = np.zeros(grid.shape, dtype=bool)
    columns = (frame["cohort_month"], frame["month"], numbers_of(frame, "retention_pct"), is_small(frame))
    for start, month, value, small in zip(*columns, strict=True):
        age = 12 * (month.year - start.year) + month.month - start.month
        if 0 <= age <= _COHORTS:
            grid[starts.index(start), age], grey[starts.index(start), age] = value, small
    reached = np.flatnonzero(~np.isnan(grid).all(axis=0))
    grid = grid[:, : reached.max(initial=0) + 1]
    sizes = dict(zip(frame["cohort_month"], numbers_of(frame, "cohort_size"), strict=True))
    names = [f"{start:%Y-%m} ({short(sizes[start])})" for start in starts]
    months = [str(age) for age in range(grid.shape[1])]
    grey = grey[:, : grid.shape[1]]
    sheet.heat(grid, names, months, say.PCT_OF_COHORT, say.MONTHS_SINCE, written=True, grey=grey)


def subscriber_segments(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Draw what part each segment is, and its means against those of all."""
    bars_of(
        sheet,
        frame,
        "segment",
        {"subscribers": word("subscribers")},
        say.SUBSCRIBERS_PER_SEGMENT,
        texts=with_share(frame, "subscribers", "share_pct"),
    )
    features = {
        "mean_watch_hours": word("watch_hours"),
        "mean_views": word("views"),
        "mean_average_seconds": say.MEAN_DURATION,
        "mean_unique_channels": word("unique_channels"),
    }
    weights = np.nan_to_num(numbers_of(frame, "subscribers"))
    means = np.array([numbers_of(frame, column) for column in features])
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = means / (np.nan_to_num(means) @ weights / weights.sum())[:, None]
    relative[~np.isfinite(relative)] = np.nan
    series = dict(zip((shorten(name, 14) for name in texts_of(frame, "segment")), relative.T, strict=False))
    sheet.bars(list(features.values()), series, say.TIMES_THE_MEAN)


CHARTS = {
    chart.__name__: chart
    for chart in (
        average_duration,
        channel_performance,
        day_over_day,
        anomalies,
        viewing_forecast,
        correlation,
        cohorts,
        subscriber_segments,
    )
}

"""What the analyses by time should give."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

from analyses.oracle import (
    SLOTS,
    Row,
    by,
    by_date,
    hours,
    hours_of_slot,
    mean,
    of_slot,
    percent,
    root,
    subscribers_of,
    variance,
)
from analyses.seen import Seen

from telemetry_pipeline.days import Period


def start_of(day: date, granularity: str) -> date:
    """The first day of its week or month, or the day itself."""
    if granularity == "weekly":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if granularity == "monthly" else day


def days_from(period_start: date, granularity: str, period: Period) -> list[date]:
    """The days of a day, week or month that are of the period."""
    days = [period_start + timedelta(days=n) for n in range(31)]
    return [day for day in days if start_of(day, granularity) == period_start and period.first <= day <= period.last]


def line(points: dict[int, int]) -> tuple[Fraction, Fraction]:
    """Intercept and slope of the least squares; of at least two points."""
    middle = mean(points)
    slope = sum(((x - middle) * y for x, y in points.items()), Fraction(0)) / sum((x - middle) ** 2 for x in points)
    return mean(points.values()) - slope * middle, slope


def viewing_by_period(seen: Seen, granularity: str) -> list[Row]:
    return [
        {
            "period_start": period_start,
            "views": len(views),
            "unique_subscribers": subscribers_of(views),
            "watch_hours": hours(views),
            "provisional": seen.unfinished(days_from(period_start, granularity, seen.period)),
            "small_base": seen.small(subscribers_of(views)),
        }
        for period_start, views in by(seen.views, lambda v: start_of(v.local_date, granularity)).items()
    ]


def time_slots(seen: Seen) -> list[Row]:
    """Views are of the slot of their end, time is of that in which it was."""
    rows = []
    for slot in SLOTS:
        views = of_slot(seen.views, slot)
        rows.append(
            {
                "slot": slot,
                "views": len(views),
                "watch_hours": hours_of_slot(seen.views, slot, seen.zone),
                "share_pct": percent(len(views), len(seen.views)),
                "small_base": seen.small(subscribers_of(views)),
            }
        )
    return rows


def day_over_day(seen: Seen) -> list[Row]:
    if not seen.views:
        return []
    rows = []
    for day in seen.days:
        yesterday = day - timedelta(days=1)
        previous = change = change_pct = None
        if day > seen.days[0]:
            previous = len(seen.early(yesterday, seen.elapsed(day)) if seen.partial(day) else seen.of_day(yesterday))
            pair = seen.alike(day, yesterday)
            if pair:
                change = len(pair[0]) - len(pair[1])
                change_pct = percent(change, len(pair[1]))
        rows.append(
            {
                "date": day,
                "views": len(seen.of_day(day)),
                "previous_views": previous,
                "change": change,
                "change_pct": change_pct,
                "provisional": seen.unfinished([day]),
                "small_base": seen.small(subscribers_of(seen.of_day(day))),
            }
        )
    return rows


def anomalies(seen: Seen, threshold_std: float) -> list[Row]:
    """Among the complete days."""
    days = {day: views for day, views in by_date(seen.views).items() if seen.complete(day)}
    counts = [len(views) for views in days.values()]
    if len(set(counts)) < 2:
        return []
    middle, spread = mean(counts), variance(counts)
    return [
        {
            "date": day,
            "views": len(views),
            "mean": middle,
            "std": root(spread),
            "z_score": (len(views) - middle) / root(spread),
            "direction": "above" if len(views) > middle else "below",
            "provisional": False,
            "small_base": seen.small(subscribers_of(views)),
        }
        for day, views in days.items()
        if (len(views) - middle) ** 2 > Fraction(threshold_std) ** 2 * spread
    ]


def viewing_forecast(seen: Seen, channel: str | None, forecast_days: int) -> list[Row]:
    """Learnt from the complete days; history ends with the last of them, or if there is none with the window."""
    matching = [v for v in seen.views if channel in (None, v.channel_name)]
    if not matching:
        return []
    first = min(v.local_date for v in matching)
    to_the_end = Period(first, seen.period.last).days()
    last = max(filter(seen.complete, to_the_end), default=seen.period.last)
    days = Period(first, last).days()
    counts = [sum(v.local_date == day for v in matching) for day in days]
    points = {n: counts[n] for n, day in enumerate(days) if seen.complete(day)}
    small = seen.small(subscribers_of(matching))
    fits = len(points) >= 3
    intercept, slope = line(points) if fits else (Fraction(0), Fraction(0))
    error = Fraction(0)
    if fits:
        residuals = [count - (intercept + slope * n) for n, count in points.items()]
        error = root(sum((each**2 for each in residuals), Fraction(0)) / (len(points) - 2))
    rows: list[Row] = []
    for n, day in enumerate(days):
        week = [points[m] for m in range(n - 6, n + 1) if m in points]
        rows.append(
            {
                "date": day,
                "views": counts[n],
                "moving_average_7d": mean(week) if week else None,
                "trend": intercept + slope * n if fits else None,
                "forecast": None,
                "lower": None,
                "upper": None,
                "kind": "history",
                "provisional": seen.unfinished([day]),
                "small_base": small,
            }
        )
    for n in range(len(days), len(days) + forecast_days):
        trend = intercept + slope * n
        forecast = max(Fraction(0), trend)
        rows.append(
            {
                "date": first + timedelta(days=n),
                "views": None,
                "moving_average_7d": None,
                "trend": trend if fits else None,
                "forecast": forecast if fits else None,
                "lower": max(Fraction(0), forecast - Fraction("1.96") * error) if fits else None,
                "upper": forecast + Fraction("1.96") * error if fits else None,
                "kind": "forecast",
                "provisional": None,
                "small_base": small,
            }
        )
    return rows

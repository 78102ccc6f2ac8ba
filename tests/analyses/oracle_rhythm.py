"""What the analyses by time should give."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

from analyses.oracle import SLOTS, Row, Seen, by, by_date, hours, mean, of_slot, percent, root, subscribers_of, variance


def start_of(day: date, granularity: str) -> date:
    """The first day of its week or month, or the day itself."""
    if granularity == "weekly":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if granularity == "monthly" else day


def line(values: list[int]) -> tuple[Fraction, Fraction]:
    """Intercept and slope of the least squares over 0, 1, 2 ...; of at least two values."""
    middle = mean(range(len(values)))
    slope = sum((x - middle) * y for x, y in enumerate(values)) / sum((x - middle) ** 2 for x in range(len(values)))
    return mean(values) - slope * middle, slope


def viewing_by_period(seen: Seen, granularity: str) -> list[Row]:
    return [
        {
            "period_start": period_start,
            "views": len(views),
            "unique_subscribers": subscribers_of(views),
            "watch_hours": hours(views),
        }
        for period_start, views in by(seen.views, lambda v: start_of(v.local_date, granularity)).items()
    ]


def time_slots(seen: Seen) -> list[Row]:
    rows = []
    for slot in SLOTS:
        views = of_slot(seen.views, slot)
        share_pct = percent(len(views), len(seen.views))
        rows.append({"slot": slot, "views": len(views), "watch_hours": hours(views), "share_pct": share_pct})
    return rows


def day_over_day(seen: Seen) -> list[Row]:
    if not seen.views:
        return []
    rows = []
    previous = None
    for day in seen.days:
        views = sum(v.local_date == day for v in seen.views)
        change = None if previous is None else views - previous
        change_pct = percent(change, previous) if change is not None and previous else None
        rows.append({"date": day, "views": views, "previous_views": previous, "change": change, "change_pct": change_pct})
        previous = views
    return rows


def anomalies(seen: Seen, threshold_std: float) -> list[Row]:
    days = {day: len(views) for day, views in by_date(seen.views).items()}
    if len(set(days.values())) < 2:
        return []
    middle, std = mean(days.values()), root(variance(days.values()))
    return [
        {
            "date": day,
            "views": views,
            "mean": middle,
            "std": std,
            "z_score": (views - middle) / std,
            "direction": "above" if views > middle else "below",
        }
        for day, views in days.items()
        if (views - middle) ** 2 > Fraction(threshold_std) ** 2 * variance(days.values())
    ]


def viewing_forecast(seen: Seen, channel: str | None, forecast_days: int) -> list[Row]:
    matching = [v for v in seen.views if channel in (None, v.channel_name)]
    if not matching:
        return []
    last = seen.period.last
    first = min(v.local_date for v in matching)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    counts = [sum(v.local_date == day for v in matching) for day in days]
    fits = len(days) >= 3
    intercept, slope = line(counts) if fits else (Fraction(0), Fraction(0))
    error = Fraction(0)
    if fits:
        residuals = [count - (intercept + slope * n) for n, count in enumerate(counts)]
        error = root(sum((each**2 for each in residuals), Fraction(0)) / (len(days) - 2))
    rows: list[Row] = []
    for n, (day, count) in enumerate(zip(days, counts, strict=True)):
        rows.append(
            {
                "date": day,
                "views": count,
                "moving_average_7d": mean(counts[max(0, n - 6) : n + 1]),
                "trend": intercept + slope * n if fits else None,
                "forecast": None,
                "lower": None,
                "upper": None,
                "kind": "history",
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
            }
        )
    return rows

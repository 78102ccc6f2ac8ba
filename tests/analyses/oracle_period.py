"""What the period analyses should give."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from analyses.oracle import (
    SLOTS,
    Row,
    Seen,
    View,
    average_seconds,
    by,
    by_channel,
    by_date,
    by_subscriber,
    channels_of,
    days_of,
    devices_of,
    hours,
    mean,
    of_slot,
    percent,
    ratio,
    root,
    subscribers_of,
    variance,
)
from analyses.oracle_rhythm import line, start_of


def period_summary(seen: Seen) -> list[Row]:
    durations = [v.seconds for v in seen.views]
    return [
        {
            "days": len(seen.days),
            "views": len(seen.views),
            "unique_subscribers": seen.subscribers,
            "unique_devices": devices_of(seen.views),
            "unique_channels": channels_of(seen.views),
            "watch_hours": hours(seen.views),
            "average_seconds": average_seconds(seen.views),
            "max_seconds": max(durations, default=None),
            "min_seconds": min(durations, default=None),
            "views_per_day": Fraction(len(seen.views), len(seen.days)),
        }
    ]


def period_comparison(seen: Seen) -> list[Row]:
    before = seen.before()
    figures = {
        "views": (len(seen.views), len(before.views)),
        "subscribers": (seen.subscribers, before.subscribers),
        "watch_hours": (hours(seen.views), hours(before.views)),
    }
    return [
        {
            "metric": metric,
            "current": current,
            "previous": previous,
            "change": current - previous,
            "change_pct": percent(current - previous, previous),
            "trend": "aumento" if current > previous else "disminución" if current < previous else "estable",
        }
        for metric, (current, previous) in figures.items()
    ]


def period_breakdown(seen: Seen, granularity: str) -> list[Row]:
    return [
        {
            "period_start": period_start,
            "views": len(views),
            "unique_subscribers": subscribers_of(views),
            "unique_devices": devices_of(views),
            "watch_hours": hours(views),
            "average_seconds": average_seconds(views),
        }
        for period_start, views in by(seen.views, lambda v: start_of(v.local_date, granularity)).items()
    ]


def period_channels(seen: Seen, top_n: int) -> list[Row]:
    channels = by_channel(seen.views)
    total = sum(len(views) for views in channels.values())
    rows = []
    for name in sorted(channels, key=lambda name: (-len(channels[name]), name))[:top_n]:
        views = channels[name]
        rows.append(
            {
                "channel": name,
                "views": len(views),
                "unique_subscribers": subscribers_of(views),
                "unique_devices": devices_of(views),
                "watch_hours": hours(views),
                "average_seconds": average_seconds(views),
                "active_days": days_of(views),
                "share_pct": percent(len(views), total),
                "views_per_subscriber": ratio(len(views), subscribers_of(views)),
                "watch_hours_per_subscriber": ratio(hours(views), subscribers_of(views)),
            }
        )
    return rows


def period_subscribers(seen: Seen, top_n: int) -> list[Row]:
    subscribers = by_subscriber(seen.views)
    rows = []
    for code in sorted(subscribers, key=lambda code: (-len(subscribers[code]), code))[:top_n]:
        views = subscribers[code]
        rows.append(
            {
                "subscriber_code": code,
                "views": len(views),
                "unique_channels": channels_of(views),
                "unique_devices": devices_of(views),
                "watch_hours": hours(views),
                "average_seconds": average_seconds(views),
                "active_days": days_of(views),
                "first_date": min(v.local_date for v in views),
                "last_date": max(v.local_date for v in views),
                "activity_pct": percent(days_of(views), len(seen.days)),
                "views_per_active_day": ratio(len(views), days_of(views)),
            }
        )
    return rows


def period_events(seen: Seen, threshold_std: float) -> list[Row]:
    days = by_date(seen.views)
    counts = [len(views) for views in days.values()]
    spread = variance(counts, sample=True) if len(counts) > 1 else 0
    rows = []
    for day, views in days.items():
        z_score = (len(views) - mean(counts)) / root(spread) if spread else None
        beyond = spread and (len(views) - mean(counts)) ** 2 > Fraction(threshold_std) ** 2 * spread
        rows.append(
            {
                "date": day,
                "views": len(views),
                "unique_channels": channels_of(views),
                "unique_subscribers": subscribers_of(views),
                "z_score": z_score,
                "is_peak": bool(beyond) and len(views) > mean(counts),
                "is_valley": bool(beyond) and len(views) < mean(counts),
            }
        )
    return rows


def period_trend(seen: Seen) -> list[Row]:
    counts = [sum(v.local_date == day for v in seen.views) for day in seen.days]
    row: Row = {"direction": None, "strength": None, "slope": None, "r_squared": None}
    if len(counts) > 1:
        intercept, slope = line(counts)
        spread = variance(counts)
        steepness = abs(slope) / root(spread) if spread else 0
        unexplained = mean((count - (intercept + slope * n)) ** 2 for n, count in enumerate(counts))
        row = {
            "direction": "creciente" if slope > 0 else "decreciente" if slope < 0 else "estable",
            "strength": "fuerte" if steepness > 0.10 else "moderada" if steepness > 0.05 else "débil",
            "slope": slope,
            "r_squared": 1 - unexplained / spread if spread else None,
        }
    change = counts[-1] - counts[0]
    row |= {
        "first_day_views": counts[0],
        "last_day_views": counts[-1],
        "change": change,
        "change_pct": percent(change, counts[0]),
    }
    return [row]


def subscriber_period(seen: Seen, subscriber_code: str) -> list[Row]:
    own = [v for v in seen.views if v.subscriber_code == subscriber_code]
    of_day: dict[date, list[View]] = {day: [v for v in own if v.local_date == day] for day in seen.days}
    counts = [len(views) for views in of_day.values()]
    spread = variance(counts)
    rows: list[Row] = []

    def add(section: str, item: str, views: list[View] | None = None, **others: object) -> None:
        figures = {"views": None, "watch_hours": None, "value": None, "reference": None, "label": None}
        if views is not None:
            figures |= {"views": len(views), "watch_hours": hours(views)}
        rows.append({"section": section, "item": item, **figures, **others})

    for day, views in of_day.items():
        add("day", day.isoformat(), views, value=(len(views) - mean(counts)) / root(spread) if spread else None)
    add("trend", "change_pct", **trend_of_halves(counts))
    channels = by_channel(own)
    with_channel = sum(len(views) for views in channels.values())
    for name in sorted(channels, key=lambda name: (-len(channels[name]), name)):
        add("channel", name, channels[name], value=percent(len(channels[name]), with_channel))
    for slot in SLOTS:
        add("slot", slot, of_slot(own, slot), value=percent(len(of_slot(own, slot)), len(own)))
    everyone = list(by_subscriber(seen.views).values())
    for item, measure in (("views", len), ("watch_hours", hours), ("active_days", days_of), ("unique_channels", channels_of)):
        reference = mean(measure(views) for views in everyone) if everyone else None
        add("comparison", item, value=measure(own), reference=reference)
    for day, views in of_day.items():
        above = len(views) - mean(counts)
        if spread and above**2 > 4 * spread:
            add("outlier", day.isoformat(), views, value=above / root(spread), label="pico" if above > 0 else "valle")
    return rows


def trend_of_halves(counts: list[int]) -> dict[str, object]:
    """How many per cent more views a day the last half of the days has than the first."""
    half = len(counts) // 2
    if not half:
        return {"value": None, "label": None}
    first, second = mean(counts[:-half]), mean(counts[-half:])
    if not first:
        return {"value": None, "label": "creciente" if second else "estable"}
    value = 100 * (second / first - 1)
    return {"value": value, "label": "creciente" if value > 10 else "decreciente" if value < -10 else "estable"}

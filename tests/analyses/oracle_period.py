"""What the period analyses should give."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any

from analyses.oracle import (
    SLOTS,
    Row,
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
    hours_of_slot,
    mean,
    of_slot,
    percent,
    ratio,
    root,
    subscribers_of,
    variance,
)
from analyses.oracle_rhythm import days_from, line, start_of
from analyses.seen import Seen


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
            "views_per_day": ratio(len(seen.views), sum((seen.passed(day) for day in seen.days), Fraction(0))),
            "small_base": seen.small(seen.subscribers),
        }
    ]


def period_comparison(seen: Seen) -> list[Row]:
    """Over what is known of both of the days that are as far into the one period as into the other."""
    pairs = [
        pair for day, before in zip(seen.days, seen.period.before().days(), strict=True) if (pair := seen.alike(day, before))
    ]
    now = [view for views, _before in pairs for view in views] if pairs else seen.views
    then = [view for _views, before in pairs for view in before]
    measures: dict[str, Callable[[list[View]], Fraction | int]] = {
        "views": len,
        "subscribers": subscribers_of,
        "watch_hours": hours,
    }
    rows = []
    for metric, measure in measures.items():
        current, previous = measure(now), measure(then)
        trend = "aumento" if current > previous else "disminución" if current < previous else "estable"
        rows.append(
            {
                "metric": metric,
                "current": current,
                "previous": previous if pairs else None,
                "change": current - previous if pairs else None,
                "change_pct": percent(current - previous, previous) if pairs else None,
                "trend": trend if pairs else None,
                "small_base": seen.small(seen.subscribers),
            }
        )
    return rows


def period_breakdown(seen: Seen, granularity: str) -> list[Row]:
    return [
        {
            "period_start": period_start,
            "views": len(views),
            "unique_subscribers": subscribers_of(views),
            "unique_devices": devices_of(views),
            "watch_hours": hours(views),
            "average_seconds": average_seconds(views),
            "provisional": seen.unfinished(days_from(period_start, granularity, seen.period)),
            "small_base": seen.small(subscribers_of(views)),
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
                "small_base": seen.small(subscribers_of(views)),
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
    """Complete days are scored among themselves."""
    days = by_date(seen.views)
    counts = [len(views) for day, views in days.items() if seen.complete(day)]
    spread = variance(counts, sample=True) if len(counts) > 1 else 0
    rows = []
    for day, views in days.items():
        scored = spread and seen.complete(day)
        above = len(views) - mean(counts) if scored else Fraction(0)
        beyond = above**2 > Fraction(threshold_std) ** 2 * spread
        rows.append(
            {
                "date": day,
                "views": len(views),
                "unique_channels": channels_of(views),
                "unique_subscribers": subscribers_of(views),
                "z_score": above / root(spread) if scored else None,
                "is_peak": beyond and above > 0,
                "is_valley": beyond and above < 0,
                "provisional": seen.unfinished([day]),
                "small_base": seen.small(subscribers_of(views)),
            }
        )
    return rows


def period_trend(seen: Seen) -> list[Row]:
    """Through the complete days."""
    points = {n: len(seen.of_day(day)) for n, day in enumerate(seen.days) if seen.complete(day)}
    counts = list(points.values())
    row: Row = {"direction": None, "strength": None, "slope": None, "r_squared": None}
    if len(points) > 1:
        intercept, slope = line(points)
        spread = variance(counts)
        steepness = abs(slope) / root(spread) if spread else 0
        unexplained = mean((count - (intercept + slope * n)) ** 2 for n, count in points.items())
        row = {
            "direction": "creciente" if slope > 0 else "decreciente" if slope < 0 else "estable",
            "strength": "fuerte" if steepness > 0.10 else "moderada" if steepness > 0.05 else "débil",
            "slope": slope,
            "r_squared": 1 - unexplained / spread if spread else None,
        }
    change = counts[-1] - counts[0] if counts else None
    row |= {
        "first_day_views": counts[0] if counts else None,
        "last_day_views": counts[-1] if counts else None,
        "change": change,
        "change_pct": percent(change, counts[0]) if change is not None else None,
        "small_base": seen.small(seen.subscribers),
    }
    return [row]


def subscriber_period(seen: Seen, subscriber_code: str) -> list[Row]:
    """Scores, outliers and the trend are of the complete days."""
    own = [v for v in seen.views if v.subscriber_code == subscriber_code]
    of_day: dict[date, list[View]] = {day: [v for v in own if v.local_date == day] for day in seen.days}
    counts = [len(views) for day, views in of_day.items() if seen.complete(day)]
    spread = variance(counts) if counts else 0
    rows: list[Row] = []

    def add(section: str, item: str, views: list[View] | None = None, **others: Any) -> None:
        figures: Row = {"views": None, "watch_hours": None, "value": None, "reference": None, "label": None}
        if views is not None:
            figures |= {"views": len(views), "watch_hours": hours(views)}
        rows.append({"section": section, "item": item, **figures, **others})

    def score(day: date) -> Fraction | None:
        return (len(of_day[day]) - mean(counts)) / root(spread) if spread and seen.complete(day) else None

    for day, views in of_day.items():
        add("day", day.isoformat(), views, value=score(day))
    add("trend", "change_pct", **trend_of_halves(counts))
    channels = by_channel(own)
    with_channel = sum(len(views) for views in channels.values())
    for name in sorted(channels, key=lambda name: (-len(channels[name]), name)):
        add("channel", name, channels[name], value=percent(len(channels[name]), with_channel))
    for slot in SLOTS:
        views, watched = of_slot(own, slot), hours_of_slot(own, slot, seen.zone)
        add("slot", slot, views, watch_hours=watched, value=percent(len(views), len(own)))
    everyone = list(by_subscriber(seen.views).values())
    for item, measure in (("views", len), ("watch_hours", hours), ("active_days", days_of), ("unique_channels", channels_of)):
        reference = mean(measure(views) for views in everyone) if everyone else None
        add("comparison", item, value=measure(own), reference=reference)
    for day, views in of_day.items():
        above = len(views) - mean(counts) if counts else Fraction(0)
        if spread and seen.complete(day) and above**2 > 4 * spread:
            add("outlier", day.isoformat(), views, value=score(day), label="pico" if above > 0 else "valle")
    return rows


def trend_of_halves(counts: list[int]) -> Row:
    """How many per cent more views a day the last half of the days has than the first."""
    half = len(counts) // 2
    if not half:
        return {"value": None, "label": None}
    first, second = mean(counts[:-half]), mean(counts[-half:])
    if not first:
        return {"value": None, "label": "creciente" if second else "estable"}
    value = 100 * (second / first - 1)
    return {"value": value, "label": "creciente" if value > 10 else "decreciente" if value < -10 else "estable"}


def subscriber_views(seen: Seen, subscriber_code: str, top_n: int = 100) -> list[Row]:
    own = [v for v in seen.views if v.subscriber_code == subscriber_code]
    unknown = "\U0010ffff" * 2
    own.sort(key=lambda v: (v.channel_name is None, v.channel_name or unknown, v.device_id is None, v.device_id or 0))
    own.sort(key=lambda v: (v.ended_at, v.started_at), reverse=True)

    def local(moment: datetime) -> str:
        return moment.replace(tzinfo=UTC).astimezone(seen.zone).isoformat(timespec="seconds")

    return [
        {
            "rank": rank,
            "date": view.local_date,
            "started_at": local(view.started_at),
            "ended_at": local(view.ended_at),
            "channel": view.channel_name,
            "device_id": view.device_id,
            "duration_seconds": view.seconds,
        }
        for rank, view in enumerate(own[:top_n], 1)
    ]

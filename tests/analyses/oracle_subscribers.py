"""What the analyses of subscribers should give."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from fractions import Fraction
from itertools import combinations

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
    hours_by_clock,
    hours_of_slot,
    mean,
    of_slot,
    percent,
    ratio,
    root,
    subscribers_of,
    variance,
)
from analyses.seen import Seen

FEATURES: dict[str, Callable[[list[View]], Fraction]] = {
    "watch_hours": hours,
    "average_seconds": lambda views: mean(v.seconds for v in views),
    "views": lambda views: Fraction(len(views)),
    "unique_channels": lambda views: Fraction(channels_of(views)),
    "average_hour": lambda views: mean(v.local_hour for v in views),
}


def cohorts(seen: Seen) -> list[Row]:
    begins = {code: min(v.local_date for v in views) for code, views in by_subscriber(seen.views).items()}

    def cohort_and_month(view: View) -> tuple[object, object]:
        return begins[view.subscriber_code or ""].replace(day=1), view.local_date.replace(day=1)

    rows = []
    for (cohort, month), views in by(seen.by_subscribers, cohort_and_month).items():
        size = sum(begin.replace(day=1) == cohort for begin in begins.values())
        rows.append(
            {
                "cohort_month": cohort,
                "month": month,
                "subscribers": subscribers_of(views),
                "cohort_size": size,
                "retention_pct": percent(subscribers_of(views), size),
                "unique_channels": channels_of(views),
                "watch_hours": hours(views),
                "small_base": seen.small(size),
            }
        )
    return rows


def correlation(seen: Seen) -> list[Row]:
    subscribers = by_subscriber(seen.views)
    if not subscribers:
        return []
    enough = len(seen.by_subscribers) >= 10 and len(subscribers) >= 3
    rows = []
    for a, b in combinations(FEATURES, 2):
        pearson = strength = None
        xs = [FEATURES[a](views) for views in subscribers.values()]
        ys = [FEATURES[b](views) for views in subscribers.values()]
        if enough and variance(xs) and variance(ys):
            products = mean((x - mean(xs)) * (y - mean(ys)) for x, y in zip(xs, ys, strict=True))
            pearson = products / root(variance(xs) * variance(ys))
            strength = "fuerte" if abs(pearson) > 0.7 else "moderada" if abs(pearson) > 0.4 else "débil"
        small = seen.small(seen.subscribers)
        rows.append({"feature_a": a, "feature_b": b, "pearson": pearson, "strength": strength, "small_base": small})
    return rows


def subscriber_overview(seen: Seen) -> list[Row]:
    """Without the units."""
    subscribers = by_subscriber(seen.views)
    each = list(subscribers.values())
    retained = sum(days_of(views) >= 2 for views in each)
    figures: list[tuple[str, str, Fraction | int | None]] = [
        ("period", "days_in_period", len(seen.days)),
        ("total", "subscribers", len(each)),
        ("total", "views", len(seen.by_subscribers)),
        ("total", "watch_hours", hours(seen.by_subscribers)),
        ("mean", "views", ratio(sum(len(views) for views in each), len(each))),
        ("mean", "watch_hours", ratio(sum((hours(views) for views in each), Fraction(0)), len(each))),
        ("mean", "unique_channels", ratio(sum(channels_of(views) for views in each), len(each))),
        ("mean", "unique_devices", ratio(sum(devices_of(views) for views in each), len(each))),
        ("mean", "active_days", ratio(sum(days_of(views) for views in each), len(each))),
        ("retention", "retained_subscribers", retained),
        ("retention", "retention_pct", percent(retained, len(each))),
    ]
    ranking = sorted(subscribers, key=lambda code: (hours(subscribers[code]), code))
    size, larger = divmod(len(ranking), 5)
    for n, quintile in enumerate(["inactivo", "ocasional", "regular", "activo", "super_activo"]):
        members, ranking = ranking[: size + (n < larger)], ranking[size + (n < larger) :]
        watched = [hours(subscribers[code]) for code in members]
        figures += [
            (quintile, "subscribers", len(members)),
            (quintile, "watch_hours", sum(watched, Fraction(0))),
            (quintile, "min_watch_hours", min(watched, default=None)),
            (quintile, "max_watch_hours", max(watched, default=None)),
        ]
    small = seen.small(seen.subscribers)
    return [{"section": section, "metric": metric, "value": value, "small_base": small} for section, metric, value in figures]


def top_subscribers(seen: Seen, limit: int) -> list[Row]:
    subscribers = by_subscriber(seen.views)
    measures: dict[str, Callable[[list[View]], Fraction | int]] = {
        "by_hours": hours,
        "by_views": len,
        "by_channels": channels_of,
    }
    rows = []
    for ranking, measure in measures.items():
        order = sorted(subscribers, key=lambda code: (-measure(subscribers[code]), code))
        rows += [
            {
                "ranking": ranking,
                "rank": rank,
                "subscriber_code": code,
                "value": measure(subscribers[code]),
                "watch_hours": hours(subscribers[code]),
            }
            for rank, code in enumerate(order[:limit], start=1)
        ]
    return rows


def active_subscribers(seen: Seen) -> list[Row]:
    return [
        {
            "date": day,
            "active_subscribers": subscribers_of(views),
            "provisional": seen.unfinished([day]),
            "small_base": seen.small(subscribers_of(views)),
        }
        for day, views in by_date(seen.views).items()
    ]


def halves(seen: Seen) -> tuple[list[View], list[View]]:
    """The views of the days before, and of the last half of the days, as far as day by day both are known."""
    half = len(seen.days) // 2
    earlier, later = [], []
    if len(seen.days) % 2 and seen.complete(seen.days[0]):
        earlier += seen.of_day(seen.days[0])
    for day in seen.days[len(seen.days) - half :]:
        pair = seen.alike(day - timedelta(days=half), day)
        if pair:
            earlier += pair[0]
            later += pair[1]
    return earlier, later


def churn(seen: Seen, min_views: int) -> list[Row]:
    """Every subscriber, those of low risk too."""
    earlier, later = (by_subscriber(views) for views in halves(seen))
    rows = []
    for code, views in by_subscriber(seen.views).items():
        before, after = len(earlier.get(code, [])), len(later.get(code, []))
        risk = "low"
        if before >= min_views and after == 0:
            risk = "high"
        elif before >= min_views and after <= Fraction(before, 2):
            risk = "medium"
        last_seen = max(v.local_date for v in views)
        rows.append(
            {
                "subscriber_code": code,
                "views_previous": before,
                "views_last": after,
                "last_seen": last_seen,
                "risk": risk,
            }
        )
    return sorted(rows, key=lambda row: (row["risk"] != "high", -row["views_previous"], row["subscriber_code"]))


def churn_risk(seen: Seen, min_views: int) -> list[Row]:
    return [row for row in churn(seen, min_views) if row["risk"] != "low"]


def win_back(seen: Seen, days: int, absent_days: int) -> list[Row]:
    rows = []
    for code, views in by_subscriber(seen.views).items():
        active = {v.local_date for v in views}
        for back in range(days):
            day = seen.period.last - timedelta(days=back)
            away = absence(seen, day, active)
            if day in active and away is not None and away >= absent_days:
                since = [v for v in views if v.local_date >= day]
                rows.append(
                    {
                        "subscriber_code": code,
                        "returned_on": day,
                        "absent_days": away,
                        "views": len(since),
                        "watch_hours": hours(since),
                        "views_before": len(views) - len(since),
                    }
                )
                break
    return sorted(rows, key=lambda row: (-row["watch_hours"], row["subscriber_code"]))


def absence(seen: Seen, day: date, active: set[date]) -> int | None:
    """How many days just before a day have no view, back to one that has; None: there is none such, or not all is known."""
    away = 0
    while (day := day - timedelta(days=1)) not in active:
        if day < min(active) or not seen.complete(day):
            return None
        away += 1
    return away


def subscriber_profile(seen: Seen, subscriber_code: str) -> list[Row]:
    own = [v for v in seen.views if v.subscriber_code == subscriber_code]
    days = days_of(own)
    totals = {
        "views": len(own),
        "watch_hours": hours(own),
        "unique_channels": channels_of(own),
        "unique_devices": devices_of(own),
        "active_days": days,
        "average_seconds": average_seconds(own),
        "views_per_active_day": ratio(len(own), days),
        "watch_hours_per_active_day": ratio(hours(own), days),
        "activity_pct": percent(days, len(seen.days)) or 0,
    }
    rows: list[Row] = [
        {"section": "total", "item": item, "views": None, "watch_hours": None, "value": value} for item, value in totals.items()
    ]

    def add(section: str, item: str, views: list[View], value: Fraction | None = None, watched: Fraction | None = None) -> None:
        """With the time of these views, or that which is said."""
        watch_hours = hours(views) if watched is None else watched
        rows.append({"section": section, "item": item, "views": len(views), "watch_hours": watch_hours, "value": value})

    channels = by_channel(own)
    with_channel = sum(len(views) for views in channels.values())
    for name in sorted(channels, key=lambda name: (-len(channels[name]), name))[:10]:
        add("channel", name, channels[name], percent(len(channels[name]), with_channel))
    for slot in SLOTS:
        add("slot", slot, of_slot(own, slot), percent(len(of_slot(own, slot)), len(own)), hours_of_slot(own, slot, seen.zone))
    devices = by(own, lambda v: v.device_id)
    for device in sorted(devices, key=lambda device: (-len(devices[device]), device)):
        add("device", str(device), devices[device])
    ended, watched = by(own, lambda v: v.local_hour), hours_by_clock(own, seen.zone)
    for hour in sorted({*ended, *watched}):
        add("hour", str(hour), ended.get(hour, []), None, watched.get(hour, Fraction(0)))
    return rows

"""What each analysis should give, in slow and obvious Python over a list of views."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from telemetry_pipeline.analyses.registry import Period

Row = dict[str, Any]


@dataclass(frozen=True)
class View:
    """A row of telemetry.views, as far as analyses can see it."""

    local_date: date
    local_hour: int = 20
    duration_seconds: int | None = 600
    channel_name: str | None = "Uno"
    subscriber_code: str | None = "S1"
    device_id: int | None = 1
    country: str | None = "MX"
    isp: str | None = "Telmex"
    channel_id: int = 1


def counted(views: Iterable[View], period: Period) -> list[View]:
    """The views of the period that have a duration."""
    return [v for v in views if period.first <= v.local_date <= period.last and v.duration_seconds is not None]


def hours(views: Iterable[View]) -> float:
    """Time watched."""
    return sum(v.duration_seconds or 0 for v in views) / 3600


def distinct(values: Iterable[Any]) -> int:
    """How many different values there are, null not being one."""
    return len({value for value in values if value is not None})


def by(views: Iterable[View], key: Callable[[View], Any]) -> dict[Any, list[View]]:
    """The views of each key in the order of keys; a key that is null, or of which a part is, is left out."""
    groups: dict[Any, list[View]] = {}
    for view in views:
        value = key(view)
        if value is not None and not (isinstance(value, tuple) and None in value):
            groups.setdefault(value, []).append(view)
    return dict(sorted(groups.items()))


def general_summary(views: list[View]) -> list[Row]:
    return [
        {
            "views": len(views),
            "active_subscribers": distinct(v.subscriber_code for v in views),
            "unique_devices": distinct(v.device_id for v in views),
            "unique_channels": distinct(v.channel_name for v in views),
            "watch_hours": hours(views),
        }
    ]


def top_channels(views: list[View], limit: int) -> list[Row]:
    channels = by(views, lambda v: v.channel_name)
    total = sum(len(seen) for seen in channels.values())
    ranking = sorted(channels, key=lambda name: (-len(channels[name]), name))
    return [
        {"channel": name, "rank": rank, "views": len(channels[name]), "share_pct": 100.0 * len(channels[name]) / total}
        for rank, name in enumerate(ranking, start=1)
    ][:limit]


def channel_audience(views: list[View]) -> list[Row]:
    return [
        {
            "channel": name,
            "unique_devices": distinct(v.device_id for v in seen),
            "unique_subscribers": distinct(v.subscriber_code for v in seen),
            "views": len(seen),
            "watch_hours": hours(seen),
        }
        for name, seen in by(views, lambda v: v.channel_name).items()
    ]


def peak_hours(views: list[View], channel: str | None) -> list[Row]:
    rows = []
    for name, seen in by(views, lambda v: v.channel_name).items():
        if channel in (None, name):
            counts = Counter(v.local_hour for v in seen)
            ranking = sorted(counts, key=lambda hour: (-counts[hour], hour))
            rows += [
                {"channel": name, "hour": hour, "views": counts[hour], "rank": rank}
                for rank, hour in enumerate(ranking, start=1)
            ]
    return rows


def average_duration(views: list[View]) -> list[Row]:
    rows = [
        {
            "channel": name,
            "average_seconds": sum(v.duration_seconds or 0 for v in seen) / len(seen),
            "views": len(seen),
            "watch_hours": hours(seen),
        }
        for name, seen in by(views, lambda v: v.channel_name).items()
    ]
    return sorted(rows, key=lambda row: (-row["average_seconds"], row["channel"]))


def viewing_by_period(views: list[View], granularity: str) -> list[Row]:
    def start(view: View) -> date:
        day = view.local_date
        if granularity == "weekly":
            return day - timedelta(days=day.weekday())
        return day.replace(day=1) if granularity == "monthly" else day

    return [
        {
            "period_start": period_start.isoformat(),
            "views": len(seen),
            "unique_subscribers": distinct(v.subscriber_code for v in seen),
            "watch_hours": hours(seen),
        }
        for period_start, seen in by(views, start).items()
    ]


def time_slots(views: list[View]) -> list[Row]:
    slots = {"madrugada": range(6), "mañana": range(6, 12), "tarde": range(12, 18), "noche": range(18, 24)}
    rows = []
    for slot, of_the_day in slots.items():
        seen = [v for v in views if v.local_hour in of_the_day]
        share_pct = 100.0 * len(seen) / len(views) if views else None
        rows.append({"slot": slot, "views": len(seen), "watch_hours": hours(seen), "share_pct": share_pct})
    return rows


def geography(views: list[View]) -> list[Row]:
    return [
        {
            "country": country,
            "isp": isp,
            "views": len(seen),
            "unique_devices": distinct(v.device_id for v in seen),
            "unique_subscribers": distinct(v.subscriber_code for v in seen),
        }
        for (country, isp), seen in by(views, lambda v: (v.country, v.isp)).items()
    ]


ORACLES: dict[str, Callable[..., list[Row]]] = {
    function.__name__: function
    for function in (
        average_duration,
        channel_audience,
        general_summary,
        geography,
        peak_hours,
        time_slots,
        top_channels,
        viewing_by_period,
    )
}


def expected(name: str, views: Iterable[View], period: Period, **parameters: Any) -> list[Row]:
    """The rows that the analysis *name* should give; *parameters* are those besides the window."""
    return ORACLES[name](counted(views, period), **parameters)

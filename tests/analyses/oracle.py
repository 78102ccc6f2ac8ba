"""What analyses should give, in slow and obvious Python over a list of views: the terms, and the general analyses.

Figures are exact: fractions, not floating point. ``oracles.expected`` makes rows of them as programs get them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from telemetry_pipeline.analyses.periods import Period

Row = dict[str, Any]

SLOTS = {"madrugada": range(6), "mañana": range(6, 12), "tarde": range(12, 18), "noche": range(18, 24)}


@dataclass(frozen=True)
class View:
    """A row of telemetry.views, as far as analyses can see it.

    The moment of its end is said in local time; *fold* is 1 in the second pass of an hour that the clock gives twice.
    *unwatched* are the seconds before that end that a cap took off.
    """

    local_date: date
    local_hour: int = 20
    duration_seconds: int | None = 600
    channel_name: str | None = "Uno"
    subscriber_code: str | None = "S1"
    device_id: int | None = 1
    country: str | None = "MX"
    isp: str | None = "Telmex"
    minute: int = 0
    second: int = 0
    fold: int = 0
    zone: str = "America/Mexico_City"
    unwatched: int = 0

    @classmethod
    def ending(cls, moment: datetime, zone: str, **others: Any) -> View:
        """One that ends at an aware *moment*."""
        local = moment.astimezone(ZoneInfo(zone))
        own = {"minute": local.minute, "second": local.second, "fold": local.fold, "zone": zone}
        return cls(local.date(), local.hour, **own, **others)

    @cached_property
    def ended_at(self) -> datetime:
        """In UTC, without saying so."""
        clock = time(self.local_hour, self.minute, self.second, fold=self.fold)
        return datetime.combine(self.local_date, clock, ZoneInfo(self.zone)).astimezone(UTC).replace(tzinfo=None)

    @property
    def seconds(self) -> int:
        """The duration of a view that has one."""
        assert self.duration_seconds is not None
        return self.duration_seconds

    @cached_property
    def watched_until(self) -> datetime:
        """The end, or where a cap cut it."""
        return self.ended_at - timedelta(seconds=self.unwatched)

    @cached_property
    def started_at(self) -> datetime:
        """In UTC, without saying so."""
        return self.watched_until - timedelta(seconds=self.seconds)


@dataclass(frozen=True)
class Seen:
    """What an analysis is asked about: a history, and a period of it."""

    history: tuple[View, ...]
    period: Period
    zone: ZoneInfo

    @cached_property
    def views(self) -> list[View]:
        """Those that count."""
        return counted(self.history, self.period)

    @cached_property
    def by_subscribers(self) -> list[View]:
        """Those whose subscriber is known."""
        return [v for v in self.views if v.subscriber_code is not None]

    @property
    def subscribers(self) -> int:
        """How many were active."""
        return distinct(v.subscriber_code for v in self.views)

    @cached_property
    def days(self) -> list[date]:
        """Every calendar day of the period; all history begins at the first day with views, and without one has no day."""
        if self.period.first > date.min:
            return self.period.days()
        if not self.views:
            return []
        return Period(min(v.local_date for v in self.views), self.period.last).days()

    def before(self) -> Seen:
        """The same history in as many days just before."""
        return Seen(self.history, self.period.before(), self.zone)


def counted(views: Iterable[View], period: Period) -> list[View]:
    """The views of the period that have a duration."""
    return [v for v in views if period.first <= v.local_date <= period.last and v.duration_seconds is not None]


def hours(views: Iterable[View]) -> Fraction:
    """Time watched."""
    return Fraction(sum(v.seconds for v in views), 3600)


def average_seconds(views: list[View]) -> Fraction | None:
    """Mean duration."""
    return ratio(sum(v.seconds for v in views), len(views))


def ratio(part: Fraction | int, whole: Fraction | int) -> Fraction | None:
    """One of the other; of nothing there is none."""
    return Fraction(part) / whole if whole else None


def percent(part: Fraction | int, whole: Fraction | int) -> Fraction | None:
    """What part is of the whole, of 100."""
    return ratio(100 * part, whole)


def distinct(values: Iterable[Any]) -> int:
    """How many different values there are, null not being one."""
    return len({value for value in values if value is not None})


def mean(values: Iterable[Fraction | int]) -> Fraction:
    listed = list(values)
    return sum(listed, Fraction(0)) / len(listed)


def variance(values: Iterable[Fraction | int], sample: bool = False) -> Fraction:
    listed = list(values)
    middle = mean(listed)
    return sum(((value - middle) ** 2 for value in listed), Fraction(0)) / (len(listed) - sample)


def root(value: Fraction | int) -> Fraction:
    """Square root, to 40 digits of a fraction."""
    exact = Fraction(value)
    context = Context(prec=60)
    quotient = context.divide(Decimal(exact.numerator), Decimal(exact.denominator))
    return Fraction(context.sqrt(quotient))


def by(views: Iterable[View], key: Callable[[View], Any]) -> dict[Any, list[View]]:
    """The views of each key in the order of keys; a key that is null, or of which a part is, is left out."""
    groups: dict[Any, list[View]] = {}
    for view in views:
        value = key(view)
        if value is not None and not (isinstance(value, tuple) and None in value):
            groups.setdefault(value, []).append(view)
    return dict(sorted(groups.items()))


def by_channel(views: Iterable[View]) -> dict[str, list[View]]:
    return by(views, lambda v: v.channel_name)


def by_subscriber(views: Iterable[View]) -> dict[str, list[View]]:
    return by(views, lambda v: v.subscriber_code)


def by_date(views: Iterable[View]) -> dict[date, list[View]]:
    return by(views, lambda v: v.local_date)


def subscribers_of(views: Iterable[View]) -> int:
    return distinct(v.subscriber_code for v in views)


def devices_of(views: Iterable[View]) -> int:
    return distinct(v.device_id for v in views)


def channels_of(views: Iterable[View]) -> int:
    return distinct(v.channel_name for v in views)


def days_of(views: Iterable[View]) -> int:
    return distinct(v.local_date for v in views)


def of_slot(views: Iterable[View], slot: str) -> list[View]:
    return [v for v in views if v.local_hour in SLOTS[slot]]


def general_summary(seen: Seen) -> list[Row]:
    return [
        {
            "views": len(seen.views),
            "active_subscribers": seen.subscribers,
            "unique_devices": devices_of(seen.views),
            "unique_channels": channels_of(seen.views),
            "watch_hours": hours(seen.views),
        }
    ]


def top_channels(seen: Seen, limit: int) -> list[Row]:
    channels = by_channel(seen.views)
    total = sum(len(views) for views in channels.values())
    ranking = sorted(channels, key=lambda name: (-len(channels[name]), name))
    return [
        {"channel": name, "rank": rank, "views": len(channels[name]), "share_pct": percent(len(channels[name]), total)}
        for rank, name in enumerate(ranking, start=1)
    ][:limit]


def channel_audience(seen: Seen) -> list[Row]:
    return [
        {
            "channel": name,
            "unique_devices": devices_of(views),
            "unique_subscribers": subscribers_of(views),
            "views": len(views),
            "watch_hours": hours(views),
        }
        for name, views in by_channel(seen.views).items()
    ]


def peak_hours(seen: Seen, channel: str | None) -> list[Row]:
    rows = []
    for name, views in by_channel(seen.views).items():
        if channel in (None, name):
            counts = Counter(v.local_hour for v in views)
            ranking = sorted(counts, key=lambda hour: (-counts[hour], hour))
            rows += [
                {"channel": name, "hour": hour, "views": counts[hour], "rank": rank}
                for rank, hour in enumerate(ranking, start=1)
            ]
    return rows


def average_duration(seen: Seen) -> list[Row]:
    rows = [
        {
            "channel": name,
            "average_seconds": average_seconds(views),
            "views": len(views),
            "watch_hours": hours(views),
        }
        for name, views in by_channel(seen.views).items()
    ]
    return sorted(rows, key=lambda row: (-row["average_seconds"], row["channel"]))


def geography(seen: Seen) -> list[Row]:
    return [
        {
            "country": country,
            "isp": isp,
            "views": len(views),
            "unique_devices": devices_of(views),
            "unique_subscribers": subscribers_of(views),
        }
        for (country, isp), views in by(seen.views, lambda v: (v.country, v.isp)).items()
    ]


def channel_performance(seen: Seen) -> list[Row]:
    rows = []
    for name, views in by_channel(seen.views).items():
        subscribers = subscribers_of(views)
        rows.append(
            {
                "channel": name,
                "unique_devices": devices_of(views),
                "unique_subscribers": subscribers,
                "views": len(views),
                "watch_hours": hours(views),
                "average_seconds": average_seconds(views),
                "active_days": days_of(views),
                "views_per_subscriber": ratio(len(views), subscribers),
                "watch_hours_per_subscriber": ratio(hours(views), subscribers),
            }
        )
    scores = {
        "views_score": "views",
        "subscribers_score": "unique_subscribers",
        "watch_time_score": "watch_hours",
        "average_duration_score": "average_seconds",
    }
    for row in rows:
        for score, column in scores.items():
            row[score] = percent(row[column], max(each[column] for each in rows)) or 0
        row["performance_score"] = mean(row[score] for score in scores)
    rows.sort(key=lambda row: (-row["performance_score"], row["channel"]))
    for rank, row in enumerate(rows, start=1):
        row["rank"] = rank
    return rows

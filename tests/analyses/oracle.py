"""What analyses should give, in slow and obvious Python over a list of views: the terms, and the general analyses.

Figures are exact: fractions, not floating point. ``oracles.expected`` makes rows of them as programs get them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal
from fractions import Fraction
from functools import cache, cached_property
from math import floor
from typing import Any, Literal
from zoneinfo import ZoneInfo

from telemetry_pipeline.days import EVERYTHING, Completeness, Period

Row = dict[str, Any]
Cap = float | Literal["auto"] | None

SLOTS = {"madrugada": range(6), "mañana": range(6, 12), "tarde": range(12, 18), "noche": range(18, 24)}
# Every zone's clock changes by, and differs from UTC by, whole quarters of an hour.
QUARTER = timedelta(minutes=15)
MICROSECOND = timedelta(microseconds=1)
LEAST_CAP = 4 * 3600
"""Seconds that the cap "auto" is at least."""


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
        own: dict[str, Any] = {"minute": local.minute, "second": local.second, "fold": local.fold, "zone": zone}
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
    """What an analysis is asked about: a history, a period of it, and what is known of its days.

    :ivar cap: longest that a view counts: hours, "auto", or None.
    :ivar small_base: fewer subscribers than these are a small base.
    """

    history: tuple[View, ...]
    period: Period
    zone: ZoneInfo
    known: Completeness = EVERYTHING
    cap: Cap = None
    small_base: int = 30

    @cached_property
    def watched(self) -> list[View]:
        """All that have a duration, of whatever day, as the cap leaves them."""
        timed = [v for v in self.history if v.duration_seconds is not None]
        if self.cap != "auto":
            return capped(timed, self.cap)
        return [cut(v, self.usual_seconds.get((v.channel_name, v.local_hour // 6), LEAST_CAP)) for v in timed]

    @cached_property
    def views(self) -> list[View]:
        """Those that count: that ended in the period."""
        return [v for v in self.watched if self.period.first <= v.local_date <= self.period.last]

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

    @cached_property
    def _of_days(self) -> dict[date, list[View]]:
        return by_date(self.watched)

    def of_day(self, day: date) -> list[View]:
        """The views that ended on a day, of the period or not."""
        return self._of_days.get(day, [])

    @property
    def moment(self) -> datetime | None:
        """Up to which all is known, in UTC without saying so."""
        until = self.known.known_until
        return until and until.astimezone(UTC).replace(tzinfo=None)

    def has_gap(self, day: date) -> bool:
        return any(first <= day <= last for first, last in self.known.gaps)

    def complete(self, day: date) -> bool:
        """Whether all of it was read. The first day of data, of which nobody knows when it began, never is."""
        known = self.known
        if known == EVERYTHING:
            return True
        if known.first_day is None or day <= known.first_day or self.has_gap(day):
            return False
        return day in known.repaired or (known.complete_before is not None and day < known.complete_before)

    def under_way(self, day: date) -> bool:
        """Whether it is not complete, and the moment lies in it."""
        if self.moment is None or self.complete(day):
            return False
        begin, end = bounds(day, self.zone)
        return begin <= self.moment < end

    def partial(self, day: date) -> bool:
        """Whether it is under way and known up to the moment."""
        return self.under_way(day) and day != self.known.first_day and not self.has_gap(day)

    def elapsed(self, day: date) -> timedelta:
        """How much of a day that is under way has passed."""
        assert self.moment is not None
        return self.moment - bounds(day, self.zone)[0]

    def to_come(self, day: date) -> bool:
        """Whether it begins after the moment."""
        return self.moment is not None and not self.complete(day) and bounds(day, self.zone)[0] > self.moment

    def passed(self, day: date) -> Fraction:
        """How much of a day there was: less than 1 of one that is under way, 0 of one to come."""
        if self.under_way(day):
            begin, end = bounds(day, self.zone)
            return Fraction(self.elapsed(day) // MICROSECOND, (end - begin) // MICROSECOND)
        return Fraction(not self.to_come(day))

    def alike(self, one: date, other: date) -> tuple[list[View], list[View]] | None:
        """The views of two days as far as both are known; None if of one of them nothing is."""
        if not all(self.complete(day) or self.partial(day) for day in (one, other)):
            return None
        for day in (one, other):
            if self.partial(day):
                return self.early(one, self.elapsed(day)), self.early(other, self.elapsed(day))
        return self.of_day(one), self.of_day(other)

    def early(self, day: date, elapsed: timedelta) -> list[View]:
        """The views that ended before so much of a day had passed."""
        return [v for v in self.of_day(day) if v.ended_at < bounds(day, self.zone)[0] + elapsed]

    def unfinished(self, days: Iterable[date]) -> bool:
        """Whether there is one among them that is not complete, and not before all data."""
        first = self.known.first_day
        return any(not self.complete(day) and (first is None or day >= first) for day in days)

    def small(self, subscribers: int) -> bool:
        """Whether they are too few to say much."""
        return subscribers < self.small_base

    @cached_property
    def _usual(self) -> list[View]:
        """The views, uncut, of which a cap is told: of the complete ones of the 28 days to the last complete day."""
        history = [v for v in self.history if v.duration_seconds is not None and v.local_date <= self.period.last]
        if not history:
            return []
        day, earliest = self.period.last, min(v.local_date for v in history)
        while day >= earliest and not self.complete(day):
            day -= timedelta(days=1)
        return [v for v in history if day - timedelta(days=27) <= v.local_date <= day and self.complete(v.local_date)]

    @cached_property
    def usual_seconds(self) -> dict[tuple[str | None, int], int]:
        """How long a view of a channel and daypart counts at the most with the cap "auto", where any tell."""
        durations: dict[tuple[str | None, int], list[int]] = {}
        for view in self._usual:
            durations.setdefault((view.channel_name, view.local_hour // 6), []).append(view.seconds)
        return {key: max(LEAST_CAP, percentile_99(values)) for key, values in durations.items()}


def percentile_99(values: list[int]) -> int:
    """In whole seconds, between two values as far as it is between them."""
    ordered = sorted(values)
    place = Fraction(99, 100) * (len(ordered) - 1)
    below = floor(place)
    above = min(below + 1, len(ordered) - 1)
    exact = ordered[below] + (place - below) * (ordered[above] - ordered[below])
    return floor(exact + Fraction(1, 2))


def cut(view: View, seconds: int) -> View:
    """The view from the same start, no longer than so."""
    over = max(0, view.seconds - seconds)
    return replace(view, duration_seconds=view.seconds - over, unwatched=view.unwatched + over) if over else view


def capped(views: Iterable[View], cap_hours: float | None) -> list[View]:
    """The views as they are watched when a cap of so many hours is on."""
    if cap_hours is None:
        return list(views)
    return [v if v.duration_seconds is None else cut(v, round(cap_hours * 3600)) for v in views]


@cache
def clock(day: date, zone: ZoneInfo) -> list[tuple[datetime, datetime, int]]:
    """The hours of a local day: when each begins and ends in UTC, and which it is; one that comes twice is twice as long."""
    moment = datetime.combine(day - timedelta(days=1), time.min, UTC)
    found: list[tuple[datetime, datetime, int]] = []
    while moment.date() <= day + timedelta(days=1):
        local, begin = moment.astimezone(zone), moment.replace(tzinfo=None)
        moment += QUARTER
        if local.date() == day:
            if found and found[-1][2] == local.hour:
                begin = found.pop()[0]
            found.append((begin, moment.replace(tzinfo=None), local.hour))
    return found


def bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """When a local day begins and ends, in UTC without saying so."""
    return clock(day, zone)[0][0], clock(day, zone)[-1][1]


def local_day(moment: datetime, zone: ZoneInfo) -> date:
    """Of a moment in UTC that does not say so."""
    return moment.replace(tzinfo=UTC).astimezone(zone).date()


def hours_by_clock(views: Iterable[View], zone: ZoneInfo) -> dict[int, Fraction]:
    """Time watched in each hour of the clock, on whatever day; not of those in which nothing was."""
    watched: Counter[int] = Counter()
    for view in views:
        day = local_day(view.started_at, zone)
        while bounds(day, zone)[0] < view.watched_until:
            for begin, end, hour in clock(day, zone):
                inside = min(end, view.watched_until) - max(begin, view.started_at)
                watched[hour] += max(0, inside // MICROSECOND)
            day += timedelta(days=1)
    return {hour: Fraction(watched[hour], 3_600_000_000) for hour in range(24) if watched[hour]}


def hours_of_slot(views: Iterable[View], slot: str, zone: ZoneInfo) -> Fraction:
    """Time watched in the hours of a slot."""
    by_hour = hours_by_clock(views, zone)
    return sum((by_hour.get(hour, Fraction(0)) for hour in SLOTS[slot]), Fraction(0))


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
    return Fraction(sum(listed, Fraction(0))) / len(listed)


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
            "small_base": seen.small(seen.subscribers),
        }
    ]


def top_channels(seen: Seen, limit: int) -> list[Row]:
    channels = by_channel(seen.views)
    total = sum(len(views) for views in channels.values())
    ranking = sorted(channels, key=lambda name: (-len(channels[name]), name))
    return [
        {
            "channel": name,
            "rank": rank,
            "views": len(channels[name]),
            "share_pct": percent(len(channels[name]), total),
            "small_base": seen.small(subscribers_of(channels[name])),
        }
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
            "small_base": seen.small(subscribers_of(views)),
        }
        for name, views in by_channel(seen.views).items()
    ]


def peak_hours(seen: Seen, channel: str | None) -> list[Row]:
    rows = []
    for name, views in by_channel(seen.views).items():
        if channel in (None, name):
            of_hours = by(views, lambda v: v.local_hour)
            ranking = sorted(of_hours, key=lambda hour: (-len(of_hours[hour]), hour))
            rows += [
                {
                    "channel": name,
                    "hour": hour,
                    "views": len(of_hours[hour]),
                    "rank": rank,
                    "small_base": seen.small(subscribers_of(of_hours[hour])),
                }
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
            "small_base": seen.small(subscribers_of(views)),
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
            "small_base": seen.small(subscribers_of(views)),
        }
        for (country, isp), views in by(seen.views, lambda v: (v.country, v.isp)).items()
    ]


def channel_performance(seen: Seen) -> list[Row]:
    rows: list[Row] = []
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
        row |= {"rank": rank, "small_base": seen.small(row["unique_subscribers"])}
    return rows

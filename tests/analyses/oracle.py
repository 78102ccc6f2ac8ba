"""What analyses should give, in slow and obvious Python over a list of views: the terms.

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
from typing import Any
from zoneinfo import ZoneInfo

Row = dict[str, Any]

SLOTS = {"madrugada": range(6), "mañana": range(6, 12), "tarde": range(12, 18), "noche": range(18, 24)}

# Every zone's clock changes by, and differs from UTC by, whole quarters of an hour.
QUARTER = timedelta(minutes=15)
MICROSECOND = timedelta(microseconds=1)


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


def cut(view: View, seconds: int) -> View:
    """The view from the same start, no longer than so."""
    over = max(0, view.seconds - seconds)
    return replace(view, duration_seconds=view.seconds - over, unwatched=view.unwatched + over) if over else view


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

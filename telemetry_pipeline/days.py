"""Days of the operator: how they are written, periods of them, which may be asked for, and what is known of each.

Zone and first partition are values here; whoever knows the settings hands them over.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from telemetry_pipeline.errors import DaysRefused, RequestRefused

Day = str | date


def parse_day(day: Day) -> date:
    """Return the day that *day* is, or names as 2026-01-31 does.

    :raises RequestRefused: it names none, or is written in another way.
    """
    # fromisoformat alone would take 20260131 and week dates, too.
    with suppress(ValueError):
        parsed = date.fromisoformat(str(day))
        if parsed.isoformat() == str(day):
            return parsed
    raise DaysRefused(f"{str(day)!r} is not a day such as {date(2026, 1, 31)}", rule="not_a_day", text=str(day))


def today(zone: ZoneInfo) -> date:
    """Return the current day where the operator is."""
    return datetime.now(zone).date()


@dataclass(frozen=True)
class Period:
    """Days of the operator, from *first* to *last*, both included; all history begins at ``date.min``."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.first > self.last:
            problem = f"a period cannot begin on {self.first} and end on {self.last}, before it"
            raise DaysRefused(problem, rule="ends_before", first=self.first, last=self.last)

    def __str__(self) -> str:
        return f"everything to {self.last}" if self.first == date.min else f"{self.first} to {self.last}"

    def __contains__(self, other: Period) -> bool:
        return self.first <= other.first and other.last <= self.last

    @property
    def length(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1

    def days(self) -> list[date]:
        """Return every day of it, in order."""
        return [self.first + timedelta(days=n) for n in range(self.length)]

    def before(self) -> Period:
        """Return as many days, just before it; fewer where the calendar begins.

        :raises RequestRefused: it begins with the calendar, and nothing is before it.
        """
        if self.first == date.min:
            raise RequestRefused("nothing is before all history")
        first = date.fromordinal(max(1, self.first.toordinal() - self.length))
        return Period(first, self.first - timedelta(days=1))

    @classmethod
    def around(cls, periods: list[Period]) -> Period:
        """Return the shortest period that holds all of them."""
        return cls(min(period.first for period in periods), max(period.last for period in periods))


def asked_period(partition: Day | None, first: Day | None, last: Day | None) -> Period | None:
    """Return the days that somebody asks for: a partition, or a range from *first* to *last*; None if no days are named.

    :raises RequestRefused: the days contradict each other, or are none.
    """
    if (first is None) != (last is None):
        raise RequestRefused("a range needs both its first and its last day")
    if partition is not None and first is not None:
        raise RequestRefused("give either a partition or a range, not both")
    if first is not None and last is not None:
        return Period(parse_day(first), parse_day(last))
    return None if partition is None else Period(parse_day(partition), parse_day(partition))


@dataclass(frozen=True)
class AllowedDays:
    """The days that may be asked for: those that have a partition, from *first* to *last*; *zone* is where *last* is today."""

    first: date
    last: date
    zone: str

    @classmethod
    def until_today(cls, first_partition: date, zone: ZoneInfo) -> AllowedDays:
        """Return those of now."""
        return cls(first_partition, today(zone), zone.key)

    def __str__(self) -> str:
        return f"allowed are {self.first} (FIRST_PARTITION) to {self.last} (today in {self.zone})"

    def asked(self, partition: Day | None, first: Day | None, last: Day | None) -> Period | None:
        """Return the period that is asked for, as :func:`asked_period` does, of allowed days alone.

        :raises RequestRefused: the days contradict each other, or are not allowed; says which are.
        """
        try:
            period = asked_period(partition, first, last)
        except DaysRefused as err:
            raise err.advised(str(self)) from None
        except RequestRefused as err:
            raise RequestRefused(err.problem, str(self)) from None
        return None if period is None else self.check(period)

    def check(self, period: Period) -> Period:
        """Return the same period.

        :raises RequestRefused: a day of it is not allowed; says which are.
        """
        for day in (period.first, period.last):
            if not self.first <= day <= self.last:
                raise DaysRefused(f"there is no partition {day}", str(self), rule="not_allowed", day=day)
        return period


@dataclass(frozen=True)
class Completeness:
    """What is known of some days.

    :ivar known_until: when the newest record was received, as of the last sync that read everything; None: none did.
    :ivar complete_before: every earlier day was read to its end by then; None: no sync read everything yet.
    :ivar repaired: days that were read to their end by a repair.
    :ivar gaps: first and last days of what the upstream has failed to deliver so far.
    :ivar first_day: with which data begin, of which only a part is known; None: there are none.
    """

    known_until: datetime | None = None
    complete_before: date | None = None
    repaired: frozenset[date] = frozenset()
    gaps: tuple[tuple[date, date], ...] = ()
    first_day: date | None = None

    def is_complete(self, day: date) -> bool:
        """Return whether the views of a day are all there."""
        read = day in self.repaired or (self.complete_before is not None and day < self.complete_before)
        return read and self.first_day is not None and not self.lacks_some(day)

    def lacks_some(self, day: date) -> bool:
        """Return whether no sync will bring the rest of a day: it is the first of data, or before it, or has a gap."""
        before_all = self.first_day is not None and day <= self.first_day
        return before_all or any(first <= day <= last for first, last in self.gaps)


EVERYTHING = Completeness(complete_before=date.max, first_day=date.min)
"""All days are complete."""


def contiguous(days: Iterable[date]) -> list[Period]:
    """Return days, which are in order, as periods without a gap."""
    periods: list[Period] = []
    for day in days:
        if periods and day - periods[-1].last == timedelta(days=1):
            periods[-1] = Period(periods[-1].first, day)
        else:
            periods.append(Period(day, day))
    return periods

"""Days of the operator: periods of them, and what is known of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from telemetry_pipeline.errors import RequestRefused


@dataclass(frozen=True)
class Period:
    """Days of the operator, from *first* to *last*, both included; all history begins at ``date.min``."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.first > self.last:
            raise RequestRefused(f"a period cannot begin on {self.first} and end on {self.last}, before it")

    def __str__(self) -> str:
        return f"everything to {self.last}" if self.first == date.min else f"{self.first} to {self.last}"

    def __contains__(self, other: Period) -> bool:
        return self.first <= other.first and other.last <= self.last

    @property
    def length(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1

    def days(self) -> list[date]:
        """Every day of it, in order."""
        return [self.first + timedelta(days=n) for n in range(self.length)]

    def before(self) -> Period:
        """As many days, just before it; fewer where the calendar begins.

        :raises RequestRefused: it begins with the calendar, and nothing is before it.
        """
        if self.first == date.min:
            raise RequestRefused("nothing is before all history")
        first = date.fromordinal(max(1, self.first.toordinal() - self.length))
        return Period(first, self.first - timedelta(days=1))

    @classmethod
    def around(cls, periods: list[Period]) -> Period:
        """The shortest period that holds all of them."""
        return cls(min(period.first for period in periods), max(period.last for period in periods))


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
        """Whether the views of a day are all there."""
        read = day in self.repaired or (self.complete_before is not None and day < self.complete_before)
        return read and self.first_day is not None and not self.lacks_some(day)

    def lacks_some(self, day: date) -> bool:
        """Whether no sync will bring the rest of a day: it is the first of data, or before it, or has a gap."""
        before_all = self.first_day is not None and day <= self.first_day
        return before_all or any(first <= day <= last for first, last in self.gaps)


EVERYTHING = Completeness(complete_before=date.max, first_day=date.min)
"""All days are complete."""


def contiguous(days: Iterable[date]) -> list[Period]:
    """Days, in order, as periods without a gap."""
    periods: list[Period] = []
    for day in days:
        if periods and day - periods[-1].last == timedelta(days=1):
            periods[-1] = Period(periods[-1].first, day)
        else:
            periods.append(Period(day, day))
    return periods

"""The days that an analysis is about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

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

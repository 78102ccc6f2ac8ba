"""What is known of the operator's days: which were read to their end, and up to when the last one is known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa


@dataclass(frozen=True)
class Completeness:
    """What is known of some days; it follows from what was read, never from the clock.

    :ivar known_until: the newest receipt of the last complete sync; None before the first one.
    :ivar complete_before: every day before it was read to its end, but for gaps.
    :ivar repaired: days that were read to their end by repairs.
    :ivar gaps: days, from the first to the last one of each, on which records are missing.
    :ivar first_day: of which there are data, which did not begin with it.
    """

    known_until: datetime | None = None
    complete_before: date | None = None
    repaired: frozenset[date] = frozenset()
    gaps: tuple[tuple[date, date], ...] = ()
    first_day: date | None = None

    def is_complete(self, day: date) -> bool:
        """Whether everything that there is of a day was read."""
        read = day in self.repaired or (self.complete_before is not None and day < self.complete_before)
        return read and self.first_day is not None and not self.lacks_some(day)

    def lacks_some(self, day: date) -> bool:
        """Whether records of a day are missing that no sync will bring: data began on it or later, or it has a gap."""
        before_all = self.first_day is not None and day <= self.first_day
        return before_all or any(first <= day <= last for first, last in self.gaps)


EVERYTHING = Completeness(complete_before=date.max, first_day=date.min)
"""All days are complete."""


def read(connection: sa.Connection) -> Completeness:
    """What is known of all days, seen through a connection that holds one moment."""
    known_until, complete_before, first_day = connection.execute(_STATE).one()
    repaired = connection.execute(_REPAIRED).scalars()
    gaps = connection.execute(_GAPS)
    return Completeness(known_until, complete_before, frozenset(repaired), tuple((gap[0], gap[1]) for gap in gaps), first_day)


_STATE = sa.text("""
    select known_until, complete_before, (select min(local_date) from telemetry.view_days) from telemetry.sync_state
""")
_REPAIRED = sa.text("""
    select local_date from telemetry.complete_days
    where local_date >= coalesce((select complete_before from telemetry.sync_state), '-infinity')
""")
_GAPS = sa.text("""
    select distinct first_date, last_date from telemetry.sync_gaps
    where resolved_at is null and first_date is not null order by first_date, last_date
""")

"""Which views count: not one that ended after it was received, and of several of one playback only the first.

A view is *of the future* while its record is ahead of its reception, and a *duplicate* if a view that is not of the future
has the same device, channel, end and duration under a lower record id. So it follows from the records alone, however they
came. Views that do not count stay where they are.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence, Set
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import sqlalchemy as sa

from telemetry_pipeline.warehouse.core import segments

_MANY_VIEWS = 10_000


@dataclass
class Arrivals:
    """What a merge has inserted or found again, as ranges of record ids, both ends included."""

    operator_timezone: str
    inserted: int = 0
    seen_again: bool = False
    days: set[date] = field(default_factory=set)
    changed: set[date] = field(default_factory=set)
    _ranges: list[tuple[int, int, date, date]] = field(default_factory=list)

    def add(self, low: int, high: int, days: Set[date], *, inserted: int, seen_again: bool) -> None:
        """Add a range with its local dates, how many views were inserted of it, and whether any may be no longer ahead."""
        self._ranges.append((low, high, min(days), max(days)))
        self.inserted += inserted
        self.seen_again |= seen_again
        self.days |= days
        if inserted:
            self.changed |= days

    @property
    def parameters(self) -> dict[str, object]:
        """The ranges, as the statements take them."""
        lows, highs, first_dates, last_dates = zip(*self._ranges, strict=True)
        ranges = {"lows": list(lows), "highs": list(highs), "first_dates": list(first_dates), "last_dates": list(last_dates)}
        # The first and last of all tell the planner which partitions it need not think of.
        return {**ranges, "first": min(first_dates), "last": max(last_dates), "operator_timezone": self.operator_timezone}


@dataclass(frozen=True)
class Judged:
    """The days on which views changed, and those on which one of them may have begun before the day."""

    changed: set[date]
    spilled: set[date]


def judge(connection: sa.Connection, arrivals: Arrivals) -> Judged:
    """Settle which views count, after a merge inserted some: those, and their twins wherever they are."""
    seen = connection.execute(_SEEN_IN_TIME, arrivals.parameters).all() if arrivals.seen_again else []
    changed = _set(connection, None, seen)
    if not arrivals.inserted and not seen:
        return Judged(changed, set())
    if arrivals.inserted > _MANY_VIEWS and 10 * arrivals.inserted > segments.count(connection, arrivals.days):
        # Looking for the twins of each view takes longer than comparing all views of these days.
        spilled = set(arrivals.days)
        changed |= arrivals.changed | judge_days(connection, arrivals.days)
    else:
        rows = connection.execute(_JUDGED_AMONG_TWINS, arrivals.parameters).all()
        spilled = {row.local_date for row in rows if row.begun_before}
        # A day may have had starts alone.
        changed |= arrivals.changed & {row.local_date for row in rows}
        changed |= _settle(connection, [row for row in rows if row.record_id is not None])
    return Judged(changed, spilled)


def judge_days(connection: sa.Connection, days: Collection[date]) -> set[date]:
    """Settle which views count of some days, all of whose views may be new; gives the days where that changes any."""
    return _settle(connection, connection.execute(_JUDGED_BY_DAY, {"days": sorted(days)}).all())


def _settle(connection: sa.Connection, judged: Sequence[sa.Row[Any]]) -> set[date]:
    repeated = [row for row in judged if row.repeats]
    return _set(connection, "duplicate", repeated) | _set(connection, None, [row for row in judged if not row.repeats])


def _set(connection: sa.Connection, reason: str | None, views: Sequence[sa.Row[Any]]) -> set[date]:
    days = {row.local_date for row in views}
    if views:
        parameters = {"reason": reason, "ids": [row.record_id for row in views], "first": min(days), "last": max(days)}
        connection.execute(_SET, parameters)
    return days


# Each range, day or view is looked up for itself: "offset 0" keeps the planner, which knows nothing of what is new, from
# joining them with all views.
_RANGES = """
    unnest(cast(:lows as bigint[]), cast(:highs as bigint[]), cast(:first_dates as date[]), cast(:last_dates as date[]))
        as range (low, high, first_date, last_date)
"""

_SEEN_IN_TIME = sa.text(f"""
    select ahead.record_id, ahead.local_date from {_RANGES} cross join lateral (
        select record_id, local_date from telemetry.views
        where excluded = 'future' and record_id between low and high and local_date between first_date and last_date
        offset 0
    ) as ahead cross join lateral (
        select from telemetry.records
        where record_id = ahead.record_id and local_date = ahead.local_date and timestamp <= received_at
        offset 0
    ) as seen
""")

_JUDGE = """
    select record_id, local_date, place > 1 as repeats from (
        select record_id, local_date, excluded, row_number() over (
                   partition by ended_at, device_id, channel_id, duration_seconds order by record_id
               ) as place
        from telemetry.views
        where {condition} and device_id is not null and excluded is distinct from 'future'
    ) as placed
    where (place > 1) <> (excluded is not null)
    offset 0
"""

_TWIN = """
    local_date = sought.local_date and local_date between :first and :last and ended_at = any(sought.moments)
"""

# Beside the views that are judged otherwise than before, a row for each day.
_JUDGED_AMONG_TWINS = sa.text(f"""
    with sought as materialized (
        select arrived.local_date, array_agg(distinct ended_at) as moments,
               bool_or(started_at < arrived.local_date::timestamp at time zone :operator_timezone) as begun_before
        from {_RANGES} cross join lateral (
            select local_date, ended_at, started_at from telemetry.views
            where record_id between low and high and local_date between first_date and last_date
              and local_date between :first and :last
            offset 0
        ) as arrived
        group by arrived.local_date
    )
    select local_date, begun_before, cast(null as bigint) as record_id, cast(null as boolean) as repeats from sought
    union all
    select judged.local_date, null, judged.record_id, judged.repeats from sought cross join lateral (
        {_JUDGE.format(condition=_TWIN)}
    ) as judged
""")

_JUDGED_BY_DAY = sa.text(f"""
    select judged.* from unnest(cast(:days as date[])) as one (day) cross join lateral (
        {_JUDGE.format(condition="local_date = one.day")}
    ) as judged
""")

_SET = sa.text("""
    update telemetry.views set excluded = :reason
    where record_id = any(cast(:ids as bigint[])) and local_date between :first and :last
""")
